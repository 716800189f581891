"""Pictures of the screens at three sizes, with a clock that stands still. Look at each before you accept it anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from app.application import SwarmscopeApp
from app.settings import Settings
from scenarios.launch import read_script
from scenarios.registry import find
from tests.app_fixtures import Clock, live, press, settle

SIZES = [(80, 24), (120, 40), (200, 60)]
FAULTS = """
at 1500ms crash a-03,a-11
at 1600ms partition a-0* | a-1*,a-20
at 1700ms rumour a-12 the bridge is closed
at 1800ms byzantine a-14 liar
"""
Snapshot = Any
Before = Callable[[Pilot[Any]], Awaitable[None]]


def gossip(script: str = "", **params: Any) -> SwarmscopeApp:
    """A run of twenty gossiping agents, paused at its start."""
    given = {"agents": 20, "topology": "small-world", **params}
    commands = read_script(script, find("gossip"))
    return SwarmscopeApp("gossip", given, seed=7, script=commands, paused=True, settings=Settings(), clock=Clock())


def at(micros: int, *keys: str) -> Before:
    """Let the run go on to this time, and press these keys."""

    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        screen = live(pilot.app)  # type: ignore[arg-type]
        screen.sim.run_to(micros)
        screen.draw(everything=True)
        await settle(pilot)
        await press(pilot, *keys)

    return before


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_menu(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)

    app = SwarmscopeApp(settings=Settings(), clock=Clock())
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_live_healthy(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(gossip(), terminal_size=size, run_before=at(1_900_000))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_live_under_faults(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    assert snap_compare(gossip(FAULTS), terminal_size=size, run_before=at(3_400_000))


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5"])
def test_each_pane_of_a_small_terminal(snap_compare: Snapshot, key: str) -> None:
    assert snap_compare(gossip(FAULTS), terminal_size=(80, 24), run_before=at(3_400_000, key))


def test_the_log_beside_the_agents(snap_compare: Snapshot) -> None:
    assert snap_compare(gossip(FAULTS), terminal_size=(120, 40), run_before=at(3_400_000, "2", "v"))


def test_a_zoomed_stage(snap_compare: Snapshot) -> None:
    assert snap_compare(gossip(FAULTS), terminal_size=(120, 40), run_before=at(3_400_000, "3", "z"))


def test_the_inspector(snap_compare: Snapshot) -> None:
    assert snap_compare(gossip(FAULTS), terminal_size=(120, 40), run_before=at(3_400_000, "1", "enter"))


def test_the_command_bar_with_a_mistake(snap_compare: Snapshot) -> None:
    keys = (":", *"crsh a-01", "enter")
    assert snap_compare(gossip(), terminal_size=(80, 24), run_before=at(1_900_000, *keys))


@pytest.mark.parametrize("key", ["p", "l", "b", "i"])
def test_the_dialogs_of_a_small_terminal(snap_compare: Snapshot, key: str) -> None:
    assert snap_compare(gossip(), terminal_size=(80, 24), run_before=at(1_900_000, key))


@pytest.mark.parametrize("topology", ["mesh", "grid", "tree", "hybrid", "star"])
def test_the_drawing_of_each_topology(snap_compare: Snapshot, topology: str) -> None:
    app = gossip(FAULTS, topology=topology)
    assert snap_compare(app, terminal_size=(80, 24), run_before=at(2_400_000, "2"))


def test_a_thousand_agents(snap_compare: Snapshot) -> None:
    app = SwarmscopeApp("gossip", {"agents": 1000}, seed=7, paused=True, settings=Settings(), clock=Clock())
    assert snap_compare(app, terminal_size=(120, 40), run_before=at(3_700_000))


def test_a_terminal_that_is_too_small(snap_compare: Snapshot) -> None:
    assert snap_compare(gossip(), terminal_size=(20, 5), run_before=at(1_000_000))
