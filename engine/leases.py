"""Leases: a right that ends by itself unless it is renewed (Gray & Cheriton, Leases, SOSP 1989).

Whoever grants keeps the books here, and looks with a timer of its own for leases that have run out. Times are
microseconds of the granter's clock.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)


class Lease(Struct, frozen=True):
    """Who holds something, from when, and until when if it is not renewed."""

    holder: int
    granted: int
    expires: int


class Leases(Generic[K]):
    """The leases that one agent has granted, by what they are for: plain data, oldest grant first."""

    def __init__(self, length: int) -> None:
        """`length` is for how long each lease is granted and renewed; at least 1."""
        if length < 1:
            raise ValueError(f"a lease lasts at least 1us; {length} was given")
        self.length = length
        self.held: dict[K, Lease] = {}

    def grant(self, key: K, holder: int, now: int) -> Lease:
        """Give `key` to `holder` from now on, whoever had it before."""
        self.held.pop(key, None)
        self.held[key] = lease = Lease(holder, now, now + self.length)
        return lease

    def renew(self, key: K, holder: int, now: int) -> bool:
        """Let the lease start anew; False if `holder` does not hold it, or it has run out."""
        lease = self.held.get(key)
        if lease is None or lease.holder != holder or lease.expires <= now:
            return False
        self.held[key] = Lease(holder, lease.granted, now + self.length)
        return True

    def release(self, key: K, holder: int) -> bool:
        """End the lease; False if `holder` does not hold it."""
        lease = self.held.get(key)
        if lease is None or lease.holder != holder:
            return False
        del self.held[key]
        return True

    def holder(self, key: K, now: int) -> int | None:
        """Who holds `key`; None if nobody does."""
        lease = self.held.get(key)
        return None if lease is None or lease.expires <= now else lease.holder

    def end_expired(self, now: int) -> list[tuple[K, Lease]]:
        """Strike off the leases that have run out, and return them, those that ran out first coming first."""
        ended = sorted(((key, lease) for key, lease in self.held.items() if lease.expires <= now), key=_by_expiry)
        for key, _ in ended:
            del self.held[key]
        return ended

    def next_expiry(self) -> int | None:
        """When the next lease runs out; None while there is none."""
        return min((lease.expires for lease in self.held.values()), default=None)

    def left(self, key: K, now: int) -> float:
        """The part of the lease that is left, 0 to 1; 0 where there is none."""
        lease = self.held.get(key)
        return 0.0 if lease is None else max(0.0, min(1.0, (lease.expires - now) / self.length))


def _by_expiry(entry: tuple[object, Lease]) -> int:
    return entry[1].expires
