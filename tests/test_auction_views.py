"""What an auction shows: the board at every moment, one task in detail, the rows of the agents, the story in words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.framing import Framer
from engine.simulation import Simulation
from engine.views import Board, Plot
from scenarios.auction.views import SHOWN_BIDS, SHOWN_ENDED, SHOWN_TASKS
from scenarios.launch import launch
from swarmscope import simulate

SETTINGS: list[dict[str, Any]] = [
    {},
    {"rule": "english", "skills": 2},
    {"mode": "single-item", "rule": "english"},
    {"managers": 2, "gap": 0.1},
    {"mode": "neighbours", "topology": "ring", "skills": 2},
]


def play(until: float, script: str = "", seed: int = 1, **params: Any) -> Simulation:
    sim = launch("auction", params, seed, script, record=True)
    sim.run(until=until)
    return sim


def board(sim: Simulation) -> Board:
    found = sim.scenario.stage(sim)
    assert found is not None
    part = found.parts[0]
    assert isinstance(part, Board)
    return part


def told(sim: Simulation) -> str:
    return "\n".join(line.text for line in Framer(sim).narration())


@pytest.mark.parametrize("which", range(len(SETTINGS)))
def test_the_stage_can_be_drawn_at_any_moment(which: int) -> None:
    sim = launch("auction", SETTINGS[which], 2, "at 2s crash c-01\nat 2.5s byzantine c-02 defaulter", record=True)
    for _ in range(80):
        sim.run(events=11)
        stage = sim.scenario.stage(sim)
        assert stage is not None and isinstance(stage.parts[1], Plot)
        tasks = board(sim).tasks
        assert len({task.id for task in tasks}) == len(tasks)
        for task in tasks:
            assert len(task.bids) <= SHOWN_BIDS
            assert task.progress is None or 0.0 <= task.progress <= 1.0
            assert task.lease is None or 0.0 <= task.lease <= 1.0
            amounts = [bid.amount for bid in task.bids if bid.status in ("won", "best", "open", "lost")]
            assert all(amount is not None for amount in amounts)
            assert sim.scenario.detail(sim, task.id) is not None
        for agent in sim.agents:
            row = sim.scenario.agent_row(sim, agent)
            assert row is not None and len(row.cells) == len(sim.scenario.columns)
            assert len(sim.scenario.node_look(sim, agent)[1]) <= 2
        assert len(sim.scenario.metric_views(sim)) == len(sim.scenario.metrics)
    assert not [note for note in sim.trace.notes if note.kind == "failed"]


def test_the_board_shows_bids_winner_progress_and_lease() -> None:
    sim = play(2.5)
    first = board(sim).tasks[0]
    assert first.state == "awarded" and first.winner_name.startswith("c-")
    assert first.lease is not None and first.lease > 0.3 and first.lease_text.endswith("s")
    assert first.progress is not None
    statuses = [bid.status for bid in first.bids]
    assert statuses[0] == "won" and statuses.count("won") == 1 and set(statuses) <= {"won", "lost", "refused"}
    paid = [bid.amount for bid in first.bids if bid.amount is not None]
    assert paid == sorted(paid)
    assert not board(sim).rising


def test_a_sale_shows_the_highest_bid_first() -> None:
    sim = play(3, mode="single-item")
    assert board(sim).rising
    amounts = [bid.amount for bid in board(sim).tasks[0].bids if bid.amount is not None]
    assert amounts == sorted(amounts, reverse=True)


def test_what_ended_comes_last_and_only_the_latest_of_it() -> None:
    sim = play(60, tasks=60)
    tasks = board(sim).tasks
    assert [task.id for task in tasks] == [f"t-{number}" for number in range(60, 60 - SHOWN_ENDED, -1)]
    crowd = play(1.5, tasks=200, gap=0.001)
    assert len(board(crowd).tasks) <= SHOWN_TASKS + SHOWN_ENDED
    assert board(crowd).total > 150


def test_a_refusal_says_why() -> None:
    sim = play(3, skills=1)
    reasons = {bid.text for task in board(sim).tasks for bid in task.bids if bid.status == "refused"}
    assert any(reason.startswith("cannot ") for reason in reasons)


def test_a_task_in_detail() -> None:
    sim = play(2.5)
    words = sim.scenario.detail(sim, board(sim).tasks[0].id)
    assert words is not None
    text = "\n".join(line for line, _ in words.lines)
    assert "priority" in text and "deadline" in text and " won" in text and "lease" in text
    assert sim.scenario.detail(sim, "t-99") is None
    traded = play(3, mode="neighbours")
    words = traded.scenario.detail(traded, board(traded).tasks[0].id)
    assert words is not None and any("has it" in line for line, _ in words.lines)


def test_the_agents_pane_says_who_acts() -> None:
    sim = play(3.5, "at 3s crash s-1")
    rows = {agent.name: sim.scenario.agent_row(sim, agent) for agent in sim.agents}
    states = {name: row.state for name, row in rows.items() if row}
    assert (states["m-1"], states["s-1"], states["w-1"]) == ("acts", "down", "watches")
    assert "works" in states.values()


@pytest.mark.parametrize(
    ("params", "script", "sentences"),
    [
        ({}, "", ["lowest of", "the next best.", "has done t-"]),
        ({"rule": "first-price"}, "", ["and gets"]),
        ({"rule": "english"}, "", ["is the last one in for"]),
        ({"mode": "single-item"}, "", ["highest of", "it pays"]),
        ({}, "at 2s crash m-1", ["s-1 takes over as manager, in term 2"]),
        ({}, "at 2s crash m-1\nat 8s restart m-1", ["s-1 takes over"]),
        ({}, "at 2s partition m-1 | s-1,w-1\nat 7s heal", ["m-1 hears that another manager acts, in term 2"]),
        ({}, "at 1s byzantine c-0* silent\nat 9s byzantine c-0* honest", ["never began: its lease on", "trusts"]),
        ({"skills": 1}, "at 0s byzantine c-01 overbidder", ["gives t-", "after all", "stops working"]),
        ({}, "at 0s byzantine c-01 late", ["comes too late"]),
        ({}, "at 0s byzantine c-0* doubler", ["only its first bid counts"]),
        ({"contractors": 1, "skills": 1}, "", ["nobody can do it"]),
        ({"contractors": 1, "capacity": 1, "deadline": 3}, "", ["is given up", "Nobody takes"]),
        ({"mode": "neighbours"}, "", ["which does it for less"]),
        ({}, "at 1s deviate c-01 2\nat 1s bidding c-02 shaded", ["multiplies its bids by 2", "in another way"]),
    ],
)
def test_the_story_is_told(params: dict[str, Any], script: str, sentences: list[str]) -> None:
    sim = simulate("auction", params=params, seed=1, script=script)
    story = told(sim)
    for sentence in sentences:
        assert sentence in story, f"{sentence!r} in\n{story[-3000:]}"


def test_something_happens_soon_and_at_a_pace_one_can_follow() -> None:
    sim = play(10)
    lines = Framer(sim).narration()
    assert 10 < len(lines) < 60
    still = play(sim.scenario.still)
    assert len(board(still).tasks) >= 3


def landmarks(sim: Simulation) -> list[tuple[str, str, str]]:
    found = [sim.scenario.landmark(sim, note) for note in sim.trace.notes]
    return [(mark.kind, mark.glyph, mark.text) for mark in found if mark is not None]


def test_tasks_that_change_hands_are_landmarks() -> None:
    sim = play(20, "at 4s crash c-01,c-02,c-03,c-04", tasks=40)
    found = landmarks(sim)
    lost = [text.split()[-1] for kind, _, text in found if kind == "lease lost"]
    given = [text.split()[-2] for kind, _, text in found if kind == "awarded again"]
    assert lost and set(given) <= set(lost)
    assert [text for kind, _, text in found if kind == "done"] == [
        "the first task is done", "10 tasks are done", "20 tasks are done",
    ]  # fmt: skip
    assert ("barred", "⊘", "m-1 bars c-04") in found


def test_a_manager_that_takes_over_is_a_landmark() -> None:
    assert ("takeover", "♛", "s-1 takes over") in landmarks(play(10, "at 4s crash m-1", tasks=40))
