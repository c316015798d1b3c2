"""Parts of an expression that decide nothing: comparisons, values in lists, branches of CASE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sfctl.compiler.domain import Domain
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place, shown
from sfctl.compiler.lexer import ExpressionError
from sfctl.compiler.parser import parse
from sfctl.compiler.region import Regions, TooMany, both, outcomes, unreachable
from sfctl.compiler.subject import of_subject
from sfctl.model.expr import (
    Between,
    Case,
    Compare,
    Constant,
    Expr,
    Field,
    Logic,
    Matches,
    Not,
    Within,
    children,
)
from sfctl.model.families import type_of
from sfctl.model.literal import value_of
from sfctl.spec.tree import Node

Listed = Sequence[tuple[Draft, Regions]]
_LOOK = "correct it, or remove it"


def check_parts(draft: Draft, expr: Expr, lists: Listed, findings: Findings) -> None:
    """Hint at what decides nothing in a rule's expression and in its `where`.

    `lists` are the rules that say which values a column may have, with where they hold.
    """
    where = draft.node.get("where")
    if draft.where is not None and where is not None:
        _Parts(where, draft.where, lists, findings).check()
    if draft.kind == "expression":
        _Parts(draft.node.get("expression") or draft.node, expr, lists, findings).check()
    elif isinstance(expr, Within):
        written = draft.node.get("values")
        nodes = tuple(written) if written is not None else ()
        for constant in _impossible(expr):
            node = next((n for n in nodes if str(n.value) == constant.text), draft.node)
            _tell_impossible(expr, constant, node, None, findings)


class _Parts:
    """The parts of one scalar."""

    def __init__(self, node: Node, expr: Expr, lists: Listed, findings: Findings) -> None:
        self.node = node
        self.expr = expr
        self.lists = lists
        self.findings = findings

    def check(self) -> None:
        for part in _walk(self.expr):
            try:
                if isinstance(part, Case):
                    self.case(part)
                elif isinstance(part, Compare | Between | Within | Matches):
                    self.comparison(part)
            except TooMany:
                continue

    def warn(self, part: Expr, message: str, hint: str = _LOOK) -> None:
        offset = _offset(self.node, self.expr, part)
        self.findings.warning(self.node, "SF276", message, hint, offset)

    def case(self, case: Case) -> None:
        for number in unreachable(case):
            if number < 0:
                self.warn(case.otherwise, "no row reaches ELSE")
            else:
                self.warn(case.branches[number][0], "no row reaches this branch of CASE")

    def comparison(self, part: Expr) -> None:
        found = outcomes(part)
        if part is not self.expr and not found.true:
            self.warn(part, "no value makes this part hold")
        elif part is not self.expr and not found.false:
            self.warn(part, "every value makes this part hold")
        else:
            if isinstance(part, Within):
                for constant in _impossible(part):
                    offset = _offset(self.node, self.expr, constant)
                    _tell_impossible(part, constant, self.node, offset, self.findings)
            for draft, allowed in self.lists:
                if not both(found.true, allowed):
                    message = f"no value that rule `{draft.id}` accepts makes this part hold"
                    self.warn(part, message, f"it stands at {place(draft.node)}")
                    return


def _impossible(within: Within) -> Iterator[Constant]:
    """Yield the listed values that the operand cannot have."""
    possible = of_subject(within.operand)
    if possible == Domain():
        return
    for constant in within.values:
        try:
            if not possible.has(value_of(constant)):
                yield constant
        except TypeError:
            continue


def _tell_impossible(
    within: Within, constant: Constant, node: Node, offset: int | None, findings: Findings
) -> None:
    operand = within.operand
    named = isinstance(operand, Field)
    what = f"column {shown('.'.join(operand.path))}" if isinstance(operand, Field) else "it"
    kind = f" ({type_of(operand)})" if named else ""
    message = f"{shown(constant.text)} is no value that {what}{kind} can have"
    findings.warning(node, "SF276", message, _LOOK, offset)


def _walk(expr: Expr) -> Iterator[Expr]:
    yield expr
    for child in children(expr):
        yield from _walk(child)


def _offset(node: Node, expr: Expr, part: Expr) -> int | None:
    """Return where a part of a typed expression stands in its text."""
    try:
        parsed = parse(str(node.value))
    except ExpressionError:
        return None
    stack = [(expr, parsed.expr)]
    while stack:
        typed, written = stack.pop()
        if typed is part:
            return parsed.offset(_leftmost(written))
        inner = children(written)
        if type(typed) is type(written) and len(children(typed)) == len(inner):
            stack.extend(zip(children(typed), inner, strict=True))
    return None


def _leftmost(expr: Expr) -> Expr:
    """Return the part that a comparison begins with; its own place is that of its operator."""
    while isinstance(expr, Compare | Between | Within | Matches | Logic) and not isinstance(
        expr, Not
    ):
        expr = children(expr)[0]
    return expr
