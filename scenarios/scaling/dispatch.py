"""A dispatcher: keeps the queue, gives tasks to workers by the routing rule, and gets back what dead workers held.

The dispatcher knows how much work each task is, so it plans: it knows when a worker will be free, and sends the next
task so early that the way there hides behind the work. That is how transport costs no capacity here, and why waiting
times are those of the queue model, free of transport, at any latency. Reports that differ from the plan correct it.

Workers hold a lease (Gray & Cheriton, SOSP 1989), which their heartbeats renew. Who is suspected gets nothing new;
whose lease runs out loses its tasks to others, after a backoff, and a task that was given out too often is a dead
letter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any, ClassVar

from engine.agent import Agent
from engine.duration import SECOND
from engine.leases import Leases
from scenarios.scaling.params import ScalingParams
from scenarios.scaling.state import (
    FAR,
    NOBODY,
    Assign,
    Beat,
    Gone,
    Hello,
    Refused,
    Result,
    Retire,
    Slot,
    Task,
    Unknown,
    make_detector,
)

SERVING = frozenset({"ready", "suspected", "starting"})  # states that count as part of the pool
HOARDED = 2  # tasks taken back in a row, from a worker that beats, before it has to go
CHECKS = 2  # looks at the workers' health in each heartbeat's time
MOST_DOUBLINGS = 10  # of the backoff


class Dispatcher(Agent):
    """What a coordinator and the lead of a team have in common. Its books are durable, as those of a broker are; who is
    alive it learns anew after a crash."""

    durable: ClassVar[tuple[str, ...]] = (
        "open", "queues", "waiting", "slots", "retried", "duplicates", "turn", "paid", "paid_since", "closed",
        "refused",
    )  # fmt: skip

    def __init__(self, params: ScalingParams, first: Sequence[tuple[int, int, int]]) -> None:
        """`first` are those whom it has at the start: id, kind and speed."""
        self.open: dict[int, Task] = {}  # accepted and not ended
        self.queues: list[deque[int]] = [deque() for _ in range(params.kinds)]  # ids; some may have left the queue
        self.waiting = 0  # tasks in the queues
        self.slots: dict[int, Slot] = {}
        self.leases: Leases[int] = Leases(max(1, round(params.lease * SECOND)))
        self.retried = 0
        self.duplicates = 0  # results of tasks that had ended
        self.turn = 0  # for round robin
        self.paid = 0  # µs of worker time until `paid_since`
        self.paid_since = 0
        self.refused: dict[int, int] = {}  # those who were sent away, and which session of theirs it was
        self.closed = False  # whether no more tasks will come
        self._p = params
        self._first = first
        self._central = params.routing == "central"
        self._plans = True  # whether it knows how long those whom it gives tasks to will take
        self._lead_time = round(2 * params.latency * SECOND)
        self._slack = round(8 * params.latency * SECOND) + 20_000
        self._lease = max(1, round(params.lease * SECOND))
        self._heartbeat = max(1, round(params.heartbeat * SECOND))
        self._too_long_a_start = round(params.startup * SECOND) + self._lease + 4 * self._heartbeat
        self._mismatch = round(params.mismatch * 1000)
        self._kinds = params.kinds
        self._ready: list[Slot] = []
        self._by_kind: list[list[Slot]] = []
        self._free: list[tuple[int, int]] = []  # heap of (when free, who), for the central queue
        self._weights: list[int] = []  # running sums of the speeds
        self._wake = FAR  # when the timer `free` runs out

    @property
    def slack(self) -> int:
        """How late a report may be before it counts as late, in µs."""
        return self._slack

    # What happens

    def on_start(self) -> None:
        now = self.ctx.now
        self.paid_since = now
        for agent, kind, speed in self._first:
            self.slots[agent] = self._new_slot(agent, "ready", kind, speed, now)
        self._set_out(now)

    def on_restart(self) -> None:
        now = self.ctx.now
        for slot in self.slots.values():
            slot.detector = make_detector(self._p, now)
            if slot.state == "suspected":
                slot.state = "ready"
            self.leases.grant(slot.id, slot.id, now)
        self._set_out(now)
        for task in list(self.open.values()):
            if task.worker == NOBODY and not task.queued:
                self._enqueue(task)
        self._dispatch(now)

    def _set_out(self, now: int) -> None:
        self._wake = FAR
        self._regroup()
        self.ctx.set_timer("check", max(1, self._heartbeat // CHECKS))

    def on_timer(self, name: Any) -> None:
        now = self.ctx.now
        if name == "free":
            due, self._wake = self._wake, FAR
            self._dispatch_central(now, max(now, due if due < FAR else 0))  # a fast clock may ring early
        elif name == "check":
            self._check(now)
            self.ctx.set_timer("check", max(1, self._heartbeat // CHECKS))
        elif isinstance(name, tuple):
            task = self.open.get(name[1])
            if task is not None and not task.queued and task.worker == NOBODY:
                self._enqueue(task)
                self._dispatch(now)

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Result):
            self._on_result(sender, message)
        elif isinstance(message, Beat):
            self._on_beat(sender, message)
        elif isinstance(message, Hello):
            self._on_hello(sender, message)
        elif isinstance(message, Gone):
            if sender in self.slots:
                self._remove(self.slots[sender], "gone")
        elif isinstance(message, Refused):
            task = self.open.get(message.task)
            slot = self.slots.get(sender)
            if task is not None and slot is not None and task.worker == sender:
                self._take_back(slot, task, self.ctx.now, "its team gave up")

    # The queue

    def _accept(self, task: Task, now: int) -> None:
        """Take a task in."""
        self.open[task.id] = task
        self._enqueue(task)
        self._dispatch(now)

    def _enqueue(self, task: Task) -> None:
        task.queued = True
        task.worker = NOBODY
        queue = self.queues[task.kind]
        if task.attempts:  # it has waited before
            queue.appendleft(task.id)
        else:
            queue.append(task.id)
        self.waiting += 1

    def _next_task(self, kind: int) -> Task:
        """The task whose turn it is at a worker of that kind: the oldest of its kind, or else of all."""
        while True:
            queue = self.queues[kind]
            if not queue:
                queue = min((one for one in self.queues if one), key=_head)
            task = self.open.get(queue.popleft())
            if task is not None and task.queued:
                return task

    def _dispatch(self, now: int) -> None:
        """Give waiting tasks to whoever may have them now."""
        if self._central:
            self._dispatch_central(now, now)
            return
        while self.waiting and self._ready:
            task = self._next_task(self.turn % self._kinds)
            self._assign(self._route(task, now), task, now)

    def _dispatch_central(self, now: int, due: int) -> None:
        """Give tasks to those that are, or will soon be, free: those whose turn to be asked is `due`."""
        free, slots = self._free, self.slots
        while self.waiting and free:
            free_at, who = free[0]
            slot = slots.get(who)
            if slot is None or slot.free_at != free_at or slot.state != "ready" or slot.stalled:
                heappop(free)
                continue
            early = free_at - self._lead_time
            if early > due:
                if early < self._wake:
                    self._wake = early
                    self.ctx.set_timer("free", early - now)
                return
            heappop(free)
            if slot.tasks and slot.is_behind(now, self._slack):
                slot.stalled = True
                continue
            self._assign(slot, self._next_task(slot.kind), now)
            heappush(free, (slot.free_at, who))

    def _assign(self, slot: Slot, task: Task, now: int) -> None:
        """Give a task to a worker, and write down when it should be done."""
        task.queued = False
        self.waiting -= 1
        task.attempts += 1
        task.worker = slot.id
        task.sent = now
        if self._plans:
            work = task.work * 1000 // slot.speed
            if task.kind != slot.kind:
                work = work * self._mismatch // 1000
            if slot.pace != 1000:
                work = work * slot.pace // 1000
            task.planned = work = max(1, work)
            task.start = start = max(now, slot.free_at)
            task.end = slot.free_at = start + work
            slot.ends.append(task.end)
        else:
            task.start, task.end = now, FAR
        slot.tasks[task.id] = task
        slot.given += 1
        self.ctx.send(slot.id, Assign(task.id, task.work, task.kind, task.priority, slot.given))

    # Routing

    def _route(self, task: Task, now: int) -> Slot:
        """Whom a task goes to, where tasks wait at the workers. Specialists come first."""
        slots = self._ready
        if not self._plans:
            return min(slots, key=lambda slot: (len(slot.tasks) * 1000 // max(1, slot.capacity), slot.id))
        if self._kinds > 1 and self._by_kind[task.kind]:
            slots = self._by_kind[task.kind]
        count = len(slots)
        if count == 1:
            return slots[0]
        match self._p.routing:
            case "random":
                return slots[self.rng.below(count)]
            case "two-choices":
                drawn = self.rng.below(count)
                other = self.rng.below(count - 1)
                one, two = slots[drawn], slots[other + (other >= drawn)]
                return two if two.load(now, self._slack) < one.load(now, self._slack) else one
            case "least-loaded":
                slack = self._slack
                return min(slots, key=lambda slot: (slot.load(now, slack), slot.free_at))
            case "weighted" if slots is self._ready:
                return slots[bisect_right(self._weights, self.rng.below(self._weights[-1]))]
        self.turn += 1
        return slots[self.turn % count]

    def _regroup(self) -> None:
        """The ready workers have changed."""
        self._ready = [slot for slot in self.slots.values() if slot.state == "ready"]
        self._by_kind = [[slot for slot in self._ready if slot.kind == kind] for kind in range(self._kinds)]
        self._free = [(slot.free_at, slot.id) for slot in self._ready if not slot.stalled]
        heapify(self._free)
        total, self._weights = 0, []
        for slot in self._ready:
            total += slot.speed
            self._weights.append(total)

    # Results

    def _on_result(self, sender: int, result: Result) -> None:
        now = self.ctx.now
        slot = self.slots.get(sender)
        held = slot.tasks.pop(result.task, None) if slot is not None else None
        task = self.open.get(result.task)
        planned = False
        if slot is not None:
            slot.taken_back = 0  # it does get things done
        if slot is not None and held is not None:
            slot.done += 1
            if self._plans:
                taken = task.sent + result.waited + result.worked if task is not None else now
                planned = abs(taken - held.end) <= self._slack and result.worked == held.planned
                self._learn(slot, held, result.worked, now)
        if task is None:
            self.duplicates += 1
            self.ctx.count("duplicates")
        else:
            if task.worker not in (sender, NOBODY):
                self._forget(task)
            if planned:
                self._end(task, now, max(0, task.start - task.arrived), held.planned if held else 0)
            else:
                since = task.sent if held is not None else now - result.waited - result.worked
                self._end(task, now, max(0, since - task.arrived) + result.waited, result.worked)
        if slot is not None and held is not None:
            self._look_after(slot, now)

    def _learn(self, slot: Slot, held: Task, worked: int, now: int) -> None:
        """Correct the plan by a report: the work took longer, or less long, than planned."""
        ends = slot.ends
        while ends and ends[0] <= now:
            ends.popleft()
        extra = worked - held.planned
        if not extra:
            if slot.stalled and not slot.is_behind(now, self._slack):
                self._catch_up(slot, now)
            return
        ratio = min(1_000_000, slot.pace * worked // held.planned)
        slot.pace = max(1, (slot.pace + ratio) // 2)
        if abs(slot.pace - 1000) < 20:
            slot.pace = 1000
        for task in slot.tasks.values():
            task.start += extra
            task.end += extra
        slot.plan_again()
        slot.free_at = max(now, slot.free_at + extra) if slot.tasks else now
        self._catch_up(slot, now)

    def _catch_up(self, slot: Slot, now: int) -> None:
        slot.stalled = slot.is_behind(now, self._slack)
        if self._central and slot.state == "ready" and not slot.stalled:
            heappush(self._free, (slot.free_at, slot.id))
            self._dispatch(now)

    def _look_after(self, slot: Slot, now: int) -> None:
        """After a worker's report: let it go if it has done all it had, replace it if it has become far too slow."""
        if slot.state == "draining" and not slot.tasks:
            self._let_go(slot, now)
        elif slot.state == "ready" and self._p.eject and slot.pace >= self._p.eject * 1000 and slot.done > 1:
            self.ctx.note("ejected", worker=self._name(slot.id), why="slow", pace=slot.pace)
            self._drain(slot, now)

    def _end(self, task: Task, now: int, wait: int, service: int) -> None:
        """A task is done, after it waited for `wait` and was worked on for `service` µs, transport left out."""
        self._close(task)

    def _close(self, task: Task) -> None:
        del self.open[task.id]
        if task.queued:
            task.queued = False
            self.waiting -= 1

    def _forget(self, task: Task) -> None:
        """Strike a task off the list of whoever has it."""
        slot = self.slots.get(task.worker)
        if slot is not None and slot.tasks.pop(task.id, None) is not None:
            slot.plan_again()

    # Giving up on workers, and on tasks

    def _take_back(self, slot: Slot, task: Task, now: int, why: str) -> None:
        """A worker will not get a task done: it is given out again after a while, or it is lost."""
        slot.tasks.pop(task.id, None)
        if task.worker != slot.id or task.id not in self.open:
            return
        task.worker = NOBODY
        if task.attempts > self._p.retries:
            self._give_up(task, now, why)
            return
        self.retried += 1
        doublings = min(MOST_DOUBLINGS, task.attempts - 1)
        self.ctx.note("retry", task=task.id, worker=self._name(slot.id), attempt=task.attempts, why=why)
        self.ctx.set_timer(("retry", task.id), round(self._p.backoff * SECOND) << doublings)

    def _take_back_all(self, slot: Slot, now: int, why: str) -> None:
        for task in list(slot.tasks.values()):
            self._take_back(slot, task, now, why)
        slot.ends.clear()
        slot.free_at = now
        slot.stalled = False

    def _give_up(self, task: Task, now: int, why: str) -> None:
        """A task was given out too often."""
        self._close(task)

    def _check(self, now: int) -> None:
        """Look whose silence is suspicious, whose lease has run out, and which tasks are far too late."""
        changed = False
        for slot in list(self.slots.values()):
            suspects = slot.detector is not None and slot.detector.suspects(now)
            if slot.state == "ready" and suspects:
                slot.state, changed = "suspected", True
                self.ctx.note("suspected", worker=self._name(slot.id), silence=now - self._last_beat(slot))
            elif slot.state == "suspected" and not suspects:
                slot.state, changed = "ready", True
                self.ctx.note("trusted", worker=self._name(slot.id))
            if self._plans and slot.tasks and slot.is_behind(now, self._lease + self._slack):
                self._take_back_late(slot, now)
                changed = True
            if slot.state == "draining" and not slot.tasks:
                self._let_go(slot, now)
            elif slot.state == "starting" and now - slot.since > self._too_long_a_start:
                self._declare_dead(slot, now)
        for who, _ in self.leases.end_expired(now):
            if who in self.slots:
                self._declare_dead(self.slots[who], now)
        if changed:
            self._regroup()
            self._dispatch(now)

    def _take_back_late(self, slot: Slot, now: int) -> None:
        """Tasks that should have been done long ago go to others; a worker that never gets any done has to go."""
        late = [task for task in slot.tasks.values() if task.end + self._lease + self._slack < now]
        for task in late:
            self._take_back(slot, task, now, "too late")
        slot.taken_back += len(late)
        slot.plan_again()
        slot.free_at = max([now, *slot.ends])
        slot.stalled = slot.is_behind(now, self._slack)
        if slot.taken_back >= HOARDED and slot.state in ("ready", "suspected"):
            self.ctx.note("ejected", worker=self._name(slot.id), why="hoards", pace=slot.pace)
            self._take_back_all(slot, now, "its worker was ejected")
            self._let_go(slot, now)

    def _declare_dead(self, slot: Slot, now: int) -> None:
        """Its lease has run out: its tasks go to others, and somebody else may have its place."""
        if slot.state == "leaving":  # it is gone, and its farewell was lost
            self._remove(slot, "gone")
            return
        held = len(slot.tasks)
        silence = now - self._last_beat(slot)
        self._take_back_all(slot, now, "its worker is silent")
        self._remove(slot, "dead")
        self.ctx.note("dead", worker=self._name(slot.id), tasks=held, silence=silence)

    def _last_beat(self, slot: Slot) -> int:
        return slot.since if slot.detector is None else slot.detector.last

    # Workers coming and going

    def _new_slot(self, agent: int, state: str, kind: int, speed: int, now: int) -> Slot:
        slot = Slot(agent, state, now, kind=kind, speed=max(1, speed), free_at=now)
        if state != "starting":
            self._watch(slot, now)
        return slot

    def _watch(self, slot: Slot, now: int) -> None:
        """From now on its heartbeats count."""
        slot.detector = make_detector(self._p, now)
        self.leases.grant(slot.id, slot.id, now)

    def _add(self, agent: int, state: str, kind: int, speed: int, now: int) -> Slot:
        self._pay(now)
        self.slots[agent] = slot = self._new_slot(agent, state, kind, speed, now)
        return slot

    def _remove(self, slot: Slot, state: str) -> None:
        """It is not part of the pool any more."""
        now = self.ctx.now
        self._pay(now)
        if slot.tasks:
            self._take_back_all(slot, now, "its worker left")
        slot.state = state
        self.slots.pop(slot.id, None)
        self.leases.release(slot.id, slot.id)
        self._regroup()
        self._dispatch(now)

    def _pay(self, now: int) -> None:
        """Count the workers' time so far."""
        self.paid += len(self.slots) * max(0, now - self.paid_since)
        self.paid_since = now

    def _on_hello(self, sender: int, hello: Hello) -> None:
        now = self.ctx.now
        slot = self.slots.get(sender)
        if hello.session <= self.refused.get(sender, -1) or (slot is not None and slot.state == "leaving"):
            self._send_away(sender, hello.session)
            return
        if slot is None:
            if not self._has_room():
                self.ctx.note("unwanted", worker=self._name(sender))
                self._send_away(sender, hello.session)
                return
            slot = self._add(sender, "ready", hello.kind % self._kinds, hello.speed, now)
        elif hello.session <= slot.session:  # a copy
            return
        elif hello.afresh:  # whatever it was given is gone
            self._take_back_all(slot, now, "its worker has started anew")
        slot.kind, slot.speed, slot.free_at = hello.kind % self._kinds, max(1, hello.speed), max(now, slot.free_at)
        slot.given = 0
        slot.session = hello.session
        self._watch(slot, now)
        if slot.state in ("starting", "suspected"):
            slot.state = "ready"
            slot.since = now
        self.ctx.note("ready", worker=self._name(sender))
        self._look_after(slot, now)
        self._regroup()
        self._dispatch(now)

    def _has_room(self) -> bool:
        """Whether somebody who comes unasked may join the pool."""
        return True

    def _on_beat(self, sender: int, beat: Beat) -> None:
        slot = self.slots.get(sender)
        if slot is None or slot.state == "starting":
            self.ctx.send(sender, Unknown())
            return
        now = self.ctx.now
        if slot.detector is not None:
            slot.detector.heartbeat(now)
        if not self.leases.renew(sender, sender, now):
            self.leases.grant(sender, sender, now)
        slot.busy = beat.busy if not slot.busy else (slot.busy + beat.busy) // 2
        slot.capacity, slot.saturated = beat.capacity, beat.saturated
        if slot.state == "leaving":  # it has not heard of it
            self._send_away(sender, beat.session)

    def _drain(self, slot: Slot, now: int) -> None:
        """Give a worker nothing new, and let it go when it has done what it has."""
        slot.state = "draining"
        slot.since = now
        self.ctx.note("draining", worker=self._name(slot.id), tasks=len(slot.tasks))
        if not slot.tasks:
            self._let_go(slot, now)
        self._regroup()

    def _let_go(self, slot: Slot, now: int) -> None:
        slot.state = "leaving"
        slot.since = now
        self._send_away(slot.id, slot.session)

    def _send_away(self, worker: int, session: int) -> None:
        """Tell a worker to leave, and stand by it: it may come back only with another hello."""
        self.refused[worker] = max(session, self.refused.get(worker, 0))
        self.ctx.send(worker, Retire(session))

    def _name(self, agent: int) -> str:
        names = self.ctx.sim.names
        return names[agent] if 0 <= agent < len(names) else "nobody"


def _head(queue: deque[int]) -> int:
    return queue[0]
