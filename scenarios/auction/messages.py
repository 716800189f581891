"""The messages of the auction.

Every message of the Contract Net names its task and the `round` of bidding it belongs to; messages of managers carry
the manager's `term` as well, so that one that was succeeded is not obeyed. `sent` is always the contractor's own clock,
given back to it, so that no two clocks are ever compared.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from scenarios.auction.params import Task

# --- the Contract Net: what `messages_per_task` counts --------------------------------------------


class Call(Struct, frozen=True):
    """Task announcement (call for proposals). `price` is where the clock starts in an open auction."""

    task: Task
    round: int
    term: int
    called: int  # how many contractors were called
    chiefs: tuple[int, int]  # the two managers of the house, the acting one first
    price: float | None = None


class Price(Struct, frozen=True):
    """The clock of an open auction has moved on: still in?"""

    task: str
    house: int
    round: int
    term: int
    step: int
    price: float


class Bid(Struct, frozen=True):
    """A sealed bid; in an open auction, that the bidder is still in at this step's price."""

    task: str
    house: int
    round: int
    amount: float
    lasts: int  # µs of work that the bidder promises
    sent: int
    step: int = 0


class Refusal(Struct, frozen=True):
    """No bid (any more), and why. `never` says that asking again is no use. Who leaves an open auction names the last
    price at which it was in (an exit bid: Ausubel & Cramton, Auctioning many divisible goods, 2004)."""

    task: str
    house: int
    round: int
    why: str
    never: bool = False
    step: int = 0
    exit: float | None = None


class Award(Struct, frozen=True):
    """The task is yours at this price, until the lease runs out."""

    task: str
    house: int
    round: int
    term: int
    price: float
    sent: int  # of the bid


class Rejection(Struct, frozen=True):
    """The task is not yours."""

    task: str
    house: int
    round: int
    term: int


class Result(Struct, frozen=True):
    """The task is done; or the contractor gives it back, and `why`."""

    task: str
    house: int
    round: int
    why: str = ""


PROTOCOL = frozenset({Call, Price, Bid, Refusal, Award, Rejection, Result})

# --- upkeep: leases, payment ----------------------------------------------------------------------


class Progress(Struct, frozen=True):
    """Progress report, 0 to 1, with which a contractor asks for its lease to be renewed. The first accepts an award."""

    task: str
    house: int
    round: int
    share: float
    sent: int


class Renewed(Struct, frozen=True):
    """The lease lasts its full length again, from `sent`."""

    task: str
    house: int
    round: int
    term: int
    sent: int


class Cancel(Struct, frozen=True):
    """The task is taken away."""

    task: str
    house: int
    round: int
    term: int


class Payment(Struct, frozen=True):
    """The result has arrived, and this is for it."""

    task: str
    house: int
    round: int
    term: int
    amount: float


# --- upkeep: who acts for a house -----------------------------------------------------------------


class Beat(Struct, frozen=True):
    """I act for this house in this term."""

    house: int
    term: int
    sent: int


class BeatAck(Struct, frozen=True):
    """So you do. `stale` asks for all that the other does not know yet."""

    house: int
    term: int
    sent: int
    stale: bool = False


class Claim(Struct, frozen=True):
    """Nobody acts for this house: let me, in this term."""

    house: int
    term: int


class Grant(Struct, frozen=True):
    """Do so; I follow no earlier term from now on."""

    house: int
    term: int


class Entry(Struct, frozen=True):
    """What a manager tells its standby of one task."""

    task: Task
    state: str
    round: int
    winner: int
    price: float
    trust: float  # in the winner


class Update(Struct, frozen=True):
    """News of the book; the whole of it if `full`."""

    house: int
    term: int
    entries: tuple[Entry, ...]
    full: bool = False


class Takeover(Struct, frozen=True):
    """I act for this house from now on: what do you hold of its tasks?"""

    house: int
    term: int


class Holding(Struct, frozen=True):
    """What a contractor works on, and what it did and was not paid for: task, round, price."""

    house: int
    term: int
    works: tuple[tuple[str, int, float], ...]
    did: tuple[tuple[str, int, float], ...]


# --- trade between neighbours ---------------------------------------------------------------------


class Offer(Struct, frozen=True):
    """Would you do this for less than it costs me?"""

    task: Task
    cost: float
    round: int


class Quote(Struct, frozen=True):
    """What it costs me; None if I cannot, or am full."""

    task: str
    cost: float | None
    round: int
    why: str = ""


class Transfer(Struct, frozen=True):
    """It is yours, at this price, if you take it. Repeated until `Taken` comes."""

    task: Task
    price: float
    round: int
    path: tuple[int, ...]  # who had it before


class Taken(Struct, frozen=True):
    """Whether I took it."""

    task: str
    round: int
    yes: bool


class Holds(Struct, frozen=True):
    """To whom the task arrived at: I have it now."""

    task: str
    round: int


class Delivery(Struct, frozen=True):
    """To whom the task arrived at: it is done, or given up."""

    task: Task
    price: float
    state: Literal["done", "expired", "refused"]


class Receipt(Struct, frozen=True):
    """I know what became of it; with the payment, if it is done."""

    task: str
    amount: float


TRADE = frozenset({Offer, Quote, Transfer, Taken, Delivery})
COUNTED = PROTOCOL | TRADE
"""The kinds that `messages_per_task` counts; all others are upkeep."""
