"""Failure detectors: from the times of somebody's heartbeats to a suspicion that it is down.

`TimeoutDetector` knows a fixed limit. `PhiAccrualDetector` (N. Hayashibara et al., The φ Accrual Failure Detector,
SRDS 2004) learns how heartbeats usually come, and says how unlikely so long a silence is: φ = 1 means that one such
silence in ten is no failure, φ = 2 one in a hundred, and so on.

Both hold plain integers, in microseconds of the watcher's clock, and compute with + − × ÷, √ and `engine.exact` alone,
so that every machine suspects at the same microsecond.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, Protocol

from engine.exact import exp, ln

LN_10 = 2.302585092994046
HIGHEST_PHI = 1000.0  # what a silence counts that can hardly be told from for ever
_HALF_LN_2_PI = 0.9189385332046727
_SERIES_TO = 2.0  # standard deviations up to which the series converges fast, and beyond which the fraction does
_TERMS = 60


class Detector(Protocol):
    """What a watcher asks of a failure detector."""

    def heartbeat(self, now: int) -> None:
        """A sign of life came at `now`."""

    def suspicion(self, now: int) -> float:
        """How much speaks for a failure; 0 for nothing at all."""

    def suspects(self, now: int) -> bool:
        """Whether the suspicion has reached the threshold."""


class TimeoutDetector:
    """Suspects after a fixed silence. Its suspicion is the share of the timeout that has passed."""

    def __init__(self, timeout: int, now: int) -> None:
        """`timeout` is the longest silence that raises no suspicion, in µs, at least 1; watching starts at `now`."""
        if timeout < 1:
            raise ValueError(f"a timeout is at least 1us; {timeout} was given")
        self.timeout = timeout
        self.last = now

    def heartbeat(self, now: int) -> None:
        """A sign of life came at `now`; one that comes late, out of order, changes nothing."""
        self.last = max(self.last, now)

    def suspicion(self, now: int) -> float:
        """The share of the timeout that has passed since the last sign of life; beyond 1 it is over."""
        return max(0, now - self.last) / self.timeout

    def suspects(self, now: int) -> bool:
        """Whether the silence is longer than the timeout."""
        return now - self.last > self.timeout


class PhiAccrualDetector:
    """Suspects when φ = −log₁₀ P(a heartbeat comes later than this) reaches a threshold.

    The intervals between heartbeats are taken as normally distributed, as in the paper, or as exponentially, as in
    Cassandra (Lakshman & Malik 2010), with the mean and deviation of the last `window` of them.
    """

    def __init__(
        self,
        expected: int,
        now: int,
        *,
        threshold: float = 8.0,
        window: int = 100,
        least_deviation: int = 0,
        distribution: Literal["normal", "exponential"] = "normal",
    ) -> None:
        """`expected` is the interval between heartbeats that is taken for usual until some have come, in µs;
        watching starts at `now`. `least_deviation` (µs) keeps a perfectly regular past from making a hair-trigger."""
        if expected < 1:
            raise ValueError(f"heartbeats are at least 1us apart; {expected} was given")
        if window < 1:
            raise ValueError(f"a window holds at least 1 interval; {window} was given")
        self.threshold = threshold
        self.window = window
        self.least_deviation = least_deviation
        self.distribution = distribution
        self.last = now
        # The first guess, with a quarter of it for its deviation, weighs as much as two heartbeats.
        quarter = expected // 4
        self.intervals: deque[int] = deque([expected - quarter, expected + quarter])
        self.total = 2 * expected
        self.squares = (expected - quarter) ** 2 + (expected + quarter) ** 2

    def heartbeat(self, now: int) -> None:
        """A sign of life came at `now`; one that comes late, out of order, changes nothing."""
        interval = now - self.last
        if interval <= 0:
            return
        self.last = now
        self.intervals.append(interval)
        self.total += interval
        self.squares += interval * interval
        if len(self.intervals) > self.window:
            oldest = self.intervals.popleft()
            self.total -= oldest
            self.squares -= oldest * oldest

    @property
    def mean(self) -> float:
        """The mean interval, in µs."""
        return self.total / len(self.intervals)

    @property
    def deviation(self) -> float:
        """The standard deviation of the intervals, in µs, but at least `least_deviation`."""
        count = len(self.intervals)
        variance = (count * self.squares - self.total * self.total) / (count * count)
        return max(math.sqrt(variance), float(self.least_deviation))

    def phi(self, now: int) -> float:
        """−log₁₀ of the probability that a heartbeat comes as late as this, or later; at most 1000."""
        silence = now - self.last
        if silence <= 0:
            return 0.0
        if self.distribution == "exponential":
            return min(HIGHEST_PHI, silence / (self.mean * LN_10))
        deviation = self.deviation
        if deviation <= 0.0:
            return HIGHEST_PHI if silence > self.mean else 0.0
        return min(HIGHEST_PHI, -ln_normal_tail((silence - self.mean) / deviation) / LN_10)

    def suspicion(self, now: int) -> float:
        """φ."""
        return self.phi(now)

    def suspects(self, now: int) -> bool:
        """Whether φ has reached the threshold."""
        # Before the mean has passed φ is at most log₁₀ 2; that saves most of the arithmetic.
        if self.threshold > 1.0 and (now - self.last) * len(self.intervals) <= self.total:
            return False
        return self.phi(now) >= self.threshold


def ln_normal_tail(x: float) -> float:
    """ln P(X > x) for a standard normal X, with a relative error of the probability below 1e-12 for |x| ≤ 5 and
    below 1e-9 beyond: the series of the integral near 0, and Laplace's continued fraction in the tail."""
    if x < -_SERIES_TO:
        upper = ln_normal_tail(-x)
        return ln(1.0 - exp(upper)) if upper > -700.0 else 0.0
    if x <= _SERIES_TO:
        term = total = x
        for n in range(1, _TERMS):
            term *= x * x / (2 * n + 1)
            total += term
        return ln(0.5 - exp(-0.5 * x * x - _HALF_LN_2_PI) * total)
    fraction = x
    for n in range(_TERMS, 0, -1):
        fraction = x + n / fraction
    return -0.5 * x * x - _HALF_LN_2_PI - ln(fraction)
