"""What to show of gossip: who knows what, the share informed over time beside theory, and the story in words."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.commands import MILLION
from engine.duration import SECOND, brief_duration
from engine.framing import SERIES_POINTS, metric_view
from engine.landmarks import teller
from engine.scenario import MetricSpec
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Curve, Matrix, MatrixCell, MetricView, NarrationLine, Plot, StageView, Tone
from scenarios.gossip import measures, theory
from scenarios.landmarks import Said, as_landmark

if TYPE_CHECKING:
    from scenarios.gossip.scenario import Gossiper, GossipParams
    from scenarios.gossip.state import Entry

SHOWN_FACTS = 8
SHOWN_CURVES = 3
LEGEND = (
    MatrixCell("□", "not heard", "dim"),
    MatrixCell("■", "knows", "accent"),
    MatrixCell("◪", "another version", "warn"),
    MatrixCell("✕", "down", "bad"),
    MatrixCell("▣", "spreads it", "good"),
)
NOT_HEARD, KNOWS, OTHER_VERSION, DOWN, SPREADS = range(len(LEGEND))
MILESTONES = ((0.25, "a quarter"), (0.5, "half"), (0.9, "nine in ten"))
QUIET_END = 4  # intervals that the plot goes on after the last change
LEAST_SPAN = 8  # intervals that the plot shows at least
SHARES = frozenset({"coverage", "residue", "redundant_share"})


def agent_row(sim: Simulation, agent: Gossiper) -> AgentRow:
    """The agent's line in the agents pane."""
    newest = measures.newest_fact(sim)
    heard = agent.learned.get(newest)
    rumour = sim.params.protocol == "rumour"
    state = "knows" if heard is not None else "not heard" if newest else ""
    if rumour and heard is not None:
        state = "spreads" if newest in agent.hot else "lost interest"
    return AgentRow(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        health=sim.health(agent.id),
        state=state,
        cells=(
            str(len(agent.facts)),
            str(len(agent.hot)) if rumour else "",
            "" if heard is None else f"{heard / SECOND:.2f}s",
            str(len(agent.view)),
            str(measures.distrusted_by(sim, agent.id) or ""),
            agent.capability,
        ),
        tone="dim" if heard is None else "good" if state == "spreads" else "accent",
    )


def node_look(sim: Simulation, agent: Gossiper) -> tuple[Tone, str]:
    """An agent in the network drawing: whether it has heard the newest fact, and whether it spreads it."""
    newest = measures.newest_fact(sim)
    if newest not in agent.learned:
        return "dim", ""
    return ("good" if newest in agent.hot else "accent"), ""


# --- the stage ------------------------------------------------------------------------------------


def stage(sim: Simulation) -> StageView:
    """Who knows what, and how it spread."""
    return StageView("Who knows what", (knowledge(sim), spread(sim)))


def knowledge(sim: Simulation) -> Matrix:
    """Agents by facts; newest fact at the right. Made-up things have a column as well."""
    keys = measures.rumoured(sim)[-SHOWN_FACTS:]
    live = measures.live_agents(sim)
    newest: dict[str, Entry | None] = dict.fromkeys(keys)
    for agent in live:
        for key in keys:
            entry, best = agent.facts.get(key), newest[key]
            if entry is not best and entry is not None and entry.newer_than(best):
                newest[key] = entry

    def cell(agent: Gossiper, key: str) -> int:
        entry = agent.facts.get(key)
        if entry is None:
            return KNOWS if key in agent.learned else NOT_HEARD
        if entry is not newest[key] and entry != newest[key]:
            return OTHER_VERSION
        return SPREADS if key in agent.hot else KNOWS

    down = bytes([DOWN]) * len(keys)
    is_alive = sim.lifecycle.is_alive
    present: list[Any] = [sim.agents[agent] for agent in sim.present()]
    return Matrix(
        title="who knows what",
        rows=tuple([agent.name for agent in present]),
        columns=tuple(keys),
        cells=tuple([bytes([cell(agent, key) for key in keys]) if is_alive(agent.id) else down for agent in present]),
        legend=LEGEND if sim.params.protocol == "rumour" else LEGEND[:SPREADS],
        column_notes=tuple([f"{100 * measures.heard_by(sim, key) // max(1, len(live))}%" for key in keys]),
        row_ids=tuple([agent.id for agent in present]),
    )


def spread(sim: Simulation) -> Plot:
    """Share informed over time for the newest facts, and what theory says of the last one."""
    params: GossipParams = sim.params
    keys = measures.facts(sim)[-SHOWN_CURVES:]
    starts = [sim.meters.gauges[f"start {key}"] / SECOND for key in keys]
    series = [sim.series[f"heard {key}"] for key in keys]
    times = [time / SECOND for time in sim.series.times]
    first = bisect_left(times, max(0.0, min(starts, default=0.0) - params.interval))
    changed = max((_last_change(values) for values in series), default=0)
    last = (times[changed] if changed < len(times) else 0.0) + QUIET_END * params.interval
    end = max([min([last, *times[-1:]]), *(start + LEAST_SPAN * params.interval for start in starts)])
    cut = bisect_left(times, end) + 1
    curves = [
        Curve(key, tuple(times[first:cut]), values[first:cut])
        for key, values in zip(keys, series, strict=True)
        if values
    ]
    if keys:
        curves.extend(_theory(sim, keys[-1], end))
    return Plot(
        title="share informed",
        x_label="s",
        y_label="informed",
        curves=tuple(curves),
        x_range=(times[first] if first < len(times) else 0.0, end),
        y_range=(0.0, 1.0),
        percent=True,
    )


def _last_change(values: tuple[float, ...]) -> int:
    """Where a series last changed."""
    at = len(values) - 1
    while at > 0 and values[at] == values[at - 1]:
        at -= 1
    return max(at, 0)


def _theory(sim: Simulation, key: str, end: float) -> list[Curve]:
    """What theory expects of a fact, for as many agents as its teller could reach when it began."""
    params: GossipParams = sim.params
    loss = _loss(sim)
    if params.protocol == "rumour":
        return [_by_traffic(sim)] if _traffic_tells(sim) else []
    start, live, among = (sim.meters.gauges[f"{name} {key}"] for name in ("start", "live", "among"))
    reached, share = max(2, round(among)), among / live
    interval = params.interval
    label = "theory" if params.topology == "mesh" else "theory, on a mesh"
    if params.timing == "rounds":
        if not _answers_in_time(params):
            return []
        begin = -(-start // round(interval * SECOND)) * interval
        count = max(1, min(400, int((end - begin) / interval) + 2))
        xs = tuple([begin + at * interval for at in range(count)])
        ys = theory.rounds_curve(reached, params.mode, params.fanout, loss, count)
    else:
        if params.timing == "periodic":
            label += ", Poisson calls"
        spans, ys = theory.spreading(reached, params.mode, params.fanout / interval, loss, params.latency)
        xs = tuple([start / SECOND + span for span in spans])
        if xs[-1] < end:
            xs, ys = (*xs, end), (*ys, ys[-1])
    return [Curve(label, xs, tuple([share * y for y in ys]), theory=True)]


def _traffic_tells(sim: Simulation) -> bool:
    """Whether the share that has not heard is e to the power of minus the traffic that arrived: each update reaches any
    agent with the same chance, so it holds for push on a mesh, at any time, whatever makes agents lose interest."""
    params: GossipParams = sim.params
    mongering = params.protocol == "rumour" and params.mode == "push"
    return mongering and params.topology == "mesh" and sim.meters.value("facts") == 1


def _by_traffic(sim: Simulation) -> Curve:
    times = tuple([time / SECOND for time in sim.series.times])
    told = tuple([1.0 - theory.rumour_residue(many) for many in sim.series["received_per_agent"]])
    return Curve("theory, 1 − e^−traffic", times, told, theory=True)


def _loss(sim: Simulation) -> float:
    """The share of messages lost, as the links are now."""
    return (sim.network.usual.loss or 0) / MILLION


def _answers_in_time(params: GossipParams) -> bool:
    """Whether a question and its answer fit into one round, as the theory of rounds has it."""
    return 3 * params.latency < params.interval


# --- the figures ----------------------------------------------------------------------------------


def metric_views(sim: Simulation) -> tuple[MetricView, ...]:
    """The metrics with their theory where there is one."""
    measured = sim.metrics()
    expected = _expected(sim)

    def view(spec: MetricSpec) -> MetricView:
        shown = metric_view(
            spec, measured[spec.name], sim.series, expected.get(spec.name, ""), percent=spec.name in SHARES
        )
        if spec.name == "residue" and "residue" in expected and shown.series:
            told = _by_traffic(sim).ys
            step = max(1, len(told) // SERIES_POINTS)
            shown = replace(shown, theory_series=tuple([1.0 - share for share in told[::step]]))
        return shown

    return tuple(map(view, sim.scenario.metrics))


def _expected(sim: Simulation) -> dict[str, str]:
    """What theory says of some figures, for one fact on a complete network."""
    params: GossipParams = sim.params
    loss = _loss(sim)
    if sim.meters.value("facts") != 1:
        return {}
    if _traffic_tells(sim):
        residue = theory.rumour_residue(sim.meters.value("received") / len(sim.agents))
        return {"residue": f"{100 * residue:.1f}%"}
    n = max(2, round(sim.meters.gauges["among f1"]))
    where = "" if params.topology == "mesh" else " on a mesh"
    if params.protocol == "rumour" or loss >= 1.0:
        return {}
    if params.timing == "rounds" and _answers_in_time(params):
        rounds = theory.mean_rounds_to_all(n, params.mode, params.fanout, loss)
        return {"rounds_to_all": f"{rounds:.1f}{where}"}
    if params.timing == "poisson":
        mean = theory.mean_time_to_all(n, params.mode, params.fanout / params.interval, loss)
        return {"time_to_all": f"{mean:.2f}{where or (' without delays' if params.latency else '')}"}
    return {}


# --- the story ------------------------------------------------------------------------------------


def narrate(sim: Simulation, event: TraceEvent) -> NarrationLine | None:
    """The story so far, in sentences."""
    data = event.message
    if not event.note or not isinstance(data, dict):
        return None
    who = event.agent
    tone: Tone = "plain"
    match event.kind:
        case "rumour":
            what = f"has news, {data['key']}"
            if data["version"] > 1:
                what = f"puts {data['key']} anew, as version {data['version']}"
            text, tone = f"{who} {what}: “{data['text']}”.", "accent"
        case "heard" if "count" in data:
            return _milestone(sim, event, data)
        case "agreed":
            text, tone = f"All agents hold {data['key']} in the same words now: “{data['text']}”.", "good"
        case "cold":
            left = data["of"] - data["count"]
            rest = f"{left} of {data['of']} agents never heard" if left else "all have heard"
            text, tone = f"Nobody spreads {data['key']} any more; {rest}.", "warn" if left else "good"
        case "discovered" if data["count"] == 1:
            text = f"{who} hears of somebody new, {data['other']}, which offers to {data['capability']}."
        case "discovered" if _reaches(0.5, data):
            text, tone = f"Half of the agents call {data['other']} by now, though nobody told them to.", "good"
        case "distrusts" if data["first"]:
            silent = data["why"] == -1
            reason = f"gets no answer from {data['other']}" if silent else f"hears {data['other']} contradict others"
            text, tone = f"{who} {reason}, and passes it over from now on.", "warn"
        case "distrusts" if _reaches(0.5, data):
            text, tone = f"Half of the agents distrust {data['other']} by now, and pass it over.", "warn"
        case _:
            return None
    return NarrationLine(event.time, text, tone)


def _milestone(sim: Simulation, event: TraceEvent, data: dict[str, Any]) -> NarrationLine | None:
    count, total, key = data["count"], data["of"], data["key"]
    if total < 2 or f"start {key}" not in sim.meters.gauges:
        return None
    if data["again"]:
        text = f"{event.agent} knows {key} too: everybody knows again."
        return NarrationLine(event.time, text, "good") if count >= total else None
    if count >= total:
        since = brief_duration(event.time - round(sim.meters.gauges[f"start {key}"]))
        text = f"{event.agent} is the last to hear of {key}: everybody knows, {since} after its start."
        return NarrationLine(event.time, text, "good")
    for share, words in MILESTONES:
        if _reaches(share, data):
            return NarrationLine(event.time, f"{words.capitalize()} of the agents, {count} of {total}, know {key}.")
    return None


def _reaches(share: float, data: Mapping[str, Any]) -> bool:
    """Whether this is the one with whom a share of all is reached."""
    return bool(data["count"] == math.ceil(share * data["of"]))


# --- what is worth going back to ------------------------------------------------------------------


@as_landmark
def landmark(sim: Simulation, note: Note) -> Said | None:
    """Where a rumour begins, has reached half of the agents and all, or is told no more; distrust. Only the first time
    that all know a fact counts, and not when a newcomer hears it."""
    data, who = note.data, teller(sim, note)
    match note.kind:
        case "rumour":
            version = f" anew, version {data['version']}" if data["version"] > 1 else ""
            return "rumour", "♪", f"{who} tells {data['key']}{version}", "accent"
        case "heard" if "count" in data and data["of"] > 1 and not data["again"]:
            if data["count"] >= data["of"]:
                return "all know", "◉", f"everybody knows {data['key']}", "good"
            if _reaches(0.5, data):
                return "half know", "◑", f"half know {data['key']}", "plain"
        case "agreed":
            return "agreed", "◉", f"all agree on {data['key']}, version {data['version']}", "good"
        case "cold":
            left = data["of"] - data["count"]
            rest = f", {left} never heard" if left else ""
            return "cold", "∅", f"nobody tells {data['key']}{rest}", "warn" if left else "plain"
        case "distrusts" if data["first"]:
            return "distrust", "⊘", f"{who} distrusts {data['other']}", "warn"
    return None
