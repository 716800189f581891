"""Finality: proof of work beside PBFT, under the same load and the same faults.

Nakamoto's chain always goes on, and takes back what it said; Castro and Liskov's waits, and never takes anything back.
Under a partition a system can have the one or the other, but not both (E. Brewer's conjecture; S. Gilbert, N. Lynch,
2002).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from engine.params import NetworkParams, param
from engine.scenario import Experiment
from scenarios.pair import Pair, Side
from scenarios.pbft.scenario import Pbft, PbftParams
from scenarios.pow.params import PowParams
from scenarios.pow.scenario import ProofOfWork


def node(number: int) -> str:
    """The name of a node, from 1: the same on both sides."""
    return f"node-{number}"


class FinalityParams(NetworkParams, frozen=True, kw_only=True):
    """What both sides are given."""

    f: Annotated[int, param("faulty nodes that PBFT tolerates; there are 3f+1 nodes", low=1, high=33)] = 2
    interval: Annotated[
        float, param("mean time between blocks of proof of work", unit="s", low=0.1, high=3600.0)
    ] = 10.0  # fmt: skip
    transactions: Annotated[float, param("payments a second", low=0.01, high=100.0)] = 0.2
    confirmations: Annotated[
        int, param("blocks after which proof of work calls a payment settled", low=1, high=100)
    ] = 6


class NodesThatMine(ProofOfWork):
    """Proof of work among nodes."""

    def name_of(self, number: int) -> str:
        return node(number)


class NodesThatVote(Pbft):
    """PBFT among nodes."""

    def name_of(self, number: int) -> str:
        return node(number + 1)


class Finality(Pair):
    """The two side by side."""

    name = "finality"
    title = "Finality"
    family = "Agreement"
    teaches = (
        "What it costs to agree when the network is cut. The same nodes, the same payments and the same faults, twice: "
        "proof of work goes on on both sides of a partition, forks, and afterwards takes back what one side believed; "
        "PBFT waits where it has no quorum, and what it has decided is final at once."
    )
    sources = (
        "S. Nakamoto, Bitcoin: A Peer-to-Peer Electronic Cash System, 2008",
        "M. Castro, B. Liskov, Practical Byzantine Fault Tolerance, OSDI 1999",
        "S. Gilbert, N. Lynch, Brewer's Conjecture and the Feasibility of Consistent, Available, Partition-Tolerant "
        "Web Services, ACM SIGACT News 33(2), 2002",
    )
    Params = FinalityParams
    labels: ClassVar[tuple[str, str]] = ("PoW", "PBFT")
    horizon = 600.0
    pace = 5.0
    still = 170.0
    commands = (
        *ProofOfWork.commands,
        *(spec for spec in Pbft.commands if spec.name not in {one.name for one in ProofOfWork.commands}),
    )
    misbehaviours = (*ProofOfWork.misbehaviours, *Pbft.misbehaviours)
    experiments = (
        Experiment(
            "cut",
            "Four nodes here, three nodes there",
            "From second 60 to second 150 neither side of the partition has the five votes that PBFT needs: its chain "
            "stands still, and goes on after the heal as if nothing had happened. Proof of work does not wait: each "
            "side finds blocks on its own, the chain forks, and at the heal the side with less work takes its blocks "
            "back.",
            {},
            "at 60s partition node-[1-4] | node-[5-7]\nat 150s heal",
            "p cuts, h heals; select a block with the arrows and see who had it when",
        ),
        Experiment(
            "minority",
            "Two nodes are cut off",
            "Five nodes are a quorum, so PBFT goes on without the two that are cut off; after the heal these catch up, "
            "and nothing that anybody decided is taken back. With proof of work the two go on by themselves, slowly, "
            "and all that they found is stale after the heal.",
            {},
            "at 60s partition node-[1-5] | node-6,node-7\nat 180s heal",
            "h heals earlier; watch the tips of 6 and 7",
        ),
        Experiment(
            "crash",
            "One crash too many",
            "With two of seven nodes down both go on. When a third one crashes at second 120, PBFT is one vote short "
            "and waits until it restarts; proof of work does not care who is there, and only gets slower.",
            {},
            "at 60s crash node-6,node-7\nat 120s crash node-5\nat 240s restart node-5",
            "c crashes the selected node, r restarts it",
        ),
    )

    params: FinalityParams

    def sides(self) -> tuple[Side, Side]:
        given = self.params
        network = {name: getattr(given, name) for name in NetworkParams.__struct_fields__}
        mining = PowParams(
            miners=3 * given.f + 1,
            interval=given.interval,
            transactions=given.transactions,
            confirmations=given.confirmations,
            retarget=0,
            **network,
        )
        voting = PbftParams(f=given.f, clients=1, requests=0, rate=given.transactions, **network)
        return (
            Side(
                self.labels[0],
                NodesThatMine(mining),
                ("height", "reorgs", "max_reorg_depth", "tx_confirmed", "stale_rate"),
            ),
            Side(self.labels[1], NodesThatVote(voting), ("height", "committed", "commit_latency_p50", "view_changes")),
        )
