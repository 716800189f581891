"""The figures of an auction: what they mean, when there is none yet, and what theory says beside them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from engine.simulation import Simulation
from scenarios.auction import measures, theory
from scenarios.auction import params as setting
from scenarios.auction.scenario import Auction
from scenarios.launch import launch
from swarmscope import simulate

FIRST = [
    "tasks_announced",
    "tasks_done",
    "tasks_reawarded",
    "tasks_expired",
    "messages_per_task",
    "revenue_mean",
    "efficiency",
    "utilisation",
    "wait_mean",
]
MODES = ["contract-net", "single-item", "neighbours"]


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("auction", params=params, seed=seed, until=until, script=script)


def test_the_figures_have_the_names_that_are_documented() -> None:
    assert list(play(until=1).metrics()) == [spec.name for spec in Auction.metrics]
    assert [spec.name for spec in Auction.metrics][: len(FIRST)] == FIRST
    assert all(spec.help for spec in Auction.metrics)


@pytest.mark.parametrize("mode", MODES)
def test_figures_are_finite_numbers_or_missing_at_any_time(mode: str) -> None:
    sim = launch("auction", {"mode": mode, "tasks": 6, "managers": 2}, 3)
    for _ in range(40):
        figures = sim.metrics()
        assert set(figures.pop("profit")) == {name for name in sim.names if name.startswith("c-")}
        assert all(value is None or math.isfinite(value) for value in figures.values())
        assert all(math.isfinite(value) for value in sim.scenario.sample(sim).values())
        assert figures["efficiency"] is None or 0.0 < figures["efficiency"] <= 1.0
        assert figures["utilisation"] is None or 0.0 <= figures["utilisation"] <= 1.0
        sim.run(events=9)


@pytest.mark.parametrize("mode", ["contract-net", "neighbours"])
def test_efficiency_of_a_few_tasks_is_that_of_trying_every_assignment(mode: str) -> None:
    for seed in range(5):
        sim = play(seed, mode=mode, tasks=5, contractors=3, capacity=1, gap=0.1)
        done = measures.done(sim)
        who = [setting.profile(sim.params, seed, name) for name in sim.names[:3]]
        costs = [[setting.cost(sim.params, task, one) for one in who] for task, _ in done]
        real = [by for _, by in done]
        most = [max(2, real.count(agent)) for agent in range(3)]  # five tasks among three slots: two rounds
        best = min(
            math.fsum(costs[row][agent] for row, agent in enumerate(choice))
            for choice in itertools.product(range(3), repeat=5)
            if all(choice.count(agent) <= most[agent] for agent in range(3))
        )
        achieved = math.fsum(costs[row][agent] for row, agent in enumerate(real))
        assert sim.metrics()["efficiency"] == pytest.approx(best / achieved)


def test_efficiency_of_sales_is_value_over_the_highest_value() -> None:
    assert play(mode="single-item", tasks=30).metrics()["efficiency"] == 1.0
    script = "at 0s deviate c-01 3"
    assert play(mode="single-item", tasks=30, script=script).metrics()["efficiency"] < 0.9


def test_efficiency_is_bounded_in_size() -> None:
    sim = play(mode="single-item", tasks=900, gap=0.05)
    assert len(measures.done(sim)) == measures.WINDOW


def test_utilisation_is_the_work_done_over_the_slots_there_were() -> None:
    sim = play(tasks=12, contractors=3, capacity=2)
    work = 0
    for task, by in measures.done(sim):
        work += setting.work_time(task, setting.profile(sim.params, 1, sim.names[by]))
    assert sim.metrics()["utilisation"] == pytest.approx(work / (3 * 2 * sim.now))
    half = launch("auction", {"tasks": 12, "contractors": 3}, 1)
    half.run(until=2)
    assert 0.0 < half.metrics()["utilisation"] < 1.0, "work under way counts"


def test_the_wait_is_from_coming_to_the_beginning_of_the_work() -> None:
    sim = play(tasks=1, latency=0.1, latency_model="constant")
    assert sim.metrics()["wait_mean"] == pytest.approx(0.3), "call, bid, award"
    queue = play(tasks=20, gap=0, contractors=2)
    assert queue.metrics()["wait_mean"] > 2.0


def test_upkeep_is_counted_apart() -> None:
    sim = play(tasks=10)
    figures = sim.metrics()
    total = figures["messages_per_task"] + figures["upkeep_per_task"]
    assert total * figures["tasks_announced"] == pytest.approx(sim.messages["sent"])


def test_payments_have_a_mean_and_a_deviation() -> None:
    sim = play(tasks=9)
    paid = [note.data["amount"] for note in sim.trace.notes if note.kind == "paid"]
    mean = math.fsum(paid) / 9
    assert sim.metrics()["revenue_mean"] == pytest.approx(mean)
    assert sim.metrics()["revenue_sd"] ** 2 == pytest.approx(math.fsum((one - mean) ** 2 for one in paid) / 8)
    assert play(tasks=1).metrics()["revenue_sd"] is None


def test_money_adds_up() -> None:
    sim = play(tasks=20, rule="second-price")
    assert math.fsum(sim.metrics()["profit"].values()) >= 0.0
    sold = play(mode="single-item", tasks=20)
    worth = math.fsum(
        setting.cost(sold.params, task, setting.profile(sold.params, 1, sold.names[by]))
        for task, by in measures.done(sold)
    )
    paid = sold.meters.distributions["payment"].total
    assert math.fsum(sold.metrics()["profit"].values()) == pytest.approx(worth - paid)


# --- theory ---------------------------------------------------------------------------------------


def test_theory_of_payments() -> None:
    assert theory.payment(5, "second-price", "truthful", 0.2, rising=True) == pytest.approx(theory.second_highest(5))
    assert theory.payment(5, "english", "equilibrium", 0.2, rising=True) == pytest.approx(theory.second_highest(5))
    first = theory.payment(5, "first-price", "equilibrium", 0.2, rising=True)
    assert first is not None and first[0] == pytest.approx(4 / 6) and first[1] < theory.second_highest(5)[1]
    shaded = theory.payment(5, "first-price", "shaded", 0.2, rising=True)
    assert shaded is not None and shaded[0] == pytest.approx(0.8 * 5 / 6)
    mirrored = theory.payment(5, "second-price", "truthful", 0.2, rising=False)
    assert mirrored is not None and mirrored[0] == pytest.approx(2 / 6)
    assert theory.payment(5, "first-price", "adaptive", 0.2, rising=True) is None
    assert theory.messages(10, 10) == 31


def test_theory_stands_beside_what_it_speaks_of() -> None:
    def shown(**params: Any) -> dict[str, str]:
        sim = play(tasks=5, **params)
        return {view.name: view.theory for view in sim.scenario.metric_views(sim)}

    sale = shown(mode="single-item", contractors=5)
    assert (sale["revenue_mean"], sale["revenue_sd"], sale["messages_per_task"]) == ("0.67", "0.18", "16.00")
    work = shown()
    assert work["revenue_mean"] == "" and float(work["messages_per_task"]) > 16
    assert shown(costs="uniform")["revenue_mean"] == "0.22"
    assert shown(mode="neighbours")["messages_per_task"] == ""


def test_tasks_and_costs_do_not_depend_on_how_it_is_done() -> None:
    one = play(5, bids="shaded", rule="first-price", tasks=10)
    other = play(5, bids="adaptive", rule="english", tasks=10)
    same = setting.AuctionParams(tasks=10)
    assert setting.orders(one.params, 5) == setting.orders(other.params, 5) == setting.orders(same, 5)
    assert setting.profile(one.params, 5, "c-01") == setting.profile(other.params, 5, "c-01")
