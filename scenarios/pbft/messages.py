"""What replicas and clients say to one another, the digests of it, and the blocks that come of it.

Each message names the replica (or client) that it claims to be from, and carries what proves it: nothing, a vector of
MACs with an entry for each receiver, or a signature. `content` is what that proof covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar, Literal

from msgspec import Struct

from engine.ledger import Transfer, encode
from engine.signing import MAC_SIZE, is_mac, is_signed, mac, public_key, secret_key, shared_key, sign

Authentication = Literal["none", "mac", "signature"]


class Request(Struct, frozen=True):
    """A client asks for a transfer. Its timestamps rise, so that each request is carried out at most once."""

    transfer: Transfer
    timestamp: int
    client: int  # the agent
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the client vouches for."""
        return request_digest(self)


Batch = tuple[Request, ...]


class PrePrepare(Struct, frozen=True):
    """The primary gives a batch of requests the number `seq` in its view. The proof covers the digest of the batch."""

    view: int
    seq: int
    digest: bytes
    batch: Batch
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the primary vouches for."""
        return b"pre-prepare %d %d %d " % (self.view, self.seq, self.replica) + self.digest


class Prepare(Struct, frozen=True):
    """A backup has accepted that pre-prepare."""

    view: int
    seq: int
    digest: bytes
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the backup vouches for."""
        return b"prepare %d %d %d " % (self.view, self.seq, self.replica) + self.digest


class Commit(Struct, frozen=True):
    """A replica has prepared: it knows of a quorum that has accepted the same."""

    view: int
    seq: int
    digest: bytes
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        return b"commit %d %d %d " % (self.view, self.seq, self.replica) + self.digest


class Reply(Struct, frozen=True):
    """What came of a client's request."""

    view: int
    timestamp: int
    client: int
    replica: int
    result: str
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        return f"reply {self.view} {self.timestamp} {self.client} {self.replica} {self.result}".encode()


class Checkpoint(Struct, frozen=True):
    """A replica has this state after the batch `seq`."""

    seq: int
    digest: bytes
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        return b"checkpoint %d %d " % (self.seq, self.replica) + self.digest


class Certificate(Struct, frozen=True):
    """The proof that a batch prepared: its pre-prepare and 2f matching prepares. The batch itself is in it, so that
    nobody has to go and look for it in a view change."""

    pre_prepare: PrePrepare
    prepares: tuple[Prepare, ...]


class ViewChange(Struct, frozen=True):
    """A replica wants `view`: its stable checkpoint with 2f+1 messages that prove it (C), and a certificate for each
    batch that prepared since (P). Signed even where other messages have MACs (section 5.1)."""

    view: int
    stable: int
    proof: tuple[Checkpoint, ...]
    prepared: tuple[Certificate, ...]
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = True

    def content(self) -> bytes:
        """What the replica vouches for."""
        whole = sha256(b"view-change %d %d %d" % (self.view, self.stable, self.replica))
        for one in self.proof:
            whole.update(one.content())
        for certificate in self.prepared:
            whole.update(certificate.pre_prepare.content())
            whole.update(b"%d" % len(certificate.prepares))
        return whole.digest()


class NewView(Struct, frozen=True):
    """The new primary begins its view: 2f+1 view-changes (V), and the pre-prepares that follow from them (O)."""

    view: int
    changes: tuple[ViewChange, ...]
    pre_prepares: tuple[PrePrepare, ...]
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = True

    def content(self) -> bytes:
        """What the primary vouches for."""
        whole = sha256(b"new-view %d %d" % (self.view, self.replica))
        for change in self.changes:
            whole.update(change.auth or b"%d" % change.replica)
        for one in self.pre_prepares:
            whole.update(one.content())
        return whole.digest()


class Status(Struct, frozen=True):
    """A replica that waits says how far it is, so that others can send again what it lacks (Castro & Liskov 2002)."""

    view: int
    changing: bool
    stable: int
    executed: int
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        parts = (self.view, self.changing, self.stable, self.executed, self.replica)
        return b"status %d %d %d %d %d" % parts


class Committed(Struct, frozen=True):
    """This batch was committed under this number: who hears it from f+1 replicas may carry it out."""

    seq: int
    view: int
    batch: Batch
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        return b"committed %d %d %d " % (self.seq, self.view, self.replica) + digest_of(self.batch)


class Fetch(Struct, frozen=True):
    """A replica that fell behind asks for the state at a checkpoint."""

    seq: int
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        return b"fetch %d %d" % (self.seq, self.replica)


class Snapshot(Struct, frozen=True):
    """All of a replica's state after the batch `seq`."""

    seq: int
    head: bytes  # the last block
    balances: tuple[tuple[str, int], ...]
    nonces: tuple[tuple[str, int], ...]
    replies: tuple[tuple[int, int, str], ...]  # client, timestamp and result of its last request

    def digest(self) -> bytes:
        """The 32 bytes that stand for it in checkpoint messages."""
        return snapshot_digest(self)


class State(Struct, frozen=True):
    """The state at a checkpoint, and the 2f+1 messages that make the checkpoint stable."""

    snapshot: Snapshot
    proof: tuple[Checkpoint, ...]
    replica: int
    auth: bytes = b""
    signed: ClassVar[bool] = False

    def content(self) -> bytes:
        """What the replica vouches for."""
        return b"state %d " % self.replica + self.snapshot.digest()


Message = (
    Request | PrePrepare | Prepare | Commit | Reply | Checkpoint
    | ViewChange | NewView | Status | Committed | Fetch | State
)  # fmt: skip


# --- digests and blocks ---------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def request_digest(request: Request) -> bytes:
    """The 32 bytes that stand for a request."""
    return sha256(b"request %d %d " % (request.client, request.timestamp) + encode(request.transfer)).digest()


@lru_cache(maxsize=65_536)
def digest_of(batch: Batch) -> bytes:
    """The 32 bytes that stand for a batch; an empty one is the null request."""
    return sha256(b"batch" + b"".join([request_digest(request) for request in batch])).digest()


@lru_cache(maxsize=4_096)
def snapshot_digest(snapshot: Snapshot) -> bytes:
    """The 32 bytes that stand for a state."""
    whole = sha256(b"state %d " % snapshot.seq + snapshot.head)
    for part in (snapshot.balances, snapshot.nonces, snapshot.replies):
        whole.update(repr(part).encode())
    return whole.digest()


GENESIS = sha256(b"genesis").digest()


class Block(Struct, frozen=True):
    """A batch that was carried out, in the chain of all of them. Its id depends on every block before it."""

    id: bytes
    seq: int
    parent: bytes
    digest: bytes  # of the batch
    batch: Batch

    @property
    def name(self) -> str:
        """Its id as people read it: 16 hex digits."""
        return self.id[:8].hex()


@lru_cache(maxsize=16_384)
def make_block(seq: int, parent: bytes, batch: Batch) -> Block:
    """The block that this batch makes after `parent`."""
    digest = digest_of(batch)
    return Block(sha256(b"block %d " % seq + parent + digest).digest(), seq, parent, digest, batch)


# --- who says so ----------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 18)
def _shared(seed: int, one: str, other: str) -> bytes:
    return shared_key(seed, one, other)


@lru_cache(maxsize=4_096)
def _secret(seed: int, name: str) -> bytes:
    return secret_key(seed, name)


def prove(kind: Authentication, message: Message, seed: int, author: str, readers: Sequence[str]) -> bytes:
    """What shows each of `readers` that `author` wrote `message`: a MAC for each of them, one signature, or nothing."""
    if kind == "none":
        return b""
    content = message.content()
    if kind == "signature" or message.signed:
        return sign(_secret(seed, author), content)
    return b"".join([mac(_shared(seed, author, reader), content) for reader in readers])


def is_proven(kind: Authentication, message: Message, seed: int, author: str, reader: str, place: int) -> bool:
    """Whether `message` is from `author`, as `reader` sees it, whose MAC stands at `place` in the vector."""
    if kind == "none":
        return True
    content, auth = message.content(), message.auth
    if kind == "signature" or message.signed:
        return is_signed(public_key(_secret(seed, author)), content, auth)
    start = MAC_SIZE * place
    return is_mac(_shared(seed, author, reader), content, auth[start : start + MAC_SIZE])
