"""Who wins, and at what price: the sealed rules, on plain numbers."""

from __future__ import annotations

from collections.abc import Mapping


def clear(
    amounts: Mapping[int, float], trust: Mapping[int, float], rule: str, reserve: float, *, rising: bool
) -> tuple[int, float]:
    """(winner, price) of a sealed auction with at least one bid.

    A bid counts as much worse as its bidder is trusted less (1 is full trust). With equal bids the lower id wins. By
    the second price the winner gets (pays) what would just have let it win: with trust alike, the best bid of the
    others; without any, the reserve price.
    """
    scores = [(_score(amount, trust.get(bidder, 1.0), rising), bidder) for bidder, amount in amounts.items()]
    scores.sort()
    winner = scores[0][1]
    if rule != "second-price":
        return winner, amounts[winner]
    if len(scores) == 1:
        return winner, reserve
    second = scores[1][0]
    own = trust.get(winner, 1.0)
    if rising:
        return winner, max(reserve, -second / own)
    return winner, min(reserve, second * own)


def _score(amount: float, trust: float, rising: bool) -> float:
    """Lower is better."""
    return -amount * trust if rising else amount / trust
