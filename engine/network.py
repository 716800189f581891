"""The network's decisions: how long each message takes, whether it is lost, cut off, doubled or overtaken.

While every link is alike and nothing is broken, `Context.send` decides by itself with one table look-up and one
comparison; as soon as anything is odd for an agent's links, `Network.send` does the whole of it. Both draw the same
words from the sender's link stream, so a fault on one link does not shift the luck of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.commands import MILLION, Latency
from engine.connectivity import Cut
from engine.envelope import Envelope
from engine.events import IN_FLIGHT, Event, Kind
from engine.latency import SLICES, quantiles

if TYPE_CHECKING:
    from engine.context import Context
    from engine.simulation import Simulation

LOSS_SCALE = 1 << 30  # loss is compared with a random word, whose lowest bits choose the delay
_DELAY_BITS = SLICES - 1
MESSAGE_SIZE = 256  # bytes, of a message that has no `size` of its own
REORDER_STRETCH = 3  # a reordered message takes its delay and up to this many times as much again


class Link(Struct):
    """What is set for one link, or (as the network's `usual`) for all; None leaves it as usual.

    `loss`, `duplicate` and `reorder` are millionths; `bandwidth` is bytes a second, 0 for unlimited.
    """

    latency: Latency | None = None
    loss: int | None = None
    duplicate: int | None = None
    reorder: int | None = None
    bandwidth: int | None = None


class Network:
    """Links, partitions and their counters."""

    def __init__(self, sim: Simulation, latency: Latency, loss: float) -> None:
        self._sim = sim
        self.built = Link(latency, round(loss * MILLION), 0, 0, 0)  # as the scenario's parameters say
        self.usual = Link(latency, self.built.loss, 0, 0, 0)
        self.links: dict[tuple[int, int], Link] = {}  # (source, target) → what is set for that link only
        self.cuts: list[Cut] = []
        self._busy: dict[tuple[int, int], int] = {}  # until when a link of limited bandwidth is taken
        self.not_sent = 0  # numbers given to timers and copies, which are no sends
        self.not_delivered = 0  # events that were no deliveries
        self.dropped = 0
        self.duplicated = 0

    @property
    def sent(self) -> int:
        """Messages sent so far."""
        return self._sim.calendar.number - self.not_sent

    @property
    def delivered(self) -> int:
        """Messages handed to agents so far."""
        return self._sim.calendar.index - self.not_delivered

    def connect(self, ctx: Context) -> None:
        """Tell a context how its links are now."""
        ctx.delays, threshold = self._manner()
        ctx.threshold = threshold if ctx.slowness == 1000 else LOSS_SCALE

    def connect_all(self) -> None:
        """Tell all contexts, after anything has changed."""
        delays, threshold = self._manner()
        for agent in self._sim.agents:
            ctx = agent.ctx
            ctx.delays = delays
            ctx.threshold = threshold if ctx.slowness == 1000 else LOSS_SCALE

    def _manner(self) -> tuple[tuple[int, ...], int]:
        """Delays and threshold of a context whose agent is as quick as usual."""
        usual = self.usual
        assert usual.latency is not None and usual.loss is not None
        odd = self.cuts or self.links or usual.duplicate or usual.reorder or usual.bandwidth
        return quantiles(usual.latency), LOSS_SCALE if odd else usual.loss * LOSS_SCALE // MILLION

    def set_link(self, name: str, value: Any, pairs: Iterable[tuple[int, int]] | None) -> None:
        """Set one attribute of `Link` for the given links, or for all (which forgets what was set for single ones);
        None as the value means as built."""
        value = getattr(self.built, name) if value is None else value
        if pairs is None:
            setattr(self.usual, name, value)
            for link in self.links.values():
                setattr(link, name, None)
        else:
            own = None if value == getattr(self.usual, name) else value
            for pair in pairs:
                setattr(self.links.setdefault(pair, Link()), name, own)
        self.links = {pair: link for pair, link in self.links.items() if link != Link()}
        self.connect_all()

    def of(self, source: int, target: int) -> Link:
        """All that holds for one link."""
        own = self.links.get((source, target))
        if own is None:
            return self.usual
        pick = {
            name: getattr(self.usual, name) if getattr(own, name) is None else getattr(own, name)
            for name in Link.__struct_fields__
        }
        return Link(**pick)

    def cut(self, cut: Cut) -> None:
        """Add a partition; what is on its way across it is cut off."""
        self.cuts.append(cut)
        self._sim.calendar.rewrite(lambda event: self._cut_off(cut, event))
        self.connect_all()

    def _cut_off(self, cut: Cut, event: Event) -> Event:
        time, number, target, source, kind, message, cause, sent = event
        if kind in IN_FLIGHT and self.knows(target) and cut.blocks(source, target):
            return (time, number, target, source, int(Kind.CUT), message, cause, sent)
        return event

    def heal(self) -> None:
        """Remove every partition; what was cut off stays lost."""
        self.cuts.clear()
        self.connect_all()

    def knows(self, target: object) -> bool:
        """Whether a message to `target` can arrive: it is the id of an agent that is, or was, there."""
        return isinstance(target, int) and 0 <= target < len(self._sim.agents)

    def blocks(self, source: int, target: int) -> bool:
        """Whether a partition keeps messages of `source` from `target`."""
        return any(cut.blocks(source, target) for cut in self.cuts)

    def send(self, ctx: Context, to: int, message: Any, kind: Kind, word: int | None = None) -> int:
        """Send with every rule considered; `kind` is DELIVER or LETTER, `word` what was already drawn from the sender's
        link stream. Returns the message's number."""
        sim = self._sim
        calendar = sim.calendar
        link = self.of(ctx.id, to)
        assert link.latency is not None and link.loss is not None
        if word is None:
            word = ctx.link.word()
        calendar.number = number = calendar.number + 1
        now = calendar.now
        delays = ctx.delays if link is self.usual else quantiles(link.latency)
        delay = delays[word & _DELAY_BITS]
        if link.reorder and ctx.faults.below(MILLION) < link.reorder:
            delay += int(ctx.faults.uniform() * (REORDER_STRETCH * delay + 1))
        delay = delay * ctx.slowness // 1000 + self._wait(link, ctx.id, to, message)
        fate = kind
        if self.cuts and self.blocks(ctx.id, to):
            fate = Kind.CUT
        elif word < link.loss * LOSS_SCALE // MILLION:
            fate = Kind.LOST
        calendar.add((now + delay, number, to, ctx.id, int(fate), message, calendar.index, now))
        if link.duplicate and ctx.faults.below(MILLION) < link.duplicate:
            again = delays[ctx.faults.word() & _DELAY_BITS] * ctx.slowness // 1000
            self.copy((now + again, number, to, ctx.id, int(fate), message, calendar.index, now))
        return number

    def _wait(self, link: Link, source: int, target: int, message: Any) -> int:
        """How long a link of limited bandwidth takes to put `message` on the wire, queue included."""
        if not link.bandwidth:
            return 0
        now = self._sim.calendar.now
        free = max(now, self._busy.get((source, target), 0))
        size = getattr(message.body if isinstance(message, Envelope) else message, "size", MESSAGE_SIZE)
        free += max(1, size * 1_000_000 // link.bandwidth)
        self._busy[source, target] = free
        return free - now

    def copy(self, event: Event) -> None:
        """Put a second copy of a message on its way, under a number of its own."""
        calendar = self._sim.calendar
        calendar.number += 1
        self.not_sent += 1
        self.duplicated += 1
        calendar.add((event[0], calendar.number, *event[2:]))

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        counters = (self.not_sent, self.not_delivered, self.dropped, self.duplicated)
        return {
            "usual": self.usual,
            "links": self.links,
            "cuts": self.cuts,
            "busy": self._busy,
            "counters": counters,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says."""
        self.usual, self.links, self.cuts = state["usual"], state["links"], state["cuts"]
        self._busy = state["busy"]
        self.not_sent, self.not_delivered, self.dropped, self.duplicated = state["counters"]
