"""The running digest: two runs with the same digest went through the same events.

Every event adds a record of 25 bytes; each 1,024 records are hashed together with the hash before them. The digest
depends only on the events, not on how the run was cut into slices, and its state is plain bytes.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from zlib import crc32

from engine.events import NOBODY, Kind

RECORD = Struct("<qqIIB")  # time, number, target, source, kind
BLOCK = 1024 * RECORD.size


class Digest:
    """`pending` takes the records; call `fold` now and then."""

    __slots__ = ("chain", "pending")

    def __init__(self) -> None:
        self.chain = b""
        self.pending = bytearray()

    def fold(self) -> None:
        """Hash all full blocks."""
        pending = self.pending
        start = 0
        while len(pending) - start >= BLOCK:
            hasher = blake2b(self.chain, digest_size=32)
            hasher.update(pending[start : start + BLOCK])
            self.chain = hasher.digest()
            start += BLOCK
        del pending[:start]

    def command(self, now: int, text: str) -> None:
        """Add the record of a command, which counts as an event: its text is in it by a checksum."""
        self.pending += RECORD.pack(now, 0, NOBODY, crc32(text.encode()), Kind.COMMAND)

    def hexdigest(self) -> str:
        """The digest of all events so far, as 32 hexadecimal digits."""
        self.fold()
        hasher = blake2b(self.chain, digest_size=16)
        hasher.update(self.pending)
        return hasher.hexdigest()

    def state(self) -> tuple[bytes, bytes]:
        """Plain data for a checkpoint."""
        return self.chain, bytes(self.pending)

    def load(self, state: tuple[bytes, bytes]) -> None:
        """Become what `state` says."""
        self.chain = state[0]
        self.pending[:] = state[1]  # in place: the run's loop holds it
