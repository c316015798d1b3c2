"""Rules on single rows, lowered to expression trees."""

from __future__ import annotations

from collections.abc import Callable

from sfctl.compiler.columns import Columns, split
from sfctl.compiler.draft import Draft, slug
from sfctl.compiler.expression import compile_condition
from sfctl.compiler.findings import Findings, shown
from sfctl.compiler.regex import PatternError, rewrite
from sfctl.model import literal
from sfctl.model.binding import AMBIGUOUS, two_meanings
from sfctl.model.expr import (
    Between,
    Call,
    CastsTo,
    Compare,
    Constant,
    Expr,
    Field,
    Format,
    IsNull,
    Logic,
    Matches,
    Null,
    Within,
)
from sfctl.model.families import ANY, BOOLEAN
from sfctl.model.inference import infer
from sfctl.model.policy import Gate, RowCheck
from sfctl.model.types import DataType, parse
from sfctl.spec.tree import Node

STRING = DataType("STRING")


class RowRules:
    """Lowers rules on one column, and expressions. What is wrong goes to `findings`."""

    def __init__(self, columns: Columns, findings: Findings) -> None:
        self.columns = columns
        self.findings = findings

    def lower(self, kind: str, node: Node, name: Node, gate: Gate) -> Draft | None:
        """Return the draft of a rule of `kind` on the column `name`; None where it has an error."""
        before = len(self.findings.problems)
        field = self.field(name)
        expr, places = _LOWER[kind](self, node, field)
        if expr is None or not self.known(name, field):
            return None
        typed = self.typed(expr, places, name)
        if any(p.severity == "error" for p in self.findings.problems[before:]):
            return None
        subject = str(name.value)
        reason = _REASONS[kind]
        if kind == "type":
            assert isinstance(typed, CastsTo)
            subject = f"{subject}:{typed.type}"
        return Draft(
            node=node,
            kind=kind,
            gate=gate,
            check=RowCheck(typed),
            reason=reason,
            name=f"{kind}:{name.value}",
            subject=subject,
            fields=(field.path[0],),
            detail_field=field.path[0] if reason == "UNKNOWN_ENUM" and len(field.path) == 1 else "",
        )

    def expression(self, node: Node, scalar: Node, gate: Gate) -> Draft | None:
        """Return the draft of an expression rule; `scalar` holds its text."""
        expr = compile_condition(scalar, self.columns, self.findings)
        if expr is None:
            return None
        from sfctl.model.expr import fields_of

        return Draft(
            node=node,
            kind="expression",
            gate=gate,
            check=RowCheck(expr),
            reason="INVARIANT_VIOLATION",
            name=slug(str(scalar.value)),
            fields=fields_of(expr),
        )

    def field(self, name: Node) -> Field:
        """Return the field a scalar names, typed where its column is known."""
        node = Field(split(str(name.value), self.columns.types), ANY)
        found = self.columns.resolve(node)
        return found if isinstance(found, Field) else node

    def known(self, name: Node, field: Field) -> bool:
        """Report a column that is not known."""
        text = str(name.value)
        if self.columns.ambiguous(text):
            self.findings.error(name, "SF230", two_meanings(text), AMBIGUOUS)
            return False
        found = self.columns.resolve(field)
        if isinstance(found, str):
            self.findings.error(name, "SF204", f"unknown column {shown(str(name.value))}", found)
            return False
        return True

    def typed(self, expr: Expr, places: dict[int, Node], name: Node) -> Expr:
        def report(place: Expr, code: str, message: str, hint: str = "") -> None:
            node = places.get(id(place), name)
            if node is name and code == "SF205":
                message = f"column {shown(str(name.value))}: {message}"
            self.findings.error(node, code, message, hint)

        return infer(expr, self.columns.resolve, report)

    def bound(self, node: Node) -> Constant | None:
        """Return a bound or value of a rule as a literal."""
        if isinstance(node.value, bool):
            return Constant("TRUE" if node.value else "FALSE", BOOLEAN)
        if isinstance(node.value, str):
            return Constant(node.value, STRING)
        found = literal.number(node.text or str(node.value))
        if found is None:
            message = f"{node.text[:40]} has too many digits (expected at most 38)"
            self.findings.error(node, "SF226", message)
        return found


Places = dict[int, Node]
Lowered = tuple[Expr | None, Places]


def _not_null(_rules: RowRules, _node: Node, field: Field) -> Lowered:
    return IsNull(field, negated=True), {}


def _type(rules: RowRules, node: Node, field: Field) -> Lowered:
    written = node["type"]
    try:
        wanted = parse(str(written.value))
    except ValueError as error:
        rules.findings.error(written, "SF212", str(error))
        return None, {}
    return CastsTo(field, wanted), {}


def _values(rules: RowRules, node: Node, field: Field) -> Lowered:
    places: Places = {}
    found: list[Constant] = []
    seen: dict[str, Node] = {}
    for value in node["values"]:
        constant = rules.bound(value)
        if constant is None:
            continue
        if constant.text in seen:
            message = f"{shown(constant.text)} stands twice in the list"
            rules.findings.warning(value, "SF224", message, "remove one")
        seen[constant.text] = value
        places[id(constant)] = value
        found.append(constant)
    if not found:
        return None, {}
    negated = node.string("kind") == "not_accepted_values"
    return Within(field, tuple(found), negated), places


def _range(rules: RowRules, node: Node, field: Field) -> Lowered:
    places: Places = {}
    ends: dict[str, Constant] = {}
    for key in ("min", "max", "exclusive_min", "exclusive_max"):
        written = node.get(key)
        constant = rules.bound(written) if written is not None else None
        if written is not None and constant is None:
            return None, {}
        if constant is not None and written is not None:
            ends[key] = constant
            places[id(constant)] = written
    if set(ends) == {"min", "max"}:
        return Between(field, ends["min"], ends["max"]), places
    operators = {"min": ">=", "exclusive_min": ">", "max": "<=", "exclusive_max": "<"}
    tests: list[Expr] = []
    for key, constant in ends.items():
        test = Compare(operators[key], field, constant)  # type: ignore[arg-type]
        places[id(test)] = places[id(constant)]
        tests.append(test)
    return (tests[0] if len(tests) == 1 else Logic("and", tuple(tests))), places


def _length(rules: RowRules, node: Node, field: Field) -> Lowered:
    size = Call("length", (field,), ANY)
    low, high = node.get("min"), node.get("max")
    least = rules.bound(low) if low is not None else None
    most = rules.bound(high) if high is not None else None
    if least is not None and most is not None:
        return Between(size, least, most), {}
    if least is not None:
        return Compare(">=", size, least), {}
    return (Compare("<=", size, most), {}) if most is not None else (None, {})


def _pattern(rules: RowRules, node: Node, field: Field) -> Lowered:
    written = node["pattern"]
    try:
        return Matches(field, rewrite(str(written.value))), {}
    except PatternError as error:
        rules.findings.error(written, error.code, error.message, error.hint, error.offset)
        return Null(ANY), {}


def _format(_rules: RowRules, node: Node, field: Field) -> Lowered:
    return Format(field, node.string("format")), {}


_LOWER: dict[str, Callable[[RowRules, Node, Field], Lowered]] = {
    "required": _not_null,
    "not_null": _not_null,
    "type": _type,
    "accepted_values": _values,
    "not_accepted_values": _values,
    "range": _range,
    "length": _length,
    "pattern": _pattern,
    "format": _format,
}
ROW_KINDS = frozenset(_LOWER)
_REASONS = {
    "required": "MISSING_FIELD",
    "not_null": "NULL_VIOLATION",
    "type": "TYPE_MISMATCH",
    "accepted_values": "UNKNOWN_ENUM",
    "not_accepted_values": "UNKNOWN_ENUM",
    "range": "RANGE_VIOLATION",
    "length": "INVALID_FORMAT",
    "pattern": "INVALID_FORMAT",
    "format": "INVALID_FORMAT",
}
