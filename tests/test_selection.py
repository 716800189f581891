"""Who a selector means: names, roles, globs, and samples drawn from the seed."""

from __future__ import annotations

from random import Random

import pytest

from engine.commands import Item, Selector
from engine.errors import CommandError
from engine.grammar import parse_selector
from engine.selection import resolve

NAMES = {"miner-1": 0, "miner-2": 1, "miner-3": 2, "client-1": 3, "client-2": 5, "user": 6}
ROLES = {
    "miner-1": "miner",
    "miner-2": "miner",
    "miner-3": "miner",
    "client-1": "user",
    "client-2": "user",
    "user": "admin",
}


def chosen(text: str, seed: int = 1) -> list[int]:
    return resolve(parse_selector(text), NAMES, ROLES, Random(seed))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("miner-2", [1]),
        ("client-2,miner-1", [0, 5]),
        ("miner", [0, 1, 2]),
        ("*", [0, 1, 2, 3, 5, 6]),
        ("*-1", [0, 3]),
        ("miner-?", [0, 1, 2]),
        ("miner-[23]", [1, 2]),
        ("miner-1,miner,miner-*", [0, 1, 2]),
        ("100%", [0, 1, 2, 3, 5, 6]),
        ("3 of miner", [0, 1, 2]),
        ("0%", []),
        ('"miner-2"', [1]),
    ],
)
def test_names_roles_and_globs_give_ascending_unique_ids(text: str, ids: list[int]) -> None:
    assert chosen(text) == ids


def test_an_agents_name_goes_before_a_role_of_the_same_name() -> None:
    assert chosen("user") == [6]


def test_globs_tell_upper_from_lower_case() -> None:
    with pytest.raises(CommandError):
        chosen("MINER-*")


def test_a_count_and_a_share_draw_from_what_they_name() -> None:
    for seed in range(20):
        assert len(chosen("2", seed)) == 2
        assert len(chosen("2 of miner", seed)) == 2
        assert set(chosen("2 of miner", seed)) < {0, 1, 2}
        assert set(chosen("50% of client-*", seed)) < {3, 5}


def test_the_draw_follows_the_stream() -> None:
    draws = [chosen("3", seed) for seed in range(30)]
    assert draws == [chosen("3", seed) for seed in range(30)]
    assert len({tuple(draw) for draw in draws}) > 5


@pytest.mark.parametrize(
    ("share", "drawn"),
    [("25%", 2), ("24.9999%", 1), ("8.3333%", 1), ("0.0001%", 1), ("41.6666%", 2), ("41.6667%", 3)],
)
def test_a_share_rounds_half_up_but_never_to_nobody(share: str, drawn: int) -> None:
    assert len(chosen(share)) == drawn  # of six


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("miner-11", "no agent or role matches 'miner-11'; did you mean 'miner-1'?"),
        ("minr", "no agent or role matches 'minr'; did you mean 'miner'?"),
        ("zzz", "no agent or role matches 'zzz'; the agents are miner-1 to user"),
        ("2 of x-*", "no agent or role matches 'x-*'; the agents are miner-1 to user"),
        ("7", "7 agents were asked for, but there are only 6"),
        ("4 of miner", "4 agents were asked for, but there are only 3 that match 'miner'"),
    ],
)
def test_what_matches_nothing_or_too_few_is_said_in_a_sentence(text: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        chosen(text)
    assert str(caught.value) == message


def test_without_agents_every_selector_is_an_error() -> None:
    with pytest.raises(CommandError, match="there are no agents"):
        resolve(Selector((Item(),)), {}, {}, Random(1))
