"""Each experiment of scaling shows what it promises, whatever the seed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.params import specs
from engine.scenario import Experiment
from engine.simulation import Simulation
from engine.trace import Note
from scenarios.launch import launch, read_script
from scenarios.scaling import measures
from scenarios.scaling.load import HIGH, NORMAL
from scenarios.scaling.params import ScalingParams
from scenarios.scaling.scenario import Scaling

EXPERIMENTS = {one.name: one for one in Scaling.experiments}
each_seed = pytest.mark.parametrize("seed", range(3))


class Watched:
    """An experiment that was watched from its start to its end."""

    def __init__(self, name: str, seed: int, **changes: Any) -> None:
        one = EXPERIMENTS[name]
        self.sim: Simulation = launch("scaling", {**one.params, **changes}, seed, one.script)
        self.notes: dict[str, list[Note]] = {}
        self.queue: dict[int, int] = {}  # second → tasks that waited
        self.sizes: dict[int, int] = {}
        self.longest = 0  # of the queues at single workers
        second, seen = 0, 0
        while not (self.sim.over and second):
            second += 1
            self.sim.run(until=second)
            for note in self.sim.trace.notes:
                if note.serial > seen:
                    self.notes.setdefault(note.kind, []).append(note)
            seen = self.sim.trace.note_count
            self.queue[second] = measures.in_use(self.sim)[1]
            self.sizes[second] = measures.size(self.sim)
            assert second < 400
        self.metrics = self.sim.metrics()
        assert "failed" not in self.notes
        assert not [one["name"] for one in self.sim.invariants() if not one["holds"]]

    def many(self, kind: str) -> int:
        return len(self.notes.get(kind, []))

    def said(self, kind: str, name: str) -> list[Any]:
        return [note.data[name] for note in self.notes.get(kind, [])]


# --- all of them ----------------------------------------------------------------------------------


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(EXPERIMENTS) == len(Scaling.experiments) >= 3


@pytest.mark.parametrize("one", Scaling.experiments, ids=lambda one: one.name)
def test_it_says_what_to_do_and_what_to_watch(one: Experiment) -> None:
    assert one.title and one.keys
    assert one.watch.endswith(".") and len(one.watch) > 100
    assert one.params.keys() <= {spec.name for spec in specs(ScalingParams)}
    assert all(timed.at is not None for timed in read_script(one.script, Scaling))


@pytest.mark.parametrize("one", Scaling.experiments, ids=lambda one: one.name)
def test_its_script_is_carried_out_to_the_last_command(one: Experiment) -> None:
    sim = launch("scaling", one.params, 9, one.script)
    sim.finish()
    assert len(sim.commands) == len(one.script.splitlines())
    assert not [note for note in sim.trace.notes if note.kind in ("refused", "failed")]
    assert sim.over


# --- one by one -----------------------------------------------------------------------------------


@each_seed
def test_startup(seed: int) -> None:
    slow = Watched("startup", seed)
    assert max(slow.queue[second] for second in range(20, 51)) > 40
    assert max(slow.sizes.values()) >= 15
    assert slow.queue[90] <= 2
    quick = Watched("startup", seed, startup=0.5)
    assert max(quick.queue.values()) < 0.4 * max(slow.queue.values())


@each_seed
def test_choices(seed: int) -> None:
    two = Watched("choices", seed)
    assert two.metrics["time_in_system_mean"] < 4.0
    random = Watched("choices", seed, routing="random")
    assert random.metrics["time_in_system_mean"] > 2 * two.metrics["time_in_system_mean"]


@each_seed
def test_choices_keeps_queues_short(seed: int) -> None:
    sim = launch("scaling", EXPERIMENTS["choices"].params, seed)
    lengths = []
    for second in range(20, 190, 5):
        sim.run(until=second)
        root = measures.coordinator(sim)
        lengths += [slot.load_shown(sim.now, root.slack) for slot in root.slots.values()]
    assert sum(length > 5 for length in lengths) < 0.02 * len(lengths), "hardly any"


@each_seed
def test_killed(seed: int) -> None:
    killed = Watched("killed", seed)
    dead = set(killed.said("dead", "worker"))
    assert len(dead) == 2 and set(killed.said("suspected", "worker")) == dead
    assert all(11 < note.time / 1e6 < 13.5 for note in killed.notes["suspected"]), "a second or two later"
    assert killed.metrics["retried"] >= 2
    assert killed.metrics["done"] == killed.metrics["arrived"]
    assert killed.metrics["lost"] == 0
    assert killed.many("join") == 2


@each_seed
def test_suspicion(seed: int) -> None:
    timeout = Watched("suspicion", seed)
    assert timeout.many("suspected") > 48
    phi = Watched("suspicion", seed, detector="phi")
    assert phi.many("suspected") <= 20
    late = [note for note in phi.notes.get("suspected", []) if note.time > 90e6]
    assert len(late) <= 5, "then it stays calm"
    assert timeout.metrics["lost"] == phi.metrics["lost"] == 0


@each_seed
def test_wave(seed: int) -> None:
    ahead, behind = Watched("wave", seed), Watched("wave", seed, policy="target-utilisation")
    assert behind.metrics["latency_p95"] > 4 / 3 * ahead.metrics["latency_p95"]
    # The load peaks at second 15 of each minute: by then the pool has grown.
    assert ahead.sizes[195] > behind.sizes[195]


@each_seed
def test_overload(seed: int) -> None:
    watched = Watched("overload", seed)
    assert max(watched.sizes.values()) == 6
    assert watched.many("degraded") >= 1 and watched.many("relieved") >= 1
    turned_away = watched.said("shed", "priority")
    assert turned_away and HIGH not in turned_away
    assert NORMAL in turned_away, "low ones alone would not do"
    assert max(watched.queue.values()) < 60
    assert all(20e6 < note.time < 75e6 for note in watched.notes["shed"])
    assert watched.metrics["shed"] == len(turned_away)
    without = Watched("overload", seed, shed=0)
    assert max(without.queue.values()) > 150
    assert without.metrics["shed"] == 0


@each_seed
def test_grey(seed: int) -> None:
    watched = Watched("grey", seed)
    assert watched.said("ejected", "worker") == ["w-2", "w-3"]
    assert watched.said("ejected", "why") == ["slow", "hoards"]
    assert watched.many("suspected") == 0, "no detector notices"
    assert watched.metrics["done"] == watched.metrics["arrived"]
    assert watched.sizes[110] == 5


@each_seed
def test_teams(seed: int) -> None:
    watched = Watched("teams", seed)
    assert watched.said("suspected", "worker")[0] == "lead-2"
    assert "lead-2" in watched.said("trusted", "worker")
    assert watched.metrics["retried"] >= 1
    assert watched.metrics["done"] == watched.metrics["arrived"]
    assert watched.metrics["lost"] == 0
