"""Going back: checkpoints along the way, and the commands that came from outside since each of them."""

from __future__ import annotations

from collections.abc import Callable

from engine.commands import Timed
from engine.grammar import parse
from engine.simulation import Checkpoint, Simulation

EVERY = 20_000  # events between two checkpoints, at least
WORTH = 20  # and at least so many times as much running time as the last one took to make
KEPT = 24


class History:
    """Checkpoints of one run, from its start on."""

    def __init__(self, sim: Simulation, clock: Callable[[], float]) -> None:
        self._sim = sim
        self._clock = clock
        self._spent = 0.0  # seconds that the last checkpoint took
        self._ran = 0.0  # seconds of running since then
        self._checkpoints: list[Checkpoint] = []
        self._ordered: list[tuple[int, Timed]] = []  # what was put on the agenda from outside, and when
        self._take()

    def ran(self, seconds: float) -> None:
        """The run has gone on for so long in real time; take a checkpoint if one is due."""
        self._ran += seconds
        if self._sim.events - self._checkpoints[-1].index >= EVERY and self._ran >= WORTH * self._spent:
            self._take()

    def ordered(self, timed: Timed) -> None:
        """A command was put on the agenda from outside."""
        self._ordered.append((self._sim.events, timed))

    def go_to(self, index: int) -> None:
        """Go to the moment right after the event with this index, which must not lie ahead."""
        sim = self._sim
        while len(self._checkpoints) > 1 and self._checkpoints[-1].index > index:
            self._checkpoints.pop()
        start = self._checkpoints[-1]
        given = [self._read(text) for text in sim.commands]
        sim.restore(start)
        self._ordered = [(at, timed) for at, timed in self._ordered if at <= index]
        for at, ordered in self._ordered:
            if at >= start.index:
                sim.schedule(ordered)
        for timed in given:
            if timed is not None and timed.after is not None and start.index <= timed.after < index:
                sim.schedule(timed)
        sim.run_to(1 << 62, index - sim.events)

    def _read(self, text: str) -> Timed | None:
        return parse(text, {spec.name: spec for spec in self._sim.scenario.commands})

    def _take(self) -> None:
        began = self._clock()
        self._checkpoints.append(self._sim.checkpoint())
        self._spent, self._ran = self._clock() - began, 0.0
        if len(self._checkpoints) > KEPT:
            # Thin out the older half; the first one stays, so that every moment can be reached.
            half = len(self._checkpoints) // 2
            self._checkpoints = self._checkpoints[:half:2] + self._checkpoints[half:]
