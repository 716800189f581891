"""What a scenario is: a protocol that reads like its paper, and what to show of it. One subclass, one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from msgspec import Struct

from engine.commands import CommandSpec
from engine.errors import CommandError
from engine.params import NetworkParams
from engine.views import AgentRow, Column, Landmark, MetricView, NarrationLine, StageView, Tone, Words

if TYPE_CHECKING:
    from engine.agent import Agent
    from engine.simulation import Simulation
    from engine.trace import Note, TraceEvent


class Misbehaviour(Struct, frozen=True):
    """A way in which an agent can misbehave: `byzantine AGENT NAME` starts it."""

    name: str
    help: str


class MetricSpec(Struct, frozen=True):
    """A figure of the scenario: the name that `--json` uses, and what it means."""

    name: str
    help: str
    unit: str = ""
    theory: str = ""  # what it should be and by whom, where a theory exists


class InvariantSpec(Struct, frozen=True):
    """Something that must hold: always (safety), or in the end, once faults stop (liveness).

    `method` names a method of the scenario that returns what is wrong, or an empty text. For safety it is called
    `method(sim, note, memory)` at each note of the kind `on`, or, where `on` is empty, `method(sim, event, memory)`
    after each event (dearer); `memory` is a dict of its own that a checkpoint keeps. For liveness it is called
    `method(sim)` whenever somebody asks.
    """

    name: str
    kind: Literal["safety", "liveness"]
    help: str
    method: str
    on: str = ""


class Experiment(Struct, frozen=True):
    """A thing to try: parameters to start with, commands to run, and what to watch for."""

    name: str
    title: str
    watch: str
    params: Mapping[str, Any] = {}
    script: str = ""
    keys: str = ""


class Scenario:
    """Base class of all scenarios. A subclass sets the class attributes and overrides what it needs.

    One object serves one run, but it holds no state of the run except `params`: state lives in the agents, so that
    a checkpoint is complete without the scenario.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str] = "Your own"
    teaches: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ()
    Params: ClassVar[type[NetworkParams]] = NetworkParams
    horizon: float = 60.0  # seconds of virtual time after which a run without an end is stopped
    pace: ClassVar[float] = 1.0  # virtual seconds a second at which a person can follow it
    still: ClassVar[float] = 2.5  # virtual time in seconds whose stage the menu shows
    still_params: ClassVar[Mapping[str, Any]] = {}  # what the run is given for it, where the defaults look dull
    commands: ClassVar[tuple[CommandSpec, ...]] = ()
    misbehaviours: ClassVar[tuple[Misbehaviour, ...]] = ()
    metrics: ClassVar[tuple[MetricSpec, ...]] = ()
    invariants: ClassVar[tuple[InvariantSpec, ...]] = ()
    experiments: ClassVar[tuple[Experiment, ...]] = ()
    columns: ClassVar[tuple[Column, ...]] = ()

    def __init__(self, params: Any = None) -> None:
        self.params: Any = self.Params() if params is None else params

    # Setting up and going on

    def population(self) -> Sequence[tuple[str, str]]:
        """(name, role) of each agent at the start, in id order."""
        raise NotImplementedError

    def create(self, name: str, role: str) -> Agent:
        """A new agent in its first state: at the start, at a join, and at a restart (which then gets its durable
        attributes back)."""
        raise NotImplementedError

    def next_name(self, role: str, number: int) -> str:
        """The name of an agent that joins later; `number` counts all agents there ever were, it included."""
        return f"{role}-{number}"

    def begin(self, sim: Simulation) -> None:
        """Called once when all agents exist, before the first event: inject what starts the story."""

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        """Carry out one of the scenario's own `commands`; agents come as ids, durations as microseconds."""
        raise CommandError(f"{self.name} has no command {name!r}")

    def over(self, sim: Simulation) -> str:
        """Why the run is over (its goal reached and nothing left to do), or an empty text while it goes on."""
        return ""

    # What to show

    def measure(self, sim: Simulation) -> dict[str, Any]:
        """The value of each of `metrics`, by name; plain numbers, or None where there is none yet."""
        return {}

    def sample(self, sim: Simulation) -> Mapping[str, float]:
        """Values to be remembered over time, taken at regular virtual times; they become `sim.series[name]`."""
        return {}

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow | None:
        """The agent's row in the agents pane; None for the plain one."""
        return None

    def node_look(self, sim: Simulation, agent: Agent) -> tuple[Tone, str]:
        """Tone and short label of an agent in the network drawing."""
        return "plain", ""

    def stage(self, sim: Simulation) -> StageView | None:
        """The scenario's own view of what matters."""
        return None

    def detail(self, sim: Simulation, key: str) -> Words | None:
        """All there is to say of one thing on the stage that a person selected: a block by its id, a task by its id;
        None for what is not there (any more)."""
        return None

    def metric_views(self, sim: Simulation) -> tuple[MetricView, ...]:
        """The metrics pane; the base class shows `measure` as it is."""
        from engine.framing import plain_views

        return plain_views(self.metrics, self.measure(sim), sim.series)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        """The landmark that a note is, or None for what one need not go back to. Faults, heals and broken invariants
        are landmarks already; a scenario adds its own: forks, view changes. Asked once for each note, some time after
        it was made: what it says must come from the note alone."""
        return None

    def narrate(self, sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
        """One sentence on an event that deserves it (notes, mostly), or None."""
        return None
