"""Each experiment of PBFT shows what it promises, whatever the seed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.duration import SECOND
from engine.params import specs
from engine.scenario import Experiment
from engine.simulation import Simulation
from scenarios.launch import launch, read_script
from scenarios.pbft import measures
from scenarios.pbft.scenario import Pbft, PbftParams

EXPERIMENTS = {one.name: one for one in Pbft.experiments}
each_seed = pytest.mark.parametrize("seed", range(4))


def start(name: str, seed: int, **changes: Any) -> Simulation:
    one = EXPERIMENTS[name]
    return launch("pbft", {**one.params, **changes}, seed, one.script)


def finished(name: str, seed: int, **changes: Any) -> Simulation:
    sim = start(name, seed, **changes)
    sim.finish()
    return sim


def broken(sim: Simulation) -> list[str]:
    return [one["name"] for one in sim.invariants() if not one["holds"]]


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note for note in sim.trace.notes if note.kind == kind]


def all_is_well(sim: Simulation) -> bool:
    figures = sim.metrics()
    return not broken(sim) and figures["committed"] == figures["requests"] == sim.params.requests


def waits(sim: Simulation, first: float, last: float) -> list[float]:
    """How long the clients waited for the answers that came between two times, in seconds."""
    answered = notes(sim, "answered")
    return [one.data["waited"] / SECOND for one in answered if first <= one.time / SECOND < last]


# --- all of them ----------------------------------------------------------------------------------


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(EXPERIMENTS) == len(Pbft.experiments) >= 5


@pytest.mark.parametrize("one", Pbft.experiments, ids=lambda one: one.name)
def test_it_says_what_to_do_and_what_to_watch(one: Experiment) -> None:
    assert one.title and one.keys
    assert one.watch.endswith(".") and len(one.watch) > 100
    assert one.params.keys() <= {spec.name for spec in specs(PbftParams)}
    assert all(timed.at is not None for timed in read_script(one.script, Pbft))


@pytest.mark.parametrize("one", Pbft.experiments, ids=lambda one: one.name)
def test_its_script_is_carried_out_to_the_last_command(one: Experiment) -> None:
    sim = launch("pbft", one.params, 9, one.script)
    sim.run(until=30)
    assert len(sim.commands) == len(one.script.splitlines())
    assert not [note for note in sim.trace.notes if note.kind in ("refused", "failed")]


# --- each of them ---------------------------------------------------------------------------------


@each_seed
def test_crash(seed: int) -> None:
    sim = start("crash", seed)
    sim.run(until=3)
    height = measures.final_height(sim)
    sim.run(until=4)
    assert measures.final_height(sim) <= height + 2, "only what had prepared when the primary crashed"
    assert measures.begun(measures.replicas(sim)[1]) == 0
    sim.run(until=7)
    assert [measures.begun(one) for one in measures.replicas(sim)] == [0, 1, 1, 1]
    assert measures.replicas(sim)[1].is_primary
    assert measures.final_height(sim) > height + 2
    sim.finish()
    assert all_is_well(sim)
    r0 = measures.replicas(sim)[0]
    assert measures.begun(r0) == 1 and not r0.is_primary
    assert r0.executed == max(one.executed for one in measures.replicas(sim))


@each_seed
def test_two_stories(seed: int) -> None:
    sim = finished("two-stories", seed)
    assert all_is_well(sim)
    assert sim.metrics()["view"] >= 1
    assert notes(sim, "equivocates")


@each_seed
def test_one_liar(seed: int) -> None:
    sim = finished("one-liar", seed)
    assert all_is_well(sim)
    assert sim.metrics()["view"] == 0
    assert max(waits(sim, 1.5, 1e9)) < 0.5
    assert {note.data["result"] for note in notes(sim, "answered")} == {"paid"}


@each_seed
def test_one_too_many(seed: int) -> None:
    sim = start("one-too-many", seed)
    sim.run(until=2)
    assert "agreement" not in broken(sim)
    sim.run(until=10)
    assert "agreement" in broken(sim)
    detail = next(one["detail"] for one in sim.invariants() if one["name"] == "agreement")
    assert "r2" in detail and "r3" in detail
    alone = launch("pbft", EXPERIMENTS["one-too-many"].params, seed, "at 2s byzantine r0 colluder")
    alone.finish()
    assert all_is_well(alone)


@each_seed
def test_halves(seed: int) -> None:
    sim = start("halves", seed)
    sim.run(until=4.2)
    heights = [one.executed for one in measures.replicas(sim)]
    sim.run(until=12)
    assert [one.executed for one in measures.replicas(sim)] == heights
    assert sim.metrics()["view_changes"] == 0
    asks = [one.changing for one in measures.replicas(sim)]
    assert any(asks[:2]) and any(asks[2:])
    sim.finish()
    assert all_is_well(sim)
    assert sim.metrics()["view"] >= 1


@each_seed
def test_slow_primary(seed: int) -> None:
    sim = finished("slow-primary", seed)
    assert all_is_well(sim)
    assert sim.metrics()["view"] == 0
    before, after = waits(sim, 0, 3), waits(sim, 4, 1e9)
    assert max(before) < 0.4 < 0.8 < min(after)
    assert min(after) > 2.5 * max(before)


@each_seed
def test_behind(seed: int) -> None:
    sim = start("behind", seed)
    sim.run(until=14)
    r3 = measures.replicas(sim)[3]
    assert r3.executed < min(one.stable for one in measures.replicas(sim)[:3])
    sim.finish()
    assert all_is_well(sim)
    assert sim.metrics()["state_transfers"] >= 1
    assert r3.executed == 50


@each_seed
def test_forger(seed: int) -> None:
    sim = finished("forger", seed)
    assert all_is_well(sim)
    assert sim.metrics()["rejected_messages"] > 100
    believed = start("forger", seed, authentication="none")
    believed.run(until=30)
    assert "validity" in broken(believed)
    assert "agreement" not in broken(believed)
    assert believed.metrics()["rejected_messages"] == 0
