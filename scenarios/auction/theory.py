"""What the published models say of single items: n bidders, values independent and uniform on [0, 1].

W. Vickrey, Counterspeculation, auctions, and competitive sealed tenders, J. Finance 16, 1961: with second price, with
an open auction, and with first price and equilibrium bids the seller gets the same on average (revenue equivalence),
but not with the same spread. Procurement with costs uniform on [0, 1] mirrors it: one minus each.
"""

from __future__ import annotations

import math


def second_highest(n: int) -> tuple[float, float]:
    """Mean and standard deviation of the second highest of `n` values; 0 for a single one."""
    return (n - 1) / (n + 1), math.sqrt(2 * (n - 1) / ((n + 1) ** 2 * (n + 2)))


def highest(n: int) -> tuple[float, float]:
    """Mean and standard deviation of the highest of `n` values."""
    return n / (n + 1), math.sqrt(n / ((n + 1) ** 2 * (n + 2)))


def payment(n: int, rule: str, bids: str, shade: float, *, rising: bool) -> tuple[float, float] | None:
    """Mean and standard deviation of the payment; None where no closed form is known here (bids that are learned, and
    margins in procurement, which the reserve price cuts off). An open auction ends up to one step of its clock
    above."""
    if bids == "adaptive" or (bids == "shaded" and not rising):
        return None
    mean, sd = second_highest(n) if rule != "first-price" else highest(n)
    factor = 1.0 - shade if bids == "shaded" else 1.0
    if bids == "equilibrium" and rule == "first-price":
        factor = (n - 1) / n
    mean, sd = factor * mean, factor * sd
    return (mean if rising else 1.0 - mean), sd


def messages(called: int, bids: float) -> float:
    """Messages for one task in the Contract Net, with `bids` of those that were called bidding: n calls and n
    answers, an award, the rejections, a result (Smith 1980)."""
    return 2 * called + bids + 1
