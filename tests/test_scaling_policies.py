"""The rules for how many workers there should be, against the documentation of Kubernetes and by hand."""

from __future__ import annotations

import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.duration import SECOND
from scenarios.scaling.policies import (
    Autoscaler,
    Behaviour,
    RateLimiter,
    RatePolicy,
    Stabiliser,
    affordable,
    desired,
    desired_with_starting,
    for_queue,
    for_rate,
    quotas,
)

MINUTE = 60 * SECOND
SHRINK = (RatePolicy("pods", 4, MINUTE), RatePolicy("percent", 10, MINUTE))


@pytest.mark.parametrize(
    ("current", "metric", "target", "wanted"),
    [
        (3, 200, 100, 6),
        (4, 50, 100, 2),
        (50, 90, 75, 60),
        (10, 110, 100, 10),  # just within the tolerance
        (10, 111, 100, 12),
        (10, 90, 100, 10),
        (10, 89, 100, 9),
        (7, 0, 100, 0),
        (1, 700, 100, 7),
        (3, 70, 70, 3),
    ],
)
def test_the_ratio_with_its_tolerance(current: int, metric: int, target: int, wanted: int) -> None:
    assert desired(current, metric, target) == wanted


def test_those_that_start_count_as_idle() -> None:
    target = Fraction(7, 10)
    assert desired_with_starting(4, 0, Fraction(1), target) == 6
    assert desired_with_starting(4, 2, Fraction(1), target) == 6, "those two are enough"
    assert desired_with_starting(4, 4, Fraction(1), target) == 8, "no fewer, before they have begun"
    assert desired_with_starting(10, 1, Fraction(1), target) == 15
    assert desired_with_starting(4, 2, Fraction(7, 10), target) == 6, "within the tolerance nothing changes"
    assert desired_with_starting(4, 2, Fraction(3, 10), target) == 2
    assert desired_with_starting(0, 3, Fraction(0), target) == 3
    assert desired_with_starting(0, 0, Fraction(0), target) == 1


def test_shrinking_by_four_or_by_a_tenth_each_minute() -> None:
    scaler = Autoscaler(Behaviour(down=SHRINK, down_window=0))
    sizes = [80]
    while sizes[-1] > 10:
        sizes.append(scaler.decide(len(sizes) * MINUTE, sizes[-1], 10, 1, 100))
    assert sizes == [80, 72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20, 16, 12, 10]


def test_asking_more_often_does_not_shrink_it_faster() -> None:
    scaler = Autoscaler(Behaviour(down=SHRINK, down_window=0))
    size, at = 80, {}
    for second in range(0, 16 * 60, 5):
        size = scaler.decide(second * SECOND, size, 10, 1, 100)
        at[second] = size
    assert [at[minute * 60] for minute in range(14)] == [72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20, 16, 12, 10]
    assert at[55] == 72


def test_growing_as_kubernetes_does_by_default() -> None:
    scaler = Autoscaler()
    sizes = [1]
    while sizes[-1] < 100:
        sizes.append(scaler.decide(15 * SECOND * len(sizes), sizes[-1], 1000, 1, 100))
    assert sizes == [1, 5, 10, 20, 40, 80, 100]


def test_what_grew_in_a_period_counts_against_its_limit() -> None:
    limiter = RateLimiter()
    limiter.changed(0, 4)
    assert limiter.limit(10 * SECOND, 5, 100) == 5
    assert limiter.limit(15 * SECOND, 5, 100) == 10, "a change exactly one period ago is past"
    limiter.changed(10 * SECOND, -3)
    assert limiter.limit(14 * SECOND, 2, 100) == 5, "it began with 1"


def test_a_pool_shrinks_to_the_highest_recommendation_of_the_window() -> None:
    stabiliser, sizes = Stabiliser(), {}
    size = 10
    for second in range(0, 331, 15):
        size = stabiliser.stabilise(second * SECOND, size, 10 if second == 0 else 4)
        sizes[second] = size
    assert [sizes[at] for at in (0, 15, 150, 300, 315, 330)] == [10, 10, 10, 10, 4, 4]


def test_a_pool_grows_to_the_lowest_recommendation_of_its_window() -> None:
    stabiliser = Stabiliser(up_window=30 * SECOND, down_window=0)
    assert stabiliser.stabilise(0, 4, 4) == 4
    assert stabiliser.stabilise(15 * SECOND, 4, 8) == 4
    assert stabiliser.stabilise(30 * SECOND, 4, 9) == 4
    assert stabiliser.stabilise(45 * SECOND, 4, 9) == 8


def test_without_policies_there_is_no_limit() -> None:
    limiter = RateLimiter(Behaviour(up=(), down=()))
    assert limiter.limit(0, 1, 500) == 500
    assert limiter.limit(0, 500, 1) == 1


@given(
    st.lists(st.tuples(st.integers(1, 20 * SECOND), st.integers(0, 200)), max_size=30),
    st.integers(1, 20),
    st.integers(0, 60),
)
def test_the_bounds_hold_whatever_is_recommended(steps: list[tuple[int, int]], low: int, more: int) -> None:
    scaler, size, now = Autoscaler(), low, 0
    for wait, recommendation in steps:
        now += wait
        size = scaler.decide(now, size, recommendation, low, low + more)
        assert low <= size <= low + more
    assert pickle.dumps(pickle.loads(pickle.dumps(scaler)))


def test_enough_for_the_queue_and_for_the_rate() -> None:
    assert for_queue(10, Fraction(7, 10)) == 15
    assert for_queue(7, Fraction(7, 10)) == 10
    assert for_queue(0, Fraction(2)) == 0
    assert for_rate(Fraction(7), Fraction(1), Fraction(7, 10)) == 10
    assert for_rate(Fraction(71, 10), Fraction(1), Fraction(7, 10)) == 11


def test_a_budget_saves_for_a_busy_time() -> None:
    assert affordable(Fraction(600), Fraction(100), Fraction(10), 2) == 42
    assert affordable(Fraction(200), Fraction(100), Fraction(10), 2) == 2
    assert affordable(Fraction(50), Fraction(100), Fraction(10), 2) == 2
    assert affordable(Fraction(30), Fraction(5), Fraction(10), 2) == 6
    assert affordable(Fraction(30), Fraction(0), Fraction(10), 2) == 2


def test_quotas_differ_by_one_at_most() -> None:
    assert list(quotas(10, 3)) == [4, 3, 3]
    assert list(quotas(2, 3)) == [1, 1, 0]
