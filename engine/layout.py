"""Where the agents stand in a drawing of their network: one stated layout for each topology.

Made only when a pane asks. The same topology always has the same layout.
"""

from __future__ import annotations

from engine.clusters import clustered
from engine.force import force_directed
from engine.graph import Topology
from engine.shapes import CENTRE, Point, along, circle, ellipse, fit, tidy
from engine.topology import Grid, Hybrid, RandomRegular, Star, Tree
from engine.views import Layout

MOST_APART = 200
"""Agents up to which each has a place of its own; more stand in clusters."""
MOST_EDGES = 1_200
"""Links up to which they are listed to be drawn."""
MOST_LINKED = 12
"""Links an agent may have on average for them to be drawn: more would hide what moves along them."""


def make_layout(topology: Topology, version: int) -> Layout:
    """Where everybody stands, and the links to draw.

    Star: a centre and a circle. Mesh, ring, small world: a circle. Tree: layers. Hybrid: small circles on a
    large one. Grid: rows and columns. Random regular graph: by forces. More than 200 agents: clusters.
    """
    clusters: list[tuple[str, tuple[int, ...]]] = []
    if topology.size > MOST_APART:
        clusters, positions = clustered(topology)
    else:
        positions = _apart(topology)
    total = topology.edge_count
    return Layout(
        version=version,
        positions=positions,
        edges=tuple(topology.edges()) if total <= min(MOST_EDGES, MOST_LINKED * len(positions) // 2) else (),
        edges_total=total,
        clusters=tuple(clusters),
    )


def _apart(topology: Topology) -> dict[int, Point]:
    members = topology.members
    if len(members) < 2:
        return dict.fromkeys(members, CENTRE)
    match topology:
        case Star():
            leaves = [agent for agent in members if agent]
            centre = {0: CENTRE} if 0 in topology else {}
            return centre | dict(zip(leaves, ellipse(len(leaves)), strict=True))
        case Grid():
            return _grid(topology)
        case Tree():
            placed = tidy(members[0], topology.children)
            columns = max(column for column, _ in placed.values())
            layers = max(depth for _, depth in placed.values())
            return {agent: (along(placed[agent][0], columns), along(placed[agent][1], layers)) for agent in members}
        case Hybrid():
            return _hybrid(topology)
        case RandomRegular():
            return dict(zip(members, force_directed(members, topology.neighbours), strict=True))
        case _:
            return dict(zip(members, ellipse(len(members)), strict=True))


def _grid(topology: Grid) -> dict[int, Point]:
    cells = {agent: topology.cell(agent) for agent in topology.members}
    columns = topology.columns - 1
    rows = max(row for _, row in cells.values())
    return {agent: (along(column, columns), along(row, rows)) for agent, (column, row) in cells.items()}


def _hybrid(topology: Hybrid) -> dict[int, Point]:
    clusters = topology.clusters
    heads, radius = fit(lambda radius: ellipse(len(clusters), radius))
    positions: dict[int, Point] = {}
    for (head, *others), centre in zip(clusters, heads, strict=True):
        positions[head] = centre
        positions.update(zip(others, circle(centre, 0.85 * radius, len(others)), strict=True))
    return dict(sorted(positions.items()))
