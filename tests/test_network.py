"""The network: how long messages take, which are lost, doubled, overtaken, held up or cut off."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.simulation import Simulation
from tests.engine_fixtures import FAULTS, MS, Do, Parcel, heard, held, hive, in_flight, log_of, theatre, try_command

MANY = 4_000


def send(sim: Simulation, source: int, target: int, *messages: Any) -> list[int]:
    """Numbers of messages that are sent now."""
    return [sim.agent(source).ctx.send(target, message) for message in messages]


def arrivals(sim: Simulation, target: int) -> list[int]:
    """When messages came to an agent, in µs."""
    return [entry[0] for entry in log_of(sim, target, "message")]


# --- delays ---------------------------------------------------------------------------------------


def test_a_message_takes_as_long_as_its_link() -> None:
    sim = theatre(latency=0.0025)
    send(sim, 0, 1, "a")
    send(sim, 0, 0, "to myself")
    sim.run(until=1)
    assert arrivals(sim, 1) == arrivals(sim, 0) == [2_500]
    assert sim.messages == {"sent": 2, "delivered": 2, "dropped": 0, "duplicated": 0}


@pytest.mark.parametrize(
    ("model", "lowest", "highest"), [("constant", 10, 10), ("uniform", 5, 15), ("lognormal", 1, 80)]
)
def test_delays_follow_the_model(model: str, lowest: int, highest: int) -> None:
    sim = theatre(2, latency=0.01, latency_model=model)
    send(sim, 0, 1, *range(MANY))
    sim.run(until=10)
    times = arrivals(sim, 1)
    assert lowest * MS <= times[0] and times[-1] <= highest * MS
    assert abs(times[MANY // 2] - 10 * MS) < 250
    assert (times[-1] - times[0] > 9 * MS) == (model != "constant")


def test_messages_with_one_delay_keep_their_order() -> None:
    sim = theatre(2)
    send(sim, 0, 1, *range(50))
    sim.run(until=1)
    assert heard(sim, 1) == list(range(50))


def test_latency_of_all_links_and_of_some() -> None:
    sim = theatre(3)
    sim.apply("latency 5ms")
    sim.apply("latency 2ms p-1 > p-2")
    sim.apply("latency 3ms p-1 - p-3")
    for source, target in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2)):
        send(sim, source, target, f"{source}{target}")
    sim.run(until=1)
    came = {entry[3]: entry[0] for agent in range(3) for entry in log_of(sim, agent, "message")}
    assert came == {"01": 2 * MS, "10": 5 * MS, "02": 3 * MS, "20": 3 * MS, "12": 5 * MS}


def test_default_is_what_the_scenario_was_built_with() -> None:
    sim = theatre(3)
    sim.apply("latency 5ms")
    sim.apply("latency default p-1 > p-2")
    send(sim, 0, 1, "as built")
    send(sim, 0, 2, "as set")
    sim.run(until=1)
    assert (arrivals(sim, 1), arrivals(sim, 2)) == ([1 * MS], [5 * MS])
    sim.apply("latency default")
    send(sim, 0, 2, "as built")
    sim.run(until=2)
    assert arrivals(sim, 2)[1] == 1_001 * MS


def test_what_is_set_for_all_links_holds_for_those_that_were_set_apart() -> None:
    sim = theatre(2)
    sim.apply("latency 9ms p-1 > p-2")
    sim.apply("loss 100% p-1 > p-2")
    sim.apply("latency 4ms")
    sim.apply("loss 0%")
    assert sim.network.links == {}
    send(sim, 0, 1, "a")
    sim.run(until=1)
    assert arrivals(sim, 1) == [4 * MS]


def test_each_property_of_a_link_is_set_for_itself() -> None:
    sim = theatre(2)
    sim.apply("latency 9ms p-1 > p-2")
    sim.apply("duplicate 100% p-1 > p-2")
    send(sim, 0, 1, "a")
    sim.run(until=1)
    assert arrivals(sim, 1) == [9 * MS, 9 * MS]
    sim.apply("duplicate 0% p-1 > p-2")
    send(sim, 0, 1, "b")
    sim.run(until=2)
    assert arrivals(sim, 1)[2:] == [1_009 * MS]


def test_a_slow_agent_takes_longer_to_send() -> None:
    sim = theatre(2)
    sim.apply("slow p-1 2.5x")
    send(sim, 0, 1, "slow")
    send(sim, 1, 0, "usual")
    sim.run(until=1)
    assert (arrivals(sim, 1), arrivals(sim, 0)) == ([2_500], [1_000])


# --- loss -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [False, True], ids=["quick way", "whole way"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 1.0])
def test_the_share_of_loss_is_what_was_asked_for(share: float, odd: bool) -> None:
    sim = theatre(3, loss=share)
    if odd:
        sim.apply("latency 2ms p-3 > p-2")  # now no send takes the short cut
    send(sim, 0, 1, *range(MANY))
    sim.run(until=1)
    tolerance = 4 * (MANY * share * (1 - share)) ** 0.5
    assert abs(sim.messages["dropped"] - MANY * share) <= tolerance
    assert sim.messages["delivered"] == MANY - sim.messages["dropped"] == len(heard(sim, 1))


def test_loss_on_one_link_in_one_direction() -> None:
    sim = theatre(3)
    sim.apply("loss 100% p-1 > p-2")
    send(sim, 0, 1, "a")
    send(sim, 1, 0, "b")
    send(sim, 0, 2, "c")
    sim.run(until=1)
    assert [heard(sim, agent) for agent in range(3)] == [["b"], [], ["c"]]
    kinds = [event.kind for event in sim.trace.events() if event.number and event.kind != "start"]
    assert sorted(kinds) == ["deliver", "deliver", "lost"]


def test_a_fault_on_one_link_does_not_shift_the_luck_of_the_others() -> None:
    def course(*commands: str) -> list[tuple[Any, ...]]:
        sim = theatre(3, latency_model="lognormal", latency=0.01, loss=0.2)
        for command in commands:
            sim.apply(command)
        for number in range(200):
            send(sim, 0, 1 + number % 2, number)
        sim.run(until=5)
        return log_of(sim, 1, "message")

    undisturbed = course()
    assert len(undisturbed) < 95
    for fault in ("latency 1ms", "loss 50%", "duplicate 30%", "reorder 50%", "bandwidth 1kB/s"):
        assert course(f"{fault} p-1 > p-3") == undisturbed
        assert course(f"{fault} p-1 > p-2") != undisturbed
    assert course("partition p-1 | p-3") == undisturbed


# --- doubles and disorder -------------------------------------------------------------------------


def test_doubles() -> None:
    sim = theatre(2)
    sim.apply("duplicate 25%")
    send(sim, 0, 1, *range(MANY))
    sim.run(until=1)
    doubled = sim.messages["duplicated"]
    assert abs(doubled - MANY / 4) < 120
    assert sim.messages == {"sent": MANY, "delivered": MANY + doubled, "dropped": 0, "duplicated": doubled}
    got = heard(sim, 1)
    assert sorted(set(got)) == list(range(MANY))
    assert len(got) == MANY + doubled


def test_a_double_takes_a_delay_of_its_own() -> None:
    sim = theatre(2, latency_model="uniform")
    sim.apply("duplicate 100%")
    send(sim, 0, 1, "a")
    sim.run(until=1)
    first, second = arrivals(sim, 1)
    assert 500 <= first < second <= 1_500


def test_reordered_messages_are_overtaken() -> None:
    sim = theatre(2)
    sim.apply("reorder 20%")
    for number in range(1_000):
        send(sim, 0, 1, number)
        sim.run(until=(number + 1) * 0.0001)
    sim.run(until=1)
    got = heard(sim, 1)
    assert sorted(got) == list(range(1_000))
    assert got != sorted(got)
    delays = [entry[0] - entry[3] * 100 for entry in log_of(sim, 1, "message")]
    late = [delay for delay in delays if delay > MS]
    assert abs(len(late) - 200) < 55
    assert min(delays) == MS and 3.7 * MS < max(delays) <= 4 * MS + 1


def test_an_hour_of_latency_can_be_reordered_too() -> None:
    sim = theatre(2)
    sim.apply("latency 5h")
    sim.apply("reorder 100%")
    send(sim, 0, 1, "slow")
    sim.run(until=21 * 3600)
    assert 5 * 3600 <= arrivals(sim, 1)[0] / 1e6 <= 20 * 3600


# --- bandwidth ------------------------------------------------------------------------------------


def test_a_narrow_link_takes_one_message_after_the_other() -> None:
    sim = theatre(3)
    sim.apply("bandwidth 100kB/s p-1 > p-2")  # a parcel of 100 bytes in 1 ms
    send(sim, 0, 1, Parcel(), Parcel(), Parcel(size=50))
    send(sim, 0, 2, Parcel())
    send(sim, 1, 0, Parcel())
    sim.run(until=0.0045)
    send(sim, 0, 1, Parcel())  # the wire is free again
    sim.run(until=1)
    assert arrivals(sim, 1) == [2 * MS, 3 * MS, 3_500, 6_500]
    assert arrivals(sim, 2) == arrivals(sim, 0) == [1 * MS]


def test_a_message_without_a_size_has_256_bytes_and_an_envelope_that_of_its_content() -> None:
    sim = theatre(2)
    sim.apply("bandwidth 256kB/s")
    send(sim, 0, 1, "text")
    sim.run(until=0.5)
    sim.agent(0).ctx.send_expiring(1, Parcel(size=1_024), 9 * MS)
    sim.run(until=1)
    assert arrivals(sim, 1) == [2 * MS, 505 * MS]


def test_bandwidth_off() -> None:
    sim = theatre(2)
    sim.apply("bandwidth 1B/s")
    sim.apply("bandwidth off")
    send(sim, 0, 1, "a", "b")
    sim.run(until=1)
    assert arrivals(sim, 1) == [1 * MS, 1 * MS]


# --- partitions -----------------------------------------------------------------------------------


def test_a_partition_cuts_both_ways_and_leaves_the_rest_alone() -> None:
    sim = theatre(4)
    sim.apply("partition p-1,p-2 | p-3")
    for source in range(4):
        for target in range(4):
            send(sim, source, target, f"{source}{target}")
    sim.run(until=1)
    got = sorted(message for agent in range(4) for message in heard(sim, agent))
    cut = {"02", "20", "12", "21"}
    assert got == sorted({f"{a}{b}" for a in range(4) for b in range(4)} - cut)
    assert sim.messages["dropped"] == 4
    kinds = {event.summary: event.kind for event in sim.trace.events() if event.number}
    assert kinds["02"] == "cut" and kinds["23"] == "deliver"


def test_a_partition_one_way() -> None:
    sim = theatre(3)
    sim.apply("partition p-1 > p-2,p-3")
    send(sim, 0, 1, "no")
    send(sim, 1, 0, "yes")
    send(sim, 1, 2, "too")
    sim.run(until=1)
    assert [heard(sim, agent) for agent in range(3)] == [["yes"], [], ["too"]]


def test_what_is_on_its_way_is_cut_off() -> None:
    sim = theatre(3, latency=0.01)
    send(sim, 0, 1, "cut off")
    sim.agent(0).ctx.send_expiring(1, "cut off too", 50 * MS)
    send(sim, 0, 2, "arrives")
    send(sim, 1, 0, "against the arrow")
    sim.run(until=0.005)
    sim.apply("partition p-1 > p-2")
    sim.run(until=0.007)
    sim.apply("heal")  # comes too late for what was cut off
    send(sim, 0, 1, "after the heal")
    sim.run(until=1)
    assert heard(sim, 1) == ["after the heal"]
    assert heard(sim, 2) == ["arrives"]
    assert heard(sim, 0) == ["against the arrow"]
    assert sim.messages["dropped"] == 2


def test_partitions_add_up_until_they_are_healed() -> None:
    sim = theatre(3)
    sim.apply("partition p-1 | p-2")
    sim.apply("partition p-2 | p-3")
    send(sim, 0, 1, "a")
    send(sim, 2, 1, "b")
    send(sim, 0, 2, "c")
    sim.run(until=1)
    assert (heard(sim, 1), heard(sim, 2)) == ([], ["c"])
    sim.apply("heal")
    assert not sim.network.cuts
    send(sim, 0, 1, "d")
    sim.run(until=2)
    assert heard(sim, 1) == ["d"]


def test_a_timer_crosses_every_partition() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.set_timer("mine", 5 * MS)
    sim.apply("partition p-1 | p-2")
    sim.run(until=1)
    assert log_of(sim, 0) == [(5 * MS, "timer", "mine")]


def test_reachability_is_that_of_the_agents_that_are_up() -> None:
    sim = theatre(4, topology="ring")
    assert sim.reachability().whole
    sim.apply("partition p-1 | p-2")
    assert sim.reachability().reaches(0, 1)  # the long way round
    sim.apply("crash p-4")
    assert not sim.reachability().reaches(0, 1)
    assert sim.reachability().groups == [[1, 2], [0]]


# --- nothing is lost on the books -----------------------------------------------------------------


def assert_books_balance(sim: Simulation) -> None:
    counted = sim.messages
    ways = counted["delivered"] + counted["dropped"] + len(in_flight(sim)) + len(list(held(sim)))
    assert counted["sent"] + counted["duplicated"] == ways


ON_ONE_MESSAGE = ("drop", "deliver", "duplicate")
ACTS = st.one_of(
    st.sampled_from(FAULTS),
    st.tuples(st.sampled_from(ON_ONE_MESSAGE), st.integers(0, 30)),
    st.integers(1, 80),  # so many events
)


@settings(max_examples=150)
@given(st.lists(ACTS, max_size=40), st.integers(0, 3))
def test_each_message_is_delivered_dropped_held_or_on_its_way(
    acts: list[str | tuple[str, int] | int], seed: int
) -> None:
    sim = hive(seed=seed, loss=0.1)
    for act in acts:
        if isinstance(act, int):
            sim.run(events=act)
        elif isinstance(act, str):
            try_command(sim, act)
        elif moving := in_flight(sim):
            sim.apply(f"{act[0]} m{moving[act[1] % len(moving)][1]}")
        assert_books_balance(sim)
    sim.run(until=sim.seconds + 0.2)
    assert_books_balance(sim)


def test_the_books_balance_with_mail_to_nobody() -> None:
    sim = theatre(3)
    send(sim, 0, 1, Do((("send", 99, "lost"), ("send", 2, "fine"))), "later")
    sim.run(until=1)
    assert heard(sim, 2) == ["fine"]
    assert sim.messages == {"sent": 4, "delivered": 3, "dropped": 1, "duplicated": 0}
    assert_books_balance(sim)
