"""The two profiles of an event: what we emit, strictly; what we accept, by the named leniencies.

Accepting dead-letters only what cannot be placed: no kind, no dataset or no time.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from sfctl.clock import format_instant
from sfctl.evidence import foreign, leniency, sanitizer
from sfctl.evidence.port import DeadLetter
from sfctl.model import codec, evidence, legible, urn
from sfctl.model.evidence import FIELDS, KINDS, SCHEMA, WITHOUT_DATASET, Evidence
from sfctl.model.resolver import is_orphan

_BY_LOWER_CASE = {kind.lower(): kind for kind in KINDS}
_ID = re.compile(r"(?:evd|sig)-[0-9A-HJKMNP-TV-Z]{26}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event in our form, and the names of what had to be forgiven."""

    event: Evidence
    leniencies: tuple[str, ...] = ()


def accept_line(
    line: bytes | str,
    received: datetime,
    *,
    origin: str = "",
    hash_row: Callable[[str], str] | None = None,
    resolve: foreign.Resolve = foreign.unresolved,
) -> Accepted | DeadLetter:
    """Read one line of JSON from anywhere, or say why it cannot be placed."""
    try:
        document = codec.decode(line, dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _letter("NOT_JSON", "the line is not a JSON object", origin, received, line)
    except RecursionError:
        return _too_deep(origin, received)
    return accept(document, received, origin=origin, hash_row=hash_row, resolve=resolve)


def accept(
    document: dict[str, Any],
    received: datetime,
    *,
    origin: str = "",
    hash_row: Callable[[str], str] | None = None,
    resolve: foreign.Resolve = foreign.unresolved,
) -> Accepted | DeadLetter:
    """Read one JSON object from anywhere, or say why it cannot be placed."""
    try:
        return _accept(document, received, origin, hash_row, resolve)
    except RecursionError:
        return _too_deep(origin, received)


def problems(event: Evidence) -> list[str]:
    """Return what keeps an event from the strict profile that everything of ours is emitted in."""
    found = []
    if event.schema != SCHEMA:
        found.append(f"schema is {event.schema}, not {SCHEMA}")
    if not _ID.fullmatch(event.evidence_id):
        found.append("evidence_id is not evd- and a ULID")
    if event.kind not in KINDS:
        found.append(f"kind {event.kind} does not exist")
    if not _INSTANT.fullmatch(event.timestamp):
        found.append("timestamp is not RFC 3339 in UTC with milliseconds")
    if event.dataset_urn and not _is_named(event):
        found.append(f"dataset_urn {event.dataset_urn} is not canonical")
    if not _placed(event):
        found.append("neither dataset nor job is named")
    if shadowed := sorted(FIELDS & event.payload.keys()):
        found.append(f"payload repeats {', '.join(shadowed)}")
    if event.kind == "GATE":
        found += _gate_problems(event)
    return found


def _accept(
    document: dict[str, Any],
    received: datetime,
    origin: str,
    hash_row: Callable[[str], str] | None,
    resolve: foreign.Resolve,
) -> Accepted | DeadLetter:
    def refuse(reason: str, detail: str) -> DeadLetter:
        return _letter(reason, detail, origin, received, codec.encode(document))

    shape = _shape(document)
    if not shape:
        named = document.get("kind")
        detail = (
            f"unknown kind {named!s:.40}" if named else "neither kind nor anything that tells it"
        )
        return refuse("NO_KIND", detail)
    when = leniency.instant(document)
    if when is None and shape != "LineageSpec":
        return refuse("NO_TIME", "no timestamp that can be read")
    at = when or received
    forgiven: list[str] = []
    event: Evidence | None
    if shape == "OpenLineage" and "openlineage" not in document:
        event = foreign.openlineage(document, at, resolve)
    elif shape == "DeploymentEvent" and document.get("schema") != SCHEMA:
        event = foreign.deployment(document, at)
    elif shape == "LineageSpec" and document.get("schema") != SCHEMA:
        event = foreign.lineage_spec(document, at, dated=when is not None)
    elif shape == "RAW":
        event = foreign.raw(document, at)
        forgiven.append("raw_envelope")
    elif shape == "SIGNAL":
        event = foreign.signal(document, at)
    else:
        mine = copy.deepcopy(document)
        if document.get("kind") != shape:
            mine["kind"] = shape
            forgiven.append("no_kind")
        forgiven += [rule.__name__ for rule in leniency.LENIENCIES if rule(mine)]
        event = evidence.from_plain(mine)
    if event is None or not _placed(event):
        return refuse("NO_DATASET", "neither dataset nor job it belongs to")
    return Accepted(sanitizer.clean(event, hash_row), tuple(forgiven))


def _gate_problems(event: Evidence) -> list[str]:
    found = [f"a GATE event needs {x}" for x in ("validation", "source") if not getattr(event, x)]
    if event.result not in leniency.RESULTS:
        found.append(f"result {event.result} does not exist")
    for gate in event.gates:
        if gate.get("gate") not in leniency.GATES:
            found.append(f"gate {gate.get('gate')} does not exist")
        if gate.get("result") not in leniency.RESULTS:
            found.append(f"gate result {gate.get('result')} does not exist")
    return found


def _shape(document: dict[str, Any]) -> str:
    """Tell the kind: named, else by the one block that only that kind has. Empty when neither."""
    named = document.get("kind")
    if isinstance(named, str) and named:
        return _BY_LOWER_CASE.get(named.lower(), "")
    if "eventType" in document and ("run" in document or "job" in document):
        return "OpenLineage"
    if "signal_type" in document:
        return "SIGNAL"
    if "quarantine_table" in document:
        return "QUARANTINE"
    if isinstance(document.get("validation"), dict):
        return "GATE"
    if "event_type" in document and ("payload" in document or "event_id" in document):
        return "RAW"
    if document.get("result") in leniency.RESULTS and "dataset_urn" in document:
        return "GATE"
    return ""


def _placed(event: Evidence) -> bool:
    if event.dataset_urn or event.kind not in WITHOUT_DATASET:
        return bool(event.dataset_urn)
    if event.kind in evidence.LIFECYCLE or event.kind == "OpenLineage":
        return bool(event.job_urn or event.run_id)
    return True


def _is_named(event: Evidence) -> bool:
    """Tell whether the dataset is canonical; what was read may be nobody's, and keeps its name."""
    read = event.kind == "DatasetRead" and is_orphan(event.dataset_urn)
    return read or _is_canonical(event.dataset_urn)


def _is_canonical(name: str) -> bool:
    return urn.is_dataset(name) and urn.without_stage(urn.canonical(name)) == name


def _too_deep(origin: str, received: datetime) -> DeadLetter:
    return _letter("NOT_JSON", "nested too deeply", origin, received, "")


def _letter(
    reason: str, detail: str, origin: str, received: datetime, body: bytes | str
) -> DeadLetter:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return DeadLetter(
        at=format_instant(received),
        reason=reason,
        detail=sanitizer.clean_message(legible.one_line(detail)),
        origin=origin,
        body=sanitizer.clean_body(text),
    )
