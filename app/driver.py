"""The driver: lets a run go on in short slices between frames, at the pace that the person wants.

It runs inside the event loop. A slice is a few milliseconds, followed by a real sleep, so that a key never waits long
even when the engine runs as fast as it can (docs/performance.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import anyio

from app.history import History, go_on
from engine.commands import Timed
from engine.duration import SECOND
from engine.simulation import NEVER, Simulation

FRAME = 1 / 30  # seconds between frames while the run goes on
SLICE = 0.004  # seconds of engine at a time when it runs flat out
PACED_SLICE = 0.008  # and when it follows the clock
BREATH = 0.001  # seconds of sleep between slices
SWITCH_INTERVAL = 0.0005  # so that the thread that writes to the terminal is not kept waiting
SLOWEST, FASTEST = 1 / 1024, 4096.0
FEW, MANY = 16, 4096  # events between two looks at the clock

Clock = Callable[[], float]


class Driver:
    """Paces one run. `speed` is virtual seconds per second, None for as fast as possible."""

    def __init__(
        self, sim: Simulation, *, speed: float | None = 1.0, paused: bool = False, clock: Clock = time.perf_counter
    ) -> None:
        self.sim = sim
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
        self.history = History(sim, clock)
        self._rate_mark = (clock(), sim.events)

    @property
    def paused(self) -> bool:
        """Whether time stands still."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._paused = value
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
    def pace(self) -> str:
        """The speed in words: `4×`, `1/8×`, `flat out, 412k events/s`."""
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
            while self._paused:
                on_frame()
                self._go = anyio.Event()
                await self._go.wait()
                next_frame = self._clock()
            flat_out = self.speed is None
            self._slice(SLICE if flat_out else PACED_SLICE)
            now = self._clock()
            if now >= next_frame:
                self._measure_rate(now)
                on_frame()
                # A frame that took long puts off the next one, so that keys and engine get their share.
                now = self._clock()
                next_frame = max(next_frame + FRAME, now + FRAME / 2)
            await anyio.sleep(BREATH if flat_out else max(BREATH, min(next_frame - now, FRAME)))

    def _slice(self, budget: float) -> None:
        """Let the run go on to where it should be by now, for at most `budget` seconds."""
        sim, clock = self.sim, self._clock
        began = clock()
        target = NEVER
        if self.speed is not None:
            real, virtual = self._anchor
            target = virtual + int((began - real) * self.speed * SECOND)
        end = began + budget
        while True:
            before = clock()
            done = go_on(sim, target, self._chunk)
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
        return go_on(self.sim, NEVER, 1) == 1

    def back(self) -> bool:
        """Pause, and go to the moment before the last event; False at the start."""
        self.paused = True
        if not self.sim.events:
            return False
        self.history.go_to(self.sim.events - 1)
        self._set_anchor()
        return True

    def apply(self, timed: Timed) -> None:
        """Carry out a command now, or put it on the agenda. Raises CommandError."""
        self.history.apply(timed)
        self._was_over = bool(self.sim.over)

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
