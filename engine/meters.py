"""What a run measures as it goes: counters, gauges, rates, percentiles, and bounded series over virtual time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from engine.duration import SECOND

RATE_WINDOW = 10  # seconds over which a rate is taken
SERIES_POINTS = 512
FIRST_INTERVAL = 10_000  # µs between the samples of a young run
_STEPS = 64  # parts of each power of two that a distribution tells apart: within 0.8 %


class Distribution:
    """Values ≥ 0 in classes of less than 1.6 % width: percentiles in bounded memory, the same whatever the order."""

    __slots__ = ("classes", "count", "highest", "lowest", "total")

    def __init__(self) -> None:
        self.classes: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.lowest = self.highest = 0.0

    def add(self, value: float) -> None:
        """Count `value`, which is finite and not negative."""
        if not 0 <= value < math.inf:
            raise ValueError(f"a distribution takes finite values of 0 and more; {value} was given")
        self.lowest = value if not self.count else min(self.lowest, value)
        self.highest = max(self.highest, value)
        self.count += 1
        self.total += value
        where = _class_of(value)
        self.classes[where] = self.classes.get(where, 0) + 1

    def percentile(self, share: float) -> float | None:
        """The value below which `share` (0 to 1) of the values lie; None while there are none."""
        if not self.count:
            return None
        rank = share * (self.count - 1)
        below = 0
        for where in sorted(self.classes):
            below += self.classes[where]
            if below > rank:
                return min(max(_middle_of(where), self.lowest), self.highest)
        return self.highest

    @property
    def mean(self) -> float | None:
        """The arithmetic mean; None while there are no values."""
        return self.total / self.count if self.count else None


def _class_of(value: float) -> int:
    micro = int(value * 1_000_000)
    if micro < _STEPS:
        return micro
    shift = micro.bit_length() - _STEPS.bit_length()
    return shift * _STEPS + (micro >> shift)


def _middle_of(where: int) -> float:
    if where < 2 * _STEPS:
        return where / 1_000_000
    shift, rest = divmod(where - _STEPS, _STEPS)
    return (((rest + _STEPS) << shift) + (1 << shift) / 2) / 1_000_000


class Meters:
    """Named counters, gauges, rates and distributions of one run."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.gauges: dict[str, float] = {}
        self.distributions: dict[str, Distribution] = {}
        self._recent: dict[str, dict[int, int]] = {}  # name → second → how many

    def count(self, name: str, amount: int = 1) -> int:
        """Add to a counter; returns where it stands."""
        self.counters[name] = total = self.counters.get(name, 0) + amount
        return total

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""
        self.gauges[name] = value

    def observe(self, name: str, value: float) -> None:
        """Add a value ≥ 0 to a distribution."""
        if name not in self.distributions:
            self.distributions[name] = Distribution()
        self.distributions[name].add(value)

    def tick(self, name: str, now: int, amount: int = 1) -> None:
        """Count something whose rate matters, at virtual time `now`."""
        seconds = self._recent.setdefault(name, {})
        second = now // SECOND
        seconds[second] = seconds.get(second, 0) + amount
        if len(seconds) > RATE_WINDOW + 1:
            for old in [s for s in seconds if s < second - RATE_WINDOW]:
                del seconds[old]

    def rate(self, name: str, now: int) -> float:
        """How many a second, over the last ten seconds or since the start if that is shorter."""
        first = now // SECOND - RATE_WINDOW + 1
        total = sum(n for second, n in self._recent.get(name, {}).items() if second >= first)
        span = now - max(first, 0) * SECOND
        return total * SECOND / span if span else 0.0

    def value(self, name: str) -> int:
        """A counter; 0 while nothing was counted."""
        return self.counters.get(name, 0)

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return dict(vars(self))

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says."""
        vars(self).update(state)


class Series:
    """Samples of several values at regular virtual times: at most 512; when full, every other one goes, and the
    interval doubles."""

    def __init__(self) -> None:
        self.interval = FIRST_INTERVAL
        self.times: list[int] = []
        self.values: dict[str, list[float]] = {}

    @property
    def next_time(self) -> int:
        """When the next sample is due."""
        return self.times[-1] + self.interval if self.times else 0

    def add(self, now: int, sample: Mapping[str, float]) -> None:
        """Remember a sample; a name that was not there before starts with zeros."""
        for name in sample:
            if name not in self.values:
                self.values[name] = [0.0] * len(self.times)
        self.times.append(now)
        for name, values in self.values.items():
            values.append(sample.get(name, values[-1] if values else 0.0))
        if len(self.times) >= SERIES_POINTS:
            self.interval *= 2
            self.times = self.times[::2]
            self.values = {name: values[::2] for name, values in self.values.items()}

    def __getitem__(self, name: str) -> tuple[float, ...]:
        """The samples of one value, oldest first; empty for an unknown name."""
        return tuple(self.values.get(name, ()))

    def names(self) -> Iterable[str]:
        """What is sampled."""
        return self.values

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return dict(vars(self))

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says."""
        vars(self).update(state)
