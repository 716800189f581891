"""Blocks, and what makes one valid: proof of work, its target, its time, its place, its contents.

Nakamoto 2008, sections 2 to 4; the target's compact form, the median of times and the retargeting rule are Bitcoin's.
All is a pure function of a block and what it follows, so what was judged once is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from struct import Struct as Layout

from msgspec import Struct

from engine.exact import exp
from engine.ledger import Ledger, Transfer, address_of, leaf
from engine.merkle import merkle_root
from engine.signing import public_key, secret_key

ID_SIZE = 32
NOBODY = bytes(ID_SIZE)
"""What the first block names as its parent."""
REWARD = 50  # new money for the miner of a block
WEALTH = 1_000_000  # what each account holds in the first block
MOST_TRANSFERS = 500  # in one block
MEDIAN_OF = 11  # blocks whose median time a block has to come after
CLAMP = 4  # times easier or harder that a target may become at once
EVERYTHING = 1 << 256  # how many values a hash may have
EASIEST = EVERYTHING >> 1
_LN2 = 0.6931471805599453
_MOST_32, _MOST_63 = 1 << 32, 1 << 63
_pack = Layout(">32s32sQII").pack


class Header(Struct, frozen=True, cache_hash=True):
    """The 80 bytes that are hashed. `time` is the miner's clock in µs, `target` is in compact form."""

    parent: bytes
    root: bytes
    time: int
    target: int
    nonce: int


class Block(Struct, frozen=True, cache_hash=True):
    """A header and what its Merkle root stands for: the height, the miner and its address, the transfers."""

    header: Header
    height: int
    miner: int  # the agent who found it; −1 for the first block
    reward_to: str
    transfers: tuple[Transfer, ...] = ()

    @property
    def size(self) -> int:
        """Its length on the wire, in bytes, as limited bandwidth counts it."""
        return 160 + sum(one.size for one in self.transfers)


class Record(Struct, frozen=True, cache_hash=True):
    """A valid header in its place: what follows from it and all blocks before it. `block` is None while only the
    header is known."""

    id: bytes
    parent: bytes
    height: int
    work: int  # hashes that were needed on average for it and all before it
    next_target: int  # compact; of the block that follows
    anchor: int  # time of the last block at which the target was set anew
    times: tuple[int, ...]  # of the last eleven blocks, its own last
    transfers: int = 0  # in it and all before it
    block: Block | None = None


class Rules(Struct, frozen=True, cache_hash=True):
    """What all agree on from the start. `interval` is in µs; `retarget` is 0 for a constant difficulty."""

    sampled: bool
    target: int
    interval: int
    retarget: int


# --- targets --------------------------------------------------------------------------------------


def compact(target: int) -> int:
    """A target in four bytes: how many bytes it has, and the highest three of them, rounded down."""
    size = (target.bit_length() + 7) // 8
    shift = 8 * (size - 3)
    return size << 24 | (target >> shift if shift >= 0 else target << -shift)


def expand(form: int) -> int:
    """The target that a compact form stands for."""
    shift = 8 * ((form >> 24) - 3)
    mantissa = form & 0xFFFFFF
    return mantissa << shift if shift >= 0 else mantissa >> -shift


def target_of(bits: float) -> int:
    """The compact target that a hash meets with a chance of 2^−bits; `bits` need not be whole."""
    whole = int(bits)
    part = int(exp((whole - bits) * _LN2) * (1 << 53))
    return compact(min(EASIEST, (part << (256 - whole)) >> 53))


@lru_cache(maxsize=256)
def chance_of(target: int) -> float:
    """The chance that one hash meets a compact target."""
    return expand(target) / EVERYTHING


@lru_cache(maxsize=256)
def work_of(target: int) -> int:
    """How many hashes a block with this compact target takes on average."""
    return EVERYTHING // (expand(target) + 1)


def retargeted(target: int, took: int, wanted: int) -> int:
    """The compact target after a period that took `took` µs instead of `wanted`."""
    took = min(max(took, wanted // CLAMP), wanted * CLAMP)
    return compact(min(EASIEST, max(1, expand(target) * took // wanted)))


# --- blocks ---------------------------------------------------------------------------------------


def encode(header: Header) -> bytes:
    """The 80 bytes of a header."""
    return _pack(header.parent, header.root, header.time, header.target, header.nonce)


@lru_cache(maxsize=16_384)
def id_of(header: Header) -> bytes:
    """The hash of a header, which names its block; empty for one that cannot be put into 80 bytes."""
    fits = (
        len(header.parent) == ID_SIZE == len(header.root)
        and 0 <= header.time < _MOST_63
        and 0 <= header.target < _MOST_32
        and 0 <= header.nonce < _MOST_32
        and (header.target >> 24) <= ID_SIZE
    )
    return sha256(encode(header)).digest() if fits else b""


def root_of(height: int, miner: int, reward_to: str, transfers: Sequence[Transfer]) -> bytes:
    """The Merkle root over what a block holds; its first leaf says who found it, and at which height."""
    first = f"reward {height} {miner} {reward_to}".encode()
    return merkle_root([first, *map(leaf, transfers)])


def seal_of(header: Header) -> int:
    """What stands in for a nonce where mining is sampled, and nobody searched: a checksum of the rest."""
    return int.from_bytes(sha256(b"sampled" + encode(header)[:-4]).digest()[:4], "big")


def search(header: Header, first: int, count: int) -> int | None:
    """Try `count` nonces from `first` on; the first one whose hash meets the target, or None."""
    start = sha256(encode(header)[:-4])
    target = expand(header.target).to_bytes(ID_SIZE, "big")
    for nonce in range(first, first + count):
        attempt = start.copy()
        attempt.update(nonce.to_bytes(4, "big"))
        if attempt.digest() <= target:
            return nonce
    return None


@lru_cache(maxsize=64)
def address_in(seed: int, name: str) -> str:
    """The address of the account that an agent has in a run."""
    return address_of(public_key(secret_key(seed, name)))


@lru_cache(maxsize=16)
def genesis(rules: Rules, seed: int, names: tuple[str, ...]) -> tuple[Record, tuple[tuple[str, int], ...]]:
    """The first block, which holds what each account starts with, and those balances."""
    balances = tuple([(address_in(seed, name), WEALTH) for name in names])
    header = Header(NOBODY, Ledger(dict(balances)).digest(), 0, rules.target, 0)
    block = Block(header, 0, -1, "")
    return Record(id_of(header), NOBODY, 0, 0, rules.target, 0, (0,), 0, block), balances


# --- validity -------------------------------------------------------------------------------------


@lru_cache(maxsize=16_384)
def place(rules: Rules, parent: Record, header: Header) -> Record | str:
    """A header's record, without its block; or, in words, why it may not follow `parent`."""
    name = id_of(header)
    if not name:
        return "its header is malformed"
    if header.parent != parent.id:
        return "it follows another block"
    if header.target != parent.next_target:
        return "its target is not the one that the rules set"
    if header.time <= median(parent.times):
        return f"its time is not after the median of the {len(parent.times)} blocks before it"
    if rules.sampled:
        if header.nonce != seal_of(header):
            return "it lacks the stand-in for a proof of work"
    elif int.from_bytes(name, "big") > expand(header.target):
        return "its hash does not meet the target"
    height = parent.height + 1
    next_target, anchor = header.target, parent.anchor
    if rules.retarget and height % rules.retarget == 0:
        next_target = retargeted(next_target, header.time - anchor, rules.retarget * rules.interval)
        anchor = header.time
    times = (*parent.times[1 - MEDIAN_OF :], header.time)
    return Record(name, parent.id, height, parent.work + work_of(header.target), next_target, anchor, times)


@lru_cache(maxsize=16_384)
def judge(rules: Rules, parent: Record, block: Block) -> Record | str:
    """A block's record; or, in words, why it is invalid whatever the accounts hold. Whether its transfers may be
    applied is seen when they are."""
    found = place(rules, parent, block.header)
    if isinstance(found, str):
        return found
    if block.height != found.height:
        return f"it says that its height is {block.height}; it is {found.height}"
    if len(block.transfers) > MOST_TRANSFERS:
        return f"it holds {len(block.transfers)} transfers; {MOST_TRANSFERS} are allowed"
    if root_of(block.height, block.miner, block.reward_to, block.transfers) != block.header.root:
        return "its contents do not fit its Merkle root"
    return Record(
        found.id, found.parent, found.height, found.work, found.next_target, found.anchor, found.times,
        parent.transfers + len(block.transfers), block,
    )  # fmt: skip


def median(times: Sequence[int]) -> int:
    """The middle one of some times; of two middle ones the later."""
    return sorted(times)[len(times) // 2]


def short(name: bytes) -> str:
    """A block's id in four hex digits. They are its last: proof of work makes the first ones zeros."""
    return name.hex()[-4:]
