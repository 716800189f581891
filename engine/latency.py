"""Delays of links: a distribution becomes a table of 4,096 quantiles, and a draw is one look into it.

The table holds whole microseconds at the middle of each of 4,096 equally likely slices. A long tail therefore ends at
its 1 − 1/8192 quantile.
"""

from __future__ import annotations

from functools import lru_cache

from engine.commands import Constant, Latency, LogNormal, Uniform
from engine.exact import exp, normal_quantile

SLICES = 4096
LONGEST = 10**17  # µs: the longest duration that can be written, and a sum of many fits into 64 bits
LOGNORMAL_SIGMA = 0.5  # of the model `lognormal` in a scenario's parameters: 95 % below 2.3 times the median


@lru_cache(maxsize=256)
def quantiles(distribution: Latency) -> tuple[int, ...]:
    """The delay table of `distribution`, in microseconds, ascending."""
    match distribution:
        case Constant(delay):
            return (delay,) * SLICES
        case Uniform(low, high):
            span = high - low
            return tuple([low + span * (2 * i + 1) // (2 * SLICES) for i in range(SLICES)])
        case LogNormal(median, sigma):
            return tuple([min(LONGEST, round(median * factor)) for factor in _factors(sigma)])
    raise TypeError(f"{distribution!r} is not a distribution of delays")


@lru_cache(maxsize=16)
def _factors(sigma: float) -> tuple[float, ...]:
    return tuple([exp(sigma * normal_quantile((2 * i + 1) / (2 * SLICES))) for i in range(SLICES)])


def from_model(model: str, typical: int) -> Latency:
    """The distribution that the parameters `latency_model` and `latency` (µs) name."""
    if model == "uniform":
        return Uniform(typical // 2, typical + typical // 2)
    return LogNormal(typical, LOGNORMAL_SIGMA) if model == "lognormal" else Constant(typical)
