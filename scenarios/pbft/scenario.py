"""Practical Byzantine fault tolerance: M. Castro, B. Liskov, Practical Byzantine Fault Tolerance, OSDI 1999.

Replicas, n = 3f+1 of them, carry out the requests of clients in one order, although up to f of them may do anything
at all. The primary proposes an order (pre-prepare), the others say to all what they were told (prepare), and then that
they know of a quorum that was told the same (commit). Two quorums of 2f+1 always share a correct replica, so no two
requests ever get one number. When the primary fails, the others change the view, and the next one takes over.

The protocol itself is in `pbft_replica.py` and `pbft_client.py`. Here the requests are transfers of money, and each
batch of them is a block: the same chain as that of proof of work, but final at once.

Every replica talks to every other. The topology only says how they are drawn: a message goes from any agent to any
other, as if the network between them routed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from engine.agent import Agent
from engine.commands import ArgSpec, CommandSpec
from engine.duration import SECOND
from engine.errors import CommandError
from engine.ledger import address_of
from engine.params import NetworkParams, param
from engine.scenario import InvariantSpec, MetricSpec, Scenario
from engine.signing import public_key, secret_key
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Column, Landmark, MetricView, NarrationLine, StageView, Tone, Words
from scenarios.pbft import measures
from scenarios.pbft import views as pbft_views
from scenarios.pbft.client import REMEMBERED, Client
from scenarios.pbft.experiments import EXPERIMENTS
from scenarios.pbft.faults import MISBEHAVIOURS
from scenarios.pbft.replica import Replica
from scenarios.pbft.state import Settings

FUNDS = 1_000  # what each client has in its account at the beginning
CHECKED = 4_096  # numbers and requests for which the invariants remember what they saw


class PbftParams(NetworkParams, frozen=True, kw_only=True):
    """What a run of PBFT can be given."""

    f: Annotated[int, param("faulty replicas that are tolerated; there are n = 3f+1 replicas", low=1, high=133)] = 1
    clients: Annotated[int, param("how many clients", low=1, high=1_000)] = 2
    requests: Annotated[
        int, param("requests of all clients together, after which the run ends; 0 for no end", low=0, high=10_000_000)
    ] = 60
    rate: Annotated[
        float, param("requests a second that each client wants to make, one at a time", low=0.001, high=100_000.0)
    ] = 1.0
    checkpoint_interval: Annotated[
        int, param("batches between checkpoints; 0 for none, and a log that only grows", low=0, high=100_000)
    ] = 10
    batch: Annotated[int, param("most requests under one number; 1 for no batching", low=1, high=10_000)] = 1
    authentication: Annotated[
        Literal["none", "mac", "signature"],
        param("how messages prove who sent them: not at all, by a code for each receiver, or by a signature for all"),
    ] = "mac"
    timeout: Annotated[
        float,
        param("patience of a client, and of a backup with its primary; doubles with each view that fails", unit="s",
              low=0.001, high=3600.0),
    ] = 1.0  # fmt: skip


class Pbft(Scenario):
    """Replicas that agree on one order, whatever a third of them does."""

    name = "pbft"
    title = "PBFT"
    family = "Agreement"
    teaches = (
        "How a group agrees on one order of events although some of its members may lie: everybody tells everybody "
        "what they were told, twice, and any two quorums share an honest member. Crash the primary and see the group "
        "choose the next one, let it tell two stories and see neither believed, and see what one liar too many does."
    )
    sources = (
        "M. Castro, B. Liskov, Practical Byzantine Fault Tolerance, OSDI 1999",
        "M. Castro, B. Liskov, Practical Byzantine Fault Tolerance and Proactive Recovery, ACM TOCS 20(4), 2002 (what "
        "a replica that lacks something sends)",
        "Y. Amir et al., Prime: Byzantine Replication under Attack, IEEE TDSC 8(4), 2011 (the slow primary)",
    )
    Params = PbftParams
    horizon = 600.0
    pace = 0.3
    still = 1.64
    commands = (
        CommandSpec(
            "pay",
            (
                ArgSpec("client", "agent", "who asks"),
                ArgSpec("payee", "agent", "whose account gets it"),
                ArgSpec("amount", "int", "how much"),
            ),
            "let a client ask for a transfer",
            "pay c-1 c-2 5",
        ),
    )
    misbehaviours = MISBEHAVIOURS
    metrics = (
        MetricSpec("requests", "requests that clients have made"),
        MetricSpec("committed", "requests whose client got f+1 equal replies"),
        MetricSpec(
            "messages_per_request",
            "pre-prepares, prepares and commits between replicas for each request; first copies, not those sent again",
            theory="2n(n−1) = 18f²+6f without batching: Castro & Liskov 1999",
        ),
        MetricSpec("view", "the latest view that has begun; its primary is replica number view mod n"),
        MetricSpec("view_changes", "views that have begun since the start"),
        MetricSpec(
            "commit_latency_p50",
            "time from a client's request to its f+1st equal reply, which half of them took at most",
            "s",
            "five message delays: request, pre-prepare, prepare, commit, reply",
        ),
        MetricSpec("commit_latency_p95", "the same, which 95 in 100 took at most", "s"),
        MetricSpec("throughput", "requests committed each second since the start", "/s"),
        MetricSpec("checkpoint_height", "number of the latest stable checkpoint"),
        MetricSpec("rejected_messages", "messages that were not from whom they said, or could not be right"),
        MetricSpec(
            "messages_per_request_total",
            "the same as messages_per_request, with the request to the primary and the replies",
            theory="18f²+9f+2 without batching",
        ),
        MetricSpec("view_change_messages", "view-change messages, first copies", theory="(n−1)² for a crashed primary"),
        MetricSpec("new_view_messages", "new-view messages, first copies", theory="n−1 for each view that begins"),
        MetricSpec("resent_messages", "messages between replicas that were sent again because somebody lacked them"),
        MetricSpec("state_transfers", "times that a replica took over the state at a checkpoint from another"),
        MetricSpec("height", "blocks that 2f+1 replicas have carried out: they are final"),
    )
    invariants = (
        InvariantSpec(
            "agreement",
            "safety",
            "no two correct replicas carry out different requests under the same number",
            "check_agreement",
            on="executed",
        ),
        InvariantSpec(
            "total order",
            "safety",
            "a correct replica carries out blocks in the order of their numbers, each after the block that all have "
            "before it",
            "check_order",
            on="executed",
        ),
        InvariantSpec(
            "validity",
            "safety",
            "correct replicas carry out only what clients asked for",
            "check_validity",
            on="executed",
        ),
        InvariantSpec(
            "at-most-once",
            "safety",
            "a correct replica carries out no request twice, and none that is older than its client's last",
            "check_once",
            on="executed",
        ),
        InvariantSpec(
            "every request is answered",
            "liveness",
            "in the end, once the network behaves, every correct client has its answer",
            "unanswered",
        ),
    )
    experiments = EXPERIMENTS
    columns = (
        Column("view", "view", "right", 4, "its view; → while it waits for that view to begin"),
        Column("executed", "exec", "right", 6, "blocks that it has carried out; for a client: answers"),
        Column("stable", "stable", "right", 6, "its last stable checkpoint"),
        Column("log", "log", "right", 4, "numbers in its log"),
        Column("waits", "waits", "right", 5, "requests that it waits for"),
        Column("head", "head", "left", 6, "its last block; for a client: its last answer"),
    )

    params: PbftParams

    # Setting up

    def __init__(self, params: Any = None) -> None:
        super().__init__(params)
        given = self.params
        if given.requests:  # time enough for all of them, at their rate, and some trouble on the way
            each = 1.0 / given.rate + 20.0 * given.latency
            self.horizon = max(self.horizon, 2.0 * each * given.requests / given.clients)

    def name_of(self, number: int) -> str:
        """The name of replica `number`, from 0."""
        return f"r{number}"

    def client_name(self, number: int) -> str:
        """The name of client `number`, from 1."""
        return f"c-{number}"

    def population(self) -> Sequence[tuple[str, str]]:
        n = 3 * self.params.f + 1
        return [(self.name_of(number), "replica") for number in range(n)] + [
            (self.client_name(number), "client") for number in range(1, self.params.clients + 1)
        ]

    def next_name(self, role: str, number: int) -> str:
        if role == "client":
            return self.client_name(number - 3 * self.params.f - 1)
        return self.name_of(3 * self.params.f + 1 + max(0, number - 3 * self.params.f - 2 - self.params.clients))

    def create(self, name: str, role: str) -> Agent:
        if role == "client":
            return Client(self.settings(), self.params.rate, self.quota(name))
        return Replica(self.settings())

    def settings(self) -> Settings:
        """What every agent knows."""
        params = self.params
        timeout = max(1, round(params.timeout * SECOND))
        return Settings(params.f, params.checkpoint_interval, params.batch, params.authentication, timeout)

    def quota(self, name: str) -> int | None:
        """How many requests a client makes by itself: an equal part of them all. One that joins later makes none, or
        as many as it likes in a run without an end."""
        params = self.params
        if not params.requests:
            return None
        names = [self.client_name(number) for number in range(1, params.clients + 1)]
        if name not in names:
            return 0
        each, rest = divmod(params.requests, params.clients)
        return each + (names.index(name) < rest)

    def accounts(self, sim: Simulation) -> dict[str, int]:
        """What is in each account at the beginning, by address."""
        return {
            address_of(public_key(secret_key(sim.seed, name))): FUNDS
            for name, role in self.population()
            if role == "client"
        }

    def begin(self, sim: Simulation) -> None:
        accounts = self.accounts(sim)
        for replica in measures.replicas(sim):
            replica.endow(accounts)

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        client = sim.agent(args[0])
        if not isinstance(client, Client):
            raise CommandError(f"{client.name} is no client; name one, such as {self.client_name(1)}")
        if not sim.lifecycle.is_alive(client.id):
            raise CommandError(f"{client.name} is down, so it cannot ask; restart it first")
        if args[2] < 1:
            raise CommandError(f"{args[2]} cannot be paid; an amount is a whole number from 1")
        client.ask(client.address(sim.names[args[1]]), args[2])

    # Goals and invariants

    def over(self, sim: Simulation) -> str:
        return measures.over(sim)

    def check_agreement(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        if _is_faulty(sim, note.agent):
            return ""
        seq, what = note.data["seq"], note.data["digest"]
        first, who = memory.setdefault(seq, (what, note.agent))
        _forget(memory)
        if first == what:
            return ""
        names = sim.names
        return f"{names[note.agent]} carries out {what} as number {seq}, where {names[who]} carried out {first}"

    def check_order(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        if _is_faulty(sim, note.agent):
            return ""
        seq, block, parent = note.data["seq"], note.data["block"], note.data["parent"]
        last = memory.get(f"last of {note.agent}", 0)
        memory[f"last of {note.agent}"] = seq
        name = sim.names[note.agent]
        if seq <= last:
            return f"{name} carries out number {seq} after number {last}"
        before = memory.get(seq - 1, parent)
        memory.setdefault(seq, block)
        for old in [key for key in (seq - CHECKED,) if key in memory]:
            del memory[old]
        if before != parent:
            return f"{name} carries out number {seq} after block {parent}, where others have {before}"
        return ""

    def check_validity(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        if _is_faulty(sim, note.agent):
            return ""
        for agent, timestamp, digest in note.data["requests"]:
            client = sim.agent(agent)
            assert isinstance(client, Client)
            if timestamp <= client.timestamp - REMEMBERED:
                continue
            if digest not in [one[:8].hex() for one in client.issued.get(timestamp, ())]:
                name = sim.names[note.agent]
                return f"{name} carries out a request {timestamp} of {client.name}, which {client.name} never made"
        return ""

    def check_once(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        if _is_faulty(sim, note.agent):
            return ""
        for client, timestamp, _ in note.data["requests"]:
            last = memory.get((note.agent, client), 0)
            memory[note.agent, client] = max(last, timestamp)
            if timestamp <= last:
                names = sim.names
                return (
                    f"{names[note.agent]} carries out request {timestamp} of {names[client]} after its request {last}"
                )
        return ""

    def unanswered(self, sim: Simulation) -> str:
        """Whose requests are overdue."""
        late = measures.unanswered(sim)
        if not late:
            return ""
        names = ", ".join([one.name for one in late[:3]])
        return f"{names}{f' and {len(late) - 3} more' if len(late) > 3 else ''} waited longer than the timeout"

    # Figures and views

    def measure(self, sim: Simulation) -> dict[str, Any]:
        return measures.measure(sim)

    def sample(self, sim: Simulation) -> dict[str, float]:
        return measures.sample(sim)

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow | None:
        return pbft_views.agent_row(sim, agent)

    def node_look(self, sim: Simulation, agent: Agent) -> tuple[Tone, str]:
        return pbft_views.node_look(sim, agent)

    def stage(self, sim: Simulation) -> StageView | None:
        return pbft_views.stage(sim)

    def detail(self, sim: Simulation, key: str) -> Words | None:
        return pbft_views.detail(sim, key)

    def metric_views(self, sim: Simulation) -> tuple[MetricView, ...]:
        return pbft_views.metric_views(sim)

    def narrate(self, sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
        return pbft_views.narrate(sim, event)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        return pbft_views.landmark(sim, note)


def _is_faulty(sim: Simulation, agent: int) -> bool:
    found = sim.agent(agent)
    return isinstance(found, Replica) and (found.tainted or found.mode != "honest")


def _forget(memory: dict[Any, Any]) -> None:
    """Keep what was seen last."""
    if len(memory) > CHECKED:
        del memory[next(iter(memory))]
