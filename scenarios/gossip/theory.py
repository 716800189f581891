"""What the published models say of gossip on a complete network, for the figures and curves beside the measured ones.

Synchronous rounds: Demers et al. 1987, Pittel 1987, Karp et al. 2000. Continuous time: the SI epidemic, whose mean time
until all know is that of a pure birth chain. Rumours: Demers et al. 1987, section 1.4.

`loss` is the share of messages that are lost; an answer arrives only if the question did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

Curve = tuple[tuple[float, ...], tuple[float, ...]]

EXACT_CALLS = 192  # calls a round up to which the early rounds are followed exactly
EXACT_AGENTS = 48  # and informed agents
NEGLIGIBLE = 1e-7
STEPS_PER_GROWTH = 40  # steps of the integration in the time in which the informed grow e-fold
POINTS = 240  # of a curve


class Rounds:
    """One informed agent of `n` at the start; in each round every agent calls `fanout` others, and what counts is who
    knew when the round began."""

    def __init__(self, n: int, mode: str, fanout: int = 1, loss: float = 0.0) -> None:
        self.n = n
        self.fanout = fanout
        self._pushed = (1.0 - loss) / (n - 1) if mode != "pull" else 0.0  # chance that a call informs a given agent
        self._pulled = (1.0 - loss) ** 2 / (n - 1) if mode != "push" else 0.0
        self._seen: dict[int, list[float]] = {}

    def left_out(self, informed: float) -> float:
        """The chance to stay uninformed in a round."""
        return self._not_told(informed) * self._not_answered(informed)

    def _not_told(self, informed: float) -> float:
        return float((1.0 - self._pushed) ** (self.fanout * informed))

    def _not_answered(self, informed: float) -> float:
        return float(max(0.0, 1.0 - self._pulled * informed) ** self.fanout)

    def shares(self) -> Iterator[float]:
        """The expected share informed after 0, 1, 2 … rounds, by mean field."""
        informed = 1.0
        while True:
            yield informed / self.n
            informed = self.n - (self.n - informed) * self.left_out(informed)

    def mean(self) -> float:
        """The mean number of rounds until all know. While few know, chance rules, and each state is followed exactly;
        afterwards the numbers are large, and each of those left hears or not by itself."""
        exact = max(1, min(EXACT_AGENTS, EXACT_CALLS // self.fanout))
        rounds = 0.0
        states = {1: 1.0}
        while states:
            following: dict[int, float] = {}
            for informed, chance in states.items():
                if informed > exact:
                    rounds += chance * self._from(informed)
                elif informed < self.n and chance > NEGLIGIBLE:
                    rounds += chance
                    if informed not in self._seen:
                        self._seen[informed] = self._newly_informed(informed)
                    for new, share in enumerate(self._seen[informed]):
                        following[informed + new] = following.get(informed + new, 0.0) + chance * share
            states = following
        return rounds

    def _from(self, informed: float) -> float:
        left = self.n - informed
        stays = 1.0  # the chance of one agent to be uninformed still
        rounds = 0.0
        while left * stays > NEGLIGIBLE:
            rounds += 1.0 - (1.0 - stays) ** left
            stays *= self.left_out(self.n - left * stays)
        return rounds

    def _newly_informed(self, informed: int) -> list[float]:
        """The distribution of how many hear in a round: some are told, each once or more (balls in bins); and each of
        the others may have asked somebody who knows."""
        left = self.n - informed
        told = [1.0]
        for _ in range(self.fanout * informed if self._pushed else 0):
            told.append(0.0)
            for hit in range(len(told) - 1, -1, -1):
                before = told[hit - 1] * max(0, left - hit + 1) * self._pushed if hit else 0.0
                told[hit] = told[hit] * (1.0 - max(0, left - hit) * self._pushed) + before
        if not self._pulled:
            return told[: left + 1]
        answered = 1.0 - self._not_answered(informed)
        new: list[float] = []
        for hit, chance in enumerate(told[: left + 1]):
            if chance > NEGLIGIBLE:
                shares = _binomial(left - hit, answered)
                new.extend([0.0] * (hit + len(shares) - len(new)))
                for more, share in enumerate(shares, hit):
                    new[more] += chance * share
        return new


@lru_cache(maxsize=4096)
def _binomial(n: int, p: float) -> tuple[float, ...]:
    """The binomial distribution from 0 up to where it is negligible; `p` < 1 unless all are certain."""
    if p >= 1.0:
        return (*(0.0,) * n, 1.0)
    term = math.exp(n * math.log1p(-p))
    terms = [term]
    for k in range(1, n + 1):
        term *= (n - k + 1) / k * p / (1.0 - p)
        if term < NEGLIGIBLE and k > n * p:
            break
        terms.append(term)
    return tuple(terms)


@lru_cache(maxsize=64)
def mean_rounds_to_all(n: int, mode: str, fanout: int = 1, loss: float = 0.0) -> float:
    """Mean number of synchronous rounds until all of `n` ≥ 2 know, to about a tenth; infinite if every message is
    lost."""
    return Rounds(n, mode, fanout, loss).mean() if loss < 1.0 else math.inf


@lru_cache(maxsize=64)
def rounds_curve(n: int, mode: str, fanout: int, loss: float, count: int) -> tuple[float, ...]:
    """Expected share informed after 0 to `count` − 1 rounds."""
    return tuple(islice(Rounds(n, mode, fanout, loss).shares(), count))


def growth(mode: str, rate: float, loss: float = 0.0) -> float:
    """How many calls a second of an agent that makes `rate`, or of those that call it, can pass on what it knows."""
    arrives = 1.0 - loss
    told, answered = rate * arrives, rate * arrives * arrives
    return {"push": told, "pull": answered}.get(mode, told + answered)


def mean_time_to_all(n: int, mode: str, rate: float, loss: float = 0.0) -> float:
    """Exact mean time in seconds until all of `n` ≥ 2 know, calls Poisson at `rate`, no delays: 2(n−1)/n · H(n−1) for
    push or pull at rate 1; infinite if every message is lost."""
    speed = growth(mode, rate, loss)
    harmonic = math.fsum(1.0 / i for i in range(1, n))
    return 2.0 * (n - 1) / n * harmonic / speed if speed else math.inf


@lru_cache(maxsize=64)
def spreading(n: int, mode: str, rate: float, loss: float = 0.0, delay: float = 0.0) -> Curve:
    """Times in seconds, and the expected share informed then (mean field), when calls are Poisson at `rate` and each
    message takes `delay` seconds: di/dt = growth · (1 − i(t)) · i(t − delay), from one informed agent of `n` ≥ 2.

    A call passes on what was known when the news was sent, one delay ago, whether it was told or asked for. Without
    delay this is the logistic curve. Ends when less than a hundredth of an agent is left.
    """
    speed = growth(mode, rate, loss) * n / (n - 1)
    if not speed:
        return (0.0,), (1.0 / n,)
    step = 1.0 / (STEPS_PER_GROWTH * speed)
    lag = 0
    if delay > 0.0:
        lag = max(1, min(STEPS_PER_GROWTH, round(delay / step)))
        step = delay / lag if delay > step / 2 else step
    left = [1.0 - 1.0 / n]
    while left[-1] > 0.01 / n and len(left) < 100_000:
        at = len(left) - 1
        known = 1.0 - left[at - lag] if at >= lag else 0.0
        # The next value for the middle of the step, as far as it is known.
        ahead = 1.0 - left[at - lag + 1] if lag and at + 1 >= lag else known + known * (1.0 - known) * speed * step
        left.append(left[at] * math.exp(-speed * step * (known + ahead) / 2.0))
    stride = max(1, len(left) // POINTS)
    places = [*range(0, len(left) - 1, stride), len(left) - 1]
    return tuple([at * step for at in places]), tuple([1.0 - left[at] for at in places])


def rumour_residue(updates_per_agent: float) -> float:
    """Residue of rumour mongering by push: e to the power of minus the traffic."""
    return math.exp(-updates_per_agent)
