"""Where the network drawing puts agents, names and clusters, in cells. Pure functions; a placing is worth caching."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.views import Layout, NetworkNode
from widgets.text import cells, clean, clip

Spot = tuple[int, int]
"""A cell: column and row."""

_LABELLED = 0.5  # with room for less than this share of the names, none is drawn: some names only would puzzle
_WRITTEN = (0.18, 0.3)  # nor when they took more than this share of the cells, with links between them and without
_FILLED = 0.42  # share of the cells that members of clusters may take
_ASPECT = 2.0  # a cell is about twice as high as wide


class Placing(NamedTuple):
    """Cells of agents and texts. `crowds` lists who stands in a cell where several have to share it."""

    spots: dict[int, Spot]
    names: dict[int, tuple[int, int, str]]  # column, row, text
    heads: tuple[tuple[int, int, str], ...]  # of clusters
    crowds: dict[Spot, tuple[int, ...]]
    gathered: bool  # in clusters


def place(layout: Layout, nodes: tuple[NetworkNode, ...], width: int, height: int) -> Placing:
    """A cell for every agent of the layout; no two share one, unless clusters are too large for the room."""
    if width < 1 or height < 1:
        return Placing({}, {}, (), {}, False)
    if layout.clusters:
        return _gather(layout, width, height)
    spots = _spread(layout.positions, width, height)
    most = _WRITTEN[0 if layout.edges else 1] * width * height
    return Placing(spots, _name(nodes, spots, width, height, most), (), {}, False)


def _to_cell(position: tuple[float, float], width: int, height: int) -> Spot:
    margin = 1 if width > 4 else 0
    x = margin + round(min(1.0, max(0.0, position[0])) * (width - 1 - 2 * margin))
    y = round(min(1.0, max(0.0, position[1])) * (height - 1))
    return x, y


def _spread(positions: Mapping[int, tuple[float, float]], width: int, height: int) -> dict[int, Spot]:
    """Every agent in the cell nearest to its position that is still free."""
    spots: dict[int, Spot] = {}
    taken: set[Spot] = set()
    for agent, position in sorted(positions.items()):
        spot = _to_cell(position, width, height)
        if spot in taken and len(taken) < width * height:
            spot = _nearest_free(spot, taken, width, height)
        taken.add(spot)
        spots[agent] = spot
    return spots


def _nearest_free(spot: Spot, taken: set[Spot], width: int, height: int) -> Spot:
    x0, y0 = spot
    for radius in range(1, width + height):
        ring = [
            (abs(dx) + _ASPECT * abs(dy), y0 + dy, x0 + dx)
            for dy in range(-radius, radius + 1)
            for dx in ({-radius, radius} if abs(dy) < radius else range(-radius, radius + 1))
        ]
        for _, y, x in sorted(ring):
            if 0 <= x < width and 0 <= y < height and (x, y) not in taken:
                return x, y
    return spot


def _name(
    nodes: Iterable[NetworkNode], spots: Mapping[int, Spot], width: int, height: int, most: float
) -> dict[int, tuple[int, int, str]]:
    """Places for names that overlap nothing: beside the agent, else under or above it; none when most do not fit."""
    nodes = [node for node in nodes if node.id in spots]
    if sum(cells(name_text(node)) for node in nodes) > most:
        return _mark(nodes, spots, width, height)
    taken, written = set(spots.values()), set[Spot]()
    names: dict[int, tuple[int, int, str]] = {}
    marks: dict[int, tuple[int, int, str]] = {}
    for node in nodes:
        found = _fit_name(name_text(node), spots[node.id], taken, written, width, height)
        if found is not None:
            names[node.id] = found
        elif node.label:
            found = _fit_name(clip(clean(node.label), 2), spots[node.id], taken, written, width, height)
            if found is not None:
                marks[node.id] = found
    if len(names) >= _LABELLED * len(nodes):
        return names | marks
    return _mark(nodes, spots, width, height)


def _mark(
    nodes: Iterable[NetworkNode], spots: Mapping[int, Spot], width: int, height: int
) -> dict[int, tuple[int, int, str]]:
    """Only the letters that the scenario gives to agents, for want of room for names."""
    taken, written = set(spots.values()), set[Spot]()
    marks: dict[int, tuple[int, int, str]] = {}
    for node in nodes:
        if node.label:
            found = _fit_name(clip(clean(node.label), 2), spots[node.id], taken, written, width, height)
            if found is not None:
                marks[node.id] = found
    return marks


def name_text(node: NetworkNode) -> str:
    """What stands beside an agent: the letter that the scenario gives it, and its name."""
    name = clip(clean(node.name), 16)
    return f"{clip(clean(node.label), 2)} {name}" if node.label else name


def candidates(text: str, spot: Spot, width: int, height: int) -> list[tuple[int, int, str]]:
    """Places for a text around a cell, the best first, all inside."""
    x, y = spot
    size = cells(text)
    around = [
        (x + 1, y, f" {text}"),
        (x - 1 - size, y, f"{text} "),
        (x - size // 2, y + 1, text),
        (x - size // 2, y - 1, text),
    ]
    return [
        (left, row, words)
        for left, row, words in around
        if 0 <= row < height and left >= 0 and left + cells(words) <= width
    ]


def _fit_name(
    text: str, spot: Spot, taken: set[Spot], written: set[Spot], width: int, height: int
) -> tuple[int, int, str] | None:
    """The best place for a text over nothing that is taken, and a cell apart from what is written beside it."""
    for left, row, words in candidates(text, spot, width, height):
        size = cells(words)
        if (left - 1, row) in written or (left + size, row) in written:
            continue
        span = [(left + at, row) for at in range(size)]
        if taken.isdisjoint(span):
            taken.update(span)
            written.update(span)
            return left, row, words
    return None


def _gather(layout: Layout, width: int, height: int) -> Placing:
    """Clusters as discs around the mean of their members' positions, with a gap between two where there is room."""
    clusters = [(label, [m for m in members if m in layout.positions]) for label, members in layout.clusters]
    clusters = [(label, members) for label, members in clusters if members]
    total = sum(len(members) for _, members in clusters)
    room = max(1, int(_FILLED * width * height))
    share = max(1, math.ceil(total / room))
    step = 2 if share == 1 and 2 * total <= room else 1
    centres = [_to_cell(_mean(layout.positions, members), width, height) for _, members in clusters]

    taken: dict[Spot, int] = {}  # who owns a cell: a cluster, or -1 for a label
    heads: list[tuple[int, int, str]] = []
    for (label, members), (x, y) in zip(clusters, centres, strict=True):
        radius = math.sqrt(math.ceil(len(members) / share) * step / (_ASPECT * math.pi))
        words = clip(clean(label), max(4, int(4 * radius) + 4))
        size = cells(words)
        left = min(max(0, x - size // 2), max(0, width - size))
        row = max(0, min(height - 1, round(y - radius - 1)))
        span = [(left + at, row) for at in range(-1, size + 1)]
        if size <= width and not any(spot in taken for spot in span):
            taken.update((spot, -1) for spot in span)
            heads.append((left, row, words))

    offsets = sorted(
        ((dx / _ASPECT) ** 2 + dy * dy, dy, dx)
        for dy in range(-height, height + 1)
        for dx in range(-width, width + 1)
        if dx % step == 0
    )
    spots: dict[int, Spot] = {}
    crowds: dict[Spot, tuple[int, ...]] = {}
    waiting = [
        (number, [members[at : at + share] for at in range(0, len(members), share)], iter(offsets))
        for number, (_, members) in enumerate(clusters)
    ]
    turn = 0
    while waiting:
        still = []
        for number, groups, nearest in waiting:
            spot = _next_free(centres[number], nearest, taken, number, width, height)
            if spot is None:
                spot = _any_free(centres[number], offsets, taken, width, height)
            taken[spot] = number
            group = groups[turn]
            for member in group:
                spots[member] = spot
            crowds[spot] = crowds.get(spot, ()) + tuple(group)
            if turn + 1 < len(groups):
                still.append((number, groups, nearest))
        waiting = still
        turn += 1
    shared = {spot: group for spot, group in crowds.items() if len(group) > 1}
    return Placing(spots, {}, tuple(heads), shared, True)


def _mean(positions: Mapping[int, tuple[float, float]], members: list[int]) -> tuple[float, float]:
    return (
        math.fsum(positions[m][0] for m in members) / len(members),
        math.fsum(positions[m][1] for m in members) / len(members),
    )


def _next_free(
    centre: Spot, nearest: Iterable[tuple[float, int, int]], taken: dict[Spot, int], own: int, width: int, height: int
) -> Spot | None:
    x0, y0 = centre
    for _, dy, dx in nearest:
        x, y = x0 + dx, y0 + dy
        if not (0 <= x < width and 0 <= y < height) or (x, y) in taken:
            continue
        beside = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
        if all(taken.get(spot, own) in (own, -1) for spot in beside):
            return x, y
    return None


def _any_free(
    centre: Spot, offsets: list[tuple[float, int, int]], taken: dict[Spot, int], width: int, height: int
) -> Spot:
    x0, y0 = centre
    for _, dy, dx in offsets:
        x, y = x0 + dx, y0 + dy
        if 0 <= x < width and 0 <= y < height and (x, y) not in taken:
            return x, y
    return centre
