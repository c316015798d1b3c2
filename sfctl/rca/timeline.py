"""What happened when: from the cause to the incident, each line with what says so."""

from __future__ import annotations

from sfctl.model.explanation import Claim, Hypothesis
from sfctl.rca.case import Case
from sfctl.rca.extent import failed_gates, stamp
from sfctl.rca.log import seconds_between
from sfctl.rca.wording import moment, name_of, phrase, span_of_time

_MOST = 30


def timeline(case: Case, cause: Hypothesis) -> tuple[Claim, ...]:
    """Return dated sentences in order of time."""
    claims: list[Claim] = []
    if cause.at:
        claims.append(Claim(_cause(cause), cause.refs[:2], cause.at))
    span = case.span
    if span.last_good:
        claims.append(
            Claim(f"Last good evidence of {name_of(case.home)}", (span.last_good_ref,),
                  span.last_good)
        )  # fmt: skip
    claims += _upstream(case)
    if span.first_bad:
        gap = seconds_between(cause.at, span.first_bad) if cause.at else None
        after = f", {span_of_time(gap)} after the cause" if gap and gap > 0 else ""
        what = f": {case.texts[0]}" if case.texts else ""
        claims.append(
            Claim(f"First failure of {name_of(case.home)}{what}{after}", _ref(span.first_bad_ref),
                  span.first_bad)
        )  # fmt: skip
    claims += _runs(case)
    for signal in case.signals[:5]:
        why = signal.reason or (signal.top_failures[0].signature if signal.top_failures else "")
        text = f"{signal.signal_type} {signal.state} on {name_of(signal.dataset_urn)}"
        claims.append(
            Claim(f"{text}: {why}" if why else text, (signal.signal_id,), stamp(signal.timestamp))
        )
    incident = case.subject.incident
    if incident is not None:
        claims.append(
            Claim(f"{incident.incident_id} opened, {incident.severity}: {incident.title}",
                  (incident.incident_id,), stamp(incident.created_at))
        )  # fmt: skip
        for change in incident.history:
            if change.status != "OPEN":
                by = f" by {change.by}" if change.by else ""
                claims.append(
                    Claim(f"{incident.incident_id} {change.status.lower()}{by}",
                          (incident.incident_id,), stamp(change.at))
                )  # fmt: skip
    unique = {(c.at, c.text): c for c in claims if c.at}
    return tuple(sorted(unique.values(), key=lambda c: c.at)[:_MOST])


def _cause(cause: Hypothesis) -> str:
    if cause.kind == "DEPLOYMENT":
        return f"{name_of(cause.ref)} was deployed"
    return f"The cause began: {cause.kind.lower().replace('_', ' ')}, {name_of(cause.ref)}"


def _upstream(case: Case) -> list[Claim]:
    claims = []
    for echo in case.echoes:
        if echo.first_seen:
            refs = tuple(r for r in (echo.first_evidence, echo.id) if r)
            event = case.log.event(echo.first_evidence) if echo.first_evidence else None
            verdict = f" ({event.result})" if event is not None and event.result else ""
            claims.append(
                Claim(f"First seen upstream on {name_of(echo.table)}: {phrase(echo)}{verdict}",
                      refs, stamp(echo.first_seen))
            )  # fmt: skip
    return claims


def _runs(case: Case) -> list[Claim]:
    claims = []
    for run in case.runs:
        name = run.id.removeprefix("urn:run:")
        job = name_of(str(run.props.get("job_name") or run.props.get("job_urn") or "the job"))
        start, end = str(run.props.get("start_time") or ""), str(run.props.get("end_time") or "")
        if start:
            claims.append(Claim(f"{job} started, run {name}", (run.id,), stamp(start)))
        if end:
            status = str(run.props.get("status") or "ended").lower()
            claims.append(Claim(f"{job} ended: {status}, run {name}", (run.id,), stamp(end)))
        judged = [event for event in case.log.run(name) if event.kind == "GATE"]
        for event in (*case.log.held(name), *judged):
            if event.kind == "QUARANTINE":
                rows = int(event.payload.get("rows") or 0)
                done = {"replay": "replayed from", "discard": "discarded from"}.get(
                    str(event.payload.get("action")), "sent to"
                )
                claims.append(
                    Claim(f"{rows:,} rows {done} quarantine at {event.stage or 'the write'}",
                          (event.evidence_id,), stamp(event.timestamp))
                )  # fmt: skip
            elif event.result == "FAIL":
                gates = ", ".join(failed_gates(event))
                claims.append(
                    Claim(f"{gates} failed at {event.stage or name_of(event.dataset_urn)}",
                          (event.evidence_id,), stamp(event.timestamp))
                )  # fmt: skip
    return claims


def _ref(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def dated(claim: Claim) -> str:
    """Return a line of the timeline as text."""
    return f"{moment(claim.at)}  {claim.text}"
