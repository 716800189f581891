"""What scaling does when workers, leads and the coordinator misbehave, die or are cut off; its invariants, broken."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.params import read_params
from engine.simulation import Simulation
from engine.trace import Note
from engine.views import Health
from scenarios.launch import launch
from scenarios.scaling import measures
from scenarios.scaling.params import ScalingParams
from scenarios.scaling.scenario import Coordinator, Scaling
from scenarios.scaling.state import Result
from scenarios.scaling.worker import Worker

STEADY = {"policy": "fixed", "workers": 5, "arrivals": "poisson", "arrival_rate": 3.0, "horizon": 60}


def run(script: str = "", seed: int = 1, **params: Any) -> Simulation:
    sim = launch("scaling", {**STEADY, **params}, seed, script)
    sim.finish()
    return sim


def notes(sim: Simulation, kind: str) -> list[Note]:
    return [note for note in sim.trace.notes if note.kind == kind]


def broken(sim: Simulation) -> dict[str, str]:
    return {one["name"]: one["detail"] for one in sim.invariants() if not one["holds"]}


def all_done(sim: Simulation) -> bool:
    metrics = sim.metrics()
    return not broken(sim) and not notes(sim, "failed") and metrics["done"] == metrics["arrived"] > 0


# --- workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("detector", ["timeout", "phi"])
@pytest.mark.parametrize("routing", ["central", "two-choices", "least-loaded", "round-robin", "random", "weighted"])
def test_the_tasks_of_the_dead_go_to_others(routing: str, detector: str) -> None:
    sim = run("at 10s crash w-1,w-2", routing=routing, detector=detector)
    assert all_done(sim)
    assert sim.metrics()["retried"] >= 1
    assert sorted(note.data["worker"] for note in notes(sim, "dead")) == ["w-1", "w-2"]
    assert sim.metrics()["workers"] == 5


def test_a_worker_that_is_back_soon_says_what_it_lost() -> None:
    sim = run("at 10s crash w-1\nat 10.2s restart w-1", startup=0.1, lease=30)
    assert all_done(sim)
    assert not notes(sim, "dead")
    why = {note.data["why"] for note in notes(sim, "retry")}
    assert why <= {"its worker has started anew"}
    assert vars(sim.agents[sim.ids["w-1"]])["done"] > 0


def test_a_worker_that_comes_back_too_late_finds_its_place_taken() -> None:
    sim = run("at 10s crash w-1\nat 40s restart w-1")
    assert all_done(sim)
    assert [note.data["worker"] for note in notes(sim, "unwanted")] == ["w-1"]
    assert sim.ids["w-1"] in sim.lifecycle.left


def test_a_frozen_worker_is_trusted_again_when_it_thaws() -> None:
    sim = run("at 10s freeze w-1\nat 14s thaw w-1", lease=20)
    assert all_done(sim)
    assert [note.data["worker"] for note in notes(sim, "suspected")] == ["w-1"]
    assert [note.data["worker"] for note in notes(sim, "trusted")] == ["w-1"]


def test_workers_that_are_cut_off_are_replaced_and_their_late_results_ignored() -> None:
    sim = run("at 10s partition w-1,w-2 | coordinator\nat 25s heal", seed=2, policy="target-utilisation", max_workers=9)
    assert all_done(sim)
    assert len(notes(sim, "dead")) == 2


def test_tasks_survive_a_network_that_loses_doubles_and_reorders() -> None:
    sim = run("at 5s loss 20%\nat 5s duplicate 20%\nat 5s reorder 30%\nat 50s loss 0%", retries=20)
    assert all_done(sim)
    assert sim.metrics()["duplicates"] > 0


def test_backoff_doubles_and_a_task_that_nobody_gets_done_is_a_dead_letter() -> None:
    sim = launch("scaling", {**STEADY, "workers": 2, "arrivals": "trace", "lease": 1, "retries": 2, "backoff": 2}, 1)
    for second in range(160):
        sim.run(until=second / 2)
        if len(sim.present()) > 1:
            sim.apply("byzantine worker hoarder")
    tries = [note for note in notes(sim, "retry") if note.data["task"] == 1]
    assert [note.data["attempt"] for note in tries] == [1, 2]
    assert sim.metrics()["lost"] > 0
    letters = notes(sim, "dead-letter")
    assert all(letter.data["attempts"] == 3 for letter in letters)
    assert 1 in [letter.data["task"] for letter in letters]
    assert not [name for name in broken(sim) if name != "all-tasks-end"]


def test_three_results_for_one_task_count_once() -> None:
    sim = run("at 0s byzantine w-* duplicator")
    metrics = sim.metrics()
    assert all_done(sim)
    assert metrics["duplicates"] > 1.8 * metrics["done"]


def test_a_liar_makes_the_pool_grow_for_nothing() -> None:
    given = {"policy": "target-utilisation", "arrival_rate": 1.5, "max_workers": 12, "min_workers": 4}
    honest, lied_to = run(**given), run("at 10s byzantine w-* liar", **given)
    assert all_done(lied_to)
    assert lied_to.metrics()["cost"] > 1.2 * honest.metrics()["cost"]


def test_an_honest_worker_again_works_again() -> None:
    sim = run("at 5s byzantine w-1 hoarder\nat 7s byzantine w-1 honest", lease=20)
    assert all_done(sim)
    assert vars(sim.agents[sim.ids["w-1"]])["done"] > 5


def test_a_machine_on_which_all_is_slow_beats_too_rarely() -> None:
    sim = run("at 10s slow w-1 10x")
    assert all_done(sim)
    assert [note.data["worker"] for note in notes(sim, "dead")] == ["w-1"]


def test_a_worker_that_is_slow_at_its_work_alone_is_noticed_by_its_pace() -> None:
    sim = run("at 10s byzantine w-1 slow", lease=60)
    assert all_done(sim)
    assert not notes(sim, "suspected")
    assert [note.data["worker"] for note in notes(sim, "ejected")] == ["w-1"]
    assert not notes(run("at 10s byzantine w-1 slow", lease=60, eject=0), "ejected")


def test_whoever_joins_unasked_is_taken_if_there_is_room() -> None:
    sim = launch("scaling", {**STEADY, "policy": "queue-length", "stabilisation": 60}, 1)
    sim.run(until=5)
    sim.apply("join")
    sim.apply("join 1 worker")
    new = sim.agents[-2:]
    sim.run(until=8.5)
    assert [one.role for one in new] == ["worker", "worker"]
    assert all(isinstance(one, Worker) and one.status == "ready" for one in new)
    assert all(one.id in measures.coordinator(sim).slots for one in new)


def test_a_drained_worker_finishes_first() -> None:
    given = {"policy": "queue-length", "routing": "round-robin", "service_rate": 0.2, "arrival_rate": 1.0, "target": 3}
    sim = run(workers=12, stabilisation=4, lease=60, **given)
    draining = notes(sim, "draining")
    assert any(note.data["tasks"] for note in draining)
    assert all_done(sim)
    assert sim.metrics()["retried"] == 0


# --- coordinator and leads ------------------------------------------------------------------------


def test_a_coordinator_that_crashes_has_its_books() -> None:
    sim = run("at 20s crash coordinator\nat 24s restart coordinator")
    assert all_done(sim)


def test_without_a_coordinator_the_run_is_over() -> None:
    sim = run("at 20s leave coordinator")
    assert sim.over == "the coordinator has left, and nobody takes tasks any more"
    assert 20 <= sim.seconds < 60


def test_a_lead_that_never_comes_back_takes_no_task_with_it() -> None:
    sim = run("at 20s crash lead-1", teams=2, workers=6, max_workers=12, policy="target-utilisation")
    assert all_done(sim)


def test_teams_keep_their_share_of_the_bounds() -> None:
    sim = launch("scaling", {**STEADY, "teams": 3, "workers": 7, "max_workers": 10, "policy": "queue-length"}, 1)
    sim.run(until=1)
    leads = measures.managers(sim)
    assert [(lead.name, lead.low, lead.high) for lead in leads] == [
        ("lead-1", 1, 4),
        ("lead-2", 1, 3),
        ("lead-3", 1, 3),
    ]
    assert [len(lead.slots) for lead in leads] == [3, 2, 2]
    sim.apply("spike x20 for 20s")
    for second in range(2, 30):
        sim.run(until=second)
        assert sim.metrics()["workers"] <= 10
    assert not [name for name in broken(sim) if name != "all-tasks-end"]


# --- going back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{}, {"teams": 2}, {"policy": "predictive", "arrivals": "diurnal", "interval": 0.5}])
def test_a_checkpoint_goes_on_as_if_nothing_had_been(params: dict[str, Any]) -> None:
    given = {"horizon": 40, "max_workers": 15, "policy": "target-utilisation", **params}
    straight = launch("scaling", given, 3, "at 15s kill 1")
    straight.finish()
    sim = launch("scaling", given, 3, "at 15s kill 1")
    sim.run(until=14)
    early = sim.checkpoint()
    sim.run(until=25)
    late = sim.checkpoint()
    for checkpoint in (early, late):
        again = launch("scaling", given, 3)
        again.restore(checkpoint)
        again.finish()
        assert again.digest == straight.digest
        assert again.metrics() == straight.metrics()
    sim.restore(early)
    sim.finish()
    assert sim.digest == straight.digest


def test_looking_changes_nothing() -> None:
    one, other = launch("scaling", {"routing": "two-choices"}, 3), launch("scaling", {"routing": "two-choices"}, 3)
    for second in range(1, 20):
        one.run(until=second)
        other.run(until=second)
        other.scenario.stage(other)
        other.metrics()
    assert one.digest == other.digest
    states = [re.sub("0x[0-9a-f]+", "", str([agent.state() for agent in sim.agents])) for sim in (one, other)]
    assert states[0] == states[1]


# --- broken invariants ----------------------------------------------------------------------------


class Forgetful(Coordinator):
    """Drops every tenth task."""

    def _accept(self, task: Any, now: int) -> None:
        super()._accept(task, now)
        if task.id % 10 == 0 and task.queued:
            self._close(task)


class Twice(Coordinator):
    """Counts late results, too."""

    def _on_result(self, sender: int, result: Result) -> None:
        super()._on_result(sender, result)
        if result.task % 7 == 0:
            self.ctx.note("done", task=result.task)


class Greedy(Coordinator):
    """Does not know when to stop."""

    def _scale(self, now: int) -> None:
        self.wanted = self.high + 3
        self._resize(now)


class Ruthless(Coordinator):
    """Sends workers away in the middle of their work."""

    def _drain(self, slot: Any, now: int) -> None:
        self._let_go(slot, now)
        self._regroup()


@pytest.mark.parametrize(
    ("kind", "invariant", "detail"),
    [
        (Forgetful, "none-lost", "tasks arrived, and"),
        (Twice, "done-once", "task [0-9]+ is done for the second time"),
        (Greedy, "pool-within-bounds", "23 workers are wanted, and 2 to 20 allowed|has 23 workers, and may have 20"),
        (Ruthless, "drained-empty", "leaves, and has [0-9]+ tasks that coordinator waits for"),
    ],
)
def test_a_broken_coordinator_is_caught(kind: type[Coordinator], invariant: str, detail: str) -> None:
    class Broken(Scaling):
        def create(self, name: str, role: str) -> Any:
            made = super().create(name, role)
            if isinstance(made, Coordinator):
                first = [(number, 0, 1000) for number in range(1, self.params.workers + 1)]
                return kind(self.params, first, (2, 20))
            return made

    given = {
        "policy": "queue-length",
        "arrivals": "poisson",
        "horizon": 60,
        "routing": "round-robin",
        "stabilisation": 2,
    }
    if kind is Forgetful:  # it drops tasks that wait in its own queue
        given |= {"routing": "central", "startup": 30}
    if kind is Ruthless:
        given |= {"target": 4, "workers": 12, "service_rate": 0.3}
    sim = Simulation(Broken(read_params(ScalingParams, given)), 1)
    sim.run(until=60)
    assert not notes(sim, "failed")
    found = broken(sim)
    assert invariant in found
    assert re.search(detail, found[invariant])


def test_tasks_that_have_not_ended_are_named() -> None:
    sim = launch("scaling", {**STEADY, "workers": 1}, 1)
    sim.run(until=20)
    assert "tasks have not ended, the oldest being task" in broken(sim)["all-tasks-end"]
    assert sim.health(1) == Health.UP
