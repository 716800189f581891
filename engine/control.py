"""Carrying out commands: the one way in which anything outside a run changes it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import msgspec

from engine import commands as c
from engine.connectivity import Cut
from engine.envelope import Envelope
from engine.errors import CommandError
from engine.events import IN_FLIGHT, Event, Kind
from engine.selection import resolve, suggest
from engine.streams import Stream

if TYPE_CHECKING:
    from engine.simulation import Simulation

T = TypeVar("T", bound=Collection[str])

HONEST = "honest"
MOST_JOINS = 10_000  # agents that one command lets join


class Control:
    """Knows what each command means for one run."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.carried_out = 0
        self._draws = Stream(sim.seed, "command")

    def execute(self, command: c.Command) -> None:
        """Carry out `command` now. Raises CommandError, and changes nothing, if it cannot be done."""
        # Each command draws its random agents from a stream of its own; one that is refused leaves no gap.
        self._draws = Stream(self._sim.seed, f"command/{self.carried_out + 1}")
        self._execute(command)
        self.carried_out += 1

    def _execute(self, command: c.Command) -> None:
        lifecycle, network = self._sim.lifecycle, self._sim.network
        match command:
            case c.Crash(who):
                self._each(who, lifecycle.crash, lifecycle.is_alive, "up, so none can crash")
            case c.Restart(who):
                self._each(who, lifecycle.restart, lifecycle.is_down, "down, so none can restart")
            case c.Freeze(who):
                self._each(who, lifecycle.freeze, lifecycle.is_up, "up, so none can freeze")
            case c.Thaw(who):
                self._each(who, lifecycle.thaw, lifecycle.is_frozen, "frozen, so none can thaw")
            case c.Leave(who):
                self._leave(self.who(who))
            case c.Join(count, role):
                self._join(count, role)
            case c.Partition(groups):
                self._partition([self.who(group) for group in groups])
            case c.OneWay(source, target):
                self._one_way(self.who(source), self.who(target))
            case c.Heal():
                if network.cuts:
                    network.heal()
                    self._sim.note(None, "heal", {})
            case c.Cancel():
                self._sim.cancel_pending()
            case c.SetLatency(latency, links):
                self._link("latency", latency, links)
            case c.SetLoss(probability, links):
                self._link("loss", probability, links)
            case c.SetDuplicate(probability, links):
                self._link("duplicate", probability, links)
            case c.SetReorder(probability, links):
                self._link("reorder", probability, links)
            case c.SetBandwidth(rate, links):
                self._link("bandwidth", rate or 0, links)
            case c.Skew(who, offset, rate):
                self._skew(self.who(who), offset, rate)
            case c.Slow(who, factor):
                for agent in self.who(who):
                    self._sim.agent(agent).ctx.slowness = factor
                    self._sim.note(agent, "slowed", {"factor": factor / 1000})
                network.connect_all()
            case c.DropMessage(number):
                event = self._message(number)
                self._replace(event, (*event[:4], int(Kind.LOST), *event[5:]))
            case c.DeliverMessage(number):
                event = self._message(number)
                kind = Kind.LETTER if isinstance(event[5], Envelope) else Kind.DELIVER
                self._sim.calendar.remove(event)
                self._sim.calendar.add((self._sim.now, *event[1:4], int(kind), *event[5:]))
            case c.DuplicateMessage(number):
                network.copy(self._message(number))
            case c.EditMessage(number, fields):
                event = self._message(number)
                self._replace(event, (*event[:5], self._edited(event[5], fields), *event[6:]))
            case c.Byzantine(who, mode):
                self._misbehave(who, mode)
            case c.Own():
                self._own(command)

    # Agents

    def who(self, selector: c.Selector) -> list[int]:
        """The ids that a selector means among the agents that have not left."""
        sim = self._sim
        present = sim.present()
        names = {sim.names[agent]: agent for agent in present}
        roles = {sim.names[agent]: sim.agent(agent).role for agent in present}
        return resolve(selector, names, roles, self._draws)

    def _each(self, who: c.Selector, act: Callable[[int], None], fits: Callable[[int], bool], needed: str) -> None:
        agents = self.who(who)
        fitting = [agent for agent in agents if fits(agent)]
        if agents and not fitting:  # of 0% nobody is needed
            health = ", ".join(f"{self._sim.names[a]} is {self._sim.lifecycle.health[a]}" for a in agents[:3])
            raise CommandError(f"none of the agents named is {needed}: {health}{'…' if len(agents) > 3 else ''}")
        for agent in fitting:
            act(agent)

    def _leave(self, agents: list[int]) -> None:
        if len(agents) >= len(self._sim.present()):
            raise CommandError("at least one agent must stay; name fewer agents to leave")
        for agent in agents:
            self._sim.lifecycle.leave(agent)
        self._sim.network.connect_all()

    def _join(self, count: int, role: str) -> None:
        roles = list(dict.fromkeys(agent.role for agent in self._sim.agents))
        if role and role not in roles:
            raise CommandError(f"there is no role {role!r} to join as; the roles are {', '.join(roles)}")
        if count > MOST_JOINS:
            raise CommandError(f"{count} agents are too many at once; at most {MOST_JOINS} may join by one command")
        for _ in range(count):
            self._sim.lifecycle.join(role or roles[0])

    def _skew(self, agents: list[int], offset: int | None, rate: int | None) -> None:
        for agent in agents:
            ctx = self._sim.agent(agent).ctx
            if offset is not None:
                ctx.ahead = offset - self._sim.now * ctx.drift // c.MILLION
            if rate is not None:  # the clock goes on from what it shows, at the new pace
                ctx.ahead += self._sim.now * ctx.drift // c.MILLION - self._sim.now * rate // c.MILLION
                ctx.drift = rate
            self._sim.note(agent, "clock", {"offset": offset, "rate": rate})

    def _misbehave(self, who: c.Selector, mode: str) -> None:
        modes = [HONEST, *(m.name for m in self._sim.scenario.misbehaviours)]
        if mode not in modes:
            near = difflib.get_close_matches(mode, modes, n=1)
            hint = f"did you mean {near[0]}?" if near else f"its modes are {', '.join(modes)}"
            raise CommandError(f"{self._sim.scenario.name} has no misbehaviour {mode!r}; {hint}")
        for agent in self.who(who):
            self._sim.lifecycle.misbehave(agent, mode)

    def _own(self, command: c.Own) -> None:
        specs = {spec.name: spec for spec in self._sim.scenario.commands}
        if command.name not in specs:
            raise CommandError(f"{self._sim.scenario.name} has no command {command.name!r}")
        args: list[Any] = []
        for spec, value in zip(specs[command.name].args, command.values, strict=False):
            if spec.kind == "agent":
                args.append(self._one(str(value)))
            else:
                args.append(self.who(value) if isinstance(value, c.Selector) else value)
        self._sim.scenario.perform(self._sim, command.name, args)

    def _one(self, name: str) -> int:
        """The id of the agent with just this name."""
        agent = self._sim.ids.get(name)
        if agent is None or agent in self._sim.lifecycle.left:
            present = [self._sim.names[agent] for agent in self._sim.present()]
            raise CommandError(f"there is no agent {name!r}{suggest(name, present)}")
        return agent

    # Links

    def _partition(self, groups: list[list[int]]) -> None:
        seen: set[int] = set()
        for group in groups:
            if not group:
                raise CommandError("a side of the partition is empty; each needs an agent")
            twice = seen.intersection(group)
            if twice:
                name = self._sim.names[min(twice)]
                raise CommandError(f"{name} stands on two sides of the partition; each agent may stand on one")
            seen.update(group)
        self._cut(Cut(groups=tuple(frozenset(group) for group in groups)))

    def _one_way(self, source: list[int], target: list[int]) -> None:
        if not source or not target:
            raise CommandError("a side of the partition is empty; each needs an agent")
        both = set(source) & set(target)
        if both:
            name = self._sim.names[min(both)]
            raise CommandError(f"{name} stands on both sides of the partition; each agent may stand on one")
        self._cut(Cut(source=frozenset(source), target=frozenset(target)))

    def _cut(self, cut: Cut) -> None:
        sim = self._sim
        sim.network.cut(cut)
        names = sim.names.__getitem__
        sim.note(None, "partition", {"text": sim.reachability().describe(names) or cut.describe(names)})

    def _link(self, name: str, value: Any, links: c.Links | None) -> None:
        self._sim.network.set_link(name, value, None if links is None else self._pairs(links))
        where = f" {links}" if links else ""
        self._sim.note(None, "link", {"text": f"{name} {_in_words(name, value)}{where}"})

    def _pairs(self, links: c.Links) -> Iterable[tuple[int, int]]:
        left, right = self.who(links.left), self.who(links.right)
        pairs = [(a, b) for a in left for b in right if a != b]
        if not pairs:
            raise CommandError(f"{links} names no link; the two sides must differ")
        return sorted({*pairs, *((b, a) for a, b in pairs)} if links.both else set(pairs))

    # One message

    def _message(self, number: int) -> Event:
        event = self._sim.calendar.find(number)
        if event is None or event[4] not in IN_FLIGHT:
            raise CommandError(f"no message m{number} is in flight; the messages pane shows those that are")
        return event

    def _replace(self, old: Event, new: Any) -> None:
        self._sim.calendar.remove(old)
        self._sim.calendar.add(new)

    def _edited(self, message: Any, fields: dict[str, Any]) -> Any:
        if isinstance(message, Envelope):
            return msgspec.structs.replace(message, body=self._edited(message.body, fields))
        if isinstance(message, msgspec.Struct):
            _known(message.__struct_fields__, fields)
            hints = get_type_hints(type(message), include_extras=True)
            try:
                typed = {name: msgspec.convert(value, hints[name]) for name, value in fields.items()}
            except (msgspec.ValidationError, TypeError) as error:
                raise CommandError(f"that does not fit the message: {str(error)[:1].lower()}{str(error)[1:]}") from None
            return msgspec.structs.replace(message, **typed)
        names = getattr(message, "_fields", None)
        if names is not None:  # a named tuple
            _known(names, fields)
            return message._replace(**fields)
        if isinstance(message, tuple):
            numbered = {str(place): part for place, part in enumerate(message)}
            return tuple({**_known(numbered, fields), **fields}.values())
        if isinstance(message, Mapping):
            return {**_known(message, fields), **fields}
        if dataclasses.is_dataclass(message) and not isinstance(message, type):
            _known([field.name for field in dataclasses.fields(message)], fields)
            return dataclasses.replace(message, **fields)
        if set(fields) == {"value"}:
            return fields["value"]
        raise CommandError("the message is a single value; edit it as value=…")


def _known(names: T, fields: Mapping[str, Any]) -> T:
    """`names`, if all `fields` are among them."""
    for name in fields:
        if name not in names:
            raise CommandError(f"the message has no field {name!r}; its fields are {', '.join(map(str, names))}")
    return names


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return "as built"
    if name == "bandwidth":
        return str(c.SetBandwidth(value)).removeprefix("bandwidth ") if value else "unlimited"
    return str(value) if name == "latency" else f"{value / c.PERCENT:g}%"
