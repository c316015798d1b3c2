"""Runs of one job as the freshness engine keeps them: merged from events in any order, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.openlineage import event_type, outputs
from sfctl.model import urn
from sfctl.model.evidence import Evidence

KEPT = 64
_ENDS = {
    "JobRunCompleted": "ok",
    "JobRunFailed": "failed",
    "COMPLETE": "ok",
    "FAIL": "failed",
    "ABORT": "failed",
}


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The greatest partition confirmed so far, and the date of the run that confirmed it."""

    value: str = ""
    run_date: str = ""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt. Times are RFC 3339 in UTC; empty text means not seen."""

    run_id: str
    job_urn: str = ""
    attempt: int = 0
    logical_date: str = ""
    started: str = ""
    ended: str = ""
    outcome: str = ""
    """`ok`, `failed`, or empty while it runs."""
    failure_reason: str = ""
    retry_count: int = 0
    duration: float | None = None
    """Seconds, as the run itself measured them."""
    wrote: dict[str, str] = {}
    """Time of the last commit by dataset."""
    partitions: dict[str, str] = {}
    """Greatest partition value by dataset."""
    outputs: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    dag_id: str = ""
    dag_run_id: str = ""
    deploy_ref: str = ""

    @property
    def began(self) -> datetime:
        """When it started, or the first that was heard of it."""
        heard = [text for text in (self.started, *self.wrote.values(), self.ended) if text]
        return min(map(parse_instant, heard))

    @property
    def key(self) -> tuple[str, int, str]:
        """What orders runs."""
        return (self.started or self.ended, self.attempt, self.run_id)

    @property
    def date(self) -> str:
        """The day the run is for: its logical date, else the day it began."""
        return self.logical_date[:10] or self.began.date().isoformat()

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs or where the start is not known."""
        if self.ended and self.duration is not None:
            return self.duration
        if not (self.started and self.ended):
            return None
        return (parse_instant(self.ended) - parse_instant(self.started)).total_seconds()


def name_of(event: Evidence) -> str:
    """Return what tells attempts apart."""
    return f"{event.run_id or event.evidence_id}#{event.attempt}"


def merged(run: Run | None, event: Evidence, partition_keys: dict[str, str]) -> Run:
    """Return the run with what an event tells of it; the order of events makes no difference."""
    run = run or Run(event.run_id or event.evidence_id, attempt=event.attempt)
    known = {
        "job_urn": run.job_urn or event.job_urn,
        "logical_date": run.logical_date or event.logical_date,
        "dag_id": run.dag_id or event.dag_id,
        "dag_run_id": run.dag_run_id or event.dag_run_id,
        "deploy_ref": run.deploy_ref or event.deploy_ref,
    }
    run = replace(run, **known)
    began = _instant(event.started_at) if event.kind != "OpenLineage" else ""
    if began:
        run = replace(run, started=_first(run.started, began))
    kind = event_type(event) if event.kind == "OpenLineage" else event.kind
    if kind in ("JobRunStarted", "START", "RUNNING"):
        run = replace(run, started=_first(run.started, event.timestamp))
        told = event.payload.get("outputs")
        if isinstance(told, list):
            names = {urn.without_stage(str(name)) for name in told}
            run = replace(run, outputs=tuple(sorted({*run.outputs, *names})))
    if kind in _ENDS and (event.timestamp, _ENDS[kind]) >= (run.ended, run.outcome):
        run = _ended(run, event, _ENDS[kind])
    if event.kind == "OpenLineage":
        return _wrote_outside(run, event, kind)
    if kind == "DatasetWriteCommitted":
        dataset = urn.without_stage(event.dataset_urn)
        key = partition_keys.get(dataset, "")
        value = partition_value(str(event.payload.get("partition_key") or ""), key)
        return _wrote(run, dataset, event.timestamp, value)
    return run


def _ended(run: Run, event: Evidence, outcome: str) -> Run:
    reason, retries = event.payload.get("failure_reason"), event.payload.get("retry_count")
    duration = event.payload.get("duration")
    return replace(
        run,
        ended=event.timestamp,
        outcome=outcome,
        failure_reason=(str(reason) if reason else "") if outcome == "failed" else "",
        retry_count=retries if isinstance(retries, int) else run.attempt,
        duration=float(duration) if isinstance(duration, int | float) else None,
        refs=(event.evidence_id,),
    )


def _wrote_outside(run: Run, event: Evidence, kind: str) -> Run:
    for name, _ in outputs(event):
        dataset = urn.without_stage(name)
        run = replace(run, outputs=tuple(sorted({*run.outputs, dataset})))
        if kind == "COMPLETE":
            run = _wrote(run, dataset, event.timestamp, "")
    return run


def _wrote(run: Run, dataset: str, at: str, partition: str) -> Run:
    return replace(
        run,
        wrote={**run.wrote, dataset: max(run.wrote.get(dataset, ""), at)},
        partitions={
            **run.partitions,
            **({dataset: max(run.partitions.get(dataset, ""), partition)} if partition else {}),
        },
    )


def partition_value(text: str, key: str = "") -> str:
    """Return the greatest value of `key` (else of the first key) in `dt=2026-01-19,dt=…`."""
    found = []
    for partition in text.split(","):
        pairs = [part.partition("=") for part in partition.strip().split("/") if "=" in part]
        named = [value for name, _, value in pairs if name == key]
        found += named[:1] or ([pairs[0][2]] if pairs and not key else [])
    return max(found, default="")


def trimmed(
    runs: Sequence[Run], marks: dict[str, Mark]
) -> tuple[tuple[Run, ...], dict[str, Mark], str]:
    """Return the newest runs, the watermarks of those let go, and the start of the last let go."""
    ordered = sorted(runs, key=lambda run: run.key)
    gone, kept = ordered[:-KEPT], ordered[-KEPT:]
    for run in gone:
        for dataset, value in sorted(run.partitions.items()):
            if value > marks.get(dataset, Mark()).value:
                marks = {**marks, dataset: Mark(value, run.date)}
    return tuple(kept), marks, gone[-1].key[0] if gone else ""


def stalled(run: Run, dataset: str, runs: Sequence[Run], mark: Mark) -> Mark | None:
    """Return the watermark that a run should have passed and did not, None where all is well.

    A run of a later date than the one that confirmed the watermark has to pass it; a rerun and a
    back-fill have not.
    """
    value = run.partitions.get(dataset, "")
    if not value:
        return None
    for other in sorted(runs, key=lambda each: (each.date, each.key)):
        earlier = (other.date, other.key) < (run.date, run.key)
        if earlier and other.partitions.get(dataset, "") > mark.value:
            mark = Mark(other.partitions[dataset], other.date)
    behind = mark.value and value <= mark.value
    return mark if behind and run.date > mark.run_date and run.date > mark.value else None


def _instant(text: str) -> str:
    """Return an instant in the one form that sorts as text, empty text for what is none."""
    try:
        return format_instant(parse_instant(text)) if text else ""
    except ValueError:
        return ""


def _first(known: str, text: str) -> str:
    return min(known, text) if known else text


def payload_of(run: Run) -> dict[str, Any]:
    """Return the ids of a run as a signal's `batch_context`."""
    found = {"dag_id": run.dag_id, "dag_run_id": run.dag_run_id, "run_id": run.run_id}
    return {name: text for name, text in found.items() if text}
