"""The run of a recording, taken from moment to moment up to its end."""

from __future__ import annotations

from collections.abc import Callable

from app.branches import Mark
from app.history import History
from engine.simulation import Simulation

Progress = Callable[[float, str], None]


class Stretch:
    """A run that is to be shown up to `end`, the last mark of its recording.

    Commands that cannot be carried out are passed over, as the screen did.
    """

    def __init__(self, run: Simulation | History, end: Mark) -> None:
        self.history = History(run, lambda: 0.0) if isinstance(run, Simulation) else run
        self.sim, self.end = self.history.sim, end

    def go_to(self, moment: int) -> None:
        """Go on to a moment (µs of virtual time), which must not lie behind; never past the end."""
        self.history.proceed(index=self.end.events, now=min(moment, self.end.now))

    def go_on(self, until: int, events: int) -> bool:
        """Go on for at most so many events, up to the moment `until` (µs); False once nothing more happens by then."""
        return self.history.go_on(min(until, self.end.now), min(events, self.end.events - self.sim.events)) > 0
