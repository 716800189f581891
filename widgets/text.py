"""Texts cut to a number of cells. A line is a list of pieces: a text and the name of the ink it is written in."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from widgets.glyphs import ELLIPSIS

Line = list[tuple[str, str]]
"""Pieces from left to right. For the names of inks see `widgets.drawing`."""


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """The text without what would upset a terminal: control characters, line ends, invisible marks."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def cells(text: str) -> int:
    """How many cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, width: int) -> str:
    """The text if it fits, else its beginning and an ellipsis."""
    if len(text) <= width and text.isascii():
        return text
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def fit(text: str, width: int, align: str = "left") -> str:
    """The text cut or padded to exactly `width` cells; `align` is left, right or center."""
    text = clip(text, width)
    room = width - cells(text)
    if room <= 0:
        return text
    if align == "right":
        return " " * room + text
    if align == "center":
        return " " * (room // 2) + text + " " * (room - room // 2)
    return text + " " * room


def fit_line(line: Line, width: int, ink: str = "plain") -> Line:
    """The line cut, with an ellipsis, or padded to exactly `width` cells."""
    fitted: Line = []
    room = width
    for index, (text, name) in enumerate(line):
        size = cells(text)
        if size > room or (size == room and any(t for t, _ in line[index + 1 :])):
            more = size > room or any(t.strip() for t, _ in line[index + 1 :])
            text = clip(text + " ", room) if more and size <= room else clip(text, room)
            fitted.append((fit(text, room), name))
            return fitted
        fitted.append((text, name))
        room -= size
    if room > 0:
        fitted.append((" " * room, ink))
    return fitted


def line_cells(line: Line) -> int:
    """How many cells a line takes."""
    return sum(cells(text) for text, _ in line)


@lru_cache(maxsize=1024)
def wrap(text: str, width: int) -> tuple[str, ...]:
    """The text in lines of at most `width` cells, broken between words, or inside one that is too long."""
    width = max(1, width)
    lines: list[str] = []
    current = ""
    for word in text.split():
        while cells(word) > width:
            if current:
                lines.append(current)
                current = ""
            head = set_cell_size(word, width).rstrip() or word[0]
            lines.append(head)
            word = word[len(head) :]
        if not word:
            continue
        if current and cells(current) + 1 + cells(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    if current or not lines:
        lines.append(current)
    return tuple(lines)


def seconds(micros: int, places: int = 2) -> str:
    """Virtual time in seconds, with thousands separated."""
    return f"{micros / 1_000_000:,.{places}f}"


def count(number: int) -> str:
    """A whole number with its thousands separated."""
    return f"{number:,}"


def share(value: float) -> str:
    """A share of 0 to 1 in per cent."""
    return f"{100 * value:.0f} %"
