"""A client of PBFT (Castro & Liskov, OSDI 1999, section 4.1): asks the primary, believes what f+1 replicas say alike,
and asks all replicas when that takes too long."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from msgspec.structs import replace

from engine.agent import Agent
from engine.duration import MILLISECOND, SECOND, seconds
from engine.ledger import Transfer, address_of, transfer
from engine.signing import public_key, secret_key
from scenarios.pbft import faults
from scenarios.pbft.messages import Reply, Request, is_proven, prove, request_digest
from scenarios.pbft.state import Settings

LARGEST_PAYMENT = 9
FIRST_WITHIN = 400 * MILLISECOND  # of its start a client makes its first request
REMEMBERED = 256  # requests whose digests a client keeps


class Client(Agent):
    """Asks for one transfer at a time. What comes up meanwhile waits in its backlog."""

    durable = ("timestamp", "nonce", "made", "answered", "pending", "since", "issued", "backlog", "view", "tainted")

    def __init__(self, settings: Settings, rate: float, quota: int | None) -> None:
        self.quota = quota  # requests that it makes by itself; None for no end
        self.rate = rate
        self.made = 0  # by itself
        self.timestamp = 0  # of its last request
        self.nonce = 0  # transfers of its account that were carried out
        self.pending: Request | None = None
        self.since = 0  # when it first asked for that, in µs
        self.votes: dict[str, int] = {}  # result → a bit for each replica that gave it
        self.answered = 0
        self.last_result = ""
        self.backlog: list[tuple[str, int]] = []  # payee's address and amount
        self.issued: dict[int, tuple[bytes, ...]] = {}  # timestamp → digests of what it asked for under it
        self.view = 0  # of the last reply: who is primary
        self.tainted = False
        self._settings = settings

    # What happens

    def on_start(self) -> None:
        if self.mode != "honest":
            self.tainted = True
        if self.pending is not None:
            self._wait()
        self._go_on()

    def on_misbehave(self, mode: str) -> None:
        if mode != "honest":
            self.tainted = True

    def on_timer(self, name: Hashable) -> None:
        if name == "ask":
            self.made += 1
            self.ask(*self.payment())
            self._go_on()
        elif name == "retransmit" and self.pending is not None:
            self.ctx.count("asked again")
            self.ctx.note("asks-all", timestamp=self.pending.timestamp)
            self._ask_all(self.pending)
            self._wait()

    def on_message(self, sender: int, message: Any) -> None:
        if not isinstance(message, Reply) or not 0 <= message.replica < self._settings.n:
            return
        sim, kind = self.ctx.sim, self._settings.authentication
        author = sim.names[message.replica]
        if kind != "none" and not is_proven(kind, message, sim.seed, author, self.name, 0):
            self._reject(message, author)
            return
        pending = self.pending
        if pending is None or message.timestamp != pending.timestamp or message.client != self.id:
            return
        self.votes[message.result] = mask = self.votes.get(message.result, 0) | 1 << message.replica
        if mask.bit_count() > self._settings.f:
            self.view = max(self.view, message.view)
            self._accept(pending, message.result)

    # What it may do otherwise

    def payment(self) -> tuple[str, int]:
        """The next transfer that it wants by itself: to which address, and how much."""
        sim = self.ctx.sim
        clients = [one.name for one in sim.agents if one.role == "client" and one.id != self.id]
        payees = clients or sim.names[: self._settings.n]
        return self.address(self.rng.choice(payees)), self.rng.between(1, LARGEST_PAYMENT)

    def pause(self) -> int:
        """How long until it wants the next one, in µs: at random, so many a second in the mean."""
        return round(self.rng.exponential(SECOND / self.rate))

    def address(self, name: str) -> str:
        """The account of an agent."""
        return address_of(public_key(secret_key(self.ctx.sim.seed, name)))

    # Asking

    def ask(self, payee: str, amount: int) -> None:
        """Want a transfer: at once, or when the ones before it are done."""
        self.backlog.append((payee, amount))
        if self.pending is None:
            self._next()

    def _go_on(self) -> None:
        if self.quota is None or self.made < self.quota:
            self.ctx.set_timer("ask", self.pause() if self.made else self.rng.below(FIRST_WITHIN))

    def _next(self) -> None:
        payee, amount = self.backlog.pop(0)
        self.timestamp += 1
        request = self._request(self.order(payee, amount))
        self.pending, self.since, self.votes = request, self.ctx.calendar.now, {}
        digests = [request_digest(request)]
        n = self._settings.n
        self.ctx.count("requests")
        self.ctx.count("sent request")
        if self.mode == "two-faced":
            self.tainted = True
            other = self._request(self.order(payee, amount + 1))
            digests.append(request_digest(other))
            first = self.ctx.count(f"two-faced {self.id}") == 1
            self.ctx.note("two-faced", timestamp=self.timestamp, first=first)
            for to, face in enumerate(faults.faces(request, other, n)):
                self.ctx.send(to, face)
        elif self.mode != "silent":
            self.ctx.send(self.view % n, request)
        self.issued[self.timestamp] = tuple(digests)
        if len(self.issued) > REMEMBERED:
            del self.issued[next(iter(self.issued))]
        self._wait()

    def order(self, payee: str, amount: int) -> Transfer:
        """A transfer that it has signed, the next of its account."""
        return transfer(secret_key(self.ctx.sim.seed, self.name), payee, amount, 0, self.nonce)

    def _request(self, order: Transfer) -> Request:
        request = Request(order, self.timestamp, self.id)
        kind = self._settings.authentication
        if kind == "none":
            return request
        sim = self.ctx.sim
        return replace(request, auth=prove(kind, request, sim.seed, self.name, sim.names[: self._settings.n]))

    def _ask_all(self, request: Request) -> None:
        for to in range(self._settings.n):
            self.ctx.send(to, request)

    def _wait(self) -> None:
        self.ctx.set_timer("retransmit", self._settings.timeout)

    def _accept(self, request: Request, result: str) -> None:
        """f+1 replicas, so at least one correct one, say so."""
        waited = self.ctx.calendar.now - self.since
        self.pending, self.votes, self.last_result = None, {}, result
        self.ctx.cancel_timer("retransmit")
        self.answered += 1
        if result == "paid":
            self.nonce += 1
        self.ctx.count("committed")
        self.ctx.observe("latency", seconds(waited))
        self.ctx.sim.meters.tick("committed", self.ctx.calendar.now)
        self.ctx.note(
            "answered",
            timestamp=request.timestamp,
            result=result,
            waited=waited,
            amount=request.transfer.amount,
            to=request.transfer.to,
        )
        if self.backlog:
            self._next()

    def _reject(self, message: Reply, author: str) -> None:
        many = self.ctx.count("rejected")
        if many < 4 or many % 100 == 0:
            self.ctx.note("rejected", what="reply", claims=author, count=many)

    @property
    def patience(self) -> int:
        """How long it waits before it asks all replicas, in µs."""
        return self._settings.timeout

    @property
    def has_work(self) -> bool:
        """Whether it waits for an answer, or will ask for more by itself."""
        ends = self.quota is not None and self.made >= self.quota
        return self.pending is not None or bool(self.backlog) or not ends
