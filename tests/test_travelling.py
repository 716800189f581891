"""Moving through time on the live screen: every key that does, the timeline, branches."""

from __future__ import annotations

import pytest
from textual.widgets import Input, SelectionList

from app.screens.branching import BranchDialog, ChooseDialog, GoDialog, in_words, read_moment
from app.screens.live import LiveScreen
from engine.errors import CommandError
from engine.simulation import NEVER
from tests.app_fixtures import NARROW, forward, live, playing, press, shown, toasts, write
from widgets.timeline import Timeline

CUT = "partition a-01,a-02 | a-03,a-04"


def pass_time(screen: LiveScreen, seconds: float) -> None:
    """Let so much virtual time pass."""
    screen.driver.history.go_on(screen.sim.now + round(seconds * 1_000_000), NEVER)


def cut_and_healed(screen: LiveScreen) -> None:
    """Cut the network at 1 s, heal it at 2 s, and stand at 3 s."""
    pass_time(screen, 1)
    screen.command(CUT)
    pass_time(screen, 1)
    screen.command("heal")
    pass_time(screen, 1)
    screen.draw(everything=True)


async def test_key_landmark_before_and_next() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        await press(pilot, "left_square_bracket")
        while screen.sim.now > 2_000_000:
            await press(pilot, "left_square_bracket")
        assert screen.sim.commands[-1] == "at 2s heal"
        assert "○ heal, at 2s" in toasts(screen.app)
        while screen.sim.now > 1_000_000:
            await press(pilot, "left_square_bracket")
        assert screen.sim.network.cuts
        assert "partition" in toasts(screen.app)[-1]
        while screen.sim.now < 2_000_000:
            await press(pilot, "right_square_bracket")
        assert not screen.sim.network.cuts
        assert len(screen.driver.history.tree.branches) == 1


async def test_key_landmark_before_ends_at_the_start() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 10)
        for _ in range(6):
            await press(pilot, "left_square_bracket")
        assert screen.sim.events == 0
        assert "this is the start of the run" in toasts(screen.app)[-1]


async def test_key_landmark_next_runs_on_until_there_is_one() -> None:
    async with playing() as (screen, pilot):
        screen.command("at 2s crash a-05")
        while screen.sim.now < 2_000_000:
            before = screen.sim.events
            await press(pilot, "right_square_bracket")
            assert screen.sim.events > before
            assert screen.driver.paused
        assert [one.kind for one in screen.driver.history.branch.landmarks if one.index == screen.sim.events] == [
            "crash"
        ]


async def test_key_landmark_next_says_when_nothing_comes_any_more(relay: str) -> None:
    async with playing({"stumble": "yes"}, scenario=relay) as (screen, pilot):
        for _ in range(60):
            await press(pilot, "right_square_bracket")
            if any("nothing worth seeing is left" in said for said in toasts(screen.app)):
                return
        pytest.fail("it never said so")


async def test_key_go_to_a_time_and_to_an_event() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        await press(pilot, "g")
        await write(pilot, "1.5s")
        await press(pilot, "enter")
        assert live(screen.app).sim.now == 1_500_000
        assert screen.sim.network.cuts
        await press(pilot, "g")
        await write(pilot, "#4")
        await press(pilot, "enter")
        assert screen.sim.events == 4


async def test_key_go_to_what_is_to_come() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "g")
        await write(pilot, "12s")
        await press(pilot, "enter")
        assert screen.sim.now == 12_000_000
        assert screen.driver.paused


@pytest.mark.parametrize("text", ["", "soon", "-3s", "#", "#x", "event"])
async def test_key_go_says_what_is_no_moment(text: str) -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "g")
        dialog = screen.app.screen
        assert isinstance(dialog, GoDialog)
        dialog.query_one("#go-where", Input).value = text
        await press(pilot, "enter")
        assert screen.app.screen is dialog
        assert "write a time such as 12.5s" in shown(screen.app)


def test_a_moment_is_read_in_several_ways() -> None:
    assert read_moment(" 12.5s ") == (None, 12_500_000)
    assert read_moment("2m") == (None, 120_000_000)
    assert read_moment("#17") == read_moment("event 17") == (17, 0)
    with pytest.raises(CommandError, match="'later' is no moment"):
        read_moment("later")


async def test_key_start_and_end() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        events, digest = screen.sim.events, screen.sim.digest
        for pane in "12345":
            await press(pilot, pane, "home")
            assert (screen.sim.events, screen.sim.commands) == (0, [])
            await press(pilot, "end")
            assert (screen.sim.events, screen.sim.now, screen.sim.digest) == (events, 3_000_000, digest)


async def test_key_end_after_the_last_command_of_a_recording_cut_short() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        branch = screen.driver.history.branch
        await press(pilot, "home")
        branch.events, branch.now = 3, 0  # as far as its digests reach
        await press(pilot, "end")
        assert screen.sim.commands[-1] == "at 2s heal"


async def test_key_timeline() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        await press(pilot, "t")
        line = screen.query_one(Timeline)
        assert line.has_focus
        await press(pilot, "left")
        assert 2_900_000 < screen.sim.now < 3_000_000
        await press(pilot, "shift+left")
        assert screen.sim.now < 2_900_000
        await press(pilot, "shift+right", "shift+right", "right")
        assert screen.sim.now == 3_000_000
        await press(pilot, "escape")
        assert not line.has_focus
        await press(pilot, "t", "t")
        assert not line.has_focus


async def test_the_timeline_is_clicked_and_dragged() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        end = screen.sim.digest
        line = screen.query_one(Timeline)
        await pilot.mouse_down(line, offset=(30, 0))
        first = screen.sim.now
        assert 0 < first < 3_000_000
        await pilot.hover(line, offset=(50, 0))
        assert first < screen.sim.now < 3_000_000
        await pilot.hover(line, offset=(119, 0))
        await pilot.mouse_up(line, offset=(119, 0))
        assert (screen.sim.now, screen.sim.digest) == (3_000_000, end)


async def test_another_command_in_the_past_begins_a_branch() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        screen.driver.go_to_time(1_500_000)
        await press(pilot, "1", "c")
        assert screen.driver.history.branch.number == 2
        assert "branch 2 of 2" in shown(screen.app)
        assert "crash a-01" in shown(screen.app).splitlines()[-2]


async def test_key_branch_asks_what_shall_come_all_the_same() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        screen.driver.go_to_time(500_000)
        await press(pilot, "n")
        dialog = screen.app.screen
        assert isinstance(dialog, BranchDialog)
        ticks = dialog.query_one(SelectionList)
        assert ticks.option_count == 2 and not ticks.selected
        await press(pilot, "space", "enter")
        assert live(screen.app).driver.history.branch.number == 2
        pass_time(screen, 3)
        assert screen.sim.network.cuts


async def test_key_branch_where_nothing_was_done_later_asks_nothing() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 40)
        await press(pilot, "comma", "n")
        assert live(screen.app).driver.history.branch.number == 2
        assert "branch 2 begins here" in toasts(screen.app)[-1]


async def test_key_branch_says_that_one_must_go_back_first() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 10)
        await press(pilot, "n")
        assert "go back first" in toasts(screen.app)[-1]
        assert len(screen.driver.history.tree.branches) == 1


async def test_key_switch() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        screen.driver.go_to_time(1_500_000)
        screen.command("crash a-04")
        pass_time(screen, 1)
        await press(pilot, "x")
        assert (screen.driver.history.branch.number, screen.sim.now) == (1, 2_500_000)
        assert screen.sim.commands[-1] == "at 2s heal"
        await press(pilot, "x")
        assert (screen.driver.history.branch.number, screen.sim.now) == (2, 2_500_000)
        assert screen.sim.commands[-1] == "at 1.5s crash a-04"


async def test_key_switch_and_compare_say_that_there_is_one_branch_only() -> None:
    async with playing() as (screen, pilot):
        for key in "xd":
            await press(pilot, key)
            assert "there is one branch only" in toasts(screen.app)[-1]


async def test_key_compare() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        screen.driver.go_to_time(1_500_000)
        screen.command("crash a-04")
        pass_time(screen, 1)
        await press(pilot, "d")
        assert screen.app.screen is not screen
        assert "branch 1" in shown(screen.app) and "branch 2" in shown(screen.app)
        await press(pilot, "escape")
        assert live(screen.app) is screen
        assert screen.sim.now == 2_500_000


async def test_which_of_three_branches_to_compare_is_asked() -> None:
    async with playing() as (screen, pilot):
        cut_and_healed(screen)
        for command in ("crash a-04", "crash a-05"):
            screen.driver.go_to_time(1_500_000)
            screen.command(command)
            pass_time(screen, 1)
        await press(pilot, "d")
        assert isinstance(screen.app.screen, ChooseDialog)
        assert "branch 2  from 1.5s of branch 1 to 2.5s: crash a-04" in shown(screen.app)
        await press(pilot, "enter")
        assert not isinstance(screen.app.screen, (ChooseDialog, type(None)))
        assert screen.app.screen is not screen


async def test_a_branch_is_said_in_one_line() -> None:
    async with playing() as (screen, _):
        cut_and_healed(screen)
        assert in_words(screen.driver.history.branch) == f"branch 1  from the start to 3s: {CUT}, heal"


async def test_on_a_small_terminal_the_timeline_stays_in_sight() -> None:
    async with playing(size=NARROW) as (screen, pilot):
        cut_and_healed(screen)
        assert "3.0s" in shown(screen.app).splitlines()[-2]
        await press(pilot, "home")
        assert "0.0s of 3.0s" in shown(screen.app).splitlines()[-2]


async def test_what_cannot_be_compared_is_said_in_a_sentence() -> None:
    """Of two runs side by side, and also where another branch had to be chosen first."""
    async with playing(scenario="finality", params={}) as (screen, pilot):
        screen.driver.go_to(40)
        for steps in (20, 10):
            screen.driver.go_to(steps)
            screen.command("crash node-1")
            await press(pilot, "full_stop", "d")
            if isinstance(screen.app.screen, ChooseDialog):
                await press(pilot, "enter")
            assert live(screen.app) is screen
            assert toasts(screen.app)[-1].startswith("two runs stand side by side here already")
        assert len(screen.driver.history.tree.branches) == 3
