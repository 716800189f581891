"""Two branches side by side: each on its own, at the same virtual time, and what differs is marked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.comparing import REFUSED, Bounded, Common, CompareDriver, forking
from app.differing import CompareFramer
from app.driver import Driver
from app.keys import COMPARE
from app.screens.comparing import CompareScreen, open_comparison
from app.screens.live import LiveScreen
from app.screens.why import WhyScreen
from engine.commands import Timed
from engine.errors import CommandError
from engine.grammar import parse
from engine.simulation import NEVER
from scenarios.gossip.scenario import Gossip
from scenarios.launch import launch
from tests.app_fixtures import Clock, live, playing, press, send, settle, shown, toasts
from widgets.metrics import draw_courses
from widgets.text import line_cells

PARAMS = {"agents": 6, "topology": "ring", "interval": 0.5, "timing": "poisson"}
OWN = {spec.name: spec for spec in Gossip.commands}
SECOND = 1_000_000
FORK, FIRST_END, SECOND_END = 3 * SECOND, 8 * SECOND, 5 * SECOND


def command(text: str) -> Timed:
    timed = parse(text, OWN)
    assert timed is not None
    return timed


def branched() -> Driver:
    """A run with two branches: in the second one an agent crashes at 3s; it ends earlier."""
    driver = Driver(launch("gossip", PARAMS, 7, "", record=True), paused=True, clock=Clock())
    driver.history.go_on(FIRST_END, NEVER)
    driver.go_to_time(FORK)
    driver.apply(command("crash a-03"))
    driver.history.go_on(SECOND_END, NEVER)
    return driver


def compared(driver: Driver | None = None, numbers: tuple[int, int] = (1, 2)) -> tuple[Driver, CompareDriver]:
    driver = driver or branched()
    branches = driver.history.tree.branches
    left, right = (Bounded.beside(driver.history, branches[number]) for number in numbers)
    return driver, CompareDriver.at_moment_of(driver, left, right)


def digests(pair: CompareDriver) -> tuple[str, str]:
    left, right = (side.sim.digest for side in pair.sides)
    return left, right


def straight(driver: Driver, number: int, now: int) -> str:
    """The digest of the run itself on a branch, at a time or at the branch's end."""
    driver.switch(number)
    driver.go_to_time(min(now, driver.history.branch.now))
    return driver.sim.digest


# --- in step --------------------------------------------------------------------------------------


def test_both_begin_at_the_present_moment_of_the_run_each_on_its_branch() -> None:
    driver, pair = compared()
    now = driver.sim.now
    assert [side.branch.number for side in pair.sides] == [1, 2]
    assert [side.sim.now for side in pair.sides] == [now, now]
    assert driver.sim.digest == digests(pair)[1] != digests(pair)[0]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, FIRST_END + SECOND), st.sampled_from([",", ".", "[", "]", "end"])), max_size=6)
)
def test_wherever_they_go_each_is_as_the_run_is_on_its_branch(ways: list[int | str]) -> None:
    driver, pair = compared()
    for way in ways:
        if isinstance(way, int):
            pair.go_to_time(way)
        elif way == "end":
            pair.go_to_end()
        elif way == ",":
            pair.back()
        elif way == ".":
            pair.step()
        else:
            pair.go_to_landmark(1 if way == "]" else -1)
        left, right = pair.sides
        assert left.sim.now == pair.sim.now <= FIRST_END
        assert right.sim.now == min(pair.sim.now, SECOND_END)
        assert right.sim.digest == straight(driver, 2, right.sim.now) or left.sim.events <= pair.common.events
    now = pair.sim.now
    pair.go_to_time(now)
    assert digests(pair) == (straight(driver, 1, now), straight(driver, 2, now))


def test_as_long_as_they_are_alike_each_step_is_the_same_event_in_both() -> None:
    _, pair = compared()
    pair.go_to(0)
    shared = pair.common.events
    for index in range(1, shared + 1):
        assert pair.step()
        assert [side.sim.events for side in pair.sides] == [index, index]
        assert digests(pair)[0] == digests(pair)[1]
    pair.step()
    assert digests(pair)[0] != digests(pair)[1]
    assert pair.back()
    pair.go_to(shared)
    assert digests(pair)[0] == digests(pair)[1]


def test_neither_goes_beyond_the_end_of_its_branch() -> None:
    driver, pair = compared()
    branches = driver.history.tree.branches
    ends = [(one.events, one.now) for one in branches.values()]
    pair.go_to_time(100 * SECOND)
    pair.go_to(10**6)
    assert not pair.step()
    for speed in (1.0, None):
        pair.set_speed(speed)
        pair.paused = False
        pair._slice(0.01)
        assert pair.paused
    assert [side.place[:2] for side in pair.sides] == ends
    assert [(one.events, one.now) for one in branches.values()] == ends
    assert pair.is_at_end


def test_at_a_pace_both_go_on_until_the_later_end() -> None:
    _, pair = compared()
    pair.go_to_time(FORK)
    clock = pair._clock
    assert isinstance(clock, Clock)
    pair.paused = False
    for _ in range(40):
        clock.pass_by(0.25)
        pair._slice(0.01)
    assert pair.paused
    assert pair.ended
    assert [side.sim.now for side in pair.sides] == [FIRST_END, SECOND_END]


def test_the_run_itself_stays_where_it_is_and_nothing_is_done_to_its_branches() -> None:
    driver, pair = compared()
    place, digest = driver.history.place, driver.sim.digest
    given = {number: list(one.given) for number, one in driver.history.tree.branches.items()}
    pair.go_to(0)
    pair.go_to_end()
    for timed in ("crash a-01", "at 20s heal"):
        with pytest.raises(CommandError, match="two branches are being compared; esc"):
            pair.apply(command(timed))
    with pytest.raises(CommandError, match=REFUSED):
        pair.branch_off()
    pair.switch(2)
    assert [side.branch.number for side in pair.sides] == [1, 2]
    assert (driver.history.place, driver.sim.digest) == (place, digest)
    assert {number: list(one.given) for number, one in driver.history.tree.branches.items()} == given


def test_landmarks_of_both_are_gone_to_by_time() -> None:
    _, pair = compared()
    pair.go_to(0)
    pair.go_to_time(FORK - 1)
    assert pair.go_to_landmark(1)
    assert pair.sim.now == FORK
    assert [(number, one.kind) for number, one in pair.landmarks()] == [(2, "crash")]
    pair.go_to_end()
    assert not pair.go_to_landmark(1)


# --- where they part ------------------------------------------------------------------------------


def test_the_first_event_in_which_they_differ_is_found_wherever_it_is() -> None:
    driver, pair = compared()
    assert pair.common.moment == FORK
    assert pair.common.right == "3s command crash a-03"
    assert pair.common.events == driver.history.branch.start.events
    assert pair.go_to_parting()
    assert pair.sim.now == FORK
    assert digests(pair)[0] != digests(pair)[1]


def test_what_is_put_off_parts_them_when_its_time_comes() -> None:
    driver = Driver(launch("gossip", PARAMS, 7, "", record=True), paused=True, clock=Clock())
    driver.history.go_on(FIRST_END, NEVER)
    driver.go_to_time(FORK)
    driver.apply(command("at 6s crash a-03"))
    driver.history.go_on(7 * SECOND, NEVER)
    _, pair = compared(driver)
    assert pair.common.moment == 6 * SECOND
    assert pair.common.right == "6s command crash a-03"
    pair.go_to_time(5 * SECOND)
    assert digests(pair)[0] == digests(pair)[1]


def test_branches_that_do_not_part_say_so() -> None:
    driver = Driver(launch("gossip", PARAMS, 7, "", record=True), paused=True, clock=Clock())
    driver.history.go_on(FIRST_END, NEVER)
    driver.go_to_time(FORK)
    driver.branch_off()
    _, pair = compared(driver)
    assert not pair.go_to_parting()
    events = driver.history.branch.events
    labels = ("branch 1", "branch 2")
    assert pair.common.in_words(labels) == (
        f"They share {events:,} events, and do not part before branch 2 ends at 3s.",
    )
    assert pair.common.in_a_line(labels, 30).endswith("…")


def test_a_long_search_for_where_they_part_goes_on_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.comparing.PATIENCE", -1)
    driver = Driver(launch("gossip", {**PARAMS, "agents": 60}, 7, "", record=True), paused=True, clock=Clock())
    driver.history.go_on(60 * SECOND, NEVER)
    driver.go_to_time(FORK)
    driver.apply(command("at 20s crash a-03"))
    driver.history.go_on(30 * SECOND, NEVER)
    _, pair = compared(driver)
    labels = ("branch 1", "branch 2")
    seen = [pair.common]
    assert seen[0].is_open and FORK < seen[0].compared < 20 * SECOND
    assert seen[0].in_words(labels)[0].startswith(f"They share {seen[0].events:,} events at least, to ")
    here = pair.sim.now, digests(pair)
    while not pair.go_to_parting():
        assert (pair.sim.now, digests(pair)) == here
        assert pair.common.events > seen[-1].events
        seen.append(pair.common)
    assert len(seen) > 2
    assert pair.common.moment == pair.sim.now == 20 * SECOND
    assert pair.common.right == "20s command crash a-03"
    assert digests(pair) == (straight(driver, 1, 20 * SECOND), straight(driver, 2, 20 * SECOND))


def test_two_branches_of_the_same_parent_part_where_the_earlier_of_them_began() -> None:
    driver = branched()
    driver.switch(1)
    driver.go_to_time(4 * SECOND)
    driver.apply(command("crash a-05"))
    driver.history.go_on(6 * SECOND, NEVER)
    tree = driver.history.tree
    assert forking(tree, tree.branches[2], tree.branches[3]) == tree.branches[2].start
    assert forking(tree, tree.branches[1], tree.branches[3]) == tree.branches[3].start
    _, pair = compared(driver, (2, 3))
    assert pair.common.moment == FORK
    assert pair.common.left == "3s command crash a-03"


@pytest.mark.parametrize("width", [60, 78, 118, 198])
def test_the_line_on_the_parting_is_cut_to_fit(width: int) -> None:
    shared = Common(20_345, 3_900_000, "3.9s command partition a-01,a-02 | a-03,a-04 " * 2, "3.9s command heal")
    line = shared.in_a_line(("branch 1", "branch 2"), width)
    assert len(line) <= width
    assert "3.9s" in line
    assert "command pa" in line
    assert "3.9s command he" in line
    assert ("They share 20,345 events" in line) == (width >= 118)


# --- shown ----------------------------------------------------------------------------------------


def test_agents_that_differ_are_marked_in_words() -> None:
    _, pair = compared()
    view = CompareFramer(pair).agents()
    rows = {row.name: row for row in view.rows}
    assert rows["a-03"].state.startswith("≠ ")
    assert "crashed" in rows["a-03"].state
    assert rows["a-03"].tone == "warn"
    assert [column.title.rpartition(" ")[2] for column in view.columns] == ["1", "2"] * (len(view.columns) // 2)
    assert all(len(row.cells) == len(view.columns) for row in view.rows)
    pair.go_to_time(FORK - 1)
    alike = CompareFramer(pair).agents()
    assert not any("≠" in row.state or row.tone == "warn" for row in alike.rows)


def test_an_agent_that_one_branch_does_not_have_is_there_all_the_same() -> None:
    driver = branched()
    driver.go_to_time(4 * SECOND)
    driver.apply(command("leave a-05"))
    _, pair = compared(driver, (1, 3))
    rows = {row.name: row for row in CompareFramer(pair).agents().rows}
    assert rows["a-05"].state.endswith("·–") or rows["a-05"].state.endswith("· –")
    rows = {row.name: row for row in CompareFramer(compared(driver, (3, 1))[1]).agents().rows}
    assert rows["a-05"].state.startswith(("≠ – ·", "≠ –·"))


def test_each_figure_is_one_row_with_both_values_and_both_courses() -> None:
    _, pair = compared()
    views = CompareFramer(pair).frame(["metrics"]).metrics
    assert views is not None
    left, right = (side.sim.scenario.metric_views(side.sim) for side in pair.sides)
    assert [view.name for view in views] == [view.name for view in left]
    assert [(view.value, view.rival) for view in views] == [
        (one.value, other.value) for one, other in zip(left, right, strict=True)
    ]
    assert all(len(view.series) == len(view.rival_series) for view in views)
    assert any(view.value != view.rival for view in views)


def test_the_course_of_a_branch_that_has_ended_ends_there() -> None:
    _, pair = compared()
    pair.go_to_end()
    framer = CompareFramer(pair)
    course = next(view for view in framer.figures() if view.series)
    known = [not math.isnan(value) for value in course.rival_series]
    assert known == sorted(known, reverse=True)
    assert sum(known) / len(known) == pytest.approx(SECOND_END / FIRST_END, abs=1.5 / len(known))
    assert not any(map(math.isnan, course.series))
    assert framer.headings == ("branch 1", "branch 2 (ended at 5.0s)")


def test_the_story_says_where_they_part_and_whose_each_line_is() -> None:
    _, pair = compared()
    framer = CompareFramer(pair, 1)
    lines = framer.narration()
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert [line.text for line in lines if line.tone == "accent"][-3:] == list(pair.common.in_words(framer.labels))
    crash = next(line for line in lines if "a-03 crashes" in line.text)
    assert crash.text.startswith("branch 2: ")
    assert crash.index > 0
    framer.shown = 0
    assert next(line for line in framer.narration() if line.text == crash.text).index == -crash.index
    pair.go_to_time(FORK - 1)
    assert not any("part at" in line.text for line in framer.narration())  # nothing is told before it happens


# --- both courses ---------------------------------------------------------------------------------

RISING = tuple(map(float, range(40)))
FIGURES = st.one_of(st.floats(-1e12, 1e12), st.sampled_from([math.nan, math.inf, -math.inf]))


def test_courses_that_are_alike_are_one_course() -> None:
    assert {ink for _, ink in draw_courses(RISING, RISING, (), 20)} == {"accent"}


def test_where_courses_differ_they_take_turns_in_other_dots_and_another_ink() -> None:
    line = draw_courses((0.0,) * 40, (3.0,) * 40, (), 20)
    assert [ink for _, ink in line] == ["accent", "warn"] * 10
    assert "".join(text for text, _ in line) == "⣀⠁" * 10


def test_a_course_that_has_ended_leaves_the_other_alone() -> None:
    ended = (0.0,) * 20 + (math.nan,) * 20
    line = draw_courses(ended, (3.0,) * 40, (), 20)
    assert [ink for _, ink in line[10:]] == ["warn"] * 10
    assert [ink for _, ink in draw_courses((3.0,) * 40, ended, (), 20)[10:]] == ["accent"] * 10
    assert draw_courses((math.nan,), (math.nan,), (), 5) == [("·····", "faint")]


@given(*[st.lists(FIGURES, max_size=90).map(tuple)] * 3, st.integers(1, 40))
def test_two_courses_always_fill_their_width(
    one: tuple[float, ...], other: tuple[float, ...], theory: tuple[float, ...], width: int
) -> None:
    assert line_cells(draw_courses(one, other, theory, width)) == width


# --- the screen -----------------------------------------------------------------------------------


def branch_off(screen: LiveScreen) -> None:
    """Give the run of a live screen a second branch, in which an agent crashes at 3s, and stand at 4s of it."""
    driver = screen.driver
    driver.history.go_on(FIRST_END, NEVER)
    driver.go_to_time(FORK)
    screen.command("crash a-03")
    driver.history.go_on(SECOND_END, NEVER)
    driver.go_to_time(4 * SECOND)
    screen.draw(everything=True)


async def test_it_opens_on_the_live_run_and_closes_on_it_as_it_was() -> None:
    async with playing() as (screen, pilot):
        branch_off(screen)
        place = screen.driver.history.place
        await press(pilot, "d")
        assert isinstance(live(pilot.app), CompareScreen)
        text = shown(pilot.app)
        assert "command crash a-03" in text.splitlines()[1]
        assert "2 Messages · branch 2" in text
        assert "Metrics · ⠒⠒ branch 1 · ⠂⠂ branch 2" in text
        assert "3 branch 1:" in text
        assert "branch 2: Who knows what" in text
        for key in ("escape", "d", "m"):
            if live(pilot.app) is screen:
                await press(pilot, "d")
            await press(pilot, "home", key)
            assert live(pilot.app) is screen
        assert screen.driver.history.place == place
        assert screen.driver.paused


async def test_x_shows_the_messages_of_the_other_branch() -> None:
    async with playing() as (screen, pilot):
        branch_off(screen)
        await press(pilot, "d")
        both = live(pilot.app)
        assert isinstance(both, CompareScreen)
        await press(pilot, "v", "v")
        assert "crash" in shown(pilot.app).partition("Messages · branch 2")[2]
        await press(pilot, "x")
        assert "Messages · branch 1" in shown(pilot.app)
        assert both.sim is both.shown.sim is both._comparing.sides[0].sim
        assert [side.branch.number for side in both._comparing.sides] == [1, 2]


async def test_the_keys_of_time_move_both() -> None:
    async with playing() as (screen, pilot):
        branch_off(screen)
        await press(pilot, "d")
        both = live(pilot.app)
        assert isinstance(both, CompareScreen)
        pair = both._comparing
        await press(pilot, "end")
        assert [side.sim.now for side in pair.sides] == [FIRST_END, SECOND_END]
        assert "branch 2 (ended at 5.0s)" in shown(pilot.app)
        await press(pilot, ".")
        assert "both branches are at their end" in toasts(pilot.app)[-1]
        await press(pilot, "P")
        assert [side.sim.now for side in pair.sides] == [FORK, FORK]
        await press(pilot, "home")
        assert [side.sim.events for side in pair.sides] == [0, 0]
        await press(pilot, "]")
        assert pair.sides[0].sim.now == pair.sides[1].sim.now > 0
        await press(pilot, "g", "4", "s", "enter")
        assert [side.sim.now for side in pair.sides] == [4 * SECOND, 4 * SECOND]
        await press(pilot, "P", "[")
        assert pair.sim.now < FORK


async def test_what_would_change_the_run_is_refused_in_a_sentence() -> None:
    async with playing() as (screen, pilot):
        branch_off(screen)
        await press(pilot, "d")
        both = live(pilot.app)
        for key in ("c", "r", "p", "h", "l", "b", "i", ":", "n", "R", "ctrl+r"):
            pilot.app.clear_notifications()
            await press(pilot, key)
            assert toasts(pilot.app) == [REFUSED], key
            assert live(pilot.app) is both
        await press(pilot, "s")
        assert "save keeps all of its branches" in toasts(pilot.app)[-1]
        await press(pilot, "e")
        assert "exported" in toasts(pilot.app)[-1]
        footer = shown(pilot.app).splitlines()[-1]
        assert "P Parting" in footer
        assert "Crash" not in footer
        assert not {"crash", "save", "branch", "command"} & {action.id for action in COMPARE}
        assert len(screen.driver.history.tree.branches) == 2


async def test_escape_lets_go_of_what_is_selected_first() -> None:
    async with playing() as (screen, pilot):
        branch_off(screen)
        await press(pilot, "d", "t", "escape")
        assert isinstance(live(pilot.app), CompareScreen)
        await press(pilot, "/", "a", "escape")
        assert isinstance(live(pilot.app), CompareScreen)
        await press(pilot, "3", "escape")
        assert live(pilot.app) is screen


async def test_why_is_asked_of_the_branch_in_which_it_happened() -> None:
    async with playing() as (screen, pilot):
        branch_off(screen)
        await press(pilot, "d")
        both = live(pilot.app)
        assert isinstance(both, CompareScreen)
        await press(pilot, "x")  # what happened in branch 2 is not what the messages show
        index = next(-line.index for line in both._pair.narration() if line.text.endswith("durable state."))
        both._explain(-index)
        await settle(pilot)
        asked = pilot.app.screen
        assert isinstance(asked, WhyScreen)
        assert asked.events[-1] == both._comparing.sides[1].event(index)
        await press(pilot, "enter")
        assert both._comparing.sim.now == FORK


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_it_fits_small_and_large_terminals(size: tuple[int, int]) -> None:
    async with playing(size=size) as (screen, pilot):
        branch_off(screen)
        await press(pilot, "d", "3")
        assert "command crash a-03" in shown(pilot.app).splitlines()[1]
        assert "branch 1: Who knows what" in shown(pilot.app)
        assert "branch 2: Who knows what" in shown(pilot.app)
        send(pilot, "2")
        await settle(pilot)
        assert ("branch 1: Who knows what" in shown(pilot.app)) == (size[0] == 200)
        assert ("branch 2: Who knows what" in shown(pilot.app)) == (size[0] == 200)


@pytest.mark.parametrize("scenario", ["auction", "gossip", "pbft", "pow", "scaling"])
async def test_the_courses_of_both_are_drawn_whatever_the_scenario(scenario: str) -> None:
    async with playing(scenario=scenario, params={}, size=(120, 40)) as (screen, pilot):
        pace = round(screen.sim.scenario.pace * SECOND)
        screen.driver.history.go_on(8 * pace, NEVER)
        screen.driver.go_to_time(2 * pace)
        screen.command(f"crash {screen.sim.names[1]}")
        screen.driver.history.go_on(8 * pace, NEVER)
        await press(pilot, "d")
        _, _, figures = shown(pilot.app).partition(" branch 2 ─")
        rows = [line.split("││")[0] for line in figures.splitlines() if " = " in line or " ≠ " in line]
        assert len(rows) > 3
        assert sum(any(0x2800 < ord(char) < 0x2900 for char in row) for row in rows) > 1


async def test_only_two_different_branches_can_be_compared() -> None:
    async with playing() as (screen, _):
        branch_off(screen)
        with pytest.raises(CommandError, match="branch 2 is the one on the screen"):
            open_comparison(screen, 2)
        with pytest.raises(CommandError, match="there is no branch 9; there are 1, 2"):
            open_comparison(screen, 9)
