"""The load of scaling: arrivals, sizes, traces and forecasts."""

from __future__ import annotations

import itertools
import math
import pickle
import statistics
from collections.abc import Callable
from typing import Any

import pytest

from engine.duration import SECOND
from engine.errors import ParameterError
from scenarios.launch import launch
from scenarios.scaling.forecast import LEAST, Forecast
from scenarios.scaling.load import Load, _sine, built_in_trace, read_trace
from scenarios.scaling.params import ScalingParams
from scenarios.scaling.theory import erlang_c, mean_wait, time_with_choices, variation


def times(seed: int = 1, **params: Any) -> list[float]:
    """When tasks come, in seconds."""
    load = Load(ScalingParams(**params), seed)
    found: list[float] = []
    now: int | None = 0
    while (now := load.next_time(now, ())) is not None:
        found.append(now / SECOND)
    return found


def test_poisson_arrivals_are_poisson() -> None:
    found = times(arrivals="poisson", arrival_rate=50.0, horizon=100.0)
    assert abs(len(found) - 5_000) < 4 * math.sqrt(5_000)
    gaps = [later - sooner for sooner, later in itertools.pairwise(found)]
    assert statistics.stdev(gaps) == pytest.approx(0.02, rel=0.05)
    assert max(found) < 100.0


def test_bursts_come_regularly() -> None:
    found = times(
        arrivals="spike", arrival_rate=20.0, spike_factor=5.0, spike_length=10.0, spike_every=50.0, horizon=500
    )
    by_phase = [sum(low <= (at - 5) % 50 < low + 10 for at in found) for low in range(0, 50, 10)]
    assert by_phase[0] == pytest.approx(20 * 5 * 10 * 10, rel=0.1)
    assert all(many == pytest.approx(20 * 10 * 10, rel=0.15) for many in by_phase[1:])


def test_a_day_has_its_noon_and_its_midnight() -> None:
    found = times(arrivals="diurnal", arrival_rate=40.0, period=100.0, swing=0.5, horizon=1000.0)
    quarters = [sum(low <= at % 100 < low + 25 for at in found) / 250 for low in (0, 25, 50, 75)]
    high, low = 40 * (1 + 0.5 * 2 / math.pi), 40 * (1 - 0.5 * 2 / math.pi)
    assert quarters == pytest.approx([high, high, low, low], rel=0.05)


def test_the_sine_is_good_enough() -> None:
    assert max(abs(_sine(turn / 997) - math.sin(2 * math.pi * turn / 997)) for turn in range(3000)) < 0.002


def test_a_spike_by_command_multiplies_the_rate_for_its_time() -> None:
    load = Load(ScalingParams(arrivals="poisson", arrival_rate=10.0), 1)
    load.spike(3000, 20 * SECOND)
    assert load.rate(10 * SECOND) == 30.0
    assert load.rate(20 * SECOND) == 10.0
    load.spike(500, 20 * SECOND)
    now, found = 0, 0
    while now < 20 * SECOND:
        now = load.next_time(now, ()) or 0
        found += 1
    assert 60 < found < 140


@pytest.mark.parametrize(
    ("service", "deviation"),
    [("exponential", 0.5), ("uniform", 0.5 / math.sqrt(3)), ("deterministic", 0.0), ("pareto", None)],
)
def test_work_has_its_mean_and_its_spread(service: Any, deviation: float | None) -> None:
    load = Load(ScalingParams(service=service, service_rate=2.0, tail=3.0), 1)
    sizes = [load.tasks(0, ())[0][0] / SECOND for _ in range(5_000)]
    assert statistics.fmean(sizes) == pytest.approx(0.5, rel=0.06)
    if deviation is not None:
        assert statistics.pstdev(sizes) == pytest.approx(deviation, rel=0.08, abs=1e-6)
    else:
        assert min(sizes) == pytest.approx(0.5 * 2 / 3, rel=0.01)
        assert sum(size > 2 * min(sizes) for size in sizes) / len(sizes) == pytest.approx(1 / 8, rel=0.15)


def test_priorities_and_kinds_have_their_shares() -> None:
    load = Load(ScalingParams(kinds=4), 1)
    drawn = [load.tasks(0, ())[0][1:] for _ in range(10_000)]
    assert [sum(one[0] == priority for one in drawn) / 10_000 for priority in range(3)] == pytest.approx(
        [0.3, 0.5, 0.2], abs=0.02
    )
    assert all(2300 < sum(one[1] == kind for one in drawn) < 2700 for kind in range(4))


def test_one_seed_brings_the_same_tasks_whatever_the_pool() -> None:
    def sizes(**params: Any) -> list[int]:
        sim = launch("scaling", {"horizon": 20, **params}, 5)
        sim.finish()
        load: Any = vars(sim.agents[0])["load"]
        return [load.next_time(0, ()) is None, vars(sim.agents[0])["arrived"]]

    assert sizes() == sizes(policy="fixed", workers=9) == sizes(routing="two-choices", teams=2)


def test_a_load_goes_on_after_a_copy() -> None:
    load = Load(ScalingParams(arrivals="diurnal"), 1)
    for _ in range(10):
        load.next_time(0, ())
        load.tasks(0, ())
    copy = pickle.loads(pickle.dumps(load))
    assert [copy.next_time(0, ()), copy.tasks(0, ())] == [load.next_time(0, ()), load.tasks(0, ())]


# --- traces ---------------------------------------------------------------------------------------


def test_the_built_in_trace_goes_round_until_the_horizon() -> None:
    rows = built_in_trace()
    assert 200 < len(rows) < 300
    assert list(rows) == sorted(rows)
    sim = launch("scaling", {"arrivals": "trace", "horizon": 120, "policy": "fixed", "workers": 30}, 1)
    sim.finish()
    assert sim.metrics()["arrived"] == 2 * len(rows)


def test_a_trace_is_read_from_a_file(write: Callable[[str, str], str]) -> None:
    path = write("load.csv", "time,service,priority\n0.5,2,high\n\n2.5,,low\n1,0.25,\n")
    assert read_trace(path) == ((500_000, 2_000_000, 2), (1_000_000, 250_000, -1), (2_500_000, 0, 0))
    assert read_trace(write("plain.csv", "3\n1.5\n")) == ((1_500_000, 0, -1), (3_000_000, 0, -1))
    assert read_trace(write("other.csv", "Priority, Time\nLow, 1\n")) == ((1_000_000, 0, 0),)
    given = {"arrivals": "trace", "trace": path, "policy": "fixed", "workers": 3, "latency": 0}
    sim = launch("scaling", given, 1)
    sim.finish()
    metrics = sim.metrics()
    assert metrics["arrived"] == metrics["done"] == 3
    assert sim.over == "all 3 tasks have ended"
    assert sim.seconds >= 2.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no tasks"),
        ("time,service\n", "has no tasks"),
        ("when\n1\n", "names no column time"),
        ("1\nsoon\n", "line 2: time is 'soon'"),
        ("-1\n", "line 1: time is '-1'"),
        ("time,service\n1,0\n", "line 2: service is '0'; it has to be a number of seconds above 0"),
        ("time,priority\n1,urgent\n", "line 2: priority is 'urgent'; it has to be low, normal or high"),
        ("1,nan\n", "service is 'nan'"),
    ],
)
def test_a_trace_that_is_not_right_is_refused(write: Callable[[str, str], str], text: str, message: str) -> None:
    path = write("load.csv", text)
    with pytest.raises(ParameterError, match=message) as error:
        launch("scaling", {"arrivals": "trace", "trace": path}, 1)
    assert str(error.value).startswith(f"trace={path}")


def test_a_trace_that_is_not_there_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"trace=nowhere\.csv cannot be read: No such file"):
        launch("scaling", {"arrivals": "trace", "trace": "nowhere.csv"}, 1)


# --- forecasts ------------------------------------------------------------------------------------


def test_a_forecast_knows_the_season_once_it_has_seen_one() -> None:
    forecast = Forecast(season=12)
    wave = [10 + 5 * math.sin(2 * math.pi * at / 12) for at in range(48)]
    for at, rate in enumerate(wave):
        assert forecast.knows_season == (at >= 12)
        forecast.learn(rate)
    assert forecast.ahead(6) == pytest.approx(wave[:6], rel=0.15)


def test_without_a_season_it_goes_by_level_and_trend() -> None:
    forecast = Forecast()
    assert forecast.ahead(2) == [0.0, 0.0]
    for rate in range(1, 30):
        forecast.learn(float(rate))
    assert forecast.ahead(3) == pytest.approx([30, 31, 32], rel=0.05)


def test_a_forecast_stays_within_reason() -> None:
    forecast = Forecast(season=4)
    for rate in (0.0, 0.0, 0.0, 0.0, 100.0, 0.0, 0.0, 100.0, 0.0, 0.0):
        forecast.learn(rate)
        assert all(0.0 <= one <= 2 * max(forecast.highest, LEAST) for one in forecast.ahead(8))
    copy = pickle.loads(pickle.dumps(forecast))
    assert copy.ahead(8) == forecast.ahead(8)


# --- theory ---------------------------------------------------------------------------------------


def test_erlang_c_for_one_server_is_its_load() -> None:
    assert erlang_c(1, 0.3) == pytest.approx(0.3)
    assert erlang_c(2, 2.0) == erlang_c(2, 5.0) == 1.0
    assert erlang_c(1000, 900.0) < 0.01
    assert mean_wait(2, 3.0, 1.0) == math.inf


def test_one_server_by_pollaczek_and_khinchine() -> None:
    assert mean_wait(1, 0.5, 1.0, variation("deterministic", 0)) == pytest.approx(0.5)
    assert mean_wait(1, 0.5, 1.0, variation("uniform", 0)) == pytest.approx(2 / 3)
    assert variation("pareto", 3.0) == pytest.approx(1 / 3)
    assert mean_wait(1, 0.5, 1.0, variation("pareto", 2.0)) == math.inf


def test_more_choices_help_less_and_less() -> None:
    one, two, three = (time_with_choices(choices, 0.95) for choices in (1, 2, 3))
    assert one > 4 * two > 4 * three > 4
    assert time_with_choices(2, 1.0) == math.inf
