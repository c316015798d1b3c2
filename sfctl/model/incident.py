"""Incidents: one cause, what shows of it, who is told, how it ended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Status = Literal["OPEN", "ACKNOWLEDGED", "RESOLVED"]
Severity = Literal["SEV-1", "SEV-2", "SEV-3"]

TABLE = "incidents"
"""State table: key is the incident's `cause_key`."""
ALIASES = "incident_aliases"
"""State table: `INC-<n>` → {"cause_key": …}; and `next` → {"n": …}."""


class Symptom(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signal that the incident's cause explains; the newest revision of each."""

    signal_id: str
    signal_type: str
    dataset_urn: str
    state: str
    timestamp: str
    signature: str = ""
    stage: str = ""
    run_id: str = ""
    because: str = ""
    """Why it belongs here: same signature, same run, same deployment, downstream of…"""
    engine: str = ""
    revision: int = 0
    reason: str = ""
    first_failure: str = ""
    producer: str = ""
    """Service and version `orders-svc v3.17` that most failures come from."""
    versions: tuple[str, ...] = ()
    """What its run wrote, each `<dataset>@<version>`: whoever reads that, reads bad data."""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step in an incident's life. `by` is a person's name, or empty for the engine."""

    at: str
    status: Status
    by: str = ""
    note: str = ""


class Incident(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is wrong, from the first signal on. Times are RFC 3339 in UTC."""

    incident_id: str
    """The display alias `INC-<n>`; given once, never reused."""
    cause_key: str
    """Hash of the cause: the identity, kept by replay and restore."""
    severity: Severity
    title: str
    status: Status
    created_at: str
    updated_at: str
    dataset_urn: str
    signal_id: str
    failure_signature: str = ""
    owner: str = ""
    suspected_producer: dict[str, Any] = {}
    """service, version, confidence."""
    suspected_deployment: str = ""
    """Id of the Deployment node, where the graph has one."""
    deployed_at: str = ""
    impact: dict[str, Any] = {}
    """tier, classification, downstream_consumers."""
    evidence_summary: dict[str, Any] = {}
    """total_events, failed_events, failure_rate, first_failure."""
    primary_evidence_id: str = ""
    primary_trace_id: str = ""
    run_id: str = ""
    job_urn: str = ""
    dag_run_id: str = ""
    datasets: tuple[str, ...] = ()
    """Every dataset that shows a symptom, sorted."""
    symptoms: tuple[Symptom, ...] = ()
    related: tuple[str, ...] = ()
    """Aliases of incidents that may have to do with it and are not merged."""
    evidence: tuple[dict[str, Any], ...] = ()
    """Copies of the events it cites, so that they outlive the log's retention."""
    history: tuple[Change, ...] = ()
    complaints: dict[str, str] = {}
    """`<dataset>|<engine>` → its last word: when all are OK the incident resolves by itself."""
    alerts: bool = True
    """False where enforcement (G1) wants a channel notice and nobody woken."""
    good_windows: int = 0
    """Good windows or runs in a row since the last bad one."""
    resolved_at: str = ""
    false_positive: bool = False
