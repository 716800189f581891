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
        yield Static(id="too-small")

    def on_resize(self, event: events.Resize) -> None:
        """Choose what fits."""
        width, height = event.size
        too_small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        if too_small:
            self.query_one("#too-small", Static).update(
                f"Swarmscope needs {LEAST_WIDTH}×{LEAST_HEIGHT} characters; this terminal has {width}×{height}."
            )
        self.set_class(too_small, "-too-small")
        self.set_class(width < self.NARROW or height < self.SHORT, "-narrow")
        self.resized(width, height)

    def resized(self, width: int, height: int) -> None:
        """The screen has this size now."""
