"""Failure detectors: what they suspect when, by hand and against the normal distribution of the C library."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.detectors import HIGHEST_PHI, PhiAccrualDetector, TimeoutDetector, ln_normal_tail
from engine.streams import Stream

S = 1_000_000


def tail(x: float) -> float:
    return math.erfc(x / math.sqrt(2)) / 2


@pytest.mark.parametrize(
    "x", [-30.0, -8.0, -3.0, -2.0, -1.0, 0.0, 0.3, 1.0, 1.99, 2.0, 2.01, 3.0, 5.0, 8.0, 20.0, 35.0]
)
def test_the_normal_tail_is_that_of_the_c_library(x: float) -> None:
    assert math.exp(ln_normal_tail(x)) == pytest.approx(tail(x), rel=1e-8)


def test_the_normal_tail_goes_on_where_the_probability_itself_is_too_small() -> None:
    assert ln_normal_tail(1000.0) == pytest.approx(-0.5e6 - math.log(1000 * math.sqrt(2 * math.pi)), rel=1e-9)
    assert ln_normal_tail(-1000.0) == 0.0


@given(st.floats(-20.0, 40.0), st.floats(0.001, 5.0))
def test_the_normal_tail_falls(x: float, step: float) -> None:
    assert ln_normal_tail(x + step) <= ln_normal_tail(x) <= 0.0


# --- timeout --------------------------------------------------------------------------------------


def test_a_timeout_runs_out_after_so_much_silence() -> None:
    detector = TimeoutDetector(2 * S, 0)
    detector.heartbeat(1 * S)
    assert [detector.suspicion(at * S) for at in (1, 2, 3, 5)] == [0.0, 0.5, 1.0, 2.0]
    assert not detector.suspects(3 * S)
    assert detector.suspects(3 * S + 1)
    detector.heartbeat(4 * S)
    assert not detector.suspects(4 * S)


def test_a_heartbeat_out_of_order_changes_nothing() -> None:
    detector = TimeoutDetector(2 * S, 0)
    detector.heartbeat(5 * S)
    detector.heartbeat(3 * S)
    assert detector.last == 5 * S
    assert detector.suspicion(4 * S) == 0.0


def test_a_timeout_takes_some_time() -> None:
    with pytest.raises(ValueError, match="at least 1us"):
        TimeoutDetector(0, 0)


# --- phi accrual ----------------------------------------------------------------------------------


def beating(intervals: list[int], **options: object) -> tuple[PhiAccrualDetector, int]:
    """A detector whose window holds just these intervals, and when the last heartbeat came."""
    detector = PhiAccrualDetector(intervals[0], 0, window=len(intervals), **options)  # type: ignore[arg-type]
    now = 0
    for interval in [*intervals[:2], *intervals]:
        now += interval
        detector.heartbeat(now)
    return detector, now


def test_phi_is_the_improbability_of_a_silence() -> None:
    detector, last = beating([900_000, 1_100_000] * 5)
    assert detector.mean == 1_000_000.0
    assert detector.deviation == 100_000.0
    assert detector.phi(last) == 0.0
    assert detector.phi(last + S) == pytest.approx(-math.log10(0.5))
    for silence in (1_100_000, 1_300_000, 1_600_000, 2_000_000):
        expected = -math.log10(tail((silence - 1_000_000) / 100_000))
        assert detector.phi(last + silence) == pytest.approx(expected, rel=1e-9)
        assert detector.suspicion(last + silence) == detector.phi(last + silence)


def test_phi_of_exponential_intervals_grows_in_step_with_the_silence() -> None:
    detector, last = beating([1_000_000] * 4, distribution="exponential")
    assert detector.phi(last + 1_000_000) == pytest.approx(math.log10(math.e))
    assert detector.phi(last + 7_000_000) == pytest.approx(7 * math.log10(math.e))
    assert detector.phi(last + 10**16) == HIGHEST_PHI


def test_it_suspects_from_the_threshold_on() -> None:
    detector, last = beating([900_000, 1_100_000] * 5, threshold=2.0)
    at = next(silence for silence in range(0, 3 * S, 1000) if detector.suspects(last + silence))
    assert detector.phi(last + at) >= 2.0 > detector.phi(last + at - 1000)
    assert tail((at - 1_000_000) / 100_000) == pytest.approx(0.01, rel=0.05)


def test_one_false_alarm_in_a_hundred_at_phi_two() -> None:
    stream, detector, alarms, now = Stream(7, "beats"), PhiAccrualDetector(S, 0, threshold=2.0, window=1000), 0, 0
    for _ in range(20_000):
        interval = round(S + 100_000 * sum(stream.uniform() - 0.5 for _ in range(12)))  # normal, nearly
        alarms += detector.suspects(now + interval)
        now += interval
        detector.heartbeat(now)
    assert 0.007 < alarms / 20_000 < 0.013


def test_it_learns_that_the_network_has_become_slow() -> None:
    detector, last = beating([S] * 50, threshold=8.0, least_deviation=50_000)
    assert detector.suspects(last + 2 * S)
    for gap in [2 * S, 3 * S] * 25:
        last += gap
        detector.heartbeat(last)
    assert not detector.suspects(last + 4 * S)


def test_a_perfectly_regular_past_is_no_hair_trigger() -> None:
    patient, last = beating([S] * 10, least_deviation=100_000)
    assert patient.phi(last + S + 1) == pytest.approx(-math.log10(0.5), rel=1e-3)
    nervous, last = beating([S] * 10)
    assert nervous.deviation == 0.0
    assert nervous.phi(last + S) == 0.0
    assert nervous.phi(last + S + 1) == HIGHEST_PHI


def test_the_first_guess_holds_until_heartbeats_come() -> None:
    detector = PhiAccrualDetector(S, 5 * S)
    assert detector.mean == S
    assert detector.deviation == S / 4
    assert not detector.suspects(6 * S)
    assert detector.suspects(8 * S)


def test_only_the_last_intervals_count() -> None:
    detector = PhiAccrualDetector(S, 0, window=3)
    for now in (10, 20, 30, 40):
        detector.heartbeat(now * S)
    detector.heartbeat(40 * S)
    detector.heartbeat(35 * S)
    assert list(detector.intervals) == [10 * S] * 3
    assert detector.total == 30 * S
    assert detector.squares == 300 * S * S


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1us apart"):
        PhiAccrualDetector(0, 0)
    with pytest.raises(ValueError, match="at least 1 interval"):
        PhiAccrualDetector(S, 0, window=0)


@given(st.lists(st.integers(1, 10 * S), min_size=1, max_size=50), st.integers(0, 100 * S))
def test_a_copy_of_its_state_says_the_same(intervals: list[int], silence: int) -> None:
    detector = PhiAccrualDetector(S, 0, window=20)
    now = 0
    for interval in intervals:
        now += interval
        detector.heartbeat(now)
    copy = pickle.loads(pickle.dumps(detector))
    assert vars(copy) == vars(detector)
    assert copy.phi(now + silence) == detector.phi(now + silence) >= 0.0
    assert copy.suspects(now + silence) == (detector.phi(now + silence) >= detector.threshold)
