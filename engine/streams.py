"""Named streams of random numbers: the seed and a name decide everything, a single counter is all the state.

Each stream hashes (seed, name, counter), so a draw in one stream never shifts another, a checkpoint of a stream is one
integer, and a run is the same on every machine and Python. Words have 30 bits, because Python keeps an integer of up
to 30 bits in one digit; they wait in an array, because the words of a thousand agents have to fit into the processor's
cache (docs/performance.md).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import MutableSequence, Sequence
from hashlib import blake2b, shake_128
from struct import Struct
from typing import TypeVar

from engine.exact import ln

T = TypeVar("T")

_BITS = 30
_RANGE = 1 << _BITS
_WORDS = 84  # in one block; 4 bytes each make two of the hash's own blocks
_MOST = 1 << 32  # the largest range that `below` draws from
_CLEAR = bytes(byte & 0x3F for byte in range(256))  # clears the two highest bits of a byte
_place = Struct("<32sQ").pack  # key, counter


class Stream:
    """An endless sequence of 30-bit words. `words` holds the rest of the current block, last word first out; it is the
    same array as long as the stream lives."""

    __slots__ = ("_block", "_key", "_passed", "words")

    def __init__(self, seed: int, name: str) -> None:
        self._key = blake2b(f"{seed}/{name}".encode(), digest_size=32).digest()
        self._block = 0  # the next one
        self._passed = 0  # words of it that count as drawn
        self.words = array("I")

    @property
    def position(self) -> int:
        """How many words were drawn so far; set it to go back or on."""
        return self._block * _WORDS + self._passed - len(self.words)

    @position.setter
    def position(self, value: int) -> None:
        self._block, self._passed = divmod(value, _WORDS)
        del self.words[:]

    def refill(self) -> int:
        """Fetch the next block and draw its first word; for callers that found `words` empty."""
        words = self.words
        block = bytearray(shake_128(_place(self._key, self._block)).digest(4 * _WORDS))
        block[3::4] = block[3::4].translate(_CLEAR)  # the highest byte of each word, lowest first
        words.frombytes(block)
        if sys.byteorder == "big":
            words.byteswap()
        del words[_WORDS - self._passed :]
        self._block += 1
        self._passed = 0
        return words.pop()

    def word(self) -> int:
        """30 random bits."""
        return self.words.pop() if self.words else self.refill()

    def below(self, n: int) -> int:
        """A whole number from 0 to n − 1, each exactly as likely; 1 ≤ n ≤ 2³²."""
        try:
            word = self.words.pop()
        except IndexError:
            word = self.refill()
        drawn = word % n
        if word - drawn > _RANGE - n:  # beyond the last whole multiple of n
            return self._below(n)
        return drawn

    def _below(self, n: int) -> int:
        """`below` from two words at a time, for those that one word did not settle."""
        if n > _MOST:
            raise ValueError(f"cannot draw from {n} numbers; at most 2^32 will do")
        while True:
            word = self.word() << _BITS | self.word()
            drawn = word % n
            if word - drawn <= (_RANGE << _BITS) - n:
                return drawn

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, ends included; at most 2³² of them."""
        if high < low:
            raise ValueError(f"there is no number from {low} to {high}")
        return low + self.below(high - low + 1)

    def uniform(self) -> float:
        """A number in [0, 1) with 53 random bits."""
        return (self.word() * 8388608.0 + (self.word() >> 7)) / 9007199254740992.0

    def chance(self, probability: float) -> bool:
        """True with the given probability, 0 to 1."""
        return self.uniform() < probability

    def exponential(self, mean: float) -> float:
        """An exponentially distributed number with the given mean: the gaps of a Poisson process."""
        return -mean * ln(1.0 - self.uniform())

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, which must not be empty."""
        return items[self.below(len(items) or 1)]

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
