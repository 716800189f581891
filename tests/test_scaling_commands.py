"""The commands of scaling, as text and as what they do; factors and fixed words in the command language."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine import commands as c
from engine.errors import CommandError, StateError
from engine.grammar import complete, parse
from engine.simulation import Simulation
from scenarios.launch import launch
from scenarios.scaling import measures
from scenarios.scaling.params import POLICIES
from scenarios.scaling.scenario import Scaling
from tests.engine_fixtures import theatre

OWN = {spec.name: spec for spec in Scaling.commands}


def run(**params: Any) -> Simulation:
    sim = launch("scaling", {"arrivals": "poisson", "arrival_rate": 4.0, "workers": 6, **params}, 1)
    sim.run(until=5)
    return sim


# --- the language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("spike x3 for 20s", (3000, "for", 20_000_000)),
        ("spike x1.5 for 250ms", (1500, "for", 250_000)),
        ("spike x0.001 for 1s", (1, "for", 1_000_000)),
        ("kill 2", (2,)),
        ("policy queue-length", ("queue-length",)),
    ],
)
def test_each_is_read_and_printed_alike(text: str, values: tuple[Any, ...]) -> None:
    timed = parse(text, OWN)
    assert timed is not None and isinstance(timed.command, c.Own)
    assert timed.command.values == values
    assert str(timed) == text
    assert parse(str(timed), OWN) == timed
    assert msgspec.json.decode(msgspec.json.encode(timed), type=c.Timed) == timed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spike", r"column 6: expected FACTOR \(a factor above 0 such as x3 or x1.5.*\), found the end"),
        ("spike 3 for 20s", "column 7: expected FACTOR"),
        ("spike x0 for 20s", "column 7: expected FACTOR"),
        ("spike x1.2345 for 20s", "column 7: expected FACTOR"),
        ("spike x3", "column 9: expected 'for', found the end of the line"),
        ("spike x3 during 20s", "column 10: expected 'for', found 'during'"),
        ("spike x3 for", "column 13: expected TIME"),
        ("spike x3 for 20s more", "column 18: expected the end of the command"),
        ("policy magic", r"column 8: expected NAME \(fixed, target-utilisation, .*\), found 'magic'"),
        ("kill some", "column 6: expected COUNT"),
    ],
)
def test_what_is_not_right_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        parse(text, OWN)


def test_what_may_come_next_is_offered() -> None:
    assert complete("policy ", OWN) == list(POLICIES)
    assert complete("policy q", OWN) == ["queue-length"]
    assert complete("spike x3 ", OWN) == ["for"]
    assert complete("spi", OWN) == ["spike"]


def test_help_shows_them_as_they_are_written() -> None:
    assert OWN["spike"].syntax == "spike FACTOR for TIME"
    assert OWN["policy"].syntax == "policy NAME"
    for spec in Scaling.commands:
        assert str(parse(spec.example, OWN)) == spec.example


# --- what they do ---------------------------------------------------------------------------------


def test_a_spike_brings_more_tasks_for_a_while() -> None:
    sim = run(arrival_rate=20.0, policy="fixed", workers=100, horizon=200)
    root = measures.coordinator(sim)
    before = root.arrived
    sim.apply("spike x3 for 10s")
    sim.run(until=15)
    during = root.arrived - before
    sim.run(until=25)
    after = root.arrived - before - during
    assert 500 < during < 700
    assert 140 < after < 260


def test_a_spike_multiplies_the_tasks_of_a_trace() -> None:
    sim = launch("scaling", {"arrivals": "trace", "policy": "fixed", "workers": 50}, 1)
    sim.apply("spike x3 for 1s")
    sim.run(until=0.99)
    assert measures.coordinator(sim).arrived == 6


def test_a_spike_needs_a_coordinator_and_an_open_door() -> None:
    sim = run(horizon=5)
    sim.run(until=6)
    with pytest.raises(CommandError, match="no more tasks come in this run"):
        sim.apply("spike x3 for 20s")
    sim = run()
    sim.apply("crash coordinator")
    with pytest.raises(CommandError, match="the coordinator is down"):
        sim.apply("spike x3 for 20s")


def test_kill_crashes_so_many_workers() -> None:
    sim = run(policy="fixed")
    sim.apply("kill 2")
    down = [one.name for one in measures.workers(sim) if not sim.lifecycle.is_alive(one.id)]
    assert len(down) == 2
    sim.apply("kill 1")
    assert sum(not sim.lifecycle.is_alive(one.id) for one in measures.workers(sim)) == 3
    for wrong, message in (("kill 4", "only 3 are up"), ("kill 0", "at least 1 worker"), ("kill -1", "at least 1")):
        with pytest.raises(CommandError, match=message):
            sim.apply(wrong)
    assert sum(not sim.lifecycle.is_alive(one.id) for one in measures.workers(sim)) == 3


def test_two_seeds_kill_others() -> None:
    def killed(seed: int) -> list[int]:
        sim = launch("scaling", {"workers": 20, "policy": "fixed"}, seed)
        sim.run(until=1)
        sim.apply("kill 5")
        return [one.id for one in measures.workers(sim) if not sim.lifecycle.is_alive(one.id)]

    assert killed(1) == killed(1) != killed(2)


@pytest.mark.parametrize("teams", [1, 2])
def test_policy_changes_who_decides(teams: int) -> None:
    sim = run(teams=teams)
    sim.apply("policy fixed")
    wanted = sim.metrics()["workers_wanted"]
    sim.apply("spike x10 for 10s")
    sim.run(until=15)
    assert sim.metrics()["workers_wanted"] == wanted
    sim.apply("policy queue-length")
    sim.run(until=20)
    assert sim.metrics()["workers_wanted"] > wanted
    assert "policy queue-length" in sim.commands[-1]


# --- starting and leaving, by an agent's own doing ------------------------------------------------


def test_an_agent_starts_another_one_and_leaves() -> None:
    sim = theatre()
    ctx = sim.agent(0).ctx
    new = ctx.spawn("extra", fame=7)
    assert sim.names[new] == "x-4"
    assert vars(sim.agent(new))["fame"] == 7
    sim.run(until=0.01)
    assert vars(sim.agent(new))["log"][0][1] == "start"
    assert [note.kind for note in sim.trace.notes] == ["join"]
    sim.agent(new).ctx.set_timer("never", 1000)
    sim.agent(new).ctx.retire()
    sim.agent(new).ctx.retire()
    assert sim.present() == [0, 1, 2]
    assert [note.kind for note in sim.trace.notes] == ["join", "leave"]
    checkpoint = sim.checkpoint()
    other = theatre()
    other.restore(checkpoint)
    assert other.digest == sim.digest
    assert vars(other.agent(new))["fame"] == 7


def test_a_new_agent_takes_only_what_its_class_knows() -> None:
    sim = theatre()
    with pytest.raises(StateError, match="p-1 starts a Puppet with 'wings', which is no attribute of it"):
        sim.agent(0).ctx.spawn("extra", wings=2)
    with pytest.raises(StateError, match="'rng'"):
        sim.agent(0).ctx.spawn("extra", rng=2)


def test_the_last_agent_stays() -> None:
    sim = theatre(2)
    sim.agent(0).ctx.retire()
    sim.agent(1).ctx.retire()
    assert sim.present() == [1]
