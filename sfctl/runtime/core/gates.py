"""From rule outcomes to gate results, and from gate results to one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from sfctl.model.policy import Gate
from sfctl.model.verdict import (
    NOTHING_DECLARED,
    GateResult,
    Judgement,
    PiiFinding,
    Result,
    RuleResult,
)
from sfctl.runtime.core.results import NO_ROWS

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


def by_gate(results: Mapping[Gate, GateResult], order: Sequence[Gate]) -> tuple[GateResult, ...]:
    """Return the results in the order of the stage's gates."""
    return tuple(results[gate] for gate in order)
