"""What PBFT shows: the grid of phases, the chain, details, rows, figures and the story."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from engine.framing import Framer
from engine.simulation import Simulation
from engine.views import Chain, PhaseGrid, PhaseRow
from scenarios.launch import launch
from scenarios.pbft import measures
from scenarios.pbft import views as pbft_views


def play(until: float, seed: int = 1, script: str = "", **params: Any) -> Simulation:
    sim = launch("pbft", params, seed, script, record=True)
    sim.run(until=until)
    return sim


def story(sim: Simulation) -> list[str]:
    return [line.text for line in Framer(sim).narration()]


def row(sim: Simulation, name: str) -> PhaseRow:
    return next(one for one in pbft_views.grid(sim).rows if one.name == name)


def parts(sim: Simulation) -> tuple[PhaseGrid, Chain]:
    stage = sim.scenario.stage(sim)
    assert stage is not None
    grid, chain = stage.parts
    assert isinstance(grid, PhaseGrid) and isinstance(chain, Chain)
    return grid, chain


def is_consistent(chain: Chain) -> bool:
    """Each block's parent is there, or lies below all of them; blocks come by height."""
    heights = {block.id: block.height for block in chain.blocks}
    lowest = min(heights.values(), default=0)
    return (
        all(block.height == lowest or heights.get(block.parent) == block.height - 1 for block in chain.blocks)
        and all(one.height <= other.height for one, other in pairwise(chain.blocks))
        and all(tip.block in heights for tip in chain.tips)
    )


# --- the grid -------------------------------------------------------------------------------------


def test_cells_fill_and_never_empty_within_a_view() -> None:
    sim = launch("pbft", {"requests": 3, "checkpoint_interval": 0}, 2)
    before: dict[tuple[str, str, int], int] = {}
    while sim.step():
        grid = pbft_views.grid(sim)
        for one in grid.rows:
            for request, cells in zip(grid.requests, one.cells, strict=True):
                assert len(cells) == len(grid.phases)
                for phase, cell in enumerate(cells):
                    if cell is not None:
                        assert 0 <= cell.have <= cell.need
                        key = (one.name, request, phase)
                        assert cell.have >= before.get(key, 0)
                        before[key] = cell.have
        if sim.over:
            break
    assert before["r1", "seq 3", 0] == before["r1", "seq 3", 3] == 1
    assert before["r1", "seq 3", 1] == before["r1", "seq 3", 2] == 3


def test_the_primary_is_crowned_and_a_view_change_is_seen() -> None:
    sim = play(3.5, script="at 3s crash r0", requests=40)
    grid, _ = parts(sim)
    assert [one.crowned for one in grid.rows] == [True, False, False, False]
    assert "view 0, primary r0" in grid.title and not grid.banner
    assert row(sim, "r0").note == "down"
    while not (banner := pbft_views.grid(sim).banner):
        assert sim.step()
    assert banner.startswith("view 0 → 1: 1 of 3 votes for r1")
    assert any(one.note.startswith("wants view 1") for one in pbft_views.grid(sim).rows)
    sim.run(until=6)
    grid, _ = parts(sim)
    assert [one.crowned for one in grid.rows][1:] == [True, False, False]
    assert "view 1, primary r1" in grid.title and not grid.banner


def test_wrong_votes_are_seen() -> None:
    sim = play(5, script="at 1s byzantine r2 liar")
    wrong = [cell.wrong for one in pbft_views.grid(sim).rows for cells in one.cells for cell in cells if cell]
    assert sum(wrong) > 0


def test_what_a_replica_has_not_heard_of_is_empty() -> None:
    sim = play(8, script="at 1s partition r3 | r0,r1,r2,c-1,c-2")
    assert all(cells == (None,) * 4 for cells in row(sim, "r3").cells)


# --- the chain ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    ["", "at 3s crash r0\nat 9s restart r0", "at 2s crash r3\nat 14s restart r3", "at 2s byzantine r0,r1 colluder"],
)
def test_the_chain_is_consistent_at_any_time(script: str) -> None:
    sim = launch("pbft", {"requests": 60, "checkpoint_interval": 5}, 3, script)
    for second in range(1, 25):
        sim.run(until=second)
        _, chain = parts(sim)
        assert is_consistent(chain)
        assert chain.final == measures.final_height(sim)


def test_the_chain_grows_without_forks() -> None:
    sim = play(20, requests=30)
    _, chain = parts(sim)
    assert [block.height for block in chain.blocks] == list(range(31))
    assert {block.status for block in chain.blocks} == {"canonical"}
    assert len(chain.tips) == 1 and chain.tips[0].marks == ("r0", "r1", "r2", "r3")
    assert chain.final == 30


def test_a_fork_is_seen_when_agreement_is_broken() -> None:
    sim = play(8, script="at 2s byzantine r0,r1 colluder")
    _, chain = parts(sim)
    stale = [block for block in chain.blocks if block.status == "stale"]
    assert stale and all("agreement is broken" in block.note for block in stale)


def test_a_long_chain_shows_its_latest_part_only() -> None:
    sim = launch("pbft", {"requests": 700, "rate": 50, "clients": 4, "authentication": "none"}, 1)
    sim.finish()
    _, chain = parts(sim)
    assert len(chain.blocks) == pbft_views.SHOWN_BLOCKS
    assert chain.blocks[-1].height == 700
    assert is_consistent(chain)


# --- details --------------------------------------------------------------------------------------


def test_details_of_a_block_and_of_a_number() -> None:
    sim = play(10)
    _, chain = parts(sim)
    block = chain.blocks[3]
    for key in (block.id, block.label):
        words = sim.scenario.detail(sim, key)
        assert words is not None and words.title == f"block {block.id}"
        text = "\n".join(line for line, _ in words.lines)
        assert "number 3" in text and block.parent in text and "final" in text and " to c-" in text and "r2 at" in text
    words = sim.scenario.detail(sim, "seq 3")
    assert words is not None
    assert words.lines[0][0] == f"block {block.id}"
    assert sum("carried out at" in line for line, _ in words.lines) == 4


def test_details_of_a_number_in_flight() -> None:
    sim = launch("pbft", {"requests": 1, "clients": 1}, 1)
    while not any(slot.pre_prepare for one in measures.replicas(sim)[1:] for slot in one.log.values()):
        assert sim.step()
    words = sim.scenario.detail(sim, "seq 1")
    assert words is not None
    assert any("prep 2 of 3" in line for line, _ in words.lines)


@pytest.mark.parametrize("key", ["", "seq", "seq 99", "seq x", "ffffffffffffffff", "a", "block 7"])
def test_there_are_no_details_of_what_is_not_there(key: str) -> None:
    assert play(3).scenario.detail(play(3), key) is None


# --- rows and figures -----------------------------------------------------------------------------


def test_every_agent_has_a_row_and_a_look() -> None:
    sim = play(6, script="at 2s crash r0\nat 3s join replica\nat 3s join client")
    for agent in sim.agents:
        found = sim.scenario.agent_row(sim, agent)
        assert found is not None
        assert len(found.cells) == len(sim.scenario.columns)
        tone, label = sim.scenario.node_look(sim, agent)
        assert tone and len(label) <= 2
    states = {agent.name: sim.scenario.agent_row(sim, agent).state for agent in sim.agents}  # type: ignore[union-attr]
    assert states["r1"] == "primary" and states["r2"] == "backup"
    assert "no member" in states.values()


def test_theory_stands_beside_the_figures() -> None:
    sim = play(20, script="at 3s crash r0")
    views = {one.name: one for one in sim.scenario.metric_views(sim)}
    assert views["messages_per_request"].theory == "24"
    assert views["messages_per_request_total"].theory == "29"
    assert views["view_change_messages"].theory.startswith("9")
    assert views["new_view_messages"].theory == "3"
    assert views["commit_latency_p50"].theory == "about 0.25"
    assert len(views["throughput"].series) > 10
    batched = {one.name: one for one in launch("pbft", {"batch": 4}, 1).scenario.metric_views(sim)}
    assert batched


def test_a_frame_of_any_moment_can_be_made() -> None:
    sim = launch("pbft", {"f": 2, "requests": 30}, 4, "at 2s crash r0,r1\nat 6s restart *\nat 8s leave r6")
    framer = Framer(sim)
    framer.frame()
    for _ in range(40):
        sim.run(events=60)
        frame = framer.frame()
        assert frame.stage is not None and len(frame.stage.parts) == 2
    for agent in sim.present():
        assert framer.inspect(agent).row.name == sim.names[agent]


# --- the story ------------------------------------------------------------------------------------


def test_the_story_of_a_crashed_primary() -> None:
    sim = play(20, script="at 3s crash r0\nat 12s restart r0", requests=40)
    told = "\n".join(story(sim))
    for words in (
        "Number 1 is final: 3 of 4 replicas have carried out c-",
        "asks all replicas",
        "has lost patience with r0: it asks for view 1, whose primary is r1",
        "3 replicas want view 1",
        "View 1 begins with r1 as its primary",
        "has its answer at last",
        "Checkpoint 10 is stable",
        "r0 had fallen behind",
    ):
        assert words in told


def test_the_story_of_liars() -> None:
    assert any("gives number" in line for line in story(play(6, script="at 2s byzantine r0 equivocator")))
    assert any("under one timestamp" in line for line in story(play(6, script="at 2s byzantine c-1 two-faced")))
    assert any("rejects a" in line for line in story(play(6, script="at 2s byzantine r3 forger")))
    assert any("refused" in line for line in story(play(4, script="at 1s pay c-1 c-2 99999")))


def test_no_line_of_the_story_is_too_long_to_read() -> None:
    sim = play(30, script="at 3s crash r0\nat 9s restart r0\nat 11s byzantine r1 liar")
    assert max(map(len, story(sim))) < 140


def landmarks(sim: Simulation) -> list[tuple[str, str, str]]:
    found = [sim.scenario.landmark(sim, note) for note in sim.trace.notes]
    return [(mark.kind, mark.glyph, mark.text) for mark in found if mark is not None]


def test_the_landmarks_of_a_view_change_are_who_asked_first_and_who_began_first() -> None:
    sim = play(20, script="at 3s crash r0\nat 12s restart r0", requests=40)
    assert landmarks(sim) == [
        ("final", "✓", "number 1 is final"),
        ("view change", "↻", "r3 asks for view 1"),
        ("new view", "♛", "view 1, primary r1"),
        ("final", "✓", "number 10 is final"),
        ("final", "✓", "number 20 is final"),
        ("catches up", "↥", "r0 catches up to number 20"),
    ]


def test_a_liar_is_a_landmark_once_in_each_view() -> None:
    sim = play(20, script="at 2s byzantine r0,r1 colluder", requests=40)
    lies = [note.data["view"] for note in sim.trace.notes if note.kind == "equivocates"]
    assert [kind for kind, _, _ in landmarks(sim)].count("equivocation") == len(set(lies)) >= 1
    sim = play(20, script="at 1s byzantine c-1 two-faced", requests=40)
    assert sum(note.kind == "two-faced" for note in sim.trace.notes) > 1
    assert [kind for kind, _, _ in landmarks(sim)].count("two faces") == 1
