"""Durations: from text to microseconds, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.duration import brief_duration, format_duration, parse_duration, seconds
from engine.errors import ParameterError

LONGEST = 10**17


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("90", 90_000_000),
        ("0", 0),
        ("1.5s", 1_500_000),
        ("250ms", 250_000),
        ("2m", 120_000_000),
        ("1h", 3_600_000_000),
        ("40us", 40),
        ("40µs", 40),
        ("0.1s", 100_000),
        ("0.5m", 30_000_000),
        (" 1.5 s ", 1_500_000),
        ("007s", 7_000_000),
        ("0.4us", 0),
        ("0.5us", 1),
        ("1.0000005", 1_000_001),
        ("27777777h", 27_777_777 * 3_600_000_000),
    ],
)
def test_text_is_read_exactly(text: str, micros: int) -> None:
    assert parse_duration(text) == micros


@pytest.mark.parametrize(
    ("number", "micros"),
    [(90, 90_000_000), (1.5, 1_500_000), (0.1 + 0.2, 300_000), (1e-6, 1), (4e-7, 0), (0.0001234567890123, 123), (0, 0)],
)
def test_a_number_is_seconds(number: float, micros: int) -> None:
    assert parse_duration(number) == micros


@pytest.mark.parametrize(
    "value",
    ["", "s", "soon", "-1s", "+1s", "1.s", ".5s", "1,5s", "1s2", "1 000", "1e3", "5 hours", "٣s", "1.5 ms s", "nan"],
)
def test_what_is_no_duration_is_refused_with_examples(value: str) -> None:
    with pytest.raises(ParameterError, match=r"is not a duration; write it like 90, 1\.5s, 250ms or 2m"):
        parse_duration(value)


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf"), True, False])
def test_so_is_a_number_that_is_none(value: float) -> None:
    with pytest.raises(ParameterError, match="is not a duration"):
        parse_duration(value)


@pytest.mark.parametrize("value", ["27777778h", "99999999999999999999s", 1e12])
def test_the_longest_is_three_thousand_years(value: str | float) -> None:
    with pytest.raises(ParameterError, match="too long a duration; the longest is 27777777h"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0s"),
        (1, "1us"),
        (999, "999us"),
        (1_000, "1ms"),
        (1_500, "1.5ms"),
        (250_000, "250ms"),
        (1_500_000, "1.5s"),
        (1_000_001, "1.000001s"),
        (90_000_000, "90s"),
        (7_200_000_000, "7200s"),
    ],
)
def test_it_is_written_short(micros: int, text: str) -> None:
    assert format_duration(micros) == text


@given(st.integers(0, LONGEST) | st.integers(0, 10**7))
def test_what_is_written_is_read_back(micros: int) -> None:
    assert parse_duration(format_duration(micros)) == micros


@given(st.integers(0, 10**12))
def test_seconds_are_read_back_too(micros: int) -> None:
    assert parse_duration(seconds(micros)) == micros


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0s"),
        (7, "7us"),
        (1_499, "1ms"),
        (230_400, "230ms"),
        (999_400, "999ms"),
        (999_600, "1s"),
        (9_655_652, "9.66s"),
        (60_000_000, "60s"),
        (99_994_000, "99.99s"),
        (1_204_300_000, "1,204s"),
        (-2_500_000, "−2.5s"),
    ],
)
def test_a_duration_to_be_read_has_few_digits(micros: int, text: str) -> None:
    assert brief_duration(micros) == text
