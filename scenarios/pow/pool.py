"""The mempool: transfers that wait for a block. The first one seen of an account's number keeps its place."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from engine.ledger import Ledger, Transfer, fault

MOST_WAITING = 10_000
FURTHEST = 64  # how far a transfer's nonce may be ahead of what the account has spent


class Mempool:
    """Transfers by id, and by payer and nonce."""

    __slots__ = ("slots", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[str, Transfer] = {}
        self.slots: dict[tuple[str, int], str] = {}

    def __repr__(self) -> str:
        return f"{len(self.waiting)} waiting"

    def __len__(self) -> int:
        return len(self.waiting)

    def problem(self, one: Transfer, ledger: Ledger) -> str:
        """Why a transfer is not taken in, in words; an empty text if it may be."""
        wrong = fault(one)
        if wrong:
            return wrong
        payer, expected = one.sender, ledger.nonce(one.sender)
        if one.nonce < expected:
            return "it was spent already: the chain has a transfer with its number"
        if (payer, one.nonce) in self.slots:
            return "another transfer with its number waits already: a double spend"
        if one.nonce > expected + FURTHEST or len(self.waiting) >= MOST_WAITING:
            return "too many wait already"
        if ledger.balance(payer) < one.amount + one.fee:
            return f"it spends {one.amount + one.fee} and the payer has {ledger.balance(payer)}"
        return ""

    def add(self, one: Transfer) -> None:
        """Take in a transfer that `problem` finds nothing wrong with."""
        self.waiting[one.id] = one
        self.slots[one.sender, one.nonce] = one.id

    def confirmed(self, transfers: Iterable[Transfer]) -> None:
        """Let go of what is in a block now, and of what cannot come into one any more because of it."""
        for one in transfers:
            name = self.slots.pop((one.sender, one.nonce), None)
            if name is not None:
                del self.waiting[name]

    def next_nonce(self, address: str, ledger: Ledger) -> int:
        """The number for the next transfer of an account, after those that wait."""
        nonce = ledger.nonce(address)
        while (address, nonce) in self.slots:
            nonce += 1
        return nonce

    def choose(self, ledger: Ledger, most: int) -> tuple[Transfer, ...]:
        """What to put into a block: the best fees first, each account's transfers in their order."""
        heads = []
        for (payer, nonce), name in self.slots.items():
            if nonce == ledger.nonce(payer):
                heads.append((-self.waiting[name].fee, name, payer))
        heapify(heads)
        chosen: list[Transfer] = []
        spent: dict[str, int] = {}
        while heads and len(chosen) < most:
            _, name, payer = heappop(heads)
            one = self.waiting[name]
            total = spent.get(payer, 0) + one.amount + one.fee
            if total > ledger.balance(payer):
                continue
            chosen.append(one)
            spent[payer] = total
            follower = self.slots.get((payer, one.nonce + 1))
            if follower is not None:
                heappush(heads, (-self.waiting[follower].fee, follower, payer))
        return tuple(chosen)
