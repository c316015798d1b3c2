"""Copies of the events that an incident cites: they outlive the log's retention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from sfctl.evidence.port import Bus
from sfctl.model import evidence as envelope
from sfctl.model.incident import Incident

COPIES = 10


def cited(
    incident: Incident,
    refs: Sequence[str],
    kept: tuple[dict[str, Any], ...],
    bus: Bus,
    *,
    leads: bool,
) -> Incident:
    """Return the incident with copies of events it cites, at most ten; those kept come first.

    Where the signal `leads`, its first failing event is the incident's primary evidence.
    """
    known = {str(each.get("evidence_id")) for each in kept}
    room = COPIES - len(kept)
    wanted = [ref for ref in dict.fromkeys(refs) if ref not in known]
    looked = wanted[: max(room, 1 if leads else 0)]
    records = [record for ref in looked if (record := bus.get(ref)) is not None]
    copies = [envelope.to_plain(record.event) for record in records]
    grown = (*kept, *copies[: max(room, 0)])
    done = replace(incident, evidence=grown)
    if not leads or not refs:
        return done
    events = [record.event for record in records]
    first = next((e for e in events if e.result == "FAIL"), events[0] if events else None)
    if first is None:
        return replace(done, primary_evidence_id=incident.primary_evidence_id or refs[0])
    trace = first.otel.get("trace_id") or first.correlation_chain.get("trace_id")
    return replace(
        done,
        primary_evidence_id=first.evidence_id,
        primary_trace_id=str(trace or incident.primary_trace_id),
    )
