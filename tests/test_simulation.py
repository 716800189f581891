"""A run going on: where it stops, what time it is then, and that nothing leaves it in pieces."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agent import Agent
from engine.errors import CommandError, ParameterError, ScenarioError
from engine.scenario import Scenario
from engine.simulation import MAX_SEED, Simulation
from tests.engine_fixtures import MS, Do, S, Theatre, heard, hive, log_of, picture, puppet, theatre

# --- until ----------------------------------------------------------------------------------------


def test_a_run_until_a_time_includes_that_moment_and_ends_there() -> None:
    sim = theatre(2)
    for delay in (5 * MS - 1, 5 * MS, 5 * MS + 1):
        sim.agent(0).ctx.set_timer(delay, delay)
    sim.run(until=0.005)
    assert [entry[2] for entry in log_of(sim, 0)] == [4_999, 5_000]
    assert sim.now == 5 * MS
    sim.run(until=0.003)  # there is no way back
    assert sim.now == 5 * MS
    sim.run(until=3)
    assert sim.now == 3 * S


def test_what_a_moment_brings_about_in_that_moment_belongs_to_it() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("later", 1 * MS + 1)
    sim.agent(0).ctx.send(0, Do((("set_timer", "now", 0), ("cancel_timer", "later"), ("set_timer", "next", 1))))
    sim.run(until=0.001)
    assert [entry[1:3] for entry in log_of(sim, 0)][1:] == [("timer", "now")]
    sim.run(until=1)
    assert log_of(sim, 0)[2:] == [(1 * MS + 1, "timer", "next")]


def test_a_cancelled_timer_lets_no_later_event_come_too_early() -> None:
    # All lie in one bucket of the calendar, and the command stands between them.
    sim = theatre(3)
    sim.agent(0).ctx.send(0, Do((("cancel_timer", "never"),)))
    sim.agent(0).ctx.set_timer("never", 1_010)
    sim.agent(0).ctx.set_timer("late", 1_020)
    sim.schedule("at 1015us freeze p-1")
    sim.run(until=0.001015)
    assert [entry[1] for entry in log_of(sim, 0)] == ["message"]
    assert sim.now == 1_015
    sim.run(until=1)
    assert log_of(sim, 0)[1:] == []


def test_a_number_of_events_is_exact_and_time_stands_at_the_last() -> None:
    sim = theatre(2)
    for number in range(5):
        sim.agent(0).ctx.set_timer(number, (number + 1) * MS)
    sim.run(events=3)
    assert (sim.events, sim.now) == (5, 3 * MS)
    sim.run(until=0.0045, events=9)
    assert (sim.events, sim.now) == (6, 4_500)
    sim.run(until=9, events=1)
    assert (sim.events, sim.now) == (7, 5 * MS)
    sim.run(events=0)
    assert sim.events == 7


def test_a_run_without_an_end_stops_when_nothing_is_left() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tea", 5 * MS)
    assert sim.over == ""
    sim.run()
    assert (sim.now, sim.over) == (5 * MS, "nothing is left to happen")
    assert not sim.step()
    sim.run(until=math.inf)
    assert sim.now == 5 * MS


@pytest.mark.parametrize("until", [-1, -0.001, math.nan])
def test_an_end_that_is_no_time_is_refused(until: float) -> None:
    sim = theatre(2)
    for go in (sim.run, sim.finish, sim.stop_at):
        with pytest.raises(ParameterError, match="is not a time to run until"):
            go(until=until)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.0, "1", True, None])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(ScenarioError, match=r"the seed .* is not right: a seed is a whole number from 0 to 1844"):
        Simulation(Theatre(), seed)


# --- to the end -----------------------------------------------------------------------------------


def test_finish_leaves_time_at_the_last_event_when_nothing_is_left() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tea", 5 * MS)
    sim.schedule("at 7ms crash p-2")
    sim.finish()
    assert (sim.now, sim.over) == (7 * MS, "nothing is left to happen")
    sim.finish()
    assert sim.now == 7 * MS


def test_finish_until_a_time_stands_there() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tea", 5 * MS)
    sim.finish(until=2)
    assert sim.now == 2 * S


def test_finish_stops_at_the_horizon_while_things_are_left() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tea", 11 * S)
    sim.finish()
    assert (sim.now, sim.over) == (10 * S, "")
    other = theatre(2)
    other.schedule("at 12s crash p-1")
    other.finish()
    assert (other.now, other.over, other.commands) == (10 * S, "", [])


def test_all_that_happens_at_the_horizon_belongs_to_the_run() -> None:
    sims = [theatre(2), theatre(2)]
    for sim in sims:
        for number in range(5):
            sim.agent(0).ctx.set_timer(number, 10 * S)
    sims[0].finish()
    sims[1].stop_at()
    while sims[1].advance(1):
        pass
    assert [sim.events for sim in sims] == [7, 7]


def test_finish_stops_when_the_scenario_is_over() -> None:
    sim = hive(goal=10)
    sim.finish()
    assert sim.over == "enough flowers"
    assert sim.seconds < 1.0
    assert sim.events % 64 == 0  # as often as it is asked
    sim = hive(goal=10)
    sim.schedule("at 900ms heal")
    sim.finish()
    assert sim.commands == ["at 900ms heal"]  # what is to come is waited for


@pytest.mark.parametrize("chunk", [1, 7, 64, 100, 5_000])
@pytest.mark.parametrize(
    "end",
    [{}, {"until": 0.3}, {"events": 333}, {"until": 0.3, "events": 10**6}, {"until": 5.0, "events": 128}],
    ids=["over", "until", "events", "until first", "events first"],
)
def test_the_end_does_not_depend_on_the_pieces(chunk: int, end: dict[str, Any]) -> None:
    whole, pieces = hive(goal=20), hive(goal=20)
    for sim in (whole, pieces):
        sim.schedule("at 100ms crash 2")
        sim.schedule("at 150ms restart *")
    whole.finish(**end)
    pieces.stop_at(**end)
    while pieces.advance(chunk):
        assert 0.0 <= pieces.progress <= 1.0
    assert picture(pieces) == picture(whole)
    assert not pieces.advance(chunk)
    assert picture(pieces) == picture(whole)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 400) | st.floats(0.0005, 0.1), min_size=1, max_size=30))
def test_a_run_in_pieces_is_the_run_in_one_go(pieces: list[int | float]) -> None:
    whole, cut = hive(), hive()
    for sim in (whole, cut):
        sim.schedule("at 33ms latency 1ms..90ms")
        sim.schedule("at 44ms crash 30%")
        sim.schedule("at event 50 loss 20%")
        sim.schedule("at 90ms restart *")
    for piece in pieces:
        if isinstance(piece, int):
            cut.run(events=piece)
        else:
            cut.run(until=cut.seconds + piece)
    whole.run(events=cut.events)
    whole.run_to(cut.now, 0)
    assert (cut.digest, cut.messages, cut.commands) == (whole.digest, whole.messages, whole.commands)
    assert [str(agent.state()) for agent in cut.agents] == [str(agent.state()) for agent in whole.agents]


def test_progress_goes_from_none_to_all() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tea", 60 * S)
    sim.stop_at(until=20)
    assert sim.progress == 0.0
    sim.run(until=5)
    assert sim.progress == 0.25
    sim.stop_at(until=20, events=4)
    sim.step()
    assert sim.progress == 1.0


# --- recording ------------------------------------------------------------------------------------


def test_recording_changes_nothing() -> None:
    plain, recorded = hive(goal=25), hive(goal=25, record=True)
    for sim in (plain, recorded):
        sim.schedule("at 40ms crash 1")
        sim.schedule("at 60ms restart *")
        sim.finish()
    assert len(recorded.series["flowers"]) > 10
    assert not plain.series["flowers"]
    pictures = picture(plain), picture(recorded)
    for one in pictures:
        del one["series"]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("record", [False, True])
def test_a_command_in_the_silence_is_carried_out(record: bool) -> None:
    sim = Simulation(theatre(2).scenario, 1, record=record)
    sim.schedule("at 3s crash p-1")
    sim.run()
    assert (sim.commands, sim.now) == (["at 3s crash p-1"], 3 * S)


def test_samples_are_taken_at_regular_times() -> None:
    sim = hive(record=True)
    sim.run(until=0.1)
    assert sim.series.times == [number * 10 * MS for number in range(11)]
    assert sim.series["flowers"][0] == 0.0
    assert sim.series["flowers"][-1] == sim.meters.value("flowers")


def test_samples_go_on_while_nothing_happens_if_the_run_does() -> None:
    sim = Simulation(theatre(2).scenario, 1, record=True)
    sim.run(until=0.05)
    assert sim.series.times[-1] == 50 * MS
    sim.run()
    assert sim.series.times[-1] == 50 * MS


# --- interrupted ----------------------------------------------------------------------------------


def test_an_interrupt_leaves_a_run_that_can_go_on() -> None:
    sim = theatre(2)
    for message in ("a", "interrupt", "b"):
        sim.agent(0).ctx.send(1, message)
    with pytest.raises(KeyboardInterrupt):
        sim.run(until=1)
    assert (sim.events, sim.trace.total, heard(sim, 1)) == (4, 4, ["a", "interrupt"])
    assert sim.messages == {"sent": 3, "delivered": 2, "dropped": 0, "duplicated": 0}
    checkpoint = sim.checkpoint()
    sim.run(until=1)
    assert heard(sim, 1) == ["a", "interrupt", "b"]
    digest = sim.digest
    sim.restore(checkpoint)
    sim.run(until=1)
    assert sim.digest == digest


def test_an_error_of_one_agent_costs_the_others_nothing() -> None:
    sim = theatre(3)
    for number in range(20):
        sim.agent(0).ctx.send(1 + number % 2, "stumble" if number == 10 else number)
    sim.run(until=1)
    assert heard(sim, 2) == list(range(1, 20, 2))
    assert heard(sim, 1) == [0, 2, 4, 6, 8, "stumble"]
    assert sim.events == 3 + 20


def test_a_scenario_that_makes_no_agents_is_refused() -> None:
    class Empty(Theatre):
        def create(self, name: str, role: str) -> Agent:
            return None  # type: ignore[return-value]

    with pytest.raises(ScenarioError, match=r"theatre: create\(\) must return an Agent; it returned None"):
        Simulation(Empty())


def test_a_scenario_need_not_say_more_than_who_there_is() -> None:
    class Plain(Scenario):
        name = "plain"
        title = "Plain"

        def population(self) -> list[tuple[str, str]]:
            return [("a", "x"), ("b", "x")]

        def create(self, name: str, role: str) -> Agent:
            return Agent()

    sim = Simulation(Plain())
    sim.apply("join")
    sim.finish()
    assert (sim.metrics(), sim.invariants(), sim.names) == ({}, [], ["a", "b", "x-3"])
    assert sim.over == "nothing is left to happen"
    with pytest.raises(CommandError, match="plain has no misbehaviour 'liar'; its modes are honest"):
        sim.apply("byzantine a liar")


def test_others() -> None:
    sim = theatre(4)
    sim.apply("leave p-2")
    sim.apply("crash p-3")
    assert sim.others(0) == [2, 3]
    assert [agent.name for agent in sim.alive()] == ["p-1", "p-4"]
    assert puppet(sim, 3) is sim.agent(3)
