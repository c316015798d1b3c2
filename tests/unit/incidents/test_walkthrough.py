"""The first walk-through: the printed evidence and signal give the printed incident."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfctl.evidence.codec import Accepted, accept
from sfctl.graph.stage import GraphStage
from sfctl.incidents.document import document
from sfctl.model.evidence import Evidence
from sfctl.model.manifest import ConsumerEntry
from tests.incident_rig import NINE, World, project

SAMPLES = Path(__file__).parents[2] / "golden" / "samples"


def sample(name: str, **more: Any) -> Evidence:
    outcome = accept({**json.loads((SAMPLES / f"{name}.json").read_text()), **more}, NINE)
    assert isinstance(outcome, Accepted), outcome
    return outcome.event


@pytest.fixture
def played(world: World) -> World:
    consumers = tuple(
        ConsumerEntry(f"urn:pipeline:x:{name}", "Pipeline", consumes=("urn:dp:orders:created",))
        for name in ("finance-pipeline", "analytics-dashboard", "crm-sync")
    )
    config = project({"orders:created": 1}, consumers=consumers)
    signal = sample("s1_signal_contract_breach", timestamp="2024-01-15T10:00:00.000Z")
    world.bus.publish([config, sample("deployment"), sample("s1_evidence_contract_fail"), signal])
    graph = GraphStage(world.bus, world.state, world.graph)
    while graph.advance(NINE).more:
        pass
    world.advance(61)
    return world


def test_the_incident_is_the_printed_one(played: World) -> None:
    incident = document(played.one())
    expected = {
        "incident_id": "INC-1",
        "severity": "SEV-1",
        "title": "Contract Violation - orders:created - MISSING_FIELD:customer_id",
        "status": "OPEN",
        "created_at": "2024-01-15T10:00:00.000Z",
        "dataset_urn": "urn:dp:orders:created",
        "signal_id": "sig-01HQXZ2NPQ5RS8TU0VW3XYZ789",
        "failure_signature": "MISSING_FIELD:customer_id",
        "suspected_producer": {"service": "orders-svc", "version": "v3.17", "confidence": "HIGH"},
        "impact": {
            "tier": 1,
            "classification": "revenue-critical",
            "downstream_consumers": ["analytics-dashboard", "crm-sync", "finance-pipeline"],
        },
        "evidence_summary": {
            "total_events": 1247,
            "failed_events": 1120,
            "failure_rate": "89.8%",
            "first_failure": "2024-01-15T09:58:02.312Z",
        },
        "primary_evidence_id": "evd-01HQXY8MNP4QR7ST9VW2XYZ456",
        "primary_trace_id": "ab91f3c2d4e5f6a7b8c9d0e1f2a3b4c5",
        "suspected_deployment": "urn:deployment:orders-svc:v3.17",
        "deployed_at": "2024-01-15T09:57:45.000Z",
    }
    assert {name: incident[name] for name in expected} == expected
    assert [copy["evidence_id"] for copy in incident["evidence"]] == [
        "evd-01HQXY8MNP4QR7ST9VW2XYZ456"
    ]


def test_the_graph_leads_from_the_incident_to_the_deployment(played: World) -> None:
    reached = played.graph.walk("INC-1", "in", ("TRIGGERED", "CAUSED", "INTRODUCED"), max_hops=3)
    assert "urn:deployment:orders-svc:v3.17" in {path.end.id for path in reached.paths}


def test_the_second_walkthroughs_warning_in_the_stream_is_no_incident(world: World) -> None:
    world.bus.publish([project({"orders:created": 1}), sample("s2_evidence_enum_warn")])
    world.advance()
    assert world.incidents == []


def test_its_drift_and_quality_signals_are_one_incident(world: World) -> None:
    drift = sample("s2_signal_drift")
    breach = sample("s2_signal_dq_breach", timestamp="2024-01-15T02:10:00.000Z")
    world.bus.publish([project({"orders:silver": 1}), drift, breach])
    world.advance()
    incident = world.one()
    assert (incident.severity, len(incident.symptoms)) == ("SEV-3", 2)
    assert incident.failure_signature == "UNKNOWN_ENUM:discount_type:FLASH_SALE"
    assert incident.evidence_summary["failure_rate"] == "0.8%"


def test_the_printed_quarantine_counts_as_its_gates_signal(world: World) -> None:
    world.bus.publish([sample("quarantine")])
    world.advance(60 * 24 * 365 * 3)
    incident = world.one()
    assert incident.failure_signature == "SCHEMA_BREAK:order_total:DECIMAL→STRING"
    assert (incident.severity, incident.dataset_urn) == (
        "SEV-3", "urn:dp:curated:orders_enriched",
    )  # fmt: skip
