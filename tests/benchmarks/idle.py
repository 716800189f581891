"""What the program costs while a run is paused: nothing moves, so nothing should be drawn or worked out."""

from __future__ import annotations

import time

import psutil  # type: ignore[import-untyped]

from tests.benchmarks.figures import Figure
from tests.benchmarks.terminal import Terminal


def measure(seconds: float = 8.0, scenario: str = "gossip") -> list[Figure]:
    """The share of one processor, in %, over `seconds`."""
    with Terminal(["-m", "app", "play", scenario, "--seed", "1"]) as terminal:
        terminal.wait_for(r"[\d,]+ events")
        terminal.rest(2)  # the run is under way, and the caches are full
        terminal.press(" ")
        terminal.wait_for("paused")
        terminal.rest(1)
        terminal.forget()
        process = psutil.Process(terminal.process.pid)
        before, began = process.cpu_times(), time.perf_counter()
        terminal.rest(seconds)
        after, ended = process.cpu_times(), time.perf_counter()
        written = terminal.received
    # The clock ticks are whole; their difference must not be a rounding error below nothing.
    used = (after.user - before.user) + (after.system - before.system)
    return [
        Figure("CPU while paused", 100 * used / (ended - began), "%", at_most=1.0),
        Figure("written to the terminal meanwhile", written / (ended - began), "B/s"),
    ]
