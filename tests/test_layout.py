"""Layouts: everybody has a place of their own within the margin, and each topology looks like what it is."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import dist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.graph import Topology
from engine.layout import MOST_EDGES, MOST_LINKED, make_layout
from engine.shapes import ASPECT, CENTRE, FAR, NEAR
from engine.streams import Stream
from engine.topology import TOPOLOGIES, Hybrid, Tree, make_topology
from engine.views import Layout

KINDS = tuple(TOPOLOGIES)
CALM = tuple(kind for kind in KINDS if kind != "random-regular")
OPTIONS = settings(max_examples=50, deadline=None)


def look(layout: Layout, agent: int) -> tuple[float, float]:
    """Where an agent stands, in units of the height of the drawing area."""
    x, y = layout.positions[agent]
    return x * ASPECT, y


def between(layout: Layout, a: int, b: int) -> float:
    return dist(look(layout, a), look(layout, b))


def assert_sound(layout: Layout, topology: Topology) -> None:
    assert set(layout.positions) == set(topology.members)
    assert len(set(layout.positions.values())) == topology.size
    assert all(NEAR <= x <= FAR and NEAR <= y <= FAR for x, y in layout.positions.values())
    assert layout.edges_total == topology.edge_count
    few = layout.edges_total <= min(MOST_EDGES, MOST_LINKED * topology.size // 2)
    assert list(layout.edges) == (list(topology.edges()) if few else [])
    if layout.clusters:
        clustered = [agent for _, members in layout.clusters for agent in members]
        assert sorted(clustered) == list(topology.members)
    else:
        assert topology.size <= 200


@OPTIONS
@given(st.sampled_from(KINDS), st.integers(0, 40), st.lists(st.integers(0, 10**6), max_size=50))
def test_everybody_has_a_place_also_after_joins_and_departures(kind: str, extra: int, draws: list[int]) -> None:
    topology = make_topology(kind, TOPOLOGIES[kind].minimum + extra, 3)
    for i, draw in enumerate(draws):
        if draw % 2 and topology.size:
            topology.leave(topology.members[draw // 2 % topology.size])
        else:
            topology.join(topology.started + i, Stream(draw, "join"))
    assert_sound(make_layout(topology, 1), topology)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [200, 201, 1000])
def test_layouts_of_many_agents(kind: str, n: int) -> None:
    topology = make_topology(kind, n, 3)
    layout = make_layout(topology, 5)
    assert layout.version == 5
    assert_sound(layout, topology)
    assert bool(layout.clusters) == (n > 200)
    if layout.clusters:
        assert 12 <= len(layout.clusters) <= 40
    assert layout == make_layout(make_topology(kind, n, 3), 5)


@pytest.mark.parametrize("kind", KINDS)
def test_layouts_use_the_whole_area(kind: str) -> None:
    positions = make_layout(make_topology(kind, 100, 3), 1).positions.values()
    for values in zip(*positions, strict=True):
        assert max(values) - min(values) > 0.75


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [260, 1000])
def test_clusters_adapt_to_departures_and_their_discs_do_not_overlap(kind: str, n: int) -> None:
    topology = make_topology(kind, n, 3)
    for agent in range(1, 50):
        topology.leave(agent)
    topology.join(n, Stream(1, "join"))
    layout = make_layout(topology, 1)
    assert_sound(layout, topology)
    discs = [
        (look(layout, members[0]), max(between(layout, members[0], agent) for agent in members))
        for _, members in layout.clusters
    ]
    for (one, reach), (other, far) in combinations(discs, 2):
        assert dist(one, other) > reach + far


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("ring", 0.9),
        ("small-world", 0.8),
        ("grid", 0.7),
        ("tree", 0.9),
        ("hybrid", 0.9),
        ("random-regular", 0.3),
    ],
)
def test_neighbours_are_in_the_same_cluster_for_the_most_part(kind: str, share: float) -> None:
    topology = make_topology(kind, 1000, 3)
    home = {agent: label for label, members in make_layout(topology, 1).clusters for agent in members}
    together = sum(home[a] == home[b] for a, b in topology.edges())
    assert together / topology.edge_count > share


def test_clusters_are_labelled_with_their_lowest_and_highest_id() -> None:
    star = make_layout(make_topology("star", 300, 1), 1)
    assert star.clusters[0] == ("0", (0,))
    assert star.clusters[1] == ("1…17", tuple(range(1, 18)))
    assert star.positions[0] == CENTRE
    assert len(dict(star.clusters)) == len(star.clusters)


def test_a_star_has_its_centre_in_the_middle() -> None:
    layout = make_layout(make_topology("star", 30, 1), 1)
    assert layout.positions[0] == CENTRE
    assert layout.positions[1] == (0.5, NEAR)


@pytest.mark.parametrize("kind", ["ring", "mesh", "small-world"])
def test_a_circle_has_everybody_in_order_and_evenly_spaced(kind: str) -> None:
    layout = make_layout(make_topology(kind, 60, 1), 1)
    steps = [between(layout, a, b) for a, b in [*pairwise(range(60)), (59, 0)]]
    assert max(steps) < 1.1 * min(steps)
    for x, y in layout.positions.values():
        assert ((x - 0.5) / 0.46) ** 2 + ((y - 0.5) / 0.46) ** 2 == pytest.approx(1, abs=0.01)


def test_two_agents_face_each_other_across_the_width() -> None:
    assert make_layout(make_topology("mesh", 2, 1), 1).positions == {0: (FAR, 0.5), 1: (NEAR, 0.5)}


def test_a_tree_has_layers_with_parents_above_and_amid_their_children() -> None:
    tree = make_topology("tree", 50, 1)
    assert isinstance(tree, Tree)
    positions = make_layout(tree, 1).positions
    assert positions[0][1] == NEAR
    for agent in tree.members:
        children = tree.children(agent)
        assert len({positions[child][1] for child in children}) <= 1
        if children:
            assert positions[agent][1] < positions[children[0]][1]
            middle = (positions[children[0]][0] + positions[children[-1]][0]) / 2
            assert positions[agent][0] == pytest.approx(middle, abs=1e-5)


def test_a_tree_as_deep_as_it_has_agents_is_laid_out_too() -> None:
    tree = make_topology("tree", 2, 1)
    state = tree.state()
    state["joined"] = list(range(2, 1500))
    state["links"] = {i: (i - 1, i + 1) for i in range(1, 1499)} | {1499: (1498,)}
    tree.load_state(state)
    assert_sound(make_layout(tree, 1), tree)


def test_a_grid_has_rows_and_columns() -> None:
    positions = make_layout(make_topology("grid", 40, 1), 1).positions
    assert positions[0] == (NEAR, NEAR)
    assert positions[7] == (FAR, NEAR)
    assert positions[39] == (FAR, FAR)
    assert len({x for x, _ in positions.values()}) == 8
    assert len({y for _, y in positions.values()}) == 5


def test_a_hybrids_members_stand_around_their_own_head() -> None:
    hybrid = make_topology("hybrid", 60, 1)
    assert isinstance(hybrid, Hybrid)
    layout = make_layout(hybrid, 1)
    heads = [cluster[0] for cluster in hybrid.clusters]
    for head, *members in hybrid.clusters:
        for agent in members:
            assert min(heads, key=lambda other: between(layout, agent, other)) == head


def test_forces_bring_linked_agents_together_and_keep_all_apart() -> None:
    topology = make_topology("random-regular", 60, 3)
    layout = make_layout(topology, 1)
    linked = [between(layout, a, b) for a, b in topology.edges()]
    everybody = [between(layout, a, b) for a, b in combinations(range(60), 2)]
    assert sum(linked) / len(linked) < 0.6 * sum(everybody) / len(everybody)
    assert min(everybody) > 0.02


def test_forces_give_the_same_places_on_every_machine() -> None:
    assert make_layout(make_topology("random-regular", 7, 1), 1).positions == {
        0: (0.063555, 0.274511),
        1: (0.96, 0.536017),
        2: (0.34763, 0.96),
        3: (0.756962, 0.894602),
        4: (0.04, 0.68451),
        5: (0.802566, 0.155092),
        6: (0.406036, 0.04),
    }


@pytest.mark.parametrize("kind", CALM)
def test_one_agent_left_stands_in_the_middle_and_nobody_nowhere(kind: str) -> None:
    topology = make_topology(kind, 6, 1)
    for agent in range(5):
        topology.leave(agent)
    assert make_layout(topology, 1).positions == {5: CENTRE}
    topology.leave(5)
    assert make_layout(topology, 1).positions == {}
