"""Agents of proof of work: mining, relaying, paying, catching up, and what crashes and partitions do to them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import CommandError, ParameterError
from engine.simulation import Simulation
from engine.topology import TOPOLOGIES
from scenarios.launch import launch
from scenarios.pow.chain import (
    REWARD,
    WEALTH,
    Block,
    Header,
    Record,
    address_in,
    id_of,
    judge,
    root_of,
    seal_of,
    work_of,
)
from scenarios.pow.measures import canon, finds, miners
from scenarios.pow.miner import Miner
from scenarios.pow.scenario import ProofOfWork
from swarmscope import simulate

QUICK = {"bits": 6.0, "transactions": 0.0}


def play(until: float | None = None, seed: int = 1, script: str = "", **params: Any) -> Simulation:
    return simulate("pow", params={**QUICK, **params}, seed=seed, until=until, script=script)


def agent(sim: Simulation, name: str) -> Miner:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Miner)
    return found


def agreed(sim: Simulation) -> bool:
    """Whether no live agent follows a branch with less work than another. When nobody finds anything any more, two tips
    with the same work may stay."""
    return len({one.tree.tip.work for one in miners(sim) if sim.lifecycle.is_alive(one.id)}) == 1


def sound(sim: Simulation) -> bool:
    failed = [note for note in sim.trace.notes if note.kind in ("failed", "broken")]
    return not failed and all(one["holds"] for one in sim.invariants() if one["kind"] == "safety")


def quiet(sim: Simulation, wait: float = 120) -> Simulation:
    """Let nobody find anything any more, and the news of what there is go around."""
    for one in miners(sim):
        if sim.lifecycle.is_alive(one.id):
            one.set_power(0.0)
    sim.run(until=sim.seconds + wait)
    return sim


# --- mining ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mining", ["real", "sampled"])
@pytest.mark.parametrize("relay", ["inventory", "direct"])
@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_everybody_ends_up_with_one_chain_on_every_topology(topology: str, relay: str, mining: str) -> None:
    sim = quiet(play(300, topology=topology, relay=relay, mining=mining, miners=9))
    assert canon(sim).tip.height > 10
    assert agreed(sim)
    assert sound(sim)


def test_a_run_ends_with_as_many_blocks_as_were_asked_for() -> None:
    for mining in ("real", "sampled"):
        sim = play(mining=mining, blocks=12)
        assert sim.metrics()["blocks_mined"] == 12 == len(finds(sim))
        assert sim.over == "12 blocks were found"


def test_hash_power_decides_who_finds_and_each_hash_is_counted() -> None:
    sim = play(mining="real", miners=3, hashpower="zipf", blocks=400, latency=0, interval=1, retarget=0)
    made = [len(one.made) for one in miners(sim)]
    assert made[0] > 1.4 * made[1] > 1.4 * made[2] > 0
    done = [one.hashes_done() for one in miners(sim)]
    assert done[0] == pytest.approx(3 * done[2], rel=0.05)
    assert sim.metrics()["hashes"] == pytest.approx(400 * 2**6, rel=0.25)
    sampled = play(mining="sampled", blocks=400, latency=0, interval=1, retarget=0).metrics()
    assert sampled["hashes"] == pytest.approx(400 * 2**6, rel=0.25)


def test_how_quick_a_run_is_does_not_depend_on_the_difficulty() -> None:
    for bits in (2.0, 8.5):
        sim = play(bits=bits, mining="real", blocks=150, latency=0, retarget=0)
        assert sim.seconds == pytest.approx(1500, rel=0.35)


def test_the_clock_of_a_miner_is_what_its_headers_say() -> None:
    sim = play(200, script="at 20s skew miner-1 +30s", miners=3, latency=0.01)
    for find in finds(sim):
        block = agent(sim, sim.names[find.maker]).tree.records[find.id].block
        assert block is not None
        ahead = block.header.time - find.time
        late = 1_000_000  # a header is as old as the tick in which it was found
        assert -late <= ahead - (30_000_000 if find.maker == 0 and find.time > 21e6 else 0) <= 30_000_000


def test_a_block_from_too_far_ahead_has_to_wait() -> None:
    sim = play(300, script="at 1s skew miner-1 +600s\nat 200s skew miner-1 +0s", miners=4, mining="sampled")
    ahead = [name for name, (time, _) in agent(sim, "miner-1").made.items() if time < 200e6]
    assert ahead and not any(name in agent(sim, "miner-2").tree.active for name in ahead)
    assert sound(sim)


# --- money ----------------------------------------------------------------------------------------


def test_payments_are_mined_and_money_is_kept_count_of() -> None:
    sim = quiet(play(400, transactions=1.0, miners=5))
    metrics = sim.metrics()
    assert metrics["tx_confirmed"] > 100
    for one in miners(sim):
        assert one.tree.ledger.total == 5 * WEALTH + one.tree.tip.height * REWARD
    assert metrics["tx_confirmed"] + metrics["tx_pending"] >= canon(sim).tip.transfers


def test_a_payment_by_command_arrives() -> None:
    sim = play(script="at 5s pay miner-1 miner-2 1000 7", until=200, confirmations=3)
    ledger = agent(sim, "miner-3").tree.ledger
    assert ledger.nonce(address_in(1, "miner-1")) == 1
    assert sim.metrics()["tx_confirmed"] == 1 and sim.metrics()["tx_pending"] == 0
    fresh = play(script="at 5s pay miner-1 miner-2 1000", until=6)
    assert fresh.metrics()["tx_pending"] == 1
    assert len(agent(fresh, "miner-8").pool) == 1, "everybody has heard of it"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pay miner-1 miner-1 5", "cannot pay itself"),
        ("pay miner-1 miner-2 0", "a whole number of 1 or more"),
        ("pay miner-1 miner-2 5 -1", "a fee of 0 or more"),
        ("pay miner-1 miner-2 2000000", "miner-1 has 1000000 to spend"),
        ("pay miner-9 miner-2 5", "no agent 'miner-9'"),
        ("double-spend miner-1 miner-1 2", "cannot cheat itself"),
        ("double-spend miner-1 miner-2 0", "waits for 1 to 1000"),
        ("eclipse miner-1 miner-1", "the victim cannot be one of them"),
        ("release miner-1", "nobody has eclipsed miner-1"),
        ("hashpower miner-1 1.5", "0 to 0.999"),
        ("byzantine miner-1 rude", "no misbehaviour 'rude'"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_in_words(command: str, words: str) -> None:
    sim = launch("pow", QUICK, 1)
    with pytest.raises(CommandError, match=words):
        sim.apply(command)


def test_who_is_down_cannot_pay() -> None:
    sim = play(3, script="at 2s crash miner-1")
    with pytest.raises(CommandError, match="miner-1 is down or frozen"):
        sim.apply("pay miner-1 miner-2 5")


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("relay", ["inventory", "direct"])
def test_a_partition_forks_the_chain_and_a_heal_joins_it(relay: str) -> None:
    script = "at 50s partition miner-1,miner-2,miner-3,miner-4,miner-5 | miner-6,miner-7,miner-8\nat 250s heal"
    for seed in range(3):
        sim = play(249, seed, script, relay=relay, transactions=0.5)
        assert agent(sim, "miner-1").tree.tip.id != agent(sim, "miner-8").tree.tip.id
        assert not sim.scenario.divided(sim), "within each side all agree"  # type: ignore[attr-defined]
        sim.run(until=251)
        assert agreed(quiet(sim))
        assert sim.metrics()["max_reorg_depth"] > 1
        assert sound(sim)


def test_one_chain_is_missing_while_agents_disagree() -> None:
    sim = play(249, script="at 50s partition miner-1,miner-2,miner-3,miner-4 | miner-5,miner-6,miner-7,miner-8")
    sim.apply("heal")
    [liveness] = [one for one in sim.invariants() if one["name"] == "one-chain"]
    assert not liveness["holds"] and "tips" in liveness["detail"]


@pytest.mark.parametrize("relay", ["inventory", "direct"])
def test_half_of_the_messages_may_be_lost(relay: str) -> None:
    sim = play(300, relay=relay, loss=0.5, transactions=0.2)
    sim.apply("loss 0%")
    assert agreed(quiet(sim))
    assert sound(sim)


def test_a_restarted_agent_catches_up_by_headers_from_any_peer() -> None:
    script = "at 20s crash miner-2\nat 400s crash miner-3,miner-4\nat 410s restart miner-2"
    sim = play(409, script=script, interval=1, mining="sampled", retarget=0, topology="ring")
    behind = canon(sim).tip.height - agent(sim, "miner-2").tree.tip.height
    assert behind > 250, "more than one answer holds"
    assert agent(sim, "miner-2").tree.tip.height > 5, "the chain survives a crash"
    sim.run(until=418)
    back = agent(sim, "miner-2")
    assert canon(sim).tip.height - back.tree.tip.height <= 2, "its other neighbour on the ring has helped"
    assert not back.coming and sound(sim)


def test_a_newcomer_learns_the_whole_chain_and_mines() -> None:
    sim = play(600, script="at 200s join 2", mining="sampled")
    for name in ("miner-9", "miner-10"):
        assert agent(sim, name).tree.tip.height >= canon(sim).tip.height - 1
        assert agent(sim, name).power == 1 / 8
    assert any(agent(sim, name).made for name in ("miner-9", "miner-10"))
    assert sound(sim)


def test_a_crash_loses_the_mempool_and_not_the_own_payments() -> None:
    sim = play(10, script="at 4s pay miner-1 miner-2 5\nat 5s crash miner-1\nat 6s restart miner-1", interval=1000)
    assert len(agent(sim, "miner-1").pool) == 1 and len(agent(sim, "miner-2").pool) == 1


def test_frozen_slow_and_leaving_agents_do_no_harm() -> None:
    script = (
        "at 20s freeze miner-1\nat 30s slow miner-2 10x\nat 40s leave miner-3\nat 100s thaw miner-1\n"
        "at 120s duplicate 30%\nat 140s reorder 30%\nat 160s bandwidth 2kB/s"
    )
    sim = play(300, script=script, transactions=1)
    sim.apply("bandwidth off")
    assert agreed(quiet(sim))
    assert sound(sim)


def test_a_run_goes_on_from_a_checkpoint_as_if_nothing_had_happened() -> None:
    for params in ({"mining": "real"}, {"mining": "sampled", "relay": "direct", "attacker": "selfish", "gamma": 0.5}):
        script = (
            "at 60s partition miner-1,miner-2 | miner-3,miner-4\nat 90s heal\nat 95s double-spend miner-3 miner-2 1"
        )
        whole = play(300, script=script, transactions=1, **params)
        sim = play(80, script=script, transactions=1, **params)
        moment = sim.checkpoint()
        sim.run(until=130)
        sim.restore(moment)
        sim.run(until=300)
        assert sim.digest == whole.digest
        assert sim.metrics() == whole.metrics()


def test_a_network_of_eight_hundred_miners_works() -> None:
    sim = play(miners=800, mining="sampled", interval=60, blocks=3, topology="small-world", latency=0.2)
    assert sim.metrics()["propagation_p90"] > sim.metrics()["propagation_p50"] > 1.0
    assert sound(sim)


def test_two_miners_will_do_and_names_can_be_others() -> None:
    class Nodes(ProofOfWork):
        def name_of(self, number: int) -> str:
            return f"node-{number}"

    sim = simulate(Nodes, params={**QUICK, "miners": 2}, seed=1, until=100)
    assert sim.names == ["node-1", "node-2"]
    assert sim.metrics()["revenue_share"].keys() == {"node-1", "node-2"}


# --- figures --------------------------------------------------------------------------------------


def test_metrics_have_the_names_and_order_that_scripts_rely_on() -> None:
    names = [spec.name for spec in ProofOfWork.metrics]
    assert names[:17] == [
        "blocks_mined", "height", "stale_rate", "heights_forked", "reorgs", "max_reorg_depth", "mean_block_interval",
        "difficulty", "propagation_p50", "propagation_p90", "tx_confirmed", "tx_pending", "hashes", "revenue_share",
        "attacker_revenue", "double_spends_tried", "double_spends_won",
    ]  # fmt: skip
    assert list(play(1).metrics()) == names


def test_figures_before_and_after_the_first_block() -> None:
    sim = launch("pow", QUICK, 1)
    empty = sim.metrics()
    assert empty["height"] == 0 and empty["stale_rate"] is None and empty["mean_block_interval"] is None
    assert empty["attacker_revenue"] is None and set(empty["revenue_share"].values()) == {0.0}
    sim.run(until=300)
    full = sim.metrics()
    assert sum(full["revenue_share"].values()) == pytest.approx(1.0)
    assert full["difficulty"] == work_of(canon(sim).tip.next_target)
    assert 0.025 < full["propagation_p50"] <= full["propagation_p90"] < 1.0


def test_a_constant_delay_is_what_a_block_takes_straight_to_everybody() -> None:
    metrics = play(blocks=20, relay="direct", latency=0.25, latency_model="constant").metrics()
    assert metrics["propagation_p50"] == metrics["propagation_p90"] == 0.25


# --- choosing a branch ----------------------------------------------------------------------------


def branch(one: Miner, count: int, apart: int) -> list[Block]:
    """Blocks that follow the first one, `apart` µs from each other, valid where mining is sampled."""
    parent, blocks = one.tree.records[one.tree.active[0]], []
    for height in range(1, count + 1):
        held = (height, 1, one.address, ())
        header = Header(parent.id, root_of(*held), parent.times[-1] + apart, parent.next_target, 0)
        blocks.append(Block(replace(header, nonce=seal_of(header)), *held))
        record = judge(one.rules, parent, blocks[-1])
        assert isinstance(record, Record), record
        parent = record
    return blocks


def test_the_branch_with_the_most_work_wins_and_not_the_longest() -> None:
    sim = play(1, mining="sampled", interval=1000, retarget=1)
    one = agent(sim, "miner-1")
    long = branch(one, 4, 1_000_000_000)
    short = branch(one, 2, 1_000_000)
    for block in long:
        one.receive(1, block)
    assert one.tree.tip.height == 4
    one.receive(1, short[0])
    assert one.tree.tip.height == 4, "as yet the long one took more"
    one.receive(1, short[1])
    assert one.tree.tip.height == 2 and one.reorgs[-1].depth == 4


def test_of_two_with_the_same_work_the_first_one_seen_stays() -> None:
    sim = play(1, mining="sampled", interval=1000)
    one = agent(sim, "miner-1")
    [first], [second] = branch(one, 1, 5_000_000), branch(one, 1, 6_000_000)
    one.receive(1, first)
    one.receive(2, second)
    assert one.tree.active[1] == id_of(first.header)
    assert id_of(second.header) in one.tree.records


def test_orphans_wait_for_their_parents() -> None:
    sim = play(1, mining="sampled", interval=1000)
    one = agent(sim, "miner-1")
    blocks = branch(one, 5, 5_000_000)
    for block in reversed(blocks[1:]):
        one.receive(1, block)
    assert one.tree.tip.height == 0 and len(one.orphans) == 4
    one.receive(1, blocks[0])
    assert one.tree.tip.height == 5 and not one.orphans


def test_of_very_many_neighbours_a_dozen_are_spoken_to() -> None:
    sim = quiet(play(100, miners=80, mining="sampled", transactions=0.1))
    assert all(len(one.circle) == 12 for one in miners(sim))
    assert agreed(sim) and sound(sim)
    for one in agent(sim, "miner-1").circle[:3]:
        sim.apply(f"leave {sim.names[one]}")
    agent(sim, "miner-1").peers()
    assert not set(agent(sim, "miner-1").circle) & sim.lifecycle.left


def test_who_has_no_money_sends_no_payments() -> None:
    sim = play(60, script="at 1s join 4\nat 2s hashpower miner-1 0.99", transactions=5, miners=4)
    assert all(not agent(sim, f"miner-{number}").outbox for number in range(5, 9))
    assert not [note for note in sim.trace.notes if note.kind == "refused-transfer"]


def test_a_search_that_would_never_end_is_refused() -> None:
    with pytest.raises(ParameterError, match="bits=39 is too hard to be searched here"):
        launch("pow", {"bits": 39}, 1)
    launch("pow", {"bits": 39, "mining": "sampled"}, 1).run(until=30)
