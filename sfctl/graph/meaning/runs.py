"""Runs and what they touch: lifecycle, reads, commits, quarantine, certification."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.graph.meaning.occurrences import place
from sfctl.graph.meaning.sketch import Sketch, block, listed, short, whole_number
from sfctl.model import graph
from sfctl.model.evidence import Evidence

_ENDED = {"JobRunCompleted": "SUCCESS", "JobRunFailed": "FAILED"}


def job_of(sketch: Sketch, event: Evidence) -> str:
    """Return the job that sent an event: the envelope's, or the one its producer stands for."""
    if event.job_urn:
        return sketch.resolver.job_reference(event.job_urn) or event.job_urn
    named = str(event.producer.get("id") or "")
    return sketch.resolver.job_reference(named) if event.run_id else ""


def run_of(sketch: Sketch, event: Evidence) -> str:
    """Add the run an event belongs to, with its job; return its id, empty without a run."""
    if not event.run_id:
        return ""
    job = job_of(sketch, event)
    run = sketch.node(
        graph.run_id(event.run_id),
        "Run",
        name=event.run_id,
        job_name=short(job) if job else "",
        job_urn=job,
        kind=event.runtime_type,
        dag_id=event.dag_id,
        dag_run_id=event.dag_run_id,
        logical_date=event.logical_date,
        scheduled_time=event.scheduled_time,
        start_time=event.started_at,
        code_ref=event.code_ref,
        deploy_ref=event.deploy_ref,
        cluster=event.cluster,
        attempt_count=event.attempt or None,
        last_seen=event.timestamp,
    )
    if job:
        sketch.node(job, "Job", name=short(job))
        sketch.edge(job, "EXECUTED", run)
    return run


def dag_run_of(sketch: Sketch, event: Evidence, run: str, status: str = "") -> None:
    """Add the scheduler's run that an event's run is part of."""
    if event.dag_run_id and (event.dag_id or not run):
        dag_run = sketch.node(
            graph.dag_run_id(event.dag_id, event.dag_run_id),
            "DAGRun",
            name=event.dag_run_id,
            dag_id=event.dag_id,
            run_id=event.dag_run_id,
            execution_date=event.logical_date or event.scheduled_time,
            status=status,
            last_seen=event.timestamp,
        )
        if run:
            sketch.edge(dag_run, "EXECUTED", run)


def lifecycle(sketch: Sketch, event: Evidence) -> None:
    """Draw JobRunStarted, JobRunCompleted, JobRunFailed."""
    run = run_of(sketch, event)
    status = _ENDED.get(event.kind, "")
    dag_run_of(sketch, event, run, "FAILED" if status == "FAILED" else "")
    job = job_of(sketch, event)
    if run:
        read, written = (event.payload.get(name) for name in ("rows_read", "rows_written"))
        processed = whole_number(read) or whole_number(written)
        sketch.node(
            run,
            "Run",
            status=status or None,
            end_time=event.timestamp if status else "",
            duration_seconds=event.payload.get("duration") if status else None,
            records_processed=processed if status else None,
            rows_written=whole_number(written) if status else None,
        )
    if job:
        inputs = [sketch.thing(str(x)) for x in listed(event.payload.get("inputs"))]
        outputs = [sketch.thing(str(x)) for x in listed(event.payload.get("outputs"))]
        design(sketch, job, inputs, outputs, declared=True, confidence="HIGH")


def design(
    sketch: Sketch,
    job: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    **props: object,
) -> None:
    """Draw what a job reads and writes, and what so feeds what."""
    inputs, outputs = list(inputs), list(outputs)
    for each in inputs:
        sketch.edge(job, "READS", each, **props)
    for each in outputs:
        sketch.edge(job, "WRITES", each, **props)
        for source in inputs:
            sketch.feeds(source, each, **props)
    sketch.passed_on(outputs, **props)


def read(sketch: Sketch, event: Evidence) -> None:
    """Draw DatasetRead: which version a run read."""
    touched(
        sketch,
        event,
        "READ_FROM",
        "READS",
        event.payload.get("version"),
        event.payload.get("rows_read"),
    )


def written(sketch: Sketch, event: Evidence) -> None:
    """Draw DatasetWriteCommitted: which version a run wrote, from what."""
    payload = event.payload
    target = touched(
        sketch,
        event,
        "WROTE_TO",
        "WRITES",
        payload.get("commit_version"),
        payload.get("rows_written"),
        payload.get("bytes_written"),
    )
    came_from(sketch, event, target)


def came_from(sketch: Sketch, event: Evidence, target: str) -> None:
    """Draw what an event names as upstream of its dataset."""
    if not target:
        return
    job = job_of(sketch, event)
    for name in listed(event.lineage.get("upstream_urns")):
        source = sketch.thing(str(name))
        sketch.feeds(source, target, observed=True, confidence="HIGH")
        if source.partition("#")[0] == target.partition("#")[0]:
            sketch.passed_on((source, target), observed=True, confidence="HIGH")
        if job and source.partition("#")[0] != target.partition("#")[0]:
            sketch.edge(job, "READS", source, observed=True, confidence="HIGH")


def touched(
    sketch: Sketch,
    event: Evidence,
    label: str,
    designed: str,
    version: object = None,
    rows: object = None,
    size: object = None,
) -> str:
    """Draw that a run read or wrote a dataset, for the run and for its job; return the dataset."""
    dataset, stage = place(event, sketch.resolver)
    if not dataset:
        return ""
    table = sketch.dataset(dataset, stage)
    run, job = run_of(sketch, event), job_of(sketch, event)
    figures = {
        "version": version if isinstance(version, int | str) else None,
        "rows": whole_number(rows),
        "bytes": whole_number(size),
        "last_seen": event.timestamp,
    }
    if run:
        sketch.edge(run, label, table, **figures)
    if job:
        sketch.node(job, "Job", name=short(job))
        sketch.edge(
            job, designed, table, observed=True, confidence="HIGH", run=event.run_id, **figures
        )
    return table


def quarantined(sketch: Sketch, event: Evidence) -> None:
    """Draw QUARANTINE: rows held back, or published again."""
    dataset, stage = place(event, sketch.resolver)
    run = run_of(sketch, event)
    if not dataset or not run:
        return
    table = sketch.dataset(dataset, stage)
    action = str(event.payload.get("action") or "divert")
    label = {"divert": "QUARANTINED", "block": "QUARANTINED", "replay": "REPLAYED"}.get(action)
    if label:
        rows = whole_number(event.payload.get("rows"))
        sketch.edge(run, label, table, rows=rows, action=action, last_seen=event.timestamp)


def certified(sketch: Sketch, event: Evidence) -> None:
    """Draw CERTIFICATION: which version of a dataset readers may trust."""
    dataset, _ = place(event, sketch.resolver)
    if dataset:
        sketch.dataset(
            dataset,
            certified_version=event.payload.get("certified_version"),
            certification_status=str(event.payload.get("certification_status") or ""),
            last_certification=event.timestamp,
        )
    run_of(sketch, event)


def upstream(event: Evidence) -> str:
    """Return the dataset that an event names as the one its rows came from."""
    name = block(event.lineage).get("upstream_dataset") or event.source.get("input_dataset")
    return name if isinstance(name, str) else ""
