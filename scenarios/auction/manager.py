"""The manager of the Contract Net: announces tasks, ranks the bids, awards, looks after the leases, pays.

R. G. Smith, The contract net protocol, IEEE Trans. Computers C-29, 1980; FIPA Contract Net SC00029H. Each task goes
through rounds of bidding until it is done, or its deadline is past, or everybody has said that they never can.

A manager only announces, awards, renews and accepts while its mandate lasts (auction_succession). Who takes over asks
all contractors what they hold, and leaves the old tasks alone until every lease that its predecessor may have granted
has run out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct

from engine.duration import SECOND, seconds
from engine.leases import Leases
from scenarios.auction import params as setting
from scenarios.auction.messages import (
    COUNTED,
    Award,
    Bid,
    Call,
    Cancel,
    Entry,
    Holding,
    Payment,
    Price,
    Progress,
    Refusal,
    Rejection,
    Renewed,
    Result,
    Takeover,
    Update,
)
from scenarios.auction.params import AuctionParams, Task
from scenarios.auction.rules import clear
from scenarios.auction.succession import BEAT, BEATS, WATCH, Contender

ROUNDS = 10_000  # rounds of bidding in one term, at most; the number of a round begins with its term
KEPT_BIDS = 6  # of a task that has ended, for the board
KEPT_DONE = 400  # tasks whose assignment is measured
LONGEST_PAUSE = 8  # windows between two rounds for one task
OVERDUE = 3  # times as long as promised a contractor may take
BLAME = 0.5  # what is left of the trust in a contractor that failed
REDEMPTION = 1.25  # by how much trust grows with each result, up to 1
BARRED_BELOW = 0.3
BARRED_FOR = 10  # leases
DEAREST_BID = 1e6  # beyond which a bid is nonsense
ENDED = ("done", "expired", "refused")


class Record(Struct):
    """What a manager knows of one task."""

    task: Task
    state: str = "waiting"  # bidding, awarded, done, expired, refused
    round: int = 0
    tries: int = 0  # rounds of bidding so far
    called: int = 0
    bids: dict[int, Bid] = {}
    refusals: dict[int, Refusal] = {}
    late: dict[int, float] = {}
    within: list[int] = []  # open auction: who is still in at this step
    step: int = 0
    clock: float = 0.0  # and its price
    winner: int = -1
    price: float = 0.0
    progress: float = 0.0
    accepted: bool = False
    overdue: bool = False  # it took much longer than promised, so its lease is not renewed
    awarded: int = 0
    again: int = 0  # when the next round may begin
    why: str = ""
    before: tuple[int, int, float] | None = None  # the award that came to nothing last: to whom, round, price


class Manager(Contender):
    """One of the two managers of a house; one acts, the other stands by and keeps a copy of the book."""

    durable: ClassVar[tuple[str, ...]] = ("promised", "book", "trust", "barred", "next_order", "finished")

    def __init__(self, params: AuctionParams, house: int, first: bool) -> None:
        super().__init__(params, house, first)
        self.book: dict[str, Record] = {}
        self.next_order = 0  # the next task to come
        self.leases: Leases[str] = Leases(setting.micros(params.lease))
        self.trust: dict[int, float] = {}
        self.barred: dict[int, int] = {}  # contractor → until when
        self.finished: dict[str, tuple[Task, int]] = {}  # the latest that were done, and by whom
        self.postponed: dict[str, None] = {}  # tasks that wait for a mandate, first come first
        self.open = 0  # tasks of the book that have not ended
        self.settled = 0  # when the leases of its predecessor have run out
        self._params = params
        self._rising = setting.sold(params)
        self._lease = setting.micros(params.lease)
        self._window = setting.window(params)
        self._directory: list[int] = []
        self._directory_of = (-1, -1)

    # What happens

    def on_start(self) -> None:
        super().on_start()
        if self.acting:
            self._take_orders()

    def on_restart(self) -> None:
        """Up again: it acts for nobody until it knows who does, or that nobody does."""
        self.come_back()
        self.open = len([record for record in self.book.values() if record.state not in ENDED])
        self._drop_bidding()
        self.on_start()

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, (Bid, Refusal)):
            self._answered(sender, message)
        elif isinstance(message, Progress):
            self._progressed(sender, message)
        elif isinstance(message, Result):
            self._resulted(sender, message)
        elif isinstance(message, Update):
            self._updated(message)
        elif isinstance(message, Holding):
            self._told(sender, message)
        else:
            self.contend(sender, message)

    def on_timer(self, name: Any) -> None:
        what, key = name
        if name == WATCH:
            self.watch()
        elif not self.acting:
            return
        elif name == BEAT:
            self.beat()
        elif what == "order":
            self._take_orders()
        elif what == "lease":
            self._end_leases()
        elif (record := self.book.get(key)) is None:
            return
        elif what == "again":
            self._announce(record)
        elif what == "due":
            self._close(record)
        elif what == "award" and record.state == "awarded" and not record.accepted:
            self._send_award(record)

    # Announcement

    def take(self, task: Task, again: int = 0) -> None:
        """A task has come, not to be announced before the moment `again`."""
        if task.id in self.book:
            return
        self.book[task.id] = record = Record(task, again=again)
        self.open += 1
        if self.acting:
            self._announce(record)

    def _take_orders(self) -> None:
        """Take the tasks that have come by now, the urgent ones first."""
        mine = setting.orders_of(self._params, self.ctx.sim.seed, self.house)
        now, due = self.ctx.now, []
        while self.next_order < len(mine) and mine[self.next_order].released <= now:
            due.append(mine[self.next_order])
            self.next_order += 1
        for task in setting.by_urgency(due):
            self.take(task)
        if self.next_order < len(mine):
            self.ctx.set_timer(("order", ""), max(1, mine[self.next_order].released - now))

    def _announce(self, record: Record) -> None:
        """Call for bids, unless it is too late or too soon."""
        now, task = self.ctx.now, record.task
        if record.state != "waiting":
            return
        contractors = self._contractors()
        if now >= self.until:
            self.postponed[task.id] = None
            return
        if now > task.deadline:
            self._end(record, "expired", record.why or "nobody had begun with it by its deadline")
            return
        if now < record.again or not contractors:
            wait = record.again - now if contractors else self._mandate // BEATS
            self.ctx.set_timer(("again", task.id), max(1, min(wait, task.deadline - now + 1)))
            return
        record.state, record.tries = "bidding", record.tries + 1
        record.round = self.term * ROUNDS + record.tries
        record.bids, record.refusals, record.late, record.within, record.step = {}, {}, {}, [], 0
        record.called = len(contractors)
        if self._params.rule == "english":
            record.clock = 0.0 if self._rising else setting.ceiling(self._params, task)
        price = record.clock if self._params.rule == "english" else None
        call = Call(task, record.round, self.term, len(contractors), (self.id, self.other), price)
        if self.ctx.count(f"called {task.id}") == 1:
            self.ctx.count("tasks_announced")
        self.ctx.count("protocol", len(contractors))
        self.ctx.note("announced", task=task.id, about=setting.about(task), again=record.tries > 1, house=self.house)
        send = self.ctx.send
        for contractor in contractors:
            send(contractor, call)
        self.ctx.set_timer(("due", task.id), self._window)

    # Bids

    def _answered(self, sender: int, answer: Bid | Refusal) -> None:
        record = self.book.get(answer.task)
        if record is None or not self.acting:
            return
        if record.state != "bidding" or answer.round != record.round or answer.step != record.step:
            self._came_late(sender, record, answer)
            return
        if sender in record.bids or sender in record.refusals:
            if not record.step or sender not in record.within:
                self.ctx.count("duplicate")
                self.ctx.note("duplicate", task=answer.task, bidder=sender)
                return
        elif record.step:
            return
        if isinstance(answer, Bid):
            if not (0.0 <= answer.amount <= DEAREST_BID and answer.lasts >= 0):
                return
            record.bids[sender] = answer
            if not record.step:
                self.ctx.count("bids")
        else:
            record.refusals[sender] = answer
        if record.step:
            record.within.remove(sender)
            if not record.within:
                self._close(record)
        elif len(record.bids) + len(record.refusals) >= record.called:
            self._close(record)

    def _came_late(self, sender: int, record: Record, answer: Bid | Refusal) -> None:
        if isinstance(answer, Bid) and sender != record.winner:
            self.ctx.count("late")
            record.late[sender] = answer.amount
            self.ctx.note("late", task=answer.task, bidder=sender)
            self._say(sender, Rejection(answer.task, self.house, answer.round, self.term))

    def _close(self, record: Record) -> None:
        """All have answered, or the time for bids is over."""
        if record.state != "bidding":
            return
        task = record.task
        self.ctx.cancel_timer(("due", task.id))
        if self.ctx.now >= self.until:  # without a mandate it may decide nothing
            self._retry(record, "the manager has no mandate")
            return
        if self._params.rule == "english":
            self._turn(record)
            return
        usable = {who: bid.amount for who, bid in record.bids.items() if self._may_win(who, bid, task)}
        if not usable:
            self._nobody(record)
            return
        reserve = 0.0 if self._rising else setting.ceiling(self._params, task)
        winner, price = clear(usable, self.trust, self._params.rule, reserve, rising=self._rising)
        if self.mode == "shill" and self._params.rule == "second-price":
            price = usable[winner]  # as if somebody had bid just short of the winner
        self._award(record, winner, price)

    def _may_win(self, who: int, bid: Bid, task: Task) -> bool:
        if not self._rising and bid.amount > setting.ceiling(self._params, task):
            return False
        until = self.barred.get(who)
        if until is not None and self.ctx.now >= until:
            del self.barred[who]
            self.trust[who] = BLAME
            until = None
        return until is None

    def _turn(self, record: Record) -> None:
        """Open auction: the clock goes on while two are in. Those who go out name the price at which they do, so the
        last one in pays what the second best could; if nobody is left, the best of the last to go has it."""
        task = record.task
        before = [who for who in record.bids if self._may_win(who, record.bids[who], task)]
        stay = [who for who in before if who not in record.refusals and record.bids[who].step == record.step]
        if not before:
            self._nobody(record)
            return
        if len(stay) < 2:
            exits = sorted([(self._exit(record, who), who) for who in before if who not in stay], key=self._ladder)
            if stay:
                self._award(record, stay[0], exits[0][0] if exits else record.clock)
            else:
                self._award(record, exits[0][1], exits[min(1, len(exits) - 1)][0])
            return
        record.refusals = {who: why for who, why in record.refusals.items() if who not in record.bids}
        for who in [who for who in record.bids if who not in stay]:
            del record.bids[who]
            self._say(who, Rejection(task.id, self.house, record.round, self.term))
        record.step += 1
        record.clock = self._clock(record, record.step)
        if not self._rising and record.clock <= 0.0:
            self._award(record, min(stay), 0.0)  # whoever would do it for nothing
            return
        record.within = sorted(stay)
        clock = Price(task.id, self.house, record.round, self.term, record.step, record.clock)
        for who in stay:
            self._say(who, clock)
        self.ctx.set_timer(("due", task.id), self._window)

    def _clock(self, record: Record, steps: int) -> float:
        """The price after so many steps."""
        highest = setting.ceiling(self._params, record.task)
        step = self._params.increment * highest
        return steps * step if self._rising else max(0.0, highest - steps * step)

    def _exit(self, record: Record, who: int) -> float:
        """At which price a bidder went out: as it said, if that lies between the last two of the clock."""
        before = self._clock(record, record.step - 1)
        refusal = record.refusals.get(who)
        if refusal is None or refusal.exit is None or not math.isfinite(refusal.exit):
            return before
        low, high = min(before, record.clock), max(before, record.clock)
        return max(low, min(high, refusal.exit))

    def _ladder(self, bid: tuple[float, int]) -> tuple[float, int]:
        """Sorts (price, bidder), best first."""
        return (-bid[0] if self._rising else bid[0]), bid[1]

    def _nobody(self, record: Record) -> None:
        """Nobody who may have it wants it."""
        for who in record.bids:
            self._say(who, Rejection(record.task.id, self.house, record.round, self.term))
        all_answered = len(record.refusals) >= record.called
        if all_answered and all(refusal.never for refusal in record.refusals.values()):
            self._end(record, "refused", "nobody can do it")
            return
        busy = len([1 for refusal in record.refusals.values() if not refusal.never])
        self._retry(record, f"{busy} of {record.called} are busy" if busy else "no bid came")

    def _retry(self, record: Record, why: str) -> None:
        """Another round, after a pause that grows."""
        record.state, record.why = "waiting", why
        pause = self._window * min(LONGEST_PAUSE, 1 << min(record.tries - 1, 10))
        record.again = self.ctx.now + min(pause, self._lease)
        if record.tries == 1:
            self.ctx.note("nobody", task=record.task.id, why=why)
        self._announce(record)

    # Award

    def _award(self, record: Record, winner: int, price: float) -> None:
        task, now = record.task, self.ctx.now
        record.state, record.winner, record.price = "awarded", winner, price
        record.awarded, record.accepted, record.overdue, record.progress = now, False, False, 0.0
        self.leases.grant(task.id, winner, now + self._window)
        self._watch_leases()
        again = self.ctx.count(f"awarded {task.id}") > 1
        count = self.ctx.count("tasks_reawarded") if again else 0
        amounts = sorted([bid.amount for bid in record.bids.values()], reverse=self._rising)
        self.ctx.note(
            "awarded",
            task=task.id,
            to=winner,
            round=record.round,
            price=price,
            bids=len(record.bids),
            best=amounts[0],
            second=amounts[1] if len(amounts) > 1 else None,
            again=again,
            count=count,
        )
        for who in record.bids:
            if who != winner:
                self._say(who, Rejection(task.id, self.house, record.round, self.term))
        self._send_award(record)
        self._tell_other([record])

    def _send_award(self, record: Record) -> None:
        """Send the award, until the contractor's first report or its result comes."""
        if self.ctx.now >= self.until:
            return
        task, bid = record.task, record.bids.get(record.winner)
        award = Award(task.id, self.house, record.round, self.term, record.price, bid.sent if bid else 0)
        self._say(record.winner, award)
        self.ctx.set_timer(("award", task.id), self._window)

    def _progressed(self, sender: int, report: Progress) -> None:
        record = self.book.get(report.task)
        if record is None or not self.acting or self.ctx.now >= self.until:
            return
        if record.state in ("waiting", "bidding") and record.round < report.round and record.winner < 0:
            return  # awarded by a predecessor, of which nothing else is known: it may finish, and is not helped
        if record.state != "awarded" or record.winner != sender or record.round != report.round:
            self._say(sender, Cancel(report.task, self.house, report.round, self.term))
            return
        if math.isfinite(report.share):
            record.progress = max(0.0, min(1.0, report.share))
        record.accepted = True
        self.ctx.cancel_timer(("award", report.task))
        if (
            self.ctx.now > record.awarded + OVERDUE * self._promised(record) + self._lease
        ):  # the lease is left to run out, since the contractor may not hear that it is taken away
            record.overdue = True
            self._say(sender, Cancel(report.task, self.house, report.round, self.term))
        elif self.leases.holder(report.task, self.ctx.now) == sender:
            if self.ctx.now >= self.leases.held[report.task].granted:  # the first one is longer, and never cut short
                self.leases.renew(report.task, sender, self.ctx.now)
            self._watch_leases()
            self._say(sender, Renewed(report.task, self.house, report.round, self.term, report.sent))

    def _promised(self, record: Record) -> int:
        """How long the work should take: as the winner said, but no longer than the slowest takes."""
        bid, longest = record.bids.get(record.winner), round(record.task.size / setting.PACES[0] * SECOND)
        return longest if bid is None else min(bid.lasts, longest)

    def _watch_leases(self) -> None:
        """See to it that a timer runs for the lease that ends first."""
        first = self.leases.next_expiry()
        if first is not None and ("lease", "") not in self.ctx.timers:
            self.ctx.set_timer(("lease", ""), max(1, first - self.ctx.now))

    def _end_leases(self) -> None:
        """The holders of leases that have run out lose their tasks, and some trust."""
        for name, lease in self.leases.end_expired(self.ctx.now):
            record = self.book[name]
            if record.state != "awarded":
                continue
            count = self.ctx.count("leases_lost")
            why = "never began"
            if record.accepted:
                why = "took far too long" if record.overdue else "was not heard of again"
            self.ctx.note("lease lost", task=name, holder=lease.holder, why=why, count=count)
            self._fail(record, lease.holder, "its lease ran out")
        self._watch_leases()

    def _fail(self, record: Record, who: int, why: str) -> None:
        """An award came to nothing: announce the task again."""
        self.leases.release(record.task.id, who)
        self.ctx.cancel_timer(("award", record.task.id))
        self._blame(who)
        record.before = (who, record.round, record.price)
        record.state, record.why, record.progress, record.again = "waiting", why, 0.0, self.ctx.now
        self._announce(record)

    def _blame(self, who: int) -> None:
        trust = self.trust.get(who, 1.0) * BLAME
        self.trust[who] = trust
        if trust < BARRED_BELOW:
            self.barred[who] = self.ctx.now + BARRED_FOR * self._lease
            count, lasts = self.ctx.count("barred"), BARRED_FOR * self._lease
            self.ctx.note("barred", contractor=who, trust=trust, lasts=lasts, count=count)

    # Result

    def _resulted(self, sender: int, result: Result) -> None:
        record = self.book.get(result.task)
        if record is None or not self.acting:
            return
        won = record.winner == sender and record.round == result.round
        if record.state == "done" and won:
            self._say(sender, Payment(result.task, self.house, result.round, self.term, record.price))  # it was lost
            return
        if result.why:
            if won and record.state == "awarded":
                self.ctx.note(
                    "failed task", task=result.task, by=sender, why=result.why, count=self.ctx.count("given back")
                )
                self._fail(record, sender, result.why)
            return
        if self.ctx.now >= self.until:
            return
        if won and record.state == "awarded":
            self._finish(record, sender)
        elif record.state in ENDED:
            self._say(sender, Payment(result.task, self.house, result.round, self.term, 0.0))  # too late
        elif record.before is not None and record.before[:2] == (sender, result.round) and record.state != "awarded":
            for who in record.bids:  # it comes after its lease ran out, and before anybody else has the task
                self._say(who, Rejection(result.task, self.house, record.round, self.term))
            record.winner, record.round, record.price = record.before
            self._finish(record, sender)

    def _finish(self, record: Record, by: int) -> None:
        """A result has come: pay for it."""
        task = record.task
        self.leases.release(task.id, by)
        self.ctx.cancel_timer(("award", task.id))
        self.trust[by] = min(1.0, self.trust.get(by, 1.0) * REDEMPTION)
        self.finished.pop(task.id, None)
        self.finished[task.id] = (task, by)
        if len(self.finished) > KEPT_DONE:
            del self.finished[next(iter(self.finished))]
        self.ctx.observe("payment", record.price)
        self.ctx.observe("payment squared", record.price * record.price)
        self.ctx.note(
            "paid", task=task.id, to=by, amount=record.price, round=record.round, count=self.ctx.count("paid")
        )
        self._say(by, Payment(task.id, self.house, record.round, self.term, record.price))
        self._end(record, "done", "")

    def _end(self, record: Record, state: str, why: str) -> None:
        task = record.task
        record.state, record.why, record.progress = state, why, 1.0 if state == "done" else 0.0
        self.open -= 1
        for name in ("again", "due", "award"):
            self.ctx.cancel_timer((name, task.id))
        if len(record.bids) + len(record.refusals) > KEPT_BIDS:
            ladder = sorted(record.bids.items(), key=lambda item: item[1].amount, reverse=self._rising)
            record.bids = dict(ladder[:KEPT_BIDS])
            record.refusals = {}
        if self.ctx.count(f"ended {task.id}") == 1:
            self.ctx.count("ended")
            self.ctx.count(f"tasks_{state}")
        if state != "done":
            self.ctx.note(state, task=task.id, why=why, count=self.ctx.count(f"noted {state}"))
        self._tell_other([record])

    # The other manager

    def mandate_renewed(self) -> None:
        """Announce what had to wait for a mandate."""
        if self.postponed:
            names, self.postponed = list(self.postponed), {}
            for name in names:
                self._announce(self.book[name])

    def send_everything(self, to: int) -> None:
        """Let the other manager have the whole book."""
        entries = [self._entry(record) for record in self.book.values()]
        self.say(to, Update(self.house, self.term, tuple(entries), full=True))

    def stood_down(self) -> None:
        """Another manager acts: drop all that only who acts may do."""
        self.ctx.note("stepped down", house=self.house, term=self.term)
        self.postponed = {}
        self.leases = Leases(self._lease)
        for name in list(self.ctx.timers):
            if name != WATCH:
                self.ctx.cancel_timer(name)
        self._drop_bidding()

    def _drop_bidding(self) -> None:
        for record in self.book.values():
            if record.state == "bidding":
                record.state = "waiting"

    def took_over(self) -> None:
        """Act for the house: the old tasks wait until no lease that the predecessor granted can last."""
        now = self.ctx.now
        self.leases = Leases(self._lease)
        self.settled = settled = now + self._lease + self._window
        waiting = []
        for record in self.book.values():
            if record.state == "awarded":
                self.leases.grant(record.task.id, record.winner, now + self._window)
                record.accepted = True
            elif record.state not in ENDED:
                record.state, record.again = "waiting", settled
                waiting.append(record.task)
        mine = setting.orders_of(self._params, self.ctx.sim.seed, self.house)
        while self.next_order < len(mine) and mine[self.next_order].released <= now:
            task = mine[self.next_order]
            self.next_order += 1
            if task.id not in self.book:
                self.book[task.id] = record = Record(task)
                record.again = settled
                self.open += 1
                waiting.append(task)
        self.ctx.count("takeovers")
        self.ctx.note(
            "took over", house=self.house, term=self.term, open=self.open, wait=seconds(self._lease + self._window)
        )
        for contractor in self._contractors():
            self.say(contractor, Takeover(self.house, self.term))
        self._watch_leases()
        for task in setting.by_urgency(waiting):
            self._announce(self.book[task.id])
        self._take_orders()

    def _told(self, sender: int, holding: Holding) -> None:
        """A contractor says what it holds: believe it, where the book does not know better."""
        if not self.acting or holding.term != self.term or holding.house != self.house:
            return
        for works, held in ((True, holding.works), (False, holding.did)):
            for name, round, price in held:
                record = self.book.get(name)
                if record is None or not 0.0 <= price <= DEAREST_BID:
                    continue
                if not works and (record.state == "awarded" or record.state in ENDED):
                    self._resulted(sender, Result(name, self.house, round))
                if record.state != "waiting":
                    continue
                if round // ROUNDS >= self.term:
                    continue
                record.winner, record.round, record.price = sender, round, price
                if works:
                    record.state, record.accepted, record.awarded = "awarded", True, self.ctx.now
                    self.leases.grant(name, sender, self.ctx.now + self._window)
                    self._watch_leases()
                    self.ctx.cancel_timer(("again", name))
                else:
                    self._finish(record, sender)

    def _tell_other(self, records: Sequence[Record]) -> None:
        if self.other != self.id:
            entries = tuple([self._entry(record) for record in records])
            self.say(self.other, Update(self.house, self.term, entries))

    def _entry(self, record: Record) -> Entry:
        trust = self.trust.get(record.winner, 1.0)
        return Entry(record.task, record.state, record.round, record.winner, record.price, trust)

    def _updated(self, update: Update) -> None:
        """Copy what the acting manager wrote; or, acting, take the tasks that only the other one had heard of."""
        if update.house != self.house or update.term < self.promised.get(self.house, 1):
            return
        if self.acting:
            if update.term == self.term:
                for entry in update.entries:  # which the predecessor may have awarded
                    self.take(entry.task, self.settled)
            return
        for entry in update.entries:
            record = self.book.get(entry.task.id)
            if record is None:
                self.book[entry.task.id] = record = Record(entry.task)
                self.open += 1
            if record.state in ENDED:
                continue
            record.state = "waiting" if entry.state == "bidding" else entry.state
            record.round, record.winner, record.price = entry.round, entry.winner, entry.price
            record.tries = max(record.tries, entry.round % ROUNDS)
            if entry.winner >= 0:
                self.trust[entry.winner] = entry.trust
            if record.state in ENDED:
                self.open -= 1
                record.bids, record.refusals = {}, {}
                if record.state == "done":
                    self.finished[entry.task.id] = (entry.task, entry.winner)
                    if len(self.finished) > KEPT_DONE:
                        del self.finished[next(iter(self.finished))]
        if update.full:
            self.stale = False
            told = {entry.task.id for entry in update.entries}
            rest = [record for name, record in self.book.items() if name not in told and record.state not in ENDED]
            if rest:
                self._tell_other(rest)

    # Small things

    def _contractors(self) -> list[int]:
        """All contractors that have not left, as the directory of the place knows them."""
        sim = self.ctx.sim
        if self._directory_of != (len(sim.agents), len(sim.lifecycle.left)):
            self._directory_of = (len(sim.agents), len(sim.lifecycle.left))
            self._directory = [agent for agent in sim.present() if sim.agents[agent].role == "contractor"]
        return self._directory

    def _say(self, to: int, message: Any) -> None:
        """Send a message to a contractor."""
        self.ctx.count("protocol" if type(message) in COUNTED else "upkeep")
        self.ctx.send(to, message)
