"""Shapes to stand agents on: an ellipse, rows, layers, discs.

Positions are fractions of the drawing area, which is taken to be `ASPECT` times wider than tall. Radii and
distances are fractions of its height, so that a disc looks round. All positions are rounded to six decimals,
since sine and cosine differ in the last bit between machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, pairwise
from math import cos, inf, pi, sin, sqrt

Point = tuple[float, float]

ASPECT = 2.4
"""Width of the drawing area over its height, as they look."""
NEAR, FAR = 0.04, 0.96
"""The margin: nobody stands nearer to an edge than this."""
CENTRE: Point = (0.5, 0.5)

_REACH = 0.46  # from the centre to the margin
_LARGEST_DISC = 0.22
_COS_GOLDEN, _SIN_GOLDEN = -0.7373688780783197, 0.6754902942615238  # of the golden angle, 137.5 degrees


def ellipse(count: int, inset: float = 0.0) -> list[Point]:
    """`count` points evenly along the widest ellipse, clockwise from the top, `inset` inside the margin."""
    wide, tall = _REACH * ASPECT - inset, _REACH - inset
    steps = 4 * max(count, 90)
    outline = [(wide * sin(2 * pi * i / steps), -tall * cos(2 * pi * i / steps)) for i in range(steps + 1)]
    lengths = [0.0]
    for (x0, y0), (x1, y1) in pairwise(outline):
        lengths.append(lengths[-1] + sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)))
    # Two points face each other across the width, where there is more room.
    shift = 0.25 if count == 2 else 0.0
    points, at = [], 0
    for k in range(count):
        goal = lengths[-1] * (k / count + shift)
        while lengths[at + 1] < goal:
            at += 1
        part = (goal - lengths[at]) / (lengths[at + 1] - lengths[at])
        (x0, y0), (x1, y1) = outline[at], outline[at + 1]
        points.append(_point(x0 + part * (x1 - x0), y0 + part * (y1 - y0)))
    return points


def disc(centre: Point, radius: float, count: int) -> list[Point]:
    """`count` points evenly over a disc, the first in its centre: a sunflower's pattern (Vogel 1979)."""
    points = []
    east, south = 1.0, 0.0
    for k in range(count):
        reach = radius * sqrt(k / count)
        points.append(_beside(centre, reach * east, reach * south))
        east, south = (
            east * _COS_GOLDEN - south * _SIN_GOLDEN,
            east * _SIN_GOLDEN + south * _COS_GOLDEN,
        )
    return points


def circle(centre: Point, radius: float, count: int) -> list[Point]:
    """`count` points evenly on a circle that looks round, clockwise from the top."""
    turns = [2 * pi * k / count for k in range(count)]
    return [_beside(centre, radius * sin(turn), -radius * cos(turn)) for turn in turns]


def along(at: float, last: float) -> float:
    """A place between the margins that stands for `at` between 0 and `last`; the middle where `last` is 0."""
    return round(NEAR + (FAR - NEAR) * at / last, 6) if last else 0.5


def tidy(root: int, children: Callable[[int], Iterable[int]]) -> dict[int, tuple[float, int]]:
    """A tree in layers: each node's column and its depth. Leaves take the columns 0, 1, …; a parent stands
    midway between its first and its last child.
    """
    order: list[tuple[int, int, list[int]]] = []
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        below = list(children(node))
        order.append((node, depth, below))
        stack.extend((child, depth + 1) for child in reversed(below))
    column = 0
    leaves: dict[int, float] = {}
    for node, _, below in order:
        if not below:
            leaves[node] = float(column)
            column += 1
    placed: dict[int, tuple[float, int]] = {}
    for node, depth, below in reversed(order):
        at = (placed[below[0]][0] + placed[below[-1]][0]) / 2 if below else leaves[node]
        placed[node] = (at, depth)
    return placed


def fit(centres: Callable[[float], Sequence[Point]]) -> tuple[Sequence[Point], float]:
    """Centres for discs that do not touch, and the discs' radius, as large as the arrangement allows.

    `centres` gives the arrangement for discs of a radius, all of which it keeps inside the margin.
    """
    radius = _LARGEST_DISC
    while True:
        points = centres(radius)
        room = 0.46 * closest(points)
        if radius <= room or radius < 0.01:
            return points, min(radius, room)
        radius *= 0.9


def closest(points: Iterable[Point]) -> float:
    """The distance between the two closest of `points`; infinite for fewer than two."""
    squares = (
        (x1 - x0) * (x1 - x0) * (ASPECT * ASPECT) + (y1 - y0) * (y1 - y0)
        for (x0, y0), (x1, y1) in combinations(points, 2)
    )
    return sqrt(min(squares, default=inf))


def _beside(centre: Point, east: float, south: float) -> Point:
    return round(centre[0] + east / ASPECT, 6), round(centre[1] + south, 6)


def _point(east: float, south: float) -> Point:
    return _beside(CENTRE, east, south)
