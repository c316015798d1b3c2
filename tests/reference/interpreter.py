"""The meaning of an expression tree, one row at a time: slow, and as plain as the rules allow.

A row maps a column to a Python value: None, bool, int, Decimal, float, str, date, time, datetime
(aware for TIMESTAMP, naive for TIMESTAMP_NTZ), timedelta, dict for a STRUCT. `evaluate` returns
the value of the tree, None for unknown, or raises EvalError where the row cannot be evaluated.

- NaN is null. Arithmetic with null is null, whatever the other side.
- AND is false where an operand is false, even beside an operand that cannot be evaluated; OR is
  true where one is true. Else an operand that cannot be evaluated makes the whole so, before
  unknown does. The order of operands never matters.
- CASE evaluates conditions in order and only the branch taken; COALESCE only up to the first
  value. Every other node needs all of its operands.
- Exact results must have at most 38 digits at the scale of the node's type. `//` is the floor of
  the exact quotient, `%` what remains. A float operation that makes an infinity or a NaN from
  finite operands is an evaluation error; so is dividing by zero.
- Exact numbers are compared exactly with each other; literals and whole numbers with floats too,
  while other exact numbers become the nearest double first, so that 1.10 equals the float that is
  written so. In arithmetic beside a float every exact number does; a DOUBLE-typed literal is one.
- DATE meets TIMESTAMP_NTZ as its midnight.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from typing import Any

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
from sfctl.model.families import type_of
from sfctl.model.formats import FORMATS
from sfctl.model.literal import value_of
from sfctl.model.types import DataType

Row = Mapping[str, Any]
_INTEGERS = {
    "INT8": (-(2**7), 2**7 - 1), "INT16": (-(2**15), 2**15 - 1), "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1), "UINT8": (0, 2**8 - 1), "UINT16": (0, 2**16 - 1),
    "UINT32": (0, 2**32 - 1), "UINT64": (0, 2**64 - 1),
}  # fmt: skip


class EvalError(Exception):
    """The row cannot be evaluated; under a rule it fails with EVAL_ERROR."""


def verdict(expr: Expr, row: Row, where: Expr | None = None) -> str:
    """Return what a row rule says of a row: `pass`, `fail`, `error`, or `out` of its `where`.

    A row whose `where` is unknown is out; one whose `where` cannot be evaluated is an error.
    """
    try:
        if where is not None and evaluate(where, row) is not True:
            return "out"
        return "fail" if evaluate(expr, row) is False else "pass"
    except EvalError:
        return "error"


def evaluate(node: Expr, row: Row) -> Any:
    """Return the value of `node` on `row`. Raises EvalError."""
    match node:
        case Field():
            return _field(node, row)
        case Constant():
            return _single(value_of(node), node.type)
        case Null():
            return None
        case Compare(operator=operator, left=left, right=right):
            return _compare(operator, *_met(left, right, row))
        case Logic():
            return _logic(node, row)
        case Not(operand=operand):
            value = evaluate(operand, row)
            return None if value is None else not value
        case Arithmetic():
            return _arithmetic(node, evaluate(node.left, row), evaluate(node.right, row))
        case Negate(operand=operand):
            value = evaluate(operand, row)
            return None if value is None else _bounded(_unrounded(value, -1), node.type)
        case Within(operand=operand, values=values, negated=negated):
            value = evaluate(operand, row)
            if value is None:
                return None
            found = any(_compare("=", value, evaluate(each, row)) for each in values)
            return found != negated
        case Between():
            return _between(node, row)
        case IsNull(operand=operand, negated=negated):
            return (evaluate(operand, row) is None) != negated
        case Matches(operand=operand, pattern=pattern, negated=negated):
            value = evaluate(operand, row)
            return None if value is None else bool(re.fullmatch(pattern, value)) != negated
        case Format(operand=operand, format=name):
            value = evaluate(operand, row)
            return None if value is None else FORMATS[name].valid(value)
        case Case(branches=branches, otherwise=otherwise):
            for condition, result in branches:
                if evaluate(condition, row) is True:
                    return _float_if(evaluate(result, row), node.type)
            return _float_if(evaluate(otherwise, row), node.type)
        case Call():
            return _call(node, row)
        case CastsTo(operand=operand, type=wanted):
            value = evaluate(operand, row)
            return None if value is None else casts(value, wanted, type_of(operand))


def _field(node: Field, row: Row) -> Any:
    value: Any = row[node.path[0]]
    for part in node.path[1:]:
        value = None if value is None else value[part]
    if isinstance(value, float) and math.isnan(value):
        return None
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _single(value: Any, kind: DataType) -> Any:
    """Round a literal typed FLOAT to single precision, as the column it meets is."""
    if kind.kind != "FLOAT":
        return value
    return struct.unpack("f", struct.pack("f", value))[0]


def _met(left: Expr, right: Expr, row: Row) -> tuple[Any, Any]:
    """Return both values; digits after the point, unless written, are a float beside floats."""
    one, other = evaluate(left, row), evaluate(right, row)
    if not isinstance(left, Constant) and not isinstance(right, Constant):
        if isinstance(one, float) and isinstance(other, Decimal) and type_of(right).scale:
            return one, float(other)
        if isinstance(other, float) and isinstance(one, Decimal) and type_of(left).scale:
            return float(one), other
    return one, other


def _compare(operator: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    left, right = _moment(left, right), _moment(right, left)
    match operator:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _moment(value: Any, other: Any) -> Any:
    """Return a date that meets a date-time as its midnight."""
    if isinstance(other, datetime) and isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value


def _logic(node: Logic, row: Row) -> bool | None:
    decisive = node.operator == "or"
    unknown = failed = False
    for operand in node.operands:
        try:
            value = evaluate(operand, row)
        except EvalError:
            failed = True
            continue
        if value is decisive:
            return decisive
        unknown = unknown or value is None
    if failed:
        raise EvalError("an operand cannot be evaluated")
    return None if unknown else not decisive


def _between(node: Between, row: Row) -> bool | None:
    low, high = _met(node.operand, node.low, row), _met(node.operand, node.high, row)
    tests = (_compare(">=", *low), _compare("<=", *high))
    found = False if False in tests else None if None in tests else True
    return found if found is None else found != node.negated


def _arithmetic(node: Arithmetic, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, float) or isinstance(right, float):
        return _float(node.operator, float(left), float(right))
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _exact(node, left, right)
    if node.operator == "-" and not isinstance(right, timedelta):
        return left - right
    if isinstance(left, date) and not isinstance(left, datetime):
        left = datetime.combine(left, time())
    if isinstance(right, date) and not isinstance(right, datetime):
        right = datetime.combine(right, time())
    try:
        return left + right if node.operator == "+" else left - right
    except OverflowError as error:
        raise EvalError(str(error)) from error


def _exact(node: Arithmetic, left: Decimal, right: Decimal) -> Decimal:
    one, other = Fraction(left), Fraction(right)
    if node.operator in ("/", "//", "%") and not other:
        raise EvalError("division by zero")
    match node.operator:
        case "+":
            found = one + other
        case "-":
            found = one - other
        case "*":
            found = one * other
        case "//":
            found = Fraction(one // other)
        case _:
            found = one % other
    with localcontext() as context:
        context.prec = 400
        return _bounded(Decimal(found.numerator) / Decimal(found.denominator), node.type)


def _unrounded(value: Any, sign: int) -> Any:
    """Multiply by 1 or -1; a Decimal's own operators would round it to the context's digits."""
    if isinstance(value, Decimal):
        return value.copy_negate() if sign < 0 else value
    return value * sign


def _bounded(value: Any, kind: DataType) -> Any:
    if not isinstance(value, Decimal):
        return value
    scale = kind.scale if kind.kind == "DECIMAL" and kind.scale is not None else 0
    with localcontext() as context:
        context.prec = 400
        if abs(value).scaleb(scale) >= Decimal(10) ** 38:
            raise EvalError("more than 38 digits")
    return value


def _float(operator: str, left: float, right: float) -> float:
    if operator in ("/", "//", "%") and right == 0:
        raise EvalError("division by zero")
    try:
        match operator:
            case "+":
                found = left + right
            case "-":
                found = left - right
            case "*":
                found = left * right
            case "/":
                found = left / right
            case "//":
                found = float(math.floor(left / right)) if math.isfinite(left / right) else math.inf
            case _:
                found = left % right
    except (OverflowError, ValueError) as error:
        raise EvalError(str(error)) from error
    if math.isnan(found) or (math.isinf(found) and math.isfinite(left) and math.isfinite(right)):
        raise EvalError("no finite result")
    return found


def _float_if(value: Any, kind: DataType) -> Any:
    return float(value) if kind.is_float and isinstance(value, Decimal) else value


def _call(node: Call, row: Row) -> Any:
    if node.function == "coalesce":
        for argument in node.arguments:
            value = evaluate(argument, row)
            if value is not None:
                return _float_if(value, node.type)
        return None
    values = [evaluate(argument, row) for argument in node.arguments]
    if any(value is None for value in values):
        return None
    first = values[0]
    match node.function:
        case "length":
            return Decimal(len(first))
        case "lower":
            return first.lower()
        case "upper":
            return first.upper()
        case "trim":
            return first.strip(" ")
        case "substring":
            start = int(values[1]) - 1
            return first[start:] if len(values) == 2 else first[start : start + int(values[2])]
        case "starts_with":
            return first.startswith(values[1])
        case "ends_with":
            return first.endswith(values[1])
        case "contains":
            return values[1] in first
        case "concat":
            return "".join(values)
        case "abs":
            return _bounded(_unrounded(first, -1 if first < 0 else 1), node.type)
        case "date":
            return first.date() if isinstance(first, datetime) else first
        case _:
            return Decimal(getattr(_utc(first), node.function))


def _utc(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def casts(value: Any, wanted: DataType, own: DataType) -> bool:
    """Tell whether a value can be read as `wanted` without loss.

    Text is read as a person would write the value, with nothing around it. Every scalar can be
    written as text. A number is of a float type that gives it back, with as many digits as its
    own type has. Types that are not scalars are not read from others.
    """
    if wanted.kind == "ANY":
        return True
    if wanted.kind == "STRING":
        return not isinstance(value, list | dict | bytes)
    if isinstance(value, str):
        return _reads(value, wanted)
    if wanted.kind == "BOOLEAN":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if isinstance(value, Decimal | float):
        return _fits(value, wanted, own.scale or 0)
    if isinstance(value, datetime):
        if wanted.kind == "DATE":
            return value.tzinfo is None and value.time() == time()
        return wanted.kind == ("TIMESTAMP" if value.tzinfo else "TIMESTAMP_NTZ")
    if isinstance(value, date):
        return wanted.kind in ("DATE", "TIMESTAMP_NTZ")
    if isinstance(value, time):
        return wanted.kind == "TIME"
    return isinstance(value, timedelta) and wanted.kind == "DURATION"


def rounded(value: float, kind: DataType) -> float | None:
    """Return the nearest value of a float type, None where there is no finite one."""
    code = {"HALF": "<e", "FLOAT": "<f"}.get(kind.kind, "<d")  # native ones take 1e39 for infinity
    try:
        found: float = struct.unpack(code, struct.pack(code, value))[0]
    except OverflowError:
        return None
    return found


def _fits(value: Decimal | float, wanted: DataType, scale: int = 0) -> bool:
    if isinstance(value, float) and math.isinf(value):
        return wanted.is_float
    if wanted.is_float:
        nearest = rounded(float(value), wanted)
        if nearest is None or isinstance(value, float):
            return nearest is not None
        return Fraction(round(Fraction(nearest) * 10**scale), 10**scale) == Fraction(value)
    exact = Decimal(value)
    if wanted.is_integer:
        low, high = _INTEGERS[wanted.kind]
        return exact == exact.to_integral_value(ROUND_FLOOR) and low <= exact <= high
    if wanted.kind != "DECIMAL":
        return False
    if isinstance(value, float):
        exact = Decimal(repr(value))
    if wanted.precision is None or wanted.scale is None:
        return True
    with localcontext() as context:
        context.prec = 400
        scaled = exact.scaleb(wanted.scale)
        return scaled == scaled.to_integral_value(ROUND_FLOOR) and abs(scaled) < Decimal(
            10
        ) ** Decimal(wanted.precision)


def _reads(text: str, wanted: DataType) -> bool:
    if wanted.kind == "STRING":
        return True
    if wanted.kind == "BOOLEAN":
        return text.lower() in ("true", "false")
    if wanted.is_temporal:
        return _reads_time(text, wanted.kind)
    if wanted.is_float and text.lower() == "nan":
        return True
    number = re.fullmatch(r"([+-]?)[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?", text)
    if not wanted.is_numeric or number is None:
        return False
    if wanted.is_float:
        return rounded(float(text), wanted) is not None and math.isfinite(float(text))
    value = Decimal(text)
    if number[3] and (not wanted.is_integer or abs(value) >= 2**53):
        return False  # what writes exact numbers so has lost digits already
    if wanted.kind.startswith("UINT") and number[1] == "-":
        return False
    return _fits(value, wanted)


_CLOCK = r"(?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)"
_ZONE = "(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
_MOMENT = re.compile(rf"(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[Tt ]{_CLOCK}{_ZONE})?")


def _reads_time(text: str, kind: str) -> bool:
    """Tell whether a text is an ISO 8601 day, time of day or moment; all parts must exist."""
    found = re.fullmatch(_CLOCK, text) if kind == "TIME" else _MOMENT.fullmatch(text)
    if found is None:
        return False
    parts = found.groupdict()
    if kind == "DATE" and parts["clock"]:
        return False
    if kind in ("TIMESTAMP", "TIMESTAMP_NTZ") and bool(parts["zone"]) != (kind == "TIMESTAMP"):
        return False
    try:
        if kind != "TIME":
            date.fromisoformat(parts["day"])
        if parts["clock"]:
            time.fromisoformat(parts["clock"][:15])
        zone = parts.get("zone") or "Z"
        return zone in "Zz" or (int(zone[1:3]) < 24 and int(zone[-2:]) < 60)
    except ValueError:
        return False
