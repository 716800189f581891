"""What just happened, in words: the newest sentence at the bottom and emphasised, earlier ones above it."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from engine.views import NarrationLine, Tone
from widgets.glyphs import TONE
from widgets.linelist import LineList
from widgets.pane import Pane
from widgets.text import Line, clean, fit, seconds, wrap

_TIME = 8  # columns of the time


class _Row(NamedTuple):
    time: str
    mark: str
    text: str
    tone: Tone
    newest: bool


class NarrationList(LineList):
    """The body of the narration pane."""

    OPENS: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(has_cursor=False, follows=True)
        self._lines: tuple[NarrationLine, ...] = ()
        self._rows: list[_Row] = []
        self._wrapped_for: Any = None

    def show(self, lines: tuple[NarrationLine, ...]) -> None:
        """Draw these sentences, oldest first."""
        if lines is self._lines or lines == self._lines:
            return
        self._lines = lines
        self._lay_out()
        self.rows_changed()

    def _lay_out(self) -> None:
        rows: list[_Row] = []
        width = self.size.width - 1 - _TIME - 4
        last = len(self._lines) - 1
        for number, line in enumerate(self._lines):
            time, mark = seconds(line.time, 1), TONE[line.tone]
            for words in wrap(clean(line.text), max(8, width)):
                rows.append(_Row(time, mark, words, line.tone, number == last))
                time = mark = ""
        self._rows = rows
        self.rows = len(rows)

    def on_resize(self) -> None:
        """Break the sentences anew."""
        self._lay_out()

    def empty_line(self) -> str:
        """What to say before anything has happened."""
        return "nothing to tell yet"

    def row_key(self, index: int) -> Any:
        """A row is its own key."""
        return self._rows[index]

    def draw_row(self, index: int, width: int) -> Line:
        """Time, mark, words."""
        row = self._rows[index]
        tone = row.tone if row.tone != "plain" or row.newest else "dim"
        strong = "!" if row.newest else ""
        return [
            (fit(row.time, _TIME, "right") + " ", "accent" if row.newest else "faint"),
            (fit(row.mark, 1) + " ", row.tone),
            (row.text, tone + strong),
        ]


class NarrationPane(Pane):
    """The narration, with scrollback. It follows the newest sentence until one scrolls up; `end` follows again."""

    PANE_TITLE: ClassVar[str] = "What just happened"

    def __init__(
        self, *, number: int | None = 5, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self._list = NarrationList()
        super().__init__(self._list, number=number, name=name, id=id, classes=classes)

    def show(self, lines: tuple[NarrationLine, ...]) -> None:
        """Draw these sentences, oldest first."""
        self._list.show(lines)
