"""Topologies: how each is wired, that wiring is the same everywhere, and what joins and departures do."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ScenarioError, StateError
from engine.graph import Topology
from engine.streams import Stream
from engine.topology import TOPOLOGIES, Grid, Hybrid, Tree, make_topology

KINDS = tuple(TOPOLOGIES)
RANDOM = ("small-world", "random-regular")
OPTIONS = settings(max_examples=60, deadline=None)

kinds = st.sampled_from(KINDS)
seeds = st.integers(0, 2**40)
changes = st.lists(st.integers(0, 10**6), max_size=40)


def make(kind: str, extra: int = 0, seed: int = 7) -> Topology:
    return make_topology(kind, TOPOLOGIES[kind].minimum + extra, seed)


def change(topology: Topology, draws: list[int], spare: tuple[int, ...] = ()) -> None:
    """Let somebody join, or somebody leave, for each of `draws`."""
    fresh = max(topology.members, default=0) + 1
    for draw in draws:
        leavers = [agent for agent in topology.members if agent not in spare]
        if draw % 2 and leavers:
            topology.leave(leavers[draw // 2 % len(leavers)])
        else:
            topology.join(fresh, Stream(draw, "join"))
            fresh += 1


def assert_sound(topology: Topology) -> None:
    links = {agent: tuple(topology.neighbours(agent)) for agent in topology.members}
    for agent, row in links.items():
        assert list(row) == sorted(set(row))
        assert agent not in row
        assert all(agent in links[other] for other in row)
        assert topology.degree(agent) == len(row)
    pairs = sorted((a, b) for a, row in links.items() for b in row if a < b)
    assert list(topology.edges()) == pairs
    assert topology.edge_count == len(pairs)
    for a in topology.members:
        for b in topology.members:
            assert topology.connected(a, b) == (b in links[a])


def is_connected(topology: Topology) -> bool:
    return topology.size < 2 or nx.is_connected(topology.graph)


@OPTIONS
@given(kinds, st.integers(0, 30), seeds)
def test_every_topology_is_connected_and_its_links_go_both_ways(kind: str, extra: int, seed: int) -> None:
    topology = make(kind, extra, seed)
    assert topology.kind == kind
    assert topology.size == TOPOLOGIES[kind].minimum + extra
    assert list(topology.members) == list(range(topology.size))
    assert_sound(topology)
    assert is_connected(topology)


@pytest.mark.parametrize("n", [6, 7, 40, 53])
def test_arithmetic_wires_what_networkx_generates(n: int) -> None:
    expected = {
        "star": nx.star_graph(n - 1),
        "mesh": nx.complete_graph(n),
        "ring": nx.cycle_graph(n),
        "tree": nx.full_rary_tree(2, n),
    }
    for kind, graph in expected.items():
        mine = make_topology(kind, n, 1).graph
        assert list(mine) == list(graph)
        assert nx.utils.graphs_equal(mine, graph)


@pytest.mark.parametrize(("n", "rows", "columns"), [(4, 2, 2), (40, 5, 8), (100, 10, 10), (200, 10, 20)])
def test_a_grid_is_a_rectangle_as_square_as_can_be(n: int, rows: int, columns: int) -> None:
    cells = nx.grid_2d_graph(rows, columns)
    numbered = nx.relabel_nodes(cells, {(row, column): row * columns + column for row, column in cells})
    assert nx.utils.graphs_equal(make_topology("grid", n, 1).graph, numbered)


def test_a_grid_of_a_prime_number_has_a_shorter_last_row() -> None:
    grid = make_topology("grid", 7, 1)
    assert isinstance(grid, Grid)
    assert [grid.cell(i) for i in range(7)] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 2)]
    assert grid.neighbours(4) == (1, 3, 5)


@OPTIONS
@given(st.integers(5, 60), seeds)
def test_random_kinds_are_those_of_networkx_for_the_same_seed(n: int, seed: int) -> None:
    small_world = nx.connected_watts_strogatz_graph(n, 4, 0.1, seed=seed)
    assert nx.utils.graphs_equal(make_topology("small-world", n, seed).graph, small_world)
    regular = nx.random_regular_graph(4, n, seed=seed)
    if nx.is_connected(regular):
        assert nx.utils.graphs_equal(make_topology("random-regular", n, seed).graph, regular)


@OPTIONS
@given(st.integers(5, 80), seeds)
def test_degrees_are_what_the_kind_promises(n: int, seed: int) -> None:
    assert {make_topology("random-regular", n, seed).degree(i) for i in range(n)} == {4}
    assert make_topology("small-world", n, seed).edge_count == 2 * n
    assert {make_topology("ring", n, seed).degree(i) for i in range(n)} == {2}
    assert make_topology("tree", n, seed).edge_count == n - 1


@pytest.mark.parametrize("n", [6, 17, 40, 110])
def test_a_hybrid_is_clusters_of_friends_whose_heads_form_a_ring(n: int) -> None:
    hybrid = make_topology("hybrid", n, 1)
    assert isinstance(hybrid, Hybrid)
    clusters = hybrid.clusters
    assert sorted(agent for cluster in clusters for agent in cluster) == list(range(n))
    assert max(map(len, clusters)) - min(map(len, clusters)) <= 1
    inside = {(a, b) for cluster in clusters for a in cluster for b in cluster if a < b}
    heads = [cluster[0] for cluster in clusters]
    ring = {tuple(sorted(pair)) for pair in zip(heads, heads[1:] + heads[:1], strict=True)}
    assert set(hybrid.edges()) == inside | ring


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_agents_are_refused_in_one_sentence(kind: str) -> None:
    spec = TOPOLOGIES[kind]
    make_topology(kind, spec.minimum, 1)
    with pytest.raises(ScenarioError, match=f"^a {spec.title} needs at least {spec.minimum} agents; 0 were"):
        make_topology(kind, 0, 1)


def test_the_sentences_about_wrong_topologies() -> None:
    def sentence(kind: str, n: int) -> str:
        with pytest.raises(ScenarioError) as caught:
            make_topology(kind, n, 1)
        return str(caught.value)

    assert sentence("ring", 2) == "a ring needs at least 3 agents; 2 were asked for"
    assert sentence("star", 1) == "a star needs at least 2 agents; 1 was asked for"
    assert sentence("rign", 5) == "there is no topology 'rign'; did you mean ring?"
    assert sentence("xyzzy", 5) == f"there is no topology 'xyzzy'; choose one of {', '.join(KINDS)}"


def test_the_links_of_a_mesh_are_never_written_out() -> None:
    mesh = make_topology("mesh", 10**9, 1)
    near = mesh.neighbours(7)
    assert (len(near), near[6], near[7], near[-1]) == (10**9 - 1, 6, 8, 10**9 - 1)
    assert 7 not in near
    assert 10**9 - 1 in near
    assert mesh.degree(7) == 10**9 - 1
    assert mesh.edge_count == 10**9 * (10**9 - 1) // 2
    with pytest.raises(StateError, match="too many to write out; up to 2,000 agents can be"):
        _ = mesh.graph


@OPTIONS
@given(changes, st.integers(-60, 60), st.slices(40))
def test_a_meshs_neighbours_behave_like_a_tuple_of_them(draws: list[int], index: int, part: slice) -> None:
    mesh = make_topology("mesh", 20, 1)
    change(mesh, draws)
    for agent in mesh.members:
        near = mesh.neighbours(agent)
        plain = tuple(b for b in mesh.members if b != agent)
        assert tuple(near) == plain
        assert len(near) == len(plain)
        assert near[part] == plain[part]
        assert [b in near for b in range(60)] == [b in plain for b in range(60)]
        if -len(plain) <= index < len(plain):
            assert near[index] == plain[index]
        else:
            with pytest.raises(IndexError):
                near[index]


@OPTIONS
@given(kinds, st.integers(0, 20), seeds, changes)
def test_joins_and_departures_leave_the_rest_connected(kind: str, extra: int, seed: int, draws: list[int]) -> None:
    topology = make(kind, extra, seed)
    spare = (0,) if kind == "star" else ()
    for draw in draws:
        change(topology, [draw], spare)
        assert is_connected(topology)
    assert_sound(topology)


@OPTIONS
@given(st.integers(0, 30), changes)
def test_a_ring_stays_a_ring_in_the_order_of_ids(extra: int, draws: list[int]) -> None:
    ring = make("ring", extra)
    change(ring, draws)
    if ring.size >= 3:
        ids = list(ring.members)
        expected = {tuple(sorted(pair)) for pair in zip(ids, ids[1:] + ids[:1], strict=True)}
        assert set(ring.edges()) == expected


@OPTIONS
@given(st.integers(0, 30), changes)
def test_a_tree_stays_a_tree(extra: int, draws: list[int]) -> None:
    tree = make("tree", extra)
    assert isinstance(tree, Tree)
    change(tree, draws)
    assert tree.edge_count == max(0, tree.size - 1)
    for agent in tree.members:
        parent = tree.parent(agent)
        assert (parent is None) == (agent == tree.members[0])
        assert parent is None or (parent < agent and agent in tree.children(parent))


def test_a_departed_parents_children_go_to_its_parent_and_a_root_is_succeeded() -> None:
    tree = make_topology("tree", 7, 1)
    tree.leave(2)
    assert tree.neighbours(0) == (1, 5, 6)
    tree.leave(0)
    assert tree.neighbours(1) == (3, 4, 5, 6)
    assert tree.join(7, Stream(1, "join")) == (3,)


def test_a_star_without_its_centre_has_no_links() -> None:
    star = make_topology("star", 4, 1)
    assert star.join(4, Stream(1, "join")) == (0,)
    star.leave(0)
    assert star.edge_count == 0
    assert star.join(5, Stream(1, "join")) == ()


def test_a_departed_head_is_succeeded_by_the_next_of_its_cluster() -> None:
    hybrid = make_topology("hybrid", 9, 1)
    assert isinstance(hybrid, Hybrid)
    hybrid.leave(3)
    assert [cluster[0] for cluster in hybrid.clusters] == [0, 4, 6]
    assert hybrid.neighbours(4) == (0, 5, 6)
    assert hybrid.join(9, Stream(1, "join")) == (4, 5)
    for agent in (4, 5, 9):
        hybrid.leave(agent)
    assert hybrid.neighbours(0) == (1, 2, 6)
    assert hybrid.join(10, Stream(1, "join")) == (0, 6)  # it founds the empty cluster anew


def test_a_newcomer_takes_the_first_free_cell_of_a_grid() -> None:
    grid = make_topology("grid", 9, 1)
    assert isinstance(grid, Grid)
    grid.leave(4)
    assert grid.neighbours(3) == (0, 6)
    assert grid.join(9, Stream(1, "join")) == (1, 3, 5, 7)
    assert grid.cell(9) == (1, 1)
    assert grid.join(10, Stream(1, "join")) == (6,)
    assert grid.cell(10) == (0, 3)


def test_a_grid_is_linked_across_a_gap_only_where_it_would_fall_apart() -> None:
    grid = make_topology("grid", 4, 1)
    grid.leave(1)
    assert list(grid.edges()) == [(0, 2), (2, 3)]
    grid.leave(2)
    assert list(grid.edges()) == [(0, 3)]


@OPTIONS
@given(st.integers(5, 40), seeds, st.integers(1, 30))
def test_a_random_regular_graph_stays_regular_as_it_grows(n: int, seed: int, joins: int) -> None:
    topology = make_topology("random-regular", n, seed)
    for i in range(joins):
        topology.join(n + i, Stream(seed, f"join/{i}"))
    assert {topology.degree(agent) for agent in topology.members} == {4}


def test_a_small_world_keeps_its_density_through_joins_and_departures() -> None:
    topology = make_topology("small-world", 50, 3)
    for i in range(200):
        topology.join(50 + i, Stream(3, f"join/{i}"))
        topology.leave(topology.members[i * 7 % topology.size])
    assert topology.size == 50
    assert 3.5 <= 2 * topology.edge_count / topology.size <= 4.5


@pytest.mark.parametrize("kind", RANDOM)
def test_a_departure_that_splits_a_random_graph_is_mended(kind: str) -> None:
    topology = make_topology(kind, 9, 1)
    # Agent 8 alone joins two squares, and its neighbours' pairs are within a square each.
    squares = {
        0: (4, 5, 8),
        1: (4, 5, 8),
        2: (6, 7, 8),
        3: (6, 7, 8),
        4: (0, 1),
        5: (0, 1),
        6: (2, 3),
        7: (2, 3),
    }
    topology.load_state({"left": [], "joined": [], "links": {**squares, 8: (0, 1, 2, 3)}, "places": {}})
    topology.leave(8)
    assert topology.connected(0, 1)
    assert topology.connected(2, 3)
    assert is_connected(topology)


def test_a_newcomer_to_a_small_world_takes_no_link_over_that_holds_it_together() -> None:
    class Fixed:
        def __init__(self, *draws: int) -> None:
            self.draws = list(draws)

        def below(self, n: int) -> int:
            return self.draws.pop(0)

    topology = make_topology("small-world", 6, 1)
    links = {0: (1, 4), 1: (0, 5), 2: (3, 4), 3: (2, 5), 4: (0, 2, 5), 5: (1, 3, 4)}
    topology.load_state({"left": [], "joined": [], "links": links, "places": {}})
    # Both links forward are led elsewhere, to 2 and 3.
    topology.join(6, Fixed(0, 2, 0, 3))
    assert {2, 3, 4, 5} <= set(topology.neighbours(6))
    assert is_connected(topology)


def test_a_random_regular_graph_is_redrawn_until_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(5))
    joined = nx.circulant_graph(10, [1, 2])
    drawn = iter([apart, apart, joined])
    monkeypatch.setattr(nx, "random_regular_graph", lambda *_, **__: next(drawn))
    assert nx.utils.graphs_equal(make_topology("random-regular", 10, 1).graph, joined)


@OPTIONS
@given(kinds, st.integers(0, 20), seeds, changes, changes)
def test_the_state_holds_the_changes_and_brings_them_back(
    kind: str, extra: int, seed: int, before: list[int], after: list[int]
) -> None:
    topology = make(kind, extra, seed)
    change(topology, before)
    links, members = list(topology.edges()), list(topology.members)
    state = topology.state()
    saved = pickle.dumps(state)
    change(topology, after)
    later = list(topology.edges())
    assert pickle.dumps(state) == saved

    topology.load_state(state)
    assert (list(topology.edges()), list(topology.members)) == (links, members)
    other = make(kind, extra, seed)
    other.load_state(pickle.loads(saved))
    assert (list(other.edges()), list(other.members)) == (links, members)
    change(other, after)
    assert list(other.edges()) == later
    assert_sound(other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_topology_without_changes_has_next_to_no_state(kind: str) -> None:
    assert make(kind, 50).state() == {"left": [], "joined": [], "links": {}, "places": {}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_newcomer_who_has_left_again_is_forgotten(kind: str) -> None:
    topology = make(kind, 5)
    topology.join(topology.started, Stream(1, "join"))
    topology.leave(topology.started)
    state = topology.state()
    assert (state["left"], state["joined"], state["places"]) == ([], [], {})
    assert topology.started not in state["links"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_newcomers_join_and_only_members_leave(kind: str) -> None:
    topology = make(kind)
    with pytest.raises(StateError, match=f"^agent 1 is in the {kind} already; a new agent needs a new id$"):
        topology.join(1, Stream(1, "join"))
    topology.leave(1)
    with pytest.raises(StateError, match=f"^agent 1 is not in the {kind}; only an agent that is there"):
        topology.leave(1)
    with pytest.raises(KeyError):
        topology.neighbours(1)
    assert not topology.connected(0, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_are_a_snapshot_and_the_graph_follows_changes(kind: str) -> None:
    topology = make(kind, 3)
    near, graph = topology.neighbours(0), topology.graph
    plain = tuple(near)
    assert topology.graph is graph
    topology.leave(plain[0])
    topology.join(topology.started, Stream(1, "join"))
    assert tuple(near) == plain
    assert list(topology.graph) == list(topology.members)
    assert sorted(map(sorted, topology.graph.edges)) == sorted(map(list, topology.edges()))


def test_the_random_kinds_are_the_same_for_good() -> None:
    # A recording made today must play tomorrow: on another Python, and with another networkx.
    assert list(make_topology("small-world", 8, 1).edges()) == [
        (0, 1), (0, 4), (0, 5), (0, 6), (0, 7), (1, 2), (1, 3), (2, 3),
        (2, 4), (3, 4), (3, 5), (3, 7), (4, 5), (4, 6), (5, 6), (6, 7),
    ]  # fmt: skip
    assert list(make_topology("random-regular", 7, 1).edges()) == [
        (0, 2), (0, 4), (0, 5), (0, 6), (1, 2), (1, 3), (1, 5),
        (1, 6), (2, 3), (2, 4), (3, 4), (3, 5), (4, 6), (5, 6),
    ]  # fmt: skip


_PROGRAM = """
import sys
from engine.streams import Stream
from engine.topology import TOPOLOGIES, make_topology
for kind in TOPOLOGIES:
    topology = make_topology(kind, 60, 11)
    for i in range(20):
        topology.join(60 + i, Stream(5, f"join/{i}"))
        topology.leave(3 * i + 1)
    print(kind, list(topology.edges()), topology.state())
    print(kind, "networkx" in sys.modules, file=sys.stderr)
"""


def test_the_wiring_does_not_depend_on_the_hash_seed_and_seldom_needs_networkx() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        )
        for seed in ("1", "4242")
    ]
    assert runs[0].stdout == runs[1].stdout
    loaded = dict(line.split() for line in runs[0].stderr.splitlines())
    assert loaded == {kind: str(kind in RANDOM) for kind in KINDS}
