"""What is shown of gossip: the matrix, the plot and its theory, the figures, the rows, and the story."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.framing import Framer
from engine.simulation import Simulation
from engine.views import Curve, Matrix, MetricView, Plot, StageView
from scenarios.gossip import theory
from scenarios.gossip.scenario import Gossip
from scenarios.launch import launch


def watch(until: float, script: str = "", seed: int = 1, **params: Any) -> tuple[Simulation, Framer]:
    """A run that somebody watches."""
    sim = launch("gossip", params, seed, script)
    sim.record = True
    sim.run(until=until)
    return sim, Framer(sim)


def parts(sim: Simulation) -> tuple[Matrix, Plot]:
    stage = sim.scenario.stage(sim)
    assert isinstance(stage, StageView)
    matrix, plot = stage.parts
    assert isinstance(matrix, Matrix) and isinstance(plot, Plot)
    return matrix, plot


def glyphs(matrix: Matrix, name: str) -> str:
    row = matrix.cells[matrix.rows.index(name)]
    return "".join(matrix.legend[cell].glyph for cell in row)


def theory_of(sim: Simulation) -> Curve | None:
    return next((curve for curve in parts(sim)[1].curves if curve.theory), None)


def figures(sim: Simulation) -> dict[str, MetricView]:
    return {view.name: view for view in sim.scenario.metric_views(sim)}


def expected(sim: Simulation) -> dict[str, str]:
    return {name: view.theory for name, view in figures(sim).items() if view.theory}


# --- who knows what -------------------------------------------------------------------------------


def test_the_matrix_says_who_knows_what() -> None:
    sim, _ = watch(6, "at 5s crash a-03\nat 5.5s freeze a-02,a-04,a-05,a-06\nat 5.6s rumour a-01 news", agents=6)
    matrix, _ = parts(sim)
    assert matrix.columns == ("f1", "f2")
    assert matrix.rows == ("a-01", "a-02", "a-03", "a-04", "a-05", "a-06")
    assert [glyphs(matrix, name) for name in matrix.rows] == ["■■", "■□", "✕✕", "■□", "■□", "■□"]
    assert matrix.column_notes == ("100%", "20%")
    assert matrix.row_ids == tuple(range(6))


def test_an_older_version_is_another_one() -> None:
    sim, _ = watch(6, "at 5s freeze a-02\nat 5s update a-01 f1 news", agents=4)
    matrix, _ = parts(sim)
    assert glyphs(matrix, "a-02") == "◪"
    assert glyphs(matrix, "a-01") == "■"


def test_a_rumour_that_is_spread_looks_different_from_one_that_is_known() -> None:
    sim, _ = watch(0.0, agents=4, protocol="rumour")
    assert glyphs(parts(sim)[0], "a-01") == "▣"
    sim.run(until=40)
    assert glyphs(parts(sim)[0], "a-01") == "■"
    meanings = [cell.meaning for cell in parts(sim)[0].legend]
    assert len(set(meanings)) == len(meanings) == 5


def test_made_up_facts_have_a_column() -> None:
    sim, _ = watch(10, "at 2s byzantine a-03 fabricator", agents=5)
    matrix, _ = parts(sim)
    assert matrix.columns == ("f1", "lie of a-03")
    assert matrix.column_notes == ("100%", "100%")


def test_a_column_says_100_percent_only_when_all_know() -> None:
    sim, _ = watch(0.0, agents=300, mode="push", seed=2)
    while sim.metrics()["coverage"] < 1.0:
        assert parts(sim)[0].column_notes != ("100%",)
        sim.run(events=100)
    assert parts(sim)[0].column_notes == ("100%",)


def test_the_newest_facts_are_shown() -> None:
    sim, _ = watch(1, agents=5, rumours=12)
    matrix, plot = parts(sim)
    assert matrix.columns == tuple(f"f{number}" for number in range(5, 13))
    assert [curve.label for curve in plot.curves if not curve.theory] == ["f10", "f11", "f12"]


# --- the plot and its theory ----------------------------------------------------------------------


def test_the_curve_ends_where_the_share_stands() -> None:
    sim, _ = watch(20, agents=30)
    _, plot = parts(sim)
    curve = plot.curves[0]
    assert curve.label == "f1" and curve.ys[0] == pytest.approx(1 / 30) and curve.ys[-1] == 1.0
    assert len(curve.xs) == len(curve.ys)
    assert plot.x_range is not None and plot.x_range[0] == 0.0
    assert plot.x_range[1] < 12, "nothing happens any more, so the picture stays"
    assert curve.xs[-1] == pytest.approx(plot.x_range[1], abs=0.1)


def test_theory_starts_when_the_fact_does() -> None:
    sim, _ = watch(30, "at 20s rumour a-01 news", agents=30, timing="poisson")
    curve = theory_of(sim)
    assert curve is not None
    assert curve.xs[0] == 20.0 and curve.ys[0] == pytest.approx(1 / 30)
    _, plot = parts(sim)
    assert plot.x_range is not None and plot.x_range[0] < 20 < plot.x_range[1]


@pytest.mark.parametrize("told", [4.0, 4.5])
def test_in_rounds_theory_starts_with_the_first_round_after_it(told: float) -> None:
    sim, _ = watch(12, f"at {told}s rumour a-01 news", agents=30, timing="rounds")
    curve = theory_of(sim)
    assert curve is not None
    assert curve.xs[:2] == (math.ceil(told), math.ceil(told) + 1.0)
    assert curve.ys[:4] == theory.rounds_curve(30, "push-pull", 1, 0.0, 4)


def test_in_a_partition_theory_expects_only_those_whom_the_teller_reaches() -> None:
    script = "at 5s partition a-0* | a-1*,a-2*\nat 6s rumour a-01 news\nat 6.5s crash a-2*"
    sim, _ = watch(20, script, agents=24)
    curve = theory_of(sim)
    assert curve is not None
    assert curve.ys[0] == pytest.approx(1 / 24)
    assert curve.ys[-1] == pytest.approx(9 / 24, abs=0.01)


def test_agents_that_are_down_when_it_starts_do_not_count() -> None:
    sim, _ = watch(20, "at 5s crash a-1*\nat 6s rumour a-01 news\nat 8s restart a-1*", agents=19, timing="poisson")
    curve = theory_of(sim)
    assert curve is not None
    assert curve.ys[0] == pytest.approx(1 / 9) and curve.ys[-1] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("params", "label"),
    [
        ({"timing": "rounds"}, "theory"),
        ({"timing": "poisson"}, "theory"),
        ({"timing": "periodic"}, "theory, Poisson calls"),
        ({"timing": "poisson", "topology": "ring"}, "theory, on a mesh"),
        ({"protocol": "rumour", "mode": "push"}, "theory, 1 − e^−traffic"),
    ],
)
def test_the_theory_says_what_it_is_for(params: dict[str, Any], label: str) -> None:
    sim, _ = watch(5, agents=20, **params)
    curve = theory_of(sim)
    assert curve is not None and curve.label == label


@pytest.mark.parametrize(
    "params",
    [
        {"timing": "rounds", "latency": 0.5},
        {"protocol": "rumour", "mode": "pull"},
        {"protocol": "rumour", "mode": "push", "topology": "ring"},
        {"rumours": 0},
    ],
)
def test_where_no_theory_fits_none_is_shown(params: dict[str, Any]) -> None:
    sim, _ = watch(5, agents=20, **params)
    assert theory_of(sim) is None
    assert expected(sim) == {}


def test_measured_spread_follows_theory() -> None:
    """From a tenth to nine tenths, since the first few take their time at random."""
    sim, _ = watch(15, agents=2000, timing="poisson", latency=0.3, latency_model="constant", seed=4)
    _, plot = parts(sim)
    measured, expected_curve = plot.curves

    def between(curve: Curve) -> float:
        at = [next(x for x, y in zip(curve.xs, curve.ys, strict=True) if y >= share) for share in (0.1, 0.9)]
        return at[1] - at[0]

    assert between(measured) == pytest.approx(between(expected_curve), rel=0.1)
    assert between(measured) > 1.15 * math.log(81) / 2, "without delays it would be quicker"


def test_a_pushed_rumour_follows_its_traffic_all_the_way() -> None:
    sim, _ = watch(40, agents=1000, protocol="rumour", mode="push", k=1, timing="rounds")
    measured, by_traffic = parts(sim)[1].curves
    assert by_traffic.xs[: len(measured.xs)] == measured.xs
    for y, told in zip(measured.ys, by_traffic.ys, strict=False):
        assert y == pytest.approx(told, abs=0.05)


# --- figures --------------------------------------------------------------------------------------


def test_theory_stands_beside_the_figures_that_it_is_for() -> None:
    assert expected(watch(3, agents=1000, timing="rounds")[0]) == {"rounds_to_all": "9.1"}
    assert expected(watch(3, agents=1000, timing="rounds", mode="push")[0]) == {"rounds_to_all": "18.0"}
    assert expected(watch(3, agents=50, timing="rounds", topology="ring")[0])["rounds_to_all"].endswith(" on a mesh")
    assert expected(watch(3, agents=1000, timing="poisson", latency=0, mode="pull")[0]) == {"time_to_all": "14.95"}
    assert expected(watch(3, agents=1000, timing="poisson")[0]) == {"time_to_all": "7.48 without delays"}
    assert expected(watch(3, agents=50)[0]) == {}, "no formula holds for regular calls"


def test_the_residue_is_held_against_the_traffic() -> None:
    sim, _ = watch(40, agents=1000, protocol="rumour", mode="push", k=1, timing="rounds")
    residue = figures(sim)["residue"]
    assert residue.theory == f"{100 * math.exp(-sim.metrics()['updates_per_agent']):.1f}%"
    assert len(residue.theory_series) == len(residue.series)
    assert residue.theory_series[0] == pytest.approx(1.0, abs=0.01)


def test_theory_of_one_fact_is_not_shown_for_two() -> None:
    sim, _ = watch(3, agents=20, timing="rounds", rumours=2)
    assert expected(sim) == {}
    one, _ = watch(3, agents=20, protocol="rumour", mode="push", rumours=2)
    assert expected(one) == {}


def test_every_figure_is_shown_with_help() -> None:
    sim, _ = watch(3, agents=20)
    assert list(figures(sim)) == [spec.name for spec in Gossip.metrics]
    assert all(view.help and view.value for view in figures(sim).values())
    assert figures(sim)["rounds_to_all"].value == "–"
    assert figures(sim)["coverage"].value.endswith("%")


# --- agents ---------------------------------------------------------------------------------------


def test_a_row_tells_what_the_agent_knows() -> None:
    _, framer = watch(20, "at 3s byzantine a-02 silent\nat 12s rumour a-01 news", agents=5)
    rows = {row.name: row for row in framer.agents().rows}
    cells = dict(zip([column.key for column in Gossip.columns], rows["a-03"].cells, strict=True))
    assert rows["a-03"].state == "knows"
    assert cells["facts"] == "2" and cells["hot"] == ""
    assert 12.0 <= float(cells["heard"].removesuffix("s")) < 20.0
    assert int(cells["known"]) >= 3
    doubts = {name: row.cells[4] for name, row in rows.items()}
    assert doubts["a-02"] == "4" and set(doubts.values()) == {"4", ""}


def test_the_state_of_a_rumour_monger() -> None:
    sim, framer = watch(0.0, agents=5, protocol="rumour")
    assert [framer.row(agent).state for agent in (0, 1)] == ["spreads", "not heard"]
    sim.run(until=60)
    assert framer.row(0).state == "lost interest"
    assert watch(1.0, agents=5, rumours=0)[1].row(0).state == ""


def test_the_network_shows_who_has_heard() -> None:
    _, framer = watch(0.0, agents=5)
    assert [node.tone for node in framer.network().nodes] == ["accent", "dim", "dim", "dim", "dim"]
    assert watch(0.0, agents=5, rumours=0)[1].network().nodes[0].tone == "dim"


def test_the_inspector_shows_plain_data() -> None:
    _, framer = watch(5.0, agents=5)
    state = framer.inspect(2).state
    assert {"facts", "learned", "reputation", "view", "capability"} <= state.keys()
    assert all(not key.startswith("_") for key in state)


# --- the story ------------------------------------------------------------------------------------


def story(sim: Simulation, framer: Framer) -> list[str]:
    return [line.text for line in framer.narration()]


def test_the_story_of_a_fact() -> None:
    sim, framer = watch(20, agents=40)
    told = story(sim, framer)
    assert told[0] == "a-01 has news, f1: “the ferry leaves at noon”."
    assert told[1] == "A quarter of the agents, 10 of 40, know f1."
    assert told[2] == "Half of the agents, 20 of 40, know f1."
    assert told[3] == "Nine in ten of the agents, 36 of 40, know f1."
    last = max((agent for agent in sim.agents), key=lambda agent: agent.learned["f1"])  # type: ignore[attr-defined]
    assert told[4].startswith(f"{last.name} is the last to hear of f1: everybody knows, ")
    assert len(told) == 5


FAULTS = (
    "at 3s crash a-0[2-5]\nat 4s join 2\nat 6s restart *\nat 7s byzantine a-07 liar\nat 8s update a-01 f1 news\n"
    "at 9s leave a-09\nat 10s byzantine a-08 silent\nat 12s partition a-0* | a-1*\nat 14s rumour a-01 more\nat 20s heal"
)


@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
@pytest.mark.parametrize("timing", ["rounds", "periodic"])
def test_the_story_does_not_depend_on_how_often_it_is_asked_for(timing: str, protocol: str) -> None:
    params: dict[str, Any] = {"agents": 16, "timing": timing, "protocol": protocol}
    sim, framer = watch(40, FAULTS, **params)
    at_once = story(sim, framer)
    again, other = watch(0.0, FAULTS, **params)
    while again.now < 40_000_000:
        again.run_to(40_000_000, 1)
        other.narration()
    assert story(again, other) == at_once
    assert len(at_once) > 15


def test_changes_newcomers_and_agreement_are_told() -> None:
    script = "at 8s update a-02 f1 changed\nat 12s join 1"
    sim, framer = watch(60, script, agents=10)
    told = story(sim, framer)
    assert "a-02 puts f1 anew, as version 2: “changed”." in told
    assert "All agents hold f1 in the same words now: “changed”." in told
    assert any("hears of somebody new, a-11, which offers to" in line for line in told)
    assert "a-11 knows f1 too: everybody knows again." in told
    assert "Half of the agents call a-11 by now, though nobody told them to." in told


def test_a_rumour_that_goes_cold_is_told_once() -> None:
    for mode, feedback, k in (("push", True, 1), ("push", False, 1), ("pull", True, 2)):
        for timing in ("rounds", "periodic"):
            sim, framer = watch(
                60, agents=60, protocol="rumour", mode=mode, feedback=feedback, k=k, timing=timing, removal="coin"
            )
            ends = [line for line in story(sim, framer) if line.startswith("Nobody spreads f1 any more; ")]
            left = round(60 * sim.metrics()["residue"])
            assert ends == [
                f"Nobody spreads f1 any more; {f'{left} of 60 agents never heard' if left else 'all have heard'}."
            ]


def test_distrust_is_told() -> None:
    sim, framer = watch(60, "at 1s byzantine a-04 silent", agents=8)
    told = story(sim, framer)
    assert any(line.endswith(" gets no answer from a-04, and passes it over from now on.") for line in told)
    assert "Half of the agents distrust a-04 by now, and pass it over." in told
    sim, framer = watch(60, "at 6s byzantine a-04 liar", agents=8)
    assert any(" contradict others, and passes it over from now on." in line for line in story(sim, framer))


# --- whatever happens -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "at 2s crash *",
        "at 2s leave a-0[1-5]\nat 2s crash a-06",
        "at 2s byzantine * silent\nat 3s byzantine * liar\nat 4s byzantine * fabricator",
        "at 1s loss 100%\nat 2s rumour a-02 x",
        FAULTS.replace("a-1*", "a-1[0-9]"),
    ],
)
@pytest.mark.parametrize("protocol", ["anti-entropy", "rumour"])
@pytest.mark.parametrize("rumours", [0, 1])
def test_every_pane_can_be_drawn_at_any_time(rumours: int, protocol: str, script: str) -> None:
    agents = 16 if "a-09" in script else 6
    if not rumours:
        script = "\n".join(line for line in script.splitlines() if "update" not in line)
    sim, framer = watch(0.0, script, agents=agents, rumours=rumours, protocol=protocol)
    for _ in range(12):
        frame = framer.frame()
        assert frame.stage is not None and frame.metrics is not None and frame.agents is not None
        matrix, plot = parts(sim)
        assert all(len(row) == len(matrix.columns) for row in matrix.cells)
        assert len(matrix.rows) == len(matrix.cells) == len(sim.present())
        for curve in plot.curves:
            assert len(curve.xs) == len(curve.ys)
            assert all(0.0 <= y <= 1.0 for y in curve.ys)
        sim.run(until=sim.seconds + 1.1)


def landmarks(sim: Simulation) -> list[tuple[str, str, str]]:
    found = [sim.scenario.landmark(sim, note) for note in sim.trace.notes]
    return [(mark.kind, mark.glyph, mark.text) for mark in found if mark is not None]


def test_a_rumour_leaves_a_landmark_at_its_start_its_half_and_its_end() -> None:
    sim, _ = watch(30, "at 6s join 5", agents=30)
    assert landmarks(sim) == [
        ("rumour", "♪", "a-01 tells f1"),
        ("half know", "◑", "half know f1"),
        ("all know", "◉", "everybody knows f1"),
    ]


def test_a_new_version_distrust_and_cold_rumours_are_landmarks() -> None:
    sim, _ = watch(30, "at 1s byzantine a-05 liar\nat 15s update a-01 f1 it is open", agents=30)
    found = landmarks(sim)
    assert ("rumour", "♪", "a-01 tells f1 anew, version 2") in found
    assert ("agreed", "◉", "all agree on f1, version 2") in found
    assert [kind for kind, _, _ in found].count("distrust") == 1
    sim, _ = watch(60, agents=200, protocol="rumour", mode="push", timing="rounds", k=1)
    kind, glyph, text = landmarks(sim)[-1]
    assert (kind, glyph) == ("cold", "∅") and text.startswith("nobody tells f1, ")
