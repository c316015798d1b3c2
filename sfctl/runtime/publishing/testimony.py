"""The evidence of one write, made from its record alone: the same record, the same events."""

from __future__ import annotations

from typing import Any

from sfctl.clock import parse_instant
from sfctl.model import facts
from sfctl.model.evidence import Evidence
from sfctl.model.verdict import GateResult
from sfctl.model.write import WriteRecord


def testify(record: WriteRecord, version: int | None) -> list[Evidence]:
    """Return one event per gate, then those of PII actions, of quarantine and of the write.

    `version` is None when nothing was published.
    """
    at = parse_instant(record.at)
    judgement = record.judgement
    after = dict(record.judged_after)
    level: dict[str, Any] = {"integration_level": "post-commit"} if after else {}
    seq = record.seq
    events: list[Evidence] = []
    for gate in judgement.gates:
        events.append(
            facts.gate_event(
                record.run,
                at,
                gate,
                dataset_urn=record.dataset_urn,
                stage=record.stage,
                ordinal=record.ordinal,
                rules=[rule for rule in judgement.rules if rule.gate == gate.gate],
                row_keys=record.row_keys.get(gate.gate, ()),
                producer=record.producer or None,
                upstream_urns=record.upstream,
                policy_digest=judgement.policy_digest,
                schema_fingerprint=judgement.schema_fingerprint,
                rows=judgement.rows,
                seq=seq + len(events),
                write_key=record.write_key,
                replay_id=record.replay_id or None,
                **level,
            )
        )
    if record.findings:
        events.append(
            facts.pii(
                record.run,
                at,
                action="found" if after else "acted",
                dataset_urn=record.dataset_urn,
                stage=record.stage,
                findings=record.findings,
                ordinal=record.ordinal,
                seq=seq + len(events),
            )
        )
    if record.quarantine is not None:
        events.append(_quarantine(record, seq + len(events)))
    if version is not None:
        counts = record.counts
        events.append(
            facts.write_committed(
                record.run,
                at,
                dataset_urn=record.dataset_urn,
                stage=record.stage,
                commit_version=version,
                rows_written=after.pop("rows_written", counts.rows_published),
                partition_key=",".join(record.partitions),
                mode=record.mode,
                ordinal=record.ordinal,
                schema_fingerprint=judgement.schema_fingerprint,
                policy_digest=judgement.policy_digest,
                upstream_urns=record.upstream,
                seq=seq + len(events),
                rows_in=counts.rows_in,
                rows_good=counts.rows_good,
                rows_bad=counts.rows_bad,
                rows_quarantined=counts.rows_quarantined,
                rows_failed_published=counts.rows_failed_published,
                level=record.level,
                write_key=record.write_key,
                replay_id=record.replay_id or None,
                **level,
                **after,
            )
        )
    return events


def _quarantine(record: WriteRecord, seq: int) -> Evidence:
    assert record.quarantine is not None
    worst = worst_gate(record)
    version = record.certified_before
    held = "NEVER_CERTIFIED" if version is None else "HELD_AT_PREVIOUS"
    remedy = f"sfctl quarantine show {record.dataset_urn} --run {record.run.run_id}"
    return facts.quarantine(
        record.run,
        parse_instant(record.at),
        dataset_urn=record.dataset_urn,
        gate=worst.gate,
        result=worst.result,
        failure_signature=next(iter((*worst.reason_codes, *worst.signatures)), ""),
        quarantine_table=record.quarantine.table,
        rows=record.counts.rows_quarantined,
        certified_view_status=held if record.blockers else record.view_before,
        previous_certified_version="" if version is None else f"v{version}",
        stage=record.stage,
        action="block" if record.published == "none" else "divert",
        ordinal=record.ordinal,
        policy_digest=record.judgement.policy_digest,
        seq=seq,
        alert=record.alert,
        over_limit=record.over_limit,
        remediation=f"look at the rows with `{remedy}`, mend them upstream, then replay or discard",
        signatures={k: v for gate in record.judgement.gates for k, v in gate.signatures.items()},
    )


def worst_gate(record: WriteRecord) -> GateResult:
    """Return the gate that says most about why rows did not go out."""
    order = {"FAIL": 0, "ERROR": 1, "WARN": 2, "PASS": 3, "SKIP": 4}
    return min(
        record.judgement.gates,
        key=lambda gate: (order[gate.result], -gate.failed),
        default=GateResult("DQ", "SKIP"),
    )
