"""What to show of an auction: the board of tasks with their bids, how good the assignment is, and the story in
words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from engine.agent import Agent
from engine.duration import SECOND, brief_duration, seconds
from engine.framing import in_words, metric_view
from engine.landmarks import teller
from engine.scenario import MetricSpec
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import (
    AgentRow,
    Bid,
    BidStatus,
    Board,
    BoardTask,
    Curve,
    MetricView,
    NarrationLine,
    Plot,
    StageView,
    Tone,
    Words,
)
from scenarios.auction import measures, theory
from scenarios.auction import params as setting
from scenarios.auction.contractor import Contractor
from scenarios.auction.manager import ENDED, Manager, Record
from scenarios.auction.messages import Bid as SealedBid
from scenarios.auction.params import AuctionParams, Task
from scenarios.auction.trader import Held, Order, Trader
from scenarios.landmarks import Said, as_landmark, is_milestone, is_news

SHOWN_TASKS = 24
SHOWN_ENDED = 8
SHOWN_BIDS = 12
SHARES = frozenset({"efficiency", "utilisation"})
ENDS: dict[str, Tone] = {"done": "good", "expired": "bad", "refused": "warn"}
STATES = {"asking": "offered", "settled": "in the queue", "working": "at work", "giving": "changes hands"}


# --- agents ---------------------------------------------------------------------------------------


def agent_row(sim: Simulation, agent: Agent) -> AgentRow | None:
    """The agent's line in the agents pane."""
    state, tone, load = "", "plain", None
    cells = ("", "", "", "", "")
    if isinstance(agent, Contractor):
        names = tuple(agent.jobs)
        bids = len([1 for bid in agent.standing.values() if bid.until > agent.ctx.now])
        trust = _trust(sim, agent.id)
        barred = any(agent.id in manager.barred for manager in _acting(sim).values())
        state = "works" if names else "bids" if bids else "barred" if barred else "idle"
        tone = "good" if names else "accent" if bids else "warn" if barred else "dim"
        cells = (
            _some(names),
            str(bids or ""),
            str(len(agent.delivered)),
            f"{agent.profit:.2f}",
            "" if trust >= 1.0 else f"{100 * trust:.0f}%",
        )
        load = None if setting.sold(sim.params) else min(1.0, len(names) / sim.params.capacity)
    elif isinstance(agent, Trader):
        at_work = tuple([held.task.id for held in agent.held.values() if held.state == "working"])
        state = "works" if at_work else "trades" if agent.held else "idle"
        tone = "good" if at_work else "accent" if agent.held else "dim"
        cells = (_some(at_work), str(len(agent.held) or ""), str(len(agent.delivered)), f"{agent.profit:.2f}", "")
        load = min(1.0, len(at_work) / sim.params.capacity)
    elif isinstance(agent, Manager):
        mandate = agent.acting and agent.ctx.now < agent.until
        state = "acts" if mandate else "has no mandate" if agent.acting else "stands by"
        state = state if sim.lifecycle.is_alive(agent.id) else "down"
        tone = "accent" if mandate else "warn" if agent.acting else "dim"
        done = len([1 for record in agent.book.values() if record.state == "done"]) if len(agent.book) < 1000 else ""
        cells = (f"{agent.open} open", "", str(done), "", "")
    else:
        state, tone = "watches", "dim"
    return AgentRow(agent.id, agent.name, agent.role, sim.health(agent.id), state, cells, load, _tone(tone))


def _tone(name: str) -> Tone:
    return name  # type: ignore[return-value]


def _some(names: tuple[str, ...]) -> str:
    return " ".join(names[:2]) + (" …" if len(names) > 2 else "")


def node_look(sim: Simulation, agent: Agent) -> tuple[Tone, str]:
    """An agent in the network drawing: managers by their letter, contractors by what they are at."""
    if isinstance(agent, Manager):
        return ("accent" if agent.acting else "dim"), "M" if agent.acting else "s"
    if isinstance(agent, Contractor):
        return ("good" if agent.jobs else "accent" if agent.standing else "plain"), ""
    if isinstance(agent, Trader):
        works = any(held.state == "working" for held in agent.held.values())
        return ("good" if works else "accent" if agent.held else "plain"), ""
    return "dim", "w"


def _acting(sim: Simulation) -> dict[int, Manager]:
    """For each house the manager that acts, or would know best."""
    found: dict[int, Manager] = {}
    for manager in measures.managers(sim):
        other = found.get(manager.house)
        if other is None or _rank(sim, manager) > _rank(sim, other):
            found[manager.house] = manager
    return found


def _rank(sim: Simulation, manager: Manager) -> tuple[bool, bool, int]:
    return sim.lifecycle.is_alive(manager.id), manager.acting, manager.term


def _trust(sim: Simulation, contractor: int) -> float:
    return min([manager.trust.get(contractor, 1.0) for manager in _acting(sim).values()], default=1.0)


# --- the stage ------------------------------------------------------------------------------------


def stage(sim: Simulation) -> StageView:
    """The board, and how well it goes."""
    params: AuctionParams = sim.params
    title = {"contract-net": "Tasks and bids", "single-item": "Items and bids", "neighbours": "Tasks and offers"}
    return StageView(title[params.mode], (board(sim), _revenue(sim) if setting.sold(params) else _quality(sim)))


def board(sim: Simulation) -> Board:
    """Tasks that are open, those at work first; and the latest that ended."""
    params: AuctionParams = sim.params
    tasks = [_task_row(sim, *found) for found in _tasks(sim)]
    known = sim.meters.value("tasks_announced")
    return Board(
        title=f"{params.rule}, bids {params.bids}" if not setting.traded(params) else "traded among neighbours",
        tasks=tuple(tasks),
        total=known,
        rising=setting.sold(params),
    )


Found = tuple[Task, str, Any]


def _tasks(sim: Simulation) -> list[Found]:
    """(task, state, what is known of it) for the tasks to be shown, those that need attention first."""
    open_: list[tuple[int, int, Found]] = []
    ended: list[tuple[int, Found]] = []
    found = {known[0].id: known for known in _known_tasks(sim)}
    for task, state, what in found.values():
        if state in ENDED:
            ended.append((-task.number, (task, state, what)))
        else:
            order = {"awarded": 0, "working": 0, "bidding": 1, "giving": 1, "asking": 1}.get(state, 2)
            open_.append((order, task.number, (task, state, what)))
    open_.sort(key=lambda item: item[:2])
    ended.sort(key=lambda item: item[0])
    shown = [found for _, _, found in open_[:SHOWN_TASKS]]
    return shown + [found for _, found in ended[: max(SHOWN_ENDED, 0)]][: SHOWN_TASKS + SHOWN_ENDED - len(shown)]


def _known_tasks(sim: Simulation) -> Iterator[Found]:
    """The tasks that are open, and at least the latest that ended."""
    if setting.traded(sim.params):
        for agent in measures.workers(sim):
            if isinstance(agent, Trader):
                for held in agent.held.values():
                    taker = sim.agents[held.to] if held.state == "giving" else None
                    if not (isinstance(taker, Trader) and held.task.id in taker.held):  # else the taker shows it
                        yield held.task, held.state, (agent, held)
                for order in list(agent.came.values())[-SHOWN_ENDED:]:
                    if order.state in ENDED:
                        yield order.task, order.state, (agent, order)
        return
    for manager in _acting(sim).values():
        open_, ended = manager.open, 0
        for record in reversed(manager.book.values()):
            if open_ <= 0 and ended >= SHOWN_ENDED:
                break
            if record.state in ENDED:
                ended += 1
                if ended > SHOWN_ENDED:
                    continue
            else:
                open_ -= 1
            yield record.task, record.state, (manager, record)


def _task_row(sim: Simulation, task: Task, state: str, known: tuple[Any, Any]) -> BoardTask:
    who, what = known
    if isinstance(what, Record):
        return _recorded(sim, task, state, who, what)
    about, came = setting.about(task), f"from {_name(sim, task.house)}"
    if isinstance(what, Held):
        lasts = setting.work_time(task, who.profile)
        working = state == "working"
        return BoardTask(
            id=task.id,
            about=about,
            state=STATES.get(state, state),
            bids=_quotes(sim, who, what),
            tone="accent" if state == "asking" else "plain",
            winner=what.to if state == "giving" else who.id,
            winner_name=sim.names[what.to if state == "giving" else who.id],
            progress=min(1.0, (sim.now - what.began) / lasts) if working else None,
            note=came + (f", {_times(len(what.path), 'trade')}" if what.path else ""),
        )
    assert isinstance(what, Order)
    by = what.by if what.state == "done" else -1
    note = f"at {what.price:.2f}, {came}" if what.state == "done" else came
    return BoardTask(task.id, about, state, (), ENDS[state], by, sim.names[by] if by >= 0 else "", note=note)


def _recorded(sim: Simulation, task: Task, state: str, manager: Manager, record: Record) -> BoardTask:
    now = manager.ctx.now
    awarded = state == "awarded"
    left = manager.leases.held.get(task.id) if awarded else None
    expires = max(0, left.expires - now) if left else 0
    over = task.deadline - now
    about = setting.about(task)
    if state not in ENDED and not awarded:
        about += f", deadline {seconds(max(0, over)):.0f}s"
    winner = record.winner if awarded or state == "done" else -1
    note = ""
    if winner >= 0:
        note = f"at {record.price:.2f}"
    elif state in ("expired", "refused", "waiting"):
        note = record.why
    if record.tries > 1:
        note += f"{', ' if note else ''}round {record.tries}"
    return BoardTask(
        id=task.id,
        about=about + (f", for {sim.names[manager.id]}" if sim.params.managers > 1 else ""),
        state=state if state != "bidding" or not record.step else f"clock at {record.clock:.2f}",
        bids=_ladder(sim, manager, record),
        tone=ENDS.get(state, "accent" if state == "bidding" else "plain"),
        winner=winner,
        winner_name=sim.names[winner] if 0 <= winner < len(sim.names) else "",
        progress=record.progress if awarded and not setting.sold(sim.params) else None,
        lease=manager.leases.left(task.id, now) if left else None,
        lease_text=f"{expires / SECOND:.1f}s" if left else "",
        note=note,
    )


def _ladder(sim: Simulation, manager: Manager, record: Record) -> tuple[Bid, ...]:
    """The bids for a task, best first; then who refused, and who came late."""
    ranked = sorted(record.bids.items(), key=lambda item: (item[1].amount, item[0]), reverse=setting.sold(sim.params))
    given = record.state in ("awarded", "done")
    rows = []
    for place, (bidder, bid) in enumerate(ranked[:SHOWN_BIDS]):
        out = bidder in record.refusals
        status: BidStatus = "won" if given and bidder == record.winner else "lost" if given or out else "open"
        if status == "open" and place == 0 and not record.step:
            status = "best"
        text = "barred" if bidder in manager.barred else ""
        rows.append(_bid(sim, bidder, status, bid, text))
    room = SHOWN_BIDS - len(rows)
    late = [Bid(bidder, _name(sim, bidder), "late", amount, "came late") for bidder, amount in record.late.items()]
    refused = [
        Bid(bidder, _name(sim, bidder), "refused", None, why.why)
        for bidder, why in sorted(record.refusals.items())
        if bidder not in record.bids
    ]
    return tuple(rows + (late + refused)[:room])


def _bid(sim: Simulation, bidder: int, status: BidStatus, bid: SealedBid, text: str) -> Bid:
    return Bid(bidder, _name(sim, bidder), status, bid.amount, text)


def _quotes(sim: Simulation, who: Trader, held: Held) -> tuple[Bid, ...]:
    own = held.cost if held.cost < math.inf else None
    rows = [Bid(who.id, who.name, "open" if own is not None else "refused", own, "its own cost" if own else "cannot")]
    for other, quote in held.quotes.items():
        won = held.state == "giving" and other == held.to
        status: BidStatus = "refused" if quote.cost is None else "won" if won else "open"
        rows.append(Bid(other, _name(sim, other), status, quote.cost, quote.why))
    rows.sort(key=lambda bid: (bid.amount is None, bid.amount or 0.0, bid.bidder))
    if rows[0].status == "open":
        rows[0] = replace(rows[0], status="best")
    return tuple(rows[:SHOWN_BIDS])


def _name(sim: Simulation, agent: int) -> str:
    return sim.names[agent] if 0 <= agent < len(sim.names) else "nobody"


def _quality(sim: Simulation) -> Plot:
    """Efficiency and utilisation over time."""
    times = tuple([time / SECOND for time in sim.series.times])
    curves = [Curve(name, times, sim.series[name]) for name in ("efficiency", "utilisation") if sim.series[name]]
    if times and curves:
        curves.append(Curve("best assignment", (times[0], times[-1]), (1.0, 1.0), theory=True))
    return Plot("how good the assignment is", "s", "", tuple(curves), y_range=(0.0, 1.0), percent=True)


def _revenue(sim: Simulation) -> Plot:
    """The mean payment over time, beside what theory says of it."""
    times = tuple([time / SECOND for time in sim.series.times])
    measured = sim.series["revenue_mean"]
    first = next((at for at, value in enumerate(measured) if value), len(measured))
    curves = [Curve("measured", times[first:], measured[first:])] if first < len(measured) else []
    expected = _expected_payment(sim)
    if expected is not None and curves:
        curves.append(Curve("theory", (times[first], times[-1]), (expected[0], expected[0]), theory=True))
    return Plot("mean payment", "s", "payment", tuple(curves), y_range=(0.0, 1.0))


# --- one thing on the stage -----------------------------------------------------------------------


def detail(sim: Simulation, key: str) -> Words | None:
    """All there is to say of a task."""
    if setting.traded(sim.params):
        return _traded_detail(sim, key)
    for manager in _acting(sim).values():
        record = manager.book.get(key)
        if record is not None:
            return _record_detail(sim, manager, record)
    return None


def _record_detail(sim: Simulation, manager: Manager, record: Record) -> Words:
    task = record.task
    lines = [
        *_about(sim, task),
        (f"{record.state}; {_times(record.tries, 'round')} of bidding", _end_tone(record.state)),
    ]
    if record.why:
        lines.append((f"because {record.why}" if record.state in ENDED else f"last time: {record.why}", "warn"))
    if record.winner >= 0 and record.state in ("awarded", "done"):
        lines.append((f"{_name(sim, record.winner)} for {record.price:.3f}", "good"))
        worker = sim.agent(record.winner) if record.winner < len(sim.agents) else None
        if isinstance(worker, Contractor):
            cost = setting.cost(sim.params, task, worker.profile)
            lines.append((f"{'worth' if setting.sold(sim.params) else 'costs'} it {cost:.3f}", "dim"))
    if record.state == "awarded":
        left = manager.leases.left(task.id, manager.ctx.now)
        lines.append((f"{100 * record.progress:.0f} % done, lease {100 * left:.0f} % left", "plain"))
    for bid in _ladder(sim, manager, record):
        amount = "" if bid.amount is None else f" {bid.amount:.3f}"
        tone: Tone = (
            "good" if bid.status in ("won", "best") else "dim" if bid.status in ("refused", "late") else "plain"
        )
        lines.append((f"{bid.name}{amount} {bid.status}{': ' + bid.text if bid.text else ''}", tone))
    return Words(task.id, tuple(lines))


def _traded_detail(sim: Simulation, key: str) -> Words | None:
    lines: list[tuple[str, Tone]] = []
    for agent in measures.workers(sim):
        if not isinstance(agent, Trader):
            continue
        order, held = agent.came.get(key), agent.held.get(key)
        if order is not None:
            lines[:0] = [*_about(sim, order.task), (order.state, _end_tone(order.state))]
            if order.by >= 0 and order.state == "done":
                lines.append((f"done by {_name(sim, order.by)} for {order.price:.3f}", "good"))
        if held is not None:
            lines.append((f"{agent.name} has it: {STATES.get(held.state, held.state)}", "accent"))
            for quote in _quotes(sim, agent, held):
                amount = "" if quote.amount is None else f" {quote.amount:.3f}"
                lines.append((f"{quote.name}{amount} {quote.text}".rstrip(), "plain"))
    return Words(key, tuple(lines)) if lines else None


def _about(sim: Simulation, task: Task) -> list[tuple[str, Tone]]:
    came = f"came {brief_duration(task.released)} to {_house(sim, task)}, deadline {brief_duration(task.deadline)}"
    return [(f"{setting.about(task)}, priority {task.priority}", "accent"), (came, "plain")]


def _house(sim: Simulation, task: Task) -> str:
    return _name(sim, task.house) if setting.traded(sim.params) else f"m-{task.house + 1}"


def _end_tone(state: str) -> Tone:
    return ENDS.get(state, "plain")


def _times(many: int, what: str) -> str:
    return f"{many} {what}{'' if many == 1 else 's'}"


# --- the figures ----------------------------------------------------------------------------------


def metric_views(sim: Simulation) -> tuple[MetricView, ...]:
    """The metrics, with their theory where there is one."""
    measured = sim.metrics()
    expected = _expected(sim, measured)

    def view(spec: MetricSpec) -> MetricView:
        value = measured[spec.name]
        if spec.name == "profit":
            value = _best_of(value)
        shown = metric_view(spec, value, sim.series, "", percent=spec.name in SHARES and value is not None)
        theory_value = expected.get(spec.name)
        if theory_value is None:
            return shown
        course = (theory_value,) * len(shown.series)
        return replace(shown, theory=in_words(theory_value, percent=spec.name in SHARES), theory_series=course)

    return tuple(map(view, sim.scenario.metrics))


def _best_of(profits: dict[str, float]) -> str:
    if not profits:
        return "–"
    name = max(profits, key=lambda one: profits[one])
    return f"{name} leads with {profits[name]:.2f}"


def _expected_payment(sim: Simulation) -> tuple[float, float] | None:
    """Mean and deviation of the payment by theory, if the run is set up as the theory says."""
    params: AuctionParams = sim.params
    alike = setting.sold(params) or (params.costs == "uniform" and params.skills == len(setting.CAPABILITIES))
    if setting.traded(params) or not alike:
        return None
    return theory.payment(params.contractors, params.rule, params.bids, params.shade, rising=setting.sold(params))


def _expected(sim: Simulation, measured: dict[str, Any]) -> dict[str, float]:
    params: AuctionParams = sim.params
    found = {}
    bids = measured["bids_per_task"]
    if not setting.traded(params) and params.rule != "english" and bids is not None:
        found["messages_per_task"] = theory.messages(params.contractors, bids)
    payment = _expected_payment(sim)
    if payment is not None:
        found["revenue_mean"], found["revenue_sd"] = payment
    found["efficiency"] = 1.0
    return found


# --- the story ------------------------------------------------------------------------------------


def narrate(sim: Simulation, event: TraceEvent) -> NarrationLine | None:
    """The story so far, in sentences."""
    data = event.message
    if not event.note or not isinstance(data, dict):
        return None
    who, sold = event.agent, setting.sold(sim.params)
    task = data.get("task", "")
    tone: Tone = "plain"
    match event.kind:
        case "announced" if data["again"]:
            text, tone = f"{who} announces {task} again.", "warn"
        case "awarded":
            text, tone = _awarded(sim, who, data), "accent"
        case "delivered" if not sold:
            text, tone = f"{who} has done {task}.", "good"
        case "lease lost":
            holder = _name(sim, data["holder"])
            text = f"{holder} {data['why']}: its lease on {task} has run out, so somebody else may do it."
            tone = "bad"
        case "failed task":
            text, tone = f"{_name(sim, data['by'])} gives {task} back: {data['why']}.", "warn"
        case "barred":
            lasts = brief_duration(data["lasts"])
            other = _name(sim, data["contractor"])
            text, tone = f"{who} trusts {other} no more after what it did, and gives it no task for {lasts}.", "warn"
        case "distrusts":
            other = _name(sim, data["other"])
            text = f"{other} took {task} and did not do it, not for the first time: {who} trades no more with it."
            tone = "warn"
        case "nobody":
            text, tone = f"Nobody takes {task} now: {data['why']}; {who} will ask again.", "dim"
        case "expired":
            text, tone = f"{task} is given up: {data['why']}.", "bad"
        case "refused" if "task" in data:
            text, tone = f"{task} ends without a taker: {data['why']}.", "warn"
        case "late":
            text, tone = (
                f"The bid of {_name(sim, data['bidder'])} for {task} comes too late, and does not count.",
                "dim",
            )
        case "duplicate":
            text = f"{_name(sim, data['bidder'])} bids a second time for {task}; only its first bid counts."
            tone = "dim"
        case "took over":
            text = (
                f"{who} takes over as manager, in term {data['term']}, with {_times(data['open'], 'open task')}; the "
                f"old ones wait {data['wait']:g} s, until no lease of its predecessor can last."
            )
            tone = "warn"
        case "stepped down":
            text, tone = f"{who} hears that another manager acts, in term {data['term']}, and stands by.", "warn"
        case "gave up":
            text, tone = f"{who} stops working on {task}: {data['why']}.", "warn"
        case "traded":
            giver = _name(sim, data["by"])
            text = f"{giver} hands {task} to {who}, which does it for less; {data['price']:.2f} goes with it."
            tone = "accent"
        case "deviates":
            text, tone = f"{who} multiplies its bids by {data['factor']:g} from now on.", "warn"
        case "bidding":
            text = f"{who} bids in another way from now on: {data['policy']}."
        case _:
            return None
    return NarrationLine(event.time, text, tone)


def _awarded(sim: Simulation, who: str, data: dict[str, Any]) -> str:
    """Who wins, and why at this price."""
    params: AuctionParams = sim.params
    winner, task, price = _name(sim, data["to"]), data["task"], data["price"]
    again = " now" if data["again"] else ""
    word = "highest" if setting.sold(params) else "lowest"
    what = "pays" if setting.sold(params) else "gets"
    if params.rule == "english":
        return f"{winner} is the last one in for {task}{again}: it {what} {price:.2f}, where the others went out."
    if data["bids"] == 1:
        return f"{winner} is the only one to bid for {task}{again}, and {what} {price:.2f}."
    of = f"{word} of {data['bids']} bids"
    if params.rule == "second-price":
        return f"{winner} wins {task}{again} with {data['best']:.2f}, {of}; it {what} {price:.2f}, the next best."
    return f"{winner} wins {task}{again}, {of}, and {what} {price:.2f}."


# --- what is worth going back to ------------------------------------------------------------------


@as_landmark
def landmark(sim: Simulation, note: Note) -> Said | None:
    """Tasks that come to nothing and are given again, who is trusted no more, who acts as manager."""
    data, who = note.data, teller(sim, note)
    task = data.get("task", "")
    match note.kind:
        case "paid" if is_milestone(data["count"]):
            many = data["count"]
            return "done", "✓", "the first task is done" if many == 1 else f"{many} tasks are done", "plain"
        case "awarded" if is_news(data["count"]):
            return "awarded again", "↻", f"{_name(sim, data['to'])} gets {task} now", "accent"
        case "lease lost" if is_news(data["count"]):
            return "lease lost", "↯", f"{_name(sim, data['holder'])} loses {task}", "bad"
        case "failed task" if is_news(data["count"]):
            return "given back", "↶", f"{_name(sim, data['by'])} gives {task} back", "warn"
        case "barred" if is_news(data["count"]):
            return "barred", "⊘", f"{who} bars {_name(sim, data['contractor'])}", "warn"
        case "distrusts" if data["first"]:
            return "distrust", "⊘", f"{_name(sim, data['other'])} is distrusted", "warn"
        case "expired" | "refused" if task and is_news(data["count"]):
            return note.kind, "∅", f"{task} is {'given up' if note.kind == 'expired' else 'refused by all'}", "bad"
        case "took over":
            return "takeover", "♛", f"{who} takes over", "warn"
        case "stepped down":
            return "stands by", "♕", f"{who} stands by again", "plain"
    return None
