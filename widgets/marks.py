"""Times on a bar of so many columns, and the landmarks that are seen there: in each column the most important one."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from engine.views import Landmark, Tone
from widgets.glyphs import DOT
from widgets.text import cells, clean

RANKS: tuple[Tone, ...] = ("bad", "warn", "accent", "good", "plain", "dim")
"""Tones of landmarks, the most important first."""


class Scale(NamedTuple):
    """Columns for times: 0 stands in the first of `width` columns, `span` (µs) in the last one."""

    width: int
    span: int

    def column(self, time: int) -> int:
        """Where a time stands."""
        if self.width < 2 or self.span <= 0:
            return 0
        time = min(max(time, 0), self.span)
        return (2 * time * (self.width - 1) + self.span) // (2 * self.span)

    def time(self, column: int) -> int:
        """The time that a column stands for, in the middle of all that are drawn in it."""
        if self.width < 2:
            return 0
        steps = self.width - 1
        return (2 * min(max(column, 0), steps) * self.span + steps) // (2 * steps)

    def first(self, column: int) -> int:
        """The earliest time that is drawn in a column or further right."""
        if column <= 0 or self.span <= 0:
            return 0 if column <= 0 else 1
        if column >= self.width:
            return self.span + 1
        return -((1 - 2 * column) * self.span // (2 * (self.width - 1)))

    @property
    def step(self) -> int:
        """How many µs a column is worth; at least one."""
        return max(1, self.span // max(1, self.width - 1))


class Marks:
    """The landmarks of a branch, sorted by importance once, so that a bar of any width is filled quickly."""

    __slots__ = ("_kept", "kinds")

    def __init__(self, landmarks: tuple[Landmark, ...]) -> None:
        sorted_out: dict[Tone, list[Landmark]] = {}
        self.kinds: dict[tuple[str, str], Tone] = {}
        """(glyph, kind) of those that occur, in the order in which they first do, and their tone."""
        for mark in landmarks:
            sorted_out.setdefault(mark.tone, []).append(mark)
            self.kinds.setdefault((mark.glyph, mark.kind), mark.tone)
        self._kept = [(kept, [mark.time for mark in kept]) for tone in RANKS if (kept := sorted_out.get(tone))]

    def seen(self, scale: Scale, start: int, end: int) -> dict[int, Landmark]:
        """The landmark that is seen in each column that has any, of those from `start` up to and with `end` (µs): the
        most important, and among equals the latest."""
        found: dict[int, Landmark] = {}
        edges = _edges(scale)
        for kept, times in self._kept:
            low, high = bisect_left(times, start), bisect_left(times, end + 1)
            if high - low <= scale.width:
                for mark in kept[low:high][::-1]:
                    found.setdefault(scale.column(mark.time), mark)
                continue
            for column in range(scale.column(times[low]), scale.column(times[high - 1]) + 1):
                if column not in found:
                    last = bisect_left(times, edges[column + 1], low, high) - 1
                    if last >= low and times[last] >= edges[column]:
                        found[column] = kept[last]
        return found


@lru_cache(maxsize=8)
def _edges(scale: Scale) -> list[int]:
    """The earliest time that is drawn in each column, and in one after the last."""
    return [scale.first(column) for column in range(scale.width + 1)]


def one_cell(glyph: str) -> str:
    """The glyph, or a dot where it would not take just one cell."""
    glyph = clean(glyph)
    return glyph if cells(glyph) == 1 else DOT


def rank(tone: Tone) -> int:
    """How important a tone is; 0 is the most."""
    return RANKS.index(tone)
