"""Whether a long run needs more memory than a short one: the engine's workload, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from tests.benchmarks.figures import Figure
from tests.benchmarks.terminal import ROOT

PROGRAM = """
import json, sys
import psutil
from tests.benchmarks.engine import prepared

agents, *marks = map(int, sys.argv[1:])
sim = prepared(agents)
sizes = []
for mark in marks:
    while sim.messages["delivered"] < mark:
        sim.run(events=min(100_000, mark - sim.messages["delivered"]))
    sizes.append(psutil.Process().memory_info().rss)
print(json.dumps(sizes))
"""


def measure(early: int = 1_000_000, late: int = 10_000_000, agents: int = 1000) -> list[Figure]:
    """Resident memory after `late` deliveries as a multiple of that after `early` ones."""
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(agents), str(early), str(late)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    before, after = msgspec.json.decode(out, type=tuple[int, int])
    return [
        Figure(f"memory after {late:,} deliveries, times that after {early:,}", after / before, "×", at_most=1.05),
        Figure(f"memory after {late:,} deliveries", after / 1e6, "MB"),
    ]
