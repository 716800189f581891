"""The topologies to choose from: how each is wired, and what it does when agents join and leave.

The regular kinds are plain arithmetic; the random ones come from networkx, which is loaded for them alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any

from msgspec import Struct

from engine.errors import ScenarioError, StateError
from engine.graph import AllBut, Draws, Links, Topology, position

__all__ = [
    "GRID_WIDEST",
    "REGULAR_DEGREE",
    "SMALL_WORLD_DEGREE",
    "SMALL_WORLD_REWIRED",
    "TOPOLOGIES",
    "TREE_CHILDREN",
    "Topology",
    "TopologySpec",
    "make_topology",
]

TREE_CHILDREN = 2
"""Children of an agent in a tree."""
SMALL_WORLD_DEGREE = 4
"""Nearest agents that each is linked with before rewiring."""
SMALL_WORLD_REWIRED = 10
"""One link in so many is rewired: p = 0.1, where paths are short already and friends share friends."""
REGULAR_DEGREE = 4
"""Links of each agent in a random regular graph; even, so that any number of agents will do."""
GRID_WIDEST = 2.4
"""How many times wider than tall a grid may be, to be a full rectangle."""
LARGEST_COMPLETE_GRAPH = 2_000
"""Agents up to which a mesh is written out as a networkx graph (2 million links, about a gigabyte)."""


class Star(Topology):
    """All agents around agent 0. Without it nobody has a link: a star has no remedy for the loss."""

    kind = "star"

    def _build(self, n: int) -> Links:
        spoke = (0,)
        return {0: tuple(range(1, n))} | dict.fromkeys(range(1, n), spoke)

    def _attach(self, agent: int, stream: Draws) -> None:
        if 0 in self:
            self._link(0, agent)

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        pass


class Mesh(Topology):
    """Everybody linked with everybody. The links are implied, never written out."""

    kind = "mesh"

    def _build(self, n: int) -> Links:
        return {}

    def _attach(self, agent: int, stream: Draws) -> None:
        del self._links[agent]
        self._changed.discard(agent)

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        pass

    def neighbours(self, agent: int) -> Sequence[int]:
        at = position(self._members, agent)
        if at is None:
            raise KeyError(agent)
        return AllBut(self._members, at)

    def degree(self, agent: int) -> int:
        if agent not in self:
            raise KeyError(agent)
        return len(self._members) - 1

    def connected(self, a: int, b: int) -> bool:
        return a != b and a in self and b in self

    def edges(self) -> Iterator[tuple[int, int]]:
        for at, a in enumerate(self._members, 1):
            for b in self._members[at:]:
                yield a, b

    @property
    def edge_count(self) -> int:
        return self.size * (self.size - 1) // 2

    @property
    def graph(self) -> Any:
        if self.size > LARGEST_COMPLETE_GRAPH:
            raise StateError(
                f"a mesh of {self.size:,} agents has {self.edge_count:,} links, too many to write out; "
                f"up to {LARGEST_COMPLETE_GRAPH:,} agents can be, and neighbours() serves any number"
            )
        return super().graph


class Ring(Topology):
    """Each agent between two others, in the order of their ids; a newcomer stands between last and first."""

    kind = "ring"

    def _build(self, n: int) -> Links:
        links: Links = {i: (i - 1, i + 1) for i in range(n)}
        links[0], links[n - 1] = (1, n - 1), (0, n - 2)
        return links

    def _attach(self, agent: int, stream: Draws) -> None:
        if self.size >= 3:
            self._unlink(self._members[0], self._members[-1])
        for end in self._members[:1], self._members[-1:]:
            if end:
                self._link(end[0], agent)

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        for a, b in pairwise(former):
            self._link(a, b)


class Tree(Topology):
    """A balanced tree below agent 0; every agent's id is higher than its parent's.

    A newcomer hangs below the first agent with room. A departed agent's children go to its parent; when the
    root departs its first child takes its place.
    """

    kind = "tree"

    def _build(self, n: int) -> Links:
        links: Links = {}
        for i in range(n):
            parent = ((i - 1) // TREE_CHILDREN,) if i else ()
            first = i * TREE_CHILDREN + 1
            links[i] = (*parent, *range(min(first, n), min(first + TREE_CHILDREN, n)))
        return links

    def parent(self, agent: int) -> int | None:
        """The agent above, or None for the root."""
        row = self._links[agent]
        return row[0] if row and row[0] < agent else None

    def children(self, agent: int) -> tuple[int, ...]:
        """The agents below, ascending."""
        row = self._links[agent]
        return row[1:] if row and row[0] < agent else row

    def _attach(self, agent: int, stream: Draws) -> None:
        for parent in self._members:
            if len(self.children(parent)) < TREE_CHILDREN:
                self._link(parent, agent)
                return

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        # The lowest of the former neighbours is the parent, or, where there was none, the first child.
        for child in former[1:]:
            self._link(former[0], child)


class Hybrid(Topology):
    """About √n clusters, in each of which all are linked; the clusters' heads form a ring.

    A cluster's head is its lowest id, so a departed head is succeeded by the next of its cluster. A newcomer
    goes to the smallest cluster.
    """

    kind = "hybrid"

    def _build(self, n: int) -> Links:
        self._clusters = self._split(n)
        links: Links = {}
        for cluster in self._clusters:
            for at, agent in enumerate(cluster):
                links[agent] = (*cluster[:at], *cluster[at + 1 :])
        for a, b in _cycle([cluster[0] for cluster in self._clusters]):
            links[a], links[b] = tuple(sorted({*links[a], b})), tuple(sorted({*links[b], a}))
        return links

    @staticmethod
    def _split(n: int) -> list[list[int]]:
        count = max(3, isqrt(n))
        return [list(range(n * c // count, n * (c + 1) // count)) for c in range(count)]

    @property
    def clusters(self) -> list[list[int]]:
        """The clusters in the order of the ring, each with its head first."""
        return [list(cluster) for cluster in self._clusters if cluster]

    def _attach(self, agent: int, stream: Draws) -> None:
        place = min(range(len(self._clusters)), key=lambda c: (len(self._clusters[c]), c))
        for other in self._clusters[place]:
            self._link(other, agent)
        heads = self._heads()
        self._clusters[place].append(agent)
        self._places[agent] = place
        self._close_ring(heads)

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        heads = self._heads()
        for cluster in self._clusters:
            if agent in cluster:
                cluster.remove(agent)
        self._close_ring(heads)

    def _settle(self) -> None:
        self._clusters = [[i for i in cluster if i in self] for cluster in self._split(self.started)]
        for agent in sorted(self._places):
            self._clusters[self._places[agent]].append(agent)

    def _heads(self) -> list[int]:
        return [cluster[0] for cluster in self._clusters if cluster]

    def _close_ring(self, former: list[int]) -> None:
        heads = self._heads()
        if heads != former:
            for a, b in _cycle(former):
                self._unlink(a, b)
            for a, b in _cycle(heads):
                self._link(a, b)


class Grid(Topology):
    """Cells filled row by row; an agent is linked with those left, right, above and below.

    A newcomer takes the first free cell beside somebody. A departed agent's cell stays empty, and links are
    made across it only where the rest would fall apart.
    """

    kind = "grid"

    def _build(self, n: int) -> Links:
        self.columns = _grid_columns(n)
        links: Links = {}
        for i in range(n):
            links[i] = tuple(j for j in self._beside(i) if j < n)
        return links

    def cell(self, agent: int) -> tuple[int, int]:
        """The column and the row where `agent` stands, both from 0."""
        row, column = divmod(self._places.get(agent, agent), self.columns)
        return column, row

    def _beside(self, cell: int) -> Iterator[int]:
        column = cell % self.columns
        if cell >= self.columns:
            yield cell - self.columns
        if column:
            yield cell - 1
        if column + 1 < self.columns:
            yield cell + 1
        yield cell + self.columns

    def _attach(self, agent: int, stream: Draws) -> None:
        taken = {self._places.get(i, i): i for i in self._members}
        cell = 0
        while cell in taken or (taken and not any(near in taken for near in self._beside(cell))):
            cell += 1
        self._places[agent] = cell
        for near in self._beside(cell):
            if near in taken:
                self._link(taken[near], agent)

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        self._mend(former)


class SmallWorld(Topology):
    """A ring, each agent linked with the four nearest, one link in ten led elsewhere (Watts, Strogatz 1998).

    A newcomer stands between the last and the first of the ring, and its links forward may be led elsewhere
    too. When an agent departs its neighbours are linked in pairs, so that they keep their number of links.
    """

    kind = "small-world"

    def _build(self, n: int) -> Links:
        import networkx as nx

        graph = nx.connected_watts_strogatz_graph(n, SMALL_WORLD_DEGREE, 1 / SMALL_WORLD_REWIRED, seed=self.seed)
        return _links_of(graph)

    def _attach(self, agent: int, stream: Draws) -> None:
        half = SMALL_WORLD_DEGREE // 2
        if self.size <= SMALL_WORLD_DEGREE:
            for other in self._members:
                self._link(other, agent)
            return
        torn = []
        for i in range(half):
            # The links across the gap that the newcomer makes too long: it takes them over.
            back, ahead = self._members[i - half], self._members[i]
            self._unlink(back, ahead)
            self._link(back, agent)
            torn += [back, ahead]
            if stream.below(SMALL_WORLD_REWIRED) == 0:
                ahead = self._stranger(agent, stream)
            self._link(ahead, agent)
        self._mend([*torn, agent])

    def _stranger(self, agent: int, stream: Draws) -> int:
        while True:
            other = self._members[stream.below(self.size)]
            if not self.connected(other, agent):
                return other

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        self._pair_up(former)


class RandomRegular(Topology):
    """Every agent linked with four others drawn at random (Steger, Wormald 1999), redrawn until connected.

    A newcomer stands in the middle of two random links, and when an agent departs its neighbours are linked
    in pairs, so that everybody keeps four links.
    """

    kind = "random-regular"

    def _build(self, n: int) -> Links:
        import networkx as nx

        draws = nx.utils.create_py_random_state(self.seed)
        while True:
            graph = nx.random_regular_graph(REGULAR_DEGREE, n, seed=draws)
            if nx.is_connected(graph):
                return _links_of(graph)

    def _attach(self, agent: int, stream: Draws) -> None:
        if self.size <= REGULAR_DEGREE:
            for other in self._members:
                self._link(other, agent)
            return
        ends: set[int] = set()
        for _ in range(20 * REGULAR_DEGREE):
            a = self._members[stream.below(self.size)]
            near = [b for b in self._links[a] if b not in ends]
            if a in ends or not near:
                continue
            b = near[stream.below(len(near))]
            self._unlink(a, b)
            ends |= {a, b}
            if len(ends) >= REGULAR_DEGREE:
                break
        for end in sorted(ends) or self._members[:1]:
            self._link(end, agent)

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        self._pair_up(former)


def _links_of(graph: Any) -> Links:
    return {agent: tuple(sorted(graph.adj[agent])) for agent in sorted(graph)}


def _cycle(agents: Sequence[int]) -> list[tuple[int, int]]:
    """The links of a ring through `agents`; a single one for two, none for one."""
    closing = [(agents[-1], agents[0])] if len(agents) > 2 else []
    return [*pairwise(agents), *closing]


def _grid_columns(n: int) -> int:
    """As square as can be: a full rectangle that is not too wide, else a square with a shorter last row."""
    for rows in range(isqrt(n), 0, -1):
        if n % rows == 0 and n <= GRID_WIDEST * rows * rows:
            return n // rows
    return isqrt(n - 1) + 1


class TopologySpec(Struct, frozen=True):
    """A topology to choose: `title` as in "40 agents · small world", `about` in one line, fewest agents."""

    name: str
    title: str
    about: str
    minimum: int
    make: type[Topology]


TOPOLOGIES: dict[str, TopologySpec] = {
    spec.name: spec
    for spec in (
        TopologySpec("star", "star", "one agent in the centre, linked with all others", 2, Star),
        TopologySpec("mesh", "mesh", "everybody linked with everybody", 2, Mesh),
        TopologySpec("ring", "ring", "each agent linked with the one before and the one after", 3, Ring),
        TopologySpec("tree", "tree", "each agent has a parent and up to two children", 2, Tree),
        TopologySpec("hybrid", "hybrid", "close-knit clusters whose heads form a ring", 6, Hybrid),
        TopologySpec("grid", "grid", "rows and columns, linked with the four beside", 4, Grid),
        TopologySpec(
            "small-world",
            "small world",
            "a ring with links to the four nearest, one in ten led elsewhere",
            SMALL_WORLD_DEGREE + 1,
            SmallWorld,
        ),
        TopologySpec(
            "random-regular",
            "random regular graph",
            "four links for everybody, drawn at random",
            REGULAR_DEGREE + 1,
            RandomRegular,
        ),
    )
}
"""All topologies by name, in the order to offer them."""


def make_topology(kind: str, n: int, seed: int) -> Topology:
    """The topology `kind` of `n` agents with ids from 0; `seed` matters to the random kinds only.

    Raises ScenarioError for a kind that does not exist, and for fewer agents than it needs.
    """
    spec = TOPOLOGIES.get(kind)
    if spec is None:
        from difflib import get_close_matches

        near = get_close_matches(kind, TOPOLOGIES, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(TOPOLOGIES)}"
        raise ScenarioError(f"there is no topology {kind!r}; {hint}")
    if n < spec.minimum:
        were = "was" if n == 1 else "were"
        raise ScenarioError(f"a {spec.title} needs at least {spec.minimum} agents; {n} {were} asked for")
    return spec.make(n, seed)
