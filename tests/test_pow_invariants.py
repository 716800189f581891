"""Each invariant of proof of work notices an agent that breaks it; and no command makes an honest one do so."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import CommandError
from engine.ledger import transfer
from engine.signing import secret_key
from engine.simulation import Simulation
from scenarios.launch import launch
from scenarios.pow.chain import Block, Record, id_of, judge, root_of
from scenarios.pow.measures import miners
from scenarios.pow.miner import Miner
from scenarios.pow.scenario import ProofOfWork
from swarmscope import simulate

QUICK: dict[str, Any] = {"bits": 6.0, "mining": "sampled", "miners": 4, "retarget": 0}


def broken(sim: Simulation) -> dict[str, str]:
    return {one["name"]: one["detail"] for one in sim.invariants() if not one["holds"] and one["kind"] == "safety"}


def agent(sim: Simulation, name: str) -> Miner:
    found = sim.agent(sim.ids[name])
    assert isinstance(found, Miner)
    return found


class Gullible(Miner):
    """Takes every block for valid."""

    def receive(self, sender: int, block: Block) -> None:
        parent = self.tree.records.get(block.header.parent)
        if parent is None or id_of(block.header) in self.tree.records:
            return
        found = judge(self.rules, parent, block)
        if isinstance(found, str):
            name = id_of(block.header)
            found = replace(
                parent, id=name, parent=parent.id, height=parent.height + 1, work=parent.work + 10**9, block=block,
                times=(*parent.times[-10:], block.header.time),
            )  # fmt: skip
        self.tree.add(found)
        self.adopt(found)
        self.mine()


class WithGullible(ProofOfWork):
    def create(self, name: str, role: str) -> Miner:
        kind = Gullible if name == "miner-2" else Miner
        return kind(self.params, self.accounts(), self.power_of(int(name.rpartition("-")[2])))


def test_whoever_follows_an_invalid_block_is_named() -> None:
    sim = simulate(WithGullible, params=QUICK, seed=1, script="at 1s byzantine miner-4 invalid-blocks", until=300)
    found = broken(sim)["valid-chain"]
    assert "miner-2 follows block" in found and ("stand-in" in found or "Merkle root" in found)


def test_an_honest_network_breaks_nothing_whoever_sends_rubbish() -> None:
    sim = simulate("pow", params=QUICK, seed=1, script="at 1s byzantine miner-4 invalid-blocks", until=300)
    assert broken(sim) == {}


def test_a_block_in_the_wrong_place_is_noticed() -> None:
    sim = simulate("pow", params=QUICK, seed=1, until=100)
    tree = agent(sim, "miner-2").tree
    tip = tree.tip
    tree.tip = tree.records[tip.id] = replace(tip, height=tip.height - 1)
    sim.note(1, "adopted", {})
    assert "miner-2 has block" in broken(sim)["valid-chain"]


def test_missing_history_is_noticed() -> None:
    sim = simulate("pow", params=QUICK, seed=1, until=200)
    one = agent(sim, "miner-2")
    sim.invariants_kept.memory["valid-chain"].clear()
    del one.tree.records[one.tree.active[2]]
    sim.note(1, "adopted", {})
    assert "lacks what comes before it" in broken(sim)["valid-chain"]


def test_an_overdraft_is_noticed() -> None:
    sim = simulate("pow", params={**QUICK, "transactions": 2}, seed=1, until=100)
    one = agent(sim, "miner-2")
    one.tree.ledger.balances[one.address] = -(10**6)
    sim.run(until=160)
    assert "below zero with miner-2" in broken(sim)["no-overdraft"] or "stands at" in broken(sim)["no-overdraft"]


def test_money_from_nowhere_is_noticed() -> None:
    sim = simulate("pow", params={**QUICK, "transactions": 2}, seed=1, until=100)
    one = agent(sim, "miner-3")
    one.tree.ledger.balances[one.address] += 5
    sim.run(until=160)
    assert "miner-3 counts" in broken(sim)["no-overdraft"]


def test_a_payment_that_is_in_a_chain_twice_is_noticed() -> None:
    sim = simulate("pow", params=QUICK, seed=1, until=100)
    one = agent(sim, "miner-2")
    paid = transfer(secret_key(1, "miner-2"), agent(sim, "miner-1").address, 5, 1, 0)
    for _ in range(2):
        tip = one.tree.tip
        block = tip.block
        assert block is not None
        held = (tip.height + 1, 1, one.address, (paid,))
        header = replace(block.header, parent=tip.id, root=root_of(*held), time=tip.times[-1] + 1)
        twice = Record(id_of(header), tip.id, tip.height + 1, tip.work + 1, tip.next_target, 0, tip.times, 1,
                       Block(header, *held))  # fmt: skip
        one.tree.add(twice)
        one.tree.ledger.nonces.pop(one.address, None)  # it forgets what it has spent
        assert one.adopt(twice)
    assert f"miner-2 has payment {paid.id[:4]} in two blocks" in broken(sim)["spent-once"]


def test_liveness_names_those_who_differ() -> None:
    sim = simulate("pow", params=QUICK, seed=1, until=100)
    scenario = sim.scenario
    assert isinstance(scenario, ProofOfWork)
    while scenario.divided(sim):
        sim.run(events=1)
    one = agent(sim, "miner-3")
    one.adopt(one.tree.records[one.tree.active[-3]])
    assert scenario.divided(sim).startswith("2 tips: miner-3 has ")
    sim.apply("partition miner-3 | miner-1,miner-2,miner-4")
    assert scenario.divided(sim) == "", "it cannot know"


# --- whatever happens -----------------------------------------------------------------------------


def random_command(draw: random.Random) -> str:
    who = [f"miner-{draw.randint(1, 7)}" for _ in range(3)]
    modes = ["honest", "selfish", "double-spender", "withholder", "invalid-blocks", "invalid-transactions"]
    return draw.choice(
        [
            f"crash {who[0]}", f"restart {who[0]}", f"restart {who[1]}", f"freeze {who[0]}", f"thaw {who[0]}", "join",
            f"leave {who[0]}", "partition miner-1,miner-2,miner-3 | miner-4,miner-5", "partition miner-1 > miner-2",
            "heal", "loss 30%", "loss 0%", "duplicate 20%", "reorder 20%", "latency 1s..4s", "latency default",
            f"skew {who[0]} +{draw.randint(0, 300)}s", f"skew {who[0]} -90s", f"skew {who[0]} +10%",
            f"slow {who[0]} {draw.randint(1, 9)}x", f"byzantine {who[0]} {draw.choice(modes)}",
            f"pay {who[0]} {who[1]} {draw.randint(1, 100)}", f"double-spend {who[0]} {who[1]} {draw.randint(1, 3)}",
            f"eclipse {who[0]} {who[1]}", f"release {who[0]}", f"hashpower {who[0]} {draw.choice([0, 0.1, 0.6])}",
        ]
    )  # fmt: skip


def obey(sim: Simulation, command: str) -> None:
    try:
        sim.apply(command)
    except CommandError:
        assert sim.now >= 0  # such as a crash of somebody who is down


@pytest.mark.parametrize("seed", range(6))
def test_no_command_makes_an_agent_fail_or_an_honest_one_break_a_rule(seed: int) -> None:
    draw = random.Random(seed)
    params = {
        "miners": 6, "bits": draw.choice([3, 6.5]), "retarget": draw.choice([0, 5]),
        "mining": ["real", "sampled"][seed % 2],
        "topology": draw.choice(["mesh", "ring", "star", "small-world"]), "relay": draw.choice(["inventory", "direct"]),
        "transactions": draw.choice([0, 1]), "latency": draw.choice([0, 0.05, 2]),
    }  # fmt: skip
    sim = launch("pow", params, seed)
    halfway = sim.checkpoint()
    for step in range(40):
        obey(sim, random_command(draw))
        sim.run(until=sim.seconds + draw.choice([0.5, 3, 10, 30]))
        if step % 10 == 0:
            assert sim.scenario.stage(sim) and sim.scenario.metric_views(sim)
        if step == 20:
            halfway = sim.checkpoint()
    failed = [note for note in sim.trace.notes if note.kind in ("failed", "broken")]
    assert not failed and broken(sim) == {}
    again = launch("pow", params, seed)
    again.restore(halfway)
    for command in sim.commands[len(again.commands) :]:
        again.schedule(command)
    again.run_to(sim.now)
    assert again.digest == sim.digest and again.metrics() == sim.metrics()
    for one in list(miners(sim)):
        for command in ("byzantine {} honest", "restart {}", "thaw {}", "release {}", "skew {} +0s", "slow {} 1x"):
            obey(sim, command.format(one.name))
    for command in ("heal", "loss 0%", "duplicate 0%", "reorder 0%", "latency 50ms"):
        obey(sim, command)
    if params["topology"] == "star" and 0 in sim.lifecycle.left:
        return  # nobody is linked any more
    for one in miners(sim):
        if sim.lifecycle.is_alive(one.id):
            one.set_power(0.0)
    sim.run(until=sim.seconds + 3000)
    assert len({one.tree.tip.work for one in miners(sim) if sim.lifecycle.is_alive(one.id)}) == 1
