"""Each experiment of proof of work shows what it promises, whatever the seed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.params import specs
from engine.scenario import Experiment
from engine.simulation import Simulation
from scenarios.launch import launch, read_script
from scenarios.pow import theory
from scenarios.pow.measures import miners
from scenarios.pow.miner import Miner
from scenarios.pow.params import PowParams
from scenarios.pow.scenario import ProofOfWork

EXPERIMENTS = {one.name: one for one in ProofOfWork.experiments}
SEEDS = range(2)
each_seed = pytest.mark.parametrize("seed", SEEDS)


def start(name: str, seed: int, **changes: Any) -> Simulation:
    one = EXPERIMENTS[name]
    return launch("pow", {**one.params, **changes}, seed, one.script)


def agent(sim: Simulation, name: str) -> Miner:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Miner)
    return found


def notes(sim: Simulation, kind: str) -> list[dict[str, Any]]:
    return [{**note.data, "time": note.time / 1e6} for note in sim.trace.notes if note.kind == kind]


def safe(sim: Simulation) -> bool:
    return all(one["holds"] for one in sim.invariants() if one["kind"] == "safety")


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(EXPERIMENTS) == len(ProofOfWork.experiments) >= 3


@pytest.mark.parametrize("one", ProofOfWork.experiments, ids=lambda one: one.name)
def test_it_says_what_to_do_and_what_to_watch(one: Experiment) -> None:
    assert one.title and one.keys
    assert one.watch.endswith(".") and len(one.watch) > 100
    assert one.params.keys() <= {spec.name for spec in specs(PowParams)}
    assert all(timed.at is not None for timed in read_script(one.script, ProofOfWork))


@pytest.mark.parametrize("one", ProofOfWork.experiments, ids=lambda one: one.name)
def test_its_script_is_carried_out_to_the_last_command(one: Experiment) -> None:
    last = max((timed.at or 0 for timed in read_script(one.script, ProofOfWork)), default=0)
    sim = launch("pow", one.params, 9, one.script)
    sim.run(until=last / 1e6 + 5)
    assert len(sim.commands) == len(one.script.splitlines())
    assert not notes(sim, "refused") and not notes(sim, "failed")
    assert safe(sim)


@each_seed
def test_fork(seed: int) -> None:
    sim = start("fork", seed)
    sim.finish()
    metrics = sim.metrics()
    assert sim.over
    expected = theory.stale_rate([1 / 8] * 8, 0.2)
    assert expected == pytest.approx(1 / 7, abs=0.02)
    assert metrics["stale_rate"] == pytest.approx(expected, abs=4 * math.sqrt(expected / 100))
    assert metrics["reorgs"] > 0 and metrics["heights_forked"] > 0
    assert metrics["max_reorg_depth"] <= 8
    assert any(note["rival"] for note in notes(sim, "found"))


@each_seed
def test_partition(seed: int) -> None:
    sim = start("partition", seed)
    sim.run(until=259)
    left, right = agent(sim, "miner-1").tree, agent(sim, "miner-7").tree
    assert left.tip.id != right.tip.id
    assert left.tip.height > 8 and right.tip.height > 5
    loser, winner = sorted((left, right), key=lambda tree: tree.tip.work)
    fork = next(h for h, name in enumerate(loser.active) if winner.active[h] != name) - 1
    undone = loser.tip.height - fork
    lost = [one for name in loser.active[fork + 1 :] for one in loser.records[name].block.transfers]  # type: ignore[union-attr]
    sim.run(until=420)
    assert not sim.scenario.divided(sim)  # type: ignore[attr-defined]
    assert sim.metrics()["max_reorg_depth"] >= undone - 1 >= 1
    nonces = agent(sim, "miner-1").tree.ledger
    assert lost and all(nonces.nonce(one.sender) > one.nonce for one in lost), "they came into later blocks"
    assert safe(sim)


@each_seed
def test_majority(seed: int) -> None:
    sim = start("majority", seed)
    sim.run(until=400)
    metrics = sim.metrics()
    assert (metrics["double_spends_tried"], metrics["double_spends_won"]) == (1, 1)
    assert metrics["max_reorg_depth"] >= 3
    assert notes(sim, "shipped")[0]["time"] < notes(sim, "defrauded")[0]["time"]
    assert agent(sim, "miner-8").mode == "honest", "it was one attempt"
    assert safe(sim)


@each_seed
def test_confirmations(seed: int) -> None:
    sim = start("confirmations", seed)
    sim.finish()
    metrics = sim.metrics()
    tried, won = metrics["double_spends_tried"], metrics["double_spends_won"]
    expected = theory.double_spend(0.2, 1)
    assert expected == pytest.approx(2 / 5) and theory.double_spend(0.2, 6) == pytest.approx(1 / 40, abs=0.003)
    assert tried > 50
    assert won / tried == pytest.approx(expected, abs=4 * math.sqrt(0.24 / tried))


@each_seed
def test_selfish(seed: int) -> None:
    sim = start("selfish", seed)
    sim.finish()
    revenue = sim.metrics()["attacker_revenue"]
    assert theory.selfish_threshold(0.5) == pytest.approx(0.25)
    assert revenue == pytest.approx(theory.selfish_revenue(0.4, 0.5), abs=0.09)
    assert revenue > 0.42


@each_seed
def test_retarget(seed: int) -> None:
    sim = start("retarget", seed)
    sim.run(until=100)
    before = sim.metrics()["difficulty"]
    sim.run(until=450)
    assert 2.0 < sim.metrics()["difficulty"] / before < 9.0
    assert notes(sim, "retarget")
    first = sim.metrics()["height"]
    sim.run(until=850)
    assert 400 / (sim.metrics()["height"] - first) == pytest.approx(10.0, rel=0.5)


@each_seed
def test_eclipse(seed: int) -> None:
    sim = start("eclipse", seed)
    sim.run(until=299)
    victim = agent(sim, "miner-4")
    top = sim.metrics()["height"]
    assert victim.tree.tip.height < top - 5
    own = [record.block.miner for name in victim.tree.active[6:] if (record := victim.tree.records[name]).block]
    assert set(own) <= {victim.id}
    sim.run(until=340)
    assert agent(sim, "miner-1").tree.records.keys() >= set(victim.tree.active[:-3])
    assert not any(one.only or one.shuns for one in miners(sim))
    assert safe(sim)


@each_seed
def test_catch_up(seed: int) -> None:
    sim = start("catch-up", seed)
    sim.run(until=239)
    missed = sim.metrics()["height"] - agent(sim, "miner-5").tree.tip.height
    assert missed > 5
    sim.run(until=245)
    assert sim.metrics()["height"] - agent(sim, "miner-5").tree.tip.height <= 1
    assert safe(sim)
