"""Which failures an event reports: signature, dataset, run, how often, since when.

The graph draws them; its stage adds them up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfctl.clock import format_instant, parse_instant
from sfctl.graph.meaning.sketch import block, listed, whole_number, whole_of
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.resolver import Resolver

RECORDS, FACET, QUARANTINED = "records", "facet", "quarantine"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,}(?::\S.*)?")
_CLASS = re.compile(r"(?:[\w$]+\.)*([A-Z]\w*(?:Exception|Error|Exit|Interrupt|Warning|Killed))\b")
_NULLS = frozenset({"NullPointerException", "NullReferenceException"})
_NONE = re.compile(r"'?NoneType'?|\bis null\b")
_OWN_FRAME = re.compile(r"\bat (?!java\.|javax\.|scala\.|org\.apache\.|jdk\.|sun\.)([\w.$]+)\(")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A signature as one event reports it.

    `source` tells counts of different kinds apart: RECORDS are added up one by one, the ids of
    events are added once each, FACET and QUARANTINED repeat what others may have said already.
    """

    signature: str
    dataset: str
    count: int
    source: str
    first_seen: str
    last_seen: str
    evidence: str
    stage: str = ""
    run: str = ""
    failed: bool = True
    version: str = ""


def occurrences(event: Evidence, resolver: Resolver) -> list[Occurrence]:
    """Return the failures and warnings that an event reports, by signature."""
    match event.kind:
        case "GATE" | "COUNTERS":
            return _judged(event, resolver)
        case "JobRunFailed":
            return _job_failed(event, resolver)
        case "OpenLineage":
            return _in_facets(event, resolver)
        case "SIGNAL":
            return _of_signal(event, resolver)
        case "QUARANTINE":
            return _held_back(event, resolver)
    return []


def bucket(reason: str) -> str:
    """Return the signature of a failure told in words: its class, never its message.

    All null references of a frame are one: `NULL_REF:<class>`.
    """
    text = reason.strip()
    if _CODE.fullmatch(text) and "\n" not in text and len(text) <= 200:
        return text
    found = _CLASS.search(text)
    frame = _OWN_FRAME.search(text)
    where = frame[1].rpartition(".")[0].rpartition(".")[2] if frame else ""
    name = found[1] if found else ""
    if name in _NULLS or _NONE.search(text):
        return f"NULL_REF:{where or name or 'NoneType'}"
    return f"JOB_ERROR:{name or 'UNKNOWN'}" + (f":{where}" if where else "")


def place(event: Evidence, resolver: Resolver) -> tuple[str, str]:
    """Return dataset and stage that an event is about, the dataset resolved."""
    name = resolver.reference(event.dataset_urn) if event.dataset_urn else ""
    stage = event.stage if event.stage in urn.STAGES else ""
    if urn.is_dataset(name) and "#" in name:
        stage = stage or name.partition("#")[2]
    return whole_of(name), stage


def _judged(event: Evidence, resolver: Resolver) -> list[Occurrence]:
    if event.result not in ("FAIL", "WARN"):
        return []
    dataset, stage = place(event, resolver)
    counted = block(event.payload.get("signatures"))
    verdicts = _verdicts(event)
    rows = whole_number(event.payload.get("rows_failed"))
    told = bool(counted) or rows is not None or event.kind == "COUNTERS"
    if not counted:
        alone = event.payload.get("count") if event.kind == "COUNTERS" else rows
        codes = list(dict.fromkeys((*event.reason_codes, *verdicts)))
        number = whole_number(alone) if len(codes) == 1 else None
        counted = dict.fromkeys(codes, number or 1)
    return [
        Occurrence(
            signature,
            dataset,
            whole_number(count) or 1,
            event.evidence_id if told else RECORDS,
            event.timestamp,
            event.timestamp,
            event.evidence_id,
            stage,
            event.run_id,
            verdicts.get(signature, event.result) == "FAIL",
            str(event.producer.get("version") or ""),
        )
        for signature, count in sorted(counted.items())
    ]


def _verdicts(event: Evidence) -> dict[str, str]:
    found: dict[str, str] = {}
    for gate in event.gates:
        code, result = gate.get("reason_code"), gate.get("result")
        if isinstance(code, str) and code and result in ("FAIL", "WARN"):
            found[code] = str(result)
    return found


def _job_failed(event: Evidence, resolver: Resolver) -> list[Occurrence]:
    reason = str(event.payload.get("failure_reason") or event.payload.get("message") or "")
    job = resolver.job_reference(event.job_urn) or event.job_urn
    if not reason or not job:
        return []
    return [_once(event, bucket(reason), job, event.run_id)]


def _in_facets(event: Evidence, resolver: Resolver) -> list[Occurrence]:
    document = block(event.payload.get("openlineage"))
    run = block(document.get("run"))
    facets = block(run.get("facets"))
    found: list[Occurrence] = []
    if written := _first_dataset(document, resolver):
        dataset, stage = whole_of(written), written.partition("#")[2]
        stage = stage if stage in urn.STAGES else ""
        for reason, entry in _signatures(facets):
            said = instant_of(entry.get("first_seen"))
            count = whole_number(entry.get("count")) or 1
            found.append(
                Occurrence(
                    reason, dataset, count, FACET, said or event.timestamp, event.timestamp,
                    "" if said else event.evidence_id, stage, event.run_id,
                )
            )  # fmt: skip
    job = block(document.get("job"))
    error = block(facets.get("errorMessage"))
    if error and document.get("eventType") in ("FAIL", "ABORT") and job.get("name"):
        text = f"{error.get('message') or ''}\n{error.get('stackTrace') or ''}"
        name = resolver.job(str(job.get("namespace", "")), str(job["name"]))
        found.append(_once(event, bucket(text), name, event.run_id))
    return found


def _signatures(facets: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return reason and entry of both printed forms of the observability facet."""
    found = []
    for name, inner in (
        ("observability_evidence", "summary"),
        ("observability", "evidence_summary"),
    ):
        for each in listed(block(block(facets.get(name)).get(inner)).get("failure_signatures")):
            entry = block(each)
            reason = entry.get("reason_code") or entry.get("reason") or entry.get("signature")
            if isinstance(reason, str) and reason:
                found.append((reason, entry))
    return found


def _first_dataset(document: Mapping[str, Any], resolver: Resolver) -> str:
    for each in (*listed(document.get("outputs")), *listed(document.get("inputs"))):
        entry = block(each)
        if entry.get("name"):
            return resolver.dataset(str(entry.get("namespace", "")), str(entry["name"]))
    return ""


def _of_signal(event: Evidence, resolver: Resolver) -> list[Occurrence]:
    """Return the breach itself where no row failed: a drop in volume is a failure of its own."""
    reason = str(event.payload.get("reason") or event.payload.get("signal_type") or "")
    state = event.payload.get("state")
    if state not in ("WARNING", "CRITICAL") or event.payload.get("top_failures") or not reason:
        return []
    if drift_of(block(event.payload.get("details"))):
        return []
    dataset, stage = place(event, resolver)
    start = block(event.payload.get("window")).get("start")
    since = start if isinstance(start, str) and start else event.timestamp
    return [
        Occurrence(
            bucket(reason), dataset, 1, event.evidence_id, since, event.timestamp,
            event.evidence_id, stage, event.run_id,
        )
    ]  # fmt: skip


def drift_of(details: Mapping[str, Any]) -> str:
    """Return the signature that a drift signal's details stand for, or empty text."""
    named = details.get("signature") or details.get("failure_signature")
    if isinstance(named, str) and named:
        return named
    field, value = details.get("field"), details.get("new_value")
    is_enum = details.get("drift_type") == "ENUM_VALUE_DRIFT"
    return f"UNKNOWN_ENUM:{field}:{value}" if is_enum and field and value else ""


def _held_back(event: Evidence, resolver: Resolver) -> list[Occurrence]:
    signature = event.payload.get("failure_signature")
    held = event.payload.get("action") in (None, "", "divert", "block")
    if not held or not isinstance(signature, str) or not signature:
        return []
    dataset, stage = place(event, resolver)
    counts = block(event.payload.get("signatures"))
    rows = whole_number(counts.get(signature)) or whole_number(event.payload.get("rows")) or 1
    return [
        Occurrence(
            signature, dataset, rows, QUARANTINED, event.timestamp, event.timestamp,
            event.evidence_id, stage, event.run_id,
        )
    ]  # fmt: skip


def instant_of(value: object) -> str:
    """Return a time in our form, empty for what is none."""
    try:
        return format_instant(parse_instant(value)) if isinstance(value, str) and value else ""
    except ValueError:
        return ""


def _once(event: Evidence, signature: str, subject: str, run: str) -> Occurrence:
    when = event.timestamp
    return Occurrence(
        signature, subject, 1, event.evidence_id, when, when, event.evidence_id, "", run
    )
