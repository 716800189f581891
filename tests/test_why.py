"""Why: the chain of causes back to what began it, in words and as a picture, and the ways to ask for it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Static

from app.screens.live import LiveScreen
from app.screens.why import Reasons, WhyScreen
from engine.causes import BEGINNINGS, chain, in_words, is_cut_off, last_of
from engine.events import IN_FLIGHT
from engine.framing import Framer
from engine.invariants import Broken
from engine.sequence import sequence_of
from engine.simulation import Simulation
from engine.trace import TraceEvent
from engine.views import NarrationLine, SequenceArrow
from tests.app_fixtures import NARROW, forward, live, playing, press, shown, toasts
from tests.engine_fixtures import MS, Do, S, hive, theatre
from tests.test_widgets import bench, told
from widgets.messages import MessagesPane
from widgets.narration import NarrationPane
from widgets.sequence import SequencePane

# --- chains ---------------------------------------------------------------------------------------


def spoken(events: list[TraceEvent], sim: Simulation) -> list[str]:
    return [in_words(event, sim.trace.event, first=at == 0) for at, event in enumerate(events)]


def relayed() -> Simulation:
    """A command has p-1 write to p-2, which writes to p-3, which sets a timer, which runs out."""
    sim = theatre(3)
    sim.apply("tell p-1 begin")
    ring = Do((("send", 1, Do((("send", 2, Do((("set_timer", "last", 5 * MS),))),))),))
    sim.agent(0).ctx.send(0, ring)
    sim.run(until=1)
    return sim


def test_a_chain_goes_back_to_the_command_that_began_it() -> None:
    sim = relayed()
    found = chain(sim.events - 1, sim.trace.event)
    assert [event.kind for event in found] == ["command", "deliver", "deliver", "deliver"]
    assert [event.agent for event in found] == ["", "p-1", "p-2", "p-3"]
    assert not is_cut_off(found)
    words = spoken(found, sim)
    assert words[0] == "command “tell p-1 begin”: this began it"
    assert words[2].startswith("p-2 receives do ") and words[2].endswith(" from p-1, sent 1ms before")


def test_a_timer_is_a_beginning_and_says_what_set_it() -> None:
    sim = relayed()
    found = chain(sim.events, sim.trace.event)
    assert [event.kind for event in found] == ["timer"]
    setting = sim.events - 1
    assert spoken(found, sim) == [
        f"timer “last” of p-3 runs out: this began it; w goes on to event {setting}, which set the timer at 0.003s"
    ]
    assert found[0].cause == setting  # from where one may go on
    assert len(chain(setting, sim.trace.event)) == 4


def test_a_chain_that_is_cut_off_says_so() -> None:
    sim = relayed()

    def find(index: int) -> TraceEvent | None:
        return sim.trace.event(index) if index > sim.events - 2 else None

    found = chain(sim.events - 1, find)
    assert len(found) == 1 and is_cut_off(found)
    assert in_words(found[0], find, first=True).endswith(
        f"what led to it, event {sim.events - 2}, is not kept any more"
    )


def test_there_is_no_chain_to_what_has_not_happened() -> None:
    sim = theatre(2)
    assert chain(0, sim.trace.event) == chain(99, sim.trace.event) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 900), st.integers(0, 20))
def test_every_chain_goes_back_in_time_from_cause_to_cause(index: int, seed: int) -> None:
    sim = hive(5, seed=seed)
    sim.run(events=900)
    found = chain(index, sim.trace.event)
    assert found[-1].index == index
    assert all(after.cause == before.index for before, after in pairwise(found))
    assert all(event.kind not in BEGINNINGS for event in found[1:])
    assert found[0].kind in BEGINNINGS


def test_the_last_event_of_an_agent() -> None:
    sim = theatre(3)
    sim.agent(0).ctx.send(1, "hello")
    sim.run(until=1)
    assert last_of(sim.trace, 1) == sim.events
    sim.apply("crash p-3")
    assert last_of(sim.trace, 2) == sim.events  # the command, by its note
    sim.agent(0).ctx.send(2, "too late")
    sim.run(until=2)
    assert last_of(sim.trace, 2) == sim.events - 1  # what did not reach it did not change it


def test_a_lost_message_says_in_words_that_it_is() -> None:
    sim = theatre(2)
    sim.apply("crash p-2")
    sim.agent(0).ctx.send(1, "hello")
    sim.run(until=1)
    [*_, last] = chain(sim.events, sim.trace.event)
    assert in_words(last, sim.trace.event) == "hello from p-1 does not reach p-2: p-2 did not take it, sent 1ms before"


def test_the_picture_of_a_chain_has_lanes_for_those_in_it_only() -> None:
    sim = theatre(9)
    sim.apply("send p-4 p-7 hello")
    sim.run(until=1)
    found = chain(sim.events, sim.trace.event)
    view = sequence_of(sim, found)
    assert [lane.name for lane in view.lanes] == ["p-4", "p-7"]
    assert [item.index for item in view.items] == [event.index for event in found]
    assert [item.kind for item in view.items if isinstance(item, SequenceArrow)] == ["text"]


# --- the story ------------------------------------------------------------------------------------


def test_each_sentence_of_the_story_knows_its_event() -> None:
    sim = theatre(2)
    framer = Framer(sim)
    sim.apply("crash p-1")
    sim.run(until=1)
    assert [line.index for line in framer.narration()] == [sim.events]


LONG = tuple(
    NarrationLine(at * S, f"sentence {at} is so long that it takes more than one row of the pane", index=10 * at)
    for at in range(1, 20)
)


async def test_the_cursor_of_the_story_goes_from_sentence_to_sentence() -> None:
    pane = NarrationPane()
    async with bench(pane, size=(40, 12)) as (app, pilot):
        pane.focus()
        pane.show(LONG)
        await pilot.pause()
        assert pane.event_in_view == 190
        for key, index in (("up", 190), ("up", 180), ("up", 170), ("down", 180)):
            await pilot.press(key)
            assert pane.event_in_view == index
        pane.show((*LONG[1:], NarrationLine(20 * S, "one more", index=200)))
        assert pane.event_in_view == 180
        await pilot.press("enter")
        assert [event.index for event in told(app, NarrationPane.Opened)] == [180]
        await pilot.press("down", "down")
        assert pane.event_in_view == 200
        pane.show((*LONG[1:], NarrationLine(20 * S, "one more", index=200), NarrationLine(21 * S, "the end")))
        assert pane._list.at_end


# --- the screen -----------------------------------------------------------------------------------


def explained(pilot: Pilot[Any]) -> WhyScreen:
    assert isinstance(pilot.app.screen, WhyScreen)
    return pilot.app.screen


async def test_the_screen_shows_picture_and_words_and_the_cursor_moves_in_both() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 60)
        await press(pilot, "1", "w")
        why = explained(pilot)
        assert why.events[-1].index == last_of(screen.sim.trace, screen.selected)
        assert len(why.events) > 1
        text = shown(pilot.app)
        assert "this began it" in text and "━" in text and "sent " in text
        picture = why.query_one(SequencePane)
        assert picture.selected == why.events[-1].index
        await press(pilot, "up")
        assert picture.selected == why.events[-2].index
        assert why.query_one(Reasons).at == len(why.events) - 2


async def test_w_goes_further_back_from_the_timer() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 60)
        await press(pilot, "1", "w")
        why = explained(pilot)
        first = why.events[0]
        assert first.kind == "timer"
        await press(pilot, "w")
        assert len(why.events) > 1 and first in why.events[1:]
        assert why.events[0].index < first.index
        for _ in range(30):
            await press(pilot, "w")
        assert why.events[0].cause is None
        assert toasts(pilot.app)[-1] == "nothing led to this: it is where it began"


async def test_enter_asks_to_go_to_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[int] = []
    monkeypatch.setattr(LiveScreen, "go_to_event", lambda _, index: went.append(index), raising=False)
    async with playing() as (screen, pilot):
        forward(screen, 60)
        for key in ("enter", "g"):
            await press(pilot, "1", "w")
            why = explained(pilot)
            await press(pilot, "up", key)
            assert live(pilot.app) is screen
            assert went.pop() == why.events[-2].index
        await press(pilot, "w", "escape")
        assert went == []


async def test_the_path_stays_heavy_on_the_sequence_face_until_escape() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 60)
        await press(pilot, "2", "v", "up", "w")
        why = explained(pilot)
        face = screen.query_one(MessagesPane).sequence
        assert why.events[-1].index == face.selected
        await press(pilot, "escape")
        assert face.path == {event.index for event in why.events}
        await press(pilot, "escape")
        assert face.path == frozenset()


async def test_a_message_on_its_way_is_explained_by_what_sent_it() -> None:
    async with playing() as (screen, pilot):
        sim = forward(screen, 60)
        while not any(event[4] in IN_FLIGHT for event in sim.calendar):
            forward(screen, 1)
        await press(pilot, "2", "v", "up", "down")
        moving = screen.query_one(MessagesPane).sequence.on_its_way
        assert moving is not None and moving.cause
        await press(pilot, "w")
        assert explained(pilot).events[-1].index == moving.cause
        assert f"m{moving.number}, which is on its way" in shown(pilot.app)


async def test_a_broken_invariant_is_explained_from_the_stage() -> None:
    async with playing(scenario="pbft") as (screen, pilot):
        sim = forward(screen, 40)
        name = sim.scenario.invariants[0].name
        sim.invariants_kept.broken[name] = Broken(sim.now, 20, "made up")
        for pane in "34":
            await press(pilot, pane, "w")
            assert explained(pilot).events[-1].index == 20
            assert f"invariant {name} is broken" in str(explained(pilot).query_one("#why-about", Static).content)
            await press(pilot, "escape")
        await press(pilot, "1", "w")
        assert explained(pilot).events[-1].index == last_of(sim.trace, screen.selected)


async def test_a_sentence_of_the_story_is_explained() -> None:
    async with playing() as (screen, pilot):
        forward(screen, 20)
        await press(pilot, "c")
        crash = screen.sim.events
        await press(pilot, "5", "up", "enter")
        assert [event.index for event in explained(pilot).events] == [crash]
        assert "command “crash a-01”: this began it" in shown(pilot.app)


async def test_what_nothing_led_to_is_said_in_words() -> None:
    async with playing() as (screen, pilot):
        await press(pilot, "1", "w")
        assert live(pilot.app) is screen
        assert toasts(pilot.app)[0].startswith("nothing is known of what happened to a-01 last: it has yet to come")


async def test_an_event_that_the_trace_forgot_is_asked_of_the_history() -> None:
    async with playing() as (screen, pilot):
        sim = forward(screen, 40)
        asked: list[int] = []

        def event(index: int) -> TraceEvent | None:
            asked.append(index)
            return sim.trace.event(index)

        screen.driver.history.event = event  # type: ignore[attr-defined, method-assign, unused-ignore]
        await press(pilot, "1", "w")
        assert asked[: len(explained(pilot).events)] == [one.index for one in reversed(explained(pilot).events)]


async def test_it_fits_a_small_terminal() -> None:
    async with playing(size=NARROW) as (screen, pilot):
        forward(screen, 60)
        await press(pilot, "w")
        box = explained(pilot).query_one("#why-box").region
        assert box.contains_region(explained(pilot).query_one(Reasons).region)
        assert explained(pilot).query_one(Reasons).size.height >= 4
        assert "this began it" in shown(pilot.app)
