"""Figures of a run of scaling, from the books of the coordinator and of the leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from engine.duration import SECOND
from engine.simulation import Simulation
from scenarios.scaling.pool import Manager
from scenarios.scaling.worker import Worker

if TYPE_CHECKING:
    from scenarios.scaling.scenario import Coordinator

COORDINATOR = 0  # its id


def coordinator(sim: Simulation) -> Coordinator:
    """The coordinator, up or down."""
    return cast("Coordinator", sim.agents[COORDINATOR])


def managers(sim: Simulation) -> Sequence[Manager]:
    """Those who have a pool of workers: the coordinator, or the leads of the teams."""
    teams = sim.params.teams
    return cast("Sequence[Manager]", sim.agents[1 : teams + 1] if teams > 1 else sim.agents[:1])


def workers(sim: Simulation) -> list[Worker]:
    """The workers that have not left, up or down."""
    return [agent for number in sim.present() if isinstance(agent := sim.agents[number], Worker)]


def clock(sim: Simulation) -> int:
    """The time by the coordinator's clock."""
    return coordinator(sim).ctx.now


def cost(sim: Simulation) -> int:
    """µs of worker time so far, start-up included."""
    return sum(one.paid + len(one.slots) * max(0, one.ctx.now - one.paid_since) for one in managers(sim))


def in_use(sim: Simulation) -> tuple[int, int]:
    """Tasks that are worked on now, by the plan, and tasks that wait."""
    running = waiting = 0
    for one in managers(sim):
        now, slack = one.ctx.now, one.slack
        loads = [slot.load_shown(now, slack) for slot in one.slots.values()]
        running += sum(1 for load in loads if load)
        waiting += one.waiting + sum(load - 1 for load in loads if load > 1)
    root = coordinator(sim)
    return running, waiting + (root.waiting if sim.params.teams > 1 else 0)


def size(sim: Simulation) -> int:
    """Workers of the pool: ready, starting or suspected."""
    return sum(one.size() for one in managers(sim))


def wanted(sim: Simulation) -> int:
    """Workers that the policy asks for."""
    return sum(one.wanted for one in managers(sim))


def busy_now(sim: Simulation) -> float:
    """Share of the pool that works at this moment."""
    running, _ = in_use(sim)
    return running / max(1, sum(len(one.slots) for one in managers(sim)))


def measure(sim: Simulation) -> dict[str, Any]:
    """All metrics."""
    root = coordinator(sim)
    paid = cost(sim) if root.finished_at is None else root.final_cost
    counted, inside = root.counted, max(1, root.counted)
    latencies = sim.meters.distributions.get("latency")
    elapsed = max(0, root.ctx.now if root.finished_at is None else root.finished_at)
    area = root.area + len(root.open) * max(0, root.ctx.now - root.area_since)
    every = managers(sim)

    def percentile(share: float) -> float | None:
        return latencies.percentile(share) if latencies else None

    return {
        "arrived": root.arrived,
        "done": root.done,
        "lost": root.lost,
        "retried": sum(one.retried for one in every) + (root.retried if root not in every else 0),
        "shed": root.shed,
        "workers": size(sim),
        "workers_wanted": wanted(sim),
        "utilisation": min(1.0, root.worked / paid) if paid else None,
        "queue": in_use(sim)[1],
        "wait_mean": root.waits / inside / SECOND if counted else None,
        "wait_probability": root.waited / inside if counted else None,
        "time_in_system_mean": root.inside / inside / SECOND if counted else None,
        "latency_p50": percentile(0.50),
        "latency_p95": percentile(0.95),
        "latency_p99": percentile(0.99),
        "cost": paid / SECOND,
        "scalings": sum(one.scalings for one in every),
        "response_mean": root.responses / root.ended / SECOND if root.ended else None,
        "in_system": len(root.open),
        "in_system_mean": area / elapsed if elapsed else None,
        "duplicates": sim.meters.value("duplicates"),
        "elapsed": elapsed / SECOND,
    }
