"""The live screen: each key does what the help says of it, and what is done to a run is a command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Select, Static

from app.application import SwarmscopeApp
from app.keys import COMPARE, COMPARED, LIVE, MENU
from app.screens.bar import Bar
from app.screens.comparing import CompareScreen
from app.screens.dialogs import Dialog, LinkDialog, MisbehaveDialog, OwnDialog, PartitionDialog
from app.screens.exporting import ExportDialog
from app.screens.help import HelpScreen
from app.screens.inspecting import InspectScreen
from app.screens.live import LiveScreen
from app.screens.menu import MenuScreen
from app.screens.why import WhyScreen
from app.settings import Settings
from engine.views import Health
from tests import test_travelling
from tests.app_fixtures import (
    NARROW,
    WIDE,
    Clock,
    forward,
    live,
    opened,
    playing,
    press,
    send,
    settle,
    shown,
    toasts,
    write,
)
from widgets.agents import AgentsPane
from widgets.inspector import Inspector
from widgets.messages import MessagesPane
from widgets.narration import NarrationPane
from widgets.network import NetworkPane
from widgets.pane import Pane

# --- every key ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("screen", "actions"), [(LiveScreen, LIVE), (CompareScreen, COMPARE), (MenuScreen, MENU)])
def test_every_action_can_be_carried_out(screen: type, actions: Any) -> None:
    for action in actions:
        assert callable(getattr(screen, f"action_{action.action.partition('(')[0]}")), action.id


def test_every_action_has_one_id_and_a_key_of_its_own() -> None:
    for actions in ((*LIVE, *COMPARED), COMPARE, MENU):
        keys = [key for action in actions for key in action.key.split(",")]
        assert len(keys) == len(set(keys))
    ids = [action.id for action in (*LIVE, *COMPARED, *MENU)]
    assert len(ids) == len(set(ids))


def test_every_key_of_the_live_screen_has_a_test_below() -> None:
    here = {**vars(sys.modules[__name__]), **vars(test_travelling)}
    tests = [name for name in here if name.startswith("test_key_")]
    for action in LIVE:
        name = f"test_key_{action.id.replace('-', '_')}"
        assert any(test == name or test.startswith(f"{name}_") for test in tests), action.id


def health(screen: LiveScreen, name: str) -> Health:
    return screen.sim.health(screen.sim.ids[name])


def commands(screen: LiveScreen) -> list[str]:
    """What has been done to the run, without the moments."""
    return [text.split(" ", 3)[3] if text.startswith("at event") else text.split(" ", 2)[2] for text in
            screen.sim.commands]  # fmt: skip


async def test_key_pause() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "space")
        assert not screen.driver.paused
        await press(pilot, "space")
        assert screen.driver.paused


async def test_key_step() -> None:
    async with playing(paused=False) as (screen, pilot):
        before = screen.sim.events
        await press(pilot, "full_stop")
        assert screen.driver.paused
        assert screen.sim.events == before + 1


async def test_key_step_says_when_nothing_is_left(relay: str) -> None:
    async with playing({"stumble": "yes"}, scenario=relay) as (screen, pilot):
        while screen.sim.step():
            pass
        await press(pilot, "full_stop")
        assert toasts(screen.app) == ["nothing is left to happen; inject something, or start over"]


async def test_key_back() -> None:
    async with playing() as (screen, pilot):
        sim = forward(screen, 20)
        digest = sim.digest
        sim.step()
        await press(pilot, "comma")
        assert (sim.events, sim.digest) == (20, digest)
        await press(pilot, "full_stop", "full_stop", "comma", "comma")
        assert (sim.events, sim.digest) == (20, digest)


async def test_key_back_says_when_this_is_the_start() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "comma")
        assert toasts(screen.app) == ["this is the start of the run; there is no event before it"]


async def test_key_faster() -> None:
    async with playing(speed=1.0) as (screen, pilot):
        await press(pilot, "plus", "equals_sign")
        assert screen.driver.speed == 4.0
        assert "4×" in shown(screen.app)


async def test_key_slower() -> None:
    async with playing(speed=1.0) as (screen, pilot):
        await press(pilot, "minus", "minus")
        assert screen.driver.speed == 0.25
        assert "1/4×" in shown(screen.app)


async def test_key_real_time() -> None:
    async with playing(speed=16.0) as (screen, pilot):
        await press(pilot, "0")
        assert screen.driver.speed == 1.0


async def test_key_flat_out() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "f")
        assert screen.driver.speed is None
        assert "flat out" in shown(screen.app)
        await press(pilot, "minus")
        assert screen.driver.speed == 1.0


async def test_key_crash() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "1", "down", "c")
        assert health(screen, "a-02") == Health.CRASHED
        assert commands(screen) == ["crash a-02"]
        assert "✕ a-02" in shown(screen.app)


async def test_key_crash_of_an_agent_that_is_down_is_a_sentence() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "c", "c")
        [sentence] = toasts(screen.app)
        assert "a-01" in sentence and "none can crash" in sentence
        assert commands(screen) == ["crash a-01"]


async def test_key_restart() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "c", "r")
        assert health(screen, "a-01") == Health.UP
        assert commands(screen) == ["crash a-01", "restart a-01"]


async def test_key_partition() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "p")
        assert isinstance(screen.app.screen, PartitionDialog)
        await press(pilot, "enter")
        assert live(screen.app) is screen
        assert commands(screen) == ["partition a-01,a-02,a-03 | a-04,a-05,a-06"]
        assert "cut" in shown(screen.app)


async def test_key_heal() -> None:
    async with playing() as (screen, pilot):
        screen.command("partition a-01 | a-02")
        await press(pilot, "h")
        assert not screen.sim.network.cuts
        assert commands(screen)[-1] == "heal"


async def test_key_heal_without_a_partition_is_a_sentence() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "h")
        assert toasts(screen.app) == ["there is no partition to heal"]
        assert screen.sim.commands == []


async def test_key_links() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "l", *"20ms", "tab", *"12.5", "enter")
        assert live(screen.app) is screen
        assert commands(screen) == ["latency 20ms", "loss 12.5%"]


async def test_key_misbehave() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "b")
        assert isinstance(screen.app.screen, MisbehaveDialog)
        await press(pilot, "down", "enter")
        mode = screen.sim.scenario.misbehaviours[1].name
        assert commands(screen) == [f"byzantine a-01 {mode}"]
        assert health(screen, "a-01") == Health.BYZANTINE


async def test_key_own() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "i", *"the owl has landed", "enter")
        assert live(screen.app) is screen
        assert commands(screen) == ['rumour a-01 "the owl has landed"']
        assert "the owl has landed" in screen._framer.narration()[-1].text


async def test_key_command() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":freeze a-04")
        await press(pilot, "enter")
        assert health(screen, "a-04") == Health.FROZEN
        assert not screen.query_one("#command-bar", Bar).is_open


async def press_a_number(number: int) -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "1" if number != 1 else "5", str(number))
        panes = [pane.number for pane in screen.query(Pane) if pane.has_focus_within]
        assert panes == [number]
    async with playing(size=NARROW) as (screen, pilot):
        await press(pilot, str(number))
        assert [pane.number for pane in screen.query(Pane) if pane.display] == [number]
        assert next(pane for pane in screen.query(Pane) if pane.display).has_focus_within


async def test_key_agents() -> None:
    await press_a_number(1)


async def test_key_messages() -> None:
    await press_a_number(2)


async def test_key_stage() -> None:
    await press_a_number(3)


async def test_key_metrics() -> None:
    await press_a_number(4)


async def test_key_story() -> None:
    await press_a_number(5)


async def test_key_zoom() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "3", "z")
        [alone] = [pane for pane in screen.query(Pane) if pane.display]
        assert alone.number == 3
        assert alone.size.width > 100 and alone.size.height > 30
        await press(pilot, "4")
        assert [pane.number for pane in screen.query(Pane) if pane.display] == [4]
        await press(pilot, "z")
        assert all(pane.display for pane in screen.query(Pane))
        assert screen.query_one("#metrics").has_focus_within


async def test_key_face() -> None:
    async with playing() as (screen, pilot):
        messages = screen.query_one(MessagesPane)
        forward(screen, 10)
        await press(pilot, "v")
        assert messages.face == "sequence"
        assert messages.sequence.rows >= 2
        await press(pilot, "v")
        assert messages.face == "log"
        assert messages.log_face.rows >= 10
        await press(pilot, "v")
        assert messages.face == "network"


async def test_key_face_brings_the_messages_into_sight_first() -> None:
    async with playing(size=NARROW) as (screen, pilot):
        messages = screen.query_one(MessagesPane)
        await press(pilot, "1", "v")
        assert messages.display and messages.face == "network"


async def test_key_next() -> None:
    for size in (WIDE, NARROW):
        async with playing(size=size) as (screen, pilot):
            seen = []
            for _ in range(5):
                await press(pilot, "tab")
                seen.append([pane.number for pane in screen.query(Pane) if pane.has_focus_within])
            assert seen == [[3], [4], [5], [1], [2]]


async def test_key_previous() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "shift+tab", "shift+tab")
        assert screen.query_one(NarrationPane).has_focus_within


async def test_key_inspect() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 10)
        await press(pilot, "1", "down")
        for pane in "12345":
            await press(pilot, pane, "enter")
            assert isinstance(screen.app.screen, InspectScreen), pane
            assert screen.app.screen.query_one(Inspector).agent == 1
            await press(pilot, "right_square_bracket")
            assert screen.app.screen.query_one(Inspector).agent == 2
            await press(pilot, "escape")
            assert live(screen.app) is screen


async def test_key_why() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 30)
        for pane in "12345":
            await press(pilot, pane, "w")
            assert isinstance(screen.app.screen, WhyScreen), pane
            await press(pilot, "escape")
            assert live(screen.app) is screen


async def test_key_filter() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 20)
        await write(pilot, "/a-03")
        await press(pilot, "enter")
        assert "1 of 6" in shown(screen.app)
        await press(pilot, "v")
        assert screen.query_one(MessagesPane).sequence.lanes == ("a-03",)
        await press(pilot, "v")
        log = screen.query_one(MessagesPane).log_face
        assert 0 < log.rows < 20
        await press(pilot, "slash")
        assert screen.query_one("#filter-bar Input", Input).value == "a-03"
        await press(pilot, "escape")
        assert "1 of 6" not in shown(screen.app)
        assert log.rows >= 20


@pytest.mark.parametrize(
    ("scenario", "command"),
    [
        ("auction", "announce m-1"),
        ("pow", "pay miner-1 miner-2 100"),
        ("pbft", "pay c-1 c-2 5"),
        ("scaling", "spike x3 for 20s"),
    ],
)
async def test_key_own_proposes_what_can_be_done(scenario: str, command: str) -> None:
    async with playing({}, scenario=scenario) as (screen, pilot):
        screen.sim.run(until=0.5)
        await press(pilot, "i", "ctrl+s")
        assert not isinstance(screen.app.screen, Dialog)
        assert screen.sim.commands[-1].endswith(command)


async def test_the_stage_says_what_its_keys_do() -> None:
    async with playing({}, scenario="pow") as (screen, pilot):
        screen.sim.run(until=60)
        screen.draw(everything=True)
        await press(pilot, "3")
        assert "arrows select a block" in shown(screen.app)
        await press(pilot, "left")
        assert "esc lets go" in shown(screen.app)
        assert "hash   " in shown(screen.app)
        await press(pilot, "escape", "1")
        assert "arrows select" not in shown(screen.app)
        await press(pilot, "?")
        await press(pilot, *["pagedown"] * 2)
        assert "See more blocks, smaller" in shown(screen.app)


async def test_key_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with playing() as (screen, pilot):
        forward(screen, 60)
        await press(pilot, "s", "enter")
        assert (tmp_path / "gossip-7.swarm").read_text(encoding="utf-8").startswith("swarmscope recording 2")
        assert "swarmscope replay gossip-7.swarm" in toasts(screen.app)[-1]


async def test_key_export() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 60)
        await press(pilot, "e")
        assert isinstance(screen.app.screen, ExportDialog)
        await press(pilot, "escape")
        assert live(screen.app) is screen


async def test_key_over() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 30)
        await press(pilot, "3", "z", "R")
        again = live(screen.app)
        assert again is not screen
        assert (again.sim.seed, again.sim.events) == (7, 0)
        assert [pane.number for pane in again.query(Pane) if pane.display] == [3]


async def test_key_over_after_the_end_lets_the_run_go_again() -> None:
    async with playing() as (screen, pilot):
        screen.driver.paused = screen.driver.ended = True
        await press(pilot, "R")
        assert not live(screen.app).driver.paused


async def test_key_new_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.application.new_seed", lambda: 4711)
    async with playing(speed=2.0) as (screen, pilot):
        await press(pilot, "ctrl+r")
        again = live(screen.app)
        assert again.sim.seed == 4711
        assert again.sim.params == screen.sim.params
        assert (again.driver.speed, again.driver.paused) == (2.0, True)


async def test_key_help() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "question_mark")
        assert isinstance(screen.app.screen, HelpScreen)
        await settle(pilot)
        text = shown(screen.app)
        assert all(" ".join(action.help.split()[:5]) in text for action in LIVE[:10])
        await press(pilot, "escape")
        assert live(screen.app) is screen


async def test_key_menu() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "m")
        assert isinstance(screen.app.screen, MenuScreen)


async def test_key_quit() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "q")
        assert screen.app._exit
        assert screen.app.return_code == 0


# --- the line for commands ------------------------------------------------------------------------


def line(screen: LiveScreen) -> Input:
    return screen.query_one("#command-bar Input", Input)


def hint(screen: LiveScreen) -> str:
    return str(screen.query_one("#command-bar .bar-hint", Static).content)


async def test_tab_completes() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":cra")
        await press(pilot, "tab")
        assert line(screen).value == "crash"
        await press(pilot, "space", *"a-0", "tab")
        assert line(screen).value == "crash a-01"


async def test_candidates_stand_above_the_line() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":crash a")
        assert "a-01  a-02  a-03" in hint(screen)


async def test_up_and_down_walk_through_what_was_typed() -> None:
    async with playing() as (screen, pilot):
        for text in ("crash a-02", "restart a-02"):
            await press(pilot, "colon", *text, "enter")
        await write(pilot, ":fr")
        await press(pilot, "up")
        assert line(screen).value == "restart a-02"
        await press(pilot, "up", "up")
        assert line(screen).value == "crash a-02"
        await press(pilot, "down", "down")
        assert line(screen).value == "fr"


async def test_a_mistake_keeps_the_text_and_says_where() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":crash a-01 now")
        await press(pilot, "enter")
        assert line(screen).value == "crash a-01 now"
        assert "column 12" in hint(screen)
        assert line(screen).cursor_position == 11
        assert screen.sim.commands == []
        await press(pilot, "backspace")
        assert "column" not in hint(screen)


async def test_escape_gives_up() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":crash a-01")
        await press(pilot, "escape")
        assert screen.sim.commands == []
        assert not screen.query_one("#command-bar", Bar).is_open
        await press(pilot, "colon")
        assert line(screen).value == ""


async def test_a_command_for_later_waits_in_the_agenda() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":at 2s crash a-03")
        await press(pilot, "enter")
        assert health(screen, "a-03") == Health.UP
        screen.sim.run(until=2.5)
        assert health(screen, "a-03") == Health.CRASHED


async def test_keys_typed_right_after_the_colon_belong_to_the_command() -> None:
    async with playing() as (screen, pilot):
        for key in ":crash":
            send(pilot, key)
        await settle(pilot)
        assert line(screen).value == "crash"
        assert screen.sim.commands == []


async def test_a_key_typed_right_after_an_arrow_acts_on_what_the_arrow_chose() -> None:
    async with playing() as (screen, pilot):
        for pane, arrow in (("1", "down"), ("2", "down")):
            await press(pilot, pane)
            send(pilot, arrow)
            send(pilot, "c")
            await settle(pilot)
            name = screen.sim.names[screen.selected]
            assert commands(screen)[-1] == f"crash {name}"
            assert screen.query_one(NetworkPane).selected == screen.query_one(AgentsPane).selected == screen.selected
        assert len(set(commands(screen))) == 2


async def test_opening_the_line_twice_keeps_what_stands_in_it() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":crash")
        screen.action_command()
        await settle(pilot)
        assert line(screen).value == "crash"
        screen.action_filter()
        await settle(pilot)
        assert [bar.id for bar in screen.query(Bar) if bar.is_open] == ["filter-bar"]


# --- dialogs --------------------------------------------------------------------------------------


async def partition(pilot: Pilot[Any], *keys: str) -> None:
    await press(pilot, "p")
    await press(pilot, *keys)


CUTS = {
    ("1", "enter"): "partition a-01,a-02,a-03 | a-04,a-05,a-06",
    ("2", "enter"): "partition a-02 | a-01,a-03,a-04,a-05,a-06",
    ("3", "enter"): "partition a-01,a-02 | a-03,a-04,a-05,a-06",
    ("4", "enter"): "partition a-01,a-03,a-05 | a-02,a-04,a-06",
    ("1", "o", "enter"): "partition a-01,a-02,a-03 > a-04,a-05,a-06",
    ("3", "down", "down", "space", "enter"): "partition a-01,a-02,a-03 | a-04,a-05,a-06",
    ("2", "ctrl+s"): "partition a-02 | a-01,a-03,a-04,a-05,a-06",
}


async def test_the_partition_that_was_picked() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "1", "down")
        for keys, command in CUTS.items():
            await partition(pilot, *keys)
            assert commands(screen)[-1] == command, keys
            await press(pilot, "h")
        assert len(commands(screen)) == 2 * len(CUTS)


async def test_a_cut_needs_two_sides() -> None:
    async with playing() as (screen, pilot):
        await partition(pilot, "2", "space", "enter")
        dialog = screen.app.screen
        assert isinstance(dialog, PartitionDialog)
        assert "each side needs at least one agent" in str(dialog.query_one("#dialog-problem", Static).content)
        await press(pilot, "escape")
        assert screen.sim.commands == []


async def test_what_is_cut_is_said_before_it_is_cut() -> None:
    async with playing() as (screen, pilot):
        await partition(pilot, "2")
        assert "1 agents (a-01)  cut from  5 agents (a-02, a-03 … a-06)" in shown(screen.app)
        await press(pilot, "o")
        assert "cannot tell" in shown(screen.app)


async def test_enter_on_cancel_cancels() -> None:
    async with playing() as (screen, pilot):
        await partition(pilot)
        screen.app.screen.query_one("#give-up").focus()
        await press(pilot, "enter")
        assert live(screen.app) is screen
        assert screen.sim.commands == []


async def test_one_agent_left_cannot_be_cut_off() -> None:
    async with playing({"agents": 2}) as (screen, pilot):
        screen.command("leave a-02")
        await press(pilot, "p")
        assert live(screen.app) is screen
        assert toasts(screen.app) == ["a partition needs two agents; only one is left"]


async def test_links_of_all_or_of_the_selected_agent() -> None:
    async with playing() as (screen, pilot):
        for where, command in enumerate(("loss 50%", "loss 50% a-01 - *", "loss 50% a-01 > *")):
            await press(pilot, "l")
            dialog = screen.app.screen
            assert isinstance(dialog, LinkDialog)
            dialog.query_one(Select).value = dialog._where[where][1]
            dialog.query_one("#link-loss", Input).value = "50"
            await press(pilot, "enter")
            assert commands(screen)[where:] == [command]


async def test_a_mistake_in_a_dialog_keeps_it_open() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "l", *"soon", "enter")
        dialog = screen.app.screen
        assert isinstance(dialog, LinkDialog)
        assert str(dialog.query_one("#dialog-problem", Static).content).startswith("✗ ")
        assert dialog.query_one("#link-latency", Input).value == "soon"
        assert screen.sim.commands == []


async def test_an_agent_that_is_not_there_is_said_in_the_dialog() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "i")
        dialog = screen.app.screen
        assert isinstance(dialog, OwnDialog)
        dialog.query_one("#own-agent", Input).value = "nobody"
        dialog.query_one("#own-text", Input).value = "news"
        await press(pilot, "enter")
        assert screen.app.screen is dialog
        assert "nobody" in str(dialog.query_one("#dialog-problem", Static).content)


async def test_a_missing_argument_is_named() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "i", "enter")
        assert "rumour needs its text" in shown(screen.app)


async def test_honesty_can_be_chosen_again() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "b", "enter")
        assert health(screen, "a-01") == Health.BYZANTINE
        await press(pilot, "b")
        assert screen.app.screen.query_one(OptionList).highlighted == 0
        await press(pilot, "enter")
        assert health(screen, "a-01") == Health.UP


async def test_keys_do_nothing_behind_a_dialog() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 10)
        for key in ("p", "l", "b", "i", "question_mark", "enter"):
            await press(pilot, key)
            assert screen.app.screen is not screen, key
            await press(pilot, "c", "h", "R", "f", "m")
            assert (screen.sim.commands, screen.sim.events) == ([], 10), key
            assert screen.driver.speed is not None
            await press(pilot, "escape")
            assert live(screen.app) is screen


async def test_the_inspector_closes_when_its_agent_is_gone() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "enter")
        screen.command("leave a-01")
        inspecting = screen.app.screen
        assert isinstance(inspecting, InspectScreen)
        inspecting._show()
        await settle(pilot)
        assert live(screen.app) is screen


# --- the mouse ------------------------------------------------------------------------------------


async def click_network(pilot: Pilot[Any], screen: LiveScreen, spot: tuple[int, int], times: int = 1) -> None:
    await pilot.click(NetworkPane, offset=spot, times=times)
    await settle(pilot)


async def test_a_click_on_an_agent_selects_it() -> None:
    async with playing() as (screen, pilot):
        await settle(pilot)
        network = screen.query_one(NetworkPane)
        await click_network(pilot, screen, network._placing.spots[3])
        assert screen.selected == 3
        assert screen.query_one(AgentsPane).selected == 3
        await press(pilot, "c")
        assert commands(screen) == ["crash a-04"]


async def test_two_clicks_on_an_agent_look_into_it() -> None:
    async with playing() as (screen, pilot):
        await settle(pilot)
        network = screen.query_one(NetworkPane)
        await click_network(pilot, screen, network._placing.spots[3], times=2)
        assert isinstance(screen.app.screen, InspectScreen)


async def test_a_click_on_a_link_asks_what_it_shall_be_like() -> None:
    async with playing() as (screen, pilot):
        await settle(pilot)
        spots = screen.query_one(NetworkPane)._placing.spots
        (ax, ay), (bx, by) = spots[2], spots[3]
        await click_network(pilot, screen, ((ax + bx) // 2, (ay + by) // 2))
        assert isinstance(screen.app.screen, LinkDialog)
        await press(pilot, *"5ms", "enter")
        assert commands(screen) == ["latency 5ms a-03 - a-04"]


async def test_a_click_on_a_message_offers_to_drop_it() -> None:
    async with playing({"agents": 6, "topology": "star", "latency": 1}) as (screen, pilot):
        sim = forward(screen, 1)
        while not (moving := screen._framer.network().moving):
            sim.step()
        sim.run_to((moving[0].sent + moving[0].due) // 2)
        screen.draw(everything=True)
        await settle(pilot)
        network = screen.query_one(NetworkPane)
        spot = next(
            (x, y)
            for y in range(network.size.height)
            for x in range(network.size.width)
            if network.agent_at((x, y)) is None and network.message_at((x, y)) == moving[0].number
        )
        await click_network(pilot, screen, spot)
        assert line(screen).value == f"drop m{moving[0].number}"
        await press(pilot, "enter")
        [dropped] = [message for message in screen._framer.network().moving if message.number == moving[0].number]
        assert dropped.lost


async def test_a_click_on_a_pane_goes_to_it() -> None:
    async with playing() as (screen, pilot):
        for number in (1, 3, 5, 2, 4):
            pane = screen._pane(number)
            await pilot.click(pane, offset=(pane.size.width // 2, pane.size.height - 1))
            await settle(pilot)
            assert pane.has_focus_within
        await press(pilot, "z")
        assert [one.number for one in screen.query(Pane) if one.display] == [4]


async def test_a_click_on_a_row_selects_its_agent() -> None:
    async with playing() as (screen, pilot):
        await pilot.click(AgentsPane, offset=(5, 4))
        await settle(pilot)
        assert screen.selected == 2
        assert screen.query_one(NetworkPane).selected == 2


async def test_a_click_on_a_face_turns_to_it() -> None:
    async with playing() as (screen, pilot):
        messages = screen.query_one(MessagesPane)
        start, _, face = messages._words[-1]
        await pilot.click(MessagesPane, offset=(start, 0))
        await settle(pilot)
        assert messages.face == face == "log"


async def test_a_click_on_a_tab_goes_to_its_pane() -> None:
    async with playing(size=NARROW) as (screen, pilot):
        await pilot.click("#tabs", offset=(2, 0))
        await settle(pilot)
        assert screen.query_one(AgentsPane).display


async def test_a_click_in_the_footer_is_the_key() -> None:
    async with playing() as (screen, pilot):
        at = shown(screen.app).splitlines()[-1].index("Crash")
        await pilot.click("KeyLine", offset=(at, 0))
        await settle(pilot)
        assert commands(screen) == ["crash a-01"]


async def test_an_event_of_the_log_says_why() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 30)
        await press(pilot, "2", "v", "v")
        await press(pilot, "up", "up", "up")
        assert live(screen.app) is screen  # looking around opens nothing
        await press(pilot, "enter")
        assert isinstance(screen.app.screen, WhyScreen)
        assert screen.app.screen.events[-1].index == screen.query_one(MessagesPane).log_face.chosen


# --- sizes ----------------------------------------------------------------------------------------


async def resize(pilot: Pilot[Any], width: int, height: int) -> None:
    await pilot.resize_terminal(width, height)
    await settle(pilot)


async def test_nothing_is_lost_on_the_way_through_small_sizes() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 25)
        await press(pilot, "1", "down", "down")
        before = shown(screen.app)
        await resize(pilot, 80, 24)
        assert [pane.number for pane in screen.query(Pane) if pane.display] == [1]
        assert "2 Messages" in shown(screen.app)
        await resize(pilot, 20, 5)
        sentence = " ".join(shown(screen.app).split())
        assert sentence == "Swarmscope needs 60×18 characters; this terminal has 20×5."
        await press(pilot, "colon")
        assert " ".join(shown(screen.app).split()) == sentence
        await press(pilot, "escape", "full_stop")
        await resize(pilot, 120, 40)
        await press(pilot, "comma")
        assert screen.selected == 2
        assert without_timeline(shown(screen.app)) == without_timeline(before)


def without_timeline(text: str) -> list[str]:
    """The lines of the screen but the last one but one, which knows how far the run has been."""
    lines = text.splitlines()
    return [*lines[:-2], lines[-1]]


async def test_a_small_terminal_shows_one_pane_the_last_words_and_the_keys() -> None:
    async with playing(size=NARROW) as (screen, pilot):
        forward(screen, 25)
        await settle(pilot)
        lines = shown(screen.app).splitlines()
        assert len(lines) == 24
        assert "gossip" in lines[0]
        assert "1 Agents" in lines[1] and "5 Story" in lines[1]
        assert "2 Messages" in lines[2]
        assert "f1" in lines[-3]
        assert "space Pause" in lines[-1] and "q Quit" in lines[-1]


async def test_zoomed_a_small_terminal_has_nothing_but_the_pane() -> None:
    async with playing(size=NARROW) as (screen, pilot):
        await press(pilot, "z")
        lines = shown(screen.app).splitlines()
        assert "2 Messages" in lines[1]
        assert screen.query_one(MessagesPane).outer_size.height == 22


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (100, 30), (120, 40), (200, 60)])
async def test_no_line_is_wider_than_the_terminal(size: tuple[int, int]) -> None:
    async with playing({"agents": 40}, size=size) as (screen, pilot):
        forward(screen, 100)
        await settle(pilot)
        lines = shown(screen.app).splitlines()
        assert len(lines) == size[1]
        assert all(len(line) <= size[0] for line in lines)


# --- runs that begin, end and begin again ---------------------------------------------------------


def drivers(app: SwarmscopeApp) -> int:
    return sum(not worker.is_finished for worker in app.workers)


async def test_back_in_the_menu_the_run_is_over() -> None:
    async with playing(paused=False) as (screen, pilot):
        app = screen.app
        assert isinstance(app, SwarmscopeApp)
        assert drivers(app) == 1
        for _ in range(3):
            await press(pilot, "m")
            assert drivers(app) == 0
            await press(pilot, "enter")
            assert drivers(app) == 1
        await press(pilot, "R")
        await press(pilot, "ctrl+r")
        assert drivers(app) == 1
        assert len(app.screen_stack) == 3


async def test_time_goes_on_with_the_clock() -> None:
    clock = Clock()
    async with playing(clock=clock, speed=2.0) as (screen, pilot):
        await press(pilot, "space")
        clock.pass_by(0.25)
        for _ in range(100):
            await pilot.pause(0.01)
            if screen.sim.now == 500_000:
                break
        assert screen.sim.now == 500_000
        await press(pilot, "space")
        clock.pass_by(1.0)
        await pilot.pause(0.05)
        assert screen.sim.now == 500_000


async def test_what_a_script_cannot_do_is_told_and_the_run_goes_on() -> None:
    from engine.grammar import parse_script

    clock = Clock()
    script = tuple(parse_script("at 100ms crash a-02\nat 200ms crash a-02\nat 300ms crash a-03", {}))
    async with playing(clock=clock, speed=1.0, script=script) as (screen, pilot):
        await press(pilot, "space")
        clock.pass_by(1.0)
        for _ in range(100):
            await pilot.pause(0.01)
            if screen.sim.now == 1_000_000:
                break
        assert health(screen, "a-03") == Health.CRASHED
        await press(pilot, "space")
        assert "could not be carried out" in " ".join(line.text for line in screen._framer.narration())


async def test_the_command_line_is_remembered_over_runs() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":crash a-02")
        await press(pilot, "enter")
        await press(pilot, "R")
        await press(pilot, "colon", "up")
        assert line(live(screen.app)).value == "crash a-02"


async def test_keys_act_on_the_agent_that_is_shown_when_the_selected_one_has_left() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "1", "down", "down")
        screen.command("leave a-03")
        screen.draw(everything=True)
        await settle(pilot)
        shown_there = screen.query_one(AgentsPane).selected
        await press(pilot, "c")
        assert shown_there is not None
        assert commands(screen)[-1] == f"crash {screen.sim.names[shown_there]}"
        assert screen.query_one(NetworkPane).selected == shown_there


async def test_an_agent_that_joins_is_shown() -> None:
    async with playing() as (screen, pilot):
        await write(pilot, ":join")
        await press(pilot, "enter")
        assert screen.query_one(AgentsPane)._table.counts == (7, 7)
        assert "joins" in shown(screen.app)
        await press(pilot, "comma")
        assert screen.query_one(AgentsPane)._table.counts == (6, 6)


async def test_two_agents_are_enough() -> None:
    async with playing({"agents": 2}) as (screen, pilot):
        screen.sim.run(until=10.0)
        screen.draw(everything=True)
        await partition(pilot, "enter")
        assert commands(screen) == ["partition a-01 | a-02"]
        await press(pilot, "h", "c", "r", "v", "v", "v")
        assert commands(screen)[1:] == ["heal", "crash a-01", "restart a-01"]


@pytest.mark.slow
async def test_a_thousand_agents_are_not_too_many() -> None:
    async with playing({"agents": 1000}) as (screen, pilot):
        screen.sim.run(until=5.0)
        screen.draw(everything=True)
        await press(pilot, "1", "end", "c", "3", "v", "v", "2", "v")
        await partition(pilot, "enter")
        assert commands(screen)[0].startswith("crash a-")
        assert len(screen.sim.reachability().groups) >= 2
        await press(pilot, "comma")
        assert commands(screen) == commands(screen)[:1]


# --- scenarios of one's own -----------------------------------------------------------------------

BARE = """\
from swarmscope import SECOND, Agent, Scenario


class Counter(Agent):
    def __init__(self):
        self.count = 0

    def on_start(self):
        self.ctx.set_timer("tick", SECOND)

    def on_timer(self, name):
        self.count += 1
        self.ctx.set_timer("tick", SECOND)


class Bare(Scenario):
    name = "bare"
    title = "Nothing but agents"

    def population(self):
        return [(f"n{i}", "counter") for i in range(4)]

    def create(self, name, role):
        return Counter()
"""


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_scenario_without_views_has_plain_ones(write: Callable[[str, str], str], size: tuple[int, int]) -> None:
    async with playing({}, scenario=write("mine.py", BARE), size=size) as (screen, pilot):
        screen.sim.run(until=5.0)
        screen.draw(everything=True)
        await settle(pilot)
        for number in range(1, 6):
            await press(pilot, str(number))
            assert "bare" in shown(screen.app)
        await press(pilot, "b")
        assert toasts(screen.app) == ["Nothing but agents has no misbehaviours; crash, freeze and slow work everywhere"]
        await press(pilot, "i")
        [told] = toasts(screen.app)
        assert told.startswith("Nothing but agents has no commands of its own")
        await press(pilot, "1", "enter")
        assert "count" in shown(screen.app)


async def test_an_agent_that_raises_is_shown_as_failed(relay: str) -> None:
    async with playing({"stumble": "yes"}, scenario=relay) as (screen, pilot):
        screen.sim.run(until=5.0)
        screen.draw(everything=True)
        await settle(pilot)
        assert health(screen, "r-2") == Health.FAILED
        assert "failed" in shown(screen.app)
        assert "stumbled" in screen._framer.narration()[-1].text
        await press(pilot, "1", "down", "enter")
        assert "stumbled" in shown(screen.app)


async def test_a_broken_invariant_stands_in_the_status(relay: str) -> None:
    async with playing({"limit": "3"}, scenario=relay) as (screen, pilot):
        screen.sim.run(events=30)
        screen.draw(everything=True)
        await settle(pilot)
        assert "1 broken: limit kept" in shown(screen.app).splitlines()[0]


async def test_the_dialog_of_own_commands_fits_any_arguments(relay: str) -> None:
    async with playing({}, scenario=relay) as (screen, pilot):
        await press(pilot, "i")
        assert screen.app.screen.query_one("#own-runner", Input).value == "r-1"
        await press(pilot, "ctrl+s")
        assert commands(screen) == ["cheer r-1"]


# --- the palette ----------------------------------------------------------------------------------


async def test_the_palette_lists_every_action() -> None:
    async with playing() as (screen, _):
        app = screen.app
        titles = {command.title: command.help for command in app.get_system_commands(screen)}
        for action in LIVE:
            assert any(title.startswith(action.label) and text == action.help for title, text in titles.items())
        assert not {"Quit", "Keys", "Maximize"} & set(titles)


async def test_the_palette_carries_out_what_is_chosen() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "ctrl+p", *"crash the selected", "enter")
        await pilot.pause(0.2)
        await press(pilot, "enter")
        await pilot.pause(0.2)
        assert commands(screen) == ["crash a-01"]


# --- what is wrong with what is asked for ---------------------------------------------------------


async def test_a_theme_and_keys_of_ones_own() -> None:
    async with playing(settings=Settings({"crash": "x", "pause": "f5"}, "textual-light")) as (screen, pilot):
        assert screen.app.theme == "textual-light"
        assert "x Crash" in shown(screen.app) and "f5 Pause" in shown(screen.app)
        await press(pilot, "c")
        assert screen.sim.commands == []
        await press(pilot, "x")
        assert commands(screen) == ["crash a-01"]
        await press(pilot, "question_mark")
        assert any("│  x " in row and "Crash the selected" in row for row in shown(screen.app).splitlines())


async def test_an_unknown_theme_is_a_sentence() -> None:
    async with playing(settings=Settings(theme="sepia")) as (screen, _):
        [told] = toasts(screen.app)
        assert "there is no theme 'sepia'" in told and "textual-light" in told


async def test_what_cannot_be_played_is_said_in_the_menu() -> None:
    app = SwarmscopeApp("gossip", {"agents": "none"}, clock=Clock(), settings=Settings())
    async with opened(app):
        assert isinstance(app.screen, MenuScreen)
        [told] = toasts(app)
        assert "agents" in told


async def test_no_dialog_leaves_its_frame() -> None:
    """At the smallest size that is supported, buttons and problems of each dialog can be seen."""
    async with playing({"agents": 40}, size=NARROW) as (screen, pilot):
        for key in ("p", "l", "b", "i"):
            await press(pilot, key)
            dialog = screen.app.screen
            assert isinstance(dialog, Dialog)
            box = dialog.query_one("#dialog").region
            assert box.contains_region(dialog.query_one("#accept").region), key
            await press(pilot, "escape")
