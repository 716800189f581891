"""Tiny scenarios for the tests of the engine: puppets that do as they are told, and bees that are always busy."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Struct

from engine.agent import Agent
from engine.causes import chain
from engine.commands import ArgSpec, CommandSpec
from engine.errors import CommandError
from engine.events import IN_FLIGHT, Event, Kind
from engine.mail import Request
from engine.params import NetworkParams, param
from engine.scenario import Experiment, InvariantSpec, MetricSpec, Misbehaviour, Scenario
from engine.simulation import Checkpoint, Simulation
from engine.trace import Note, TraceEvent

MS = 1_000
S = 1_000_000


class Do(Struct, frozen=True):
    """A message that has a puppet call methods of its context, one after another: (name, *arguments)."""

    calls: tuple[tuple[Any, ...], ...]


class Parcel(Struct, frozen=True):
    """A message with typed fields, and a size in bytes for links of limited bandwidth."""

    size: int = 100
    label: str = "plain"


class Puppet(Agent):
    """Writes down all that happens to it, and does what `Do` says. `fame` is durable, `log` is not."""

    durable = ("fame",)

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []  # (time in µs, what, …)
        self.fame = 0
        self.deaf_to: tuple[Any, ...] = ()  # messages over which it stumbles

    def write(self, what: str, *details: Any) -> None:
        self.log.append((self.ctx.calendar.now, what, *details))

    def on_start(self) -> None:
        self.write("start")

    def on_message(self, sender: int, message: Any) -> None:
        self.write("message", sender, message)
        if message == "stumble":
            raise ValueError("stumbled")
        if message == "interrupt":
            raise KeyboardInterrupt
        if message == "fame":
            self.fame += 1
        if isinstance(message, Do):
            for name, *arguments in message.calls:
                options = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
                getattr(self.ctx, name)(*arguments, **options)

    def on_timer(self, name: Hashable) -> None:
        self.write("timer", name)
        if name == "stumble":
            raise RuntimeError("stumbled over a timer")

    def on_crash(self) -> None:
        self.write("crash")
        if self.fame < 0:
            raise ValueError("infamous")

    def on_restart(self) -> None:
        self.write("restart")
        if self.fame > 100:
            raise ValueError("too famous")

    def on_misbehave(self, mode: str) -> None:
        self.write("misbehave", mode)

    def on_request(self, sender: int, message: Any, request: Request) -> None:
        self.write("request", sender, message, request.correlation)
        if message != "ignore":
            self.ctx.reply(request, f"re: {message}")

    def on_reply(self, correlation: int, sender: int, message: Any) -> None:
        self.write("reply", correlation, sender, message)

    def on_no_reply(self, correlation: int, to: int, message: Any) -> None:
        self.write("no reply", correlation, to, message)

    def on_acknowledged(self, correlation: int, to: int, message: Any) -> None:
        self.write("acknowledged", correlation, to, message)

    def on_unacknowledged(self, correlation: int, to: int, message: Any) -> None:
        self.write("unacknowledged", correlation, to, message)

    def on_topic(self, topic: str, sender: int, message: Any) -> None:
        self.write("topic", topic, sender, message)


class TheatreParams(NetworkParams, frozen=True, kw_only=True):
    agents: Annotated[int, param("how many puppets", low=2, high=1000)] = 3
    extras: Annotated[int, param("how many of them are extras", low=0, high=1000)] = 0


class Theatre(Scenario):
    """Puppets p-1, p-2, … and extras x-1, …; nothing happens but what the tests bring about."""

    name = "theatre"
    title = "Puppet theatre"
    teaches = "Nothing moves by itself."
    sources = ("nobody, nowhere, 1900",)
    Params = TheatreParams
    horizon = 10.0
    commands = (
        CommandSpec("tell", (ArgSpec("puppet", "agent"), ArgSpec("what", "text")), "have a puppet hear something"),
        CommandSpec(
            "drill",
            (ArgSpec("who", "who"), ArgSpec("pause", "duration"), ArgSpec("times", "int", optional=True)),
            "set timers",
        ),
        CommandSpec(
            "send", (ArgSpec("from", "agent"), ArgSpec("to", "agent"), ArgSpec("what", "text")), "have a message sent"
        ),
        CommandSpec(
            "parcel",
            (ArgSpec("from", "agent"), ArgSpec("to", "agent"), ArgSpec("size", "int"), ArgSpec("count", "int")),
            "have parcels sent",
        ),
    )
    misbehaviours = (Misbehaviour("liar", "tells lies"), Misbehaviour("mute", "says nothing"))
    metrics = (MetricSpec("fame", "total fame"), MetricSpec("nothing", "has no value", unit="s"))
    invariants = (
        InvariantSpec("no scandal", "safety", "nobody makes a scandal", "scandal", on="scandal"),
        InvariantSpec("somebody famous", "liveness", "in the end somebody is famous", "unknown"),
    )
    experiments = (Experiment("fall", "Let one fall", "watch it lie", {"agents": 2}, "at 1s crash p-1"),)

    def population(self) -> Sequence[tuple[str, str]]:
        puppets = self.params.agents - self.params.extras
        return [(f"p-{i + 1}", "puppet") for i in range(puppets)] + [
            (f"x-{i + 1}", "extra") for i in range(self.params.extras)
        ]

    def create(self, name: str, role: str) -> Agent:
        return Puppet()

    def next_name(self, role: str, number: int) -> str:
        return f"{'x' if role == 'extra' else 'p'}-{number}"

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        if name == "tell":
            if args[1] == "forbidden":
                raise CommandError("that may not be said; say something else")
            puppet(sim, args[0]).on_message(args[0], args[1])
        elif name == "send":
            sim.agent(args[0]).ctx.send(args[1], args[2])
        elif name == "parcel":
            for number in range(args[3]):
                sim.agent(args[0]).ctx.send(args[1], Parcel(args[2], f"parcel {number + 1}"))
        else:
            for agent in args[0]:
                for number in range(args[2] if len(args) > 2 else 1):
                    sim.agent(agent).ctx.set_timer(f"drill {number}", args[1] * (number + 1))

    def measure(self, sim: Simulation) -> dict[str, Any]:
        return {"fame": sum(puppet(sim, agent).fame for agent in sim.present()), "nothing": None}

    def scandal(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        memory["count"] = memory.get("count", 0) + 1
        if note.data.get("bug"):
            raise KeyError("bug")
        return f"{note.data['by']} made a scandal" if memory["count"] > 1 else ""

    def unknown(self, sim: Simulation) -> str:
        return "" if any(puppet(sim, agent).fame for agent in sim.present()) else "nobody is famous"


def puppet(sim: Simulation, agent: int) -> Puppet:
    found = sim.agent(agent)
    assert isinstance(found, Puppet)
    return found


def log_of(sim: Simulation, agent: int, what: str | None = None) -> list[tuple[Any, ...]]:
    """What an agent wrote down, but for its start; only the entries of one kind if `what` says so."""
    return [entry for entry in puppet(sim, agent).log if (entry[1] == what if what else entry[1] != "start")]


def heard(sim: Simulation, agent: int) -> list[Any]:
    """The plain messages that an agent got, in order."""
    return [entry[3] for entry in log_of(sim, agent, "message")]


def theatre(agents: int = 3, seed: int = 1, *, digest: bool = True, **params: Any) -> Simulation:
    """A run of puppets that have just started; links take exactly 1 ms."""
    given: dict[str, Any] = {"latency": 0.001, "latency_model": "constant", **params}
    sim = Simulation(Theatre(TheatreParams(agents=agents, **given)), seed, digest=digest)
    sim.run(until=0)
    return sim


class BeeParams(NetworkParams, frozen=True, kw_only=True):
    agents: Annotated[int, param("how many bees", low=2, high=1000)] = 6
    goal: Annotated[int, param("flowers to visit before the run is over", low=1)] = 10**9


class Bee(Agent):
    """Does something at random now and then, in all the ways in which an agent can."""

    durable = ("honey",)

    def __init__(self) -> None:
        self.honey = 0
        self.seen: list[tuple[int, str]] = []
        self.nested: dict[str, Any] = {"inner": {"count": 0}}

    def on_start(self) -> None:
        self.ctx.subscribe("flowers/*")
        self.ctx.set_timer("tick", self.rng.between(1, 20) * MS)

    def on_message(self, sender: int, message: Any) -> None:
        self.seen.append((sender, str(message)))
        self.nested["inner"]["count"] += 1
        if len(self.seen) > 8:
            del self.seen[0]

    def on_timer(self, name: Hashable) -> None:
        if name != "tick":
            self.honey += 1
            return
        self.ctx.set_timer("tick", self.rng.between(1, 20) * MS)
        ctx, action = self.ctx, self.rng.below(10)
        other = self.rng.below(len(ctx.sim.agents))
        if action == 0:
            ctx.request(other, "where?", timeout=15 * MS, retries=2)
        elif action == 1:
            ctx.send_acknowledged(other, ("nectar", self.honey), timeout=12 * MS)
        elif action == 2:
            ctx.publish("flowers/red", {"kind": "rose", "by": self.id})
        elif action == 3:
            ctx.flood(("dance", self.honey), hops=2)
        elif action == 4:
            ctx.set_timer("nap", 7 * MS)
        elif action == 5:
            ctx.cancel_timer("nap")
        elif action == 6:
            ctx.send_expiring(other, "soon", 5 * MS)
        elif action == 7 and self.rng.chance(0.02):
            raise ValueError("lost its way")
        else:
            self.honey += 1
            ctx.count("flowers")
            ctx.observe("honey", self.honey)
            ctx.note("flower", honey=self.honey)
            ctx.send(other, ("visit", self.honey))

    def on_request(self, sender: int, message: Any, request: Request) -> None:
        if self.rng.below(4):
            self.ctx.reply(request, "there")

    def on_misbehave(self, mode: str) -> None:
        self.ctx.send_neighbours(("buzz", mode))


class Hive(Scenario):
    """Bees b-1, b-2, …: a run in which a bit of everything happens."""

    name = "hive"
    title = "Bee hive"
    Params = BeeParams
    horizon = 1.0
    misbehaviours = (Misbehaviour("wasp", "buzzes at its neighbours"),)
    metrics = (MetricSpec("honey", "honey in the hive"), MetricSpec("flowers", "flowers visited"))
    invariants = (
        InvariantSpec("not too sweet", "safety", "no bee has more than 20 honey", "too_sweet", on="flower"),
        InvariantSpec("events counted", "safety", "fewer than 100,000 events", "count_events"),
    )

    def population(self) -> Sequence[tuple[str, str]]:
        return [(f"b-{i + 1}", "bee") for i in range(self.params.agents)]

    def create(self, name: str, role: str) -> Agent:
        return Bee()

    def next_name(self, role: str, number: int) -> str:
        return f"b-{number}"

    def over(self, sim: Simulation) -> str:
        return "enough flowers" if sim.meters.value("flowers") >= self.params.goal else ""

    def measure(self, sim: Simulation) -> dict[str, Any]:
        honey = [agent.honey for agent in sim.agents if isinstance(agent, Bee)]
        return {"honey": sum(honey), "flowers": sim.meters.value("flowers")}

    def sample(self, sim: Simulation) -> Mapping[str, float]:
        return {"flowers": float(sim.meters.value("flowers"))}

    def too_sweet(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        memory[note.agent] = note.data["honey"]
        return "too much honey" if note.data["honey"] > 20 else ""

    def count_events(self, sim: Simulation, event: Event, memory: dict[Any, Any]) -> str:
        memory["events"] = memory.get("events", 0) + 1
        return "too many" if memory["events"] > 100_000 else ""

    def narrate(self, sim: Simulation, event: TraceEvent) -> str | None:
        return f"{event.agent} visits a flower." if event.kind == "flower" else None


def hive(agents: int = 6, seed: int = 1, *, record: bool = False, digest: bool = True, **params: Any) -> Simulation:
    """A run of bees, before its first event."""
    given: dict[str, Any] = {"latency": 0.005, "loss": 0.05, **params}
    return Simulation(Hive(BeeParams(agents=agents, **given)), seed, record=record, digest=digest)


FAULTS = (
    "crash 30%",
    "restart *",
    "freeze 2",
    "thaw *",
    "join",
    "leave 1",
    "partition 2 | 2",
    "partition b-1 > b-2",
    "heal",
    "latency 1ms..30ms",
    "latency lognormal 4ms 0.7 b-1 - *",
    "latency default",
    "loss 20%",
    "loss 100% b-2 > *",
    "duplicate 30%",
    "reorder 50%",
    "bandwidth 20kB/s",
    "bandwidth off",
    "skew b-1 +250ms",
    "skew 50% -3%",
    "slow 1 3x",
    "slow * 1x",
    "byzantine 1 wasp",
)
"""Commands for a hive. Some of them are refused in some situations."""


def try_command(sim: Simulation, text: str) -> bool:
    """Whether the run accepts a command, which it then carries out."""
    try:
        sim.apply(text)
    except CommandError:
        return False
    return True


def picture(sim: Simulation) -> dict[str, Any]:
    """All of a run that another one, or the same one later, must share to be the same."""
    return {
        "events": sim.events,
        "now": sim.now,
        "digest": sim.digest,
        "messages": sim.messages,
        "metrics": sim.metrics(),
        "invariants": sim.invariants(),
        "commands": list(sim.commands),
        "trace": [(event.index, event.time, event.kind, event.summary) for event in sim.trace.events()],
        "to come": [(*event[:5], str(event[5]), *event[6:]) for event in sim.calendar],
        "names": list(sim.names),
        "present": sim.present(),
        "health": [str(sim.health(agent)) for agent in range(len(sim.agents))],
        "states": [str(agent.state()) for agent in sim.agents],
        "topology": sim.topology.state(),
        "series": (list(sim.series.times), {name: list(sim.series[name]) for name in sim.series.names()}),
        "over": sim.over,
    }


def copy_of(checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint as it comes back from a file."""
    return Checkpoint(checkpoint.index, checkpoint.time, bytes(checkpoint.data))


def in_flight(sim: Simulation) -> list[Event]:
    """Messages on their way, soonest first."""
    return [event for event in sim.calendar if event[4] in IN_FLIGHT]


def held(sim: Simulation) -> Iterator[Event]:
    """Messages that frozen agents have not taken yet."""
    for events in sim.lifecycle.held.values():
        yield from (event for event in events if event[4] in (Kind.DELIVER, Kind.LETTER))


def why(sim: Simulation, index: int) -> list[TraceEvent]:
    """All that led to an event, oldest first, through timers and further, as far back as the trace goes."""
    found = chain(index, sim.trace.event)
    while found and found[0].cause and (earlier := chain(found[0].cause, sim.trace.event)):
        found = earlier + found
    return found
