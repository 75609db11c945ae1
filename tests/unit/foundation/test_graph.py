"""Orders, groups and cycles: small graphs by hand, random ones by their properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.foundation.graph import Cycle, find_cycle, sort, strongly_connected

edges_among_ten = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


def reachable(start, edges):
    found, work = set(), [start]
    while work:
        node = work.pop()
        for first, then in edges:
            if first == node and then not in found:
                found.add(then)
                work.append(then)
    return found


def test_sort_keeps_the_order_of_free_nodes():
    assert sort("dcba", []) == list("dcba")
    assert sort("abcd", [("d", "a")]) == list("bcda")


def test_sort_ignores_repeated_and_foreign_edges():
    assert sort("ab", [("b", "a"), ("b", "a"), ("z", "a"), ("a", "z")]) == ["b", "a"]


def test_sort_reports_the_cycle_and_what_it_blocks():
    with pytest.raises(Cycle) as caught:
        sort("abcde", [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])

    assert caught.value.nodes == ["b", "c"]
    assert caught.value.blocked == ["b", "c", "d"]


def test_edge_to_itself_is_a_cycle():
    with pytest.raises(Cycle) as caught:
        sort("ab", [("b", "b")])

    assert caught.value.nodes == ["b"]


def test_long_chains_need_no_recursion():
    size = 20_000
    chain = [(node + 1, node) for node in range(size - 1)]

    assert sort(range(size), chain) == list(reversed(range(size)))
    assert len(strongly_connected(range(size), chain)) == size
    assert len(find_cycle(range(size), [*chain, (0, size - 1)])) == size


def test_groups_come_in_order_of_dependency():
    edges = [("a", "b"), ("b", "a"), ("c", "a"), ("d", "c"), ("c", "d")]

    assert strongly_connected("abcde", edges) == [["c", "d"], ["a", "b"], ["e"]]


@given(edges_among_ten)
def test_sort_respects_every_edge_or_names_a_real_cycle(edges):
    cycle = None
    try:
        order = sort(range(10), edges)
    except Cycle as found:
        cycle = found

    if cycle is None:
        assert sorted(order) == list(range(10))
        assert all(order.index(first) < order.index(then) for first, then in edges)
    else:
        steps = zip(cycle.nodes, [*cycle.nodes[1:], cycle.nodes[0]], strict=True)
        assert all(step in edges for step in steps)
        assert set(cycle.nodes) <= set(cycle.blocked)


@given(edges_among_ten)
def test_groups_are_the_nodes_that_reach_one_another(edges):
    groups = strongly_connected(range(10), edges)
    reach = {node: reachable(node, edges) for node in range(10)}
    place = {node: at for at, group in enumerate(groups) for node in group}

    assert sorted(place) == list(range(10))
    for one in range(10):
        for other in range(one):
            together = other in reach[one] and one in reach[other]
            assert (place[one] == place[other]) == together
    assert all(place[first] <= place[then] for first, then in edges)


@given(edges_among_ten)
def test_find_cycle_finds_one_exactly_when_there_is_one(edges):
    cycle = find_cycle(range(10), edges)

    if cycle:
        steps = zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        assert all(step in edges for step in steps)
    else:
        assert all(node not in reachable(node, edges) for node in range(10))
