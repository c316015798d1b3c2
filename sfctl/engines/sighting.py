"""What one event shows the drift engine: failing and warning signatures, and what passed.

Only gates that PASS, WARN or FAIL count; findings of personal data are no failures.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sfctl.engines.judgement import count, gate_results, one_null, piece_of, stage_of
from sfctl.engines.openlineage import outputs
from sfctl.model import urn
from sfctl.model.evidence import Evidence

SCHEMA = "SCHEMA_BREAK"
"""The signature of a schema gate that failed and names none."""
_UNCOUNTED = ("PII_DETECTED", "KILL_SWITCH", "REGISTRY_STALE", "REGISTRY_MIGRATION")


class Sight(NamedTuple):
    """What an event shows of one dataset. `failing` and `warning` map signatures to counts."""

    stage: str
    failing: dict[str, int]
    warning: dict[str, int]
    passed: bool
    schema_failed: bool
    schema_passed: bool
    schema_codes: tuple[str, ...]
    """The signatures that the schema gate itself gave."""
    changes: tuple[dict[str, Any], ...]
    mode: str
    first_seen: dict[str, str]
    expected: dict[str, tuple[str, ...]]
    upstream: tuple[str, ...]


def sight_of(event: Evidence, dataset: str) -> Sight | None:
    """Return what an event shows of a dataset, None for nothing."""
    if event.kind == "OpenLineage":
        return _summary(event, dataset)
    if event.kind not in ("GATE", "COUNTERS"):
        return None
    results = gate_results(event)
    whole = "FAIL" if "FAIL" in results.values() else event.result
    if event.kind == "COUNTERS":
        counts = event.payload.get("counts")
        counts = counts if isinstance(counts, dict) else {}
        whole = "FAIL" if count(counts.get("fail")) else "PASS"
    if whole not in ("PASS", "WARN", "FAIL"):
        return None
    texts = _texts(event)
    failing, warning = _by_severity(event, texts, whole)
    broken = results.get("G3_SCHEMA") == "FAIL"
    details = _details(event, "G3_SCHEMA")
    if broken and not failing:
        failing = {SCHEMA: 1}
    listed = details.get("changes")
    return Sight(
        stage_of(event),
        failing,
        warning,
        passed=whole in ("PASS", "WARN"),
        schema_failed=broken,
        schema_passed=results.get("G3_SCHEMA") in ("PASS", "WARN"),
        schema_codes=tuple(failing) if broken and _only_schema(event) else _codes_of(event),
        changes=tuple(each for each in listed if isinstance(each, dict))
        if broken and isinstance(listed, list)
        else (),
        mode=str(details.get("mode") or ""),
        first_seen={},
        expected=_expected(event),
        upstream=_upstream(event),
    )


def _summary(event: Evidence, dataset: str) -> Sight | None:
    if dataset not in {urn.without_stage(name) for name, _ in outputs(event)}:
        return None
    piece = piece_of(event, dataset, "DQ")
    if piece is None or piece.told != "facet":
        return None
    return Sight(
        piece.stage, piece.signatures, {}, not piece.failed, False, False, (), (), "",
        piece.first_seen, {}, _upstream(event),
    )  # fmt: skip


def _texts(event: Evidence) -> dict[str, int]:
    found = dict.fromkeys(event.reason_codes, 1)
    found |= {str(each["reason_code"]): 1 for each in event.gates if each.get("reason_code")}
    told = event.payload.get("signatures")
    for text, number in told.items() if isinstance(told, dict) else ():
        found[str(text)] = count(number) or 1
    return one_null({t: n for t, n in found.items() if t.partition(":")[0] not in _UNCOUNTED})


def _by_severity(
    event: Evidence, texts: dict[str, int], whole: str
) -> tuple[dict[str, int], dict[str, int]]:
    """Tell what failed from what warned or stayed within its threshold, where rules are listed."""
    if whole != "FAIL":
        return {}, texts
    soft: set[str] = set()
    rules = event.payload.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict) and rule.get("status") in ("warn", "pass"):
            found = rule.get("signatures")
            soft |= {str(rule.get("signature"))} | set(found if isinstance(found, dict) else ())
    soft |= {str(g["reason_code"]) for g in event.gates
             if g.get("reason_code") and g.get("result") == "WARN"}  # fmt: skip
    hard = {t: n for t, n in texts.items() if t not in soft}
    return hard, {t: n for t, n in texts.items() if t in soft}


def _only_schema(event: Evidence) -> bool:
    return {name for name, result in gate_results(event).items() if result == "FAIL"} == {
        "G3_SCHEMA"
    }


def _codes_of(event: Evidence) -> tuple[str, ...]:
    return tuple(
        str(each["reason_code"])
        for each in event.gates
        if each.get("gate") == "G3_SCHEMA" and each.get("reason_code")
        and each.get("result") == "FAIL"
    )  # fmt: skip


def _details(event: Evidence, gate: str) -> dict[str, Any]:
    for each in event.gates:
        if each.get("gate") == gate and isinstance(each.get("details"), dict):
            return dict(each["details"])
    return {}


def _expected(event: Evidence) -> dict[str, tuple[str, ...]]:
    """Return the accepted values by field, where a violated rule tells them."""
    found: dict[str, tuple[str, ...]] = {}
    for each in event.gates:
        details = each.get("details")
        rule = details.get("violated_rule") if isinstance(details, dict) else None
        values = rule.get("expected") if isinstance(rule, dict) else None
        if isinstance(rule, dict) and rule.get("field") and isinstance(values, list):
            found[str(rule["field"])] = tuple(map(str, values[:50]))
    return found


def _upstream(event: Evidence) -> tuple[str, ...]:
    told = event.lineage.get("upstream_dataset")
    listed = event.lineage.get("upstream_urns")
    names = [told, *(listed if isinstance(listed, list) else ())]
    found = [name for name in names if isinstance(name, str) and name]
    return tuple(
        dict.fromkeys(urn.canonical(name) if urn.is_dataset(name) else name for name in found)
    )
