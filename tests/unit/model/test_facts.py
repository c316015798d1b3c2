"""Every constructor emits the strict profile, with the fields that the requirement names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from sfctl.evidence import codec
from sfctl.model import decisions, evidence, facts
from sfctl.model.evidence import Evidence, Expected
from sfctl.model.run import RunContext
from sfctl.model.verdict import GateResult, PiiFinding, RuleResult

AT = datetime(2024, 1, 15, 2, 5, 30, tzinfo=UTC)
URN = "ds://curated/orders"
RUN = RunContext(
    run_id="run-1",
    job="orders_daily",
    dag_run_id="scheduled__1",
    attempt=2,
    scheduled_time="2024-01-15T02:00:00Z",
    started_at="2024-01-15T02:00:05Z",
    code_ref="9f31c2d",
)
FAILED = GateResult(
    gate="G4_CONTRACT",
    result="FAIL",
    evaluated=100,
    failed=3,
    compliance=0.97,
    reason_codes=("MISSING_FIELD:customer_id",),
    signatures={"MISSING_FIELD:customer_id": 3},
    details={"contract_id": "dc:orders:3"},
)


def gate(gate: GateResult = FAILED, at: datetime = AT, ordinal: int = 0) -> Evidence:
    return facts.gate_event(
        RUN,
        at,
        gate,
        dataset_urn=URN,
        stage="silver",
        ordinal=ordinal,
        rules=[
            RuleResult(
                id="r1",
                kind="required",
                gate="G4_CONTRACT",
                status="fail",
                failed=3,
                evaluated=100,
                signature="MISSING_FIELD:customer_id",
            )
        ],
        row_keys=[f"{n:024x}" for n in range(25)],
        upstream_urns=["urn:dp:raw:orders"],
    )


def lifecycle() -> dict[str, Callable[[], Evidence]]:
    frame = {"file": "job.py", "line": 3, "function": "main"}
    return {
        "GATE": gate,
        "JobRunStarted": lambda: facts.job_started(
            RUN, AT, expects=[Expected(URN, "silver", ("DQ",))], outputs=[URN]
        ),
        "JobRunCompleted": lambda: facts.job_completed(
            RUN, AT, duration=1.5, rows_read=10, rows_written=9, resource_summary={"cpu_s": 1}
        ),
        "JobRunFailed": lambda: facts.job_failed(
            RUN, AT, failure_reason="JOB_ERROR:KeyError", stack_trace=[frame]
        ),
        "DatasetRead": lambda: facts.dataset_read(RUN, AT, dataset_urn=URN, version=7, rows=10),
        "DatasetWriteCommitted": lambda: facts.write_committed(
            RUN,
            AT,
            dataset_urn=URN,
            stage="silver",
            commit_version=8,
            rows_written=9,
            files_added=1,
            partition_key="dt=2024-01-15",
        ),
        "HEARTBEAT": lambda: facts.heartbeat(RUN, AT, beat=1, elapsed=60.0),
        "SDK_DEGRADED": lambda: facts.sdk_degraded(
            RUN, AT, where="gates", error="MemoryError", dataset_urn=URN
        ),
        "CERTIFICATION": lambda: facts.certification(
            RUN, AT, dataset_urn=URN, status="CERTIFIED", version=8, certified_version=8
        ),
        "QUARANTINE": lambda: facts.quarantine(
            RUN,
            AT,
            dataset_urn=URN,
            gate="G3_SCHEMA",
            failure_signature="SCHEMA_BREAK:total:DECIMAL→STRING",
            quarantine_table="quarantine.orders",
            rows=3,
            certified_view_status="HELD_AT_PREVIOUS",
            previous_certified_version="v42",
        ),
        "PII": lambda: facts.pii(
            RUN,
            AT,
            action="tokenize",
            dataset_urn=URN,
            findings=[PiiFinding("email", "EMAIL", "tokenize", 4, 10)],
        ),
        "KILL_SWITCH": lambda: decisions.kill_switch(
            AT, scope="fleet", state="off", reason="load", actor="ann"
        ),
        "CONFIG": lambda: decisions.config(AT, manifest_digest="sha256:00", project="orders"),
    }


@pytest.mark.parametrize("kind", list(lifecycle()))
def test_every_kind_is_strict_deterministic_and_accepted_unchanged(kind: str) -> None:
    event = lifecycle()[kind]()
    assert event.kind == kind
    assert codec.problems(event) == []
    assert event == lifecycle()[kind]()
    taken = codec.accept_line(evidence.encode(event), AT + timedelta(days=1))
    assert isinstance(taken, codec.Accepted)
    assert taken == codec.Accepted(event)


@pytest.mark.parametrize("kind", [k for k in lifecycle() if k not in ("KILL_SWITCH", "CONFIG")])
def test_the_run_travels_on_every_event(kind: str) -> None:
    event = lifecycle()[kind]()
    context = (event.run_id, event.dag_run_id, event.job_urn, event.attempt, event.code_ref)
    assert context == ("run-1", "scheduled__1", "urn:job:orders_daily", 2, "9f31c2d")
    assert event.scheduled_time == "2024-01-15T02:00:00Z"
    assert event.lineage["dag_run_id"] == "scheduled__1"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("JobRunStarted", {"producer_urn", "run_id", "scheduled_time", "code_ref"}),
        ("JobRunCompleted", {"duration", "rows_read", "rows_written", "resource_summary"}),
        ("JobRunFailed", {"failure_reason", "retry_count", "stack_trace"}),
        (
            "DatasetWriteCommitted",
            {"dataset_urn", "commit_version", "rows_written", "files_added", "partition_key"},
        ),
        (
            "QUARANTINE",
            {
                "dataset_urn",
                "run_id",
                "gate",
                "result",
                "failure_signature",
                "quarantine_table",
                "certified_view_status",
                "previous_certified_version",
                "timestamp",
            },
        ),
    ],
)
def test_required_fields_stand_flat_on_the_wire(kind: str, names: set[str]) -> None:
    assert names <= evidence.to_plain(lifecycle()[kind]()).keys()


def test_a_gate_event_carries_counts_and_at_most_ten_row_keys() -> None:
    event = gate()
    assert event.validation["failed_gates"] == ["G4_CONTRACT"]
    assert event.validation["gates"][0]["reason_code"] == "MISSING_FIELD:customer_id"
    assert event.payload["signatures"] == {"MISSING_FIELD:customer_id": 3}
    assert (event.payload["rows_evaluated"], event.payload["rows_failed"]) == (100, 3)
    assert len(event.payload["row_keys"]) == 10
    assert (event.dataset_urn, event.stage) == ("urn:dp:curated:orders", "silver")
    assert event.key == "python:urn:dp:curated:orders"


def test_ids_name_the_fact_not_the_moment_of_writing() -> None:
    assert gate().evidence_id == gate(at=AT + timedelta(seconds=9)).evidence_id
    other_gate = gate(GateResult(gate="DQ", result="PASS"))
    assert len({gate().evidence_id, gate(ordinal=1).evidence_id, other_gate.evidence_id}) == 3


def test_retries_are_counted() -> None:
    assert lifecycle()["JobRunFailed"]().payload["retry_count"] == 2


def test_a_held_certification_fails_its_gate() -> None:
    event = facts.certification(
        None,
        AT,
        dataset_urn=URN,
        status="HELD_AT_PREVIOUS",
        version=9,
        certified_version=8,
        reasons=["TAINTED(9)"],
    )
    assert (event.result, event.reason_codes) == ("FAIL", ("TAINTED(9)",))
    assert event.validation["gates"][0]["reason_code"] == "TAINTED(9)"
    assert event.run_id == ""


def test_two_looks_at_one_token_are_two_facts() -> None:
    one, other = (
        facts.pii(None, AT + timedelta(seconds=n), action="detokenize", actor="ann") for n in (0, 1)
    )
    assert one.evidence_id != other.evidence_id
