"""From counts to the one outcome of each declared rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from sfctl.model.policy import Batch, Policy, RowCheck, Rule, Threshold, Unique
from sfctl.model.verdict import RuleResult, Status, Totals
from sfctl.runtime import measured
from sfctl.runtime.core.scanned import Scanned
from sfctl.runtime.faults import DataError, Unjudged
from sfctl.runtime.tally import RowTally

TOLD_VALUES = 10
"""Failing values named per rule; the others are counted under `*`."""
_TELLABLE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
NO_ROWS = "no rows"


def tellable_columns(policy: Policy) -> frozenset[str]:
    """Return the columns whose failing values may be named: those that are not flagged PII."""
    flagged = {column.name for column in policy.schema.columns if column.pii}
    for detection in policy.pii:
        flagged.update(detection.columns)
    named = {rule.detail_field for rule in policy.rules if rule.detail_field}
    if any(not detection.columns for detection in policy.pii):
        return frozenset()
    return frozenset(name for name in named if flagged.isdisjoint(_prefixes(name)))


def _prefixes(name: str) -> Iterator[str]:
    """Yield a name and every column it may lie inside of: what is inside is as personal."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def outcome(rule: Rule, state: Scanned, fault: Exception | None, now: datetime) -> RuleResult:
    """Return what came of a rule. `fault` is what kept it from being evaluated."""
    if fault is not None:
        return _errored(rule, state, fault)
    if isinstance(rule.check, Batch):
        return _batch(rule, rule.check, state, now)
    if state.rows == 0:
        return _result(rule, "skipped", 0, 0, reason=NO_ROWS)
    if isinstance(rule.check, Unique):
        seen = state.uniques[rule.id]
        return _row_result(
            rule, state, RowTally(seen.evaluated, seen.failed, seen.errors), surplus=seen.surplus
        )
    tally = state.tallies[rule.id]
    if isinstance(rule.check, RowCheck) and tally.errors == tally.evaluated > 1:
        text = "not a single row could be evaluated"
        return _result(
            rule, "error", tally.failed, tally.evaluated, reason=text, data_error=True,
            signatures=_signatures(rule, tally), sampled=state.sampled,
        )  # fmt: skip
    return _row_result(rule, state, tally)


def skipped(rule: Rule, reason: str) -> RuleResult:
    """Return the outcome of a rule that was not evaluated on purpose."""
    return _result(rule, "skipped", 0, 0, reason=reason)


def mirrored(rule: Rule, of: RuleResult) -> RuleResult:
    """Return the outcome of a rule that another one subsumes: its status, nothing counted."""
    return _result(
        rule, of.status, 0, of.evaluated, reason=f"subsumed by {of.id}", subsumed_by=of.id,
        data_error=of.data_error, sampled=of.sampled,
    )  # fmt: skip


def totals(results: Sequence[RuleResult]) -> Totals:
    """Count the outcomes; they add up to what was declared."""
    count = dict.fromkeys(("pass", "fail", "warn", "skipped", "error"), 0)
    for result in results:
        count[result.status] += 1
    return Totals(
        len(results), count["pass"], count["fail"], count["warn"], count["skipped"], count["error"]
    )


def exceeds(threshold: Threshold, failed: int, evaluated: int) -> bool:
    """Tell whether more fail than a threshold tolerates."""
    if threshold.share is None:
        return failed > threshold.count
    return failed > Fraction(threshold.share) * evaluated


def _errored(rule: Rule, state: Scanned, fault: Exception) -> RuleResult:
    if isinstance(fault, DataError):
        rows = state.seen if rule.is_row_rule else 1
        return _result(
            rule, "error", rows, rows, reason=str(fault), data_error=True,
            signatures={rule.signature: rows} if rows else {}, sampled=state.sampled,
        )  # fmt: skip
    told = str(fault) if isinstance(fault, Unjudged) else f"{type(fault).__name__} inside sfctl"
    return _result(rule, "error", 0, 0, reason=told)


def _batch(rule: Rule, check: Batch, state: Scanned, now: datetime) -> RuleResult:
    found = state.measured.get(rule.id, measured.Measured())
    if state.rows == 0 and check.measure != "row_count":
        return _result(rule, "skipped", 0, 0, reason=NO_ROWS)
    try:
        value = measured.number(check, found, now)
        if value is None:
            return _result(rule, "skipped", 0, 0, reason="no values")
        good = measured.within_bounds(check, value)
    except DataError as fault:
        return _errored(rule, state, fault)
    status: Status = "pass" if good else "warn" if rule.severity == "warn" else "fail"
    return _result(
        rule, status, 0 if good else 1, 1, signatures={} if good else {rule.signature: 1},
        measured=measured.text_of(value), sampled=state.sampled,
    )  # fmt: skip


def _row_result(
    rule: Rule, state: Scanned, tally: RowTally, surplus: int | None = None
) -> RuleResult:
    over = exceeds(rule.threshold, tally.failed, tally.evaluated)
    status: Status = "pass" if not over else "warn" if rule.severity == "warn" else "fail"
    return _result(
        rule, status, tally.failed, tally.evaluated, signatures=_signatures(rule, tally),
        surplus=surplus, sampled=state.sampled,
    )  # fmt: skip


def _signatures(rule: Rule, tally: RowTally) -> dict[str, int]:
    found: dict[str, int] = {}
    violations = tally.failed - tally.errors
    if tally.errors:
        found[f"EVAL_ERROR:{rule.id}"] = tally.errors
    if not violations:
        return found
    if not rule.detail_field:
        return {rule.signature: violations, **found}
    told = _told(tally.values)
    for value, count in told.items():
        found[f"{rule.signature}:{value}"] = count
    rest = violations - sum(told.values())
    if rest > 0:
        found[f"{rule.signature}:*"] = rest
    return found


def _told(values: Mapping[str, int]) -> dict[str, int]:
    fit = [(value, count) for value, count in values.items() if _TELLABLE.fullmatch(value)]
    return dict(sorted(fit, key=lambda item: (-item[1], item[0]))[:TOLD_VALUES])


def threshold_text(threshold: Threshold) -> str:
    """Return a threshold as people write it: `0`, `12`, `5%`."""
    if threshold.share is None:
        return str(threshold.count)
    return f"{measured.text_of(Fraction(threshold.share) * 100)}%"


def _result(rule: Rule, status: Status, failed: int, evaluated: int, **more: Any) -> RuleResult:
    return RuleResult(
        rule.id, rule.kind, rule.gate, status, failed, evaluated, rule.signature, rule.fields,
        rule.severity, threshold_text(rule.threshold), **more,
    )  # fmt: skip
