"""With at most f replicas that misbehave, in any way and with any faults besides, correct replicas never disagree."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

from engine.errors import CommandError
from engine.events import IN_FLIGHT
from engine.simulation import Simulation
from scenarios.launch import launch
from scenarios.pbft.client import Client
from scenarios.pbft.replica import Replica
from scenarios.pbft.scenario import Pbft

REPLICA_MODES = [one.name for one in Pbft.misbehaviours if one.name != "two-faced"]
QUIET = ("heal", "thaw *", "restart *", "loss 0%", "reorder 0%", "duplicate 0%", "slow * 1x")


def given(seed: int) -> dict[str, Any]:
    """Parameters drawn for a run full of trouble."""
    draw = random.Random(f"params {seed}")
    return {
        "f": draw.choice([1, 1, 1, 2]),
        "clients": draw.choice([1, 2, 4]),
        "requests": 0,
        "rate": draw.choice([1, 3]),
        "checkpoint_interval": draw.choice([0, 1, 3, 10]),
        "batch": draw.choice([1, 1, 4]),
        "authentication": draw.choice(["none", "mac", "mac", "signature"]),
        "timeout": draw.choice([0.5, 1.0]),
        "latency": draw.choice([0.01, 0.05]),
        "latency_model": draw.choice(["constant", "uniform", "lognormal"]),
        "loss": draw.choice([0, 0, 0.02, 0.1]),
    }


def fault(draw: random.Random, n: int, liars: list[int]) -> str:
    """A command that makes trouble, or ends some."""
    who = f"r{draw.randrange(n)}"
    half = draw.sample(range(n), n // 2)
    rest = [number for number in range(n) if number not in half]
    sides = " | ".join(",".join(f"r{number}" for number in side) for side in (half, rest))
    kinds = {
        f"crash {who}": 15,
        "restart *": 20,
        f"partition {sides}": 10,
        "heal": 15,
        f"byzantine r{draw.choice(liars)} {draw.choice(REPLICA_MODES)}": 5,
        "byzantine c-1 two-faced": 2,
        f"freeze {who}": 5,
        "thaw *": 10,
        f"skew {who} +{draw.choice([5, 50])}%": 3,
        f"slow {who} {draw.choice([1, 3])}x": 5,
        "duplicate 20%": 3,
        "reorder 30%": 3,
        f"join {draw.choice(['replica', 'client'])}": 2,
        "loss 20%": 3,
        "loss 0%": 3,
    }
    return draw.choices(list(kinds), list(kinds.values()))[0]


def attempt(sim: Simulation, command: str) -> None:
    with contextlib.suppress(CommandError):
        sim.apply(command)


def in_trouble(seed: int, steps: int = 20) -> Simulation:
    """A run with f liars and whatever else happens, before it quietens down."""
    params = given(seed)
    draw = random.Random(f"faults {seed}")
    sim = launch("pbft", params, seed)
    n = 3 * params["f"] + 1
    liars = draw.sample(range(n), params["f"])
    for liar in liars:
        sim.apply(f"byzantine r{liar} {draw.choice(REPLICA_MODES)}")
    for _ in range(steps):
        sim.run(until=sim.seconds + draw.choice([0.2, 0.7, 1.5, 3.0]))
        attempt(sim, fault(draw, n, liars))
    return sim


def problems(sim: Simulation, quiet: float = 30.0) -> list[str]:
    """What is wrong with a run in trouble, and after it quietens down."""
    believes_anybody = sim.params.authentication == "none" and any("forger" in text for text in sim.commands)
    for command in QUIET:
        attempt(sim, command)
    clients = [one for one in sim.agents if isinstance(one, Client) and not one.tainted and one.pending is not None]
    before = [one.answered for one in clients]
    sim.run(until=sim.seconds + quiet)
    found = [note.data["traceback"] for note in sim.trace.notes if note.kind == "failed"]
    found += [f"{name}: {one.detail}" for name, one in sim.invariants_kept.broken.items() if name != "validity"]
    if not believes_anybody:
        found += [one.detail for name, one in sim.invariants_kept.broken.items() if name == "validity"]
        late = [one.name for one, many in zip(clients, before, strict=True) if one.answered == many]
        found += [f"{name} was not answered" for name in late]
    return found


@pytest.mark.parametrize("seed", range(12))
def test_correct_replicas_never_disagree_and_go_on_when_it_is_quiet(seed: int) -> None:
    assert problems(in_trouble(seed)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_nor_do_they_in_many_more_runs(seed: int) -> None:
    assert problems(in_trouble(seed)) == []


STRANGE = (-1, 0, 1, 2, 3, 7, 100, 10**9, 10**20)


def meddle(sim: Simulation, draw: random.Random) -> None:
    """Change, lose, double or hurry one message on its way."""
    flying = [event for event in sim.calendar if event[4] in IN_FLIGHT]
    if not flying:
        return
    event = draw.choice(flying)
    message = f"m{event[1]}"
    fields = [name for name in event[5].__struct_fields__ if type(getattr(event[5], name)) is int]
    if draw.random() < 0.7 and fields:
        attempt(sim, f"edit {message} {draw.choice(fields)}={draw.choice(STRANGE)}")
    else:
        attempt(sim, f"{draw.choice(['drop', 'deliver', 'duplicate'])} {message}")


@pytest.mark.parametrize("authentication", ["none", "mac"])
@pytest.mark.parametrize("seed", range(4))
def test_no_message_whatever_its_numbers_makes_an_agent_fail(seed: int, authentication: str) -> None:
    draw = random.Random(f"messages {seed}")
    sim = launch("pbft", {"requests": 0, "rate": 4, "authentication": authentication, "checkpoint_interval": 5}, seed)
    sim.apply(f"byzantine r{draw.randrange(4)} {draw.choice(REPLICA_MODES)}")
    for _ in range(150):
        sim.run(until=sim.seconds + 0.1 * draw.random())
        meddle(sim, draw)
        if draw.random() < 0.05:
            attempt(sim, fault(draw, 4, [0]))
    assert not [note.data["traceback"] for note in sim.trace.notes if note.kind == "failed"]
    if authentication == "mac":
        assert sim.metrics()["rejected_messages"] > 10
    sim.scenario.stage(sim)


def states(sim: Simulation) -> list[dict[str, str]]:
    """All that the agents know, as text."""
    return [
        {name: str(vars(value) if hasattr(value, "__dict__") else value) for name, value in one.state().items()}
        | ({"ledger": one.ledger.digest().hex()} if isinstance(one, Replica) else {})
        for one in sim.agents
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_run_in_trouble_goes_on_alike_from_a_checkpoint(seed: int) -> None:
    sim = in_trouble(seed, steps=12)
    checkpoint = sim.checkpoint()
    sim.run(until=sim.seconds + 5)
    again = launch("pbft", given(seed), seed)
    again.restore(checkpoint)
    again.run(until=sim.seconds)
    assert again.digest == sim.digest
    assert again.metrics() == sim.metrics()
    assert states(again) == states(sim)
