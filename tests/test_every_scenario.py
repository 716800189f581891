"""What holds of every scenario that comes with Swarmscope: what it says of itself, and how it bears what users do."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from app.output import as_json, description, outcome
from engine.errors import CommandError
from engine.events import NOBODY
from engine.framing import Framer
from engine.landmarks import GLYPHS
from engine.params import specs
from engine.scenario import Experiment, Scenario
from engine.simulation import Simulation
from engine.streams import Stream
from engine.topology import TOPOLOGIES
from engine.trace import Note
from engine.views import Chain, Landmark
from scenarios.launch import launch, launch_sides, read_script
from scenarios.pair import Pair
from scenarios.registry import find, names
from widgets.composing import compose
from widgets.text import cells, line_cells

NAMES = names()
SINGLE = tuple(name for name in NAMES if not issubclass(find(name), Pair))
each = pytest.mark.parametrize("name", NAMES)
each_single = pytest.mark.parametrize("name", SINGLE)
EXPERIMENTS = [(name, one) for name in SINGLE for one in find(name).experiments]

COMMON = {"topology", "latency", "latency_model", "loss"}
PARAMETERS = {
    "auction": "mode contractors managers tasks rule bids lease",
    "pow": "miners interval mining bits retarget blocks relay transactions attacker attacker_share gamma confirmations",
    "pbft": "f clients requests rate checkpoint_interval batch authentication timeout",
    "scaling": "workers min_workers max_workers arrivals arrival_rate service service_rate policy routing target "
    "startup horizon",
}
METRICS = {
    "auction": "tasks_announced tasks_done tasks_reawarded tasks_expired messages_per_task revenue_mean efficiency "
    "utilisation wait_mean",
    "pow": "blocks_mined height stale_rate heights_forked reorgs max_reorg_depth mean_block_interval difficulty "
    "propagation_p50 propagation_p90 tx_confirmed tx_pending hashes revenue_share double_spends_tried "
    "double_spends_won attacker_revenue",
    "pbft": "requests committed messages_per_request view view_changes commit_latency_p50 commit_latency_p95 "
    "throughput checkpoint_height rejected_messages",
    "scaling": "arrived done lost retried shed workers workers_wanted utilisation queue wait_mean wait_probability "
    "time_in_system_mean latency_p50 latency_p95 latency_p99 cost scalings",
}
CHOICES = {
    ("auction", "mode"): "contract-net single-item neighbours",
    ("auction", "rule"): "first-price second-price english",
    ("auction", "bids"): "truthful equilibrium shaded adaptive",
    ("pow", "mining"): "real sampled",
    ("pow", "relay"): "inventory direct",
    ("pow", "attacker"): "none selfish double-spend",
    ("pbft", "authentication"): "none mac signature",
    ("scaling", "arrivals"): "poisson spike diurnal trace",
    ("scaling", "service"): "exponential uniform deterministic pareto",
    ("scaling", "policy"): "fixed target-utilisation queue-length predictive budget",
    ("scaling", "routing"): "central random round-robin least-loaded two-choices weighted",
}
SMALLEST: dict[str, dict[str, Any]] = {
    "gossip": {"agents": 2},
    "auction": {"contractors": 1, "managers": 1, "tasks": 1},
    "pow": {"miners": 2},
    "pbft": {"f": 1, "clients": 1},
    "scaling": {"workers": 1, "min_workers": 1, "max_workers": 1},
}
HUNDREDFOLD: dict[str, dict[str, Any]] = {
    "gossip": {"agents": 4000},
    "auction": {"contractors": 800},
    "pow": {"miners": 800, "mining": "sampled", "topology": "small-world"},
    "pbft": {"f": 100, "requests": 1, "authentication": "none"},
    "scaling": {"workers": 400, "max_workers": 1000, "arrival_rate": 300},
}
AWHILE = {"gossip": 5.0, "auction": 20.0, "pow": 60.0, "pbft": 5.0, "scaling": 30.0}
BRIEFLY = {"gossip": 2.0, "auction": 5.0, "pow": 20.0, "pbft": 30.0, "scaling": 5.0}


def kinds_of_notes(sim: Simulation) -> set[str]:
    return {note.kind for note in sim.trace.notes}


def played(name: str, seed: int = 1, until: float | None = None, **params: Any) -> Simulation:
    sim = launch(name, params, seed, record=True)
    sim.run(until=AWHILE[name] if until is None else until)
    return sim


def broken(sim: Simulation) -> list[str]:
    return [
        f"{one['name']}: {one['detail']}" for one in sim.invariants() if one["kind"] == "safety" and not one["holds"]
    ]


# --- what it says of itself -----------------------------------------------------------------------


@each
def test_it_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    kind = find(name)
    assert kind.name == name
    assert kind.title and kind.family != Scenario.family
    assert len(kind.teaches) > 60
    assert kind.sources
    assert as_json(description(kind))


@pytest.mark.parametrize("name", PARAMETERS)
def test_its_parameters_have_the_names_that_scripts_rely_on(name: str) -> None:
    known = {spec.name for spec in specs(find(name).Params)}
    assert known >= {*PARAMETERS[name].split(), *COMMON}


@pytest.mark.parametrize(("name", "parameter"), CHOICES)
def test_choices_have_the_names_that_scripts_rely_on(name: str, parameter: str) -> None:
    spec = next(spec for spec in specs(find(name).Params) if spec.name == parameter)
    assert set(spec.choices) == set(CHOICES[name, parameter].split())


@pytest.mark.parametrize("name", METRICS)
def test_its_metrics_have_the_names_that_scripts_rely_on(name: str) -> None:
    declared = [spec.name for spec in find(name).metrics]
    assert declared[: len(METRICS[name].split())] == METRICS[name].split() or set(declared) >= set(
        METRICS[name].split()
    )
    measured = json.loads(as_json(outcome(played(name))))["metrics"]
    assert list(measured) == declared


@each_single
def test_every_parameter_metric_and_invariant_is_explained(name: str) -> None:
    kind = find(name)
    assert all(spec.help for spec in specs(kind.Params))
    assert all(spec.help for spec in kind.metrics)
    assert all(spec.help for spec in kind.invariants)
    assert {spec.kind for spec in kind.invariants} == {"safety", "liveness"}
    assert kind.misbehaviours and all(one.help for one in kind.misbehaviours)
    assert kind.commands and all(one.help and one.example for one in kind.commands)
    for command in kind.commands:
        assert read_script(command.example, kind)


@each
def test_there_are_experiments_to_try(name: str) -> None:
    kind = find(name)
    assert len(kind.experiments) >= (1 if issubclass(kind, Pair) else 3)
    assert len({one.name for one in kind.experiments}) == len(kind.experiments)


@pytest.mark.parametrize(("name", "one"), EXPERIMENTS, ids=lambda value: getattr(value, "name", value))
def test_an_experiment_can_be_started_as_it_is_written(name: str, one: Experiment) -> None:
    kind = find(name)
    assert one.title
    assert one.watch.endswith(".") and len(one.watch) > 80
    assert one.params.keys() <= {spec.name for spec in specs(kind.Params)}
    assert all(timed.at is not None for timed in read_script(one.script, kind))
    launch(name, one.params, 1, one.script)


# --- how it runs ----------------------------------------------------------------------------------


@each_single
def test_it_is_interesting_from_the_start(name: str) -> None:
    """Within ten seconds of watching, something is told and something is on the stage."""
    sim = launch(name, {}, 1, record=True)
    sim.run(until=10 * sim.scenario.pace)
    framer = Framer(sim)
    assert len(framer.narration()) >= 2
    assert any(getattr(part, "title", "") for part in framer.stage().parts)
    assert not broken(sim)


@each_single
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_it_runs_on_every_topology(name: str, topology: str) -> None:
    enough = {"workers": 8} if name == "scaling" else {}  # some topologies need more agents than its few at the start
    sim = played(name, topology=topology, until=BRIEFLY[name], **enough)
    assert sim.events
    assert "failed" not in kinds_of_notes(sim)
    assert not broken(sim)


@each_single
def test_it_runs_at_its_smallest(name: str) -> None:
    sim = played(name, **SMALLEST[name])
    assert "failed" not in kinds_of_notes(sim)
    assert not broken(sim)
    Framer(sim).frame()


@each_single
@pytest.mark.slow
def test_it_runs_at_a_hundred_times_its_usual_size(name: str) -> None:
    sim = played(name, until=BRIEFLY[name], **HUNDREDFOLD[name])
    assert sim.events > 1000
    assert "failed" not in kinds_of_notes(sim)
    assert not broken(sim)
    Framer(sim).frame()


@each_single
def test_going_back_and_on_again_leads_to_the_same_digest(name: str) -> None:
    sim = launch(name, {}, 5, record=True)
    sim.run(until=AWHILE[name] / 3)
    checkpoint = sim.checkpoint()
    pickle.loads(checkpoint.data)
    sim.run(until=AWHILE[name])
    digest, metrics = sim.digest, as_json(sim.metrics())
    sim.restore(checkpoint)
    sim.run(until=AWHILE[name])
    assert (sim.digest, as_json(sim.metrics())) == (digest, metrics)
    assert launch(name, {}, 6).digest != digest


@each_single
def test_looking_changes_nothing(name: str) -> None:
    watched, alone = (launch(name, {}, 4, record=True) for _ in range(2))
    framer = Framer(watched)
    for step in range(1, 9):
        watched.run(until=AWHILE[name] * step / 8)
        framer.frame()
        for agent in watched.present():
            framer.inspect(agent)
    alone.run(until=AWHILE[name])
    assert watched.digest == alone.digest
    assert as_json(watched.metrics()) == as_json(alone.metrics())


@each_single
@pytest.mark.parametrize("seed", range(3))
def test_no_command_at_any_time_makes_an_agent_fail(name: str, seed: int) -> None:
    sim = launch(name, {}, seed, record=True)
    draws = Stream(seed, "test")
    framer = Framer(sim)
    modes = [one.name for one in sim.scenario.misbehaviours]
    for step in range(1, 25):
        sim.run(until=AWHILE[name] * step / 24)
        agent = sim.names[draws.choice(sim.present())]
        text = draws.choice(
            [
                f"crash {agent}", "restart *", f"freeze {agent}", "thaw *", "partition 50% | 50%", "heal", "join 1",
                f"slow {agent} x3", f"skew {agent} +200ms", "loss 20%", "loss 0%", f"leave {agent}", "duplicate 10%",
                f"byzantine {agent} {draws.choice(modes)}", f"byzantine {agent} honest", "reorder 10%",
            ]
        )  # fmt: skip
        try:
            sim.apply(text)
        except CommandError as error:
            assert error.message
        framer.frame()
    failed = [str(note.data) for note in sim.trace.notes if note.kind == "failed"]
    assert not failed, failed[0]


# --- what is worth going back to ------------------------------------------------------------------


def landmarks(sim: Simulation, until: float) -> list[Landmark]:
    """The scenario's own landmarks, of a run in parts so small that no note is forgotten in between."""
    found: list[Landmark] = []
    serial, parts = 0, 100
    for part in range(1, parts + 1):
        sim.run(until=until * part / parts)
        new = [note for note in sim.trace.notes if note.serial > serial]
        assert not new or new[0].serial == serial + 1
        serial += len(new)
        found += [mark for note in new if (mark := sim.scenario.landmark(sim, note)) is not None]
    return found


@each_single
def test_some_moments_are_worth_going_back_to_and_not_too_many(name: str) -> None:
    sim = launch(name, {}, 1, "at 3s crash 1\nat 9s restart *", record=True)
    found = landmarks(sim, min(sim.scenario.horizon, 1000.0))
    assert {"crash", "restart"} <= kinds_of_notes(sim)
    assert 1 <= len(found) <= 60
    assert [mark.index for mark in found] == sorted(mark.index for mark in found)
    for mark in found:
        assert cells(mark.glyph) == 1 and mark.glyph.isprintable() and mark.glyph.strip()
        assert 0 < len(mark.text) <= 40
        assert mark.kind and mark.kind not in GLYPHS, "the engine's own landmarks are not the scenario's"


@each_single
def test_notes_of_the_engine_are_left_to_the_engine(name: str) -> None:
    sim = launch(name, {}, 1)
    for kind in (*GLYPHS, "refused"):
        assert sim.scenario.landmark(sim, Note(1, 1, 1, NOBODY, kind, {"text": "some words"})) is None


# --- what is shown --------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("size", [(28, 6), (78, 18), (118, 9), (198, 24)])
def test_the_stage_fits_any_pane(name: str, size: tuple[int, int]) -> None:
    kind = find(name)
    sims: tuple[Simulation, ...]
    if issubclass(kind, Pair):
        _, *sides = launch_sides(kind, {}, 2)
        sims = tuple(sides)
    else:
        sims = (launch(name, {}, 2, record=True),)
    for sim in sims:
        framer = Framer(sim)
        for moment in (0.0, 0.2, 1.0):
            sim.run(until=kind.still * (1 + moment) if moment else 0.0)
            picture = compose(framer.stage().parts, *size)
            assert len(picture.lines) == size[1]
            assert all(line_cells(one) <= size[0] for one in picture.lines)


@each_single
def test_what_stands_on_the_stage_can_be_looked_into(name: str) -> None:
    sim = played(name)
    items = compose(Framer(sim).stage().parts, 118, 30).items
    if name == "gossip":
        assert not items
        return
    assert items
    for item in items[:10]:
        words = sim.scenario.detail(sim, item.key)
        assert words is not None, item.key
        assert words.title and words.lines
    assert sim.scenario.detail(sim, "no such thing") is None


@pytest.mark.parametrize("name", ["pow", "pbft"])
def test_the_fork_view_is_consistent(name: str) -> None:
    """Every block has its parent in the view, or lies at its lowest height; the canonical blocks are a chain."""
    part = next(one for one in Framer(played(name)).stage().parts if isinstance(one, Chain))
    blocks = {block.id: block for block in part.blocks}
    assert len(blocks) == len(part.blocks) > 2
    lowest = min(block.height for block in part.blocks)
    assert [block.height for block in part.blocks] == sorted(block.height for block in part.blocks)
    for block in part.blocks:
        if block.status != "orphan" and block.height > lowest:
            assert blocks[block.parent].height == block.height - 1
    canonical = [block for block in part.blocks if block.status == "canonical"]
    assert [block.height for block in canonical] == list(range(lowest, lowest + len(canonical)))
    assert {tip.block for tip in part.tips} <= set(blocks)
