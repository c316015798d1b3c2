"""What we forgive in events from elsewhere: a closed, named list, each entry one small rewrite.

Every rewrite takes a mutable JSON object in our envelope's shape and tells whether it did anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from sfctl.clock import format_instant, parse_instant
from sfctl.model import codec, urn
from sfctl.model.evidence import SCHEMA, Evidence
from sfctl.model.ids import evidence_id
from sfctl.model.policy import Gate
from sfctl.model.verdict import Result

GATES: tuple[str, ...] = get_args(Gate)
RESULTS: tuple[str, ...] = get_args(Result)
_SEVERITY = ("SKIP", "PASS", "WARN", "FAIL", "ERROR")
_YEARS = range(1970, 9000)
_TIME_FIELDS = ("timestamp", "eventTime", "deployed_at", "event_time", "time")
_GATE_ALIASES = {name.partition("_")[2]: name for name in GATES if name.startswith("G")} | {
    name.partition("_")[0]: name for name in GATES if name.startswith("G")
}

_FIELD_TYPES: dict[str, Any] = {
    field.name: field.type for field in msgspec.structs.fields(Evidence) if field.name != "payload"
}

Document = dict[str, Any]


def instant(document: Document) -> datetime | None:
    """Tell when the event happened: `timestamp`, its other names, or the end of its window.

    What stands for "no time" (year 1, year 9999) and everything as far away tells none: such an
    event would stay in an engine's open windows for ever, beyond what can be reckoned with.
    """
    window = document.get("window")
    end = window.get("end") if isinstance(window, dict) else None
    for value in (*(document.get(name) for name in _TIME_FIELDS), end):
        if isinstance(value, bool) or not value:
            continue
        try:
            when = None
            if isinstance(value, str):
                when = parse_instant(value)
            elif isinstance(value, int | float):
                when = datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        except (ValueError, OverflowError, OSError):
            continue
        if when is not None and when.year in _YEARS:
            return when
    return None


def no_schema(document: Document) -> bool:
    """The schema is missing or `urn:schema:evidence:2`, whose superset ours is."""
    schema = document.get("schema")
    if not isinstance(schema, str) or schema in ("", "urn:schema:evidence:2"):
        document["schema"] = SCHEMA
        return True
    return False


def flat_result(document: Document) -> bool:
    """`result` and `reason_code` stand flat instead of in a `validation` block."""
    if document["kind"] != "GATE" or isinstance(document.get("validation"), dict):
        return False
    code = document.get("reason_code")
    if code is None and document.get("result") is None:
        return False
    document["validation"] = {
        "result": document.get("result"),
        "reason_codes": [code] if code else [],
    }
    return True


def producer_name(document: Document) -> bool:
    """The producer is a name instead of an object."""
    if isinstance(document.get("producer"), str):
        document["producer"] = {"id": document["producer"]}
        return True
    return False


def gate_alias(document: Document) -> bool:
    """A gate goes by a short name: `CONTRACT` or `G4` for `G4_CONTRACT`."""
    validation = _block(document, "validation")
    changed = False
    failed = validation.get("failed_gates")
    if isinstance(failed, list):
        renamed = [_GATE_ALIASES.get(str(name).upper(), name) for name in failed]
        changed = renamed != failed
        validation["failed_gates"] = renamed
    for gate in _gates(validation):
        name = gate.get("gate")
        full = _GATE_ALIASES.get(str(name).upper(), name)
        changed |= full != name
        gate["gate"] = full
    return changed


def no_gates(document: Document) -> bool:
    """Only the failed gates are named; the gates' own blocks are missing."""
    validation = _block(document, "validation")
    if validation and not _gates(validation) and isinstance(validation.get("failed_gates"), list):
        validation["gates"] = [
            {"gate": name, "result": "FAIL"} for name in validation["failed_gates"]
        ]
        return bool(validation["gates"])
    return False


def no_summary(document: Document) -> bool:
    """`result`, `failed_gates` or `reason_codes` are missing but follow from the gates."""
    validation = _block(document, "validation")
    if not validation:
        return False
    gates = _gates(validation)
    results = [str(gate.get("result")) for gate in gates if gate.get("result") in RESULTS]
    derived = {
        "result": max(results, key=_SEVERITY.index, default=None),
        "gates": [],
        "failed_gates": [gate.get("gate") for gate in gates if gate.get("result") == "FAIL"],
        "reason_codes": [gate["reason_code"] for gate in gates if gate.get("reason_code")],
    }
    missing = {
        name: value
        for name, value in derived.items()
        if value is not None and validation.get(name) is None
    }
    validation.update(missing)
    return bool(missing)


def bad_trace(document: Document) -> bool:
    """A trace or span id is malformed: dropped, not propagated."""
    otel = _block(document, "otel")
    bad = [
        name
        for name, length in (("trace_id", 32), ("span_id", 16))
        if name in otel and not re.fullmatch(rf"[a-f0-9]{{{length}}}", str(otel[name]))
    ]
    for name in bad:
        del otel[name]
    return bool(bad)


def context_elsewhere(document: Document) -> bool:
    """The run's context stands in `producer` or `lineage` instead of the envelope."""
    producer, lineage = _block(document, "producer"), _block(document, "lineage")
    found = {
        "run_id": producer.get("run_id") or lineage.get("spark_run_id"),
        "dag_run_id": lineage.get("dag_run_id"),
        "job_urn": lineage.get("job_urn"),
        "runtime_type": "spark" if lineage.get("spark_run_id") else None,
    }
    lifted = {name: value for name, value in found.items() if value and not document.get(name)}
    document.update(lifted)
    return bool(lifted)


def dataset_spelling(document: Document) -> bool:
    """The dataset's name is spelled another way, or names the stage table."""
    name = document.get("dataset_urn")
    if not isinstance(name, str) or not urn.is_dataset(name):
        return False
    full = urn.canonical(name)
    stage = full.partition("#")[2]
    document["dataset_urn"] = urn.without_stage(full)
    if stage and not document.get("stage"):
        document["stage"] = stage
    return bool(document["dataset_urn"] != name)


def no_id(document: Document) -> bool:
    """There is no id: one is made from the content, so that the same line twice is one event."""
    if document.get("evidence_id"):
        return False
    when = parse_instant(document["timestamp"])
    document["evidence_id"] = evidence_id(None, when, codec.digest(document))
    return True


def time_form(document: Document) -> bool:
    """The time is in another zone, precision or form, or under another name."""
    when = instant(document)
    text = format_instant(when) if when else ""
    if document.get("timestamp") == text:
        return False
    document["timestamp"] = text
    return True


def wrong_type(document: Document) -> bool:
    """A field of the envelope has another type: read as ours where that is safe, else set apart."""
    unreadable: Document = {}
    changed = False
    for name in [name for name in document if name in _FIELD_TYPES]:
        value = document[name]
        try:
            document[name] = msgspec.convert(value, _FIELD_TYPES[name], strict=False)
        except msgspec.ValidationError:
            unreadable[name] = document.pop(name)
        changed |= document.get(name) != value
    if unreadable:
        document["unreadable"] = unreadable
    return changed


def run_times(document: Document) -> bool:
    """A time of the run cannot be read: set apart, for nothing can be reckoned from it."""
    unreadable = {
        name: document.pop(name)
        for name in ("scheduled_time", "started_at")
        if document.get(name) and instant({"timestamp": document[name]}) is None
    }
    if unreadable:
        document["unreadable"] = {**_block(document, "unreadable"), **unreadable}
    return bool(unreadable)


LENIENCIES: tuple[Callable[[Document], bool], ...] = (
    no_schema,
    time_form,
    flat_result,
    producer_name,
    gate_alias,
    no_gates,
    no_summary,
    bad_trace,
    context_elsewhere,
    dataset_spelling,
    wrong_type,
    run_times,
    no_id,
)
"""In the order they apply."""


def _block(document: Document, name: str) -> Document:
    block = document.get(name)
    return block if isinstance(block, dict) else {}


def _gates(validation: Document) -> list[Document]:
    gates = validation.get("gates")
    return [gate for gate in gates if isinstance(gate, dict)] if isinstance(gates, list) else []
