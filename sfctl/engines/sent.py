"""What one run promised and sent, merged from its events in any order."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from sfctl.evidence.completeness import Missing, declared_by, sent_by
from sfctl.model import urn
from sfctl.model.evidence import Evidence

Gate = tuple[str, str, int, str]
"""Dataset, stage, ordinal, gate."""
_REFS = 4
_ENDS = ("JobRunCompleted", "JobRunFailed")


class Sent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt. Times are RFC 3339 in UTC; empty text means not seen."""

    run_id: str
    began: str
    newest: str
    attempt: int = 0
    job_urn: str = ""
    dag_id: str = ""
    dag_run_id: str = ""
    anchor: str = ""
    """The scheduled, else started time."""
    named: str = ""
    """What the signal's id is built on: the anchor when the run was first judged."""
    started: str = ""
    ended: str = ""
    failed: bool = False
    ours: bool = False
    """Whether the SDK or the supervisor spoke, not only a scheduler or OpenLineage."""
    no_data: bool = False
    declared: tuple[Gate, ...] = ()
    sent: tuple[Gate, ...] = ()
    wrote: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    """Of the largest write: a revision of its event does not count twice."""
    certified: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()


def noted(run: Sent | None, event: Evidence, outputs: Iterable[str] = ()) -> Sent:
    """Return the run with what an event tells of it; the order of events makes no difference."""
    at = event.timestamp
    run = run or Sent(event.run_id, at, at, event.attempt)
    declared = {*run.declared, *map(_gate, declared_by(event))}
    sent = {*run.sent, *map(_gate, sent_by(event))}
    told = {urn.without_stage(name) for name in outputs} | {each[0] for each in declared}
    run = replace(
        run,
        began=min(run.began, at),
        newest=max(run.newest, at),
        job_urn=max(run.job_urn, event.job_urn),
        dag_id=max(run.dag_id, event.dag_id),
        dag_run_id=max(run.dag_run_id, event.dag_run_id),
        anchor=max(run.anchor, event.scheduled_time or event.started_at),
        declared=tuple(sorted(declared)),
        sent=tuple(sorted(sent)),
        datasets=tuple(sorted({*run.datasets, *told})),
        ours=run.ours or event.kind != "OpenLineage",
    )
    if event.kind == "JobRunStarted":
        run = replace(run, started=min(run.started or at, at), refs=_refs(run, event))
    if event.kind == "DatasetWriteCommitted":
        rows = event.payload.get("rows_written")
        run = replace(
            run,
            wrote=tuple(sorted({*run.wrote, (urn.without_stage(event.dataset_urn), event.stage)})),
            rows=max(run.rows, rows if isinstance(rows, int) else 1),
        )
    if event.kind == "CERTIFICATION" and event.result == "PASS":
        run = replace(run, certified=tuple(sorted({*run.certified, event.dataset_urn})))
    return _ended(run, event)


def _ended(run: Sent, event: Evidence) -> Sent:
    kind = event.kind
    if kind == "OpenLineage":
        document = event.payload.get("openlineage")
        word = str(document.get("eventType", "")) if isinstance(document, dict) else ""
        kind = {"COMPLETE": "JobRunCompleted", "FAIL": "JobRunFailed", "ABORT": "JobRunFailed"}.get(
            word, ""
        )
    if kind not in _ENDS:
        return run
    return replace(
        run,
        ended=max(run.ended, event.timestamp),
        failed=run.failed or kind == "JobRunFailed",
        no_data=run.no_data or event.payload.get("rows_read") == 0,
        refs=_refs(run, event),
    )


def gates_missing(run: Sent) -> list[Gate]:
    """Return the gates that were promised and are not there.

    A run that failed owes only the gates of writes it began; one without data owes none.
    """
    missing = sorted(set(run.declared) - set(run.sent))
    if silent(run) and (run.no_data or (run.wrote and not run.rows)):
        return []
    if run.failed:
        begun = {each[:3] for each in run.sent}
        return [
            each for each in missing if each[:3] in begun or (each[0], each[1]) in set(run.wrote)
        ]
    return missing


def silent(run: Sent) -> bool:
    """Tell whether not one gate reported."""
    return not run.sent


def _gate(named: Missing) -> Gate:
    return named.dataset_urn, named.stage, named.ordinal, named.gate


def _refs(run: Sent, event: Evidence) -> tuple[str, ...]:
    return tuple(sorted({*run.refs, event.evidence_id})[:_REFS])
