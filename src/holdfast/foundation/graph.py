"""Put things in the order that their dependencies ask for, and find the cycles that forbid one.

The unit of work orders tables, relationships and rows with it. Nodes are any hashable values,
edges are pairs `(first, then)`. All functions take linear time and do not recurse, so a chain of
a hundred thousand rows is no problem.

Rules kept here:
1. The order is stable: among nodes that are free at the same time, the one given first comes first.
2. The result depends on the order of the input only, never on hashes.
3. Edges that name a node outside `nodes`, and edges from a node to itself in `sort`, are ignored
   and reported respectively: a self-edge is a cycle.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

N = TypeVar("N", bound=Hashable)


class Cycle(Exception):
    """The nodes cannot be ordered.

    `nodes` is one cycle in order: each depends on the one before it, the first on the last.
    `blocked` is everything that could not be placed, in input order.
    """

    def __init__(self, nodes: Sequence[Any], blocked: Sequence[Any]) -> None:
        super().__init__(f"{len(nodes)} nodes depend on one another in a circle")
        self.nodes: list[Any] = list(nodes)
        self.blocked: list[Any] = list(blocked)


def sort(nodes: Iterable[N], edges: Iterable[tuple[N, N]]) -> list[N]:
    """The nodes, each after everything that an edge puts before it.

    Raises:
        Cycle: Some nodes depend on one another.
    """
    order = list(dict.fromkeys(nodes))
    position = {node: at for at, node in enumerate(order)}
    followers, waiting = _numbered(order, position, edges)
    free = [at for at, count in enumerate(waiting) if not count]
    heapify(free)
    result: list[N] = []
    while free:
        at = heappop(free)
        result.append(order[at])
        for follower in followers[at]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heappush(free, follower)
    if len(result) < len(order):
        blocked = [node for node, count in zip(order, waiting, strict=True) if count]
        inside = set(blocked)
        remaining = [
            (order[at], order[follower])
            for at, targets in enumerate(followers)
            if order[at] in inside
            for follower in targets
        ]
        raise Cycle(find_cycle(blocked, remaining), blocked)
    return result


def _numbered(
    order: list[N], position: dict[N, int], edges: Iterable[tuple[N, N]]
) -> tuple[list[list[int]], list[int]]:
    """Followers of each node and how many nodes each waits for, by position; edges counted once."""
    followers: list[list[int]] = [[] for _ in order]
    waiting = [0] * len(order)
    seen: set[tuple[int, int]] = set()
    for first, then in edges:
        if first in position and then in position:
            edge = (position[first], position[then])
            if edge not in seen:
                seen.add(edge)
                followers[edge[0]].append(edge[1])
                waiting[edge[1]] += 1
    return followers, waiting


def strongly_connected(nodes: Iterable[N], edges: Iterable[tuple[N, N]]) -> list[list[N]]:
    """The nodes in groups that reach one another, groups in dependency order.

    A node that is on no cycle is a group of its own. Inside a group, and among groups that do not
    depend on one another, the order of the input is kept.
    """
    order = list(dict.fromkeys(nodes))
    position = {node: at for at, node in enumerate(order)}
    followers, _ = _numbered(order, position, edges)
    group_of = _groups(followers)
    members: dict[int, list[N]] = {}
    for at, node in enumerate(order):
        members.setdefault(group_of[at], []).append(node)
    between = (
        (group_of[at], group_of[follower])
        for at, targets in enumerate(followers)
        for follower in targets
        if group_of[at] != group_of[follower]
    )
    return [members[group] for group in sort(members, between)]


def _groups(followers: list[list[int]]) -> list[int]:
    """Tarjan's algorithm without recursion: the number of the group of each node."""
    size = len(followers)
    index, low, group_of = [-1] * size, [0] * size, [-1] * size
    open_nodes: list[int] = []  # visited, group not known yet
    visited = groups = 0
    for root in range(size):
        work: list[tuple[int, Iterator[int]]] = []
        entered = root if index[root] < 0 else -1
        while entered >= 0 or work:
            if entered >= 0:
                index[entered] = low[entered] = visited
                visited += 1
                open_nodes.append(entered)
                work.append((entered, iter(followers[entered])))
            node, targets = work[-1]
            entered = _next_unvisited(node, targets, index, low, group_of)
            if entered >= 0:
                continue
            work.pop()
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
            if low[node] == index[node]:
                member = -1
                while member != node:
                    member = open_nodes.pop()
                    group_of[member] = groups
                groups += 1
    return group_of


def _next_unvisited(
    node: int, targets: Iterator[int], index: list[int], low: list[int], group_of: list[int]
) -> int:
    """The next follower to enter, or -1; on the way `low[node]` learns of open followers."""
    for target in targets:
        if index[target] < 0:
            return target
        if group_of[target] < 0:
            low[node] = min(low[node], index[target])
    return -1


def find_cycle(nodes: Iterable[N], edges: Iterable[tuple[N, N]]) -> list[N]:
    """One cycle among the nodes, in order of dependency, or an empty list."""
    order = list(dict.fromkeys(nodes))
    position = {node: at for at, node in enumerate(order)}
    followers, _ = _numbered(order, position, edges)
    done = [False] * len(order)
    for root in range(len(order)):
        if done[root]:
            continue
        path, place = [root], {root: 0}
        walks = [iter(followers[root])]
        while walks:
            target = next(walks[-1], None)
            if target is None:
                walks.pop()
                left = path.pop()
                del place[left]
                done[left] = True
            elif target in place:
                return [order[at] for at in path[place[target] :]]
            elif not done[target]:
                place[target] = len(path)
                path.append(target)
                walks.append(iter(followers[target]))
    return []
