"""The driver: lets a run go on in short slices between frames, at the pace that the person wants.

It runs inside the event loop. A slice is a few milliseconds, followed by a real sleep, so that a key never waits long
even when the engine runs as fast as it can (docs/performance.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import anyio

from app.branches import Branch
from app.filling import Filler
from app.history import History
from engine.commands import Timed
from engine.duration import SECOND
from engine.errors import CommandError
from engine.simulation import NEVER, Simulation

FRAME = 1 / 30  # seconds between frames while the run goes on
SLICE = 0.004  # seconds of engine at a time when it runs flat out
PACED_SLICE = 0.008  # and when it follows the clock
WITNESSED = 0.5  # seconds between two looks of the witness
BREATH = 0.001  # seconds of sleep between slices
SWITCH_INTERVAL = 0.0005  # so that the thread that writes to the terminal is not kept waiting
SLOWEST, FASTEST = 1 / 1024, 4096.0
FEW, MANY = 16, 2048  # events between two looks at the clock
PATIENCE = 0.4  # seconds that a way to another moment may take at once; the rest of it is gone frame by frame

Clock = Callable[[], float]


class _Errand(NamedTuple):
    """Where the run is on its way to: an event, a virtual time (µs), or whatever `search` finds."""

    event: int
    moment: int
    search: Callable[[], int | None] | None


class Driver:
    """Paces one run, which may come with its history. `speed` is virtual seconds per second; None is as fast as
    possible."""

    def __init__(
        self,
        run: Simulation | History,
        *,
        speed: float | None = 1.0,
        paused: bool = False,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.history = History(run, clock) if isinstance(run, Simulation) else run
        self.sim = sim = self.history.sim
        self.speed = _kept(speed)
        self.events_per_second = 0.0
        self._clock = clock
        self._paused = paused
        self._go = anyio.Event()
        self._chunk = FEW
        self._anchor = (clock(), sim.now)
        self._was_over = bool(sim.over)
        self.ended = False
        """Whether it was the end of the run that paused it, and not a person."""
        self.filler = Filler(self.history, clock)
        """Takes further checkpoints while there is nothing else to do."""
        self.witness: Callable[[], None] | None = None
        """Is called now and then as the run goes on, and whenever something was done from outside."""
        self._witnessed = clock()
        self._errand: _Errand | None = None
        self._rate_mark = (clock(), sim.events)

    @property
    def paused(self) -> bool:
        """Whether time stands still; setting it ends a way to another moment wherever it is."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._paused = value
        self._errand = None
        self.ended = False
        self._set_anchor()
        self._rate_mark = (self._clock(), self.sim.events)
        if not value:
            self._was_over = bool(self.sim.over)
            self._go.set()

    def set_speed(self, speed: float | None) -> None:
        """Go on at this speed, kept within 1/1024 to 4096; None is as fast as possible."""
        self.speed = _kept(speed)
        self._was_over = bool(self.sim.over)
        self._set_anchor()

    @property
    def is_on_the_way(self) -> bool:
        """Whether it goes to another moment, and has not come there yet."""
        return self._errand is not None

    @property
    def pace(self) -> str:
        """The speed in words: `4×`, `1/8×`, `flat out, 412k events/s`."""
        if self._errand is not None:
            return "on the way"
        if self.speed is None:
            rate = self.events_per_second
            return f"flat out, {rate / 1000:,.0f}k ev/s" if rate >= 1000 else "flat out"
        inverse = 1 / self.speed
        return f"1/{inverse:g}×" if inverse > 1 and inverse.is_integer() else f"{self.speed:.4g}×"

    async def run(self, on_frame: Callable[[], None]) -> None:
        """Go on for ever, calling `on_frame` when a frame is due; cancel to end."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        next_frame = self._clock()
        while True:
            while self._paused and self._errand is None:
                on_frame()
                self._go = anyio.Event()
                while self.filler.work(SLICE) and not self._go.is_set():
                    await anyio.sleep(BREATH)
                await self._go.wait()
                next_frame = self._clock()
            flat_out = self.speed is None or self._errand is not None
            self._slice(SLICE if flat_out else PACED_SLICE)
            now = self._clock()
            self._be_witnessed(now)
            if now >= next_frame:
                self._measure_rate(now)
                on_frame()
                # A frame that took long puts off the next one, so that keys and engine get their share.
                now = self._clock()
                next_frame = max(next_frame + FRAME, now + FRAME / 2)
            if not flat_out and next_frame - now > 2 * SLICE and self.filler.is_light:
                self.filler.work(SLICE)  # the run keeps up with its pace, and there is time to spare
                now = self._clock()
            await anyio.sleep(BREATH if flat_out else max(BREATH, min(next_frame - now, FRAME)))

    def _slice(self, budget: float) -> None:
        """Let the run go on to where it should be by now, for at most `budget` seconds."""
        if self._errand is not None:
            self._go_errand(budget)
            return
        clock = self._clock
        began = clock()
        target = NEVER
        if self.speed is not None:
            real, virtual = self._anchor
            target = virtual + int((began - real) * self.speed * SECOND)
        end = began + budget
        while True:
            before = clock()
            done = self.history.go_on(target, self._chunk)
            after = clock()
            if done < self._chunk:
                break
            # About half a millisecond between looks at the clock, whatever an event costs.
            self._chunk = min(MANY, max(FEW, int(self._chunk * min(4.0, 0.0005 / max(after - before, 1e-6)))))
            if after >= end:
                self._set_anchor()  # the machine cannot keep up: go on from here, without debts
                break
        self.history.ran(clock() - began)
        if self.speed is None:
            self._stop_when_over(done)

    def _stop_when_over(self, done: int) -> None:
        """Flat out, a run would be far past its end before anybody saw it: pause there, once."""
        over = bool(self.sim.over)
        if (over and not self._was_over) or not done:
            self.paused = self.ended = True
        self._was_over = over

    def step(self) -> bool:
        """Pause, and let one event happen; False when nothing is left."""
        self.paused = True
        done = self.history.go_on(NEVER, 1)
        self._happened()
        return done == 1

    def back(self) -> bool:
        """Pause, and go to the moment before the last event; False at the start."""
        if not self.sim.events:
            self.paused = True
            return False
        self.go_to(self.sim.events - 1)
        return True

    # Going elsewhere. What cannot be reached at once is gone to frame by frame.

    def go_to(self, index: int) -> None:
        """Pause, and go to the moment right after an event, be it past or to come."""
        self._travel(None, index, NEVER)

    def go_to_time(self, now: int) -> None:
        """Pause, and go to the last moment of a virtual time (µs), be it past or to come."""
        self._travel(None, NEVER, now)

    def go_to_end(self) -> None:
        """Pause, and go to where the branch has come so far."""
        self._travel(None, *self.history.branch.reach)

    def go_to_landmark(self, by: int) -> bool:
        """Pause, and go to the next event worth seeing (1), running on until there is one, or to the one before (-1);
        False where there is none."""
        found = self.history.landmark(by)
        if found is not None:
            self.go_to(found.index)
            return True
        if by < 0 or (self.sim.over and not self.history.is_behind):
            self.paused = True
            return False
        began = self.sim.events
        self._travel(None, NEVER, NEVER, lambda: self._landmark_since(began))
        return True

    def _landmark_since(self, index: int) -> int | None:
        return next((one.index for one in self.history.branch.landmarks if one.index > index), None)

    def switch(self, number: int) -> None:
        """Pause, and go over to another branch, at the same virtual time, or at its end if that is earlier."""
        branch = self.history.tree.branches[number]
        self._travel(branch, NEVER, min(self.sim.now, branch.now))

    def branch_off(self, kept: Sequence[Timed] = ()) -> None:
        """Begin a new branch here, in which of the commands to come only those `kept` will. Raises CommandError where
        there is nothing to depart from."""
        self.check_branching()
        self.history.branch_off(kept)
        self._happened()

    def check_branching(self) -> None:
        """Raise CommandError where a new branch would be no other than this one."""
        if not self.history.is_behind and not self.sim.pending:
            raise CommandError("this is as far as the run has come, so there is no other future yet; go back first")

    def _travel(
        self, branch: Branch | None, index: int, now: int, search: Callable[[], int | None] | None = None
    ) -> None:
        """Go to a moment, or until `search` has found an event to go to."""
        self.paused = True
        self._happened()
        self.history.depart(branch, index=index, now=now)
        self._errand = _Errand(index, now, search)
        self._go_errand(PATIENCE)
        if self._errand is not None:
            self._go.set()

    def _go_errand(self, budget: float) -> None:
        """Go on with the way to a moment for a while; when it is over, stand still there."""
        errand = self._errand
        assert errand is not None
        patience = 0.0 if errand.search else budget
        began = self._clock()
        while True:
            arrived = self.history.proceed(index=errand.event, now=errand.moment, patience=patience)
            found = errand.search() if errand.search else None
            if found is not None:
                self.history.go_to(found)
            if arrived or found is not None or (errand.search and self.sim.over):
                self._errand = None
                break
            if self._clock() - began >= budget:
                break
        self.arrive()

    def arrive(self) -> None:
        """The run stands somewhere else now."""
        self._was_over = bool(self.sim.over)
        self._set_anchor()

    def apply(self, timed: Timed) -> None:
        """Carry out a command now, or put it on the agenda; in the past, a new branch begins. Raises CommandError."""
        self.history.apply(timed)
        self._happened()

    def _happened(self) -> None:
        """Something was done from outside: write it down, and see whether the run is over."""
        self._was_over = bool(self.sim.over)
        if self.witness is not None:
            self.witness()

    def _be_witnessed(self, now: float) -> None:
        if self.witness is not None and now - self._witnessed >= WITNESSED:
            self._witnessed = now
            self.witness()

    def _set_anchor(self) -> None:
        self._anchor = (self._clock(), self.sim.now)

    def _measure_rate(self, now: float) -> None:
        then, events = self._rate_mark
        if now - then >= 0.5:
            self.events_per_second = (self.sim.events - events) / (now - then)
            self._rate_mark = (now, self.sim.events)


def _kept(speed: float | None) -> float | None:
    """A speed within bounds."""
    return None if speed is None else min(max(speed, SLOWEST), FASTEST)
