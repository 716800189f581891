"""What gossip spreads, and what a gossiper keeps of it: versioned entries, advertisements, reputations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from engine.streams import Stream

VIEW_SIZE = 64  # advertisements that an agent keeps: a partial view, as in lpbcast (Eugster et al. 2003)
BAD_REPUTATION = -2  # from here on an agent is passed over when a partner is drawn


class Entry(Struct, frozen=True):
    """A fact: the newest version of `key`, as `origin` put it. Entries of one key are ordered by (version, origin,
    text), and merging keeps the greatest: the same in any order, however often."""

    key: str
    version: int
    origin: int
    text: str

    def newer_than(self, other: Entry | None) -> bool:
        """Whether this entry replaces `other`."""
        return other is None or (self.version, self.origin, self.text) > (
            other.version,
            other.origin,
            other.text,
        )

    def contradicts(self, other: Entry) -> bool:
        """Whether the two cannot both be honest: one version of one origin with two texts."""
        return (self.key, self.version, self.origin) == (
            other.key,
            other.version,
            other.origin,
        ) and self.text != other.text


class Advert(Struct, frozen=True):
    """What an agent offers, as it says itself; a later `time` (µs) replaces an earlier one."""

    agent: int
    capability: str
    time: int


def merge(known: Mapping[str, Entry], entries: Iterable[Entry]) -> dict[str, Entry]:
    """`known` and `entries` together. Commutative, associative and idempotent: a join of semilattices."""
    merged = dict(known)
    for entry in entries:
        if entry.newer_than(merged.get(entry.key)):
            merged[entry.key] = entry
    return merged


class View:
    """The advertisements that an agent holds: at most 64, of which a random one makes room for a new one."""

    def __init__(self) -> None:
        self.adverts: dict[int, Advert] = {}
        self.order: list[int] = []

    def take(self, advert: Advert, stream: Stream) -> bool:
        """Keep an advertisement; True if its agent was not in view."""
        agent = advert.agent
        old = self.adverts.get(agent)
        if old is not None:
            if advert.time > old.time:
                self.adverts[agent] = advert
            return False
        if len(self.order) < VIEW_SIZE:
            self.order.append(agent)
        else:
            place = stream.below(VIEW_SIZE)
            del self.adverts[self.order[place]]
            self.order[place] = agent
        self.adverts[agent] = advert
        return True

    def any(self, stream: Stream) -> Advert | None:
        """One of the advertisements, each as likely; None while there is none."""
        return self.adverts[stream.choice(self.order)] if self.order else None
