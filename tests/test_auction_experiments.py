"""Each experiment of the auction shows what it promises, whatever the seed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.params import specs
from engine.scenario import Experiment
from engine.simulation import Simulation
from scenarios.auction.contractor import Contractor
from scenarios.auction.manager import Manager
from scenarios.auction.params import AuctionParams
from scenarios.auction.scenario import Auction
from scenarios.launch import launch, read_script

EXPERIMENTS = {one.name: one for one in Auction.experiments}
SEEDS = range(4)
each_seed = pytest.mark.parametrize("seed", SEEDS)


def start(name: str, seed: int, script: str | None = None, **changes: Any) -> Simulation:
    one = EXPERIMENTS[name]
    return launch("auction", {**one.params, **changes}, seed, one.script if script is None else script)


def to_the_end(sim: Simulation) -> Simulation:
    sim.finish()
    return sim


def broken(sim: Simulation) -> list[str]:
    return [one["name"] for one in sim.invariants() if not one["holds"]]


def manager(sim: Simulation, name: str) -> Manager:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Manager)
    return found


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note for note in sim.trace.notes if note.kind == kind]


# --- all of them ----------------------------------------------------------------------------------


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(EXPERIMENTS) == len(Auction.experiments) >= 3


@pytest.mark.parametrize("one", Auction.experiments, ids=lambda one: one.name)
def test_it_says_what_to_do_and_what_to_watch(one: Experiment) -> None:
    assert one.title and one.keys
    assert one.watch.endswith(".") and len(one.watch) > 100
    assert one.params.keys() <= {spec.name for spec in specs(AuctionParams)}
    assert all(timed.at is not None for timed in read_script(one.script, Auction))


@pytest.mark.parametrize("one", Auction.experiments, ids=lambda one: one.name)
def test_its_script_is_carried_out_to_the_last_command(one: Experiment) -> None:
    sim = to_the_end(launch("auction", one.params, 9, one.script))
    assert len(sim.commands) == len(one.script.splitlines())
    assert not [note for note in sim.trace.notes if note.kind in ("refused", "failed") and "text" in note.data]
    assert sim.over.startswith("every task has ended")


# --- one by one -----------------------------------------------------------------------------------


@each_seed
def test_winners_crash(seed: int) -> None:
    sim = start("winners-crash", seed)
    sim.run(until=4.01)
    lost = [name for one in range(4) for name in getattr(sim.agents[one], "jobs")]  # noqa: B009
    assert lost, "in the middle of their work"
    to_the_end(sim)
    figures = sim.metrics()
    assert figures["tasks_done"] == 40
    assert figures["tasks_reawarded"] >= len(lost) - 1, "but for results that were on their way"
    ended = [note.time for note in notes(sim, "lease lost")]
    assert ended and all(4e6 < time < 4e6 + 4.5e6 for time in ended)
    assert broken(sim) == []


@each_seed
def test_standby(seed: int) -> None:
    sim = start("standby", seed)
    sim.run(until=13.9)
    [taken] = notes(sim, "took over")
    assert sim.names[taken.agent] == "s-1" and 5e6 < taken.time < 7e6
    assert manager(sim, "s-1").acting
    to_the_end(sim)
    assert sim.metrics()["tasks_done"] == 40
    assert sim.metrics()["takeovers"] == 1
    assert not manager(sim, "m-1").acting
    assert broken(sim) == []


@each_seed
def test_two_managers(seed: int) -> None:
    sim = start("two-managers", seed)
    sim.run(until=15.9)
    old, new = manager(sim, "m-1"), manager(sim, "s-1")
    assert old.acting and old.ctx.now >= old.until, "it runs on, without a mandate"
    assert new.acting and new.ctx.now < new.until
    late = [note for note in notes(sim, "awarded") if note.time > 4e6 + 2e6 and note.agent == old.id]
    assert late == []
    to_the_end(sim)
    assert not old.acting
    assert sim.metrics()["tasks_done"] == 40
    assert broken(sim) == []


@each_seed
def test_slow_clocks(seed: int) -> None:
    assert broken(to_the_end(start("slow-clocks", seed))) == ["one-award"]
    second = "\n".join(EXPERIMENTS["slow-clocks"].script.splitlines()[1:])
    assert broken(to_the_end(start("slow-clocks", seed, second))) == []


@each_seed
def test_honesty(seed: int) -> None:
    def profit(script: str) -> float:
        return float(to_the_end(start("honesty", seed, script)).metrics()["profit"]["c-01"])

    def wins(script: str) -> int:
        found = to_the_end(start("honesty", seed, script)).agents[0]
        assert isinstance(found, Contractor)
        return len(found.delivered)

    honest, script = profit(""), EXPERIMENTS["honesty"].script
    assert profit(script) < honest
    assert profit("at 0s deviate c-01 0.7") < honest
    assert wins(script) > 1.2 * wins("")
    first = to_the_end(start("honesty", seed, "", rule="first-price"))
    assert first.metrics()["profit"]["c-01"] == 0.0


@each_seed
def test_learning(seed: int) -> None:
    def mean(sim: Simulation) -> float:
        return sim.meters.distributions["payment"].total

    sim = start("learning", seed)
    while sim.metrics()["tasks_done"] < 50:
        sim.run(events=20)
    early = mean(sim) / sim.metrics()["tasks_done"]
    while sim.metrics()["tasks_done"] < 300:
        sim.run(events=20)
    before, done = mean(sim), sim.metrics()["tasks_done"]
    to_the_end(sim)
    late = (mean(sim) - before) / (sim.metrics()["tasks_done"] - done)
    assert late < 0.47 and late < early
    assert all(one.bandit.favourite >= 0.3 for one in sim.agents if isinstance(one, Contractor))


@each_seed
def test_defaulter(seed: int) -> None:
    sim = to_the_end(start("defaulter", seed))
    assert sim.metrics()["tasks_done"] == 60
    barred = [note for note in notes(sim, "barred") if note.data["contractor"] == 0]
    assert barred
    lost = [note for note in notes(sim, "lease lost") if note.data["holder"] == 0]
    assert 2 <= len(lost) <= 6
    between = [
        note
        for note in notes(sim, "awarded")
        if note.data["to"] == 0 and barred[0].time < note.time < barred[0].time + 30e6
    ]
    assert between == [], "it wins nothing while it is barred"
    assert broken(sim) == []


@each_seed
def test_shill(seed: int) -> None:
    sim = to_the_end(start("shill", seed))
    honest = to_the_end(start("shill", seed, ""))
    assert sim.metrics()["revenue_mean"] > honest.metrics()["revenue_mean"] + 0.05
    late = [note for note in notes(sim, "awarded") if note.time > 10e6]
    assert late and all(note.data["price"] == note.data["best"] for note in late)


def test_neighbours() -> None:
    def figures(**changes: Any) -> list[dict[str, Any]]:
        return [to_the_end(start("neighbours", seed, **changes)).metrics() for seed in range(6)]

    ring, mesh = figures(), figures(topology="mesh")
    assert all(one["tasks_done"] == 40 for one in ring + mesh)
    assert all(few["efficiency"] < many["efficiency"] for few, many in zip(ring, mesh, strict=True))
    assert sum(one["efficiency"] for one in mesh) / 6 > 0.9
    assert sum(one["messages_per_task"] for one in mesh) > 3 * sum(one["messages_per_task"] for one in ring)
