"""How the parts of a stage share its rectangle: side by side where there is room, else one above another."""

from __future__ import annotations

from typing import Any

from engine.views import Chain, Matrix, Plot, StagePart, Words
from widgets import parts as kinds
from widgets.lens import AT_EASE, Item, Lens, Picture
from widgets.text import Line, cells, fit_line

GAP = 3  # columns between parts that stand side by side
LEAST_HEIGHT = 5  # lines that a part needs above another one
LEAST_CHAIN, LEAST_PLOT = 6, 7  # and those that a fork view or a plot needs
WIDE_CHAIN = 100  # columns that a fork view wants before a plot may stand beside it

BESIDE_CHAIN = 56  # columns that a plot gets at most beside a fork view

Drawn = dict[int, tuple[Any, Picture]]
"""What was drawn last, for each part: what it was made of, and the result."""


def compose(
    parts: tuple[StagePart, ...],
    width: int,
    height: int,
    lens: Lens = AT_EASE,
    drawn: Drawn | None = None,
) -> Picture:
    """All parts in `height` lines of `width` cells. `drawn` keeps what was drawn, for the next time."""
    drawn = {} if drawn is None else drawn
    if not parts or width < 4 or height < 1:
        return Picture([[] for _ in range(height)], [])
    inner = width - 2
    widths = _side_by_side(parts, inner, height)
    if widths is not None:
        return _beside(parts, widths, height, lens, drawn)
    return _above(parts, inner, height, lens, drawn)


def _beside(parts: tuple[StagePart, ...], widths: list[int], height: int, lens: Lens, drawn: Drawn) -> Picture:
    pictures = [
        _cached(part, part_width, height, lens, drawn, at)
        for at, (part, part_width) in enumerate(zip(parts, widths, strict=True))
    ]
    lines: list[Line] = []
    for y in range(height):
        line: Line = [(" ", "plain")]
        for at, picture in enumerate(pictures):
            if at:
                line.append((" │ ", "faint"))
            line.extend(fit_line(picture.lines[y] if y < len(picture.lines) else [], widths[at]))
        lines.append(line)
    left, items = 1, []
    for at, picture in enumerate(pictures):
        items += [Item(y, x + left, size, key) for y, x, size, key in picture.items]
        left += widths[at] + GAP
    return Picture(lines, items)


def _above(parts: tuple[StagePart, ...], inner: int, height: int, lens: Lens, drawn: Drawn) -> Picture:
    lines: list[Line] = []
    items: list[Item] = []
    for at, (part, part_height) in enumerate(zip(parts, _stacked(parts, height), strict=True)):
        if part_height < 1:
            continue
        if lines:
            lines.append([(" " + "─" * inner, "faint")])
            part_height -= 1
        picture = _cached(part, inner, part_height, lens, drawn, at)
        items += [Item(y + len(lines), x + 1, size, key) for y, x, size, key in picture.items]
        block = picture.lines + [[] for _ in range(part_height - len(picture.lines))]
        lines.extend([[(" ", "plain"), *fit_line(line, inner)] for line in block[:part_height]])
    return Picture((lines + [[] for _ in range(height)])[:height], items)


def _cached(part: StagePart, width: int, height: int, lens: Lens, drawn: Drawn, at: int) -> Picture:
    made_of = (part, width, height, lens)
    kept = drawn.get(at)
    if kept is not None and kept[0] == made_of:
        return kept[1]
    picture = kinds.draw(part, width, height, lens)
    picture = Picture(_with_cursor(picture, lens.selected), picture.items)
    drawn[at] = (made_of, picture)
    return picture


def _with_cursor(picture: Picture, key: str) -> list[Line]:
    """The lines, with what is selected on the ground of a cursor."""
    lines = picture.lines
    for item in picture.items if key else ():
        if item.key == key and item.y < len(lines):
            lines = [*lines[: item.y], _marked(lines[item.y], item.x, item.width), *lines[item.y + 1 :]]
    return lines


def _marked(line: Line, start: int, width: int) -> Line:
    marked: Line = []
    x = 0
    for text, ink in line:
        for character in text:
            size = cells(character)
            on = start <= x < start + width and "/" not in ink
            marked.append((character, f"{ink}/cursor" if on else ink))
            x += size
    return marked


def _side_by_side(parts: tuple[StagePart, ...], width: int, height: int) -> list[int] | None:
    """The parts' widths, or None when they do not fit. What the others do not need goes to fork views and plots."""
    room = width - GAP * (len(parts) - 1)
    least = [_least(part, parts) for part in parts]
    if sum(least) > room or (width < WIDE_CHAIN and sum(isinstance(part, Chain) for part in parts) > 1):
        return None if len(parts) > 1 else [width]
    fair = room // len(parts)
    widths = [min(_most(part, parts, height), max(least[at], fair)) for at, part in enumerate(parts)]
    while sum(widths) > room:
        widest = max(range(len(parts)), key=lambda at: widths[at] - least[at])
        widths[widest] -= 1
    rest = room - sum(widths)
    greedy = [at for at, part in enumerate(parts) if isinstance(part, Chain)]
    greedy = greedy or [at for at, part in enumerate(parts) if isinstance(part, Plot)] or [len(parts) - 1]
    for turn, at in enumerate(greedy):
        widths[at] += rest // len(greedy) + (turn < rest % len(greedy))
    return widths


def _least(part: StagePart, parts: tuple[StagePart, ...]) -> int:
    if isinstance(part, Chain) and any(isinstance(other, (Plot, Matrix)) for other in parts):
        return WIDE_CHAIN
    return kinds.least_width(part)


def _most(part: StagePart, parts: tuple[StagePart, ...], height: int) -> int:
    most = kinds.most_width(part, height)
    return min(most, BESIDE_CHAIN) if isinstance(part, Plot) and any(isinstance(p, Chain) for p in parts) else most


def _stacked(parts: tuple[StagePart, ...], height: int) -> list[int]:
    """The parts' heights; where not all have room the later ones are left out, but for the words on what is selected,
    which come last."""
    shown, used = 1, _least_height(parts[0])
    while shown < len(parts) and used + 1 + _least_height(parts[shown]) <= height:
        used += 1 + _least_height(parts[shown])
        shown += 1
    chosen = list(range(shown))
    if shown < len(parts) and isinstance(parts[-1], Words) and height >= 2 * LEAST_HEIGHT:
        shown = max(2, shown)
        chosen = [*range(shown - 1), len(parts) - 1]
    share, rest = divmod(height, shown)
    return [share + (chosen.index(at) < rest) if at in chosen else 0 for at in range(len(parts))]


def _least_height(part: StagePart) -> int:
    return LEAST_CHAIN if isinstance(part, Chain) else LEAST_PLOT if isinstance(part, Plot) else LEAST_HEIGHT
