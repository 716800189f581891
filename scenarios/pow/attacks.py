"""How a miner behaves that is not honest, and how honest ones choose between branches.

Selfish mining: Eyal & Sirer 2014, algorithm 1. Double spends by a private chain: Nakamoto 2008, section 11; Rosenfeld
2014; Grunspan & Pérez-Marco 2018, with one block mined in advance: the attacker pays once it has found a hidden block
that spends the same money otherwise, waits until the merchant has its confirmations, and publishes as soon as its
branch is the longer one. Not counting the block mined in advance it has then caught up to a draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.exact import ln
from engine.ledger import Transfer, transfer
from engine.signing import secret_key
from scenarios.pow.chain import WEALTH, Block, Record, address_in, short
from scenarios.pow.params import Inv, Order

if TYPE_CHECKING:
    from engine.simulation import Simulation
    from scenarios.pow.miner import Miner

PRICE, FEE = 10, 6  # of what the merchant sells; a fee above all others, so that it is confirmed soon
HOPELESS = 1e-6  # chance of still winning at which a double spend is given up


class Attempt(Struct):
    """A double spend: who is to be cheated, and after how many confirmations. `payment` is set while it is under way;
    `fork` is then the height of the last block that both branches share."""

    merchant: int
    confirmations: int
    once: bool = False
    payment: Transfer | None = None
    fork: int = 0


def under_way(sim: Simulation) -> bool:
    """Whether somebody is in the middle of a double spend."""
    for agent in sim.agents:
        attempt: Attempt | None = getattr(agent, "attempt", None)
        if attempt is not None and attempt.payment is not None and sim.lifecycle.is_up(agent.id):
            return True
    return False


def change(miner: Miner) -> None:
    """The miner's mode has changed: what it hid comes to light or is given up, and the new way begins."""
    attempt = miner.attempt
    if miner.public is not None:
        if miner.tree.tip.work > miner.public.work:
            reveal(miner)
        else:
            follow_public(miner)
    miner.acting = miner.mode
    miner.public, miner.branch, miner.attempt = None, 0, None
    miner.hidden.clear()
    if miner.mode in ("selfish", "double-spender"):
        miner.public = miner.tree.tip
    if miner.mode == "double-spender":
        if attempt is None or attempt.payment is not None:
            attempt = Attempt(default_merchant(miner), miner.params.confirmations)
        miner.attempt = attempt
    miner.mine()
    miner.keep_paying()


def default_merchant(miner: Miner) -> int:
    """Whom a double-spender cheats unless told otherwise: the first other agent."""
    return next((other for other in miner.ctx.sim.others(miner.id)), miner.id)


# --- choosing a branch ----------------------------------------------------------------------------


def consider(miner: Miner, record: Record, sender: int) -> None:
    """A valid block has come from somebody: follow its branch if it has more work than the present one; in a tie the
    one seen first stays, unless it is drawn that a selfish miner was quicker."""
    if miner.public is not None:
        if record.work > miner.public.work:
            miner.public = record
            pass_on(miner, record, sender)
            if miner.mode == "selfish":
                _selfish_rival(miner)
            else:
                _race(miner)
        return
    tip = miner.tree.tip
    if record.work > tip.work or (record.work == tip.work and _sides_with(miner, record)):
        if miner.adopt(record):
            pass_on(miner, record, sender)
        miner.mine()


def _sides_with(miner: Miner, record: Record) -> bool:
    """Whether this honest miner takes a selfish one's side in a tie: `gamma` is the chance. In the real network such a
    miner has its block ready, and brings it to that share of the hash power before the honest one arrives."""
    gamma = miner.params.gamma
    if not gamma:
        return False
    assert record.block is not None and miner.tree.tip.block is not None
    maker = miner.ctx.sim.agents[record.block.miner]
    return maker.mode == "selfish" and miner.tree.tip.block.miner != maker.id and miner.rng.chance(gamma)


def pass_on(miner: Miner, record: Record, sender: int) -> None:
    """Announce a new tip that came from somebody else; not while catching up with what others have long had."""
    if not miner.direct and len(miner.coming) <= 1:
        miner.send_all(Inv(blocks=(record.id,)), sender)


def found(miner: Miner, record: Record) -> None:
    """The miner found a valid block."""
    if miner.mode == "withholder":
        miner.hidden.append(record.id)
        miner.note_found(record, hidden=True)
    elif miner.mode == "selfish":
        _selfish_found(miner, record)
    elif miner.mode == "double-spender":
        _double_spender_found(miner, record)
    elif miner.adopt(record):
        miner.note_found(record, hidden=False)
        miner.publish(record)


def reveal(miner: Miner, up_to: int | None = None) -> int:
    """Publish hidden blocks, up to a height or all; returns how many."""
    records = [miner.tree.records[name] for name in miner.hidden]
    out = [record for record in records if up_to is None or record.height <= up_to]
    del miner.hidden[: len(out)]
    if out:
        last, count = out[-1], miner.ctx.count("reveals")
        miner.ctx.note("revealed", blocks=len(out), block=short(last.id), height=last.height, count=count)
    for record in out:
        miner.publish(record)
    best = out[-1] if out else None
    if best is not None and miner.public is not None and best.work > miner.public.work:
        miner.public = best
    return len(out)


def follow_public(miner: Miner) -> None:
    """Give up the own branch and mine where everybody does."""
    miner.hidden.clear()
    while miner.public is not None and miner.public.id != miner.tree.tip.id and not miner.adopt(miner.public):
        known = [one for one in miner.tree.records.values() if one.id not in miner.hidden]
        miner.public = max(known, key=lambda one: (one.work, one.id))


# --- selfish mining -------------------------------------------------------------------------------


def _selfish_found(miner: Miner, record: Record) -> None:
    assert miner.public is not None
    lead = miner.tree.tip.height - miner.public.height  # before this block
    miner.hidden.append(record.id)
    miner.adopt(record)
    miner.branch += 1
    miner.note_found(record, hidden=True)
    if lead == 0 and miner.branch > 1:  # it was a race, and this wins it
        reveal(miner)
        miner.branch = 0


def _selfish_rival(miner: Miner) -> None:
    """The others' branch has grown."""
    assert miner.public is not None
    public = miner.public
    lead = miner.tree.tip.height - public.height
    if lead < 0:
        miner.branch = 0
        follow_public(miner)
    elif lead == 0:
        reveal(miner)  # a tie: the honest miners are divided
    elif lead == 1:
        reveal(miner)
        miner.branch = 0
    else:
        reveal(miner, public.height)
    miner.mine()


# --- double spends --------------------------------------------------------------------------------


def contents(miner: Miner) -> tuple[Transfer, ...]:
    """The transfers of the next block of this miner."""
    if miner.mode == "invalid-blocks" and miner.branch % 3 == 1:
        nonce = miner.tree.ledger.nonce(miner.address)
        return (transfer(_secret(miner), miner.address, 1_000 * WEALTH, 0, nonce),)
    chosen = miner.choose()
    if may_begin(miner):
        conflict = _spend(miner, miner.address)
        return (conflict, *[one for one in chosen if one.sender != miner.address][:-1])
    return chosen


def may_begin(miner: Miner) -> bool:
    """Whether the next block that this miner finds begins a double spend."""
    attempt, ledger = miner.attempt, miner.tree.ledger
    return (
        attempt is not None
        and attempt.payment is None
        and not miner.outbox
        and ledger.balance(miner.address) >= PRICE + FEE
        and not (miner.params.blocks and miner.ctx.sim.meters.value("mined") >= miner.params.blocks)
    )


def _secret(miner: Miner) -> bytes:
    return secret_key(miner.ctx.sim.seed, miner.name)


def _spend(miner: Miner, to: str) -> Transfer:
    return transfer(_secret(miner), to, PRICE, FEE, miner.tree.ledger.nonce(miner.address))


def _double_spender_found(miner: Miner, record: Record) -> None:
    attempt = miner.attempt
    assert record.block is not None
    if attempt is not None and attempt.payment is not None:
        miner.hidden.append(record.id)
        miner.adopt(record)
        miner.note_found(record, hidden=True)
        _race(miner)
        return
    transfers = record.block.transfers
    if attempt is None or not transfers or transfers[0].sender != miner.address or miner.outbox:
        miner.adopt(record)
        miner.public = record
        miner.note_found(record, hidden=False)
        miner.publish(record)
        return
    sim = miner.ctx.sim
    payment = _spend(miner, address_in(sim.seed, sim.names[attempt.merchant]))
    miner.hidden.append(record.id)
    miner.adopt(record)
    miner.note_found(record, hidden=True)
    attempt.payment, attempt.fork = payment, record.height - 1
    count = miner.ctx.count("double_spends_tried")
    miner.ctx.note(
        "double-spend", merchant=sim.names[attempt.merchant], payment=payment.id[:4],
        confirmations=attempt.confirmations, count=count,
    )  # fmt: skip
    miner.ctx.send(attempt.merchant, Order(payment.id, attempt.confirmations))
    miner.send_all(payment)


def _race(miner: Miner) -> None:
    """Where a double spend stands: publish if that wins, give up if it is hopeless, else go on."""
    attempt, public = miner.attempt, miner.public
    assert public is not None
    if attempt is None or attempt.payment is None:
        follow_public(miner)
        miner.mine()
        return
    secret, honest = miner.tree.tip.height - attempt.fork, public.height - attempt.fork
    if secret > honest and _confirmed(miner, attempt, public) >= attempt.confirmations:
        miner.ctx.note("double-spend-wins", payment=attempt.payment.id[:4], blocks=secret, against=honest)
        reveal(miner)
        miner.public = miner.tree.tip
        _finish(miner)
    elif honest - secret >= hopeless_behind(_share(miner), attempt.confirmations):
        count, name = miner.ctx.count("double_spends_ended"), attempt.payment.id[:4]
        miner.ctx.note("double-spend-ends", payment=name, blocks=secret, against=honest, count=count)
        follow_public(miner)
        _finish(miner)
        miner.mine()


def _finish(miner: Miner) -> None:
    attempt = miner.attempt
    assert attempt is not None
    attempt.payment = None
    if attempt.once:
        miner.mode = miner.acting = "honest"
        miner.attempt, miner.public = None, None


def _confirmed(miner: Miner, attempt: Attempt, public: Record) -> int:
    """How many blocks of the others' branch confirm the payment."""
    at = public
    while at.height > attempt.fork:
        assert at.block is not None and attempt.payment is not None
        if attempt.payment in at.block.transfers:
            return public.height - at.height + 1
        at = miner.tree.records[at.parent]
    return 0


def _share(miner: Miner) -> float:
    sim = miner.ctx.sim
    total = 0.0
    for agent in sim.alive():
        total += getattr(agent, "power", 0.0)
    return miner.power / total if total else 0.0


def hopeless_behind(share: float, confirmations: int) -> int:
    """How many blocks behind a double spend is given up: where the chance (q/p)^(behind + 1) of ever being the longer
    one is below one in a million. Who has half of the hash power never gives up."""
    if share >= 0.5:
        return 1 << 60
    bound = int(ln(HOPELESS) / ln(max(share, 1e-9) / (1.0 - share))) + 1
    return max(bound, confirmations)


# --- sending rubbish ------------------------------------------------------------------------------


def spoiled(miner: Miner, block: Block) -> Block:
    """A block as an `invalid-blocks` miner sends it: without proof, with money it has not, or with other contents than
    its Merkle root says, by turns. Of others it is what they found."""
    if miner.mode != "invalid-blocks":
        return block
    miner.branch += 1
    if miner.branch % 3 == 1:
        return replace(block, header=replace(block.header, nonce=block.header.nonce ^ 1))
    if miner.branch % 3 == 2:
        return block  # `contents` has seen to it
    return replace(block, reward_to=f"{block.reward_to}0")


def pay_badly(miner: Miner) -> None:
    """Send a transfer that nobody must accept: changed after it was signed, without cover, or spent twice."""
    sim = miner.ctx.sim
    ledger, to = miner.tree.ledger, address_in(sim.seed, sim.names[default_merchant(miner)])
    nonce = ledger.nonce(miner.address)
    kind = miner.rng.below(3)
    one = transfer(_secret(miner), to, miner.rng.between(1, 99), FEE, nonce)
    if kind == 0:
        miner.send_all(replace(one, amount=one.amount + 1))
    elif kind == 1:
        miner.send_all(transfer(_secret(miner), to, 1_000 * WEALTH, FEE, nonce))
    else:
        miner.send_all(one)
        miner.send_all(transfer(_secret(miner), miner.address, one.amount, FEE, nonce))
