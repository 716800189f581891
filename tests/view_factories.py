"""Made-up views at any size, always the same for the same arguments, for tests and benchmarks of the panes."""

from __future__ import annotations

import math
import random

from engine.views import (
    AgentRow,
    AgentsView,
    Column,
    Curve,
    Health,
    Inspection,
    Layout,
    LogLine,
    LogView,
    Matrix,
    MatrixCell,
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

SECOND = 1_000_000
KINDS = (("p", "push"), ("q", "pull"), ("r", "reply"))


def name_of(agent: int, agents: int = 40) -> str:
    """a-01, a-02 …"""
    return f"a-{agent + 1:0{max(2, len(str(agents)))}d}"


def health_of(agent: int) -> Health:
    """Most are up; every so often one is not."""
    return {7: Health.CRASHED, 11: Health.SLOW, 23: Health.BYZANTINE, 31: Health.FAILED}.get(agent % 40, Health.UP)


def agents_view(agents: int = 40, tick: int = 0, columns: int = 3) -> AgentsView:
    """Rows whose cells and loads change with `tick`."""
    specs = (
        Column("known", "known", "right", 5, "facts it knows"),
        Column("sent", "sent", "right", 6, "messages sent"),
        Column("rep", "reputation", "right", 10, "what others think of it"),
        Column("last", "last heard", "left", 12, "whom it heard last"),
    )[:columns]
    rows = []
    for agent in range(agents):
        informed = informed_at(agent, agents, tick)
        health = health_of(agent)
        cells = (
            str(3 if informed else 1),
            str(tick * 3 + agent),
            f"{(agent * 37) % 100} %",
            name_of((agent * 7) % agents),
        )
        rows.append(
            AgentRow(
                id=agent,
                name=name_of(agent, agents),
                role="seed" if agent % 10 == 0 else "peer",
                health=health,
                state=health.value if health != Health.UP else "informed" if informed else "waiting",
                cells=cells[:columns],
                load=((agent * 13 + tick) % 101) / 100,
                tone="good" if informed else "dim",
            )
        )
    return AgentsView(columns=specs, rows=tuple(rows))


def informed_at(agent: int, agents: int, tick: int) -> bool:
    """A rumour that reaches half of all within 30 ticks."""
    return (agent * 7919) % agents < agents / (1 + math.exp(-(tick - 30) / 6))


def layout(agents: int, clusters: int | None = None, seed: int = 7) -> Layout:
    """A ring with chords, or clusters when there are more than 200 agents."""
    draw = random.Random(seed)
    if clusters is None:
        clusters = 0 if agents <= 200 else max(4, agents // 50)
    positions: dict[int, tuple[float, float]] = {}
    edges: set[tuple[int, int]] = set()
    if clusters:
        across = math.ceil(math.sqrt(clusters * 1.6))
        down = math.ceil(clusters / across)
        members: list[list[int]] = [[] for _ in range(clusters)]
        for agent in range(agents):
            at = agent * clusters // agents
            members[at].append(agent)
            row, column = divmod(at, across)
            angle, radius = draw.random() * math.tau, math.sqrt(draw.random()) * 0.3
            positions[agent] = (
                (column + 0.5 + radius * math.cos(angle)) / across,
                (row + 0.5 + radius * math.sin(angle)) / down,
            )
        heads = [group[0] for group in members]
        edges = {(a, b) for a, b in zip(heads, heads[1:] + heads[:1], strict=True) if a < b}
        named = tuple((f"c{at + 1}", tuple(group)) for at, group in enumerate(members))
        return Layout(1, positions, tuple(sorted(edges)), edges_total=agents * 4, clusters=named)
    for agent in range(agents):
        angle = math.tau * agent / agents
        wobble = 0.82 + 0.18 * draw.random() if agents > 12 else 1.0
        inner = 1.0 if agents <= 20 else (0.45 + 0.55 * (agent % 3) / 2)
        reach = 0.5 * wobble * inner
        positions[agent] = (0.5 + reach * math.cos(angle), 0.5 + reach * math.sin(angle))
    for agent in range(agents):
        for step in (1, 2, 3 + draw.randrange(max(1, agents // 2))):
            a, b = sorted((agent, (agent + step) % agents))
            if a != b:
                edges.add((a, b))
    return Layout(1, positions, tuple(sorted(edges)), edges_total=len(edges))


def network_view(
    agents: int = 40, moving: int = 60, tick: int = 0, *, split: bool = False, seed: int = 7, lay: Layout | None = None
) -> NetworkView:
    """Messages on links, each on its way for a second or so; `split` cuts the second half off."""
    lay = lay or layout(agents, seed=seed)
    draw = random.Random(seed + 1)
    now = 10 * SECOND + tick * 33_000
    nodes = []
    for agent in range(agents):
        tone: Tone = "good" if informed_at(agent, agents, tick) else "dim"
        label = "L" if agent == 0 and agents <= 40 else ""
        group = int(split and agent >= agents // 2)
        nodes.append(NetworkNode(agent, name_of(agent, agents), health_of(agent), tone, label, group))
    pairs = lay.edges if not lay.clusters else ()
    messages = []
    counts = {letter: 0 for letter, _ in KINDS}
    for number in range(moving):
        if pairs:
            a, b = pairs[draw.randrange(len(pairs))]
        else:
            a, b = draw.randrange(agents), draw.randrange(agents)
        if draw.random() < 0.5:
            a, b = b, a
        span = 700_000 + draw.randrange(900_000)
        phase = draw.randrange(span)
        trips, since = divmod(now + phase, span)
        letter, kind = KINDS[(number + trips) % len(KINDS)]
        lost = (number + trips) % 17 == 0
        counts[letter] += 1
        messages.append(
            MovingMessage(number, a, b, kind, letter, now - since, now - since + span, lost, f"fact {number % 4}")
        )
    kinds = tuple((letter, kind, counts[letter]) for letter, kind in KINDS)
    half = agents // 2
    cut = f"{{{name_of(0)}…{name_of(half - 1)}}} | {{{name_of(half)}…{name_of(agents - 1)}}}, since 9.8s"
    return NetworkView(lay, tuple(nodes), tuple(messages), moving, kinds, (cut,) if split else (), now)


def log_line(index: int) -> LogLine:
    """An event that depends on its index alone."""
    kinds = ("deliver", "deliver", "timer", "deliver", "lost", "note", "deliver", "crash", "command", "partition")
    kind = kinds[index % len(kinds)]
    peer = name_of((index * 5) % 40) if kind in ("deliver", "lost") else ""
    words = {
        "deliver": f"push fact {index % 7} v{index % 3}",
        "timer": "timer round",
        "lost": f"push fact {index % 7}: lost on the link",
        "note": f"learnt fact {index % 7} from {peer or 'itself'}",
        "crash": "loses what is not durable",
        "command": "crash 30% of peer",
        "partition": "a-01…a-20 | a-21…a-40",
    }
    return LogLine(index, index * 12_345, kind, name_of((index * 3) % 40), peer, words[kind], max(0, index - 3) or None)


class CountingLines(list[int]):
    """Lines that are made when asked for, and count how often that was."""

    made = 0

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        found = super().__getitem__(at)
        if isinstance(found, list):
            self.made += len(found)
            return [log_line(index) for index in found]
        self.made += 1
        return log_line(found)


def log_view(total: int = 500, kept: int = 4096) -> LogView:
    """The last `kept` of `total` events."""
    lines = CountingLines(range(max(1, total - kept + 1), total + 1))
    return LogView(lines=lines, total=total)  # type: ignore[arg-type]


def matrix(agents: int = 40, facts: int = 4, tick: int = 40) -> Matrix:
    """Who knows which fact; later facts have had less time."""
    rows = []
    for agent in range(agents):
        rows.append(bytes(int(informed_at(agent + 3 * fact, agents, tick - 6 * fact)) for fact in range(facts)))
    notes = []
    for fact in range(facts):
        known = sum(row[fact] for row in rows)
        notes.append(f"{100 * known / agents:.0f} %")
    return Matrix(
        title="who knows what",
        rows=tuple(name_of(agent, agents) for agent in range(agents)),
        columns=tuple(f"f{fact + 1}" for fact in range(facts)),
        cells=tuple(rows),
        legend=(MatrixCell("·", "does not know", "dim"), MatrixCell("■", "knows", "good")),
        column_notes=tuple(notes),
        row_ids=tuple(range(agents)),
    )


def plot(tick: int = 40, points: int = 200) -> Plot:
    """An S-curve, measured as far as `tick`, with its theory."""
    xs = tuple(60 * at / points for at in range(points + 1))
    theory = tuple(1 / (1 + math.exp(-(x - 30) / 6)) for x in xs)
    draw = random.Random(3)
    seen = [
        (x, min(1.0, max(0.0, y + draw.uniform(-0.03, 0.03)))) for x, y in zip(xs, theory, strict=True) if x <= tick
    ]
    return Plot(
        title="informed",
        x_label="seconds",
        y_label="share",
        curves=(
            Curve("measured", tuple(x for x, _ in seen), tuple(y for _, y in seen)),
            Curve("theory", xs, theory, theory=True),
        ),
        x_range=(0.0, 60.0),
        y_range=(0.0, 1.0),
        percent=True,
    )


def stage_view(agents: int = 40, tick: int = 40, facts: int = 4) -> StageView:
    """A matrix, a plot and a few words."""
    words = Words(
        "rounds",
        (
            ("round 14 of push-pull, fanout 1", "plain"),
            ("6 agents have not heard f3", "warn"),
            ("f1 is everywhere since 8.2s", "good"),
        ),
    )
    return StageView("Who knows what", (matrix(agents, facts, tick), plot(tick), words))


def metrics_view(tick: int = 40) -> tuple[MetricView, ...]:
    """Figures of several kinds."""
    course = tuple(1 / (1 + math.exp(-(x - 30) / 6)) for x in range(tick))
    late = tuple(1 / (1 + math.exp(-(x - 33) / 6)) for x in range(tick))
    saw = tuple(float((x * 7) % 13) for x in range(tick))
    return (
        MetricView(
            "coverage", "coverage", f"{100 * course[-1]:.1f}", "97.3", "%", "share of agents that know", course, late
        ),
        MetricView("rounds_to_all", "rounds to all", "—", "9.2", "rounds", "rounds until everybody knows"),
        MetricView("residue", "residue", "0.06", "0.06", "", "share that never hears of it", saw),
        MetricView("messages_per_agent", "messages per agent", "12.4", "", "", "messages each agent sent", saw[::-1]),
        MetricView("redundant_share", "redundant", "61.0", "", "%", "messages that told nothing new", course[::-1]),
        MetricView("time_to_all", "time to all", "14.2", "", "s", "until everybody knows", (2.0,) * 20),
    )


def narration(lines: int = 12) -> tuple[NarrationLine, ...]:
    """Sentences, oldest first."""
    texts: tuple[tuple[str, Tone], ...] = (
        ("a-01 starts a rumour: “the bridge is closed”.", "accent"),
        ("a-07 hears it from a-01 and has nothing to add.", "plain"),
        ("a-12 crashes and forgets what it had not written down.", "bad"),
        ("Half of all agents know by now; from here on most messages tell nothing new.", "plain"),
        ("The network splits: a-01…a-20 cannot reach a-21…a-40 until it heals.", "warn"),
        ("Everybody knows.", "good"),
    )
    return tuple(
        NarrationLine(at * 1_700_000, texts[at % len(texts)][0], texts[at % len(texts)][1]) for at in range(lines)
    )


def status(broken: int = 0, over: str = "", now: int = 184_200_000) -> StatusView:
    """The status of a gossip run."""
    return StatusView(
        scenario="gossip",
        title="Gossip",
        about="40 agents · small world",
        seed=7,
        now=now,
        events=41_208,
        holding=4 - broken,
        broken=("agreement", "no-loss")[:broken],
        waiting=("all informed",) if not over else (),
        over=over,
    )


def inspection(agent: int = 3) -> Inspection:
    """An agent with nested state."""
    row = agents_view().rows[agent]
    return Inspection(
        row=row,
        state={
            "facts": {"f1": {"version": 3, "origin": "a-01", "text": "the bridge is closed"}, "f2": {"version": 1}},
            "reputation": {name_of(at): at / 40 for at in range(40)},
            "round": 14,
            "interested": True,
            "peers": [1, 2, 9],
            "seen": {"x", "y"},
            "last": None,
        },
        durable=("facts", "round"),
        timers=(("round", 185_000_000), ("retry m41", 186_500_000)),
        mail=(
            MovingMessage(41, 2, agent, "push", "p", 184_000_000, 184_400_000, summary="fact 2"),
            MovingMessage(44, 9, agent, "push", "p", 184_000_000, 184_600_000, lost=True, summary="fact 1"),
        ),
        senders={2: "a-02", 9: "a-09"},
        events=tuple(log_line(index) for index in range(40, 52)),
        reach="cut from a-21…a-40",
    )
