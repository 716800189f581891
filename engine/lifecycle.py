"""Agents coming, going, and everything that can happen to them in between."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.agent import ENGINE_ATTRIBUTES, Agent
from engine.context import Context
from engine.errors import ScenarioError, StateError
from engine.events import IN_FLIGHT, NOBODY, Event, Kind
from engine.streams import Stream
from engine.trace import MASK
from engine.views import Health

if TYPE_CHECKING:
    from engine.simulation import Simulation

DOWN = frozenset({Health.CRASHED, Health.FAILED})


class Lifecycle:
    """Health of each agent, and who takes its mail: `Simulation.run` calls `takers[id]` for each delivery, so an
    agent that is down or frozen costs the others nothing."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.health: list[Health] = []
        self.left: set[int] = set()
        self.held: dict[int, list[Event]] = {}  # what frozen agents have not taken yet
        self._to_start: set[int] = set()  # agents whose start is still to come

    def add(self, name: str, role: str) -> Agent:
        """Make a new agent known to the run; it starts with an event of its own."""
        sim = self._sim
        agent = sim.scenario.create(name, role)
        if not isinstance(agent, Agent):
            raise ScenarioError(f"{sim.scenario.name}: create() must return an Agent; it returned {agent!r}")
        if name in sim.ids:
            raise ScenarioError(f"{sim.scenario.name}: there are two agents called {name!r}; names must differ")
        agent.id, agent.name, agent.role = len(sim.agents), name, role
        agent.rng = Stream(sim.seed, f"agent/{name}")
        agent.ctx = Context(sim, agent.id, name)
        sim.agents.append(agent)
        sim.names.append(name)
        sim.ids[name] = agent.id
        sim.takers.append(agent.on_message)
        self.health.append(Health.UP)
        self._to_start.add(agent.id)
        sim.network.connect(agent.ctx)
        calendar = sim.calendar
        calendar.number += 1
        sim.network.not_sent += 1
        now = calendar.now
        calendar.add((now, calendar.number, agent.id, NOBODY, int(Kind.START), None, calendar.index, now))
        return agent

    def join(self, role: str) -> Agent:
        """Add an agent while the run goes on, linked in the manner of the topology."""
        sim = self._sim
        number = len(sim.agents) + 1
        while (name := sim.scenario.next_name(role, number)) in sim.ids:
            number += 1
        sim.topology.join(len(sim.agents), Stream(sim.seed, f"join/{len(sim.agents)}"))
        agent = self.add(name, role)
        sim.note(agent.id, "join", {"role": role})
        return agent

    def spawn(self, parent: int, role: str, given: Mapping[str, Any]) -> int:
        """Let an agent start another one, with the attributes `given`. Raises StateError for an attribute that the new
        agent's class does not have."""
        agent = self.join(role)
        unknown = [name for name in given if name in ENGINE_ATTRIBUTES or name not in agent.state()]
        if unknown:
            parent_name, kind = self._sim.names[parent], type(agent).__name__
            raise StateError(f"{parent_name} starts a {kind} with {unknown[0]!r}, which is no attribute of it")
        vars(agent).update(given)
        return agent.id

    def retire(self, agent: int) -> None:
        """Let an agent leave by its own will; the last one present stays."""
        if len(self._sim.agents) - len(self.left) > 1 and agent not in self.left:
            self.leave(agent)

    def leave(self, agent: int) -> None:
        """Take an agent out for good; its links go the way the topology says."""
        sim = self._sim
        self._stop(agent)
        self.health[agent] = Health.CRASHED
        self.left.add(agent)
        sim.topology.leave(agent)
        sim.note(agent, "leave", {})

    def crash(self, agent: int) -> None:
        """Stop an agent at once. Its volatile state is lost when it restarts; until then it can be looked at."""
        if self.health[agent] in DOWN:
            return
        self._sim.guarded(agent, self._sim.agent(agent).on_crash)
        if self.health[agent] in DOWN:  # it has failed over it
            return
        self._stop(agent)
        self.health[agent] = Health.CRASHED
        self._sim.note(agent, "crash", {})

    def fail(self, agent: int, error: Exception) -> None:
        """An agent's own code raised: it is down, and the trace has the traceback."""
        self._stop(agent)
        self.health[agent] = Health.FAILED
        shown = "".join(traceback.format_exception(error))
        self._sim.note(agent, "failed", {"text": f"{type(error).__name__}: {error}", "traceback": shown})

    def restart(self, agent: int) -> None:
        """Start an agent that is down, new but for its durable attributes; others are left alone."""
        if self.health[agent] not in DOWN:
            return
        sim = self._sim
        old = sim.agent(agent)
        fresh = sim.scenario.create(old.name, old.role)
        kept = {name: value for name, value in old.state().items() if name in type(old).durable}
        mode = old.mode
        for name in old.state():
            delattr(old, name)
        vars(old).update(fresh.state())
        vars(old).update(kept)
        if mode != "honest":
            old.mode = mode
        self._up(agent)
        sim.note(agent, "restart", {})
        sim.guarded(agent, old.on_restart)

    def freeze(self, agent: int) -> None:
        """Keep an agent alive but not answering: its mail and its timers wait."""
        if self.health[agent] in DOWN or self.health[agent] == Health.FROZEN:
            return
        self.health[agent] = Health.FROZEN
        self.held[agent] = []
        self._sim.takers[agent] = self._hold
        self._sim.note(agent, "freeze", {})

    def thaw(self, agent: int) -> None:
        """Let a frozen agent go on; what waited happens now, in the order of its coming."""
        if self.health[agent] != Health.FROZEN:
            return
        held = self.held.pop(agent)
        self._up(agent)
        self._sim.note(agent, "thaw", {})
        calendar = self._sim.calendar
        for event in held:
            calendar.number += 1
            self._sim.network.not_sent += 1
            again = (calendar.now, calendar.number, *event[2:])
            if event[4] == Kind.TIMER:
                self._sim.agent(agent).ctx.timers[event[5]] = again
            calendar.add(again)

    def misbehave(self, agent: int, mode: str) -> None:
        """Set how an agent behaves, if that is news."""
        found = self._sim.agent(agent)
        if found.mode == mode:
            return
        found.mode = mode
        self._sim.note(agent, "byzantine", {"mode": mode})
        if self.health[agent] == Health.UP:
            self._sim.guarded(agent, lambda: found.on_misbehave(mode))

    def look(self, agent: int) -> Health:
        """The agent's health as people see it: misbehaving and slow included."""
        health = self.health[agent]
        if health != Health.UP:
            return health
        found = self._sim.agent(agent)
        if found.mode != "honest":
            return Health.BYZANTINE
        return Health.SLOW if found.ctx.slowness > 1000 else health

    def _up(self, agent: int) -> None:
        self.health[agent] = Health.UP
        self._sim.takers[agent] = self._sim.agent(agent).on_message

    def _stop(self, agent: int) -> None:
        sim = self._sim
        ctx = sim.agent(agent).ctx
        for name in list(ctx.timers):
            ctx.cancel_timer(name)
        ctx.mailbox.empty()
        sim.mail.forget(agent)
        self._to_start.discard(agent)
        for event in self.held.pop(agent, ()):
            if event[4] in IN_FLIGHT:
                sim.network.dropped += 1
        sim.takers[agent] = self._refuse

    def begins(self, agent: int) -> bool:
        """Whether an agent starts now; not if it went down before, in which case a restart has started it."""
        waiting = agent in self._to_start
        self._to_start.discard(agent)
        return waiting

    # What takes the mail of agents that cannot

    def _refuse(self, source: int, message: Any) -> None:
        self.drop()

    def drop(self) -> None:
        """The message of this event finds nobody to take it."""
        network = self._sim.network
        network.dropped += 1
        network.not_delivered += 1
        self._relabel(Kind.DROPPED)

    def stray(self) -> None:
        """The message of this event went to somebody who does not exist."""
        network = self._sim.network
        network.dropped += 1
        network.not_delivered += 1
        ring, index = self._sim.trace.ring, self._sim.calendar.index
        event = ring[index & MASK]
        assert event is not None
        ring[index & MASK] = (*event[:2], NOBODY, event[3], int(Kind.DROPPED), *event[5:])

    def _hold(self, source: int, message: Any) -> None:
        self.hold()

    def hold(self) -> None:
        """This event waits until its agent thaws."""
        event = self._relabel(Kind.HELD)
        self.held[event[2]].append(event)
        self._sim.network.not_delivered += 1

    def unhold(self, agent: int, event: Event) -> bool:
        """Forget a timer that waits for its agent to thaw; False if it does not."""
        held = self.held.get(agent, [])
        if event not in held:
            return False
        held.remove(event)
        return True

    def _relabel(self, kind: Kind) -> Event:
        """Give the present event another kind in the trace; returns it as it was."""
        ring, index = self._sim.trace.ring, self._sim.calendar.index
        event = ring[index & MASK]
        assert event is not None
        ring[index & MASK] = (*event[:4], int(kind), *event[5:])
        return event

    def is_alive(self, agent: int) -> bool:
        """Whether the agent has neither crashed nor failed."""
        return self.health[agent] not in DOWN

    def is_up(self, agent: int) -> bool:
        """Whether the agent runs and answers."""
        return self.health[agent] == Health.UP

    def is_down(self, agent: int) -> bool:
        """Whether the agent has crashed or failed."""
        return self.health[agent] in DOWN

    def is_frozen(self, agent: int) -> bool:
        """Whether the agent is alive but does not answer."""
        return self.health[agent] == Health.FROZEN

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {
            "health": self.health,
            "left": sorted(self.left),
            "held": self.held,
            "to start": sorted(self._to_start),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says; `Simulation.restore` has set the agents already."""
        self.health, self.left, self.held = list(state["health"]), set(state["left"]), state["held"]
        self._to_start = set(state["to start"])
        takers = self._sim.takers
        for agent, (health, found) in enumerate(zip(self.health, self._sim.agents, strict=True)):
            if health is Health.UP:
                takers[agent] = found.on_message
            else:
                takers[agent] = self._hold if health is Health.FROZEN else self._refuse
