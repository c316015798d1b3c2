"""Notices that wait to be told: written with the incident's change, delivered after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from sfctl.incidents.seen import Seen
from sfctl.incidents.title import spoken, title
from sfctl.model import codec
from sfctl.model.incident import Incident, Severity
from sfctl.model.topology import Topology
from sfctl.state.port import Put

TABLE = "incident_notices"
"""State table: the notice's id → the notice."""

_LISTED = 50
NoticeKind = Literal["trigger", "resolve", "escalate", "digest", "upstream", "gap"]


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something a team is to be told. `at` is the data's time, `next_at` the clock's."""

    id: str
    kind: NoticeKind
    at: str
    team: str = ""
    cause_key: str = ""
    severity: Severity = "SEV-3"
    attempts: int = 0
    next_at: str = ""
    done: tuple[str, ...] = ()
    """Channels that have it already."""
    body: dict[str, Any] = {}
    """What is told where no incident stands behind it."""


def after(before: Incident | None, now: Incident) -> tuple[Notice, ...]:
    """Return what to tell of a change: a beginning, a return, a worse severity, an end."""
    reopened = before is not None and before.status == "RESOLVED" and now.status != "RESOLVED"
    worse = before is not None and now.severity < before.severity
    if now.status == "RESOLVED":
        if before is None or before.status != "RESOLVED":
            return (_notice("resolve", now),)
        return ()
    if before is None or reopened or worse:
        return (_notice("trigger", now),)
    return ()


def warning(seen: Seen, consumer: str, owner: str) -> Notice:
    """Return what the owner of a consumer downstream is told of a warning upstream."""
    symptom = seen.symptom
    told = title(symptom.signal_type, symptom.dataset_urn, symptom.signature, symptom.reason)
    return Notice(
        id=f"upstream|{consumer}|{symptom.signal_id}|{symptom.revision}",
        kind="upstream",
        at=symptom.timestamp,
        team=owner,
        body={
            "summary": f"[UPSTREAM WARNING] {told}: {spoken(consumer)} may be next",
            "consumer": consumer,
            "dataset_urn": symptom.dataset_urn,
            "signal_id": symptom.signal_id,
        },
    )


def gaps(before: Topology, now: Topology) -> Iterator[Notice]:
    """Yield, for each team concerned, the demands of consumers that are newly not met."""
    told: dict[str, list[str]] = {}
    for name, entry in now.datasets.items():
        known = before.datasets.get(name)
        for gap in entry.gaps:
            if known is not None and gap in known.gaps:
                continue
            owners = f"producer: {entry.owner or 'nobody'}; {gap.consumer}: {gap.owner}"
            for team in dict.fromkeys((entry.owner, gap.owner)):
                told.setdefault(team, []).append(f"{spoken(name)}: {gap.says} ({owners})")
    for team, lines in told.items():
        count = f"{len(lines)} expectations are" if len(lines) > 1 else "an expectation is"
        body = {"summary": f"[CONTRACT GAP] {count} not met", "lines": lines[:_LISTED]}
        mark = codec.digest([team, *lines])[-12:]
        yield Notice(id=f"gap|{team}|{mark}", kind="gap", at=now.compiled_at, team=team, body=body)


def write_of(notice: Notice) -> Put:
    """Return the write that keeps a notice."""
    return Put(TABLE, notice.id, codec.plain(notice))


def _notice(kind: NoticeKind, incident: Incident) -> Notice:
    name = f"{incident.cause_key}|{len(incident.history):04}|{kind}|{incident.severity}"
    return Notice(
        id=name,
        kind=kind,
        at=incident.updated_at,
        team=incident.owner,
        cause_key=incident.cause_key,
        severity=incident.severity,
    )
