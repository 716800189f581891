"""The theory beside the measured figures: published values, exact chains, closed forms."""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import islice, pairwise

import pytest

from scenarios.gossip import theory
from tests.test_fidelity_gossip import STEPS, exact_rounds

MODES = ("push", "pull", "push-pull")


@pytest.mark.parametrize(("mode", "published"), [("push", 18.04), ("pull", 13.77), ("push-pull", 9.15)])
def test_rounds_until_a_thousand_know_are_the_published_ones(mode: str, published: float) -> None:
    assert theory.mean_rounds_to_all(1000, mode) == pytest.approx(published, abs=0.03)


@pytest.mark.parametrize("n", [2, 3, 5, 20, 48, 60, 80])
@pytest.mark.parametrize("mode", STEPS)
def test_rounds_are_those_of_the_exact_chain(mode: str, n: int) -> None:
    assert theory.mean_rounds_to_all(n, mode) == pytest.approx(exact_rounds(n, mode)[0], abs=0.05)


@pytest.mark.parametrize("mode", MODES)
def test_rounds_grow_with_the_agents_and_shrink_with_the_fanout(mode: str) -> None:
    by_size = [theory.mean_rounds_to_all(n, mode) for n in (2, 10, 100, 1000, 10_000)]
    assert by_size == sorted(by_size) and by_size[0] == pytest.approx(1.0)
    by_fanout = [theory.mean_rounds_to_all(1000, mode, fanout) for fanout in (1, 2, 5, 20, 100)]
    assert by_fanout == sorted(by_fanout, reverse=True) and by_fanout[-1] > 1.99


def test_calls_that_are_lost_cost_rounds() -> None:
    assert theory.mean_rounds_to_all(2, "push", loss=0.5) == pytest.approx(2.0, abs=1e-4)
    assert theory.mean_rounds_to_all(2, "pull", loss=0.5) == pytest.approx(4.0, abs=1e-4), "two messages must arrive"
    assert theory.mean_rounds_to_all(2, "push-pull", loss=0.5) == pytest.approx(1 / 0.625, abs=1e-4)
    assert math.isinf(theory.mean_rounds_to_all(2, "push", loss=1.0))


@pytest.mark.parametrize("mode", MODES)
def test_the_curve_of_rounds_starts_with_one_and_ends_with_all(mode: str) -> None:
    curve = theory.rounds_curve(1000, mode, 1, 0.0, 30)
    assert curve == tuple(islice(theory.Rounds(1000, mode).shares(), 30))
    assert curve[0] == 0.001 and curve[-1] == pytest.approx(1.0, abs=1e-4)
    assert list(curve) == sorted(curve)
    factor = 3.0 if mode == "push-pull" else 2.0
    assert curve[3] / curve[2] == pytest.approx(factor, rel=0.03), "it doubles, or triples where both tell"


def test_the_mean_time_is_the_published_formula() -> None:
    assert theory.mean_time_to_all(1000, "push", 1.0) == pytest.approx(14.95, abs=0.01)
    assert theory.mean_time_to_all(2, "pull", 1.0) == 1.0
    assert theory.mean_time_to_all(1000, "push-pull", 0.5) == pytest.approx(14.95, abs=0.01)
    assert theory.mean_time_to_all(5, "push", 1.0) == pytest.approx(2 * 4 / 5 * (1 + 1 / 2 + 1 / 3 + 1 / 4))
    assert math.isinf(theory.mean_time_to_all(5, "push", 1.0, loss=1.0))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [2, 40, 1000])
def test_without_delay_the_curve_is_logistic(n: int, mode: str) -> None:
    times, shares = theory.spreading(n, mode, 1.0)
    growth = (2.0 if mode == "push-pull" else 1.0) * n / (n - 1)
    for time, share in zip(times, shares, strict=True):
        odds = math.exp(growth * time) / (n - 1)
        assert share == pytest.approx(odds / (1 + odds), abs=1e-3)
    assert shares[-1] > 1 - 0.02 / n


def when(share: float, *, delay: float, mode: str = "push") -> float:
    times, shares = theory.spreading(1000, mode, 1.0, 0.0, delay)
    return times[bisect_left(shares, share)]


def test_delays_slow_the_growth() -> None:
    halfway = [when(0.5, delay=delay) for delay in (0.0, 0.05, 0.5, 2.0, 20.0)]
    assert halfway == sorted(halfway)
    # While few know, growth g under a delay d solves g = e^(−g·d): the omega constant for d = 1.
    assert when(0.1, delay=1.0) - when(0.01, delay=1.0) == pytest.approx(math.log(11) / 0.567143, rel=0.08)
    assert when(0.002, delay=20.0) > 20.0, "nothing is heard before the first message arrives"


def test_a_curve_is_never_long() -> None:
    for delay in (0.0, 1e-6, 0.01, 1.0, 100.0, 3600.0):
        for rate in (0.001, 1.0, 1e5):
            times, shares = theory.spreading(10_000, "pull", rate, 0.0, delay)
            assert len(times) == len(shares) < 500
            assert all(a < b for a, b in pairwise(times))
            assert all(0.0 <= share <= 1.0 for share in shares)


def test_if_all_is_lost_the_curve_is_flat() -> None:
    assert theory.spreading(10, "push", 1.0, 1.0) == ((0.0,), (0.1,))
    assert set(theory.rounds_curve(10, "push-pull", 1, 1.0, 5)) == {0.1}


def test_residue_is_e_to_minus_the_traffic() -> None:
    assert theory.rumour_residue(0.0) == 1.0
    assert theory.rumour_residue(1.7) == pytest.approx(0.18, abs=0.005)
    assert theory.rumour_residue(4.5) == pytest.approx(0.011, abs=0.0005)
