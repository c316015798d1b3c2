"""Types for a whole expression tree, from the columns it reads: at compile, and again at bind.

Untyped nodes carry ANY. A tree over columns of unknown type keeps ANY where it matters and is
inferred again when the types are known; inferring a typed tree gives the same tree.
"""

from __future__ import annotations

from collections.abc import Callable

from sfctl.model import arithmetic
from sfctl.model.arithmetic import Reporter
from sfctl.model.expr import (
    Arithmetic,
    Between,
    Call,
    Case,
    CastsTo,
    Compare,
    Constant,
    Expr,
    Field,
    Format,
    IsNull,
    Logic,
    Matches,
    Negate,
    Not,
    Null,
    Within,
)
from sfctl.model.families import (
    ANY,
    NAMES,
    as_type,
    belongs,
    bound,
    common,
    comparable,
    digits,
    family,
    needs_zone,
    type_of,
)
from sfctl.model.functions import FUNCTIONS
from sfctl.model.types import DataType

BOOLEAN = DataType("BOOLEAN")
_ZONE = "write the zone, as in TIMESTAMP '2024-01-15T00:00:00Z'; or compare date(…)"


Columns = Callable[[Field], Field | str | None]
"""Resolves a field: the typed field, or a hint where there is no such column.

None leaves a field whose column is not known yet as it is.
"""


def infer(expr: Expr, columns: Columns, report: Reporter) -> Expr:
    """Return the tree with every type filled in that can be known.

    Everything wrong is reported; what is wrong takes part further up as of any type.
    """
    return _Inference(columns, report).of(expr)


def infer_condition(expr: Expr, columns: Columns, report: Reporter) -> Expr:
    """Infer a tree that must be true, false or unknown."""
    found = infer(expr, columns, report)
    if not belongs(type_of(found), "boolean"):
        message = f"this is {_named(type_of(found))} (expected a condition)"
        report(expr, "SF205", message, "compare it with something")
    return found


class _Inference:
    def __init__(self, columns: Columns, report: Reporter) -> None:
        self.columns = columns
        self.report = report

    def of(self, node: Expr) -> Expr:
        match node:
            case Constant() | Null():
                return node
            case Field():
                return self.field(node)
            case Compare():
                return self.compare(node)
            case Logic(operator=operator, operands=operands):
                return Logic(operator, tuple(self.condition(each) for each in operands))
            case Not(operand=operand):
                return Not(self.condition(operand))
            case Arithmetic():
                return arithmetic.combine(
                    node, self.operand(node.left), self.operand(node.right), self.report
                )
            case Negate(operand=operand):
                return self.negate(node, operand)
            case Within():
                return self.within(node)
            case Between():
                return self.between(node)
            case IsNull(operand=operand, negated=negated):
                return IsNull(self.of(operand), negated)
            case Matches(operand=operand, pattern=pattern, negated=negated):
                return Matches(self.text(operand), pattern, negated)
            case Format(operand=operand, format=name):
                return Format(self.text(operand), name)
            case Case():
                return self.case(node)
            case Call():
                return self.call(node)
            case CastsTo(operand=operand, type=wanted):
                return CastsTo(self.of(operand), wanted)

    def field(self, node: Field) -> Expr:
        found = self.columns(node)
        if isinstance(found, str):
            name = ".".join(node.path)
            shown = name if len(name) <= 40 else f"{name[:39]}…"
            self.report(node, "SF204", f"unknown column '{shown}'", found)
            return Null(ANY)
        return node if found is None else found

    def condition(self, node: Expr) -> Expr:
        return infer_condition(node, self.columns, self.report)

    def operand(self, node: Expr) -> Expr:
        if isinstance(node, Null):
            self.report(
                node, "SF207", "NULL here makes the result always unknown", "remove the NULL"
            )
        return self.of(node)

    def text(self, node: Expr) -> Expr:
        found = self.operand(node)
        if not belongs(type_of(found), "text"):
            self.report(node, "SF205", f"this is {_named(type_of(found))} (expected text)")
        return found

    def negate(self, node: Negate, operand: Expr) -> Expr:
        found = self.operand(operand)
        kind = type_of(found)
        if not (belongs(kind, "number") or belongs(kind, "duration")):
            self.report(node, "SF205", f"`-` before {_named(kind)} (expected a number)")
            return Negate(found, ANY)
        return Negate(found, arithmetic.signed(kind))

    def compare(self, node: Compare) -> Expr:
        for side in (node.left, node.right):
            if isinstance(side, Null):
                hint = "write IS NULL" if node.operator == "=" else "write IS NOT NULL"
                self.report(node, "SF207", "a comparison with NULL is never true or false", hint)
                return Null(ANY)
        left, right = self.of_quotient(node.left), self.of_quotient(node.right)
        left, right = self.meet(node.right, left, right)
        if node.operator not in ("=", "!="):
            for side, found in ((node.left, left), (node.right, right)):
                if family(type_of(found)) == "boolean":
                    message = "booleans have no order (expected = or !=)"
                    self.report(side, "SF205", message)
                    return Null(ANY)
        return arithmetic.compared(node, node.operator, left, right, self.report)

    def of_quotient(self, node: Expr) -> Expr:
        """Infer an operand of a comparison, where an exact quotient may stand at the top."""
        if isinstance(node, Arithmetic) and node.operator == "/":
            return arithmetic.combine(
                node,
                self.operand(node.left),
                self.operand(node.right),
                self.report,
                compared=True,
            )
        return self.of(node)

    def meet(self, place: Expr, left: Expr, right: Expr) -> tuple[Expr, Expr]:
        """Give literals the type of what they are compared with, or report that it cannot be."""
        one, other = type_of(left), type_of(right)
        if isinstance(right, Constant):
            read = as_type(right, one)
            if read is not None:
                return left, read
        if isinstance(left, Constant):
            read = as_type(left, other)
            if read is not None:
                return read, right
        if comparable(one, other):
            return left, right
        self.clash(place, one, other, left if isinstance(left, Constant) else right)
        return Null(ANY), Null(ANY)

    def clash(self, place: Expr, one: DataType, other: DataType, side: Expr) -> None:
        if needs_zone(one, other):
            message = f"{one} and {other} cannot be compared without a zone"
            self.report(place, "SF208", message, _ZONE)
            return
        if isinstance(side, Constant) and side.type.kind == "STRING":
            wanted = other if one.kind == "STRING" else one
            if wanted.kind == "TIMESTAMP":
                message = f"'{side.text[:40]}' is no instant (expected a date and time with zone)"
                self.report(place, "SF208", message, _ZONE)
                return
            message = f"'{side.text[:40]}' is text (expected {_named(wanted)})"
            self.report(place, "SF205", message)
            return
        hint = ""
        if "text" in (family(one), family(other)) and isinstance(side, Constant):
            hint = f"quote the literal: '{side.text[:40]}'"
        message = f"{_named(one)} cannot be compared with {_named(other)}"
        self.report(place, "SF205", message, hint)

    def within(self, node: Within) -> Expr:
        operand = self.operand(node.operand)
        kind = type_of(operand)
        values: list[Constant] = []
        for value in node.values:
            read = as_type(value, kind)
            if read is None or not comparable(type_of(read), kind):
                self.clash(value, kind, value.type, value)
            else:
                values.append(read)
        first = node.values[0]
        for value in node.values[1:] if family(kind) == "any" else ():
            if family(value.type) != family(first.type):
                message = f"{_named(value.type)} among values of {_named(first.type)}"
                self.report(value, "SF205", message, "write all values in one type")
        return Within(operand, tuple(values) or node.values, node.negated)

    def between(self, node: Between) -> Expr:
        quotient = isinstance(node.operand, Arithmetic) and node.operand.operator == "/"
        if quotient or isinstance(node.operand, Constant):
            # a literal may have to be read as a different type beside each end
            low = Compare(">=", node.operand, node.low)
            high = Compare("<=", node.operand, node.high)
            both = Logic("and", (self.compare(low), self.compare(high)))
            return Not(both) if node.negated else both
        operand = self.operand(node.operand)
        ends: list[Expr] = []
        for end in (node.low, node.high):
            found = self.operand(end)
            met = self.meet(end, operand, found)
            if isinstance(met[0], Null):
                return Null(ANY)
            if not isinstance(operand, Constant):
                operand = met[0]
            ends.append(met[1])
        if not belongs(type_of(operand), "ordered"):
            self.report(node, "SF205", f"{_named(type_of(operand))} has no order")
        return Between(operand, ends[0], ends[1], node.negated)

    def case(self, node: Case) -> Expr:
        branches = [(self.condition(when), self.of(then)) for when, then in node.branches]
        otherwise = self.of(node.otherwise)
        values = [then for _, then in branches] + [otherwise]
        places = [then for _, then in node.branches] + [node.otherwise]
        kind, values = self.agree(places, values)
        pairs = zip((when for when, _ in branches), values[:-1], strict=True)
        return Case(tuple(pairs), values[-1], kind)

    def agree(self, places: list[Expr], values: list[Expr]) -> tuple[DataType, list[Expr]]:
        """Return the type that all values share, literals and NULLs read as it."""
        kind: DataType | None = None
        for value in values:
            if not isinstance(value, Null | Constant):
                kind = type_of(value) if kind is None else common(kind, type_of(value)) or kind
        for value in values:
            if isinstance(value, Constant):
                read = value if kind is None else as_type(value, kind)
                if read is not None and not (kind is not None and _holds(kind, read)):
                    kind = read.type if kind is None else common(kind, read.type) or kind
        kind = kind or ANY
        agreed: list[Expr] = []
        for place, value in zip(places, values, strict=True):
            if isinstance(value, Null):
                agreed.append(Null(kind))
                continue
            read_value: Expr | None = value
            if isinstance(value, Constant):
                read_value = as_type(value, kind)
            if read_value is None or common(kind, type_of(read_value)) is None:
                message = f"{_named(type_of(value))} where other values are {_named(kind)}"
                self.report(place, "SF205", message)
                read_value = Null(kind)
            agreed.append(read_value)
        return kind, agreed

    def call(self, node: Call) -> Expr:
        known = FUNCTIONS[node.function]
        if known.gives == "common":
            shared, values = self.agree(
                list(node.arguments), [self.of(each) for each in node.arguments]
            )
            return Call(node.function, tuple(values), shared)
        found: list[Expr] = []
        for index, argument in enumerate(node.arguments):
            value = self.operand(argument)
            wanted = known.takes[min(index, len(known.takes) - 1)]
            if not belongs(type_of(value), wanted):
                message = f"{node.function} got {_named(type_of(value))} (expected {NAMES[wanted]})"
                self.report(argument, "SF205", message)
            elif index >= known.literals:
                self.counted(node.function, index, argument, value)
            found.append(value)
        same = known.gives == "same"
        kind = arithmetic.signed(type_of(found[0])) if same else DataType(known.gives)
        return Call(node.function, tuple(found), kind)

    def counted(self, function: str, index: int, argument: Expr, value: Expr) -> None:
        least = 1 if index == 1 else 0
        good = isinstance(value, Constant) and value.type.kind == "INT64"
        if not good or int(value.text) < least:  # type: ignore[union-attr]
            message = f"{function}: argument {index + 1} must be a whole number from {least} on"
            self.report(argument, "SF203", message)


def _holds(kind: DataType, constant: Constant) -> bool:
    """Tell whether an exact type has the digits of a literal."""
    have, need = digits(kind), bound(constant)
    return have is not None and need is not None and have[0] >= need[0] and have[1] >= need[1]


def _named(kind: DataType) -> str:
    name = NAMES.get(family(kind), "")
    return str(kind) if family(kind) in ("nested", "any") else f"{name} ({kind})"
