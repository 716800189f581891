"""Leader election on a ring, after E. Chang and R. Roberts, An improved algorithm for decentralized extrema-finding
in circular configurations of processes, CACM 22(5), 1979.

A scenario of one's own in one file. From this folder:

    swarmscope play ./election.py
    swarmscope run ./election.py -p agents=20 --json
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Struct

from swarmscope import (
    Agent,
    AgentRow,
    Column,
    Experiment,
    InvariantSpec,
    Landmark,
    MetricSpec,
    NetworkParams,
    Note,
    Scenario,
    Simulation,
    TraceEvent,
    param,
)


class Candidate(Struct, frozen=True):
    """The largest number met so far, on its way around."""

    number: int


class Elected(Struct, frozen=True):
    """Who has won, on its way around."""

    number: int


class Params(NetworkParams, frozen=True, kw_only=True):
    agents: Annotated[int, param("how many processes stand in the ring", low=2, high=1000)] = 8


class Process(Agent):
    """Passes larger numbers on, swallows smaller ones; whoever meets its own number again has won."""

    durable = ("number",)

    def __init__(self) -> None:
        self.number = 0
        self.leader = 0

    def on_start(self) -> None:
        if not self.number:
            self.number = 1 + self.rng.below(10**6)
        self._pass_on(Candidate(self.number))

    def on_message(self, sender: int, message: Any) -> None:
        match message:
            case Candidate(number) if number > self.number:
                self._pass_on(message)
            case Candidate(number) if number == self.number:
                self.ctx.note("leader", number=number)
                self.leader = number
                self._pass_on(Elected(number))
            case Elected(number) if number != self.number:
                self.leader = number
                self._pass_on(message)

    def _pass_on(self, message: Any) -> None:
        count = len(self.ctx.sim.agents)
        self.ctx.send((self.id + 1) % count, message)


class Election(Scenario):
    name = "election"
    title = "Leader election"
    teaches = "How processes in a ring agree on a leader when each knows only its neighbour."
    sources = ("E. Chang, R. Roberts, CACM 22(5), 1979",)
    Params = Params
    horizon = 60.0
    metrics = (
        MetricSpec("messages", "messages sent in all", theory="n·H(n) + n on average"),
        MetricSpec("leaders", "processes that think they have won"),
    )
    invariants = (
        InvariantSpec("one-leader", "safety", "no two processes win with different numbers", "check_one", on="leader"),
        InvariantSpec("all-know", "liveness", "in the end everybody up knows the leader", "ignorant"),
    )
    experiments = (
        Experiment(
            "crash", "Break the ring", "A crash swallows the numbers that pass: nobody wins.", {}, "at 1ms crash p3"
        ),
    )
    columns = (Column("number", "number", "right", 8), Column("leader", "leader", "right", 8))
    params: Params

    def population(self) -> Sequence[tuple[str, str]]:
        return [(f"p{i}", "process") for i in range(self.params.agents)]

    def create(self, name: str, role: str) -> Process:
        return Process()

    def over(self, sim: Simulation) -> str:
        return "" if self.ignorant(sim) else "everybody knows the leader"

    def ignorant(self, sim: Simulation) -> str:
        return ", ".join(agent.name for agent in sim.alive() if not agent.leader)  # type: ignore[attr-defined]

    def check_one(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        first = memory.setdefault("leader", note.data["number"])
        return "" if first == note.data["number"] else f"{first} and {note.data['number']} have both won"

    def measure(self, sim: Simulation) -> dict[str, Any]:
        won = [a for a in sim.agents if a.leader and a.leader == a.number]  # type: ignore[attr-defined]
        return {"messages": sim.messages["sent"], "leaders": len(won)}

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow:
        assert isinstance(agent, Process)
        state = "leader" if agent.leader == agent.number else "follower" if agent.leader else "waits"
        cells = (str(agent.number), str(agent.leader or ""))
        return AgentRow(agent.id, agent.name, agent.role, sim.health(agent.id), state, cells)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        if note.kind == "leader":
            return Landmark(note.index, note.time, "leader", "♛", f"{sim.names[note.agent]} has won", "good")
        return None

    def narrate(self, sim: Simulation, event: TraceEvent) -> str | None:
        if event.kind == "leader":
            return f"{event.agent} meets its own number {event.message['number']} again: it has won."
        return None
