"""PBFT's grid of replicas by phases: exact lines for small grids, and that any grid fits any size."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from engine.views import Health, PhaseCell, PhaseGrid, PhaseRow, Tone
from widgets import phases
from widgets.text import Line, line_cells

PHASES = ("pre", "prep", "comm", "exec")


def reached(votes: int, need: int = 3) -> tuple[PhaseCell | None, ...]:
    """The cells of a replica that has seen so many votes of a request: prepares first, then commits."""
    if votes < 0:
        return (None,) * 4
    commits = max(0, min(need, votes - need))
    return (
        PhaseCell(1, 1),
        PhaseCell(min(need, votes), need),
        PhaseCell(commits, need),
        PhaseCell(int(commits == need), 1),
    )


def row(number: int, *votes: int, health: Health = Health.UP, note: str = "", need: int = 3) -> PhaseRow:
    """A replica; the first is the primary."""
    cells = tuple(reached(had, need) for had in votes)
    return PhaseRow(number, f"r{number}", health, number == 0, note, cells)


def grid(*rows: PhaseRow, banner: str = "", tone: Tone = "warn") -> PhaseGrid:
    """A grid with as many requests as the first row has."""
    heads = tuple(f"seq {7 + at}" for at in range(len(rows[0].cells) if rows else 0))
    return PhaseGrid("view 0", PHASES, heads, rows, banner, tone)


FOUR = grid(row(0, 6, 2), row(1, 4, 0), row(2, 6, -1), row(3, -1, -1, health=Health.CRASHED))
LEGEND = "● vote  ○ still needed  ✓ done  · nothing heard"


def many(replicas: int, requests: int = 3) -> PhaseGrid:
    """More replicas than can be shown, each a bit behind the one before."""
    need = 2 * ((replicas - 1) // 3) + 1
    return grid(*(row(at, *(3 * need - at - need * r for r in range(requests)), need=need) for at in range(replicas)))


def text(lines: list[Line]) -> list[str]:
    """What the lines say."""
    return ["".join(words for words, _ in line).rstrip() for line in lines]


def drawn(part: PhaseGrid, width: int = 80, height: int = 20) -> list[str]:
    """What a grid says."""
    return text(phases.draw(part, width, height))


def inks(lines: list[Line], words: str) -> set[str]:
    """The inks of the pieces that say this."""
    return {ink for line in lines for piece, ink in line if piece.strip() == words}


def test_each_replica_has_its_votes_for_each_phase_of_each_request() -> None:
    assert drawn(FOUR) == [
        f"view 0   {LEGEND}  ♛ primary",
        "      seq 7              │ seq 8",
        "      pre prep comm exec │ pre prep comm exec",
        "r0 ♛  ●   ●●●  ●●●  ✓    │ ●   ●●○  ○○○  ○",
        "r1    ●   ●●●  ●○○  ○    │ ●   ○○○  ○○○  ○",
        "r2    ●   ●●●  ●●●  ✓    │ ·   ·    ·    ·",
        "r3 ✕  ·   ·    ·    ·    │ ·   ·    ·    ·",
    ]


def test_replicas_have_their_own_colour_and_health_is_a_glyph() -> None:
    lines = phases.draw(FOUR, 80, 20)
    assert inks(lines, "r2") == {"@2"}
    assert inks(lines, "♛") == {"warn"}
    assert inks(lines, "✕") == {"bad"}
    assert inks(lines, "●●●") == {"good"}
    assert inks(lines, "●●") == {"plain"}


def test_votes_for_a_large_quorum_are_told_in_figures() -> None:
    lines = drawn(grid(row(0, 12, need=67), row(1, 100, need=67), row(2, 134, need=67)))
    assert lines[3:] == [
        "r0 ♛ ●   12/67 0/67  ○",
        "r1   ●   67✓   33/67 ○",
        "r2   ●   67✓   67✓   ✓",
    ]


def test_wrong_votes_are_marked() -> None:
    cells = ((PhaseCell(1, 1), PhaseCell(1, 3, wrong=1), PhaseCell(2, 3, wrong=12), PhaseCell(0, 1, wrong=1)),)
    part = PhaseGrid("", PHASES, ("seq 7",), (PhaseRow(0, "r0", Health.BYZANTINE, False, "", cells),))
    lines = phases.draw(part, 80, 20)
    assert "✗ wrong vote" in text(lines)[0]
    assert text(lines)[3] == "r0 ☠ ●   ●○○✗ ●●○✗12 ○✗"
    assert inks(lines, "✗12") == {"bad"}


def test_nothing_moves_while_votes_come() -> None:
    heads = {tuple(drawn(many_at(votes))[1:3]) for votes in range(0, 140, 7)}
    assert len(heads) == 1


def many_at(votes: int) -> PhaseGrid:
    """One replica with so many votes of 67."""
    return grid(row(0, votes, need=67))


def test_a_view_change_is_told_above_all() -> None:
    part = grid(row(0, 6, note="view 0"), row(1, 6, note="view 1"), banner="view 0 → 1: 2 of 3 votes")
    lines = drawn(part)
    assert lines[0] == "! view 0 → 1: 2 of 3 votes"
    assert lines[4].endswith("✓     view 0")
    assert lines[5].endswith("✓     view 1")
    assert drawn(part, 30, 2)[0] == "! view 0 → 1: 2 of 3 votes"
    assert phases.draw(part, 80, 20)[0][0][1] == "warn!"


def test_the_newest_requests_are_at_the_right_and_older_ones_are_counted() -> None:
    rows = tuple(row(at, *range(9)) for at in range(4))
    lines = drawn(grid(*rows), 60, 10)
    assert lines[-6].split() == ["⋯7", "seq", "14", "│", "seq", "15"]
    assert phases.items(grid(*rows), 60, 10)[0].key == "seq 14"


def test_thirty_columns_and_five_lines_show_four_replicas() -> None:
    part = grid(*(row(at, 2, 1, 4, note="view 1") for at in range(4)))
    assert drawn(part, 30, 5) == [
        "⋯2   seq 9",
        "r0 ♛ ● ●●● ●○○ ○  view 1",
        "r1   ● ●●● ●○○ ○  view 1",
        "r2   ● ●●● ●○○ ○  view 1",
        "r3   ● ●●● ●○○ ○  view 1",
    ]


def test_where_votes_have_no_room_shades_stand_for_them() -> None:
    part = grid(*(row(at, 201 + 60 * at, need=201, note="waits for a new view") for at in range(5)))
    lines = drawn(part, 30, 12)
    assert lines[-5:] == [
        "r0 ♛ ✓ ✓ ○ ○  waits for a new…",
        "r1   ✓ ✓ ░ ○  waits for a new…",
        "r2   ✓ ✓ ▒ ○  waits for a new…",
        "r3   ✓ ✓ ▓ ○  waits for a new…",
        "r4   ✓ ✓ ✓ ✓  waits for a new…",
    ]
    assert "·░▒▓█ none to all votes" in lines[1]


def test_many_replicas_are_counted_below_the_first_ones() -> None:
    lines = drawn(many(301), 120, 12)
    assert [line.split()[0] for line in lines[3:-2]] == [f"r{at}" for at in range(7)]
    assert lines[-2].startswith("⋯ 294 more 294 294")
    assert lines[-2].endswith("have finished the phase")
    assert lines[-1].strip() == "● all of these are up"


def test_a_count_is_that_of_the_replicas_that_have_finished_the_phase() -> None:
    rows = [row(at, 3 if at % 2 else 1) for at in range(40)]
    lines = drawn(grid(*rows), 80, 12)
    shown = len([line for line in lines if re.match(r"r\d", line)])
    assert lines[-2].split()[:7] == ["⋯", str(40 - shown), "more", str(40 - shown), str((41 - shown) // 2), "0", "0"]


def test_the_primary_and_what_is_wrong_are_not_folded_away() -> None:
    rows = [row(at, 3) for at in range(1, 40)]
    rows[20] = row(21, -1, health=Health.CRASHED)
    rows.append(PhaseRow(40, "r40", Health.UP, True, "view 40", (reached(3),)))
    lines = drawn(grid(*rows), 80, 12)
    assert [line.split()[0] for line in lines[3:-2]] == ["r1", "r2", "r3", "r4", "r5", "r21", "r40"]
    ill = [row(at, -1, health=Health.CRASHED if at % 2 else Health.BYZANTINE) for at in range(40)]
    assert re.search(r"✕ \d+ crashed ☠ \d+ byzantine", drawn(grid(*ill), 80, 12)[-1])


def test_a_request_can_be_clicked_in_all_its_lines() -> None:
    items = phases.items(FOUR, 80, 20)
    assert {item.y for item in items if item.key == "seq 8"} == set(range(1, 7))
    assert {(item.x, item.width) for item in items if item.key == "seq 7"} == {(6, 18)}
    assert {(item.x, item.width) for item in items if item.key == "seq 8"} == {(27, 18)}


def test_grids_without_replicas_or_requests_or_phases_say_what_there_is() -> None:
    assert drawn(PhaseGrid("PBFT", PHASES, (), ())) == ["PBFT", "no replica yet"]
    assert drawn(PhaseGrid("PBFT", PHASES, (), FOUR.rows), 30, 10) == ["PBFT", "r0 ♛", "r1", "r2", "r3 ✕"]
    assert drawn(PhaseGrid("", (), ("seq 7",), FOUR.rows))[-1] == "r3 ✕"
    short = PhaseGrid("", PHASES, ("seq 7", "seq 8"), (PhaseRow(0, "r0", Health.UP, False, "", ((PhaseCell(1, 1),),)),))
    assert drawn(short)[-1].split() == ["r0", "●", "·", "·", "·", "│", "·", "·", "·", "·"]


def test_the_natural_width_shows_everything() -> None:
    part = grid(*(row(at, *range(9), note="waits for a new view") for at in range(4)), banner="a view change")
    width = phases.natural_width(part, 12)
    lines = drawn(part, width, 12)
    assert not any("⋯" in line or "…" in line for line in lines)
    assert "♛ primary" in lines[1]
    assert phases.natural_width(PhaseGrid("", (), (), ()), 3) >= phases.LEAST_WIDTH


WORDS = st.text(max_size=16) | st.sampled_from(
    ["seq 124", "prepare", "waits for a new view, 2 of 3", "漢字", "\x1b[1m"]
)
CELLS = st.none() | st.builds(PhaseCell, st.integers(-1, 300), st.integers(-1, 300), st.integers(-1, 20))
ROWS = st.builds(
    PhaseRow,
    st.integers(-1, 400),
    WORDS,
    st.sampled_from(Health),
    st.booleans(),
    WORDS,
    st.lists(st.lists(CELLS, max_size=5).map(tuple), max_size=6).map(tuple),
    st.sampled_from(["plain", "good", "bad", "warn", "accent", "dim"]),
)
GRIDS = st.builds(
    PhaseGrid,
    WORDS,
    st.lists(WORDS, max_size=5).map(tuple),
    st.lists(WORDS, max_size=8).map(tuple),
    st.lists(ROWS, max_size=20).map(tuple),
    WORDS,
    st.sampled_from(["plain", "good", "bad", "warn", "accent", "dim"]),
)
SIZES = {"width": st.integers(-1, 200), "height": st.integers(-1, 45)}


def fits(part: PhaseGrid, width: int, height: int) -> None:
    """Neither too many lines nor too wide ones, and what can be selected lies on them."""
    lines = phases.draw(part, width, height)
    assert len(lines) <= max(0, height)
    assert all(line_cells(line) <= width for line in lines)
    for item in phases.items(part, width, height):
        assert 0 <= item.y < len(lines)
        assert 0 <= item.x < item.x + item.width <= width
    assert phases.natural_width(part, height) >= phases.LEAST_WIDTH


@given(part=GRIDS, **SIZES)
def test_any_grid_fits_any_size(part: PhaseGrid, width: int, height: int) -> None:
    fits(part, width, height)


@given(replicas=st.integers(4, 301), requests=st.integers(1, 20), **SIZES)
def test_any_number_of_replicas_and_requests_fits_any_size(
    replicas: int, requests: int, width: int, height: int
) -> None:
    part = many(replicas, requests)
    fits(part, width, height)
    if width >= 30 and height >= 5:
        lines = drawn(part, width, height)
        shown = sum(bool(re.match(r"r\d+ ", line + " ")) for line in lines)
        left = [int(found[1]) for line in lines if (found := re.match(r"⋯ ?(\d+)( more|(?!.*seq))", line))]
        assert shown + sum(left) == replicas
        keys = {item.key for item in phases.items(part, width, height)}
        heads = next(line for line in lines if "seq" in line or re.match(r"(⋯\d+)? +\d+", line))
        older = re.match(r"⋯ ?(\d+)", heads)
        assert len(keys) + (int(older[1]) if older else 0) == requests
