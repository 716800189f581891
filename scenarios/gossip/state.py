"""What an agent keeps of it: versioned entries, and a view of the others by their advertisements."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from engine.streams import Stream

VIEW_SIZE = 64  # advertisements that an agent keeps: a partial view, as in lpbcast (Eugster et al. 2003)
REPUTATION = 10  # a reputation lies between minus and plus this
BAD_REPUTATION = -2  # from here on an agent is passed over when a partner is drawn


class Entry(Struct, frozen=True):
    """A fact: what `key` says in this version, as `origin` put it. Entries of one key are ordered by (version, origin,
    text), and an agent keeps the greatest it heard of: the same in any order, however often it hears them."""

    key: str
    version: int
    origin: int
    text: str

    def newer_than(self, other: Entry | None) -> bool:
        """Whether this entry replaces `other`."""
        return other is None or (self.version, self.origin, self.text) > (other.version, other.origin, other.text)

    def contradicts(self, other: Entry) -> bool:
        """Whether the two cannot both be honest: one version of one origin with two texts."""
        return self.text != other.text and (self.key, self.version, self.origin) == (
            other.key,
            other.version,
            other.origin,
        )


class Advert(Struct, frozen=True):
    """What an agent offers, as it says itself; a later `time` (µs, when it started) replaces an earlier one."""

    agent: int
    capability: str
    time: int


_AGENT = attrgetter("agent")


class View(dict[int, Advert]):
    """The advertisements that an agent holds, by agent: at most 64, of which a random one makes room for a new one."""

    def __init__(self, adverts: Sequence[Advert] = ()) -> None:
        self.order = list(adverts)  # the same, for drawing one of them
        self.update(zip(map(_AGENT, adverts), adverts, strict=True))

    def take(self, advert: Advert, stream: Stream) -> None:
        """Keep an advertisement: in place of an earlier one of its agent, or of a random one if there is no room."""
        agent, order = advert.agent, self.order
        if agent in self:
            order[order.index(self[agent])] = advert
        elif len(order) < VIEW_SIZE:
            order.append(advert)
        else:
            place = stream.below(VIEW_SIZE)
            del self[order[place].agent]
            order[place] = advert
        self[agent] = advert

    def __reduce__(self) -> tuple[Any, ...]:  # a checkpoint of 5,000 agents holds each advertisement thousands of times
        return View, (self.order,)
