"""Beyond what a node remembers the oldest keys are forgotten, and far ends nothing holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sfctl.graph.embedded import EmbeddedGraph
from sfctl.model.graph import EDGES_PER_NODE, NODES_PER_DATASET, Edge, Elements, Node, run_id

AT = datetime(2024, 1, 15, tzinfo=UTC)
ORDERS, OTHER = "urn:dp:orders:order_created", "urn:dp:orders:other"


def runs(first: int, last: int) -> Elements:
    nodes = tuple(Node(run_id(f"{i:06}"), "Run") for i in range(first, last))
    return Elements(nodes, tuple(Edge(node.id, ORDERS, "WROTE_TO") for node in nodes))


def test_a_dataset_holds_on_to_so_many_runs_and_no_more(tmp_path: Path) -> None:
    topology = Elements(
        (Node(ORDERS, "Dataset"), Node(OTHER, "Dataset")),
        (Edge(ORDERS, OTHER, "FEEDS"), Edge(run_id("000001"), OTHER, "READ_FROM")),
    )
    with EmbeddedGraph(tmp_path / "graph.db") as graph:
        graph.upsert(topology + runs(0, 10), AT)
        graph.upsert(runs(10, NODES_PER_DATASET + 5), AT + timedelta(days=1))
        left = {node.id for node in graph.export().nodes} - {ORDERS, OTHER}
        gone = {run_id(f"{i:06}") for i in (0, 2, 3, 4)}
        assert left.isdisjoint(gone)
        assert len(left) == NODES_PER_DATASET + 5 - len(gone)
        assert len(graph.edges(ORDERS, "in", limit=20_000)) == EDGES_PER_NODE
        dataset = graph.node(ORDERS)
        assert dataset is not None
        assert dataset.props == {"rolled_up": NODES_PER_DATASET + 5 - EDGES_PER_NODE}
        assert [edge.target for edge in graph.edges(run_id("000001"))] == [OTHER]
