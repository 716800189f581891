"""What scaling shows: metrics, the stage, details, rows and the story; parameters from the smallest to large."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import ParameterError
from engine.framing import Framer
from engine.simulation import Simulation
from engine.topology import TOPOLOGIES
from engine.views import Health, Plot, Pool, Words
from scenarios.launch import launch
from scenarios.scaling.policies import quotas
from scenarios.scaling.scenario import Scaling

METRICS = [
    *("arrived", "done", "lost", "retried", "shed", "workers", "workers_wanted", "utilisation", "queue", "wait_mean"),
    *("wait_probability", "time_in_system_mean", "latency_p50", "latency_p95", "latency_p99", "cost", "scalings"),
]


def run(until: float, script: str = "", seed: int = 1, **params: Any) -> Simulation:
    sim = launch("scaling", params, seed, script, record=True)
    sim.run(until=until)
    return sim


def stage_of(sim: Simulation) -> tuple[Pool, Plot]:
    view = sim.scenario.stage(sim)
    assert view is not None
    pool, plot = view.parts
    assert isinstance(pool, Pool) and isinstance(plot, Plot)
    return pool, plot


def story(sim: Simulation) -> str:
    return "\n".join(line.text for line in Framer(sim).narration())


# --- figures --------------------------------------------------------------------------------------


def test_the_metrics_have_the_names_that_scripts_know() -> None:
    assert [spec.name for spec in Scaling.metrics][: len(METRICS)] == METRICS
    for until in (0, 0.5, 30):
        metrics = run(until).metrics()
        assert list(metrics) == [spec.name for spec in Scaling.metrics]
        json.dumps(metrics, allow_nan=False)


def test_before_anything_is_done_there_are_no_means() -> None:
    metrics = run(0).metrics()
    assert metrics["wait_mean"] is metrics["latency_p50"] is metrics["utilisation"] is None
    assert metrics["arrived"] == metrics["cost"] == 0


def test_a_single_worker_by_hand() -> None:
    """Three tasks of 1 s come at 0, 0.1 and 0.2 s or so: each waits for those before it."""
    given = {"policy": "fixed", "workers": 1, "service": "deterministic", "arrivals": "poisson", "horizon": 0.3}
    sim = launch("scaling", {**given, "arrival_rate": 10, "latency": 0, "warmup": 0}, 8)
    sim.finish()
    metrics = sim.metrics()
    count = metrics["arrived"]
    assert count >= 2
    last = metrics["elapsed"]
    assert metrics["done"] == count
    # The worker is busy from the first arrival on, for as many seconds as there are tasks.
    assert metrics["latency_p99"] <= count
    assert metrics["time_in_system_mean"] == pytest.approx(metrics["wait_mean"] + 1.0)
    assert metrics["wait_probability"] == pytest.approx((count - 1) / count)
    assert count < last < count + 0.3
    assert metrics["cost"] == last


def test_the_warm_up_is_left_out_under_the_fixed_policy_alone() -> None:
    def counted(**params: Any) -> int:
        sim = launch("scaling", {"arrivals": "poisson", "horizon": 50, **params}, 1)
        sim.finish()
        return int(vars(sim.agents[0])["counted"]) - int(sim.metrics()["done"])

    assert counted(policy="fixed", workers=5, warmup=0.4) < -20
    assert counted(policy="fixed", workers=5, warmup=0) == 0
    assert counted(policy="target-utilisation", warmup=0.4) == 0


def test_theory_stands_beside_what_it_is_about() -> None:
    def theory(**params: Any) -> dict[str, str]:
        sim = run(5, policy="fixed", arrivals="poisson", **params)
        return {view.name: view.theory for view in sim.scenario.metric_views(sim) if view.theory}

    assert theory(workers=2, arrival_rate=1.6) == {
        "utilisation": "80.0%", "wait_mean": "1.78", "time_in_system_mean": "2.78", "wait_probability": "71.1%",
    }  # fmt: skip
    assert theory(workers=2, arrival_rate=2.6)["wait_mean"] == "grows for ever"
    assert theory(workers=100, arrival_rate=90, routing="two-choices")["time_in_system_mean"] == "2.61"
    assert theory(workers=10, arrival_rate=9, routing="random")["time_in_system_mean"] == "10"
    assert theory(workers=1, arrival_rate=0.5, service="deterministic")["wait_mean"] == "0.5"
    assert theory(workers=4, arrival_rate=2, service="uniform")["wait_mean"].startswith("about")
    assert theory(workers=4, arrival_rate=2, kinds=2) == {}
    sim = run(5)
    assert not any(view.theory for view in sim.scenario.metric_views(sim))


def test_a_budget_is_kept() -> None:
    given = {"policy": "budget", "budget": 900, "horizon": 150, "max_workers": 30, "arrival_rate": 4}
    sim = launch("scaling", given, 1)
    sim.run(until=150)
    kept = sim.metrics()["cost"]
    assert kept < 1.1 * 900
    sim = launch("scaling", {**given, "policy": "target-utilisation"}, 1)
    sim.run(until=150)
    assert sim.metrics()["cost"] > 1.2 * kept


def test_specialists_do_what_they_are_good_at() -> None:
    given = {"policy": "fixed", "workers": 6, "arrivals": "poisson", "arrival_rate": 3, "horizon": 200, "kinds": 3}
    quick, slow = (launch("scaling", {**given, "mismatch": factor}, 1) for factor in (1, 6))
    quick.finish()
    slow.finish()
    one, other = quick.metrics()["time_in_system_mean"], slow.metrics()["time_in_system_mean"]
    assert one < other
    assert quick.metrics()["arrived"] == slow.metrics()["arrived"] == slow.metrics()["done"]


def test_the_fast_get_more_to_do() -> None:
    sim = launch("scaling", {"policy": "fixed", "workers": 8, "spread": 4, "routing": "weighted", "arrival_rate": 8}, 1)
    sim.finish()
    done = [vars(agent)["done"] for agent in sim.agents[1:]]
    assert sum(done[3::4]) > 2 * sum(done[0::4])


# --- the stage ------------------------------------------------------------------------------------


def test_the_pool_as_it_starts() -> None:
    pool, plot = stage_of(run(0.001))
    assert [tile.name for tile in pool.workers] == ["w-1", "w-2", "w-3"]
    assert all(tile.health == Health.UP and tile.text == "idle" and tile.fill == 0 for tile in pool.workers)
    assert (pool.queue, pool.actual, pool.wanted) == (0, 3, 3)
    assert {curve.label for curve in plot.curves} <= {"ready", "wanted", "needed to keep up"}


def test_starting_draining_and_suspected_workers_are_seen_as_such() -> None:
    sim = run(13)
    pool, _ = stage_of(sim)
    starting = [tile for tile in pool.workers if tile.health == Health.STARTING]
    assert starting and all(tile.text.startswith("start") and 0 < tile.fill <= 1 for tile in starting)
    assert pool.queue > 10 and pool.wanted > 3
    working = [tile for tile in pool.workers if tile.text.startswith("works")]
    assert working and all(tile.suspicion is not None for tile in working)
    sim.apply("crash w-1")
    sim.run(until=16.5)
    pool, _ = stage_of(sim)
    [crashed] = [tile for tile in pool.workers if tile.name == "w-1"]
    assert crashed.health == Health.CRASHED and crashed.suspected and (crashed.suspicion or 0) >= 8
    assert any("suspected: w-1" in text for text, _ in pool.notes)
    given = {"routing": "round-robin", "service_rate": 0.2, "arrivals": "poisson", "arrival_rate": 1.0}
    sim = run(1, policy="queue-length", target=3, workers=12, stabilisation=4, lease=60, **given)
    seen = set()
    for second in range(2, 60):
        sim.run(until=second)
        seen |= {tile.text for tile in stage_of(sim)[0].workers if tile.health == Health.DRAINING}
    assert any(text.startswith("drains, ") for text in seen)


def test_the_stage_says_when_it_turns_tasks_away() -> None:
    sim = run(30, "at 1s spike x6 for 40s", arrivals="poisson", max_workers=5)
    pool, _ = stage_of(sim)
    text = " ".join(text for text, _ in pool.notes)
    assert "saturated: turns low priorities away" in text
    assert "spike: 6 times the load" in text
    assert "turns some away" in {sim.scenario.agent_row(sim, sim.agents[0]).state}  # type: ignore[union-attr]


def test_the_plot_has_the_forecast() -> None:
    _, plot = stage_of(run(90, policy="predictive", arrivals="diurnal"))
    forecast = next(curve for curve in plot.curves if curve.label == "forecast")
    assert forecast.theory and len(forecast.xs) > 20 and max(forecast.xs) > 90


def test_teams_are_shown_apart() -> None:
    sim = run(5, teams=3, workers=7)
    pool, _ = stage_of(sim)
    assert [sum(tile.group == f"lead-{number}" for tile in pool.workers) for number in (1, 2, 3)] == list(quotas(7, 3))
    rows = Framer(sim).agents().rows
    assert [row.role for row in rows[:4]] == ["coordinator", "lead", "lead", "lead"]
    assert rows[4].cells[-1] == "lead-1"


def test_details() -> None:
    sim = run(12, kinds=2, spread=2, policy="fixed", eject=100, lease=60)
    for key in ("w-1", "coordinator"):
        words = sim.scenario.detail(sim, key)
        assert isinstance(words, Words) and words.title == key and len(words.lines) >= 3
    held = next(iter(vars(sim.agents[0])["open"]))
    words = sim.scenario.detail(sim, f"task {held}")
    assert words is not None and "priority" in words.lines[1][0]
    assert sim.scenario.detail(sim, "task 99999") is None
    assert sim.scenario.detail(sim, "w-999") is None
    sim.apply("byzantine w-1 slow")
    sim.run(until=40)
    assert "times as long as it should" in str(sim.scenario.detail(sim, "w-1"))


def test_the_story_says_why() -> None:
    sim = run(40, "at 5s kill 1\nat 20s spike x2 for 5s\nat 22s policy queue-length\nat 25s join 1 worker")
    told = story(sim)
    for words in (
        "The coordinator wants more workers, 4 instead of 3: the workers are busy for",
        "The coordinator suspects w-",
        "whose lease has run out",
        "sees 2 times as many tasks come for 5s",
        "decides on the number of workers by another rule: queue-length",
    ):
        assert words in told, told


# --- sizes and shapes -----------------------------------------------------------------------------


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_every_topology_will_do(topology: str) -> None:
    sim = launch("scaling", {"topology": topology, "horizon": 15, "workers": 5}, 1)
    sim.finish()
    assert sim.metrics()["done"] == sim.metrics()["arrived"] > 0


def test_a_pool_begins_within_its_bounds() -> None:
    def sizes(**params: Any) -> tuple[int, int, int]:
        sim = run(0.001, **params)
        [pool] = [note.data for note in sim.trace.notes if note.kind == "pool"]
        return pool["low"], pool["size"], pool["high"]

    assert sizes() == (2, 3, 20)
    assert sizes(min_workers=5) == (5, 5, 20)
    assert sizes(workers=50) == (2, 50, 50)
    assert sizes(workers=1, policy="fixed") == (1, 1, 20)
    assert sizes(min_workers=20) == (20, 20, 20)


def test_bounds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ParameterError, match="min_workers=9 is more than max_workers=3; make it that or less"):
        run(0.001, min_workers=9, max_workers=3)


def test_the_smallest_pool() -> None:
    given = {"workers": 1, "min_workers": 1, "max_workers": 1, "arrival_rate": 0.3, "horizon": 30, "shed": 0}
    sim = launch("scaling", given, 1)
    sim.finish()
    assert sim.metrics()["done"] == sim.metrics()["arrived"]
    assert sim.metrics()["workers"] == 1


def test_a_hundred_times_the_usual_size() -> None:
    given = {"workers": 300, "max_workers": 2000, "arrival_rate": 300, "horizon": 8}
    sim = launch("scaling", given, 1)
    sim.finish()
    assert sim.metrics()["done"] == sim.metrics()["arrived"] > 2000
    assert all(one["holds"] for one in sim.invariants())
    stage_of(sim)


def test_a_default_run_ends_by_itself() -> None:
    sim = launch("scaling", {}, 1)
    sim.finish()
    assert sim.over.startswith("all ") and sim.over.endswith("tasks have ended")
    assert 180 < sim.seconds < 260
    assert sim.metrics()["scalings"] > 5
    assert all(one["holds"] for one in sim.invariants())


def landmarks(sim: Simulation) -> list[tuple[str, str, str]]:
    found = [sim.scenario.landmark(sim, note) for note in sim.trace.notes]
    return [(mark.kind, mark.glyph, mark.text) for mark in found if mark is not None]


def test_a_pool_that_grows_in_steps_turns_once() -> None:
    sim = run(120)
    steps = [(note.data["before"], note.data["wanted"]) for note in sim.trace.notes if note.kind == "scaled"]
    turns = [kind for kind, _, _ in landmarks(sim)]
    assert len(turns) < len(steps)
    assert turns[:4] == ["grows", "shrinks", "grows", "shrinks"]
    assert landmarks(sim)[0] == ("grows", "↑", f"coordinator wants more: {steps[0][0]} → {steps[0][1]}")


def test_losses_spikes_and_saturation_are_landmarks() -> None:
    sim = run(
        100, "at 5s kill 1\nat 20s spike x4 for 40s",
        workers=4, max_workers=6, arrivals="poisson", arrival_rate=3.0, horizon=100.0,
    )  # fmt: skip
    found = landmarks(sim)
    assert {"given up", "spike", "saturated", "relieved", "closed"} <= {kind for kind, _, _ in found}
    assert ("spike", "∆", "4 times as many tasks") in found
