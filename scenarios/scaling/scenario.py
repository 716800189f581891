"""Dynamic scaling: a pool of workers that grows and shrinks with its load.

A coordinator takes tasks in, queues them, and gives them to workers (Erlang 1917; Mitzenmacher, The Power of Two
Choices in Randomized Load Balancing, 2001). Heartbeats tell who is alive (Hayashibara et al., SRDS 2004); the tasks of
a worker whose lease has run out go to others. A policy decides how many workers there are: the rule of the Kubernetes
Horizontal Pod Autoscaler, the queue, a forecast, or a budget. With several teams, each has a lead that does all this
for its part, and the coordinator deals tasks out to the leads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine.agent import Agent
from engine.commands import ArgSpec, CommandSpec
from engine.duration import SECOND
from engine.errors import CommandError, ParameterError
from engine.scenario import InvariantSpec, MetricSpec, Misbehaviour, Scenario
from engine.simulation import Simulation
from engine.streams import Stream
from engine.trace import Note, TraceEvent
from engine.views import AgentRow, Column, Landmark, MetricView, NarrationLine, StageView, Tone, Words
from scenarios.scaling import measures
from scenarios.scaling import views as scaling_views
from scenarios.scaling.experiments import EXPERIMENTS
from scenarios.scaling.load import LOW, NORMAL, Load, Row, built_in_trace, read_trace
from scenarios.scaling.params import POLICIES, ScalingParams
from scenarios.scaling.policies import quotas
from scenarios.scaling.pool import Manager
from scenarios.scaling.state import Assign, Beat, Refused, Result, Slot, Task, speed_of
from scenarios.scaling.worker import SLOW_BY, Worker

SHED_NORMAL = 3  # times the threshold of `shed`, from which on normal priorities are turned away, too
DRAIN_LIMIT = 10.0  # horizons after which a run whose tasks never end is stopped all the same
REMEMBERED = 1000  # tasks done that the invariant remembers one by one


class Coordinator(Manager):
    """Where tasks arrive and end. It deals them out to its workers, or to the leads of its teams."""

    durable: ClassVar[tuple[str, ...]] = (
        *Manager.durable, "load", "arrived", "done", "lost", "shed", "area", "area_since", "counted", "waits", "waited",
        "inside", "responses", "ended", "worked", "dead_letters", "finished_at", "final_cost", "warmed",
    )  # fmt: skip

    def __init__(self, params: ScalingParams, first: Sequence[tuple[int, int, int]], bounds: tuple[int, int]) -> None:
        super().__init__(params, first, bounds, round(params.budget))
        self.load: Load | None = None  # where tasks come from, once it has started
        self.arrived = 0
        self.done = 0
        self.lost = 0
        self.shed = 0
        self.area = 0  # tasks in the system, over time, in µs, until `area_since`
        self.area_since = 0
        self.warmed = params.policy != "fixed"  # whether the warm-up is over
        self.counted = 0  # tasks whose waiting counts: once the warm-up is over, its tasks do not any more
        self.waits = 0  # µs, without transport
        self.waited = 0  # tasks that had to wait
        self.inside = 0  # µs, without transport
        self.responses = 0  # µs, with transport, of every task that has ended
        self.ended = 0
        self.worked = 0  # µs of work that led to a result
        self.dead_letters: list[int] = []
        self.finished_at: int | None = None  # when the last task had ended, and no more will come
        self.final_cost = 0  # µs of worker time until then
        if params.teams > 1:
            self.scales = self._plans = self._central = False
        warm = params.warmup if params.policy == "fixed" else 0.0
        self._warm = round(warm * params.horizon * SECOND)

    # What happens

    def on_start(self) -> None:
        self.area_since = self.ctx.now
        super().on_start()

    def _set_out(self, now: int) -> None:
        super()._set_out(now)
        if self.load is None:
            self.load = Load(self._p, self.ctx.sim.seed)
        if not self.closed:
            self._expect(self.load, now)

    def on_timer(self, name: Any) -> None:
        if name != "arrival":
            super().on_timer(name)
            return
        now, load = self.ctx.now, self.load
        assert load is not None
        for work, priority, kind in load.tasks(now, self._rows()):
            self._arrive(now, work, priority, kind)
        self._expect(load, now)

    def spike(self, factor: int, length: int) -> None:
        """Let `factor` thousandths of the usual tasks come for `length` µs."""
        now = self.ctx.now
        started = self.load is not None
        load = self.load = self.load or Load(self._p, self.ctx.sim.seed)
        load.spike(factor, now + length)
        self.ctx.note("spike", factor=factor, length=length)
        if started:
            self.ctx.cancel_timer("arrival")
            self._expect(load, now)

    def _rows(self) -> Sequence[Row]:
        scenario = self.ctx.sim.scenario
        assert isinstance(scenario, Scaling)
        return scenario.rows

    def _expect(self, load: Load, now: int) -> None:
        """Set the timer for the next task."""
        at = load.next_time(now, self._rows())
        if at is None:
            self.closed = True
            self.ctx.note("closed", arrived=self.arrived)
            self._note_end(now)
        else:
            self.ctx.set_timer("arrival", max(0, at - now))

    def _arrive(self, now: int, work: int, priority: int, kind: int) -> None:
        self.arrived += 1
        if self.degraded and priority <= self._turned_away():
            self.shed += 1
            first = self.ctx.count("shed") == 1
            self.ctx.note("shed", task=self.arrived, priority=priority, first=first)
            return
        self._pass_time(now)
        self._accept(Task(self.arrived, work, kind, priority, now), now)

    def _turned_away(self) -> int:
        """The highest priority that is turned away while the pool is saturated."""
        return NORMAL if self.waiting > SHED_NORMAL * self._p.shed * max(1, len(self._ready)) else LOW

    def _check(self, now: int) -> None:
        super()._check(now)
        if not self.scales:
            leads = self.slots.values()
            degraded = bool(leads) and all(slot.saturated for slot in leads)
            if degraded != self.degraded:
                self.degraded = degraded
                waiting = sum(max(0, len(slot.tasks) - slot.capacity) for slot in leads)
                if degraded:
                    self.ctx.note("degraded", waiting=waiting, workers=sum(slot.capacity for slot in leads))
                else:
                    self.ctx.note("relieved", waiting=waiting, shed=self.shed)

    def _on_beat(self, sender: int, beat: Beat) -> None:
        super()._on_beat(sender, beat)
        slot = self.slots.get(sender)
        if self.scales or slot is None:
            return
        # What a lead was given a while ago and does not have was lost on the way, or its result was.
        now, holds = self.ctx.now, set(beat.holds)
        for task in list(slot.tasks.values()):
            if task.id not in holds and now - task.sent > self._lease:
                self._take_back(slot, task, now, "its team knows nothing of it")

    # The end of a task

    def _end(self, task: Task, now: int, wait: int, service: int) -> None:
        self._leave_system(task, now)
        self.done += 1
        self.worked += service
        self.ctx.observe("latency", max(0, now - task.arrived) / SECOND)
        if not self.warmed and task.arrived >= self._warm:
            self.warmed = True
            self.counted = self.waits = self.waited = self.inside = 0
        if task.arrived >= self._warm or not self.warmed:
            self.counted += 1
            self.waits += wait
            self.waited += wait > 0
            self.inside += wait + service
        self.ctx.note("done", task=task.id)

    def _give_up(self, task: Task, now: int, why: str) -> None:
        self._leave_system(task, now)
        self.lost += 1
        self.dead_letters.append(task.id)
        self.ctx.note("dead-letter", task=task.id, attempts=task.attempts, why=why)

    def _leave_system(self, task: Task, now: int) -> None:
        self._pass_time(now)
        self._close(task)
        self.ended += 1
        self.responses += max(0, now - task.arrived)
        self._note_end(now)

    def _note_end(self, now: int) -> None:
        """What comes after the last task is no part of the figures."""
        if self.closed and not self.open and self.finished_at is None:
            self.finished_at = now
            self.final_cost = measures.cost(self.ctx.sim)

    def _pass_time(self, now: int) -> None:
        """Count the tasks in the system over the time that has passed."""
        if now > self.area_since:
            self.area += len(self.open) * (now - self.area_since)
            self.area_since = now

    def _remove(self, slot: Slot, state: str) -> None:
        if self.scales:
            super()._remove(slot, state)
            return
        # A lead whose lease has run out keeps its place: its team comes back with it.
        slot.state = "suspected"
        self._take_back_all(slot, self.ctx.now, "its team's lead is silent")
        self._regroup()
        self._dispatch(self.ctx.now)


class Lead(Manager):
    """The lead of a team: a coordinator's part of the pool. Tasks come from the coordinator, results go there."""

    durable: ClassVar[tuple[str, ...]] = (*Manager.durable, "boss")

    def __init__(
        self, params: ScalingParams, first: Sequence[tuple[int, int, int]], bounds: tuple[int, int], budget: int
    ) -> None:
        super().__init__(params, first, bounds, budget)
        self.boss = measures.COORDINATOR

    def _set_out(self, now: int) -> None:
        super()._set_out(now)
        self.ctx.set_timer("beat", self.rng.below(self._heartbeat))

    def on_timer(self, name: Any) -> None:
        if name != "beat":
            super().on_timer(name)
            return
        busy = sum(slot.busy for slot in self._ready) // max(1, len(self._ready))
        ready = len(self._ready)
        self.ctx.send(self.boss, Beat(len(self.open), busy, 0, ready, self.degraded, tuple(self.open)))
        self.ctx.set_timer("beat", self._heartbeat)

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Assign):
            if message.task not in self.open:
                now = self.ctx.now
                kind = message.kind % self._kinds
                self._accept(Task(message.task, max(1, message.work), kind, message.priority, now), now)
        else:
            super().on_message(sender, message)

    def _end(self, task: Task, now: int, wait: int, service: int) -> None:
        self._close(task)
        self.ctx.send(self.boss, Result(task.id, wait, service))

    def _give_up(self, task: Task, now: int, why: str) -> None:
        self._close(task)
        self.ctx.send(self.boss, Refused(task.id))


class Scaling(Scenario):
    """A pool of workers that follows its load."""

    name = "scaling"
    title = "Dynamic scaling"
    family = "Coordination"
    teaches = (
        "How a pool of workers follows a load that it does not know in advance: how long a queue grows before anybody "
        "notices, why a new worker helps only after its start-up, why a pool that is busy for 95 % of its time is slow "
        "to answer, and why asking two workers instead of one makes queues short. Kill workers, and see their tasks "
        "come back; make one slow instead, and see how much harder that is to notice."
    )
    sources = (
        "Kubernetes, Horizontal Pod Autoscaling (autoscaling/v2): algorithm, stabilisation window, rate policies",
        "A. K. Erlang, Solution of some problems in the theory of probabilities …, 1917 (waiting in M/M/c)",
        "M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, IEEE TPDS 12, 2001",
        "N. Hayashibara et al., The φ Accrual Failure Detector, SRDS 2004",
        "C. Gray, D. Cheriton, Leases, SOSP 1989",
        "P. R. Winters, Forecasting sales by exponentially weighted moving averages, 1960",
    )
    Params = ScalingParams
    horizon = 3600.0
    still = 9.0
    commands = (
        CommandSpec(
            "spike",
            (
                ArgSpec("factor", "factor", "how many times the usual load"),
                ArgSpec("for", "word", choices=("for",)),
                ArgSpec("time", "duration", "for how long"),
            ),
            "let more tasks come for a while",
            "spike x3 for 20s",
        ),
        CommandSpec(
            "kill",
            (ArgSpec("count", "int", "how many"),),
            "crash so many workers, drawn at random",
            "kill 2",
        ),
        CommandSpec(
            "policy",
            (ArgSpec("name", "word", "which", choices=POLICIES),),
            "decide on the number of workers by another rule",
            "policy queue-length",
        ),
    )
    misbehaviours = (
        Misbehaviour("slow", f"a grey failure: beats as ever, and takes {SLOW_BY} times as long"),
        Misbehaviour("hoarder", "takes tasks, beats, and never gets any done"),
        Misbehaviour("liar", "says that it is always busy, so that the pool grows for nothing"),
        Misbehaviour("duplicator", "sends each result three times"),
    )
    metrics = (
        MetricSpec("arrived", "tasks that came", "tasks"),
        MetricSpec("done", "tasks whose result came", "tasks"),
        MetricSpec("lost", "tasks given up after too many tries: dead letters", "tasks"),
        MetricSpec("retried", "times that a task was given out again", "tasks"),
        MetricSpec("shed", "tasks turned away because the pool was saturated", "tasks"),
        MetricSpec("workers", "workers in the pool: ready, starting or suspected, not those that drain", "workers"),
        MetricSpec("workers_wanted", "workers that the policy asks for", "workers"),
        MetricSpec(
            "utilisation",
            "work done for each second of a worker's time, start-up included",
            theory="λ/(cμ) for a fixed pool",
        ),
        MetricSpec("queue", "tasks that wait for a worker now", "tasks"),
        MetricSpec(
            "wait_mean",
            "mean time until a task's turn comes, transport left out",
            "s",
            "Erlang C for a fixed pool with a central queue",
        ),
        MetricSpec("wait_probability", "share of tasks that have to wait", theory="Erlang C for a fixed pool"),
        MetricSpec(
            "time_in_system_mean",
            "mean time from arrival to completion, transport left out",
            "s",
            "Mitzenmacher 2001 for two choices in a large pool; 1/(μ−λ/c) for random",
        ),
        MetricSpec("latency_p50", "time to result that half of the tasks stay below, transport included", "s"),
        MetricSpec("latency_p95", "the same for 95 in 100 tasks", "s"),
        MetricSpec("latency_p99", "the same for 99 in 100 tasks", "s"),
        MetricSpec("cost", "worker-seconds paid for, start-up and draining included", "worker-seconds"),
        MetricSpec("scalings", "times that the number of workers wanted changed"),
        MetricSpec(
            "response_mean",
            "mean time from arrival to result, transport included",
            "s",
            "in_system_mean · elapsed / tasks ended, exactly (Little 1961)",
        ),
        MetricSpec("in_system", "tasks that were accepted and have not ended", "tasks"),
        MetricSpec("in_system_mean", "the same, on average over the run so far", "tasks"),
        MetricSpec("duplicates", "results of tasks that had ended already", "results"),
        MetricSpec("elapsed", "time since the start, by the coordinator's clock", "s"),
    )
    invariants = (
        InvariantSpec(
            "done-once",
            "safety",
            "no task is done twice, none that was never accepted, and none that was given up",
            "check_done_once",
            on="done",
        ),
        InvariantSpec(
            "none-lost",
            "safety",
            "every task that arrived is done, lost, shed, or still in the coordinator's books",
            "check_conserved",
            on="done",
        ),
        InvariantSpec(
            "pool-within-bounds",
            "safety",
            "the pool is never larger, and the number wanted never outside, what the parameters allow",
            "check_bounds",
            on="pool",
        ),
        InvariantSpec(
            "drained-empty",
            "safety",
            "a worker that was drained has nothing left that anybody waits for",
            "check_drained",
            on="drained",
        ),
        InvariantSpec("all-tasks-end", "liveness", "in the end every accepted task is done or given up", "unfinished"),
    )
    experiments = EXPERIMENTS
    columns = (
        Column("tasks", "tasks", "right", 5, "tasks at hand"),
        Column("done", "done", "right", 6, "tasks done"),
        Column("busy", "busy", "right", 5, "busy share of its time, as it reports it"),
        Column("suspicion", "susp", "right", 6, "how suspicious its silence is: φ, or the share of the timeout"),
        Column("pace", "pace", "right", 6, "how many times longer than expected its tasks took lately"),
        Column("team", "team", "left", 7, "the lead of its team"),
    )

    params: ScalingParams

    def __init__(self, params: Any = None) -> None:
        super().__init__(params)
        given = self.params
        # A run ends when its tasks have; one whose tasks never end is stopped all the same.
        self.horizon = DRAIN_LIMIT * given.horizon + 600.0
        if given.min_workers > given.max_workers:
            raise ParameterError(
                f"min_workers={given.min_workers} is more than max_workers={given.max_workers}; make it that or less"
            )
        self.rows: tuple[Row, ...] = ()
        if given.arrivals == "trace":
            self.rows = read_trace(given.trace) if given.trace else built_in_trace()

    # Setting up

    @property
    def first_workers(self) -> int:
        """How many workers there are at the start: a pool that may change its size begins with its least."""
        params = self.params
        return params.workers if params.policy == "fixed" else max(params.workers, params.min_workers)

    @property
    def _leads(self) -> int:
        return self.params.teams if self.params.teams > 1 else 0

    def population(self) -> Sequence[tuple[str, str]]:
        leads = [(f"lead-{number}", "lead") for number in range(1, self._leads + 1)]
        workers = [(f"w-{number}", "worker") for number in range(1, self.first_workers + 1)]
        return [("coordinator", "coordinator"), *leads, *workers]

    def next_name(self, role: str, number: int) -> str:
        return f"w-{number - 1 - self._leads}"

    def create(self, name: str, role: str) -> Agent:
        params = self.params
        low = max(min(params.min_workers, self.first_workers), self._leads)
        high = max(params.max_workers, self.first_workers, self._leads)
        if name == "coordinator":
            if not self._leads:
                return Coordinator(params, self._first_workers(), (low, high))
            teams = [(lead, 0, 1000) for lead in range(1, self._leads + 1)]
            return Coordinator(params, teams, (0, high))
        if name.startswith("lead-"):
            place = int(name.removeprefix("lead-")) - 1
            bounds = quotas(low, self._leads)[place], quotas(high, self._leads)[place]
            budget = quotas(round(params.budget), self._leads)[place]
            return Lead(params, self._first_workers()[place :: self._leads], bounds, budget)
        number = int(name.removeprefix("w-"))
        boss = 1 + (number - 1) % self._leads if self._leads else measures.COORDINATOR
        return Worker(params, boss, self._kind(number), self._speed(number))

    def _first_workers(self) -> list[tuple[int, int, int]]:
        """Id, kind and speed of the workers at the start."""
        numbers = range(1, self.first_workers + 1)
        return [(self._leads + number, self._kind(number), self._speed(number)) for number in numbers]

    def _kind(self, number: int) -> int:
        return (number - 1) % self.params.kinds

    def _speed(self, number: int) -> int:
        return speed_of(number, self.params.spread)

    # Commands

    def perform(self, sim: Simulation, name: str, args: Sequence[Any]) -> None:
        if name == "spike":
            self._spike(sim, args[0], args[2])
        elif name == "kill":
            self._kill(sim, args[0])
        else:
            for one in measures.managers(sim):
                one.set_policy(args[0])
            sim.note(measures.COORDINATOR, "policy", {"name": args[0]})

    def _spike(self, sim: Simulation, factor: int, length: int) -> None:
        root = measures.coordinator(sim)
        if not sim.lifecycle.is_alive(root.id) or root.id in sim.lifecycle.left:
            raise CommandError("the coordinator is down, so no tasks come; restart it first")
        if root.closed:
            raise CommandError("no more tasks come in this run; give it a longer horizon")
        root.spike(factor, length)

    def _kill(self, sim: Simulation, count: int) -> None:
        alive = [one.id for one in measures.workers(sim) if sim.lifecycle.is_alive(one.id)]
        if count < 1:
            raise CommandError("at least 1 worker is to be killed; write kill 1")
        if count > len(alive):
            raise CommandError(f"{count} workers were to be killed, but only {len(alive)} are up")
        draws = Stream(sim.seed, f"kill/{sim.meters.count('kills')}")
        for worker in sorted(draws.sample(alive, count)):
            sim.lifecycle.crash(worker)

    # Goals and invariants

    def over(self, sim: Simulation) -> str:
        root = measures.coordinator(sim)
        if root.id in sim.lifecycle.left:
            return "the coordinator has left, and nobody takes tasks any more"
        if not root.closed or root.open:
            return ""
        lost = f", {root.lost} of them lost" if root.lost else ""
        return f"all {root.arrived:,} tasks have ended{lost}"

    def unfinished(self, sim: Simulation) -> str:
        """Which accepted tasks have not ended."""
        root = measures.coordinator(sim)
        if not root.open:
            return ""
        first = next(iter(root.open))
        many = f"{len(root.open):,} tasks have" if len(root.open) > 1 else "a task has"
        return f"{many} not ended, the oldest being task {first}"

    def check_done_once(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        task = note.data["task"]
        root = measures.coordinator(sim)
        if task <= 0 or task > root.arrived:
            return f"task {task} is done, and was never accepted"
        if task in root.open:
            return f"task {task} is done, and is open all the same"
        if root.dead_letters and task in root.dead_letters:
            return f"task {task} is done, and was given up before"
        done: set[int] = memory.setdefault("done", set())
        if task in done or task <= memory.get("ended", 0):
            return f"task {task} is done for the second time"
        done.add(task)
        if len(done) > memory.get("limit", REMEMBERED):
            # What is older than every open task has ended, and must not end again.
            memory["ended"] = ended = next(iter(root.open), root.arrived + 1) - 1
            memory["done"] = kept = {one for one in done if one > ended}
            memory["limit"] = 2 * len(kept) + REMEMBERED
        return ""

    def check_conserved(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        root = measures.coordinator(sim)
        known = root.done + root.lost + root.shed + len(root.open)
        return "" if known == root.arrived else f"{root.arrived} tasks arrived, and {known} are accounted for"

    def check_bounds(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        pool = note.data
        if pool["size"] > pool["high"]:
            return f"the pool has {pool['size']} workers, and may have {pool['high']}"
        if not pool["low"] <= pool["wanted"] <= pool["high"]:
            return f"{pool['wanted']} workers are wanted, and {pool['low']} to {pool['high']} allowed"
        return ""

    def check_drained(self, sim: Simulation, note: Note, memory: dict[Any, Any]) -> str:
        for one in measures.managers(sim):
            slot = one.slots.get(note.agent)
            if slot is not None and slot.tasks:
                return f"{sim.names[note.agent]} leaves, and has {len(slot.tasks)} tasks that {one.name} waits for"
        return ""

    # Figures

    def measure(self, sim: Simulation) -> dict[str, Any]:
        return measures.measure(sim)

    def sample(self, sim: Simulation) -> Mapping[str, float]:
        return scaling_views.sample(sim)

    # Views

    def agent_row(self, sim: Simulation, agent: Agent) -> AgentRow | None:
        return scaling_views.agent_row(sim, agent)

    def node_look(self, sim: Simulation, agent: Agent) -> tuple[Tone, str]:
        return scaling_views.node_look(sim, agent)

    def stage(self, sim: Simulation) -> StageView | None:
        return scaling_views.stage(sim)

    def detail(self, sim: Simulation, key: str) -> Words | None:
        return scaling_views.detail(sim, key)

    def metric_views(self, sim: Simulation) -> tuple[MetricView, ...]:
        return scaling_views.metric_views(sim)

    def narrate(self, sim: Simulation, event: TraceEvent) -> NarrationLine | str | None:
        return scaling_views.narrate(sim, event)

    def landmark(self, sim: Simulation, note: Note) -> Landmark | None:
        return scaling_views.landmark(sim, note)
