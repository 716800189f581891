"""A worker: takes tasks in the order in which they were sent, does one at a time, and says regularly that it lives."""

from __future__ import annotations

from collections import deque
from typing import Any

from engine.agent import Agent
from engine.duration import SECOND
from scenarios.scaling.params import ScalingParams
from scenarios.scaling.state import Assign, Beat, Gone, Hello, Result, Retire, Unknown

SLOW_BY = 8  # how many times longer a worker takes whose mode is slow
COPIES = 3  # of each result, from a worker whose mode is duplicator


class Worker(Agent):
    """A worker of the pool. A crash loses its tasks, and it needs its start-up time again."""

    durable = ("boss", "kind", "speed", "session")

    def __init__(self, params: ScalingParams, boss: int, kind: int, speed: int) -> None:
        self.boss = boss  # who gives it tasks
        self.kind = kind  # of the tasks that it is quick at
        self.speed = speed  # thousandths
        self.session = 0  # how often it has said hello
        self.status = "starting"
        self.waiting: deque[tuple[Assign, int]] = deque()  # tasks and when they came
        self.held: dict[int, None] = {}  # ids of the tasks that it has
        self.turn = 0  # of the last task that it took in order
        self.early: dict[int, Assign] = {}  # tasks that overtook others on their way, by turn
        self.task: Assign | None = None  # what it works on
        self.came = 0  # when that task came
        self.began = 0  # and when the work on it began
        self.ready_at = 0
        self.done = 0
        self._busy = 0  # µs of work since the last heartbeat
        self._counted = 0  # until when they are counted
        self._beat_at = 0
        self._patience = round(4 * params.latency * SECOND) + 1000  # for a task that was overtaken, and may be lost
        self._startup = round(params.startup * SECOND)
        self._heartbeat = max(1, round(params.heartbeat * SECOND))
        self._mismatch = round(params.mismatch * 1000)

    # What happens

    def on_start(self) -> None:
        if self.ctx.sim.now == 0:  # the pool that is there from the start
            self._get_ready()
        else:
            self.role = "worker"  # whatever it joined as
            self.status = "starting"
            self.ready_at = self.ctx.now + self._startup
            self.ctx.set_timer("ready", self._startup)

    def on_timer(self, name: Any) -> None:
        if name == "done":
            self._finish()
        elif name == "beat":
            self._beat()
        elif name == "ready":
            self._get_ready()
            self._say_hello(self.boss, afresh=True)
        elif name == "overtaken":
            for turn in sorted(self.early):
                self._take(self.early.pop(turn))

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Assign):
            if message.turn > self.turn + 1:
                self.early[message.turn] = message
                if "overtaken" not in self.ctx.timers:
                    self.ctx.set_timer("overtaken", self._patience)
            else:
                self._take(message)
                while self.early and self.turn + 1 in self.early:
                    self._take(self.early.pop(self.turn + 1))
        elif isinstance(message, Retire):
            if sender == self.boss and message.session >= self.session:
                self.ctx.note("drained", left=len(self.held))
                self.ctx.send(self.boss, Gone())
                self.ctx.retire()
        elif isinstance(message, Unknown) and self.status != "starting":
            self.turn = 0
            self.early.clear()
            self._say_hello(sender, afresh=False)

    def on_misbehave(self, mode: str) -> None:
        if mode == "hoarder":
            self.ctx.cancel_timer("done")
        elif self.task is not None and "done" not in self.ctx.timers:
            self.ctx.set_timer("done", self._duration(self.task))
        elif self.task is None and self.status != "starting":
            self._begin()

    # Work

    def _take(self, task: Assign) -> None:
        """Put a task behind those that wait, unless it is a copy of one that is there."""
        self.turn = max(self.turn, task.turn)
        if task.task in self.held:
            return
        self.held[task.task] = None
        self.waiting.append((task, self.ctx.now))
        if self.task is None and self.status != "starting":
            self._begin()

    def _get_ready(self) -> None:
        now = self.ctx.now
        self.status = "ready"
        self._counted = self._beat_at = self.ready_at = now
        self.ctx.set_timer("beat", self.rng.below(self._heartbeat))
        if self.task is None:
            self._begin()

    def _say_hello(self, to: int, *, afresh: bool) -> None:
        self.session += 1
        self.ctx.send(to, Hello(self.kind, self.speed, self.session, afresh))

    def _begin(self) -> None:
        if not self.waiting:
            return
        self.task, self.came = self.waiting.popleft()
        self.began = self.ctx.now
        if self.mode != "hoarder":
            self.ctx.set_timer("done", self._duration(self.task))

    def _duration(self, task: Assign) -> int:
        work = task.work * 1000 // self.speed
        if task.kind != self.kind:
            work = work * self._mismatch // 1000
        return max(1, work * SLOW_BY if self.mode == "slow" else work)

    def _finish(self) -> None:
        task = self.task
        if task is None:
            return
        now = self.ctx.now
        self._count_busy(now)
        self.task = None
        self.held.pop(task.task, None)
        self.done += 1
        result = Result(task.task, max(0, self.began - self.came), max(0, now - self.began))
        for _ in range(COPIES if self.mode == "duplicator" else 1):
            self.ctx.send(self.boss, result)
        self._begin()

    # Heartbeats

    def _beat(self) -> None:
        now = self.ctx.now
        self._count_busy(now)
        span = now - self._beat_at
        busy = min(1000, max(0, 1000 * self._busy // span)) if span > 0 else 0
        self._busy, self._beat_at = 0, now
        load = len(self.held)
        if self.mode == "liar":
            load, busy = load + 10, 1000
        self.ctx.send(self.boss, Beat(load, busy, self.session))
        self.ctx.set_timer("beat", self._heartbeat)

    def _count_busy(self, now: int) -> None:
        if self.task is not None:
            self._busy += max(0, now - max(self.began, self._counted))
        self._counted = now
