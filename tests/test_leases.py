"""Leases: granted, renewed, released, run out."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.leases import Lease, Leases

S = 1_000_000


def test_a_lease_lasts_until_it_runs_out() -> None:
    leases: Leases[str] = Leases(5 * S)
    lease = leases.grant("task", 3, 1 * S)
    assert lease == Lease(holder=3, granted=1 * S, expires=6 * S)
    assert leases.holder("task", 6 * S - 1) == 3
    assert leases.holder("task", 6 * S) is None
    assert leases.holder("other", 0) is None


def test_it_is_renewed_by_its_holder_alone_and_in_time() -> None:
    leases: Leases[str] = Leases(5 * S)
    leases.grant("task", 3, 0)
    assert leases.renew("task", 3, 4 * S)
    assert leases.held["task"] == Lease(3, 0, 9 * S)
    assert not leases.renew("task", 4, 4 * S)
    assert not leases.renew("other", 3, 4 * S)
    assert not leases.renew("task", 3, 9 * S)
    assert leases.held["task"].expires == 9 * S


def test_a_new_grant_replaces_the_old_one() -> None:
    leases: Leases[str] = Leases(5 * S)
    leases.grant("task", 3, 0)
    leases.grant("other", 1, 0)
    leases.grant("task", 4, 2 * S)
    assert leases.holder("task", 2 * S) == 4
    assert not leases.renew("task", 3, 2 * S)
    assert list(leases.held) == ["other", "task"]


def test_it_is_released_by_its_holder_alone() -> None:
    leases: Leases[str] = Leases(5 * S)
    leases.grant("task", 3, 0)
    assert not leases.release("task", 4)
    assert leases.release("task", 3)
    assert not leases.release("task", 3)
    assert leases.holder("task", 0) is None


def test_those_that_ran_out_are_struck_off_in_order() -> None:
    leases: Leases[str] = Leases(5 * S)
    for number, name in enumerate(("a", "b", "c", "d")):
        leases.grant(name, number, number * S)
    leases.renew("a", 0, 2 * S)
    assert leases.next_expiry() == 6 * S
    assert [key for key, _ in leases.end_expired(7 * S)] == ["b", "a", "c"]
    assert list(leases.held) == ["d"]
    assert leases.end_expired(7 * S) == []
    assert leases.next_expiry() == 8 * S
    leases.end_expired(100 * S)
    assert leases.next_expiry() is None


def test_what_is_left_of_it() -> None:
    leases: Leases[str] = Leases(4 * S)
    leases.grant("task", 3, 10 * S)
    assert [leases.left("task", at * S) for at in (9, 10, 11, 14, 20)] == [1.0, 1.0, 0.75, 0.0, 0.0]
    assert leases.left("other", 0) == 0.0


def test_it_takes_some_time() -> None:
    with pytest.raises(ValueError, match="at least 1us"):
        Leases(0)


@given(
    st.lists(st.tuples(st.sampled_from("gnre"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), max_size=40)
)
def test_nobody_holds_what_has_run_out(steps: list[tuple[str, int, int, int]]) -> None:
    leases: Leases[int] = Leases(10)
    now = 0
    for what, key, holder, wait in steps:
        now += wait
        before = leases.holder(key, now)
        if what == "g":
            leases.grant(key, holder, now)
            assert leases.holder(key, now) == holder
        elif what == "n":
            assert leases.renew(key, holder, now) == (before == holder)
        elif what == "r":
            leases.release(key, holder)
            assert leases.holder(key, now) == (None if before == holder else before)
        else:
            leases.end_expired(now)
        expected = min((lease.expires for lease in leases.held.values()), default=None)
        assert leases.next_expiry() == expected
        assert vars(pickle.loads(pickle.dumps(leases))) == vars(leases)
    leases.end_expired(now)
    assert all(lease.expires > now for lease in leases.held.values())
