"""Who is linked with whom: what all topologies share, whatever their shape.

A topology is a function of kind, number of agents and seed; what joins and departures have changed since is
kept apart, so that a checkpoint holds only the changes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Protocol, overload

from engine.errors import StateError

Links = dict[int, tuple[int, ...]]
"""Each agent's neighbours, ascending."""


class Draws(Protocol):
    """The source of randomness that a join draws from."""

    def below(self, n: int, /) -> int:
        """A whole number from 0 to n - 1."""


class AllBut(Sequence[int]):
    """The ids of `members` without the one at position `at`: a mesh's neighbours, without a list of them."""

    __slots__ = ("_at", "_members")

    def __init__(self, members: Sequence[int], at: int) -> None:
        self._members = members
        self._at = at

    def __len__(self) -> int:
        return len(self._members) - 1

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        if isinstance(index, slice):
            return tuple(self._members[i + (i >= self._at)] for i in range(len(self))[index])
        if index < 0:
            index += len(self._members) - 1
            if index < 0:
                raise IndexError("no such neighbour")
        return self._members[index if index < self._at else index + 1]

    def __iter__(self) -> Iterator[int]:
        yield from self._members[: self._at]
        yield from self._members[self._at + 1 :]

    def __contains__(self, agent: object) -> bool:
        return (
            isinstance(agent, int) and agent != self._members[self._at] and position(self._members, agent) is not None
        )

    def __repr__(self) -> str:
        return f"AllBut({self._members!r}, {self._at})"

    def __reduce__(self) -> tuple[Any, ...]:
        return AllBut, (self._members, self._at)


def position(members: Sequence[int], agent: int) -> int | None:
    """Where `agent` stands in the ascending `members`, or None."""
    if isinstance(members, range):
        return agent if agent in members else None
    at = bisect_left(members, agent)
    return at if at < len(members) and members[at] == agent else None


class Topology:
    """Agents and the links between them. Links have no direction, and nobody is linked with itself.

    Agents have the ids 0 to n - 1 at first. What `neighbours` returns is a snapshot: it stays as it is when
    somebody joins or leaves.
    """

    kind: ClassVar[str]

    def __init__(self, n: int, seed: int) -> None:
        self.seed = seed
        self.started = n
        self._members: Sequence[int] = range(n)
        self._base = self._build(n)
        self._links = self._base  # copied before the first change
        self._changed: set[int] = set()  # agents whose links are not those of the base
        self._places: dict[int, int] = {}  # where later agents stand, for kinds that have places
        self._graph: Any = None

    # What a kind decides

    def _build(self, n: int) -> Links:
        raise NotImplementedError

    def _attach(self, agent: int, stream: Draws) -> None:
        """Link the new `agent`, who is not among the members yet."""
        raise NotImplementedError

    def _repair(self, agent: int, former: tuple[int, ...]) -> None:
        """Mend what the departure of `agent`, who had the neighbours `former`, has torn."""
        raise NotImplementedError

    def _settle(self) -> None:
        """Bring what a kind keeps beside its links in line after they were replaced as a whole."""

    # Questions

    @property
    def members(self) -> Sequence[int]:
        """The ids of all agents, ascending."""
        return self._members

    @property
    def size(self) -> int:
        return len(self._members)

    def __contains__(self, agent: int) -> bool:
        return position(self._members, agent) is not None

    def neighbours(self, agent: int) -> Sequence[int]:
        """The agents linked with `agent`, ascending. Raises KeyError when there is no such agent."""
        return self._links[agent]

    def degree(self, agent: int) -> int:
        """How many neighbours `agent` has. Raises KeyError when there is no such agent."""
        return len(self._links[agent])

    def connected(self, a: int, b: int) -> bool:
        """Whether a link joins the two; False when either is not there."""
        mine, theirs = self._links.get(a, ()), self._links.get(b, ())
        return b in mine if len(mine) <= len(theirs) else a in theirs

    def edges(self) -> Iterator[tuple[int, int]]:
        """All links as pairs (a, b) with a < b, ascending."""
        for a in self._members:
            for b in self._links[a]:
                if a < b:
                    yield a, b

    @property
    def edge_count(self) -> int:
        return sum(map(len, self._links.values())) // 2

    @property
    def graph(self) -> Any:
        """The same as a `networkx.Graph`, built when first asked for and again after a change: read it only.

        Raises StateError for a mesh of more than 2,000 agents, which has too many links to write out.
        """
        if self._graph is None:
            # Loading networkx takes longer than a small run, so only who asks for it pays.
            import networkx as nx

            graph = nx.Graph()
            graph.add_nodes_from(self._members)
            graph.add_edges_from(self.edges())
            self._graph = graph
        return self._graph

    # Changes

    def join(self, agent: int, stream: Draws) -> tuple[int, ...]:
        """Link a new agent as the kind has it, and return its neighbours.

        Raises StateError when the agent is there already.
        """
        if agent in self:
            raise StateError(f"agent {agent} is in the {self.kind} already; a new agent needs a new id")
        self._open()
        self._links[agent] = ()
        self._changed.add(agent)
        self._attach(agent, stream)
        self._set_members([*self._members, agent])
        return tuple(self.neighbours(agent))

    def leave(self, agent: int) -> None:
        """Take an agent out for good, and mend the rest where the kind says how.

        Raises StateError when there is no such agent.
        """
        if agent not in self:
            raise StateError(f"agent {agent} is not in the {self.kind}; only an agent that is there can leave")
        self._open()
        former = self._links.pop(agent, ())
        for other in former:
            self._set(other, (b for b in self._links[other] if b != agent))
        self._changed.discard(agent)
        self._set_members([b for b in self._members if b != agent])
        self._repair(agent, former)
        self._places.pop(agent, None)

    def state(self) -> dict[str, Any]:
        """What has changed since the beginning, as plain data of its own."""
        return {
            "left": sorted(set(range(self.started)).difference(self._members)),
            "joined": [agent for agent in self._members if agent >= self.started],
            "links": {agent: self._links[agent] for agent in sorted(self._changed)},
            "places": dict(sorted(self._places.items())),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Become what a topology of the same kind, size and seed was when it gave `state`."""
        left = set(state["left"])
        self._open(dict(self._base))
        for agent in left:
            self._links.pop(agent, None)
        self._links.update(state["links"])
        self._changed = set(state["links"])
        self._places = dict(state["places"])
        self._set_members([*(i for i in range(self.started) if i not in left), *state["joined"]])
        self._settle()

    # For the kinds

    def _open(self, links: Links | None = None) -> None:
        self._graph = None
        if links is not None:
            self._links = links
        elif self._links is self._base:
            self._links = dict(self._base)

    def _set_members(self, members: list[int]) -> None:
        members.sort()
        dense = not members or members[-1] == len(members) - 1
        self._members = range(len(members)) if dense else members

    def _set(self, agent: int, row: Iterable[int]) -> None:
        self._links[agent] = tuple(row)
        self._changed.add(agent)

    def _link(self, a: int, b: int) -> None:
        if a == b or self.connected(a, b):
            return
        for one, other in ((a, b), (b, a)):
            row = list(self._links[one])
            insort(row, other)
            self._set(one, row)

    def _unlink(self, a: int, b: int) -> None:
        if self.connected(a, b):
            self._set(a, (c for c in self._links[a] if c != b))
            self._set(b, (c for c in self._links[b] if c != a))

    def _pair_up(self, agents: Sequence[int]) -> None:
        """Link strangers among `agents` two by two, and then whoever no path joins."""
        left = list(agents)
        while left:
            a = left.pop(0)
            stranger = next((b for b in left if not self.connected(a, b)), None)
            if stranger is not None:
                left.remove(stranger)
                self._link(a, stranger)
        self._mend(agents)

    def _mend(self, agents: Iterable[int]) -> None:
        """Link agents that no path joins any more."""
        for a, b in pairwise(agents):
            if not self._joined(a, b):
                self._link(a, b)

    def _joined(self, a: int, b: int) -> bool:
        """Whether a path joins two agents: a search from both ends, so that a short way is found soon."""
        seen, other = {a}, {b}
        edge, far = [a], [b]
        while edge and seen.isdisjoint(other):
            fresh = {c for agent in edge for c in self._links[agent]} - seen
            seen |= fresh
            edge = list(fresh)
            if len(far) < len(edge):
                seen, other, edge, far = other, seen, far, edge
        return not seen.isdisjoint(other)
