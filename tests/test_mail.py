"""Mail: requests and replies, acknowledged delivery, time to live, floods, topics, broadcasts; and what caused what."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import CommunicationError
from engine.mail import REMEMBERED, Request
from engine.simulation import Simulation
from tests.engine_fixtures import MS, Do, Parcel, heard, hive, log_of, theatre, why


def whats(sim: Simulation, agent: int) -> list[tuple[Any, ...]]:
    """What an agent wrote down, without the times."""
    return [entry[1:] for entry in log_of(sim, agent)]


# --- requests -------------------------------------------------------------------------------------


def test_a_request_is_answered() -> None:
    sim = theatre()
    correlation = sim.agent(0).ctx.request(1, "time?", timeout=50 * MS)
    sim.run(until=1)
    assert log_of(sim, 1) == [(1 * MS, "request", 0, "time?", correlation)]
    assert log_of(sim, 0) == [(2 * MS, "reply", correlation, 1, "re: time?")]
    assert not sim.agent(0).ctx.timers


def test_requests_are_told_apart() -> None:
    sim = theatre()
    ctx = sim.agent(0).ctx
    sim.apply("latency 20ms p-1 > p-2")
    first, second = ctx.request(1, "a", timeout=90 * MS), ctx.request(2, "b", timeout=90 * MS)
    sim.run(until=1)
    assert first != second
    assert whats(sim, 0) == [("reply", second, 2, "re: b"), ("reply", first, 1, "re: a")]


def test_without_a_reply_each_try_waits_longer_and_then_it_gives_up() -> None:
    sim = theatre()
    correlation = sim.agent(0).ctx.request(1, "ignore", timeout=10 * MS, retries=3, backoff=2.0)
    sim.run(until=1)
    # Sent at 0, 10, 10 + 20 and 10 + 20 + 40 ms; given up after another 80 ms.
    assert [entry[0] for entry in log_of(sim, 1, "request")] == [1 * MS, 11 * MS, 31 * MS, 71 * MS]
    assert {entry[4] for entry in log_of(sim, 1, "request")} == {correlation}
    assert log_of(sim, 0) == [(150 * MS, "no reply", correlation, 1, "ignore")]


def test_backoff_may_be_none_or_broken() -> None:
    sim = theatre()
    sim.agent(0).ctx.request(1, "ignore", timeout=10 * MS, retries=2, backoff=1.0)
    sim.agent(0).ctx.request(2, "ignore", timeout=10 * MS, retries=2, backoff=1.5)
    sim.run(until=1)
    assert [entry[0] for entry in log_of(sim, 1)] == [1 * MS, 11 * MS, 21 * MS]
    assert [entry[0] for entry in log_of(sim, 2)] == [1 * MS, 11 * MS, 26 * MS]
    assert [entry[0] for entry in log_of(sim, 0)] == [30 * MS, 47_500]


def test_without_retries_it_gives_up_at_once() -> None:
    sim = theatre()
    correlation = sim.agent(0).ctx.request(1, "ignore", timeout=5 * MS)
    sim.run(until=1)
    assert log_of(sim, 0) == [(5 * MS, "no reply", correlation, 1, "ignore")]
    assert len(log_of(sim, 1)) == 1


def test_a_retry_that_gets_through_ends_the_tries() -> None:
    sim = theatre()
    sim.apply("loss 100% p-1 > p-2")
    correlation = sim.agent(0).ctx.request(1, "time?", timeout=10 * MS, retries=5)
    sim.run(until=0.025)
    sim.apply("loss 0%")
    sim.run(until=1)
    assert log_of(sim, 0) == [(32 * MS, "reply", correlation, 1, "re: time?")]
    assert len(log_of(sim, 1)) == 1


def test_late_and_doubled_replies_are_ignored() -> None:
    sim = theatre()
    sim.apply("latency 30ms p-2 > p-1")
    late = sim.agent(0).ctx.request(1, "slow", timeout=10 * MS)
    sim.run(until=1)
    assert whats(sim, 0) == [("no reply", late, 1, "slow")]
    sim.apply("latency default")
    sim.apply("duplicate 100%")
    doubled = sim.agent(0).ctx.request(1, "twice", timeout=10 * MS)
    sim.run(until=2)
    assert len(log_of(sim, 1, "request")) == 3  # the second one came twice
    assert whats(sim, 0)[1:] == [("reply", doubled, 1, "re: twice")]


def test_a_reply_to_an_earlier_life_is_ignored() -> None:
    sim = theatre()
    old = sim.agent(0).ctx.request(1, "old", timeout=90 * MS)
    sim.run(until=0.001)
    sim.apply("crash p-1")
    sim.apply("restart p-1")
    new = sim.agent(0).ctx.request(2, "ignore", timeout=90 * MS)
    sim.run(until=0.05)
    assert new != old
    assert whats(sim, 0) == [("restart",)]


def test_only_who_was_asked_can_reply() -> None:
    sim = theatre()
    correlation = sim.agent(0).ctx.request(1, "ignore", timeout=10 * MS)
    sim.agent(2).ctx.reply(Request(0, correlation), "I know")
    sim.run(until=1)
    assert whats(sim, 0) == [("no reply", correlation, 1, "ignore")]


def test_who_crashes_waits_no_more() -> None:
    sim = theatre()
    sim.agent(0).ctx.request(1, "ignore", timeout=10 * MS, retries=5)
    sim.run(until=0.005)
    sim.apply("crash p-1")
    sim.apply("restart p-1")
    sim.run(until=1)
    assert whats(sim, 0) == [("restart",)]
    assert len(log_of(sim, 1)) == 1


@pytest.mark.parametrize(
    "wrong", [{"timeout": 0}, {"timeout": -5}, {"timeout": 5, "retries": -1}, {"timeout": 5, "backoff": 0.5}]
)
def test_a_request_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    sim = theatre()
    with pytest.raises(CommunicationError, match="a timeout of at least 1us"):
        sim.agent(0).ctx.request(1, "time?", **wrong)
    assert sim.messages["sent"] == 0


# --- acknowledged delivery ------------------------------------------------------------------------


def test_delivery_is_acknowledged() -> None:
    sim = theatre()
    correlation = sim.agent(0).ctx.send_acknowledged(1, "letter", timeout=10 * MS)
    sim.run(until=1)
    assert log_of(sim, 1) == [(1 * MS, "message", 0, "letter")]
    assert log_of(sim, 0) == [(2 * MS, "acknowledged", correlation, 1, "letter")]
    assert sim.messages["sent"] == 2


def test_it_is_handed_over_once_whatever_the_network_does() -> None:
    sim = theatre(2, seed=3)
    for fault in ("loss 40%", "duplicate 30%", "reorder 30%", "latency 1ms..20ms"):
        sim.apply(fault)
    wanted = [f"letter {number}" for number in range(100)]
    for letter in wanted:
        sim.agent(0).ctx.send_acknowledged(1, letter, timeout=60 * MS, retries=30, backoff=1.0)
    sim.run(until=10)
    assert sorted(heard(sim, 1)) == sorted(wanted)
    assert len(log_of(sim, 0, "acknowledged")) == 100
    assert not sim.agent(0).ctx.timers
    assert sim.messages["sent"] > 300  # so there were retries, and acknowledgements of doubles


def test_without_an_acknowledgement_it_gives_up() -> None:
    sim = theatre()
    sim.apply("loss 100% p-2 > p-1")
    correlation = sim.agent(0).ctx.send_acknowledged(1, "letter", timeout=10 * MS, retries=2)
    sim.run(until=1)
    assert log_of(sim, 0) == [(70 * MS, "unacknowledged", correlation, 1, "letter")]
    assert heard(sim, 1) == ["letter"]  # it arrived all the same, and only once


def test_a_crash_in_between_may_hand_it_over_again() -> None:
    sim = theatre()
    sim.apply("loss 100% p-2 > p-1")
    sim.agent(0).ctx.send_acknowledged(1, "letter", timeout=10 * MS, retries=1)
    sim.run(until=0.005)
    assert heard(sim, 1) == ["letter"]
    sim.apply("crash p-2")
    sim.apply("restart p-2")
    sim.run(until=1)
    assert heard(sim, 1) == ["letter"]  # its log is new, so this is the second time


def test_letters_of_several_senders_are_told_apart() -> None:
    sim = theatre()
    for sender in (0, 2):
        assert sim.agent(sender).ctx.send_acknowledged(1, f"from {sender}", timeout=10 * MS) == 1
    sim.run(until=1)
    assert heard(sim, 1) == ["from 0", "from 2"]


def test_what_an_agent_remembers_is_bounded() -> None:
    sim = theatre(2)
    for number in range(REMEMBERED + 50):
        sim.agent(0).ctx.send_acknowledged(1, number, timeout=10 * MS)
    sim.run(until=1)
    assert len(heard(sim, 1)) == REMEMBERED + 50
    assert len(sim.agent(1).ctx.mailbox.seen) == REMEMBERED


# --- time to live ---------------------------------------------------------------------------------


def test_a_message_that_comes_too_late_is_dropped() -> None:
    sim = theatre(latency=0.01)
    for lifetime in (9_999, 10_000, 10_001):
        sim.agent(0).ctx.send_expiring(1, lifetime, lifetime)
    sim.run(until=1)
    assert heard(sim, 1) == [10_000, 10_001]
    assert sim.messages == {"sent": 3, "delivered": 2, "dropped": 1, "duplicated": 0}
    dropped = [event for event in sim.trace.events() if event.kind == "dropped"]
    assert [event.message for event in dropped] == [9_999]


def test_a_lifetime_runs_on_while_the_receiver_is_frozen() -> None:
    sim = theatre()
    sim.apply("freeze p-2")
    sim.agent(0).ctx.send_expiring(1, "short", 20 * MS)
    sim.agent(0).ctx.send_expiring(1, "long", 200 * MS)
    sim.run(until=0.1)
    sim.apply("thaw p-2")
    sim.run(until=0.2)
    assert heard(sim, 1) == ["long"]
    assert sim.messages["dropped"] == 1


def test_a_lifetime_is_positive() -> None:
    sim = theatre(latency=0.000001)
    sim.agent(0).ctx.send_expiring(1, "mayfly", 1)
    sim.run(until=1)
    assert heard(sim, 1) == ["mayfly"]
    with pytest.raises(CommunicationError, match="a time to live is at least 1us; 0 was given"):
        theatre().agent(0).ctx.send_expiring(1, "never", 0)


# --- floods ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topology", "hops", "reached"),
    [
        ("ring", 1, {1, 8}),
        ("ring", 3, {1, 2, 3, 6, 7, 8}),
        ("ring", 4, {1, 2, 3, 4, 5, 6, 7, 8}),
        ("ring", 99, {1, 2, 3, 4, 5, 6, 7, 8}),
        ("tree", 1, {1, 2}),
        ("tree", 2, {1, 2, 3, 4, 5, 6}),
        ("tree", 3, {1, 2, 3, 4, 5, 6, 7, 8}),
        ("star", 1, {1, 2, 3, 4, 5, 6, 7, 8}),
        ("mesh", 1, {1, 2, 3, 4, 5, 6, 7, 8}),
    ],
)
def test_a_flood_reaches_all_within_its_hops_once(topology: str, hops: int, reached: set[int]) -> None:
    sim = theatre(9, topology=topology)
    sim.agent(0).ctx.flood("high water", hops)
    sim.run(until=1)
    got = {agent: log_of(sim, agent) for agent in range(9) if log_of(sim, agent)}
    assert got.keys() == reached
    distance = {agent: next(k for k in range(1, 9) if agent in within(sim, k)) for agent in reached}
    assert got == {agent: [(distance[agent] * MS, "message", 0, "high water")] for agent in reached}


def within(sim: Simulation, hops: int) -> set[int]:
    near = {0}
    for _ in range(hops):
        near |= {other for agent in near for other in sim.topology.neighbours(agent)}
    return near


def test_on_a_tree_each_link_carries_a_flood_once() -> None:
    sim = theatre(9, topology="tree")
    sim.agent(0).ctx.flood("high water", 99)
    sim.run(until=1)
    assert sim.messages["sent"] == 8


def test_floods_are_told_apart() -> None:
    sim = theatre(5, topology="ring")
    sim.agent(0).ctx.flood("first", 9)
    sim.agent(0).ctx.flood("second", 9)
    sim.agent(3).ctx.flood("other", 9)
    sim.run(until=1)
    assert heard(sim, 2) == ["other", "first", "second"]
    assert heard(sim, 0) == ["other"]


def test_a_flood_needs_a_hop() -> None:
    with pytest.raises(CommunicationError, match="at least 1 hop"):
        theatre().agent(0).ctx.flood("drought", 0)


# --- topics ---------------------------------------------------------------------------------------


def test_topics_are_joined_and_left_while_the_run_goes_on() -> None:
    sim = theatre(4)
    for agent in (1, 2):
        sim.agent(agent).ctx.subscribe("news")
    assert sim.agent(0).ctx.publish("news", "one") == 2
    assert sim.agent(0).ctx.publish("weather", "rain") == 0
    sim.run(until=0.01)
    sim.agent(1).ctx.unsubscribe("news")
    sim.agent(1).ctx.unsubscribe("never joined")
    sim.agent(3).ctx.subscribe("news")
    assert sim.agent(0).ctx.publish("news", "two") == 2
    sim.run(until=0.02)
    assert log_of(sim, 1) == [(1 * MS, "topic", "news", 0, "one")]
    assert [entry[4] for entry in log_of(sim, 2)] == ["one", "two"]
    assert log_of(sim, 3) == [(11 * MS, "topic", "news", 0, "two")]


def test_patterns() -> None:
    sim = theatre(4)
    sim.agent(1).ctx.subscribe("sensor/*")
    sim.agent(2).ctx.subscribe("sensor/?/heat")
    sim.agent(3).ctx.subscribe("sensor/[ab]/cold")
    for topic in ("sensor/a/heat", "sensor/b/cold", "sensor/c/cold", "sensors", "a/sensor/b"):
        sim.agent(0).ctx.publish(topic, topic)
    sim.run(until=1)
    assert [entry[2] for entry in log_of(sim, 1)] == ["sensor/a/heat", "sensor/b/cold", "sensor/c/cold"]
    assert [entry[2] for entry in log_of(sim, 2)] == ["sensor/a/heat"]
    assert [entry[2] for entry in log_of(sim, 3)] == ["sensor/b/cold"]


def test_two_subscriptions_give_one_copy_and_publishers_none() -> None:
    sim = theatre(3)
    for agent in (0, 1):
        sim.agent(agent).ctx.subscribe("news")
        sim.agent(agent).ctx.subscribe("n*")
    assert sim.agent(0).ctx.publish("news", "x") == 1
    sim.run(until=1)
    assert (len(log_of(sim, 0)), len(log_of(sim, 1))) == (0, 1)


def test_filters_look_at_the_fields_of_a_message() -> None:
    sim = theatre(4)
    sim.agent(1).ctx.subscribe("post", {"label": "urgent"})
    sim.agent(2).ctx.subscribe("post", {"label": "urgent", "size": 7})
    sim.agent(3).ctx.subscribe("post")
    publish = sim.agent(0).ctx.publish
    sent = [Parcel(label="urgent"), Parcel(size=7, label="urgent"), Parcel(), {"label": "urgent", "size": 7}, "text"]
    assert [publish("post", message) for message in sent] == [2, 3, 1, 3, 1]
    sim.run(until=1)
    assert [entry[4] for entry in log_of(sim, 1)] == [sent[0], sent[1], sent[3]]
    assert [entry[4] for entry in log_of(sim, 2)] == [sent[1], sent[3]]
    assert [entry[4] for entry in log_of(sim, 3)] == sent


def test_joining_again_replaces_the_filter() -> None:
    sim = theatre(2)
    sim.agent(1).ctx.subscribe("post", {"label": "urgent"})
    sim.agent(1).ctx.subscribe("post", {"label": "plain"})
    assert sim.agent(0).ctx.publish("post", Parcel(label="urgent")) == 0
    assert sim.agent(0).ctx.publish("post", Parcel(label="plain")) == 1


def test_whoever_goes_down_has_left_all_topics() -> None:
    sim = theatre(4)
    for agent in (1, 2, 3):
        sim.agent(agent).ctx.subscribe("news")
    sim.apply("crash p-2")
    sim.apply("restart p-2")
    sim.apply("leave p-3")
    assert sim.agent(0).ctx.publish("news", "x") == 1


def test_a_topic_needs_a_name() -> None:
    with pytest.raises(CommunicationError, match="a topic needs a name"):
        theatre().agent(0).ctx.subscribe("")


# --- to many --------------------------------------------------------------------------------------


def test_to_all_and_to_the_neighbours() -> None:
    sim = theatre(5, topology="ring")
    sim.agent(0).ctx.broadcast("to all")
    sim.agent(0).ctx.send_neighbours("to neighbours")
    sim.run(until=1)
    assert [len(heard(sim, agent)) for agent in range(5)] == [0, 2, 1, 1, 2]
    assert sim.agent(0).ctx.neighbours == (1, 4)


def test_who_has_left_gets_nothing_and_who_joined_does() -> None:
    sim = theatre(3)
    sim.apply("leave p-2")
    sim.apply("join")
    sim.apply("crash p-3")
    sim.agent(0).ctx.broadcast("hello")
    sim.run(until=1)
    assert [heard(sim, agent) for agent in range(4)] == [[], [], [], ["hello"]]
    assert sim.messages == {"sent": 2, "delivered": 1, "dropped": 1, "duplicated": 0}


# --- causes ---------------------------------------------------------------------------------------


def test_each_message_knows_the_event_that_sent_it() -> None:
    sim = theatre(4)
    sim.agent(2).ctx.subscribe("news")
    sim.agent(0).ctx.send(
        1,
        Do(
            (
                ("send", 2, "direct"),
                ("request", 2, "time?", {"timeout": 50 * MS}),
                ("send_acknowledged", 2, "letter", {"timeout": 50 * MS}),
                ("publish", "news", "topical"),
                ("flood", "water", 2),
                ("send_expiring", 2, "soon", 90 * MS),
                ("broadcast", "all"),
                ("set_timer", "tea", 5 * MS),
            )
        ),
    )
    sim.run(until=1)
    events = {event.index: event for event in sim.trace.events()}
    order = next(event for event in events.values() if isinstance(event.message, Do))
    caused = {event.summary.split(" ")[0] for event in events.values() if event.cause == order.index}
    assert caused == {"direct", "request", "acked", "topic", "flood", "expiring", "all", "tea"}
    reply = next(event for event in events.values() if event.summary.startswith("reply"))
    request = next(event for event in events.values() if event.summary.startswith("request"))
    assert reply.cause == request.index
    assert [event.summary for event in why(sim, reply.index)[-2:]] == ["request time?", "reply re: time?"]


def test_a_retry_is_caused_by_its_timer_and_that_by_the_request() -> None:
    sim = theatre()
    sim.agent(0).ctx.send(0, Do((("request", 1, "ignore", {"timeout": 10 * MS, "retries": 1}),)))
    sim.run(until=0.02)
    second = [event for event in sim.trace.events() if event.summary == "request ignore"][1]
    assert [event.kind for event in why(sim, second.index)[-3:]] == ["deliver", "timer", "deliver"]


def test_a_cause_lies_before_what_it_caused() -> None:
    sim = hive()
    sim.run(until=0.5)
    sim.apply("freeze b-1")
    sim.run(until=0.6)
    sim.apply("thaw b-1")
    sim.run(until=0.7)
    for event in sim.trace.events():
        if event.note:
            assert event.cause == event.index
        elif event.cause is not None:
            cause = sim.trace.event(event.cause)
            assert event.cause < event.index
            assert cause is not None and cause.time == event.sent <= event.time
