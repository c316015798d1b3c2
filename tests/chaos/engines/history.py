"""Days of a shop: good runs, failed gates, an altered policy, a failed job, streams, a release."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sfctl.clock import format_instant, parse_instant
from sfctl.evidence.codec import Accepted, accept
from sfctl.model import decisions
from sfctl.model.evidence import Evidence, from_plain

NOW = "2026-03-20T00:00:00Z"
ORDERS, CLICKS, VISITS = (f"urn:dp:shop:{name}" for name in ("orders", "clicks", "visits"))


def before() -> list[Evidence]:
    """Return the events of the first days, in log order."""
    return [_config(), *(event for day in range(1, 5) for event in _day(day)), *_streams(3)]


def after() -> list[Evidence]:
    """Return those that follow: a deployment told of late binds two incidents into one."""
    deployed = _deployed("2026-03-03T06:01:00Z")
    return [deployed, *(event for day in range(5, 9) for event in _day(day)), *_streams(7)]


def _config() -> Evidence:
    datasets = {
        name: {"name": name.rpartition(":")[2], "urn": name, "tier": 1, "owner": "shop"}
        for name in (ORDERS, CLICKS, VISITS)
    }
    slo: dict[str, Any] = {"slo": {"freshness": {"expected_update_by": "07:00 UTC"}}}
    job = {"name": "load", "outputs": [f"{ORDERS}#silver"], "schedule": "0 6 * * *"}
    return decisions.config(
        parse_instant("2026-03-01T00:00:00Z"),
        manifest_digest="sha256:1",
        project="shop",
        datasets={**datasets, ORDERS: {**datasets[ORDERS], **slo}},
        jobs={"urn:job:load": job},
    )


def _day(day: int) -> list[Evidence]:
    bad = day % 3 == 0
    share = {"rows_evaluated": 100, "rows_failed": 40} if bad else {"rows_evaluated": 100}
    gate: dict[str, Any] = {"gate": "G4_CONTRACT", "result": "FAIL" if bad else "PASS", **share}
    if bad:
        gate["signatures"] = [{"signature": f"NULL_VIOLATION:c{day}", "count": 40}]
    own = {"job_urn": "urn:job:load", "run_id": f"run-{day}"}
    own["started_at"] = f"2026-03-{day:02d}T06:00:00.000Z"
    validation = {"result": gate["result"], "gates": [gate]}
    expects = [{"dataset_urn": ORDERS, "stage": "silver", "gates": ["G4_CONTRACT", "DQ"]}]
    table = {"dataset_urn": ORDERS, "stage": "silver"}
    rows = 10 if day == 7 else 100
    written = {**own, **table, "rows_written": rows, "policy_digest": f"sha256:{day}"}
    events = [
        _event(day, 0, "JobRunStarted", expects=expects, **own),
        _event(day, 1, "GATE", validation=validation, **table, **own),
        _event(day, 2, "DatasetWriteCommitted", **written),
    ]
    if bad:
        events.append(
            _event(
                day, 1, "POLICY", place=5, actor="job", action="rejected", because="altered",
                dataset_urn=ORDERS, run_id=own["run_id"],
            )
        )  # fmt: skip
    if day % 4:
        kind = "JobRunFailed" if bad else "JobRunCompleted"
        events.append(_event(day, 3, kind, failure_reason="ENGINE", duration=180.0, **own))
    return events


def _streams(day: int) -> list[Evidence]:
    """Two topics that one service breaks, each its own way, and that are good again later."""
    events = []
    for number in range(14):
        for place, dataset in enumerate((CLICKS, VISITS)):
            bad = number >= 3 if day == 3 else 3 <= number < 9
            code = f"MISSING_FIELD:f{place}"
            gate = {"gate": "G4_CONTRACT", "result": "FAIL" if bad else "PASS"}
            events.append(
                _event(
                    day,
                    number,
                    "GATE",
                    place=place + 1,
                    dataset_urn=dataset,
                    producer={"id": "web", "confidence": "HIGH"},
                    validation={
                        "result": gate["result"],
                        "gates": [{**gate, "reason_code": code} if bad else gate],
                        "reason_codes": [code] if bad else [],
                    },
                )
            )
    return events


def _deployed(at: str) -> Evidence:
    document = {
        "kind": "DeploymentEvent",
        "service": "web",
        "version": "v3",
        "previous_version": "v2",
        "deployed_at": at,
        "timestamp": at,
    }
    outcome = accept(document, parse_instant(at))
    assert isinstance(outcome, Accepted)
    return outcome.event


def _event(day: int, minute: int, kind: str, place: int = 0, **more: object) -> Evidence:
    at = parse_instant("2026-03-01T06:00:00Z") + timedelta(days=day - 1, minutes=minute)
    return from_plain(
        {
            "schema": "urn:schema:evidence:3",
            "evidence_id": f"evd-01HX{day:010d}{minute:011d}{place}",
            "kind": kind,
            "timestamp": format_instant(at),
            **more,
        }
    )
