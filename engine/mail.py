"""Mail beyond direct messages: request and reply, acknowledged delivery, time to live, floods, publish and subscribe.

Such a message travels in an Envelope. The receiving side's part (acknowledging, matching replies, passing floods on)
happens here, before or instead of the agent's handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from engine.envelope import Envelope
from engine.errors import CommunicationError
from engine.events import Event, Kind

if TYPE_CHECKING:
    from engine.context import Context
    from engine.simulation import Simulation

REMEMBERED = 1024  # correlation ids of acknowledged messages and floods that an agent remembers


class Request(Struct, frozen=True):
    """A request as its receiver holds it: whom to answer, and which of their requests it is."""

    sender: int
    correlation: int


class Waiting(Struct, frozen=True):
    """A request or acknowledged message whose answer has not come."""

    purpose: Literal["request", "acked"]
    to: int
    body: Any
    timeout: int
    retries: int
    backoff: float


class Retry(Struct, frozen=True):
    """The name of the timer that guards a request or an acknowledged message."""

    correlation: int


class Mailbox:
    """One agent's part in mail: what it waits for, and what it has seen. A crash empties it."""

    __slots__ = ("last_correlation", "seen", "waiting")

    def __init__(self) -> None:
        self.last_correlation = 0  # survives a crash, or old replies would answer new requests
        self.waiting: dict[int, Waiting] = {}
        self.seen: dict[tuple[int, int], None] = {}  # in order of arrival, so that the oldest is forgotten first

    def first_time(self, origin: int, correlation: int) -> bool:
        """Remember what came from `origin` under that id; False if it had come before."""
        key = (origin, correlation)
        if key in self.seen:
            return False
        self.seen[key] = None
        if len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        return True

    def empty(self) -> None:
        """Forget everything but the last correlation id."""
        self.waiting.clear()
        self.seen.clear()

    def state(self) -> tuple[Any, ...]:
        """Plain data for a checkpoint."""
        return self.last_correlation, self.waiting, list(self.seen)

    def load(self, state: tuple[Any, ...]) -> None:
        """Become what `state` says."""
        self.last_correlation, self.waiting, seen = state
        self.seen = dict.fromkeys(seen)


class Mail:
    """The run's post office."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.topics: dict[str, dict[int, dict[str, Any]]] = {}  # topic or pattern → agent → what fields must be

    def _post(self, ctx: Context, to: int, envelope: Envelope) -> int:
        return self._sim.network.send(ctx, to, envelope, Kind.LETTER)

    def send_expiring(self, ctx: Context, to: int, message: Any, lifetime: int) -> int:
        """Send a message that is dropped if it comes later than `lifetime` µs from now."""
        return self._post(ctx, to, Envelope("expiring", message, expires=self._sim.now + lifetime))

    def flood(self, ctx: Context, message: Any, hops: int) -> None:
        """Start a flood over the topology."""
        ctx.mailbox.last_correlation += 1
        correlation = ctx.mailbox.last_correlation
        ctx.mailbox.first_time(ctx.id, correlation)
        envelope = Envelope("flood", message, correlation, origin=ctx.id, hops=hops - 1)
        for to in ctx.neighbours:
            self._post(ctx, to, envelope)

    def ask(
        self,
        ctx: Context,
        purpose: Literal["request", "acked"],
        to: int,
        message: Any,
        timeout: int,
        retries: int,
        backoff: float,
    ) -> int:
        """Send something that must be answered, and set the timer that guards it."""
        if timeout < 1 or retries < 0 or backoff < 1:
            raise CommunicationError("a request needs a timeout of at least 1us, no fewer than 0 retries, backoff ≥ 1")
        box = ctx.mailbox
        box.last_correlation += 1
        box.waiting[box.last_correlation] = Waiting(purpose, to, message, timeout, retries, backoff)
        self._post(ctx, to, Envelope(purpose, message, box.last_correlation))
        ctx.set_timer(Retry(box.last_correlation), timeout)
        return box.last_correlation

    def retry(self, ctx: Context, correlation: int) -> None:
        """The timer of a request or acknowledged message ran out: try again, or give up."""
        waiting = ctx.mailbox.waiting.pop(correlation, None)
        if waiting is None:
            return
        if waiting.retries:
            longer = round(waiting.timeout * waiting.backoff)
            ctx.mailbox.waiting[correlation] = Waiting(
                waiting.purpose, waiting.to, waiting.body, longer, waiting.retries - 1, waiting.backoff
            )
            self._post(ctx, waiting.to, Envelope(waiting.purpose, waiting.body, correlation))
            ctx.set_timer(Retry(correlation), longer)
            return
        agent = self._sim.agent(ctx.id)
        give_up = agent.on_no_reply if waiting.purpose == "request" else agent.on_unacknowledged
        give_up(correlation, waiting.to, waiting.body)

    def reply(self, ctx: Context, request: Request, message: Any) -> None:
        """Answer a request."""
        self._post(ctx, request.sender, Envelope("reply", message, request.correlation))

    def subscribe(self, agent: int, topic: str, where: Mapping[str, Any] | None) -> None:
        """Let `agent` hear what is published to `topic`."""
        if not topic:
            raise CommunicationError("a topic needs a name")
        self.topics.setdefault(topic, {})[agent] = dict(where or {})

    def unsubscribe(self, agent: int, topic: str) -> None:
        """Undo `subscribe`."""
        self.topics.get(topic, {}).pop(agent, None)

    def forget(self, agent: int) -> None:
        """Undo every subscription of an agent that is down."""
        for subscribers in self.topics.values():
            subscribers.pop(agent, None)

    def publish(self, ctx: Context, topic: str, message: Any) -> int:
        """Send to all whose subscription takes it, in the order of their ids."""
        takers = sorted(
            {
                agent
                for pattern, subscribers in self.topics.items()
                if pattern == topic or fnmatchcase(topic, pattern)
                for agent, where in subscribers.items()
                if agent != ctx.id and all(_field(message, key) == value for key, value in where.items())
            }
        )
        for agent in takers:
            self._post(ctx, agent, Envelope("topic", message, topic=topic))
        return len(takers)

    def open(self, event: Event) -> bool:
        """Hand an envelope to its agent, which is up; False if it was too old to be handed over."""
        _, _, target, source, _, envelope, _, _ = event
        sim = self._sim
        agent = sim.agent(target)
        ctx = agent.ctx
        body = envelope.body
        match envelope.purpose:
            case "expiring":
                if sim.now > envelope.expires:
                    return False
                agent.on_message(source, body)
            case "request":
                agent.on_request(source, body, Request(source, envelope.correlation))
            case "reply":
                waiting = ctx.mailbox.waiting.get(envelope.correlation)
                if waiting is not None and waiting.to == source and waiting.purpose == "request":
                    del ctx.mailbox.waiting[envelope.correlation]
                    ctx.cancel_timer(Retry(envelope.correlation))
                    agent.on_reply(envelope.correlation, source, body)
            case "acked":
                self._post(ctx, source, Envelope("ack", None, envelope.correlation))
                if ctx.mailbox.first_time(source, envelope.correlation):
                    agent.on_message(source, body)
            case "ack":
                waiting = ctx.mailbox.waiting.get(envelope.correlation)
                if waiting is not None and waiting.to == source and waiting.purpose == "acked":
                    del ctx.mailbox.waiting[envelope.correlation]
                    ctx.cancel_timer(Retry(envelope.correlation))
                    agent.on_acknowledged(envelope.correlation, source, waiting.body)
            case "topic":
                agent.on_topic(envelope.topic, source, body)
            case "flood":
                if ctx.mailbox.first_time(envelope.origin, envelope.correlation):
                    if envelope.hops > 0:
                        onward = Envelope(
                            "flood",
                            body,
                            envelope.correlation,
                            origin=envelope.origin,
                            hops=envelope.hops - 1,
                        )
                        for to in ctx.neighbours:
                            if to not in (source, envelope.origin):
                                self._post(ctx, to, onward)
                    agent.on_message(envelope.origin, body)
        return True

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return self.topics

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says."""
        self.topics = state


def _field(message: Any, name: str) -> Any:
    if isinstance(message, Mapping):
        return message.get(name)
    return getattr(message, name, None)
