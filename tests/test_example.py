"""The example of the documentation: a scenario in a file of its own does what its paper says."""

from __future__ import annotations

from math import fsum, sqrt
from pathlib import Path
from statistics import fmean, stdev

from swarmscope import simulate

ELECTION = str(Path(__file__).parents[1] / "docs" / "examples" / "election.py")


def test_one_process_wins_and_all_know_it() -> None:
    sim = simulate(ELECTION, {"agents": 12}, seed=3)
    assert sim.metrics()["leaders"] == 1
    assert all(one["holds"] for one in sim.invariants())
    leader = max(agent.number for agent in sim.agents)  # type: ignore[attr-defined]
    assert {agent.leader for agent in sim.agents} == {leader}  # type: ignore[attr-defined]


def test_messages_agree_with_chang_and_roberts() -> None:
    """On average n·H(n) candidates and n announcements (CACM 22(5), section 4)."""
    n, trials = 10, 200
    counts = [simulate(ELECTION, {"agents": n}, seed=seed).metrics()["messages"] for seed in range(trials)]
    expected = n * fsum(1 / i for i in range(1, n + 1)) + n
    assert abs(fmean(counts) - expected) <= 4 * stdev(counts) / sqrt(trials)


def test_a_crash_breaks_the_ring() -> None:
    sim = simulate(ELECTION, seed=3, script="at 1ms crash p3")
    assert sim.metrics()["leaders"] == 0
    assert [one["name"] for one in sim.invariants() if not one["holds"]] == ["all-know"]


def test_the_victory_is_worth_going_back_to() -> None:
    sim = simulate(ELECTION, seed=3)
    [mark] = [found for note in sim.trace.notes if (found := sim.scenario.landmark(sim, note)) is not None]
    winner = max(sim.agents, key=lambda agent: agent.number)  # type: ignore[attr-defined]
    assert (mark.kind, mark.glyph, mark.text) == ("leader", "♛", f"{winner.name} has won")
