"""Named streams of random numbers: the seed and a name decide everything, a single counter is all the state.

Each stream hashes (seed, name, counter), so a draw in one stream never shifts another, a checkpoint of a stream is one
integer, and a run is the same on every machine and Python.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

from engine.exact import ln

T = TypeVar("T")

_WORDS = 16  # 32-bit words in one hash
_unpack = Struct(f"<{_WORDS}I").unpack


class Stream:
    """An endless sequence of 32-bit words. `words` holds the rest of the current block, last word first out."""

    __slots__ = ("_block", "_key", "words")

    def __init__(self, seed: int, name: str) -> None:
        self._key = blake2b(f"{seed}/{name}".encode(), digest_size=32).digest()
        self._block = 0
        self.words: list[int] = []

    @property
    def position(self) -> int:
        """How many words were drawn so far; set it to go back or on."""
        return self._block * _WORDS - len(self.words)

    @position.setter
    def position(self, value: int) -> None:
        self._block, used = divmod(value, _WORDS)
        self.words = []
        if used:
            self.refill()
            del self.words[_WORDS - used :]

    def refill(self) -> int:
        """Fetch the next block and draw its first word; for callers that found `words` empty."""
        block = blake2b(self._block.to_bytes(8, "little"), key=self._key, digest_size=64).digest()
        self._block += 1
        self.words = list(_unpack(block))
        return self.words.pop()

    def word(self) -> int:
        """32 random bits."""
        return self.words.pop() if self.words else self.refill()

    def below(self, n: int) -> int:
        """A whole number from 0 to n − 1, each exactly as likely (Lemire 2019); 1 ≤ n ≤ 2³²."""
        words = self.words
        product = (words.pop() if words else self.refill()) * n
        if product & 0xFFFFFFFF < n:
            if n > 1 << 32:
                raise ValueError(f"cannot draw from {n} numbers; at most 2^32 will do")
            threshold = (1 << 32) % n
            while product & 0xFFFFFFFF < threshold:
                product = self.word() * n
        return product >> 32

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, ends included; at most 2³² of them."""
        if high < low:
            raise ValueError(f"there is no number from {low} to {high}")
        return low + self.below(high - low + 1)

    def uniform(self) -> float:
        """A number in [0, 1) with 53 random bits."""
        return ((self.word() >> 5) * 67108864.0 + (self.word() >> 6)) / 9007199254740992.0

    def chance(self, probability: float) -> bool:
        """True with the given probability, 0 to 1."""
        return self.uniform() < probability

    def exponential(self, mean: float) -> float:
        """An exponentially distributed number with the given mean: the gaps of a Poisson process."""
        return -mean * ln(1.0 - self.uniform())

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, which must not be empty."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """`k` different ones of `items`, in random order (Fisher–Yates on a sparse index); 0 ≤ k ≤ len(items)."""
        if not 0 <= k <= len(items):
            raise ValueError(f"cannot draw {k} of {len(items)}")
        moved: dict[int, int] = {}
        drawn = []
        for i in range(k):
            j = i + self.below(len(items) - i)
            drawn.append(items[moved.get(j, j)])
            moved[j] = moved.get(i, i)
        return drawn

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put `items` into random order, in place."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
