"""Checkpoints that are taken while there is nothing else to do."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app import filling
from app.driver import Driver
from app.filling import Filler
from app.history import CHUNK, History
from engine.simulation import NEVER
from scenarios.launch import launch
from tests.app_fixtures import Clock

EVENTS = 12_000


def long_run() -> History:
    """A run of 12,000 events that was in such a hurry that it has but its first checkpoint."""
    history = History(launch("gossip", {"agents": 20}, 7, record=True), Clock())
    history.go_on(NEVER, EVENTS)
    return history


def indices(history: History) -> list[int]:
    return sorted(saved.checkpoint.index for saved in history.tree.saved)


def test_the_gaps_are_filled_and_the_run_stays_where_it_is() -> None:
    history = long_run()
    place, digest = history.place, history.sim.digest
    assert indices(history) == [0]
    assert not Filler(history, Clock()).work(1.0)
    assert (history.place, history.sim.digest) == (place, digest)
    gaps = [after - before for before, after in pairwise([*indices(history), EVENTS])]
    assert max(gaps) <= 1.5 * CHUNK
    assert all(saved.checkpoint.is_packed for saved in history.tree.saved)


def test_every_moment_is_what_it_was_whatever_was_filled() -> None:
    history, plain = long_run(), long_run()
    Filler(history, Clock()).work(1.0)
    for index in (1, 511, 4_000, 7_777, EVENTS - 1):
        history.go_to(index)
        plain.go_to(index)
        assert history.sim.digest == plain.sim.digest
        assert history.sim.metrics() == plain.sim.metrics()


def test_memory_is_kept_and_what_there_is_room_for_is_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    history = long_run()
    history.keep()
    history.tree.pack()
    history.tree.pack()
    size = max(saved.checkpoint.size for saved in history.tree.saved)
    monkeypatch.setattr(filling, "MEMORY", history.tree.memory + 6 * size)
    Filler(history, Clock()).work(1.0)
    assert history.tree.memory <= filling.MEMORY + size
    gaps = [after - before for before, after in pairwise(indices(history))]
    assert 5 <= len(gaps) <= 8
    assert max(gaps) <= 2 * min(gaps)


def test_a_short_run_needs_none() -> None:
    history = History(launch("gossip", {"agents": 20}, 7, record=True), Clock())
    history.go_on(NEVER, 4_000)
    assert not Filler(history, Clock()).work(1.0)
    assert indices(history) == [0]
    assert not history.tree.saved[0].checkpoint.is_packed


def test_another_branch_is_filled_where_it_goes_its_own_way() -> None:
    driver = Driver(long_run(), paused=True, clock=Clock())
    driver.filler.work(1.0)
    before = len(driver.history.tree.saved)
    driver.go_to(6_000)
    driver.branch_off()
    driver.history.go_on(NEVER, 9_000)
    driver.filler.work(1.0)
    own = [saved.checkpoint.index for saved in driver.history.tree.saved[before:]]
    assert own and min(own) >= 6_000
    assert all(saved.branch == 2 for saved in driver.history.tree.saved[before:])


def test_a_little_at_a_time_comes_to_the_same() -> None:
    class Hasty(Clock):
        def __call__(self) -> float:
            self.pass_by(0.003)
            return super().__call__()

    history, hasty = long_run(), long_run()
    Filler(history, Clock()).work(1.0)
    filler, turns = Filler(hasty, Hasty()), 0
    while filler.work(0.004):
        turns += 1
    assert turns >= 3
    assert indices(hasty) == indices(history)
