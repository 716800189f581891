"""Figures of a run of the auction.

Agents keep counters as they go: `protocol` and `upkeep` messages, `bids`, `tasks_…`, `called ID` and `ended ID` for
each task, and the distributions `payment`, `payment squared` and `wait`. Only the assignment's quality takes a walk
over the tasks that were done; it is worked out when somebody asks, and remembered until another one is done.
"""

from __future__ import annotations

import math
from typing import Any
from weakref import WeakKeyDictionary

from engine.simulation import Simulation
from scenarios.auction import params as setting
from scenarios.auction.contractor import Contractor
from scenarios.auction.manager import Manager
from scenarios.auction.params import AuctionParams, Task
from scenarios.auction.trader import Trader

WINDOW = 400  # the latest tasks done, whose assignment is measured: at most so many
CELLS = 40_000  # and at most so many costs of a task to a contractor, which takes a tenth of a second
IMPOSSIBLE = 1e9  # the cost of a task to a contractor that cannot do it

_known: WeakKeyDictionary[Simulation, tuple[tuple[Any, ...], float]] = WeakKeyDictionary()


def workers(sim: Simulation) -> list[Contractor | Trader]:
    """All contractors there ever were."""
    return [agent for agent in sim.agents if isinstance(agent, (Contractor, Trader))]


def managers(sim: Simulation) -> list[Manager]:
    """All managers and standbys there ever were."""
    return [agent for agent in sim.agents if isinstance(agent, Manager)]


def total(sim: Simulation) -> int:
    """How many tasks there are to come or came, those that a command added included."""
    return int(sim.params.tasks) + sim.meters.value("extra tasks")


def waiting(sim: Simulation) -> list[str]:
    """The tasks that have not ended, in the order of their numbers. Those that were with agents that left for good, or
    would have come to them, went with them."""
    left = total(sim) - sim.meters.value("ended")
    if left <= 0:
        return []
    params, value = sim.params, sim.meters.value
    names = [setting.task_name(number, params.tasks) for number in range(1, total(sim) + 1)]
    gone = departed(sim) if sim.lifecycle.left else frozenset()
    return [name for name in names if name not in gone and not value(f"ended {name}")]


def departed(sim: Simulation) -> frozenset[str]:
    """The tasks of houses whose managers both left; in neighbours, of agents that did."""
    left, found = sim.lifecycle.left, set()
    if setting.traded(sim.params):
        for agent in sim.agents:
            if agent.id in left and isinstance(agent, Trader):
                found |= {task.id for task in setting.orders_of(sim.params, sim.seed, agent.id)} | agent.came.keys()
        return frozenset(found)
    houses = {manager.house for manager in managers(sim)}
    for house in sorted(houses - {manager.house for manager in managers(sim) if manager.id not in left}):
        found |= {task.id for task in setting.orders_of(sim.params, sim.seed, house)}
        for manager in managers(sim):
            found |= manager.book.keys() if manager.house == house else set()
    return frozenset(found)


def done(sim: Simulation) -> list[tuple[Task, int]]:
    """The latest tasks that were done, and by whom, in the order of their numbers."""
    found: dict[str, tuple[Task, int]] = {}
    for agent in sim.agents:
        if isinstance(agent, (Manager, Trader)):
            found.update(agent.finished)
    latest = sorted(found.values(), key=lambda item: item[0].number)
    return latest[-max(1, min(WINDOW, CELLS // max(1, len(sim.agents)))) :]


def efficiency(sim: Simulation) -> float | None:
    """Optimal total cost over achieved, for the latest 400 tasks done (fewer with more than 100 agents); in
    single-item, achieved value over the highest.

    The optimum gives each task to one contractor that can do it, so that the total cost is least (linear assignment),
    and no contractor gets more tasks than it has slots: its capacity, as many times as it takes until all contractors
    together have a slot for each task, or as many tasks as it really did if that is more. What was achieved is one
    such assignment, so the ratio is never above 1.
    """
    if not sim.meters.value("tasks_done"):
        return None
    assigned = done(sim)
    if not assigned:
        return None
    key = (len(sim.agents), tuple([(task.number, who) for task, who in assigned]))
    known = _known.get(sim)
    if known is None or known[0] != key:
        _known[sim] = known = (key, _efficiency(sim, assigned))
    return known[1]


def _efficiency(sim: Simulation, assigned: list[tuple[Task, int]]) -> float:
    params: AuctionParams = sim.params
    pool = [agent for agent in workers(sim) if agent.id not in sim.lifecycle.left]
    ids = {agent.id for agent in pool}
    pool += [agent for agent in workers(sim) if agent.id in {who for _, who in assigned} - ids]
    profiles = {agent.id: setting.profile(params, sim.seed, agent.name) for agent in pool}
    costs = [
        [
            setting.cost(params, task, who) if not task.needs or task.needs in who.skills else IMPOSSIBLE
            for who in profiles.values()
        ]
        for task, _ in assigned
    ]
    column = {agent: at for at, agent in enumerate(profiles)}
    achieved = math.fsum([costs[row][column[who]] for row, (_, who) in enumerate(assigned)])
    if setting.sold(params):
        best = math.fsum([max(row) for row in costs])
        return achieved / best if best else 1.0
    best = _least(costs, [column[who] for _, who in assigned], params.capacity)
    return min(1.0, best / achieved) if achieved else 1.0


def _least(costs: list[list[float]], assigned: list[int], capacity: int) -> float:
    """The least total cost of an assignment."""
    from scipy.optimize import linear_sum_assignment

    tasks, many = len(costs), len(costs[0])
    rounds = -(-tasks // (many * capacity))
    slots = [capacity * rounds] * many
    for column in assigned:
        slots[column] = max(slots[column], assigned.count(column))
    owners = [column for column in range(many) for _ in range(min(slots[column], tasks))]
    rows, chosen = linear_sum_assignment([[row[owner] for owner in owners] for row in costs])
    return math.fsum([costs[row][owners[slot]] for row, slot in zip(rows.tolist(), chosen.tolist(), strict=True)])


def utilisation(sim: Simulation) -> float | None:
    """The share of the contractors' slots that was worked in, from the start until now; None in single-item."""
    params: AuctionParams = sim.params
    if setting.sold(params) or not sim.now:
        return None
    busy = sim.meters.value("busy")
    for agent in workers(sim):
        if sim.lifecycle.is_alive(agent.id):
            if isinstance(agent, Contractor):
                for job in agent.jobs.values():
                    busy += sim.now - job.started
            else:
                for held in agent.held.values():
                    busy += sim.now - held.began if held.state == "working" else 0
    slots = params.capacity * max(1, len(workers(sim)) - len(sim.lifecycle.left))
    return min(1.0, busy / (slots * sim.now))


def payments(sim: Simulation) -> tuple[float | None, float | None]:
    """Mean and standard deviation of the payments so far."""
    paid = sim.meters.distributions.get("payment")
    squares = sim.meters.distributions.get("payment squared")
    if paid is None or squares is None or not paid.count:
        return None, None
    mean = paid.total / paid.count
    if paid.count < 2:
        return mean, None
    variance = (squares.total - paid.total * mean) / (paid.count - 1)
    return mean, math.sqrt(max(0.0, variance))


def per_task(sim: Simulation, counter: str) -> float | None:
    """A counter for each task that was announced."""
    announced = sim.meters.value("tasks_announced")
    return sim.meters.value(counter) / announced if announced else None


def measure(sim: Simulation) -> dict[str, Any]:
    """All figures by name."""
    count = sim.meters.value
    mean, sd = payments(sim)
    wait = sim.meters.distributions.get("wait")
    return {
        "tasks_announced": count("tasks_announced"),
        "tasks_done": count("tasks_done"),
        "tasks_reawarded": count("tasks_reawarded"),
        "tasks_expired": count("tasks_expired"),
        "messages_per_task": per_task(sim, "protocol"),
        "revenue_mean": mean,
        "efficiency": efficiency(sim),
        "utilisation": utilisation(sim),
        "wait_mean": wait.mean if wait else None,
        "tasks_refused": count("tasks_refused"),
        "bids_per_task": per_task(sim, "bids"),
        "upkeep_per_task": per_task(sim, "upkeep"),
        "revenue_sd": sd,
        "leases_lost": count("leases_lost"),
        "late_bids": count("late"),
        "duplicate_bids": count("duplicate"),
        "takeovers": count("takeovers"),
        "trades": count("trades"),
        "profit": {agent.name: agent.profit for agent in workers(sim)},
    }


def sample(sim: Simulation) -> dict[str, float]:
    """What is remembered over time."""
    count = sim.meters.value
    mean, sd = payments(sim)
    wait = sim.meters.distributions.get("wait")
    values = {
        "tasks_announced": float(count("tasks_announced")),
        "tasks_done": float(count("tasks_done")),
        "tasks_reawarded": float(count("tasks_reawarded")),
        "tasks_expired": float(count("tasks_expired")),
        "messages_per_task": per_task(sim, "protocol") or 0.0,
        "upkeep_per_task": per_task(sim, "upkeep") or 0.0,
        "revenue_mean": mean or 0.0,
        "revenue_sd": sd or 0.0,
        "wait_mean": (wait.mean if wait else None) or 0.0,
        "efficiency": efficiency(sim) or 1.0,
    }
    worked = utilisation(sim)
    if worked is not None:
        values["utilisation"] = worked
    return values
