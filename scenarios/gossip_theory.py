"""What the published models say of gossip on a complete network, for the curves beside the measured ones.

Rounds: the mean-field recurrences of Demers et al. 1987 and Karp et al. 2000. Continuous time: the logistic curve of
the SI epidemic, and its exact mean time until all know (pure birth chain). Rumours: Demers et al. 1987, section 1.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator


def rounds(n: int, mode: str, fanout: int = 1) -> Iterator[float]:
    """Expected share informed after 0, 1, 2 … synchronous rounds with one informed agent of `n` at the start."""
    informed = 1.0 / n
    while True:
        yield informed
        left = 1.0 - informed
        unpushed = (1.0 - 1.0 / (n - 1)) ** (fanout * informed * n)
        unpulled = max(0.0, 1.0 - informed * n / (n - 1)) ** fanout
        left *= {"push": unpushed, "pull": unpulled}.get(mode, unpushed * unpulled)
        informed = 1.0 - left


def logistic(n: int, mode: str, rate: float, time: float) -> float:
    """Expected share informed at `time` seconds (mean field) when each agent makes `rate` contacts a second."""
    growth = rate * (2.0 if mode == "push-pull" else 1.0) * n / (n - 1)
    odds = math.exp(min(growth * time, 700.0)) / (n - 1)
    return odds / (1.0 + odds)


def mean_time_to_all(n: int, mode: str, rate: float) -> float:
    """Exact mean time in seconds until all of `n` know, contacts Poisson at `rate`, no delays: 2(n−1)/n · H(n−1) / rate
    for push or pull; push-pull is twice as quick."""
    harmonic = math.fsum(1.0 / i for i in range(1, n))
    return 2.0 * (n - 1) / n * harmonic / (rate * (2.0 if mode == "push-pull" else 1.0))


def mean_rounds_to_all(n: int, mode: str, fanout: int = 1) -> int:
    """Rounds after which the recurrence leaves less than half an agent uninformed."""
    return next(r for r, share in enumerate(rounds(n, mode, fanout)) if n * (1.0 - share) < 0.5)


def rumour_residue(updates_per_agent: float) -> float:
    """Residue of rumour mongering by push: e to the power of minus the traffic."""
    return math.exp(-updates_per_agent)
