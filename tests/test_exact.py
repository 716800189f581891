"""Logarithm, exponential and normal quantile: close to the truth, and to the last bit the same everywhere."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import ulp
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exact import exp, ln, normal_quantile

BITS = {
    ln: {
        0.1: "-0x1.26bb1bbb55515p+1",
        0.5: "-0x1.62e42fefa39efp-1",
        2.0: "0x1.62e42fefa39efp-1",
        3.0: "0x1.193ea7aad030bp+0",
        1e300: "0x1.5963447f87fb5p+9",
        5e-324: "-0x1.74385446d71c3p+9",
    },
    exp: {
        -700.0: "0x1.14f2b0fb9307fp-1010",
        -1.0: "0x1.78b56362cef38p-2",
        0.1: "0x1.1aec7b35a00d4p+0",
        1.0: "0x1.5bf0a8b14576ap+1",
        10.0: "0x1.5829dcf950560p+14",
        700.0: "0x1.d945df4f8ec8ep+1009",
    },
    normal_quantile: {
        1 / 8192: "-0x1.d58bd05b9ad72p+1",
        0.01: "-0x1.29c5c463cecf1p+1",
        0.025: "-0x1.f5c03325b95a6p+0",
        0.3: "-0x1.0c7e395d14936p-1",
        0.5: "0x0.0p+0",
        0.975: "0x1.f5c03325b95a6p+0",
    },
}


@pytest.mark.parametrize("function", BITS)
def test_every_bit_is_the_same_on_every_machine(function: object) -> None:
    assert callable(function)
    assert {x: function(x).hex() for x in BITS[function]} == BITS[function]


def error_in_ulps(found: float, truth: Decimal) -> float:
    return float(abs(Decimal(found) - truth) / Decimal(ulp(float(truth))))


@given(st.floats(5e-324, 1.7e308) | st.floats(0.25, 4.0).filter(lambda x: x != 1.0))
def test_ln_is_within_three_units_in_the_last_place(x: float) -> None:
    with localcontext() as context:
        context.prec = 50
        assert error_in_ulps(ln(x), Decimal(x).ln()) <= 3.0


@given(st.floats(-700.0, 700.0) | st.floats(-3.0, 3.0))
def test_exp_is_within_two_units_in_the_last_place(x: float) -> None:
    with localcontext() as context:
        context.prec = 50
        assert error_in_ulps(exp(x), Decimal(x).exp()) <= 2.0


def test_one_and_zero_are_exact() -> None:
    assert ln(1.0) == 0.0
    assert exp(0.0) == 1.0
    assert normal_quantile(0.5) == 0.0


@given(st.floats(1e-12, 1.0, exclude_max=True))
def test_the_normal_quantile_is_near(p: float) -> None:
    truth = NormalDist().inv_cdf(p)
    assert abs(normal_quantile(p) - truth) <= 1.2e-9 * abs(truth) + 1e-15


@given(st.floats(0.0001, 0.4999))
def test_the_normal_quantile_is_odd(p: float) -> None:
    assert normal_quantile(1.0 - p) == -normal_quantile(1.0 - (1.0 - p))
