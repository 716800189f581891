"""The context: all that an agent can do. Durations are whole microseconds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.calendar import BUCKET_BITS
from engine.errors import CommunicationError
from engine.events import Event, Kind
from engine.latency import SLICES
from engine.mail import Mailbox, Request
from engine.streams import Stream

if TYPE_CHECKING:
    from engine.simulation import Simulation

_DELAY_BITS = SLICES - 1
_DELIVER, _TIMER = int(Kind.DELIVER), int(Kind.TIMER)
_TRUE_CLOCK = (0, 0, 1000)  # ahead, drift, slowness


class Context:
    """What the engine keeps for one agent, and the agent's means to act.

    A handler may call these methods at any time while it runs; what they do happens at the event's time.
    """

    __slots__ = (
        "_faults", "ahead", "calendar", "delays", "drift", "id", "link", "mailbox", "sim", "slowness",
        "threshold", "timers", "words",
    )  # fmt: skip

    def __init__(self, sim: Simulation, agent: int, name: str) -> None:
        self.sim = sim
        self.calendar = sim.calendar
        self.id = agent
        self.link = Stream(sim.seed, f"link/{name}")  # decides the fate of each message that the agent sends
        self.words = self.link.words
        self._faults: Stream | None = None
        self.timers: dict[Hashable, Event] = {}
        self.mailbox = Mailbox()
        self.ahead = 0  # the agent's clock minus the true one, when its drift was last set
        self.drift = 0  # how much faster the agent's clock runs, in millionths
        self.slowness = 1000  # how many thousandths of the normal time the agent takes for everything
        # The network keeps these two up to date.
        self.delays: tuple[int, ...] = ()
        self.threshold = 0  # a message whose random word lies below it goes the long way, by `Network.send`

    @property
    def now(self) -> int:
        """The agent's own clock: virtual time, unless the command `skew` changed it."""
        now = self.calendar.now
        return now + self.ahead + now * self.drift // 1_000_000

    @property
    def faults(self) -> Stream:
        """Decides which messages are doubled or reordered, so that these faults shift nobody's luck on `link`."""
        if self._faults is None:
            self._faults = Stream(self.sim.seed, f"fault/{self.sim.names[self.id]}")
        return self._faults

    @property
    def neighbours(self) -> Sequence[int]:
        """Whom the topology links the agent with, ascending; agents that are down included."""
        return self.sim.topology.neighbours(self.id)

    def send(self, to: int, message: Any) -> int:
        """Send `message` to the agent `to`; returns the number that names it. A message must never change later."""
        try:
            word = self.words.pop()
        except IndexError:
            word = self.link.refill()
        if word < self.threshold:
            return self.sim.network.send(self, to, message, Kind.DELIVER, word)
        calendar = self.calendar
        calendar.number = number = calendar.number + 1
        now = calendar.now
        due = now + self.delays[word & _DELAY_BITS]
        event = (due, number, to, self.id, _DELIVER, message, calendar.index, now)
        try:
            calendar.buckets[due >> BUCKET_BITS].append(event)
        except KeyError:
            calendar.add(event)
        return number

    def send_neighbours(self, message: Any) -> None:
        """Send `message` to each neighbour."""
        for to in self.neighbours:
            self.send(to, message)

    def broadcast(self, message: Any) -> None:
        """Send `message` to every other agent that has not left."""
        for agent in self.sim.present():
            if agent != self.id:
                self.send(agent, message)

    def send_expiring(self, to: int, message: Any, lifetime: int) -> int:
        """Send a message that is dropped if it arrives more than `lifetime` µs from now."""
        if lifetime < 1:
            raise CommunicationError(f"a time to live is at least 1us; {lifetime} was given")
        return self.sim.mail.send_expiring(self, to, message, lifetime)

    def flood(self, message: Any, hops: int) -> None:
        """Send `message` to all agents within `hops` links; each passes it on once, and `on_message` hears of it from
        the agent that started it. A copy that came sooner by a longer way has fewer hops left, and goes less far."""
        if hops < 1:
            raise CommunicationError(f"a flood needs at least 1 hop to live; {hops} was given")
        self.sim.mail.flood(self, message, hops)

    def request(self, to: int, message: Any, *, timeout: int, retries: int = 0, backoff: float = 2.0) -> int:
        """Ask, and hear by `on_reply` or, after `retries` further tries, by `on_no_reply`; returns the correlation id.
        Each try waits `backoff` times longer than the one before."""
        return self.sim.mail.ask(self, "request", to, message, timeout, retries, backoff)

    def reply(self, request: Request, message: Any) -> None:
        """Answer a request."""
        self.sim.mail.reply(self, request, message)

    def send_acknowledged(self, to: int, message: Any, *, timeout: int, retries: int = 3, backoff: float = 2.0) -> int:
        """Send until the other side's engine says it arrived; it is handed to `on_message` there once, unless that
        agent crashes in between. Returns the correlation id."""
        return self.sim.mail.ask(self, "acked", to, message, timeout, retries, backoff)

    def subscribe(self, topic: str, where: Mapping[str, Any] | None = None) -> None:
        """Join a topic, or all that match a pattern such as `sensor/*`; with `where`, only messages whose fields have
        the given values. Joining again replaces the filter."""
        self.sim.mail.subscribe(self.id, topic, where)

    def unsubscribe(self, topic: str) -> None:
        """Leave a topic or pattern; nothing happens if the agent had not joined it."""
        self.sim.mail.unsubscribe(self.id, topic)

    def publish(self, topic: str, message: Any) -> int:
        """Send `message` to every other agent whose subscription takes it; returns to how many."""
        return self.sim.mail.publish(self, topic, message)

    def set_timer(self, name: Hashable, delay: int) -> None:
        """Have `on_timer(name)` called `delay` µs from now on the agent's own clock; a timer of that name that still
        runs is set anew."""
        if type(delay) is not int:
            raise TypeError(f"a delay is a whole number of microseconds, such as 5 * MILLISECOND; {delay!r} was given")
        if name in self.timers:
            self.cancel_timer(name)
        calendar = self.calendar
        if self.drift or self.slowness != 1000:
            delay = delay * 1_000_000 // (1_000_000 + self.drift) * self.slowness // 1000
        calendar.number = number = calendar.number + 1
        self.sim.network.not_sent += 1
        now = calendar.now
        event = (now + max(delay, 0), number, self.id, self.id, _TIMER, name, calendar.index, now)
        self.timers[name] = event
        calendar.add(event)

    def cancel_timer(self, name: Hashable) -> bool:
        """Stop a timer; False if none of that name runs."""
        event = self.timers.pop(name, None)
        return event is not None and (self.calendar.remove(event) or self.sim.lifecycle.unhold(self.id, event))

    def spawn(self, role: str, **given: Any) -> int:
        """Start a new agent; returns its id. It joins as by the command `join`, and finds `given` among its attributes
        when it starts, as a new process finds its arguments; those must be plain data that the class knows."""
        return self.sim.lifecycle.spawn(self.id, role, given)

    def retire(self) -> None:
        """Leave the run for good, as by the command `leave`, once the handler that runs has ended; timers and mail
        that are still to come reach nobody. The last agent stays."""
        self.sim.lifecycle.retire(self.id)

    def note(self, kind: str, **data: Any) -> None:
        """Put something worth saying into the trace: the narration, the invariants and the panes build on notes."""
        self.sim.note(self.id, kind, data)

    def count(self, name: str, amount: int = 1) -> int:
        """Add to the run's counter `name`; returns where it stands."""
        return self.sim.meters.count(name, amount)

    def observe(self, name: str, value: float) -> None:
        """Add a value to the run's distribution `name`, for its percentiles; ≥ 0."""
        self.sim.meters.observe(name, value)

    def gauge(self, name: str, value: float) -> None:
        """Set the run's gauge `name`."""
        self.sim.meters.gauge(name, value)

    def state(self) -> tuple[Any, ...]:
        """Plain data for a checkpoint: the timers apart from what few agents have, if this one has any of it."""
        if self._is_plain:
            return self.link.position, self.timers, None
        faults = self._faults.position if self._faults else 0
        return self.link.position, self.timers, (faults, self.ahead, self.drift, self.slowness, self.mailbox.state())

    @property
    def _is_plain(self) -> bool:
        """Whether nothing is special about the agent's clock, its mail and its faults."""
        mailbox = self.mailbox
        return (
            not (mailbox.seen or mailbox.last_correlation)
            and (self.ahead, self.drift, self.slowness) == _TRUE_CLOCK
            and not (self._faults and self._faults.position)
        )

    def load(self, link: int, timers: dict[Hashable, Event], rare: tuple[Any, ...] | None) -> None:
        """Become what `state` says."""
        self.link.position, self.timers = link, timers
        if rare is None and self._is_plain:
            return
        faults, self.ahead, self.drift, self.slowness, mailbox = rare or (0, *_TRUE_CLOCK, Mailbox().state())
        self.mailbox.load(mailbox)
        if faults or self._faults:
            self.faults.position = faults
