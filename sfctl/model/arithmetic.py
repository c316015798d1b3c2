"""The types of arithmetic: exact bounds for integers and decimals, and quotients without rounding.

The type of an exact result is its static bound: INT64 while 18 digits surely suffice, else DECIMAL
up to 38 digits, beyond which a row is an evaluation error. `//` is the floor of the exact quotient
and `%` what remains, so both follow the sign of the divisor. `/` between exact numbers has no
exact result; it may stand at the top of one side of a comparison, which is carried out by
multiplying, or divide by a literal whose reciprocal is exact. Next to a float it is a float.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from typing import Any, Protocol

from sfctl.model.expr import Arithmetic, Case, Compare, Constant, Expr, Null
from sfctl.model.families import ANY, NAMES, as_type, bound, digits, exact, family, type_of
from sfctl.model.literal import DOUBLE, INT64, MAX_DIGITS, number
from sfctl.model.types import DataType

_EXACT = Context(prec=MAX_DIGITS, traps=[Inexact])
_DURATION = DataType("DURATION")
_SWAPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_QUOTIENT = (
    "compare the quotient itself with something, multiply instead, or use // for whole numbers"
)


class Reporter(Protocol):
    """Takes what is wrong: the node of the given tree, a code, a message and a hint."""

    def __call__(self, node: Expr, code: str, message: str, hint: str = "", /) -> None: ...


def signed(kind: DataType) -> DataType:
    """Return the type of a negated or absolute value, which must not wrap."""
    bound = digits(kind)
    if not kind.is_integer or bound is None:
        return kind
    return exact(bound[0], 0)


def combine(
    node: Arithmetic, left: Expr, right: Expr, report: Reporter, *, compared: bool = False
) -> Expr:
    """Return the typed operation. `compared` says that it stands directly in a comparison."""
    one, other = type_of(left), type_of(right)
    kinds = (family(one), family(other))
    if "any" in kinds:
        return Arithmetic(node.operator, left, right, ANY)
    if kinds != ("number", "number"):
        return _temporal(node, left, right, report)
    if one.is_float or other.is_float:
        left, right = _as_float(left, other), _as_float(right, one)
        singles = {k.kind for k in (type_of(left), type_of(right))}
        kind = DataType(singles.pop()) if len(singles) == 1 else DOUBLE
        return Arithmetic(node.operator, left, right, kind)
    if node.operator == "/":
        return _quotient(node, left, right, report, compared=compared)
    exact_kind = _exact_type(node.operator, left, right)
    if exact_kind is None:
        message = f"the result has more than {MAX_DIGITS} digits after the point"
        report(node, "SF209", message, "use columns of a smaller scale")
        return Null(ANY)
    return Arithmetic(node.operator, left, right, exact_kind)


def compared(node: Compare, operator: Any, left: Expr, right: Expr, report: Reporter) -> Expr:
    """Return the comparison; an exact quotient on one side is multiplied out by its sign."""
    if _is_exact_quotient(right):
        if _is_exact_quotient(left):
            report(node, "SF209", "a quotient on both sides", "multiply out one of them")
            return Null(ANY)
        return compared(node, _SWAPPED[operator], right, left, report)
    if not _is_exact_quotient(left):
        return Compare(operator, left, right)
    assert isinstance(left, Arithmetic)
    kind = type_of(right)
    if not kind.is_exact:
        report(node.right, "SF209", f"an exact quotient against {kind}", _QUOTIENT)
        return Null(ANY)
    above, below = left.left, left.right
    scaled = combine(Arithmetic("*", right, below, ANY), right, below, report)
    if isinstance(below, Constant):
        flip = below.text.startswith("-")
        return Compare(_SWAPPED[operator] if flip else operator, above, scaled)  # type: ignore[arg-type]
    zero = Constant("0", INT64)
    whole = combine(Arithmetic("//", above, below, ANY), above, below, report)
    return Case(
        (
            (Compare(">", below, zero), Compare(operator, above, scaled)),
            (Compare("<", below, zero), Compare(_SWAPPED[operator], above, scaled)),  # type: ignore[arg-type]
        ),
        Compare("=", whole, zero),
        DataType("BOOLEAN"),
    )


def _quotient(
    node: Arithmetic, left: Expr, right: Expr, report: Reporter, *, compared: bool
) -> Expr:
    if isinstance(right, Constant):
        divisor = right.number()
        if not divisor:
            report(node, "SF209", "division by zero", "every row would be an error")
            return Null(ANY)
        try:
            factor = format(_EXACT.divide(Decimal(1), divisor), "f")
        except Inexact:
            factor = ""
        if factor:
            constant = _constant(factor)
            if constant is not None:
                return combine(Arithmetic("*", left, constant, ANY), left, constant, report)
    if not compared:
        message = "a quotient of exact numbers would be rounded"
        report(node, "SF209", message, _QUOTIENT)
        return Null(ANY)
    return Arithmetic("/", left, right, DataType("DECIMAL"))


def _constant(text: str) -> Constant | None:
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return number(text)


def _is_exact_quotient(node: Expr) -> bool:
    return (
        isinstance(node, Arithmetic)
        and node.operator == "/"
        and node.type.kind == "DECIMAL"
        and node.type.precision is None
    )


def _exact_type(operator: str, left: Expr, right: Expr) -> DataType | None:
    one, other = bound(left), bound(right)
    if one is None or other is None:
        return DataType("DECIMAL")
    (whole, scale), (other_whole, other_scale) = one, other
    if operator in ("+", "-"):
        return exact(max(whole, other_whole) + 1, max(scale, other_scale))
    if operator == "*":
        total = scale + other_scale
        return None if total > MAX_DIGITS else exact(whole + other_whole, total)
    if operator == "//":
        return exact(whole + other_scale + 1, 0)
    return exact(other_whole, max(scale, other_scale))


def _as_float(side: Expr, other: DataType) -> Expr:
    if isinstance(side, Constant):
        return as_type(side, other if other.is_float else DOUBLE) or side
    return side


def _temporal(node: Arithmetic, left: Expr, right: Expr, report: Reporter) -> Expr:
    if isinstance(left, Constant) and not isinstance(right, Constant):
        left = _read(left, type_of(right))
    elif isinstance(right, Constant) and not isinstance(left, Constant):
        right = _read(right, type_of(left))
    kind = _temporal_type(node.operator, type_of(left), type_of(right))
    if kind is None:
        one, other = (_shown(type_of(side)) for side in (left, right))
        report(node, "SF205", f"`{node.operator}` between {one} and {other}")
        return Null(ANY)
    return Arithmetic(node.operator, left, right, kind)


def _read(constant: Constant, kind: DataType) -> Constant:
    if kind.is_temporal and constant.type.kind == "STRING":
        return as_type(constant, kind) or constant
    return constant


def _temporal_type(operator: str, one: DataType, other: DataType) -> DataType | None:
    left, right = family(one), family(other)
    moments = ("date", "instant", "datetime")
    if operator == "-" and left in moments and left == right:
        return _DURATION
    if operator in ("+", "-") and right == "duration" and left in (*moments, "duration"):
        return DataType("TIMESTAMP_NTZ") if left == "date" else one
    if operator == "+" and left == "duration" and right in moments:
        return DataType("TIMESTAMP_NTZ") if right == "date" else other
    return None


def _shown(kind: DataType) -> str:
    return f"{NAMES.get(family(kind), kind)} ({kind})"
