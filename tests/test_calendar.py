"""The calendar queue: exactly the order of a heap, whatever is added, taken and removed in between."""

from __future__ import annotations

import heapq
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import BUCKET_BITS, Calendar
from engine.events import Event, Kind

BUCKET = 1 << BUCKET_BITS


def event(time: int, number: int) -> Event:
    return (time, number, 0, 0, int(Kind.DELIVER), f"m{number}", 0, 0)


def take(calendar: Calendar) -> Event | None:
    """Let the next event happen, as the run's loop does."""
    if calendar.next_time() is None:
        return None
    taken = calendar.current[calendar.position]
    calendar.now = taken[0]
    calendar.index += 1
    return taken


# Delays that stay in the opened bucket, reach the next ones, and lie far ahead.
DELAYS = st.integers(0, 40) | st.integers(0, 3 * BUCKET) | st.integers(0, 100 * BUCKET)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), DELAYS),
        st.tuples(st.just("take"), st.integers(1, 6)),
        st.tuples(st.just("remove"), st.integers(0, 50)),
        st.tuples(st.just("command"), st.just(0)),
        st.tuples(st.just("wait"), DELAYS),
        st.tuples(st.just("reload"), st.just(0)),
    ),
    max_size=120,
)


@settings(max_examples=300)
@given(STEPS)
def test_the_order_is_that_of_a_heap(steps: list[tuple[str, int]]) -> None:
    calendar = Calendar()
    heap: list[Event] = []
    for what, amount in steps:
        if what == "add":
            calendar.number += 1
            new = event(calendar.now + amount, calendar.number)
            calendar.add(new)
            heapq.heappush(heap, new)
        elif what == "take":
            for _ in range(amount):
                assert take(calendar) == (heapq.heappop(heap) if heap else None)
        elif what == "remove" and heap:
            gone = heap.pop(amount % len(heap))
            heapq.heapify(heap)
            assert calendar.remove(gone)
            assert not calendar.remove(gone)
        elif what == "command":  # an event that never was in the calendar
            calendar.index += 1
            calendar.base -= 1
        elif what == "wait":  # time goes on as far as nothing happens
            soonest = heap[0][0] if heap else calendar.now + amount
            calendar.now = min(calendar.now + amount, soonest)
        elif what == "reload":
            state = calendar.state()
            calendar = Calendar()
            calendar.load(state)
        assert len(calendar) == len(heap)
        assert bool(calendar) == bool(heap)
    assert list(calendar) == sorted(heap)
    assert [take(calendar) for _ in range(len(heap) + 1)] == [*sorted(heap), None]


@given(st.lists(st.integers(0, 5 * BUCKET), max_size=60), st.integers(0, 6 * BUCKET), st.integers(0, 10))
def test_due_counts_what_happens_in_time(times: list[int], until: int, taken: int) -> None:
    calendar = Calendar()
    for number, time in enumerate(times):
        calendar.add(event(time, number))
    for _ in range(min(taken, len(times))):
        take(calendar)
    left = sorted(times)[taken:]
    due = [time for time in left if time <= until]
    count = calendar.due(until)
    assert 0 < count <= len(due) if due else count == 0
    # All that is due lies in the opened bucket, or the bucket holds nothing later.
    bucket = calendar.current[calendar.position : calendar.position + count]
    assert [one[0] for one in bucket] == due[:count]
    assert count == len(due) or due[count] >> BUCKET_BITS > due[0] >> BUCKET_BITS


def test_asking_opens_no_bucket_that_lies_beyond() -> None:
    calendar = Calendar()
    calendar.add(event(5 * BUCKET, 1))
    assert calendar.due(BUCKET) == 0
    calendar.add(event(2 * BUCKET, 2))
    assert take(calendar) == event(2 * BUCKET, 2)


def test_late_arrivals_come_in_their_place() -> None:
    calendar = Calendar()
    for number, time in enumerate((10, 30, 30, 50), 1):
        calendar.add(event(time, number))
    assert take(calendar) == event(10, 1)
    calendar.add(event(30, 5))
    calendar.add(event(10, 6))
    calendar.add(event(49, 7))
    assert [one[1] for one in calendar] == [6, 2, 3, 5, 7, 4]


def test_late_arrivals_reach_a_loop_that_goes_through_the_bucket() -> None:
    calendar = Calendar()
    for number, time in enumerate((10, 20, 30), 1):
        calendar.add(event(time, number))
    calendar.due(100)
    met = []
    for one in calendar.current:
        calendar.index += 1
        met.append(one[1])
        if one[1] == 1:
            calendar.add(event(25, 4))
    assert met == [1, 2, 4, 3]


def test_a_removal_ends_a_loop_that_goes_through_the_bucket() -> None:
    calendar = Calendar()
    for number, time in enumerate((10, 20, 30), 1):
        calendar.add(event(time, number))
    calendar.due(100)
    met = []
    for one in calendar.current:
        calendar.index += 1
        met.append(one[1])
        calendar.remove(event(20, 2))
    assert met == [1]
    assert list(calendar) == [event(30, 3)]


def test_find_and_rewrite() -> None:
    calendar = Calendar()
    for number, time in enumerate((10, 20, 5 * BUCKET), 1):
        calendar.add(event(time, number))
    take(calendar)
    assert calendar.find(1) is None  # it has happened
    assert calendar.find(3) == event(5 * BUCKET, 3)
    calendar.rewrite(lambda one: (*one[:4], int(Kind.CUT), *one[5:]))
    assert [one[4] for one in calendar] == [Kind.CUT, Kind.CUT]


def test_state_is_a_copy() -> None:
    calendar = Calendar()
    calendar.add(event(10, 1))
    calendar.add(event(9 * BUCKET, 2))
    take(calendar)
    state: dict[str, Any] = calendar.state()
    calendar.add(event(9 * BUCKET + 1, 3))
    take(calendar)
    other = Calendar()
    other.load(state)
    assert (other.now, other.index, list(other)) == (10, 1, [event(9 * BUCKET, 2)])
    other.add(event(9 * BUCKET, 4))
    assert len(state["buckets"][9]) == 1
