"""Rules that no value can satisfy, that every value satisfies, or that exclude each other."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.compiler.domain import Domain, Subject, domains, of_type
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place, shown
from sfctl.model.expr import Compare, Expr, Field, IsNull, Logic, fields_of
from sfctl.model.policy import RowCheck
from sfctl.model.types import DataType
from sfctl.spec.tree import Node


def check_rules(drafts: Iterable[Draft], types: dict[str, DataType], findings: Findings) -> None:
    """Report what can never pass (an error), never fail (a hint), and what contradicts."""
    together: dict[Subject, list[tuple[Draft, Domain]]] = {}
    filled: dict[Subject, Draft] = {}
    emptied: dict[Subject, Draft] = {}
    for draft in drafts:
        if not isinstance(draft.check, RowCheck):
            continue
        expr = draft.check.expr
        if _is_constant(draft, expr, findings):
            continue
        if isinstance(expr, IsNull) and isinstance(expr.operand, Field) and draft.unconditional:
            (filled if expr.negated else emptied).setdefault(expr.operand.path, draft)
        try:
            found = domains(expr)
        except TypeError:
            continue
        for subject, domain in found.items():
            kind = types.get(subject[0], DataType("ANY")) if len(subject) == 1 else DataType("ANY")
            if _against_type(draft, subject, domain, kind, findings) and draft.unconditional:
                together.setdefault(subject, []).append((draft, domain))
    for path in filled.keys() & emptied.keys():
        _contradict(emptied[path], filled[path], path, findings)
    for subject, pairs in together.items():
        _check_together(subject, pairs, findings)


def _is_constant(draft: Draft, expr: Expr, findings: Findings) -> bool:
    node = _expression(draft.node)
    if not fields_of(expr):
        message = "the expression reads no column, so it says the same of every row"
        findings.error(node, "SF221", message, "write a condition on a column")
        return True
    if isinstance(expr, Compare) and expr.left == expr.right:
        if expr.operator in ("!=", "<", ">"):
            message = "both sides are the same, so no row can pass"
            findings.error(node, "SF220", message, "compare with something else")
        else:
            message = "both sides are the same, so no row can fail"
            findings.warning(node, "SF221", message, "compare with something else")
        return True
    if isinstance(expr, Logic) and expr.operator == "or":
        tests = [e for e in expr.operands if isinstance(e, IsNull)]
        for test in tests:
            if any(o.operand == test.operand and o.negated != test.negated for o in tests):
                message = "a column is null or it is not, so no row can fail"
                findings.warning(node, "SF221", message, "remove one of the two tests")
                return True
    return False


def _against_type(
    draft: Draft, subject: Subject, domain: Domain, kind: DataType, findings: Findings
) -> bool:
    """Report a domain that is empty, or refuses nothing; tell whether it may be combined."""
    name = subject[-1]
    possible = of_type(kind, subject)
    try:
        alone, met = domain.empty, domain.meet(possible)
        never = alone or met.empty
    except TypeError:
        return False
    node = _bound(draft.node)
    if never:
        if alone and domain.accepted is None:
            message, hint = "the least is above the greatest, so no value can pass", "exchange them"
        elif alone:
            message, hint = "no value can pass", "look at the listed values"
        else:
            message = f"column {shown(name)} is {kind} and has no value that can pass"
            hint = "look at the bounds, or at the declared type"
        findings.error(node, "SF220", message, hint)
        return False
    if domain.covers(possible):
        what = "a length" if subject[0] == "length()" else f"column {shown(name)} of type {kind}"
        message = f"every value of {what} passes, so the rule judges nothing"
        findings.warning(node, "SF221", message, "tighten it, or remove it")
    return True


def _check_together(
    subject: Subject, pairs: list[tuple[Draft, Domain]], findings: Findings
) -> None:
    met: Domain | None = None
    for index, (draft, domain) in enumerate(pairs):
        if met is None:
            met = domain
            continue
        try:
            joined = met.meet(domain)
            empty = joined.empty
        except TypeError:
            return
        if empty:
            _contradict(draft, _culprit(pairs[:index], domain), subject, findings)
            return
        _shadowed(draft, domain, pairs[:index], findings)
        met = joined


def _culprit(earlier: list[tuple[Draft, Domain]], domain: Domain) -> Draft:
    """Return the rule that alone excludes `domain`, else the last before it."""
    return next((d for d, other in earlier if other.meet(domain).empty), earlier[-1][0])


def _shadowed(
    draft: Draft, domain: Domain, earlier: list[tuple[Draft, Domain]], findings: Findings
) -> None:
    """Hint at listed values that another rule refuses."""
    for other, before in earlier:
        for lister, listed, refuser, limits in (
            (draft, domain, other, before),
            (other, before, draft, domain),
        ):
            lost = sorted(str(v) for v in listed.accepted or () if not limits.has(v))
            if lost and limits.accepted is None:
                message = f"{shown(', '.join(lost))} is accepted, yet refused by `{refuser.id}`"
                hint = f"it stands at {place(refuser.node)}"
                findings.warning(lister.node, "SF222", message, hint)


def _contradict(draft: Draft, other: Draft, subject: Subject, findings: Findings) -> None:
    name = ".".join(part for part in subject if part != "length()")
    message = f"no value of column {shown(name)} satisfies both this and rule `{other.id}`"
    findings.error(draft.node, "SF222", message, f"it stands at {place(other.node)}")


def _expression(node: Node) -> Node:
    return node.get("expression") or node


def _bound(node: Node) -> Node:
    for key in ("max", "exclusive_max", "min", "exclusive_min", "values", "expression"):
        found = node.get(key)
        if found is not None:
            return found
    return node
