"""Taking a checkpoint and going back to it, in runs of gossip of several sizes."""

from __future__ import annotations

import statistics
from functools import partial

import swarmscope
from tests.benchmarks.figures import Figure, cpu_seconds

AGENTS = (50, 500, 5000)


def measure(agents: tuple[int, ...] = AGENTS, until: float = 5.0, repetitions: int = 7) -> list[Figure]:
    """CPU ms of a checkpoint and of a return to it, and its size, in the middle of a run."""
    figures = []
    for number in agents:
        sim = swarmscope.simulate("gossip", params={"agents": number}, seed=7, until=until)
        taken = [cpu_seconds(sim.checkpoint) for _ in range(repetitions)]
        point = sim.checkpoint()
        restored = [cpu_seconds(partial(sim.restore, point)) for _ in range(repetitions)]
        figures += [
            Figure(f"checkpoint of {number} agents", 1000 * statistics.median(taken), "ms"),
            Figure(f"return to a checkpoint of {number} agents", 1000 * statistics.median(restored), "ms"),
            Figure(f"size of a checkpoint of {number} agents", point.size / 1e6, "MB"),
        ]
    return figures
