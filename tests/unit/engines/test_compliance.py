"""The printed scenarios, expanded in small, through contract, dq and drift."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sfctl.clock import parse_instant
from sfctl.engines import contract, dq, drift
from sfctl.model.evidence import SCHEMA, Evidence

SILVER, BRONZE = "urn:dp:orders:silver", "urn:dp:orders:bronze"
ENUM = "UNKNOWN_ENUM:discount_type:FLASH_SALE"
RUN = "spark-orders-silver-20240115-020005"


def record(number: int, result: str, at: str, code: str = "", **more: Any) -> Evidence:
    gate = {"gate": "G4_CONTRACT", "result": result}
    return Evidence(
        schema=SCHEMA,
        evidence_id=f"evd-{number:026d}",
        kind="GATE",
        timestamp=at,
        validation={"result": result, "gates": [gate], "reason_codes": [code] if code else []},
        **more,
    )


def summary(facet: bool) -> Evidence:
    facets: dict[str, Any] = {"outputStatistics": {"rowCount": 44850}}
    if facet:
        seen = {"reason_code": ENUM, "count": 380, "first_seen": "2024-01-14T14:30:00.000Z"}
        told = {"records_processed": 45230, "records_failed": 380, "failure_signatures": [seen]}
        facets["observability_evidence"] = {"summary": told}
    output = {"namespace": "delta://unity-catalog", "name": "sales.orders_silver"}
    document = {"eventType": "COMPLETE", "run": {"facets": facets}, "outputs": [output]}
    return Evidence(
        schema=SCHEMA,
        evidence_id="evd-complete",
        kind="OpenLineage",
        timestamp="2024-01-15T02:08:45.000Z",
        dataset_urn=SILVER,
        run_id=RUN,
        payload={"openlineage": document},
    )


def failing() -> list[Evidence]:
    at = "2024-01-15T02:05:30.000Z"
    told = {"upstream_dataset": BRONZE, "spark_run_id": RUN}
    return [
        record(n, "FAIL", at, ENUM, dataset_urn=SILVER, run_id=RUN, lineage=told)
        for n in range(380)
    ]


def outcome(engine: Any, events: list[Evidence], now: str) -> list[Any]:
    cells: dict[str, Any] = {}
    for event in events:
        for key in engine.keys(event):
            cells[key] = engine.fold(cells.get(key) or engine.fresh(key), event).cell
    return [s for key in sorted(cells) for s in engine.tick(cells[key], parse_instant(now)).signals]


def test_a_deployment_breaks_the_contract() -> None:
    """The first scenario, as printed."""
    more = {
        "dataset_urn": "urn:dp:orders:created",
        "producer": {"id": "orders-svc", "version": "v3.17"},
    }
    code = "MISSING_FIELD:customer_id"
    events = [record(n, "PASS", "2024-01-15T09:56:00.000Z", **more) for n in range(127)]
    events += [
        record(n, "FAIL", "2024-01-15T09:58:02.312Z", code, **more) for n in range(127, 1247)
    ]
    random.Random(1).shuffle(events)
    (signal,) = outcome(contract.ENGINE, [*events, events[3]], "2024-01-15T10:00:00Z")
    assert signal.metrics == {
        "evidence_count": 1247,
        "pass_count": 127,
        "fail_count": 1120,
        "compliance_rate": 0.101844,
        "slo_threshold": 0.95,
    }
    assert (signal.state, signal.window.start[11:16]) == ("CRITICAL", "09:55")
    (top,) = signal.top_failures
    assert (top.signature, top.count, top.producer_version) == (code, 1120, "v3.17")
    assert top.first_seen == signal.details["breach_start"] == "2024-01-15T09:58:02.312Z"
    assert signal.evidence_refs[0] == f"evd-{127:026d}"
    assert outcome(dq.ENGINE, events, "2024-01-15T10:00:00Z") == []


@pytest.mark.parametrize(
    "events", [[summary(True)], [*failing(), summary(True)], [summary(False), *failing()]]
)
def test_a_run_is_counted_once(events: list[Evidence]) -> None:
    """The second scenario: facet alone, records and statistics, or both, give the same."""
    now = "2024-01-15T02:10:00Z"
    cell = dq.ENGINE.fresh(SILVER)
    cell = type(cell)(dataset=SILVER, slo=0.995, warning=0.95)
    for event in events:
        cell = dq.ENGINE.fold(cell, event).cell
    (signal,) = dq.ENGINE.tick(cell, parse_instant(now)).signals
    counted = [signal.metrics[f"records_{name}"] for name in ("processed", "passed", "failed")]
    assert counted == [45230, 44850, 380]
    assert (signal.state, signal.metrics["compliance_rate"]) == ("WARNING", 0.991598)
    assert signal.top_failures[0].count == 380
    assert outcome(contract.ENGINE, events, now) == []


def test_a_new_value_drifts_once() -> None:
    events = [*failing(), summary(True)]
    random.Random(2).shuffle(events)
    (signal,) = outcome(drift.ENGINE, events, "2024-01-15T02:10:00Z")
    assert (signal.dataset_urn, signal.state) == (SILVER, "WARNING")
    told = {name: signal.details[name] for name in ("drift_type", "field", "new_value")}
    assert told == {
        "drift_type": "ENUM_VALUE_DRIFT",
        "field": "discount_type",
        "new_value": "FLASH_SALE",
    }
    assert signal.details["first_seen_in_source"] == "2024-01-14T14:30:00.000Z"
    assert signal.details["upstream_dataset"] == BRONZE
