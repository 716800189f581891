"""Whatever is done to a run of scaling: no code fails, the safety invariants hold, and a checkpoint goes on alike."""

from __future__ import annotations

from contextlib import suppress

import pytest

from engine.errors import CommandError
from engine.simulation import Simulation
from engine.streams import Stream
from scenarios.launch import launch

WHO = ("w-*", "2 of w-*", "1 of w-*", "coordinator", "30%", "1", "lead-1", "w-2", "worker")
MODES = ("slow", "hoarder", "liar", "duplicator", "honest")
POLICIES = ("fixed", "target-utilisation", "queue-length", "predictive", "budget")
SETTINGS = (
    {},
    {"routing": "two-choices", "detector": "timeout", "policy": "queue-length"},
    {"teams": 3, "workers": 9, "policy": "target-utilisation"},
    {"routing": "least-loaded", "kinds": 3, "spread": 3, "policy": "predictive", "arrivals": "diurnal", "period": 20},
    {"policy": "budget", "arrivals": "trace", "loss": 0.05, "lease": 2},
    {"routing": "weighted", "spread": 4, "policy": "fixed", "latency_model": "lognormal", "retries": 1},
    {
        "teams": 2,
        "routing": "round-robin",
        "workers": 4,
        "service": "pareto",
        "arrivals": "poisson",
        "topology": "ring",
    },
)


def a_command(draws: Stream) -> str:
    who, other = draws.choice(WHO), draws.choice(WHO)
    return draws.choice(
        (
            f"crash {who}",
            f"restart {who}",
            f"freeze {who}",
            f"thaw {who}",
            f"join {draws.between(1, 3)} worker",
            "join",
            f"leave {draws.choice(('1 of w-*', 'w-3', 'w-5'))}",
            f"partition {who} | {other}",
            f"partition {who} > {other}",
            "heal",
            "heal",
            f"latency {draws.choice(('default', '1ms..2s', '300ms', '0s'))}",
            f"loss {draws.choice(('0%', '10%', '40%'))}",
            f"duplicate {draws.choice(('0%', '20%'))}",
            f"reorder {draws.choice(('0%', '30%'))}",
            f"skew {who} {draws.choice(('+2s', '-3s', '+10%', '-10%'))}",
            f"slow {who} {draws.choice(('10x', '1x', '0.5x'))}",
            f"byzantine {draws.choice(WHO)} {draws.choice(MODES)}",
            f"byzantine {draws.choice(WHO)} honest",
            f"spike x{draws.between(1, 5)} for {draws.between(1, 10)}s",
            f"kill {draws.between(1, 3)}",
            f"policy {draws.choice(POLICIES)}",
        )
    )


def play(sim: Simulation, draws: Stream, steps: int) -> None:
    for _ in range(steps):
        sim.run_to(sim.now + draws.between(1, 3_000_000))
        try:
            sim.apply(a_command(draws))
        except CommandError:
            continue


def look(sim: Simulation) -> None:
    sim.metrics()
    sim.scenario.stage(sim)
    sim.scenario.metric_views(sim)
    for agent in sim.agents:
        sim.scenario.agent_row(sim, agent)
        sim.scenario.node_look(sim, agent)
        sim.scenario.detail(sim, agent.name)


def make_well(sim: Simulation) -> None:
    """Undo all that was done."""
    links = ("heal", "loss 0%", "duplicate 0%", "reorder 0%", "latency default")
    agents = ("byzantine * honest", "slow * 1x", "skew * +0s", "skew * +0%", "thaw *", "restart *")
    for command in (*links, *agents):
        with suppress(CommandError):  # there may be nobody to thaw
            sim.apply(command)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_anything_may_happen(number: int, seed: int) -> None:
    params = {"horizon": 60, "heartbeat": 0.5, **SETTINGS[number]}
    sim, twin = launch("scaling", params, seed), launch("scaling", params, seed)
    draws = Stream(seed, f"fuzz/{number}")
    play(sim, draws, 15)
    look(sim)
    middle = sim.checkpoint()
    position = draws.position
    play(sim, draws, 15)
    failed = [note for note in sim.trace.notes if note.kind == "failed"]
    assert not failed, failed[0].data["traceback"]
    assert not [one for one in sim.invariants() if one["kind"] == "safety" and not one["holds"]]
    look(sim)

    twin.restore(middle)
    draws.position = position
    play(twin, draws, 15)
    assert twin.digest == sim.digest
    assert twin.metrics() == sim.metrics()

    make_well(sim)
    sim.finish(until=900)
    assert sim.over, "every task ends once all is well"
    assert not [one for one in sim.invariants() if not one["holds"]]
