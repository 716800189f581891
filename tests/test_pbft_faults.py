"""What crashes, partitions and misbehaving replicas do to PBFT, and how a replica that lacks something catches up."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from engine.events import IN_FLIGHT
from engine.simulation import Simulation
from scenarios.launch import launch
from scenarios.pbft import measures
from scenarios.pbft.messages import Checkpoint, State, ViewChange
from scenarios.pbft.replica import Replica
from scenarios.pbft.scenario import Pbft
from swarmscope import simulate

REPLICA_MODES = [one.name for one in Pbft.misbehaviours if one.name != "two-faced"]


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("pbft", params=params, seed=seed, until=until, script=script)


def group(sim: Simulation) -> list[Replica]:
    return measures.replicas(sim)


def broken(sim: Simulation) -> list[str]:
    return [one["name"] for one in sim.invariants() if not one["holds"]]


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note for note in sim.trace.notes if note.kind == kind]


def all_is_well(sim: Simulation) -> bool:
    figures = sim.metrics()
    return not broken(sim) and not notes(sim, "failed") and figures["committed"] == sim.params.requests


# --- view changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("checkpoint_interval", [0, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_what_had_prepared_when_the_primary_crashed_keeps_its_number(seed: int, checkpoint_interval: int) -> None:
    params = {"requests": 20, "clients": 4, "rate": 3.0, "checkpoint_interval": checkpoint_interval}
    sim = launch("pbft", params, seed)
    sim.run(until=1.0)
    # The moment at which somebody has prepared something that nobody has carried out yet.
    top = 0
    while True:
        assert sim.step()
        top = max(one.executed for one in group(sim))
        slots = [one.log[top + 1] for one in group(sim)[1:] if top + 1 in one.log]
        if any(slot.prepared for slot in slots):
            break
    digest = next(slot.digest for slot in slots if slot.prepared)
    holders = [one for one in group(sim)[1:] if top + 1 in one.log and one.log[top + 1].prepared]
    sim.apply("crash r0")
    sim.finish()
    assert all_is_well(sim)
    assert sim.metrics()["view"] >= 1
    kept = {one.chain[top - one.chain[0].block.seq + 1].block.digest for one in group(sim)[1:]}
    assert len(kept) == 1
    if len(holders) == 3:
        assert kept == {digest}


def test_when_the_next_primary_is_down_too_the_one_after_it_takes_over() -> None:
    sim = play(f=2, requests=20, script="at 3s crash r0,r1")
    assert all_is_well(sim)
    assert sim.metrics()["view"] == 2
    assert sim.metrics()["view_changes"] == 1, "view 1 never began"


def test_a_gap_is_filled_with_the_null_request() -> None:
    sim = launch("pbft", {"requests": 12, "clients": 4, "rate": 4.0, "checkpoint_interval": 0}, 3)
    # What the primary says of one number reaches nobody, so the numbers after it have to wait.
    lost: set[int] = set()
    while not (sim.metrics()["view"] or sim.over):
        assert sim.step()
        for event in list(sim.calendar):
            about = event[5]
            if event[4] in IN_FLIGHT and event[3] == 0 and getattr(about, "seq", 0) == 3:
                sim.apply(f"drop m{event[1]}")
                lost.add(event[2])
        if sim.seconds > 3 and sim.lifecycle.is_alive(0):
            sim.apply("crash r0")
    assert lost == {1, 2, 3}
    sim.finish()
    assert all_is_well(sim)
    third = group(sim)[1].chain[2].block
    assert third.batch == ()
    assert any("the null request" in text for text, _ in _lines(sim, "seq 3"))


def _lines(sim: Simulation, key: str) -> tuple[tuple[str, str], ...]:
    words = sim.scenario.detail(sim, key)
    assert words is not None
    return words.lines


def test_f_plus_one_replicas_that_ask_for_a_view_take_the_others_along() -> None:
    sim = play(requests=0, rate=0.001, until=1)
    for asking in group(sim)[2:]:
        asking.ask_for_view(5)
    sim.run(until=3)
    assert [measures.begun(one) for one in group(sim)] == [5, 5, 5, 5]


def test_one_replica_that_asks_for_a_view_takes_nobody_along() -> None:
    sim = play(requests=0, until=1)
    group(sim)[3].ask_for_view(9)
    sim.run(until=10)
    assert [measures.begun(one) for one in group(sim)] == [0, 0, 0, 0]
    assert sim.metrics()["committed"] > 10


def test_a_view_change_that_proves_no_checkpoint_is_rejected() -> None:
    sim = play(requests=0, until=5, authentication="none")
    r0 = group(sim)[0]
    rejected = sim.meters.value("rejected")
    r0.on_message(3, ViewChange(7, 99, (), (), 3))
    r0.on_message(3, ViewChange(7, 99, tuple([Checkpoint(99, b"x", 2)] * 3), (), 3))
    assert sim.meters.value("rejected") == rejected + 2
    assert 3 not in r0.changes
    r0.on_message(3, ViewChange(7, 0, (), (), 3))
    assert 3 in r0.changes


# --- falling behind -------------------------------------------------------------------------------


@pytest.mark.parametrize("checkpoint_interval", [0, 1, 7])
@pytest.mark.parametrize("authentication", ["none", "mac", "signature"])
def test_a_replica_that_was_down_catches_up(authentication: str, checkpoint_interval: int) -> None:
    script = "at 3s crash r3\nat 20s restart r3"
    sim = play(requests=60, checkpoint_interval=checkpoint_interval, authentication=authentication, script=script)
    assert all_is_well(sim)
    assert len({one.head for one in group(sim)}) == 1
    assert len({one.ledger.digest() for one in group(sim)}) == 1
    assert bool(sim.metrics()["state_transfers"]) == bool(checkpoint_interval)


def test_a_replica_that_was_cut_off_catches_up() -> None:
    sim = play(requests=60, script="at 3s partition r3 | r0,r1,r2,c-1,c-2\nat 20s heal")
    assert all_is_well(sim)
    assert len({one.head for one in group(sim)}) == 1


@pytest.mark.parametrize("authentication", ["none", "mac"])
def test_a_state_that_nobody_vouches_for_is_not_taken_over(authentication: str) -> None:
    script = "at 1s byzantine r2 liar\nat 3s crash r3\nat 20s restart r3"
    for seed in range(4):
        sim = play(seed, requests=60, authentication=authentication, script=script)
        assert all_is_well(sim)
        assert group(sim)[3].ledger.digest() == group(sim)[0].ledger.digest()
        assert group(sim)[3].replies == group(sim)[0].replies


def test_a_made_up_state_is_rejected() -> None:
    sim = play(requests=0, until=9, authentication="none")
    r0, r1 = group(sim)[:2]
    stable = r1.snapshots[r1.stable]
    votes = tuple([Checkpoint(stable.seq + 50, b"x", number) for number in range(3)])
    made_up = type(stable)(stable.seq + 50, stable.head, (), (), ())
    before = r0.executed
    r0.on_message(2, State(made_up, votes, 2))
    r0.on_message(2, State(made_up, tuple([Checkpoint(v.seq, made_up.digest(), v.replica) for v in votes]), 2))
    assert r0.executed == before
    assert sim.meters.value("rejected") == 2


def test_all_replicas_crash_and_come_back_and_lose_nothing() -> None:
    sim = play(requests=40, script="at 5s crash r*\nat 8s restart r*")
    assert all_is_well(sim)
    assert len({one.head for one in group(sim)}) == 1


def test_a_client_that_crashes_goes_on_where_it_was() -> None:
    sim = play(requests=20, script="at 3s crash c-1\nat 6s restart c-1")
    assert all_is_well(sim)


# --- partitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_two_halves_stall_and_go_on_after_the_heal(seed: int) -> None:
    sim = play(seed, until=15, requests=40, script="at 3s partition r0,r1,c-1 | r2,r3,c-2")
    heights = [one.executed for one in group(sim)]
    assert "every request is answered" in broken(sim)
    sim.run(until=20)
    assert [one.executed for one in group(sim)] == heights
    sim.apply("heal")
    sim.finish()
    assert all_is_well(sim)


def test_a_side_with_a_quorum_goes_on() -> None:
    sim = play(until=20, requests=0, script="at 3s partition r3,c-1 | r0,r1,r2,c-2")
    first, second = measures.clients(sim)
    assert second.answered > 10 > first.answered
    assert group(sim)[0].executed > group(sim)[3].executed
    assert "agreement" not in broken(sim)


# --- misbehaviours --------------------------------------------------------------------------------


@pytest.mark.parametrize("authentication", ["mac", "signature"])
@pytest.mark.parametrize("who", ["r0", "r2"])
@pytest.mark.parametrize("mode", REPLICA_MODES)
def test_one_that_misbehaves_among_four_breaks_nothing(mode: str, who: str, authentication: str) -> None:
    for seed in range(2):
        script = f"at 2s byzantine {who} {mode}"
        assert all_is_well(play(seed, requests=24, authentication=authentication, script=script)), seed


@pytest.mark.parametrize("mode", [mode for mode in REPLICA_MODES if mode != "forger"])
def test_nor_does_it_without_authentication_unless_it_forges(mode: str) -> None:
    assert all_is_well(play(requests=24, authentication="none", script=f"at 2s byzantine r0 {mode}"))


def test_two_of_seven_may_misbehave_in_different_ways() -> None:
    for seed, (one, other) in enumerate(itertools.pairwise(REPLICA_MODES)):
        script = f"at 2s byzantine r0 {one}\nat 2s byzantine r1 {other}"
        assert all_is_well(play(seed, f=2, requests=16, script=script)), (one, other)


@pytest.mark.parametrize("mode", ["silent", "equivocator", "liar"])
def test_a_bad_primary_is_replaced(mode: str) -> None:
    sim = play(requests=24, script=f"at 2s byzantine r0 {mode}")
    assert sim.metrics()["view"] >= 1


@pytest.mark.parametrize("mode", ["slow", "replayer", "colluder"])
def test_one_that_does_no_more_than_that_stays_primary(mode: str) -> None:
    sim = play(requests=24, script=f"at 2s byzantine r0 {mode}")
    assert sim.metrics()["view"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_two_faced_client_has_one_of_its_requests_carried_out_under_each_timestamp(seed: int) -> None:
    sim = play(seed, requests=30, script="at 2s byzantine c-1 two-faced")
    assert all_is_well(sim)
    assert notes(sim, "two-faced")
    done = [(one.client, one.timestamp) for each in group(sim)[1].chain for one in each.block.batch]
    assert len(done) == len(set(done))


@pytest.mark.parametrize("authentication", ["mac", "signature"])
def test_forged_messages_are_rejected(authentication: str) -> None:
    sim = play(requests=24, authentication=authentication, script="at 2s byzantine r2 forger")
    assert all_is_well(sim)
    assert sim.metrics()["rejected_messages"] == sim.meters.value("forged") > 100


def test_without_authentication_they_are_believed() -> None:
    sim = play(requests=24, authentication="none", script="at 2s byzantine r2 forger", until=20)
    assert "validity" in broken(sim)
    assert "agreement" not in broken(sim)
    results = {note.data["result"] for note in notes(sim, "answered")}
    assert any(result != "paid" for result in results)
    assert sim.metrics()["rejected_messages"] == 0


@pytest.mark.parametrize("f", [1, 2])
def test_f_plus_one_colluders_break_agreement_and_f_do_not(f: int) -> None:
    for seed in range(3):
        for many in (f, f + 1):
            names = ",".join(f"r{number}" for number in range(many))
            sim = play(seed, f=f, requests=20, script=f"at 2s byzantine {names} colluder", until=20)
            assert ("agreement" in broken(sim)) == (many > f)


def test_colluders_have_one_of_themselves_made_primary() -> None:
    sim = play(requests=0, script="at 2s byzantine r2,r3 colluder", until=8)
    assert "agreement" in broken(sim)
    assert sim.metrics()["view"] >= 2


def test_who_is_honest_again_keeps_its_past() -> None:
    sim = play(requests=24, script="at 2s byzantine r1 liar\nat 5s byzantine r1 honest")
    assert all_is_well(sim)
    assert group(sim)[1].tainted
    assert not group(sim)[2].tainted


def test_one_that_is_frozen_when_it_is_told_to_misbehave_is_not_taken_for_correct() -> None:
    sim = play(requests=24, script="at 2s freeze r0\nat 2s byzantine r0 liar\nat 6s thaw r0")
    assert all_is_well(sim)
    assert group(sim)[0].tainted
