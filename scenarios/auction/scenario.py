"""Auctions: the Contract Net (R. G. Smith, IEEE Trans. Computers C-29, 1980; FIPA SC00029H), sealed and open auctions
(W. Vickrey, J. Finance 16, 1961), and task trading without a manager (T. Sandholm, AAAI 1993).

A manager announces a task; contractors that can do it bid what it costs them, or refuse; the best bid wins the award,
the others are rejected, and the winner works, reports and delivers. An award is a lease: whoever crashes or goes
silent loses it, and the task is announced again. A manager that crashes is succeeded by its standby. A sale of single
items is the same protocol turned round: the highest bid wins, and the winner pays.

Every contractor can be called, linked or not: the network routes. Only in the mode `neighbours` does the topology say
who may trade with whom.

The files read in this order: auction_messages (what is said), auction_contractor, auction_manager, auction_rules (who
wins, at what price), auction_bids (how much to bid), auction_succession (which of two managers acts), auction_trader
(the mode `neighbours`), auction_params (parameters, tasks, costs).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

from msgspec.structs import replace

from engine.agent import Agent
from engine.commands import ArgSpec, CommandSpec
from engine.errors import CommandError
from engine.scenario import InvariantSpec, MetricSpec, Misbehaviour, Scenario
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Column, Landmark, MetricView, NarrationLine, StageView, Tone, Words
from scenarios.auction import measures
from scenarios.auction import params as setting
from scenarios.auction import views as auction_views
from scenarios.auction.contractor import RESENDS, Contractor
from scenarios.auction.experiments import EXPERIMENTS
from scenarios.auction.manager import Manager
from scenarios.auction.params import CAPABILITIES, AuctionParams, Policy
from scenarios.auction.succession import Witness
from scenarios.auction.trader import Trader

POLICIES: tuple[str, ...] = get_args(Policy)
LARGEST = 100  # size of a task that a command may announce


class Auction(Scenario):
    """Tasks finding those who do them for least, by bidding."""

    name = "auction"
    title = "Auction"
    family = "Allocation"
    teaches = (
        "How work finds those who do it best although nobody knows what it costs whom: contractors bid, and the price "
        "decides. See why a second price makes honesty pay, what an award is worth when its winner crashes, how a "
        "standby takes over without ever awarding a task twice, how a contractor that never delivers loses its "
        "business, and how near agents that merely trade with their neighbours come to the best assignment."
    )
    sources = (
        "R. G. Smith, The contract net protocol, IEEE Trans. Computers C-29(12), 1980; FIPA Contract Net SC00029H",
        "W. Vickrey, Counterspeculation, auctions, and competitive sealed tenders, J. Finance 16, 1961",
        "C. G. Gray, D. R. Cheriton, Leases, SOSP 1989 (awards, and who acts as manager)",
        "T. Sandholm, An implementation of the contract net protocol based on marginal cost calculations, AAAI 1993",
    )
    Params = AuctionParams
    horizon = 86_400.0
    pace = 1.0
    still = 3.3
    commands = (
        CommandSpec(
            "announce",
            (
                ArgSpec("agent", "agent", "the manager it comes to; in neighbours, any agent"),
                ArgSpec("size", "int", f"units of work, 1 to {LARGEST}; 3 if not given", optional=True),
                ArgSpec("capability", "word", f"what it needs: {', '.join(CAPABILITIES)}", optional=True),
            ),
            "let another task come",
            "announce m-1 5 weld",
        ),
        CommandSpec(
            "deviate",
            (
                ArgSpec("who", "who", "contractors"),
                ArgSpec("factor", "number", "what each of their bids is multiplied by, 0 to 100"),
            ),
            "let contractors bid more or less than they should",
            "deviate c-01 0.8",
        ),
        CommandSpec(
            "bidding",
            (
                ArgSpec("who", "who", "contractors"),
                ArgSpec("policy", "word", f"how they bid: {', '.join(POLICIES)}"),
            ),
            "let contractors bid in another way",
            "bidding c-0* adaptive",
        ),
    )
    misbehaviours = (
        Misbehaviour("silent", "contractor: bids, wins, and is never heard of again; a trader answers nothing"),
        Misbehaviour("overbidder", "contractor: bids low for what it cannot do and has no room for"),
        Misbehaviour("defaulter", "contractor: bids low, reports progress, and never delivers"),
        Misbehaviour("late", "contractor: bids when the time for bids is over"),
        Misbehaviour("doubler", "contractor: sends each bid a second time, for half the price"),
        Misbehaviour("shill", "manager: in second price, pretends that there was a bid just short of the winner's"),
    )
    metrics = (
        MetricSpec("tasks_announced", "tasks that came and were announced; in neighbours, that came"),
        MetricSpec("tasks_done", "tasks that were done; in single-item, items sold and paid for"),
        MetricSpec("tasks_reawarded", "awards of a task that had been awarded before, and was lost"),
        MetricSpec("tasks_expired", "tasks given up because nobody had begun with them by their deadline"),
        MetricSpec(
            "messages_per_task",
            "calls, bids, refusals, awards, rejections and results for each task announced; in neighbours, offers, "
            "quotes, transfers and deliveries. Leases, payments and succession are not counted here: see "
            "upkeep_per_task",
            theory="2n + b + 1 with n called and b bidding, where nothing is lost or repeated: Smith 1980",
        ),
        MetricSpec(
            "revenue_mean",
            "mean payment for a task (to its contractor) or an item (by its buyer)",
            theory="second price (n−1)/(n+1), values uniform on [0,1]; the same with first price in equilibrium: "
            "Vickrey 1961",
        ),
        MetricSpec(
            "efficiency",
            "least total cost by linear assignment, as a share of what the tasks done cost (the latest 400 at most); "
            "in single-item, value to the buyers over the highest values",
            theory="1 for the best assignment there is",
        ),
        MetricSpec("utilisation", "share of the contractors' slots that was worked in, since the start"),
        MetricSpec("wait_mean", "mean time from a task's coming until the work that finished it began", "s"),
        MetricSpec("tasks_refused", "tasks that nobody is able to do"),
        MetricSpec("bids_per_task", "bids in time, for each task announced; in an open auction, those in at the start"),
        MetricSpec("upkeep_per_task", "all other messages for each task: progress, leases, payments, beats, copies"),
        MetricSpec(
            "revenue_sd",
            "standard deviation of the payments",
            theory="second price √(2(n−1)/((n+1)²(n+2))): Vickrey 1961",
        ),
        MetricSpec("leases_lost", "awards whose lease ran out"),
        MetricSpec("late_bids", "bids that came when the time for them was over"),
        MetricSpec("duplicate_bids", "bids of somebody who had answered already"),
        MetricSpec("takeovers", "how often a standby, or a manager that came back, took over"),
        MetricSpec("trades", "tasks that changed hands between neighbours"),
        MetricSpec("profit", "for each contractor, what it was paid less what that cost it"),
    )
    invariants = (
        InvariantSpec(
            "one-award",
            "safety",
            "at most one contractor works on a task under a lease that has not run out",
            "check_one_award",
            on="began",
        ),
        InvariantSpec(
            "within-capacity",
            "safety",
            "no contractor works on more tasks at a time than its capacity",
            "check_capacity",
            on="began",
        ),
        InvariantSpec(
            "paid-for-results",
            "safety",
            "nobody is paid for a task that it has not done",
            "check_paid",
            on="paid",
        ),
        InvariantSpec(
            "one-manager",
            "safety",
            "no manager takes over while the mandate of the other lasts",
            "check_one_manager",
            on="took over",
        ),
        InvariantSpec(
            "trades-help",
            "safety",
            "each trade between honest neighbours lowers the total cost",
            "check_trade",
            on="traded",
        ),
        InvariantSpec(
            "every-task-ends",
            "liveness",
            "in the end every task is done, expired or refused",
            "unfinished",
        ),
    )
    experiments = EXPERIMENTS
    columns = (
        Column("works", "works on", "left", 11, "the tasks that it works on, or how many it manages"),
        Column("bids", "bids", "right", 4, "bids that it stands by"),
        Column("done", "done", "right", 4, "tasks that it has done"),
        Column("profit", "profit", "right", 7, "what it was paid less what that cost it"),
        Column("trust", "trust", "right", 5, "the least trust that a manager has in it"),
    )

    params: AuctionParams

    # Setting up

    def population(self) -> Sequence[tuple[str, str]]:
        params = self.params
        width = max(2, len(str(params.contractors)))
        people = [(f"c-{number:0{width}d}", "contractor") for number in range(1, params.contractors + 1)]
        if not setting.traded(params):
            for house in range(1, params.managers + 1):
                people += [(f"m-{house}", "manager"), (f"s-{house}", "standby")]
            people.append(("w-1", "witness"))
        return people

    def next_name(self, role: str, number: int) -> str:
        if role == "contractor":
            return f"c-{number:0{max(2, len(str(self.params.contractors)))}d}"
        return f"{role[0]}-{number}"

    def create(self, name: str, role: str) -> Agent:
        if role == "contractor":
            return Trader(self.params) if setting.traded(self.params) else Contractor(self.params)
        if role == "witness":
            return Witness(self.params)
        return Manager(self.params, int(name.rpartition("-")[2]) - 1, first=role == "manager")

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        if name == "announce":
            self._announce(sim, *args)
            return
        given = [sim.agent(agent) for agent in args[0]]
        workers = [agent for agent in given if isinstance(agent, Contractor)]
        if given and not workers:
            raise CommandError("none of the agents named bids; name contractors, in a mode other than neighbours")
        if name == "deviate":
            factor = float(args[1])
            if not 0.0 <= factor <= 100.0:
                raise CommandError(f"{factor:g} is not right: bids are multiplied by a number from 0 to 100")
            for worker in workers:
                worker.factor = factor
                sim.note(worker.id, "deviates", {"factor": factor})
            return
        if args[1] not in POLICIES:
            raise CommandError(f"there is no bidding {args[1]!r}; there is {', '.join(POLICIES)}")
        for worker in workers:
            worker.policy = str(args[1])
            sim.note(worker.id, "bidding", {"policy": args[1]})

    def _announce(self, sim: Simulation, agent: int, size: int = 3, needs: str = "") -> None:
        to, params = sim.agent(agent), self.params
        if isinstance(to, (Contractor, Witness)):
            raise CommandError(f"{to.name} is no manager; tasks come to m-1 and its like, or in neighbours to anybody")
        if not sim.lifecycle.is_alive(agent):
            raise CommandError(f"{to.name} is down, so nothing can come to it; restart it first")
        if not 1 <= size <= LARGEST:
            raise CommandError(f"a task has a size of 1 to {LARGEST}; {size} was given")
        if needs and needs not in CAPABILITIES:
            raise CommandError(f"nobody can {needs!r}; there is {', '.join(CAPABILITIES)}")
        number = params.tasks + sim.meters.count("extra tasks")
        house = to.house if isinstance(to, Manager) else agent
        task = setting.make_task(params, sim.seed, number, house, sim.now)
        if not setting.sold(params):
            task = replace(task, size=size, needs=needs or task.needs)
        if isinstance(to, Manager):  # whoever orders knows both managers
            for manager in measures.managers(sim):
                if manager.house == house and sim.lifecycle.is_alive(manager.id):
                    sim.guarded(manager.id, partial(manager.take, task))
        elif isinstance(to, Trader):
            sim.guarded(agent, partial(to.take, task))

    # Goals and invariants

    def over(self, sim: Simulation) -> str:
        if measures.total(sim) > sim.meters.value("ended") and (not sim.lifecycle.left or measures.waiting(sim)):
            return ""
        for agent in measures.workers(sim):
            if sim.lifecycle.is_alive(agent.id):
                if isinstance(agent, Contractor):
                    if any(owed.tries <= RESENDS for owed in agent.owed.values()):
                        return ""
                elif agent.closed and agent.mode == "honest":
                    return ""
        count = sim.meters.value
        ends = {name: count(f"tasks_{name}") for name in ("done", "expired", "refused")}
        words = ", ".join([f"{many} {name}" for name, many in ends.items() if many])
        return f"every task has ended: {words}" if words else "there was no task"

    def unfinished(self, sim: Simulation) -> str:
        """Which tasks have not ended; empty when all have."""
        left = measures.waiting(sim)
        if not left:
            return ""
        some = f"{', '.join(left[:3])}{' …' if len(left) > 3 else ''}"
        return f"{len(left)} of {measures.total(sim)} tasks have not ended: {some}"

    def check_one_award(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        name = note.data["task"]
        before = memory.setdefault(name, [])
        for other in before:
            agent = sim.agent(other)
            assert isinstance(agent, (Contractor, Trader))
            if other != note.agent and sim.lifecycle.is_alive(other) and agent.works_live(name):
                return f"{sim.names[note.agent]} begins {name} while {agent.name} still holds it"
        if note.agent not in before:
            before.append(note.agent)
        return ""

    def check_capacity(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        agent = sim.agent(note.agent)
        if isinstance(agent, Contractor) and not setting.sold(self.params):
            load = len(agent.jobs)
        elif isinstance(agent, Trader):
            load = len([1 for held in agent.held.values() if held.state == "working"])
        else:
            return ""
        capacity = self.params.capacity
        return f"{agent.name} works on {load} tasks; its capacity is {capacity}" if load > capacity else ""

    def check_paid(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        agent, name = sim.agent(note.data["to"]), note.data["task"]
        if isinstance(agent, (Contractor, Trader)) and name in agent.delivered:
            return ""
        return f"{sim.names[note.agent]} pays {agent.name} for {name}, which it has not done"

    def check_one_manager(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        for agent in measures.managers(sim):
            other = agent.id != note.agent and agent.house == note.data["house"] and sim.lifecycle.is_alive(agent.id)
            if other and agent.acting and agent.ctx.now < agent.until:
                return f"{sim.names[note.agent]} takes over while {agent.name} has a mandate"
        return ""

    def check_trade(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        giver, taker, name = sim.agent(note.data["by"]), sim.agent(note.data["to"]), note.data["task"]
        assert isinstance(giver, Trader) and isinstance(taker, Trader)
        if giver.mode != "honest" or taker.mode != "honest":
            return ""
        held = giver.held.get(name)
        if held is None:
            return f"{giver.name} hands over {name}, which it does not hold"
        before, after = giver.cost(held.task), taker.cost(held.task)
        quote = held.quotes.get(taker.id)
        if after < before or (quote is not None and quote.cost != after):  # or it lied before it became honest
            return ""
        return f"{name} goes from {giver.name}, whom it costs {before:.3f}, to {taker.name}, whom it costs {after:.3f}"

    # Figures and views

    def measure(self, sim: Simulation) -> dict[str, Any]:
        return measures.measure(sim)

    def sample(self, sim: Simulation) -> dict[str, float]:
        return measures.sample(sim)

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow | None:
        return auction_views.agent_row(sim, agent)

    def node_look(self, sim: Simulation, agent: Agent) -> tuple[Tone, str]:
        return auction_views.node_look(sim, agent)

    def stage(self, sim: Simulation) -> StageView | None:
        return auction_views.stage(sim)

    def detail(self, sim: Simulation, key: str) -> Words | None:
        return auction_views.detail(sim, key)

    def metric_views(self, sim: Simulation) -> tuple[MetricView, ...]:
        return auction_views.metric_views(sim)

    def narrate(self, sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
        return auction_views.narrate(sim, event)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        return auction_views.landmark(sim, note)
