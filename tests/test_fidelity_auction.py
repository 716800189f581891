"""The auction agrees with the published figures: revenue by rule, truthfulness, message counts, the best assignment."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.simulation import Simulation
from scenarios.auction import measures, theory
from scenarios.auction import params as setting
from scenarios.auction.contractor import Contractor
from swarmscope import simulate
from tests.fidelity import Row, agree, deviation, mean

SOURCE = "Vickrey 1961"
PER_RUN = 700  # auctions in one run; the trace keeps the notes of about 800


def play(seed: int = 1, script: str = "", **params: Any) -> Simulation:
    return simulate("auction", params=params, seed=seed, script=script)


def payments(trials: int, **params: Any) -> list[float]:
    """What was paid in each of so many auctions."""
    found: list[float] = []
    seed = 0
    while len(found) < trials:
        sim = play(seed, tasks=PER_RUN, gap=0.1, **params)
        paid = [note.data["amount"] for note in sim.trace.notes if note.kind == "paid"]
        assert len(paid) == PER_RUN == sim.metrics()["tasks_done"]
        assert sim.metrics()["revenue_mean"] == pytest.approx(math.fsum(paid) / len(paid))
        found += paid
        seed += 1
    return found


# --- revenue --------------------------------------------------------------------------------------


def second(n: int) -> tuple[float, float]:
    return (n - 1) / (n + 1), math.sqrt(2 * (n - 1) / ((n + 1) ** 2 * (n + 2)))


def in_equilibrium(n: int) -> tuple[float, float]:
    """(n−1)/n of the highest of n."""
    return (n - 1) / (n + 1), (n - 1) / n * math.sqrt(n / ((n + 1) ** 2 * (n + 2)))


@pytest.mark.fidelity
@pytest.mark.parametrize("n", [2, 3, 5, 10, 25])
def test_second_price(request: pytest.FixtureRequest, n: int) -> None:
    found = payments(7000, mode="single-item", rule="second-price", contractors=n)
    expected, sd = second(n)
    assert (expected, sd) == pytest.approx(theory.second_highest(n))
    rows = [mean("revenue", found, expected), deviation("… standard deviation", found, sd)]
    agree(request, f"second price, n={n}", rows)


@pytest.mark.fidelity
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_first_price_in_equilibrium_brings_the_same_with_another_spread(request: pytest.FixtureRequest, n: int) -> None:
    found = payments(7000, mode="single-item", rule="first-price", bids="equilibrium", contractors=n)
    expected, sd = in_equilibrium(n)
    rows = [mean("revenue", found, expected), deviation("… standard deviation", found, sd)]
    agree(request, f"first price in equilibrium, n={n}", rows)


@pytest.mark.fidelity
@pytest.mark.parametrize(("bids", "n", "factor"), [("truthful", 4, 1.0), ("shaded", 6, 0.8)])
def test_first_price_otherwise(request: pytest.FixtureRequest, bids: str, n: int, factor: float) -> None:
    found = payments(3500, mode="single-item", rule="first-price", bids=bids, contractors=n)
    agree(request, f"first price, {bids}, n={n}", [mean("revenue", found, factor * n / (n + 1))])


@pytest.mark.fidelity
@pytest.mark.parametrize(("n", "increment"), [(3, 0.05), (5, 0.1)])
def test_an_open_auction_brings_what_a_second_price_does(
    request: pytest.FixtureRequest, n: int, increment: float
) -> None:
    found = payments(2800, mode="single-item", rule="english", contractors=n, increment=increment)
    expected, sd = second(n)
    rows = [mean("revenue", found, expected), deviation("… standard deviation", found, sd)]
    agree(request, f"open auction, n={n}", rows)


@pytest.mark.fidelity
@pytest.mark.parametrize(("rule", "bids"), [("second-price", "truthful"), ("first-price", "equilibrium")])
@pytest.mark.parametrize("n", [3, 8])
def test_procurement_mirrors_it(request: pytest.FixtureRequest, n: int, rule: str, bids: str) -> None:
    found = payments(3500, costs="uniform", capacity=100, contractors=n, rule=rule, bids=bids)
    expected, sd = second(n) if rule == "second-price" else in_equilibrium(n)
    rows = [mean("payment", found, 1 - expected), deviation("… standard deviation", found, sd)]
    agree(request, f"procurement, {rule}, n={n}", rows)


@pytest.mark.fidelity
def test_the_figures_alone_tell_it(request: pytest.FixtureRequest) -> None:
    runs = [
        play(seed, mode="single-item", contractors=5, tasks=200, rule="second-price").metrics() for seed in range(30)
    ]
    agree(
        request,
        "second price, n=5, by run",
        [
            mean("revenue_mean", [one["revenue_mean"] for one in runs], second(5)[0]),
            mean("revenue_sd, squared", [one["revenue_sd"] ** 2 for one in runs], second(5)[1] ** 2),
        ],
    )


# --- truthfulness ---------------------------------------------------------------------------------


def profits(seed: int, who: str, factor: float, **params: Any) -> float:
    sim = play(seed, f"at 0s deviate {who} {factor:g}" if factor != 1 else "", tasks=1, **params)
    return float(sim.metrics()["profit"][who])


@pytest.mark.fidelity
@pytest.mark.parametrize("rule", ["second-price", "english"])
@pytest.mark.parametrize("mode", ["single-item", "contract-net"])
def test_nobody_ever_does_better_than_by_the_truth(mode: str, rule: str) -> None:
    better, worse = 0, 0
    for seed in range(40):
        for who in ("c-01", "c-03"):
            honest = profits(seed, who, 1.0, mode=mode, rule=rule, contractors=4)
            assert honest >= 0.0
            for factor in (0.5, 0.9, 1.1, 2.0):
                other = profits(seed, who, factor, mode=mode, rule=rule, contractors=4)
                better += other > honest + 1e-12
                worse += other < honest - 1e-12
    assert better == 0, "exact, auction by auction"
    assert worse > 20


@pytest.mark.fidelity
def test_with_a_first_price_the_truth_is_not_best() -> None:
    gains = [profits(seed, "c-01", 0.75, mode="single-item", rule="first-price", contractors=4) for seed in range(100)]
    assert sum(gains) > 1.0, "the truth brings nothing at all"


# --- messages -------------------------------------------------------------------------------------


@pytest.mark.fidelity
@pytest.mark.parametrize("mode", ["contract-net", "single-item"])
@pytest.mark.parametrize("n", [1, 2, 5, 10, 37])
def test_one_task_takes_3n_plus_1_messages_where_all_bid(request: pytest.FixtureRequest, mode: str, n: int) -> None:
    counts = []
    for seed in range(5):
        figures = play(seed, mode=mode, contractors=n, tasks=1).metrics()
        assert figures["bids_per_task"] == n
        counts.append(figures["messages_per_task"])
    assert set(counts) == {3 * n + 1}
    rows = [Row("messages for one task", 3 * n + 1, counts[0], 0.0, len(counts))]
    agree(request, f"{mode}, n={n}, all bid", rows, source="Smith 1980")


@pytest.mark.fidelity
@pytest.mark.parametrize("model", ["constant", "uniform", "lognormal"])
def test_one_task_takes_2n_plus_b_plus_1_messages_where_b_bid(request: pytest.FixtureRequest, model: str) -> None:
    seen, rows = set(), []
    for skills in (1, 2, 3):
        for n in (4, 6, 11):
            figures = play(n, contractors=n, tasks=1, skills=skills, latency_model=model).metrics()
            b = figures["bids_per_task"]
            assert 0 < b < n
            assert figures["messages_per_task"] == 2 * n + b + 1 == theory.messages(n, b)
            seen.add((n, b))
            rows.append(Row(f"messages, n={n}, b={b:g}", 2 * n + b + 1, figures["messages_per_task"], 0.0, 1))
    assert len(seen) > 5
    agree(request, f"some refuse, {model} delays", rows[::3], source="Smith 1980")


# --- assignment -----------------------------------------------------------------------------------


@pytest.mark.fidelity
@pytest.mark.parametrize("skills", [2, 4])
@pytest.mark.parametrize("mode", ["contract-net", "neighbours"])
def test_efficiency_is_the_best_assignment_over_the_one_there_is(mode: str, skills: int) -> None:
    import networkx

    for seed in range(4):  # against another solver: minimum cost flow
        sim = play(seed, mode=mode, tasks=30, contractors=6, skills=skills)
        done = measures.done(sim)
        assert len(done) == sim.metrics()["tasks_done"]
        workers = measures.workers(sim)
        who = {one.id: setting.profile(sim.params, seed, one.name) for one in workers}
        achieved = math.fsum(setting.cost(sim.params, task, who[by]) for task, by in done)
        share = -(-len(done) // (6 * 2)) * 2
        graph = networkx.DiGraph()
        for agent in who:
            slots = max(share, len([1 for _, by in done if by == agent]))
            graph.add_edge(f"agent {agent}", "end", capacity=slots, weight=0)
        for task, _ in done:
            graph.add_edge("start", task.id, capacity=1, weight=0)
            for agent, one in who.items():
                if task.needs in one.skills:
                    cost = round(1e6 * setting.cost(sim.params, task, one))
                    graph.add_edge(task.id, f"agent {agent}", capacity=1, weight=cost)
        flow = networkx.max_flow_min_cost(graph, "start", "end")
        best = networkx.cost_of_flow(graph, flow) / 1e6
        assert sim.metrics()["efficiency"] == pytest.approx(best / achieved, abs=1e-5)
        assert sim.metrics()["efficiency"] <= 1.0


@pytest.mark.fidelity
def test_values_and_costs_are_uniform_and_independent(request: pytest.FixtureRequest) -> None:
    sim = play(1, contractors=30, tasks=0)
    params = setting.AuctionParams(mode="single-item", contractors=30, tasks=300)
    tasks = setting.orders(params, 1)
    who = [setting.profile(params, 1, one.name) for one in sim.agents if isinstance(one, Contractor)]
    drawn = [setting.cost(params, task, one) for task in tasks for one in who]
    agree(
        request,
        "private values",
        [mean("mean", drawn, 0.5), deviation("standard deviation", drawn, math.sqrt(1 / 12))],
        source="uniform on [0, 1]",
    )
    ordered = sorted(drawn)
    distance = max(abs((at + 0.5) / len(ordered) - value) for at, value in enumerate(ordered))
    assert distance <= 1.95 / math.sqrt(len(ordered))
    pairs = [(setting.cost(params, task, who[0]), setting.cost(params, task, who[1])) for task in tasks]
    product = [12 * (a - 0.5) * (b - 0.5) for a, b in pairs]
    agree(request, "private values", [mean("correlation", product, 0.0)], source="uniform on [0, 1]")
