"""Merging what agents know: the same whatever comes first, how often, and in how many messages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.simulation import Simulation
from scenarios.gossip.scenario import Answer, Gossiper, Push
from scenarios.gossip.state import VIEW_SIZE, Advert, Entry, View
from scenarios.launch import launch

ADVERT = Advert(1, "store", 0)
ENTRIES = st.builds(
    Entry,
    key=st.sampled_from(["f1", "f2"]),
    version=st.integers(1, 3),
    origin=st.integers(0, 2),
    text=st.sampled_from(["noon", "one", "two"]),
)
TIMINGS = st.sampled_from(["periodic", "rounds"])


def listener(timing: str = "periodic", **params: object) -> tuple[Simulation, Gossiper]:
    """An agent that has heard of nothing yet."""
    sim = launch("gossip", {"agents": 2, "rumours": 0, "timing": timing, **params}, 1)
    sim.run(until=0.0)
    agent = sim.agent(0)
    assert isinstance(agent, Gossiper)
    return sim, agent


def knowledge_after(messages: Sequence[Sequence[Entry]], timing: str) -> dict[str, Entry]:
    """What an agent knows that hears these messages, in this order, once the round is over."""
    sim, agent = listener(timing)
    for entries in messages:
        agent.on_message(1, Push(tuple(entries), ADVERT))
    sim.run(until=1.5)
    return dict(sorted(agent.facts.items()))


def greatest(entries: Sequence[Entry]) -> dict[str, Entry]:
    by_rank = sorted(entries, key=lambda entry: (entry.version, entry.origin, entry.text))
    return dict(sorted({entry.key: entry for entry in by_rank}.items()))


@given(TIMINGS, st.lists(ENTRIES, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_hearing_does_not_matter(timing: str, entries: list[Entry], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one_by_one = [[entry] for entry in entries]
    assert knowledge_after(one_by_one, timing) == knowledge_after([[entry] for entry in shuffled], timing)


@given(TIMINGS, st.lists(ENTRIES, max_size=6), st.lists(st.integers(0, 6), max_size=3))
def test_how_the_news_is_parcelled_does_not_matter(timing: str, entries: list[Entry], cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(entries)]
    parcels = [entries[a:b] for a, b in pairwise(places)]
    assert knowledge_after(parcels, timing) == knowledge_after([entries], timing)


@given(TIMINGS, st.lists(ENTRIES, min_size=1, max_size=5))
def test_hearing_it_again_changes_nothing(timing: str, entries: list[Entry]) -> None:
    assert knowledge_after([entries, entries, entries[:1]], timing) == knowledge_after([entries], timing)


@given(TIMINGS, st.lists(ENTRIES, max_size=6))
def test_the_greatest_entry_of_each_key_is_kept(timing: str, entries: list[Entry]) -> None:
    assert knowledge_after([entries], timing) == greatest(entries)


@given(ENTRIES, ENTRIES)
def test_of_two_different_entries_of_a_key_one_is_newer(a: Entry, b: Entry) -> None:
    if a.key == b.key:
        assert a.newer_than(b) + b.newer_than(a) == (a != b)
    assert a.newer_than(None)


@given(ENTRIES, ENTRIES)
def test_two_texts_of_one_version_contradict_each_other(a: Entry, b: Entry) -> None:
    same = (a.key, a.version, a.origin) == (b.key, b.version, b.origin)
    assert a.contradicts(b) == b.contradicts(a) == (same and a.text != b.text)


def test_a_push_and_an_answer_teach_the_same() -> None:
    entry = Entry("f1", 1, 1, "noon")
    for message in (Push((entry,), ADVERT), Answer((entry,), ADVERT)):
        _, agent = listener()
        agent.on_message(1, message)
        assert agent.facts == {"f1": entry}


def test_a_version_beats_its_elders_whoever_wrote_them() -> None:
    versions = [Entry("f1", 1, 9, "z"), Entry("f1", 2, 0, "a"), Entry("f1", 2, 1, "a")]
    for order in permutations(versions):
        assert knowledge_after([[entry] for entry in order], "periodic") == {"f1": versions[-1]}


def test_news_waits_for_the_next_round() -> None:
    sim, agent = listener("rounds")
    agent.on_message(1, Push((Entry("f1", 1, 1, "noon"),), ADVERT))
    assert agent.learned == {"f1": 0} and not agent.facts
    sim.run(until=0.999)
    assert not agent.facts
    sim.run(until=1.0)
    assert agent.facts.keys() == {"f1"}


# --- advertisements -------------------------------------------------------------------------------


def test_a_view_holds_so_many_advertisements_and_no_more() -> None:
    _, agent = listener()
    view = View()
    for other in range(3 * VIEW_SIZE):
        view.take(Advert(other, "store", 0), agent.rng)
        assert len(view) == len(view.order) == min(other + 1, VIEW_SIZE)
    assert set(view) == {advert.agent for advert in view.order}
    assert 3 * VIEW_SIZE - 1 in view, "the latest is always kept"


@pytest.mark.parametrize(("first", "second", "kept"), [(1, 2, 2), (2, 1, 2), (1, 1, 1)])
def test_a_later_advertisement_replaces_an_earlier_one(first: int, second: int, kept: int) -> None:
    _, agent = listener()
    for time in (first, second):
        agent.on_message(1, Push((), Advert(5, "store", time)))
    assert agent.view[5].time == kept
    assert agent.view.order == [agent.view[5]]
