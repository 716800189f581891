"""Frames: what the panes may see of a run at one moment, made only when somebody asks.

`Framer` belongs to whoever watches a run: it keeps the layout, which only a screen needs, and the story so far.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import Any, overload

from msgspec import Struct
from msgspec.structs import asdict, replace

from engine.commands import PERCENT
from engine.describe import kind_of, letter_of, summary_of
from engine.duration import brief_duration
from engine.events import IN_FLIGHT, Event, Kind
from engine.layout import make_layout
from engine.meters import Series
from engine.params import NetworkParams
from engine.scenario import MetricSpec
from engine.sequence import sequence
from engine.simulation import Simulation
from engine.trace import Note, Trace, TraceEvent
from engine.views import (
    AgentRow,
    AgentsView,
    Frame,
    Health,
    Inspection,
    Layout,
    LogLine,
    LogView,
    MetricView,
    MovingMessage,
    NarrationLine,
    NetworkNode,
    NetworkView,
    Plot,
    StageView,
    StatusView,
    Tone,
    Words,
)

SHOWN_MESSAGES = 400  # moving messages in one drawing
STORY_LINES = 200
LAST_EVENTS = 40  # of one agent, in its inspection
SERIES_POINTS = 64
DEEPEST = 8  # levels of an agent's state that its inspection opens

PARTS = ("agents", "network", "sequence", "log", "stage", "metrics", "narration")

_BAD_NOTES = frozenset({"crash", "failed", "broken", "partition", "refused", "byzantine"})
_LOST_KINDS = frozenset({"lost", "cut", "dropped"})


class Framer:
    """Makes views of one run."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self._layout: Layout | None = None
        self._layout_of: tuple[int, ...] = ()
        self._layout_version = 0
        self._story: deque[NarrationLine] = deque(maxlen=STORY_LINES)
        self._told = 0  # how many notes were looked at
        self._travels = 0  # how often the run had gone elsewhere by then
        self.watched: int | None = None
        """The agent whose messages the sequence diagram is sure to show."""
        self.only = ""
        """The text that agents must have in their names to have a lane of the sequence diagram; empty for all."""

    def frame(self, parts: Collection[str] = PARTS, *, about: str = "", chosen: str = "") -> Frame:
        """The parts asked for, all of the same moment; with what is to be said of the thing on the stage that the key
        `chosen` names."""
        sim = self.sim
        return Frame(
            status=self.status(about),
            agents=self.agents() if "agents" in parts else None,
            network=self.network() if "network" in parts else None,
            sequence=sequence(sim, self.watched, self.only) if "sequence" in parts else None,
            log=self.log() if "log" in parts else None,
            stage=self.stage(chosen) if "stage" in parts else None,
            metrics=sim.scenario.metric_views(sim) if "metrics" in parts else None,
            narration=self.narration() if "narration" in parts else None,
        )

    def status(self, about: str = "") -> StatusView:
        """The status line's data."""
        sim = self.sim
        report = sim.invariants()
        return StatusView(
            scenario=sim.scenario.name,
            title=sim.scenario.title,
            about=about or f"{len(sim.present())} agents · {sim.topology.kind}",
            seed=sim.seed,
            now=sim.now,
            events=sim.events,
            holding=sum(one["holds"] for one in report),
            broken=tuple(one["name"] for one in report if not one["holds"] and one["kind"] == "safety"),
            waiting=tuple(one["name"] for one in report if not one["holds"] and one["kind"] == "liveness"),
            over=sim.over,
        )

    def agents(self) -> AgentsView:
        """One row for each agent that has not left."""
        return AgentsView(tuple(self.sim.scenario.columns), tuple([self.row(a) for a in self.sim.present()]))

    def row(self, agent: int) -> AgentRow:
        """One agent's row: the scenario's, or a plain one. Whoever is down does nothing else."""
        found = self.sim.agent(agent)
        row = self.sim.scenario.agent_row(self.sim, found)
        health = self.sim.health(agent)
        if row is None:
            return AgentRow(agent, found.name, found.role, health, str(health))
        return row if health not in (Health.CRASHED, Health.FAILED) else replace(row, state=str(health), load=None)

    def layout(self) -> Layout:
        """Where the agents stand; worked out once, and again when agents come or go."""
        present = tuple(self.sim.present())
        if self._layout is None or self._layout_of != present:
            self._layout_version += 1
            self._layout = make_layout(self.sim.topology, self._layout_version)
            self._layout_of = present
        return self._layout

    def network(self) -> NetworkView:
        """The network with what moves in it."""
        sim = self.sim
        group_of: dict[int, int] = {}
        cuts: tuple[str, ...] = ()
        if sim.network.cuts:
            reach = sim.reachability()
            words = reach.describe(sim.names.__getitem__)
            cuts = (words,) if words else ()
            group_of = {agent: number for number, group in enumerate(reach.groups) for agent in group}
        nodes = []
        for agent in sim.present():
            tone, label = sim.scenario.node_look(sim, sim.agents[agent])
            nodes.append(NetworkNode(agent, sim.names[agent], sim.health(agent), tone, label, group_of.get(agent, 0)))
        moving = [event for event in sim.calendar if event[4] in IN_FLIGHT and sim.network.knows(event[2])]
        kinds = Counter(kind_of(event[5]) for event in moving)
        letters = letters_for(kinds)
        return NetworkView(
            layout=self.layout(),
            nodes=tuple(nodes),
            moving=tuple([_moving(event, letters) for event in islice(moving, SHOWN_MESSAGES)]),
            moving_total=len(moving),
            kinds=tuple((letters[kind], kind, count) for kind, count in sorted(kinds.items())),
            cuts=cuts,
            now=sim.now,
        )

    def stage(self, chosen: str = "") -> StageView:
        """The scenario's stage; for one that has none, what it teaches and what there is to try. What is to be said of
        the thing that `chosen` names takes the place of plots and words."""
        scenario = self.sim.scenario
        view = scenario.stage(self.sim)
        if view is not None:
            detail = scenario.detail(self.sim, chosen) if chosen else None
            if detail is None:
                return view
            rest = tuple([part for part in view.parts if not isinstance(part, (Plot, Words))])
            return StageView(view.title, (*rest, detail))
        lines: list[tuple[str, Tone]] = [(text, "plain") for text in (scenario.teaches, *scenario.sources) if text]
        lines += [(f"Try: {one.title}. {one.watch}", "accent") for one in scenario.experiments]
        return StageView(scenario.title, (Words(scenario.title, tuple(lines)),))

    def log(self) -> LogView:
        """The bounded trace."""
        trace = self.sim.trace
        return LogView(LogLines(trace, trace.raw()), trace.total)

    def narration(self) -> tuple[NarrationLine, ...]:
        """The story so far, oldest line first."""
        sim = self.sim
        trace = sim.trace
        if sim.travels != self._travels:  # the run stands at another moment: its notes are others
            self._travels, self._told = sim.travels, 0
            self._story.clear()
        for note in trace.notes:
            if note.serial > self._told:
                self._tell(trace.describe_note(note))
        self._told = trace.note_count
        return tuple(self._story)

    def _tell(self, event: TraceEvent) -> None:
        told = self.sim.scenario.narrate(self.sim, event) or plain_story(event)
        if told is not None:
            line = NarrationLine(event.time, told) if isinstance(told, str) else told
            self._story.append(replace(line, index=event.index))

    def inspect(self, agent: int) -> Inspection:
        """Everything about one agent."""
        sim = self.sim
        found = sim.agent(agent)
        mail = [e for e in sim.calendar if e[4] in IN_FLIGHT and e[2] == agent][:SHOWN_MESSAGES]
        letters = letters_for(kind_of(event[5]) for event in mail)
        lines = [log_line(event) for event in sim.trace.events() if agent in (event.agent_id, event.peer_id)]
        return Inspection(
            row=self.row(agent),
            state={key: _opened(value) for key, value in found.state().items() if _is_telling(key, value)},
            durable=type(found).durable,
            timers=tuple(sorted((summary_of(name), event[0]) for name, event in found.ctx.timers.items())),
            mail=tuple(_moving(event, letters) for event in mail),
            senders={event[3]: sim.names[event[3]] for event in mail},
            events=tuple(lines[-LAST_EVENTS:]),
            reach=sim.reachability().explain(agent, sim.names.__getitem__) if sim.network.cuts else "",
        )


def _is_telling(name: str, value: Any) -> bool:
    """Whether an attribute says something about the agent; its parameters are everybody's."""
    return not name.startswith("_") and not isinstance(value, NetworkParams)


def _opened(value: Any, depth: int = DEEPEST) -> Any:
    """A value as nested plain data, objects as dicts of their attributes; what lies too deep as one line."""
    parts: dict[Any, Any]
    if isinstance(value, Struct):
        parts = asdict(value)
    elif isinstance(value, dict):
        parts = value
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        parts = value._asdict()
    elif isinstance(value, (list, tuple)):
        return type(value)([_opened(part, depth - 1) for part in value]) if depth else summary_of(value)
    elif hasattr(value, "__dict__") and not isinstance(value, (type, Enum)) and not callable(value):
        parts = vars(value)
    else:
        return value
    return {key: _opened(part, depth - 1) for key, part in parts.items()} if depth else summary_of(value)


def letters_for(kinds: Iterable[str]) -> dict[str, str]:
    """A one-character mark for each kind, as far as possible its first letter, all different."""
    letters: dict[str, str] = {}
    for kind in sorted(set(kinds)):
        candidates = [*kind, *kind.upper(), "?"]
        letters[kind] = next((c for c in candidates if c.isalnum() and c not in letters.values()), letter_of(kind))
    return letters


def _moving(event: Event, letters: dict[str, str]) -> MovingMessage:
    due, number, target, source, kind, message, _, sent = event
    words = kind_of(message)
    return MovingMessage(
        number=number,
        source=source,
        target=target,
        kind=words,
        letter=letters.get(words, "?"),
        sent=sent,
        due=due,
        lost=kind in (Kind.LOST, Kind.CUT),
    )


class LogLines(Sequence[LogLine]):
    """Entries of the trace that become lines when they are asked for."""

    def __init__(self, trace: Trace, raw: list[tuple[int, int, Event | Note]]) -> None:
        self._trace = trace
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, at: int) -> LogLine: ...
    @overload
    def __getitem__(self, at: slice) -> list[LogLine]: ...
    def __getitem__(self, at: int | slice) -> LogLine | list[LogLine]:
        if isinstance(at, slice):
            return [self._line(entry) for entry in self._raw[at]]
        return self._line(self._raw[at])

    def _line(self, entry: tuple[int, int, Event | Note]) -> LogLine:
        return log_line(self._trace.in_words(entry[0], entry[2]))


def log_line(event: TraceEvent) -> LogLine:
    """One line of the log."""
    tone: Tone = "plain"
    if event.kind in _LOST_KINDS or (event.note and event.kind in _BAD_NOTES):
        tone = "bad"
    elif event.kind in ("timer", "start"):
        tone = "dim"
    elif event.note or event.kind == "command":
        tone = "accent"
    return LogLine(
        index=event.index,
        time=event.time,
        kind=event.kind,
        agent=event.agent,
        peer=event.peer if event.peer_id != event.agent_id else "",
        summary=event.summary,
        cause=event.cause,
        tone=tone,
    )


def plain_story(event: TraceEvent) -> NarrationLine | None:
    """What the engine itself has to tell: crashes, partitions, broken invariants."""
    data: Any = event.message  # a scenario may make notes of these kinds, too
    said, who = data.get("text", event.summary), event.agent
    tone: Tone = "bad" if event.kind in _BAD_NOTES else "plain"
    match event.kind:
        case "crash":
            text = f"{who} crashes: it loses all but its durable state."
        case "restart":
            text, tone = f"{who} is up again, with its durable state only.", "good"
        case "freeze":
            text, tone = f"{who} freezes: alive, but it answers nothing.", "warn"
        case "thaw":
            text, tone = f"{who} thaws, and finds its mail.", "good"
        case "join":
            text, tone = f"{who} joins.", "accent"
        case "leave":
            text = f"{who} leaves for good."
        case "failed":
            text = f"{who} fails with an error of its own: {said}"
        case "byzantine":
            mode = data.get("mode", said)
            honest = mode == "honest"
            text = f"{who} is honest again." if honest else f"{who} misbehaves from now on: {mode}."
            tone = "good" if honest else "bad"
        case "partition":
            text = f"The network splits: {said}."
        case "heal":
            text, tone = "The network is whole again.", "good"
        case "link":
            text, tone = f"Links change: {said}.", "accent"
        case "slowed":
            factor = data["factor"]
            text = f"{who} takes {factor:g} times as long for everything from now on."
            text, tone = (f"{who} is as quick as ever again.", "good") if factor == 1 else (text, "warn")
        case "clock":
            text, tone = f"{who}'s clock is {_clock(data)}.", "warn"
        case "broken":
            text = f"Invariant {data.get('invariant', '')} is broken: {said}."
        case "refused":
            text = f"A command could not be carried out: {said}{'' if said[-1:] in '?…' else '.'}"
        case _:
            return None
    return NarrationLine(event.time, text, tone)


def _clock(data: Mapping[str, Any]) -> str:
    """How a clock is wrong, or right again, in words."""
    offset, rate = data.get("offset") or 0, data.get("rate") or 0
    if data.get("rate") is not None:
        pace = f"{abs(rate) / PERCENT:g}% too {'fast' if rate > 0 else 'slow'} from now on"
        return pace if rate else "as quick as the true one again"
    return f"{brief_duration(abs(offset))} {'ahead' if offset > 0 else 'behind'} from now on" if offset else "set right"


def metric_view(spec: MetricSpec, value: Any, series: Series, theory: str = "", *, percent: bool = False) -> MetricView:
    """A figure for the metrics pane, with its course over time where the scenario samples it."""
    points = series[spec.name]
    step = max(1, len(points) // SERIES_POINTS)
    return MetricView(
        name=spec.name,
        label=spec.name.replace("_", " "),
        value=in_words(value, percent=percent),
        theory=theory,
        unit="" if percent else spec.unit,
        help=spec.help,
        series=tuple(points[::step]),
    )


def in_words(value: Any, *, percent: bool = False) -> str:
    """A figure as people read it: `–` where there is none, three or four digits otherwise. Of a figure for each of
    several agents it is the largest, and whose that is."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):  # a figure for each of several agents: the largest
        most = max(value, key=lambda name: (value[name], name), default="")
        return f"{most} {in_words(value[most], percent=percent)}" if value else "–"
    if percent:
        return f"{100 * value:.1f}%"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "–"
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:,.2f}"


def plain_views(specs: Sequence[MetricSpec], values: dict[str, Any], series: Series) -> tuple[MetricView, ...]:
    """The metrics of a scenario that does not say how it wants them shown."""
    return tuple(metric_view(spec, values.get(spec.name), series, spec.theory) for spec in specs)
