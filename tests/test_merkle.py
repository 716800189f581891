"""Merkle trees: the vectors of RFC 9162's kin, proofs, and what must not pass for one."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.merkle import EMPTY, is_in_tree, merkle_proof, merkle_root

# The leaves and roots that certificate transparency tests its trees with.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
leaves = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


@pytest.mark.parametrize("count", ROOTS)
def test_roots_are_those_of_the_standard(count: int) -> None:
    assert merkle_root(LEAVES[:count]).hex() == ROOTS[count]


def test_a_tree_without_leaves_has_a_root() -> None:
    assert merkle_root([]) == EMPTY == sha256(b"").digest()


@given(leaves)
def test_every_leaf_is_proved_and_no_other(found: list[bytes]) -> None:
    root = merkle_root(found)
    for index, leaf in enumerate(found):
        proof = merkle_proof(found, index)
        assert is_in_tree(root, leaf, index, len(found), proof)
        assert not is_in_tree(root, leaf + b"!", index, len(found), proof)
        assert not is_in_tree(root, leaf, index, len(found), (*proof, root))
        assert not proof or not is_in_tree(root, leaf, index, len(found), proof[:-1])


def test_doubling_the_last_leaf_gives_another_root() -> None:
    assert merkle_root([b"a", b"b", b"c"]) != merkle_root([b"a", b"b", b"c", b"c"])


def test_a_node_is_no_leaf() -> None:
    first, second = sha256(b"\x00a").digest(), sha256(b"\x00b").digest()
    assert merkle_root([first + second]) != merkle_root([b"a", b"b"])


def test_there_is_no_proof_of_a_leaf_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="no leaf 3 among 3"):
        merkle_proof([b"a", b"b", b"c"], 3)
    assert not is_in_tree(merkle_root([b"a"]), b"a", 1, 1, ())
