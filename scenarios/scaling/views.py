"""What to show of scaling: the workers as tiles, the queue, workers wanted and there over time, and the story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.agent import Agent
from engine.duration import SECOND, brief_duration, format_duration
from engine.framing import metric_view
from engine.landmarks import teller
from engine.simulation import Simulation
from engine.trace import Note, TraceEvent
from engine.views import (
    AgentRow,
    Curve,
    Health,
    MetricView,
    NarrationLine,
    Plot,
    Pool,
    PoolWorker,
    StageView,
    Tone,
    Words,
)
from scenarios.landmarks import Said, as_landmark
from scenarios.scaling import measures, theory
from scenarios.scaling.load import PRIORITIES
from scenarios.scaling.pool import Manager
from scenarios.scaling.state import Slot
from scenarios.scaling.worker import Worker

PERCENT = frozenset({"utilisation", "wait_probability"})
LEAST_QUEUE_SCALE = 20
FULL = 4  # tasks that fill a worker's tile where they wait at the workers
TOLD_OF_THE_WORKER = frozenset({"its worker is silent", "its worker was ejected"})  # with all that it had
LARGE = 50  # workers from which on the theory of large pools is shown
SECONDS_ROUNDED = SECOND // 10


def sample(sim: Simulation) -> dict[str, float]:
    """Values over time."""
    root = measures.coordinator(sim)
    running, waiting = measures.in_use(sim)
    there = sum(len(one.slots) for one in measures.managers(sim))
    rate = root.load.rate(root.ctx.now) if root.load is not None and not root.closed else 0.0
    counted = max(1, root.counted)
    return {
        "workers": float(measures.size(sim)),
        "workers_wanted": float(measures.wanted(sim)),
        "ready": float(sum(slot.state == "ready" for one in measures.managers(sim) for slot in one.slots.values())),
        "queue": float(waiting),
        "in_system": float(len(root.open)),
        "utilisation": running / there if there else 0.0,
        "offered": rate / sim.params.service_rate,
        "wait_mean": root.waits / counted / SECOND,
        "wait_probability": root.waited / counted,
        "time_in_system_mean": root.inside / counted / SECOND,
        "cost": measures.cost(sim) / SECOND,
        "done": float(root.done),
        "shed": float(root.shed),
    }


# --- agents ---------------------------------------------------------------------------------------


def _slot_of(sim: Simulation, worker: int) -> tuple[Manager | None, Slot | None]:
    """The books on a worker, and who keeps them."""
    for one in measures.managers(sim):
        slot = one.slots.get(worker)
        if slot is not None:
            return one, slot
    return None, None


def health_of(sim: Simulation, worker: Agent, slot: Slot | None) -> Health:
    """A worker's health as people see it: starting and draining included."""
    health = sim.health(worker.id)
    if health in (Health.UP, Health.SLOW) and slot is not None:
        if slot.state == "starting":
            return Health.STARTING
        if slot.state in ("draining", "leaving"):
            return Health.DRAINING
    return health


def _state_of(sim: Simulation, worker: Worker, boss: Manager | None, slot: Slot | None) -> str:
    if slot is None or boss is None:
        down = not sim.lifecycle.is_alive(worker.id)
        return "starting" if worker.status == "starting" and not down else "given up" if down else "not in the pool"
    if slot.state == "starting":
        left = _rounded(worker.ready_at - worker.ctx.now)
        return f"starts in {left}" if worker.ready_at > worker.ctx.now else "starting"
    if slot.state == "suspected":
        return "suspected"
    load = slot.load_shown(boss.ctx.now, boss.slack)
    if slot.state in ("draining", "leaving"):
        return f"drains, {len(slot.tasks)} left" if slot.tasks else "leaves"
    if slot.stalled:
        return "behind its plan"
    return "idle" if not load else "works" if load == 1 else f"works, {load - 1} wait"


def _rounded(micros: int) -> str:
    return format_duration(max(0, micros) // SECONDS_ROUNDED * SECONDS_ROUNDED)


def agent_row(sim: Simulation, agent: Agent) -> AgentRow:
    """An agent's line in the agents pane."""
    if isinstance(agent, Worker):
        boss, slot = _slot_of(sim, agent.id)
        now = boss.ctx.now if boss is not None else agent.ctx.now
        suspicion = slot.detector.suspicion(now) if slot is not None and slot.detector is not None else None
        team = sim.names[agent.boss] if sim.params.teams > 1 else ""
        return AgentRow(
            id=agent.id,
            name=agent.name,
            role=agent.role,
            health=health_of(sim, agent, slot),
            state=_state_of(sim, agent, boss, slot),
            cells=(
                str(len(agent.held)),
                str(agent.done),
                "" if slot is None else f"{slot.busy / 10:.0f}%",
                "" if suspicion is None else f"{suspicion:.1f}",
                "" if slot is None or slot.pace == 1000 else f"{slot.pace / 1000:.1f}x",
                team,
            ),
            load=min(1.0, slot.busy / 1000) if slot is not None else 0.0,
            tone=_tone(slot),
        )
    state = ""
    cells = ("",) * 6
    if isinstance(agent, Manager):
        waits = agent.waiting
        state = "turns some away" if agent.degraded else f"{waits} wait" if waits else "no queue"
        done = getattr(agent, "done", 0)
        cells = (str(len(agent.open)), str(done) if done else "", "", "", "", "")
    return AgentRow(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        health=sim.health(agent.id),
        state=state,
        cells=cells,
        tone="warn" if getattr(agent, "degraded", False) else "accent",
    )


def _tone(slot: Slot | None) -> Tone:
    if slot is None:
        return "dim"
    if slot.state == "suspected" or slot.stalled:
        return "warn"
    return "good" if slot.state == "ready" else "dim"


def node_look(sim: Simulation, agent: Agent) -> tuple[Tone, str]:
    """An agent in the network drawing."""
    if isinstance(agent, Worker):
        _, slot = _slot_of(sim, agent.id)
        return _tone(slot), str(len(slot.tasks)) if slot is not None and slot.tasks else ""
    return "accent", "C" if agent.id == measures.COORDINATOR else "L"


# --- the stage ------------------------------------------------------------------------------------


def stage(sim: Simulation) -> StageView:
    """The pool, and how it followed its load."""
    return StageView("The pool", (pool(sim), course(sim)))


def pool(sim: Simulation) -> Pool:
    """Workers as tiles, and the queue before them."""
    tiles: list[PoolWorker] = []
    for worker in measures.workers(sim):
        boss, slot = _slot_of(sim, worker.id)
        if boss is not None and slot is not None:
            tiles.append(_tile(sim, worker, boss, slot))
    tiles.sort(key=lambda tile: (len(tile.group), tile.group, tile.id))  # team by team
    size, wanted = measures.size(sim), measures.wanted(sim)
    _, waiting = measures.in_use(sim)
    return Pool(
        title=f"{sim.params.routing} routing, {measures.managers(sim)[0].policy} policy",
        workers=tuple(tiles),
        queue=waiting,
        queue_scale=max(LEAST_QUEUE_SCALE, 4 * size),
        actual=size,
        wanted=wanted,
        notes=tuple(_notes(sim)),
    )


def _tile(sim: Simulation, worker: Worker, boss: Manager, slot: Slot) -> PoolWorker:
    now = boss.ctx.now
    load = slot.load_shown(now, boss.slack)
    fill = min(1.0, load / FULL)
    if sim.params.routing == "central":
        fill = next((_progress(task.start, task.end, now) for task in slot.tasks.values()), 0.0)
    if slot.state == "starting":
        span = round(sim.params.startup * SECOND)
        fill = _progress(worker.ready_at - span, worker.ready_at, worker.ctx.now)
    return PoolWorker(
        id=worker.id,
        name=worker.name,
        health=health_of(sim, worker, slot),
        fill=fill,
        text=_state_of(sim, worker, boss, slot),
        suspicion=None if slot.detector is None else round(slot.detector.suspicion(now), 2),
        suspected=slot.state == "suspected",
        group=boss.name if sim.params.teams > 1 else "",
    )


def _progress(start: int, end: int, now: int) -> float:
    return 1.0 if end <= start else min(1.0, max(0.0, (now - start) / (end - start)))


def _notes(sim: Simulation) -> list[tuple[str, Tone]]:
    root = measures.coordinator(sim)
    notes: list[tuple[str, Tone]] = []
    if root.load is not None and root.ctx.now < root.load.boost_until:
        left = _rounded(root.load.boost_until - root.ctx.now)
        notes.append((f"spike: {root.load.boost / 1000:g} times the load for another {left}", "warn"))
    if any(one.degraded for one in measures.managers(sim)) or root.degraded:
        notes.append((f"saturated: turns low priorities away, {root.shed:,} so far", "bad"))
    elif any(one.pressed for one in measures.managers(sim)):
        notes.append(("the policy would have more workers than it may", "warn"))
    suspected = [
        sim.names[slot.id] for one in measures.managers(sim) for slot in one.slots.values() if slot.state == "suspected"
    ]
    if suspected:
        more = f" and {len(suspected) - 3} more" if len(suspected) > 3 else ""
        notes.append((f"suspected: {', '.join(suspected[:3])}{more}", "warn"))
    if root.lost:
        notes.append((f"{root.lost:,} dead letters", "bad"))
    if root.closed:
        notes.append((f"no more tasks come; {len(root.open):,} are left", "dim"))
    return notes


def course(sim: Simulation) -> Plot:
    """Workers there and wanted over time, the load, and the forecast where there is one."""
    times = tuple([time / SECOND for time in sim.series.times])
    curves = [
        Curve(label, times, sim.series[name])
        for label, name in (("ready", "ready"), ("wanted", "workers_wanted"))
        if times and sim.series[name]
    ]
    if times and sim.series["offered"]:
        curves.append(Curve("needed to keep up", times, sim.series["offered"], theory=True))
    every = measures.managers(sim)
    forecasts = every[0].forecasts
    if forecasts and len(every) == 1:
        points = [(time / SECOND, workers) for time, workers in forecasts]
        curves.append(Curve("forecast", tuple(x for x, _ in points), tuple(y for _, y in points), theory=True))
    return Plot(title="workers", x_label="s", y_label="workers", curves=tuple(curves))


def detail(sim: Simulation, key: str) -> Words | None:
    """All there is to say of a worker, a lead or a task ("task 17")."""
    word, _, number = key.partition(" ")
    if word == "task" and number.isdecimal():
        return _task_detail(sim, int(number))
    agent = sim.ids.get(key)
    if agent is None or agent in sim.lifecycle.left:
        return None
    found = sim.agents[agent]
    if isinstance(found, Worker):
        return _worker_detail(sim, found)
    return _manager_detail(sim, found) if isinstance(found, Manager) else None


def _worker_detail(sim: Simulation, worker: Worker) -> Words:
    boss, slot = _slot_of(sim, worker.id)
    lines: list[tuple[str, Tone]] = [
        (f"{health_of(sim, worker, slot)}: {_state_of(sim, worker, boss, slot)}", "accent")
    ]
    lines.append((f"{worker.done:,} tasks done, {len(worker.held)} at hand", "plain"))
    if sim.params.kinds > 1:
        lines.append((f"a specialist for tasks of kind {worker.kind + 1}", "plain"))
    if worker.speed != 1000:
        lines.append((f"{worker.speed / 1000:.2g} times as fast as the slowest", "plain"))
    if slot is None or boss is None:
        lines.append(("nobody counts on it", "dim"))
        return Words(worker.name, tuple(lines))
    now = boss.ctx.now
    if slot.detector is not None:
        silence = brief_duration(max(0, now - slot.detector.last))
        what = "φ" if sim.params.detector == "phi" else "share of the timeout"
        tone: Tone = "warn" if slot.state == "suspected" else "plain"
        lines.append((f"last heartbeat {silence} ago; {what} {slot.detector.suspicion(now):.2f}", tone))
        lines.append((f"{100 * boss.leases.left(slot.id, now):.0f}% of its lease is left", "plain"))
    if slot.pace != 1000:
        lines.append((f"takes {slot.pace / 1000:.1f} times as long as it should", "warn"))
    for task in list(slot.tasks.values())[:8]:
        lines.append((f"task {task.id}: {_work_left(task.start, task.end, now)}, try {task.attempts}", "plain"))
    if len(slot.tasks) > 8:
        lines.append((f"and {len(slot.tasks) - 8} more", "dim"))
    return Words(worker.name, tuple(lines))


def _work_left(start: int, end: int, now: int) -> str:
    if now < start:
        return f"begins in {_rounded(start - now)}"
    return f"done in {_rounded(end - now)}" if now < end else f"should have been done {_rounded(now - end)} ago"


def _manager_detail(sim: Simulation, manager: Manager) -> Words:
    lines: list[tuple[str, Tone]] = [
        (f"{len(manager.open):,} tasks in its books, {manager.waiting:,} of them in its queue", "accent")
    ]
    if manager.scales:
        bounds = f"it may have {manager.low} to {manager.high}"
        lines.append((f"{manager.size()} workers, {manager.wanted} wanted by {manager.policy}; {bounds}", "plain"))
    lines.append((f"{manager.retried:,} tasks given out again", "plain"))
    for task in list(manager.open.values())[:8]:
        where = "in the queue" if task.queued else f"at {sim.names[task.worker]}" if task.worker >= 0 else "waits"
        lines.append((f"task {task.id}: {where}, {PRIORITIES[task.priority]} priority", "plain"))
    return Words(manager.name, tuple(lines))


def _task_detail(sim: Simulation, number: int) -> Words | None:
    for one in (*measures.managers(sim), measures.coordinator(sim)):
        task = one.open.get(number)
        if task is not None:
            since = brief_duration(max(0, one.ctx.now - task.arrived))
            where = "in the queue" if task.queued else f"at {sim.names[task.worker]}" if task.worker >= 0 else "waits"
            lines: list[tuple[str, Tone]] = [
                (f"{where} of {one.name}" if task.queued else where, "accent"),
                (f"{brief_duration(task.work)} of work, {PRIORITIES[task.priority]} priority", "plain"),
                (f"here for {since}, given out {task.attempts} times", "plain"),
            ]
            return Words(f"task {number}", tuple(lines))
    return None


# --- the figures ----------------------------------------------------------------------------------


def metric_views(sim: Simulation) -> tuple[MetricView, ...]:
    """The metrics, with their theory where there is one."""
    measured, expected = sim.metrics(), expectations(sim)
    return tuple(
        [
            metric_view(
                spec, measured[spec.name], sim.series, expected.get(spec.name, ""), percent=spec.name in PERCENT
            )
            for spec in sim.scenario.metrics
        ]
    )


def expectations(sim: Simulation) -> dict[str, str]:
    """What theory says of a pool of a fixed size under a steady load."""
    params = sim.params
    fixed = measures.managers(sim)[0].policy == "fixed" and params.arrivals == "poisson"
    if not fixed or params.kinds > 1 or params.spread != 1.0 or params.teams > 1:
        return {}
    load = params.arrival_rate / params.service_rate
    share = load / params.workers
    if share >= 1.0:
        return {"utilisation": "100%", "wait_mean": "grows for ever", "time_in_system_mean": "grows for ever"}
    found = {"utilisation": f"{100 * share:.1f}%"}
    one = 1.0 / params.service_rate
    if params.routing == "central":
        spread = theory.variation(params.service, params.tail)
        wait = theory.mean_wait(params.workers, params.arrival_rate, params.service_rate, spread)
        about = "" if spread == 1.0 or params.workers == 1 else "about "
        if wait < float("inf"):
            found["wait_mean"] = f"{about}{wait:.3g}"
            found["time_in_system_mean"] = f"{about}{wait + one:.3g}"
        if spread == 1.0:
            found["wait_probability"] = f"{100 * theory.erlang_c(params.workers, load):.1f}%"
    elif params.service == "exponential" and params.routing in ("random", "weighted"):
        found["wait_probability"] = f"{100 * share:.1f}%"
        found["time_in_system_mean"] = f"{one * theory.time_with_choices(1, share):.3g}"
    elif params.service == "exponential" and params.routing == "two-choices":
        about = "" if params.workers >= LARGE else "about "
        found["time_in_system_mean"] = f"{about}{one * theory.time_with_choices(2, share):.3g}"
    return found


# --- the story ------------------------------------------------------------------------------------


def _told_scaled(data: dict[str, Any]) -> tuple[str, Tone]:
    more = data["wanted"] > data["before"]
    verb = "more workers" if more else "fewer workers"
    return f"wants {verb}, {data['wanted']} instead of {data['before']}: {data['why']}.", "accent" if more else "plain"


def _told_ejected(data: dict[str, Any]) -> tuple[str, Tone]:
    reason = "takes tasks and never gets any done"
    if data["why"] == "slow":
        reason = f"beats as ever, and takes {data['pace'] / 1000:.1f} times as long as it should"
    return f"replaces {data['worker']}, which {reason}.", "warn"


def _told_dead(data: dict[str, Any]) -> tuple[str, Tone]:
    tasks = data["tasks"]
    goes = (
        "it had nothing to do" if not tasks else "its task goes to others" if tasks == 1 else "its tasks go to others"
    )
    return f"gives up on {data['worker']}, whose lease has run out; {goes}.", "bad"


_STORIES: dict[str, Callable[[dict[str, Any]], tuple[str, Tone]]] = {
    "scaled": _told_scaled,
    "ejected": _told_ejected,
    "dead": _told_dead,
    "suspected": lambda data: (
        f"suspects {data['worker']}, silent for {_rounded(data['silence'])}: no new tasks for it.",
        "warn",
    ),
    "trusted": lambda data: (f"hears from {data['worker']} again, and trusts it.", "good"),
    "unwanted": lambda data: (f"sends {data['worker']} away: there are enough workers.", "plain"),
    "retry": lambda data: (
        f"will give task {data['task']} out again, after try {data['attempt']}: {data['why']}.",
        "warn",
    ),
    "dead-letter": lambda data: (f"gives task {data['task']} up after {data['attempts']} tries: {data['why']}.", "bad"),
    "degraded": lambda data: (
        f"is saturated: {data['waiting']} tasks wait for {data['workers']} workers, and there may be no more. "
        "From now on it turns low priorities away.",
        "bad",
    ),
    "relieved": lambda data: (f"takes all priorities again; {data['shed']} tasks were turned away so far.", "good"),
    "spike": lambda data: (
        f"sees {data['factor'] / 1000:g} times as many tasks come for {format_duration(data['length'])}.",
        "warn",
    ),
    "policy": lambda data: (f"decides on the number of workers by another rule: {data['name']}.", "accent"),
    "closed": lambda data: (
        f"takes no more tasks: {data['arrived']:,} came, and the last ones are being done.",
        "plain",
    ),
    "ready": lambda data: (f"has a new worker ready: {data['worker']}.", "good"),
    "join": lambda data: ("is being started.", "plain"),
}


def narrate(sim: Simulation, event: TraceEvent) -> NarrationLine | None:
    """The story so far, in sentences."""
    data = event.message
    if not event.note or not isinstance(data, dict) or event.kind not in _STORIES:
        return None
    if event.kind == "retry" and data["attempt"] == 1 and data["why"] in TOLD_OF_THE_WORKER:
        return None
    who = "The coordinator" if event.agent == "coordinator" else event.agent
    text, tone = _STORIES[event.kind](data)
    return NarrationLine(event.time, f"{who} {text}", tone)


# --- what is worth going back to ------------------------------------------------------------------


@as_landmark
def landmark(sim: Simulation, note: Note) -> Said | None:
    """When the pool turns to growing or shrinking, who is given up, when there is too much to do. A pool that grows in
    several steps is told of once, at the first."""
    data, who = note.data, teller(sim, note)
    match note.kind:
        case "scaled" if data["turn"]:
            if data["wanted"] > data["before"]:
                return "grows", "↑", f"{who} wants more: {data['before']} → {data['wanted']}", "accent"
            return "shrinks", "↓", f"{who} wants fewer: {data['before']} → {data['wanted']}", "plain"
        case "dead":
            return "given up", "†", f"{data['worker']} is given up", "bad"
        case "ejected":
            return "replaced", "⊘", f"{data['worker']} is replaced", "warn"
        case "spike":
            return "spike", "∆", f"{data['factor'] / 1000:g} times as many tasks", "warn"
        case "degraded":
            return "saturated", "!", f"{who} is saturated", "bad"
        case "relieved":
            return "relieved", "✓", f"{who} takes all tasks again", "good"
        case "policy":
            return "policy", "◆", f"policy {data['name']}", "accent"
        case "closed":
            return "closed", "■", "no more tasks come", "plain"
    return None
