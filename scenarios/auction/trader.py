"""Self-organisation without a manager: agents trade tasks with their neighbours until no trade helps.

After T. Sandholm, An implementation of the contract net protocol based on marginal cost calculations, AAAI 1993, and
Contract types for satisficing task allocation, 1998 (O-contracts: one task for money). An agent offers each task it
holds to its neighbours, and hands it to the cheapest one if that is cheaper than itself; so each trade lowers the total
cost, and trading ends, in a local optimum that depends on who is linked with whom.

A task changes hands in two phases. From the moment the giver sends `Transfer` until it hears whether the taker took
it, it does not touch the task and repeats itself; so no loss of messages and no crash that ends in a restart can lose
a task or double it. If the taker has left for good, the giver takes the task back.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from engine.agent import Agent
from engine.duration import SECOND, seconds
from scenarios.auction import params as setting
from scenarios.auction.contractor import NO_PROFILE
from scenarios.auction.messages import COUNTED, Delivery, Holds, Offer, Quote, Receipt, Taken, Transfer
from scenarios.auction.params import AuctionParams, Task

QUEUE = 2  # tasks that an agent holds for each that it can work on; beyond that it takes no more
RETRIES = 6  # doublings of the time between two tries
LEAST_GAIN = 1e-9
KEPT_DONE = 400
FAULTS = 2  # after which an agent is no longer traded with
DEAREST = 1e6  # beyond which a price is nonsense
GRACE = 3  # times the longest work, after which whom a task came to gives it up for lost
UNDERCUT = 0.5


class Held(Struct):
    """A task that an agent holds."""

    task: Task
    price: float  # what its maker gets for it: the price of the last trade, or the cost of whom it came to
    cost: float  # to the holder; infinite if it cannot do it
    state: str = "asking"  # asking, settled, working, giving
    round: int = 0
    quotes: dict[int, Quote] = {}
    asked: tuple[int, ...] = ()
    to: int = -1  # giving: whom
    offer: float = 0.0  # and at which price
    tries: int = 0
    path: tuple[int, ...] = ()
    began: int = 0


class Closed(Struct):
    """What became of a task, as long as whom it came to has not confirmed it."""

    task: Task
    price: float
    state: str
    tries: int = 0


class Order(Struct):
    """A task that came to this agent: what became of it, and who did it."""

    task: Task
    state: str = "open"
    by: int = -1
    price: float = 0.0
    holder: int = -1  # who said last that it has the task
    round: int = 0


class Trader(Agent):
    """One agent that works, and trades what others can do for less. All that it holds is on its disk."""

    durable = ("held", "closed", "came", "answered", "next_order", "earned", "profit", "finished", "delivered",
               "faults")  # fmt: skip

    def __init__(self, params: AuctionParams) -> None:
        self.profile = NO_PROFILE
        self.held: dict[str, Held] = {}
        self.closed: dict[str, Closed] = {}
        self.came: dict[str, Order] = {}
        self.answered: dict[tuple[int, str, int], bool] = {}  # transfers: from whom, task, round → whether it took it
        self.next_order = 0
        self.earned = 0.0
        self.profit = 0.0
        self.finished: dict[str, tuple[Task, int]] = {}
        self.delivered: dict[str, int] = {}
        self.faults: dict[int, int] = {}  # who took tasks and did not do them; how many more than it did since
        self._params = params
        self._window = setting.window(params)

    # What happens

    def on_start(self) -> None:
        self.profile = setting.profile(self._params, self.ctx.sim.seed, self.name)
        for held in list(self.held.values()):
            if held.state == "giving":
                self._give(held)
            else:
                self.ctx.set_timer(("deadline", held.task.id), max(1, held.task.deadline - self.ctx.now))
                self._ask(held)
        for name in list(self.closed):
            self._deliver(name)
        for order in self.came.values():
            if order.state == "open":
                self._watch(order.task)
        self._take_orders()

    def on_message(self, sender: int, message: Any) -> None:
        if isinstance(message, Offer):
            self._offered(sender, message)
        elif isinstance(message, Quote):
            self._quoted(sender, message)
        elif isinstance(message, Transfer):
            self._given(sender, message)
        elif isinstance(message, Taken):
            self._taken(sender, message)
        elif isinstance(message, Delivery):
            self._delivered(sender, message)
        elif isinstance(message, Receipt):
            self._receipt(message)
        elif isinstance(message, Holds):
            order = self.came.get(message.task)
            if order is not None and message.round > order.round:
                order.holder, order.round = sender, message.round

    def on_timer(self, name: Any) -> None:
        what, key = name
        held = self.held.get(key)
        if what == "order":
            self._take_orders()
        elif what == "result":
            self._deliver(key)
        elif what == "overdue":
            self._give_up_waiting(key)
        elif held is None:
            return
        elif what == "due" and held.state == "asking":
            self._decide(held)
        elif what == "give" and held.state == "giving":
            self._give(held)
        elif what == "again" and held.state == "settled":
            self._ask(held)
        elif what == "deadline" and held.state in ("asking", "settled"):
            self._close(held, "expired" if held.cost < math.inf else "refused")
        elif what == "work" and held.state == "working":
            if self.mode == "defaulter":
                self.ctx.set_timer(name, self._window)
            else:
                self._finish(held)

    def on_crash(self) -> None:
        for held in self.held.values():
            if held.state == "working":
                self.ctx.count("busy", self.ctx.sim.now - held.began)
                held.state = "settled"

    # Tasks that come

    def take(self, task: Task) -> None:
        """A task has come to this agent."""
        if task.id in self.came or task.id in self.held:
            return
        self.came[task.id] = Order(task)
        self.ctx.count("tasks_announced")
        self.ctx.count(f"called {task.id}")
        self.ctx.note("announced", task=task.id, about=setting.about(task), again=False, house=self.id)
        self._watch(task)
        cost = self.cost(task)
        self._hold(Held(task, min(cost, setting.ceiling(self._params, task)), cost))

    def _take_orders(self) -> None:
        mine = setting.orders_of(self._params, self.ctx.sim.seed, self.id)
        now = self.ctx.now
        while self.next_order < len(mine) and mine[self.next_order].released <= now:
            self.next_order += 1
            self.take(mine[self.next_order - 1])
        if self.next_order < len(mine):
            self.ctx.set_timer(("order", ""), max(1, mine[self.next_order].released - now))

    def _hold(self, held: Held) -> None:
        self.held[held.task.id] = held
        self.ctx.set_timer(("deadline", held.task.id), max(1, held.task.deadline - self.ctx.now))
        self._ask(held)

    def _watch(self, task: Task) -> None:
        longest = round(task.size / setting.PACES[0] * SECOND)
        wait = task.deadline + GRACE * longest + self._window - self.ctx.now
        self.ctx.set_timer(("overdue", task.id), max(1, wait))

    # Trade

    def _ask(self, held: Held) -> None:
        """Offer a task to all neighbours."""
        neighbours = tuple(self.ctx.neighbours)
        held.state, held.round, held.quotes = "asking", held.round + 1, {}
        held.asked = tuple([to for to in neighbours if to not in held.path and not self.distrusts(to)])
        if not held.asked:
            self._decide(held)
            return
        offer = Offer(held.task, min(held.cost, setting.ceiling(self._params, held.task) + 1.0), held.round)
        for to in held.asked:
            self._say(to, offer)
        self.ctx.set_timer(("due", held.task.id), self._window)

    def _offered(self, sender: int, offer: Offer) -> None:
        if self.mode == "silent":
            return
        task, cost, why = offer.task, self.cost(offer.task), ""
        if self.mode in ("overbidder", "defaulter"):
            cost = min(cost, offer.cost) * UNDERCUT
        elif cost == math.inf:
            why = f"cannot {task.needs}"
        elif len(self.held) >= QUEUE * self._params.capacity:
            why = "is full"
        elif self.ctx.now > task.deadline:
            why = "it is too late"
        if not why:
            self.ctx.count("bids")
        self._say(sender, Quote(task.id, None if why else cost, offer.round, why))

    def _quoted(self, sender: int, quote: Quote) -> None:
        held = self.held.get(quote.task)
        if held is None or held.state != "asking" or held.round != quote.round or sender not in held.asked:
            self.ctx.count("late")
            return
        if sender in held.quotes:
            self.ctx.count("duplicate")
            return
        held.quotes[sender] = quote
        if len(held.quotes) == len(held.asked):
            self._decide(held)

    def _decide(self, held: Held) -> None:
        """Hand the task to whom it costs least, or keep it."""
        self.ctx.cancel_timer(("due", held.task.id))
        costs = [
            (quote.cost, who)
            for who, quote in held.quotes.items()
            if quote.cost is not None and 0.0 <= quote.cost < held.cost - LEAST_GAIN
        ]
        if costs:
            cost, who = min(costs)
            held.state, held.to, held.tries, held.round = "giving", who, 0, held.round + 1
            highest = setting.ceiling(self._params, held.task)
            held.offer = (cost + min(held.cost, highest)) / 2
            self._give(held)
            return
        full = any(quote.why == "is full" for quote in held.quotes.values())
        held.state = "settled"
        if held.cost == math.inf and not full and len(held.quotes) == len(held.asked):
            self._close(held, "refused")
            return
        if full or len(held.quotes) < len(held.asked):
            self.ctx.set_timer(("again", held.task.id), 2 * self._window)
        self._work()

    def _give(self, held: Held) -> None:
        """Send the task over, again and again until the other says whether it has it."""
        if held.to in self.ctx.sim.lifecycle.left:
            self._take_back(held)
            return
        transfer = Transfer(held.task, held.offer, held.round, (*held.path, self.id))
        self._say(held.to, transfer)
        wait = self._window << min(held.tries, RETRIES)
        held.tries += 1
        self.ctx.set_timer(("give", held.task.id), wait)

    def _given(self, sender: int, transfer: Transfer) -> None:
        if self.mode == "silent":
            return
        task, key = transfer.task, (sender, transfer.task.id, transfer.round)
        yes = self.answered.get(key)
        if yes is None:
            room = len(self.held) < QUEUE * self._params.capacity or self.mode != "honest"
            yes = room and task.id not in self.held and task.id not in self.closed and 0.0 <= transfer.price <= DEAREST
            self.answered[key] = yes
            if yes:
                cost = self.cost(task)
                self.ctx.count("trades")
                self.ctx.note("traded", task=task.id, by=sender, to=self.id, price=transfer.price)
                self._hold(Held(task, transfer.price, cost, path=transfer.path, round=transfer.round))
                if task.house != self.id and 0 <= task.house < len(self.ctx.sim.agents):
                    self.ctx.count("upkeep")
                    self.ctx.send_acknowledged(task.house, Holds(task.id, transfer.round), timeout=self._window)
        self._say(sender, Taken(task.id, transfer.round, yes))

    def _taken(self, sender: int, taken: Taken) -> None:
        held = self.held.get(taken.task)
        if held is None or held.state != "giving" or held.to != sender or held.round != taken.round:
            return
        self.ctx.cancel_timer(("give", taken.task))
        if taken.yes:
            self._let_go(held)
            self._work()
        else:
            self._take_back(held)

    def _take_back(self, held: Held) -> None:
        held.state, held.to = "settled", -1
        if self.ctx.now > held.task.deadline:
            self._close(held, "expired" if held.cost < math.inf else "refused")
            return
        self.ctx.set_timer(("deadline", held.task.id), max(1, held.task.deadline - self.ctx.now))
        self.ctx.set_timer(("again", held.task.id), 2 * self._window)
        self._work()

    # Work

    def _work(self) -> None:
        """Begin with settled tasks, the most urgent first, while there is room."""
        if self.mode == "silent":
            return
        busy = len([1 for held in self.held.values() if held.state == "working"])
        ready = [held for held in self.held.values() if held.state == "settled" and held.cost < math.inf]
        if self.mode in ("overbidder", "defaulter"):
            ready = [held for held in self.held.values() if held.state == "settled"]
        ready.sort(key=lambda held: (-held.task.priority, held.task.number))
        for held in ready[: max(0, self._params.capacity - busy)]:
            held.state, held.began = "working", self.ctx.sim.now
            busy += 1
            self.ctx.cancel_timer(("again", held.task.id))
            self.ctx.cancel_timer(("deadline", held.task.id))
            lasts = setting.work_time(held.task, self.profile)
            self.ctx.note("began", task=held.task.id, round=held.round, load=busy, lasts=lasts)
            self.ctx.set_timer(("work", held.task.id), lasts)

    def _finish(self, held: Held) -> None:
        self.ctx.count("busy", self.ctx.sim.now - held.began)
        if held.cost == math.inf:
            held.state = "settled"
            self.ctx.note("gave up", task=held.task.id, why=f"it cannot {held.task.needs} after all")
            self._close(held, "refused")
            return
        self.ctx.observe("wait", seconds(max(0, held.began - held.task.released)))
        self.delivered[held.task.id] = held.round
        self.ctx.note("delivered", task=held.task.id, round=held.round)
        self._close(held, "done")

    def _let_go(self, held: Held) -> None:
        del self.held[held.task.id]
        for name in ("due", "give", "again", "deadline", "work"):
            self.ctx.cancel_timer((name, held.task.id))

    def _close(self, held: Held, state: str) -> None:
        """The task's story ends here: tell whom it came to."""
        self._let_go(held)
        self.closed[held.task.id] = Closed(held.task, held.price, state)
        self._deliver(held.task.id)
        self._work()

    def _deliver(self, name: str) -> None:
        closed = self.closed.get(name)
        if closed is None:
            return
        house = closed.task.house
        if house == self.id or not 0 <= house < len(self.ctx.sim.agents):
            self._delivered(self.id, Delivery(closed.task, closed.price, closed.state))  # type: ignore[arg-type]
            del self.closed[name]
            return
        if house in self.ctx.sim.lifecycle.left:  # nobody is left to tell
            del self.closed[name]
            self._ended(closed.task, closed.state)
            return
        self._say(house, Delivery(closed.task, closed.price, closed.state))  # type: ignore[arg-type]
        wait = self._window << min(closed.tries, RETRIES)
        closed.tries += 1
        self.ctx.set_timer(("result", name), wait)

    def _delivered(self, sender: int, delivery: Delivery) -> None:
        """Whom a task came to hears what became of it, and pays."""
        task = delivery.task
        order = self.came.get(task.id)
        amount = 0.0
        if order is not None and order.state == "open" and 0.0 <= delivery.price <= DEAREST:
            order.state, order.by, order.price = delivery.state, sender, delivery.price
            self._judge(sender, task.id, done=delivery.state == "done")
            self.ctx.cancel_timer(("overdue", task.id))
            if delivery.state == "done":
                amount = max(0.0, delivery.price)
                self.ctx.observe("payment", amount)
                self.ctx.observe("payment squared", amount * amount)
                self.finished[task.id] = (task, sender)
                if len(self.finished) > KEPT_DONE:
                    del self.finished[next(iter(self.finished))]
                self.ctx.note("paid", task=task.id, to=sender, amount=amount, round=0, count=self.ctx.count("paid"))
                if sender == self.id:
                    self._earn(task, amount)
            else:
                late = delivery.state == "expired"
                why = "nobody had begun with it by its deadline" if late else "nobody who could do it was found"
                count = self.ctx.count(f"noted {delivery.state}")
                self.ctx.note(delivery.state, task=task.id, why=why, count=count)
            self._ended(task, delivery.state)
        elif order is not None and order.state == "done" and order.by == sender:
            amount = order.price  # the receipt was lost
        if sender != self.id:
            self._say(sender, Receipt(task.id, amount))

    def _receipt(self, receipt: Receipt) -> None:
        closed = self.closed.pop(receipt.task, None)
        if closed is None:
            return
        self.ctx.cancel_timer(("result", receipt.task))
        if closed.state == "done" and math.isfinite(receipt.amount):
            self._earn(closed.task, receipt.amount)

    def _give_up_waiting(self, name: str) -> None:
        """Nothing was heard of a task for much longer than it can take."""
        order = self.came.get(name)
        if order is None or order.state != "open":
            return
        if name in self.held:
            self.ctx.set_timer(("overdue", name), self._window)
            return
        order.state = "expired"
        self._judge(order.holder, name, done=False)
        count = self.ctx.count("noted expired")
        self.ctx.note("expired", task=name, why="nothing was heard of it for too long", count=count)
        self._ended(order.task, "expired")

    def distrusts(self, other: int) -> bool:
        """Whether the other has let this agent down too often to be traded with."""
        return self.faults.get(other, 0) >= FAULTS

    def _judge(self, other: int, name: str, *, done: bool) -> None:
        """Remember whether the other did a task that it took."""
        if other in (self.id, -1):
            return
        before = self.faults.get(other, 0)
        self.faults[other] = max(0, before - 1) if done else before + 1
        if self.faults[other] == FAULTS > before:
            first = self.ctx.count(f"distrusted {other}") == 1
            self.ctx.note("distrusts", other=other, task=name, first=first)

    def _ended(self, task: Task, state: str) -> None:
        if self.ctx.count(f"ended {task.id}") == 1:
            self.ctx.count("ended")
            self.ctx.count(f"tasks_{state}")

    # Small things

    def _earn(self, task: Task, amount: float) -> None:
        self.earned += amount
        cost = self.cost(task)
        self.profit += amount - cost if cost < math.inf else 0.0

    def cost(self, task: Task) -> float:
        """What the task costs this agent; endless if it cannot do it."""
        if task.needs and task.needs not in self.profile.skills:
            return math.inf
        return setting.cost(self._params, task, self.profile)

    def _say(self, to: int, message: Any) -> None:
        self.ctx.count("protocol" if type(message) in COUNTED else "upkeep")
        self.ctx.send(to, message)

    def works_live(self, name: str) -> bool:
        """Whether the agent works on this task."""
        held = self.held.get(name)
        return held is not None and held.state == "working"
