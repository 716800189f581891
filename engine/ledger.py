"""Accounts and signed transfers between them: what the blocks of a chain hold, whoever puts them into order.

An account is named by an address, the hash of the public key that may spend from it. Its transfers are numbered from 0
without gaps, so a transfer can be applied only once and only in its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

from msgspec import Struct

from engine.signing import is_signed, public_key, sign

_LARGEST = 1 << 62  # of an amount, fee or nonce


class Transfer(Struct, frozen=True, cache_hash=True):
    """An order to pay, signed by the payer. Amounts are whole numbers of the smallest unit."""

    key: bytes  # the payer's public key
    to: str  # the address that receives
    amount: int  # ≥ 1
    fee: int  # ≥ 0, for whoever puts the transfer into the ledger
    nonce: int  # how many transfers the payer had made before
    signature: bytes

    @property
    def id(self) -> str:
        """What names the transfer: 16 hex digits of the hash of all of it."""
        return _name(self)

    @property
    def sender(self) -> str:
        """The address that pays."""
        return address_of(self.key)

    @property
    def size(self) -> int:
        """Its length on the wire, in bytes."""
        return len(encode(self))


@lru_cache(maxsize=16_384)
def address_of(key: bytes) -> str:
    """The address that belongs to a public key: 40 hex digits."""
    return sha256(b"address" + key).digest()[:20].hex()


def transfer(secret: bytes, to: str, amount: int, fee: int, nonce: int) -> Transfer:
    """A transfer that the holder of `secret` has signed."""
    key = public_key(secret)
    return Transfer(key, to, amount, fee, nonce, sign(secret, _signed(key, to, amount, fee, nonce)))


def encode(transfer: Transfer) -> bytes:
    """The transfer in bytes, signature first; no two transfers share them."""
    body = _signed(transfer.key, transfer.to, transfer.amount, transfer.fee, transfer.nonce)
    return len(transfer.signature).to_bytes(2, "big") + transfer.signature + body


@lru_cache(maxsize=65_536)
def leaf(transfer: Transfer) -> bytes:
    """The 32 bytes that stand for a transfer in a Merkle tree."""
    return sha256(encode(transfer)).digest()


@lru_cache(maxsize=65_536)
def _name(transfer: Transfer) -> str:
    return leaf(transfer)[:8].hex()


@lru_cache(maxsize=65_536)
def fault(transfer: Transfer) -> str:
    """What is wrong with a transfer whatever the ledger says, in words; an empty text if nothing is."""
    if type(transfer.key) is not bytes or type(transfer.signature) is not bytes or type(transfer.to) is not str:
        return "it is malformed"
    for name, least in (("amount", 1), ("fee", 0), ("nonce", 0)):
        value = getattr(transfer, name)
        if type(value) is not int or not least <= value < _LARGEST:
            return f"its {name} is {value!r}, which is no whole number of {least} or more"
    body = _signed(transfer.key, transfer.to, transfer.amount, transfer.fee, transfer.nonce)
    if not is_signed(transfer.key, body, transfer.signature):
        return "its signature is not the payer's"
    return ""


def _signed(key: bytes, to: str, amount: int, fee: int, nonce: int) -> bytes:
    return f"transfer {key.hex()} {amount} {fee} {nonce} {to}".encode()


class Ledger:
    """Who has how much, and how many transfers each account has made. Plain state; accounts with nothing are left out,
    so what was applied and undone leaves no trace."""

    __slots__ = ("balances", "nonces")

    def __init__(self, balances: Mapping[str, int] | None = None) -> None:
        self.balances: dict[str, int] = {address: amount for address, amount in (balances or {}).items() if amount}
        self.nonces: dict[str, int] = {}

    def balance(self, address: str) -> int:
        """What an account holds."""
        return self.balances.get(address, 0)

    def nonce(self, address: str) -> int:
        """The number that the account's next transfer has to bear."""
        return self.nonces.get(address, 0)

    @property
    def total(self) -> int:
        """What all accounts hold together."""
        return sum(self.balances.values())

    def problem(self, transfer: Transfer) -> str:
        """Why the transfer may not be applied now, in words; an empty text if it may."""
        wrong = fault(transfer)
        if wrong:
            return wrong
        payer = transfer.sender
        expected = self.nonces.get(payer, 0)
        if transfer.nonce < expected:
            return f"its nonce {transfer.nonce} was used before: the payer's next is {expected}"
        if transfer.nonce > expected:
            return f"its nonce {transfer.nonce} comes too soon: the payer's next is {expected}"
        held = self.balances.get(payer, 0)
        if held < transfer.amount + transfer.fee:
            return f"it spends {transfer.amount + transfer.fee} and the payer has {held}"
        return ""

    def apply(self, transfers: Sequence[Transfer], reward_to: str = "", reward: int = 0) -> None:
        """Carry out all transfers in their order, then pay their fees and `reward`, which is new money, to `reward_to`
        (without one the fees are lost). Raises ValueError, and changes nothing, if one of them may not be applied."""
        fees = 0
        for at, one in enumerate(transfers):
            wrong = self.problem(one)
            if wrong:
                self._undo(transfers[:at])
                raise ValueError(f"transfer {one.id} cannot be applied: {wrong}")
            payer = one.sender
            self._add(payer, -(one.amount + one.fee))
            self._add(one.to, one.amount)
            self.nonces[payer] = one.nonce + 1
            fees += one.fee
        if reward_to:
            self._add(reward_to, reward + fees)

    def undo(self, transfers: Sequence[Transfer], reward_to: str = "", reward: int = 0) -> None:
        """Reverse the `apply` that was called last with the same arguments."""
        if reward_to:
            self._add(reward_to, -(reward + _fees(transfers)))
        self._undo(transfers)

    def copy(self) -> Ledger:
        """A ledger of its own in the same state."""
        other = Ledger()
        other.balances, other.nonces = dict(self.balances), dict(self.nonces)
        return other

    def digest(self) -> bytes:
        """The 32 bytes that stand for the whole state, the same however it came about."""
        state = sha256()
        for address in sorted(self.balances.keys() | self.nonces.keys()):
            state.update(f"{address} {self.balance(address)} {self.nonce(address)}\n".encode())
        return state.digest()

    def _undo(self, transfers: Sequence[Transfer]) -> None:
        for one in reversed(transfers):
            payer = one.sender
            self._add(one.to, -one.amount)
            self._add(payer, one.amount + one.fee)
            if one.nonce:
                self.nonces[payer] = one.nonce
            else:
                del self.nonces[payer]

    def _add(self, address: str, amount: int) -> None:
        now = self.balances.get(address, 0) + amount
        if now:
            self.balances[address] = now
        else:
            self.balances.pop(address, None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ledger):
            return NotImplemented
        return self.balances == other.balances and self.nonces == other.nonces

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{len(self.balances)} accounts with {self.total} in all, {sum(self.nonces.values())} transfers made"

    def __getstate__(self) -> tuple[dict[str, int], dict[str, int]]:
        return self.balances, self.nonces

    def __setstate__(self, state: tuple[dict[str, int], dict[str, int]]) -> None:
        self.balances, self.nonces = state


def _fees(transfers: Iterable[Transfer]) -> int:
    return sum(one.fee for one in transfers)
