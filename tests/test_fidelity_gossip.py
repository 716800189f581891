"""Gossip agrees with the published figures: rounds until all know, the tables of Demers et al., the SI epidemic."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from swarmscope import simulate
from tests.fidelity import Row, agree, deviation, mean

SOURCE = "Frieze & Grimmett 1985; Pittel 1987; Karp et al. 2000"
DEMERS = "Demers et al. 1987 (CSL-89-1)"

ROUNDS = {"push": ("18.04", "1.32", 200), "pull": ("13.77", "1.34", 120), "push-pull": ("9.15", "0.50", 120)}

# Demers et al. 1987, report CSL-89-1, n = 1000: k, residue, traffic, last cycle, trials.
FEEDBACK_COUNTER_PUSH = [
    (1, ".18", "1.7", "16.8", 200),
    (2, ".037", "3.3", "16.9", 80),
    (3, ".011", "4.5", "17.4", 120),
    (4, ".0036", "5.6", "17.5", 50),
    (5, ".0012", "6.7", "17.7", 50),
]
BLIND_COIN_PUSH = [
    (1, ".96", ".04", "38", 240),
    (2, ".20", "1.6", "33", 80),
    (3, ".060", "2.8", "32", 120),
    (4, ".021", "3.9", "32", 50),
]
FEEDBACK_COUNTER_PULL = [
    (1, ".031", "2.7", "17.6", 40),
    (2, "5.8e-4", "4.5", "15.4", 40),
    (3, "4.0e-6", "6.1", "14.0", 50),
]


def runs(figures: tuple[str, ...], trials: int, **params: Any) -> list[tuple[float, ...]]:
    """The named metrics of one run for each seed, as columns."""
    results = [simulate("gossip", params=params, seed=seed).metrics() for seed in range(trials)]
    return [tuple([result[figure] for result in results]) for figure in figures]


# --- rounds until all know ------------------------------------------------------------------------


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def occupied(balls: int, bins: int, chance: float) -> list[float]:
    """How many of `bins` are hit when each ball hits each of them with `chance`: ball by ball."""
    hit = [1.0] + [0.0] * bins
    for _ in range(balls):
        hit = [
            hit[k] * (1 - (bins - k) * chance) + (hit[k - 1] * (bins - k + 1) * chance if k else 0.0)
            for k in range(bins + 1)
        ]
    return hit


def pushed(n: int, informed: int) -> list[float]:
    return occupied(informed, n - informed, 1 / (n - 1))


def pulled(n: int, informed: int) -> list[float]:
    return binomial(n - informed, informed / (n - 1))


def pushed_and_pulled(n: int, informed: int) -> list[float]:
    """Whom no push hit may still have asked somebody who knows: the two are independent."""
    new = [0.0] * (n - informed + 1)
    for hit, chance in enumerate(pushed(n, informed)):
        if chance > 1e-15:
            for more, share in enumerate(binomial(n - informed - hit, informed / (n - 1))):
                new[hit + more] += chance * share
    return new


STEPS: dict[str, Callable[[int, int], list[float]]] = {
    "push": pushed,
    "pull": pulled,
    "push-pull": pushed_and_pulled,
}


@cache
def exact_rounds(n: int, mode: str) -> tuple[float, float]:
    """Mean and standard deviation of the rounds until all know: the Markov chain of how many do, solved backwards."""
    first, second = {n: 0.0}, {n: 0.0}  # the moments of what is left to go
    for informed in range(n - 1, 0, -1):
        stay, *new = STEPS[mode](n, informed)
        going = [(chance, informed + more) for more, chance in enumerate(new, 1)]
        moves = 1 - stay
        first[informed] = (1 + sum(chance * first[to] for chance, to in going)) / moves
        # With T = 1 + T', E[T²] = 1 + 2 E[T'] + E[T'²].
        after = first[informed] - 1
        second[informed] = (1 + 2 * after + sum(chance * second[to] for chance, to in going)) / moves
    return first[1], math.sqrt(second[1] - first[1] ** 2)


def rounds(mode: str, n: int, trials: int, expected: Any, sd: Any) -> list[Row]:
    [samples] = runs(("rounds_to_all",), trials, agents=n, mode=mode, timing="rounds")
    return [mean("rounds until all know", samples, expected), deviation("… standard deviation", samples, sd)]


@pytest.mark.fidelity
@pytest.mark.parametrize("mode", ROUNDS)
def test_rounds_until_all_know_are_the_published_ones(request: pytest.FixtureRequest, mode: str) -> None:
    expected, sd, trials = ROUNDS[mode]
    agree(request, f"in rounds, n=1000, {mode}", rounds(mode, 1000, trials, expected, sd))


@pytest.mark.fidelity
@pytest.mark.parametrize(("n", "trials"), [(7, 2000), (120, 400)])
@pytest.mark.parametrize("mode", STEPS)
def test_rounds_until_all_know_are_those_of_the_exact_chain(
    request: pytest.FixtureRequest, mode: str, n: int, trials: int
) -> None:
    agree(request, f"in rounds, n={n}, {mode}", rounds(mode, n, trials, *exact_rounds(n, mode)))


@pytest.mark.parametrize("mode", STEPS)
def test_rounds_until_all_know_are_about_right(request: pytest.FixtureRequest, mode: str) -> None:
    agree(request, f"in rounds, n=40, {mode}", rounds(mode, 40, 60, *exact_rounds(40, mode)))


@pytest.mark.parametrize("mode", STEPS)
def test_two_agents_need_exactly_one_round(mode: str) -> None:
    assert runs(("rounds_to_all",), 5, agents=2, mode=mode, timing="rounds") == [(1, 1, 1, 1, 1)]
    assert exact_rounds(2, mode) == (1, 0)


# --- rumour mongering -----------------------------------------------------------------------------


def rumour(trials: int, k: int, **params: Any) -> list[tuple[float, ...]]:
    figures = ("residue", "updates_per_agent", "last_informed_cycle")
    return runs(figures, trials, agents=1000, protocol="rumour", timing="rounds", k=k, **params)


def demers(row: tuple[int, str, str, str, int], **params: Any) -> list[Row]:
    k, residue, traffic, last, trials = row
    left_out, updates, cycles = rumour(trials, k, **params)
    # So few are left out that their number is Poisson, with a variance of its mean.
    poisson = math.sqrt(float(residue) / 1000)
    return [
        mean("residue", left_out, residue, least_sd=poisson),
        mean("updates per agent", updates, traffic),
        mean("last cycle", cycles, last),
    ]


def of_k(row: tuple[int, str, str, str, int]) -> str:
    return f"k{row[0]}"


@pytest.mark.fidelity
@pytest.mark.parametrize("row", FEEDBACK_COUNTER_PUSH, ids=of_k)
def test_table_1_push_with_feedback_and_counter(request: pytest.FixtureRequest, row: Any) -> None:
    agree(
        request, f"table 1, push, k={row[0]}", demers(row, mode="push", feedback=True, removal="counter"), source=DEMERS
    )


@pytest.mark.fidelity
@pytest.mark.parametrize("row", BLIND_COIN_PUSH, ids=of_k)
def test_table_2_push_blind_with_coin(request: pytest.FixtureRequest, row: Any) -> None:
    agree(
        request, f"table 2, push, k={row[0]}", demers(row, mode="push", feedback=False, removal="coin"), source=DEMERS
    )


@pytest.mark.fidelity
@pytest.mark.parametrize("row", FEEDBACK_COUNTER_PULL, ids=of_k)
def test_table_3_pull_with_feedback_and_counter(request: pytest.FixtureRequest, row: Any) -> None:
    agree(
        request, f"table 3, pull, k={row[0]}", demers(row, mode="pull", feedback=True, removal="counter"), source=DEMERS
    )


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize(("feedback", "removal"), [(True, "counter"), (True, "coin"), (False, "counter")])
def test_residue_of_a_pushed_rumour_is_e_to_minus_the_traffic(feedback: bool, removal: str, k: int) -> None:
    left_out, updates, _ = rumour(4, k, mode="push", feedback=feedback, removal=removal)
    for residue, traffic in zip(left_out, updates, strict=True):
        expected = math.exp(-traffic)
        assert residue == pytest.approx(expected, abs=4 * math.sqrt(expected / 1000) + 0.002)


# --- continuous time ------------------------------------------------------------------------------


def epidemic(n: int, trials: int, mode: str, **params: Any) -> tuple[list[float], float]:
    """Times until all know, and the mean of the pure birth chain: each of i that know informs one of the n − i others
    at rate (n − i)/(n − 1), by calling or being called."""
    [samples] = runs(("time_to_all",), trials, agents=n, mode=mode, timing="poisson", latency=0, **params)
    ways = 2 if mode == "push-pull" else 1
    return list(samples), 2 * (n - 1) / n * math.fsum(1 / i for i in range(1, n)) / ways


def spread_of(n: int, ways: int) -> float:
    """The standard deviation of the same sum of exponential times."""
    return math.sqrt(math.fsum(((n - 1) / (i * (n - i))) ** 2 for i in range(1, n))) / ways


@pytest.mark.fidelity
def test_continuous_time_until_all_know_is_the_published_one(request: pytest.FixtureRequest) -> None:
    samples, formula = epidemic(1000, 160, "push")
    assert formula == pytest.approx(14.95, abs=0.01)
    agree(
        request,
        "Poisson times, n=1000, push",
        [mean("time until all know", samples, formula), deviation("… standard deviation", samples, "1.82")],
    )


@pytest.mark.fidelity
@pytest.mark.parametrize(("n", "trials"), [(2, 3000), (50, 800)])
@pytest.mark.parametrize("mode", STEPS)
def test_continuous_time_until_all_know_is_that_of_the_formula(
    request: pytest.FixtureRequest, mode: str, n: int, trials: int
) -> None:
    samples, formula = epidemic(n, trials, mode)
    sd = spread_of(n, 2 if mode == "push-pull" else 1)
    agree(
        request,
        f"Poisson times, n={n}, {mode}",
        [mean("time until all know", samples, formula), deviation("… standard deviation", samples, sd)],
    )


@pytest.mark.fidelity
def test_half_the_interval_is_half_the_time(request: pytest.FixtureRequest) -> None:
    samples, formula = epidemic(30, 600, "pull", interval=0.5)
    agree(request, "Poisson times, n=30, every .5s", [mean("time until all know", samples, formula / 2)])
