"""The contractor of the Contract Net: bids for tasks, works on those it is awarded, reports, delivers.

A bid is an offer that stands for one lease and one window, by the contractor's own clock; an award that comes later
is given back. Work goes on only while the lease lasts, and each lease is counted from when the contractor asked for
it, which is before the manager granted it. So it always ends at the contractor before it ends at the manager,
whatever their clocks show, as long as they run at one pace (Gray & Cheriton, Leases, SOSP 1989).
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from engine.agent import Agent
from engine.duration import seconds
from scenarios.auction import params as setting
from scenarios.auction.bids import MARGINS, Bandit, equilibrium, with_margin
from scenarios.auction.messages import (
    COUNTED,
    Award,
    Bid,
    Call,
    Cancel,
    Holding,
    Payment,
    Price,
    Progress,
    Refusal,
    Rejection,
    Renewed,
    Result,
    Takeover,
)
from scenarios.auction.params import AuctionParams, Profile, Task

REPORTS = 3  # progress reports in the time of one lease
RESENDS = 12  # of a result that nobody acknowledges; the time between them doubles every third time
SAME = 3  # tries with one manager before the other one is tried
OUT = "the price has gone too far"
UNDERCUT = 0.5  # what those who mean no good bid, as a share of the truth
NO_PROFILE = Profile((), 1.0, 1.0, 0)


class Standing(Struct):
    """A bid that the contractor stands by: until when, and (in an open auction) up to which price."""

    task: Task
    round: int
    until: int
    limit: float
    arm: int


class Job(Struct):
    """A task that the contractor works on. Times are by its own clock, but `started`, which is the run's."""

    task: Task
    round: int
    price: float
    until: int  # when its lease runs out
    began: int
    lasts: int
    started: int
    unanswered: int = 0  # reports since the last renewal


class Owed(Struct):
    """A result that was sent, and not yet paid for."""

    task: Task
    round: int
    price: float
    tries: int = 0


class Contractor(Agent):
    """One contractor; in single-item, one bidder, who has nothing to work on and pays."""

    durable = ("delivered", "owed", "terms", "chiefs", "earned", "profit", "bandit", "policy", "factor")

    def __init__(self, params: AuctionParams) -> None:
        self.profile = NO_PROFILE
        self.jobs: dict[str, Job] = {}
        self.standing: dict[str, Standing] = {}
        self.owed: dict[str, Owed] = {}
        self.delivered: dict[str, int] = {}  # task → the round in which the contractor did it
        self.terms: dict[int, int] = {}  # house → the highest term heard of
        self.chiefs: dict[int, tuple[int, int]] = {}  # house → its two managers, the one to write to first
        self.earned = 0.0
        self.profit = 0.0  # what was paid less what it cost; what things were worth less what was paid
        self.bandit = Bandit()
        self.policy: str = params.bids
        self.factor = 1.0  # by which each bid is off what the policy says: `deviate`
        self.delayed: dict[str, tuple[int, Bid]] = {}  # misbehaviour `late`
        self._params = params
        self._rising = setting.sold(params)
        self._lease = setting.micros(params.lease)
        self._window = setting.window(params)

    # What happens

    def on_start(self) -> None:
        self.profile = setting.profile(self._params, self.ctx.sim.seed, self.name)
        for name in self.owed:
            self.ctx.set_timer(("result", name), self._window)

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Call):
            self._called(sender, message)
        elif isinstance(message, Rejection):
            self._rejected(message)
        elif isinstance(message, Award):
            self._awarded(sender, message)
        elif isinstance(message, Renewed):
            self._renewed(message)
        elif isinstance(message, Payment):
            self._paid(message)
        elif isinstance(message, Price):
            self._asked(sender, message)
        elif isinstance(message, Cancel):
            if self._obeys(message.house, message.term) and self._job(message.task, message.round):
                self._give_up(message.task, "it was taken away")
        elif isinstance(message, Takeover) and self._obeys(message.house, message.term):
            self._succeeded(sender, message)

    def on_timer(self, name: Any) -> None:
        what, key = name
        if what == "result":
            self._resend(key)
        elif what == "late":
            delayed = self.delayed.pop(key, None)
            if delayed is not None:
                self._say(*delayed)
        elif (job := self.jobs.get(key)) is not None:
            if self.ctx.now >= job.until:
                self._give_up(key, "its lease ran out")
            elif what == "report":
                self._report(job)
            elif self.mode == "defaulter":
                self.ctx.set_timer(name, self._window)
            else:
                self._finish(job)

    def on_crash(self) -> None:
        for job in self.jobs.values():
            self._count_busy(job)

    # Bids

    def _called(self, sender: int, call: Call) -> None:
        task = call.task
        if not self._obeys(task.house, call.term):
            return
        other = call.chiefs[1] if call.chiefs[0] == sender else call.chiefs[0]
        self.chiefs[task.house] = (sender, other)
        for owed in self.owed.values():
            if owed.task.house == task.house and owed.tries > RESENDS:
                owed.tries = 0
                self._resend(owed.task.id)
        overbids = self.mode == "overbidder"
        never = bool(task.needs) and task.needs not in self.profile.skills
        if never and not overbids:
            why = f"cannot {task.needs}"
        elif self._is_full() and not overbids:
            why = "is busy"
        else:
            self._bid(sender, call)
            return
        self._say(sender, Refusal(task.id, task.house, call.round, why, never))

    def _is_full(self) -> bool:
        """Whether all slots are taken, those that standing bids may need included."""
        if self._rising:
            return False
        now = self.ctx.now
        if len(self.standing) + len(self.jobs) < self._params.capacity:
            return False
        for name in [name for name, bid in self.standing.items() if bid.until <= now]:
            del self.standing[name]
        return len(self.standing) + len(self.jobs) >= self._params.capacity

    def _bid(self, sender: int, call: Call) -> None:
        task, now = call.task, self.ctx.now
        arm = self.bandit.choose() if self.policy == "adaptive" else -1
        amount = self._amount(task, call.called, arm)
        if call.price is not None and not self._stays(amount, call.price):
            self._say(sender, Refusal(task.id, task.house, call.round, OUT, exit=amount))
            return
        self.standing[task.id] = Standing(task, call.round, now + self._lease + self._window, amount, arm)
        offered = amount if call.price is None else call.price
        bid = Bid(task.id, task.house, call.round, offered, setting.work_time(task, self.profile), now)
        if self.mode == "late":
            self.delayed[task.id] = (sender, bid)
            self.ctx.set_timer(("late", task.id), self._window + self._window // 2)
            return
        self._say(sender, bid)
        if self.mode == "doubler":
            self._say(sender, Bid(task.id, task.house, call.round, offered * UNDERCUT, bid.lasts, now))

    def _amount(self, task: Task, called: int, arm: int) -> float:
        """What the contractor bids for the task."""
        rising, highest = self._rising, setting.ceiling(self._params, task)
        worth = setting.cost(self._params, task, self.profile)
        if self.mode in ("overbidder", "defaulter"):
            return highest if rising else worth * UNDERCUT
        if self.policy == "shaded":
            amount = with_margin(worth, self._params.shade, highest, rising=rising)
        elif self.policy == "adaptive":
            amount = with_margin(worth, MARGINS[arm], highest, rising=rising)
        elif self.policy == "equilibrium":
            amount = equilibrium(worth, max(1, called), highest, self._params.rule, rising=rising)
        else:
            amount = worth
        return amount * self.factor if self.factor != 1.0 else amount

    def _stays(self, limit: float, price: float) -> bool:
        return price <= limit if self._rising else price >= limit

    def _asked(self, sender: int, message: Price) -> None:
        """The clock of an open auction has moved."""
        standing = self.standing.get(message.task)
        if standing is None or standing.round != message.round or not self._obeys(message.house, message.term):
            return
        name, house = message.task, message.house
        if self._stays(standing.limit, message.price):
            standing.until = self.ctx.now + self._lease + self._window
            lasts = setting.work_time(standing.task, self.profile)
            bid = Bid(name, house, message.round, message.price, lasts, self.ctx.now, message.step)
            self._say(sender, bid)
            return
        # Who goes out last may still win, with its exit bid; so it stands until it is rejected.
        self._say(sender, Refusal(name, house, message.round, OUT, False, message.step, standing.limit))

    def _rejected(self, message: Rejection) -> None:
        standing = self.standing.get(message.task)
        if standing is not None and standing.round == message.round:
            del self.standing[message.task]
            self.bandit.learn(standing.arm, 0.0)

    # Work

    def _awarded(self, sender: int, award: Award) -> None:
        name, house = award.task, award.house
        if not self._obeys(house, award.term):
            return
        job = self._job(name, award.round)
        if job is not None:
            self._report(job)
            return
        if self.delivered.get(name) == award.round:
            self._say(sender, Result(name, house, award.round))
            return
        standing = self.standing.get(name)
        if self.mode == "silent" or not math.isfinite(award.price):
            return
        if standing is None or standing.round != award.round or self.ctx.now >= standing.until:
            self._say(sender, Result(name, house, award.round, "its offer had run out"))
            return
        del self.standing[name]
        gain = self._gain(standing.task, award.price)
        self.bandit.learn(standing.arm, max(0.0, gain) / setting.ceiling(self._params, standing.task))
        if name in self.jobs:
            self._give_up(name, "it was awarded anew")
        if not self._rising and len(self.jobs) >= self._params.capacity:
            self._say(sender, Result(name, house, award.round, "has no room for it"))
            return
        self._begin(standing, award.price)

    def _begin(self, standing: Standing, price: float) -> None:
        task, now = standing.task, self.ctx.now
        lasts = 0 if self._rising else setting.work_time(task, self.profile)
        job = Job(task, standing.round, price, standing.until, now, lasts, self.ctx.sim.now)
        self.jobs[task.id] = job
        self.ctx.note("began", task=task.id, round=job.round, load=len(self.jobs), lasts=lasts)
        if self._rising:
            if self.mode == "defaulter":
                return
            self._finish(job)
            return
        self.ctx.set_timer(("work", task.id), lasts)
        self._report(job)

    def _report(self, job: Job) -> None:
        """Tell how far the work is, and ask for the lease to be renewed."""
        now, task = self.ctx.now, job.task
        job.unanswered += 1
        if job.unanswered > SAME and job.unanswered % SAME == 1:
            self._try_the_other(task.house)
        share = min(1.0, (now - job.began) / job.lasts) if job.lasts else 1.0
        self._say(self._chief(task.house), Progress(task.id, task.house, job.round, share, now))
        self.ctx.set_timer(("report", task.id), max(1, min(self._lease // REPORTS, job.until - now)))

    def _renewed(self, message: Renewed) -> None:
        job = self._job(message.task, message.round)
        if job is not None and message.sent <= self.ctx.now and self._obeys(message.house, message.term):
            job.until = max(job.until, message.sent + self._lease)
            job.unanswered = 0

    def _finish(self, job: Job) -> None:
        task = job.task
        self._end(job)
        if task.needs and task.needs not in self.profile.skills:
            self.ctx.note("gave up", task=task.id, why=f"it cannot {task.needs} after all")
            self._say(self._chief(task.house), Result(task.id, task.house, job.round, f"cannot {task.needs} after all"))
            return
        self.delivered[task.id] = job.round
        self.owed[task.id] = Owed(task, job.round, job.price)
        self.ctx.observe("wait", seconds(max(0, job.started - task.released)))
        self.ctx.note("delivered", task=task.id, round=job.round)
        self._resend(task.id)

    def _give_up(self, name: str, why: str) -> None:
        self._end(self.jobs[name])
        self.ctx.note("gave up", task=name, why=why)

    def _end(self, job: Job) -> None:
        name = job.task.id
        del self.jobs[name]
        self._count_busy(job)
        self.ctx.cancel_timer(("work", name))
        self.ctx.cancel_timer(("report", name))

    def _count_busy(self, job: Job) -> None:
        self.ctx.count("busy", self.ctx.sim.now - job.started)

    def _resend(self, name: str) -> None:
        """Send a result, again and again until it is paid for; if need be to the other manager."""
        owed = self.owed.get(name)
        if owed is None:
            return
        house = owed.task.house
        if owed.tries and owed.tries % SAME == 0:
            self._try_the_other(house)
        self._say(self._chief(house), Result(name, house, owed.round))
        owed.tries += 1
        if owed.tries <= RESENDS:
            self.ctx.set_timer(("result", name), self._window << (owed.tries - 1) // SAME)

    def _paid(self, message: Payment) -> None:
        owed = self.owed.get(message.task)
        if owed is None or owed.round != message.round or not math.isfinite(message.amount):
            return
        del self.owed[message.task]
        self.ctx.cancel_timer(("result", message.task))
        if message.amount > 0.0 or self._rising:
            self.earned += message.amount
        self.profit += self._gain(owed.task, message.amount)

    def _gain(self, task: Task, price: float) -> float:
        worth = setting.cost(self._params, task, self.profile)
        return worth - price if self._rising else price - worth

    # Managers that come and go

    def _succeeded(self, sender: int, message: Takeover) -> None:
        pair = self.chiefs.get(message.house)
        if pair is not None:
            self.chiefs[message.house] = (sender, pair[0] if pair[1] == sender else pair[1])
        works = [(j.task.id, j.round, j.price) for j in self.jobs.values() if j.task.house == message.house]
        did = [(o.task.id, o.round, o.price) for o in self.owed.values() if o.task.house == message.house]
        if self.mode != "silent":
            self._say(sender, Holding(message.house, message.term, tuple(works), tuple(did)))
            for owed in self.owed.values():
                owed.tries = 1 if owed.task.house == message.house else owed.tries
            for job in self.jobs.values():
                if job.task.house == message.house:
                    self._report(job)

    def _obeys(self, house: int, term: int) -> bool:
        """Whether nobody has been heard of who acts for the house in a later term."""
        if term < self.terms.get(house, 0):
            return False
        self.terms[house] = term
        return True

    def _chief(self, house: int) -> int:
        return self.chiefs[house][0]

    def _try_the_other(self, house: int) -> None:
        first, second = self.chiefs[house]
        self.chiefs[house] = (second, first)

    # Small things

    def _job(self, name: str, round: int) -> Job | None:
        """The job, if it is of that round of bidding."""
        job = self.jobs.get(name)
        return job if job is not None and job.round == round else None

    def _say(self, to: int, message: Any) -> None:
        self.ctx.count("protocol" if type(message) in COUNTED else "upkeep")
        self.ctx.send(to, message)

    def works_live(self, name: str) -> bool:
        """Whether the contractor holds this task under a lease that, by its own clock, has not run out."""
        job = self.jobs.get(name)
        return job is not None and self.ctx.now < job.until
