"""Going back: checkpoints along the way, and what came from outside since each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from engine.commands import Timed
from engine.errors import CommandError
from engine.simulation import NEVER, Checkpoint, Simulation

EVERY = 20_000  # events between two checkpoints, at least
WORTH = 20  # and at least so many times as much running time as the last one took to make
KEPT = 24


def go_on(sim: Simulation, until: int, events: int) -> int:
    """`sim.run_to` that passes over commands of the agenda that cannot be carried out: the story tells of them."""
    first = sim.events
    while True:
        try:
            sim.run_to(until, first + events - sim.events)
        except CommandError:
            continue
        return sim.events - first


class _Given(NamedTuple):
    """A command from outside, and the moment at which it came: after so many events, at this virtual time."""

    events: int
    now: int
    timed: Timed

    @property
    def is_for_later(self) -> bool:
        return self.timed.at is not None or self.timed.after is not None


class History:
    """Checkpoints of one run, from its start on."""

    def __init__(self, sim: Simulation, clock: Callable[[], float]) -> None:
        self._sim = sim
        self._clock = clock
        self._spent = 0.0  # seconds that the last checkpoint took
        self._ran = 0.0  # seconds of running since then
        self._given: list[_Given] = []
        self._checkpoints: list[tuple[Checkpoint, int]] = []  # each with how much had been given before it
        self._take()

    def ran(self, seconds: float) -> None:
        """The run has gone on for so long in real time; take a checkpoint if one is due."""
        self._ran += seconds
        if self._sim.events - self._checkpoints[-1][0].index >= EVERY and self._ran >= WORTH * self._spent:
            self._take()

    def apply(self, timed: Timed) -> None:
        """Carry out a command, or put it on the agenda, and remember it. Raises CommandError."""
        moment = (self._sim.events, self._sim.now)
        self._sim.apply(timed)
        self._given.append(_Given(*moment, timed))

    def go_to(self, index: int) -> None:
        """Go to the moment right after the event with this index, which must not lie ahead."""
        sim = self._sim
        while self._checkpoints[-1][0].index > index:
            self._checkpoints.pop()
        # A command that is carried out is an event itself, the one after those that it came after.
        self._given = [one for one in self._given if one.events + (not one.is_for_later) <= index]
        self._restore()
        go_on(sim, NEVER, index - sim.events)

    @property
    def given(self) -> int:
        """How many commands came from outside so far."""
        return len(self._given)

    def go_to_time(self, now: int, given: int) -> None:
        """Go to the last moment of virtual time `now` (µs), which must not lie ahead, at which `given` commands had
        come."""
        while len(self._checkpoints) > 1 and (self._checkpoints[-1][0].time > now or self._checkpoints[-1][1] > given):
            self._checkpoints.pop()
        del self._given[given:]
        self._restore()
        go_on(self._sim, now, NEVER)

    def _restore(self) -> None:
        """Go to the last checkpoint, and from there on to the last thing that was given."""
        sim = self._sim
        start, before = self._checkpoints[-1]
        sim.restore(start)
        for one in self._given[before:]:
            go_on(sim, NEVER, one.events - sim.events)
            if not one.is_for_later and sim.now < one.now:
                go_on(sim, one.now, 1)  # time passes; no event happens meanwhile, as none did then
            sim.apply(one.timed)

    def _take(self) -> None:
        began = self._clock()
        self._checkpoints.append((self._sim.checkpoint(), len(self._given)))
        self._spent, self._ran = self._clock() - began, 0.0
        if len(self._checkpoints) > KEPT:
            # Thin out the older half; the first one stays, so that every moment can be reached.
            half = len(self._checkpoints) // 2
            self._checkpoints = self._checkpoints[:half:2] + self._checkpoints[half:]
