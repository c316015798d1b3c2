"""What the end of the log has to look at again: told by the elements that came since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sfctl.graph.causes import upstream
from sfctl.graph.port import Graph
from sfctl.model.graph import Elements

TABLE = "graph_pending"
KEY = "pending"
_SOURCES = ("FEEDS", "OWNS", "WRITES")


class Pending(msgspec.Struct, frozen=True, omit_defaults=True):
    """Node ids: failures seen, datasets whose lineage grew, producers with a new deployment."""

    signatures: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()
    producers: frozenset[str] = frozenset()

    def __or__(self, other: Pending) -> Pending:
        return Pending(
            self.signatures | other.signatures,
            self.datasets | other.datasets,
            self.producers | other.producers,
        )

    def __bool__(self) -> bool:
        return bool(self.signatures or self.datasets or self.producers)

    def plain(self) -> dict[str, Any]:
        """Return the state table's item, sorted."""
        return {name: sorted(getattr(self, name)) for name in self.__struct_fields__}


def touched(elements: Elements, seen: set[tuple[str, str, str]]) -> Pending:
    """Return what some elements call for. `seen` are lineage edges known before; it is added to."""
    datasets, producers = set(), set()
    for edge in elements.edges:
        if edge.label == "DEPLOYED":
            producers.add(edge.source)
        elif edge.label in _SOURCES and not edge.source.startswith("urn:team:"):
            key = (edge.source, edge.label, edge.target)
            if key not in seen:
                seen.add(key)
                datasets.add(edge.target)
    named = {node.id for node in elements.nodes if node.label == "FailureSignature"}
    return Pending(frozenset(named), frozenset(datasets), frozenset(producers))


def affected(graph: Graph, pending: Pending, known: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the signatures to explain again; `known` are those of each dataset."""
    found = set(pending.signatures)
    if not pending.datasets and not pending.producers:
        return found
    for dataset, signatures in known.items():
        above = upstream(graph, dataset)
        if not pending.datasets.isdisjoint(above) or _owned(graph, above, pending.producers):
            found.update(signatures)
    for producer in sorted(pending.producers):
        found.update(e.target for e in graph.edges(producer, "out", ["PRODUCED_DRIFT"]))
        if not producer.startswith("urn:service:"):
            found.update(_met(graph, producer))
    return found


def _owned(graph: Graph, datasets: Iterable[str], producers: frozenset[str]) -> bool:
    return any(
        edge.source in producers
        for dataset in (datasets if producers else ())
        for edge in graph.edges(dataset, "in", ["OWNS", "WRITES"])
    )


def _met(graph: Graph, job: str) -> Iterable[str]:
    for run in graph.edges(job, "out", ["EXECUTED"]):
        for edge in graph.edges(run.target, "out", ["ENCOUNTERED"]):
            yield edge.target
