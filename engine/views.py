"""What a pane may see of a run: plain, immutable data, made when a frame is due.

Scenarios make views, panes draw them, and neither knows the other. Times are integer microseconds of
virtual time; positions are fractions of the drawing area (0 to 1, y downwards).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct


class Health(StrEnum):
    """How an agent is, as far as the engine knows. A pane shows it as a glyph, never by colour alone."""

    UP = "up"
    SLOW = "slow"
    FROZEN = "frozen"
    CRASHED = "crashed"
    FAILED = "failed"  # its own code raised; the traceback is in the trace
    BYZANTINE = "byzantine"
    STARTING = "starting"
    DRAINING = "draining"


Tone = Literal["plain", "good", "bad", "warn", "accent", "dim"]
"""What a thing means to the reader; the theme decides the colour."""


class Column(Struct, frozen=True):
    """A column of the agents pane that the scenario adds after name, role, health and load."""

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    width: int = 8
    help: str = ""


class AgentRow(Struct, frozen=True):
    """One agent. `cells` follow the view's columns; `load` is 0 to 1, or None where it has no meaning."""

    id: int
    name: str
    role: str
    health: Health
    state: str
    cells: tuple[str, ...] = ()
    load: float | None = None
    tone: Tone = "plain"


class AgentsView(Struct, frozen=True):
    """All rows of the agents pane; each row's cells follow `columns`."""

    columns: tuple[Column, ...]
    rows: tuple[AgentRow, ...]


class Inspection(Struct, frozen=True):
    """Everything there is to know about one agent, for the inspector."""

    row: AgentRow
    state: Mapping[str, Any]  # nested plain data, in declaration order
    durable: tuple[str, ...]  # the names in `state` that a crash does not lose
    timers: tuple[tuple[str, int], ...]  # name, when it fires
    mail: tuple[MovingMessage, ...]  # on its way to the agent, soonest first
    senders: Mapping[int, str]  # names of those who sent it
    events: tuple[LogLine, ...]  # its last events, oldest first
    reach: str = ""  # who it is cut from, in words; empty when it reaches all


class Layout(Struct, frozen=True):
    """Where the agents stand. `version` grows when positions or edges change, so that a pane may cache.

    With more agents than can be told apart the agents stand in clusters: `clusters` then holds, for each
    cluster, its label and its members' ids; otherwise it is empty. `edges` are pairs of ids to be drawn, in
    ascending order; empty when there are too many to be drawn usefully (`edges_total` says how many exist).
    """

    version: int
    positions: Mapping[int, tuple[float, float]]
    edges: tuple[tuple[int, int], ...]
    edges_total: int
    clusters: tuple[tuple[str, tuple[int, ...]], ...] = ()


class NetworkNode(Struct, frozen=True):
    """An agent in the network drawing; `label` is a letter or two that the scenario gives it, or empty."""

    id: int
    name: str
    health: Health
    tone: Tone = "plain"
    label: str = ""
    group: int = 0  # agents that reach one another share a group; all 0 without a partition


class MovingMessage(Struct, frozen=True):
    """A message in flight. `letter` is the one-character mark of its kind; `number` names it in commands."""

    number: int
    source: int
    target: int
    kind: str
    letter: str
    sent: int
    due: int
    lost: bool = False  # it will not arrive: lost on the link, or cut off
    summary: str = ""


class NetworkView(Struct, frozen=True):
    """The network drawing at one moment."""

    layout: Layout
    nodes: tuple[NetworkNode, ...]
    moving: tuple[MovingMessage, ...]  # bounded: the soonest few hundred; `moving_total` says how many there are
    moving_total: int
    kinds: tuple[tuple[str, str, int], ...]  # letter, kind, how many move now
    cuts: tuple[str, ...]  # partitions in force, in words
    now: int


class LogLine(Struct, frozen=True):
    """One event of the trace. `cause` is the index of the event that led to this one, or None."""

    index: int
    time: int
    kind: str  # deliver, lost, drop, timer, start, crash, restart, command, note, failed …
    agent: str
    peer: str
    summary: str
    cause: int | None = None
    tone: Tone = "plain"


class LogView(Struct, frozen=True):
    """The bounded trace: `lines` formats a line when it is asked for, so slicing the end is cheap."""

    lines: Sequence[LogLine]
    total: int  # events since the start, of which the last len(lines) are kept


class NarrationLine(Struct, frozen=True):
    """A sentence about something that happened."""

    time: int
    text: str
    tone: Tone = "plain"
    index: int = 0  # of the event it tells of; 0 for how the run was set up


class MetricView(Struct, frozen=True):
    """A figure for the metrics pane: formatted value, what theory expects, and its course where it has one.

    Where two runs are compared, `rival` and `rival_series` are the same figure of the other one; both courses take the
    same stretch of time, and where a run has ended before that there are no numbers (NaN).
    """

    name: str
    label: str
    value: str
    theory: str = ""
    unit: str = ""
    help: str = ""
    series: tuple[float, ...] = ()
    theory_series: tuple[float, ...] = ()
    rival: str = ""
    rival_series: tuple[float, ...] = ()


class Curve(Struct, frozen=True):
    """One line of a plot; `theory` marks what a model says rather than what was measured."""

    label: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    theory: bool = False


class Plot(Struct, frozen=True):
    """Curves on common axes; `x_range` and `y_range` fix an axis where the scenario knows its span."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    percent: bool = False  # the y axis is a share, shown in per cent


class MatrixCell(Struct, frozen=True):
    """What a mark in a matrix means: glyph, words for the legend, tone."""

    glyph: str
    meaning: str
    tone: Tone = "plain"


class Matrix(Struct, frozen=True):
    """A grid of agents by things, such as who knows what.

    `cells[r][c]` indexes `legend`. Where there are more rows than agents can be shown, the pane folds rows
    together and shows each legend entry's share as a shade.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[bytes, ...]
    legend: tuple[MatrixCell, ...]
    column_notes: tuple[str, ...] = ()  # one line under each column's head, such as "87 %"
    row_ids: tuple[int, ...] = ()


class Words(Struct, frozen=True):
    """A block of text lines for a stage that has something to say rather than to draw."""

    title: str
    lines: tuple[tuple[str, Tone], ...]


BlockStatus = Literal["canonical", "stale", "hidden", "invalid", "orphan"]
"""What has become of a block: on the canonical chain; valid, and left behind; kept secret by whoever found it;
refused by the honest agents; waiting for a parent that nobody who knows it has."""


class Block(Struct, frozen=True):
    """A block in the fork view. `id` names it (its hash, in hex), `label` is as much of that as is shown."""

    id: str
    parent: str  # the id of its parent; empty for the first block
    height: int
    label: str
    status: BlockStatus
    maker: int = -1  # the agent who made it, whose colour it has; −1 for the first block
    mark: str = ""  # the maker in one to three letters
    note: str = ""  # what there is to say of it at a glance: "left by 6 and 7 at 176.3s"


class Tip(Struct, frozen=True):
    """A block that agents take for the end of the chain."""

    block: str
    agents: tuple[int, ...]
    marks: tuple[str, ...]  # the same agents in one to three letters each
    note: str = ""


class Reorganisation(Struct, frozen=True):
    """Agents that went over from one branch to another."""

    time: int
    left: str  # the tip they left
    joined: str  # the tip they went to
    depth: int  # blocks undone
    agents: tuple[int, ...]


class Chain(Struct, frozen=True):
    """The fork view: a tree of blocks, and who stands where. Blocks come by height, older ones of a height first.

    A consistent view holds each block's parent, or that parent lies below the lowest height shown.
    """

    title: str
    blocks: tuple[Block, ...]
    tips: tuple[Tip, ...]
    reorganisations: tuple[Reorganisation, ...] = ()  # the latest few, oldest first
    now: int = 0
    final: int = -1  # blocks up to this height can never be undone; −1 where nothing ever is final
    hidden_note: str = ""  # about the hidden branch: "1 ahead, publishes on the next find"


BidStatus = Literal["open", "best", "won", "lost", "refused", "late"]


class Bid(Struct, frozen=True):
    """A bid for a task; `refused` means that the bidder would not bid, and `text` says why."""

    bidder: int
    name: str
    status: BidStatus
    amount: float | None = None
    text: str = ""


class BoardTask(Struct, frozen=True):
    """A task on the board, with its bids as a ladder, best first."""

    id: str
    about: str  # "weld, size 4, deadline 12s"
    state: str  # announced, bidding, awarded, done, expired, refused: as the scenario words it
    bids: tuple[Bid, ...] = ()
    tone: Tone = "plain"
    winner: int = -1
    winner_name: str = ""
    progress: float | None = None  # 0 to 1, while somebody works on it
    lease: float | None = None  # the part of its lease that is left, 0 to 1
    lease_text: str = ""  # "3.1s"
    note: str = ""


class Board(Struct, frozen=True):
    """Tasks and the bids for them; those that need attention first."""

    title: str
    tasks: tuple[BoardTask, ...]
    total: int  # tasks there ever were; `tasks` may hold only the newest
    unit: str = ""  # of the amounts
    rising: bool = False  # the highest bid wins, rather than the lowest


class PhaseCell(Struct, frozen=True):
    """How far one replica is in one phase of one request: `have` votes of the `need` that it takes.

    `need` 1 is a thing that is there or not. `wrong` votes were seen and rejected.
    """

    have: int
    need: int
    wrong: int = 0


class PhaseRow(Struct, frozen=True):
    """A replica, and its cells: for each request one for each phase. None where it has heard of nothing."""

    id: int
    name: str
    health: Health
    crowned: bool  # it is primary of its own view
    note: str  # "view 1", "waits for a new view, 2 of 3"
    cells: tuple[tuple[PhaseCell | None, ...], ...]
    tone: Tone = "plain"


class PhaseGrid(Struct, frozen=True):
    """Replicas by phases, for the requests in flight; newest request at the right."""

    title: str
    phases: tuple[str, ...]  # heads of the phases: pre, prep, comm, exec
    requests: tuple[str, ...]  # heads of the requests: "seq 7"
    rows: tuple[PhaseRow, ...]
    banner: str = ""  # a view change under way: "view 0 → 1: 2 of 3 votes"
    banner_tone: Tone = "warn"


class PoolWorker(Struct, frozen=True):
    """A worker as a tile: how full it is, and what the failure detector thinks of it."""

    id: int
    name: str
    health: Health
    fill: float  # 0 to 1
    text: str = ""  # "3 tasks", "starts in 1.2s", "drains, 2 left"
    suspicion: float | None = None  # phi of the accrual detector, or the share of the timeout that has passed
    suspected: bool = False
    group: str = ""  # its team, where there are teams


class Pool(Struct, frozen=True):
    """A pool of workers and the queue before it."""

    title: str
    workers: tuple[PoolWorker, ...]
    queue: int
    queue_scale: int  # the length that fills the bar
    actual: int
    wanted: int
    notes: tuple[tuple[str, Tone], ...] = ()  # "sheds low priority: saturated"


StagePart = Matrix | Plot | Words | Chain | Board | PhaseGrid | Pool


class StageView(Struct, frozen=True):
    """The scenario's own stage: its parts stand side by side where there is room, else one above another."""

    title: str
    parts: tuple[StagePart, ...]


class StatusView(Struct, frozen=True):
    """The status line: what runs, where it is, and which promises it keeps."""

    scenario: str
    title: str
    about: str  # "40 agents · small world"
    seed: int
    now: int
    events: int
    holding: int
    broken: tuple[str, ...]  # names of broken safety invariants
    waiting: tuple[str, ...] = ()  # liveness invariants that do not hold yet
    over: str = ""  # why the run is over, in words; empty while it goes on


class Frame(Struct, frozen=True):
    """All the panes of one moment. A part that no pane asked for is None."""

    status: StatusView
    agents: AgentsView | None = None
    network: NetworkView | None = None
    sequence: SequenceView | None = None
    log: LogView | None = None
    stage: StageView | None = None
    metrics: tuple[MetricView, ...] | None = None
    narration: tuple[NarrationLine, ...] | None = None


class Landmark(Struct, frozen=True):
    """A moment of a run worth going to: right after the event with this index (0: while the run was set up)."""

    index: int
    time: int
    kind: str  # in a word or two, as a legend says it: crash, partition, fork, view change …
    glyph: str  # one cell
    text: str  # a few words: `m-3 crashes`, `fork at 12`
    tone: Tone = "plain"


class BranchView(Struct, frozen=True):
    """One future of a run. It shares its parent's course up to `start`, and goes its own way from there to `end`."""

    number: int  # from 1
    parent: int  # 0 for the first one
    start: int  # µs; 0 for the first one
    end: int  # µs: how far it has been run
    commands: tuple[tuple[int, str], ...]  # since `start`, oldest first: when, and what
    landmarks: tuple[Landmark, ...]  # likewise


class TimelineView(Struct, frozen=True):
    """The tree of branches, by number, and where the run stands in it."""

    now: int
    current: int  # number of the branch that is shown
    branches: tuple[BranchView, ...]


Fate = Literal["arrived", "moving", "held", "lost", "cut", "dropped"]
"""What has become of a message: taken; on its way; waits for a frozen agent; lost on the link; stopped by a
partition; came, and nobody took it."""


class SequenceLane(Struct, frozen=True):
    """An agent of the sequence diagram."""

    id: int
    name: str
    health: Health
    down: tuple[tuple[int, int], ...] = ()  # from the event with the first index to the one with the second; 0: still
    born: int = 0  # the event by which it joined; 0 for one that was there from the start
    gone: bool = False  # whether it has left


class SequenceArrow(Struct, frozen=True):
    """A message, at the moment when it arrived, was lost, or is due."""

    index: int  # of the event that its arrival or loss is; 0 while it is on its way
    time: int
    number: int  # which names it in commands
    source: int
    target: int
    sender: str
    receiver: str
    kind: str
    summary: str
    sent: int
    cause: int | None  # the event during which it was sent
    fate: Fate = "arrived"
    reason: str = ""  # why it did not arrive, in words


class SequenceMark(Struct, frozen=True):
    """Something that happened to one agent, or to all (`agent` is −1 then): a timer, a start, a note, a command."""

    index: int
    serial: int  # of a note; 0 for an event
    time: int
    agent: int
    who: str
    kind: str
    text: str
    cause: int | None = None
    tone: Tone = "plain"


SequenceItem = SequenceArrow | SequenceMark


class SequenceView(Struct, frozen=True):
    """The sequence diagram: what happened last, in order of events, and then what is on its way, soonest first.

    `lanes` holds the agents that matter most, the most important first; a pane shows as many as fit. The items are
    those between these lanes, and all those of the agents in `chosen`, also with an agent that has no lane.
    """

    lanes: tuple[SequenceLane, ...]
    items: tuple[SequenceItem, ...]
    chosen: tuple[int, ...]
    agents: int  # how many could have a lane
    total: int  # events since the start
    now: int
    only: str = ""  # the text that agents must have in their names to have a lane; empty for all
