"""A list that draws only the rows in sight, with a cursor, a header, a footer and a slim scroll bar of its own.

It does not change its virtual size as rows come and go, so that a growing list never lays the screen out anew.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from widgets.drawing import Drawing
from widgets.glyphs import CURSOR
from widgets.strips import LeanStrip
from widgets.text import Line, fit_line

_WHEEL = 3  # rows per turn of the wheel


class LineList(Drawing, can_focus=True):
    """Rows numbered from 0 to `rows - 1`, of which those in sight are drawn.

    A subclass gives `draw_row` and `row_key`, and calls `rows_changed` when its rows did. With `has_cursor` one row is
    chosen by arrow keys and mouse; without, these scroll. With `follows` the end stays in sight until one scrolls up.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="list.up", tooltip="One row up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="list.down", tooltip="One row down"),
        Binding("pageup", "page_up", "Page up", show=False, id="list.page_up", tooltip="One page up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="list.page_down", tooltip="One page down"),
        Binding("ctrl+home", "first", "First", show=False, id="list.first", tooltip="To the first row"),
        Binding("ctrl+end", "last", "Last", show=False, id="list.last", tooltip="To the last row, and follow"),
        Binding("enter", "activate", "Open", show=False, id="list.open", tooltip="Open the row"),
    ]

    OPENS: ClassVar[bool] = True
    """Whether there is something behind a row; else enter is left to the screen."""

    class Moved(Message):
        """The cursor stands on another row: `index`."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Activated(Message):
        """Enter or a double click on the row `index`."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(
        self,
        *,
        header: int = 0,
        footer: int = 0,
        has_cursor: bool = True,
        follows: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.rows = 0
        self.top = 0
        self.cursor: int | None = None
        self.header = header
        self.footer = footer
        self.has_cursor = has_cursor
        self.follows = follows
        self.following = follows
        """Whether the end is kept in sight."""
        self._drawn: dict[int, tuple[Any, LeanStrip]] = {}
        self._shown: list[Any] = []
        self._dragging = False

    # what a subclass gives

    def draw_row(self, index: int, width: int) -> Line:
        """The pieces of a row, for `width` cells; shorter and longer ones are padded and cut."""
        raise NotImplementedError

    def row_key(self, index: int) -> Any:
        """What the look of a row depends on; it is drawn anew when that compares unequal."""
        raise NotImplementedError

    def draw_header(self, y: int, width: int) -> Line:
        """A line above the rows, which does not scroll."""
        return []

    def draw_footer(self, y: int, width: int) -> Line:
        """A line below the rows, which does not scroll."""
        return []

    def header_key(self) -> Any:
        """What header and footer depend on."""
        return None

    def empty_line(self) -> str:
        """What to say when there are no rows."""
        return ""

    # room

    @property
    def room(self) -> int:
        """Rows that fit between header and footer."""
        return max(0, self.size.height - self.header - self.footer)

    @property
    def at_end(self) -> bool:
        """Whether the last row is in sight."""
        return self.top >= self.rows - self.room

    def rows_changed(self) -> None:
        """Say that rows came, went or changed: keeps cursor and view inside, and draws the lines that differ."""
        room = self.room
        if self.cursor is not None:
            self.cursor = min(self.cursor, self.rows - 1) if self.rows else None
        if self.following:
            self.top = self.rows - room
        self.top = max(0, min(self.top, self.rows - room))
        self._compare()

    def reveal(self, index: int) -> None:
        """Scroll as little as needed to have a row in sight."""
        room = self.room
        if index < self.top:
            self.top = index
        elif room and index >= self.top + room:
            self.top = index - room + 1

    def move_cursor(self, index: int, tell: bool = True) -> None:
        """Put the cursor on a row, and bring it into sight; `tell` posts `Moved`."""
        if not self.rows:
            return
        index = max(0, min(index, self.rows - 1))
        moved = index != self.cursor
        self.cursor = index
        self.reveal(index)
        if self.follows:
            self.following = index == self.rows - 1 and self.at_end
        self._compare()
        if moved and tell:
            self.post_message(self.Moved(index))

    def scroll_rows(self, top: int) -> None:
        """Scroll to have row `top` uppermost, as far as there are rows."""
        self.top = max(0, min(top, self.rows - self.room))
        if self.follows:
            self.following = self.at_end
        self._compare()

    # drawing

    def forget(self) -> None:
        """Drop the drawn lines."""
        self._drawn.clear()
        self._shown.clear()

    def on_resize(self) -> None:
        """Keep the cursor, or the end, in sight."""
        if self.following:
            self.top = self.rows - self.room
        elif self.cursor is not None:
            self.reveal(self.cursor)
        self.top = max(0, min(self.top, self.rows - self.room))

    def _keys(self) -> list[Any]:
        """What each line of the widget depends on."""
        height, room = self.size.height, self.room
        thumb = self._thumb()
        head = (self.header_key(), self.rows == 0)
        keys: list[Any] = [head] * min(self.header, height)
        focused = self.has_focus
        for y in range(room):
            index = self.top + y
            bar = thumb is not None and thumb[0] <= y < thumb[1]
            if index < self.rows:
                here = self.has_cursor and index == self.cursor
                keys.append((self.row_key(index), here and (2 if focused else 1), bar))
            else:
                keys.append((None, index if self.rows == 0 else 0, bar))
        keys.extend([head] * max(0, height - len(keys)))
        return keys

    def _compare(self) -> None:
        """Refresh the lines whose look has changed."""
        if not self.size.height or not self.size.width:
            return
        keys, shown = self._keys(), self._shown
        if len(keys) != len(shown):
            self.refresh()
        else:
            self.refresh_lines([y for y, key in enumerate(keys) if key != shown[y]])
        self._shown = keys

    def draw_line(self, y: int) -> LeanStrip:
        """Header, footer, a row, or nothing."""
        if y >= len(self._shown):
            self._shown = self._keys()
        key = self._shown[y] if y < len(self._shown) else None
        drawn = self._drawn.get(y)
        if drawn is not None and drawn[0] == key:
            return drawn[1]
        strip = self._draw(y)
        self._drawn[y] = (key, strip)
        return strip

    def _draw(self, y: int) -> LeanStrip:
        width, height = self.size
        if y < self.header:
            return self.strip(self.draw_header(y, width), width)
        if y >= height - self.footer:
            return self.strip(self.draw_footer(y - (height - self.footer), width), width)
        inner = max(0, width - 1)
        row = y - self.header
        index = self.top + row
        if index < self.rows:
            line = self.draw_row(index, inner)
        elif self.rows == 0 and row == 0:
            line = [(" " + self.empty_line(), "dim")]
        else:
            line = []
        line = fit_line(line, inner)
        ground = ""
        if self.has_cursor and index == self.cursor and index < self.rows:
            ground = "/cursor" if self.has_focus else "/blurred"
            line = [(CURSOR, "accent!" if self.has_focus else "dim"), *_without_first_cell(line)]
        thumb = self._thumb()
        if ground:
            line = [(text, name + ground) for text, name in line]
        if thumb is None:
            line.append((" ", "faint"))
        elif thumb[0] <= row < thumb[1]:
            line.append(("▐", "dim"))
        else:
            line.append(("│", "faint"))
        return self.strip(line, width)

    def _thumb(self) -> tuple[int, int] | None:
        """The lines that the scroll bar's thumb covers; None when all rows are in sight."""
        room = self.room
        if self.rows <= room or room < 2:
            return None
        size = max(1, room * room // self.rows)
        start = round(self.top * (room - size) / (self.rows - room))
        return start, start + size

    # keys

    def _step(self, by: int) -> None:
        if not self.has_cursor:
            self.scroll_rows(self.top + by)
        elif self.cursor is None:
            self.move_cursor(self.rows - 1 if self.following else self.top)
        else:
            self.move_cursor(self.cursor + by)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._step(-1)

    def action_cursor_down(self) -> None:
        """One row down."""
        self._step(1)

    def action_page_up(self) -> None:
        """One page up."""
        self._step(-max(1, self.room - 1))

    def action_page_down(self) -> None:
        """One page down."""
        self._step(max(1, self.room - 1))

    def action_first(self) -> None:
        """To the first row."""
        if self.has_cursor:
            self.move_cursor(0)
        else:
            self.scroll_rows(0)

    def action_last(self) -> None:
        """To the last row, and follow the end from there on."""
        if self.has_cursor:
            self.move_cursor(self.rows - 1)
        self.scroll_rows(self.rows)

    def action_activate(self) -> None:
        """Open the row under the cursor."""
        if not self.OPENS:
            raise SkipAction
        if self.cursor is not None and self.has_cursor:
            self.post_message(self.Activated(self.cursor))

    # mouse

    def row_at(self, y: int) -> int | None:
        """The row drawn on line `y` of the widget."""
        index = self.top + y - self.header
        inside = self.header <= y < self.size.height - self.footer
        return index if inside and index < self.rows else None

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a double click opens."""
        index = self.row_at(event.y)
        if event.button != 1 or index is None or (self._thumb() is not None and event.x == self.size.width - 1):
            return
        event.stop()
        if self.has_cursor:
            self.move_cursor(index)
            if event.chain == 2:
                self.post_message(self.Activated(index))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the scroll bar."""
        if event.x == self.size.width - 1 and self._thumb() is not None:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self._dragging:
            self._drag(event.y)
            event.stop()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of the scroll bar."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            event.stop()

    def _drag(self, y: int) -> None:
        thumb = self._thumb()
        if thumb is not None:
            size = thumb[1] - thumb[0]
            reach = max(1, self.room - size)
            share = min(1.0, max(0.0, (y - self.header - size // 2) / reach))
            self.scroll_rows(round(share * (self.rows - self.room)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        self.scroll_rows(self.top + _WHEEL)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        self.scroll_rows(self.top - _WHEEL)
        event.stop()

    # focus

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self._compare()

    def on_blur(self) -> None:
        """The cursor looks different without the focus."""
        self._compare()


def _without_first_cell(line: Line) -> Line:
    """The line less its first cell, which is a blank by custom: it is where the cursor's mark goes."""
    text, name = line[0]
    return [(text[1:], name), *line[1:]]
