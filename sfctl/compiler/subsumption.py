"""One null, one signature: of several rules that a column is filled, only the first is counted.

Precedence: required, then nullable: false, then not_null, then an expression that says the same.
"""

from __future__ import annotations

from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place, shown
from sfctl.model.expr import Field, IsNull
from sfctl.model.policy import RowCheck, Threshold


def subsume(drafts: list[Draft], findings: Findings) -> None:
    """Mark every rule that says again what a rule before it says, and hint at it."""
    first: dict[tuple[str, ...], Draft] = {}
    for draft in sorted(drafts, key=lambda d: (_precedence(d), d.threshold != Threshold())):
        path = _filled(draft)
        if path is None:
            continue
        stronger = first.setdefault(path, draft)
        if stronger is draft:
            continue
        if not _at_least(stronger, draft):
            continue
        draft.subsumed_by = stronger.id
        said = draft.kind in ("not_null", "expression") and draft.gate != "G3_SCHEMA"
        if said or draft.kind == stronger.kind:
            message = f"{shown('.'.join(path))} is already held to be filled by `{stronger.id}`"
            hint = f"it stands at {place(stronger.node)}; its nulls are counted there"
            findings.warning(draft.node, "SF224", message, hint)
    _repeated(drafts, findings)


def _at_least(stronger: Draft, draft: Draft) -> bool:
    """Tell whether one rule fails wherever the other does."""
    strict = stronger.threshold in (Threshold(), draft.threshold)
    return strict and stronger.where is None and stronger.severity <= draft.severity


def _filled(draft: Draft) -> tuple[str, ...] | None:
    """Return the path of the column that a rule demands to be filled, if that is all it does."""
    if not isinstance(draft.check, RowCheck):
        return None
    expr = draft.check.expr
    if isinstance(expr, IsNull) and expr.negated and isinstance(expr.operand, Field):
        return expr.operand.path
    return None


def _precedence(draft: Draft) -> int:
    if draft.kind == "required":
        return 0 if draft.severity == "error" else 4
    if draft.gate == "G3_SCHEMA":
        return 1
    return 2 if draft.kind == "not_null" else 3


def _repeated(drafts: list[Draft], findings: Findings) -> None:
    seen: dict[tuple[object, ...], Draft] = {}
    for draft in drafts:
        if draft.subsumed_by or _filled(draft) is not None:
            continue
        key = (draft.check, draft.where, draft.severity, draft.threshold)
        first = seen.setdefault(key, draft)
        if first is not draft:
            hint = f"the first stands at {place(first.node)}"
            message = f"this says the same as rule `{first.id}`"
            findings.warning(draft.node, "SF224", message, hint)
