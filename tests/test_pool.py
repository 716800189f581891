"""The pool of workers: exact lines for small pools, and that any pool fits any size."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.views import Health, Pool, PoolWorker
from widgets import pool
from widgets.text import Line, line_cells

WORKERS = (
    PoolWorker(1, "w-1", Health.UP, 0.6, "3 tasks", 0.4),
    PoolWorker(2, "w-2", Health.UP, 1.0, "5 tasks", 0.2),
    PoolWorker(3, "w-3", Health.SLOW, 1.0, "5 tasks", 8.1, True),
    PoolWorker(4, "w-4", Health.STARTING, 0.0, "starts in 1.2s"),
    PoolWorker(5, "w-5", Health.DRAINING, 0.3, "2 left", 0.1),
    PoolWorker(6, "w-6", Health.CRASHED, 0.0, "", 12.1, True),
)
SMALL = Pool("Scaling", WORKERS, 31, 40, 6, 7)


def many(workers: int, teams: int = 0) -> Pool:
    """Workers of which every seventh has crashed."""
    made = []
    for at in range(workers):
        health = Health.CRASHED if at % 7 == 6 else Health.UP
        team = f"team {at * teams // workers}" if teams else ""
        made.append(PoolWorker(at, f"w-{at}", health, (at % 5) / 4, f"{at % 5} tasks", 0.5, group=team))
    return Pool("Scaling", tuple(made), 3, 10, workers, workers)


def text(lines: list[Line]) -> list[str]:
    """What the lines say."""
    return ["".join(words for words, _ in line).rstrip() for line in lines]


def drawn(part: Pool, width: int = 80, height: int = 12) -> list[str]:
    """What a pool says."""
    return text(pool.draw(part, width, height))


def inks(lines: list[Line], words: str) -> set[str]:
    """The inks of the pieces that say this."""
    return {ink for line in lines for piece, ink in line if piece.strip() == words}


def test_a_pool_is_its_size_its_queue_and_a_tile_for_each_worker() -> None:
    assert drawn(SMALL, 90) == [
        "Scaling   wanted 7 ┈┈ pool 6 (1 short)   queue ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▁▁▁▁ 31",
        "● 2 up  ◐ 1 slow  ✕ 1 crashed  ◌ 1 starting  ▽ 1 draining  ? 2 suspected  φ suspicion",
        "w-1 ●  ▓▓▓▓▓░░░ 3 tasks  φ 0.4    w-2 ●  ▓▓▓▓▓▓▓▓ 5 tasks  φ 0.2",
        "w-3 ◐? ▓▓▓▓▓▓▓▓ 5 tasks  φ 8.1    w-4 ◌  starts in 1.2s",
        "w-5 ▽  ▓▓░░░░░░ 2 left   φ 0.1    w-6 ✕? crashed           φ 12.1",
    ]


def test_workers_have_their_own_colour_and_their_health_is_a_glyph() -> None:
    lines = pool.draw(SMALL, 100, 12)
    assert inks(lines, "w-3") == {"@3"}
    assert inks(lines, "▓▓▓▓▓") == {"@1"}
    assert inks(lines, "✕") == {"bad"}
    assert inks(lines, "?") == {"warn"}
    assert inks(lines, "φ 8.1") == {"warn"}
    assert inks(lines, "φ 0.4") == {"dim"}


def test_notes_stand_above_the_workers() -> None:
    part = Pool("Scaling", WORKERS, 1, 4, 6, 6, (("sheds low priority: saturated", "warn"), ("calm", "good")))
    assert drawn(part, 100)[2:4] == ["! sheds low priority: saturated", "✓ calm"]
    noisy = Pool("Scaling", WORKERS, 1, 4, 6, 6, (("one", "warn"), ("two", "warn"), ("three", "warn")))
    assert drawn(noisy, 100, 8)[2:4] == ["! one", "⋯ 2 more notes"]


@pytest.mark.parametrize(
    ("queue", "scale", "end"),
    [
        (0, 40, "queue ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0"),
        (1, 40, "queue ▇▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 1"),
        (40, 40, "queue ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 40"),
        (41, 40, "queue ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ ! 41"),
        (0, 0, "queue ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0"),
        (5, 0, "queue ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ ! 5"),
    ],
)
def test_the_queue_is_a_bar_that_warns_when_it_is_over_full(queue: int, scale: int, end: str) -> None:
    assert drawn(Pool("", WORKERS, queue, scale, 6, 6))[0] == f"wanted 6 ┈┈ pool 6   {end}"


def test_the_pool_says_whether_it_is_short_or_over() -> None:
    assert "pool 9 (2 over)" in drawn(Pool("", WORKERS, 0, 1, 9, 7))[0]
    assert inks(pool.draw(Pool("", WORKERS, 0, 1, 9, 7), 80, 9), "9") == {"warn!"}


def test_thirty_columns_and_five_lines_show_every_worker() -> None:
    assert drawn(SMALL, 30, 5) == [
        "pool 6 of 7  queue ▇▇▇▇▇▇▁▁ 31",
        "● 2 up  ◐ 1 slow ⋯",
        "w-1 ●  ▓▓▓░░  w-2 ●  ▓▓▓▓▓",
        "w-3 ◐? ▓▓▓▓▓  w-4 ◌",
        "w-5 ▽  ▓▓░░░  w-6 ✕?",
    ]


def test_teams_are_rows_with_heads() -> None:
    assert drawn(many(20, 3), 64, 12)[2:] == [
        "team 0 6/7  w-0  ● ░░░░░  w-1  ● ▓░░░░  w-2  ● ▓▓░░░",
        "            w-3  ● ▓▓▓▓░  w-4  ● ▓▓▓▓▓  w-5  ● ░░░░░",
        "            w-6  ✕",
        "team 1 6/7  w-7  ● ▓▓░░░  w-8  ● ▓▓▓▓░  w-9  ● ▓▓▓▓▓",
        "            w-10 ● ░░░░░  w-11 ● ▓░░░░  w-12 ● ▓▓░░░",
        "            w-13 ✕",
        "team 2 6/6  w-14 ● ▓▓▓▓▓  w-15 ● ░░░░░  w-16 ● ▓░░░░",
        "            w-17 ● ▓▓░░░  w-18 ● ▓▓▓▓░  w-19 ● ▓▓▓▓▓",
    ]


def test_teams_that_have_no_room_are_shown_as_one() -> None:
    lines = drawn(many(60, 30), 60, 8)
    assert lines[1].startswith("teams mixed  ·░▒▓█ 52 up")
    assert len(pool.items(many(60, 30), 60, 8)) == 60


def test_workers_without_a_team_stand_beside_those_with_one() -> None:
    part = Pool("", (*WORKERS[:1], PoolWorker(9, "w-9", Health.UP, 0.5, group="red")), 0, 1, 2, 2)
    assert [line.split()[0] for line in drawn(part, 80, 6)[2:]] == ["none", "red"]


def test_hundreds_of_workers_have_a_cell_each() -> None:
    lines = drawn(many(200), 80, 12)
    assert lines[1] == "·░▒▓█ 172 up, idle to full  ✕ 28 crashed"
    assert lines[2].startswith("w-0    · ░ ▒ ▓ █ · ✕ ▒")
    assert len(pool.items(many(200), 80, 12)) == 200
    tens = drawn(many(600), 80, 12)
    assert tens[2].startswith("w-0    ·░▒▓█·✕▒▓█ ·░▒✕█·░▒▓█ ")
    assert len(pool.items(many(600), 80, 12)) == 600


def test_a_suspected_worker_is_marked_in_its_cell_too() -> None:
    workers = tuple(PoolWorker(at, f"w-{at}", Health.UP, 0.5, suspected=at == 3) for at in range(200))
    lines = pool.draw(Pool("", workers, 0, 1, 200, 200), 100, 8)
    assert "▒ ▒ ▒ ? ▒" in text(lines)[2]


def test_what_has_no_room_is_counted() -> None:
    assert drawn(many(600), 30, 5)[-1] == "⋯ 540 more"
    assert drawn(many(600), 30, 2)[-1] == "⋯ 600 more"


def test_a_worker_can_be_clicked_where_its_tile_is() -> None:
    items = pool.items(SMALL, 90, 12)
    assert [item.key for item in items] == [worker.name for worker in WORKERS]
    assert items[1][:3] == (2, 34, 31)
    lines = drawn(SMALL, 90, 12)
    assert all(lines[item.y][item.x :].startswith(item.key) for item in items)


def test_a_cell_can_be_clicked_too() -> None:
    for width in (40, 80, 120):
        part = many(600)
        lines = drawn(part, width, 20)
        for item in pool.items(part, width, 20):
            number = int(item.key[2:])
            assert lines[item.y][item.x] == ("✕" if number % 7 == 6 else "·░▒▓█"[number % 5])


def test_an_empty_pool_says_so() -> None:
    part = Pool("Scaling", (), 2, 4, 0, 3)
    assert drawn(part)[1:] == ["no worker yet"]
    assert drawn(part, 30, 5) == ["Scaling   pool 0 of 3  queue 2", "no worker yet"]
    assert pool.items(part, 80, 5) == []


def test_doubt_is_told_in_few_columns() -> None:
    doubts = (0.0, 99.94, 1e9, -1e9, math.inf, math.nan, None)
    workers = tuple(PoolWorker(at, f"w-{at}", Health.UP, 0.5, "", doubt) for at, doubt in enumerate(doubts))
    lines = drawn(Pool("", workers, 0, 1, 7, 7), 40, 12)[-7:]
    assert [line.split("░")[-1].strip() for line in lines] == ["φ 0.0", "φ 99.9", "φ >99", "φ <0", "φ >99", "", ""]


def test_the_natural_width_shows_everything() -> None:
    for part in (SMALL, many(20, 3), many(40)):
        width = pool.natural_width(part, 12)
        assert not any("⋯" in line or "…" in line for line in drawn(part, width, 12))
        assert len(pool.items(part, width, 12)) == len(part.workers)
    assert pool.natural_width(Pool("", (), 0, 0, 0, 0), 3) >= pool.LEAST_WIDTH


WORDS = st.text(max_size=16) | st.sampled_from(["w-1", "starts in 1.2s", "a rather long name", "漢字", "\x1b[1m"])
SHARES = st.floats()
MADE = st.builds(
    PoolWorker,
    st.integers(-1, 700),
    WORDS,
    st.sampled_from(Health),
    SHARES,
    WORDS,
    st.none() | SHARES,
    st.booleans(),
    st.just("") | st.sampled_from(["red", "blue", "a team with a long name", "漢"]),
)
POOLS = st.builds(
    Pool,
    WORDS,
    st.lists(MADE, max_size=30).map(tuple),
    st.integers(-5, 10**12),
    st.integers(-5, 100),
    st.integers(-5, 10**6),
    st.integers(-5, 10**6),
    st.lists(st.tuples(WORDS, st.sampled_from(["plain", "warn"])), max_size=6).map(tuple),
)
SIZES = {"width": st.integers(-1, 200), "height": st.integers(-1, 45)}


def fits(part: Pool, width: int, height: int) -> None:
    """Neither too many lines nor too wide ones, and what can be selected lies on them."""
    lines = pool.draw(part, width, height)
    assert len(lines) <= max(0, height)
    assert all(line_cells(line) <= width for line in lines)
    for item in pool.items(part, width, height):
        assert 0 <= item.y < len(lines)
        assert 0 <= item.x < item.x + item.width <= width
    assert pool.natural_width(part, height) >= pool.LEAST_WIDTH


@given(part=POOLS, **SIZES)
def test_any_pool_fits_any_size(part: Pool, width: int, height: int) -> None:
    fits(part, width, height)


@given(workers=st.integers(1, 600), teams=st.integers(0, 12), **SIZES)
def test_any_number_of_workers_fits_any_size(workers: int, teams: int, width: int, height: int) -> None:
    part = many(workers, teams)
    fits(part, width, height)
    if width >= 30 and height >= 3:
        left = re.match(r"⋯ ([\d,]+) more$", drawn(part, width, height)[-1])
        counted = int(left[1].replace(",", "")) if left else 0
        assert len(pool.items(part, width, height)) + counted == workers
