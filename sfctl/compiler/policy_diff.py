"""What differs between two compiled policies, rule by rule, and whether it demands more or less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

import msgspec

from sfctl.compiler.domain import Domain
from sfctl.compiler.printer import to_text
from sfctl.compiler.region import conjuncts
from sfctl.model import codec
from sfctl.model.expr import Between, Compare, Expr, Logic, Within
from sfctl.model.policy import (
    Batch,
    Check,
    ColumnSpec,
    Custom,
    Detection,
    ForeignKey,
    Policy,
    RowCheck,
    Rule,
    Threshold,
    Unique,
)

Effect = Literal["added", "removed", "tightened", "loosened", "changed"]
_ORDERS: dict[str, tuple[str, ...]] = {
    "mode": ("breaking", "compatible", "strict"),
    "contract": ("none", "lite", "full"),
    "level": ("G0", "G1", "G2", "G3"),
    "action": ("none", "mask", "tokenize", "redact"),
    "severity": ("warn", "error"),
}
"""Words of a setting, the weakest first."""


class Change(msgspec.Struct, frozen=True):
    """One difference. `part` is rule, column, pii, schema, enforcement or policy."""

    part: str
    name: str
    effect: Effect
    what: str
    before: str = ""
    after: str = ""

    @property
    def line(self) -> str:
        """The change as people read it, without its effect."""
        words = [self.part, self.name, *([self.what] if self.what else [])]
        sides = [side for side in (self.before, self.after) if side]
        return " ".join(words) + (f": {' → '.join(sides)}" if sides else "")


def differences(before: Policy | None, after: Policy) -> tuple[Change, ...]:
    """Return every difference in the order of the new policy; what is gone comes last.

    Without a policy before, its rules, columns and detections are added.
    """
    old = before or Policy(after.dataset_urn, after.name)
    found = [*_rules(old.rules, after.rules)]
    found += _columns(old.schema.columns, after.schema.columns)
    found += _detections(old.pii, after.pii)
    return (*found, *(_settings(old, after) if before else ()))


def _rules(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[Change]:
    left = {rule.id: rule for rule in before}
    pairs: dict[str, Rule] = {r.id: left.pop(r.id) for r in after if r.id in left}
    for rule in after:
        if rule.id not in pairs:
            same = [r for r in left.values() if (r.kind, r.fields) == (rule.kind, rule.fields)]
            if len(same) == 1:
                pairs[rule.id] = left.pop(same[0].id)
    for rule in after:
        old = pairs.get(rule.id)
        if old is None:
            yield Change("rule", rule.id, "added", "", "", _spoken(rule))
        else:
            yield from _changed(old, rule)
    for rule in left.values():
        yield Change("rule", rule.id, "removed", "", _spoken(rule))


def _changed(old: Rule, new: Rule) -> Iterator[Change]:
    name = new.id
    if old.check != new.check:
        effect = _of_check(old.check, new.check)
        yield Change("rule", name, effect, "", _of(old.check), _of(new.check))
    if old.where != new.where:
        shown = [
            to_text(each) if each is not None else "all rows" for each in (old.where, new.where)
        ]
        effect = (
            "tightened" if new.where is None else "loosened" if old.where is None else "changed"
        )
        yield Change("rule", name, effect, "where", *shown)
    if old.threshold != new.threshold:
        effect = _of_threshold(old.threshold, new.threshold)
        shown = [_tolerated(old.threshold), _tolerated(new.threshold)]
        yield Change("rule", name, effect, "threshold", *shown)
    if old.severity != new.severity:
        effect = _ordered("severity", old.severity, new.severity)
        yield Change("rule", name, effect, "severity", old.severity, new.severity)
    if old.gate != new.gate:
        yield Change("rule", name, "changed", "gate", old.gate, new.gate)


def _of_check(old: Check, new: Check) -> Effect:
    if isinstance(old, RowCheck) and isinstance(new, RowCheck):
        return _of_condition(old.expr, new.expr)
    if isinstance(old, Batch) and isinstance(new, Batch):
        bare = [msgspec.structs.replace(b, minimum=None, maximum=None,
                exclusive_minimum=False, exclusive_maximum=False) for b in (old, new)]  # fmt: skip
        return _of_domains(_bounds(old), _bounds(new)) if bare[0] == bare[1] else "changed"
    if isinstance(old, Unique) and isinstance(new, Unique) and old.fields == new.fields:
        stricter = (new.nulls == "equal", new.scope == "table")
        looser = (old.nulls == "equal", old.scope == "table")
        pairs = list(zip(stricter, looser, strict=True))
        if all(n >= o for n, o in pairs):
            return "tightened"
        return "loosened" if all(n <= o for n, o in pairs) else "changed"
    return "changed"


def _of_condition(old: Expr, new: Expr) -> Effect:
    try:
        before, after = conjuncts(old), conjuncts(new)
    except (TypeError, ValueError, ArithmeticError):
        return "changed"
    if not (_simple(old) and _simple(new)) or len(before) != 1 or before.keys() != after.keys():
        return "changed"
    (one,), (other,) = before.values(), after.values()
    return _of_domains(one, other)


def _simple(expr: Expr) -> bool:
    """Tell whether domains say all that a condition says."""
    if isinstance(expr, Logic) and expr.operator == "and":
        return all(_simple(each) for each in expr.operands)
    return isinstance(expr, Compare | Between | Within)


def _of_domains(old: Domain, new: Domain) -> Effect:
    if old.accepted is not None and new.accepted is not None:
        if new.accepted < old.accepted:
            return "tightened"
        return "loosened" if new.accepted > old.accepted else "changed"
    if old.refused != new.refused and old.refused and new.refused:
        if new.refused > old.refused:
            return "tightened"
        return "loosened" if new.refused < old.refused else "changed"
    try:
        if _inside(new, old):
            return "tightened"
        return "loosened" if _inside(old, new) else "changed"
    except TypeError:
        return "changed"


def _inside(inner: Domain, outer: Domain) -> bool:
    """Tell whether every value of one domain lies in another. Raises TypeError."""
    return outer.covers(inner)


def _bounds(batch: Batch) -> Domain:
    return Domain(
        None if batch.minimum is None else Fraction(batch.minimum),
        None if batch.maximum is None else Fraction(batch.maximum),
        batch.exclusive_minimum,
        batch.exclusive_maximum,
    )


def _of_threshold(old: Threshold, new: Threshold) -> Effect:
    zero = Threshold()
    if zero in (old, new):
        return "tightened" if new == zero else "loosened"
    if old.share is None and new.share is None:
        return "tightened" if new.count < old.count else "loosened"
    if old.share is not None and new.share is not None:
        return "tightened" if Fraction(new.share) < Fraction(old.share) else "loosened"
    return "changed"


def _columns(before: Sequence[ColumnSpec], after: Sequence[ColumnSpec]) -> Iterator[Change]:
    left = {column.name: column for column in before}
    for column in after:
        old = left.pop(column.name, None)
        if old is None:
            yield Change("column", column.name, "added", "", "", str(column.type))
            continue
        if old.type != column.type:
            widens = column.type.widens(old.type)
            effect: Effect = "loosened" if widens else "changed"
            if not widens and old.type.widens(column.type):
                effect = "tightened"
            yield Change("column", column.name, effect, "type", str(old.type), str(column.type))
        for what, was, now in (
            ("may be null", old.nullable is not False, column.nullable is not False),
            ("may be absent", not old.required, not column.required),
        ):
            if was != now:
                effect = "loosened" if now else "tightened"
                yield Change("column", column.name, effect, what, _yes(was), _yes(now))
    for column in left.values():
        yield Change("column", column.name, "removed", "", str(column.type))


def _detections(before: Sequence[Detection], after: Sequence[Detection]) -> Iterator[Change]:
    left = list(before)
    for detection in after:
        if detection in left:
            left.remove(detection)
            continue
        same = [d for d in left if d.kind == detection.kind]
        old = next((d for d in same if d.columns == detection.columns), same[0] if same else None)
        if old is None:
            yield Change("pii", detection.kind, "added", "", "", _covers(detection))
            continue
        left.remove(old)
        effect = _ordered("action", old.action, detection.action)
        if old.columns != detection.columns:
            wider = not detection.columns or (
                bool(old.columns) and set(detection.columns) > set(old.columns)
            )
            scope: Effect = "tightened" if wider else "loosened"
            effect = scope if effect in (scope, "changed") else "changed"
        shown = (_covers(old), _covers(detection))
        yield Change("pii", detection.kind, effect, "", *shown)
    for detection in left:
        yield Change("pii", detection.kind, "removed", "", _covers(detection))


def _settings(old: Policy, new: Policy) -> Iterator[Change]:
    for part, name, was, now in (
        ("schema", "mode", old.schema.mode, new.schema.mode),
        ("policy", "contract", old.contract, new.contract),
        ("enforcement", "level", old.enforcement.level, new.enforcement.level),
    ):
        if was != now:
            yield Change(part, name, _ordered(name, was, now), "", was, now)
    shares = [p.enforcement.max_quarantine_share for p in (old, new)]
    if Fraction(shares[0]) != Fraction(shares[1]):
        lower = Fraction(shares[1]) < Fraction(shares[0])
        effect: Effect = "tightened" if lower else "loosened"
        yield Change("enforcement", "max_quarantine_share", effect, "", *shares)
    stages = [codec.canonical(p.enforcement.stage_shares).decode() for p in (old, new)]
    others: list[tuple[str, Any, Any]] = [("stage_shares", stages[0], stages[1])]
    for name in ("version", "tier", "owner", "primary_key", "allow_empty", "on_stale"):
        others.append((name, getattr(old, name), getattr(new, name)))
    for name in ("gate_timeout_ms", "sampling_rate", "memory_mb"):
        others.append((name, getattr(old.performance, name), getattr(new.performance, name)))
    known = old.schema.baseline != new.schema.baseline
    if known:
        others.append(("baseline", old.schema.fingerprint, new.schema.fingerprint))
    for name, was, now in others:
        if was != now:
            yield Change("policy", name, "changed", "", _text(was), _text(now))


def _ordered(name: str, old: str, new: str) -> Effect:
    order = _ORDERS[name]
    if old == new or old not in order or new not in order:
        return "changed"
    return "tightened" if order.index(new) > order.index(old) else "loosened"


def _spoken(rule: Rule) -> str:
    parts = [_of(rule.check)]
    if rule.threshold != Threshold():
        parts.append(f"threshold {_tolerated(rule.threshold)}")
    if rule.severity != "error":
        parts.append(rule.severity)
    return ", ".join(parts)


def _of(check: Check) -> str:
    match check:
        case RowCheck(expr=expr):
            return to_text(expr)
        case Unique(fields=fields, nulls=nulls, scope=scope):
            return f"unique({', '.join(fields) or 'whole row'}) nulls {nulls}, in the {scope}"
        case ForeignKey(fields=fields, dataset=dataset, references=references):
            return f"({', '.join(fields)}) in {dataset}({', '.join(references)})"
        case Custom(function=function, digest=digest):
            return f"{function} {digest[:19]}"
        case Batch():
            unit = " s" if check.measure == "freshness" else ""
            low = f"{check.minimum}{unit} {'<' if check.exclusive_minimum else '<='} "
            high = f" {'<' if check.exclusive_maximum else '<='} {check.maximum}{unit}"
            measured = f"{check.measure}({check.field})" if check.field else check.measure
            left = low if check.minimum is not None else ""
            return f"{left}{measured}{high if check.maximum is not None else ''}"


def _tolerated(threshold: Threshold) -> str:
    if threshold.share is None:
        return str(threshold.count)
    return f"{float(Fraction(threshold.share) * 100):g}%"


def _covers(detection: Detection) -> str:
    return f"{detection.action} in {', '.join(detection.columns) or 'every text column'}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return _yes(value) if isinstance(value, bool) else str(value) or "none"
