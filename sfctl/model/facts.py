"""What runs saw: one constructor per kind of evidence they leave.

Every constructor is pure: the same arguments give the same event with the same id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sfctl.clock import format_instant
from sfctl.model import codec, urn
from sfctl.model.event import event
from sfctl.model.evidence import Evidence, Expected
from sfctl.model.run import RunContext
from sfctl.model.verdict import GateResult, PiiFinding, RuleResult

ROW_KEYS = 10
"""At most this many hashes of failing rows' keys an event."""


def gate_event(
    run: RunContext,
    at: datetime,
    gate: GateResult,
    *,
    dataset_urn: str,
    stage: str,
    ordinal: int = 0,
    rules: Sequence[RuleResult] = (),
    row_keys: Sequence[str] = (),
    producer: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
    upstream_urns: Sequence[str] = (),
    otel: Mapping[str, Any] | None = None,
    policy_digest: str = "",
    schema_fingerprint: str = "",
    rows: int | None = None,
    seq: int = 0,
    revision: int = 0,
    **more: Any,
) -> Evidence:
    """Say how one gate judged one write. `ordinal` counts the run's writes to this stage."""
    block: dict[str, Any] = {"gate": gate.gate, "result": gate.result}
    if gate.reason_codes:
        block["reason_code"] = gate.reason_codes[0]
    if gate.details:
        block["details"] = dict(gate.details)
    payload = {
        "rows": rows,
        "rows_evaluated": gate.evaluated,
        "rows_failed": gate.failed,
        "compliance_rate": gate.compliance,
        "signatures": dict(gate.signatures) or None,
        "rules": _json(rules) or None,
        "row_keys": list(row_keys[:ROW_KEYS]) or None,
        "degraded": gate.degraded or None,
        "duration_ms": round(gate.duration_ms, 3),
        **more,
    }
    failed = [gate.gate] if gate.result == "FAIL" else []
    return event(
        "GATE",
        run,
        at,
        (gate.gate, ordinal),
        dataset_urn=dataset_urn,
        stage=stage,
        payload=payload,
        seq=seq,
        revision=revision,
        validation={
            "result": gate.result,
            "gates": [block],
            "failed_gates": failed,
            "reason_codes": list(gate.reason_codes),
        },
        producer={"id": "UNKNOWN", "confidence": "NONE"} if producer is None else dict(producer),
        source={"ordinal": ordinal, **(source or {})},
        upstream_urns=upstream_urns,
        otel=dict(otel or {}),
        policy_digest=policy_digest,
        schema_fingerprint=schema_fingerprint,
        sampled=gate.sampled,
    )


def job_started(
    run: RunContext,
    at: datetime,
    *,
    producer_urn: str = "",
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    expects: Sequence[Expected] = (),
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say that a job began, and what evidence it promises to send."""
    payload = {
        "producer_urn": producer_urn or urn.job(run.job),
        "inputs": list(inputs),
        "outputs": list(outputs),
        "expects": _json(expects),
        **more,
    }
    return event("JobRunStarted", run, at, (), payload=payload, seq=seq)


def job_completed(
    run: RunContext,
    at: datetime,
    *,
    duration: float,
    rows_read: int | None = None,
    rows_written: int | None = None,
    resource_summary: Mapping[str, Any] | None = None,
    expects: Sequence[Expected] = (),
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say that a job ended well. `duration` in seconds; None means nobody counted."""
    payload = {
        "duration": round(duration, 3),
        "rows_read": rows_read,
        "rows_written": rows_written,
        "resource_summary": dict(resource_summary or {}),
        "expects": _json(expects),
        **more,
    }
    return event("JobRunCompleted", run, at, (), payload=payload, seq=seq)


def job_failed(
    run: RunContext,
    at: datetime,
    *,
    failure_reason: str,
    retry_count: int | None = None,
    stack_trace: Sequence[Mapping[str, Any]] = (),
    duration: float = 0.0,
    resource_summary: Mapping[str, Any] | None = None,
    message: str = "",
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say that a job failed. `failure_reason` is a signature; frames hold file, line, function."""
    payload = {
        "failure_reason": failure_reason,
        "retry_count": run.attempt if retry_count is None else retry_count,
        "stack_trace": [dict(frame) for frame in stack_trace],
        "duration": round(duration, 3),
        "resource_summary": dict(resource_summary or {}),
        "message": message or None,
        **more,
    }
    return event("JobRunFailed", run, at, (), payload=payload, seq=seq)


def dataset_read(
    run: RunContext,
    at: datetime,
    *,
    dataset_urn: str,
    stage: str = "",
    version: int | str | None = None,
    rows: int | None = None,
    schema_fingerprint: str = "",
    ordinal: int = 0,
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say which version of a dataset a run read, in which shape."""
    return event(
        "DatasetRead",
        run,
        at,
        (ordinal,),
        dataset_urn=dataset_urn,
        stage=stage,
        schema_fingerprint=schema_fingerprint,
        payload={"version": version, "rows_read": rows, **more},
        seq=seq,
    )


def write_committed(
    run: RunContext,
    at: datetime,
    *,
    dataset_urn: str,
    stage: str,
    commit_version: int,
    rows_written: int,
    files_added: int | None = None,
    bytes_written: int | None = None,
    partition_key: str = "",
    mode: str = "",
    ordinal: int = 0,
    schema_fingerprint: str = "",
    policy_digest: str = "",
    upstream_urns: Sequence[str] = (),
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say that a table has a new version. Figures are those of the table's own log."""
    payload = {
        "commit_version": commit_version,
        "rows_written": rows_written,
        "files_added": files_added,
        "bytes_written": bytes_written,
        "partition_key": partition_key,
        "mode": mode or None,
        **more,
    }
    return event(
        "DatasetWriteCommitted",
        run,
        at,
        (ordinal,),
        dataset_urn=dataset_urn,
        stage=stage,
        schema_fingerprint=schema_fingerprint,
        policy_digest=policy_digest,
        upstream_urns=upstream_urns,
        payload=payload,
        seq=seq,
    )


def heartbeat(
    run: RunContext, at: datetime, *, beat: int, elapsed: float, seq: int = 0, **more: Any
) -> Evidence:
    """Say that a run is alive. `beat` counts from 1, `elapsed` is in seconds."""
    payload = {"beat": beat, "elapsed": round(elapsed, 3), **more}
    return event("HEARTBEAT", run, at, (beat,), payload=payload, seq=seq)


def sdk_degraded(
    run: RunContext,
    at: datetime,
    *,
    where: str,
    error: str,
    message: str = "",
    stack_trace: Sequence[Mapping[str, Any]] = (),
    dataset_urn: str = "",
    stage: str = "",
    ordinal: int = 0,
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say that a step of ours (`where`) failed with `error` and the job went on without it."""
    reason = f"SDK_DEGRADED:{where}"
    payload = {
        "where": where,
        "error": error,
        "message": message or None,
        "stack_trace": [dict(frame) for frame in stack_trace],
        **more,
    }
    return event(
        "SDK_DEGRADED",
        run,
        at,
        (where, error, ordinal),
        dataset_urn=dataset_urn,
        stage=stage,
        validation={
            "result": "WARN",
            "gates": [],
            "failed_gates": [],
            "reason_codes": [reason],
        },
        payload=payload,
        seq=seq,
    )


def certification(
    run: RunContext | None,
    at: datetime,
    *,
    dataset_urn: str,
    status: str,
    version: int | None,
    certified_version: int | None,
    previous_certified_version: int | None = None,
    reasons: Sequence[str] = (),
    stage: str = "gold",
    policy_digest: str = "",
    evidence: Sequence[str] = (),
    generation: int = 0,
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say whether a version was certified (PASS) or the view held (FAIL), and why."""
    result = "PASS" if status == "CERTIFIED" else "FAIL"
    block: dict[str, Any] = {"gate": "CERTIFICATION", "result": result}
    if reasons:
        block["reason_code"] = reasons[0]
    return event(
        "CERTIFICATION",
        run,
        at,
        (version, generation, status),
        dataset_urn=dataset_urn,
        stage=stage,
        policy_digest=policy_digest,
        validation={
            "result": result,
            "gates": [block],
            "failed_gates": ["CERTIFICATION"] if result == "FAIL" else [],
            "reason_codes": list(reasons),
        },
        payload={
            "certification_status": status,
            "version": version,
            "certified_version": certified_version,
            "previous_certified_version": previous_certified_version,
            "evidence": list(evidence),
            "generation": generation,
            **more,
        },
        seq=seq,
    )


def quarantine(
    run: RunContext,
    at: datetime,
    *,
    dataset_urn: str,
    gate: str,
    failure_signature: str,
    quarantine_table: str,
    rows: int,
    certified_view_status: str,
    previous_certified_version: str,
    result: str = "FAIL",
    stage: str = "",
    action: str = "divert",
    ordinal: int = 0,
    policy_digest: str = "",
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say that rows went to (or left, by `action`) the quarantine table."""
    return event(
        "QUARANTINE",
        run,
        at,
        (action, ordinal, *sorted(str(more[k]) for k in ("replay_id",) if k in more)),
        dataset_urn=dataset_urn,
        stage=stage,
        policy_digest=policy_digest,
        payload={
            "action": action,
            "gate": gate,
            "result": result,
            "failure_signature": failure_signature,
            "quarantine_table": quarantine_table,
            "rows": rows,
            "certified_view_status": certified_view_status,
            "previous_certified_version": previous_certified_version,
            **more,
        },
        seq=seq,
    )


def pii(
    run: RunContext | None,
    at: datetime,
    *,
    action: str,
    dataset_urn: str = "",
    stage: str = "",
    findings: Sequence[PiiFinding] = (),
    actor: str = "",
    reason: str = "",
    ordinal: int = 0,
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say what was found and done, or who asked for a token to be opened. Never a value."""
    payload = {
        "action": action,
        "findings": _json(findings),
        "actor": actor or None,
        "reason": reason or None,
        **more,
    }
    parts = (action, actor, ordinal) if run else (action, actor, ordinal, format_instant(at))
    return event(
        "PII", run, at, parts, dataset_urn=dataset_urn, stage=stage, payload=payload, seq=seq
    )


def _json(values: Sequence[object]) -> list[Any]:
    """Return values as they will be read back, so that an event equals its copy from the bus."""
    return codec.decode(codec.encode(values), list[Any])
