"""Rumour mongering: a fact is told while it is hot, and forgotten about once it meets those who know."""

from __future__ import annotations

from typing import Any

import pytest

from engine.simulation import Simulation
from scenarios.gossip.scenario import Feedback, Gossiper
from swarmscope import simulate


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("gossip", params={"protocol": "rumour", **params}, seed=seed, until=until, script=script)


def gossipers(sim: Simulation) -> list[Gossiper]:
    return [agent for agent in sim.agents if isinstance(agent, Gossiper)]


def informed(sim: Simulation) -> int:
    return sum("f1" in agent.facts for agent in gossipers(sim))


@pytest.mark.parametrize("timing", ["rounds", "periodic", "poisson"])
@pytest.mark.parametrize("mode", ["push", "pull", "push-pull"])
def test_a_rumour_goes_cold_and_the_run_is_over(mode: str, timing: str) -> None:
    sim = play(agents=50, mode=mode, timing=timing, k=2)
    assert sim.seconds < sim.scenario.horizon
    assert not any(agent.hot or agent.arriving for agent in gossipers(sim))
    assert sim.over.startswith("nobody spreads anything any more") or sim.over == "nothing is left to happen"


def test_when_it_is_over_it_says_who_never_heard() -> None:
    sim = play(3, agents=60, mode="pull", k=1, timing="rounds")
    left = 60 - informed(sim)
    assert left > 1
    assert sim.over.startswith(f"nobody spreads anything any more, and {left} of 60 agents have not heard of f1: a-")
    [missing] = [one for one in sim.invariants() if one["name"] == "everybody-hears"]
    assert not missing["holds"] and missing["detail"].startswith(f"{left} of 60 agents")


@pytest.mark.parametrize("k", [1, 2, 5])
def test_blind_with_a_counter_each_agent_tells_k_times(k: int) -> None:
    sim = play(agents=40, mode="push", feedback=False, removal="counter", k=k, timing="rounds")
    assert sim.metrics()["updates_per_agent"] * 40 == pytest.approx(k * informed(sim))
    assert sim.messages["sent"] == k * informed(sim)


def test_blind_with_a_coin_of_one_side_each_agent_tells_once() -> None:
    sim = play(agents=40, mode="push", feedback=False, removal="coin", k=1)
    assert sim.messages["sent"] == informed(sim)


def test_with_feedback_each_call_is_answered_by_what_was_news() -> None:
    sim = play(agents=30, mode="push", timing="rounds", latency=0.01)
    assert sim.messages["sent"] == 2 * round(30 * sim.metrics()["updates_per_agent"])
    told = [event.message for event in sim.trace.events() if isinstance(event.message, Feedback)]
    assert all(message.new + message.known == ("f1",) for message in told)
    known = sum(bool(message.known) for message in told)
    assert sim.metrics()["redundant_share"] == pytest.approx(known / len(told))


def test_a_useful_call_makes_up_for_vain_ones() -> None:
    sim = play(agents=2, mode="push", k=3, until=0.0)
    [teller, _] = gossipers(sim)
    for known in (True, True, False, True, True):
        teller.on_message(1, Feedback((), ("f1",)) if known else Feedback(("f1",), ()))
    assert teller.hot == {"f1": 2}
    teller.on_message(1, Feedback((), ("f1",)))
    assert teller.hot == {}


def test_in_a_round_one_useful_call_saves_all_of_them() -> None:
    sim = play(agents=3, mode="push", k=1, timing="rounds", rumours=1, until=0.1, loss=1.0)
    teller = gossipers(sim)[0]
    for message in (Feedback((), ("f1",)), Feedback(("f1",), ()), Feedback((), ("f1",))):
        teller.on_message(1, message)
    sim.run(until=1.1)
    assert teller.hot == {"f1": 0}
    teller.on_message(1, Feedback((), ("f1",)))
    sim.run(until=2.1)
    assert teller.hot == {}


def test_who_has_nothing_hot_answers_nothing() -> None:
    sim = play(agents=20, mode="pull", rumours=0, until=10.5)
    asked = sim.messages["sent"]
    assert asked == pytest.approx(20 * 10.5, abs=20), "questions, and not one answer"


def test_more_patience_leaves_fewer_out_for_more_traffic() -> None:
    runs = [play(5, agents=400, mode="push", timing="rounds", k=k).metrics() for k in (1, 2, 4)]
    residues = [run["residue"] for run in runs]
    traffic = [run["updates_per_agent"] for run in runs]
    assert residues == sorted(residues, reverse=True) and traffic == sorted(traffic)
    assert residues[0] > 0.1 > 0.02 > residues[2]


def test_an_update_makes_a_cold_fact_hot_again() -> None:
    update = 'at 30s update a-01 f1 "the ferry leaves at one"'
    sim = play(agents=40, mode="push", k=5, script=update)
    assert sim.seconds > 30
    newer = [agent for agent in gossipers(sim) if "f1" in agent.facts and agent.facts["f1"].version == 2]
    assert len(newer) > 35


def test_a_silent_agent_does_not_keep_the_run_going() -> None:
    sim = play(agents=5, mode="push", script="byzantine a-01 silent", timing="periodic", until=None)
    assert informed(sim) == 1
    assert sim.seconds < sim.scenario.horizon


def test_a_rumour_that_was_crashed_with_its_teller_is_not_hot_when_it_comes_back() -> None:
    sim = play(agents=10, mode="push", loss=1.0, script="at 2s crash a-01\nat 3s restart a-01", until=4)
    teller = gossipers(sim)[0]
    assert teller.facts.keys() == {"f1"} and not teller.hot and not teller.telling


def test_without_any_fact_there_is_nothing_to_be_over() -> None:
    sim = play(agents=5, mode="pull", rumours=0)
    assert sim.seconds == sim.scenario.horizon
    assert sim.over == ""
