"""What crashes, partitions and liars do to an auction, and that each invariant can break."""

from __future__ import annotations

from typing import Any

import pytest

from engine.simulation import Simulation
from scenarios.auction.contractor import Contractor, Job
from scenarios.auction.manager import Manager
from scenarios.auction.messages import Grant, Payment, Result
from scenarios.auction.params import AuctionParams, orders
from scenarios.auction.trader import Held, Trader
from scenarios.launch import launch
from swarmscope import simulate


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("auction", params=params, seed=seed, until=until, script=script)


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note for note in sim.trace.notes if note.kind == kind]


def broken(sim: Simulation) -> list[str]:
    return [one["name"] for one in sim.invariants() if not one["holds"]]


def manager(sim: Simulation, name: str) -> Manager:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Manager)
    return found


def contractor(sim: Simulation, name: str) -> Contractor:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Contractor)
    return found


def at_work(sim: Simulation) -> tuple[str, str]:
    """A contractor and a task it works on, with a while to go."""
    for agent in sim.agents:
        if isinstance(agent, Contractor):
            for job in agent.jobs.values():
                if agent.ctx.now - job.began < job.lasts // 2:
                    return agent.name, job.task.id
    raise AssertionError("nobody is at work")


# --- winners --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["crash", "freeze", "leave"])
def test_a_winner_that_is_gone_loses_its_task_to_another(fault: str) -> None:
    sim = launch("auction", {"tasks": 8}, 1)
    sim.run(until=2.0)
    who, task = at_work(sim)
    sim.apply(f"{fault} {who}")
    sim.finish()
    [lost] = [note for note in notes(sim, "lease lost") if note.data["task"] == task]
    assert sim.names[lost.data["holder"]] == who
    assert 2e6 < lost.time < 2e6 + 4.9e6, "a lease and a window at most"
    assert sim.metrics()["tasks_done"] == 8
    assert sim.metrics()["tasks_reawarded"] >= 1
    assert broken(sim) == []


def test_a_frozen_winner_that_thaws_finds_its_lease_gone() -> None:
    sim = launch("auction", {"tasks": 8}, 1)
    sim.run(until=2.0)
    who, task = at_work(sim)
    sim.apply(f"freeze {who}")
    sim.run(until=9)
    sim.apply(f"thaw {who}")
    sim.finish()
    gone = [note.data for note in notes(sim, "gave up") if sim.names[note.agent] == who]
    assert task in [data["task"] for data in gone]
    assert sim.metrics()["tasks_done"] == 8
    assert broken(sim) == []


@pytest.mark.parametrize("mode", ["silent", "defaulter", "overbidder"])
def test_who_does_not_deliver_loses_trust_and_business(mode: str) -> None:
    sim = play(tasks=60, skills=2, script=f"at 0s byzantine c-01 {mode}", deadline=60)
    assert sim.metrics()["tasks_done"] == 60
    assert [note for note in notes(sim, "barred") if note.data["contractor"] == 0]
    won = [note for note in notes(sim, "awarded") if note.data["to"] == 0]
    fair = [note for note in notes(play(tasks=60, skills=2), "awarded") if note.data["to"] == 0]
    assert len(won) < len(fair)
    assert contractor(sim, "c-01").earned <= sum(note.data["price"] for note in won)
    assert broken(sim) == []


def test_a_liar_that_mends_its_ways_is_trusted_again() -> None:
    script = "at 0s byzantine c-01 overbidder\nat 10s byzantine c-01 honest"
    sim = play(tasks=200, skills=2, script=script)
    assert manager(sim, "m-1").trust[0] == 1.0
    late = [note for note in notes(sim, "awarded") if note.data["to"] == 0 and note.time > 60e6]
    assert late


# --- managers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["crash", "freeze", "leave"])
def test_the_standby_takes_over_and_knows_the_open_tasks(fault: str) -> None:
    sim = launch("auction", {"tasks": 20}, 2)
    sim.run(until=3.0)
    open_ = {name for name, record in manager(sim, "m-1").book.items() if record.state == "awarded"}
    assert open_
    sim.apply(f"{fault} m-1")
    sim.finish()
    [taken] = notes(sim, "took over")
    assert sim.names[taken.agent] == "s-1" and taken.time < 6e6
    assert sim.metrics()["tasks_done"] == 20
    assert open_ <= manager(sim, "s-1").book.keys()
    again = [note for note in notes(sim, "awarded") if note.data["task"] in open_ and note.data["again"]]
    assert len(again) <= len(open_) // 2, "most go on where they are"
    assert broken(sim) == []


def test_without_its_standby_and_the_witness_a_manager_awards_nothing() -> None:
    sim = play(until=25, tasks=60, script="at 3s crash s-1,w-1")
    awarded = [note.time for note in notes(sim, "awarded")]
    assert max(awarded) < 5.5e6
    sim.apply("restart w-1")
    sim.finish()
    ended = sim.metrics()
    assert ended["tasks_done"] + ended["tasks_expired"] == 60 and ended["tasks_done"] > 40
    assert broken(sim) == []


def test_one_of_the_two_is_enough() -> None:
    for gone in ("s-1", "w-1"):
        sim = play(tasks=30, script=f"at 3s crash {gone}")
        assert sim.metrics()["tasks_done"] == 30
        assert sim.metrics()["takeovers"] == 0
        assert sim.over


def test_it_goes_back_and_forth() -> None:
    script = "at 3s crash m-1\nat 10s restart m-1\nat 15s crash s-1\nat 22s restart s-1\nat 27s crash m-1"
    sim = play(tasks=80, script=script)
    assert [sim.names[note.agent] for note in notes(sim, "took over")] == ["s-1", "m-1", "s-1"]
    assert sim.metrics()["tasks_done"] == 80
    assert broken(sim) == []


def test_a_task_that_only_a_crashed_manager_knew_is_not_forgotten() -> None:
    script = "at 5s crash s-1\nat 5.1s announce m-1 4\nat 5.11s crash m-1\nat 5.2s restart s-1\nat 12s restart m-1"
    sim = play(tasks=3, script=script)
    assert sim.metrics()["tasks_done"] == 4
    assert "t-04" in manager(sim, "s-1").book


def test_the_witness_grants_nothing_while_it_hears_the_manager() -> None:
    sim = play(until=20, tasks=60, script="at 3s partition m-1 | s-1")
    assert notes(sim, "took over") == []
    assert manager(sim, "m-1").acting


def test_an_award_of_a_term_that_is_over_is_not_obeyed() -> None:
    sim = play(until=3)
    worker = contractor(sim, "c-01")
    worker.terms[0] = 5
    before = dict(worker.jobs), dict(worker.standing)
    for event in [event for event in sim.calendar if event[2] == worker.id]:
        worker.on_message(event[3], event[5])
    assert before == (worker.jobs, worker.standing)


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["contract-net", "single-item", "neighbours"])
def test_going_on_from_a_checkpoint_is_going_on(mode: str) -> None:
    params = {"mode": mode, "bids": "adaptive", "rule": "first-price"}
    script = "at 2s crash c-02\nat 3s partition c-01,c-03 | *" if mode == "neighbours" else "at 2s crash m-1,c-02"
    straight = launch("auction", params, 3, script.replace(" | *", " | c-04,c-05,c-06,c-07,c-08"))
    straight.run(events=500)
    saved = straight.checkpoint()
    straight.run(events=1000)
    digest, figures = straight.digest, straight.metrics()
    straight.restore(saved)
    straight.run(events=1000)
    assert (straight.digest, straight.metrics()) == (digest, figures)


# --- invariants that break ------------------------------------------------------------------------


def test_one_award_breaks_where_two_work_on_one_task() -> None:
    sim = launch("auction", {"tasks": 8}, 1)
    sim.run(until=2.0)
    who, task = at_work(sim)
    job = contractor(sim, who).jobs[task]
    other = next(one for one in sim.agents if isinstance(one, Contractor) and not one.jobs and one.name != who)
    other.jobs[task] = job
    other.ctx.note("began", task=task, round=job.round, load=1, lasts=job.lasts)
    assert broken(sim)[0] == "one-award"
    [detail] = [one["detail"] for one in sim.invariants() if one["name"] == "one-award"]
    assert f"{other.name} begins {task} while {who} still holds it" in detail


def test_within_capacity_breaks_where_somebody_takes_too_much() -> None:
    sim = launch("auction", {"tasks": 8}, 1)
    sim.run(until=0.05)
    worker = contractor(sim, "c-01")
    for task in orders(sim.params, 1)[:3]:
        worker.jobs[task.id] = Job(task, 1, 1.0, 10**9, 0, 10, 0)
        worker.ctx.note("began", task=task.id, round=1, load=len(worker.jobs), lasts=10)
    assert "within-capacity" in broken(sim)


def test_paid_for_results_breaks_where_a_result_is_made_up() -> None:
    sim = launch("auction", {"tasks": 8}, 1)
    sim.run(until=2.0)
    who, name = at_work(sim)
    job = contractor(sim, who).jobs[name]
    manager(sim, "m-1").on_message(sim.ids[who], Result(name, 0, job.round))
    assert "paid-for-results" in broken(sim)


def test_one_manager_breaks_where_a_vote_is_made_up() -> None:
    sim = launch("auction", {"tasks": 8}, 1)
    sim.run(until=2.0)
    standby = manager(sim, "s-1")
    standby.claimed, standby.asked, standby.heard[0] = 2, standby.ctx.now, -(10**9)
    standby.on_message(sim.ids["w-1"], Grant(0, 2))
    assert "one-manager" in broken(sim)


def test_trades_help_breaks_where_a_trade_does_not() -> None:
    sim = launch("auction", {"mode": "neighbours", "tasks": 1, "contractors": 4}, 1)
    [task] = orders(sim.params, 1)
    traders = sorted([one for one in sim.agents if isinstance(one, Trader)], key=lambda one: one.name)
    sim.run(until=0.01)
    traders.sort(key=lambda one: one.cost(task))
    cheap, dear = traders[0], traders[-1]
    cheap.held[task.id] = Held(task, 1.0, 1.0)
    dear.ctx.note("traded", task=task.id, by=cheap.id, to=dear.id, price=1.0)
    assert "trades-help" in broken(sim)


def test_every_task_ends_does_not_hold_before_the_end() -> None:
    sim = play(until=3)
    [detail] = [one["detail"] for one in sim.invariants() if one["name"] == "every-task-ends"]
    assert "of 24 tasks have not ended: t-" in detail


def test_a_payment_that_is_repeated_counts_once() -> None:
    sim = play(tasks=1)
    worker = next(one for one in sim.agents if isinstance(one, Contractor) and one.delivered)
    earned = worker.earned
    worker.on_message(sim.ids["m-1"], Payment("t-01", 0, worker.delivered["t-01"], 1, 5.0))
    assert worker.earned == earned


def test_parameters_are_what_the_menu_says() -> None:
    assert AuctionParams().mode == "contract-net"
    assert (AuctionParams().contractors, AuctionParams().managers, AuctionParams().tasks) == (8, 1, 24)
