"""The job itself: it failed by its own error, was not started, or took too long."""

from __future__ import annotations

from collections.abc import Iterator

from sfctl.model.evidence import Evidence
from sfctl.model.graph import Node
from sfctl.model.signal import Signal
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate, Reading
from sfctl.rca.case import BLOCKED, Case
from sfctl.rca.extent import stamp
from sfctl.rca.wording import moment, name_of

_REASONS = {"JOB_NOT_TRIGGERED": "NOT_TRIGGERED", "JOB_RUNNING_SLOW": "SLOW"}


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield failed runs, then what a freshness signal says of the schedule."""
    for run in case.runs:
        found = _failure(case, run)
        if found is not None:
            yield found
    seen: set[tuple[str, str]] = set()
    for signal in case.signals:
        kind = _REASONS.get(signal.reason)
        if kind and (kind, signal.job_urn) not in seen:
            seen.add((kind, signal.job_urn))
            yield _scheduled(case, signal, kind)


def _failure(case: Case, run: Node) -> Candidate | None:
    name = run.id.removeprefix("urn:run:")
    ended = [e for e in case.log.run(name) if e.kind == "JobRunFailed"]
    reason = str(ended[-1].payload.get("failure_reason") or "") if ended else ""
    met = case.tracer.edges("which failures did it meet?", run.id, "out", ["ENCOUNTERED"])
    errors = [e.target for e in met if e.target.startswith(("JOB_ERROR", "NULL_REF"))]
    if not reason and errors:
        reason = errors[0].partition(":urn:job")[0].partition(":job:")[0]
    if not reason and str(run.props.get("status")) != "FAILED":
        return None
    job = str(run.props.get("job_name") or run.props.get("job_urn") or name)
    at = stamp(ended[-1].timestamp if ended else str(run.props.get("end_time") or ""))
    refs = (run.id, *((ended[-1].evidence_id,) if ended else ()))
    where = _frame(ended[-1]) if ended else ""
    text = (
        f"Run {name} of {name_of(job)} failed at {moment(at)} with {reason or 'an error'}{where}."
    )
    blocked = reason.startswith(BLOCKED)
    others = [t for t in case.texts if not t.startswith(("JOB_ERROR", "NULL_REF"))]
    against = "a gate stopped it: what the gate found is the failure" if blocked else ""
    first = case.evidence[0] if case.evidence else None
    if not blocked and others and first is not None and first.kind == "GATE":
        against = "it failed after its data had failed a gate"
    links = readings.incident_links(case) | {"ENCOUNTERED": bool(errors), "error": bool(reason)}
    jobs = case.tracer.edges("which job is it a run of?", run.id, "in", ["EXECUTED"])
    links["EXECUTED"] = bool(jobs)
    return Candidate(
        "JOB_FAILURE",
        run.id,
        text,
        at,
        {
            "time_distance": Reading(1.0, "it is the run that did not deliver", refs),
            "between_good_and_bad": readings.onset(case, at),
            "producer_match": Reading(1.0, f"the job {name_of(job)} makes this data", refs[:1]),
            "signature_match": Reading(
                1.0 if reason else 0.5,
                f"its error is {reason}" if reason else "its error is not on record",
                refs,
            ),
            "path_completeness": readings.path(links, refs[:1]),
            "edge_confidence": Reading(1.0, "the run itself said so", refs),
        },
        refs,
        against,
        origin=str(run.props.get("job_urn") or job),
        signature=reason,
    )


def _scheduled(case: Case, signal: Signal, kind: str) -> Candidate:
    job = signal.job_urn or str(signal.details.get("job") or "")
    due = str(
        signal.details.get("deadline") or signal.details.get("expected_by") or signal.window.end
    )
    at = stamp(due)
    refs = tuple(r for r in (job, signal.signal_id) if r)
    text = (
        f"{name_of(job) or 'The job'} was not started: it was due by {moment(at)}."
        if kind == "NOT_TRIGGERED"
        else f"{name_of(job) or 'The job'} takes longer than it ever did; due by {moment(at)}."
    )
    links = readings.incident_links(case) | {"job": bool(job)}
    return Candidate(
        "NOT_TRIGGERED" if kind == "NOT_TRIGGERED" else "SLOW",
        job or signal.dataset_urn,
        text,
        at,
        {
            "between_good_and_bad": Reading(1.0, "it is what is missing since", refs),
            "signature_match": Reading(1.0, f"the signal says {signal.reason}", refs[-1:]),
            "path_completeness": readings.path(links, refs[:1]),
            "edge_confidence": Reading(1.0, "the schedule and the log say so", refs[-1:]),
        },
        refs,
        origin=job,
        signature=signal.reason,
    )


def _frame(event: Evidence) -> str:
    frames = event.payload.get("stack_trace")
    last = frames[-1] if isinstance(frames, list) and frames else None
    return f" ({last.get('file')}:{last.get('line')})" if isinstance(last, dict) else ""
