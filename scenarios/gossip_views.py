"""What to show of gossip: who knows what, the share informed over time beside theory, and the story in words."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from engine.duration import SECOND, format_duration
from engine.framing import metric_view
from engine.scenario import MetricSpec
from engine.simulation import Simulation
from engine.trace import TraceEvent
from engine.views import (
    AgentRow,
    Curve,
    Matrix,
    MatrixCell,
    MetricView,
    NarrationLine,
    Plot,
    StageView,
    Tone,
)
from scenarios import gossip_theory as theory
from scenarios.gossip_measures import facts, heard_by, live_agents

if TYPE_CHECKING:
    from scenarios.gossip import Gossiper, GossipParams

SHOWN_FACTS = 8
LEGEND = (
    MatrixCell("□", "not heard", "dim"),
    MatrixCell("■", "knows", "accent"),
    MatrixCell("▣", "spreads it", "good"),
    MatrixCell("◪", "older version", "warn"),
    MatrixCell("✕", "down", "bad"),
)
MILESTONES = (0.25, 0.5, 0.9)


def agent_row(sim: Simulation, agent: Gossiper) -> AgentRow:
    """The agent's line in the agents pane."""
    keys = facts(sim)
    newest = keys[-1] if keys else ""
    heard = agent.learned.get(newest)
    return AgentRow(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        health=sim.health(agent.id),
        state=f"knows {len(agent.facts)}",
        cells=(
            str(len(agent.facts)),
            str(len(agent.hot)) if agent.params.protocol == "rumour" else "",
            "" if heard is None else f"{heard / SECOND:.2f}s",
            str(len(agent.view.order)),
            str(sum(agent.reputation.values())),
            agent.capability,
        ),
        tone="accent" if heard is not None else "dim",
    )


def node_look(sim: Simulation, agent: Gossiper) -> tuple[Tone, str]:
    """An agent in the network drawing: whether it has heard the newest fact."""
    keys = facts(sim)
    if not keys or keys[-1] not in agent.learned:
        return "dim", ""
    return ("good" if keys[-1] in agent.hot and agent.params.protocol == "rumour" else "accent"), ""


def stage(sim: Simulation) -> StageView:
    """Who knows what, and how it spread."""
    return StageView("Who knows what", (knowledge(sim), spread(sim)))


def knowledge(sim: Simulation) -> Matrix:
    """Agents by facts; newest fact at the right."""
    keys = facts(sim)[-SHOWN_FACTS:]
    newest: dict[str, tuple[Any, ...]] = {}
    live = live_agents(sim)
    for agent in live:
        for key in keys:
            entry = agent.facts.get(key)
            if entry is not None:
                newest[key] = max(newest.get(key, (0, 0, "")), (entry.version, entry.origin, entry.text))
    agents = [sim.agents[i] for i in sim.present()]
    alive = {agent.id for agent in live}
    rumour = sim.params.protocol == "rumour"

    def cell(agent: Any, key: str) -> int:
        if agent.id not in alive:
            return 4
        entry = agent.facts.get(key)
        if entry is None:
            return 1 if key in agent.learned else 0
        if (entry.version, entry.origin, entry.text) != newest[key]:
            return 3
        return 2 if rumour and key in agent.hot else 1

    count = max(1, len(live))
    return Matrix(
        title="who knows what",
        rows=tuple([agent.name for agent in agents]),
        columns=tuple(keys),
        cells=tuple([bytes([cell(agent, key) for key in keys]) for agent in agents]),
        legend=LEGEND if rumour else (LEGEND[0], LEGEND[1], LEGEND[1], *LEGEND[3:]),
        column_notes=tuple([f"{100 * heard_by(sim, key) / count:.0f}%" for key in keys]),
        row_ids=tuple([agent.id for agent in agents]),
    )


def spread(sim: Simulation) -> Plot:
    """Share informed over time for the newest facts, and what theory says of a complete network."""
    params: GossipParams = sim.params
    keys = facts(sim)[-3:]
    times = [time / SECOND for time in sim.series.times]
    curves = [Curve(key, tuple(times), sim.series[f"heard {key}"]) for key in keys if sim.series[f"heard {key}"]]
    start = sim.meters.gauges.get(f"start {keys[-1]}", 0.0) / SECOND if keys else 0.0
    end = max([times[-1] if times else 0.0, start + 8 * params.interval])
    if keys and params.protocol == "anti-entropy":
        curves.append(_theory_curve(params, len(live_agents(sim)), start, end))
    return Plot(
        title="share informed",
        x_label="s",
        y_label="informed",
        curves=tuple(curves),
        x_range=(0.0, end),
        y_range=(0.0, 1.0),
        percent=True,
    )


def _theory_curve(params: GossipParams, n: int, start: float, end: float) -> Curve:
    n = max(2, n)
    if params.timing == "rounds":
        count = min(400, int((end - start) / params.interval) + 2)
        ys = tuple(islice(theory.rounds(n, params.mode, params.fanout), count))
        xs = tuple(start + i * params.interval for i in range(count))
    else:
        steps = 60
        rate = params.fanout / params.interval
        xs = tuple(start + (end - start) * i / steps for i in range(steps + 1))
        ys = tuple(theory.logistic(n, params.mode, rate, x - start) for x in xs)
    return Curve("theory, complete network", xs, ys, theory=True)


def metric_views(sim: Simulation) -> tuple[MetricView, ...]:
    """The metrics with their theory where there is one."""
    params: GossipParams = sim.params
    measured = sim.metrics()
    n = max(2, len(live_agents(sim)))
    expected: dict[str, str] = {}
    if params.protocol == "anti-entropy":
        if params.timing == "rounds":
            expected["rounds_to_all"] = f"{theory.mean_rounds_to_all(n, params.mode, params.fanout)}"
        rate = params.fanout / params.interval
        expected["time_to_all"] = f"{theory.mean_time_to_all(n, params.mode, rate):.1f}"
    elif params.mode == "push":
        expected["residue"] = f"{100 * theory.rumour_residue(measured['updates_per_agent']):.1f}%"

    def view(spec: MetricSpec) -> MetricView:
        percent = spec.name in _SHARES
        return metric_view(spec, measured[spec.name], sim.series, expected.get(spec.name, ""), percent=percent)

    return tuple(map(view, sim.scenario.metrics))


_SHARES = frozenset({"coverage", "residue", "redundant_share"})


def narrate(sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
    """The story so far, in sentences."""
    data = event.message
    if not event.note or not isinstance(data, dict):
        return None
    who = event.agent
    match event.kind:
        case "rumour":
            again = f", version {data['version']}" if data["version"] > 1 else ""
            text = f"{who} has news, {data['key']}{again}: “{data['text']}”."
            return NarrationLine(event.time, text, "accent")
        case "heard":
            return _milestone(sim, event, data)
        case "lost-interest":
            return _gone_cold(sim, event, data["key"])
        case "discovered":
            return f"{who} learns by gossip of {data['other']}, which offers to {data['capability']}."
    return None


def _milestone(sim: Simulation, event: TraceEvent, data: dict[str, Any]) -> NarrationLine | None:
    count = data.get("count")
    total = len(live_agents(sim))
    if count is None or total < 2:
        return None
    key = data["key"]
    if count == total:
        since = format_duration(event.time - round(sim.meters.gauges.get(f"start {key}", 0)))
        text = f"{event.agent} is the last to hear of {key}: everybody knows, {since} after its start."
        return NarrationLine(event.time, text, "good")
    for share in MILESTONES:
        if count - 1 < share * total <= count:
            return NarrationLine(event.time, f"{count} of {total} agents have heard of {key}.")
    return None


def _gone_cold(sim: Simulation, event: TraceEvent, key: str) -> NarrationLine | None:
    live = live_agents(sim)
    if any(key in agent.hot for agent in live):
        return None
    left = len(live) - heard_by(sim, key)
    rest = "nobody was left out" if not left else f"{left} of {len(live)} agents never heard"
    return NarrationLine(event.time, f"Nobody spreads {key} any more; {rest}.", "warn" if left else "good")
