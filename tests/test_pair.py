"""Two runs in step: started alike, paced alike, told the same, shown together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main as command_line
from app.screens.twin import TwinScreen
from app.twin import TwinDriver, TwinFramer
from engine.commands import Timed
from engine.errors import CommandError, ScenarioError
from engine.grammar import parse
from engine.simulation import Simulation
from scenarios.launch import launch, launch_sides
from tests.app_fixtures import Clock, live, opened, press, shown, toasts
from tests.pair_fixtures import SHOUT, Race

PARAMS = {"agents": 8}
OWN = "from tests.pair_fixtures import Race as Original\n\n\nclass Race(Original):\n    pass\n"


def sides(script: str = "") -> tuple[Simulation, Simulation]:
    _, left, right = launch_sides(Race, PARAMS, 3, script)
    return left, right


def timed(text: str) -> Timed:
    command = parse(text, {spec.name: spec for spec in Race.commands})
    assert command is not None
    return command


@pytest.fixture
def race(tmp_path: Path) -> str:
    """The path of the pair, as a user's own."""
    path = tmp_path / "race.py"
    path.write_text(OWN, encoding="utf-8")
    return str(path)


# --- starting -------------------------------------------------------------------------------------


def test_both_sides_have_the_seed_the_parameters_and_the_script() -> None:
    left, right = sides("at 1s crash a-02")
    assert (left.seed, right.seed) == (3, 3)
    assert (left.params.mode, right.params.mode) == ("push", "pull")
    for sim in (left, right):
        sim.run(until=2)
        assert not sim.lifecycle.is_alive(1)


def test_an_own_command_goes_to_the_side_that_knows_it() -> None:
    left, right = sides("at 1s shout a-02")
    for sim in (left, right):
        sim.run(until=2)
    assert [note.kind for note in left.trace.notes].count("shouted") == 1
    assert right.commands == []


def test_a_pair_is_no_single_run() -> None:
    with pytest.raises(ScenarioError, match="race is two runs; play it"):
        launch(Race, {}, 1)


def test_the_command_line_runs_both(race: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line(["run", race, "-p", "agents=8", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["push", "pull"]
    assert {one["time"] for one in printed.values()} == {Race.horizon}
    assert command_line(["run", race, "-p", "agents=8", "--until", "2"]) == 0
    assert capsys.readouterr().out.count("Invariants") == 2


# --- in step --------------------------------------------------------------------------------------


def driven() -> tuple[TwinDriver, Clock]:
    clock = Clock()
    return TwinDriver(*sides(), speed=1.0, clock=clock), clock


def test_the_right_run_is_always_where_the_left_one_is() -> None:
    driver, clock = driven()
    for _ in range(20):
        clock.pass_by(0.1)
        driver._slice(0.01)
        assert driver.right.now == driver.sim.now
    assert driver.sim.seconds == pytest.approx(2.0)


def test_a_command_is_carried_out_in_both() -> None:
    driver, _ = driven()
    driver.apply(timed("crash a-03"))
    assert not driver.sim.lifecycle.is_alive(2)
    assert not driver.right.lifecycle.is_alive(2)


def test_what_neither_can_do_is_refused_and_what_one_can_do_is_not() -> None:
    driver, _ = driven()
    with pytest.raises(CommandError, match="no agent or role matches"):
        driver.apply(timed("crash nobody"))
    driver.apply(timed("shout a-02"))
    assert driver.right.commands == []
    with pytest.raises(CommandError, match="no agent"):
        driver.apply(timed("shout nobody"))


def test_going_back_undoes_the_same_in_both() -> None:
    driver, clock = driven()
    clock.pass_by(1.0)
    driver._slice(0.01)
    at, digest = driver.sim.events, driver.sim.digest
    driver.apply(timed("crash a-03"))
    assert driver.back()
    assert driver.sim.events == at
    assert driver.sim.digest == digest
    assert driver.right.lifecycle.is_alive(2)
    _, straight = sides()
    straight.run_to(driver.sim.now)
    assert driver.right.digest == straight.digest


def test_a_step_takes_the_right_run_along() -> None:
    driver, _ = driven()
    for _ in range(30):
        assert driver.step()
        assert driver.right.now == driver.sim.now


# --- shown ----------------------------------------------------------------------------------------


def framer(until: float = 6.0) -> TwinFramer:
    pair, left, right = launch_sides(Race, PARAMS, 3, "at 2s crash a-02")
    for sim in (left, right):
        sim.run(until=until)
    return TwinFramer(pair, left, right)


def test_the_status_adds_up_both() -> None:
    both = framer()
    status = both.status()
    assert status.scenario == "race"
    assert status.events == both.sim.events + both.right.sim.events
    assert status.holding + len(status.broken) + len(status.waiting) == 2 * len(both.sim.invariants())


def test_the_figures_say_whose_they_are() -> None:
    frame = framer().frame(["metrics"])
    assert frame.metrics is not None
    assert [view.label.partition(":")[0] for view in frame.metrics] == ["push", "pull", "pull"]


def test_what_happened_to_both_is_told_once() -> None:
    lines = framer().narration()
    assert sum("durable state" in line.text for line in lines) == 1
    assert any(line.text.startswith("push: ") for line in lines)
    assert any(line.text.startswith("pull: ") for line in lines)
    assert [line.time for line in lines] == sorted(line.time for line in lines)


def test_an_agent_is_shown_with_both_its_states() -> None:
    inspection = framer().inspect(0)
    assert list(inspection.state) == ["push", "pull"]
    assert "facts" in inspection.state["pull"]


async def test_every_key_acts_on_both_runs(race: str) -> None:
    from app.application import SwarmscopeApp
    from app.settings import Settings

    app = SwarmscopeApp(race, PARAMS, seed=3, paused=True, clock=Clock(), settings=Settings())
    async with opened(app) as pilot:
        screen = live(app)
        assert isinstance(screen, TwinScreen)
        driver = screen.driver
        assert isinstance(driver, TwinDriver)
        for sim in (driver.sim, driver.right):
            sim.run(until=2)
        screen.draw(everything=True)
        await press(pilot, "c")
        assert driver.sim.commands == driver.right.commands == ["at 2s crash a-01"]
        assert "3 push: blocks" in shown(app)
        assert "pull: blocks" in shown(app)
        await press(pilot, "3", "left")
        assert "found by nobody" in shown(app)
        await press(pilot, "escape")
        assert "found by nobody" not in shown(app)
        await press(pilot, "3", "left")
        assert "block m" in shown(app).partition("pull: blocks")[2]
        await press(pilot, "escape", "3")
        await press(pilot, "i")
        await press(pilot, "escape", "h")
        assert "there is no partition to heal" in toasts(app)[-1]
        await press(pilot, "?", *["pagedown"] * 4)
        assert "Telling against asking" in shown(app)
        await press(pilot, "escape", "R")
        assert isinstance(live(app), TwinScreen)


def test_the_pair_offers_the_commands_of_both() -> None:
    assert SHOUT in Race.commands
