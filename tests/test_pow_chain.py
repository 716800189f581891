"""Blocks: targets, proofs, and everything that makes one invalid; the tree of blocks, and the mempool."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from engine.ledger import Ledger, Transfer, transfer
from engine.signing import secret_key
from scenarios.pow.chain import (
    EASIEST,
    EVERYTHING,
    REWARD,
    WEALTH,
    Block,
    Header,
    Record,
    Rules,
    address_in,
    compact,
    encode,
    expand,
    genesis,
    id_of,
    judge,
    retargeted,
    root_of,
    seal_of,
    search,
    target_of,
    work_of,
)
from scenarios.pow.pool import Mempool
from scenarios.pow.tree import BlockTree

REAL = Rules(False, target_of(4.5), 10_000_000, 3)
SAMPLED = Rules(True, target_of(4.5), 10_000_000, 3)
NAMES = ("anna", "ben")
ANNA, BEN = (address_in(5, name) for name in NAMES)


def pays(amount: int, nonce: int, fee: int = 1, payer: str = "anna", to: str = BEN) -> Transfer:
    return transfer(secret_key(5, payer), to, amount, fee, nonce)


def mined(rules: Rules, parent: Record, transfers: tuple[Transfer, ...] = (), **changes: Any) -> Block:
    """A block that is valid but for `changes`, which were made before it was mined."""
    held = {"height": parent.height + 1, "miner": 0, "reward_to": ANNA, "transfers": transfers}
    said = {
        "parent": parent.id, "root": root_of(**held), "time": parent.times[-1] + 10_000_000,  # type: ignore[arg-type]
        "target": parent.next_target, "nonce": 0, **changes,
    }  # fmt: skip
    header = Header(**said)  # type: ignore[arg-type]
    nonce = seal_of(header) if rules.sampled else search(header, 0, 1 << 20)
    assert nonce is not None
    return Block(replace(header, nonce=nonce), **held)  # type: ignore[arg-type]


def first(rules: Rules) -> Record:
    return genesis(rules, 5, NAMES)[0]


def accepted(rules: Rules, parent: Record, *more: Any, **changes: Any) -> Record:
    record = judge(rules, parent, mined(rules, parent, *more, **changes))
    assert isinstance(record, Record), record
    return record


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 1.5, 8, 11.37, 12, 20.25, 40])
def test_a_target_need_not_be_a_power_of_two(bits: float) -> None:
    target = expand(target_of(bits))
    assert target / EVERYTHING == pytest.approx(2.0**-bits, rel=1e-4)
    assert work_of(target_of(bits)) == pytest.approx(2.0**bits, rel=1e-4, abs=1)


def test_compact_targets_round_down_and_stay() -> None:
    for target in (1, 255, 256, 65_535, 1 << 100, 0xABCDEF << 200, EASIEST, (1 << 224) - 1):
        short = compact(target)
        assert 0 < expand(short) <= target
        assert target - expand(short) <= target >> 15
        assert compact(expand(short)) == short
        assert short < 1 << 32


def test_the_target_follows_the_time_that_a_period_took() -> None:
    old = target_of(20)
    for took, factor in ((40, 1), (20, Fraction(1, 2)), (80, 2), (1, Fraction(1, 4)), (999, 4), (0, Fraction(1, 4))):
        assert expand(retargeted(old, took, 40)) == pytest.approx(float(expand(old) * factor), rel=1e-4)
    assert expand(retargeted(target_of(1), 120, 30)) == expand(compact(EASIEST)), "never easier than that"


# --- blocks ---------------------------------------------------------------------------------------


def test_a_header_has_eighty_bytes_and_a_search_finds_a_hash_below_the_target() -> None:
    block = mined(REAL, first(REAL))
    assert len(encode(block.header)) == 80
    assert int.from_bytes(id_of(block.header), "big") <= expand(REAL.target)
    assert search(replace(block.header, nonce=0), 0, block.header.nonce) is None, "it is the first that does"


def test_about_as_many_hashes_are_needed_as_the_target_says() -> None:
    header = mined(REAL, first(REAL)).header
    hits = at = 0
    while (found := search(header, at, 40_000 - at)) is not None:
        hits, at = hits + 1, found + 1
    expected = 40_000 / 2**4.5
    assert abs(hits - expected) < 4 * expected**0.5


@pytest.mark.parametrize("rules", [REAL, SAMPLED], ids=["real", "sampled"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parent": bytes(32)}, "it follows another block"),
        ({"parent": b"short"}, "malformed"),
        ({"target": target_of(4)}, "its target is not the one"),
        ({"time": 0}, "not after the median"),
        ({"time": -5}, "malformed"),
        ({"time": 1 << 70}, "malformed"),
        ({"root": bytes(32)}, "do not fit its Merkle root"),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused(rules: Rules, change: dict[str, Any], words: str) -> None:
    parent = first(rules)
    good = mined(rules, parent)
    assert isinstance(judge(rules, parent, good), Record)
    said = replace(good.header, **change)
    if "malformed" not in words:
        nonce = seal_of(said) if rules.sampled else search(replace(said, nonce=0), 0, 1 << 16)
        assert nonce is not None
        said = replace(said, nonce=nonce)
    assert words in str(judge(rules, parent, replace(good, header=said)))


def test_without_a_proof_of_work_a_block_is_refused() -> None:
    parent = first(REAL)
    good = mined(REAL, parent)
    bad = replace(good, header=replace(good.header, nonce=good.header.nonce + 1))
    while int.from_bytes(id_of(bad.header), "big") <= expand(REAL.target):
        bad = replace(bad, header=replace(bad.header, nonce=bad.header.nonce + 1))
    assert judge(REAL, parent, bad) == "its hash does not meet the target"


def test_a_stand_in_counts_only_where_mining_is_sampled() -> None:
    parent = first(SAMPLED)
    block = mined(SAMPLED, parent)
    assert isinstance(judge(SAMPLED, parent, block), Record)
    wrong = replace(block, header=replace(block.header, nonce=block.header.nonce ^ 1))
    assert "stand-in" in str(judge(SAMPLED, parent, wrong))
    hard = Rules(False, target_of(30), 10_000_000, 0)
    sealed = mined(Rules(True, target_of(30), 10_000_000, 0), genesis(hard, 5, NAMES)[0])
    assert judge(hard, genesis(hard, 5, NAMES)[0], sealed) == "its hash does not meet the target"


@pytest.mark.parametrize(
    "change",
    [{"height": 2}, {"miner": 1}, {"reward_to": BEN}, {"transfers": (pays(5, 0),)}],
    ids=lambda one: next(iter(one)),
)
def test_a_block_whose_contents_were_changed_is_refused(change: dict[str, Any]) -> None:
    parent = first(SAMPLED)
    found = judge(SAMPLED, parent, replace(mined(SAMPLED, parent), **change))
    assert isinstance(found, str)


def test_time_has_to_pass_the_median_of_eleven() -> None:
    rules = Rules(True, target_of(4), 10_000_000, 0)
    record = first(rules)
    for _ in range(12):
        record = accepted(rules, record)
    middle = sorted(record.times)[5]
    assert len(record.times) == 11
    assert isinstance(judge(rules, record, mined(rules, record, time=middle + 1)), Record), "earlier than its parent"
    assert "median" in str(judge(rules, record, mined(rules, record, time=middle)))


def test_the_target_changes_every_third_block_and_work_adds_up() -> None:
    record = first(SAMPLED)
    for height in range(1, 7):
        before = record
        record = accepted(SAMPLED, record, time=record.times[-1] + 5_000_000)
        assert record.height == height
        assert record.work == before.work + work_of(before.next_target)
        assert (record.next_target != before.next_target) == (height % 3 == 0)
    assert expand(record.next_target) == pytest.approx(expand(SAMPLED.target) / 4, rel=1e-3)


# --- the tree -------------------------------------------------------------------------------------


def tree() -> BlockTree:
    record, balances = genesis(SAMPLED, 5, NAMES)
    return BlockTree(record, dict(balances))


def grown(book: BlockTree, parent: Record, *transfers: Transfer, **changes: Any) -> Record:
    record = accepted(SAMPLED, parent, transfers, **changes)
    book.add(record)
    return record


def test_a_switch_undoes_one_branch_and_applies_the_other() -> None:
    book = tree()
    root = book.tip
    left = grown(book, root, pays(100, 0))
    book.switch(left)
    assert book.ledger.balance(BEN) == WEALTH + 100
    right = grown(book, root, pays(7, 0), time=1)
    top = grown(book, right, pays(8, 1), time=2)
    done = book.switch(top)
    assert done.undone == (left,) and done.applied == (right, top) and not done.why
    assert book.active == [root.id, right.id, top.id]
    assert book.ledger.balance(BEN) == WEALTH + 15
    assert book.ledger.total == 2 * WEALTH + 2 * REWARD
    book.switch(left)
    assert book.ledger.balance(BEN) == WEALTH + 100 and book.tip is left


def test_a_switch_that_fails_changes_nothing() -> None:
    book = tree()
    root = book.tip
    left = grown(book, root, pays(100, 0))
    book.switch(left)
    before = book.ledger.copy()
    right = grown(book, root, pays(7, 0), time=1)
    bad = grown(book, right, pays(10 * WEALTH, 1), time=2)
    after = grown(book, bad, time=3)
    done = book.switch(after)
    assert done.invalid is bad and "spends" in done.why and not done.applied
    assert book.tip is left and book.ledger == before and book.active == [root.id, left.id]
    assert book.forget(bad) == [bad.id, after.id]
    assert book.records.keys() == {root.id, left.id, right.id}


def test_a_locator_finds_the_last_common_block() -> None:
    book, other = tree(), tree()
    record = book.tip
    for _ in range(40):
        record = grown(book, record)
        other.add(record)
    book.switch(record)
    other.switch(record)
    assert book.headers_after(other.locator()) == []
    mine = record
    for _ in range(5):
        mine = grown(book, mine)
    book.switch(mine)
    theirs = record
    for _ in range(30):
        theirs = grown(other, theirs, time=theirs.times[-1] + 1_000_000)
    other.switch(theirs)
    locator = other.locator()
    assert len(locator) < 25 and locator[-1] == book.active[0]
    headers = book.headers_after(locator)
    assert headers[-1].parent == mine.parent
    assert headers[0].parent in other.records


# --- the mempool ----------------------------------------------------------------------------------


def test_the_mempool_takes_each_number_once() -> None:
    pool, ledger = Mempool(), Ledger({ANNA: 100, BEN: 100})
    one = pays(10, 0)
    assert pool.problem(one, ledger) == ""
    pool.add(one)
    assert "double spend" in pool.problem(pays(20, 0), ledger)
    assert "payer has 100" in pool.problem(pays(200, 1), ledger)
    assert "signature" in pool.problem(replace(one, nonce=1), ledger)
    assert "too many" in pool.problem(pays(1, 500), ledger)
    ledger.apply([one])
    assert "spent already" in pool.problem(one, ledger)


def test_the_best_fees_come_first_and_each_payers_transfers_in_order() -> None:
    pool, ledger = Mempool(), Ledger({ANNA: 100, BEN: 100})
    cheap, dear = pays(1, 0, fee=1), pays(1, 1, fee=9)
    other, late = pays(1, 0, 5, "ben", ANNA), pays(1, 5, 50, "ben", ANNA)
    for one in (dear, late, cheap, other):
        pool.add(one)
    assert pool.choose(ledger, 10) == (other, cheap, dear), "the late one's forerunners are missing"
    assert pool.choose(ledger, 1) == (other,)
    assert pool.next_nonce(ANNA, ledger) == 2 and pool.next_nonce(BEN, ledger) == 1
    pool.confirmed([cheap, other])
    assert list(pool.waiting) == [dear.id, late.id]


def test_nothing_is_chosen_that_its_payer_cannot_cover() -> None:
    pool, ledger = Mempool(), Ledger({ANNA: 30})
    for one in (pays(20, 0), pays(20, 1)):
        assert not pool.problem(one, ledger)
        pool.add(one)
    assert pool.choose(ledger, 10) == (pays(20, 0),)
