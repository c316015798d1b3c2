"""Scenario 1: orders-svc v3.17 stops sending customer_id, and the product says so by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.scenarios.conftest import Shell

DATASET = "urn:dp:orders:created"
SIGNATURE = "MISSING_FIELD:customer_id"
FIRST = "evd-01HQXY8MNP4QR7ST9VW2XYZ456"
ASSETS = [
    "urn:delta:prod:sales:orders_silver",
    "urn:delta:prod:sales:orders_gold_daily",
    "urn:dashboard:exec:daily_orders",
    "urn:pipeline:finance:daily_snapshot",
]


@pytest.fixture(scope="module")
def signal(contract_break: Shell) -> dict[str, Any]:
    found = [
        signal
        for signal in contract_break.json("signals", "--all")["signals"]
        if signal["signal_type"] == "CONTRACT_BREACH"
    ]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def incident(contract_break: Shell) -> dict[str, Any]:
    found = contract_break.json("incidents", "list")["incidents"]
    assert len(found) == 1, "one cause is one incident"
    return contract_break.json("incidents", "show", found[0]["incident_id"])


@pytest.fixture(scope="module")
def report(contract_break: Shell, incident: dict[str, Any]) -> dict[str, Any]:
    return contract_break.json("rca", incident["incident_id"])


def test_the_window_is_counted_exactly(signal: dict[str, Any]) -> None:
    assert signal["dataset_urn"] == DATASET
    assert signal["state"] == "CRITICAL"
    assert signal["window"] == {
        "start": "2024-01-15T09:55:00.000Z",
        "end": "2024-01-15T10:00:00.000Z",
        "type": "TUMBLING_5MIN",
    }
    metrics = signal["metrics"]
    assert (metrics["evidence_count"], metrics["pass_count"], metrics["fail_count"]) == (
        1247,
        127,
        1120,
    )
    assert round(metrics["compliance_rate"], 3) == 0.102
    assert metrics["slo_threshold"] == 0.95


def test_the_failure_is_named_with_who_sent_it(signal: dict[str, Any]) -> None:
    assert len(signal["top_failures"]) == 1
    failure = signal["top_failures"][0]
    assert failure["signature"] == SIGNATURE
    assert failure["count"] == 1120
    assert failure["first_seen"] == "2024-01-15T09:58:02.312Z"
    assert (failure["producer"], failure["producer_version"]) == ("orders-svc", "v3.17")
    assert signal["evidence_refs"][0] == FIRST


def test_only_the_broken_dataset_speaks(contract_break: Shell) -> None:
    signals = contract_break.json("signals", "--all")["signals"]
    assert {signal["dataset_urn"] for signal in signals} == {DATASET}


def test_status_holds_the_printed_state(contract_break: Shell) -> None:
    datasets = contract_break.json("status")["datasets"]
    mine = next(dataset for dataset in datasets if dataset["urn"] == DATASET)
    state = next(s for s in mine["signals"] if s["engine"] == "contract_compliance")
    assert state["state"] == "CRITICAL"
    assert round(state["score"], 3) == 0.102
    assert state["breach_start"] == "2024-01-15T09:58:02.312Z"
    assert state["window_end"] == "2024-01-15T10:00:00.000Z"
    assert state["failure_signature"] == SIGNATURE
    assert (state["top_producer"], state["top_producer_version"]) == ("orders-svc", "v3.17")
    assert FIRST in state["evidence_sample"]


def test_the_graph_leads_from_deployment_to_service(contract_break: Shell) -> None:
    exported = contract_break.json("graph", "export")
    nodes = {node["id"]: node for node in exported["nodes"]}
    edges = {(edge["label"], edge["from"], edge["to"]): edge for edge in exported["edges"]}

    def only(label: str, **ends: str) -> dict[str, Any]:
        found = [
            edge
            for (name, source, target), edge in edges.items()
            if name == label and ends.get("to", target) == target
            and ends.get("source", source) == source
        ]  # fmt: skip
        assert len(found) == 1, (label, ends, found)
        return found[0]

    introduced = only("INTRODUCED")
    deployment, signature = nodes[introduced["from"]], nodes[introduced["to"]]
    assert (deployment["props"]["service"], deployment["props"]["version"]) == (
        "orders-svc",
        "v3.17",
    )
    assert introduced["props"]["first_evidence"] == FIRST
    assert introduced["props"]["timestamp"] == "2024-01-15T09:58:02.312Z"
    assert signature["label"] == "FailureSignature"
    assert signature["props"]["occurrence_count"] == 1120
    breach = next(
        target
        for (label, source, target) in edges
        if label == "CAUSED"
        and source == signature["id"]
        and nodes[target]["props"]["type"] == "CONTRACT_BREACH"
    )
    assert ("AFFECTS", breach, DATASET) in edges
    assert ("OWNS", "urn:service:orders-svc", DATASET) in edges
    triggered = only("TRIGGERED", source=breach)
    assert nodes[triggered["to"]]["label"] == "Incident"


def test_the_incident_reads_as_printed(incident: dict[str, Any]) -> None:
    assert incident["severity"] == "SEV-1"
    assert incident["status"] == "OPEN"
    assert incident["title"] == f"Contract Violation - orders:created - {SIGNATURE}"
    assert incident["dataset_urn"] == DATASET
    assert incident["failure_signature"] == SIGNATURE
    assert incident["suspected_producer"] == {
        "service": "orders-svc",
        "version": "v3.17",
        "confidence": "HIGH",
    }
    assert incident["impact"]["tier"] == 1
    assert incident["impact"]["classification"] == "revenue-critical"
    assert incident["evidence_summary"] == {
        "total_events": 1247,
        "failed_events": 1120,
        "failure_rate": "89.8%",
        "first_failure": "2024-01-15T09:58:02.312Z",
    }
    assert incident["primary_evidence_id"] == FIRST
    assert incident["primary_trace_id"] == "ab91f3c2d4e5f6a7b8c9d0e1f2a3b4c5"


def test_the_cause_is_the_deployment_not_the_decoy(report: dict[str, Any]) -> None:
    cause = report["root_cause"]
    assert cause["kind"] == "DEPLOYMENT"
    assert cause["ref"] == "urn:deployment:orders-svc:v3.17"
    assert cause["confidence"] >= 0.9
    assert cause["level"] == "HIGH"
    assert "orders-svc v3.17" in cause["statement"]
    ruled_out = [h for h in report["hypotheses"] if "payments-svc" in str(h)]
    assert all(h["ref"] != cause["ref"] for h in ruled_out)
    assert "payments-svc" not in cause["statement"]


def test_the_report_says_when_how_much_and_what_to_do(
    contract_break: Shell, report: dict[str, Any]
) -> None:
    text = contract_break("rca", report["incident"]) + str(report)
    assert "17 seconds" in text
    assert "89.8" in text
    assert "1,120" in text
    first_action = report["actions"][0]
    assert "v3.16" in str(first_action)
    assert "orders-svc" in str(first_action)
    assert "roll" in str(first_action).lower()


def test_the_blast_radius_is_the_four_assets(report: dict[str, Any]) -> None:
    assert [asset["ref"] for asset in report["blast_radius"]] == ASSETS
    assert {asset["tier"] for asset in report["blast_radius"]} == {1}
    assert [asset["hops"] for asset in report["blast_radius"]] == [1, 2, 3, 3]


def test_every_reference_opens(contract_break: Shell, report: dict[str, Any]) -> None:
    assert FIRST in report["evidence_refs"]
    for reference in report["evidence_refs"]:
        contract_break("evidence", "show", reference)


def test_the_same_question_gives_the_same_bytes(
    contract_break: Shell, report: dict[str, Any]
) -> None:
    again = contract_break.json("rca", report["incident"])
    assert {**again, "timings": None} == {**report, "timings": None}


def test_a_second_fold_changes_nothing(contract_break: Shell) -> None:
    before = contract_break("graph", "export", "--format", "json")
    contract_break("engine", "run", "--once")
    assert contract_break("graph", "export", "--format", "json") == before
    assert len(contract_break.json("incidents", "list", "--all")["incidents"]) == 1
