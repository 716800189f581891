"""What a replica of PBFT keeps: its log, slot by slot, the blocks that it carried out, and what all replicas know."""

from __future__ import annotations

from msgspec import Struct

from scenarios.pbft.messages import Authentication, Batch, Block, Certificate, Prepare, PrePrepare

Key = tuple[int, bytes]  # view, digest


class Settings(Struct, frozen=True):
    """What all replicas of a run know: n = 3f+1, and the parameters, with times in µs."""

    f: int
    checkpoint_interval: int
    batch: int
    authentication: Authentication
    timeout: int

    @property
    def n(self) -> int:
        """How many replicas there are."""
        return 3 * self.f + 1

    @property
    def quorum(self) -> int:
        """2f+1: any two such groups of replicas have a correct one in common."""
        return 2 * self.f + 1


class Votes(Struct):
    """Prepares that match: a bit for each replica, and the messages themselves until there are enough for a proof."""

    mask: int = 0
    messages: list[Prepare] = []


class Slot(Struct):
    """What a replica's log holds under one sequence number."""

    view: int = -1  # of the pre-prepare that it accepted; −1 without one
    digest: bytes = b""
    batch: Batch = ()
    pre_prepare: PrePrepare | None = None
    prepares: dict[Key, Votes] = {}
    commits: dict[Key, int] = {}  # a bit for each replica
    prepared: bool = False
    committed: bool = False
    certificate: Certificate | None = None  # of the last view in which a batch prepared

    def key(self) -> Key:
        """What a vote has to match."""
        return self.view, self.digest


class Executed(Struct, frozen=True):
    """A block that a replica carried out: in which of its views, and when, in µs."""

    block: Block
    view: int
    time: int


class Claim(Struct):
    """Replicas, a bit for each, that say a batch was committed."""

    mask: int
    view: int
    batch: Batch
