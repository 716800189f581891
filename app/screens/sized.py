"""A screen that says so, in one sentence, when the terminal is too small for it."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

LEAST_WIDTH, LEAST_HEIGHT = 60, 18


class SizedScreen(Screen[Any]):
    """Base of the full screens. The class `-too-small` hides everything but the sentence; `-narrow` and `-short`
    say that panes stand one at a time."""

    NARROW, SHORT = 100, 30

    def compose(self) -> ComposeResult:
        """The sentence; subclasses add the rest."""
        self._choose(*self.app.size)  # before anything is laid out
        yield Static(_sentence(*self.app.size), id="too-small")

    def on_resize(self, event: events.Resize) -> None:
        """Choose what fits."""
        width, height = event.size
        self.query_one("#too-small", Static).update(_sentence(width, height))
        self._choose(width, height)
        self.resized(width, height)

    def _choose(self, width: int, height: int) -> None:
        self.set_class(width < LEAST_WIDTH or height < LEAST_HEIGHT, "-too-small")
        self.set_class(width < self.NARROW or height < self.SHORT, "-narrow")

    def resized(self, width: int, height: int) -> None:
        """The screen has this size now."""


def _sentence(width: int, height: int) -> str:
    return f"Swarmscope needs {LEAST_WIDTH}×{LEAST_HEIGHT} characters; this terminal has {width}×{height}."
