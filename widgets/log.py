"""The log: the trace of events, newest at the bottom, of which only the lines in sight are put into words."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import Any

from textual.message import Message

from engine.views import LogLine, LogView
from widgets.glyphs import EVENT_TONE, event_glyph
from widgets.linelist import LineList
from widgets.text import Line, clean, count, fit, seconds

_BUDGET = 256  # lines looked at by the filter in one go
_EMPTY = LogView(lines=(), total=0)


class LogPane(LineList):
    """Draws a LogView. Follows the end until one scrolls up; `ctrl+end` follows again. Arrows and a click choose an
    event, enter and a double click open it."""

    class EventSelected(Message):
        """The event with this index was chosen."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class EventOpened(Message):
        """Enter or a double click on the event with this index."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(follows=True, name=name, id=id, classes=classes)
        self._view = _EMPTY
        self._filter = ""
        self._matches: deque[LogLine] = deque()
        self._newest: LogLine | None = None  # the last line that the filter has looked at
        self._oldest: LogLine | None = None  # it has yet to look at the lines before this one, if there is one
        self._chosen: LogLine | None = None
        self._scanning = False

    @property
    def filter(self) -> str:
        """The text that lines must have to be shown; empty shows all."""
        return self._filter

    @property
    def counts(self) -> tuple[int, int]:
        """Lines shown, and events since the start."""
        return self.rows, self._view.total

    @property
    def chosen(self) -> int | None:
        """The index of the chosen event."""
        return self._chosen.index if self._chosen is not None else None

    @property
    def newest(self) -> int | None:
        """The index of the newest event shown."""
        lines = self._lines
        return lines[-1].index if len(lines) else None

    def show(self, view: LogView) -> None:
        """Draw this view, at its end or where one has scrolled to."""
        old, self._view = self._view, view
        if view.total < old.total:  # another run, or back in time
            self._restart_filter()
            self.following = True
            self._chosen = None
            self.cursor = None
        top = None if self.following or not self.rows else self._row(self.top, old)
        if self._filter:
            self._sift()
        self.rows = len(self._matches) if self._filter else len(view.lines)
        if top is not None:
            self.top = _position(self._lines, top)
        self._find_chosen()
        self.rows_changed()

    def set_filter(self, text: str) -> None:
        """Show only lines that have the text in their kind, agent, peer or summary, in any case."""
        text = text.strip().casefold()
        if text == self._filter:
            return
        self._filter = text
        self.following = True
        self._restart_filter()
        self.forget()
        self.show(self._view)

    # the filter

    def _restart_filter(self) -> None:
        self._matches.clear()
        self._newest = self._oldest = None

    def _sift(self) -> None:
        """Look at the new lines, or at the last ones when there are more than the budget; the rest comes later."""
        lines = self._view.lines
        if not lines:
            self._restart_filter()
            return
        newest = self._newest
        fresh: list[LogLine] = []
        for at in range(len(lines) - 1, max(-1, len(lines) - 1 - _BUDGET), -1):
            line = lines[at]
            if newest is not None and (line.index < newest.index or line == newest):
                first = lines[0].index
                while self._matches and self._matches[0].index < first:
                    self._matches.popleft()
                break
            fresh.append(line)
        else:  # all that was looked at is gone, or lies beyond a gap
            self._matches.clear()
            self._oldest = fresh[-1] if len(fresh) < len(lines) else None
        self._matches.extend(line for line in reversed(fresh) if self._passes(line))
        self._newest = lines[-1]
        if self._oldest is not None and not self._scanning and self.is_attached:
            self._scanning = True
            self.call_after_refresh(self._look_back)

    def _look_back(self) -> None:
        """Look at older lines, as many as the budget allows, and come back for more."""
        self._scanning = False
        if not self._filter or self._oldest is None:
            return
        lines = self._view.lines
        end = _position(lines, self._oldest)
        start = max(0, end - _BUDGET)
        older = list(lines[start:end])
        self._matches.extendleft(line for line in reversed(older) if self._passes(line))
        self._oldest = older[0] if start > 0 else None
        self.show(self._view)

    def _passes(self, line: LogLine) -> bool:
        text = f"{line.kind} {line.agent} {line.peer} {line.summary}"
        return self._filter in text.casefold()

    # rows

    @property
    def _lines(self) -> Sequence[LogLine]:
        return self._matches if self._filter else self._view.lines

    def _row(self, index: int, view: LogView) -> LogLine | None:
        lines = self._matches if self._filter else view.lines
        return lines[index] if 0 <= index < len(lines) else None

    def _find_chosen(self) -> None:
        if self._chosen is not None:
            at = _position(self._lines, self._chosen)
            same = at < self.rows and self._lines[at] == self._chosen
            self.cursor = at if same else None

    def move_cursor(self, index: int, tell: bool = True) -> None:
        """Choose a line."""
        if self.rows:
            index = max(0, min(index, self.rows - 1))
            self._chosen = self._lines[index]
        super().move_cursor(index, tell=False)
        if tell and self._chosen is not None:
            self.post_message(self.EventSelected(self._chosen.index))

    def empty_line(self) -> str:
        """Why there is no line."""
        return f"no event matches “{self._filter}”" if self._filter else "nothing has happened yet"

    def row_key(self, index: int) -> Any:
        """A row is drawn anew when another line stands there."""
        return self._lines[index]

    def draw_row(self, index: int, width: int) -> Line:
        """Time, number, glyph, kind, who, and what."""
        line = self._lines[index]
        tone = line.tone if line.tone != "plain" else EVENT_TONE.get(line.kind, "plain")
        pieces: Line = [(" ", "plain"), (fit(seconds(line.time, 3), 10, "right") + " ", "dim")]
        if width >= 90:
            pieces.append((fit(count(line.index), 11, "right") + " ", "dim"))
        pieces.append((f"{event_glyph(line.kind)} ", tone))
        pieces.append((fit(clean(line.kind), 9) + " ", "dim" if tone == "plain" else tone))
        who = 8 if width < 70 else 10
        pieces.append((fit(clean(line.agent), who) + " ", "plain"))
        pieces.append(("◂ " if line.peer else "  ", "dim"))
        pieces.append((fit(clean(line.peer), who) + " ", "plain"))
        pieces.append((clean(line.summary), "plain" if tone == "dim" else tone))
        return pieces

    def on_line_list_activated(self, event: LineList.Activated) -> None:
        """Enter opens the event."""
        event.stop()
        if self._chosen is not None:
            self.post_message(self.EventOpened(self._chosen.index))


def _position(lines: Sequence[LogLine], line: LogLine) -> int:
    """Where a line is; where it would be, if it is not kept any more. Several lines may have the same index."""
    at = bisect_left(lines, line.index, key=lambda other: other.index)
    for beyond in range(at, len(lines)):
        other = lines[beyond]
        if other == line:
            return beyond
        if other.index != line.index:
            break
    return at
