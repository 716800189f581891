"""The auction's board: exact lines for small boards, and that any board fits any size."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.views import Bid, Board, BoardTask
from widgets import board
from widgets.board import bar
from widgets.text import Line, line_cells

OPEN = BoardTask(
    id="task-31",
    about="weld, size 4",
    state="bidding",
    bids=(
        Bid(2, "c-2", "best", 6.2),
        Bid(5, "c-5", "open", 8.0),
        Bid(4, "c-4", "late", 7.0, "after the deadline"),
        Bid(1, "c-1", "refused", text="cannot weld"),
        Bid(7, "c-7", "refused", text="cannot weld"),
        Bid(8, "c-8", "refused", text="busy"),
    ),
    tone="accent",
    note="closes in 0.4s",
)
AWARDED = BoardTask(
    id="task-32",
    about="paint, size 2",
    state="awarded",
    bids=(Bid(3, "c-3", "won", 3), Bid(9, "c-9", "lost", 4)),
    winner=3,
    winner_name="c-3",
    progress=0.58,
    lease=0.2,
    lease_text="0.9s",
)


def done(number: int) -> BoardTask:
    """A task that is done."""
    who = number % 9
    bids = (Bid(who, f"c-{who}", "won", 2.5),)
    return BoardTask(f"task-{number}", "drill", "done", bids, "good", who, f"c-{who}", note="in 1.2s")


def text(lines: list[Line]) -> list[str]:
    """What the lines say."""
    return ["".join(words for words, _ in line).rstrip() for line in lines]


def drawn(part: Board, width: int = 60, height: int = 20) -> list[str]:
    """What a board says."""
    return text(board.draw(part, width, height))


def inks(lines: list[Line], words: str) -> set[str]:
    """The inks of the pieces that say this."""
    return {ink for line in lines for piece, ink in line if piece.strip() == words}


def test_a_task_is_a_head_and_a_ladder_of_bids() -> None:
    assert drawn(Board("Tasks", (OPEN,), 1, "s")) == [
        "Tasks   1 open, 0 closed   bids in s: the lowest wins",
        "▸ task-31  bidding  weld, size 4  closes in 0.4s",
        "    c-2 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇     6.2 s  best",
        "    c-5 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 8.0 s",
        "    c-4 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇   7.0 s  late  after the deadline",
        "    c-1 c-7 refuse: cannot weld",
        "    c-8 refuses: busy",
    ]


def test_a_winner_has_a_line_with_its_work_and_its_lease() -> None:
    assert drawn(Board("Tasks", (AWARDED,), 1))[1:] == [
        "· task-32  awarded  paint, size 2",
        "  └ c-3 ▓▓▓▓▓▓▓░░░░░ 58 % ! lease ▇▁▁▁▁▁ 0.9s",
        "    c-3 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇       3  won ✓",
        "    c-9 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 4  lost",
    ]


def test_agents_have_their_own_colour_and_a_lease_that_runs_out_warns() -> None:
    lines = board.draw(Board("Tasks", (OPEN, AWARDED), 2), 80, 20)
    assert inks(lines, "c-2") == {"@2"}
    assert inks(lines, "c-1") == {"@1"}
    assert inks(lines, "0.9s") == {"warn"}
    calm = BoardTask("t", "", "awarded", winner=1, winner_name="c-1", lease=0.31, lease_text="9s")
    lines = board.draw(Board("Tasks", (calm,), 1), 80, 20)
    assert inks(lines, "9s") == {"plain"}
    assert text(lines)[2] == "  └ c-1   lease ▇▇▁▁▁▁ 9s"


def test_a_winner_that_has_not_begun_has_a_line_too() -> None:
    task = BoardTask("t", "weld", "awarded", winner=1)
    assert drawn(Board("Tasks", (task,), 1))[2] == "  └ agent 1 has it"


def test_what_does_not_fit_beside_the_head_stands_below_it() -> None:
    lines = drawn(Board("Tasks", (OPEN,), 1), 40)
    assert lines[1:3] == ["▸ task-31 bidding weld, size 4", "  closes in 0.4s"]


def test_where_the_head_is_too_short_what_a_task_is_about_stands_below_it() -> None:
    task = BoardTask("task-31", "weld, size 4, deadline 12s", "announced", note="no answer so far")
    assert drawn(Board("Tasks", (task,), 1), 30)[1:] == [
        "· task-31 announced",
        "  weld, size 4, deadline 12s",
        "  no answer so far",
    ]


def test_thirty_columns_and_five_lines_say_what_matters_and_what_is_left_out() -> None:
    part = Board("Tasks", (OPEN, AWARDED, *map(done, range(30, 10, -1))), 22)
    assert drawn(part, 30, 5) == [
        "Tasks   2 open, 20 closed",
        "▸ task-31 bidding weld, size 4",
        "· task-32 awarded c-3  58 %  …",
        "✓ task-30 done    drill",
        "⋯ 19 more, all closed",
    ]


def test_closed_tasks_have_a_line_each_behind_the_open_ones() -> None:
    lines = drawn(Board("Tasks", (done(7), AWARDED, done(5)), 40), 60)
    assert lines[0] == "Tasks   1 open, 2 closed, 40 in all   bids: the lowest wins"
    assert lines[1].startswith("· task-32")
    assert lines[-2:] == [
        "✓ task-7   done     drill  c-7 2.5  in 1.2s",
        "✓ task-5   done     drill  c-5 2.5  in 1.2s",
    ]


def test_ladders_are_cut_before_tasks_are_and_the_winning_bid_stays() -> None:
    bids = tuple(Bid(at, f"a-{at}", "won" if at == 9 else "lost", 10 + at) for at in range(20))
    refused = tuple(Bid(at, f"a-{at}", "refused", text="busy") for at in range(20, 23))
    task = BoardTask("t", "weld", "awarded", bids + refused)
    lines = drawn(Board("Tasks", (task,), 1), 60, 6)
    assert [line.split()[0] for line in lines[2:]] == ["a-0", "a-1", "a-9", "⋯"]
    assert lines[-1].strip() == "⋯ 17 more bids, 3 refuse"


def test_a_bid_shares_its_line_with_the_count_where_there_is_only_one() -> None:
    lines = drawn(Board("Tasks", (OPEN,), 1), 60, 3)
    assert lines[2] == "    c-2 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 6.2  best  ⋯ 2 more bids, 3 refuse"


def test_many_who_refuse_are_counted() -> None:
    bids = tuple(Bid(at, f"a-{at}", "refused", text="cannot weld") for at in range(40))
    lines = drawn(Board("Tasks", (BoardTask("t", "weld", "bidding", bids),), 1), 60)

    shown = sum(word.startswith("a-") for word in lines[2].split())
    assert f"⋯ {40 - shown} more refuse: cannot weld" in lines[2]


def test_where_most_tasks_have_a_line_the_first_have_ladders() -> None:
    bids = tuple(Bid(at, f"a-{at}", "best" if not at else "open", 10 + at) for at in range(9))
    part = Board("Lots", tuple(BoardTask(f"t-{at}", "lot", "bidding", bids) for at in range(300)), 1000, rising=True)
    lines = drawn(part, 60, 20)
    assert lines[0] == "Lots   300 open, 0 closed, 1,000 in all"
    assert lines[2].split()[0] == "a-0"
    assert lines[4].strip() == "⋯ 7 more bids"
    assert lines[10] == "· t-3    bidding  lot  best a-0 10  9 bids"
    assert lines[-1] == "⋯ 288 more, all open"


def test_the_rule_of_the_auction_is_told() -> None:
    assert drawn(Board("Lots", (OPEN,), 1, "coins", rising=True))[0].endswith("bids in coins: the highest wins")


def test_tasks_stand_side_by_side_where_that_shows_more() -> None:
    part = Board("Tasks", (OPEN, AWARDED, done(1)), 3)
    assert len(drawn(part, 110, 20)) > len(drawn(part, 110, 7)) == 7
    lines = drawn(part, 110, 7)
    assert "task-31" in lines[1]
    assert "task-32" in lines[1]
    assert not any("⋯" in line for line in lines)
    places = {item.key: (item.x, item.y) for item in reversed(board.items(part, 110, 7))}
    assert places == {"task-31": (0, 1), "task-32": (56, 1), "task-1": (56, 6)}


def test_every_line_of_a_task_can_be_clicked() -> None:
    part = Board("Tasks", (OPEN, AWARDED), 2)
    items = board.items(part, 60, 20)
    assert [item.key for item in items if item.y in (1, 6, 8)] == ["task-31", "task-31", "task-32"]
    assert all(item.x >= 0 and item.x + item.width <= 60 for item in items)


def test_an_empty_board_says_so() -> None:
    assert drawn(Board("Tasks", (), 0)) == ["Tasks   0 open, 0 closed   bids: the lowest wins", "no task yet"]
    assert drawn(Board("Tasks", (), 7))[1] == "⋯ 7 tasks, none of them open"
    assert board.items(Board("Tasks", (), 0), 60, 20) == []


@pytest.mark.parametrize(
    ("bids", "figures"),
    [
        ((1.0, 2.0), ["1", "2"]),
        ((1.5, 2.0), ["1.5", "2.0"]),
        ((1.25, 1234.0), ["1.25", "1,234.00"]),
        ((12345.6, 2.0), ["12,346", "2"]),
        ((1e9, 2.0), ["1e+09", "2"]),
        ((math.nan, math.inf, -math.inf, 0.001), ["?", "∞", "-∞", "0.001"]),
        ((None, 3.0), ["–", "3"]),
    ],
)
def test_amounts_are_told_exactly(bids: tuple[float | None, ...], figures: list[str]) -> None:
    task = BoardTask("t", "", "bidding", tuple(Bid(at, "a", "open", amount) for at, amount in enumerate(bids)))
    assert [line.split()[-1] for line in drawn(Board("", (task,), 1))[2:]] == figures


def test_only_nothing_is_an_empty_bar_and_only_all_a_full_one() -> None:
    assert bar(0.0, 4) == ("", "░░░░")
    assert bar(0.001, 4) == ("▓", "░░░")
    assert bar(0.5, 4) == ("▓▓", "░░")
    assert bar(0.999, 4) == ("▓▓▓", "░")
    assert bar(1.0, 4) == ("▓▓▓▓", "")
    assert bar(math.nan, 2) == bar(None, 2) == ("", "░░")
    assert bar(7.0, -3) == bar(0.5, 0) == ("", "")


def test_the_natural_width_shows_everything() -> None:
    part = Board("Tasks", (OPEN, AWARDED, done(1)), 3, "s")
    for height in (7, 12, 30):
        width = board.natural_width(part, height)
        lines = drawn(part, width, height)
        assert not any("⋯" in line or "…" in line for line in lines)
    assert board.natural_width(part, 7) > board.natural_width(part, 30)
    assert board.natural_width(Board("", (), 0), 5) >= board.LEAST_WIDTH


WORDS = st.text(max_size=20) | st.sampled_from(
    ["weld", "a very long thing to say of a task", "漢字の仕事", "\n\t", "e\u0301"]
)
SHARES = st.none() | st.floats()
BIDS = st.builds(
    Bid,
    st.integers(-2, 300),
    WORDS,
    st.sampled_from(["open", "best", "won", "lost", "refused", "late"]),
    SHARES,
    WORDS,
)
TASKS = st.builds(
    BoardTask,
    WORDS,
    WORDS,
    WORDS | st.sampled_from(["done", "bidding", "awarded", "expired"]),
    st.lists(BIDS, max_size=12).map(tuple),
    st.sampled_from(["plain", "good", "bad", "warn", "accent", "dim"]),
    st.integers(-1, 300),
    WORDS,
    SHARES,
    SHARES,
    WORDS,
    WORDS,
)
BOARDS = st.builds(Board, WORDS, st.lists(TASKS, max_size=30).map(tuple), st.integers(0, 2000), WORDS, st.booleans())


@given(BOARDS, st.integers(-1, 200), st.integers(-1, 45))
def test_any_board_fits_any_size(part: Board, width: int, height: int) -> None:
    lines = board.draw(part, width, height)
    assert len(lines) <= max(0, height)
    assert all(line_cells(line) <= width for line in lines)
    for item in board.items(part, width, height):
        assert 0 <= item.y < len(lines)
        assert 0 <= item.x < item.x + item.width <= width
    assert board.natural_width(part, height) >= 1


@given(st.integers(0, 300), st.integers(0, 300), st.integers(30, 190), st.integers(3, 40))
def test_every_task_is_drawn_or_counted(waiting: int, ended: int, width: int, height: int) -> None:
    tasks = [BoardTask(f"o-{at}", "weld", "bidding", OPEN.bids) for at in range(waiting)]
    tasks += [BoardTask(f"c-{at}", "weld", "done") for at in range(ended)]
    part = Board("Tasks", tuple(tasks), len(tasks))
    keys = {item.key for item in board.items(part, width, height)}
    lines = drawn(part, width, height)
    left = re.search(r"⋯ ([\d,]+) more(, all|:|$)", lines[-1])
    counted = int(left[1].replace(",", "")) if left else 0
    assert len(keys) + counted == waiting + ended
