"""A block of text for a stage that has something to say."""

from __future__ import annotations

from textwrap import wrap

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
    wrapped = [(part, tone) for text, tone in words.lines for part in wrap(clean(text), width) or [""]]
    shown = wrapped if len(wrapped) <= room else wrapped[: max(0, room - 1)]
    lines += [[(clip(part, width), tone)] for part, tone in shown]
    hidden = len(wrapped) - len(shown)
    if hidden:
        lines.append([(f"{FOLD} {hidden} more", "dim")])
    return lines[:height]
