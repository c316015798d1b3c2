"""What is told, in the words each kind of channel understands: values that go out as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sfctl.clock import parse_instant
from sfctl.incidents.lifecycle import INFERRED
from sfctl.incidents.outbox import Notice
from sfctl.incidents.title import title
from sfctl.model import codec
from sfctl.model.incident import Incident

SOURCE = "signal-factory"
_DEPLOYMENTS = "urn:deployment:"
_PAGERDUTY = {"SEV-1": "critical", "SEV-2": "error", "SEV-3": "warning"}


def pagerduty(notice: Notice, incident: Incident | None, key: str, links: str) -> dict[str, Any]:
    """Return a PagerDuty Events v2 document; `key` is the routing key."""
    name = incident.incident_id if incident else notice.id
    head = {
        "routing_key": key,
        "event_action": "resolve" if notice.kind == "resolve" else "trigger",
        "dedup_key": name,
    }
    if notice.kind == "resolve":
        return head
    details = (
        {
            "incident_id": incident.incident_id,
            "dataset": incident.dataset_urn,
            "failure_signature": incident.failure_signature,
            "suspected_cause": suspected_cause(incident),
            "rca_link": rca_link(incident, links),
        }
        if incident
        else dict(notice.body)
    )
    return {
        **head,
        "payload": {
            "summary": headline(notice, incident),
            "severity": _PAGERDUTY[notice.severity],
            "source": SOURCE,
            "custom_details": details,
        },
    }


def chat(notice: Notice, incident: Incident | None, links: str) -> dict[str, Any]:
    """Return a message for Slack or Teams."""
    lines = [headline(notice, incident)]
    if incident is not None and notice.kind != "resolve":
        lines += [line for line in _facts(incident) if line]
        lines.append(rca_link(incident, links))
    lines += [f"- {each}" for each in notice.body.get("lines", ())]
    return {"text": "\n".join(lines)}


def ticket(notice: Notice, incident: Incident | None, links: str) -> dict[str, Any]:
    """Return a Jira issue: summary, impact, confidence, evidence ids."""
    lines = list(notice.body.get("lines", ()))
    labels = ["sfctl", notice.severity]
    if incident is not None:
        labels.append(incident.incident_id)
        lines += [line for line in _facts(incident) if line]
        ids = [str(each.get("evidence_id")) for each in incident.evidence]
        ids = list(dict.fromkeys([incident.primary_evidence_id, *ids]))
        lines.append(f"Evidence: {', '.join(id for id in ids if id) or 'none'}")
        lines.append(rca_link(incident, links))
    return {
        "fields": {
            "summary": headline(notice, incident),
            "description": "\n".join(lines),
            "labels": labels,
            "issuetype": {"name": "Bug"},
        }
    }


def document(notice: Notice, incident: Incident | None, links: str) -> dict[str, Any]:
    """Return all that is known, for webhooks and files."""
    told: dict[str, Any] = {
        "schema": "sfctl.notice.v1",
        "event": notice.kind,
        "at": notice.at,
        "team": notice.team or None,
        "severity": notice.severity,
        "summary": headline(notice, incident),
        "dedup_key": incident.incident_id if incident else notice.id,
    }
    if incident is not None:
        plain = codec.plain(incident)
        for name in ("evidence", "symptoms", "history", "complaints"):
            plain.pop(name, None)
        told["incident"] = {**plain, "rca_link": rca_link(incident, links)}
    return {**told, **notice.body}


def headline(notice: Notice, incident: Incident | None) -> str:
    """Return one line: `[SEV-1] Contract Violation - orders:created - 89.8% failure rate`."""
    if incident is None:
        return str(notice.body.get("summary", notice.id))
    lead = next((s for s in incident.symptoms if s.signal_id == incident.signal_id), None)
    rate = incident.evidence_summary.get("failure_rate")
    last = f"{rate} failure rate" if rate else incident.failure_signature
    told = incident.title
    if lead is not None:
        told = title(lead.signal_type, incident.dataset_urn, str(last or ""), lead.reason)
    if notice.kind == "resolve":
        return f"[RESOLVED] {incident.incident_id} {incident.title}"
    if notice.kind == "escalate":
        return f"[{incident.severity}] Not acknowledged: {incident.incident_id} {told}"
    return f"[{incident.severity}] {told}"


def suspected_cause(incident: Incident) -> str:
    """Return `orders-svc v3.17 deployment at 09:58 AM` (UTC, to the minute), as far as known."""
    producer = incident.suspected_producer
    who = f"{producer.get('service', '')} {producer.get('version', '')}".strip()
    if deployed := _deployed(incident):
        who = " ".join(deployed)
    if incident.suspected_deployment and incident.deployed_at:
        at = parse_instant(incident.deployed_at) + timedelta(seconds=30)
        began = parse_instant(incident.created_at)
        day = "" if at.date() == began.date() else f" on {at:%Y-%m-%d}"
        return f"{who} deployment{day} at {at:%I:%M %p}"
    return who or "unknown"


def rca_link(incident: Incident, links: str) -> str:
    """Return where the root cause is told: below the address given, else the command."""
    if links:
        return f"{links.rstrip('/')}/{incident.incident_id}"
    return f"sfctl rca {incident.incident_id}"


def _deployed(incident: Incident) -> tuple[str, str] | None:
    """Return service and version of the suspected deployment; evidence may name others."""
    named = incident.suspected_deployment.removeprefix(_DEPLOYMENTS)
    service, _, version = named.rpartition(":")
    return (service, version) if service else None


def _names(incident: Incident, service: str, version: str) -> bool:
    producer = incident.suspected_producer
    mine = str(producer.get("service") or "").removeprefix("urn:service:")
    return (mine, producer.get("version")) == (service, version)


def _facts(incident: Incident) -> list[str]:
    impact: Mapping[str, Any] = incident.impact
    consumers = ", ".join(impact.get("downstream_consumers", ())) or "none known"
    confidence = incident.suspected_producer.get("confidence", "NONE")
    if (deployed := _deployed(incident)) and not _names(incident, *deployed):
        confidence = INFERRED
    others = [each for each in incident.datasets if not incident.dataset_urn.startswith(each)]
    return [
        f"{incident.incident_id} {incident.title}",
        f"Suspected cause: {suspected_cause(incident)} (confidence {confidence})",
        f"Impact: tier {impact.get('tier')}, {impact.get('classification')}; "
        f"consumers: {consumers}",
        f"Also impacted: {', '.join(others)}" if others else "",
    ]
