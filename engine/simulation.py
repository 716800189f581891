"""A run: a pure function of scenario, parameters, seed and the commands given to it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from engine.agent import Agent
from engine.calendar import Calendar
from engine.checkpoints import Checkpoint as Checkpoint
from engine.checkpoints import columns, gather, rows, spread, without_collection, write
from engine.commands import Command, Timed
from engine.connectivity import Reachability, reachability
from engine.control import Control
from engine.digest import BLOCK, RECORD, Digest
from engine.duration import SECOND, format_duration, seconds
from engine.errors import CommandError, CommunicationError, ParameterError, ScenarioError, StateError
from engine.events import NOBODY, Event, Kind
from engine.grammar import parse
from engine.invariants import Invariants
from engine.latency import from_model
from engine.lifecycle import Lifecycle
from engine.mail import Mail, Retry
from engine.meters import Meters, Series
from engine.network import Network
from engine.scenario import Scenario
from engine.topology import Topology, make_topology
from engine.trace import CAPACITY, MASK, Note, Trace
from engine.views import Health

NEVER = 1 << 62
MAX_SEED = (1 << 64) - 1


class Simulation:
    """One run of a scenario. `now` is virtual time in microseconds, `events` how many events have happened.

    With `record`, the scenario's `sample` is remembered over time in `series`, which costs time and changes nothing.
    Without `digest` a run is a sixth quicker, and proves nothing: for bulk runs whose digest nobody reads.
    """

    def __init__(self, scenario: Scenario, seed: int = 0, *, record: bool = False, digest: bool = True) -> None:
        if type(seed) is not int or not 0 <= seed <= MAX_SEED:
            raise ScenarioError(f"the seed {seed!r} is not right: a seed is a whole number from 0 to {MAX_SEED}")
        self.scenario = scenario
        self.params = scenario.params
        self.seed = seed
        self.record = record
        self.calendar = Calendar()
        self.agents: list[Agent] = []
        self.names: list[str] = []
        self.ids: dict[str, int] = {}
        self.takers: list[Callable[[int, Any], None]] = []  # who takes each agent's mail
        self.trace = Trace(self.names)
        self.meters = Meters()
        self.series = Series()
        self.commands: list[str] = []  # the text of each command carried out
        self.travels = 0  # how often `restore` went to another moment
        self._digesting = digest
        self._digest = Digest()
        population = scenario.population()
        self.topology: Topology = make_topology(self.params.topology, len(population), seed)
        latency = from_model(self.params.latency_model, round(self.params.latency * SECOND))
        self.network = Network(self, latency, self.params.loss)
        self.mail = Mail(self)
        self.lifecycle = Lifecycle(self)
        self.invariants_kept = Invariants(self)
        self._control = Control(self)
        self._agenda: list[tuple[int, int, Timed]] = []  # commands at a time: heap of (time, order, command)
        self._after: list[tuple[int, int, Timed]] = []  # commands after an event: heap of (index, order, command)
        self._ordered = 0
        self._until: int | None = None
        self._events_until = NEVER
        self._over_every = max(64, len(population) // 4)
        special = {
            Kind.LETTER: self._letter,
            Kind.LOST: self._lost,
            Kind.CUT: self._lost,
            Kind.TIMER: self._timer,
            Kind.START: self._start,
        }
        self._special = [special.get(kind, self._lost) for kind in Kind]
        for name, role in population:
            self.lifecycle.add(name, role)
        scenario.begin(self)

    # Looking

    @property
    def now(self) -> int:
        """Virtual time in microseconds."""
        return self.calendar.now

    @property
    def events(self) -> int:
        """How many events have happened."""
        return self.calendar.index

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that two runs share only if they went through the same events; empty without it."""
        return self._digest.hexdigest() if self._digesting else ""

    @property
    def messages(self) -> dict[str, int]:
        """How many messages were sent, delivered, dropped (lost, cut off, or nobody took them) and duplicated."""
        network = self.network
        return {
            "sent": network.sent,
            "delivered": network.delivered,
            "dropped": network.dropped,
            "duplicated": network.duplicated,
        }

    def agent(self, agent: int) -> Agent:
        """The agent with this id, wherever its health stands."""
        return self.agents[agent]

    def present(self) -> list[int]:
        """Ids of the agents that have not left, ascending."""
        left = self.lifecycle.left
        return [agent for agent in range(len(self.agents)) if agent not in left]

    def alive(self) -> list[Agent]:
        """The agents that neither left nor are down."""
        is_alive = self.lifecycle.is_alive
        return [agent for agent in self.agents if is_alive(agent.id)]

    def reachability(self) -> Reachability:
        """Who can reach whom, by the topology, the partitions in force and the agents that are down."""
        down = {agent for agent in self.present() if not self.lifecycle.is_alive(agent)}
        return reachability(self.present(), self.topology, self.network.cuts, down)

    def metrics(self) -> dict[str, Any]:
        """The scenario's figures, by name, as `--json` prints them."""
        return self.scenario.measure(self)

    def invariants(self) -> list[dict[str, Any]]:
        """Each invariant: name, kind, whether it holds, and in words what is wrong and since when."""
        return self.invariants_kept.report()

    @property
    def over(self) -> str:
        """Why the run is over, in words; empty while it goes on, or while commands are still to come."""
        if self._idle():
            return self.scenario.over(self) or "nothing is left to happen"
        return "" if self._agenda or self._after else self.scenario.over(self)

    def note(self, agent: int | None, kind: str, data: Mapping[str, Any]) -> None:
        """Add a note to the trace, and check the invariants that listen to its kind."""
        trace, calendar = self.trace, self.calendar
        trace.note_count += 1
        note = Note(
            trace.note_count,
            calendar.index,
            calendar.now,
            NOBODY if agent is None else agent,
            kind,
            dict(data),
        )
        trace.add(note)
        self.invariants_kept.on_note(note)

    # Going on

    def step(self) -> bool:
        """Let one event happen, or one command that is due; False when nothing is left."""
        return self.run_to(NEVER, 1) == 1

    def run(self, until: float | None = None, events: int | None = None) -> None:
        """Go on until virtual time `until` (seconds), for at most `events` more events, or until nothing is left.

        Time then stands at `until`, unless the number of events ended the run before. A run that never ends by
        itself needs one of the two.
        """
        self.run_to(NEVER if until is None else _micros(until), events)

    def run_to(self, until: int, events: int | None = None, *, wait: bool = True) -> int:
        """`run` with a time in microseconds; returns how many events happened. Without `wait`, time stays at the last
        event when nothing is left to happen."""
        calendar, series = self.calendar, self.series
        first = calendar.index
        last = NEVER if events is None else first + events
        wait = wait and until < NEVER
        while calendar.index < last and (wait or not self._idle()):
            if self._after and self._after[0][0] <= calendar.index:
                self._perform(heapq.heappop(self._after)[2])
                continue
            stop = min(last, self._after[0][0]) if self._after else last
            limit = min(until, self._agenda[0][0] - 1) if self._agenda else until
            sampling = self.record and series.next_time <= limit
            if sampling:
                limit = series.next_time
            self._happen(limit, stop)
            if calendar.index >= stop or not (wait or calendar or self._agenda):
                continue
            if sampling:
                calendar.now = max(calendar.now, limit)
                series.add(calendar.now, self.scenario.sample(self))
            elif self._agenda and self._agenda[0][0] <= until:
                calendar.now = max(calendar.now, self._agenda[0][0])
                self._perform(heapq.heappop(self._agenda)[2])
            else:
                if until < NEVER:
                    calendar.now = max(calendar.now, until)
                break
        return calendar.index - first

    def _idle(self) -> bool:
        """Whether nothing is left to happen; a command that waits for an event which never comes changes nothing."""
        due = bool(self._after) and self._after[0][0] <= self.events
        return not (self.calendar or self._agenda or due)

    def _happen(self, until: int, stop: int) -> None:
        """The run's loop: events due at or before `until`, up to index `stop`."""
        calendar, trace, digest = self.calendar, self.trace, self._digest
        ring, takers, special = trace.ring, self.takers, self._special
        pending, pack = digest.pending, RECORD.pack if self._digesting else None
        checks = self.invariants_kept.after_each
        index = calendar.index
        event: Event
        while index < stop and (due := calendar.due(until)):
            place = calendar.position
            try:
                for event in islice(calendar.current, place, place + min(due, stop - index)):
                    now, number, target, source, kind, message, _cause, _sent = event
                    calendar.now = now
                    calendar.index = index = index + 1
                    ring[index & MASK] = event
                    if pack is not None:
                        pending += pack(now, number, target, source, kind)
                    elif target < 0:  # which `pack` would have refused
                        raise IndexError(target)
                    if kind:
                        special[kind](event)
                    else:
                        takers[target](source, message)
                    if checks:
                        checks(event)
            except Exception as error:
                self._blame(event, error)
                if checks:
                    checks(event)
            finally:
                trace.total = calendar.index
            if len(pending) >= BLOCK:
                digest.fold()

    # Kinds of events that are not plain deliveries

    def _letter(self, event: Event) -> None:
        target = event[2]
        lifecycle = self.lifecycle
        if lifecycle.is_up(target):
            if not self.mail.open(event):
                lifecycle.drop()
        elif lifecycle.is_frozen(target):
            lifecycle.hold()
        else:
            lifecycle.drop()

    def _lost(self, event: Event) -> None:
        if not self.network.knows(event[2]):
            raise IndexError(event[2])
        self.network.dropped += 1
        self.network.not_delivered += 1

    def _timer(self, event: Event) -> None:
        agent, name = event[2], event[5]
        if self.lifecycle.is_frozen(agent):
            self.lifecycle.hold()
            return
        self.network.not_delivered += 1
        found = self.agents[agent]
        del found.ctx.timers[name]
        if isinstance(name, Retry):
            self.mail.retry(found.ctx, name.correlation)
        else:
            found.on_timer(name)

    def _start(self, event: Event) -> None:
        if self.lifecycle.is_frozen(event[2]):
            self.lifecycle.hold()
            return
        self.network.not_delivered += 1
        if self.lifecycle.begins(event[2]):
            self.agents[event[2]].on_start()

    def _blame(self, event: Event, error: Exception) -> None:
        """A handler raised: its agent has failed, and the run goes on. Mail to nobody is its sender's fault."""
        target, source = event[2], event[3]
        if self.network.knows(target):
            self.lifecycle.fail(target, error)
            return
        self.lifecycle.stray()
        if self.lifecycle.is_alive(source):
            ids = f"the agents' ids are 0 to {len(self.agents) - 1}"
            self.lifecycle.fail(source, CommunicationError(f"sent a message to {target!r}, but {ids}"))

    def guarded(self, agent: int, act: Callable[[], None]) -> None:
        """Call into an agent on behalf of a command; if it raises, the agent has failed."""
        try:
            act()
        except Exception as error:
            self.lifecycle.fail(agent, error)

    # Commands

    def apply(self, command: Command | Timed | str) -> None:
        """Carry out a command now, or put it on the agenda if it says `at`. Raises CommandError."""
        timed = self._timed(command)
        if timed is None:
            return
        if timed.at is not None or timed.after is not None:
            self.schedule(timed)
        else:
            self._perform(timed)

    def schedule(self, command: Command | Timed | str, at: int | None = None) -> None:
        """Put a command on the agenda: at its own time, or at `at` (µs), before the other events of that moment."""
        timed = self._timed(command)
        if timed is None:
            return
        if at is not None:
            timed = Timed(timed.command, at=at)
        self._ordered += 1
        if timed.after is not None:
            if timed.after < self.events:
                raise CommandError(f"event {timed.after} is past; {self.events} events have happened")
            heapq.heappush(self._after, (timed.after, self._ordered, timed))
        else:
            moment = self.now if timed.at is None else timed.at
            if moment < self.now:
                raise CommandError(f"{format_duration(moment)} is past; it is already {format_duration(self.now)}")
            if self.events and moment == self._last_time():  # too late to come before the events of this moment
                heapq.heappush(self._after, (self.events, self._ordered, Timed(timed.command, after=self.events)))
            else:
                heapq.heappush(self._agenda, (moment, self._ordered, Timed(timed.command, at=moment)))

    def _last_time(self) -> int:
        """When the last event happened; 0 before the first."""
        last = self.trace.ring[self.events & MASK] if self.events else None
        return 0 if last is None else last[0]

    def _timed(self, command: Command | Timed | str) -> Timed | None:
        if isinstance(command, str):
            return parse(command, {spec.name: spec for spec in self.scenario.commands})
        return command if isinstance(command, Timed) else Timed(command)

    def _perform(self, timed: Timed) -> None:
        """Carry out a command as an event of its own, and write down when. A command that is refused is no event."""
        calendar, trace = self.calendar, self.trace
        command, now = timed.command, calendar.now
        before = calendar.index
        if timed.at is not None:
            text = str(timed)
        elif now == self._last_time():
            text = str(Timed(command, after=before))
        else:  # between two events: only the time says when
            text = str(Timed(command, at=now))
        index = before + 1
        event: Event = (now, 0, NOBODY, NOBODY, int(Kind.COMMAND), command, 0, now)
        overwritten = trace.ring[index & MASK]
        self._count(+1)
        trace.ring[index & MASK] = event
        try:
            self._control.execute(command)
        except CommandError as error:
            self._count(-1)
            trace.ring[index & MASK] = overwritten
            self.note(None, "refused", {"text": f"{command}: {error.message}"})
            message = error.message if timed.at is None else f"{timed}: {error.message}"
            raise CommandError(message, column=error.column) from None
        self._digest.command(now, str(command))
        self.commands.append(text)
        if self.invariants_kept.after_each:
            self.invariants_kept.after_each(event)

    def _count(self, one: int) -> None:
        """A command is an event that was never in the calendar, where the next one stays at its place."""
        self.calendar.index += one
        self.calendar.base -= one
        self.network.not_delivered += one
        self.trace.total = self.calendar.index

    @property
    def pending(self) -> list[Timed]:
        """The commands that wait for their time or for an event, in the order in which they will come. One that another
        command has overtaken waits for the present event."""
        events = self.events
        due = [Timed(timed.command, after=max(after, events)) for after, _, timed in sorted(self._after)]
        return due + [timed for _, _, timed in sorted(self._agenda)]

    def cancel_pending(self) -> None:
        """Forget the commands that wait."""
        self._agenda.clear()
        self._after.clear()

    # To the end

    def stop_at(self, until: float | None = None, events: int | None = None) -> None:
        """Set the end for `advance`: a virtual time (seconds), at most so many more events; or, without a time, the
        moment when the scenario is over, or else its horizon."""
        self._until = None if until is None else _micros(until)
        self._events_until = NEVER if events is None else self.events + events

    def advance(self, events: int) -> bool:
        """Go on for about so many events; False once the end that `stop_at` set is reached."""
        wanted = min(self.events + max(1, events), self._events_until)
        to_the_end = self._until is None
        end = _micros(self.scenario.horizon) if self._until is None else self._until
        while self.events < wanted:
            room = wanted - self.events
            if to_the_end:
                # Whether the scenario is over is asked at fixed numbers of events, so that the end does not depend
                # on how the run is cut into pieces.
                since_asked = self.events % self._over_every
                if since_asked == 0 and self.over:
                    return False
                room = min(room, self._over_every - since_asked)
            if self.run_to(end, room, wait=not to_the_end) < room:
                return False
        return self.events < self._events_until

    def finish(self, until: float | None = None, events: int | None = None) -> None:
        """Run to the end that `stop_at` would set."""
        self.stop_at(until, events)
        while self.advance(1 << 20):
            pass

    @property
    def progress(self) -> float:
        """How much of the way to the end set by `stop_at` is done, 0 to 1."""
        horizon = _micros(self.scenario.horizon) if self._until is None else self._until
        by_time = self.now / horizon if horizon else 1.0
        by_events = self.events / self._events_until if self._events_until < NEVER else 0.0
        return min(1.0, max(by_time, by_events))

    # Going back

    def checkpoint(self) -> Checkpoint:
        """This moment, to return to with `restore`: everything but the topology as it was built."""
        with without_collection():
            return Checkpoint(self.events, self.now, write(self._state()))

    def _state(self) -> dict[str, Any]:
        return {
            "run": self._identity(),
            "calendar": self.calendar.state(),
            "names": (self.names, [agent.role for agent in self.agents]),
            "draws": [agent.rng.position for agent in self.agents],
            "agents": gather(self.agents),
            "contexts": columns([agent.ctx.state() for agent in self.agents]),
            "topology": self.topology.state(),
            "lifecycle": self.lifecycle.state(),
            "network": self.network.state(),
            "mail": self.mail.state(),
            "trace": self.trace.state(),
            "meters": self.meters.state(),
            "series": self.series.state(),
            "invariants": self.invariants_kept.state(),
            "digest": self._digest.state(),
            "commands": self.commands,
            "agenda": (self._agenda, self._after, self._ordered, self._control.carried_out),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go to the moment of a checkpoint of this run, or of another one of the same scenario, parameters and seed;
        all that happened since is forgotten. Raises StateError for a checkpoint of any other run."""
        with without_collection():
            state = checkpoint.state()
            if state["run"] != self._identity():
                name, seed, _ = state["run"]
                raise StateError(
                    f"this is a checkpoint of {name} with the seed {seed}, not of this run; "
                    "scenario, parameters and seed must be the same"
                )
            self._load(state)
        self.travels += 1

    def _load(self, state: dict[str, Any]) -> None:
        names, roles = state["names"]
        del self.agents[len(names) :]
        del self.names[len(names) :]
        del self.takers[len(names) :]
        self.calendar.load(state["calendar"])
        self.ids = {name: place for place, name in enumerate(names[: len(self.agents)])}
        for name, role in islice(zip(names, roles, strict=True), len(self.agents), None):
            self._revive(name, role)  # it joined after this run was set up, and before the checkpoint
        spread(self.agents, state["agents"])
        for agent, position, context in zip(self.agents, state["draws"], rows(state["contexts"]), strict=True):
            agent.rng.position = position
            agent.ctx.load(*context)
        self.topology.load_state(state["topology"])
        self.lifecycle.load(state["lifecycle"])
        self.network.load(state["network"])
        self.mail.load(state["mail"])
        self.trace.load(state["trace"])
        self.meters.load(state["meters"])
        self.series.load(state["series"])
        self.invariants_kept.load(state["invariants"])
        self._digest.load(state["digest"])
        self.commands[:] = state["commands"]
        self._agenda, self._after, self._ordered, self._control.carried_out = state["agenda"]
        self.network.connect_all()

    def _identity(self) -> tuple[str, int, Any]:
        return self.scenario.name, self.seed, self.params

    def _revive(self, name: str, role: str) -> None:
        numbers = (self.calendar.number, self.network.not_sent)
        self.lifecycle.add(name, role)
        start = self.calendar.find(self.calendar.number)
        assert start is not None
        self.calendar.remove(start)
        self.calendar.number, self.network.not_sent = numbers

    @property
    def seconds(self) -> float:
        """Virtual time in seconds."""
        return seconds(self.now)

    @property
    def trace_capacity(self) -> int:
        """How many events the trace keeps."""
        return CAPACITY

    def health(self, agent: int) -> Health:
        """How an agent is, as people see it."""
        return self.lifecycle.look(agent)

    def others(self, agent: int) -> Sequence[int]:
        """Ids of all agents present but this one."""
        return [other for other in self.present() if other != agent]


def _micros(seconds: float) -> int:
    """A time in seconds, which may be endless, as the run counts it."""
    if not seconds >= 0:
        raise ParameterError(f"{seconds} is not a time to run until: that is a number of seconds from 0")
    return NEVER if math.isinf(seconds) else min(NEVER, round(seconds * SECOND))
