"""Figures of a run of PBFT.

Replicas and clients keep counters as they go: `sent KIND` for each kind of message, first copies only, `sent again` for
what was sent again, `done SEQ BLOCK` for how many replicas have carried out a block (while that is news).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from engine.events import IN_FLIGHT
from engine.simulation import Simulation

if TYPE_CHECKING:
    from scenarios.pbft.client import Client
    from scenarios.pbft.messages import Block, NewView, Request
    from scenarios.pbft.replica import Replica

ORDERING = ("sent PrePrepare", "sent Prepare", "sent Commit")
NEWS = 256  # numbers for which it is kept how many replicas have carried them out


# --- who is there ---------------------------------------------------------------------------------


def replicas(sim: Simulation) -> list[Replica]:
    """The n replicas of the group, whatever became of them."""
    return cast("list[Replica]", sim.agents[: 3 * sim.params.f + 1])


def clients(sim: Simulation) -> list[Client]:
    """The clients that have not left."""
    gone = sim.lifecycle.left
    return [cast("Client", one) for one in sim.agents if one.role == "client" and one.id not in gone]


def correct(sim: Simulation) -> list[Replica]:
    """The replicas that never misbehaved and are not down."""
    is_alive = sim.lifecycle.is_alive
    return [one for one in replicas(sim) if not one.tainted and is_alive(one.id)]


def begun(replica: Replica) -> int:
    """The last view that has begun for a replica."""
    return 0 if replica.new_view is None else replica.new_view.view


def final_height(sim: Simulation) -> int:
    """The number up to which 2f+1 replicas have carried out everything: never to be undone."""
    quorum: int = 2 * sim.params.f + 1
    return sorted([one.executed for one in replicas(sim)], reverse=True)[quorum - 1]


# --- counted as it happens ------------------------------------------------------------------------


def count_execution(replica: Replica, block: Block, view: int, requests: list[Request]) -> None:
    """A replica has carried out a block; `requests` are those in it that were new to it."""
    ctx, n, quorum = replica.ctx, replica.settings.n, replica.settings.quorum
    meters = ctx.sim.meters
    name = f"done {block.seq} {block.name}"
    done = meters.count(name)
    data: dict[str, Any] = {
        "seq": block.seq,
        "view": view,
        "block": block.name,
        "parent": block.parent[:8].hex(),
        "digest": block.digest[:8].hex(),
        "requests": tuple([(one.client, one.timestamp, one.content()[:8].hex()) for one in requests]),
    }
    ctx.note("executed", **data)
    if done == quorum:
        meters.count("ordered", len(requests))
        ctx.note("final", **data, count=done, of=n)
    if block.seq % NEWS == 0 and done == 1:
        old = [key for key in meters.counters if key.startswith("done ") and int(key.split()[1]) <= block.seq - NEWS]
        for key in old:
            del meters.counters[key]


def count_view(replica: Replica, message: NewView) -> None:
    """A view has begun for a replica."""
    ctx = replica.ctx
    first = message.view > ctx.sim.meters.gauges.get("view", 0.0)
    if first:
        ctx.gauge("view", message.view)
        ctx.count("views begun")
    ctx.note("new-view", view=message.view, primary=message.replica, kept=len(message.pre_prepares), first=first)


def count_view_change(replica: Replica, before: int, joins: bool) -> None:
    """A replica asks for its next view, after its view `before`."""
    ctx, view = replica.ctx, replica.view
    count = ctx.count(f"want {view}")
    primary = replica.primary_of(view)
    ctx.note("view-change", view=view, before=before, primary=primary, joins=joins, count=count)


def count_stable(replica: Replica, seq: int) -> None:
    """A checkpoint is stable for a replica."""
    ctx = replica.ctx
    first = seq > ctx.sim.meters.gauges.get("stable", 0.0)
    if first:
        ctx.gauge("stable", seq)
    ctx.note("stable", seq=seq, first=first)


# --- asked for ------------------------------------------------------------------------------------


def measure(sim: Simulation) -> dict[str, Any]:
    """All metrics."""
    meters = sim.meters
    value = meters.value
    ordered = value("ordered")
    ordering = sum([value(name) for name in ORDERING])
    total = ordering + value("sent request") + value("sent reply")
    latency = meters.distributions.get("latency")
    live = correct(sim)
    return {
        "requests": value("requests"),
        "committed": value("committed"),
        "messages_per_request": ordering / ordered if ordered else None,
        "view": max([begun(one) for one in live], default=0),
        "view_changes": value("views begun"),
        "commit_latency_p50": latency.percentile(0.5) if latency else None,
        "commit_latency_p95": latency.percentile(0.95) if latency else None,
        "throughput": value("committed") / sim.seconds if sim.now else 0.0,
        "checkpoint_height": max([one.stable for one in live], default=0),
        "rejected_messages": value("rejected"),
        "messages_per_request_total": total / ordered if ordered else None,
        "view_change_messages": value("sent ViewChange"),
        "new_view_messages": value("sent NewView"),
        "resent_messages": value("sent again"),
        "state_transfers": value("state transfers"),
        "height": final_height(sim),
    }


def sample(sim: Simulation) -> dict[str, float]:
    """What is remembered over time."""
    figures = measure(sim)
    kept = {name: float(value) for name, value in figures.items() if value is not None}
    kept["waiting"] = float(figures["requests"] - figures["committed"])
    kept["rate"] = sim.meters.rate("committed", sim.now)
    return kept


def unanswered(sim: Simulation) -> list[Client]:
    """Live clients that never misbehaved, and have waited for longer than it takes to lose patience."""
    is_alive, now = sim.lifecycle.is_alive, sim.now
    return [
        one
        for one in clients(sim)
        if one.pending is not None and not one.tainted and is_alive(one.id) and now - one.since > one.patience
    ]


def over(sim: Simulation) -> str:
    """Why the run is over: every request is answered, and every replica has what it can come by."""
    total = sim.params.requests
    if not total or sim.meters.value("committed") < min(total, 1):
        return ""
    is_up = sim.lifecycle.is_alive
    if any(one.has_work for one in clients(sim) if is_up(one.id)):
        return ""
    live = [one for one in replicas(sim) if is_up(one.id) and one.mode == "honest"]
    words = f"all {sim.meters.value('committed'):,} requests are answered"
    if not live:
        return words
    top = max([one.executed for one in live])
    behind = [one for one in live if one.executed < top]
    if _under_way(sim) or any("retry" in one.ctx.timers for one in behind):
        return ""
    if not behind:
        return f"{words}, and carried out by every honest replica that is up"
    names = ", ".join([one.name for one in behind[:3]])
    return f"{words}; {names}{' and others' if len(behind) > 3 else ''} lag behind and do not know it"


def _under_way(sim: Simulation) -> bool:
    return any(event[4] in IN_FLIGHT for event in sim.calendar)
