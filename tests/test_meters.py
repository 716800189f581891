"""Meters: counters, gauges, rates, percentiles in bounded memory, and samples over time."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.duration import SECOND
from engine.meters import FIRST_INTERVAL, RATE_WINDOW, SERIES_POINTS, Distribution, Meters, Series
from tests.engine_fixtures import theatre


def test_counters_and_gauges() -> None:
    meters = Meters()
    assert meters.value("calls") == 0
    assert meters.count("calls") == 1
    assert meters.count("calls", 4) == 5
    assert meters.value("calls") == 5
    meters.gauge("load", 0.5)
    meters.gauge("load", 0.25)
    assert meters.gauges == {"load": 0.25}


def test_agents_count_observe_and_gauge_for_the_whole_run() -> None:
    sim = theatre(2)
    assert sim.agent(0).ctx.count("calls") == 1
    assert sim.agent(1).ctx.count("calls", 2) == 3
    sim.agent(0).ctx.gauge("load", 0.5)
    sim.agent(1).ctx.observe("wait", 1.5)
    assert (sim.meters.value("calls"), sim.meters.gauges["load"]) == (3, 0.5)
    assert sim.meters.distributions["wait"].percentile(0.5) == 1.5


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=60), st.floats(0.0, 1.0))
def test_percentiles_are_within_two_per_cent(values: list[float], share: float) -> None:
    distribution = Distribution()
    for value in values:
        distribution.add(value)
    found = distribution.percentile(share)
    exact = sorted(values)[math.floor(share * (len(values) - 1))]
    assert found is not None
    assert abs(found - exact) <= 0.016 * exact + 1e-6
    assert distribution.percentile(0.0) is not None
    assert min(values) <= found <= max(values)


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=40), st.randoms())
def test_the_order_of_values_does_not_matter(values: list[float], random: object) -> None:
    one, other = Distribution(), Distribution()
    for value in values:
        one.add(value)
    for value in reversed(values):
        other.add(value)
    for share in (0.0, 0.5, 0.9, 0.99, 1.0):
        assert one.percentile(share) == other.percentile(share)


def test_percentiles_of_nothing_and_of_the_same() -> None:
    distribution = Distribution()
    assert distribution.percentile(0.5) is None
    assert distribution.mean is None
    for _ in range(10):
        distribution.add(3.0)
    assert distribution.percentile(0.01) == distribution.percentile(0.99) == distribution.mean == 3.0


def test_a_distribution_stays_small() -> None:
    distribution = Distribution()
    for number in range(100_000):
        distribution.add(1.0001**number)
    assert len(distribution.classes) < 1_500
    assert distribution.count == 100_000


@pytest.mark.parametrize("value", [-0.001, math.nan, math.inf])
def test_what_no_distribution_takes(value: float) -> None:
    distribution = Distribution()
    with pytest.raises(ValueError, match="finite values of 0 and more"):
        distribution.add(value)
    assert distribution.count == 0


def test_a_rate_is_taken_over_the_last_ten_seconds() -> None:
    meters = Meters()
    assert meters.rate("calls", 0) == 0.0
    for second in range(30):
        meters.tick("calls", second * SECOND, amount=4 if second < 15 else 2)
    assert meters.rate("calls", 30 * SECOND - 1) == pytest.approx(2.0, rel=1e-6)
    assert meters.rate("calls", 90 * SECOND) == 0.0
    assert meters.rate("others", 5 * SECOND) == 0.0
    assert len(meters._recent["calls"]) <= RATE_WINDOW + 1


def test_a_young_rate_is_taken_over_what_there_was() -> None:
    meters = Meters()
    meters.tick("calls", 100_000, amount=3)
    assert meters.rate("calls", SECOND // 2) == 6.0


def test_samples_thin_out_and_stay_bounded() -> None:
    series = Series()
    taken = 0
    while taken < 5_000:
        now = series.next_time
        series.add(now, {"x": float(now)})
        taken += 1
        assert len(series.times) < SERIES_POINTS
    assert series.interval > FIRST_INTERVAL
    assert series.times[0] == 0
    assert {later - earlier for earlier, later in pairwise(series.times)} == {series.interval}
    assert list(series["x"]) == [float(time) for time in series.times]


def test_names_may_come_later_and_stay_away() -> None:
    series = Series()
    series.add(0, {"a": 1.0})
    series.add(10, {"a": 2.0, "b": 5.0})
    series.add(20, {"a": 3.0})
    assert series["a"] == (1.0, 2.0, 3.0)
    assert series["b"] == (0.0, 5.0, 5.0)
    assert series["c"] == ()
    assert list(series.names()) == ["a", "b"]
