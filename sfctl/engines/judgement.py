"""What one event counts towards the share of records that pass."""

from __future__ import annotations

from typing import Any

from sfctl.engines.openlineage import event_type, outputs, statistics_of
from sfctl.engines.span import Piece
from sfctl.model import urn
from sfctl.model.evidence import Evidence

_NAMES = {"CONTRACT": "G4_CONTRACT"}
BATCH_RULES = ("NULL_RATE_BREACH", "UNIQUENESS_VIOLATION", "ROW_COUNT", "AGGREGATE")


def piece_of(event: Evidence, dataset: str, gate: str) -> Piece | None:
    """Return what an event counts for the engine of `gate` (G4_CONTRACT or DQ), None for nothing.

    A count of a wrong type is taken as absent.
    """
    match event.kind:
        case "GATE":
            return _gate(event, gate)
        case "COUNTERS":
            return _counters(event) if gate == "G4_CONTRACT" else None
        case "DatasetWriteCommitted" if gate == "DQ":
            return _write(event)
        case "OpenLineage" if event_type(event) in ("COMPLETE", "FAIL", "ABORT"):
            return _facet(event, dataset)
    return None


def _base(event: Evidence, told: str, **more: Any) -> Piece:
    return Piece(
        told,
        event.timestamp,
        stage_of(event),
        event.revision,
        producer=_text(event.producer.get("id")),
        version=_text(event.producer.get("version")),
        **more,
    )


def stage_of(event: Evidence) -> str:
    """Return the stage an event speaks of, empty where it names none."""
    return event.stage or event.dataset_urn.partition("#")[2]


def gate_results(event: Evidence) -> dict[str, str]:
    """Return the result of each gate that an event names."""
    results = {_name(each.get("gate")): _text(each.get("result")) for each in event.gates}
    named = event.validation.get("failed_gates")
    for each in named if isinstance(named, list) else ():
        results.setdefault(_name(each), "FAIL")
    return results


def _gate(event: Evidence, gate: str) -> Piece | None:
    results = gate_results(event)
    evaluated = count(event.payload.get("rows_evaluated"))
    if evaluated is not None:
        return _own_gate(event, gate, results, evaluated)
    if gate == "DQ" and event.run_id:
        result = "FAIL" if "FAIL" in results.values() else event.result
    elif gate == "G4_CONTRACT" and results.get("G3_SCHEMA") == "FAIL":
        result = "FAIL"
    else:
        result = results.get(gate, "" if results or gate == "DQ" else event.result)
    if result not in ("PASS", "WARN", "FAIL"):
        return None
    failed = result == "FAIL"
    codes = dict.fromkeys(event.reason_codes, 1) if failed else {}
    return _base(event, "record", passed=int(not failed), failed=int(failed), signatures=codes)


def _own_gate(event: Evidence, gate: str, results: dict[str, str], evaluated: int) -> Piece | None:
    schema = gate == "G4_CONTRACT" and results.get("G3_SCHEMA") == "FAIL"
    if not schema and results.get(gate) not in ("PASS", "WARN", "FAIL"):
        return None
    failed = min(count(event.payload.get("rows_failed")) or 0, evaluated)
    reason = ""
    if results.get(gate) == "FAIL" and gate == "DQ":
        heads = [code.partition(":")[0] for code in event.reason_codes]
        reason = next((head for head in heads if head in BATCH_RULES), "")
        reason = reason or ("BATCH_RULE" if not failed else "")
    if schema:
        evaluated = failed = max(evaluated, count(event.payload.get("rows")) or 0, 1)
    return _base(
        event,
        "gate",
        passed=evaluated - failed,
        failed=failed,
        signatures=_counts(event.payload.get("signatures")),
        reason=reason,
    )


def _counters(event: Evidence) -> Piece | None:
    counts = event.payload.get("counts")
    if not isinstance(counts, dict):
        return None
    good, warned, bad = (count(counts.get(name)) or 0 for name in ("pass", "warn", "fail"))
    signatures = _counts(event.payload.get("signatures")) if bad else {}
    if bad and not signatures:
        signatures = dict.fromkeys(event.reason_codes[:1], bad)
    told = event.payload.get("first_seen")
    first = {str(k): v for k, v in told.items() if _text(v)} if isinstance(told, dict) else {}
    return _base(
        event,
        "counter",
        passed=good + warned,
        failed=bad,
        signatures=signatures,
        first_seen=first,
    )


def _write(event: Evidence) -> Piece | None:
    good, bad = (count(event.payload.get(name)) for name in ("rows_good", "rows_bad"))
    if good is None or bad is None:
        return None
    return _base(event, "write", passed=good, failed=bad)


def _facet(event: Evidence, dataset: str) -> Piece | None:
    """Return the run's summary, else what the output's statistics say was written."""
    run = event.payload["openlineage"].get("run")
    facets = run.get("facets") if isinstance(run, dict) else None
    facets = facets if isinstance(facets, dict) else {}
    for name, inner in (
        ("observability_evidence", "summary"),
        ("observability", "evidence_summary"),
    ):
        facet = facets.get(name)
        found = facet.get(inner) if isinstance(facet, dict) else None
        if isinstance(found, dict):
            total, bad = (count(found.get(f"records_{n}")) for n in ("processed", "failed"))
            if total is not None and bad is not None and bad <= total:
                return _summary(event, found, total, bad)
    for name, output in outputs(event):
        if urn.without_stage(name) == dataset:
            rows, _ = statistics_of(event, output)
            if rows is not None:
                return _base(event, "output", passed=rows)
    return None


def _summary(event: Evidence, found: dict[str, Any], total: int, bad: int) -> Piece:
    listed = found.get("failure_signatures")
    signatures, first = {}, {}
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict):
            continue
        text = _text(each.get("reason_code") or each.get("reason"))
        number = count(each.get("count"))
        if text and number:
            signatures[text] = number
            if each.get("first_seen"):
                first[text] = _text(each["first_seen"])
    return _base(
        event, "facet", passed=total - bad, failed=bad, signatures=signatures, first_seen=first
    )


def _counts(value: Any) -> dict[str, int]:
    found = value.items() if isinstance(value, dict) else ()
    return one_null({str(text): number for text, number in found if count(number)})


def one_null(counts: dict[str, int]) -> dict[str, int]:
    """Return signatures with the nulls of a missing field counted as the missing field."""
    found = dict(counts)
    for text in counts:
        lost = text.replace("NULL_VIOLATION:", "MISSING_FIELD:", 1)
        if lost != text and lost in found:
            found[lost] = max(found[lost], found.pop(text))
    return found


def count(value: Any) -> int | None:
    """Return a count, None for what is none."""
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str:
    return _NAMES.get(_text(value), _text(value))
