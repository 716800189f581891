"""How many workers there should be: the rules, as arithmetic on whole numbers.

The rule of the Horizontal Pod Autoscaler is that of Kubernetes (autoscaling/v2): a ratio with a tolerance, a
stabilisation window, and policies that limit how fast the pool grows and shrinks. Nothing here knows of agents: times
are microseconds of whatever clock the caller keeps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct

from engine.duration import SECOND

TOLERANCE = Fraction(1, 10)


def ceiling(numerator: int, denominator: int) -> int:
    """⌈numerator / denominator⌉, exactly."""
    return -(-numerator // denominator)


def desired(current: int, metric: int | Fraction, target: int | Fraction, tolerance: Fraction = TOLERANCE) -> int:
    """⌈current · metric / target⌉, or `current` where the metric is within the tolerance of its target."""
    ratio = Fraction(metric) / Fraction(target)
    if abs(ratio - 1) <= tolerance:
        return current
    wanted = current * ratio
    return ceiling(wanted.numerator, wanted.denominator)


def desired_with_starting(
    ready: int, starting: int, metric: Fraction, target: Fraction, tolerance: Fraction = TOLERANCE
) -> int:
    """`desired` for `ready` workers whose mean is `metric`, while others are starting: these count as idle where the
    rule would grow the pool, so that it does not grow again and again for the same load."""
    current = ready + starting
    if ready == 0:
        return max(current, 1)
    if not starting or metric <= target:
        wanted = desired(ready, metric, target, tolerance)
        return current if wanted == ready else wanted + (starting if wanted > ready else 0)
    damped = metric * ready / current
    if damped <= target:  # the sign has turned: wait for those that start
        return current
    return desired(current, damped, target, tolerance)


class RatePolicy(Struct, frozen=True):
    """So much and no more in any `period` (µs): a number of workers, or a percentage of the pool."""

    kind: str  # pods, percent
    value: int
    period: int


class Behaviour(Struct, frozen=True):
    """How fast a pool may grow and shrink: of several policies the one that allows the most counts, and no policy
    means no limit. The windows (µs) are how long a recommendation holds."""

    up: tuple[RatePolicy, ...] = (RatePolicy("pods", 4, 15 * SECOND), RatePolicy("percent", 100, 15 * SECOND))
    down: tuple[RatePolicy, ...] = (RatePolicy("percent", 100, 15 * SECOND),)
    up_window: int = 0
    down_window: int = 300 * SECOND


KUBERNETES = Behaviour()
"""The defaults of Kubernetes."""


class Stabiliser:
    """Keeps recommendations, and lets the pool shrink only to the highest, and grow only to the lowest, of those that
    are not older than the window for that direction."""

    def __init__(self, up_window: int = 0, down_window: int = 300 * SECOND) -> None:
        self.up_window = up_window
        self.down_window = down_window
        self.kept: deque[tuple[int, int]] = deque()  # (when, how many), oldest first

    def stabilise(self, now: int, current: int, recommendation: int) -> int:
        """What is left of a recommendation made now, for a pool of `current`."""
        oldest = now - max(self.up_window, self.down_window)
        while self.kept and self.kept[0][0] < oldest:
            self.kept.popleft()
        self.kept.append((now, recommendation))
        lowest = min(many for when, many in self.kept if when >= now - self.up_window)
        highest = max(many for when, many in self.kept if when >= now - self.down_window)
        if current < lowest:
            return lowest
        return min(current, highest) if current > highest else current


class RateLimiter:
    """Remembers by how much the pool changed, and limits the next change."""

    def __init__(self, behaviour: Behaviour = KUBERNETES) -> None:
        self.behaviour = behaviour
        self.changes: deque[tuple[int, int]] = deque()  # (when, by how many), oldest first

    def limit(self, now: int, current: int, wanted: int) -> int:
        """How far the pool may go from `current` towards `wanted` now."""
        if wanted > current and self.behaviour.up:
            return min(wanted, max(current, self.highest(now, current)))
        if wanted < current and self.behaviour.down:
            return max(wanted, min(current, self.lowest(now, current)))
        return wanted

    def highest(self, now: int, current: int) -> int:
        """The most workers that the policies for growth allow now."""
        allowed = []
        for policy in self.behaviour.up:
            start = self._at_start_of(now, policy.period, current)
            percent = ceiling(start * (100 + policy.value), 100)
            allowed.append(start + policy.value if policy.kind == "pods" else percent)
        return max(allowed)

    def lowest(self, now: int, current: int) -> int:
        """The fewest workers that the policies for shrinking allow now."""
        allowed = []
        for policy in self.behaviour.down:
            start = self._at_start_of(now, policy.period, current)
            percent = start * (100 - policy.value) // 100
            allowed.append(start - policy.value if policy.kind == "pods" else percent)
        return min(allowed)

    def changed(self, now: int, by: int) -> None:
        """The pool was told to change by so many."""
        longest = max((policy.period for policy in (*self.behaviour.up, *self.behaviour.down)), default=0)
        while self.changes and self.changes[0][0] <= now - longest:
            self.changes.popleft()
        if by:
            self.changes.append((now, by))

    def _at_start_of(self, now: int, period: int, current: int) -> int:
        """How many there were when the period that ends now began; a change exactly that long ago is past."""
        return current - sum(by for when, by in self.changes if when > now - period)


class Autoscaler:
    """From recommendations to the number that is wanted: stabilised, limited in rate, and kept within bounds."""

    def __init__(self, behaviour: Behaviour = KUBERNETES) -> None:
        self.stabiliser = Stabiliser(behaviour.up_window, behaviour.down_window)
        self.limiter = RateLimiter(behaviour)

    def begin(self, now: int, current: int) -> None:
        """Start with a pool of `current`, which counts as the first recommendation."""
        self.stabiliser.kept.append((now, current))

    def decide(self, now: int, current: int, recommendation: int, low: int, high: int) -> int:
        """How many workers there should be from now on, for a pool of `current`; remembers the change."""
        stable = self.stabiliser.stabilise(now, current, recommendation)
        wanted = max(low, min(high, self.limiter.limit(now, current, max(low, min(high, stable)))))
        self.limiter.changed(now, wanted - current)
        return wanted


def for_queue(in_system: int, target: Fraction) -> int:
    """Enough workers that each has `target` of the tasks that wait and run."""
    wanted = Fraction(in_system) / target
    return ceiling(wanted.numerator, wanted.denominator)


def for_rate(rate: Fraction, service: Fraction, target: Fraction) -> int:
    """Enough workers that tasks which come at `rate` (a second) and take `service` (seconds) keep them busy for the
    share `target` of their time."""
    wanted = rate * service / target
    return ceiling(wanted.numerator, wanted.denominator)


def affordable(left: Fraction, time_left: Fraction, ahead: Fraction, low: int) -> int:
    """How many workers a budget allows for the next `ahead` seconds, if `low` of them are to be paid until the end:
    `left` worker-seconds for `time_left` seconds. A quiet time saves for a busy one."""
    if time_left <= 0:
        return low
    spare = left - low * time_left
    return low + max(0, int(spare / min(ahead, time_left)))


def quotas(total: int, parts: int) -> Sequence[int]:
    """`total` in so many whole parts that differ by one at most, the larger ones first."""
    return [total // parts + (part < total % parts) for part in range(parts)]
