"""Figures of a run of gossip, taken by looking over all its agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.simulation import Simulation

if TYPE_CHECKING:
    from scenarios.gossip import Gossiper


def live_agents(sim: Simulation) -> list[Gossiper]:
    """The agents that neither left nor are down."""
    return cast("list[Gossiper]", sim.alive())


def facts(sim: Simulation) -> list[str]:
    """The keys of all facts that anybody was ever told, oldest first."""
    return [f"f{number}" for number in range(1, sim.meters.value("facts") + 1)]


def heard_by(sim: Simulation, key: str) -> int:
    """How many live agents have heard of a fact."""
    return sum(key in agent.learned for agent in live_agents(sim))


def mean_coverage(sim: Simulation) -> float:
    """Share of live agents that have heard, averaged over the facts; 0 without facts or agents."""
    keys, live = facts(sim), live_agents(sim)
    if not keys or not live:
        return 0.0
    return sum(key in agent.learned for agent in live for key in keys) / (len(keys) * len(live))


def time_to_all(sim: Simulation, key: str) -> int | None:
    """From a fact's start until the last live agent heard of it, in µs; None while one has not."""
    times = [agent.learned.get(key) for agent in live_agents(sim)]
    if not times or None in times:
        return None
    return max(time for time in times if time is not None) - round(sim.meters.gauges[f"start {key}"])


def last_cycle(sim: Simulation) -> int | None:
    """The latest cycle in which any agent heard of any fact; None before there is one."""
    return max((cycle for agent in live_agents(sim) for cycle in agent.rounds.values()), default=None)
