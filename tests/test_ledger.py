"""Accounts and signed transfers: what may be applied, what may not, and undoing it all."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.ledger import Ledger, Transfer, address_of, encode, fault, transfer
from engine.signing import public_key, secret_key

NAMES = ("anna", "ben", "cleo")
SECRET = {name: secret_key(1, name) for name in NAMES}
ADDRESS = {name: address_of(public_key(secret)) for name, secret in SECRET.items()}


def pays(payer: str, payee: str, amount: int, nonce: int, fee: int = 1) -> Transfer:
    return transfer(SECRET[payer], ADDRESS[payee], amount, fee, nonce)


def ledger() -> Ledger:
    return Ledger({ADDRESS["anna"]: 100, ADDRESS["ben"]: 50})


def test_a_transfer_moves_money_and_its_fee_goes_to_whoever_puts_it_in() -> None:
    book = ledger()
    book.apply([pays("anna", "ben", 30, 0, fee=2)], reward_to=ADDRESS["cleo"], reward=10)
    assert [book.balance(ADDRESS[name]) for name in NAMES] == [68, 80, 12]
    assert book.nonce(ADDRESS["anna"]) == 1 and book.nonce(ADDRESS["ben"]) == 0
    assert book.total == 160


def test_without_anybody_to_reward_the_fee_is_lost() -> None:
    book = ledger()
    book.apply([pays("anna", "ben", 30, 0, fee=2)])
    assert book.total == 148


def test_money_can_be_spent_in_the_block_that_brings_it_but_not_the_reward() -> None:
    book = ledger()
    book.apply([pays("anna", "cleo", 40, 0), pays("cleo", "ben", 30, 0)])
    assert book.balance(ADDRESS["cleo"]) == 9
    with pytest.raises(ValueError, match="spends 61 and the payer has 9"):
        book.apply([pays("cleo", "ben", 60, 1)], reward_to=ADDRESS["cleo"], reward=1000)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (pays("anna", "ben", 30, 1), "its nonce 1 comes too soon: the payer's next is 0"),
        (pays("anna", "ben", 100, 0), "it spends 101 and the payer has 100"),
        (pays("cleo", "ben", 1, 0), "it spends 2 and the payer has 0"),
        (replace(pays("anna", "ben", 30, 0), amount=3), "its signature is not the payer's"),
        (replace(pays("anna", "ben", 30, 0), key=public_key(SECRET["ben"])), "its signature is not the payer's"),
        (pays("anna", "ben", 0, 0), "its amount is 0"),
        (pays("anna", "ben", -5, 0), "its amount is -5"),
        (pays("anna", "ben", 5, 0, fee=-1), "its fee is -1"),
        (pays("anna", "ben", 1 << 70, 0), "its amount is"),
        (replace(pays("anna", "ben", 30, 0), key=b"short"), "its signature is not the payer's"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_changes_nothing(one: Transfer, words: str) -> None:
    book = ledger()
    assert words in book.problem(one)
    good = pays("ben", "cleo", 1, 0)
    with pytest.raises(ValueError, match=f"transfer {one.id} cannot be applied"):
        book.apply([good, one], reward_to=ADDRESS["cleo"], reward=5)
    assert book == ledger()


def test_a_transfer_is_applied_once_only() -> None:
    book, one = ledger(), pays("anna", "ben", 30, 0)
    book.apply([one])
    assert book.problem(one) == "its nonce 0 was used before: the payer's next is 1"
    other = pays("anna", "cleo", 30, 0)
    assert "was used before" in book.problem(other), "nor another that spends the same"


def test_what_names_a_transfer_is_all_of_it() -> None:
    one = pays("anna", "ben", 30, 0)
    assert one.sender == ADDRESS["anna"] and len(one.id) == 16 and one.size == len(encode(one))
    others = [
        pays("anna", "ben", 31, 0), pays("anna", "ben", 30, 1), pays("anna", "cleo", 30, 0), pays("ben", "anna", 30, 0),
        pays("anna", "ben", 30, 0, fee=2), replace(one, signature=bytes(64)),
    ]  # fmt: skip
    assert len({one.id, *(other.id for other in others)}) == 7
    assert fault(one) == "" and transfer(SECRET["anna"], ADDRESS["ben"], 30, 1, 0) == one


def test_the_digest_is_that_of_the_state_however_it_came_about() -> None:
    one, other = ledger(), Ledger({ADDRESS["ben"]: 50, ADDRESS["anna"]: 100, "nobody": 0})
    assert one == other and one.digest() == other.digest()
    moved = pays("anna", "ben", 30, 0)
    one.apply([moved])
    assert one.digest() != other.digest()
    one.undo([moved])
    assert one.digest() == other.digest()


def test_a_copy_goes_its_own_way_and_a_pickle_is_the_same() -> None:
    book = ledger()
    copy = book.copy()
    copy.apply([pays("anna", "ben", 30, 0)])
    assert book == ledger() != copy
    assert pickle.loads(pickle.dumps(copy)) == copy


steps = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 60), st.integers(0, 3)), max_size=12
)


@given(st.lists(steps, max_size=4))
def test_undoing_all_blocks_leaves_no_trace(blocks: list[list[Any]]) -> None:
    book = ledger()
    done = []
    for block in blocks:
        before = book.copy()
        transfers = []
        for payer, payee, amount, fee in block:
            one = pays(payer, payee, amount, book.nonce(ADDRESS[payer]), fee)
            if not book.problem(one):
                book.apply([one])
                transfers.append(one)
        book = before
        book.apply(transfers, ADDRESS["cleo"], 7)
        assert min(book.balances.values()) > 0
        done.append(transfers)
    assert book.total == 150 + 7 * len(blocks)
    for transfers in reversed(done):
        book.undo(transfers, ADDRESS["cleo"], 7)
    assert book == ledger() and book.digest() == ledger().digest()
