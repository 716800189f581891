"""A film of the screen as an animated GIF, painted from its cells.

It is made in two passes. The first takes the frames, and keeps what changed from each to the next. Then the colours are
known, and the best 255 of them become the one palette of the film; index 255 means “as before”. The second pass paints,
and writes for each frame no more than the rectangle in which something changed.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from app.export.cells import HEIGHT, WIDTH, mask
from app.export.screen import Cell, Film, Frame, cells_of
from app.export.stretch import Progress, Stretch
from app.export.wish import Wish

RGB = tuple[int, int, int]
Pixels = NDArray[np.uint8]
LEVELS = 6  # steps from background to foreground at the edges of letters
SAME = 255  # the index of pixels that stay as they were
LAST = 1.0  # seconds for which the last frame stays, before the film begins again
LONGEST = 60_000  # hundredths of a second that one frame can stay
FOREGROUND, BACKGROUND = (214, 219, 227), (16, 19, 25)  # where a style says nothing
TAKING = 0.6  # the part of the work that the first pass is


class Look(NamedTuple):
    """All that decides how a cell is painted."""

    character: str
    fore: RGB
    back: RGB
    bold: bool
    underlined: bool
    cells: int


Change = dict[tuple[int, int], Look]
"""What cells look like now, by row and column."""


def write_gif(file: BinaryIO, stretch: Stretch, wish: Wish, progress: Progress) -> str:
    """Make the film, and write it."""
    film = Film(stretch, wish)
    changes: list[tuple[int, Change]] = []  # which frame, and what changed
    before: Frame = []

    def on_frame(number: int, lines: Frame) -> None:
        nonlocal before
        change = _changed(before, lines)
        if change:
            changes.append((number, change))
        before = lines

    film.run(on_frame, lambda share, words: progress(TAKING * share, words))
    painter = Painter(film.size, Palette(Counter(look for _, change in changes for look in change.values())))
    file.write(painter.head())
    ends = [number / film.fps for number, _ in changes[1:]] + [film.seconds + LAST]
    shown = 0  # hundredths of a second
    for place, ((_, change), end) in enumerate(zip(changes, ends, strict=True)):
        stays = min(LONGEST, max(1, round(100 * end) - shown))
        shown += stays
        file.writelines(painter.frame(change, stays))
        progress(TAKING + (1 - TAKING) * place / len(changes), "painting")
    file.write(b";")
    return film.in_words()


def _changed(before: Frame, now: Frame) -> Change:
    found: Change = {}
    for row, line in enumerate(now):
        if row < len(before) and before[row] == line:
            continue
        cells = cells_of(line)
        old = cells_of(before[row]) if row < len(before) else []
        for column, cell in enumerate(cells):
            if cell[0] and (column >= len(old) or cell != old[column]):
                found[row, column] = look_of(cell)
    return found


def look_of(cell: Cell) -> Look:
    """How a cell is painted."""
    character, style = cell
    fore, back = _colours(style)
    return Look(character, fore, back, bool(style.bold), bool(style.underline), cell_len(character))


@lru_cache(maxsize=4096)
def _colours(style: Style) -> tuple[RGB, RGB]:
    fore, back = _rgb(style.color, FOREGROUND), _rgb(style.bgcolor, BACKGROUND)
    if style.reverse:
        fore, back = back, fore
    return (_blend(back, fore, 0.5) if style.dim else fore), back


def _rgb(colour: Color | None, otherwise: RGB) -> RGB:
    if colour is None or colour.is_default:
        return otherwise
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def _blend(back: RGB, fore: RGB, part: float) -> RGB:
    red, green, blue = (round(b + (f - b) * part) for b, f in zip(back, fore, strict=True))
    return red, green, blue


class Palette:
    """The 255 colours of a film: those of the cells themselves before those at the edges of letters, frequent ones
    before rare ones."""

    def __init__(self, looks: Counter[Look]) -> None:
        pure: Counter[RGB] = Counter()
        edges: Counter[RGB] = Counter()
        for look, count in looks.items():
            pure[look.back] += count
            if not look.character.isspace():
                pure[look.fore] += count
                for level in range(1, LEVELS):
                    edges[_blend(look.back, look.fore, level / LEVELS)] += count
        ranked = dict.fromkeys(colour for some in (pure, edges) for colour, _ in some.most_common())
        self.colours = list(ranked)[:SAME]
        self._array = np.array(self.colours, dtype=np.int32)
        self._known = {colour: index for index, colour in enumerate(self.colours)}

    def index(self, colour: RGB) -> int:
        """Where a colour stands in the palette, or the one that is nearest to it."""
        if colour not in self._known:
            self._known[colour] = int(((self._array - np.array(colour)) ** 2).sum(axis=1).argmin())
        return self._known[colour]

    def table(self) -> bytes:
        """The palette as the file wants it."""
        return bytes(part for colour in self.colours for part in colour).ljust(3 * 256, b"\0")


class Painter:
    """Paints frame over frame."""

    def __init__(self, size: tuple[int, int], palette: Palette) -> None:
        self._palette = palette
        self._size = (size[0] * WIDTH, size[1] * HEIGHT)
        self._canvas: Pixels = np.full(self._size[::-1], SAME, dtype=np.uint8)
        self._tiles: dict[Look, Pixels] = {}

    def head(self) -> bytes:
        """What stands before the frames: size, palette, and that the film begins again for ever."""
        width, height = (pixels.to_bytes(2, "little") for pixels in self._size)
        again = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
        return b"GIF89a" + width + height + b"\xf7\0\0" + self._palette.table() + again

    def frame(self, change: Change, stays: int) -> list[bytes]:
        """The next frame, which stays for so many hundredths of a second."""
        tops = [row * HEIGHT for row, _ in change]
        lefts = [column * WIDTH for _, column in change]
        top, bottom = min(tops), max(tops) + HEIGHT
        left = min(lefts)
        right = max(column * WIDTH + look.cells * WIDTH for (_, column), look in change.items())
        right = min(right, self._size[0])
        before = self._canvas[top:bottom, left:right].copy()
        for (row, column), look in change.items():
            tile = self._tile(look)
            y, x = row * HEIGHT, column * WIDTH
            room = min(tile.shape[1], self._size[0] - x)
            self._canvas[y : y + HEIGHT, x : x + room] = tile[:, :room]
        now = self._canvas[top:bottom, left:right]
        changed = np.where(now == before, np.uint8(SAME), now)
        picture = Image.frombytes("P", (right - left, bottom - top), changed.tobytes())
        return GifImagePlugin.getdata(picture, (left, top), duration=10 * stays, transparency=SAME, disposal=1)

    def _tile(self, look: Look) -> Pixels:
        if look not in self._tiles:
            indices = np.array(
                [self._palette.index(_blend(look.back, look.fore, level / LEVELS)) for level in range(LEVELS + 1)],
                dtype=np.uint8,
            )
            covered = np.asarray(mask(look.character, look.bold, look.cells), dtype=np.int32)
            tile = indices[(covered * LEVELS + 127) // 255]
            if look.underlined:
                tile[HEIGHT - 2, :] = indices[LEVELS]
            self._tiles[look] = tile
        return self._tiles[look]
