"""Proof of work: a chain of blocks that nobody guards, after S. Nakamoto, Bitcoin: A Peer-to-Peer Electronic Cash
System, 2008.

Agents collect signed payments into blocks, and search for a number that makes a block's hash small enough. Whoever
finds one tells the others, who check it and go on from there. Two may be found at about the same time: the chain forks,
and everybody follows the branch that took the most work. What is left behind was work in vain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from engine.agent import Agent
from engine.commands import ArgSpec, CommandSpec
from engine.duration import MILLISECOND, SECOND
from engine.errors import CommandError, ParameterError
from engine.scenario import InvariantSpec, MetricSpec, Misbehaviour, Scenario
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Column, Landmark, MetricView, NarrationLine, StageView, Tone, Words
from scenarios.pow import attacks, measures, views
from scenarios.pow.chain import Record, address_in, judge, short
from scenarios.pow.experiments import EXPERIMENTS
from scenarios.pow.miner import Miner
from scenarios.pow.params import PowParams

PLAIN_END = 100  # mean intervals after which a run without an end is stopped
SETTLING = 4  # delays of the network after the last find, before a run is over
MOST_PAID = 1 << 60
MOST_REAL_BITS = 26  # of difficulty, where nonces are searched: half a minute a block


class ProofOfWork(Scenario):
    """A chain of blocks, grown by proof of work."""

    name = "pow"
    title = "Proof of work"
    family = "Agreement"
    teaches = (
        "How agents that trust nobody agree on one history: each block is hard to find and easy to check, and "
        "everybody follows the branch with the most work. See the chain fork when two find a block at once, and heal "
        "with the next; see what a partition costs, why a merchant waits for confirmations, and how a selfish miner "
        "earns more than its share."
    )
    sources = (
        "S. Nakamoto, Bitcoin: A Peer-to-Peer Electronic Cash System, 2008",
        "C. Decker, R. Wattenhofer, Information Propagation in the Bitcoin Network, IEEE P2P 2013",
        "I. Eyal, E. G. Sirer, Majority Is Not Enough: Bitcoin Mining Is Vulnerable, FC 2014 (selfish mining)",
        "M. Rosenfeld, Analysis of Hashrate-Based Double Spending, 2014",
        "C. Grunspan, R. Pérez-Marco, Double Spend Races, 2018",
        "E. Heilman et al., Eclipse Attacks on Bitcoin's Peer-to-Peer Network, USENIX Security 2015",
    )
    Params = PowParams
    horizon = 1000.0
    pace = 5.0
    still = 150.0
    still_params: ClassVar[dict[str, Any]] = {"latency": 2.5}  # so that it shows a fork
    commands = (
        CommandSpec(
            "pay",
            (
                ArgSpec("from", "agent", "who pays"),
                ArgSpec("to", "agent", "who is paid"),
                ArgSpec("amount", "int", "how much"),
                ArgSpec("fee", "int", "for the miner; 1 unless given", optional=True),
            ),
            "let an agent sign a payment from its account",
            "pay miner-1 miner-2 100",
        ),
        CommandSpec(
            "double-spend",
            (
                ArgSpec("attacker", "agent", "who cheats"),
                ArgSpec("merchant", "agent", "who is cheated"),
                ArgSpec("confirmations", "int", "how many the merchant waits for"),
            ),
            "let a miner pay a merchant, and mine a hidden branch in which it did not",
            "double-spend miner-8 miner-1 2",
        ),
        CommandSpec(
            "eclipse",
            (
                ArgSpec("victim", "agent", "who is cut off"),
                ArgSpec("attackers", "who", "who become its only peers, and tell it nothing"),
            ),
            "cut an agent's links to honest ones",
            "eclipse miner-4 miner-7,miner-8",
        ),
        CommandSpec("release", (ArgSpec("victim", "agent", "who was cut off"),), "end an eclipse", "release miner-4"),
        CommandSpec(
            "hashpower",
            (
                ArgSpec("agent", "agent", "whose hash power changes"),
                ArgSpec("share", "number", "its share of all the hash power there is then, 0 to 0.999"),
            ),
            "give a miner more hash power, or less; the others keep theirs",
            "hashpower miner-8 0.51",
        ),
    )
    misbehaviours = (
        Misbehaviour("selfish", "hides what it finds, and publishes when others catch up (Eyal & Sirer 2014)"),
        Misbehaviour("double-spender", "pays and takes it back by a hidden branch, again and again"),
        Misbehaviour("withholder", "never publishes what it finds"),
        Misbehaviour("invalid-blocks", "sends blocks without proof, with money it lacks, or with changed contents"),
        Misbehaviour("invalid-transactions", "sends payments with false signatures, without cover, or twice"),
    )
    metrics = (
        MetricSpec("blocks_mined", "valid blocks found by anybody, stale and hidden ones included", "blocks"),
        MetricSpec("height", "blocks of the canonical chain, the first one not counted", "blocks"),
        MetricSpec(
            "stale_rate",
            "share of the blocks found that are not on the canonical chain",
            theory="about (1 − Σ share²)·x/(1+x), x = delay over interval, blocks sent straight to everybody",
        ),
        MetricSpec("heights_forked", "share of the canonical heights at which more than one block was found",
                   theory="1 − (1−P)^∫(1−f(t))dt, f the share that has a block after t: Decker & Wattenhofer 2013"),
        MetricSpec("reorgs", "times that an honest agent left one branch for another", "times"),
        MetricSpec("max_reorg_depth", "most blocks that an honest agent undid at once", "blocks"),
        MetricSpec("mean_block_interval", "mean time between blocks of the canonical chain", "s",
                   "the interval asked for; N/(N−1) of it if the difficulty is set anew every N blocks"),
        MetricSpec("difficulty", "hashes that the next block takes on average", "hashes"),
        MetricSpec("propagation_p50", "time from a find until half of the agents have the block", "s"),
        MetricSpec("propagation_p90", "time from a find until nine in ten agents have the block", "s"),
        MetricSpec("tx_confirmed", "payments in the canonical chain with all confirmations asked for", "payments"),
        MetricSpec("tx_pending", "payments that were sent and do not have them yet", "payments"),
        MetricSpec("hashes", "hashes tried by all miners; where mining is sampled, as many as it stands for", "hashes"),
        MetricSpec("revenue_share", "each miner's share of the canonical blocks"),
        MetricSpec("attacker_revenue", "the attackers' share of the canonical blocks",
                   theory="Eyal & Sirer 2014, equation 8, for a selfish miner"),
        MetricSpec("double_spends_tried", "double spends begun", "times"),
        MetricSpec("double_spends_won", "double spends that a merchant fell for", "times",
                   "I_{4pq}(z, ½) of those tried: Grunspan & Pérez-Marco 2018"),
        MetricSpec("rival_share", "share of finds after which another miner found a block within one delay",
                   theory="1 − e^(−x(1−1/M)), exact, at a constant difficulty and delay"),
        MetricSpec("refused_blocks", "blocks that an agent refused as invalid", "times"),
        MetricSpec("refused_transfers", "payments that an agent refused", "times"),
    )  # fmt: skip
    invariants = (
        InvariantSpec(
            "valid-chain",
            "safety",
            "every block that an honest agent follows is valid, from the first one on",
            "check_valid",
            on="adopted",
        ),
        InvariantSpec(
            "no-overdraft",
            "safety",
            "no account is below zero on any honest agent's chain, and no money comes from nowhere",
            "check_accounts",
            on="adopted",
        ),
        InvariantSpec(
            "spent-once",
            "safety",
            "a payment is in a chain at most once",
            "check_once",
            on="adopted",
        ),
        InvariantSpec(
            "one-chain",
            "liveness",
            "in the end all honest agents that can reach one another have the same tip",
            "divided",
        ),
    )
    experiments = EXPERIMENTS
    columns = (
        Column("share", "share", "right", 6, "its share of the hash power"),
        Column("tip", "tip", "left", 10, "the block it mines on, and that one's height"),
        Column("mined", "mined", "right", 5, "valid blocks that it found"),
        Column("revenue", "rev", "right", 5, "its share of the canonical blocks"),
        Column("reorgs", "reorgs", "right", 6, "reorganisations that it remembers"),
        Column("pool", "pool", "right", 5, "payments that wait with it for a block"),
    )

    params: PowParams

    def __init__(self, params: Any = None) -> None:
        super().__init__(params)
        if self.params.mining == "real" and self.params.bits > MOST_REAL_BITS:
            raise ParameterError(
                f"bits={self.params.bits:g} is too hard to be searched here, 2^bits hashes a block; "
                f"use at most {MOST_REAL_BITS}, or mining=sampled"
            )
        wanted = 10 * (self.params.blocks + 20) if self.params.blocks else PLAIN_END
        # A run that is to end by itself gets the time for it.
        self.kept: dict[str, Any] = {}  # views of one moment, until the next
        self.horizon = wanted * self.params.interval

    # Setting up and going on

    def name_of(self, number: int) -> str:
        """The name of the agent with this number, from 1."""
        return f"miner-{number}"

    def accounts(self) -> tuple[str, ...]:
        """Whose accounts hold money from the start: the names of the first agents."""
        return tuple([self.name_of(number) for number in range(1, self.params.miners + 1)])

    def population(self) -> Sequence[tuple[str, str]]:
        return [(name, "miner") for name in self.accounts()]

    def next_name(self, role: str, number: int) -> str:
        return self.name_of(number)

    def power_of(self, number: int) -> float:
        """The hash power of an agent, in units of what the network has at the start; newcomers have the average."""
        params = self.params
        count, share = params.miners, 1.0
        if number > count:
            return 1.0 / count
        if params.attacker != "none":
            if number == count:
                return params.attacker_share
            count, share = count - 1, 1.0 - params.attacker_share
        if params.hashpower == "equal":
            return share / count
        total = 0.0
        for place in range(1, count + 1):
            total += 1.0 / place
        return share / number / total

    def create(self, name: str, role: str) -> Miner:
        return Miner(self.params, self.accounts(), self.power_of(int(name.rpartition("-")[2])))

    def begin(self, sim: Simulation) -> None:
        for agent in sim.agents:
            _miner(sim, agent.id).boot()
        attacker = measures.attacker_of(sim)
        if attacker >= 0:
            mode = "selfish" if self.params.attacker == "selfish" else "double-spender"
            sim.lifecycle.misbehave(attacker, mode)

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        first = _miner(sim, args[0])
        match name:
            case "pay":
                self._pay(sim, first, args[1], args[2], args[3] if len(args) > 3 else 1)
            case "double-spend":
                self._double_spend(sim, first, args[1], args[2])
            case "eclipse":
                self._eclipse(sim, first, args[1])
            case "release":
                self._release(sim, first)
            case "hashpower":
                self._set_share(sim, first, args[1])

    def _pay(self, sim: Simulation, payer: Miner, to: int, amount: int, fee: int) -> None:
        _need_up(sim, payer)
        if to == payer.id:
            raise CommandError(f"{payer.name} cannot pay itself; name somebody else")
        if not 1 <= amount <= MOST_PAID or not 0 <= fee <= MOST_PAID:
            raise CommandError("an amount is a whole number of 1 or more, a fee of 0 or more")
        left = payer.spendable()
        if amount + fee > left:
            raise CommandError(f"{payer.name} has {left} to spend; {amount} and a fee of {fee} are more than that")
        one = payer.pay(address_in(sim.seed, sim.names[to]), amount, fee)
        payer.ctx.note("pays", to=sim.names[to], amount=amount, fee=fee, payment=one.id[:4])

    def _double_spend(self, sim: Simulation, attacker: Miner, merchant: int, confirmations: int) -> None:
        _need_up(sim, attacker)
        if merchant == attacker.id:
            raise CommandError(f"{attacker.name} cannot cheat itself; name another merchant")
        if not 1 <= confirmations <= 1000:
            raise CommandError(f"a merchant waits for 1 to 1000 confirmations; {confirmations} was given")
        if attacker.attempt is not None and attacker.attempt.payment is not None:
            raise CommandError(f"{attacker.name} is in the middle of a double spend; wait for its end")
        wanted = attacks.Attempt(merchant, confirmations, once=attacker.mode != "double-spender")
        attacker.attempt = wanted
        sim.lifecycle.misbehave(attacker.id, "double-spender")

    def _eclipse(self, sim: Simulation, victim: Miner, attackers: list[int]) -> None:
        if not attackers or victim.id in attackers:
            raise CommandError("an eclipse needs attackers, and the victim cannot be one of them")
        self._free(sim, victim)
        victim.only = tuple(sorted(attackers))
        for one in attackers:
            helper = _miner(sim, one)
            helper.shuns = tuple(sorted({*helper.shuns, victim.id}))
        sim.note(victim.id, "eclipsed", {"by": ", ".join([sim.names[one] for one in sorted(attackers)])})

    def _release(self, sim: Simulation, victim: Miner) -> None:
        if not victim.only:
            raise CommandError(f"nobody has eclipsed {victim.name}")
        self._free(sim, victim)
        sim.note(victim.id, "released", {})

    def _free(self, sim: Simulation, victim: Miner) -> None:
        for one in victim.only:
            helper = _miner(sim, one)
            helper.shuns = tuple([other for other in helper.shuns if other != victim.id])
        victim.only = ()

    def _set_share(self, sim: Simulation, miner: Miner, share: float) -> None:
        if not 0 <= share <= 0.999:
            raise CommandError(f"a share of the hash power is 0 to 0.999; {share:g} was given")
        others = 0.0
        for agent in sim.present():
            if agent != miner.id:
                others += _miner(sim, agent).power
        if others <= 0 and share < 0.999:
            others = 1.0
        power = share / (1.0 - share) * others
        if sim.lifecycle.is_alive(miner.id):
            miner.set_power(power)
        else:
            miner.power = power
        sim.note(miner.id, "hashpower", {"share": share})

    # Goals and invariants

    def over(self, sim: Simulation) -> str:
        blocks = self.params.blocks
        if not blocks or sim.meters.value("mined") < blocks or attacks.under_way(sim):
            return ""
        last = max(max([time for time, _ in one.made.values()], default=0) for one in measures.miners(sim))
        settled = last + max(MILLISECOND, round(SETTLING * self.params.latency * SECOND))
        return f"{sim.meters.value('mined'):,} blocks were found" if sim.now >= settled else ""

    def divided(self, sim: Simulation) -> str:
        """Which honest agents have another tip than others that they can reach; empty when all agree."""
        honest = [
            one for one in measures.miners(sim)
            if sim.lifecycle.is_up(one.id) and one.mode in ("honest", "invalid-transactions") and not one.only
        ]  # fmt: skip
        if all(one.tree.tip.id == honest[0].tree.tip.id for one in honest):
            return ""
        reach = sim.reachability()
        groups: dict[int, dict[bytes, list[str]]] = {}
        for one in honest:
            groups.setdefault(reach.group_of(one.id), {}).setdefault(one.tree.tip.id, []).append(one.name)
        for tips in groups.values():
            if len(tips) > 1:
                standing = sorted(tips.items(), key=lambda item: (len(item[1]), item[0]))
                name, few = standing[0]
                some = f"{', '.join(few[:3])}{f' and {len(few) - 3} more' if len(few) > 3 else ''}"
                return f"{len(tips)} tips: {some} {'has' if len(few) == 1 else 'have'} {short(name)}, others another"
        return ""

    def check_valid(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        miner = _miner(sim, note.agent)
        tree = miner.tree
        at: Record = tree.tip
        for _ in range(len(tree.active)):
            if memory.get(at.id) is at:
                break
            if not at.height:
                break
            parent = tree.records.get(at.parent)
            block = at.block
            if parent is None or block is None:
                return f"{miner.name} follows block {short(at.id)}, and lacks what comes before it"
            found = judge(miner.rules, parent, block)
            if isinstance(found, str):
                return f"{miner.name} follows block {short(at.id)}: {found}"
            if found.id != at.id or tree.active[at.height] != at.id:
                return f"{miner.name} has block {short(at.id)} in the wrong place"
            memory[at.id] = at
            at = parent
        while len(memory) > 4096:
            del memory[next(iter(memory))]
        return ""

    def check_accounts(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        miner = _miner(sim, note.agent)
        balances = miner.tree.ledger.balances
        tip = miner.tree.tip
        block = tip.block
        touched = [one.sender for one in block.transfers] if block is not None else []
        for address in touched:
            if balances.get(address, 0) < 0:
                return f"account {address[:6]} stands at {balances[address]} with {miner.name}"
        if (touched or tip.height % 16 == 0) and balances:
            if min(balances.values()) < 0:
                return f"an account is below zero with {miner.name}"
            expected = views.supply(self.params.miners, tip.height)
            held = sum(balances.values())
            if held != expected:
                return f"{miner.name} counts {held} in all accounts; {expected} were ever made"
        return ""

    def check_once(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        tree = _miner(sim, note.agent).tree
        block = tree.tip.block
        for one in block.transfers if block is not None else ():
            places = memory.setdefault(one.id, {})
            places[tree.tip.id] = tree.tip.height
            if len(places) > 1:
                twice = [name for name, height in places.items()
                         if height < len(tree.active) and tree.active[height] == name]  # fmt: skip
                if len(twice) > 1:
                    return f"{sim.names[note.agent]} has payment {one.id[:4]} in two blocks of its chain"
        while len(memory) > 20_000:
            del memory[next(iter(memory))]
        return ""

    # Figures

    def measure(self, sim: Simulation) -> dict[str, Any]:
        params = self.params
        meters = sim.meters
        counted = measures.tally(sim)
        chain = measures.canon(sim)
        height = counted.height
        spread = meters.distributions.get("propagation")
        found = measures.finds(sim)
        evil = measures.attackers(sim)
        hashes = 0.0
        for one in measures.miners(sim):
            hashes += one.hashes_done()
        return {
            "blocks_mined": meters.value("mined"),
            "height": height,
            "stale_rate": counted.stale / counted.settled if counted.settled else None,
            "heights_forked": counted.forked / height if height else None,
            "reorgs": meters.value("reorgs"),
            "max_reorg_depth": round(meters.gauges.get("max reorg depth", 0)),
            "mean_block_interval": measures.mean_interval(counted),
            "difficulty": measures.difficulty(chain),
            "propagation_p50": spread.percentile(0.5) if spread else None,
            "propagation_p90": spread.percentile(0.9) if spread else None,
            "tx_confirmed": measures.confirmed(chain, params.confirmations),
            "tx_pending": measures.pending(sim, chain, params.confirmations),
            "hashes": round(hashes),
            "revenue_share": {
                one.name: counted.canonical.get(one.id, 0) / height if height else 0.0
                for one in measures.miners(sim)
            },
            "attacker_revenue": (
                sum(counted.canonical.get(one, 0) for one in evil) / height if evil and height else None
            ),
            "double_spends_tried": meters.value("double_spends_tried"),
            "double_spends_won": meters.value("double_spends_won"),
            "rival_share": measures.rival_share(found, round(params.latency * SECOND)),
            "refused_blocks": meters.value("refused_blocks"),
            "refused_transfers": meters.value("refused_transfers"),
        }  # fmt: skip

    def sample(self, sim: Simulation) -> dict[str, float]:
        counted = measures.tally(sim)
        chain = measures.canon(sim)
        height = max(1, counted.height)
        values = {
            "blocks_mined": sim.meters.value("mined"),
            "height": counted.height,
            "stale_rate": counted.stale / max(1, counted.settled),
            "heights_forked": counted.forked / height,
            "reorgs": sim.meters.value("reorgs"),
            "mean_block_interval": measures.mean_interval(counted) or 0.0,
            "difficulty": measures.difficulty(chain),
            "tx_confirmed": measures.confirmed(chain, self.params.confirmations),
        }
        evil = measures.attackers(sim)
        if evil:
            values["attacker_revenue"] = sum(counted.canonical.get(one, 0) for one in evil) / height
        return values

    # Views

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow | None:
        return views.agent_row(sim, _miner(sim, agent.id))

    def node_look(self, sim: Simulation, agent: Agent) -> tuple[Tone, str]:
        return views.node_look(sim, _miner(sim, agent.id))

    def stage(self, sim: Simulation) -> StageView | None:
        return views.stage(sim)

    def detail(self, sim: Simulation, key: str) -> Words | None:
        return views.detail(sim, key)

    def metric_views(self, sim: Simulation) -> tuple[MetricView, ...]:
        return views.metric_views(sim)

    def narrate(self, sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
        return views.narrate(sim, event)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        return views.landmark(sim, note)


def _miner(sim: Simulation, agent: int) -> Miner:
    found = sim.agent(agent)
    assert isinstance(found, Miner)
    return found


def _need_up(sim: Simulation, miner: Miner) -> None:
    if not sim.lifecycle.is_up(miner.id):
        raise CommandError(f"{miner.name} is down or frozen, and can do nothing; restart or thaw it first")
