"""Many small runs in one process, as a parameter sweep makes them, and what the first one costs with its imports."""

from __future__ import annotations

import statistics
import subprocess
import sys

import swarmscope
from tests.benchmarks.figures import Figure, cpu_seconds, interleaved
from tests.benchmarks.terminal import ROOT, usual_environment

FIRST = """
import time
before = time.process_time()
import swarmscope
swarmscope.simulate("gossip", params={"agents": 20}, seed=0)
print(time.process_time() - before)
"""


def first_run() -> float:
    """CPU seconds of the first run in a new process, imports included."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST], cwd=ROOT, env=usual_environment(), check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def measure(runs: int = 1000, agents: int = 20, batches: int = 5) -> list[Figure]:
    """Runs of gossip a second, by CPU time."""
    swarmscope.simulate("gossip", params={"agents": agents}, seed=0)
    first_run()  # compiles what is not compiled yet
    seeds = iter(range(runs))

    def batch() -> float:
        each = runs // batches
        return cpu_seconds(
            lambda: [swarmscope.simulate("gossip", params={"agents": agents}, seed=next(seeds)) for _ in range(each)]
        ) / each  # fmt: skip

    taken = interleaved({"small": batch, "first": first_run}, batches)
    small = statistics.median(taken["small"])
    return [
        Figure(f"runs of gossip with {agents} agents", 1 / small, "/s"),
        Figure("one such run", 1000 * small, "ms"),
        Figure("the first such run of a process, with all imports", 1000 * statistics.median(taken["first"]), "ms"),
    ]
