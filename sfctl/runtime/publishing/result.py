"""What a write came to, made of its record and of what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from sfctl.model.write import WriteRecord, WriteResult
from sfctl.runtime.publishing.settle import Settled


def result_of(
    record: WriteRecord, version: int | None, settled: Settled, *, already: bool = False
) -> WriteResult:
    """Return the answer to a write. `already` means that an earlier attempt had made it."""
    judgement, counts, certificate = record.judgement, record.counts, settled.certificate
    reasons: Sequence[str] = ()
    if certificate is not None and certificate.held_reason:
        reasons = certificate.held_reason.split(", ")
    return WriteResult(
        dataset=record.dataset_urn,
        stage=record.stage,
        version=version,
        rows_in=counts.rows_in,
        rows_good=counts.rows_good,
        rows_bad=counts.rows_bad,
        rows_published=counts.rows_published,
        rows_failed_published=counts.rows_failed_published,
        rows_quarantined=counts.rows_quarantined,
        gates=judgement.gates,
        published=version is not None,
        certification=certificate.status if certificate else None,
        run_id=record.run.run_id,
        write_key=record.write_key,
        mode=record.mode,
        verdict=judgement.verdict,
        published_rows=record.published,
        blocked=record.blocked,
        over_limit=record.over_limit,
        alert=record.alert,
        level=record.level,
        already_published=already,
        certified_version=certificate.certified_version if certificate else None,
        certification_reasons=tuple(reasons),
        quarantine_table=record.quarantine.table if record.quarantine else "",
        policy_digest=judgement.policy_digest,
        rules=judgement.rules,
        degraded=judgement.degraded,
        evidence=settled.evidence,
        evidence_safe=settled.evidence_safe,
        fingerprints_computed=0 if already else judgement.fingerprints_computed,
    )
