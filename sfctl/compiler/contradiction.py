"""Row rules that no row can satisfy, that every row satisfies, or that exclude or repeat another.

What can never pass, and what contradicts, is an error; what can never fail, or says what another
rule says already, is a hint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from sfctl.compiler.domain import Domain
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place, shown
from sfctl.compiler.parts import check_parts
from sfctl.compiler.region import (
    EVERYWHERE,
    Outcomes,
    Region,
    Regions,
    TooMany,
    both,
    conjuncts,
    either,
    outcomes,
    unknown,
)
from sfctl.compiler.subject import of_subject
from sfctl.model.expr import Compare, Expr, Field, IsNull, Logic, children, fields_of
from sfctl.model.families import type_of
from sfctl.model.policy import RowCheck, Threshold
from sfctl.spec.tree import Node


@dataclass(frozen=True, slots=True)
class Judged:
    """A row rule with what can be read off it: where it may fail, and may pass, nulls included."""

    draft: Draft
    expr: Expr
    found: Outcomes
    fails: Regions
    passes: Regions
    columns: frozenset[str]


def check_rules(drafts: Iterable[Draft], findings: Findings) -> list[Judged]:
    """Report on every row rule by itself, then on all of them together.

    Return those that could be looked into and stand for something.
    """
    judged: list[Judged] = []
    for draft in drafts:
        if isinstance(draft.check, RowCheck) and not _is_constant(
            draft, draft.check.expr, findings
        ):
            one = _alone(draft, draft.check.expr, findings)
            if one is not None:
                judged.append(one)
    by_column: dict[str, list[Judged]] = {}
    for one in judged:
        for name in one.columns:
            by_column.setdefault(name, []).append(one)
    for name, rules in by_column.items():
        _exclude(name, [one for one in rules if one.draft.unconditional], findings)
    told: set[int] = set()
    for rules in by_column.values():
        _list_what_others_refuse(rules, findings)
        _repeat(rules, told, findings)
    for one in judged:
        near = [each for name in one.columns for each in by_column[name]]
        lists = [(e.draft, e.found.true) for e in near if _lists(e) and e is not one]
        check_parts(one.draft, one.expr, lists, findings)
    return judged


def _alone(draft: Draft, expr: Expr, findings: Findings) -> Judged | None:
    """Report a rule that can never pass or never fail; return it where it stands for something."""
    try:
        found = outcomes(expr)
        where = EVERYWHERE if draft.where is None else outcomes(draft.where).true
        written = draft.node.get("where")
        if not where and written is not None:
            message = "no row can satisfy `where`, so the rule judges nothing"
            findings.error(written, "SF275", message, "look at its bounds and values")
            return None
        columns = frozenset(fields_of(expr)) | frozenset(
            fields_of(draft.where) if draft.where is not None else ()
        )
        fails, passes = both(where, found.false), either(found.true, unknown(expr))
        one = Judged(draft, expr, found, fails, passes, columns)
        node = _bound(draft.node)
        if not both(where, found.true):
            if not found.true:
                findings.error(node, "SF220", *_why_never(expr))
                return None
            if both(where, one.passes) and not one.fails:
                message = "where it judges, only null is left, so no row can fail"
                findings.warning(node, "SF221", message, "tighten it, or remove it")
                return None
            message = "no row that `where` lets through can pass"
            findings.error(node, "SF220", message, "look at both, or exchange them")
            return None
        if not one.fails:
            findings.warning(node, "SF221", _why_always(expr), "tighten it, or remove it")
            return None
    except TooMany:
        return None
    return one


def _is_constant(draft: Draft, expr: Expr, findings: Findings) -> bool:
    node = _expression(draft.node)
    if isinstance(expr, IsNull) and isinstance(expr.operand, Field):
        return False
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


def _why_never(expr: Expr) -> tuple[str, str]:
    """Return why no value passes, and what to look at."""
    for subject, domain in conjuncts(expr).items():
        possible = of_subject(subject)
        if replace(domain, scale=possible.scale).empty:
            if domain.accepted is None and not domain.tests:
                return "the least is above the greatest, so no value can pass", "exchange them"
            return "no value can pass", "look at the listed values"
        if _misses(domain, possible):
            kind = type_of(subject)
            if isinstance(subject, Field) and kind.kind != "ANY":
                message = (
                    f"column {shown(subject.path[-1])} is {kind} and has no value that can pass"
                )
                return message, "look at the bounds, or at the declared type"
            return "no value that is compared can pass", "look at the bounds"
    return "no row can pass", "look at its bounds and values"


def _why_always(expr: Expr) -> str:
    nothing = "so the rule judges nothing"
    subjects = list(conjuncts(expr))
    if len(subjects) != 1:
        return f"no row can fail, {nothing}"
    (subject,) = subjects
    if not isinstance(subject, Field):
        return f"every value that is compared passes, {nothing}"
    kind = f" of type {type_of(subject)}" if type_of(subject).kind != "ANY" else ""
    return f"every value of column {shown('.'.join(subject.path))}{kind} passes, {nothing}"


def _misses(domain: Domain, possible: Domain) -> bool:
    try:
        return domain.meet(possible).empty
    except TypeError:
        return False


def _exclude(name: str, rules: list[Judged], findings: Findings) -> None:
    """Report the first rule that leaves nothing of what those before it let pass."""
    left = EVERYWHERE
    for number, one in enumerate(rules):
        try:
            left = both(left, one.found.true)
        except TooMany:
            return
        if not left:
            earlier = rules[:number]
            other = next((e for e in earlier if not _together(e, one)), earlier[-1])
            _contradict(name, one, other, findings)
            return


def _together(one: Judged, other: Judged) -> Regions:
    try:
        return both(one.found.true, other.found.true)
    except TooMany:
        return EVERYWHERE


def _contradict(name: str, one: Judged, other: Judged, findings: Findings) -> None:
    if name != min(one.columns & other.columns, default=name):
        return  # it is told of one column
    hint = f"it stands at {place(other.draft.node)}"
    try:
        nothing = not both(one.passes, other.passes)
    except TooMany:
        nothing = False
    if nothing or not (_speaks_of_null(one.expr) or _speaks_of_null(other.expr)):
        message = (
            f"no value of column {shown(_subject_name(one, name))} satisfies both this and "
            f"rule `{other.draft.id}`"
        )
        findings.error(one.draft.node, "SF222", message, hint)
    else:
        message = f"beside rule `{other.draft.id}` only null passes"
        findings.warning(one.draft.node, "SF222", message, hint)


def _subject_name(one: Judged, name: str) -> str:
    paths = [key.path for key in conjuncts(one.expr) if isinstance(key, Field)]
    return next((".".join(path) for path in paths if path[0] == name), name)


def _speaks_of_null(expr: Expr) -> bool:
    return isinstance(expr, IsNull) or any(_speaks_of_null(each) for each in children(expr))


def _lists(one: Judged) -> bool:
    return one.draft.kind == "accepted_values" and one.draft.unconditional


def _list_what_others_refuse(rules: list[Judged], findings: Findings) -> None:
    """Hint at listed values that another rule refuses."""
    for lister in (one for one in rules if _lists(one)):
        ((subject, domain),) = [*conjuncts(lister.expr).items()] or [(lister.expr, Domain())]
        possible = of_subject(subject)
        listed = [v for v in domain.accepted or () if not _misses(_only(v), possible)]
        for other in rules:
            if other is lister or not other.draft.unconditional or _lists(other):
                continue
            lost = [v for v in listed if not _admits(other, subject, v)]
            if lost and len(lost) < len(listed):
                names = shown(", ".join(sorted(map(str, lost))))
                message = f"{names} is accepted, yet refused by `{other.draft.id}`"
                hint = f"it stands at {place(other.draft.node)}"
                findings.warning(lister.draft.node, "SF222", message, hint)


def _only(value: object) -> Domain:
    return Domain(accepted=frozenset([value]))


def _admits(other: Judged, subject: Expr, value: object) -> Regions:
    try:
        return both((Region({subject: Domain(accepted=frozenset([value]))}),), other.found.true)
    except TooMany:
        return EVERYWHERE


def _repeat(rules: list[Judged], told: set[int], findings: Findings) -> None:
    """Hint at each rule that fails only where another, as strict a one, fails as well."""
    for number, one in enumerate(rules):
        if id(one) in told or one.draft.subsumed_by or one.draft.demanded:
            continue
        if one.fails == EVERYWHERE:
            continue
        for position, other in enumerate(rules):
            if other is one or id(other) in told or other.draft.subsumed_by:
                continue
            if not _as_strict(other.draft, one.draft) or not _within(one, other):
                continue
            if position > number and _as_strict(one.draft, other.draft) and _within(other, one):
                continue  # they say the same, and this is the first
            told.add(id(one))
            if _said(one.draft) != _said(other.draft):
                message = f"whatever fails here fails rule `{other.draft.id}` as well"
                hint = f"it stands at {place(other.draft.node)}; keep both only for their messages"
                findings.warning(one.draft.node, "SF224", message, hint)
            break


def _said(draft: Draft) -> tuple[object, ...]:
    return draft.check, draft.where, draft.severity, draft.threshold


def _as_strict(stronger: Draft, draft: Draft) -> bool:
    strict = stronger.threshold in (Threshold(), draft.threshold)
    return (
        strict
        and (stronger.where is None or stronger.where == draft.where)
        and stronger.severity <= draft.severity
    )


def _within(one: Judged, other: Judged) -> bool:
    try:
        return not both(one.fails, other.passes)
    except TooMany:
        return False


def _expression(node: Node) -> Node:
    return node.get("expression") or node


def _bound(node: Node) -> Node:
    for key in ("max", "exclusive_max", "min", "exclusive_min", "values", "expression"):
        found = node.get(key)
        if found is not None:
            return found
    return node
