"""The sequence diagram: a lane for each agent, time downwards, and an arrow for each message."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from engine.duration import brief_duration
from engine.views import SequenceArrow, SequenceItem, SequenceMark, SequenceView
from widgets.glyphs import CURSOR
from widgets.linelist import LineList
from widgets.text import Line, clean, count, seconds
from widgets.weaving import NOTHING, Emphasis, Key, Sheet, choose, key_of, of_agents

_EMPTY = SequenceView(lanes=(), items=(), chosen=(), agents=0, total=0, now=0)


class SequencePane(LineList, can_focus=True, inherit_bindings=False):
    """Draws a SequenceView. Follows the end until one selects or scrolls up; esc follows again.

    What is selected, and a path of causes, are drawn heavy. Where a view that comes no longer holds what one looks at,
    the picture stands still until one follows again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="sequence.up", tooltip="Select the message before"),
        Binding("down,j", "cursor_down", "Down", show=False, id="sequence.down", tooltip="Select the message after"),
        Binding("pageup", "page_up", "Page up", show=False, id="sequence.page_up", tooltip="One page up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="sequence.page_down", tooltip="One page down"),
        Binding("escape", "follow", "Follow", show=False, id="sequence.follow", tooltip="Let go, follow the newest"),
    ]

    class Selected(Message):
        """An arrow or a mark was selected: the event with this index; 0 for a message that is on its way."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class LanesChanged(Message):
        """Other lanes are shown, or there are more or fewer agents without one."""

    def __init__(
        self, *, detail: bool = True, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(
            header=1, footer=int(detail), has_cursor=False, follows=True, name=name, id=id, classes=classes
        )
        self._view = _EMPTY
        self._sheet = Sheet(_EMPTY, (), 1)
        self._item: SequenceItem | None = None
        self._path: frozenset[int] = frozenset()
        self._emphasis: Emphasis = NOTHING
        self._told = (0, 0)  # lanes and agents, as it was told last

    @property
    def selected(self) -> int | None:
        """The index of the event that is selected; None while nothing is, or what is selected is on its way."""
        return self._item.index or None if self._item is not None else None

    @property
    def on_its_way(self) -> SequenceArrow | None:
        """The message that is selected, if it is on its way."""
        item = self._item
        return item if isinstance(item, SequenceArrow) and not item.index else None

    @property
    def newest(self) -> int | None:
        """The index of the newest event shown."""
        return max((item.index for item in self._sheet.items), default=0) or None

    @property
    def path(self) -> frozenset[int]:
        """The events, by index, that are drawn heavy."""
        return self._path

    @path.setter
    def path(self, indices: Collection[int]) -> None:
        if frozenset(indices) != self._path:
            self._path = frozenset(indices)
            self._emphasise()

    @property
    def lanes(self) -> tuple[str, ...]:
        """The names above the lanes, from left to right."""
        return tuple([lane.name for lane in self._sheet.lanes])

    @property
    def corner(self) -> str:
        """How many agents have a lane, where not all do."""
        return of_agents(len(self._sheet.lanes), self._view.agents)

    def show(self, view: SequenceView) -> None:
        """Draw this view, at its end or where one has scrolled to."""
        old = self._view
        another = view.total < old.total or view.chosen != old.chosen or view.only != old.only
        if another and not self.following:
            self._let_go()
        held = None if self.following else self._anchor()
        if held is not None and not self._holds(view, held):
            return
        self._view = view
        self._lay_out()
        if held is not None:
            self.top = self._sheet.row_of.get(held, self.top)
        self.rows_changed()

    def _anchor(self) -> Key | None:
        """What stands uppermost, or rather what is selected."""
        if self._item is not None:
            return key_of(self._item)
        rows = self._sheet.rows
        return key_of(rows[self.top].items[0]) if self.top < len(rows) else None

    def _holds(self, view: SequenceView, key: Key) -> bool:
        return any(key_of(item) == key for item in view.items)

    def select(self, index: int) -> None:
        """Select the arrow or mark of the event with this index, if it is shown, without telling of it."""
        self._choose(next((one for one in self._sheet.items if one.index == index), None), tell=False)

    def _lay_out(self) -> None:
        width = max(1, self.size.width - 1)
        shown, before = [lane.id for lane in self._sheet.lanes], self._told
        self._sheet = Sheet(self._view, choose(self._view, width, shown), width, max(2, self.room // 4))
        self.rows = len(self._sheet.rows)
        if self._item is not None:
            key = key_of(self._item)
            self._item = next((one for one in self._sheet.items if key_of(one) == key), None)
        self._emphasis = self._sheet.emphasis(self._path, None if self._item is None else key_of(self._item))
        self._told = (len(self._sheet.lanes), self._view.agents)
        if self._told != before:
            self.post_message(self.LanesChanged())

    def _emphasise(self) -> None:
        self._emphasis = self._sheet.emphasis(self._path, None if self._item is None else key_of(self._item))
        self._compare()

    # selecting

    def _choose(self, item: SequenceItem | None, *, tell: bool = True) -> None:
        self._item = item
        if item is not None:
            row = self._sheet.row_of[key_of(item)]
            self.reveal(row)
            self.following = False
        self._emphasise()
        if item is not None and tell:
            self.post_message(self.Selected(item.index))

    def _step(self, by: int) -> None:
        items = self._sheet.items
        if not items:
            return
        if self._item is None:
            first = self._last_in_sight()
        else:
            key = key_of(self._item)
            at = next((at for at, one in enumerate(items) if key_of(one) == key), len(items) - 1)
            first = max(0, min(len(items) - 1, at + (1 if by > 0 else -1)))
        self._choose(items[first])

    def _last_in_sight(self) -> int:
        """The last item in sight that has happened, or else the first one."""
        bottom = self.top + self.room
        row_of = self._sheet.row_of
        for at in range(len(self._sheet.items) - 1, -1, -1):
            item = self._sheet.items[at]
            if item.index and row_of[key_of(item)] < bottom:
                return at
        return 0

    def _let_go(self) -> None:
        self._item = None
        self.following = True

    def action_follow(self) -> None:
        """Let go of what is selected and of the path, and follow the newest."""
        self._let_go()
        self._path = frozenset()
        self._emphasise()
        self.rows_changed()

    def action_page_up(self) -> None:
        """One page up."""
        self.scroll_rows(self.top - max(1, self.room - 1))

    def action_page_down(self) -> None:
        """One page down."""
        self.scroll_rows(self.top + max(1, self.room - 1))

    def on_click(self, event: events.Click) -> None:
        """Select what is under the mouse."""
        row = self.row_at(event.y)
        if event.button != 1 or row is None or event.x >= self.size.width - 1:
            return
        event.stop()
        self._choose(self._sheet.item_at(row, event.x))

    # drawing

    def on_resize(self) -> None:
        """More or fewer lanes fit."""
        self._lay_out()
        super().on_resize()

    def empty_line(self) -> str:
        """Why there is nothing."""
        if self._view.only and not self._view.lanes:
            return f"no agent matches “{self._view.only}”"
        return "nothing has happened yet"

    def header_key(self) -> Any:
        """The names of the lanes, and what is selected."""
        return self._sheet.lanes, self._view.chosen, self._item, self.following, self.rows

    def draw_header(self, y: int, width: int) -> Line:
        """The names of the lanes."""
        return self._sheet.head()

    def draw_footer(self, y: int, width: int) -> Line:
        """All about what is selected; else what the keys do."""
        if self._item is not None:
            return detail(self._item)
        if not self.following:
            return [(" esc follows the newest again", "dim")]
        return [(" ↑ selects a message · page keys look back · w why", "dim")] if self.rows else []

    def row_key(self, index: int) -> Any:
        """A row is drawn anew when what stands in it or goes through it differs."""
        return self._sheet.lanes, self._sheet.look(index, self._emphasis), self._is_selected(index)

    def _is_selected(self, index: int) -> bool:
        return self._item is not None and self._sheet.row_of.get(key_of(self._item)) == index

    def draw_row(self, index: int, width: int) -> Line:
        """One row of the sheet, with a mark where the selection is."""
        line = self._sheet.draw(index, self._emphasis)
        if self._is_selected(index):
            text, ink = line[0]
            line = [(CURSOR, "accent!"), (text[1:], ink), *line[1:]]
        return line


def detail(item: SequenceItem) -> Line:
    """All about an arrow or a mark, in one line."""
    if isinstance(item, SequenceMark):
        line: Line = [
            (f" #{count(item.index)} ", "dim"),
            (f"{clean(item.kind)} ", "title!"),
            (f"{clean(item.who)} " if item.who else "", "plain"),
            (f"at {seconds(item.time, 3)}s", "dim"),
            (_cause(item), "dim"),
        ]
        if item.text:
            line.append((f"  {clean(item.text)}", "plain"))
        return line
    return _about(item)


def _about(item: SequenceArrow) -> Line:
    took = brief_duration(item.time - item.sent)
    match item.fate:
        case "moving":
            number, end = f"m{item.number}", f"due {seconds(item.time, 3)}s"
        case "lost" | "cut" | "dropped":
            number, end = f"#{count(item.index)}", f"{item.reason} at {seconds(item.time, 3)}s"
        case "held":
            number, end = f"#{count(item.index)}", f"came {seconds(item.time, 3)}s, {item.reason}"
        case _:
            number, end = f"#{count(item.index)}", f"arrived {seconds(item.time, 3)}s"
    return [
        (f" {number} ", "dim"),
        (f"{clean(item.kind)} ", "title!"),
        (f"{clean(item.sender)} → {clean(item.receiver)} ", "plain"),
        (f"sent {seconds(item.sent, 3)}s, {end} ({took})", "dim" if item.fate in ("arrived", "moving") else "bad"),
        (_cause(item), "dim"),
        (f"  {clean(item.summary)}", "plain"),
    ]


def _cause(item: SequenceItem) -> str:
    return f", by event {count(item.cause)}" if item.cause and item.cause != item.index else ""
