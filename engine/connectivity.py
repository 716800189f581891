"""Partitions, and what they do: who can still reach whom over the links that are left.

Messages travel along paths of live agents, so two agents that a partition cuts from one another may still be
joined through others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct

from engine.graph import Topology
from engine.naming import Names, apart, deaf, listed
from engine.topology import Mesh

__all__ = ["Cut", "Reachability", "components", "reachability"]

Blocked = Callable[[int, int], bool]
Groups = list[list[int]]
Onward = list[list[int]]
"""For each group, the others that its messages get to directly."""

_MOST_SAID = 8  # sentences about one-way cuts
_MOST_COMPARED = 40  # groups of which each is compared with each


class Cut(Struct, frozen=True):
    """A partition: either `groups`, each cut from the others, or one way, from `source` to `target`.

    Agents in no group stay connected with everybody, and so do agents that share a group.
    """

    groups: tuple[frozenset[int], ...] = ()
    source: frozenset[int] = frozenset()
    target: frozenset[int] = frozenset()

    def blocks(self, a: int, b: int) -> bool:
        """Whether nothing that `a` sends straight to `b` arrives."""
        if not self.groups:
            return a in self.source and b in self.target and a != b
        a_named = b_named = False
        for group in self.groups:
            if a in group:
                if b in group:
                    return False
                a_named = True
            elif b in group:
                b_named = True
        return a_named and b_named

    @property
    def one_way(self) -> bool:
        return not self.groups

    @property
    def parts(self) -> tuple[frozenset[int], ...]:
        """The sets of agents that it names."""
        return self.groups or (self.source, self.target)

    def describe(self, names: Names) -> str:
        """The partition in words: `{a-01…a-20} | {a-21…a-40}`, or `a-01 hears nothing from a-02`."""
        return deaf(self.target, self.source, names) if self.one_way else apart(self.groups, names)


class Reachability:
    """Who reaches whom. `groups` are the agents that reach one another, largest first, then by lowest id."""

    def __init__(self, groups: Groups, onward: Onward, cuts: Sequence[Cut] = ()) -> None:
        order = sorted(range(len(groups)), key=lambda at: (-len(groups[at]), groups[at][0]))
        rank = {at: new for new, at in enumerate(order)}
        self.groups = [groups[at] for at in order]
        # Groups that share their onward list keep sharing it: there may be thousands.
        renumbered = {id(ways): [rank[at] for at in ways] for ways in onward}
        self._onward = [renumbered[id(onward[at])] for at in order]
        self._cuts = cuts
        self._group_of = {agent: at for at, group in enumerate(self.groups) for agent in group}

    @property
    def whole(self) -> bool:
        """Whether all live agents reach one another."""
        return len(self.groups) <= 1

    def group_of(self, agent: int) -> int:
        """Which of the groups `agent` is in; 0 for one that is down."""
        return self._group_of.get(agent, 0)

    def reaches(self, a: int, b: int) -> bool:
        """Whether word from `a` can get to `b`, perhaps through others; never where either is down."""
        if a not in self._group_of or b not in self._group_of:
            return False
        return self._group_of[b] in self._reached(self._group_of[a])

    def cut_from(self, agent: int) -> list[int]:
        """The live agents that `agent` cannot reach, ascending; none for one that is itself down."""
        if agent not in self._group_of:
            return []
        reached = self._reached(self._group_of[agent])
        return sorted(b for at, group in enumerate(self.groups) if at not in reached for b in group)

    def explain(self, agent: int, names: Names) -> str:
        """How `agent` is cut off, in words such as `is cut from a-03`; empty when it is not."""
        if agent not in self._group_of or self.whole:
            return ""
        unreached = set(self.cut_from(agent))
        heard = self._reached(self._group_of[agent], self._backward())
        unheard = {b for at, group in enumerate(self.groups) if at not in heard for b in group}
        said = (
            ("is cut from", unreached & unheard),
            ("cannot reach", unreached - unheard),
            ("hears nothing from", unheard - unreached),
        )
        return "; ".join(f"{words} {listed(agents, names)}" for words, agents in said if agents)

    def describe(self, names: Names) -> str:
        """Who is cut from whom, in words; empty when nobody is.

        `{a-01…a-20} | {a-21…a-40}` where nothing passes between them, and `a-01…a-05 hear nothing from
        a-06…a-10` where word goes one way only.
        """
        if self.whole:
            live = self._group_of.keys()
            bridged = [cut for cut in self._cuts if sum(not live.isdisjoint(part) for part in cut.parts) > 1]
            return "; ".join(f"{cut.describe(names)}, but joined through others" for cut in bridged)
        islands = self._islands()
        members = [sorted(b for at in island for b in self.groups[at]) for island in islands]
        members.sort(key=lambda agents: (-len(agents), agents[0]))
        said = [apart(members, names)] if len(members) > 1 else []
        for island in islands:
            said += self._one_way(island, names)
        return "; ".join(said)

    def _reached(self, start: int, onward: Onward | None = None) -> set[int]:
        """The groups that word from the group `start` gets to, itself included."""
        ways = self._onward if onward is None else onward
        seen, left = {start}, [start]
        while left:
            for at in ways[left.pop()]:
                if at not in seen:
                    seen.add(at)
                    left.append(at)
        return seen

    def _backward(self) -> Onward:
        ways: Onward = [[] for _ in self.groups]
        for at, onward in enumerate(self._onward):
            for to in onward:
                ways[to].append(at)
        return ways

    def _islands(self) -> list[list[int]]:
        """Sets of groups with nothing passing between one set and another."""
        both = [[*there, *back] for there, back in zip(self._onward, self._backward(), strict=True)]
        seen: set[int] = set()
        islands = []
        for at in range(len(self.groups)):
            if at not in seen:
                island = self._reached(at, both)
                seen |= island
                islands.append(sorted(island))
        return islands

    def _one_way(self, island: list[int], names: Names) -> list[str]:
        """Who hears nothing from whom, though word goes the other way."""
        if len(island) > _MOST_COMPARED:
            everybody = [b for at in island for b in self.groups[at]]
            return [f"only some of {listed(everybody, names)} hear from one another"]
        hearers: dict[tuple[int, ...], list[int]] = defaultdict(list)
        reached = {at: self._reached(at) for at in island}
        for at in island:
            silent = tuple(other for other in island if at not in reached[other])
            if silent:
                hearers[silent] += self.groups[at]
        said = [
            deaf(target, [b for at in silent for b in self.groups[at]], names) for silent, target in hearers.items()
        ]
        more = len(said) - _MOST_SAID
        return said if more <= 0 else [*said[:_MOST_SAID], f"{more} more groups hear only some of the others"]


def components(ids: Sequence[int], neighbours: Callable[[int], Iterable[int]], blocked: Blocked) -> list[list[int]]:
    """The sets of `ids` that reach one another over links that are not `blocked` (from, to).

    Links have no direction, but a blocked one may: then these are the strongly connected components. Largest
    first, then by lowest id; ids ascending.
    """
    groups, onward = _condense(ids, neighbours, blocked)
    return Reachability(groups, onward).groups


def reachability(
    ids: Iterable[int], topology: Topology, cuts: Sequence[Cut], down: Collection[int] = ()
) -> Reachability:
    """Who of `ids`, without those `down`, reaches whom over the links of `topology` under all `cuts`."""
    live = sorted(agent for agent in ids if agent not in down and agent in topology)
    # Agents that stand in the same parts of the same cuts are cut from the same others.
    roles: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, cut in enumerate(cuts):
        for place, part in enumerate(cut.parts):
            for agent in part:
                roles[agent].append((number, place))
    classes: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for agent in live:
        classes[tuple(roles.get(agent, ()))].append(agent)
    one_way = any(cut.one_way for cut in cuts)
    if isinstance(topology, Mesh):
        return Reachability(*_over_mesh(classes, cuts, one_way), cuts)
    if len(classes) < 2 and not one_way:
        return Reachability(*_condense(live, topology.neighbours), cuts)
    kind = {agent: number for number, alike in enumerate(classes.values()) for agent in alike}
    known: dict[tuple[int, int], bool] = {}

    def blocked(a: int, b: int) -> bool:
        pair = kind[a], kind[b]
        if pair not in known:
            known[pair] = any(cut.blocks(a, b) for cut in cuts)
        return known[pair]

    return Reachability(*_condense(live, topology.neighbours, blocked, one_way), cuts)


def _over_mesh(
    classes: dict[tuple[tuple[int, int], ...], list[int]], cuts: Sequence[Cut], one_way: bool
) -> tuple[Groups, Onward]:
    """The same for a mesh, looking at pairs of classes instead of pairs of agents."""
    alike = list(classes.values())
    if () in classes:  # whoever no cut names joins all
        return [sorted(agent for members in alike for agent in members)], [[]]
    if len(cuts) == 1 and all(len(roles) == 1 for roles in classes) and not one_way:
        return alike, [[] for _ in alike]

    def blocked(i: int, j: int) -> bool:
        a, b = alike[i][0], alike[j][0]
        return any(cut.blocks(a, b) for cut in cuts)

    every = range(len(alike))
    merged, onward = _condense(every, lambda _: every, blocked, one_way)
    groups: Groups = []
    pieces: list[list[int]] = []  # what has become of each of `merged`
    for numbers in merged:
        members = sorted(agent for i in numbers for agent in alike[i])
        split = len(numbers) == 1 and any(cut.blocks(*members[:2]) for cut in cuts if len(members) > 1)
        parts = [[agent] for agent in members] if split else [members]
        pieces.append(list(range(len(groups), len(groups) + len(parts))))
        groups += parts
    ways = [[piece for to in targets for piece in pieces[to]] for targets in onward]
    return groups, [way for way, own in zip(ways, pieces, strict=True) for _ in own]


def _condense(
    nodes: Iterable[int],
    neighbours: Callable[[int], Iterable[int]],
    blocked: Blocked | None = None,
    one_way: bool = True,
) -> tuple[Groups, Onward]:
    """The sets of nodes that reach one another, and which set leads on to which.

    `one_way` says whether a link may be blocked in one direction only.
    """
    inside = dict.fromkeys(nodes, -1)
    groups: Groups = []
    # First along links that are open both ways, which is quick and mostly all.
    for start in inside:
        if inside[start] >= 0:
            continue
        number = len(groups)
        inside[start] = number
        group = [start]
        for a in group:
            for b in neighbours(a):
                if inside.get(b, 0) >= 0:
                    continue
                if blocked is not None and (blocked(a, b) or (one_way and blocked(b, a))):
                    continue
                inside[b] = number
                group.append(b)
        groups.append(sorted(group))
    ways: list[set[int]] = [set() for _ in groups]
    if blocked is not None and one_way:
        for a, number in inside.items():
            for b in neighbours(a):
                to = inside.get(b, number)
                if to != number and to not in ways[number] and not blocked(a, b):
                    ways[number].add(to)
    if not any(ways):
        return groups, [[] for _ in groups]
    # Only where word goes one way is there more to find, among few groups.
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(groups)))
    graph.add_edges_from((at, to) for at, targets in enumerate(ways) for to in sorted(targets))
    strong = nx.condensation(graph)
    merged = [sorted(b for at in strong.nodes[s]["members"] for b in groups[at]) for s in strong]
    return merged, [sorted(strong.successors(s)) for s in strong]
