"""Agents that trade tasks with their neighbours: no task lost or doubled, and the total cost only ever falls."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from engine.simulation import Simulation
from scenarios.auction import params as setting
from scenarios.auction.trader import Trader
from scenarios.launch import launch
from swarmscope import simulate


def play(seed: int = 1, until: float | None = None, script: str = "", **params: Any) -> Simulation:
    return simulate("auction", params={"mode": "neighbours", **params}, seed=seed, until=until, script=script)


def traders(sim: Simulation) -> list[Trader]:
    return [one for one in sim.agents if isinstance(one, Trader)]


def broken(sim: Simulation) -> list[str]:
    return [f"{one['name']}: {one['detail']}" for one in sim.invariants() if not one["holds"]]


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note for note in sim.trace.notes if note.kind == kind]


def test_there_is_no_manager() -> None:
    sim = play(until=1)
    assert {agent.role for agent in sim.agents} == {"contractor"}


@pytest.mark.parametrize("topology", ["ring", "mesh", "small-world"])
def test_each_trade_lowers_the_cost_and_trading_ends_in_a_local_optimum(topology: str) -> None:
    sim = play(tasks=1, topology=topology, contractors=12, seed=4)
    [task] = setting.orders(sim.params, 4)
    costs = [one.cost(task) for one in traders(sim)]
    path = [task.house] + [note.data["to"] for note in notes(sim, "traded")]
    assert all(costs[a] > costs[b] for a, b in pairwise(path))
    assert all(sim.topology.connected(a, b) for a, b in pairwise(path))
    [paid] = notes(sim, "paid")
    last = paid.data["to"]
    assert last == path[-1]
    assert all(costs[other] >= costs[last] for other in sim.topology.neighbours(last)), "no trade helps any more"
    assert notes(sim, "paid")[0].data["amount"] >= costs[last]


def test_a_task_that_nobody_near_can_do_is_refused() -> None:
    sim = play(tasks=20, contractors=2, skills=1, gap=2)
    figures = sim.metrics()
    assert figures["tasks_refused"] > 0 and figures["tasks_done"] + figures["tasks_refused"] == 20
    assert broken(sim) == []


def test_a_task_comes_with_its_price_down_to_who_does_it() -> None:
    sim = play(tasks=30, seed=2)
    assert sum(one.earned for one in traders(sim)) == pytest.approx(sim.meters.distributions["payment"].total)
    assert all(one.profit >= 0.0 for one in traders(sim))


@pytest.mark.parametrize("loss", [0.1, 0.4])
def test_lost_messages_lose_and_double_no_task(loss: float) -> None:
    for seed in range(4):
        sim = play(seed, tasks=20, loss=loss, topology="small-world", deadline=300)
        assert sim.metrics()["tasks_done"] == 20
        begun = [note.data["task"] for note in notes(sim, "began")]
        assert len(begun) == len(set(begun)) == 20, "each was begun by one agent, once"
        assert broken(sim) == []


def holders(sim: Simulation, name: str) -> list[str]:
    """Who could work on a task: holds it, and has not sent it away."""
    return [one.name for one in traders(sim) if name in one.held and one.held[name].state != "giving"]


def test_at_any_moment_at_most_one_agent_has_a_task() -> None:
    for seed in range(4):
        sim = launch("auction", {"mode": "neighbours", "loss": 0.3, "tasks": 12, "topology": "ring"}, seed)
        while not sim.over:
            sim.run(events=3)
            for number in range(1, 13):
                assert len(holders(sim, setting.task_name(number, 12))) <= 1


def test_a_crash_in_the_middle_of_a_trade_ends_well_once_they_are_up_again() -> None:
    for seed in range(8):
        sim = launch("auction", {"mode": "neighbours", "tasks": 10, "gap": 0.2, "deadline": 100}, seed)
        sim.run(until=0.5 + 0.05 * seed)
        sim.apply("crash c-01,c-03,c-05")
        sim.run(until=6)
        sim.apply("restart c-01,c-03,c-05")
        sim.finish()
        assert sim.metrics()["tasks_done"] == 10
        assert broken(sim) == []


def test_who_leaves_takes_its_tasks_along_and_others_notice() -> None:
    sim = launch("auction", {"mode": "neighbours", "tasks": 16, "gap": 0.1, "contractors": 4}, 3)
    sim.run(until=1.5)
    assert traders(sim)[1].held
    sim.apply("leave c-02")
    sim.finish()
    figures = sim.metrics()
    assert figures["tasks_expired"] > 0
    assert sim.over.startswith("every task has ended")
    assert broken(sim) == []


def test_who_takes_tasks_and_never_does_them_is_avoided() -> None:
    sim = play(tasks=150, script="at 0s byzantine c-01 defaulter", deadline=10)
    assert sim.metrics()["tasks_expired"] >= 1
    assert sum(one.distrusts(0) for one in traders(sim)) >= 4
    trades = [note.time for note in notes(sim, "traded") if note.data["to"] == 0]
    assert len([time for time in trades if time > 45e6]) < len([time for time in trades if time <= 30e6])


def test_an_agent_that_joins_is_traded_with() -> None:
    sim = play(tasks=60, script="at 1s join 3")
    assert [note for note in notes(sim, "traded") if note.data["to"] >= 8]
    assert broken(sim) == []


def test_costs_of_what_one_cannot_do_are_endless() -> None:
    sim = play(until=0.1, skills=1)
    one = traders(sim)[0]
    tasks = [task for task in setting.orders(sim.params, 1) if task.needs not in one.profile.skills]
    assert tasks and all(one.cost(task) == math.inf for task in tasks)
