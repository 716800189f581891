"""A layout for networks without a shape of their own, by forces (Fruchterman, Reingold 1991).

Links pull, everybody pushes. Only sums, products, quotients and square roots, in a fixed order: the same on
every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

from engine.shapes import Point, along, disc

_WORK = 400_000  # pairs of agents looked at in all: less than 0.1 s
_MOST_STEPS = 150


def force_directed(members: Sequence[int], neighbours: Callable[[int], Sequence[int]]) -> list[Point]:
    """Positions for `members`, in their order, filling the drawing area from margin to margin."""
    n = len(members)
    index = {agent: i for i, agent in enumerate(members)}
    near = [[index[b] for b in neighbours(agent)] for agent in members]
    # One unit is the distance at which a pull and a push are in balance.
    side = sqrt(n)
    xs, ys = [0.0] * n, [0.0] * n
    for i, (x, y) in zip(_outwards(near), disc((0.0, 0.0), 0.56 * side, n), strict=True):
        xs[i], ys[i] = x, y
    steps = max(1, min(_MOST_STEPS, 2 * _WORK // (n * n)))
    for step in range(steps):
        heat = 0.3 * side * (1 - step / steps)
        _step(xs, ys, near, heat)
    return list(zip(_spread(xs), _spread(ys), strict=True))


def _step(xs: list[float], ys: list[float], near: list[list[int]], heat: float) -> None:
    """Move everybody along the sum of the forces, by no more than `heat`."""
    n = len(xs)
    rights, downs = [0.0] * n, [0.0] * n
    for i in range(n):
        x, y, right, down = xs[i], ys[i], rights[i], downs[i]
        for j in range(i + 1, n):
            dx = x - xs[j]
            dy = y - ys[j]
            push = 1.0 / (dx * dx + dy * dy + 0.001)
            dx *= push
            dy *= push
            right += dx
            down += dy
            rights[j] -= dx
            downs[j] -= dy
        for j in near[i]:
            dx = xs[j] - x
            dy = ys[j] - y
            pull = sqrt(dx * dx + dy * dy)
            right += dx * pull
            down += dy * pull
        length = sqrt(right * right + down * down)
        scale = heat / length if length > heat else 1.0
        rights[i], downs[i] = right * scale, down * scale
    for i in range(n):
        xs[i] += rights[i]
        ys[i] += downs[i]


def _outwards(near: list[list[int]]) -> list[int]:
    """Everybody, in the order of the distance from the first: friends start out close to one another."""
    order: list[int] = []
    seen: set[int] = set()
    for start in range(len(near)):
        if start in seen:
            continue
        seen.add(start)
        edge = [start]
        while edge:
            order += edge
            fresh = []
            for i in edge:
                for j in near[i]:
                    if j not in seen:
                        seen.add(j)
                        fresh.append(j)
            edge = fresh
    return order


def _spread(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    return [along(value - low, high - low) for value in values]
