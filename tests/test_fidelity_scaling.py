"""Scaling agrees with the published figures: Erlang C, Pollaczek and Khinchine, Little, two choices, Kubernetes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.duration import SECOND
from scenarios.scaling.policies import Autoscaler, Behaviour, RatePolicy, Stabiliser, desired
from scenarios.scaling.theory import erlang_c, mean_wait, time_with_choices, variation
from swarmscope import simulate
from tests.fidelity import Row, agree, mean

SOURCE = "Erlang C"
KUBERNETES = "Kubernetes autoscaling/v2"

fidelity = pytest.mark.fidelity

# Servers, arrival rate, service rate; the probability to wait and the mean wait, as published or by Erlang C.
MMC = [
    (2, 1.6, 1.0, ".7111", "1.778", 2000, 16),
    (3, 2.0, 1.0, ".4444", ".4444", 1500, 14),
    (5, 4.0, 1.0, ".5541", ".5541", 1500, 16),
    (10, 8.0, 1.0, ".4092", ".2046", 700, 16),
    (1, 1.0, 2.0, ".5", ".5", 1500, 16),
    (4, 9.0, 3.0, ".5094", ".1698", 400, 16),
]


def fixed(workers: int, arrival_rate: float, horizon: float, trials: int, **params: Any) -> list[dict[str, Any]]:
    """The metrics of independent runs of a pool of a fixed size."""
    given = {
        "policy": "fixed",
        "workers": workers,
        "arrivals": "poisson",
        "arrival_rate": arrival_rate,
        "service_rate": 1.0,
        "horizon": horizon,
        **params,
    }
    found = [simulate("scaling", params=given, seed=seed).metrics() for seed in range(trials)]
    assert all(one["done"] == one["arrived"] and not one["retried"] for one in found)
    return found


def column(found: list[dict[str, Any]], name: str) -> list[float]:
    return [one[name] for one in found]


@fidelity
@pytest.mark.parametrize(("servers", "arrival_rate", "rate", "waits", "wait", "horizon", "trials"), MMC)
def test_waiting_in_mmc(
    request: pytest.FixtureRequest,
    servers: int,
    arrival_rate: float,
    rate: float,
    waits: str,
    wait: str,
    horizon: float,
    trials: int,
) -> None:
    assert erlang_c(servers, arrival_rate / rate) == pytest.approx(float(waits), abs=5e-5)
    assert mean_wait(servers, arrival_rate, rate) == pytest.approx(float(wait), rel=3e-4)
    found = fixed(servers, arrival_rate, horizon, trials, service_rate=rate, routing="central")
    rows = [
        mean("share that waits", column(found, "wait_probability"), waits),
        mean("mean wait", column(found, "wait_mean"), wait),
        mean("time in system", column(found, "time_in_system_mean"), float(wait) + 1 / rate),
        mean("utilisation", column(found, "utilisation"), arrival_rate / rate / servers),
    ]
    agree(request, f"M/M/{servers}, λ={arrival_rate:g}, μ={rate:g}", rows)


@fidelity
@pytest.mark.parametrize("service", ["deterministic", "uniform", "pareto"])
def test_waiting_in_mg1(request: pytest.FixtureRequest, service: str) -> None:
    tail = 3.5
    expected = mean_wait(1, 0.7, 1.0, variation(service, tail))
    found = fixed(1, 0.7, 2500, 20, service=service, tail=tail, routing="central")
    agree(
        request,
        f"M/G/1, {service}, λ=0.7",
        [mean("mean wait", column(found, "wait_mean"), expected)],
        source="Pollaczek–Khinchine",
    )


@fidelity
def test_waiting_is_the_same_whatever_the_latency(request: pytest.FixtureRequest) -> None:
    by_latency = [
        fixed(5, 4.0, 500, 4, latency=latency, latency_model=model)
        for latency, model in ((0.0, "constant"), (0.05, "uniform"), (0.3, "uniform"), (0.05, "constant"))
    ]
    for found in by_latency[1:]:
        for name in ("wait_mean", "wait_probability", "time_in_system_mean"):
            assert column(found, name) == pytest.approx(column(by_latency[0], name), rel=0.005)
    agree(request, "M/M/5 at any latency", [mean("mean wait", column(by_latency[2], "wait_mean"), ".5541")])


@fidelity
@pytest.mark.parametrize(
    ("routing", "load", "workers", "horizon", "warmup", "trials", "expected"),
    [
        ("two-choices", 0.9, 400, 80, 0.4, 4, "2.614"),
        ("two-choices", 0.99, 500, 450, 0.7, 4, "5.432"),  # it takes long to fill the queues of so busy a pool
        ("two-choices", 0.7, 400, 40, 0.3, 3, time_with_choices(2, 0.7)),
        ("random", 0.5, 200, 80, 0.3, 4, 2.0),
        ("random", 0.7, 100, 250, 0.3, 4, 1 / 0.3),
    ],
)
def test_choices(
    request: pytest.FixtureRequest,
    routing: str,
    load: float,
    workers: int,
    horizon: float,
    warmup: float,
    trials: int,
    expected: float | str,
) -> None:
    found = fixed(workers, load * workers, horizon, trials, routing=routing, warmup=warmup, heartbeat=5)
    agree(
        request,
        f"{routing}, λ={load:g}, n={workers}",
        [mean("time in system", column(found, "time_in_system_mean"), expected, least_sd=0.02 * float(expected))],
        source="Mitzenmacher 2001" if routing == "two-choices" else "M/M/1",
    )


def exact(figure: str, expected: int, measured: int) -> Row:
    return Row(figure, expected, measured, 0.0, 1)


@fidelity
def test_the_rule_of_kubernetes(request: pytest.FixtureRequest) -> None:
    rows = [
        exact(f"{current} at {metric} of {target}", wanted, desired(current, metric, target))
        for current, metric, target, wanted in ((3, 200, 100, 6), (4, 50, 100, 2), (50, 90, 75, 60), (10, 105, 100, 10))
    ]
    agree(request, "autoscaler, desired", rows, source=KUBERNETES)


@fidelity
def test_the_rate_policies_of_kubernetes(request: pytest.FixtureRequest) -> None:
    minute = 60 * SECOND
    slowly = Behaviour(down=(RatePolicy("pods", 4, minute), RatePolicy("percent", 10, minute)), down_window=0)
    for subject, behaviour, period, published in (
        ("shrinking", slowly, minute, (80, 72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20, 16, 12, 10)),
        ("growing", Behaviour(), 15 * SECOND, (1, 5, 10, 20, 40, 80, 100)),
    ):
        scaler, size, rows = Autoscaler(behaviour), published[0], []
        for step, expected in enumerate(published[1:], 1):
            size = scaler.decide(step * period, size, published[-1], 1, 100)
            rows.append(exact(f"step {step:2}", expected, size))
        agree(request, f"autoscaler, {subject}", rows, source=KUBERNETES)


@fidelity
def test_the_stabilisation_of_kubernetes(request: pytest.FixtureRequest) -> None:
    stabiliser, size, rows = Stabiliser(), 10, []
    for second in range(0, 331, 15):
        size = stabiliser.stabilise(second * SECOND, size, 10 if second == 0 else 4)
        if second in (15, 300, 315):
            rows.append(exact(f"at {second}s", 10 if second <= 300 else 4, size))
    agree(request, "autoscaler, stabilised", rows, source=KUBERNETES)


def test_the_sum_for_two_choices_is_the_published_one() -> None:
    assert round(time_with_choices(2, 0.9), 3) == 2.614
    assert round(time_with_choices(2, 0.99), 3) == 5.432
    assert time_with_choices(1, 0.9) == pytest.approx(10.0)


def test_littles_law_holds_exactly() -> None:
    for params in (
        {"policy": "fixed", "workers": 3, "arrivals": "poisson", "horizon": 100},
        {"policy": "target-utilisation", "horizon": 60},
        {"policy": "queue-length", "routing": "two-choices", "horizon": 60, "latency": 0},
    ):
        sim = simulate("scaling", params=params, seed=3)
        root: Any = sim.agents[0]
        assert root.open == {} and root.ended == root.arrived
        assert root.area == root.responses, "in whole microseconds"
        metrics = sim.metrics()
        arrivals = metrics["arrived"] / metrics["elapsed"]
        assert metrics["in_system_mean"] == pytest.approx(arrivals * metrics["response_mean"], rel=1e-12)


def test_without_latency_response_and_time_in_system_are_the_same() -> None:
    given = {"policy": "fixed", "workers": 3, "arrivals": "poisson", "horizon": 100, "latency": 0, "warmup": 0}
    metrics = simulate("scaling", params=given, seed=3).metrics()
    assert metrics["response_mean"] == metrics["time_in_system_mean"]
