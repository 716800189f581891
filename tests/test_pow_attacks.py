"""What miners that misbehave do to the others, and what they cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import CommandError
from engine.simulation import Simulation
from scenarios.pow.attacks import hopeless_behind
from scenarios.pow.chain import REWARD, WEALTH
from scenarios.pow.measures import attackers, canon, miners, tally
from scenarios.pow.miner import Miner
from swarmscope import simulate

QUICK = {"bits": 6.0, "transactions": 0.0, "retarget": 0}
FLAT = {**QUICK, "mining": "sampled", "relay": "direct", "topology": "mesh", "latency": 0.0}


def play(until: float | None = None, seed: int = 1, script: str = "", **params: Any) -> Simulation:
    return simulate("pow", params={**QUICK, **params}, seed=seed, until=until, script=script)


def agent(sim: Simulation, name: str) -> Miner:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Miner)
    return found


def notes(sim: Simulation, kind: str) -> list[Any]:
    return [note.data for note in sim.trace.notes if note.kind == kind]


def sound(sim: Simulation) -> bool:
    return not notes(sim, "failed") and all(one["holds"] for one in sim.invariants() if one["kind"] == "safety")


# --- selfish mining -------------------------------------------------------------------------------


def test_a_selfish_miner_hides_its_finds_and_the_others_never_see_them_early() -> None:
    sim = play(2000, **FLAT, attacker="selfish", attacker_share=0.4)
    evil = agent(sim, "miner-8")
    while not evil.hidden:
        sim.run(events=1)
    others = [one for one in miners(sim) if one is not evil]
    assert not any(name in one.tree.records for name in evil.hidden for one in others)
    assert canon(sim).tip.id != evil.tree.tip.id
    assert notes(sim, "revealed") and attackers(sim) == [evil.id]
    assert sound(sim)


def test_a_tie_divides_the_honest_miners_by_gamma() -> None:
    for gamma, share in ((0.0, 0.0), (1.0, 1.0)):
        sim = play(**FLAT, attacker="selfish", attacker_share=0.3, gamma=gamma, blocks=300)
        evil = agent(sim, "miner-8")
        followed = [
            record
            for record in canon(sim).miner.tree.records.values()
            if record.block is not None and record.block.miner == evil.id and canon(sim).holds(record.id, record.height)
        ]
        rivals = tally(sim).forked
        assert rivals > 20 and followed
        gone = [name for name, (_, height) in evil.made.items() if not canon(sim).holds(name, height)]
        lost = len([name for name in gone if name not in evil.hidden])
        assert (lost == 0) == (share == 1.0), "with everybody on its side it loses no tie"


def test_a_selfish_miner_below_the_threshold_only_harms_itself_and_the_rest() -> None:
    revenue = play(**FLAT, attacker="selfish", attacker_share=0.15, blocks=2000).metrics()
    assert revenue["attacker_revenue"] < 0.13
    assert revenue["stale_rate"] > 0.1


def test_a_miner_that_becomes_honest_shows_what_it_hid() -> None:
    sim = play(5, script="at 1s byzantine miner-3 selfish", latency=0.01)
    evil = agent(sim, "miner-3")
    while not evil.hidden:
        sim.run(events=1)
    hidden = list(evil.hidden)
    sim.apply("byzantine miner-3 honest")
    assert not evil.hidden and evil.public is None
    sim.run(until=sim.seconds + 5)
    assert hidden[0] in agent(sim, "miner-1").tree.records
    assert attackers(sim) == [] and sim.metrics()["attacker_revenue"] is None


def test_a_selfish_miner_keeps_its_plans_over_a_crash() -> None:
    sim = play(
        **FLAT,
        attacker="selfish",
        attacker_share=0.4,
        blocks=200,
        script="at 500s crash miner-8\nat 600s restart miner-8",
    )
    evil = agent(sim, "miner-8")
    assert evil.mode == "selfish" and evil.public is not None
    assert sim.metrics()["attacker_revenue"] > 0.1 and sound(sim)


# --- double spends --------------------------------------------------------------------------------


def test_a_double_spend_by_a_majority_succeeds_and_the_money_is_back() -> None:
    script = "at 20s hashpower miner-8 0.8\nat 30s double-spend miner-8 miner-2 2"
    sim = play(400, script=script, **FLAT)
    assert sim.metrics()["double_spends_won"] == sim.metrics()["double_spends_tried"] == 1
    kinds = [note.kind for note in sim.trace.notes if note.kind in ("double-spend", "shipped", "defrauded")]
    assert kinds == ["double-spend", "shipped", "defrauded"]
    ledger, merchant = agent(sim, "miner-1").tree.ledger, agent(sim, "miner-2")
    assert ledger.balance(merchant.address) == WEALTH + REWARD * tally(sim).canonical.get(merchant.id, 0)
    assert agent(sim, "miner-8").mode == "honest" and sound(sim)


def test_a_double_spend_without_hash_power_is_given_up() -> None:
    sim = play(
        400,
        script="at 1s hashpower miner-8 0.05\nat 1s double-spend miner-8 miner-2 1",
        miners=8,
        **{**FLAT, "interval": 1},
    )
    metrics = sim.metrics()
    assert metrics["double_spends_tried"] == 1
    assert metrics["double_spends_won"] or notes(sim, "double-spend-ends")
    assert agent(sim, "miner-8").mode == "honest"


def test_a_double_spender_tries_again_and_again_and_the_run_waits_for_its_last_try() -> None:
    sim = play(**FLAT, attacker="double-spend", attacker_share=0.25, confirmations=2, blocks=400)
    metrics = sim.metrics()
    assert metrics["double_spends_tried"] > 10 and 0 < metrics["double_spends_won"] < metrics["double_spends_tried"]
    assert metrics["blocks_mined"] >= 400
    attempt = agent(sim, "miner-8").attempt
    assert attempt is not None and attempt.payment is None
    assert sound(sim)


def test_one_double_spend_at_a_time() -> None:
    sim = play(2, script="at 1s double-spend miner-8 miner-2 1", interval=0.1, mining="sampled", latency=0)
    evil = agent(sim, "miner-8")
    while evil.attempt is None or evil.attempt.payment is None:
        assert sim.step()
        if evil.attempt is None:
            sim.apply("double-spend miner-8 miner-2 1")
    with pytest.raises(CommandError, match="in the middle of a double spend"):
        sim.apply("double-spend miner-8 miner-3 1")


def test_an_attempt_is_hopeless_when_less_than_one_in_a_million_is_left() -> None:
    for share in (0.1, 0.3, 0.45):
        behind = hopeless_behind(share, 1)
        assert (share / (1 - share)) ** (behind + 1) <= 1e-6 < (share / (1 - share)) ** (behind - 1)
    assert hopeless_behind(0.1, 50) == 50
    assert hopeless_behind(0.5, 1) > 10**9


# --- rubbish --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mining", ["real", "sampled"])
def test_invalid_blocks_of_every_kind_are_refused(mining: str) -> None:
    sim = play(600, script="at 1s byzantine miner-3 invalid-blocks", mining=mining)
    reasons = " ".join(why for one in miners(sim) for _, why in one.refused.values())
    for words in ("spends", "Merkle root", "stand-in" if mining == "sampled" else "does not meet the target"):
        assert words in reasons
    assert not tally(sim).canonical.get(2, 0)
    assert sim.metrics()["refused_blocks"] > 10 and sim.metrics()["height"] > 30
    assert sound(sim)


def test_invalid_payments_of_every_kind_are_refused() -> None:
    sim = play(400, script="at 1s byzantine miner-3 invalid-transactions", transactions=1)
    reasons = " ".join(note["why"] for note in notes(sim, "refused-transfer"))
    for words in ("signature is not the payer's", "it spends", "double spend"):
        assert words in reasons
    assert sim.metrics()["refused_transfers"] > 10 and sound(sim)


def test_withheld_blocks_are_lost_work() -> None:
    sim = play(600, script="at 1s hashpower miner-2 0.5\nat 1s byzantine miner-2 withholder")
    keeper = agent(sim, "miner-2")
    assert len(keeper.hidden) == len(keeper.made) > 10
    assert not any(name in agent(sim, "miner-1").tree.records for name in keeper.hidden)
    assert sim.metrics()["stale_rate"] > 0.3 and sound(sim)


# --- eclipse --------------------------------------------------------------------------------------


@pytest.mark.parametrize("relay", ["inventory", "direct"])
def test_an_eclipsed_agent_is_alone_until_it_is_released(relay: str) -> None:
    sim = play(200, script="at 20s eclipse miner-1 miner-7,miner-8", relay=relay, transactions=0.5)
    victim = agent(sim, "miner-1")
    top = canon(sim).tip.height
    assert top - victim.tree.tip.height > 3 and canon(sim).miner is not victim
    sim.apply("release miner-1")
    sim.run(until=280)
    assert canon(sim).tip.height - victim.tree.tip.height <= 1
    assert not victim.only and not agent(sim, "miner-7").shuns
    assert sound(sim)


def test_a_victim_of_several_attackers_is_freed_by_all() -> None:
    sim = play(
        5, script="at 1s eclipse miner-1 miner-7\nat 2s eclipse miner-2 miner-7,miner-8\nat 3s eclipse miner-1 miner-8"
    )
    assert agent(sim, "miner-1").only == (7,)
    assert agent(sim, "miner-7").shuns == (1,) and agent(sim, "miner-8").shuns == (0, 1)
