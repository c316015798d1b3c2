"""How far a trouble goes: from the last good to the first bad, and how much of it failed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sfctl.clock import format_instant
from sfctl.model.evidence import Evidence
from sfctl.model.explanation import Impairment, Span
from sfctl.rca.log import instant

if TYPE_CHECKING:
    from sfctl.rca.case import Case

NEW_WITHIN = timedelta(days=1)
"""A failure first seen no longer than this before a signal began with the same trouble."""
_TOTALS = ("records_processed", "evidence_count")
_FAILED = ("records_failed", "fail_count")


def span(case: Case) -> Span:
    """Return when it last was good and first was bad, each with the event that says so."""
    first, ref = first_bad(case)
    good = last_good(case, first)
    return Span(
        stamp(first), stamp(good.timestamp) if good else "", ref, good.evidence_id if good else ""
    )


def first_bad(case: Case) -> tuple[str, str]:
    """Return the time of the first failure of this trouble, and the event."""
    told = [(stamp(e.timestamp), e.evidence_id) for e in case.evidence]
    incident = case.subject.incident
    if incident is not None and incident.evidence_summary.get("first_failure"):
        at = stamp(str(incident.evidence_summary["first_failure"]))
        if not told or at >= _began(case):  # before that it was seen upstream, or was another time
            told.append((at, incident.primary_evidence_id or incident.signal_id))
    if not told:
        told = [
            (stamp(s.first_seen), s.first_evidence or s.id)
            for s in case.signatures
            if s.first_seen and recent(case, s.first_seen)
        ]
    if not told:
        told = [(stamp(s.window.start or s.timestamp), s.signal_id) for s in case.signals]
    return min((each for each in told if each[0]), default=("", ""))


def last_good(case: Case, first: str) -> Evidence | None:
    """Return the last event before the first failure in which the same gate passed.

    Another run's, where it was a run that failed: the gates before the failing one passed too.
    """
    if not first:
        return None
    failed = [event for event in case.evidence if event.kind in ("GATE", "COUNTERS")]
    dataset = failed[0].dataset_urn if failed else case.home.partition("#")[0]
    stage = failed[0].stage if failed else case.home.partition("#")[2]
    gates = {gate for event in failed[:1] for gate in failed_gates(event)}
    for event in reversed(case.log.before(dataset, first)):
        if event.stage != stage or event.run_id in case.run_names or event.kind == "CERTIFICATION":
            continue
        passed = {str(g.get("gate")) for g in event.gates if g.get("result") == "PASS"}
        if event.result == "PASS" and (gates <= passed if event.gates else True):
            return event
    return None


def failed_gates(event: Evidence) -> tuple[str, ...]:
    """Return the gates that an event says failed."""
    named = event.validation.get("failed_gates")
    listed = [str(gate) for gate in named] if isinstance(named, list) else []
    listed += [str(g.get("gate")) for g in event.gates if g.get("result") == "FAIL"]
    return tuple(dict.fromkeys(listed))


def impairment(case: Case) -> Impairment:
    """Return how much failed, as the incident, else the worst signal, else the run says."""
    held, held_refs = quarantined(case)
    incident = case.subject.incident
    if incident is not None and incident.evidence_summary.get("total_events"):
        summary = incident.evidence_summary
        return _of(summary["total_events"], summary.get("failed_events"), held, held_refs)
    measured = [
        (_number(s.metrics, _FAILED), _number(s.metrics, _TOTALS), s.signal_id)
        for s in case.signals
    ]
    counted = [(f, t, ref) for f, t, ref in measured if f is not None and t]
    if counted:
        failed, total, ref = max(counted, key=lambda c: (c[0], c[2]))
        return _of(total, failed, held, (ref, *held_refs))
    for event in case.evidence:
        failed_rows, rows = event.payload.get("rows_failed"), event.payload.get("rows_evaluated")
        if failed_rows and rows:
            return _of(rows, failed_rows, held, (event.evidence_id, *held_refs))
    for run in case.runs:
        processed, lost = run.props.get("records_processed"), run.props.get("records_failed")
        if processed and lost is not None:
            return _of(processed, lost, held, (run.id, *held_refs))
    return Impairment(quarantined=held, refs=held_refs)


def quarantined(case: Case) -> tuple[int | None, tuple[str, ...]]:
    """Return how many rows of the failing runs still wait, and the events that say so."""
    rows, refs = 0, []
    for run in case.runs:
        held = case.log.held(run.id.removeprefix("urn:run:"))
        if held:
            rows += sum(waiting(event) for event in held)
            refs += [e.evidence_id for e in held]
            continue
        for edge in case.tracer.edges("what did it hold back?", run.id, "out", ["QUARANTINED"]):
            rows += int(edge.props.get("rows") or 0)
            refs.append(run.id)
    return (max(rows, 0), tuple(refs)) if refs else (None, ())


def waiting(event: Evidence) -> int:
    """Return by how many rows a QUARANTINE event changes what waits: less when rows leave."""
    rows = int(event.payload.get("rows") or 0)
    return rows if event.payload.get("action") in ("block", "divert") else -rows


def stamp(text: str) -> str:
    """Return a time in the one form that is compared and printed; other text as it is."""
    at = instant(text)
    return format_instant(at) if at else text


def _began(case: Case) -> str:
    """Return when the first window or run began that a signal of this trouble is about."""
    starts = (stamp(s.window.start or s.timestamp) for s in case.signals)
    return min((each for each in starts if each), default="")


def recent(case: Case, first_seen: str) -> bool:
    """Tell whether a signature is new with this trouble, and not one seen long before."""
    starts = [s.window.start or s.timestamp for s in case.signals]
    starts += [str(run.props.get("start_time") or "") for run in case.runs]
    known = [at for start in starts if (at := instant(start)) is not None]
    seen = instant(first_seen)
    return not known or seen is None or seen >= min(known) - NEW_WITHIN


def _of(total: object, failed: object, held: int | None, refs: tuple[str, ...]) -> Impairment:
    whole = int(total) if isinstance(total, int | float | str) else 0
    bad = int(failed) if isinstance(failed, int | float | str) else 0
    return Impairment(bad, whole, round(bad / whole, 6) if whole else None, held, refs)


def _number(metrics: dict[str, object], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = metrics.get(name)
        if isinstance(value, int | float):
            return int(value)
    return None
