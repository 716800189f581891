"""What just happened, in words: the newest sentence at the bottom and emphasised, earlier ones above it."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from textual.actions import SkipAction
from textual.message import Message

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
    number: int  # of the sentence


class NarrationList(LineList):
    """The body of the narration pane. The cursor goes from sentence to sentence, on the first row of each."""

    def __init__(self) -> None:
        super().__init__(follows=True)
        self._lines: tuple[NarrationLine, ...] = ()
        self._rows: list[_Row] = []
        self._wrapped_for: Any = None

    def show(self, lines: tuple[NarrationLine, ...]) -> None:
        """Draw these sentences, oldest first."""
        if lines is self._lines or lines == self._lines:
            return
        chosen = self.chosen
        self._lines = lines
        self._lay_out()
        if chosen is not None:
            self.cursor = self._first_row(lines.index(chosen)) if chosen in lines else None
        self.rows_changed()

    @property
    def chosen(self) -> NarrationLine | None:
        """The sentence under the cursor; None while there is no cursor."""
        if self.cursor is None or self.cursor >= len(self._rows):
            return None
        return self._lines[self._rows[self.cursor].number]

    @property
    def newest(self) -> NarrationLine | None:
        """The last sentence."""
        return self._lines[-1] if self._lines else None

    def _first_row(self, sentence: int) -> int:
        return next((at for at, row in enumerate(self._rows) if row.number == sentence), 0)

    def move_cursor(self, index: int, tell: bool = True) -> None:
        """Put the cursor on the sentence that stands in a row, or coming from it, on the next one."""
        if not self._rows:
            return
        index = max(0, min(index, self.rows - 1))
        sentence = self._rows[index].number
        here = self._rows[self.cursor].number if self.cursor is not None and self.cursor < self.rows else None
        if sentence == here and self.cursor is not None and index > self.cursor:
            sentence = min(sentence + 1, len(self._lines) - 1)
        first = self._first_row(sentence)
        newest = sentence == len(self._lines) - 1
        if newest:
            self.reveal(self.rows - 1)
        super().move_cursor(first, tell)
        self.following = newest and self.at_end

    def action_activate(self) -> None:
        """Open the sentence under the cursor; where there is none, enter is left to the screen."""
        if self.cursor is None:
            raise SkipAction
        super().action_activate()

    def _lay_out(self) -> None:
        rows: list[_Row] = []
        width = self.size.width - 1 - _TIME - 4
        last = len(self._lines) - 1
        for number, line in enumerate(self._lines):
            time, mark = seconds(line.time, 1), TONE[line.tone]
            for words in wrap(clean(line.text), max(8, width)):
                rows.append(_Row(time, mark, words, line.tone, number == last, number))
                time = mark = ""
        self._rows = rows
        self.rows = len(rows)

    def on_resize(self) -> None:
        """Break the sentences anew."""
        number = self._rows[self.cursor].number if self.cursor is not None and self.cursor < self.rows else None
        self._lay_out()
        self.cursor = None if number is None else self._first_row(number)

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
    """The narration, with scrollback. Follows the newest sentence until one goes up; at the end it follows again."""

    class Opened(Message):
        """Enter or a double click on a sentence, which tells of the event with this index."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    PANE_TITLE: ClassVar[str] = "What just happened"

    def __init__(
        self, *, number: int | None = 5, name: str | None = None, id: str | None = None, classes: str | None = None
    ) -> None:
        self._list = NarrationList()
        super().__init__(self._list, number=number, name=name, id=id, classes=classes)

    def show(self, lines: tuple[NarrationLine, ...]) -> None:
        """Draw these sentences, oldest first."""
        self._list.show(lines)

    @property
    def event_in_view(self) -> int:
        """The index of the event that the chosen sentence, or else the newest one, tells of; 0 where there is none."""
        line = self._list.chosen or self._list.newest
        return 0 if line is None else line.index

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Nobody else needs to know."""
        event.stop()

    def on_line_list_activated(self, event: LineList.Activated) -> None:
        """Tell which event was opened."""
        event.stop()
        self.post_message(self.Opened(self.event_in_view))
