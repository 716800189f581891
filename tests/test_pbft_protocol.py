"""PBFT in the normal case: phases, counts, order, at-most-once, batches, watermarks, checkpoints, and its figures."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import CommandError, ParameterError
from engine.events import Kind
from engine.ledger import transfer
from engine.signing import secret_key
from engine.simulation import Simulation
from engine.topology import TOPOLOGIES
from scenarios.launch import launch
from scenarios.pbft import measures, theory
from scenarios.pbft.client import Client
from scenarios.pbft.messages import GENESIS, Commit, Prepare, PrePrepare, Reply, Request, digest_of, is_proven, prove
from scenarios.pbft.replica import Replica
from scenarios.pbft.scenario import FUNDS, Pbft, PbftParams
from swarmscope import simulate


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("pbft", params=params, seed=seed, until=until, script=script)


def replica(sim: Simulation, number: int) -> Replica:
    return measures.replicas(sim)[number]


def client(sim: Simulation, number: int) -> Client:
    return measures.clients(sim)[number - 1]


def broken(sim: Simulation) -> list[str]:
    return [one["name"] for one in sim.invariants() if not one["holds"]]


def sent(sim: Simulation, kind: type[Any]) -> int:
    events = [event for event in sim.trace.raw() if isinstance(event[2], tuple)]
    return sum(isinstance(event[2][5], kind) and event[2][4] == Kind.DELIVER for event in events)


# --- one request ----------------------------------------------------------------------------------


@pytest.mark.parametrize("authentication", ["none", "mac", "signature"])
@pytest.mark.parametrize("f", [1, 2, 3])
def test_each_phase_has_as_many_messages_as_the_paper_says(f: int, authentication: str) -> None:
    sim = play(f=f, requests=1, clients=1, authentication=authentication, checkpoint_interval=0)
    n = 3 * f + 1
    assert [sent(sim, kind) for kind in (Request, PrePrepare, Prepare, Commit, Reply)] == [
        1, n - 1, (n - 1) ** 2, n * (n - 1), n,
    ]  # fmt: skip
    assert sim.messages["sent"] == theory.all_messages(f) == 18 * f * f + 9 * f + 2
    assert theory.ordering_messages(f) == 18 * f * f + 6 * f


def test_a_request_takes_five_delays() -> None:
    sim = play(requests=20, latency=0.05, latency_model="constant")
    assert sim.metrics()["commit_latency_p50"] == pytest.approx(0.25, rel=0.02)
    assert sim.metrics()["commit_latency_p95"] == pytest.approx(0.25, rel=0.02)


def test_a_replica_prepares_with_2f_prepares_and_carries_out_with_a_quorum_of_commits() -> None:
    sim = launch("pbft", {"requests": 1, "clients": 1, "latency_model": "constant", "checkpoint_interval": 0}, 1)
    backup = replica(sim, 1)
    while not (slot := backup.log.get(1)):
        assert sim.step()
    seen = []
    while not backup.executed:
        key = slot.key()
        votes = slot.prepares.get(key)
        state = (votes.mask.bit_count() if votes else 0, slot.prepared, slot.commits.get(key, 0).bit_count())
        if not seen or seen[-1] != state:
            seen.append(state)
        assert sim.step()
    assert seen[0] == (1, False, 0), "its own prepare"
    assert (2, True, 1) in seen, "2f prepares, its own among them, and at once its own commit"
    assert all(prepared == (prepares >= 2) for prepares, prepared, _ in seen)
    assert max(commits for _, _, commits in seen) == 2, "the third one makes it act"


def test_all_replicas_have_the_same_chain_and_the_same_accounts() -> None:
    sim = play(requests=30)
    chains = [[one.block.id for one in each.chain] for each in measures.replicas(sim)]
    assert all(len(chain) == 30 and chain == chains[0] for chain in chains)
    assert len({each.ledger.digest() for each in measures.replicas(sim)}) == 1
    assert replica(sim, 0).ledger.total == 2 * FUNDS
    parents = [one.block.parent for one in replica(sim, 0).chain]
    assert parents == [GENESIS, *chains[0][:-1]]


def test_every_client_makes_its_part_of_the_requests() -> None:
    sim = play(requests=11, clients=3)
    assert [one.answered for one in measures.clients(sim)] == [4, 4, 3]
    assert sim.metrics()["requests"] == sim.metrics()["committed"] == 11


def test_a_transfer_that_cannot_be_paid_is_carried_out_as_refused() -> None:
    sim = play(requests=1, clients=2, script="pay c-1 c-2 999999\npay c-1 c-2 5", until=3)
    results = [note.data["result"] for note in sim.trace.notes if note.kind == "answered"]
    assert any(result.startswith("refused: it spends 999999") for result in results)
    assert "paid" in results
    assert not broken(sim)


# --- at most once ---------------------------------------------------------------------------------


def test_a_request_that_comes_again_is_answered_again_and_not_carried_out_again() -> None:
    sim = play(requests=1, clients=1)
    asker = client(sim, 1)
    payment = transfer(secret_key(sim.seed, "c-1"), asker.address("r0"), 1, 0, 0)
    again = Request(payment, 1, asker.id)
    again = replace(again, auth=prove("mac", again, sim.seed, "c-1", sim.names[:4]))
    replies = sim.meters.value("sent reply")
    for number in range(4):
        asker.ctx.send(number, again)
    sim.run(until=sim.seconds + 1)
    assert sim.meters.value("sent reply") == replies + 4
    assert replica(sim, 0).executed == 1


def test_clients_ask_all_when_a_message_is_lost_and_nothing_is_done_twice() -> None:
    sim = play(requests=40, loss=0.1, seed=3)
    assert not broken(sim)
    assert sim.metrics()["committed"] == 40
    assert sim.metrics()["resent_messages"] > 0
    done = [(one.client, one.timestamp) for each in replica(sim, 1).chain for one in each.block.batch]
    assert len(set(done)) == 40


# --- batches --------------------------------------------------------------------------------------


def test_batches_save_messages() -> None:
    alone = play(requests=200, clients=20, rate=20).metrics()
    batched = play(requests=200, clients=20, rate=20, batch=10).metrics()
    assert alone["committed"] == batched["committed"] == 200
    assert alone["messages_per_request"] == 24.0
    assert batched["messages_per_request"] < 6.0
    assert batched["height"] < 60


def test_a_batch_is_no_larger_than_it_may_be() -> None:
    sim = play(requests=200, clients=20, rate=20, batch=4)
    assert max(len(one.block.batch) for one in replica(sim, 2).chain) == 4


# --- watermarks and checkpoints -------------------------------------------------------------------


def test_checkpoints_become_stable_and_cut_the_log() -> None:
    sim = play(requests=47, checkpoint_interval=10)
    for each in measures.replicas(sim):
        assert each.stable == 40
        assert sorted(each.log) == list(range(41, 48))
        assert len(each.stable_proof) == 3
        assert list(each.snapshots) == [40]
    assert sim.metrics()["checkpoint_height"] == 40


def test_without_checkpoints_the_log_keeps_everything() -> None:
    sim = play(requests=47, checkpoint_interval=0)
    assert all(len(each.log) == 47 and each.stable == 0 for each in measures.replicas(sim))
    assert sim.metrics()["checkpoint_height"] == 0


def test_the_primary_waits_at_the_high_watermark() -> None:
    # With no checkpoint messages nothing ever becomes stable, so the numbers end at H.
    sim = launch("pbft", {"requests": 0, "rate": 20, "checkpoint_interval": 4, "clients": 4, "timeout": 100}, 2)
    for each in measures.replicas(sim):
        each._take_checkpoint = lambda: None  # type: ignore[method-assign]
    sim.run(until=20)
    assert [each.executed for each in measures.replicas(sim)] == [16, 16, 16, 16]
    assert replica(sim, 0).sequence == replica(sim, 0).high == 16


def test_numbers_beyond_the_watermarks_are_not_taken() -> None:
    sim = launch("pbft", {"requests": 0, "rate": 0.001, "checkpoint_interval": 10, "authentication": "none"}, 2)
    sim.run(until=0.5)
    backup = replica(sim, 1)
    for seq in (0, -3, 21, 10**9):
        backup.on_message(0, Prepare(0, seq, b"x", 2))
        backup.on_message(0, Commit(0, seq, b"x", 2))
    assert all(0 < seq <= 20 for seq in backup.log)


# --- proofs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mac", "signature"])
def test_what_another_wrote_or_somebody_changed_is_not_proven(kind: Any) -> None:
    names = [f"r{number}" for number in range(4)]
    message = Prepare(0, 1, b"digest", 1)
    good = replace(message, auth=prove(kind, message, 7, "r1", names))
    assert all(is_proven(kind, good, 7, "r1", name, place) for place, name in enumerate(names))
    assert not is_proven(kind, replace(good, seq=2), 7, "r1", "r0", 0)
    assert not is_proven(kind, replace(good, auth=b""), 7, "r1", "r0", 0)
    forged = replace(message, auth=prove(kind, message, 7, "r2", names))
    assert not is_proven(kind, forged, 7, "r1", "r0", 0)


@pytest.mark.parametrize("authentication", ["mac", "signature"])
def test_an_edited_message_is_rejected_and_the_run_goes_on(authentication: str) -> None:
    sim = launch("pbft", {"requests": 10, "authentication": authentication}, 1)
    while True:
        assert sim.step()
        flying = [event for event in sim.calendar if isinstance(event[5], Commit)]
        if flying:
            break
    sim.apply(f"edit m{flying[0][1]} seq=9")
    sim.finish()
    assert sim.metrics()["rejected_messages"] == 1
    assert sim.metrics()["committed"] == 10
    assert not broken(sim)


def test_a_batch_under_a_wrong_digest_is_rejected() -> None:
    sim = launch("pbft", {"requests": 0, "rate": 0.001, "authentication": "none"}, 2)
    sim.run(until=0.0)
    request = Request(transfer(secret_key(2, "c-1"), "x", 1, 0, 0), 1, 4)
    backup = replica(sim, 1)
    backup.on_message(0, PrePrepare(0, 1, digest_of(()), (request,), 0))
    backup.on_message(0, PrePrepare(0, 1, digest_of(()), (), 0))
    backup.on_message(0, PrePrepare(0, 1, digest_of((request,)), (request,), 2))
    assert backup.log == {}
    assert sim.metrics()["rejected_messages"] == 3
    backup.on_message(0, PrePrepare(0, 1, digest_of((request,)), (request,), 0))
    assert backup.log[1].batch == (request,)


# --- setting up -----------------------------------------------------------------------------------


def test_names_come_from_methods_that_can_be_replaced() -> None:
    class Other(Pbft):
        name = "other"

        def name_of(self, number: int) -> str:
            return f"node-{number + 1}"

    sim = Simulation(Other(PbftParams(requests=4)), 1)
    sim.finish()
    assert sim.names == ["node-1", "node-2", "node-3", "node-4", "c-1", "c-2"]
    assert sim.metrics()["committed"] == 4


def test_newcomers_are_named_and_a_client_takes_part_while_a_replica_does_not() -> None:
    sim = play(requests=0, until=2)
    sim.apply("join client")
    sim.apply("join replica")
    assert sim.names[-2:] == ["c-3", "r5"]
    sim.run(until=12)
    assert client(sim, 3).answered > 0
    stranger = sim.agent(sim.ids["r5"])
    assert isinstance(stranger, Replica) and not stranger.takes_part and stranger.executed == 0
    assert not broken(sim)


@pytest.mark.parametrize("topology", list(TOPOLOGIES))
def test_it_works_whatever_the_topology(topology: str) -> None:
    sim = play(requests=6, topology=topology)
    assert sim.metrics()["committed"] == 6
    assert sim.metrics()["messages_per_request"] == 24.0


def test_a_hundred_and_twenty_one_replicas() -> None:
    sim = play(f=40, requests=1, clients=1, authentication="none", checkpoint_interval=0)
    assert sim.metrics()["messages_per_request"] == theory.ordering_messages(40)
    assert not broken(sim)


@pytest.mark.parametrize("wrong", [{"f": 0}, {"batch": 0}, {"authentication": "hope"}, {"rate": 0}, {"requests": -1}])
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        launch("pbft", wrong, 1)


def test_a_duration_may_be_a_text() -> None:
    assert launch("pbft", {"timeout": "250ms", "latency": "10ms"}, 1).params.timeout == 0.25


@pytest.mark.parametrize("command", ["pay r0 c-1 5", "pay c-1 c-2 0", "pay c-9 c-1 4"])
def test_payments_that_make_no_sense_are_refused(command: str) -> None:
    sim = play(until=1)
    with pytest.raises(CommandError):
        sim.apply(command)


def test_a_client_that_is_down_cannot_pay() -> None:
    sim = play(until=1)
    sim.apply("crash c-1")
    with pytest.raises(CommandError, match="is down"):
        sim.apply("pay c-1 c-2 5")


# --- the end, and the same again ------------------------------------------------------------------


def test_the_run_ends_when_everything_is_carried_out_everywhere() -> None:
    sim = play(requests=20)
    assert "all 20 requests are answered" in sim.over
    assert sim.seconds < 60
    assert {each.executed for each in measures.replicas(sim)} == {20}


def test_a_run_with_many_requests_has_the_time_for_them() -> None:
    sim = play(requests=1500, clients=1, rate=1, authentication="none")
    assert sim.metrics()["committed"] == 1500
    assert sim.metrics()["messages_per_request"] == 24.0


def test_without_an_end_it_goes_on() -> None:
    sim = play(requests=0, until=30)
    assert sim.over == ""
    assert sim.metrics()["committed"] > 30


def test_it_is_much_faster_than_real_time() -> None:
    sim = play(requests=0, until=100)
    assert sim.events < 20_000


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_makes_the_same_run_in_one_go_or_in_pieces(seed: int) -> None:
    whole, pieces = play(seed=seed, requests=20), launch("pbft", {"requests": 20}, seed)
    while not pieces.over:
        pieces.run(events=37)
        pieces.restore(pieces.checkpoint())
    pieces.run(until=whole.seconds + 5)
    whole.run(until=whole.seconds + 5)
    assert pieces.digest == whole.digest
    assert pieces.metrics() == whole.metrics()


def test_metrics_have_their_names_and_come_first() -> None:
    wanted = [
        "requests", "committed", "messages_per_request", "view", "view_changes", "commit_latency_p50",
        "commit_latency_p95", "throughput", "checkpoint_height", "rejected_messages",
    ]  # fmt: skip
    assert list(play(until=0).metrics())[: len(wanted)] == wanted
    assert [spec.name for spec in Pbft.metrics] == list(play(until=0).metrics())
