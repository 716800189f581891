"""The fork view: what stands where, what folds, and what is said of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.views import Block, BlockStatus, Chain, Tip
from tests.chain_factory import chain, line, main, reorganised
from widgets.chain import draw, marks_text, natural_width
from widgets.lanes import arrange, step
from widgets.lens import AT_EASE, Lens
from widgets.text import line_cells


def texts(view: Chain, width: int = 100, height: int = 9, lens: Lens = AT_EASE) -> list[str]:
    return ["".join(text for text, _ in one).rstrip() for one in draw(view, width, height, lens).lines]


def inks(view: Chain, word: str, lens: Lens = AT_EASE) -> set[str]:
    return {ink for one in draw(view, 100, 9, lens).lines for text, ink in one if word in text}


# --- what stands where ----------------------------------------------------------------------------


def test_a_chain_without_forks_is_one_strong_line() -> None:
    assert texts(chain(main(4), tips={"m3": (0, 1, 2)})) == [
        "■ canonical  height 3, no fork",
        " height   0       1       2       3",
        "canonical ■1 m0━━━■1 m1━━━■1 m2━━━■1 m3 ◀ 1–3",
        "", "", "", "", "", "",
    ]  # fmt: skip


def test_a_branch_leaves_below_and_ends_where_its_last_block_is() -> None:
    view = chain(main(5), line("m1", 2, "s2 s3", "stale", 3), tips={"m4": (0, 1), "s3": (3,)})
    shown = texts(view)
    assert shown[2] == "canonical ■1 m0━━━■1 m1━┯━■1 m2━━━■1 m3━━━■1 m4 ◀ 1 2"
    assert shown[3] == "                        │"
    assert shown[4] == "stale                   └─□4 s2───□4 s3 ◀ 4"


def test_several_branches_of_one_block_share_its_stem() -> None:
    view = chain(main(4), line("m1", 2, "a", "stale", 1), line("m1", 2, "b", "stale", 2))
    shown = texts(view)
    assert shown[4].rstrip().endswith("├─□2 a")
    assert shown[5].rstrip().endswith("└─□3 b")


def test_a_branch_may_leave_another_branch() -> None:
    view = chain(main(5), line("m0", 1, "a1 a2", "stale", 1), line("a1", 2, "b2", "stale", 2))
    assert texts(view)[4:6] == [
        "stale           └─□2 a1─┬─□2 a2",
        "stale                   └─□3 b2",
    ]


def test_a_lane_is_used_again_when_its_branch_is_dead() -> None:
    view = chain(main(12), line("m0", 1, "a", "stale"), line("m7", 8, "b", "stale"))
    tree = arrange(view, 100)
    assert [branch.lane for branch in tree.branches] == [0, 1, 1]


def test_branches_at_the_same_time_have_lanes_of_their_own() -> None:
    view = chain(main(6), *(line("m1", 2, f"b{n}", "stale", n) for n in range(10)))
    assert sorted(branch.lane for branch in arrange(view, 100).branches) == list(range(11))


def test_a_branch_that_comes_later_moves_none_of_the_earlier_ones() -> None:
    first = [main(9), line("m1", 2, "a2 a3 a4", "stale", 1), line("m2", 3, "b3", "stale", 2)]
    before = {branch.blocks[0].id: branch.lane for branch in arrange(chain(*first), 100).branches}
    after = arrange(chain(*first, line("m6", 7, "c7 c8", "stale", 3)), 100)
    assert {b.blocks[0].id: b.lane for b in after.branches if b.blocks[0].id in before} == before


def test_a_hidden_branch_is_dotted_and_says_what_its_owner_waits_for() -> None:
    view = chain(main(4), line("m2", 3, "h3 h4", "hidden", 2), tips={"h4": (2,)}, hidden_note="1 ahead")
    shown = texts(view)
    assert shown[4] == "hidden                          └┈▒3 h3┈┈┈▒3 h4 ◀ 3  1 ahead"
    assert inks(view, "▒3 h4") == {"warn"}


@pytest.mark.parametrize(
    ("status", "glyph"), [("canonical", "■"), ("stale", "□"), ("hidden", "▒"), ("invalid", "◇"), ("orphan", "◌")]
)
def test_each_fate_of_a_block_has_a_mark_of_its_own(status: BlockStatus, glyph: str) -> None:
    view = chain(main(3), line("m1", 2, "x", status, 4) if status != "canonical" else [])
    shown = texts(view)
    assert any(glyph in row for row in shown[2:])
    assert glyph in shown[0]


def test_a_block_without_a_known_parent_hangs_on_nothing() -> None:
    view = chain(main(3), line("nobody", 2, "x", "orphan", 4))
    assert not any("└" in row for row in texts(view))


def test_who_lags_behind_is_marked_below_the_block() -> None:
    view = chain(main(4), tips={"m3": (0, 1), "m2": (4,)})
    assert texts(view)[3] == "                          ▲ 5"


def test_who_stands_where_a_hidden_branch_goes_on_is_marked_below() -> None:
    view = chain(main(4), line("m3", 4, "h4 h5", "hidden", 2), tips={"m3": (0, 1), "h5": (2,)})
    shown = texts(view)
    assert shown[3].split() == ["▲", "1", "2", "│"]
    assert "◀ 3" in shown[4]


def test_what_is_final_is_drawn_doubly() -> None:
    shown = texts(chain(main(4), final=2))
    assert shown[2] == "canonical ■1 m0═══■1 m1═══■1 m2━━━■1 m3"
    assert "final, up to 2" in shown[0]


# --- folding and looking --------------------------------------------------------------------------


def test_far_from_the_head_it_folds_where_nothing_happened() -> None:
    shown = texts(chain(main(1000), line("m499", 500, "x", "stale", 1)), 110, 9)
    assert "⋯494⋯" in shown[2]
    assert "999" in shown[1]
    assert "□2 x" in shown[4]


def test_nothing_folds_where_everything_fits() -> None:
    assert "⋯" not in "".join(texts(chain(main(8)), 100))


def test_going_farther_shows_more_and_smaller_blocks() -> None:
    view = chain(main(40))
    counts = [texts(view, 100, 9, Lens(zoom=zoom))[2].count("■") for zoom in (2, 1, 0)]
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] > 30


def test_looking_back_shows_what_came_before() -> None:
    view = chain(main(40), *(line(f"m{h}", h + 1, f"s{h}", "stale", 1) for h in range(1, 38, 2)))
    assert "39" in texts(view)[1]
    back = texts(view, lens=Lens(back=20))
    assert "39" not in back[1]
    assert "20 columns back" in back[0]


def test_a_selected_block_is_in_sight_wherever_it_is() -> None:
    view = chain(main(1000))
    assert "■1 m500" in texts(view, lens=Lens(selected="m500"))[2]
    assert "■1 m498━━━■1 m499" in texts(view, lens=Lens(selected="m500"))[2]
    assert any(item.key == "m500" for item in draw(view, 100, 9, Lens(selected="m500")).items)


def test_arrows_go_to_parents_children_and_rivals() -> None:
    view = chain(main(5), line("m1", 2, "a2 a3", "stale", 1))
    tree = arrange(view, 100)
    assert step(view, tree, "", -1, 0) == "m4"
    assert step(view, tree, "m2", -1, 0) == "m1"
    assert step(view, tree, "m1", 1, 0) == "m2"
    assert step(view, tree, "m2", 0, 1) == "a2"
    assert step(view, tree, "a2", 0, -1) == "m2"
    assert step(view, tree, "a2", -1, 0) == "m1"
    assert step(view, tree, "a3", 1, 0) == "a3"
    assert step(view, tree, "m0", -1, 0) == "m0"
    assert step(chain([]), arrange(chain([]), 9), "", 1, 0) == ""


def test_what_changed_sides_is_marked() -> None:
    view = chain(main(4), line("m1", 2, "a2", "stale", 1))
    assert inks(view, "□2 a2", Lens(fresh=frozenset({"a2"}))) == {"accent!"}


# --- words ----------------------------------------------------------------------------------------


def test_the_last_reorganisation_is_told() -> None:
    view = chain(
        main(5),
        line("m1", 2, "a2 a3", "stale", 1),
        tips={"m4": (0, 5, 6)},
        reorganisations=reorganised("a3", "m4", 2, 5, 6),
    )
    assert texts(view)[-1] == "↶ 12.0s  6 7 went over from a3 (3) to m4 (4): 2 blocks undone"


def test_lanes_that_do_not_fit_are_counted() -> None:
    view = chain(main(6), *(line("m1", 2, f"b{n}", "stale", n) for n in range(10)))
    assert "⋯ 8 more lanes than fit here" in texts(view, 100, 7)[0]


def test_agents_in_few_words() -> None:
    assert marks_text(("1", "2", "5", "6", "7", "8")) == "1 2 5–8"
    assert marks_text(("3",)) == "3"
    assert marks_text(("r0", "r1")) == "r0 r1"
    assert marks_text(tuple(str(n) for n in range(1, 400, 2))) == "×200"
    assert marks_text(tuple(str(n) for n in range(1, 201))) == "1–200"


def test_an_empty_chain_says_so() -> None:
    assert texts(chain([])) == ["no block yet"]


# --- any chain at all -----------------------------------------------------------------------------

STATUS = st.sampled_from(("canonical", "stale", "hidden", "invalid", "orphan"))


@st.composite
def chains(draw_from: st.DrawFn) -> Chain:
    """Any tree, with statuses that need not make sense."""
    count = draw_from(st.integers(1, 40))
    blocks = [Block("0", "", 0, "gene", "canonical")]
    for number in range(1, count):
        parent = blocks[draw_from(st.integers(0, number - 1))]
        known = draw_from(st.booleans()) or parent.height == 0
        status = draw_from(STATUS)
        maker = draw_from(st.integers(0, 300))
        blocks.append(
            Block(
                str(number), parent.id if known else "?", parent.height + 1, f"{number:04x}", status, maker, str(maker)
            )
        )
    blocks.sort(key=lambda block: block.height)
    tips = tuple(
        Tip(blocks[at].id, (agent,), (str(agent),), "a note")
        for agent, at in enumerate(draw_from(st.lists(st.integers(0, count - 1), max_size=6, unique=True)))
    )
    return Chain("chain", tuple(blocks), tips, final=draw_from(st.integers(-1, 5)), hidden_note="2 ahead")


@given(chains(), st.integers(0, 130), st.integers(0, 30), st.integers(0, 2), st.integers(0, 50), st.integers(0, 45))
@settings(max_examples=200)
def test_any_chain_fits_the_room_it_is_given(
    view: Chain, width: int, height: int, zoom: int, back: int, chosen: int
) -> None:
    picture = draw(view, width, height, Lens(back, zoom, str(chosen)))
    assert len(picture.lines) <= height
    assert all(line_cells(one) <= width for one in picture.lines)
    for item in picture.items:
        assert 0 <= item.y < height
        assert 0 <= item.x < width
    assert natural_width(view, height) > 0


@given(chains(), st.integers(4, 60))
def test_no_two_branches_of_a_lane_overlap(view: Chain, room: int) -> None:
    tree = arrange(view, room)
    for lane in {branch.lane for branch in tree.branches}:
        spans = sorted(
            (branch.blocks[0].height, branch.blocks[-1].height)
            for branch in tree.branches
            if branch.lane == lane and lane
        )
        assert all(end < start for (_, end), (start, _) in pairwise(spans))
    drawn = [block.id for branch in tree.branches for block in branch.blocks]
    assert sorted(drawn) == sorted(block.id for block in view.blocks)
