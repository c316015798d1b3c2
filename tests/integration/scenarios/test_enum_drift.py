"""Scenario 2: a new value reaches the nightly batch; the stream had seen it the day before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.scenarios.conftest import Shell

SILVER = "urn:dp:orders:silver"
SIGNATURE = "UNKNOWN_ENUM:discount_type:FLASH_SALE"
FIRST_SALE = "evd-01HQW9EFGH5678901234ABCDEF"
RUN = "spark-orders-silver-20240115-020005"
DAG_RUN = "scheduled__2024-01-15T02:00:00+00:00"


@pytest.fixture(scope="module")
def shell(enum_drift: tuple[Shell, Path]) -> Shell:
    return enum_drift[0]


@pytest.fixture(scope="module")
def signals(shell: Shell) -> dict[str, dict[str, Any]]:
    found = shell.json("signals", "--all")["signals"]
    assert sorted(s["signal_type"] for s in found) == ["DQ_BREACH", "DRIFT_DETECTED"]
    return {signal["signal_type"]: signal for signal in found}


@pytest.fixture(scope="module")
def report(shell: Shell, signals: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return shell.json("rca", signals["DRIFT_DETECTED"]["signal_id"])


def test_the_rows_hold_what_the_evidence_says(enum_drift: tuple[Shell, Path]) -> None:
    shell, events = enum_drift
    result = shell.json(
        "check", str(events / "rows.jsonl"),
        "--policy", "datasets/orders_silver/policy_bundle.yaml", code=1,
    )  # fmt: skip
    assert (result["rows"], result["good"], result["bad"]) == (45_230, 44_850, 380)


def test_the_breach_reads_as_printed(signals: dict[str, dict[str, Any]]) -> None:
    breach = signals["DQ_BREACH"]
    assert (breach["dataset_urn"], breach["state"]) == (SILVER, "WARNING")
    assert breach["window"] == {
        "start": "2024-01-15T02:00:05.000Z",
        "end": "2024-01-15T02:08:45.000Z",
        "type": "BATCH_RUN",
    }
    metrics = breach["metrics"]
    assert metrics["records_processed"] == 45_230
    assert metrics["records_passed"] == 44_850
    assert metrics["records_failed"] == 380
    assert round(metrics["compliance_rate"], 4) == 0.9916
    assert breach["batch_context"]["dag_id"] == "orders_daily_agg"
    assert breach["batch_context"]["dag_run_id"] == DAG_RUN
    assert breach["batch_context"]["spark_run_id"] == RUN
    (failure,) = breach["top_failures"]
    assert (failure["signature"], failure["count"], failure["is_new"]) == (SIGNATURE, 380, True)


def test_the_drift_reads_as_printed(signals: dict[str, dict[str, Any]]) -> None:
    drift = signals["DRIFT_DETECTED"]
    assert (drift["dataset_urn"], drift["state"]) == (SILVER, "WARNING")
    details = drift["details"]
    assert details["drift_type"] == "ENUM_VALUE_DRIFT"
    assert (details["field"], details["new_value"]) == ("discount_type", "FLASH_SALE")
    assert details["first_seen_in_source"] == "2024-01-14T14:30:00.000Z"
    assert details["upstream_dataset"] == "urn:dp:orders:bronze"


def test_the_graph_holds_both_days(shell: Shell) -> None:
    exported = shell.json("graph", "export")
    nodes = {node["id"]: node for node in exported["nodes"]}
    edges = {(e["label"], e["from"], e["to"]): e for e in exported["edges"]}

    def between(label: str, source: str, target: str) -> list[dict[str, Any]]:
        return [
            edge
            for (name, start, end), edge in edges.items()
            if name == label and source in start and target in end
        ]

    run = next(node for node in nodes.values() if RUN in node["id"])
    assert run["label"] == "Run"
    assert run["props"]["kind"] == "spark"
    assert between("EXECUTED", DAG_RUN, RUN)
    assert between("READ_FROM", RUN, "urn:dp:orders:bronze")
    assert between("WROTE_TO", RUN, SILVER)
    assert between("ENCOUNTERED", RUN, SIGNATURE)[0]["props"]["count"] == 380
    assert between("INTRODUCED_DRIFT", "urn:dp:orders:bronze", SIGNATURE)
    produced = between("PRODUCED_DRIFT", "orders-svc", SIGNATURE)
    assert produced
    assert produced[0]["props"]["first_evidence"] == FIRST_SALE
    assert produced[0]["props"]["timestamp"] == "2024-01-14T14:30:00.215Z"
    assert between("CAUSED", SIGNATURE, "sig-")
    labels = {node["label"] for node in nodes.values()}
    assert labels >= {
        "Dataset", "Service", "FailureSignature", "Signal", "DAGRun", "Run", "Team", "SLO",
        "Dashboard", "Job",
    }  # fmt: skip


def test_bronze_is_one_node_by_all_its_names(shell: Shell) -> None:
    exported = shell.json("graph", "export")
    bronze = [node for node in exported["nodes"] if "bronze" in node["id"]]
    assert not [node for node in bronze if "s3://" in node["id"]]


def test_the_report_goes_back_to_the_day_before(report: dict[str, Any]) -> None:
    cause = report["root_cause"]
    assert cause["kind"] in ("UPSTREAM_ENUM", "UPSTREAM_SCHEMA")
    assert "orders-svc" in cause["statement"]
    assert "FLASH_SALE" in cause["statement"]
    assert cause["level"] == "HIGH"
    assert FIRST_SALE in report["evidence_refs"]
    moments = [str(entry) for entry in report["timeline"]]
    assert any("2024-01-14T14:30" in moment for moment in moments)
    everything = str(report)
    for hop in (RUN, DAG_RUN, "urn:dp:orders:bronze", SIGNATURE):
        assert hop in everything


def test_the_report_names_assets_and_the_four_actions(shell: Shell, report: dict[str, Any]) -> None:
    reached = {asset["ref"] for asset in report["blast_radius"]}
    assert "urn:delta:sales:orders_gold_daily" in reached
    assert "urn:dashboard:exec:orders_summary" in reached
    actions = " | ".join(str(action) for action in report["actions"])
    assert "FLASH_SALE" in actions
    assert "discount_type" in actions
    assert "2024-01-14" in actions
    assert "promotions" in actions
    assert "test" in actions or "CI" in actions
    assert "380" in shell("rca", SIGNATURE) + str(report)


def test_the_warnings_of_the_stream_raise_nothing(shell: Shell) -> None:
    signals = shell.json("signals", "--all")["signals"]
    assert not [signal for signal in signals if signal["dataset_urn"] == "urn:dp:orders:created"]


def test_the_severity_is_that_of_a_warning_on_tier_one(shell: Shell) -> None:
    incidents = shell.json("incidents", "list")["incidents"]
    assert [incident["severity"] for incident in incidents] == ["SEV-3"]


def test_the_dashboard_leads_to_the_same_cause(shell: Shell, report: dict[str, Any]) -> None:
    asked = shell.json("rca", "urn:dashboard:exec:orders_summary")
    assert asked["root_cause"]["ref"] == report["root_cause"]["ref"]
