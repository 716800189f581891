"""How replicas and clients of PBFT misbehave. Whatever they say goes out under what proof they can make: by their own
keys, never by those of others."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.ledger import fault
from engine.scenario import Misbehaviour
from scenarios.pbft.messages import (
    Batch,
    Checkpoint,
    Commit,
    Committed,
    Message,
    Prepare,
    PrePrepare,
    Reply,
    Request,
    State,
    ViewChange,
    digest_of,
)

if TYPE_CHECKING:
    from scenarios.pbft.replica import Replica

MISBEHAVIOURS = (
    Misbehaviour("silent", "a replica listens, and says nothing at all: as primary it brings everything to a stop"),
    Misbehaviour("slow", "a primary holds each request back until just before the others lose patience"),
    Misbehaviour("equivocator", "a primary gives one number to two requests, one for each half of the others"),
    Misbehaviour("liar", "a replica gives wrong digests in all that it votes for, and wrong answers to clients"),
    Misbehaviour("replayer", "a replica sends again, to anybody, what it heard from anybody long ago"),
    Misbehaviour(
        "colluder", "an equivocator that votes for both sides, as do its fellow colluders: f+1 break agreement"
    ),
    Misbehaviour(
        "forger", "a replica speaks in the names of clients and of other replicas; with no proof it is believed"
    ),
    Misbehaviour(
        "two-faced", "a client sends two different requests under one timestamp, to one half of the replicas each"
    ),
)

HOARD = 64  # messages that a replayer remembers
REPLAYS = 3  # it sends one of them again for each so many that it hears
DAWDLING = 0.8  # the part of the others' patience that a slow primary uses up


def dawdle(replica: Replica, requests: list[Request]) -> None:
    """A slow primary lets each request wait."""
    for request in requests:
        if ("propose", request.client) not in replica.ctx.timers:
            replica.ctx.set_timer(("propose", request.client), int(replica.settings.timeout * DAWDLING))


def false(digest: bytes) -> bytes:
    """A digest of nothing, the same for the same truth."""
    return sha256(b"lie" + digest).digest()


# --- what they hear -------------------------------------------------------------------------------


def overhear(replica: Replica, message: Message) -> None:
    """A misbehaving replica has received a message, and is about to act on it."""
    if replica.mode == "replayer":
        if len(replica.hoard) < HOARD:
            replica.hoard.append(message)
        else:
            replica.hoard[replica.rng.below(HOARD)] = message
        if replica.rng.below(REPLAYS) == 0:
            replica.ctx.count("replayed")
            replica.ctx.send(replica.rng.choice(replica.others), replica.rng.choice(replica.hoard))
    elif replica.mode == "colluder" and isinstance(message, PrePrepare) and message.view == replica.view:
        _collude(replica, message)
    elif replica.mode == "forger" and isinstance(message, PrePrepare) and message.view == replica.view:
        _forge(replica, message)


def _colluders(replica: Replica) -> list[int]:
    """Those in league: they know one another, by whatever means."""
    agents = replica.ctx.sim.agents
    is_up = replica.ctx.sim.lifecycle.is_up
    return [one for one in range(replica.settings.n) if agents[one].mode == "colluder" and is_up(one)]


def _collude(replica: Replica, message: PrePrepare) -> None:
    """Vote for whatever a fellow colluder proposes. Where another is primary, f+1 of them are enough to change that."""
    fellows = _colluders(replica)
    if message.replica in fellows:
        _vote(replica, message)
    elif len(fellows) > replica.settings.f and not replica.changing:
        view = replica.view + 1
        while replica.primary_of(view) not in fellows:
            view += 1
        replica.ask_for_view(view)


def _vote(replica: Replica, message: PrePrepare) -> None:
    """Vote for a pre-prepare through all phases at once, whatever else the replica votes for."""
    vote = (message.view, message.seq, message.digest, replica.id)
    messages: list[Message] = [replica.sealed(Commit(*vote))]
    if replica.primary_of(message.view) != replica.id:
        messages.insert(0, replica.sealed(Prepare(*vote)))
    for one in messages:
        for other in replica.others:
            replica.say(other, one)


def _forge(replica: Replica, message: PrePrepare) -> None:
    """Votes for nothing in the names of the others, false answers, and requests that no client made."""
    nothing = false(message.digest)
    for other in replica.others:
        for to in replica.others:
            if other != message.replica:
                _say_forged(replica, to, Prepare(message.view, message.seq, nothing, other))
            _say_forged(replica, to, Commit(message.view, message.seq, nothing, other))
    for request in message.batch:
        client = request.client
        for other in replica.others:
            answer = Reply(message.view, request.timestamp, client, other, "not paid, says somebody")
            _say_forged(replica, client, answer)
        if not fault(request.transfer):
            made_up = replace(request.transfer, amount=request.transfer.amount + 1)
            forged = Request(made_up, request.timestamp + 1, client)
            for to in replica.others:
                _say_forged(replica, to, forged)


def _say_forged(replica: Replica, to: int, message: Any) -> None:
    replica.ctx.count("forged")
    replica.ctx.send(to, replica.sealed(message))


# --- what they say --------------------------------------------------------------------------------


def multicast(replica: Replica, message: Message) -> None:
    """What a misbehaving replica sends in place of a message to all others."""
    mode = replica.mode
    if mode in ("equivocator", "colluder") and isinstance(message, PrePrepare):
        _equivocate(replica, message)
    elif mode == "equivocator" and isinstance(message, (Prepare, Commit)) and not replica.is_primary:
        lie = _lie(replica, message)
        for at, other in enumerate(replica.others):
            replica.say(other, lie if at % 2 else message)
    else:
        for other in replica.others:
            send(replica, other, message)


def send(replica: Replica, to: int, message: Message) -> None:
    """What a misbehaving replica sends in place of a message to one agent."""
    if replica.mode == "silent":
        return
    if replica.mode == "equivocator" and replica.is_primary and isinstance(message, Commit):
        return  # neither half is to get its quorum
    if replica.mode == "liar":
        message = _lie(replica, message)
    if isinstance(message, Reply):
        replica.ctx.send(to, message)  # which was counted before
    else:
        replica.say(to, message)


def _lie(replica: Replica, message: Message) -> Any:
    """The message with something wrong in it, under the replica's own proof."""
    if isinstance(message, (PrePrepare, Prepare, Commit, Checkpoint)):
        if message.replica != replica.id:
            return message
        return replica.sealed(replace(message, digest=false(message.digest), auth=b""))
    if isinstance(message, Committed):
        return replica.sealed(replace(message, batch=message.batch[::-1] + message.batch, auth=b""))
    if isinstance(message, State):
        wrong = replace(message.snapshot, balances=message.snapshot.balances[1:])
        return replica.sealed(replace(message, snapshot=wrong, auth=b""))
    if isinstance(message, ViewChange) and message.replica == replica.id:
        lies = [
            replace(one, pre_prepare=replace(one.pre_prepare, batch=(), digest=digest_of(())))
            for one in message.prepared
        ]
        return replica.sealed(replace(message, prepared=tuple(lies), auth=b""))
    if isinstance(message, Reply):
        lie = replace(message, result="not paid, says somebody", auth=b"")
        return replica.sealed(lie, (replica.ctx.sim.names[message.client],))
    return message


def _equivocate(replica: Replica, message: PrePrepare) -> None:
    """Two requests under one number: one for each half of the others. Fellow colluders hear of both."""
    batch = _other_face(replica, message.batch)
    if batch is None:
        for other in replica.others:
            replica.say(other, message)
        return
    face = replica.sealed(replace(message, digest=digest_of(batch), batch=batch, auth=b""))
    fellows = _colluders(replica) if replica.mode == "colluder" else []
    honest = [other for other in replica.others if other not in fellows]
    for at, other in enumerate(honest):
        replica.say(other, message if 2 * at < len(honest) else face)
    for other in fellows:
        if other != replica.id:
            replica.say(other, message)
            replica.say(other, face)
    first = replica.ctx.count(f"equivocates {replica.id} {message.view}") == 1
    replica.ctx.note("equivocates", seq=message.seq, view=message.view, first=first)
    if replica.mode == "colluder":
        _vote(replica, message)
        _vote(replica, face)


def _other_face(replica: Replica, batch: Batch) -> Batch | None:
    """A batch that clients asked for as well: of a request that waits, or of one that was carried out before."""
    for request in replica.waiting.values():
        if request not in batch:
            return (request,)
    for one in reversed(replica.chain):
        if one.block.batch and one.block.batch != batch:
            return one.block.batch
    return batch[::-1] if len(batch) > 1 else None


def faces(request: Request, other: Request, replicas: int) -> list[Request]:
    """Which of two requests a two-faced client sends to each replica."""
    return [request if replica % 2 == 0 else other for replica in range(replicas)]
