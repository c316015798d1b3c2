"""A few days of one job's evidence: good runs, failed gates, a failed job, a silent one."""

from __future__ import annotations

from sfctl.model.evidence import Evidence, from_plain

NOW = "2026-03-20T00:00:00Z"
URN = "urn:dp:shop:orders"


def history(days: int = 8) -> list[Evidence]:
    """Return the events in log order."""
    return [event for day in range(1, days + 1) for event in _day(day)]


def _day(day: int) -> list[Evidence]:
    bad = day % 3 == 0
    share = {"rows_evaluated": 100, "rows_failed": 40} if bad else {"rows_evaluated": 100}
    gate = {"gate": "G4_CONTRACT", "result": "FAIL" if bad else "PASS", **share}
    if bad:
        gate |= {"signatures": [{"signature": f"NULL_VIOLATION:c{day}", "count": 40}]}
    expects = [{"dataset_urn": URN, "stage": "silver", "gates": ["G4_CONTRACT", "DQ"]}]
    events = [
        _event(day, 0, "JobRunStarted", expects=expects),
        _event(
            day,
            1,
            "GATE",
            dataset_urn=URN,
            stage="silver",
            validation={"result": gate["result"], "gates": [gate]},
        ),
        _event(day, 2, "DatasetWriteCommitted", dataset_urn=URN, stage="silver", rows_written=100),
    ]
    if day % 4:
        kind = "JobRunFailed" if bad else "JobRunCompleted"
        events.append(_event(day, 3, kind, failure_reason="ENGINE", duration=180.0))
    return events


def _event(day: int, minute: int, kind: str, **more: object) -> Evidence:
    return from_plain(
        {
            "schema": "urn:schema:evidence:3",
            "evidence_id": f"evd-01HX{day:011d}{minute:011d}",
            "kind": kind,
            "timestamp": f"2026-03-{day:02d}T06:{minute:02d}:00.000000Z",
            "job_urn": "urn:job:load",
            "run_id": f"run-{day}",
            "started_at": f"2026-03-{day:02d}T06:00:00.000000Z",
            **more,
        }
    )
