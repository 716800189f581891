"""Figures of a run of gossip.

Agents keep counters as they go, so that most figures take no walk over all of them:
`heard KEY` how many agents that are not down have heard of a fact, `holds …` how many of them hold one version of it,
`hot KEY` how many spread it, `down` how many are down, `distrusted ID` how many distrust an agent. An agent that leaves
keeps its place in the counters; it is taken out here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from engine.events import Kind
from engine.simulation import Simulation
from scenarios.gossip.state import BAD_REPUTATION, Entry

if TYPE_CHECKING:
    from scenarios.gossip.scenario import Gossiper


def live_agents(sim: Simulation) -> list[Gossiper]:
    """The agents that neither left nor are down."""
    return cast("list[Gossiper]", sim.alive())


def departed(sim: Simulation) -> list[Gossiper]:
    """The agents that left, up or down."""
    return [cast("Gossiper", sim.agents[agent]) for agent in sorted(sim.lifecycle.left)]


def live_count(sim: Simulation) -> int:
    """How many agents neither left nor are down."""
    gone = departed(sim)
    down = sim.meters.value("down") - sum(agent.down for agent in gone)
    return len(sim.agents) - len(gone) - down


def facts(sim: Simulation) -> list[str]:
    """The keys of all facts that anybody was ever told, oldest first."""
    return [f"f{number}" for number in range(1, sim.meters.value("facts") + 1)]


def newest_fact(sim: Simulation) -> str:
    """The key of the fact that was told last; empty before there is one."""
    number = sim.meters.value("facts")
    return f"f{number}" if number else ""


def rumoured(sim: Simulation) -> list[str]:
    """The keys of all that anybody ever heard of, made-up things included, oldest first."""
    return [name[6:] for name in sim.meters.counters if name.startswith("heard ")]


def heard_by(sim: Simulation, key: str) -> int:
    """How many live agents have heard of a fact."""
    gone = sum(key in agent.learned and not agent.down for agent in departed(sim))
    return sim.meters.value(f"heard {key}") - gone


def holding(entry: Entry) -> str:
    """The name of the counter of those that hold this entry."""
    return f"holds {entry.key} = {entry.version} of {entry.origin}: {entry.text}"


def held_by(sim: Simulation, entry: Entry) -> int:
    """How many live agents hold this entry."""
    gone = sum(agent.facts.get(entry.key) == entry and not agent.down for agent in departed(sim))
    return sim.meters.value(holding(entry)) - gone


def disputed(sim: Simulation) -> list[str]:
    """The facts that live agents hold in more than one version, or in more words than one."""
    holders = {name: many for name, many in sim.meters.counters.items() if many and name.startswith("holds ")}
    for agent in departed(sim):
        for entry in () if agent.down else agent.facts.values():
            holders[holding(entry)] -= 1
    versions = Counter(name[6:].partition(" = ")[0] for name, many in holders.items() if many)
    return sorted(key for key, many in versions.items() if many > 1)


def distrusted_by(sim: Simulation, agent: int) -> int:
    """How many of the others, down or not, distrust an agent."""
    gone = sum(other.reputation.get(agent, 0) <= BAD_REPUTATION for other in departed(sim))
    return sim.meters.value(f"distrusted {agent}") - gone


def mean_coverage(sim: Simulation) -> float:
    """Share of live agents that have heard, averaged over the facts; 0 without facts or agents."""
    keys, live = facts(sim), live_count(sim)
    return sum(heard_by(sim, key) for key in keys) / (len(keys) * live) if keys and live else 0.0


def all_heard(sim: Simulation) -> bool:
    """Whether there are facts, and every live agent has heard of each."""
    keys, live = facts(sim), live_count(sim)
    return bool(keys and live) and all(heard_by(sim, key) >= live for key in keys)


def to_all(sim: Simulation) -> tuple[int, int] | None:
    """From a fact's start until the last live agent heard of it, for the slowest of the facts: in µs and in cycles;
    None while somebody has not heard of something."""
    if not all_heard(sim):
        return None
    live, starts, keys = live_agents(sim), sim.meters.gauges, facts(sim)
    spans = [max([agent.learned[key] for agent in live]) - round(starts[f"start {key}"]) for key in keys]
    return max(spans), max([max([agent.cycles[key] for agent in live]) for key in keys])


def last_cycle(sim: Simulation) -> int | None:
    """The latest cycle in which any agent heard of a fact, counted from the fact's start; None before there is one."""
    last = sim.meters.gauges.get("last cycle")
    return None if last is None else round(last)


def is_spread(sim: Simulation) -> bool:
    """Whether anybody still spreads anything, or news is on its way; a silent agent spreads nothing, however hot."""
    is_alive = sim.lifecycle.is_alive
    for agent in cast("list[Gossiper]", sim.agents):
        if (agent.hot or agent.arriving) and agent.mode != "silent" and is_alive(agent.id):
            return True
    return under_way(sim)


def under_way(sim: Simulation, key: str = "") -> bool:
    """Whether a message that will arrive tells something, or tells of `key`."""
    told = [getattr(event[5], "entries", ()) for event in sim.calendar if event[4] == Kind.DELIVER]
    return any(not key or entry.key == key for entries in told for entry in entries)
