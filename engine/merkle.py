"""Merkle trees (Merkle 1987), as RFC 9162, section 2.1, has them: SHA-256, with leaves and nodes hashed differently.

The older way, which doubles the last of an odd number of nodes, gives two lists of leaves the same root
(CVE-2012-2459); this one does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The 32 bytes that stand for all `leaves`, in their order."""
    if not leaves:
        return EMPTY
    level = [_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        # Pairing from the left, with an odd one out moving up as it is, builds the tree of the RFC.
        above = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = above + level[-1:] if len(level) % 2 else above
    return level[0]


def merkle_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that lead from the leaf at `index` to the root, lowest first. Raises IndexError if there is none."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    level = [_leaf(leaf) for leaf in leaves]
    path = []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        above = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = above + level[-1:] if len(level) % 2 else above
        index //= 2
    return tuple(path)


def is_in_tree(root: bytes, leaf: bytes, index: int, count: int, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that `leaf` stands at `index` in the tree of `count` leaves that has this `root`."""
    if not 0 <= index < count:
        return False
    found, last, at = _leaf(leaf), count - 1, 0
    while last:
        if index < last or index % 2:
            if at == len(proof):
                return False
            found = _node(proof[at], found) if index % 2 else _node(found, proof[at])
            at += 1
        index, last = index // 2, last // 2
    return at == len(proof) and found == root


def _leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
