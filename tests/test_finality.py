"""Proof of work beside PBFT: one goes on and takes back, the other waits and does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.simulation import Simulation
from engine.views import Chain, StageView
from scenarios.finality import Finality
from scenarios.launch import launch_sides

EXPERIMENTS = {one.name: one for one in Finality.experiments}
each_seed = pytest.mark.parametrize("seed", range(3))


def started(name: str, seed: int) -> tuple[Simulation, Simulation]:
    one = EXPERIMENTS[name]
    _, mining, voting = launch_sides(Finality, one.params, seed, one.script)
    return mining, voting


def figures(sim: Simulation, *times: float) -> Iterator[dict[str, Any]]:
    """The metrics at these moments, in seconds."""
    for time in times:
        sim.run(until=time)
        yield sim.metrics()


def stage(sim: Simulation) -> StageView:
    view = sim.scenario.stage(sim)
    assert view is not None
    return view


def fork_view(sim: Simulation) -> Chain:
    return next(part for part in stage(sim).parts if isinstance(part, Chain))


def unbroken(sim: Simulation) -> bool:
    """Whether all that is promised holds; what must hold in the end has five seconds for what is on its way."""
    for _ in range(5):
        if all(one["holds"] for one in sim.invariants()):
            return True
        sim.run(until=sim.seconds + 1)
    return False


def test_both_sides_have_the_same_nodes() -> None:
    mining, voting = started("cut", 1)
    assert [mining.names[agent] for agent in mining.present()] == [f"node-{number}" for number in range(1, 8)]
    assert voting.names[:7] == mining.names[:7]
    assert voting.agents[7].role == "client"


@each_seed
def test_without_a_quorum_one_waits_and_the_other_forks_and_heals(seed: int) -> None:
    mining, voting = started("cut", seed)
    before, at_heal, after = figures(voting, 62, 149, 400)
    assert before["committed"] > 0
    assert at_heal["height"] == before["height"]
    assert after["height"] > at_heal["height"] + 20
    assert {block.status for block in fork_view(voting).blocks} == {"canonical"}
    before, at_heal, after = figures(mining, 59, 149, 400)
    assert at_heal["height"] > before["height"]
    assert len(fork_view(mining).tips) >= 1
    assert after["reorgs"] >= before["reorgs"] + 3
    assert after["max_reorg_depth"] >= 1
    assert any(block.status == "stale" for block in fork_view(mining).blocks)
    assert unbroken(mining)
    assert unbroken(voting)


@each_seed
def test_a_quorum_goes_on_and_a_minority_takes_back_what_it_found(seed: int) -> None:
    mining, voting = started("minority", seed)
    before, at_heal, after = figures(voting, 70, 179, 300)
    assert at_heal["height"] > before["height"] + 5
    assert after["height"] > at_heal["height"]
    assert unbroken(voting)
    tips = {agent: tip.block for tip in fork_view(voting).tips for agent in tip.agents}
    assert tips[5] == tips[6] == tips[0]
    mining.run(until=400)
    assert len({tip.block for tip in fork_view(mining).tips}) == 1
    assert unbroken(mining)


@each_seed
def test_one_crash_too_many_stops_the_voting_and_not_the_mining(seed: int) -> None:
    mining, voting = started("crash", seed)
    two_down, three_down, later, restarted = figures(voting, 118, 125, 239, 300)
    assert two_down["height"] > 5
    assert later["height"] == three_down["height"]
    assert restarted["height"] > later["height"]
    before, after = figures(mining, 120, 239)
    assert after["height"] > before["height"]
    assert unbroken(voting)
    assert unbroken(mining)
