"""The timeline: what it says at any width, and what it asks for when one presses, drags, turns the wheel, types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Static

from engine.views import BranchView, Landmark, TimelineView, Tone
from widgets.branching import rows
from widgets.glyphs import STANDS
from widgets.marks import RANKS, Marks, Scale, one_cell, rank
from widgets.text import line_cells
from widgets.timeline import Timeline
from widgets.timelines import Timelines, landmark_at

SECOND = 1_000_000
WIDTHS = (60, 80, 120, 200)


def at(seconds: float) -> int:
    return round(seconds * SECOND)


def mark(index: int, seconds: float, glyph: str, kind: str, tone: Tone = "plain") -> Landmark:
    return Landmark(index, at(seconds), kind, glyph, f"{kind} at {seconds:g}", tone)


FIRST = BranchView(
    1, 0, 0, at(184.2), ((at(31), "partition m-1 | m-2"), (at(80), "crash m-3")),
    (
        mark(10, 31, "✂", "partition", "warn"), mark(200, 80, "✕", "crash", "bad"),
        mark(300, 110, "⑂", "fork", "warn"), mark(400, 150, "⑂", "fork", "warn"),
    ),
)  # fmt: skip
SECOND_ONE = BranchView(
    2, 1, at(60), at(120), ((at(60), "crash m-4"), (at(100), "heal")),
    (mark(150, 60, "✕", "crash", "bad"), mark(170, 100, "○", "heal", "good")),
)  # fmt: skip
THIRD = BranchView(3, 2, at(80), at(160), ((at(80), "loss 20%"),), (mark(160, 80, "≈", "link", "accent"),))
FOURTH = BranchView(4, 1, at(20), at(30), (), ())
ALONE = TimelineView(at(184.2), 1, (FIRST,))
TREE = TimelineView(at(140), 3, (FIRST, SECOND_ONE, THIRD, FOURTH))


def drawn(view: TimelineView, width: int, most: int = 4, **how: Any) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in Timelines().compose(view, width, most, **how).lines]


# --- what it says ---------------------------------------------------------------------------------


def test_a_run_without_branches_takes_one_line() -> None:
    assert [drawn(ALONE, width) for width in WIDTHS] == [
        [" ├━━━━✂━━━━━━✕━━━━⑂━━━━⑂━━━━▌┤ 184.2s   ✕ crash ✂ partition"],
        [" ├━━━━━━━✂━━━━━━━━━✕━━━━━━⑂━━━━━━━━⑂━━━━━━▌┤ 184.2s   ✕ crash ✂ partition"],
        [" ├━━━━━━━━━━✂━━━━━━━━━━━━━━━━✕━━━━━━━━━⑂━━━━━━━━━━━━⑂━━━━━━━━━━━▌┤ 184.2s   ✕ crash ✂ partition ⑂ fork"],
        [
            " ├━━━━━━━━━━━━━━━━━━✂━━━━━━━━━━━━━━━━━━━━━━━━━━━✕━━━━━━━━━━━━━━━━⑂━━━━━━━━━━━━━━━━━━━━━━⑂"
            "━━━━━━━━━━━━━━━━━━━▌┤ 184.2s   ✕ crash ✂ partition ⑂ fork"
        ],
    ]


def test_what_lies_ahead_is_light_and_the_end_is_told() -> None:
    assert drawn(replace(ALONE, now=at(92.1)), 60) == [" ├━━━━✂━━━━━━✕━▌──⑂────⑂─────┤ 92.1s of 184.2s   ✕ crash"]
    assert drawn(replace(ALONE, now=0), 60)[0].startswith(" ├▌───✂──────✕────⑂────⑂─────┤ 0.0s of 184.2s")


def test_branches_hang_from_where_they_left_their_parent() -> None:
    assert drawn(TREE, 60) == [
        " 1 ├━━┯━✂━━┯━─✕───⑂─────⑂────┤ 140.0s of 160.0s      3 of 4",
        " 2    │    ╰✕┯━──○───┤         from 60.0s: crash m-4, heal",
        "▸3    │      ╰≈ loss 2▌%──┤    from 80.0s: loss 20%",
        " 4    ╰──┤                     from 20.0s",
    ]
    assert drawn(TREE, 120) == [
        " 1 ├━━━━━━┯━━━✂━━━━━━━━┯━─────✕─────────⑂────────────⑂───────────┤ 140.0s of 160.0s   ✕ crash ⑂ fork"
        "      branch 3 of 4",
        " 2        │            ╰✕━━━━┯━──────○ heal─┤                      from 60.0s: crash m-4, heal",
        "▸3        │                  ╰≈ loss 20%━━━━━━━━━━▌──────┤         from 80.0s: loss 20%",
        " 4        ╰────┤                                                   from 20.0s",
    ]


def test_commands_are_written_where_there_is_room_between_the_glyphs() -> None:
    pair = replace(TREE, current=2, now=at(70), branches=TREE.branches[:2])
    assert [line.split("┤")[0] for line in drawn(pair, 200)] == [
        " 1 ├━━━━━━━━━━━━━━━━━━✂━━━━━━━━━━━━━━┯━──────────✕ crash m-3──────⑂──────────────────────⑂───────────────────",
        "▸2                                   ╰✕ cras▌ m-4───────────○ heal───────",
    ]
    assert drawn(pair, 60)[1] == "▸2         ╰✕▌───○───┤         from 60.0s: crash m-4, heal"


def test_a_command_that_left_no_landmark_has_a_glyph_of_its_own() -> None:
    view = replace(TREE, branches=(FIRST, replace(SECOND_ONE, landmarks=())), current=1, now=at(184.2))
    assert "╰› crash m-4" in drawn(view, 200)[1]


def test_with_too_many_branches_the_current_one_its_forebears_and_the_newest_are_drawn() -> None:
    assert [row.number for row in rows(TREE, 4)] == [1, 2, 3, 4]
    assert [row.number for row in rows(TREE, 3)] == [1, 2, 3]
    assert [row.number for row in rows(replace(TREE, current=1, now=0), 3)] == [1, 3, 4]
    assert [row.number for row in rows(replace(TREE, current=4, now=0), 1)] == [4]
    assert drawn(TREE, 120, 3)[2].endswith("… 1 more")
    assert drawn(TREE, 120, 1)[0].endswith("branch 3 of 4  … 3 more")


def test_a_branch_without_its_parent_in_sight_shows_the_course_that_they_share() -> None:
    assert drawn(TREE, 60, 1)[0].startswith("▸3 ├━━━━━✂━━━✕━━≈ loss 20▌───┤ 140.0s of 160.0s")
    picture = Timelines().compose(TREE, 60, 1)
    assert [mark.index for _, mark in sorted(picture.bars[0].marks.items())] == [10, 150, 160]


def test_before_the_beginning_of_a_branch_the_run_stands_on_its_parent() -> None:
    lines = drawn(replace(TREE, now=at(40)), 60)
    assert [STANDS in line for line in lines] == [True, False, False, False]
    assert [line[0] for line in lines] == [" ", " ", "▸", " "]


def test_in_a_column_the_most_important_landmark_is_seen() -> None:
    kinds: tuple[Tone, ...] = ("plain", "good", "accent", "warn", "bad")
    crowd = tuple(mark(i, 50 + i / 1000, str(i), kind, kind) for i, kind in enumerate(kinds * 2))
    for many in (10, 8, 6, 5):
        view = TimelineView(at(100), 1, (BranchView(1, 0, 0, at(100), (), crowd[:many]),))
        best = max(crowd[:many], key=lambda one: (-rank(one.tone), one.index))
        assert list(Timelines().compose(view, 80, 1).bars[0].marks.values()) == [best]


def test_the_focus_makes_it_say_what_its_keys_do() -> None:
    wide, usual = drawn(ALONE, 240, focused=True)[0], drawn(TREE, 120, focused=True)[0]
    assert wide.endswith("←→ through time · [ ] events worth seeing · ↑↓ branches · n new branch · d compare · esc")
    assert usual.endswith("←→ time · [ ] events       3 of 4")
    assert "crash" not in wide


def test_texts_cannot_upset_the_terminal() -> None:
    evil = BranchView(
        2, 1, at(60), at(120), ((at(60), "say \x1b[31m日本\n"),), (Landmark(1, at(90), "a\nb", "日", "\x1b", "bad"),)
    )
    for line in drawn(TimelineView(at(100), 2, (FIRST, evil)), 120):
        assert line.isprintable()
        assert "日" not in line.split("from")[0]


def test_nothing_has_been_run_yet() -> None:
    assert drawn(TimelineView(0, 1, (BranchView(1, 0, 0, 0, (), ()),)), 60) == [" ├▌┤                           0.0s"]
    assert drawn(TimelineView(0, 0, ()), 60) == [""]


# --- what holds of any timeline -------------------------------------------------------------------

GLYPHS = st.sampled_from(["✕", "✂", "⑂", "○", "x", "", "日", "\x1b", "🎉", "ab"])
TEXTS = st.sampled_from(["crash m-3", "heal", "partition 50% | 50%", "日本", "\x1b[0m", ""]) | st.text(max_size=30)


@st.composite
def landmarks(draw: st.DrawFn, start: int, end: int) -> tuple[Landmark, ...]:
    times = sorted(draw(st.lists(st.integers(start, end), max_size=40)))
    return tuple(
        Landmark(i, time, draw(TEXTS), draw(GLYPHS), "", draw(st.sampled_from(RANKS))) for i, time in enumerate(times)
    )


@st.composite
def timelines(draw: st.DrawFn) -> TimelineView:
    branches: list[BranchView] = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        parent = draw(st.sampled_from(branches)) if branches else None
        start = draw(st.integers(parent.start, parent.end)) if parent else 0
        end = start + draw(st.sampled_from([0, 1, 7]) | st.integers(0, 10**9))
        commands = tuple((time, draw(TEXTS)) for time in sorted(draw(st.lists(st.integers(start, end), max_size=4))))
        branches.append(
            BranchView(number, parent.number if parent else 0, start, end, commands, draw(landmarks(start, end)))
        )
    current = draw(st.sampled_from(branches))
    return TimelineView(draw(st.integers(0, current.end)), current.number, tuple(branches))


@settings(deadline=None)
@given(timelines(), st.integers(20, 220), st.integers(1, 5), st.booleans())
def test_any_timeline_fits_any_width(view: TimelineView, width: int, most: int, focused: bool) -> None:
    picture = Timelines().compose(view, width, most, focused=focused)
    assert len(picture.lines) == len(picture.bars) == min(most, len(view.branches))
    assert [line_cells(line) for line in picture.lines] == [width] * len(picture.lines)
    assert view.current in [bar.row.number for bar in picture.bars]
    texts = ["".join(text for text, _ in line) for line in picture.lines]
    bars = [text[: picture.left + picture.scale.width] for text in texts]
    assert sum(bar.count(STANDS) for bar in bars) == 1
    here = next(bar for bar in bars if STANDS in bar).index(STANDS)
    assert here - picture.left == picture.scale.column(view.now)
    for y, bar in enumerate(picture.bars):
        for column, mark in bar.marks.items():
            assert bars[y][picture.left + column] in (one_cell(mark.glyph), STANDS)
            assert landmark_at(picture, y, column) is mark


@given(landmarks(0, 1000), st.integers(1, 60), st.integers(0, 1000), st.integers(0, 1000))
def test_each_column_shows_the_most_important_of_its_landmarks(
    marks: tuple[Landmark, ...], width: int, start: int, end: int
) -> None:
    scale = Scale(width, 1000)
    expected: dict[int, Landmark] = {}
    for one in marks:
        column = scale.column(one.time)
        if start <= one.time <= end and (column not in expected or rank(one.tone) <= rank(expected[column].tone)):
            expected[column] = one
    assert Marks(marks).seen(scale, start, end) == expected


@given(st.integers(2, 300), st.integers(1, 10**12), st.data())
def test_a_column_stands_for_a_time_that_is_drawn_in_it(width: int, span: int, data: st.DataObject) -> None:
    scale = Scale(width, span)
    column = data.draw(st.integers(0, width - 1))
    time = data.draw(st.integers(0, span))
    if span >= width:
        assert scale.column(scale.time(column)) == column
    assert (scale.column(0), scale.column(span)) == (0, width - 1)
    assert (time >= scale.first(column)) == (scale.column(time) >= column)


@settings(deadline=None)
@given(timelines(), timelines(), st.integers(20, 120))
def test_what_was_drawn_before_makes_no_difference(one: TimelineView, other: TimelineView, width: int) -> None:
    kept = Timelines()
    kept.compose(one, width, 4)
    assert kept.compose(other, width, 4) == Timelines().compose(other, width, 4)


# --- what it asks for -----------------------------------------------------------------------------


SAID: dict[type[Message], tuple[str, ...]] = {
    Timeline.Sought: ("branch", "moment", "index"),
    Timeline.Stepped: ("by",),
    Timeline.Switched: ("branch",),
}


class Host(App[None]):
    CSS_PATH = Path(__file__).parents[1] / "styles" / "panes.tcss"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None

    def __init__(self, view: TimelineView) -> None:
        super().__init__()
        self.line = Timeline()
        self.line.show(view)
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Static("above")
        yield self.line

    def on_timeline_sought(self, event: Message) -> None:
        self.told.append(event)

    on_timeline_stepped = on_timeline_switched = on_timeline_left = on_timeline_sought

    @property
    def said(self) -> list[tuple[Any, ...]]:
        """What was asked for, as plain tuples; it is forgotten then."""
        said = [(type(one).__name__, *[getattr(one, name) for name in SAID.get(type(one), ())]) for one in self.told]
        self.told.clear()
        return said


@asynccontextmanager
async def host(view: TimelineView, width: int = 120) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(view)
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        yield app, pilot


def lines(app: Host) -> list[str]:
    return [app.line.render_line(y).text.rstrip() for y in range(app.line.size.height)]


async def test_it_draws_its_view_and_takes_a_line_for_each_branch() -> None:
    async with host(ALONE) as (app, pilot):
        assert lines(app) == drawn(ALONE, 120)
        app.line.show(TREE)
        await pilot.pause()
        assert lines(app) == drawn(TREE, 120)
        app.line.most_lines = 2
        await pilot.pause()
        assert lines(app) == drawn(TREE, 120, 2)
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        assert lines(app) == drawn(TREE, 60, 2)


async def test_only_lines_that_changed_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with host(TREE) as (app, _):
        lines(app)
        asked: list[list[int]] = []
        monkeypatch.setattr(app.line, "refresh_lines", lambda dirty: asked.append(list(dirty)))
        app.line.show(replace(TREE, now=at(150)))
        app.line.show(replace(TREE, now=at(150)))
        assert asked == [[0, 2]]
        assert lines(app) == drawn(replace(TREE, now=at(150)), 120)


async def test_pressing_the_bar_asks_for_the_time_there_or_for_the_landmark() -> None:
    async with host(ALONE) as (app, pilot):
        line = lines(app)[0]
        await pilot.click(Timeline, offset=(line.index("✕"), 0))
        assert app.said == [("Sought", 1, at(80), 200)]
        await pilot.click(Timeline, offset=(2, 0))
        assert app.said == [("Sought", 1, 0, None)]
        await pilot.click(Timeline, offset=(line.index("┤"), 0))
        assert app.said == [("Sought", 1, at(184.2), None)]
        await pilot.click(Timeline, offset=(line.index("s ") + 4, 0))
        assert app.said == []


async def test_a_press_stays_within_the_bar_of_its_branch() -> None:
    async with host(TREE) as (app, pilot):
        await pilot.click(Timeline, offset=(5, 3))
        assert app.said == [("Sought", 4, at(20), None)]
        await pilot.click(Timeline, offset=(50, 3))
        assert app.said == [("Sought", 4, at(30), None)]
        await pilot.click(Timeline, offset=(1, 3))
        assert app.said == [("Switched", 4)]


async def test_dragging_asks_once_for_each_column() -> None:
    async with host(ALONE) as (app, pilot):
        scale = Scale(63, at(184.2))
        await pilot.mouse_down(Timeline, offset=(4, 0))
        await pilot.hover(Timeline, offset=(4, 0))
        await pilot.hover(Timeline, offset=(6, 0))
        await pilot.hover(app.query_one(Static), offset=(8, 0))
        await pilot.mouse_up(Timeline, offset=(8, 0))
        await pilot.hover(Timeline, offset=(12, 0))
        asked = [time for _, _, time, _ in app.said]
        assert asked == [scale.time(2), scale.time(4), scale.time(6)]


async def test_the_wheel_steps_through_the_landmarks() -> None:
    async with host(ALONE) as (app, pilot):
        for kind in (MouseScrollUp, MouseScrollDown):
            app.line.post_message(kind(app.line, 5, 0, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert app.said == [("Stepped", -1), ("Stepped", 1)]


async def test_what_is_under_the_mouse_is_told() -> None:
    async with host(TREE) as (app, pilot):
        await pilot.hover(Timeline, offset=(lines(app)[0].index("✕"), 0))
        assert str(app.line.tooltip) == "80.0s  crash at 80"
        await pilot.hover(Timeline, offset=(4, 0))
        assert str(app.line.tooltip) == "at 0.0s"
        await pilot.hover(Timeline, offset=(1, 1))
        assert str(app.line.tooltip) == "go over to branch 2"
        await pilot.hover(Timeline, offset=(100, 1))
        assert app.line.tooltip is None


async def test_arrows_go_through_time_and_from_branch_to_branch() -> None:
    async with host(replace(TREE, current=2, now=at(100))) as (app, pilot):
        app.line.focus()
        await pilot.pause()
        assert "←→ time" in lines(app)[0]
        step = Scale(61, at(184.2)).step
        await pilot.press("left", "right", "shift+left")
        assert [time for *_, time, _ in app.said] == [at(100) - step, at(100) + step, at(100) - 10 * step]
        await pilot.press("shift+right", "up", "down", "escape")
        assert app.said == [("Sought", 2, at(120), None), ("Switched", 1), ("Switched", 3), ("Left",)]
        app.line.blur()
        await pilot.pause()
        assert "←→ time" not in lines(app)[0]


async def test_at_the_ends_there_is_nowhere_to_go() -> None:
    async with host(ALONE) as (app, pilot):
        app.line.focus()
        await pilot.press("right", "up", "down")
        assert app.said == []
        app.line.show(replace(ALONE, now=0))
        await pilot.press("left")
        assert app.said == []
