"""An incident's life, pure: opened, shown by further symptoms, acknowledged, resolved, reopened.

OPEN → ACKNOWLEDGED → RESOLVED, and from RESOLVED back to OPEN when the cause comes back. Every
step is kept in `history`. Times are those of the data, so a replay gives the same incidents.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from sfctl.clock import parse_instant
from sfctl.incidents.seen import Seen, complaint
from sfctl.incidents.severity import RANK, worse
from sfctl.incidents.title import title
from sfctl.model import urn
from sfctl.model.incident import Change, Incident, Status, Symptom

REOPENS_FOR = timedelta(days=180)
"""How long after its end an incident takes its cause's return as its own."""
SYMPTOMS = 500
"""How many symptoms an incident keeps: its first hundred and the newest."""
HISTORY = 200
_FIRST = 100
INFERRED = "MEDIUM"
"""How sure a producer is that no evidence names: the graph ties its deployment by time and data."""


def opened(seen: Seen, alias: str, key: str) -> Incident:
    """Return the incident that a signal begins. The signal has a severity."""
    assert seen.severity is not None
    at = seen.symptom.timestamp
    bare = Incident(
        incident_id=alias,
        cause_key=key,
        severity=seen.severity,
        title="",
        status="OPEN",
        created_at=at,
        updated_at=at,
        dataset_urn=seen.symptom.dataset_urn,
        signal_id=seen.symptom.signal_id,
        alerts=seen.alerts,
        history=(Change(at, "OPEN"),),
    )
    return _led(_with(bare, seen, "the first symptom"), seen)


def knows(incident: Incident, symptom: Symptom) -> bool:
    """Tell whether a signal has been taken in already, in this revision or a later one."""
    return any(
        each.signal_id == symptom.signal_id and each.revision >= symptom.revision
        for each in incident.symptoms
    )


def shown(incident: Incident, seen: Seen, because: str) -> Incident:
    """Return the incident with one more symptom; an ended one opens again if it came after."""
    if knows(incident, seen.symptom):
        return incident
    amends = any(each.signal_id == seen.symptom.signal_id for each in incident.symptoms)
    grown = _with(incident, seen, because)
    if seen.severity is not None:
        grown = replace(
            grown,
            severity=worse(grown.severity, seen.severity),
            alerts=grown.alerts or seen.alerts,
        )
    if incident.status == "RESOLVED":
        if amends or seen.severity is None or seen.symptom.timestamp <= incident.resolved_at:
            return replace(grown, status="RESOLVED", complaints=incident.complaints)
        key = complaint(seen.symptom.dataset_urn, seen.symptom.engine)
        back = replace(
            grown, resolved_at="", false_positive=False, complaints={key: seen.symptom.state}
        )
        told = _led(back, seen) if seen.by_signal else back
        return _moved(told, "OPEN", seen.symptom.timestamp, note="the cause came back")
    return _led(grown, seen) if _leads(incident, seen) else grown


def heard_good(incident: Incident, key: str, at: str) -> Incident:
    """Return the incident after an OK for one complaint; the last OK resolves it."""
    said = incident.complaints.get(key)
    if incident.status == "RESOLVED" or said in (None, "OK"):
        return incident
    complaints = {**incident.complaints, key: "OK"}
    better = replace(
        incident, complaints=complaints, updated_at=max(at, incident.updated_at), good_windows=1
    )
    if any(state != "OK" for state in complaints.values()):
        return better
    return resolved(better, better.updated_at, note="every engine that complained is content")


def acknowledged(incident: Incident, at: str, by: str, note: str = "") -> Incident:
    """Return the incident with somebody on it; one that is ended stays so."""
    if incident.status != "OPEN":
        return incident
    return _moved(incident, "ACKNOWLEDGED", at, by, note)


def resolved(
    incident: Incident, at: str, by: str = "", note: str = "", *, false_positive: bool = False
) -> Incident:
    """Return the incident at its end; ended twice is ended once, but may become a false alarm."""
    if incident.status == "RESOLVED" and incident.false_positive == false_positive:
        return incident
    done = replace(incident, resolved_at=incident.resolved_at or at, false_positive=false_positive)
    return _moved(done, "RESOLVED", at, by, note)


def merged(older: Incident, newer: Incident, because: str) -> Incident:
    """Return the older incident with all that the newer one shows."""
    symptoms = {each.signal_id: each for each in (*older.symptoms, *newer.symptoms)}
    ordered = tuple(sorted(symptoms.values(), key=lambda each: (each.timestamp, each.signal_id)))
    at = max(older.updated_at, newer.updated_at)
    related = {*older.related, *newer.related} - {older.incident_id, newer.incident_id}
    both = replace(
        older,
        severity=worse(older.severity, newer.severity),
        symptoms=_capped(ordered),
        datasets=tuple(sorted({*older.datasets, *newer.datasets})),
        related=tuple(sorted(related, key=_alias_number)),
        evidence=(*older.evidence, *newer.evidence),
        complaints={**older.complaints, **newer.complaints},
        alerts=older.alerts or newer.alerts,
        updated_at=at,
        resolved_at="",
    )
    note = f"{newer.incident_id} is now {older.incident_id}: {because}"
    status: Status = "ACKNOWLEDGED" if older.status == "ACKNOWLEDGED" else "OPEN"
    return _moved(both, status, at, note=note)


def may_reopen(incident: Incident, at: str) -> bool:
    """Tell whether the cause's return at a time still is this incident."""
    if incident.status != "RESOLVED":
        return True
    return parse_instant(at) - parse_instant(incident.resolved_at) <= REOPENS_FOR


def attributed(
    incident: Incident, deployment: str, at: str, service: str, version: str
) -> Incident:
    """Return the incident with the deployment that brought it, known only now."""
    if incident.suspected_deployment or not deployment:
        return incident
    producer = {"service": service, "version": version, "confidence": INFERRED}
    named = incident.suspected_producer or producer
    return replace(
        incident, suspected_deployment=deployment, deployed_at=at, suspected_producer=named
    )


def _with(incident: Incident, seen: Seen, because: str) -> Incident:
    symptom = replace(seen.symptom, because=because)
    kept = [each for each in incident.symptoms if each.signal_id != symptom.signal_id]
    key = complaint(symptom.dataset_urn, symptom.engine)
    around = seen.around
    grown = replace(
        incident,
        symptoms=_capped((*kept, symptom)),
        datasets=tuple(sorted({*incident.datasets, urn.without_stage(symptom.dataset_urn)})),
        complaints={**incident.complaints, key: symptom.state},
        updated_at=max(incident.updated_at, symptom.timestamp),
        good_windows=0,
    )
    return attributed(grown, around.deployment, around.deployed_at, around.service, around.version)


def _capped(symptoms: tuple[Symptom, ...]) -> tuple[Symptom, ...]:
    if len(symptoms) <= SYMPTOMS:
        return symptoms
    return symptoms[:_FIRST] + symptoms[_FIRST - SYMPTOMS :]


def _leads(incident: Incident, seen: Seen) -> bool:
    """Tell whether a later symptom says better what is wrong than the one in the title.

    An engine says more than a quarantine, a gate's signature more than the job it stopped.
    """
    lead = next((s for s in incident.symptoms if s.signal_id == incident.signal_id), None)
    if lead is None or seen.symptom.signal_id == lead.signal_id:
        return True
    return _weight(seen.symptom) > _weight(lead) and RANK.get(seen.severity or "", 9) <= RANK.get(
        incident.severity, 9
    )


def _weight(symptom: Symptom) -> int:
    if symptom.engine == "quarantine":
        return 0
    return {"contract": 4, "dq": 3, "drift": 2}.get(symptom.engine, 1)


def _led(incident: Incident, seen: Seen) -> Incident:
    """Return the incident told by this symptom: title, counts, producer."""
    symptom = seen.symptom
    signature = symptom.signature
    if seen.around.blocked_by and symptom.engine not in ("contract", "dq", "drift"):
        signature = seen.around.blocked_by[1] or signature
    producer = incident.suspected_producer
    if seen.around.deployment and not _names(seen.producer, seen.around.service):
        around = seen.around
        producer = {"service": around.service, "version": around.version, "confidence": INFERRED}
    elif _names(seen.producer, ""):
        producer = {
            "service": str(seen.producer.get("id", "")),
            "version": str(seen.producer.get("version") or ""),
            "confidence": str(seen.producer.get("confidence") or "NONE"),
        }
    return replace(
        incident,
        title=title(symptom.signal_type, symptom.dataset_urn, signature, symptom.reason),
        dataset_urn=symptom.dataset_urn,
        signal_id=symptom.signal_id,
        failure_signature=signature,
        owner=seen.owner or incident.owner,
        suspected_producer=producer,
        evidence_summary=_summary(seen) or incident.evidence_summary,
        run_id=symptom.run_id or incident.run_id,
        job_urn=seen.job_urn or incident.job_urn,
        dag_run_id=seen.dag_run_id or incident.dag_run_id,
    )


def _names(producer: dict[str, Any], service: str) -> bool:
    """Tell whether evidence names who sent the data; the job that wrote it is no such word.

    `service` is whose deployment brought the failure: a job that brought it itself counts.
    """
    name = str(producer.get("id") or "UNKNOWN")
    if name.startswith("urn:job:") and service:
        return name == service
    return name != "UNKNOWN"


def _summary(seen: Seen) -> dict[str, Any]:
    summary = dict(seen.totals)
    total, failed = summary.get("total_events"), summary.get("failed_events")
    if total and failed is not None:
        summary["failure_rate"] = f"{failed / total * 100:.1f}%"
    summary["first_failure"] = seen.symptom.first_failure or seen.symptom.timestamp
    return summary


def _moved(incident: Incident, status: Status, at: str, by: str = "", note: str = "") -> Incident:
    history = (*incident.history, Change(at, status, by, note))
    if len(history) > HISTORY:
        history = history[:1] + history[1 - HISTORY :]
    when = max(at, incident.updated_at)
    return replace(incident, status=status, history=history, updated_at=when)


def _alias_number(alias: str) -> tuple[int, str]:
    tail = alias.rpartition("-")[2]
    return (int(tail) if tail.isdigit() else 0, alias)
