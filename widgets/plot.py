"""A plot in braille dots: measured curves solid, theory dim and dashed; ticks at round values."""

from __future__ import annotations

import math
from functools import lru_cache

from engine.views import Curve, Plot
from widgets.canvas import BRAILLE, Raster
from widgets.text import Line, cells, clean, clip, line_cells

LEAST_WIDTH = 30
_INKS = ("accent", "good", "warn", "plain")
_LEFT_DOTS = 0x47  # of a cell: the left column
_SAMPLES = ("⠤⠤", "⠄⠄", "⠤ ", "⠄ ")  # of the patterns below, for the legend
_LARGEST = 1e15  # beyond it nothing is drawn
_SMALLEST = 1e-12  # a span that is a smaller part of its ends is none
_THEORY_SAMPLE = "┈┈"


def draw(plot: Plot, width: int, height: int) -> list[Line]:
    """The plot in lines of at most `width` cells."""
    if height < 1 or width < 1:
        return []
    top = _title(plot, width)
    rows = height - len(top) - 2
    (x_low, x_high), (y_low, y_high) = _spans(plot)
    y_ticks = ticks(y_low, y_high, max(2, min(6, rows // 2 + 1))) if rows > 1 else []
    labels = _labels(y_ticks, plot.percent)
    gutter = max((len(label) for label in labels), default=0)
    across = width - gutter - 1
    if rows < 2 or across < 8:
        return top[:height]
    body = _curves(plot, across, rows, (x_low, x_high, y_low, y_high))
    marks: dict[int, str] = {}
    for tick, label in zip(y_ticks, labels, strict=True):
        row = round((y_high - tick) / (y_high - y_low) * (rows - 1)) if y_high > y_low else rows - 1
        marks[row] = label
    lines = list(top)
    for row in range(rows):
        axis: Line = [(marks.get(row, "").rjust(gutter), "dim"), ("┤" if row in marks else "│", "faint")]
        lines.append(axis + body[row])
    lines.extend(_x_axis(plot, x_low, x_high, gutter, across))
    return lines


def _title(plot: Plot, width: int) -> list[Line]:
    """Title and legend, in one line or in two."""
    head: Line = [(clean(plot.title), "title!")]
    if plot.y_label and plot.y_label.casefold() not in plot.title.casefold():
        head.append((f"  {clean(plot.y_label)}", "dim"))
    legend: Line = []
    measured = 0
    for curve in plot.curves:
        if not curve.label:
            continue
        if curve.theory:
            legend.append((f"  {_THEORY_SAMPLE} ", "dim"))
        else:
            legend.append((f"  {_SAMPLES[measured % len(_SAMPLES)]} ", _INKS[measured % len(_INKS)]))
            measured += 1
        legend.append((clip(clean(curve.label), 24), "dim"))
    if not legend:
        return [head]
    if line_cells(head) + line_cells(legend) + 1 <= width:
        return [[*head, (" ", "plain"), *legend]]
    return [head, legend]


def _spans(plot: Plot) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of the axes: as told, else what the curves take; from nothing where that is near."""
    x_span, y_span = plot.x_range, plot.y_range
    if x_span is None:
        xs = [x for curve in plot.curves for x in curve.xs if _drawable(x)]
        x_span = (min(xs), max(xs)) if xs else (0.0, 1.0)
    if y_span is None:
        ys = [y for curve in plot.curves for y in curve.ys if _drawable(y)]
        low, high = (min(ys), max(ys)) if ys else (0.0, 1.0)
        if 0 <= low < 0.5 * high:
            low = 0.0
        y_span = (low, high)
    return _widen(x_span), _widen(y_span)


def _drawable(value: float) -> bool:
    return abs(value) <= _LARGEST  # neither that of infinity nor that of NaN is


def _widen(span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    if high - low > _SMALLEST * max(abs(low), abs(high), 1e-6):
        return low, high
    return low, low + (abs(low) if abs(low) > 1e-6 else 1.0)


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round values, a step of 1, 2 or 5 times a power of ten apart, from `low` to `high`."""
    span = high - low
    if span <= 0 or most < 1 or not math.isfinite(span):
        return [low]
    step = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1, 2, 5, 10, 20):
        if span / (step * factor) <= most - 1 or factor == 20:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)][:most]


def _labels(values: list[float], percent: bool) -> list[str]:
    if percent:
        return [f"{100 * value:.0f} %" for value in values]
    if not values:
        return []
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) or 1.0
    largest = max(abs(value) for value in values)
    if largest >= 1e6 or step < 1e-4:
        return [f"{value:.3g}" for value in values]
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:,.{places}f}" for value in values]


def _curves(plot: Plot, across: int, rows: int, spans: tuple[float, float, float, float]) -> list[Line]:
    """The dots of all curves; where two share a cell the measured one, and the earlier one, gives the ink."""
    layers: list[tuple[bytes, str]] = []
    measured = 0
    for curve in plot.curves:
        if curve.theory:
            layers.append((_pattern(_dots(curve, across, rows, spans), across, 2), "dim"))
        else:
            bits = _dots(curve, across, rows, spans)
            layers.insert(measured, (_pattern(bits, across, measured % 4), _INKS[measured % len(_INKS)]))
            measured += 1
    lines: list[Line] = []
    for row in range(rows):
        start = row * across
        parts = [(bits[start : start + across], ink) for bits, ink in layers]
        parts = [(bits, ink) for bits, ink in parts if any(bits)]
        if not parts:
            lines.append([(" " * across, "plain")])
            continue
        if len(parts) == 1:
            lines.append([("".join([BRAILLE[bits] for bits in parts[0][0]]), parts[0][1])])
            continue
        line: Line = []
        text, last = "", parts[0][1]
        for at in range(across):
            cell = 0
            ink = ""
            for layer, name in parts:
                if layer[at]:
                    cell |= layer[at]
                    ink = ink or name
            if ink and ink != last:
                line.append((text, last))
                text, last = "", ink
            text += BRAILLE[cell]
        line.append((text, last))
        lines.append(line)
    return lines


def _pattern(bits: bytes, across: int, pattern: int) -> bytes:
    """Curves that differ in more than colour: 0 solid, 1 dotted, 2 dashed, 3 dotted and dashed."""
    if pattern == 0:
        return bits
    mask = _LEFT_DOTS if pattern in (1, 3) else 0xFF
    skip = pattern in (2, 3)
    return bytes([0 if skip and (at % across) % 2 else value & mask for at, value in enumerate(bits)])


@lru_cache(maxsize=32)
def _dots(curve: Curve, across: int, rows: int, spans: tuple[float, float, float, float]) -> bytes:
    """A curve's dots. Theory, which does not change, costs nothing the second time."""
    x_low, x_high, y_low, y_high = spans
    raster = Raster(across, rows)
    wide, high = 2 * across - 1, 4 * rows - 1
    x_scale, y_scale = wide / (x_high - x_low), high / (y_high - y_low)
    before: tuple[int, int] | None = None
    for x, y in zip(curve.xs, curve.ys, strict=False):
        if not (_drawable(x) and _drawable(y)):
            before = None
            continue
        at = (int((x - x_low) * x_scale + 0.5), int((y_high - y) * y_scale + 0.5))
        if at[0] < -wide or at[0] > 2 * wide or at[1] < -8 * high or at[1] > 8 * high:
            before = None  # far outside: not worth walking there
            continue
        if at == before:
            continue
        if before is None:
            raster.dot(*at)
        else:
            raster.line(*before, *at)
        before = at
    return bytes(raster.bits)


def _x_axis(plot: Plot, low: float, high: float, gutter: int, across: int) -> list[Line]:
    """The axis with its ticks; below it their values, and what they count where that fits between two of them."""
    values = ticks(low, high, max(2, across // 8))
    labels = _labels(values, False)
    axis = ["─"] * across
    words = [" "] * (gutter + 1 + across)
    free = 0
    gaps: list[tuple[int, int]] = []
    for value, label in zip(values, labels, strict=True):
        column = round((value - low) / (high - low) * (across - 1))
        axis[column] = "┴"
        start = min(gutter + 1 + column - len(label) // 2, len(words) - len(label))
        if start >= free:
            words[start : start + len(label)] = label
            gaps.append((free, start))
            free = start + len(label) + 1
    gaps.append((free, len(words) + 1))
    name = clean(plot.x_label)
    size = cells(name)
    for start, end in reversed(gaps[1:]):
        if name and size == len(name) and end - start >= size + 2:
            at = end - size - 1 if end > len(words) else start + (end - start - size) // 2
            words[at : at + size] = name
            break
    return [[(" " * gutter, "dim"), ("└" + "".join(axis), "faint")], [("".join(words), "dim")]]
