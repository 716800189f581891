"""The calendar queue: virtual time, and the events to come, in the order of (time, number).

Events lie unsorted in buckets of 1,024 µs. A bucket is sorted when its turn comes; what is added to it from then on is
put in its place. The order is exactly a heap's, at half the cost (docs/performance.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any

from engine.events import Event

BUCKET_BITS = 10


class Calendar:
    """Time, counters and events to come. `Context.send` appends to `buckets` itself: it is the hot path.

    `now` is virtual time in microseconds, `index` counts events that happened, `number` events that were ever added.
    """

    __slots__ = ("_bucket_heap", "_opened", "base", "buckets", "current", "index", "now", "number")

    def __init__(self) -> None:
        self.now = 0
        self.index = 0
        self.number = 0
        self.buckets: dict[int, list[Event]] = {}
        self._bucket_heap: list[int] = []
        self._opened = -1
        self.current: list[Event] = []  # the opened bucket, sorted
        self.base = 0  # place in `current` of the next event, minus `index`

    def __len__(self) -> int:
        return len(self.current) - self.position + sum(map(len, self.buckets.values()))

    def __bool__(self) -> bool:
        return self.position < len(self.current) or any(self.buckets.values())

    def __iter__(self) -> Iterator[Event]:
        """The events to come, soonest first."""
        yield from self.current[self.position :]
        for bucket in sorted(self.buckets):
            self.buckets[bucket].sort()
            yield from self.buckets[bucket]

    @property
    def position(self) -> int:
        """Place in `current` of the next event."""
        return self.base + self.index

    def add(self, event: Event) -> None:
        """Put an event in its place; its time must not be before `now`."""
        bucket = event[0] >> BUCKET_BITS
        if bucket <= self._opened:
            insort(self.current, event, lo=self.position)
        elif bucket in self.buckets:
            self.buckets[bucket].append(event)
        else:
            self.buckets[bucket] = [event]
            heappush(self._bucket_heap, bucket)

    def remove(self, event: Event) -> bool:
        """Take an event out; False if it is not there any more."""
        bucket = event[0] >> BUCKET_BITS
        if bucket > self._opened:
            try:
                self.buckets.get(bucket, []).remove(event)
            except ValueError:
                return False
            return True
        current, start = self.current, self.position
        place = bisect_left(current, event, lo=start)
        if place == len(current) or current[place] != event:
            return False
        # The run's loop may be going through this list up to a place that is now one too far. Cutting it short ends
        # the loop, which then asks anew how many events are due.
        self.current = current[start:place] + current[place + 1 :]
        self.base = -self.index
        del current[start:]
        return True

    def rewrite(self, change: Callable[[Event], Event]) -> None:
        """Replace each event to come by what `change` makes of it; time and number must stay."""
        place = self.position
        self.current[place:] = [change(event) for event in self.current[place:]]
        for events in self.buckets.values():
            events[:] = [change(event) for event in events]

    def find(self, number: int) -> Event | None:
        """The event to come that has this number."""
        return next((event for event in self if event[1] == number), None)

    def next_time(self) -> int | None:
        """When the next event happens; None when there is none."""
        while self.position >= len(self.current):
            if not self._open():
                return None
        return self.current[self.position][0]

    def due(self, until: int) -> int:
        """How many events of the opened bucket happen at or before `until`, opening the next one if it may hold
        such; 0 when no event does."""
        while self.position >= len(self.current):
            if not self._bucket_heap or self._bucket_heap[0] << BUCKET_BITS > until or not self._open():
                return 0
        if self.current[-1][0] <= until:
            return len(self.current) - self.position
        return bisect_right(self.current, until, lo=self.position, key=_time) - self.position

    def _open(self) -> bool:
        if not self._bucket_heap:
            return False
        self._opened = heappop(self._bucket_heap)
        self.current = self.buckets.pop(self._opened)
        self.current.sort()
        self.base = -self.index
        return True

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {
            "now": self.now,
            "index": self.index,
            "number": self.number,
            "opened": self._opened,
            "current": self.current[self.position :],
            "buckets": {bucket: list(events) for bucket, events in self.buckets.items()},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Become what `state` says."""
        self.now, self.index, self.number = state["now"], state["index"], state["number"]
        self._opened = state["opened"]
        self.current = list(state["current"])
        self.base = -self.index
        self.buckets.clear()  # in place: contexts hold it
        self.buckets.update((bucket, list(events)) for bucket, events in state["buckets"].items())
        self._bucket_heap = list(self.buckets)
        heapify(self._bucket_heap)


def _time(event: Event) -> int:
    return event[0]
