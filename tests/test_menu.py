"""The menu: what there is, how it shall be set up, and what is wrong with that as it is typed."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Label, OptionList, Static

from app.application import SwarmscopeApp
from app.keys import MENU
from app.screens.help import HelpScreen
from app.screens.menu import Field, MenuScreen
from app.settings import Settings
from engine.params import read_params, specs
from scenarios import registry
from scenarios.gossip.scenario import Gossip
from scenarios.launch import read_script
from tests.app_fixtures import NARROW, WIDE, Clock, choosing, live, press, send, settle, shown, toasts, write
from widgets.stage import StagePane


def field(menu: MenuScreen, name: str) -> Field:
    return menu.query_one(f"#field-{name}", Field)


def said(one: Field) -> str:
    """What stands below an input: what it means, or what is wrong."""
    return str(one.query_one(".field-help", Label).content)


async def enter(pilot: Pilot[Any], menu: MenuScreen, name: str, text: str) -> Field:
    """Type a text into a field, in place of what is there."""
    one = field(menu, name)
    menu.set_focus(one.query_one(Input))
    await press(pilot, "end", "ctrl+u")
    await write(pilot, text)
    return one


# --- what there is --------------------------------------------------------------------------------


async def test_a_scenario_says_what_it_teaches_from_whom_and_what_to_try() -> None:
    async with choosing(size=(200, 100)) as (menu, _):
        text = " ".join(shown(menu.app).split())
        assert Gossip.title in text and Gossip.family in text
        assert Gossip.teaches.split(".")[0].split()[0] in text
        assert "Demers" in text
        for one in Gossip.experiments:
            assert one.title in text
        for spec in specs(Gossip.Params):
            assert spec.name in text


async def test_every_parameter_has_its_default_range_unit_and_help() -> None:
    async with choosing() as (menu, _):
        names = [one.spec.name for one in menu.query(Field)]
        assert names == [*(spec.name for spec in specs(Gossip.Params)), "seed"]
        for one in menu.query(Field):
            assert not one.problem
            assert said(one) == one.spec.help
            if one.spec.name != "seed":
                around = str(one.query_one(".field-range", Label).content)
                assert one.spec.range_text in around and one.spec.unit in around
        assert field(menu, "agents").value == "40"
        assert field(menu, "trust").value == "yes"


async def test_a_still_of_the_stage_is_shown() -> None:
    async with choosing(size=(120, 80)) as (menu, pilot):
        await settle(pilot)
        assert menu.query_one("#menu-still", StagePane).heading == "Who knows what"
        assert "share informed" in shown(menu.app)


async def test_find_narrows_the_list() -> None:
    async with choosing() as (menu, pilot):
        await write(pilot, "/rumour")
        await press(pilot, "enter")
        assert menu.focused is menu.query_one("#menu-list")
        assert "Gossip" in shown(menu.app)
        await press(pilot, "/", "ctrl+u")
        await write(pilot, "blockchain??")
        assert "none has this text" in shown(menu.app)
        await press(pilot, "enter", "enter")
        assert menu.app.screen is menu


async def test_what_is_typed_into_the_search_is_no_key() -> None:
    async with choosing() as (menu, pilot):
        await write(pilot, "/pqe?")
        assert menu.query_one("#menu-find", Input).value == "pqe?"
        await press(pilot, "escape")
        assert menu.focused is menu.query_one("#menu-list")


async def test_another_scenario_brings_its_own_page(relay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.screens.menu.names", lambda: ("gossip", relay))
    relay_class = registry.find(relay)
    monkeypatch.setattr(
        "app.screens.menu.find", lambda name: relay_class if name in ("relay", relay) else registry.find(name)
    )
    async with choosing(size=(120, 60)) as (menu, pilot):
        await enter(pilot, menu, "agents", "12")
        await press(pilot, "escape", "down")
        await settle(pilot)
        assert "How a baton goes round." in shown(menu.app)
        assert [one.spec.name for one in menu.query(Field)][:3] != ["agents", "mode", "protocol"]
        assert field(menu, "laps").value == "5"
        assert menu.query_one("#menu-experiments", OptionList).option_count == 0
        await press(pilot, "e", "escape", "up")
        await settle(pilot)
        assert field(menu, "agents").value == "40"


# --- parameters -----------------------------------------------------------------------------------


MISTAKES = (
    ("agents", "1", "2 to 10000"),
    ("agents", "many", "2 to 10000"),
    ("agents", "", "2 to 10000"),
    ("mode", "shout", "push"),
    ("loss", "1.5", "0"),
    ("trust", "perhaps", "yes"),
    ("seed", "-1", "0"),
    ("seed", "seven", "0"),
)


async def test_a_mistake_is_said_as_it_is_typed_and_nothing_is_played() -> None:
    async with choosing() as (menu, pilot):
        for name, text, words in MISTAKES:
            before = field(menu, name).value
            one = await enter(pilot, menu, name, text)
            assert said(one).startswith("✗ ") and words in said(one), (name, text)
            assert one.has_class("-wrong")
            await press(pilot, "enter")
            assert menu.app.screen is menu
            assert toasts(menu.app)[-1] == one.problem
            assert menu.focused is one.query_one(Input)
            await enter(pilot, menu, name, before)


async def test_put_right_the_mistake_is_forgotten() -> None:
    async with choosing() as (menu, pilot):
        one = await enter(pilot, menu, "agents", "1")
        await press(pilot, "2")
        assert not one.problem and said(one) == one.spec.help
        await press(pilot, "enter")
        assert len(live(menu.app).sim.agents) == 12


async def test_a_mistake_out_of_sight_is_brought_into_sight() -> None:
    async with choosing(size=NARROW) as (menu, pilot):
        await enter(pilot, menu, "k", "0")
        await press(pilot, "escape", "enter")
        one = field(menu, "k")
        assert menu.focused is one.query_one(Input)
        await settle(pilot)
        assert "✗ k=0" in shown(menu.app)


async def test_what_the_fields_say_is_played() -> None:
    async with choosing() as (menu, pilot):
        for name, text in (("agents", "8"), ("topology", "ring"), ("interval", "2s"), ("trust", "no"), ("seed", "42")):
            await enter(pilot, menu, name, text)
        await press(pilot, "ctrl+s")
        sim = live(menu.app).sim
        assert (len(sim.agents), sim.params.topology, sim.params.interval, sim.params.trust) == (8, "ring", 2.0, False)
        assert sim.seed == 42


async def test_without_a_seed_each_run_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = iter((11, 12))
    monkeypatch.setattr("app.application.new_seed", lambda: next(seeds))
    async with choosing() as (menu, pilot):
        played = []
        for _ in range(2):
            await press(pilot, "enter")
            played.append(live(menu.app).sim.seed)
            await press(pilot, "m")
        assert played == [11, 12]


async def test_back_from_a_run_the_fields_are_as_they_were_left() -> None:
    async with choosing() as (menu, pilot):
        await enter(pilot, menu, "agents", "9")
        await press(pilot, "enter", "m")
        assert menu.app.screen is menu
        assert field(menu, "agents").value == "9"
        await press(pilot, "enter")
        assert len(live(menu.app).sim.agents) == 9


async def test_what_the_engine_refuses_is_a_sentence() -> None:
    async with choosing() as (menu, pilot):
        await enter(pilot, menu, "agents", "2")
        await enter(pilot, menu, "topology", "hybrid")
        await press(pilot, "enter")
        if isinstance(menu.app.screen, MenuScreen):
            [told] = toasts(menu.app)
            assert told.count("\n") == 0
        else:
            assert len(live(menu.app).sim.agents) == 2


# --- experiments ----------------------------------------------------------------------------------


async def test_an_experiment_starts_with_its_parameters_its_script_and_what_to_watch() -> None:
    async with choosing() as (menu, pilot):
        await enter(pilot, menu, "seed", "5")
        for place, one in enumerate(Gossip.experiments):
            await press(pilot, "escape", "e", "home", *["down"] * place)
            assert str(menu.query_one("#menu-watch", Static).content).startswith(one.watch[:20])
            await press(pilot, "enter")
            screen = live(menu.app)
            assert screen.sim.seed == 5
            assert screen.sim.params == read_params(Gossip.Params, one.params)
            assert screen._from[2] == tuple(read_script(one.script, Gossip))
            assert one.watch in toasts(screen.app)
            await press(pilot, "m")


async def test_an_experiment_needs_a_seed_that_is_one() -> None:
    async with choosing() as (menu, pilot):
        one = await enter(pilot, menu, "seed", "²")
        await press(pilot, "escape", "e", "enter")
        assert menu.app.screen is menu
        assert toasts(menu.app) == [one.problem]


# --- keys -----------------------------------------------------------------------------------------


async def test_the_keys_of_the_menu() -> None:
    async with choosing() as (menu, pilot):
        await press(pilot, "p")
        assert menu.focused is field(menu, "agents").query_one(Input)
        await press(pilot, "escape", "e")
        assert menu.focused is menu.query_one("#menu-experiments")
        await press(pilot, "escape")
        assert menu.focused is menu.query_one("#menu-list")
        await press(pilot, "question_mark")
        assert isinstance(menu.app.screen, HelpScreen)
        text = shown(menu.app)
        assert all(action.help in text for action in MENU)
        await press(pilot, "escape", "q")
        assert menu.app._exit


async def test_keys_pressed_before_the_menu_is_complete_do_no_harm() -> None:
    app = SwarmscopeApp(clock=Clock(), settings=Settings())
    async with app.run_test(size=WIDE) as pilot:
        for key in "pe/":
            send(pilot, key)
        await settle(pilot)
        assert app.screen.query_one("#menu-find").has_focus


async def test_tab_goes_through_list_experiments_and_fields() -> None:
    async with choosing() as (menu, pilot):
        seen = []
        for _ in range(4):
            await press(pilot, "tab")
            assert menu.focused is not None
            seen.append(menu.focused.id)
        assert seen == ["menu-experiments", "input-agents", "input-mode", "input-protocol"]


async def test_the_palette_lists_every_action() -> None:
    async with choosing() as (menu, _):
        titles = {command.title: command.help for command in menu.app.get_system_commands(menu)}
        for action in MENU:
            assert any(title.startswith(action.label) and text == action.help for title, text in titles.items())


async def test_keys_of_ones_own() -> None:
    async with choosing(settings=Settings({"menu.quit": "ctrl+x", "menu.experiments": "t"})) as (menu, pilot):
        assert "t Experiments" in shown(menu.app) and "^x Quit" in shown(menu.app)
        await press(pilot, "t")
        assert menu.focused is menu.query_one("#menu-experiments")
        await press(pilot, "q")
        assert not menu.app._exit
        await press(pilot, "ctrl+x")
        assert menu.app._exit


@pytest.mark.parametrize("size", [(60, 18), NARROW, WIDE, (200, 60)])
async def test_the_menu_fits(size: tuple[int, int]) -> None:
    async with choosing(size=size) as (menu, _):
        lines = shown(menu.app).splitlines()
        assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
        assert "Play" in lines[-1] and "Quit" in lines[-1]


async def test_a_tiny_terminal_gets_one_sentence() -> None:
    async with choosing(size=(20, 5)) as (menu, pilot):
        sentence = "Swarmscope needs 60×18 characters; this terminal has 20×5."
        assert " ".join(shown(menu.app).split()) == sentence
        await pilot.resize_terminal(*WIDE)
        await settle(pilot)
        assert "Gossip" in shown(menu.app)
        for width, height in ((1, 1), (5, 40), (120, 2), (20, 5)):
            await pilot.resize_terminal(width, height)
            await settle(pilot)
        assert " ".join(shown(menu.app).split()) == sentence
