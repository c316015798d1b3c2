"""What an open incident stands on outlives its days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfctl.graph.cited import cited
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.model.graph import Edge, Elements, Node, deployment_id, run_id, signature_id
from sfctl.model.incident import Incident, Status

AT = datetime(2024, 1, 15, tzinfo=UTC)
ORDERS = "urn:dp:orders:order_created"
SIGNATURE = signature_id("MISSING_FIELD:customer_id", ORDERS)
DEPLOYED = deployment_id("orders-svc", "v3.17")
GRAPH = Elements(
    (
        Node(ORDERS, "Dataset"),
        Node(DEPLOYED, "Deployment"),
        Node(SIGNATURE, "FailureSignature"),
        Node("sig-1", "Signal"),
        Node("sig-2", "Signal"),
        Node("INC-1", "Incident"),
        Node(run_id("r1"), "Run"),
    ),
    (
        Edge(DEPLOYED, SIGNATURE, "INTRODUCED"),
        Edge(run_id("r1"), SIGNATURE, "ENCOUNTERED"),
        Edge(SIGNATURE, "sig-1", "CAUSED"),
        Edge("sig-1", "INC-1", "TRIGGERED"),
        Edge("sig-2", ORDERS, "AFFECTS"),
    ),
)


def incident(status: Status) -> Incident:
    return Incident(
        incident_id="INC-1",
        cause_key="c",
        severity="SEV-1",
        title="t",
        status=status,
        created_at="2024-01-15T00:00:00Z",
        updated_at="2024-01-15T00:00:00Z",
        dataset_urn=ORDERS,
        signal_id="sig-1",
    )


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("OPEN", ["INC-1", SIGNATURE, "sig-1", DEPLOYED, ORDERS, run_id("r1")]),
        ("ACKNOWLEDGED", ["INC-1", SIGNATURE, "sig-1", DEPLOYED, ORDERS, run_id("r1")]),
        ("RESOLVED", [ORDERS]),
    ],
)
def test_an_open_incident_keeps_its_causes(tmp_path: Path, status: Status, left: list[str]) -> None:
    with EmbeddedGraph(tmp_path / "graph.db") as graph:
        graph.upsert(GRAPH, AT)
        keep = cited(graph, [incident(status)])
        graph.expire(AT + timedelta(days=400), keep=keep)
        assert sorted(node.id for node in graph.export().nodes) == sorted(left)
