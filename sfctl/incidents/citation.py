"""Copies of the events that an incident cites: they outlive the log's retention."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sfctl.evidence.port import Bus
from sfctl.model import codec
from sfctl.model import evidence as envelope
from sfctl.model.incident import Incident

UNTOLD = "NONE"
"""The confidence in a producer that nobody has rated."""
COPIES = 10
OCTETS = 64_000
"""How much all copies may take together; one alone may always stand."""


def cited(incident: Incident, refs: Sequence[str], bus: Bus, *, leads: bool) -> Incident:
    """Return the incident with copies of events it cites, at most ten; those kept come first.

    Where the signal `leads`, its first failing event is the incident's primary evidence.
    """
    kept = list(incident.evidence)
    known = {str(each.get("evidence_id")) for each in kept}
    room = COPIES - len(kept)
    wanted = [ref for ref in dict.fromkeys(refs) if ref not in known]
    looked = list(refs[:COPIES]) if leads else wanted[: max(room, 0)]
    records = [record for ref in looked if (record := bus.get(ref)) is not None]
    size = sum(len(codec.encode(each)) for each in kept)
    for record in records:
        copy = envelope.to_plain(record.event)
        size += len(codec.encode(copy))
        if copy["evidence_id"] in known or len(kept) >= COPIES or (kept and size > OCTETS):
            continue
        kept.append(copy)
    done = replace(incident, evidence=tuple(kept))
    if not leads or not refs:
        return done
    events = [record.event for record in records]
    failing = (e for e in events if e.result == "FAIL" or e.kind == "JobRunFailed")
    first = next(failing, events[0] if events else None)
    if first is None:
        return replace(done, primary_evidence_id=incident.primary_evidence_id or refs[0])
    trace = first.otel.get("trace_id") or first.correlation_chain.get("trace_id")
    producer = incident.suspected_producer
    if producer.get("confidence") == UNTOLD and first.producer.get("id") == producer.get("service"):
        confidence = str(first.producer.get("confidence") or UNTOLD)
        producer = {**producer, "confidence": confidence}
    return replace(
        done,
        suspected_producer=producer,
        primary_evidence_id=first.evidence_id,
        primary_trace_id=str(trace or incident.primary_trace_id),
    )
