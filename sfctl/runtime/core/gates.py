"""From rule outcomes to gate results, and from gate results to one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from sfctl.model.policy import Gate, SchemaPolicy
from sfctl.model.schema import Schema
from sfctl.model.schema_change import MOST_CHANGES, changes
from sfctl.model.schema_drift import Drift, compare
from sfctl.model.verdict import (
    NOTHING_DECLARED,
    GateResult,
    Judgement,
    PiiFinding,
    Result,
    RuleResult,
)
from sfctl.runtime.core.results import NO_ROWS
from sfctl.runtime.core.schema_of import of_specs

MOST_SIGNATURES = 100
_ORDER: tuple[Result, ...] = ("FAIL", "ERROR", "WARN", "SKIP", "PASS")
HINT_UNREGISTERED = "declare it in datasets/<name>/dataset.yaml and run `sfctl register`"


def resolution(registered: bool | None) -> GateResult:
    """Return G1: whether the dataset is a registered one; None where nobody can tell."""
    if registered is None:
        return GateResult("G1_RESOLUTION", "SKIP", details={"reason": "no registry"})
    if registered:
        return GateResult("G1_RESOLUTION", "PASS")
    return GateResult(
        "G1_RESOLUTION", "FAIL", reason_codes=("UNREGISTERED",),
        details={"hint": HINT_UNREGISTERED},
    )  # fmt: skip


def identity(confidence: str | None) -> GateResult:
    """Return G2: how sure the producer is known: HIGH, MEDIUM, LOW, NONE; None if not asked."""
    if confidence is None:
        return GateResult("G2_IDENTITY", "SKIP", details={"reason": "no run context"})
    result: Result = "WARN" if confidence == "NONE" else "PASS"
    codes = ("UNKNOWN_PRODUCER",) if result == "WARN" else ()
    return GateResult("G2_IDENTITY", result, reason_codes=codes, details={"confidence": confidence})


def rules_gate(
    gate: Gate, rules: Sequence[RuleResult], *, rows: int, seen: int, failed: int, known: bool
) -> GateResult:
    """Return the result of a gate made of rules.

    `rows` are all rows, `seen` those judged, `failed` the distinct ones that fail an
    error-severity row rule of this gate. `known` says whether any of them were evaluated.
    """
    own = [rule for rule in rules if rule.gate == gate]
    if not own:
        return undeclared(gate)
    signatures = _signatures(own)
    ours = [rule for rule in own if rule.status == "error" and not rule.data_error]
    return GateResult(
        gate,
        _result(own),
        evaluated=seen if known else 0,
        failed=failed,
        compliance=(seen - failed) / seen if known and seen else None,
        reason_codes=tuple(_signatures([rule for rule in own if rule.status != "pass"])),
        signatures=signatures,
        details={"reason": NO_ROWS} if rows == 0 else {},
        sampled=any(rule.sampled for rule in own),
        degraded="; ".join(f"{rule.id}: {rule.reason}" for rule in ours),
    )


def schema_gate(
    rules: GateResult, policy: SchemaPolicy, actual: Schema
) -> tuple[GateResult, tuple[Drift, ...]]:
    """Return G3, the comparison of schemas laid over the result of its row rules."""
    if rules.undeclared:
        if not (policy.columns or policy.baseline):
            return rules, ()
        rules = GateResult("G3_SCHEMA", "SKIP")
    drift = drift_of(policy, actual)
    required = {column.name for column in policy.columns if column.required}
    declared = {column.name for column in policy.columns if column.type.kind != "ANY"}
    result: Result = "PASS"
    codes: dict[str, int] = {}
    counted = dict(rules.signatures)
    reasons = list(rules.reason_codes)
    for change in drift:
        if policy.mode != "breaking":
            tolerated = policy.mode == "compatible" and change.compatible
            result = worst([result, "WARN" if tolerated else "FAIL"])
        code = signature_of(change, required, declared)
        codes[code] = 1
        if change.kind == "removed":
            # what is not there cannot also be null: one loss, one signature
            null = f"NULL_VIOLATION:{change.field}"
            codes[code] = max(1, counted.pop(null, 0))
            reasons = [reason for reason in reasons if reason != null]
    rows = 0 if rules.result == "SKIP" else 1
    return (
        GateResult(
            "G3_SCHEMA",
            result if rules.result == "SKIP" else worst([result, rules.result]),
            evaluated=rules.evaluated * rows,
            failed=rules.failed,
            compliance=rules.compliance,
            reason_codes=tuple(dict.fromkeys((*codes, *reasons))),
            signatures={**codes, **counted},
            details={
                **rules.details,
                "mode": policy.mode,
                "compared_with": "baseline" if policy.baseline is not None else "declared columns",
                "drift": [f"{d.kind} {d.field}" for d in drift],
                **_changes(policy, actual),
            },
            sampled=rules.sampled,
            degraded=rules.degraded,
        ),
        drift,
    )


def drift_of(policy: SchemaPolicy, actual: Schema) -> tuple[Drift, ...]:
    """Return how rows differ from the baseline, or from what is declared where there is none."""
    if policy.baseline is not None:
        expected = of_specs(policy.baseline)
        return compare(expected, actual.with_nullability_of(expected))
    expected = of_specs(policy.columns)
    declared = Schema(tuple(c for c in actual.columns if c.name in expected))
    found = compare(expected, declared.with_nullability_of(expected), positions=False)
    if policy.mode == "strict":
        return found
    # a column narrower than declared holds nothing that the declaration forbids
    return tuple(d for d in found if not (d.kind == "changed" and _fits(expected, actual, d)))


def _changes(policy: SchemaPolicy, actual: Schema) -> dict[str, object]:
    """Every change, those included that the declared columns and the mode have nothing against."""
    based = policy.baseline is not None
    expected = of_specs(policy.columns if policy.baseline is None else policy.baseline)
    listed = changes(expected, actual, positions=based) if expected.columns else ()
    found = [change.as_json() for change in listed]
    more = {"changes_omitted": len(found) - MOST_CHANGES} if len(found) > MOST_CHANGES else {}
    return {"changes": found[:MOST_CHANGES], **more}


def signature_of(drift: Drift, required: Iterable[str], declared: Iterable[str]) -> str:
    """Return the reason code of a change: of a required, a declared, or any other column."""
    if drift.kind == "removed" and drift.field in required:
        return f"MISSING_FIELD:{drift.field}"
    if drift.kind in ("changed", "widened") and drift.field in declared:
        return f"TYPE_MISMATCH:{drift.field}:{drift.before}→{drift.after}"
    return drift.signature


def pii_gate(findings: Sequence[PiiFinding], rows: int, *, unable: str = "") -> GateResult:
    """Return G5: what was found per column and kind, and what is done about it."""
    acted = [finding for finding in findings if not finding.advised]
    details: dict[str, object] = {
        "findings": [
            {"column": f.column, "kind": f.kind, "action": f.action, "matches": f.matches}
            for f in acted
        ],
        "advised": [{"column": f.column, "kind": f.kind} for f in findings if f.advised],
    }
    signatures = {f"PII_DETECTED:{f.column}:{f.kind}": f.matches for f in acted}
    return GateResult(
        "G5_PII",
        "ERROR" if unable else "PASS",
        evaluated=rows,
        reason_codes=tuple(signatures),
        signatures=signatures,
        details=details,
        degraded=unable,
    )


def undeclared(gate: Gate) -> GateResult:
    """Return the result of a gate for which the policy declares nothing."""
    return GateResult(gate, "SKIP", details={"reason": NOTHING_DECLARED})


def off(gate: Gate) -> GateResult:
    """Return the result of a gate that a kill switch holds off."""
    return GateResult(
        gate, "SKIP", reason_codes=("KILL_SWITCH",), details={"reason": "KILL_SWITCH"}
    )


def with_cells(judgement: Judgement, cells: Sequence[tuple[int, str]]) -> Judgement:
    """Say in the first gate made of rules which cells of a text could not be read."""
    told = [{"row": row, "field": name} for row, name in sorted(cells)]
    first = next(g.gate for g in judgement.gates if g.gate in ("G3_SCHEMA", "G4_CONTRACT"))
    changed = tuple(
        replace(g, details={**g.details, "cells": told}) if g.gate == first else g
        for g in judgement.gates
    )
    return replace(judgement, gates=changed)


def verdict(results: Iterable[GateResult]) -> Result:
    """Return the verdict of a batch; gates with nothing declared have no say in it."""
    return worst(gate.result for gate in results if not gate.undeclared)


def worst(results: Iterable[Result]) -> Result:
    """Return the result that decides: FAIL, ERROR, WARN, SKIP, PASS, in this order."""
    found = set(results)
    return next((result for result in _ORDER if result in found), "PASS")


def _result(rules: Sequence[RuleResult]) -> Result:
    if any(
        rule.severity == "error" and (rule.status == "fail" or _data_error(rule)) for rule in rules
    ):
        return "FAIL"
    if any(rule.status == "error" and not rule.data_error for rule in rules):
        return "ERROR"
    if any(rule.status == "warn" or _data_error(rule) for rule in rules):
        return "WARN"
    return "SKIP" if any(rule.status == "skipped" for rule in rules) else "PASS"


def _data_error(rule: RuleResult) -> bool:
    return rule.status == "error" and rule.data_error


def _signatures(rules: Sequence[RuleResult]) -> dict[str, int]:
    total: dict[str, int] = {}
    for rule in rules:
        for signature, count in rule.signatures.items():
            total[signature] = total.get(signature, 0) + count
    ordered = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:MOST_SIGNATURES])


def _fits(expected: Schema, actual: Schema, drift: Drift) -> bool:
    one, other = expected.get(drift.field), actual.get(drift.field)
    return one is not None and other is not None and one.type.widens(other.type)


def by_gate(results: Mapping[Gate, GateResult], order: Sequence[Gate]) -> tuple[GateResult, ...]:
    """Return the results in the order of the stage's gates."""
    return tuple(results[gate] for gate in order)
