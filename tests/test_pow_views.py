"""What is shown of proof of work: the fork view, the agents, one block, the figures beside theory, the story."""

from __future__ import annotations

from typing import Any

import pytest

from engine.duration import SECOND
from engine.framing import Framer
from engine.simulation import Simulation
from engine.views import Chain, Plot, StageView
from scenarios.launch import launch
from scenarios.pow.measures import miners
from scenarios.pow.miner import Miner
from scenarios.pow.views import MOST_BLOCKS

QUICK: dict[str, Any] = {"bits": 6.0, "retarget": 0}


def play(until: float, seed: int = 1, script: str = "", **params: Any) -> Simulation:
    sim = launch("pow", {**QUICK, **params}, seed, script, record=True)
    sim.run(until=until)
    return sim


def agent(sim: Simulation, name: str) -> Miner:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Miner)
    return found


def stage(sim: Simulation) -> tuple[Chain, Plot]:
    view = sim.scenario.stage(sim)
    assert isinstance(view, StageView)
    chain, plot = view.parts
    assert isinstance(chain, Chain) and isinstance(plot, Plot)
    return chain, plot


def consistent(chain: Chain) -> bool:
    """Whether each block's parent is shown, or lies below all that is."""
    names = {block.id for block in chain.blocks}
    lowest = min(block.height for block in chain.blocks)
    heights = [block.height for block in chain.blocks]
    return (
        len(names) == len(chain.blocks)
        and heights == sorted(heights)
        and all(block.parent in names for block in chain.blocks if block.height > lowest)
        and all(tip.block in names for tip in chain.tips)
    )


def said(sim: Simulation) -> str:
    return "\n".join(line.text for line in Framer(sim).narration())


# --- the stage ------------------------------------------------------------------------------------


def test_the_first_frame_has_one_block_and_everybody_on_it() -> None:
    chain, _ = stage(launch("pow", QUICK, 1))
    [block] = chain.blocks
    assert block.status == "canonical" and block.height == 0 and block.maker == -1
    assert [tip.agents for tip in chain.tips] == [tuple(range(8))]
    assert chain.tips[0].marks == tuple("12345678")


def test_forks_and_reorganisations_are_on_the_stage() -> None:
    sim = play(600, latency=3.0)
    chain, _ = stage(sim)
    assert consistent(chain)
    canonical = [block for block in chain.blocks if block.status == "canonical"]
    assert [block.height for block in canonical] == list(range(len(canonical)))
    stale = [block for block in chain.blocks if block.status == "stale"]
    assert stale and any(block.note.startswith("left by ") for block in stale)
    assert all(block.mark == str(block.maker + 1) and len(block.label) == 4 for block in chain.blocks[1:])
    assert 0 < len(chain.reorganisations) <= 8
    names = {block.id for block in chain.blocks}
    for one in chain.reorganisations:
        assert one.left in names and one.joined in names and one.depth >= 1 and one.agents
    assert sum(len(tip.agents) for tip in chain.tips) == 8


def test_a_partition_shows_two_tips_and_a_crashed_agent_stays_where_it_was() -> None:
    script = "at 20s crash miner-2\nat 50s partition miner-1,miner-3,miner-4,miner-5 | miner-6,miner-7,miner-8"
    chain, _ = stage(play(250, script=script))
    assert consistent(chain)
    groups = sorted(tip.agents for tip in chain.tips)
    assert (0, 2, 3, 4) in groups and (5, 6, 7) in groups
    assert [tip.note for tip in chain.tips if 1 in tip.agents] == ["2 down"]


def test_a_hidden_branch_is_shown_as_one_with_what_it_waits_for() -> None:
    sim = play(20, attacker="selfish", attacker_share=0.45, mining="sampled", relay="direct", topology="mesh")
    evil = agent(sim, "miner-8")
    notes = set()
    for _ in range(900):
        sim.run(events=5)
        if len(evil.hidden) in (1, 2, 3):
            chain, _ = stage(sim)
            assert len([block for block in chain.blocks if block.status == "hidden"]) == len(evil.hidden)
            assert consistent(chain)
            notes.add(chain.hidden_note)
    assert "miner-8: 1 ahead, publishes it when another is found, for a tie" in notes
    assert "miner-8: 2 ahead, publishes all on the next find of others" in notes


def test_a_double_spend_says_how_it_stands() -> None:
    sim = play(1, script="at 1s hashpower miner-8 0.5\nat 1s double-spend miner-8 miner-1 4")
    evil = agent(sim, "miner-8")
    while not evil.hidden:
        sim.run(events=1)
    assert stage(sim)[0].hidden_note == "miner-8: 1 against 0, publishes when ahead after 4 confirmations"


def test_invalid_blocks_are_shown_with_what_is_wrong() -> None:
    chain, _ = stage(play(300, script="at 1s byzantine miner-3 invalid-blocks"))
    bad = [block for block in chain.blocks if block.status == "invalid"]
    assert bad and all(block.maker == 2 and block.note for block in bad)
    assert consistent(chain)


def test_only_the_newest_blocks_are_shown() -> None:
    sim = play(
        0, miners=4, mining="sampled", relay="direct", interval=1, transactions=0, blocks=MOST_BLOCKS + 150, latency=0.2
    )
    sim.finish()
    chain, _ = stage(sim)
    assert MOST_BLOCKS - 30 < len(chain.blocks) <= MOST_BLOCKS
    assert consistent(chain)


def test_a_frame_is_made_anew_only_when_something_has_changed() -> None:
    sim = play(300)
    before, _ = stage(sim)
    sim.run(until=sim.seconds + 0.001)
    again, _ = stage(sim)
    assert again.blocks is before.blocks and again.now == sim.now
    made = len(agent(sim, "miner-1").made)
    while len(agent(sim, "miner-1").made) == made:
        sim.run(events=1)
    assert stage(sim)[0].blocks is not before.blocks


def test_going_back_in_time_shows_what_was_there() -> None:
    sim = play(200)
    then = stage(sim)[0]
    moment = sim.checkpoint()
    sim.run(until=400)
    assert stage(sim)[0] != then
    sim.restore(moment)
    assert stage(sim)[0] == then


def test_sampled_mining_is_said_so() -> None:
    sampled, real = play(50, mining="sampled"), play(50, mining="real")
    assert "sampled" in sampled.scenario.stage(sampled).title  # type: ignore[union-attr]
    assert "sampled" not in real.scenario.stage(real).title  # type: ignore[union-attr]


def test_the_plot_has_theory_beside_it() -> None:
    _, stale = stage(play(300, latency=1.0, relay="direct"))
    assert stale.percent and {curve.theory for curve in stale.curves} == {True, False}
    _, revenue = stage(play(300, attacker="selfish", mining="sampled"))
    assert [curve.label for curve in revenue.curves] == ["attackers' revenue", "theory", "its hash power"]


# --- one thing ------------------------------------------------------------------------------------


def test_all_there_is_to_say_of_a_block() -> None:
    sim = play(300, transactions=1.0)
    chain, _ = stage(sim)
    block = [one for one in chain.blocks if one.status == "canonical"][-3]
    words = sim.scenario.detail(sim, block.id)
    assert words is not None and words.title == f"block {block.label} at height {block.height}"
    text = "\n".join(line for line, _ in words.lines)
    for part in ("canonical, 3 confirmations", f"hash   {block.id}", f"parent {block.parent}", "nonce ", "target ",
                 f"miner  miner-{block.maker + 1}, found at ", " pays ", "held by 8 of 8", "s after"):  # fmt: skip
        assert part in text
    assert sim.scenario.detail(sim, block.label) == words


def test_of_an_agent_its_account_and_of_nothing_nothing() -> None:
    sim = play(100)
    words = sim.scenario.detail(sim, "miner-2")
    assert words is not None and any("balance" in line for line, _ in words.lines)
    for key in ("", "nonsense", "ff" * 32, "zz" * 32):
        assert sim.scenario.detail(sim, key) is None


def test_an_invalid_block_says_why_and_a_hidden_one_that_it_is() -> None:
    sim = play(
        900, script="at 1s byzantine miner-3 invalid-blocks\nat 1s byzantine miner-4 withholder", mining="sampled"
    )
    chain, _ = stage(sim)
    for status, words in (("invalid", "invalid: "), ("hidden", "hidden by its maker")):
        block = next(block for block in chain.blocks if block.status == status)
        about = sim.scenario.detail(sim, block.id)
        assert about is not None and about.lines[0][0].startswith(words)


# --- agents, figures, story -----------------------------------------------------------------------


def test_rows_say_where_an_agent_stands() -> None:
    others = ",".join(f"miner-{number}" for number in (1, 2, 3, 4, 5, 7, 8))
    script = f"at 100s eclipse miner-2 miner-8\nat 100s partition {others} | miner-6"
    sim = play(250, script=script, transactions=1)
    rows = {row.name: row for row in Framer(sim).agents().rows}
    assert rows["miner-2"].state == "eclipsed"
    assert rows["miner-6"].state in ("behind", "other branch")
    assert sum(row.state == "mines" for row in rows.values()) >= 4
    assert rows["miner-1"].cells[0] == "12%" and "·" in rows["miner-1"].cells[1]
    node = sim.scenario.node_look(sim, agent(sim, "miner-6"))
    assert node[1].startswith("-")


def test_metrics_have_theory_where_there_is_one() -> None:
    sim = play(300, latency=1.0, relay="direct")
    shown = {view.name: view for view in sim.scenario.metric_views(sim)}
    assert shown["stale_rate"].value.endswith("%") and shown["stale_rate"].theory.endswith("%")
    assert float(shown["mean_block_interval"].theory) == 10.0
    assert shown["revenue_share"].value.count("%") == 2
    sim = play(1000, attacker="double-spend", mining="sampled", relay="direct", confirmations=1)
    views = {view.name: view for view in sim.scenario.metric_views(sim)}
    assert "Nakamoto" in views["double_spends_won"].theory


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("at 5s pay miner-1 miner-2 9", "miner-1 pays miner-2 9, with 1 for whoever mines it."),
        ("at 5s byzantine miner-3 selfish\nat 5s hashpower miner-3 0.5", "and keeps it to itself."),
        ("at 5s hashpower miner-8 0.8\nat 6s double-spend miner-8 miner-1 2", "has shipped, and payment"),
        ("at 5s byzantine miner-3 invalid-blocks", "of miner-3: "),
        ("at 5s eclipse miner-1 miner-2\nat 9s release miner-1", "miner-1 hears everybody again."),
        ("at 5s byzantine miner-3 invalid-transactions", "refuses payment"),
        ("at 9s latency 5s", "the chain forks, and the next find decides."),
        ("at 9s latency 5s", "whose branch took more work"),
    ],
)
def test_the_story_is_told_in_words(script: str, words: str) -> None:
    assert words in said(play(400, script=script))


def test_a_change_of_the_target_is_told() -> None:
    assert "The difficulty is set anew at height 20: blocks get" in said(play(400, retarget=20))


def test_two_hundred_agents_are_shown() -> None:
    sim = play(0, miners=200, mining="sampled", relay="direct", interval=10, latency=2, transactions=0, blocks=80)
    sim.finish()
    frame = Framer(sim).frame()
    assert frame.agents is not None and len(frame.agents.rows) == 200
    assert consistent(stage(sim)[0])
    assert all(isinstance(one, Miner) for one in miners(sim))


def landmarks(sim: Simulation) -> list[tuple[str, str, str]]:
    found = [sim.scenario.landmark(sim, note) for note in sim.trace.notes]
    return [(mark.kind, mark.glyph, mark.text) for mark in found if mark is not None]


def test_a_partition_is_one_fork_and_its_end_one_reorganisation_however_many_blocks_and_miners() -> None:
    half = "miner-1,miner-2,miner-3,miner-4 | miner-5,miner-6,miner-7,miner-8"
    sim = play(400, script=f"at 60s partition {half}\nat 260s heal")
    begun = [note for note in sim.trace.notes if note.kind == "found" and 60 <= note.time / SECOND < 260]
    assert sum(bool(note.data["rival"]) for note in begun) > 4
    assert [bool(note.data["splits"]) for note in begun].count(True) == 1
    healed = [note for note in sim.trace.notes if note.kind == "reorg" and note.data["depth"] > 2]
    assert len(healed) >= 4
    assert [bool(note.data["count"]) for note in healed].count(True) == 1
    found = landmarks(sim)
    assert any(glyph == "⋎" for _, glyph, _ in found)
    assert ("reorg", "↶", f"reorg of {healed[0].data['depth']} blocks at {healed[0].data['height']}") in found


def test_an_attack_leaves_landmarks_of_its_beginning_and_its_success() -> None:
    attack = {"attacker": "double-spend", "attacker_share": 0.3, "confirmations": 1}
    sim = launch("pow", {**attack, "mining": "sampled", "blocks": 40}, 1, record=True)
    sim.run(until=100)
    assert [kind for kind, _, _ in landmarks(sim) if kind != "milestone"] == [
        "double spend", "revealed", "reorg", "cheated",
    ]  # fmt: skip


def test_what_has_become_usual_is_a_landmark_no_more() -> None:
    sim = play(300, latency=4.0, latency_model="constant", topology="mesh", interval=2.0, blocks=150)
    forks = [note.data["splits"] for note in sim.trace.notes if note.kind == "found" and note.data["splits"]]
    assert forks == list(range(1, len(forks) + 1))
    assert len(forks) > 22
    told = [kind for kind, _, _ in landmarks(sim)].count("fork")
    assert told == 20 + (len(forks) >= 50) + (len(forks) >= 100)
