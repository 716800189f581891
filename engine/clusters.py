"""A drawing of more agents than can be told apart: they stand in clusters, neighbours together.

Each topology is cut in its own manner, its clusters are arranged in its own manner, and the members of each
are packed into a disc; discs do not overlap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import isqrt, sqrt

from engine.graph import Topology
from engine.shapes import ASPECT, CENTRE, Point, along, closest, disc, ellipse, fit, tidy
from engine.topology import Grid, Hybrid, RandomRegular, Star, Tree

FEWEST, MOST_AROUND, MOST_IN_ROWS = 12, 24, 40
"""How many clusters: at least, at most around an ellipse or in a tree, at most in rows."""

Cluster = Sequence[int]
Centres = Callable[[float], Sequence[Point]]


def clustered(topology: Topology) -> tuple[list[tuple[str, tuple[int, ...]]], dict[int, Point]]:
    """The clusters, each with its lowest and highest id as its label and its members ascending, and where
    every agent stands.
    """
    clusters, centres = _arrange(topology)
    points, radius = fit(centres)
    largest = max(map(len, clusters))
    positions: dict[int, Point] = {}
    for cluster, centre in zip(clusters, points, strict=True):
        # Every disc is as dense as the others.
        reach = radius * sqrt(len(cluster) / largest)
        positions.update(zip(cluster, disc(centre, reach, len(cluster)), strict=True))
    return [(_label(cluster), tuple(cluster)) for cluster in clusters], positions


def _label(cluster: Cluster) -> str:
    return f"{cluster[0]}…{cluster[-1]}" if len(cluster) > 1 else f"{cluster[0]}"


def _arrange(topology: Topology) -> tuple[list[Cluster], Centres]:
    match topology:
        case Star():
            return _star(topology)
        case Grid():
            return _grid(topology)
        case Tree():
            return _tree(topology)
        case Hybrid():
            return _hybrid(topology)
        case RandomRegular():
            return _random(topology)
        case _:
            return _circle(_runs(topology.members, _count(topology.size, MOST_AROUND)))


def _count(n: int, most: int) -> int:
    return max(FEWEST, min(most, isqrt(n)))


def _runs(items: Sequence[int], count: int) -> list[Cluster]:
    return [items[len(items) * i // count : len(items) * (i + 1) // count] for i in range(count)]


def _circle(clusters: list[Cluster]) -> tuple[list[Cluster], Centres]:
    return clusters, lambda radius: ellipse(len(clusters), radius)


def _star(topology: Star) -> tuple[list[Cluster], Centres]:
    runs = _runs([agent for agent in topology.members if agent], _count(topology.size, MOST_AROUND))
    if 0 not in topology:
        return _circle(runs)
    return [[0], *runs], lambda radius: [CENTRE, *ellipse(len(runs), radius)]


def _grid(topology: Grid) -> tuple[list[Cluster], Centres]:
    cells = {agent: topology.cell(agent) for agent in topology.members}
    rows = max(row for _, row in cells.values()) + 1
    count = _count(topology.size, MOST_IN_ROWS)
    down = max(1, min(rows, round(sqrt(count / ASPECT))))
    across = max(1, min(topology.columns, round(count / down)))
    tiles: dict[tuple[int, int], list[int]] = defaultdict(list)
    for agent, (column, row) in cells.items():
        tiles[row * down // rows, column * across // topology.columns].append(agent)
    used = sorted(tiles)
    centres = [(along(2 * column + 1, 2 * across), along(2 * row + 1, 2 * down)) for row, column in used]
    return [tiles[tile] for tile in used], lambda _: centres


def _tree(topology: Tree) -> tuple[list[Cluster], Centres]:
    """Subtrees, cut off as soon as they are large enough; what is left is with the root."""
    enough = topology.size / _count(topology.size, MOST_AROUND)
    weight = dict.fromkeys(topology.members, 1)
    head: dict[int, int] = {}
    for agent in reversed(topology.members):  # children before their parents
        parent = topology.parent(agent)
        if parent is None or weight[agent] >= enough:
            head[agent] = agent
        else:
            weight[parent] += weight[agent]
    clusters: dict[int, list[int]] = defaultdict(list)
    below: dict[int, list[int]] = defaultdict(list)
    for agent in topology.members:
        parent = topology.parent(agent)
        if agent in head and parent is not None:
            below[head[parent]].append(agent)
        elif parent is not None:
            head[agent] = head[parent]
        clusters[head[agent]].append(agent)
    placed = tidy(topology.members[0], lambda agent: below[agent])
    places = [placed[top] for top in clusters]
    return list(clusters.values()), lambda radius: max(
        (_layers(places, radius, rows) for rows in (1, 2, 3)), key=closest
    )


def _layers(placed: Sequence[tuple[float, int]], radius: float, most: int) -> list[Point]:
    """The layers of a tree, each staggered in up to `most` rows, which leaves wider discs room."""
    last = max(column for column, _ in placed)
    layers: dict[int, list[float]] = defaultdict(list)
    for column, depth in sorted(placed):
        layers[depth].append(column)
    row: dict[tuple[float, int], int] = {}
    rows = 0
    for depth in sorted(layers):
        columns = layers[depth]
        high = min(most, len(columns))
        row.update({(column, depth): rows + i % high for i, column in enumerate(columns)})
        rows += high
    return [
        (_inset(along(place[0], last), radius / ASPECT), _inset(along(row[place], rows - 1), radius))
        for place in placed
    ]


def _inset(at: float, by: float) -> float:
    return round(0.5 + (at - 0.5) * (1 - by / 0.46), 6)


def _hybrid(topology: Hybrid) -> tuple[list[Cluster], Centres]:
    """The topology's own clusters, or, where they are too many, each with its neighbours on the ring."""
    own = topology.clusters
    count = min(len(own), MOST_IN_ROWS)
    merged = [own[len(own) * i // count : len(own) * (i + 1) // count] for i in range(count)]
    return _circle([sorted(agent for cluster in group for agent in cluster) for group in merged])


def _random(topology: RandomRegular) -> tuple[list[Cluster], Centres]:
    """Neighbourhoods: each grows from the lowest agent left until it has its share, row upon row."""
    count = _count(topology.size, MOST_IN_ROWS)
    left = dict.fromkeys(topology.members)
    clusters: list[Cluster] = []
    for i in range(count):
        share = topology.size * (i + 1) // count - topology.size * i // count
        clusters.append(sorted(_neighbourhood(topology, left, share)))
    down = max(1, round(sqrt(count / ASPECT)))
    across = -(-count // down)
    # Every other row is shifted by half a disc: there is no order to be read here.
    half_columns = 2 * across + (down > 1)
    centres = []
    for i in range(count):
        row, column = divmod(i, across)
        centres.append((along(2 * column + 1 + row % 2, half_columns), along(2 * row + 1, 2 * down)))
    return clusters, lambda _: centres


def _neighbourhood(topology: Topology, left: dict[int, None], share: int) -> list[int]:
    """Take `share` agents out of those `left`, friends of friends first."""
    taken: list[int] = []
    at = 0
    while len(taken) < share:
        if at < len(taken):
            found = [b for b in topology.neighbours(taken[at]) if b in left]
            at += 1
        else:  # nobody left near by: on with the lowest
            found = [next(iter(left))]
        for agent in found[: share - len(taken)]:
            del left[agent]
            taken.append(agent)
    return taken
