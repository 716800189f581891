"""Pictures of the screens at three sizes, with a clock that stands still and a seed that is always the same.

After a change that is meant, `pytest tests/test_snapshots.py --snapshot-update` accepts the new pictures. Look at each
before you do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app.application import SwarmscopeApp
from app.settings import Settings
from app.twin import TwinDriver
from engine.duration import SECOND
from engine.simulation import NEVER
from scenarios.launch import read_script
from scenarios.registry import find
from tests.app_fixtures import Clock, live, press, settle, write

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
SIZES = pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE], ids=lambda size: f"{size[0]}x{size[1]}")
FAULTS = """
at 1500ms crash a-03,a-11
at 1600ms partition a-0* | a-1*,a-20
at 1700ms rumour a-12 the bridge is closed
at 1800ms byzantine a-14 liar
at 1900ms freeze a-17
"""
Before = Callable[[Pilot[Any]], Awaitable[None]]
Take = Callable[..., bool]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANIMATIONS", "COLOR_SYSTEM", "FILTERS", "THEME"):
        monkeypatch.delenv(f"TEXTUAL_{name}", raising=False)
    monkeypatch.setattr("app.screens.help.settings_file", lambda: Path("/home/you/.config/swarmscope/settings.toml"))


@pytest.fixture
def take(snap_compare: Take) -> Take:
    """Takes a picture of an application after something was done, and compares it with the one that is kept."""

    def take_one(app: SwarmscopeApp, before: Before = settle, size: tuple[int, int] = MIDDLE) -> bool:
        async def do(pilot: Pilot[Any]) -> None:
            await settle(pilot)
            await before(pilot)
            for line in pilot.app.screen.query(Input):
                line.cursor_blink = False
            await settle(pilot)

        return snap_compare(app, terminal_size=size, run_before=do)

    return take_one


def gossip(script: str = "", theme: str = "", **params: Any) -> SwarmscopeApp:
    """A run of twenty gossiping agents, paused at its start."""
    given = {"agents": 20, "topology": "small-world", **params}
    commands = read_script(script, find("gossip"))
    settings = Settings(theme=theme)
    return SwarmscopeApp("gossip", given, seed=7, script=commands, paused=True, settings=settings, clock=Clock())


def at(seconds: float, *keys: str) -> Before:
    """Let the run go on to this time, and press these keys."""

    async def before(pilot: Pilot[Any]) -> None:
        screen = live(pilot.app)
        driver = screen.driver
        both = isinstance(driver, TwinDriver)
        for history in (driver.history, driver.right_history) if both else (driver.history,):
            history.go_on(round(seconds * SECOND), NEVER)
        screen.draw(everything=True)
        await settle(pilot)
        await press(pilot, *keys)

    return before


def menu() -> SwarmscopeApp:
    return SwarmscopeApp(settings=Settings(), clock=Clock())


# --- the menu -------------------------------------------------------------------------------------


@SIZES
def test_menu(take: Take, size: tuple[int, int]) -> None:
    assert take(menu(), size=size)


def test_menu_with_a_mistake(take: Take) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await press(pilot, "p", "end", "ctrl+u")
        await write(pilot, "1")
        await pilot.wait_for_scheduled_animations()

    assert take(menu(), before)


# --- each scenario in the middle of an experiment -------------------------------------------------

MOMENTS = (("auction", "winners-crash", 9.0), ("pow", "partition", 285.0), ("pbft", "crash", 5.07),
           ("scaling", "startup", 38.0), ("finality", "cut", 158.0))  # fmt: skip


def experiment(scenario: str, name: str) -> SwarmscopeApp:
    """A run of an experiment, paused at its start."""
    kind = find(scenario)
    one = next(one for one in kind.experiments if one.name == name)
    script = read_script(one.script, kind)
    return SwarmscopeApp(scenario, one.params, seed=7, script=script, paused=True, settings=Settings(), clock=Clock())


@SIZES
@pytest.mark.parametrize(("scenario", "name", "seconds"), MOMENTS, ids=[moment[0] for moment in MOMENTS])
def test_experiment(take: Take, scenario: str, name: str, seconds: float, size: tuple[int, int]) -> None:
    assert take(experiment(scenario, name), at(seconds, "3"), size)


def test_a_hidden_branch(take: Take) -> None:
    assert take(experiment("pow", "selfish"), at(241.0, "3"))


def test_a_block_that_is_looked_into(take: Take) -> None:
    assert take(experiment("pow", "partition"), at(285.0, "3", "left", "left", "down"))


# --- the live screen ------------------------------------------------------------------------------


@SIZES
def test_live_healthy(take: Take, size: tuple[int, int]) -> None:
    assert take(gossip(), at(1.9), size)


@SIZES
def test_live_under_faults(take: Take, size: tuple[int, int]) -> None:
    assert take(gossip(FAULTS), at(3.4), size)


def test_live_on_a_light_ground(take: Take) -> None:
    assert take(gossip(FAULTS, theme="textual-light"), at(3.4))


def test_what_a_newcomer_sees(take: Take) -> None:
    """The defaults of the scenario: forty agents, each linked with each."""
    app = SwarmscopeApp("gossip", {}, seed=7, paused=True, settings=Settings(), clock=Clock())
    assert take(app, at(2.2))


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5"])
def test_each_pane_of_a_small_terminal(take: Take, key: str) -> None:
    assert take(gossip(FAULTS), at(3.4, key), SMALL)


@pytest.mark.parametrize("topology", ["mesh", "ring", "grid", "tree", "hybrid", "star"])
def test_the_drawing_of_each_topology(take: Take, topology: str) -> None:
    assert take(gossip(FAULTS, topology=topology), at(2.4, "2"), SMALL)


def test_a_thousand_agents(take: Take) -> None:
    assert take(gossip(agents=1000, topology="mesh"), at(3.7))


def test_the_log_beside_the_agents(take: Take) -> None:
    assert take(gossip(FAULTS), at(3.4, "2", "v", "v"))


def test_the_log_zoomed(take: Take) -> None:
    assert take(gossip(FAULTS), at(3.4, "2", "v", "v", "z"))


def test_a_zoomed_stage(take: Take) -> None:
    assert take(gossip(FAULTS), at(3.4, "3", "z"))


def test_the_filter(take: Take) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await at(3.4, "v", "v")(pilot)
        await write(pilot, "/a-11")

    assert take(gossip(FAULTS), before)


def test_the_command_bar_with_a_mistake(take: Take) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await at(1.9)(pilot)
        await write(pilot, ":crsh a-01")
        await press(pilot, "enter")

    assert take(gossip(), before, SMALL)


def test_a_terminal_that_is_too_small(take: Take) -> None:
    assert take(gossip(), at(1.0), (20, 5))


# --- time and its branches ------------------------------------------------------------------------


def branched(*keys: str) -> Before:
    """Three futures: cut at 1 s and healed at 2 s; never healed, but with a crash; and one with another crash."""

    async def before(pilot: Pilot[Any]) -> None:
        screen = live(pilot.app)
        driver = screen.driver
        for seconds, command in ((1, "partition a-0* | a-1*,a-20"), (2, "heal"), (4, ""), (1.5, "crash a-03"),
                                 (3, ""), (2.5, "crash a-12"), (3.5, "")):  # fmt: skip
            moment = round(seconds * SECOND)
            if moment < driver.sim.now:
                driver.go_to_time(moment)
            driver.history.go_on(moment, NEVER)
            if command:
                screen.command(command)
        driver.go_to_time(3 * SECOND)
        screen.draw(everything=True)
        await settle(pilot)
        await press(pilot, *keys)

    return before


@SIZES
def test_three_branches(take: Take, size: tuple[int, int]) -> None:
    assert take(gossip(), branched(), size)


def test_the_timeline_with_the_focus(take: Take) -> None:
    assert take(gossip(), branched("t"))


@SIZES
def test_two_branches_side_by_side(take: Take, size: tuple[int, int]) -> None:
    assert take(gossip(), branched("d", "enter"), size)


def test_what_may_come_all_the_same(take: Take) -> None:
    assert take(gossip(), branched("x", "home", "n"))


def test_where_to_go(take: Take) -> None:
    assert take(gossip(), branched("g"))


@SIZES
def test_the_sequence_diagram(take: Take, size: tuple[int, int]) -> None:
    assert take(experiment("pbft", "crash"), at(5.07, "2", "v"), size)


@SIZES
def test_why(take: Take, size: tuple[int, int]) -> None:
    assert take(experiment("pbft", "crash"), at(5.07, "2", "v", "w"), size)


def test_what_to_export(take: Take) -> None:
    assert take(gossip(), branched("e"))


# --- in front of it -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["p", "l", "b", "i"])
def test_the_dialogs_of_a_small_terminal(take: Take, key: str) -> None:
    assert take(gossip(), at(1.9, key), SMALL)


def test_the_partition_dialog(take: Take) -> None:
    assert take(gossip(), at(1.9, "p"))


def test_the_inspector(take: Take) -> None:
    assert take(gossip(FAULTS), at(3.4, "1", "enter"))


def test_the_help_of_a_small_terminal(take: Take) -> None:
    assert take(gossip(), at(1.9, "question_mark"), SMALL)


def test_the_help(take: Take) -> None:
    assert take(gossip(), at(1.9, "question_mark"))


# --- scenarios of one's own -----------------------------------------------------------------------


def own(relay: str, **params: Any) -> SwarmscopeApp:
    return SwarmscopeApp(relay, params, seed=7, paused=True, settings=Settings(), clock=Clock())


def test_a_scenario_without_views(take: Take, relay: str) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        live(pilot.app).driver.history.go_on(NEVER, 20)
        await press(pilot, "full_stop")

    assert take(own(relay), before)


def test_an_agent_that_raises(take: Take, relay: str) -> None:
    assert take(own(relay, stumble="yes"), at(1.0))
