"""Where things are in the network drawing, and what is near: the geometry of cells twice as high as wide."""

from __future__ import annotations

from collections.abc import Mapping

from engine.views import MovingMessage
from widgets.placing import Spot

STOPS = 0.5  # the part of its way after which a lost message is lost


def progress(message: MovingMessage, now: int) -> float:
    """The part of its way that a message has gone: 0 to 1, and never beyond a half for one that is lost."""
    span = message.due - message.sent
    part = min(1.0, max(0.0, (now - message.sent) / span)) if span > 0 else 1.0
    return min(part, STOPS) if message.lost else part


def between(start: Spot, end: Spot, part: float) -> Spot:
    """The cell that lies a part of the way from one to another."""
    return int(start[0] + (end[0] - start[0]) * part + 0.5), int(start[1] + (end[1] - start[1]) * part + 0.5)


def nearest_towards(spots: Mapping[int, Spot], chosen: int, direction: str) -> int | None:
    """The agent to go to from `chosen`: the nearest within 45° of the direction, else the nearest on that side."""
    x0, y0 = spots[chosen]
    turn = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[direction]
    best: tuple[bool, float, int] | None = None
    for agent, (x, y) in spots.items():
        dx, dy = x - x0, 2 * (y - y0)  # cells are twice as high as wide
        along = dx * turn[0] + dy * turn[1]
        aside = abs(dx * turn[1]) + abs(dy * turn[0])
        if along <= 0:
            continue
        score = (aside > along, along + 2.0 * aside, agent)
        if best is None or score < best:
            best = score
    return best[2] if best else None


def arrow_head(start: Spot, end: Spot, x: int) -> tuple[int, str]:
    """Where the head of a message's arrow goes, and the head."""
    dx, dy = end[0] - start[0], 2 * (end[1] - start[1])
    if abs(dx) >= abs(dy):
        return (x + 1, "▸") if dx > 0 else (x - 1, "◂")
    return x + 1, "▾" if dy > 0 else "▴"


def distance(spot: Spot, start: Spot, end: Spot) -> float:
    """How far a cell is from the line between two others, in columns and rows."""
    px, py = spot[0] - start[0], spot[1] - start[1]
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    part = min(1.0, max(0.0, (px * dx + py * dy) / length)) if length else 0.0
    return float(max(abs(px - part * dx), abs(py - part * dy)))
