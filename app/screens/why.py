"""Why something happened: the chain of causes that led to it, drawn, and in words."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from engine.causes import Find, chain, in_words
from engine.sequence import sequence_of
from engine.simulation import Simulation
from engine.trace import TraceEvent
from engine.views import SequenceArrow
from widgets.glyphs import EVENT_TONE, event_glyph
from widgets.linelist import LineList
from widgets.sequence import SequencePane
from widgets.text import Line, clean, count, fit, seconds, wrap
from widgets.weaving import label

BRIEF = 44  # columns of a message in a sentence
BESIDE = 20  # columns beside the sentences
FRAME = 4  # lines of the box besides drawing and sentences: its border, its heading, an empty one


class Reasons(LineList, inherit_bindings=False):
    """A chain of causes in words, oldest first; the cursor goes from event to event."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="why.up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="why.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="why.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="why.page_down"),
        Binding("enter,g", "activate", "Go to that moment", id="why.go"),
    ]

    def __init__(self) -> None:
        super().__init__(header=1)
        self._events: list[TraceEvent] = []
        self._words: list[str] = []
        self._table: list[tuple[int, str, bool]] = []  # event, words, whether it is the first row of the event
        self._width = 0

    def show(self, events: list[TraceEvent], words: list[str], at: int) -> None:
        """Show these events, with the cursor on one of them."""
        self._events, self._words = events, words
        self._lay_out()
        self.cursor = self._row_of(at)
        self.reveal(self.rows - 1 if at == len(events) - 1 else self.cursor)
        self.rows_changed()

    def lines_in(self, width: int) -> int:
        """How many lines its sentences take in so many columns, with the rule above them."""
        return 1 + sum(len(wrap(clean(words), max(10, width - BESIDE))) for words in self._words)

    def go_to(self, event: int) -> None:
        """Put the cursor on an event."""
        if self._table:
            self.reveal(max(at for at, row in enumerate(self._table) if row[0] == event))
            self.move_cursor(self._row_of(event))

    @property
    def at(self) -> int:
        """The event under the cursor, counted from 0."""
        if not self._table:
            return 0
        return self._table[min(self.cursor or 0, self.rows - 1)][0]

    def _lay_out(self) -> None:
        self._table = []
        width = max(10, self.size.width - BESIDE)
        for number, words in enumerate(self._words):
            for part, text in enumerate(wrap(clean(words), width)):
                self._table.append((number, text, part == 0))
        self.rows = len(self._table)

    def _row_of(self, event: int) -> int:
        return next((at for at, row in enumerate(self._table) if row[0] == event), 0)

    def _step(self, by: int) -> None:
        self.go_to(max(0, min(self.at + by, len(self._events) - 1)))

    def on_resize(self) -> None:
        """Break the sentences anew."""
        at = self.at
        self._lay_out()
        self.cursor = self._row_of(at) if self._table else None
        super().on_resize()

    def draw_header(self, y: int, width: int) -> Line:
        """A rule below the drawing."""
        return [(" " + "─" * max(0, width - 2), "faint")]

    def row_key(self, index: int) -> Any:
        """A row is its own key."""
        return self._table[index]

    def draw_row(self, index: int, width: int) -> Line:
        """Time, glyph, sentence."""
        number, text, first = self._table[index]
        event = self._events[number]
        newest = number == len(self._events) - 1
        tone = EVENT_TONE.get(event.kind, "plain")
        time = seconds(event.time, 3) + "s" if first else ""
        glyph = event_glyph(event.kind) if first else " "
        ink = "title!" if newest else "plain"
        return [(" " + fit(time, 11, "right") + "  ", "dim"), (glyph + " ", tone), (text, ink)]


class WhyScreen(ModalScreen[int | None]):
    """One chain of causes. Closes with the index of an event to go to, or with nothing. The run goes on behind it."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape,q", "close", "Close", id="why.close"),
        Binding("w", "further", "Further back", id="why.further"),
    ]

    def __init__(self, sim: Simulation, events: list[TraceEvent], find: Find, about: str) -> None:
        """`events` is a chain that `engine.causes.chain` found; `about` says what it explains."""
        super().__init__()
        self._sim = sim
        self._events = events
        self._find = find
        self._about = about
        self._diagram = SequencePane(detail=False, id="why-diagram")
        self._reasons = Reasons()
        self._reasons.id = "why-reasons"

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """The chain that is shown, oldest first."""
        return tuple(self._events)

    def compose(self) -> ComposeResult:
        """The path in a box: drawn above, in words below."""
        with Vertical(id="why-box"):
            yield Static(id="why-about", markup=False)
            yield self._diagram
            yield self._reasons
        yield Footer()

    def on_mount(self) -> None:
        """Show the chain, its end first."""
        self._diagram.can_focus = False
        self._show(len(self._events) - 1)
        self._reasons.focus()

    def _show(self, at: int) -> None:
        view = sequence_of(self._sim, self._events)
        words = [
            in_words(
                event,
                self._find,
                first=place == 0,
                message=label(item, BRIEF) if isinstance(item, SequenceArrow) else "",
                reason=item.reason if isinstance(item, SequenceArrow) else "",
            )
            for place, (event, item) in enumerate(zip(self._events, view.items, strict=True))
        ]
        steps = f"{count(len(self._events))} {'event' if len(self._events) == 1 else 'events'}"
        self.query_one("#why-about", Static).update(f"Why: {clean(self._about)}  ·  {steps}")
        self._diagram.styles.height = len(self._events) + 1  # with its head; the style sheet sets a limit
        self._diagram.show(view)
        self._diagram.path = [event.index for event in self._events]
        self._reasons.show(self._events, words, at)
        self._fit()
        self._mark()

    def _fit(self) -> None:
        """Make the box no taller than what stands in it; the style sheet sets a limit."""
        drawn = min(len(self._events) + 1, self.size.height // 2)
        told = self._reasons.lines_in(self.size.width * 94 // 100 - 2)
        self.query_one("#why-box").styles.height = FRAME + drawn + told

    def on_resize(self) -> None:
        """More or fewer words fit in a line."""
        if self.is_mounted:
            self._fit()

    def _mark(self) -> None:
        self._diagram.select(self._events[self._reasons.at].index)

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        self._mark()

    @on(LineList.Activated)
    def _opened(self, event: LineList.Activated) -> None:
        event.stop()
        self.dismiss(self._events[self._reasons.at].index)

    @on(SequencePane.Selected)
    def _clicked(self, event: SequencePane.Selected) -> None:
        event.stop()
        at = next((at for at, one in enumerate(self._events) if one.index == event.index), 0)
        self._reasons.go_to(at)

    def action_further(self) -> None:
        """Go on from what began it to what led to that: the event that set the timer."""
        first = self._events[0]
        earlier = chain(first.cause, self._find) if first.cause else []
        if earlier:
            self._events = [*earlier, *self._events]
            self._show(len(earlier) - 1)
        elif first.cause is None:
            self.notify("nothing led to this: it is where it began", markup=False)
        else:
            self.notify(f"event {count(first.cause)} is not kept any more", markup=False)

    def action_close(self) -> None:
        """Back to the panes."""
        self.dismiss(None)
