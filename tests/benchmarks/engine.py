"""The engine against the leanest loop and against SimPy, all on one workload.

1,000 agents, one message each in flight; a delivery sends one message to a random peer after a uniform 1–10 ms delay;
300,000 deliveries. The engine runs with trace, digest, counters, loss, crash and partition checks on.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from engine.events import Event
from engine.scenario import InvariantSpec
from engine.simulation import Simulation
from tests.benchmarks.figures import Figure, cpu_seconds, interleaved, median_ratio
from tests.benchmarks.flood import Flood, FloodParams
from tests.benchmarks.rivals import bare_loop, simpy_stores

AGENTS = 1000
DELIVERIES = 300_000
SIMPY_SHARE = 6  # SimPy does a sixth of the deliveries, and its rate is compared
LOSSY_SHARE = 15  # with losses the messages die out: so few deliveries that most are still on their way


class WatchedFlood(Flood):
    """The workload with an invariant that is checked after each event."""

    invariants = (InvariantSpec("time goes on", "safety", "time never goes back", "backwards"),)

    def backwards(self, sim: Simulation, event: Event, memory: dict[str, int]) -> str:
        """What is wrong."""
        before = memory.get("time", 0)
        memory["time"] = event[0]
        return "time went back" if event[0] < before else ""


def prepared(agents: int, *commands: str, scenario: type[Flood] = Flood, digest: bool = True) -> Simulation:
    """A run of the workload in full flow."""
    sim = Simulation(scenario(FloodParams(agents=agents)), 7, digest=digest)
    for command in ("latency 1ms..10ms", *commands):
        sim.apply(command)
    sim.run(events=2 * agents)
    return sim


def measure(agents: int = AGENTS, deliveries: int = DELIVERIES, repetitions: int = 7) -> list[Figure]:
    """Cost as multiples of the bare loop's and of SimPy's, and deliveries per second of CPU time."""

    def seconds_each(count: int, work: Callable[[], object]) -> float:
        return cpu_seconds(work) / count

    def engine(*commands: str, share: int = 1, scenario: type[Flood] = Flood, digest: bool = True) -> float:
        sim = prepared(agents, *commands, scenario=scenario, digest=digest)
        return seconds_each(deliveries // share, lambda: sim.run(events=deliveries // share))

    one_way = "partition a-0000 > a-0001"
    taken = interleaved(
        {
            "bare": lambda: seconds_each(deliveries, lambda: bare_loop(agents, deliveries)),
            "engine": engine,
            "no digest": lambda: engine(digest=False),
            "cut": lambda: engine(one_way),
            "lossy": lambda: engine("loss 1%", share=LOSSY_SHARE),
            "watched": lambda: engine(scenario=WatchedFlood),
        },
        repetitions,
    )
    count = deliveries // SIMPY_SHARE
    versus = interleaved(
        {
            "engine": engine,
            "simpy": lambda: seconds_each(count, lambda: simpy_stores(agents, count)),
        },
        max(1, repetitions // 2),
    )
    bare = taken["bare"]
    return [
        Figure("cost, times the bare loop's", median_ratio(taken["engine"], bare), "×", at_most=2.0),
        Figure(
            "cost without the digest, times the bare loop's", median_ratio(taken["no digest"], bare), "×", at_most=1.6
        ),
        Figure("speed, times SimPy's", median_ratio(versus["simpy"], versus["engine"]), "×", at_least=5.0),
        Figure("cost with a partition in force, likewise", median_ratio(taken["cut"], bare), "×"),
        Figure("cost with 1 % loss, likewise", median_ratio(taken["lossy"], bare), "×"),
        Figure("cost with an invariant checked after each event, likewise", median_ratio(taken["watched"], bare), "×"),
        Figure("deliveries", 1 / statistics.median(taken["engine"]), "/s"),
        Figure("deliveries without the digest", 1 / statistics.median(taken["no digest"]), "/s"),
        Figure("deliveries of the bare loop", 1 / statistics.median(bare), "/s"),
        Figure("deliveries of SimPy", 1 / statistics.median(versus["simpy"]), "/s"),
    ]
