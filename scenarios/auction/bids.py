"""How much to bid: truthfully, by the known equilibria, with a fixed margin, or with one that is learned.

Equilibria of the sealed first price with costs or values that are uniform and independent (Vickrey 1961; Krishna,
Auction Theory, 2002, section 2.3): with n bidders a value v bids v·(n−1)/n; in procurement a cost c below the highest
possible h bids c + (h − c)/n. In second price and in an open auction to bid the truth is best whatever the others do.
"""

from __future__ import annotations

import math

from engine.exact import ln

MARGINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
EXPLORATION = 0.5  # of the best reward seen: how much a margin that was seldom tried is favoured


class Bandit:
    """Learns which margin pays best: UCB1 (Auer, Cesa-Bianchi, Fischer, Machine Learning 47, 2002), with rewards scaled
    by the best one seen. It draws nothing at random."""

    def __init__(self) -> None:
        self.tries = [0] * len(MARGINS)
        self.rewards = [0.0] * len(MARGINS)
        self.best = 0.0

    def choose(self) -> int:
        """The index of the margin to try now: each once, then the one with the highest upper confidence bound; while
        nothing has paid, the one that was tried least."""
        total = 0
        for arm, tries in enumerate(self.tries):
            if not tries:
                return arm
            total += tries
        if not self.best:
            return self.tries.index(min(self.tries))
        width = 2.0 * ln(float(total)) if total > 1 else 0.0
        scale = EXPLORATION * self.best
        bounds = [
            reward / tries + scale * math.sqrt(width / tries)
            for reward, tries in zip(self.rewards, self.tries, strict=True)
        ]
        return bounds.index(max(bounds))

    def learn(self, arm: int, reward: float) -> None:
        """A bid with this margin brought this much."""
        if 0 <= arm < len(MARGINS):
            self.tries[arm] += 1
            self.rewards[arm] += reward
            self.best = max(self.best, reward)

    @property
    def favourite(self) -> float:
        """The margin that was tried most, and thus is thought best."""
        return MARGINS[self.tries.index(max(self.tries))]


def with_margin(worth: float, margin: float, highest: float, *, rising: bool) -> float:
    """A bid `margin` below what a thing is worth, or above what a task costs; never above the highest price."""
    return max(0.0, worth * (1.0 - margin)) if rising else min(highest, worth * (1.0 + margin))


def equilibrium(worth: float, bidders: int, highest: float, rule: str, *, rising: bool) -> float:
    """The bid of the symmetric equilibrium among `bidders`, of whom this is one."""
    if rule != "first-price":
        return worth
    if rising:
        return worth * (bidders - 1) / bidders
    return worth + (highest - worth) / bidders
