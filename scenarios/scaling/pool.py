"""A manager: a dispatcher that also decides how many workers there are, starts them, and lets them go."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from engine.duration import SECOND
from scenarios.scaling import policies
from scenarios.scaling.dispatch import SERVING, Dispatcher
from scenarios.scaling.forecast import Forecast
from scenarios.scaling.params import ScalingParams
from scenarios.scaling.policies import Autoscaler, Behaviour, RatePolicy
from scenarios.scaling.state import Slot, Task

BACKLOG_OVER = 4  # intervals in which a forecast means to work off what waits already
AHEAD = 5  # intervals for which a budget is divided
FORECASTS_KEPT = 240
RELIEF = 0.5  # of the threshold of `shed`, at which low priorities are welcome again


class Manager(Dispatcher):
    """A dispatcher with a pool of its own."""

    durable: ClassVar[tuple[str, ...]] = (
        *Dispatcher.durable, "policy", "wanted", "scalings", "scaler", "forecast", "forecasts", "degraded", "pressed",
        "came", "came_work", "known", "known_work", "spent_before",
    )  # fmt: skip

    def __init__(
        self, params: ScalingParams, first: Sequence[tuple[int, int, int]], bounds: tuple[int, int], budget: int
    ) -> None:
        """`bounds` are the fewest and most workers, `budget` worker-seconds until the horizon."""
        super().__init__(params, first)
        self.policy: str = params.policy
        self.wanted = max(len(first), bounds[0])
        self.scalings = 0  # times that the number wanted changed
        self.scaler = Autoscaler(_behaviour(params))
        self.forecast = Forecast(_season(params))
        self.forecasts: deque[tuple[int, float]] = deque(maxlen=FORECASTS_KEPT)  # (for when, workers)
        self.pressed = False  # whether it would have more workers than it may
        self.degraded = False  # whether it turns low priorities away
        self.came = 0  # tasks since the last decision
        self.came_work = 0
        self.known = 0  # tasks whose work is known, to learn its mean
        self.known_work = 0
        self.spent_before = 0
        self.low, self.high = bounds
        self.scales = True  # whether it has workers at all, and not leads of teams
        self._budget = budget
        self._interval = max(1, round(params.interval * SECOND))
        self._startup = round(params.startup * SECOND)
        self._horizon = round(params.horizon * SECOND)
        self._target = Fraction(str(params.target))
        self._said: tuple[int, int] = (-1, -1)
        self._grows: bool | None = None  # which way it was scaled last

    def on_start(self) -> None:
        self.scaler.begin(self.ctx.now, self.wanted)
        super().on_start()

    def _set_out(self, now: int) -> None:
        super()._set_out(now)
        if self.scales:
            self.ctx.set_timer("scale", self._interval)

    def on_timer(self, name: Any) -> None:
        if name == "scale":
            self._scale(self.ctx.now)
            self.ctx.set_timer("scale", self._interval)
        else:
            super().on_timer(name)

    def _accept(self, task: Task, now: int) -> None:
        self.came += 1
        self.came_work += task.work
        super()._accept(task, now)

    # How many there should be

    def size(self) -> int:
        """Workers that are part of the pool: those that drain or leave are not."""
        return sum(slot.state in SERVING for slot in self.slots.values())

    def _scale(self, now: int) -> None:
        """Decide, tell why, and act."""
        if not self.scales:
            return
        self.known += self.came
        self.known_work += self.came_work
        rate = self.came * SECOND / self._interval
        if self.policy == "predictive":
            self.forecast.learn(rate)
        recommendation, why = self._recommend(now)
        most = self._affordable(now) if self.policy == "budget" else self.high
        before = self.wanted
        if self.policy != "fixed":
            self.wanted = self.scaler.decide(now, before, recommendation, self.low, most)
        self.came = self.came_work = 0
        self.pressed = self.policy != "fixed" and recommendation > most
        if self.wanted != before:
            self.scalings += 1
            grows = self.wanted > before
            turn, self._grows = grows != self._grows, grows
            self.ctx.note("scaled", before=before, wanted=self.wanted, why=why, policy=self.policy, turn=turn)
        self._resize(now)
        self._mind_saturation(now)

    def _recommend(self, now: int) -> tuple[int, str]:
        """How many workers the policy would have, bounds and inertia left aside, and why in words."""
        match self.policy:
            case "fixed":
                return self.wanted, "fixed"
            case "queue-length":
                many = len(self.open)
                return policies.for_queue(
                    many, self._target
                ), "one task is here" if many == 1 else f"{many} tasks are here"
            case "predictive":
                return self._foresee(now)
        ready = [slot for slot in self.slots.values() if slot.state in ("ready", "suspected")]
        starting = sum(slot.state == "starting" for slot in self.slots.values())
        busy = Fraction(sum(slot.busy for slot in ready), 1000 * max(1, len(ready)))
        wanted = policies.desired_with_starting(len(ready), starting, busy, self._target)
        return wanted, f"the workers are busy for {round(100 * busy)}% of their time"

    def _foresee(self, now: int) -> tuple[int, str]:
        """Enough for the highest rate until a worker that is asked for now would be ready, and for what waits."""
        steps = max(1, -(-(self._startup + self._interval) // self._interval))
        rates = self.forecast.ahead(steps)
        service = Fraction(self.known_work, self.known * SECOND) if self.known else 1 / Fraction(self._p.service_rate)
        rate = Fraction(max(rates)).limit_denominator(1000)
        wanted = policies.for_rate(rate, service, self._target)
        backlog = max(0, len(self.open) - wanted)
        extra = policies.for_rate(Fraction(backlog * SECOND, BACKLOG_OVER * self._interval), service, Fraction(1))
        self.forecasts.append((now + steps * self._interval, float(wanted)))
        return wanted + extra, f"{float(rate):.1f} tasks a second are expected in {steps * self._interval / SECOND:g}s"

    def _affordable(self, now: int) -> int:
        self._pay(now)
        left = self._budget - Fraction(self.paid, SECOND)
        ahead = Fraction(AHEAD * self._interval, SECOND)
        most = policies.affordable(left, Fraction(max(0, self._horizon - now), SECOND), ahead, self.low)
        return max(self.low, min(self.high, most))

    # Making it so

    def _resize(self, now: int) -> None:
        """Start or let go as many workers as it takes."""
        missing = self.wanted - self.size()
        if missing > 0:
            for slot in [slot for slot in self.slots.values() if slot.state == "draining" and slot.pace < 2000][
                :missing
            ]:
                slot.state = "ready"  # cheaper than a new one
                missing -= 1
            for _ in range(missing):
                self._start_worker(now)
        elif missing < 0:
            for slot in sorted(filter(_may_go, self.slots.values()), key=self._dispensable)[:-missing]:
                if slot.state == "starting":
                    self._let_go(slot, now)
                else:
                    self._drain(slot, now)
        if missing:
            self._regroup()
            self._dispatch(now)

    def _start_worker(self, now: int) -> None:
        many = [0] * self._kinds
        for slot in self.slots.values():
            many[slot.kind] += slot.state in SERVING
        kind = many.index(min(many))
        worker = self.ctx.spawn("worker", boss=self.id, kind=kind)
        self._add(worker, "starting", kind, 1000, now)

    def _dispensable(self, slot: Slot) -> tuple[bool, int, int, int]:
        """Who goes first: those that have not begun, of the commonest kind, with the least to do, the youngest."""
        same = sum(other.kind == slot.kind and other.state in SERVING for other in self.slots.values())
        return slot.state != "starting", -same if self._kinds > 1 else 0, len(slot.tasks), -slot.id

    def _has_room(self) -> bool:
        return self.size() < (self.wanted if self.policy == "fixed" else self.high)

    def _regroup(self) -> None:
        super()._regroup()
        if self.scales:
            said = (self.size(), self.wanted)
            if said != self._said:
                self._said = said
                self.ctx.note("pool", size=said[0], wanted=said[1], low=self.low, high=self.high)

    def _mind_saturation(self, now: int) -> None:
        """Turn low priorities away while the pool is as large as it may be, and too much waits all the same."""
        waiting = self.waiting + sum(max(0, len(slot.tasks) - 1) for slot in self.slots.values())
        threshold = self._p.shed * max(1, self.size())
        if not self.degraded and self.pressed and self._p.shed and waiting > threshold and self.size() >= self.wanted:
            self.degraded = True
            self.ctx.note("degraded", waiting=waiting, workers=self.size())
        elif self.degraded and waiting <= RELIEF * threshold:
            self.degraded = False
            self.ctx.note("relieved", waiting=waiting, shed=self.ctx.sim.meters.value("shed"))

    def set_policy(self, policy: str) -> None:
        """Decide by another rule from now on; what was recommended before is forgotten."""
        self.policy = policy
        self.scaler = Autoscaler(_behaviour(self._p))
        self.scaler.begin(self.ctx.now, self.wanted)


def _may_go(slot: Slot) -> bool:
    return slot.state in ("ready", "starting")


def _behaviour(params: ScalingParams) -> Behaviour:
    """The rule's defaults in Kubernetes, with the times of the parameters."""
    period = max(1, round(params.scale_period * SECOND))
    return Behaviour(
        up=(RatePolicy("pods", 4, period), RatePolicy("percent", 100, period)),
        down=(RatePolicy("percent", 100, period),),
        down_window=round(params.stabilisation * SECOND),
    )


def _season(params: ScalingParams) -> int:
    """Decisions in one period of the load, as far as it has one."""
    match params.arrivals:
        case "diurnal":
            return round(params.period / params.interval)
        case "spike":
            return round(params.spike_every / params.interval)
        case "trace":
            return 0 if params.trace else round(60.0 / params.interval)
    return 0
