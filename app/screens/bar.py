"""The line at the bottom: for commands, with completion and history, and for the filter."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from engine.errors import CommandError
from engine.grammar import last_word

Candidates = Callable[[str], list[str]]


class _Completing(Suggester):
    """Offers the first candidate for the word being typed, after the cursor."""

    def __init__(self, candidates: Candidates) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._candidates = candidates

    async def get_suggestion(self, value: str) -> str | None:
        """`value`, completed; None where nothing fits."""
        found = self._candidates(value) if value else []
        return _completed(value, found[0]) if found else None


def _completed(value: str, candidate: str) -> str:
    word = last_word(value)
    return value[: len(value) - len(word)] + candidate


class _Line(Input):
    """The input itself: tab takes what is offered, up and down walk through the history."""

    def __init__(self, candidates: Candidates, history: list[str]) -> None:
        super().__init__(suggester=_Completing(candidates), compact=True, select_on_focus=False)
        self._candidates = candidates
        self._history = history
        self._at = 0
        self._draft = ""

    def begin(self, text: str) -> None:
        """Start with this text, at the end of the history."""
        self._at = len(self._history)
        self.value = text
        self.cursor_position = len(text)

    async def on_key(self, event: events.Key) -> None:
        """Tab, up and down mean something else here than elsewhere."""
        if event.key == "tab":
            event.prevent_default().stop()
            found = self._candidates(self.value)
            if found:
                self.value = _completed(self.value, found[0])
                self.cursor_position = len(self.value)
        elif event.key in ("up", "down"):
            event.prevent_default().stop()
            self._recall(-1 if event.key == "up" else 1)

    def _recall(self, by: int) -> None:
        at = self._at + by
        if not 0 <= at <= len(self._history):
            return
        if self._at == len(self._history):
            self._draft = self.value
        self._at = at
        self.value = self._draft if at == len(self._history) else self._history[at]
        self.cursor_position = len(self.value)


class Bar(Vertical):
    """A line that appears when asked for. What was typed stays until it is right, or given up with escape."""

    class Submitted(Message):
        """Enter on what was typed."""

        def __init__(self, bar: Bar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

    class Changed(Message):
        """Another text stands in the line."""

        def __init__(self, bar: Bar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

    class Closed(Message):
        """Escape."""

        def __init__(self, bar: Bar) -> None:
            super().__init__()
            self.bar = bar

    def __init__(self, prompt: str, hint: str, candidates: Candidates, history: list[str], *, id: str) -> None:
        super().__init__(id=id, classes="bar")
        self._prompt = prompt
        self._hint = hint
        self._candidates = candidates
        self._line = _Line(candidates, history)

    @property
    def is_open(self) -> bool:
        """Whether the line is shown."""
        return self.has_class("-open")

    def compose(self) -> ComposeResult:
        """The hint above the line."""
        yield Static(self._hint, classes="bar-hint", markup=False)
        with Horizontal(classes="bar-line"):
            yield Static(self._prompt, classes="bar-prompt", markup=False)
            yield self._line

    def open(self, text: str = "") -> None:
        """Show the line and type into it, from the next key on; one that is open already keeps what stands in it."""
        if not self.is_open or text:
            self._line.begin(text)
            self._say(self._hint)
        self.add_class("-open")
        self.screen.set_focus(self._line)

    def close(self) -> None:
        """Hide the line."""
        self.remove_class("-open")

    def complain(self, error: CommandError) -> None:
        """Say what is wrong with what was typed, and where."""
        column = f"column {error.column}: " if error.column else ""
        self._say(f"✗ {column}{error.message}", wrong=True)
        if error.column:
            self._line.cursor_position = min(error.column - 1, len(self._line.value))

    def _say(self, text: str, *, wrong: bool = False) -> None:
        hint = self.query_one(".bar-hint", Static)
        hint.update(text)
        hint.set_class(wrong, "-wrong")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        found = self._candidates(event.value) if event.value else []
        shown = "  ".join(found[:12]) + ("  …" if len(found) > 12 else "")
        self._say(shown or self._hint)
        self.post_message(self.Changed(self, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self, event.value))

    def on_key(self, event: events.Key) -> None:
        """Escape gives up."""
        if event.key == "escape":
            event.stop()
            self.post_message(self.Closed(self))
