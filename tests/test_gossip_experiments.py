"""Each experiment of gossip shows what it promises, whatever the seed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.params import specs
from engine.scenario import Experiment
from engine.simulation import Simulation
from scenarios.gossip.measures import distrusted_by
from scenarios.gossip.scenario import Gossip, Gossiper, GossipParams
from scenarios.launch import launch, read_script

EXPERIMENTS = {one.name: one for one in Gossip.experiments}
SEEDS = range(4)
each_seed = pytest.mark.parametrize("seed", SEEDS)


def start(name: str, seed: int, **changes: Any) -> Simulation:
    one = EXPERIMENTS[name]
    return launch("gossip", {**one.params, **changes}, seed, one.script)


def to_the_end(sim: Simulation) -> Simulation:
    sim.finish()
    return sim


def gossipers(sim: Simulation) -> list[Gossiper]:
    return [one for one in sim.agents if isinstance(one, Gossiper)]


def broken(sim: Simulation) -> list[str]:
    return [one["name"] for one in sim.invariants() if not one["holds"]]


# --- all of them ----------------------------------------------------------------------------------


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(EXPERIMENTS) == len(Gossip.experiments) >= 3


@pytest.mark.parametrize("one", Gossip.experiments, ids=lambda one: one.name)
def test_it_says_what_to_do_and_what_to_watch(one: Experiment) -> None:
    assert one.title and one.keys
    assert one.watch.endswith(".") and len(one.watch) > 100
    assert one.params.keys() <= {spec.name for spec in specs(GossipParams)}
    assert all(timed.at is not None for timed in read_script(one.script, Gossip))


@pytest.mark.parametrize("one", Gossip.experiments, ids=lambda one: one.name)
def test_its_script_is_carried_out_to_the_last_command(one: Experiment) -> None:
    sim = to_the_end(launch("gossip", one.params, 9, one.script))
    assert len(sim.commands) == len(one.script.splitlines())
    assert not [note for note in sim.trace.notes if note.kind in ("refused", "failed")]
    assert sim.seconds < sim.scenario.horizon


# --- one by one -----------------------------------------------------------------------------------


@each_seed
def test_partition(seed: int) -> None:
    sim = start("partition", seed)
    sim.run(until=14.99)
    knows = {one.name for one in gossipers(sim) if "f2" in one.facts}
    left = {f"a-{number:02}" for number in range(1, 20)}
    assert len(knows) > 15 and knows <= left, "48 % at most"
    to_the_end(sim)
    assert sim.metrics()["coverage"] == 1.0
    assert sim.seconds < 15 + 8


@each_seed
def test_two_truths(seed: int) -> None:
    sim = start("two-truths", seed)
    sim.run(until=13.99)
    assert {one.facts["f1"].text for one in gossipers(sim)} >= {"the ferry leaves at one", "the ferry leaves at two"}
    assert broken(sim) == ["knowledge-converges"]
    to_the_end(sim)
    assert {one.facts["f1"].text for one in gossipers(sim)} == {"the ferry leaves at two"}
    assert broken(sim) == []


@each_seed
def test_last(seed: int) -> None:
    def cycles(**changes: Any) -> list[int]:
        return sorted(one.cycles["f1"] for one in gossipers(to_the_end(start("last", seed, **changes))))

    push, pull, both = cycles(), cycles(mode="pull"), cycles(mode="push-pull")
    half, all_but_few = 150, 290
    assert 7 <= push[half] <= 10
    assert push[-1] - push[half] >= 4, "the last ones take their time"
    assert pull[-1] - pull[all_but_few] <= 3, "by pulling they are found at once"
    assert both[-1] <= 0.65 * push[-1]


@each_seed
def test_cold(seed: int) -> None:
    cold = to_the_end(start("cold", seed)).metrics()
    assert 0.1 < cold["residue"] < 0.26
    warm = to_the_end(start("cold", seed, k=3)).metrics()
    assert warm["residue"] < 0.03
    assert warm["updates_per_agent"] < 3 * cold["updates_per_agent"]


@each_seed
def test_crash(seed: int) -> None:
    sim = start("crash", seed)
    sim.run(until=14.99)
    down = [one for one in gossipers(sim) if not sim.lifecycle.is_alive(one.id)]
    assert len(down) == 20
    assert sim.metrics()["coverage"] == 1.0, "the others all hear"
    sim.run(until=15.01)
    assert sim.metrics()["coverage"] < 1.0
    assert sum("f1" in one.facts for one in down) > 15, "what was on disk is still known"
    to_the_end(sim)
    assert all(one.facts.keys() == {"f1", "f2"} for one in gossipers(sim))
    assert sim.seconds < 22


@each_seed
def test_newcomers(seed: int) -> None:
    sim = start("newcomers", seed)
    sim.run(until=19.99)
    newcomers = gossipers(sim)[30:]
    assert len(newcomers) == 5
    assert all("f1" in one.facts for one in newcomers)
    known_to = [sum(one.id in old.discovered for old in gossipers(sim)[:30]) for one in newcomers]
    assert sum(known_to) / 5 >= 20
    to_the_end(sim)
    assert all("f2" in one.facts for one in newcomers)
    assert sim.seconds < 28


@each_seed
def test_silent(seed: int) -> None:
    sim = start("silent", seed)
    sim.run(until=40)
    doubts = {one.name: distrusted_by(sim, one.id) for one in gossipers(sim)}
    silent = {"a-10", "a-11", "a-12"}
    assert {name for name, many in doubts.items() if many} == silent
    assert all(doubts[name] >= 6 for name in silent), "more than half of the others"
    to_the_end(sim)
    assert sim.metrics()["coverage"] == 1.0, "the silent hear it too"
    assert sim.seconds < 48


@each_seed
def test_liar(seed: int) -> None:
    sim = to_the_end(start("liar", seed))
    assert broken(sim) == ["one-text-per-version"]
    [detail] = [one["detail"] for one in sim.invariants() if not one["holds"]]
    assert re.match(r"broken at [0-9.]+m?s by event [0-9]+: a-[0-9]+ hears f[12] as “.*, says a-05”", detail)
    assert {one.facts["f2"].text for one in gossipers(sim)} == {"the bridge is closed, says a-05"}
