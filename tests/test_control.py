"""Commands: what each does to a run, how it is written down, and that one which is refused changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from engine.commands import Crash, Item, Selector, Timed
from engine.control import MOST_JOINS
from engine.errors import CommandError
from engine.events import Kind
from engine.simulation import Simulation
from tests.engine_fixtures import (
    MS,
    Do,
    Parcel,
    heard,
    hive,
    in_flight,
    log_of,
    picture,
    theatre,
    try_command,
    why,
)


def refusal(sim: Simulation, command: str) -> str:
    """Why a command is refused; it must not change anything."""
    before = picture(sim)
    with pytest.raises(CommandError) as caught:
        sim.apply(command)
    after = picture(sim)
    del before["trace"], after["trace"]  # where the refusal is noted
    assert after == before
    return str(caught.value)


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("crash p-9", "no agent or role matches 'p-9'; did you mean 'p-4'?"),
        ("crash zebra-*", "no agent or role matches 'zebra-*'; the agents are p-1 to p-4"),
        ("crash 5", "5 agents were asked for, but there are only 4"),
        ("crash p-4", "none of the agents named is up, so none can crash: p-4 is crashed"),
        ("restart p-1", "none of the agents named is down, so none can restart: p-1 is up"),
        ("restart p-1,p-2,p-3", "p-1 is up, p-2 is up, p-3 is frozen"),
        ("freeze p-3,p-4", "none of the agents named is up, so none can freeze: p-3 is frozen, p-4 is crashed"),
        ("thaw p-1", "none of the agents named is frozen, so none can thaw: p-1 is up"),
        ("leave *", "at least one agent must stay; name fewer agents to leave"),
        ("leave p-9", "no agent or role matches 'p-9'"),
        ("join baker", "there is no role 'baker' to join as; the roles are puppet"),
        (f"join {MOST_JOINS + 1}", "10001 agents are too many at once; at most 10000 may join by one command"),
        ("partition p-1,p-2 | p-2,p-3", "p-2 stands on two sides of the partition; each agent may stand on one"),
        ("partition p-1 > *", "p-1 stands on both sides of the partition; each agent may stand on one"),
        ("partition p-1 | 0%", "a side of the partition is empty; each needs an agent"),
        ("partition 0% > p-1", "a side of the partition is empty; each needs an agent"),
        ("partition p-1 | p-9", "no agent or role matches 'p-9'"),
        ("latency 5ms p-9 > p-1", "no agent or role matches 'p-9'"),
        ("loss 5% p-1 > p-1", "p-1 > p-1 names no link; the two sides must differ"),
        ("duplicate 5% p-1 - p-1", "names no link"),
        ("reorder 5% p-1 > p-9", "no agent or role matches"),
        ("bandwidth 5kB/s p-9 > p-1", "no agent or role matches"),
        ("skew p-9 +1s", "no agent or role matches"),
        ("slow p-9 2x", "no agent or role matches"),
        ("byzantine p-9 liar", "no agent or role matches"),
        ("byzantine p-1 lier", "theatre has no misbehaviour 'lier'; did you mean liar?"),
        ("byzantine p-1 zombie", "theatre has no misbehaviour 'zombie'; its modes are honest, liar, mute"),
        ("drop m999", "no message m999 is in flight; the messages pane shows those that are"),
        ("deliver m999", "no message m999 is in flight"),
        ("duplicate m999", "no message m999 is in flight"),
        ("edit m999 value=1", "no message m999 is in flight"),
        ("tell p-1,p-2 hello", "column 9: expected a blank after PUPPET, found ','"),
        ("tell p-* hello", "there is no agent 'p-*'; did you mean 'p-4'?"),
        ("tell p-9 hello", "there is no agent 'p-9'; did you mean 'p-4'?"),
        ("tell 3 hello", "there is no agent '3'"),
        ("tell p-1 forbidden", "that may not be said; say something else"),
        ("drill p-1 soon", "column 11: expected a time such as 250ms or 1.5s, found 'soon'"),
        ("dance p-1", "column 1: there is no command 'dance'"),
        ("at 1ms crash p-1", "1ms is past; it is already 10ms"),
        ("at event 2 crash p-1", "event 2 is past; 8 events have happened"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why_and_changes_nothing(command: str, why: str) -> None:
    sim = theatre(4)
    sim.agent(0).ctx.send(1, "hello")
    sim.agent(2).ctx.set_timer("tea", 99 * MS)
    sim.run(until=0.01)
    sim.apply("freeze p-3")
    sim.apply("crash p-4")
    sim.apply("slow p-2 2x")
    assert why in refusal(sim, command)


def test_a_refusal_is_noted_for_who_watches() -> None:
    sim = theatre(2)
    refusal(sim, "thaw p-1")
    [note] = sim.trace.events()[-1:]
    assert (note.kind, note.note) == ("refused", True)
    assert note.summary == "thaw p-1: none of the agents named is frozen, so none can thaw: p-1 is up"


def test_a_refused_command_does_not_shift_the_draws_of_later_ones() -> None:
    sim, other = hive(20), hive(20)
    refusal(sim, "crash 99")
    refusal(sim, "crash 3 of nobody")
    sim.apply("crash 30%")
    other.apply("crash 30%")
    assert picture(sim)["health"] == picture(other)["health"]
    assert sim.digest == other.digest


def test_a_refused_command_on_the_agenda_stops_the_run_once_and_then_it_goes_on() -> None:
    sim = theatre(2)
    sim.schedule("at 5ms crash p-9")
    sim.schedule("at 7ms crash p-2")
    sim.agent(0).ctx.set_timer("tea", 6 * MS)
    with pytest.raises(CommandError, match="at 5ms crash p-9: no agent or role matches 'p-9'"):
        sim.run(until=1)
    assert sim.now == 5 * MS
    sim.run(until=1)
    assert log_of(sim, 0) == [(6 * MS, "timer", "tea")]
    assert sim.commands == ["at 7ms crash p-2"]
    other = theatre(2)
    other.agent(0).ctx.set_timer("tea", 6 * MS)
    other.schedule("at 7ms crash p-2")
    other.run(until=1)
    assert other.digest == sim.digest


def test_nobody_is_somebody_too_where_a_share_is_none() -> None:
    sim = theatre(4)
    for command in ("crash 0%", "leave 0%", "slow 0% 2x", "skew 0% +1s", "byzantine 0% liar", "crash 0% of p-*"):
        sim.apply(command)
    assert sim.alive() == sim.agents


# --- whom ----------------------------------------------------------------------------------------


def test_only_those_are_touched_for_whom_a_command_makes_sense() -> None:
    sim = theatre(4)
    sim.apply("crash p-1")
    sim.apply("crash *")
    sim.apply("restart p-1,p-2")
    sim.apply("freeze *")
    sim.apply("thaw *")
    assert [entry[1:] for entry in log_of(sim, 0)] == [("restart",)]
    assert [str(sim.health(agent)) for agent in range(4)] == ["up", "up", "crashed", "crashed"]


def test_random_agents_are_drawn_from_the_seed_for_each_command_anew() -> None:
    def fallen(seed: int, *commands: str) -> list[int]:
        sim = theatre(40, seed=seed)
        for command in commands:
            sim.apply(command)
        return [agent for agent in range(40) if not sim.lifecycle.is_alive(agent)]

    assert fallen(1, "crash 25%") == fallen(1, "crash 25%")
    assert len(fallen(1, "crash 25%")) == 10
    assert fallen(1, "crash 25%") != fallen(2, "crash 25%")
    both = fallen(1, "crash 5", "crash 5")
    assert len(both) > len(fallen(1, "crash 5"))


def test_the_sides_of_one_command_are_drawn_apart() -> None:
    sim = theatre(40)
    sim.apply("loss 100% 3 > 3")
    sources, targets = ({pair[end] for pair in sim.network.links} for end in (0, 1))
    assert len(sources) == len(targets) == 3
    assert sources != targets


# --- one message ----------------------------------------------------------------------------------


def test_a_message_is_dropped_delivered_or_doubled_by_its_number() -> None:
    sim = theatre(3, latency=0.02)
    numbers = [sim.agent(0).ctx.send(1, f"message {number}") for number in range(4)]
    sim.run(until=0.005)
    sim.apply(f"drop m{numbers[0]}")
    sim.apply(f"deliver m{numbers[1]}")
    sim.apply(f"duplicate m{numbers[2]}")
    sim.run(until=1)
    assert log_of(sim, 1) == [
        (5 * MS, "message", 0, "message 1"),
        (20 * MS, "message", 0, "message 2"),
        (20 * MS, "message", 0, "message 3"),
        (20 * MS, "message", 0, "message 2"),
    ]
    assert sim.messages == {"sent": 4, "delivered": 4, "dropped": 1, "duplicated": 1}


def test_what_would_be_lost_can_be_delivered_against_loss_and_partition() -> None:
    sim = theatre(2, loss=1.0)
    lost = sim.agent(0).ctx.send(1, "lost")
    sim.apply("loss 0%")
    cut = sim.agent(0).ctx.send_expiring(1, "cut", 50 * MS)
    sim.apply("partition p-1 | p-2")
    assert [Kind(event[4]) for event in in_flight(sim)] == [Kind.CUT, Kind.CUT]
    sim.apply(f"deliver m{lost}")
    sim.apply(f"deliver m{cut}")
    sim.run(until=1)
    assert heard(sim, 1) == ["lost", "cut"]


def test_what_has_arrived_is_in_flight_no_more_and_a_timer_never_was() -> None:
    sim = theatre(2)
    number = sim.agent(0).ctx.send(1, "hello")
    sim.agent(0).ctx.set_timer("tea", 99 * MS)
    sim.run(until=0.01)
    for name in (f"m{number}", f"m{number + 1}"):
        assert "is in flight" in refusal(sim, f"drop {name}")


@dataclass(frozen=True)
class Bid:
    price: int
    item: str = "lamp"


class Point(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("message", "change", "edited"),
    [
        (Parcel(), "label=urgent size=7", Parcel(7, "urgent")),
        (Parcel(), 'label="two words"', Parcel(100, "two words")),
        (("vote", 3, True), "1=4", ("vote", 4, True)),
        (("vote", 3, True), "2=false 0=veto", ("veto", 3, False)),
        (Point(1, 2), "y=5", Point(1, 5)),
        (Bid(7), "price=9", Bid(9)),
        ({"kind": "rose", "by": 1}, "by=2", {"kind": "rose", "by": 2}),
        ("text", 'value="other text"', "other text"),
        (7, "value=8", 8),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True], ids=["direct", "in an envelope"])
def test_a_message_is_edited(message: Any, change: str, edited: Any, wrapped: bool) -> None:
    sim = theatre(2)
    ctx = sim.agent(0).ctx
    number = ctx.send_expiring(1, message, 9 * MS) if wrapped else ctx.send(1, message)
    sim.apply(f"edit m{number} {change}")
    sim.run(until=1)
    assert heard(sim, 1) == [edited]
    assert type(heard(sim, 1)[0]) is type(edited)


@pytest.mark.parametrize(
    ("message", "change", "why"),
    [
        (Parcel(), "colour=red", "the message has no field 'colour'; its fields are size, label"),
        (Parcel(), "size=big", "that does not fit the message: expected `int`, got `str`"),
        (Parcel(), "size=7 label=5", "that does not fit the message: expected `str`, got `int`"),
        (("vote", 3), "2=1", "the message has no field '2'; its fields are 0, 1"),
        (("vote", 3), "²=1", "the message has no field '²'"),
        (("vote", 3), "value=1", "the message has no field 'value'"),
        (Point(1, 2), "z=5", "the message has no field 'z'; its fields are x, y"),
        (Bid(7), "colour=red", "the message has no field 'colour'; its fields are price, item"),
        ({"kind": "rose"}, "by=2", "the message has no field 'by'; its fields are kind"),
        ("text", "text=other", "the message is a single value; edit it as value=…"),
        ("text", "value=1 other=2", "the message is a single value"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(message: Any, change: str, why: str) -> None:
    sim = theatre(2)
    number = sim.agent(0).ctx.send(1, message)
    assert why in refusal(sim, f"edit m{number} {change}")
    sim.run(until=1)
    assert heard(sim, 1) == [message]


# --- a scenario's own -----------------------------------------------------------------------------


def test_own_commands_get_ids_microseconds_and_numbers() -> None:
    sim = theatre(3)
    sim.apply("tell p-2 what you   like # but not this")
    sim.apply("drill p-1,p-3 5ms 2")
    sim.apply("drill p-2 1s")
    sim.run(until=2)
    assert heard(sim, 1) == ["what you   like"]
    drilled = [(5 * MS, "timer", "drill 0"), (10 * MS, "timer", "drill 1")]
    assert log_of(sim, 0) == log_of(sim, 2) == drilled
    assert log_of(sim, 1, "timer") == [(1_000 * MS, "timer", "drill 0")]


def test_what_a_command_sends_has_it_as_its_cause() -> None:
    sim = theatre(3)
    sim.apply("drill p-1 5ms")
    command = sim.events
    sim.run(until=1)
    assert [event.summary for event in why(sim, sim.events)] == ["drill p-1 5ms", "drill 0"]
    assert why(sim, sim.events)[0].index == command


# --- when -----------------------------------------------------------------------------------------


def test_a_command_may_be_text_data_or_data_with_a_time() -> None:
    sim = theatre(3)
    crash = Crash(Selector((Item("p-1"),)))
    sim.apply(crash)
    sim.schedule(crash.__class__(Selector((Item("p-2"),))), at=5 * MS)
    sim.schedule(Timed(Crash(Selector((Item("p-3"),))), at=7 * MS))
    sim.apply("# only a comment")
    sim.apply("")
    sim.run(until=1)
    assert sim.commands == ["at event 3 crash p-1", "at 5ms crash p-2", "at 7ms crash p-3"]


def test_a_command_comes_before_the_other_events_of_its_moment() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "just too late")
    sim.schedule("at 1ms crash p-2")
    sim.run(until=1)
    assert heard(sim, 1) == []


def test_commands_of_one_moment_keep_their_order() -> None:
    sim = theatre(2)
    for command in ("at 5ms crash p-1", "at 5ms restart p-1", "at 2ms freeze p-2", "at 5ms thaw p-2"):
        sim.schedule(command)
    sim.run(until=1)
    assert sim.commands == ["at 2ms freeze p-2", "at 5ms crash p-1", "at 5ms restart p-1", "at 5ms thaw p-2"]


def test_a_command_at_an_event_comes_right_after_it() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "a")
    sim.agent(0).ctx.send(1, "b")
    sim.schedule("at event 3 crash p-2")
    sim.run(until=1)
    assert heard(sim, 1) == ["a"]
    assert [event.kind for event in sim.trace.events() if not event.note] == [
        "start",
        "start",
        "deliver",
        "command",
        "dropped",
    ]


def test_a_command_waits_in_vain_for_an_event_that_never_comes() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "a")
    sim.schedule("at event 99 crash p-2")
    assert sim.over == ""
    sim.finish()
    assert sim.over == "nothing is left to happen"
    assert (sim.now, sim.commands) == (1 * MS, [])


def test_a_step_is_one_event_or_one_command() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "a")
    sim.schedule("at 1ms freeze p-1")
    sim.schedule("at 4s thaw p-1")
    steps = []
    while sim.step():
        steps.append((sim.now, sim.trace.events()[-1].index, len(sim.commands)))
    assert steps == [(1 * MS, 3, 1), (1 * MS, 4, 1), (4_000 * MS, 5, 2)]
    assert not sim.step()
    assert sim.now == 4_000 * MS


def test_a_command_is_an_event_that_carries_nothing_but_itself() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, Do((("set_timer", "tea", 5 * MS),)))
    before, digest = sim.messages, sim.digest
    sim.apply("loss 0%")
    assert sim.messages == before
    assert sim.digest != digest
    event = sim.trace.event(sim.events)
    assert event is not None
    assert (event.kind, event.summary, event.agent, event.cause) == ("command", "loss 0%", "", None)
    assert len(in_flight(sim)) == 1


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("partition p-1 | p-2", "{p-1} | {p-2}, but joined through others"),
        ("partition p-1 | p-2,p-3", "{p-2, p-3} | {p-1}"),
        ("partition p-1 > p-2,p-3", "p-2, p-3 hear nothing from p-1"),
        ("latency 5ms..9ms", "latency 5ms..9ms"),
        ("latency default p-1 > p-2", "latency as built p-1 > p-2"),
        ("loss 2.5% p-1 - *", "loss 2.5% p-1 - *"),
        ("bandwidth 64kB/s", "bandwidth 64kB/s"),
        ("bandwidth off", "bandwidth unlimited"),
    ],
)
def test_what_changes_in_the_network_is_noted_in_words(command: str, text: str) -> None:
    sim = theatre(3)
    sim.apply(command)
    note = sim.trace.events()[-1]
    assert (note.note, note.summary) == (True, text)


def test_healing_what_is_whole_is_no_news() -> None:
    sim = theatre(3)
    sim.apply("partition p-1 | p-2")
    sim.apply("heal")
    assert sim.trace.events()[-1].kind == "heal"
    sim.apply("heal")
    assert sim.trace.events()[-1].kind == "command"
    assert sim.commands[1:] == ["at event 4 heal", "at event 5 heal"]


def test_a_partition_among_those_who_are_down_is_told_all_the_same() -> None:
    sim = theatre(3)
    sim.apply("crash p-1,p-2")
    sim.apply("partition p-1 | p-2")
    assert sim.trace.events()[-1].summary == "{p-1} | {p-2}"


def test_try_command_is_a_fair_helper() -> None:
    sim = theatre(2)
    assert try_command(sim, "crash p-1")
    assert not try_command(sim, "crash p-1")
