"""G3: the columns of a batch against what is registered, profiled or declared."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.model.policy import SchemaPolicy
from sfctl.model.schema import Schema
from sfctl.model.schema_change import MOST_CHANGES, changes
from sfctl.model.schema_drift import Drift, breaks, compare
from sfctl.model.verdict import REGISTRY_STALE, GateResult, Result
from sfctl.runtime.core.gates import MOST_SIGNATURES, worst
from sfctl.runtime.core.schema_of import of_specs
from sfctl.runtime.core.standard import Standard

MIGRATION = "REGISTRY_MIGRATION"


def schema_gate(
    rules: GateResult, policy: SchemaPolicy, actual: Schema, standard: Standard
) -> tuple[GateResult, tuple[str, ...]]:
    """Return G3, the comparison of schemas laid over its row rules, and the reasons of drift.

    A registry that did not answer is a warning, and the last schema known is compared with. Rows
    of the same shape in another table format are a migration, which is told and warns of nothing.
    """
    expected = expected_by(policy, standard)
    if rules.undeclared:
        if not expected.columns:
            return rules, ()
        rules = GateResult("G3_SCHEMA", "SKIP")
    drift = drift_of(policy, actual, standard)
    result: Result = "PASS"
    if policy.mode != "breaking" and drift:
        result = "FAIL" if breaks(drift, policy.mode) else "WARN"
    codes, counted, reasons = _codes(rules, policy, drift)
    notes = []
    if standard.moved(actual.with_nullability_of(expected).shape()):
        notes.append(MIGRATION)
    if standard.stale:
        notes.append(REGISTRY_STALE)
        result = worst([result, "WARN"])
    rows = 0 if rules.result == "SKIP" else 1
    return (
        GateResult(
            "G3_SCHEMA",
            result if rules.result == "SKIP" else worst([result, rules.result]),
            evaluated=rules.evaluated * rows,
            failed=rules.failed,
            compliance=rules.compliance,
            reason_codes=tuple(dict.fromkeys((*codes, *reasons, *notes))),
            signatures={**codes, **counted},
            details={
                **rules.details,
                "mode": policy.mode,
                "compared_with": _name(policy, standard),
                "drift": [f"{d.kind} {d.field}" for d in drift[:MOST_CHANGES]],
                **_changes(expected, actual, positions=_ordered(policy, standard)),
                **_registry(standard, notes),
            },
            sampled=rules.sampled,
            degraded=rules.degraded,
        ),
        tuple(codes),
    )


def expected_by(policy: SchemaPolicy, standard: Standard) -> Schema:
    """Return the registered schema, else the baseline, else the declared columns."""
    if standard.schema is not None:
        return standard.schema
    return of_specs(policy.columns if policy.baseline is None else policy.baseline)


def drift_of(
    policy: SchemaPolicy, actual: Schema, standard: Standard | None = None
) -> tuple[Drift, ...]:
    """Return how rows differ from what is expected of them."""
    standard = standard or Standard()
    expected = expected_by(policy, standard)
    if _ordered(policy, standard):
        return compare(expected, actual.with_nullability_of(expected))
    declared = Schema(tuple(c for c in actual.columns if c.name in expected))
    found = compare(expected, declared.with_nullability_of(expected), positions=False)
    if policy.mode == "strict":
        return found
    # a column narrower than declared holds nothing that the declaration forbids
    return tuple(d for d in found if not (d.kind == "changed" and d.narrower))


def signature_of(drift: Drift, required: Iterable[str], declared: Iterable[str]) -> str:
    """Return the reason code of a change: of a required, a declared, or any other column."""
    if drift.kind == "removed" and drift.field in required:
        return f"MISSING_FIELD:{drift.field}"
    if drift.kind in ("changed", "widened") and drift.column in declared:
        return f"TYPE_MISMATCH:{drift.field}:{drift.before}→{drift.after}"
    return drift.signature


def _codes(
    rules: GateResult, policy: SchemaPolicy, drift: Iterable[Drift]
) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Return the counts of drift, those of rules, and the reasons of rules."""
    required = {column.name for column in policy.columns if column.required}
    declared = {column.name for column in policy.columns if column.type.kind != "ANY"}
    codes: dict[str, int] = {}
    counted = dict(rules.signatures)
    reasons = list(rules.reason_codes)
    for change in drift:
        code = signature_of(change, required, declared)
        if len(codes) == MOST_SIGNATURES and code not in codes:
            break
        codes[code] = 1
        if change.kind == "removed":
            # what is not there cannot also be null: one loss, one signature
            null = f"NULL_VIOLATION:{change.field}"
            codes[code] = max(1, counted.pop(null, 0))
            reasons = [reason for reason in reasons if reason != null]
    return codes, counted, reasons


def _ordered(policy: SchemaPolicy, standard: Standard) -> bool:
    """Whether all columns are known and their order means something: not so of a declaration."""
    return standard.schema is not None or policy.baseline is not None


def _name(policy: SchemaPolicy, standard: Standard) -> str:
    if standard.schema is not None:
        return standard.name
    return "baseline" if policy.baseline is not None else "declared columns"


def _changes(expected: Schema, actual: Schema, *, positions: bool) -> dict[str, object]:
    """Every change, those included that the declared columns and the mode have nothing against."""
    listed = changes(expected, actual, positions=positions) if expected.columns else ()
    found = [change.as_json() for change in listed[:MOST_CHANGES]]
    more = {"changes_omitted": len(listed) - len(found)} if len(listed) > len(found) else {}
    return {"changes": found, **more}


def _registry(standard: Standard, notes: list[str]) -> dict[str, object]:
    told: dict[str, object] = {}
    if MIGRATION in notes:
        before, now = standard.formats
        told["migration"] = {"from": before, "to": now}
    if standard.unapproved:
        told["unapproved_version"] = standard.unapproved
    if REGISTRY_STALE in notes:
        told["registry"] = {"reason": standard.stale, "as_of": standard.as_of or None}
    return told
