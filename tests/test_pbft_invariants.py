"""Each invariant of PBFT breaks when a replica does what it must not, and says who did what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.simulation import Simulation
from scenarios.launch import launch
from scenarios.pbft import measures
from scenarios.pbft.messages import Batch, Request
from scenarios.pbft.replica import Replica

Doctoring = Callable[[Replica, Batch], Batch]


def doctored(change: Doctoring, seed: int = 1) -> Simulation:
    """A run in which r3 carries out what `change` makes of the fifth batch."""
    sim = launch("pbft", {"requests": 12, "checkpoint_interval": 0, "clients": 2}, seed)
    r3 = measures.replicas(sim)[3]

    changed: list[Batch] = []

    def execute(batch: Batch, view: int) -> None:
        if r3.executed == 4 and not changed:
            changed.append(batch)
            batch = change(r3, batch)
        Replica._execute(r3, batch, view)

    r3._execute = execute  # type: ignore[method-assign]
    sim.run(until=15)
    del r3._execute
    return sim


def detail(sim: Simulation, name: str) -> str:
    return next(str(one["detail"]) for one in sim.invariants() if one["name"] == name)


def test_they_all_hold_when_nothing_is_doctored() -> None:
    sim = doctored(lambda replica, batch: batch)
    assert all(one["holds"] for one in sim.invariants())
    assert measures.replicas(sim)[3].executed == 12


def test_agreement_breaks_when_one_carries_out_something_else() -> None:
    sim = doctored(lambda replica, batch: ())
    assert "r3" in detail(sim, "agreement")
    assert "number 5" in detail(sim, "agreement")


def test_agreement_does_not_count_those_that_misbehave() -> None:
    sim = launch("pbft", {"requests": 12, "clients": 2}, 1, "at 0s byzantine r3 liar")
    r3 = measures.replicas(sim)[3]
    r3._execute = lambda batch, view: Replica._execute(r3, (), view)  # type: ignore[method-assign]
    sim.run(until=15)
    assert not detail(sim, "agreement")
    assert not detail(sim, "total order")


def test_total_order_breaks_when_one_goes_back() -> None:
    def back(replica: Replica, batch: Batch) -> Batch:
        replica.executed -= 2
        return batch

    assert "r3 carries out number 3 after number 4" in detail(doctored(back), "total order")


def test_total_order_breaks_when_one_leaves_something_out() -> None:
    def forward(replica: Replica, batch: Batch) -> Batch:
        replica.executed += 1
        return batch

    assert "where others have" in detail(doctored(forward), "total order")


def test_validity_breaks_when_one_carries_out_what_nobody_asked_for() -> None:
    def made_up(replica: Replica, batch: Batch) -> Batch:
        return tuple([replace(one, transfer=replace(one.transfer, amount=500)) for one in batch])

    assert "never made" in detail(doctored(made_up), "validity")


def test_at_most_once_breaks_when_one_forgets_what_it_did() -> None:
    def again(replica: Replica, batch: Batch) -> Batch:
        replica.replies.clear()
        first: Request = replica.chain[0].block.batch[0]
        return (first,)

    assert "r3 carries out request 1 of" in detail(doctored(again), "at-most-once")


def test_a_request_that_is_not_answered_is_missed_and_then_not_any_more() -> None:
    sim = launch("pbft", {"requests": 20}, 1, "at 1s freeze r1,r2")
    sim.run(until=6)
    assert "waited longer than the timeout" in detail(sim, "every request is answered")
    sim.apply("thaw *")
    sim.finish()
    assert not detail(sim, "every request is answered")


@pytest.mark.parametrize("name", ["agreement", "total order", "validity", "at-most-once"])
def test_what_they_remember_stays_small(name: str) -> None:
    sim = launch("pbft", {"requests": 600, "rate": 50, "clients": 4, "authentication": "none"}, 1)
    sim.finish()
    assert len(sim.invariants_kept.memory[name]) <= 610
    assert len(sim.meters.counters) < 600
