"""Lines drawn in dots: two across and four down in every cell, as braille patterns."""

from __future__ import annotations

_DOT_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then column (Unicode, block 2800)
BRAILLE = (" ", *(chr(0x2800 + bits) for bits in range(1, 256)))
"""The character for each pattern of dots; a blank for none."""


class Raster:
    """A grid of `width` by `height` cells of dots; the dots count from the upper left, 0 to 2·width-1 across."""

    __slots__ = ("bits", "height", "width")

    def __init__(self, width: int, height: int) -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self.bits = bytearray(self.width * self.height)

    def dot(self, x: int, y: int) -> None:
        """Set a dot; outside of the grid nothing happens."""
        if 0 <= x < 2 * self.width and 0 <= y < 4 * self.height:
            self.bits[(y >> 2) * self.width + (x >> 1)] |= _DOT_BITS[y & 3][x & 1]

    def line(self, x0: int, y0: int, x1: int, y1: int, on: int = 1, off: int = 0) -> None:
        """A straight line between two dots, both included (Bresenham 1965); `on` dots drawn, `off` left out."""
        bits, width = self.bits, self.width
        across, down = 2 * width, 4 * self.height
        dx, dy = abs(x1 - x0), -abs(y1 - y0)
        step_x = 1 if x0 < x1 else -1
        step_y = 1 if y0 < y1 else -1
        error = dx + dy
        period = on + off
        count = 0
        x, y = x0, y0
        inside = min(x0, x1) >= 0 and max(x0, x1) < across and min(y0, y1) >= 0 and max(y0, y1) < down
        while True:
            if (not off or count < on) and (inside or (0 <= x < across and 0 <= y < down)):
                bits[(y >> 2) * width + (x >> 1)] |= _DOT_BITS[y & 3][x & 1]
            if x == x1 and y == y1:
                return
            count += 1
            if count == period:
                count = 0
            twice = 2 * error
            if twice >= dy:
                error += dy
                x += step_x
            if twice <= dx:
                error += dx
                y += step_y

    def row(self, y: int) -> str:
        """A row of cells as text."""
        return "".join([BRAILLE[bits] for bits in self.bits[y * self.width : (y + 1) * self.width]])

    def rows(self) -> list[str]:
        """All rows as text."""
        return [self.row(y) for y in range(self.height)]


def spark(values: tuple[float, ...], width: int, low: float, high: float) -> bytearray:
    """The course of a series as one row of cells: the last `2·width` values, or means of as many equal parts.

    `low` and `high` are the values of the lowest and the highest of the four rows of dots. Where a value is no number
    (NaN) there is no dot.
    """
    raster = Raster(width, 1)
    dots = resample(values, 2 * width)
    span = high - low
    before: int | None = None
    first = 2 * width - len(dots)
    for at, value in enumerate(dots):
        if value != value:
            before = None
            continue
        level = 3 - (round(3 * (value - low) / span) if span > 0 else 0)
        level = min(3, max(0, level))
        x = first + at
        raster.dot(x, level)
        if before is not None and abs(before - level) > 1:
            step = 1 if level > before else -1
            for between in range(before + step, level, step):
                raster.dot(x, between)
        before = level
    return raster.bits


def resample(values: tuple[float, ...], parts: int) -> list[float]:
    """At most `parts` values: the means of equal parts of the series, or the series itself when it is shorter."""
    size = len(values)
    if size <= parts:
        return list(values)
    means: list[float] = []
    start = 0
    for part in range(parts):
        end = (part + 1) * size // parts
        chunk = values[start:end]
        means.append(sum(chunk) / len(chunk))
        start = end
    return means
