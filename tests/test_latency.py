"""Tables of delays: their quantiles are those of the distributions."""

from __future__ import annotations

from hashlib import blake2b
from math import erf, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.commands import Constant, Latency, LogNormal, Uniform
from engine.latency import LONGEST, SLICES, from_model, quantiles


@pytest.mark.parametrize(
    ("distribution", "mark"),
    [
        (Uniform(1_000, 10_000), "03969cc96f9fb529"),
        (LogNormal(50_000, 0.5), "59927f1dd3ed85a1"),
        (LogNormal(1_000, 3.0), "527777a6d64f1e51"),
    ],
)
def test_the_tables_are_the_same_on_every_machine(distribution: Latency, mark: str) -> None:
    assert blake2b(repr(quantiles(distribution)).encode(), digest_size=8).hexdigest() == mark


def test_constant() -> None:
    assert set(quantiles(Constant(250))) == {250}
    assert len(quantiles(Constant(0))) == SLICES


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_uniform_has_the_middle_of_each_slice(low: int, span: int) -> None:
    table = quantiles(Uniform(low, low + span))
    assert len(table) == SLICES
    assert list(table) == sorted(table)
    assert low <= table[0] and table[-1] <= low + span
    assert abs(sum(table) / SLICES - (low + span / 2)) <= 1
    for at in (0, 1_000, 2_048, 4_095):
        assert abs(table[at] - (low + span * (at + 0.5) / SLICES)) <= 1


@pytest.mark.parametrize(("median", "sigma"), [(50_000, 0.5), (1_000_000, 1.2), (1_000_000, 0.05)])
def test_lognormal_has_its_quantiles(median: int, sigma: float) -> None:
    table = quantiles(LogNormal(median, sigma))
    assert list(table) == sorted(table)
    assert (table[SLICES // 2 - 1] + table[SLICES // 2]) / 2 == pytest.approx(median, rel=1e-3)
    for at in range(0, SLICES, 97):
        share = (1 + erf(log(table[at] / median) / (sigma * sqrt(2)))) / 2  # the distribution's own formula
        assert share == pytest.approx((at + 0.5) / SLICES, abs=2e-4)


def test_even_a_wild_tail_stays_within_what_a_run_can_count() -> None:
    assert quantiles(LogNormal(LONGEST, 10.0))[-1] == LONGEST


def test_a_model_is_named_by_its_typical_delay() -> None:
    assert from_model("constant", 40) == Constant(40)
    assert from_model("uniform", 40) == Uniform(20, 60)
    assert from_model("lognormal", 40) == LogNormal(40, 0.5)
    assert max(quantiles(from_model("lognormal", 0))) == 0


def test_a_table_is_made_once() -> None:
    assert quantiles(Uniform(3, 9)) is quantiles(Uniform(3, 9))


def test_other_things_are_no_distributions() -> None:
    with pytest.raises(TypeError, match="is not a distribution"):
        quantiles("5ms")  # type: ignore[arg-type]
