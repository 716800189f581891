"""The driver: how fast virtual time goes, when frames are due, when it stops. Real time is a number here: it passes
when the driver sleeps, when it works, and when a frame is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import driver as driving
from app.driver import FRAME, MANY, PACED_SLICE, SLICE, Driver
from engine.duration import SECOND
from engine.grammar import parse
from engine.simulation import Simulation
from scenarios.launch import launch
from tests.app_fixtures import Clock


class TimeIsUp(Exception):  # noqa: N818
    """Ends a loop that has no end."""


def endless() -> Simulation:
    """A run whose end has been seen, and that has nothing to stop for any more."""
    sim = launch("gossip", {"agents": 20}, 7)
    sim.run(until=30.0)
    assert sim.over
    return sim


class World:
    """A driver with its run, in a time of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, sim: Simulation | None = None, **options: Any) -> None:
        self.clock = Clock()
        self.sim = launch("gossip", {"agents": 6}, 7) if sim is None else sim
        self.cost = 0.0  # seconds that an event takes
        self.frame_cost = 0.0
        self.frames: list[float] = []
        self.slept: list[float] = []
        self.plans: list[tuple[float, Callable[[], Any]]] = []
        self._end = 0.0
        run_to = self.sim.run_to

        def slowly(until: int, events: int | None = None, **more: Any) -> int:
            done = run_to(until, events, **more)
            self.clock.pass_by(done * self.cost)
            return done

        self.sim.run_to = slowly  # type: ignore[method-assign]
        monkeypatch.setattr(driving.anyio, "sleep", self._sleep)
        monkeypatch.setattr(driving.sys, "setswitchinterval", lambda _: None)
        self.driver = Driver(self.sim, clock=self.clock, **options)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        self.clock.pass_by(seconds)
        while self.plans and self.plans[0][0] <= self.clock.now:
            self.plans.pop(0)[1]()
        if self.clock.now >= self._end:
            raise TimeIsUp

    def _frame(self) -> None:
        self.frames.append(self.clock.now)
        self.clock.pass_by(self.frame_cost)
        if self.driver.paused and not self.plans:
            raise TimeIsUp

    def at(self, seconds: float, act: Callable[[], Any]) -> None:
        """Do something so many seconds from now."""
        self.plans.append((self.clock.now + seconds, act))

    async def go_on(self, seconds: float) -> None:
        """Let real time pass; ends early when the run is paused."""
        self._end = self.clock.now + seconds
        with pytest.raises(TimeIsUp):
            await self.driver.run(self._frame)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    def make(sim: Simulation | None = None, **options: Any) -> World:
        return World(monkeypatch, sim, **options)

    yield make


# --- following the clock --------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [0.25, 1.0, 3.0, 64.0])
async def test_virtual_time_follows_real_time_at_the_speed_asked_for(world: Callable[..., World], speed: float) -> None:
    here = world(speed=speed)
    await here.go_on(2.0)
    assert here.sim.now == pytest.approx(2.0 * speed * SECOND, abs=1.5 * FRAME * speed * SECOND)


async def test_about_thirty_frames_a_second(world: Callable[..., World]) -> None:
    here = world(speed=1.0)
    await here.go_on(2.0)
    assert 50 <= len(here.frames) <= 61
    gaps = [later - earlier for earlier, later in zip(here.frames, here.frames[1:], strict=False)]
    assert max(gaps) < 2 * FRAME


async def test_another_speed_goes_on_from_where_the_run_is(world: Callable[..., World]) -> None:
    here = world(speed=1.0)
    await here.go_on(1.0)
    before = here.sim.now
    here.driver.set_speed(4.0)
    await here.go_on(1.0)
    assert here.sim.now - before == pytest.approx(4 * SECOND, abs=6 * FRAME * SECOND)


async def test_time_spent_in_a_pause_is_not_made_up_for(world: Callable[..., World]) -> None:
    here = world(speed=1.0)
    await here.go_on(1.0)
    here.driver.paused = True
    before = here.sim.now
    here.clock.pass_by(1000.0)
    here.driver.paused = False
    await here.go_on(1.0)
    assert here.sim.now - before == pytest.approx(SECOND, abs=2 * FRAME * SECOND)


async def test_what_the_machine_cannot_do_in_time_is_not_owed(world: Callable[..., World]) -> None:
    here = world(speed=1000.0)
    here.cost = 0.001
    await here.go_on(2.0)
    behind = here.sim.now
    here.driver.set_speed(1.0)
    here.cost = 0.0
    await here.go_on(1.0)
    assert behind < 1000 * SECOND
    assert here.sim.now - behind == pytest.approx(SECOND, abs=2 * FRAME * SECOND)


# --- sharing the time -----------------------------------------------------------------------------


@pytest.mark.parametrize(("speed", "budget"), [(None, SLICE), (4096.0, PACED_SLICE)])
async def test_no_slice_takes_longer_than_its_budget_by_much(
    world: Callable[..., World], speed: float | None, budget: float
) -> None:
    here = world(endless(), speed=speed)
    here.cost = 20e-6
    woke: list[float] = []
    asleep = here._sleep

    async def sleep(seconds: float) -> None:
        if woke:
            woke[-1] = here.clock.now - woke[-1]
        await asleep(seconds)
        woke.append(here.clock.now)

    driving.anyio.sleep = sleep  # type: ignore[assignment]
    await here.go_on(0.5)
    assert woke[:-1]
    assert max(woke[5:-1]) <= budget + 0.002  # a stretch between two looks at the clock may go over it


async def test_every_slice_is_followed_by_sleep(world: Callable[..., World]) -> None:
    here = world(endless(), speed=None)
    here.cost = 10e-6
    await here.go_on(0.5)
    assert len(here.slept) > 50
    assert all(seconds >= driving.BREATH for seconds in here.slept)


async def test_a_frame_that_takes_long_puts_off_the_next_one(world: Callable[..., World]) -> None:
    here = world(speed=1.0)
    here.frame_cost = 0.1
    await here.go_on(2.0)
    gaps = [later - earlier for earlier, later in zip(here.frames, here.frames[1:], strict=False)]
    assert min(gaps) >= 0.1 + FRAME / 2 - 1e-9


async def test_looks_at_the_clock_are_as_far_apart_as_events_are_cheap(world: Callable[..., World]) -> None:
    here = world(endless(), speed=None)
    here.cost = 1e-7
    await here.go_on(0.2)
    assert here.driver._chunk == MANY
    here.cost = 1e-3
    await here.go_on(0.2)
    assert here.driver._chunk == driving.FEW


async def test_flat_out_says_how_fast_that_is(world: Callable[..., World]) -> None:
    here = world(endless(), speed=None)
    here.cost = 10e-6
    await here.go_on(1.5)
    assert 10_000 < here.driver.events_per_second < 100_000
    assert here.driver.pace == f"flat out, {here.driver.events_per_second / 1000:,.0f}k ev/s"


# --- stopping -------------------------------------------------------------------------------------


async def test_paused_there_is_one_frame_and_then_nothing(world: Callable[..., World]) -> None:
    here = world(paused=True)
    await here.go_on(10.0)
    assert len(here.frames) == 1
    assert (here.slept, here.sim.events) == ([], 0)


async def test_pausing_again_at_once_lets_no_time_go(world: Callable[..., World]) -> None:
    here = world(paused=True)

    async def in_a_hurry() -> None:
        """The key is pressed twice before the driver has woken up."""
        here.driver.paused = False
        here.driver.paused = True

    shots = 0

    def frame() -> None:
        nonlocal shots
        shots += 1
        if shots == 2:
            raise TimeIsUp

    import anyio

    with pytest.raises(BaseExceptionGroup) as raised:
        async with anyio.create_task_group() as group:
            group.start_soon(here.driver.run, frame)
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            here.clock.pass_by(1.0)
            await in_a_hurry()
    assert raised.group_contains(TimeIsUp)
    assert (here.sim.events, here.sim.now) == (0, 0)


async def test_flat_out_stops_once_when_the_run_is_over(world: Callable[..., World]) -> None:
    here = world(speed=None)
    here.cost = 1e-5
    await here.go_on(60.0)
    assert here.driver.paused and here.sim.over
    assert here.driver.ended
    there = here.sim.events
    here.driver.paused = False
    await here.go_on(1.0)
    assert not here.driver.paused and not here.driver.ended
    assert here.sim.events > there


async def test_flat_out_from_behind_the_end_goes_on(world: Callable[..., World]) -> None:
    here = world(endless(), speed=1.0)
    here.cost = 1e-5
    here.driver.set_speed(None)
    await here.go_on(1.0)
    assert not here.driver.paused
    assert here.sim.now > 30 * SECOND


async def test_new_trouble_makes_the_end_an_end_again(world: Callable[..., World]) -> None:
    here = world(speed=None)
    here.cost = 1e-5
    await here.go_on(60.0)
    news = parse('rumour a-02 "something new"', {spec.name: spec for spec in here.sim.scenario.commands})
    assert news is not None
    here.driver.apply(news)
    assert not here.sim.over
    here.driver.paused = False
    await here.go_on(60.0)
    assert here.driver.paused and here.sim.over


async def test_flat_out_stops_when_nothing_is_left(world: Callable[..., World], relay: str) -> None:
    here = world(launch(relay, {"stumble": "yes"}, 7), speed=None)
    await here.go_on(60.0)
    assert here.driver.paused


async def test_at_a_speed_time_goes_on_without_events(world: Callable[..., World], relay: str) -> None:
    here = world(launch(relay, {"stumble": "yes"}, 7), speed=2.0)
    await here.go_on(3.0)
    assert here.sim.now == pytest.approx(6 * SECOND, abs=3 * FRAME * SECOND)


async def test_a_command_that_cannot_be_carried_out_stops_nothing(world: Callable[..., World]) -> None:
    here = world(launch("gossip", {"agents": 6}, 7, "at 100ms crash a-02\nat 200ms crash a-02"), speed=1.0)
    await here.go_on(1.0)
    assert here.sim.now > 0.9 * SECOND
    assert here.sim.commands == ["at 100ms crash a-02"]


# --- one event at a time --------------------------------------------------------------------------


def test_step_pauses_and_lets_one_event_happen() -> None:
    sim = launch("gossip", {"agents": 6}, 7)
    driver = Driver(sim, clock=Clock())
    assert driver.step()
    assert (driver.paused, sim.events) == (True, 1)


def test_step_passes_over_what_cannot_be_done() -> None:
    sim = launch("gossip", {"agents": 6}, 7, "at 0s restart a-02")
    assert Driver(sim, clock=Clock()).step()
    assert (sim.events, sim.commands) == (1, [])


def test_back_pauses_and_ends_at_the_start() -> None:
    sim = launch("gossip", {"agents": 6}, 7)
    driver = Driver(sim, clock=Clock())
    sim.run(events=3)
    assert [driver.back() for _ in range(4)] == [True, True, True, False]
    assert (driver.paused, sim.events) == (True, 0)


async def test_going_on_after_going_back_starts_from_there(world: Callable[..., World]) -> None:
    here = world(speed=1.0)
    await here.go_on(3.0)
    here.driver.back()
    there = here.sim.now
    here.clock.pass_by(100.0)
    here.driver.paused = False
    await here.go_on(1.0)
    assert here.sim.now - there == pytest.approx(SECOND, abs=2 * FRAME * SECOND)


# --- speeds in words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed", "words"),
    [(1.0, "1×"), (4.0, "4×"), (0.5, "1/2×"), (0.125, "1/8×"), (0.3, "0.3×"), (1.5, "1.5×"), (None, "flat out")],
)
def test_the_pace_in_words(speed: float | None, words: str) -> None:
    assert Driver(launch("gossip", {"agents": 2}, 7), speed=speed, clock=Clock()).pace == words


@pytest.mark.parametrize(("asked", "kept"), [(1e300, 4096.0), (1e-9, 1 / 1024), (2.0, 2.0)])
async def test_speeds_stay_within_bounds(world: Callable[..., World], asked: float, kept: float) -> None:
    here = world(speed=asked)
    assert here.driver.speed == kept
    here.driver.set_speed(asked)
    assert here.driver.speed == kept
    await here.go_on(0.1)


# --- time to spare --------------------------------------------------------------------------------


@pytest.mark.parametrize(("speed", "taken"), [(8.0, True), (None, False)])
async def test_checkpoints_are_taken_while_there_is_time_to_spare(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, speed: float | None, taken: bool
) -> None:
    monkeypatch.setattr("app.filling.SHORT", 50)
    monkeypatch.setattr("app.filling.CHUNK", 20)
    here = world(endless(), speed=speed)
    here.cost = 0.0005
    await here.go_on(0.5)
    assert here.sim.events > 300
    assert any(saved.checkpoint.is_packed for saved in here.driver.history.tree.saved) is taken
