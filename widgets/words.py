"""A block of text for a stage that has something to say."""

from __future__ import annotations

from engine.views import Words
from widgets.glyphs import FOLD
from widgets.text import Line, cells, clean, clip

LEAST_WIDTH = 20


def natural_width(words: Words) -> int:
    """The columns that the longest line takes."""
    return max([cells(clean(words.title)), *(cells(clean(text)) for text, _ in words.lines)], default=0)


def draw(words: Words, width: int, height: int) -> list[Line]:
    """The lines that fit; the last one says how many do not."""
    if height < 1 or width < 1:
        return []
    lines: list[Line] = [[(clip(clean(words.title), width), "title!")]] if words.title else []
    room = height - len(lines)
    shown = words.lines if len(words.lines) <= room else words.lines[: max(0, room - 1)]
    lines += [[(clip(clean(text), width), tone)] for text, tone in shown]
    hidden = len(words.lines) - len(shown)
    if hidden:
        lines.append([(f"{FOLD} {hidden} more", "dim")])
    return lines[:height]
