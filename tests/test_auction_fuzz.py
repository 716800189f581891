"""Whatever is done to an auction: no agent fails, no award is doubled, and a checkpoint goes on the same."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import CommandError
from engine.simulation import Simulation
from engine.streams import Stream
from scenarios.auction.scenario import Auction
from scenarios.launch import launch

STEPS = 26
MODES = ["honest", *(one.name for one in Auction.misbehaviours)]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"managers": 2, "gap": 0.1, "bids": "shaded", "rule": "first-price"},
    {"rule": "english", "skills": 2},
    {"mode": "single-item", "bids": "adaptive", "rule": "first-price", "loss": 0.1},
    {"mode": "neighbours", "topology": "ring", "skills": 3, "gap": 0.1},
    {"mode": "neighbours", "topology": "small-world", "loss": 0.15},
    {"loss": 0.1, "lease": 1.0, "latency_model": "lognormal"},
]


def anything(sim: Simulation, draws: Stream, *, clocks: bool) -> str:
    """Some command, which may make no sense."""
    names = [sim.names[agent] for agent in sim.present()]
    one, other = draws.choice(names), draws.choice(names)
    commands = [
        f"crash {one}",
        f"crash {one}",
        f"restart {one}",
        f"restart {other}",
        f"freeze {one}",
        f"thaw {one}",
        "join 1",
        "join 1 manager",
        f"leave {one}",
        f"partition {one},{other} | *",
        f"partition 40% | {one}" if draws.chance(0.5) else f"partition {one} > {other}",
        "heal",
        "heal",
        f"slow {one} 3x",
        f"loss {draws.below(40)}%",
        f"duplicate {draws.below(40)}%",
        f"reorder {draws.below(40)}%",
        f"byzantine {one} {draws.choice(MODES)}",
        f"byzantine {one} honest",
        f"announce {one} {draws.between(1, 5)}",
        f"deviate {one} {draws.choice(['0.5', '2'])}",
        f"bidding {one} {draws.choice(['truthful', 'shaded', 'adaptive', 'equilibrium'])}",
    ]
    if clocks:
        commands += [f"skew {one} +2s", f"skew {one} -30%", f"skew {other} +30%", f"skew {one} -1s"]
    if len(sim.calendar):
        numbers = [event[1] for event in sim.calendar][:20]
        commands += [f"{verb} m{draws.choice(numbers)}" for verb in ("drop", "deliver", "duplicate")]
        if clocks:  # and other nonsense
            field = draws.choice(
                ["amount", "price", "round", "term", "sent", "share", "cost", "lasts", "step", "called"]
            )
            commands += [f"edit m{draws.choice(numbers)} {field}={draws.choice(['0', '-1', '3', '1e300', '0.5'])}"] * 6
    return draws.choice(commands)


def disturb(sim: Simulation, seed: int, *, clocks: bool = False) -> None:
    draws = Stream(seed, "fuzz")
    for _ in range(STEPS):
        sim.run(events=draws.between(5, 60))
        try:
            sim.apply(anything(sim, draws, clocks=clocks))
        except CommandError:
            continue


def failures(sim: Simulation) -> list[str]:
    return [str(note.data.get("traceback", note.data)) for note in sim.trace.notes if note.kind == "failed"]


def broken(sim: Simulation) -> list[str]:
    return [f"{one['name']}: {one['detail']}" for one in sim.invariants() if not one["holds"]]


@pytest.mark.parametrize("which", range(len(SETTINGS)))
def test_no_disturbance_makes_an_agent_fail_or_doubles_an_award(which: int) -> None:
    for seed in range(6):
        sim = launch("auction", SETTINGS[which], seed)
        disturb(sim, 100 * which + seed)
        assert not failures(sim), failures(sim)[0]
        assert [one for one in broken(sim) if not one.startswith("every-task-ends")] == []
        sim.apply("heal")
        sim.apply("loss 0%")
        for agent in sim.present():
            for verb in ("thaw", "restart"):
                try:
                    sim.apply(f"{verb} {sim.names[agent]}")
                except CommandError:
                    continue
            sim.apply(f"byzantine {sim.names[agent]} honest")
        sim.run(until=sim.seconds + 200)
        assert not failures(sim), failures(sim)[0]
        managed = sim.params.mode == "neighbours" or {"m-1", "s-1"} & {sim.names[one] for one in sim.present()}
        voters = [sim.names[one] for one in sim.present() if sim.names[one] in ("m-1", "s-1", "w-1")]
        if managed and (sim.params.mode == "neighbours" or len(voters) >= 2) and sim.params.managers == 1:
            assert broken(sim) == [], (which, seed)


@pytest.mark.parametrize("which", range(len(SETTINGS)))
def test_clocks_that_jump_make_no_agent_fail(which: int) -> None:
    for seed in range(3):
        sim = launch("auction", SETTINGS[which], seed)
        disturb(sim, 1000 + 100 * which + seed, clocks=True)
        sim.run(events=2000)
        assert not failures(sim), failures(sim)[0]


@pytest.mark.parametrize("which", range(len(SETTINGS)))
def test_a_run_taken_up_from_a_checkpoint_ends_the_same(which: int) -> None:
    for seed in range(2):
        straight = launch("auction", SETTINGS[which], seed)
        disturb(straight, 7 + seed)
        broken_off = launch("auction", SETTINGS[which], seed)
        disturb(broken_off, 7 + seed)
        saved = broken_off.checkpoint()
        broken_off.run(events=700)
        broken_off.restore(saved)
        straight.run(events=1500)
        broken_off.run(events=1500)
        assert straight.digest == broken_off.digest
        assert straight.metrics() == broken_off.metrics()
        fresh = launch("auction", SETTINGS[which], seed)
        fresh.restore(saved)
        fresh.run(events=1500)
        assert fresh.digest == straight.digest
