"""What the papers say of proof of work, as formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache


def stale_rate(shares: Sequence[float], x: float) -> float:
    """The share of blocks that end up stale when each reaches all others after one delay; `x` is delay over interval.

    A block is lost about whenever the tip it was found on had been replaced already, somewhere else: (1 − Σ share²)
    times x/(1+x). An approximation, good to a few per cent of itself."""
    return math.fsum(share * (1.0 - share) for share in shares) * x / (1.0 + x)


def rival_share(shares: Sequence[float], x: float) -> float:
    """The share of finds after which another miner finds a block within one delay: exact, since finds are Poisson."""
    return math.fsum(share * -math.expm1(-x * (1.0 - share)) for share in shares)


def heights_forked(interval: float, unaware: float) -> float:
    """Decker & Wattenhofer 2013, equation 3: the share of heights with more than one block. `unaware` is ∫(1−f(t))dt,
    the mean time (s) until the hash power has a block, `interval` the mean time between blocks."""
    return 1.0 - math.pow(1.0 - 1.0 / interval, unaware)


def forked_by_delay(f: Callable[[float], float], interval: float, until: float, steps: int = 4_000) -> float:
    """The same, with the share `f(t)` of the hash power that has a block after `t` seconds, measured up to `until`."""
    width = until / steps
    return heights_forked(interval, math.fsum((1.0 - f((at + 0.5) * width)) * width for at in range(steps)))


def retarget_bias(blocks: int) -> float:
    """Mean interval over the one wanted, when the difficulty is set anew every so many blocks by how long they took:
    the mean of 1 over a gamma variable with that many degrees."""
    return blocks / (blocks - 1) if blocks > 1 else math.inf


@lru_cache(maxsize=256)
def double_spend(share: float, confirmations: int) -> float:
    """The chance that a double spend succeeds: I_{4pq}(z, ½), Grunspan & Pérez-Marco 2018, as Rosenfeld's sum."""
    q, z = share, confirmations
    p = 1.0 - q
    if q >= p:
        return 1.0
    lost = 0.0
    for k in range(z):
        # The binomial in logarithms: it outgrows a float for large z.
        ways = math.lgamma(k + z) - math.lgamma(k + 1) - math.lgamma(z)
        lost += math.exp(ways + z * math.log(p) + k * math.log(q)) - math.exp(ways + z * math.log(q) + k * math.log(p))
    return max(0.0, 1.0 - lost)


def nakamoto(share: float, confirmations: int) -> float:
    """Nakamoto 2008, section 11: the same by his approximation, which takes the attacker's progress for Poisson."""
    q, z = share, confirmations
    p = 1.0 - q
    if q >= p:
        return 1.0
    mean = z * q / p
    kept = math.fsum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) * (1.0 - (q / p) ** (z - k)) for k in range(z + 1)
    )
    return 1.0 - kept


def selfish_revenue(share: float, gamma: float) -> float:
    """A selfish miner's share of the canonical blocks: Eyal & Sirer 2014, equation 8; for a share below one half."""
    a, g = share, gamma
    if a >= 0.5:
        return 1.0
    won = a * (1 - a) ** 2 * (4 * a + g * (1 - 2 * a)) - a**3
    return won / (1 - a * (1 + (2 - a) * a))


def selfish_threshold(gamma: float) -> float:
    """The share from which selfish mining pays: Eyal & Sirer 2014, observation 1."""
    return (1 - gamma) / (3 - 2 * gamma)
