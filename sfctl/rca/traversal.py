"""Every look at the graph, written down as it is taken, so that a reader can take it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from sfctl.graph.port import Direction, Graph, Reached
from sfctl.model.explanation import Step
from sfctl.model.graph import Edge, Node

CAUSE_HOPS = 5
"""A cause is looked for no further upstream than this."""
REACH_HOPS = 3
"""Damage is told no further downstream than this."""


@dataclass(slots=True)
class Tracer:
    """A graph that is only read, each answer kept: the same question is asked once."""

    graph: Graph
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0
    queries: int = 0
    longest: int = 0
    _edges: dict[tuple[str, Direction, tuple[str, ...]], list[Edge]] = field(default_factory=dict)
    _walks: dict[tuple[str, Direction, tuple[str, ...], int], Reached] = field(default_factory=dict)
    _nodes: dict[str, Node | None] = field(default_factory=dict)

    def node(self, id: str) -> Node | None:
        """Return one node."""
        if id not in self._nodes:
            started = perf_counter()
            self._nodes[id] = self.graph.node(id)
            self._spent(started)
        return self._nodes[id]

    def nodes(self, ids: Iterable[str]) -> list[Node]:
        """Return those of `ids` that exist, by id."""
        wanted = sorted(set(ids))
        unknown = [id for id in wanted if id not in self._nodes]
        if unknown:
            started = perf_counter()
            found = {node.id: node for node in self.graph.nodes(ids=unknown)}
            self._spent(started)
            self._nodes.update({id: found.get(id) for id in unknown})
        return [node for id in wanted if (node := self._nodes[id]) is not None]

    def all(self, label: str) -> list[Node]:
        """Return the nodes of a label, by id."""
        started = perf_counter()
        found = self.graph.nodes(label)
        self._spent(started)
        return found

    def edges(
        self, question: str, node: str, direction: Direction, labels: Sequence[str]
    ) -> list[Edge]:
        """Return a node's edges; what the far ends are is the answer to `question`."""
        key = (node, direction, tuple(labels))
        if key not in self._edges:
            started = perf_counter()
            self._edges[key] = self.graph.edges(node, direction, labels)
            self._spent(started)
            found = tuple(sorted({far_end(e, direction) for e in self._edges[key]}))
            self._note(question, node, labels, direction, 1, found)
        return self._edges[key]

    def walk(
        self, question: str, node: str, direction: Direction, labels: Sequence[str], hops: int
    ) -> Reached:
        """Return what is reached; where it leads is the answer to `question`."""
        key = (node, direction, tuple(labels), hops)
        if key not in self._walks:
            started = perf_counter()
            reached = self.graph.walk(node, direction, labels, max_hops=hops)
            self._walks[key] = reached
            self._spent(started)
            self._nodes.update({path.end.id: path.end for path in reached.paths})
            found = tuple(path.end.id for path in reached.paths if path.hops)
            self._note(question, node, labels, direction, hops, found)
            self.longest = max([self.longest, *(path.hops for path in reached.paths)])
        return self._walks[key]

    def find(self, text: str) -> list[Node]:
        """Return the nodes that a person may mean."""
        started = perf_counter()
        found = self.graph.find(text)
        self._spent(started)
        return found

    def _note(
        self,
        question: str,
        node: str,
        labels: Sequence[str],
        direction: Direction,
        hops: int,
        found: tuple[str, ...],
    ) -> None:
        number = len(self.steps) + 1
        self.steps.append(Step(number, question, node, tuple(labels), direction, hops, found))

    def _spent(self, started: float) -> None:
        self.seconds += perf_counter() - started
        self.queries += 1


def far_end(edge: Edge, direction: Direction) -> str:
    """Return the end of an edge that is not where one stands."""
    return edge.target if direction == "out" else edge.source
