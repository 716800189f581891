"""A replica of practical Byzantine fault tolerance (Castro & Liskov, OSDI 1999, section 4), in the paper's order:
normal case, checkpoints, view change; then how a replica that lacks something comes by it.

What is durable: all that a replica has promised or carried out (view, log, votes, checkpoints, state, the last reply to
each client), as if each message were written to disk before it is sent. So a replica that crashes and restarts is only
slow, and never takes back a vote. What it loses are the requests that wait, its timers, and mail.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from msgspec.structs import replace

from engine.agent import Agent
from engine.describe import kind_of
from engine.ledger import Ledger
from scenarios.pbft import faults, measures
from scenarios.pbft.messages import (
    GENESIS,
    Batch,
    Certificate,
    Checkpoint,
    Commit,
    Committed,
    Fetch,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    Reply,
    Request,
    Snapshot,
    State,
    Status,
    ViewChange,
    digest_of,
    is_proven,
    make_block,
    prove,
)
from scenarios.pbft.state import Claim, Executed, Settings, Slot, Votes

ENDLESS = 1 << 60  # the high watermark where there are no checkpoints
LEAST_WINDOW = 16  # numbers between the watermarks at least: with fewer, slower replicas have to drop too much
EARLY = 64  # pre-prepares of views to come that are kept
CAUGHT_UP_AT_ONCE = 32  # batches that one replica sends to one that lacks them, for each time it asks
CHAIN_KEPT = 1024  # blocks that a replica keeps to be looked at, beyond what the protocol needs
LONGEST_DOUBLING = 16  # times that a timeout doubles at most


class Replica(Agent):
    """One of the n = 3f+1 replicas; number i is agent i. Agents beyond n, who joined later, take no part: the group is
    fixed."""

    durable = (
        "view", "changing", "attempts", "stable", "stable_proof", "log", "sequence", "executed", "head", "ledger",
        "replies", "snapshots", "checkpoints", "changes", "own_change", "new_view", "chain", "furthest",
        "tainted",
    )  # fmt: skip

    def __init__(self, settings: Settings) -> None:
        self.view = 0
        self.changing = False  # whether it has asked for `view`, and waits for it to begin
        self.attempts = 0  # views in a row that brought nothing
        self.stable = 0  # the low watermark h: the last stable checkpoint
        self.stable_proof: tuple[Checkpoint, ...] = ()
        self.log: dict[int, Slot] = {}
        self.sequence = 0  # the last number that it gave a batch, as primary
        self.executed = 0
        self.head = GENESIS  # the last block
        self.ledger = Ledger()
        self.replies: dict[int, tuple[int, str]] = {}  # client → timestamp and result of its last request
        self.chain: list[Executed] = []
        self.snapshots: dict[int, Snapshot] = {}
        self.checkpoints: dict[int, dict[bytes, dict[int, Checkpoint]]] = {}  # number → digest → replica → message
        self.changes: dict[int, ViewChange] = {}  # the latest of each replica
        self.own_change: ViewChange | None = None
        self.new_view: NewView | None = None  # what began the view
        self.waiting: dict[int, Request] = {}  # client → request that is yet to be carried out
        self.assigned: dict[int, int] = {}  # client → timestamp of its request that has a number in this view
        self.early: list[PrePrepare] = []  # of views that have not begun yet
        self.claims: dict[int, dict[bytes, Claim]] = {}  # number → digest → who says it was committed
        self.target: tuple[int, bytes] | None = None  # a checkpoint further on that a correct replica vouches for
        self.catching = False  # whether it has reason to think that others are ahead
        self.furthest = 0  # the highest number that it has reason to think will be used
        self.noticed = (0, 0, 0)  # how far it was when the retry timer was set
        self.fetched_from = 0
        self.tainted = False  # whether it ever misbehaved
        self.hoard: list[Message] = []  # what a replayer has heard
        self._settings = settings
        self._names: tuple[str, ...] = ()
        self._others: tuple[int, ...] = ()

    # What happens

    def on_start(self) -> None:
        n = self._settings.n
        self._names = tuple(self.ctx.sim.names[:n])
        self._others = tuple([other for other in range(n) if other != self.id])
        if self.mode != "honest":
            self.tainted = True

    def on_restart(self) -> None:
        self.on_start()
        if self.takes_part:
            self.catching = True
            for slot in self.log.values():
                for request in slot.batch if slot.view == self.view else ():
                    self.assigned[request.client] = max(request.timestamp, self.assigned.get(request.client, -1))
            self._consider_new_view()
            self._ask_around()
            self._keep_asking()

    def on_misbehave(self, mode: str) -> None:
        if mode != "honest":
            self.tainted = True

    def endow(self, accounts: dict[str, int]) -> None:
        """Begin with so much in these accounts; before anything else happens."""
        self.ledger = Ledger(accounts)

    @property
    def takes_part(self) -> bool:
        """Whether it is one of the n."""
        return self.id < self._settings.n

    @property
    def settings(self) -> Settings:
        """What all replicas know."""
        return self._settings

    def primary_of(self, view: int) -> int:
        """The primary of a view: p = v mod n."""
        return view % self._settings.n

    @property
    def is_primary(self) -> bool:
        """Whether it is the primary of its own view, and that view has begun."""
        return not self.changing and self.primary_of(self.view) == self.id

    @property
    def high(self) -> int:
        """The high watermark H: numbers beyond it have to wait for a stable checkpoint."""
        interval = self._settings.checkpoint_interval
        return self.stable + max(2 * interval, LEAST_WINDOW) if interval else ENDLESS

    def on_message(self, sender: int, message: Any) -> None:
        take = TAKES.get(type(message))
        if take is None or not self.takes_part:
            return
        if not self._is_from_whom_it_says(message):
            self._reject(message)
            return
        if self.mode != "honest":
            self.tainted = True  # it may have been frozen when it was told to misbehave
            faults.overhear(self, message)
        take(self, sender, message)

    def on_timer(self, name: Hashable) -> None:
        if name == "progress":
            if not self.changing:
                self.ask_for_view(self.view + 1)
        elif name == "new view":
            if self.changing:
                self.ask_for_view(self.view + 1)
        elif name == "retry":
            self._retry()
        elif isinstance(name, tuple):
            self._propose(name[1])

    # The normal case (section 4.2)

    def _on_request(self, sender: int, request: Request) -> None:
        last = self.replies.get(request.client)
        if last is not None and request.timestamp <= last[0]:
            if request.timestamp == last[0]:
                self.ctx.count("replies again")
                self._answer(request.client, *last)
            return
        self._learn(request)
        if self.changing:
            return
        if self.is_primary:
            self._propose()
        elif sender == request.client:
            self._send(self.primary_of(self.view), request)

    def _learn(self, request: Request) -> None:
        """A request is known, and waited for: the view must bring it about before the timer runs out."""
        last = self.replies.get(request.client)
        known = self.waiting.get(request.client)
        if (last is None or request.timestamp > last[0]) and (known is None or request.timestamp > known.timestamp):
            self.waiting[request.client] = request
        self._watch()

    def _propose(self, client: int | None = None) -> None:
        """The primary gives requests their numbers, within the watermarks. With batching, what comes while a batch is
        under way waits for the next. (A slow one comes back to it for each client, when the time has come.)"""
        if not self.is_primary:
            return
        if self.mode == "slow" and client is None:
            faults.dawdle(self, self._unassigned())
            return
        size = self._settings.batch
        while fresh := self._unassigned(client):
            if self.sequence >= self.high or (size > 1 and self.sequence > self.executed):
                return
            batch = tuple(fresh[:size])
            self.sequence += 1
            for request in batch:
                self.assigned[request.client] = request.timestamp
            digest = digest_of(batch)
            message = self.sealed(PrePrepare(self.view, self.sequence, digest, batch, self.id))
            self._multicast(message)
            self._accept(message)

    def _unassigned(self, client: int | None = None) -> list[Request]:
        """The requests, or those of one client, that have no number in this view."""
        assigned = self.assigned
        return [
            one
            for one in self.waiting.values()
            if assigned.get(one.client, -1) < one.timestamp and client in (None, one.client)
        ]

    def _on_pre_prepare(self, sender: int, message: PrePrepare) -> None:
        if message.replica != self.primary_of(message.view) or message.replica == self.id:
            self._reject(message)
            return
        if message.view != self.view or self.changing:
            self._keep_for_later(message)
            return
        if not self.stable < message.seq <= self.high:
            return
        slot = self.log.get(message.seq)
        if slot is not None and slot.view == message.view:
            return  # the first one counts, the same once more changes nothing
        if not message.batch or not self._is_sound(message):
            self._reject(message)
            return
        self._accept(message)

    def _keep_for_later(self, message: PrePrepare) -> None:
        """A pre-prepare of a view that has not begun here yet may have overtaken the new-view."""
        if message.view > self.view or (message.view == self.view and self.changing):
            self._notice_view(message.view)
            if len(self.early) < EARLY:
                self.early.append(message)

    def _is_sound(self, message: PrePrepare) -> bool:
        """Whether a pre-prepare carries what its digest says, and its clients really asked for it."""
        return message.digest == digest_of(message.batch) and all(map(self._is_from_whom_it_says, message.batch))

    def _accept(self, message: PrePrepare) -> None:
        """Take a pre-prepare into the log; a backup says so to all."""
        slot = self._slot(message.seq)
        slot.view, slot.digest, slot.batch = message.view, message.digest, message.batch
        slot.pre_prepare = message
        slot.prepared = slot.committed = False
        self.furthest = max(self.furthest, message.seq)
        for request in message.batch:
            self._learn(request)
        if self.primary_of(message.view) != self.id:
            prepare = self.sealed(Prepare(message.view, message.seq, message.digest, self.id))
            self._count_prepare(slot, prepare)
            self._multicast(prepare)
        self._advance(slot, message.seq)

    def _on_prepare(self, sender: int, message: Prepare) -> None:
        if message.replica == self.primary_of(message.view):
            self._reject(message)
            return
        if not self._is_current(message):
            return
        slot = self._slot(message.seq)
        if self._count_prepare(slot, message) and not slot.prepared:
            self._advance(slot, message.seq)

    def _count_prepare(self, slot: Slot, message: Prepare) -> bool:
        key = (message.view, message.digest)
        votes = slot.prepares.get(key)
        if votes is None:
            votes = slot.prepares[key] = Votes()
        bit = 1 << message.replica
        if votes.mask & bit:
            return False
        votes.mask |= bit
        if votes.mask.bit_count() > self._settings.f and message.seq > self.furthest:
            self.furthest = message.seq
        if len(votes.messages) < 2 * self._settings.f:
            votes.messages.append(message)
        return True

    def _on_commit(self, sender: int, message: Commit) -> None:
        if not self._is_current(message):
            return
        slot = self._slot(message.seq)
        key = (message.view, message.digest)
        slot.commits[key] = slot.commits.get(key, 0) | 1 << message.replica
        if slot.prepared and not slot.committed:
            self._advance(slot, message.seq)

    def _is_current(self, message: Prepare | Commit) -> bool:
        """Whether a vote may still matter: of this view, or of one to come that has reached others first."""
        if not self.stable < message.seq <= self.high:
            return False
        if message.view != self.view or self.changing:
            self._notice_view(message.view)
            return message.view > self.view or (message.view == self.view and self.changing)
        return True

    def _advance(self, slot: Slot, seq: int) -> None:
        """Prepared: the pre-prepare and 2f prepares that match it. Committed-local: prepared, and 2f+1 commits."""
        if self.changing or slot.view != self.view or slot.pre_prepare is None:
            return
        key = slot.key()
        settings = self._settings
        if not slot.prepared:
            votes = slot.prepares.get(key)
            if votes is None or len(votes.messages) < 2 * settings.f:
                return
            slot.prepared = True
            slot.certificate = Certificate(slot.pre_prepare, tuple(votes.messages))
            slot.commits[key] = slot.commits.get(key, 0) | 1 << self.id
            self._multicast(self.sealed(Commit(slot.view, seq, slot.digest, self.id)))
        if not slot.committed and slot.commits.get(key, 0).bit_count() >= settings.quorum:
            slot.committed = True
            self._execute_in_order()

    def _execute_in_order(self) -> None:
        while (slot := self.log.get(self.executed + 1)) is not None and slot.committed:
            self._execute(slot.batch, slot.view)
        self._propose()

    def _execute(self, batch: Batch, view: int) -> None:
        """Carry out the next batch: each request that is newer than its client's last one, and only that."""
        carried_out = []
        for request in batch:
            client, timestamp = request.client, request.timestamp
            last = self.replies.get(client)
            if last is None or timestamp > last[0]:
                self.replies[client] = (timestamp, self._carry_out(request))
                carried_out.append(request)
        block = make_block(self.executed + 1, self.head, batch)
        self.executed, self.head = block.seq, block.id
        self.chain.append(Executed(block, view, self.ctx.calendar.now))
        self._settle()
        measures.count_execution(self, block, view, carried_out)
        for request in carried_out:
            self._answer(request.client, *self.replies[request.client])
        interval = self._settings.checkpoint_interval
        if interval and self.executed % interval == 0:
            self._take_checkpoint()

    def _carry_out(self, request: Request) -> str:
        wrong = self.ledger.problem(request.transfer)
        if wrong:
            return f"refused: {wrong}"
        self.ledger.apply((request.transfer,))
        return "paid"

    def _answer(self, client: int, timestamp: int, result: str) -> None:
        """Tell a client what came of its request."""
        reply = Reply(self.view, timestamp, client, self.id, result)
        readers = (self.ctx.sim.names[client],)
        self.ctx.count("sent reply")
        self._send(client, self.sealed(reply, readers))

    def _settle(self) -> None:
        """Something was carried out: what is done is waited for no more, and the timer starts anew."""
        for client in [
            c for c, one in self.waiting.items() if c in self.replies and one.timestamp <= self.replies[c][0]
        ]:
            del self.waiting[client]
        self.claims.pop(self.executed, None)
        if not self.changing:
            self.attempts = 0
            self.ctx.cancel_timer("progress")
            self._watch()

    # Checkpoints (section 4.3)

    def _take_checkpoint(self) -> None:
        replies = tuple([(client, *last) for client, last in sorted(self.replies.items())])
        balances, nonces = sorted(self.ledger.balances.items()), sorted(self.ledger.nonces.items())
        self._vouch_for(Snapshot(self.executed, self.head, tuple(balances), tuple(nonces), replies))

    def _vouch_for(self, snapshot: Snapshot) -> None:
        """Say to all that this is the state after its number."""
        self.snapshots[snapshot.seq] = snapshot
        message = self.sealed(Checkpoint(snapshot.seq, snapshot.digest(), self.id))
        self._multicast(message)
        self._count_checkpoint(message)

    def _on_checkpoint(self, sender: int, message: Checkpoint) -> None:
        self._count_checkpoint(message)

    def _count_checkpoint(self, message: Checkpoint) -> None:
        if message.seq <= self.stable:
            return
        votes = self.checkpoints.setdefault(message.seq, {}).setdefault(message.digest, {})
        votes.setdefault(message.replica, message)
        settings = self._settings
        if message.seq > self.executed:
            if len(votes) > settings.f and (self.target is None or message.seq > self.target[0]):
                self.target = (message.seq, message.digest)
                self._keep_asking()
            return
        own = self.snapshots.get(message.seq)
        if len(votes) >= settings.quorum and own is not None and own.digest() == message.digest:
            self._become_stable(message.seq, tuple([votes[replica] for replica in sorted(votes)][: settings.quorum]))

    def _become_stable(self, seq: int, proof: tuple[Checkpoint, ...]) -> None:
        """The checkpoint has its certificate: everything before it may go."""
        self.stable, self.stable_proof = seq, proof
        self.log = {number: slot for number, slot in self.log.items() if number > seq}
        self.checkpoints = {number: votes for number, votes in self.checkpoints.items() if number > seq}
        self.snapshots = {number: one for number, one in self.snapshots.items() if number >= seq}
        self.claims = {number: claims for number, claims in self.claims.items() if number > seq}
        del self.chain[: -(CHAIN_KEPT + 2 * self._settings.checkpoint_interval)]
        measures.count_stable(self, seq)
        self._propose()

    # View change (section 4.4)

    def _watch(self) -> None:
        """Whoever waits for a request lets the view have so much time; the timer runs already, or starts. (In the paper
        only backups have one. But when too few of them can still vote in this view, none of them may be waiting.)"""
        if self.waiting or self.catching:
            self._keep_asking()
        if self.waiting and not self.changing and self.mode != "slow" and "progress" not in self.ctx.timers:
            self.ctx.set_timer("progress", self.patience())

    def patience(self) -> int:
        """How long a view may take, in µs; it doubles with each view that fails."""
        return self._settings.timeout << min(max(0, self.attempts - 1), LONGEST_DOUBLING)

    def ask_for_view(self, view: int, *, joins: bool = False) -> None:
        """Leave the present view, and tell all what may have been promised in it; `joins` if others asked first."""
        before = self.view
        self.view, self.changing = view, True
        self.attempts += 1
        for name in ("progress", "new view"):
            self.ctx.cancel_timer(name)
        prepared = tuple([slot.certificate for _, slot in sorted(self.log.items()) if slot.certificate is not None])
        change = self.sealed(ViewChange(view, self.stable, self.stable_proof, prepared, self.id))
        self.own_change = self.changes[self.id] = change
        measures.count_view_change(self, before, joins)
        self._multicast(change)
        self._keep_asking()
        self._consider_new_view()

    def _on_view_change(self, sender: int, message: ViewChange) -> None:
        known = self.changes.get(message.replica)
        if message.view < self.view or (message.view == self.view and not self.changing):
            return
        if known is not None and known.view >= message.view:
            return
        if not self._is_proof(message.stable, message.proof):
            self._reject(message)
            return
        self.changes[message.replica] = message
        if message.view > self.view:
            # f+1 others want later views, so at least one correct replica does: go along with the smallest.
            views = sorted([one.view for one in self.changes.values() if one.view > self.view])
            if len(views) > self._settings.f:
                self.ask_for_view(views[0], joins=True)
        self._consider_new_view()

    def _consider_new_view(self) -> None:
        """With 2f+1 view-changes the new primary begins the view, and the others let it have so much time."""
        if not self.changing:
            return
        quorum = self._settings.quorum
        changes = [one for _, one in sorted(self.changes.items()) if one.view == self.view]
        if len(changes) >= quorum and self.primary_of(self.view) == self.id:
            self._begin_view(tuple(changes[:quorum]))
            return
        # Those that are further on by now have asked for this view, too, even if that was lost on the way.
        if (
            "new view" not in self.ctx.timers
            and sum([one.view >= self.view for one in self.changes.values()]) >= quorum
        ):
            self.ctx.set_timer("new view", self.patience())

    def _begin_view(self, changes: tuple[ViewChange, ...]) -> None:
        low, proof, batches = self._what_must_stay(changes)
        chosen = [
            self.sealed(PrePrepare(self.view, seq, digest_of(batch), batch, self.id)) for seq, batch in batches.items()
        ]
        message = self.sealed(NewView(self.view, changes, tuple(chosen), self.id))
        self._multicast(message)
        self._enter_view(message, low, proof)

    def _what_must_stay(self, changes: Sequence[ViewChange]) -> tuple[int, tuple[Checkpoint, ...], dict[int, Batch]]:
        """What the new view has to begin with: the latest stable checkpoint, its proof, and the batch for each number
        since: the one that prepared in the highest view, or the null request to fill a gap. A certificate that proves
        nothing is passed over, as if it had not been sent."""
        best = max(changes, key=lambda one: one.stable)
        claimed: dict[int, list[Certificate]] = {}
        for change in changes:
            for certificate in change.prepared:
                if certificate.pre_prepare.seq > best.stable:
                    claimed.setdefault(certificate.pre_prepare.seq, []).append(certificate)
        found: dict[int, Batch] = {}
        for seq, certificates in claimed.items():
            certificates.sort(key=lambda one: -one.pre_prepare.view)
            for certificate in certificates:
                if self._is_certificate(certificate, changes[0].view):
                    found[seq] = certificate.pre_prepare.batch
                    break
        batches = {seq: found.get(seq, ()) for seq in range(best.stable + 1, max(found, default=best.stable) + 1)}
        return best.stable, best.proof, batches

    def _on_new_view(self, sender: int, message: NewView) -> None:
        if message.view < self.view or (message.view == self.view and not self.changing):
            return
        if message.replica != self.primary_of(message.view) or message.view == 0:
            self._reject(message)
            return
        changes = message.changes
        authors = {change.replica for change in changes if change.view == message.view}
        sound = len(authors) == len(changes) >= self._settings.quorum and all(
            self._is_from_whom_it_says(change) and self._is_proof(change.stable, change.proof) for change in changes
        )
        if not sound:
            self._reject(message)
            return
        low, proof, batches = self._what_must_stay(changes)
        said = {one.seq: one for one in message.pre_prepares}
        if (
            len(said) != len(message.pre_prepares)
            or said.keys() != batches.keys()
            or not all(
                (one.view, one.replica, one.digest, one.batch)
                == (message.view, message.replica, digest_of(batches[seq]), batches[seq])
                and self._is_from_whom_it_says(one)
                for seq, one in said.items()
            )
        ):
            self._reject(message)
            return
        self._enter_view(message, low, proof)

    def _enter_view(self, message: NewView, low: int, proof: tuple[Checkpoint, ...]) -> None:
        self.view, self.changing, self.new_view = message.view, False, message
        for name in ("progress", "new view"):
            self.ctx.cancel_timer(name)
        for slot in self.log.values():
            slot.pre_prepare, slot.view, slot.prepared, slot.committed = None, -1, False, False
            slot.prepares = {key: votes for key, votes in slot.prepares.items() if key[0] >= message.view}
            slot.commits = {key: mask for key, mask in slot.commits.items() if key[0] >= message.view}
        self.changes = {who: change for who, change in self.changes.items() if change.view > message.view}
        self.assigned = {}
        self.sequence = self.furthest = max([low, *(one.seq for one in message.pre_prepares)])
        self.log = {
            seq: slot
            for seq, slot in self.log.items()
            if seq <= self.sequence or slot.prepares or slot.commits or slot.certificate is not None
        }
        measures.count_view(self, message)
        for vote in proof:
            self._count_checkpoint(vote)
        for one in message.pre_prepares:
            if one.seq > self.stable:
                for request in one.batch:
                    self.assigned[request.client] = max(request.timestamp, self.assigned.get(request.client, -1))
                self._accept(one)
        early, self.early = self.early, []
        for one in early:
            self._on_pre_prepare(one.replica, one)
        self._propose()
        self._watch()

    # What proves what

    def _is_from_whom_it_says(self, message: Message) -> bool:
        """Whether the author that a message names exists, and has proven to be it."""
        names = self._names
        if isinstance(message, Request):
            agents = self.ctx.sim.agents
            if not 0 <= message.client < len(agents) or agents[message.client].role != "client":
                return False
            author = self.ctx.sim.names[message.client]
        elif 0 <= message.replica < len(names):
            author = names[message.replica]
        else:
            return False
        kind = self._settings.authentication
        return kind == "none" or is_proven(kind, message, self.ctx.sim.seed, author, self.name, self.id)

    def _is_proof(self, seq: int, proof: Sequence[Checkpoint]) -> bool:
        """Whether 2f+1 replicas vouch for one state at a checkpoint; the beginning needs no proof."""
        if seq == 0:
            return True
        votes = {(vote.seq, vote.digest) for vote in proof}
        replicas = {vote.replica for vote in proof}
        return (
            len(votes) == 1
            and proof[0].seq == seq
            and len(replicas) >= self._settings.quorum
            and all(map(self._is_from_whom_it_says, proof))
        )

    def _is_certificate(self, certificate: Certificate, before: int) -> bool:
        """Whether a batch really prepared, in a view before this one."""
        pre_prepare, prepares = certificate.pre_prepare, certificate.prepares
        primary = self.primary_of(pre_prepare.view)
        wanted = (pre_prepare.view, pre_prepare.seq, pre_prepare.digest)
        replicas = {one.replica for one in prepares if (one.view, one.seq, one.digest) == wanted} - {primary}
        return (
            0 <= pre_prepare.view < before
            and pre_prepare.replica == primary
            and pre_prepare.digest == digest_of(pre_prepare.batch)
            and len(replicas) == len(prepares) >= 2 * self._settings.f
            and self._is_from_whom_it_says(pre_prepare)
            and all(map(self._is_from_whom_it_says, prepares))
        )

    def _reject(self, message: Message) -> None:
        """What a message says cannot be; it is counted, and forgotten."""
        many = self.ctx.count("rejected")
        claims = message.client if isinstance(message, Request) else message.replica
        if many < 4 or many % 100 == 0:
            names = self.ctx.sim.names
            who = names[claims] if 0 <= claims < len(names) else "nobody"
            self.ctx.note("rejected", what=kind_of(message), claims=who, count=many)

    # Coming by what it lacks (section 4.6; Castro & Liskov 2002, section 4.6)

    def _is_settled(self) -> bool:
        """Whether it knows of nothing that it lacks."""
        return not (self.changing or self.waiting or self.catching or self._is_behind() or self._has_gaps())

    def _is_behind(self) -> bool:
        return self.target is not None and self.target[0] > self.stable

    def _has_gaps(self) -> bool:
        return self.furthest > self.executed

    def _notice_view(self, view: int) -> None:
        if view > self.view:
            self.catching = True
            self._keep_asking()

    def _keep_asking(self) -> None:
        if "retry" not in self.ctx.timers:
            self.noticed = (self.view, self.executed, self.stable)
            self.ctx.set_timer("retry", max(1, self._settings.timeout // 2))

    def _retry(self) -> None:
        """If nothing moved since the timer was set, say how far it is, so that others send again what it lacks."""
        if self._is_settled():
            return
        if self.noticed == (self.view, self.executed, self.stable) or self.catching:
            self.catching = self.catching and self.noticed[1] != self.executed
            self._ask_around()
            if self.changing and self.own_change is not None:
                for other in self._others:
                    if other not in self.changes or self.changes[other].view < self.view:
                        self._send_again(other, self.own_change)
        if self._is_behind():
            self._fetch()
        self._keep_asking()

    def _ask_around(self) -> None:
        self._multicast(self.sealed(Status(self.view, self.changing, self.stable, self.executed, self.id)))

    def _fetch(self) -> None:
        """Ask one of those that vouch for the checkpoint for the state; another one each time."""
        assert self.target is not None
        seq, digest = self.target
        vouching = sorted(self.checkpoints.get(seq, {}).get(digest, {}))
        vouching = [replica for replica in vouching if replica != self.id]
        if seq > self.executed and vouching:
            self.fetched_from += 1
            self._send(vouching[self.fetched_from % len(vouching)], self.sealed(Fetch(seq, self.id)))

    def _on_status(self, sender: int, message: Status) -> None:
        to = message.replica
        if to == self.id:
            return
        lacks_view = message.view < self.view or (message.view == self.view and message.changing)
        if self.changing:
            if lacks_view and self.own_change is not None:
                self._send_again(to, self.own_change)
        elif lacks_view and self.new_view is not None:
            self._send_again(to, self.new_view)
        if self.stable > message.stable:
            for vote in self.stable_proof:
                if vote.replica == self.id:
                    self._send_again(to, vote)
        for seq in sorted(self.snapshots):
            if seq > max(self.stable, message.stable):
                self._send_again(to, self.sealed(Checkpoint(seq, self.snapshots[seq].digest(), self.id)))
        self._send_executed(to, max(message.executed, self.stable))
        if message.view == self.view and not self.changing and not message.changing:
            self._send_votes(to, message.executed)

    def _send_executed(self, to: int, after: int) -> None:
        """Send the batches that were carried out since `after`, as far as the log holds them."""
        first = self.chain[0].block.seq if self.chain else 0
        if not self.chain or after + 1 < first:
            return
        for one in self.chain[after + 1 - first : after + 1 - first + CAUGHT_UP_AT_ONCE]:
            self._send_again(to, self.sealed(Committed(one.block.seq, one.view, one.block.batch, self.id)))

    def _send_votes(self, to: int, after: int) -> None:
        """Send again what it said in this view of the numbers after `after`."""
        after = max(after, self.stable)
        for seq in range(after + 1, min(self.furthest, after + CAUGHT_UP_AT_ONCE) + 1):
            slot = self.log.get(seq)
            if slot is None or slot.view != self.view or slot.pre_prepare is None:
                continue
            if self.primary_of(self.view) == self.id:
                self._send_again(to, slot.pre_prepare)
            else:
                self._send_again(to, self.sealed(Prepare(slot.view, seq, slot.digest, self.id)))
            if slot.prepared:
                self._send_again(to, self.sealed(Commit(slot.view, seq, slot.digest, self.id)))

    def _on_committed(self, sender: int, message: Committed) -> None:
        if not self.executed < message.seq <= self.executed + CAUGHT_UP_AT_ONCE:
            return
        claims = self.claims.setdefault(message.seq, {})
        claim = claims.setdefault(digest_of(message.batch), Claim(0, message.view, message.batch))
        claim.mask |= 1 << message.replica
        before = self.executed
        while (ready := self._vouched(self.executed + 1)) is not None:
            self._execute(ready.batch, ready.view)
        if self.executed > before:
            self._execute_in_order()
            if self.executed % CAUGHT_UP_AT_ONCE == 0:
                self._ask_around()

    def _vouched(self, seq: int) -> Claim | None:
        """What f+1 replicas, so at least one correct one, say was committed under a number."""
        for claim in self.claims.get(seq, {}).values():
            if claim.mask.bit_count() > self._settings.f:
                return claim
        return None

    def _on_fetch(self, sender: int, message: Fetch) -> None:
        seq = max(message.seq, self.stable)
        snapshot = self.snapshots.get(seq)
        if snapshot is not None and message.replica != self.id:
            proof = self.stable_proof if seq == self.stable else ()
            self._send_again(message.replica, self.sealed(State(snapshot, proof, self.id)))

    def _on_state(self, sender: int, message: State) -> None:
        """The state at a checkpoint, taken over if f+1 replicas have said that they have the same, so at least one
        correct one; or if 2f+1 can be shown to have said so."""
        snapshot, digest = message.snapshot, message.snapshot.digest()
        if snapshot.seq <= self.executed:
            return
        settings = self._settings
        heard = len(self.checkpoints.get(snapshot.seq, {}).get(digest, {})) > settings.f
        proven = self._is_proof(snapshot.seq, message.proof) and message.proof[0].digest == digest
        if not heard and not (proven and settings.authentication != "none"):
            self._reject(message)
            return
        before = self.executed
        self.executed, self.head = snapshot.seq, snapshot.head
        self.ledger.balances, self.ledger.nonces = dict(snapshot.balances), dict(snapshot.nonces)
        self.replies = {client: (timestamp, result) for client, timestamp, result in snapshot.replies}
        self.snapshots[snapshot.seq] = snapshot
        self.chain.clear()
        self.ctx.count("state transfers")
        self.ctx.note("state", seq=snapshot.seq, before=before, source=message.replica)
        self._settle()
        if proven:
            self._become_stable(snapshot.seq, message.proof)
        else:
            self._vouch_for(snapshot)
        self._execute_in_order()
        self._ask_around()

    # Sending

    def sealed(self, message: Any, readers: Sequence[str] = ()) -> Any:
        """The message with what proves that it is from this replica; to all replicas, or to `readers`."""
        kind = self._settings.authentication
        if kind == "none":
            return message
        return replace(message, auth=prove(kind, message, self.ctx.sim.seed, self.name, readers or self._names))

    def _multicast(self, message: Message) -> None:
        """Send to all other replicas."""
        if self.mode != "honest":
            faults.multicast(self, message)
            return
        self.ctx.count(f"sent {type(message).__name__}", len(self._others))
        send = self.ctx.send
        for other in self._others:
            send(other, message)

    def _send(self, to: int, message: Message) -> None:
        """Send to one agent."""
        if self.mode == "honest":
            self.ctx.send(to, message)
        else:
            faults.send(self, to, message)

    def _send_again(self, to: int, message: Message) -> None:
        self.ctx.count("sent again")
        self._send(to, message)

    def say(self, to: int, message: Message) -> None:
        """Send whatever it likes: for replicas that misbehave."""
        self.ctx.count(f"sent {type(message).__name__}")
        self.ctx.send(to, message)

    @property
    def others(self) -> tuple[int, ...]:
        """The other replicas."""
        return self._others

    def _slot(self, seq: int) -> Slot:
        slot = self.log.get(seq)
        if slot is None:
            slot = self.log[seq] = Slot()
            self._keep_asking()
        return slot


Take = Callable[[Replica, int, Any], None]

TAKES: dict[type[Any], Take] = {
    Request: Replica._on_request,
    PrePrepare: Replica._on_pre_prepare,
    Prepare: Replica._on_prepare,
    Commit: Replica._on_commit,
    Checkpoint: Replica._on_checkpoint,
    ViewChange: Replica._on_view_change,
    NewView: Replica._on_new_view,
    Status: Replica._on_status,
    Committed: Replica._on_committed,
    Fetch: Replica._on_fetch,
    State: Replica._on_state,
}
