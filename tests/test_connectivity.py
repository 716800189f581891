"""Partitions: what they block, who still reaches whom, and how that is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.connectivity import Cut, components, reachability
from engine.graph import Topology
from engine.naming import apart, listed
from engine.topology import TOPOLOGIES, make_topology

OPTIONS = settings(max_examples=150, deadline=None)


def name(agent: int) -> str:
    return f"a-{agent + 1:02}"


def groups(*parts: Sequence[int]) -> Cut:
    return Cut(groups=tuple(frozenset(part) for part in parts))


def one_way(source: Sequence[int], target: Sequence[int]) -> Cut:
    return Cut(source=frozenset(source), target=frozenset(target))


def said(topology: Topology, *cuts: Cut, down: Sequence[int] = ()) -> str:
    return reachability(topology.members, topology, cuts, set(down)).describe(name)


some = st.frozensets(st.integers(0, 11), max_size=6)
cuts = st.lists(
    st.one_of(
        st.builds(Cut, groups=st.lists(some, min_size=2, max_size=4).map(tuple)),
        st.builds(Cut, source=some, target=some),
    ),
    max_size=3,
)


def test_groups_are_cut_from_each_other_and_from_nobody_else() -> None:
    cut = groups([0, 1], [2], [3, 4])
    assert cut.blocks(0, 2)
    assert cut.blocks(4, 1)
    assert not cut.blocks(0, 1)
    assert not cut.blocks(0, 9)
    assert not cut.blocks(9, 3)


def test_agents_that_share_a_group_are_not_cut_from_each_other() -> None:
    cut = groups([0, 1], [1, 2])
    assert cut.blocks(0, 2)
    assert not cut.blocks(0, 1)
    assert not cut.blocks(2, 1)


def test_a_one_way_cut_blocks_one_direction_and_nobody_from_itself() -> None:
    cut = one_way([0, 1], [1, 2])
    assert cut.blocks(0, 2)
    assert cut.blocks(0, 1)
    assert not cut.blocks(2, 0)
    assert not cut.blocks(1, 1)


@OPTIONS
@given(st.integers(1, 12), st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11))))
def test_components_are_the_strongly_connected_ones(n: int, blocked: set[tuple[int, int]]) -> None:
    near = {i: {(i + 1) % n, (i - 1) % n, (i + 3) % n, (i - 3) % n} - {i} for i in range(n)}
    graph = nx.DiGraph((a, b) for a in range(n) for b in near[a] if (a, b) not in blocked)
    graph.add_nodes_from(range(n))
    expected = sorted(map(sorted, nx.strongly_connected_components(graph)), key=lambda g: (-len(g), g[0]))
    found = components(range(n), lambda i: sorted(near[i]), lambda a, b: (a, b) in blocked)
    assert found == expected


@OPTIONS
@given(st.sampled_from(list(TOPOLOGIES)), cuts, st.sets(st.integers(0, 11), max_size=4))
def test_reachability_is_what_every_path_of_live_agents_says(kind: str, in_force: list[Cut], down: set[int]) -> None:
    topology = make_topology(kind, 12, 5)
    live = [agent for agent in range(12) if agent not in down]
    graph = nx.DiGraph()
    graph.add_nodes_from(live)
    for a in live:
        for b in live:
            if topology.connected(a, b) and not any(cut.blocks(a, b) for cut in in_force):
                graph.add_edge(a, b)
    expected = sorted(map(sorted, nx.strongly_connected_components(graph)), key=lambda g: (-len(g), g[0]))

    reach = reachability(range(12), topology, in_force, down)
    assert reach.groups == expected
    assert reach.whole == (len(expected) < 2)
    for a in live:
        paths = nx.descendants(graph, a) | {a}
        assert reach.cut_from(a) == [b for b in live if b not in paths]
        assert [b for b in range(12) if reach.reaches(a, b)] == sorted(paths)
        assert a in reach.groups[reach.group_of(a)]
        full = len(paths) == len(live) == len(nx.ancestors(graph, a)) + 1
        assert (reach.explain(a, name) == "") == full
    if len(expected) > 1:
        assert reach.describe(name)


def test_an_agent_that_is_down_is_not_cut_off_but_down() -> None:
    reach = reachability(range(4), make_topology("mesh", 4, 1), [], {2})
    assert reach.groups == [[0, 1, 3]]
    assert reach.cut_from(2) == []
    assert reach.cut_from(0) == []
    assert not reach.reaches(0, 2)
    assert not reach.reaches(2, 0)
    assert reach.group_of(2) == 0
    assert reach.explain(2, name) == ""


def test_who_has_left_and_who_is_not_asked_about_plays_no_part() -> None:
    ring = make_topology("ring", 6, 1)
    ring.leave(3)
    assert reachability(range(6), ring, [], ()).groups == [[0, 1, 2, 4, 5]]
    assert reachability([0, 1, 4], ring, [], ()).groups == [[0, 1], [4]]
    assert reachability([], ring, [], ()).groups == []


def test_agents_deaf_to_each_other_are_joined_by_those_who_hear_them() -> None:
    mesh = make_topology("mesh", 4, 1)
    deaf = one_way([0, 1], [0, 1])
    assert reachability([0, 1], mesh, [deaf]).groups == [[0], [1]]
    assert reachability(range(4), mesh, [deaf, one_way([2], [3])]).whole
    assert reachability(range(4), mesh, [deaf, one_way([0, 1], [2, 3])]).groups == [[2, 3], [0], [1]]


def test_a_mesh_of_thousands_is_not_looked_at_pair_by_pair() -> None:
    class Counted(Cut, frozen=True):
        asked: ClassVar[list[int]] = []

        def blocks(self, a: int, b: int) -> bool:
            self.asked.append(a)
            return super().blocks(a, b)

    n = 10_000
    mesh = make_topology("mesh", n, 1)
    low, high = frozenset(range(n // 2)), frozenset(range(n // 2, n))
    third = frozenset(range(0, n, 3))
    halves = Counted(groups=(low, high))
    assert list(map(len, reachability(range(n), mesh, [halves]).groups)) == [n // 2, n // 2]
    crossed = [halves, Counted(source=third & low, target=low - third)]
    assert list(map(len, reachability(range(n), mesh, crossed).groups)) == [5000, 3333, 1667]
    loners = Counted(groups=tuple(frozenset([agent]) for agent in range(1, n)))
    assert reachability(range(n), mesh, [loners]).whole
    assert len(Counted.asked) < 100


@pytest.mark.parametrize("kind", TOPOLOGIES)
def test_nothing_is_said_where_nobody_is_cut_off(kind: str) -> None:
    assert said(make_topology(kind, 12, 1)) == ""


def test_a_partition_in_words() -> None:
    mesh = make_topology("mesh", 40, 1)
    assert said(mesh, groups(range(20), range(20, 40))) == "{a-01…a-20} | {a-21…a-40}"
    assert said(mesh, groups([1], [0, *range(2, 40)])) == "{a-01, a-03…a-40} | {a-02}"


def test_a_one_way_cut_in_words() -> None:
    mesh = make_topology("mesh", 10, 1)
    assert said(mesh, one_way(range(5, 10), range(5))) == "a-01…a-05 hear nothing from a-06…a-10"
    assert said(mesh, one_way(range(1, 10), [0])) == "a-01 hears nothing from a-02…a-10"


def test_a_cut_that_others_bridge_is_said_to_be_bridged() -> None:
    mesh = make_topology("mesh", 5, 1)
    assert said(mesh, groups([0], [1])) == "{a-01} | {a-02}, but joined through others"
    assert said(mesh, one_way([0], [1])) == "a-02 hears nothing from a-01, but joined through others"
    assert said(mesh, groups([0], [1]), down=[1]) == ""
    assert said(mesh, groups([0], [1]), down=[2, 3, 4]) == "{a-01} | {a-02}"


def test_crashes_alone_can_cut_a_ring() -> None:
    ring = make_topology("ring", 8, 1)
    assert said(ring, down=[0]) == ""
    assert said(ring, down=[0, 3]) == "{a-05…a-08} | {a-02, a-03}"


def test_a_one_way_cut_beside_a_split_in_words() -> None:
    mesh = make_topology("mesh", 6, 1)
    words = said(mesh, groups(range(4), range(4, 6)), one_way([0, 1], [2, 3]))
    assert words == "{a-01…a-04} | {a-05, a-06}; a-03, a-04 hear nothing from a-01, a-02"


def test_many_loners_share_an_entry() -> None:
    star = make_topology("star", 30, 1)
    assert said(star, down=[0]) == "each alone: a-02…a-30"
    assert said(star, groups(range(10), range(10, 30))) == "{a-01…a-10} | each alone: a-11…a-30"


def test_a_long_chain_of_one_way_cuts_stays_short_in_words() -> None:
    ring = make_topology("ring", 60, 1)
    chain = [one_way([i], [i + 1]) for i in range(59)] + [groups([59], [0])]
    reach = reachability(range(60), ring, chain)
    assert len(reach.groups) == 60
    assert reach.cut_from(30) == list(range(31, 60))
    assert reach.describe(name) == "only some of a-01…a-60 hear from one another"
    short = reachability(range(12), make_topology("ring", 12, 1), [*chain[:11], groups([11], [0])])
    words = short.describe(name).split("; ")
    assert len(words) == 9
    assert words[2] == "a-04 hears nothing from a-01…a-03"
    assert words[8] == "3 more groups hear only some of the others"


def test_one_agents_isolation_in_words() -> None:
    mesh = make_topology("mesh", 8, 1)
    reach = reachability(range(8), mesh, [groups(range(6), [6, 7]), one_way([0, 1], range(2, 6))])
    assert reach.explain(0, name) == "is cut from a-07, a-08; cannot reach a-03…a-06"
    assert reach.explain(2, name) == "is cut from a-07, a-08; hears nothing from a-01, a-02"
    assert reach.explain(7, name) == "is cut from a-01…a-06"


def test_lists_of_names_abbreviate_runs_of_one_kind_only() -> None:
    names = ["client-1", "client-2", "client-3", "a-01", "a-02", "b"]
    assert listed(range(6), names.__getitem__) == "client-1…client-3, a-01, a-02, b"
    assert listed([], name) == ""
    assert listed(range(0, 2000, 2), name) == "a-01, a-03, a-05, a-07, a-09, a-11 and 994 more"


def test_more_groups_than_fit_a_line_are_counted() -> None:
    pairs = [[i, i + 1] for i in range(0, 24, 2)]
    assert apart([*pairs, [30]], name).endswith("{a-15, a-16} | 4 more groups | each alone: a-31")
