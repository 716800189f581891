"""The trace: the last events and notes, each with its cause, in bounded memory."""

from __future__ import annotations

from typing import Any

import pytest

from engine.describe import kind_of, letter_of, summary_of
from engine.envelope import Envelope
from engine.trace import CAPACITY
from tests.engine_fixtures import MS, Do, Parcel, heard, hive, theatre, why


def test_events_are_told_in_words() -> None:
    sim = theatre(3)
    sim.agent(0).ctx.send(1, Parcel(size=7))
    sim.agent(0).ctx.set_timer("tea", 2 * MS)
    sim.run(until=0.01)
    sim.apply("crash p-3")
    told = [(e.index, e.time, e.kind, e.agent, e.peer, e.summary, e.cause, e.note) for e in sim.trace.events()]
    assert told == [
        (1, 0, "start", "p-1", "", "", None, False),
        (2, 0, "start", "p-2", "", "", None, False),
        (3, 0, "start", "p-3", "", "", None, False),
        (4, 1 * MS, "deliver", "p-2", "p-1", "parcel size=7 label=plain", 3, False),
        (5, 2 * MS, "timer", "p-1", "p-1", "tea", 3, False),
        (6, 10 * MS, "command", "", "", "crash p-3", None, False),
        (6, 10 * MS, "crash", "p-3", "", "", 6, True),
    ]
    delivered = sim.trace.event(4)
    assert delivered is not None
    assert (delivered.message, delivered.number, delivered.sent) == (Parcel(size=7), 4, 0)
    assert (delivered.agent_id, delivered.peer_id) == (1, 0)


def test_each_fate_of_a_message_has_its_word() -> None:
    sim = theatre(6)
    sim.apply("loss 100% p-1 > p-3")
    sim.apply("partition p-1 | p-4")
    sim.apply("crash p-5")
    sim.apply("freeze p-6")
    for target in range(1, 6):
        sim.agent(0).ctx.send(target, f"to {target + 1}")
    sim.agent(0).ctx.request(1, "time?", timeout=9 * MS)
    sim.run(until=0.0015)
    kinds = {event.summary: event.kind for event in sim.trace.events() if event.peer == "p-1"}
    assert kinds == {
        "to 2": "deliver",
        "to 3": "lost",
        "to 4": "cut",
        "to 5": "dropped",
        "to 6": "held",
        "request time?": "deliver",
    }


def test_the_chain_of_causes_goes_back_to_the_beginning() -> None:
    sim = theatre(4)
    chain = Do((("set_timer", "last", 5 * MS),))
    for target in (3, 2, 1):
        chain = Do((("send", target, chain),))
    sim.apply("tell p-1 begin")
    sim.agent(0).ctx.send(0, chain)
    sim.run(until=1)
    last = why(sim, sim.events)
    assert [event.kind for event in last] == ["command", "deliver", "deliver", "deliver", "deliver", "timer"]
    assert [event.agent for event in last] == ["", "p-1", "p-2", "p-3", "p-4", "p-4"]
    assert [event.index for event in last] == sorted(event.index for event in last)
    assert last[-1].index == sim.events


def test_why_of_what_has_not_happened_or_is_forgotten_is_empty() -> None:
    sim = theatre(2)
    assert [event.index for event in why(sim, 2)] == [2]
    for index in (0, -1, 3, 10**9):
        assert why(sim, index) == []
        assert sim.trace.event(index) is None


def test_only_the_last_events_are_kept() -> None:
    sim = hive()
    sim.run(events=CAPACITY * 2 + 100)
    assert sim.trace.event(sim.events - CAPACITY) is None
    first = sim.trace.event(sim.events - CAPACITY + 1)
    assert first is not None and first.index == sim.events - CAPACITY + 1
    events = [event for event in sim.trace.events() if not event.note]
    assert [event.index for event in events] == list(range(sim.events - CAPACITY + 1, sim.events + 1))
    assert len(sim.trace.ring) == CAPACITY
    assert len(sim.trace.notes) <= CAPACITY
    chain = why(sim, sim.events)
    assert chain and chain[0].index > sim.events - CAPACITY  # as far back as there is anything


def test_the_last_few() -> None:
    sim = theatre(2)
    for number in range(9):
        sim.agent(0).ctx.send(1, number)
    sim.run(until=1)
    assert [event.message for event in sim.trace.events(3)] == [6, 7, 8]
    assert len(sim.trace.events(99)) == 11
    assert [index for index, _, _ in sim.trace.raw(2)] == [10, 11]


def test_notes_follow_their_event_in_the_order_of_their_making() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, Do((("note", "first"), ("note", "second", {"x": 1, "y": "z"}), ("note", "third"))))
    sim.agent(0).ctx.send(1, "after")
    sim.run(until=1)
    assert [(event.kind, event.summary) for event in sim.trace.events()][3:] == [
        ("first", ""),
        ("second", "x=1 y=z"),
        ("third", ""),
        ("deliver", "after"),
    ]
    note = sim.trace.events()[4]
    assert (note.agent, note.cause, note.time, note.message) == ("p-2", 3, 1 * MS, {"x": 1, "y": "z"})


def test_notes_before_the_first_event_are_kept_as_long_as_that() -> None:
    from engine.simulation import Simulation

    fresh = Simulation(theatre(2).scenario, 1)
    fresh.note(0, "prologue", {"text": "once upon a time"})
    first = fresh.trace.events()[0]
    assert (first.index, first.kind, first.summary, first.cause) == (0, "prologue", "once upon a time", None)
    fresh.run(until=0)
    assert [event.kind for event in fresh.trace.events()] == ["prologue", "start", "start"]
    fresh.agent(0).ctx.broadcast("hello")
    fresh.run(until=1)
    assert [event.kind for event in fresh.trace.events(1)] == ["deliver"]


def test_what_an_agent_did_is_there_while_it_does_it() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.send(1, "stumble")
    sim.run(until=1)
    failed = sim.trace.events()[-1]
    assert (failed.kind, failed.summary, failed.cause) == ("failed", "ValueError: stumbled", 3)
    assert heard(sim, 1) == ["stumble"]


# --- in words -------------------------------------------------------------------------------------


class VoteRequest:
    def __str__(self) -> str:
        return "please vote"


@pytest.mark.parametrize(
    ("message", "kind", "summary"),
    [
        ("plain words", "text", "plain words"),
        (("vote", 3, True), "vote", "vote 3 True"),
        ((1, 2), "tuple", "1 2"),
        (Parcel(), "parcel", "parcel size=100 label=plain"),
        (VoteRequest(), "vote-request", "please vote"),
        ({"kind": "rose"}, "dict", "{'kind': 'rose'}"),
        (None, "none-type", ""),
        (7, "int", "7"),
        (b"\x01\x02\x03\x04\x05", "bytes", "01020304"),
        (("many", (1, 2, 3, 4)), "many", "many (4 items)"),
        (("few", [1, "two"]), "few", "few (1, two)"),
        (("set", {"b", "a", "c"}), "set", "set (a, b, c)"),
        (("in", Parcel(1)), "in", "in parcel size=1 label=plain"),
        ("two\nlines\tand a bell\a", "text", "two lines and a bell "),
        (Envelope("request", "time?"), "text", "request time?"),
        (Envelope("topic", ("rose",), topic="flowers"), "rose", "topic flowers rose"),
        (Envelope("reply", Parcel()), "reply parcel", "reply parcel size=100 label=plain"),
        (Envelope("ack", None), "ack", "ack"),
    ],
)
def test_a_message_in_words(message: Any, kind: str, summary: str) -> None:
    assert kind_of(message) == kind
    assert summary_of(message) == summary


def test_a_summary_is_short() -> None:
    assert summary_of("x" * 100) == "x" * 59 + "…"
    assert summary_of("x" * 60) == "x" * 60
    assert summary_of("x" * 60, 10) == "x" * 9 + "…"


def test_a_letter_marks_a_kind() -> None:
    assert (letter_of("push"), letter_of("")) == ("p", "?")
