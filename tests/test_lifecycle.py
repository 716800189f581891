"""Agents coming and going, falling and getting up, frozen, late, failing and misbehaving."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import CommandError, ScenarioError
from engine.simulation import Simulation
from engine.views import Health
from tests.engine_fixtures import MS, Do, heard, log_of, puppet, theatre


def notes(sim: Simulation, *kinds: str) -> list[tuple[str, str]]:
    """Kind and agent of the notes in the trace, as far as wanted."""
    found = [sim.trace.describe_note(note) for note in sim.trace.notes]
    return [(note.kind, note.agent) for note in found if not kinds or note.kind in kinds]


# --- start ----------------------------------------------------------------------------------------


def test_agents_start_in_the_order_of_their_ids_before_all_else() -> None:
    sim = theatre(3)
    assert [(event.kind, event.agent, event.time) for event in sim.trace.events()] == [
        ("start", "p-1", 0),
        ("start", "p-2", 0),
        ("start", "p-3", 0),
    ]
    assert sim.messages["delivered"] == 0


def test_who_falls_before_its_start_does_not_start_twice() -> None:
    sim = theatre(2)
    early = Simulation(sim.scenario, 1)
    early.apply("crash p-1")
    early.apply("restart p-1")
    early.apply("crash p-2")
    early.run(until=1)
    assert [entry[1] for entry in puppet(early, 0).log] == ["restart"]
    assert [entry[1] for entry in puppet(early, 1).log] == ["crash"]


def test_who_is_frozen_before_its_start_starts_when_it_thaws() -> None:
    early = Simulation(theatre(2).scenario, 1)
    early.apply("freeze p-1")
    early.run(until=1)
    assert puppet(early, 0).log == []
    early.apply("thaw p-1")
    early.run(until=2)
    assert puppet(early, 0).log == [(1_000 * MS, "start")]
    assert early.messages == {"sent": 0, "delivered": 0, "dropped": 0, "duplicated": 0}


# --- crash and restart ----------------------------------------------------------------------------


def test_a_crash_loses_all_but_the_durable_state() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "fame")
    sim.run(until=0.01)
    sim.apply("crash p-2")
    fallen = puppet(sim, 1)
    assert fallen.log[-1] == (10 * MS, "crash")  # until it restarts it can be looked at
    sim.apply("restart p-2")
    assert sim.agent(1) is fallen
    assert (fallen.fame, fallen.log) == (1, [(10 * MS, "restart")])
    assert notes(sim) == [("crash", "p-2"), ("restart", "p-2")]


def test_attributes_that_came_later_are_lost_too() -> None:
    sim = theatre(2)
    sim.agent(1).later = "new"  # type: ignore[attr-defined]
    sim.apply("crash p-2")
    sim.apply("restart p-2")
    assert not hasattr(sim.agent(1), "later")
    assert (sim.agent(1).name, sim.agent(1).id, sim.agent(1).role) == ("p-2", 1, "puppet")


def test_the_dead_get_no_mail_and_no_timers() -> None:
    sim = theatre(2)
    sim.agent(1).ctx.set_timer("tea", 5 * MS)
    sim.agent(0).ctx.send(1, "too late")
    sim.apply("crash p-2")
    sim.run(until=1)
    assert [entry[1] for entry in puppet(sim, 1).log] == ["start", "crash"]
    assert sim.messages == {"sent": 1, "delivered": 0, "dropped": 1, "duplicated": 0}
    assert [event.kind for event in sim.trace.events() if event.message == "too late"] == ["dropped"]
    assert not sim.calendar


def test_mail_on_its_way_reaches_who_is_up_again_in_time() -> None:
    sim = theatre(2, latency=0.01)
    sim.agent(0).ctx.send(1, "patient")
    sim.run(until=0.002)
    sim.apply("crash p-2")
    sim.run(until=0.004)
    sim.apply("restart p-2")
    sim.run(until=1)
    assert heard(sim, 1) == ["patient"]


def test_a_restart_does_not_rewind_the_random_numbers() -> None:
    sim = theatre(2)
    before = [sim.agent(0).rng.word() for _ in range(5)]
    sim.apply("crash p-1")
    sim.apply("restart p-1")
    assert sim.agent(0).rng.position == 5
    assert [sim.agent(0).rng.word() for _ in range(5)] != before


def test_clock_pace_and_mode_survive_a_crash() -> None:
    sim = theatre(2)
    for command in ("skew p-1 +1s", "slow p-1 2x", "byzantine p-1 liar", "crash p-1", "restart p-1"):
        sim.apply(command)
    ctx = sim.agent(0).ctx
    assert (ctx.now, ctx.slowness, sim.agent(0).mode) == (1_000 * MS, 2_000, "liar")


# --- freeze and thaw ------------------------------------------------------------------------------


def test_a_frozen_agent_takes_mail_and_timers_later_in_the_order_of_their_coming() -> None:
    sim = theatre(3)
    ctx = sim.agent(1).ctx
    ctx.set_timer("early", 2 * MS)
    ctx.set_timer("middle", 15 * MS)
    ctx.set_timer("late", 60 * MS)
    sim.apply("latency 20ms p-3 > p-2")
    sim.agent(2).ctx.send(1, "slow one")
    sim.agent(0).ctx.send(1, "quick one")
    sim.apply("freeze p-2")
    sim.run(until=0.05)
    assert log_of(sim, 1) == []
    held = [event.summary for event in sim.trace.events() if event.kind == "held"]
    assert held == ["quick one", "early", "middle", "slow one"]
    sim.apply("thaw p-2")
    sim.run(until=1)
    assert log_of(sim, 1) == [
        (50 * MS, "message", 0, "quick one"),
        (50 * MS, "timer", "early"),
        (50 * MS, "timer", "middle"),
        (50 * MS, "message", 2, "slow one"),
        (60 * MS, "timer", "late"),
    ]
    assert sim.messages == {"sent": 2, "delivered": 2, "dropped": 0, "duplicated": 0}


def test_a_frozen_agent_answers_no_requests_until_it_thaws() -> None:
    sim = theatre(2)
    sim.apply("freeze p-2")
    sim.agent(0).ctx.request(1, "time?", timeout=100 * MS)
    sim.run(until=0.05)
    sim.apply("thaw p-2")
    sim.run(until=1)
    assert [entry[:2] for entry in log_of(sim, 0)] == [(51 * MS, "reply")]


def test_held_mail_keeps_sender_and_cause() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "hello")
    sent = sim.events
    sim.apply("freeze p-2")
    sim.run(until=0.01)
    sim.apply("thaw p-2")
    sim.run(until=0.02)
    event = sim.trace.event(sim.events)
    assert event is not None
    assert (event.summary, event.peer, event.cause, event.sent) == ("hello", "p-1", sent, 0)


def test_a_crash_ends_a_freeze_and_drops_what_was_held() -> None:
    sim = theatre(2)
    sim.agent(1).ctx.set_timer("tea", 2 * MS)
    sim.agent(0).ctx.send(1, "a")
    sim.apply("freeze p-2")
    sim.run(until=0.01)
    sim.apply("crash p-2")
    assert sim.messages["dropped"] == 1
    sim.apply("restart p-2")
    sim.run(until=1)
    assert [entry[1] for entry in puppet(sim, 1).log] == ["restart"]
    assert sim.agent(1).ctx.timers == {}


def test_a_timer_that_is_held_can_be_set_anew_or_cancelled() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("drill 0", 5 * MS)
    sim.agent(0).ctx.set_timer("tea", 5 * MS)
    sim.apply("freeze p-1")
    sim.run(until=0.01)
    sim.apply("drill p-1 20ms")  # a command reaches it all the same
    assert sim.agent(0).ctx.cancel_timer("tea")
    assert not sim.agent(0).ctx.cancel_timer("tea")
    sim.run(until=0.02)
    sim.apply("thaw p-1")
    sim.run(until=1)
    assert sim.health(0) == Health.UP
    assert log_of(sim, 0) == [(30 * MS, "timer", "drill 0")]


# --- failing --------------------------------------------------------------------------------------


def test_an_agent_that_raises_has_failed_and_the_run_goes_on() -> None:
    sim = theatre(3)
    for message in ("before", "stumble", "after"):
        sim.agent(0).ctx.send(1, message)
    sim.agent(0).ctx.send(2, "for another")
    sim.agent(1).ctx.set_timer("tea", 5 * MS)
    sim.run(until=1)
    assert sim.health(1) == Health.FAILED
    assert heard(sim, 1) == ["before", "stumble"]
    assert heard(sim, 2) == ["for another"]
    assert sim.messages == {"sent": 4, "delivered": 3, "dropped": 1, "duplicated": 0}
    [note] = [note for note in sim.trace.notes if note.kind == "failed"]
    assert note.data["text"] == "ValueError: stumbled"
    assert "in on_message" in note.data["traceback"] and 'raise ValueError("stumbled")' in note.data["traceback"]
    failing = sim.trace.event(note.index)
    assert failing is not None and failing.summary == "stumble"


def test_so_has_one_that_raises_over_a_timer_a_crash_a_restart_or_a_command() -> None:
    sim = theatre(3)
    sim.agent(0).ctx.set_timer("stumble", MS)
    puppet(sim, 1).fame = -1
    puppet(sim, 2).fame = 101
    sim.run(until=0.01)
    sim.apply("crash p-2,p-3")
    assert [sim.health(agent) for agent in range(3)] == [Health.FAILED, Health.FAILED, Health.CRASHED]
    sim.apply("restart *")
    assert [sim.health(agent) for agent in range(3)] == [Health.UP, Health.UP, Health.FAILED]
    assert notes(sim, "failed") == [("failed", "p-1"), ("failed", "p-2"), ("failed", "p-3")]


def test_a_failed_agent_can_be_restarted() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "stumble")
    sim.run(until=0.01)
    sim.apply("restart p-2")
    sim.agent(0).ctx.send(1, "again")
    sim.run(until=0.02)
    assert sim.health(1) == Health.UP
    assert heard(sim, 1) == ["again"]


@pytest.mark.parametrize("nobody", [99, -1, 2**32 - 1, 2**40, "p-2", None, 1.0, [1]])
@pytest.mark.parametrize("how", ["send", "send_expiring"])
@pytest.mark.parametrize("way", ["digest", "no digest", "lost"])
def test_mail_to_nobody_is_its_senders_fault(nobody: Any, how: str, way: str) -> None:
    sim = theatre(3, digest=way != "no digest")
    if way == "lost":
        sim.apply("loss 100% p-2 > *")
        sim.network.usual.loss = 1_000_000  # of links between no agents, too
        sim.apply("loss 0% p-1 - *")
    sim.agent(0).ctx.send(1, Do(((how, nobody, "hello", *([9 * MS] if how == "send_expiring" else [])),)))
    sim.agent(0).ctx.send(2, "for another")
    sim.run(until=1)
    assert [sim.health(agent) for agent in range(3)] == [Health.UP, Health.FAILED, Health.UP]
    assert heard(sim, 2) == ["for another"]
    [failed] = [note for note in sim.trace.notes if note.kind == "failed"]
    assert isinstance(nobody, list) or f"sent a message to {nobody!r}, but the agents' ids are 0 to 2" in str(
        failed.data["text"]
    )
    assert len(sim.trace.events()) == sim.events + len(sim.trace.notes)  # all can be told
    counted = sim.messages
    assert counted["sent"] == counted["delivered"] + counted["dropped"]


def test_mail_to_nobody_from_who_is_down_by_then_blames_nobody_twice() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(99, "a")
    sim.agent(0).ctx.send(98, "b")
    sim.agent(1).ctx.send(97, "c")
    sim.apply("crash p-2")
    sim.run(until=1)
    assert notes(sim) == [("crash", "p-2"), ("failed", "p-1")]
    assert sim.messages["dropped"] == 3


# --- joining and leaving --------------------------------------------------------------------------


def test_who_joins_starts_and_is_linked() -> None:
    sim = theatre(3, topology="ring")
    sim.run(until=0.01)
    sim.apply("join 2")
    assert sim.names == ["p-1", "p-2", "p-3", "p-4", "p-5"]
    sim.agent(0).ctx.send(3, "welcome")
    sim.run(until=1)
    assert puppet(sim, 3).log == [(10 * MS, "start"), (11 * MS, "message", 0, "welcome")]
    assert all(len(sim.topology.neighbours(agent)) == 2 for agent in range(5))
    assert notes(sim) == [("join", "p-4"), ("join", "p-5")]


def test_a_newcomer_knows_the_links_as_they_are_now() -> None:
    sim = theatre(2)
    sim.apply("latency 7ms")
    sim.apply("loss 100% p-1 > p-2")
    sim.apply("join")
    sim.agent(2).ctx.send(0, "hello")
    sim.run(until=1)
    assert log_of(sim, 0, "message") == [(7 * MS, "message", 2, "hello")]


def test_roles() -> None:
    sim = theatre(4, extras=2)
    sim.apply("join extra")
    sim.apply("join")
    assert [(agent.name, agent.role) for agent in sim.agents[4:]] == [("x-5", "extra"), ("p-6", "puppet")]
    sim.apply("crash extra")
    assert [agent.name for agent in sim.alive()] == ["p-1", "p-2", "p-6"]


def test_who_has_left_is_gone_for_good() -> None:
    sim = theatre(3)
    sim.agent(0).ctx.send(1, "too late")
    sim.agent(1).ctx.set_timer("tea", 9 * MS)
    sim.apply("leave p-2")
    sim.run(until=1)
    assert [entry[1] for entry in puppet(sim, 1).log] == ["start"]
    assert sim.present() == [0, 2]
    assert sim.messages["dropped"] == 1
    assert 1 not in sim.topology
    for command in ("restart", "crash", "leave", "freeze", "thaw", "byzantine"):
        with pytest.raises(CommandError, match="no agent or role matches 'p-2'"):
            sim.apply(f"{command} p-2" + (" liar" if command == "byzantine" else ""))
    sim.apply("crash *")
    assert notes(sim, "leave", "crash") == [("leave", "p-2"), ("crash", "p-1"), ("crash", "p-3")]
    sim.apply("join")
    assert sim.agents[3].name == "p-4"  # neither id nor name comes again


@pytest.mark.parametrize("before", ["crash p-2", "freeze p-2"])
def test_who_is_down_or_frozen_can_leave(before: str) -> None:
    sim = theatre(3)
    sim.agent(0).ctx.send(1, "a")
    sim.apply(before)
    sim.run(until=0.01)
    sim.apply("leave p-2")
    sim.agent(0).ctx.send(1, "b")
    sim.run(until=1)
    assert sim.present() == [0, 2]
    assert sim.messages == {"sent": 2, "delivered": 0, "dropped": 2, "duplicated": 0}
    assert sim.lifecycle.held == {}


def test_names_must_differ() -> None:
    class Twins(type(theatre().scenario)):  # type: ignore[misc]
        def population(self) -> list[tuple[str, str]]:
            return [("p-1", "puppet"), ("p-1", "puppet")]

    with pytest.raises(ScenarioError, match="two agents called 'p-1'"):
        Simulation(Twins(), 1)


# --- clocks and pace ------------------------------------------------------------------------------


def test_a_clock_ahead_or_behind() -> None:
    sim = theatre(2)
    sim.run(until=1)
    sim.apply("skew p-1 +250ms")
    sim.apply("skew p-2 -1s")
    assert (sim.agent(0).ctx.now, sim.agent(1).ctx.now) == (1_250 * MS, 0)
    sim.agent(0).ctx.set_timer("tea", 10 * MS)
    sim.run(until=2)
    assert log_of(sim, 0) == [(1_010 * MS, "timer", "tea")]  # as far off as ever
    assert sim.agent(0).ctx.now == 2_250 * MS
    sim.apply("skew p-1 +0s")
    assert sim.agent(0).ctx.now == 2_000 * MS


def test_a_clock_that_runs_fast_lets_timers_end_early() -> None:
    sim = theatre(2)
    sim.apply("skew p-1 +25%")
    sim.apply("skew p-2 -50%")
    for agent in range(2):
        sim.agent(agent).ctx.set_timer("tea", 100 * MS)
    sim.run(until=1)
    assert log_of(sim, 0) == [(80 * MS, "timer", "tea")]
    assert log_of(sim, 1) == [(200 * MS, "timer", "tea")]
    assert (sim.agent(0).ctx.now, sim.agent(1).ctx.now) == (1_250 * MS, 500 * MS)


def test_a_clock_goes_on_from_what_it_shows() -> None:
    sim = theatre(2)
    sim.run(until=1.234567)
    sim.apply("skew p-1 +3.1%")
    shown = sim.agent(0).ctx.now
    assert shown == sim.now
    sim.run(until=7.654321)
    shown = sim.agent(0).ctx.now
    sim.apply("skew p-1 -0.7%")
    assert sim.agent(0).ctx.now == shown
    sim.apply("skew p-1 +1s")
    assert sim.agent(0).ctx.now == sim.now + 1_000 * MS


def test_a_slow_agent_is_late_in_all_it_does() -> None:
    sim = theatre(2)
    sim.apply("slow p-1 10x")
    assert sim.health(0) == Health.SLOW
    sim.agent(0).ctx.set_timer("tea", 10 * MS)
    sim.agent(0).ctx.send(1, "hello")
    sim.run(until=1)
    assert log_of(sim, 0) == [(100 * MS, "timer", "tea")]
    assert log_of(sim, 1) == [(10 * MS, "message", 0, "hello")]
    sim.apply("slow p-1 1x")
    assert sim.health(0) == Health.UP
    sim.agent(0).ctx.send(1, "again")
    sim.run(until=2)
    assert log_of(sim, 1)[1][0] == 1_001 * MS


def test_a_quick_agent_is_not_called_slow() -> None:
    sim = theatre(2)
    sim.apply("slow p-1 0.5x")
    sim.agent(0).ctx.set_timer("tea", 10 * MS)
    sim.run(until=1)
    assert log_of(sim, 0) == [(5 * MS, "timer", "tea")]
    assert sim.health(0) == Health.UP


# --- timers ---------------------------------------------------------------------------------------


def test_timers_are_set_anew_and_cancelled() -> None:
    sim = theatre(2)
    ctx = sim.agent(0).ctx
    ctx.set_timer("tea", 5 * MS)
    ctx.set_timer(("any", "name"), 7 * MS)
    ctx.set_timer("tea", 9 * MS)
    ctx.set_timer("never", 3 * MS)
    assert ctx.cancel_timer("never")
    assert not ctx.cancel_timer("never")
    sim.run(until=1)
    assert log_of(sim, 0) == [(7 * MS, "timer", ("any", "name")), (9 * MS, "timer", "tea")]
    assert ctx.timers == {}


def test_a_timer_may_be_cancelled_in_the_moment_before_it_ends() -> None:
    sim = theatre(2)
    ctx = sim.agent(0).ctx
    ctx.send(0, Do((("cancel_timer", "tea"),)))
    ctx.set_timer("tea", 1 * MS)
    ctx.set_timer("after", 1 * MS + 1)
    sim.run(until=0.001)
    assert [entry[1] for entry in log_of(sim, 0)] == ["message"]  # and nothing too early
    sim.run(until=1)
    assert [entry[1:] for entry in log_of(sim, 0)][1:] == [("timer", "after")]


def test_a_timer_of_no_time_comes_at_once_but_not_inside() -> None:
    sim = theatre(2)
    ctx = sim.agent(0).ctx
    ctx.send(0, Do((("set_timer", "now", 0), ("set_timer", "past", -5))))
    sim.run(until=1)
    assert [entry[:2] for entry in log_of(sim, 0)] == [(MS, "message"), (MS, "timer"), (MS, "timer")]


@pytest.mark.parametrize("delay", [1.0, "5ms", None, True])
def test_a_timer_takes_whole_microseconds(delay: Any) -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("tea", 5 * MS)
    sim.agent(0).ctx.send(0, Do((("set_timer", "tea", delay),)))
    sim.run(until=1)
    assert sim.health(0) == Health.FAILED
    [failed] = [note for note in sim.trace.notes if note.kind == "failed"]
    assert f"a whole number of microseconds, such as 5 * MILLISECOND; {delay!r} was given" in failed.data["text"]
    assert not sim.calendar


# --- misbehaving ----------------------------------------------------------------------------------


def test_modes_of_misbehaviour() -> None:
    sim = theatre(2)
    sim.apply("byzantine p-1 liar")
    assert (sim.agent(0).mode, sim.agent(1).mode) == ("liar", "honest")
    assert (sim.health(0), sim.health(1)) == (Health.BYZANTINE, Health.UP)
    sim.apply("byzantine * mute")
    sim.apply("byzantine p-1 honest")
    sim.apply("byzantine * honest")
    assert sim.health(0) == Health.UP
    assert log_of(sim, 0) == [(0, "misbehave", "liar"), (0, "misbehave", "mute"), (0, "misbehave", "honest")]
    assert log_of(sim, 1) == [(0, "misbehave", "mute"), (0, "misbehave", "honest")]
    assert len(notes(sim, "byzantine")) == 5  # to be honest again is news only to those who were not


def test_one_that_is_down_misbehaves_when_it_is_up_again() -> None:
    sim = theatre(2)
    sim.apply("crash p-1")
    sim.apply("byzantine p-1 liar")
    assert sim.health(0) == Health.CRASHED
    assert log_of(sim, 0, "misbehave") == []
    sim.apply("restart p-1")
    assert sim.health(0) == Health.BYZANTINE


def test_health_as_people_see_it() -> None:
    sim = theatre(2)
    sim.apply("slow p-1 3x")
    sim.apply("byzantine p-1 liar")
    assert sim.health(0) == Health.BYZANTINE
    sim.apply("freeze p-1")
    assert sim.health(0) == Health.FROZEN
    sim.apply("crash p-1")
    assert sim.health(0) == Health.CRASHED
