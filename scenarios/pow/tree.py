"""One agent's own view of the chain: every block it holds, the branch that it follows, and the accounts at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from engine.ledger import Ledger
from scenarios.pow.chain import REWARD, Header, Record, short

MOST_HEADERS = 200  # in one answer
_DENSE = 10  # blocks below the tip that a locator names one by one


class Switch(Struct, frozen=True):
    """What going over to another tip undid and applied, both in the order in which it was done; or `invalid`: the block
    that could not be applied and why, in which case nothing has changed."""

    undone: tuple[Record, ...] = ()
    applied: tuple[Record, ...] = ()
    invalid: Record | None = None
    why: str = ""


class BlockTree:
    """Records by id, and the active branch: `active[height]` is an id, `ledger` the accounts after its last block."""

    __slots__ = ("active", "ledger", "records", "tip")

    def __init__(self, genesis: Record, balances: Mapping[str, int]) -> None:
        self.records: dict[bytes, Record] = {genesis.id: genesis}
        self.active: list[bytes] = [genesis.id]
        self.tip = genesis
        self.ledger = Ledger(balances)

    def __repr__(self) -> str:
        return f"tip {short(self.tip.id)} at height {self.tip.height}, {len(self.records) - 1} blocks held"

    def add(self, record: Record) -> None:
        """Hold a block whose parent is held."""
        self.records[record.id] = record

    def is_active(self, record: Record) -> bool:
        """Whether a block is on the branch that is followed."""
        return record.height < len(self.active) and self.active[record.height] == record.id

    def switch(self, to: Record) -> Switch:
        """Follow the branch that ends in `to`: undo what is not on it, apply what is."""
        if to.parent == self.tip.id:
            wrong = self._apply(to)
            return Switch(invalid=to, why=wrong) if wrong else Switch(applied=(to,))
        branch = self.branch(to)
        fork = to.height - len(branch)
        undone = [self.records[name] for name in self.active[:fork:-1]]
        for record in undone:
            self._undo(record)
        for at, record in enumerate(branch):
            wrong = self._apply(record)
            if wrong:
                for back in reversed(branch[:at]):
                    self._undo(back)
                for again in reversed(undone):
                    self._apply(again)
                return Switch(invalid=record, why=wrong)
        return Switch(tuple(undone), tuple(branch))

    def branch(self, to: Record) -> list[Record]:
        """The blocks from where the branch of `to` leaves the active one, oldest first."""
        found = []
        while not self.is_active(to):
            found.append(to)
            to = self.records[to.parent]
        return found[::-1]

    def forget(self, record: Record) -> list[bytes]:
        """Let go of a block off the active branch and of all that follow it; returns their ids."""
        gone = {record.id: None}
        for one in sorted(self.records.values(), key=_height):
            if one.parent in gone:
                gone[one.id] = None
        for name in gone:
            del self.records[name]
        return list(gone)

    def locator(self) -> tuple[bytes, ...]:
        """Ids of the active branch, ever sparser towards the first block: where a peer finds the last common one."""
        height, step = len(self.active) - 1, 1
        names = []
        while height > 0:
            names.append(self.active[height])
            if len(names) >= _DENSE:
                step *= 2
            height -= step
        return (*names, self.active[0])

    def headers_after(self, locator: Sequence[bytes]) -> list[Header]:
        """Headers of the active branch from after the first known block of a locator; at most 200."""
        start = 0
        for name in locator:
            record = self.records.get(name)
            if record is not None and self.is_active(record):
                start = record.height
                break
        headers = []
        for name in self.active[start + 1 : start + 1 + MOST_HEADERS]:
            block = self.records[name].block
            assert block is not None
            headers.append(block.header)
        return headers

    def _apply(self, record: Record) -> str:
        block = record.block
        assert block is not None
        try:
            self.ledger.apply(block.transfers, block.reward_to, REWARD)
        except ValueError as error:
            return str(error)
        self.active.append(record.id)
        self.tip = record
        return ""

    def _undo(self, record: Record) -> None:
        block = record.block
        assert block is not None
        self.ledger.undo(block.transfers, block.reward_to, REWARD)
        self.active.pop()
        self.tip = self.records[record.parent]


def _height(record: Record) -> int:
    return record.height
