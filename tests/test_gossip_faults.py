"""What crashes, partitions, newcomers, leavers and agents that misbehave do to gossip."""

from __future__ import annotations

from typing import Any

import pytest

from engine.duration import SECOND, format_duration
from engine.errors import CommandError
from engine.simulation import Simulation
from scenarios.gossip.measures import distrusted_by
from scenarios.gossip.scenario import Gossiper, Pull
from scenarios.gossip.state import BAD_REPUTATION
from scenarios.launch import launch
from swarmscope import simulate


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("gossip", params=params, seed=seed, until=until, script=script)


def agent(sim: Simulation, name: str) -> Gossiper:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Gossiper)
    return found


def who_knows(sim: Simulation, key: str) -> set[str]:
    return {one.name for one in sim.agents if isinstance(one, Gossiper) and key in one.facts}


def invariant(sim: Simulation, name: str) -> dict[str, Any]:
    return next(one for one in sim.invariants() if one["name"] == name)


SPLIT = "at 5s partition a-0*,a-10 | a-1[1-9],a-20\nat 6s rumour a-01 news\n"
LEFT = {f"a-{number:02}" for number in range(1, 11)}


# --- partitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("timing", ["rounds", "periodic", "poisson"])
@pytest.mark.parametrize("mode", ["push", "pull", "push-pull"])
def test_a_partition_keeps_a_rumour_in_and_a_heal_lets_it_cross(mode: str, timing: str) -> None:
    params: dict[str, Any] = {"agents": 20, "mode": mode, "timing": timing}
    sim = play(script=SPLIT, until=30, **params)
    assert who_knows(sim, "f2") == LEFT
    assert not invariant(sim, "everybody-hears")["holds"]
    assert sim.metrics()["coverage"] == 0.75, "all of f1, half of f2"
    sim.apply("heal")
    sim.run(until=50)
    assert len(who_knows(sim, "f2")) == 20
    assert invariant(sim, "everybody-hears")["holds"]


def test_a_one_way_partition_lets_news_pass_one_way() -> None:
    blocked = "at 5s partition a-0*,a-10 > a-1[1-9],a-20\n"
    pushed = play(agents=20, script=blocked + "at 6s rumour a-20 news", mode="push", until=20)
    assert len(who_knows(pushed, "f2")) == 20
    kept = play(agents=20, script=blocked + "at 6s rumour a-01 news", mode="push", until=20)
    assert who_knows(kept, "f2") == LEFT


def test_even_those_who_gave_each_other_up_find_together_after_a_long_partition() -> None:
    sim = play(agents=20, script=SPLIT + "at 90s heal", until=89)
    assert all(distrusted_by(sim, sim.ids[name]) >= 7 for name in LEFT), "each side distrusts the other"
    sim.run(until=100)
    assert len(who_knows(sim, "f2")) == 20


def test_two_versions_made_apart_become_one_and_the_higher_origin_wins() -> None:
    script = "at 5s partition a-0* | a-1*\nat 6s update a-01 f1 one\nat 6s update a-12 f1 two\n"
    for seed in range(4):
        sim = play(seed, agents=12, script=script + "at 15s heal", until=14.9)
        assert invariant(sim, "knowledge-converges")["detail"] == "f1 held in more than one version"
        sim.run(until=30)
        assert {one.facts["f1"].text for one in sim.agents if isinstance(one, Gossiper)} == {"two"}
        assert invariant(sim, "knowledge-converges")["holds"]


# --- crashes --------------------------------------------------------------------------------------


def test_facts_survive_a_crash_and_the_restarted_agent_catches_up() -> None:
    script = "at 6s crash a-05\nat 7s rumour a-01 news\nat 20s restart a-05"
    sim = play(agents=10, script=script, until=19)
    assert agent(sim, "a-05").facts.keys() == {"f1"}
    assert sim.metrics()["coverage"] == 1.0, "an agent that is down does not count"
    sim.run(until=20.0)
    assert agent(sim, "a-05").facts.keys() == {"f1"}
    assert sim.metrics()["coverage"] < 1.0
    sim.run(until=30)
    assert agent(sim, "a-05").facts.keys() == {"f1", "f2"}
    assert agent(sim, "a-05").learned["f2"] > 20_000_000


def test_what_had_only_just_arrived_is_lost_in_a_crash() -> None:
    sim = launch("gossip", {"agents": 2, "mode": "push", "timing": "rounds", "latency": 0.1}, 1)
    sim.run(until=0.5)
    hearer = agent(sim, "a-02")
    assert hearer.learned and not hearer.facts
    sim.apply("crash a-02")
    sim.apply("restart a-02")
    assert not hearer.learned and not hearer.arriving
    assert sim.metrics()["coverage"] == 0.5
    sim.run(until=2.0)
    assert hearer.facts.keys() == {"f1"}
    assert sim.metrics()["rounds_to_all"] == 2


@pytest.mark.parametrize("mode", ["push", "pull", "push-pull"])
def test_a_third_that_crashes_keeps_nobody_else_from_hearing(mode: str) -> None:
    sim = play(agents=30, mode=mode, script="at 1s crash 33%\nat 2s restart a-01,a-02\nat 3s crash 2 of a-1*")
    assert sim.metrics()["coverage"] == 1.0
    assert sim.over == "every live agent knows every fact"


def test_a_frozen_agent_hears_when_it_thaws() -> None:
    sim = play(agents=6, script="freeze a-04\nat 12s thaw a-04", until=11.9)
    assert "f1" not in agent(sim, "a-04").facts
    sim.run(until=15)
    assert "f1" in agent(sim, "a-04").facts


def test_an_agent_that_is_down_cannot_be_told() -> None:
    sim = play(agents=5, script="crash a-02", until=1)
    with pytest.raises(CommandError, match=r"^a-02 is down, so it cannot be told anything; restart it first$"):
        sim.apply("rumour a-02 news")


def test_only_what_an_agent_knows_can_it_update() -> None:
    sim = play(agents=5, rumours=0, until=1)
    with pytest.raises(CommandError, match=r"^a-02 knows no fact 'f1'; it knows nothing yet$"):
        sim.apply("update a-02 f1 news")
    sim.apply("rumour a-02 news")
    with pytest.raises(CommandError, match=r"^a-02 knows no fact 'f7'; it knows f1$"):
        sim.apply("update a-02 f7 news")


def test_an_update_wins_everywhere() -> None:
    script = "at 6s update a-07 f1 second\nat 7s update a-03 f1 third"
    sim = play(agents=10, script=script, until=20)
    texts = {(one.facts["f1"].version, one.facts["f1"].text) for one in sim.agents if isinstance(one, Gossiper)}
    assert len(texts) == 1
    [(version, text)] = texts
    # Whether a-03 had heard of version 2 when it wrote its own decides which number that got.
    assert (version, text) in {(3, "third"), (2, "second")}


# --- coming and going -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["push", "pull", "push-pull"])
@pytest.mark.parametrize("topology", ["mesh", "ring", "star", "grid"])
def test_newcomers_are_discovered_by_gossip_and_learn(topology: str, mode: str) -> None:
    sim = play(agents=9, topology=topology, mode=mode, script="at 10s join 3", until=10.0)
    before = [one for one in sim.agents if isinstance(one, Gossiper)][:9]
    assert not any(one.discovered for one in before), "nobody has told them yet"
    sim.run(until=60)
    assert sim.metrics()["coverage"] == 1.0
    for newcomer in range(9, 12):
        linked = [one for one in before if sim.topology.connected(one.id, newcomer)]
        assert any(newcomer in one.discovered for one in linked) or not linked
    assert all(sim.topology.connected(one.id, other) for one in before for other in one.discovered)


def test_news_of_a_newcomer_goes_to_agents_that_it_never_called() -> None:
    sim = play(agents=20, script="at 5s join 1", until=40)
    knows = [one for one in sim.agents[:20] if isinstance(one, Gossiper) and 20 in one.discovered]
    greeted = [one for one in sim.trace.notes if one.kind == "discovered"]
    assert len(knows) == len(greeted) > 10


def test_a_newcomer_whose_hello_is_lost_knocks_until_it_is_heard() -> None:
    script = "at 5s loss 100%\nat 6s join 1\nat 12s loss 0%"
    sim = play(agents=6, mode="push", script=script, until=11.9)
    newcomer = agent(sim, "a-07")
    assert newcomer.knocking and not newcomer.facts
    sim.run(until=25)
    assert not newcomer.knocking and newcomer.facts.keys() == {"f1"}


def test_links_that_mend_the_ring_are_used() -> None:
    for seed in range(3):
        sim = play(seed, agents=8, topology="ring", script="leave a-02,a-08", until=30)
        assert len(who_knows(sim, "f1")) == 6


def test_when_the_root_of_a_tree_leaves_its_parts_find_each_other() -> None:
    sim = play(agents=7, topology="tree", script="at 0.01s leave a-01\nat 1s rumour a-07 news", until=40)
    assert who_knows(sim, "f2") == {f"a-0{number}" for number in range(2, 8)}


@pytest.mark.parametrize("topology", ["mesh", "ring", "random-regular"])
def test_who_left_is_not_called_any_more(topology: str) -> None:
    sim = play(agents=10, topology=topology, mode="push", script="at 5s leave 4", until=5.5)
    dropped = sim.messages["dropped"]
    sim.run(until=30)
    assert sim.messages["dropped"] == dropped
    assert sim.metrics()["coverage"] == 1.0


def test_the_last_agent_left_has_nobody_to_call() -> None:
    sim = play(agents=2, script="at 2s leave a-02", until=2.2)
    sent = sim.messages["sent"]
    sim.run(until=10)
    assert sim.messages["sent"] == sent
    assert sim.metrics()["coverage"] == 1.0


# --- misbehaviour and trust -----------------------------------------------------------------------


def calls_to(sim: Simulation, name: str, since: float) -> int:
    """How many questions reached an agent since a time, as far as the trace goes back."""
    events = sim.trace.events()
    assert events[0].time < since * SECOND
    asked = [event for event in events if isinstance(event.message, Pull) and event.time > since * SECOND]
    return sum(event.agent == name for event in asked)


@pytest.mark.parametrize("mode", ["push", "pull", "push-pull"])
def test_a_silent_agent_keeps_what_it_alone_knows(mode: str) -> None:
    sim = play(agents=8, mode=mode, script="byzantine a-01 silent", until=30)
    assert who_knows(sim, "f1") == {"a-01"}
    hears = play(agents=8, mode=mode, script="byzantine a-05 silent", until=30)
    assert len(who_knows(hears, "f1")) == 8, "it listens all the same"


def test_a_silent_partner_loses_its_repute_and_is_passed_over() -> None:
    script = "at 1s byzantine a-04 silent"
    wary = play(agents=6, mode="pull", script=script, until=100)
    silent = wary.ids["a-04"]
    others = [one for one in wary.agents if isinstance(one, Gossiper) and one.id != silent]
    assert all(one.reputation[silent] <= BAD_REPUTATION for one in others)
    assert all(value > 0 for one in others for other, value in one.reputation.items() if other != silent)
    assert distrusted_by(wary, silent) == 5
    trusting = play(agents=6, mode="pull", script=script, trust=False, until=100)
    assert all(one.reputation[silent] <= BAD_REPUTATION for one in others), "it is judged, but called"
    assert calls_to(trusting, "a-04", 60) > 30
    assert calls_to(wary, "a-04", 60) < 4


def test_an_agent_that_starts_anew_is_forgiven_its_silence() -> None:
    script = "at 1s crash a-04\nat 60s restart a-04"
    sim = play(agents=6, script=script, until=59)
    assert distrusted_by(sim, sim.ids["a-04"]) == 5
    sim.run(until=80)
    assert distrusted_by(sim, sim.ids["a-04"]) == 0


def test_slow_answers_are_not_taken_for_silence_for_ever() -> None:
    sim = play(agents=10, latency=2.0, until=100)
    assert sum(distrusted_by(sim, one) for one in range(10)) <= 9
    assert sim.metrics()["coverage"] == 1.0


def test_a_liar_breaks_the_invariant_and_it_says_when_and_by_which_event() -> None:
    sim = play(agents=12, script="at 6s byzantine a-05 liar\nat 7s rumour a-05 news", until=6.0)
    assert invariant(sim, "one-text-per-version")["holds"]
    sim.run(until=30)
    broken = invariant(sim, "one-text-per-version")
    assert not broken["holds"]
    where = sim.invariants_kept.broken["one-text-per-version"]
    assert broken["detail"].startswith(f"broken at {format_duration(where.time)} by event {where.index}: ")
    assert "says a-05" in broken["detail"]
    assert {one.facts["f2"].text for one in sim.agents if isinstance(one, Gossiper)} == {"news, says a-05"}
    assert invariant(sim, "knowledge-converges")["holds"], "the lie won everywhere"


def test_liars_who_contradict_each_other_come_to_an_end() -> None:
    sim = play(agents=12, script="byzantine a-05,a-06,a-07 liar", until=60)
    assert invariant(sim, "knowledge-converges")["holds"]
    [text] = {one.facts["f1"].text for one in sim.agents if isinstance(one, Gossiper)}
    assert text == "the ferry leaves at noon, says a-07"


def test_who_contradicts_loses_repute() -> None:
    sim = play(agents=12, script="at 6s byzantine a-05 liar", until=12)
    assert any(note.kind == "distrusts" and note.data["why"] < -1 for note in sim.trace.notes)


def test_a_fabricator_breaks_the_other_invariant() -> None:
    sim = play(agents=6, script="at 3s byzantine a-05 fabricator", until=15)
    broken = invariant(sim, "nothing-from-nowhere")
    assert broken["detail"].startswith("broken at 3s by event ")
    assert "a-05 has heard of 'lie of a-05', which nobody was ever told" in broken["detail"]
    assert len(who_knows(sim, "lie of a-05")) == 6
    assert sim.metrics()["coverage"] == 1.0, "made-up facts do not count"


def test_a_fabricator_made_while_it_is_down_lies_when_it_is_back() -> None:
    sim = play(agents=6, script="crash a-05\nbyzantine a-05 fabricator\nat 5s restart a-05", until=4)
    assert invariant(sim, "nothing-from-nowhere")["holds"]
    sim.run(until=10)
    assert "lie of a-05" in agent(sim, "a-01").facts


def test_honest_again_means_honest() -> None:
    sim = play(agents=8, script="byzantine a-01 silent\nat 10s byzantine a-01 honest", until=9.9)
    assert who_knows(sim, "f1") == {"a-01"}
    sim.run(until=30)
    assert len(who_knows(sim, "f1")) == 8
    assert all(one["holds"] for one in sim.invariants())
