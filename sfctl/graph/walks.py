"""Bounded walks, one look-up a level: the same for each adapter that can expand a set of nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from sfctl.graph.port import MAX_HOPS, Direction, Hop, Path, Reached
from sfctl.model.graph import EDGES_PER_NODE, Edge, Node

Expand = Callable[[Collection[str], Direction, Collection[str]], list[Edge]]
"""The edges of these nodes in a direction, of these labels or any; by near end, label, far end."""
Fetch = Callable[[Collection[str]], Mapping[str, Node]]
"""The nodes of these ids that exist."""
_Steps = list[tuple[str, list[Edge]]]


def far_end(edge: Edge, direction: Direction) -> str:
    """Return the id an edge leads to when it is gone along in a direction."""
    return edge.target if direction == "out" else edge.source


def walk(
    expand: Expand,
    fetch: Fetch,
    start: str,
    direction: Direction,
    labels: Iterable[str],
    *,
    max_hops: int,
    limit: int,
) -> Reached:
    """Return one shortest path to each node in reach, breadth first; see `Graph.walk`.

    Of several shortest paths it is the one whose last edge comes first by near end and label.
    """
    wanted = tuple(labels)
    came_by: dict[str, Edge | None] = {start: None}
    order: list[str] = []
    level: list[str] = [start]
    truncated = False
    for _ in range(min(max_hops, MAX_HOPS)):
        found: dict[str, Edge] = {}
        edges, cut = _within_cap(expand(level, direction, wanted), direction)
        truncated = truncated or cut
        for edge in edges:
            far = far_end(edge, direction)
            if far not in came_by:
                found.setdefault(far, edge)
        level = sorted(found)
        if len(order) + len(level) > limit:
            level, truncated = level[: limit - len(order)], True
        came_by.update((each, found[each]) for each in level)
        order += level
        if not level or (truncated and len(order) >= limit):
            break
    else:
        truncated = truncated or (
            max_hops > MAX_HOPS
            and any(
                far_end(edge, direction) not in came_by for edge in expand(level, direction, wanted)
            )
        )
    nodes = fetch(list(came_by))
    paths = (_path(each, came_by, nodes, direction) for each in order)
    return Reached(tuple(path for path in paths if path is not None), truncated)


def follow(
    expand: Expand, fetch: Fetch, start: str, hops: Sequence[Hop], *, limit: int
) -> list[Path]:
    """Return the paths that take exactly these hops, each node once; see `Graph.follow`."""
    levels: list[dict[str, list[Edge]]] = []
    reached = {start}
    for hop in hops:
        by_near: dict[str, list[Edge]] = {}
        edges, _ = _within_cap(expand(sorted(reached), hop.direction, hop.labels), hop.direction)
        for edge in edges:
            near = edge.source if hop.direction == "out" else edge.target
            by_near.setdefault(near, []).append(edge)
        levels.append(by_near)
        reached = {far_end(edge, hop.direction) for edges in by_near.values() for edge in edges}
    _drop_dead_ends(levels, hops)
    found: list[tuple[tuple[str, ...], tuple[Edge, ...]]] = []
    for way in _ways((start,), (), levels, hops):
        if len(found) >= limit:
            break
        found.append(way)
    nodes = fetch(sorted({each for ids, _ in found for each in ids} | {start}))
    return [
        Path(tuple(nodes[each] for each in ids), edges)
        for ids, edges in found
        if all(each in nodes for each in ids)
    ]


def _within_cap(edges: list[Edge], direction: Direction) -> tuple[list[Edge], bool]:
    """Return at most EDGES_PER_NODE edges of each node, and whether there were more."""
    counts: dict[str, int] = {}
    kept = []
    for edge in edges:
        near = edge.source if direction == "out" else edge.target
        counts[near] = counts.get(near, 0) + 1
        if counts[near] <= EDGES_PER_NODE:
            kept.append(edge)
    return kept, len(kept) < len(edges)


def _path(
    end: str, came_by: Mapping[str, Edge | None], nodes: Mapping[str, Node], direction: Direction
) -> Path | None:
    """Return the path to a node, or None where a writer has just dropped a part of it."""
    edges: list[Edge] = []
    ids = [end]
    while (edge := came_by[ids[-1]]) is not None:
        edges.append(edge)
        ids.append(edge.source if direction == "out" else edge.target)
    if any(each not in nodes for each in ids):
        return None
    return Path(tuple(nodes[each] for each in reversed(ids)), tuple(reversed(edges)))


def _drop_dead_ends(levels: list[dict[str, list[Edge]]], hops: Sequence[Hop]) -> None:
    """Leave only edges from which the last hop can be reached."""
    for index in range(len(levels) - 2, -1, -1):
        direction = hops[index].direction
        for near, edges in list(levels[index].items()):
            alive = [edge for edge in edges if far_end(edge, direction) in levels[index + 1]]
            if alive:
                levels[index][near] = alive
            else:
                del levels[index][near]


def _ways(
    ids: tuple[str, ...],
    edges: tuple[Edge, ...],
    levels: Sequence[Mapping[str, list[Edge]]],
    hops: Sequence[Hop],
) -> Iterator[tuple[tuple[str, ...], tuple[Edge, ...]]]:
    """Yield the ways in order of the ids along them, then of the edges' labels."""
    depth = len(edges)
    if depth == len(hops):
        yield ids, edges
        return
    direction = hops[depth].direction
    onward = levels[depth].get(ids[-1], [])
    for edge in sorted(onward, key=lambda edge: (far_end(edge, direction), edge.label)):
        far = far_end(edge, direction)
        if far not in ids:
            yield from _ways((*ids, far), (*edges, edge), levels, hops)
