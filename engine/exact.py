"""Logarithm, exponential and normal quantile from + − × ÷ alone, so that every machine rounds them alike.

The C library's log and exp may differ in the last bit from one platform to the next, and one microsecond of
difference would make two runs of the same seed part ways.
"""

from __future__ import annotations

import math

_SQRT_HALF = 0.7071067811865476
_LN2_HIGH = 0.6931471803691238  # 33 significant bits: exact when multiplied by an exponent
_LN2_LOW = 1.9082149292705877e-10


def ln(x: float) -> float:
    """The natural logarithm of `x` > 0, within 3 units in the last place (series of atanh)."""
    mantissa, exponent = math.frexp(x)
    if mantissa < _SQRT_HALF:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    total = 0.0
    for denominator in range(21, 0, -2):
        total = total * square + 1.0 / denominator
    return exponent * _LN2_HIGH + (2.0 * s * total + exponent * _LN2_LOW)


def exp(x: float) -> float:
    """e to the power `x`, for |x| ≤ 700, within 2 units in the last place (Taylor after range reduction)."""
    n = round(x / (_LN2_HIGH + _LN2_LOW))
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    total = 1.0
    for k in range(18, 0, -1):
        total = 1.0 + total * r / k
    return math.ldexp(total, n)


def normal_quantile(p: float) -> float:
    """The standard normal quantile of 0 < `p` < 1, within 1.2e-9 of its size (P. J. Acklam, 2003)."""
    if p > 0.5:
        return -normal_quantile(1.0 - p)
    if p < 0.02425:
        q = math.sqrt(-2.0 * ln(p))
        return (
            ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838) * q - 2.549732539343734)
             * q + 4.374664141464968) * q + 2.938163982698783
        ) / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q + 3.754408661907416)
             * q + 1.0)  # fmt: skip
    q = p - 0.5
    r = q * q
    return (
        (((((-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02) * r
           + 1.383577518672690e02) * r - 3.066479806614716e01) * r + 2.506628277459239) * q
    ) / (((((-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02) * r
           + 6.680131188771972e01) * r - 1.328068155288572e01) * r + 1.0)  # fmt: skip
