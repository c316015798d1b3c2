"""Which types may meet in an operation, and how a literal takes the type it is compared with."""

from __future__ import annotations

from sfctl.model import literal
from sfctl.model.expr import Arithmetic, Call, Case, Constant, Expr, Field, Negate, Null
from sfctl.model.types import DataType

_FAMILIES = {
    "BOOLEAN": "boolean", "STRING": "text", "DATE": "date", "TIME": "time",
    "TIMESTAMP": "instant", "TIMESTAMP_NTZ": "datetime", "DURATION": "duration",
    "BINARY": "binary", "ANY": "any", "NULL": "any",
}  # fmt: skip
NAMES = {
    "boolean": "a boolean", "text": "text", "date": "a date", "time": "a time of day",
    "instant": "an instant", "datetime": "a date and time without zone",
    "duration": "a span of time", "binary": "binary", "number": "a number", "any": "any",
    "nested": "nested", "day": "a date or timestamp", "clock": "a time or timestamp",
}  # fmt: skip
_GROUPS = {
    "day": ("date", "instant", "datetime"),
    "clock": ("time", "instant", "datetime"),
    "ordered": ("number", "text", "date", "time", "instant", "datetime", "duration"),
}
_DIGITS = {
    "INT8": 3, "INT16": 5, "INT32": 10, "INT64": 19,
    "UINT8": 3, "UINT16": 5, "UINT32": 10, "UINT64": 20,
}  # fmt: skip
_FLOATS = ("HALF", "FLOAT", "DOUBLE")
ANY = DataType("ANY")
BOOLEAN = DataType("BOOLEAN")


def type_of(expr: Expr) -> DataType:
    """Return the type of a node's value."""
    if isinstance(expr, Field | Constant | Null | Arithmetic | Negate | Case | Call):
        return expr.type
    return BOOLEAN


def family(kind: DataType) -> str:
    """Return the family of a type: values of one family can be compared."""
    if kind.is_numeric:
        return "number"
    return _FAMILIES.get(kind.kind, "nested")


def belongs(kind: DataType, wanted: str) -> bool:
    """Tell whether a type may stand where a family, or a group of families, is wanted."""
    own = family(kind)
    return wanted == "any" or own in ("any", wanted) or own in _GROUPS.get(wanted, ())


def digits(kind: DataType) -> tuple[int, int] | None:
    """Return (digits before the point, digits after) of an exact type; None where unknown."""
    if kind.is_integer:
        return _DIGITS[kind.kind], 0
    if kind.kind != "DECIMAL" or kind.precision is None or kind.scale is None:
        return None
    return kind.precision - kind.scale, kind.scale


def bound(expr: Expr) -> tuple[int, int] | None:
    """Return the digits before and after the point that an exact value has at most."""
    if isinstance(expr, Constant) and expr.type.is_exact:
        whole, _, fraction = expr.text.lstrip("-").partition(".")
        return len(whole.lstrip("0")), len(fraction)
    return digits(type_of(expr))


def exact(whole: int, scale: int) -> DataType:
    """Return the type of exact results: INT64 while they surely fit, else DECIMAL, capped at 38."""
    if scale == 0 and whole <= 18:
        return literal.INT64
    return DataType("DECIMAL", min(literal.MAX_DIGITS, whole + scale), scale)


def common(one: DataType, other: DataType) -> DataType | None:
    """Return the type that holds values of both, or None; ANY where either is unknown."""
    if one == other or other.kind == "NULL":
        return one
    if one.kind == "NULL":
        return other
    if "ANY" in (one.kind, other.kind):
        return ANY
    if family(one) != family(other) or family(one) == "nested":
        return None
    if one.is_float or other.is_float:
        floats = [k.kind for k in (one, other) if k.is_float]
        mixed = one.is_exact or other.is_exact
        return literal.DOUBLE if mixed else DataType(max(floats, key=_FLOATS.index))
    if one.is_exact:
        left, right = digits(one), digits(other)
        if left is None or right is None:
            return DataType("DECIMAL")
        return exact(max(left[0], right[0]), max(left[1], right[1]))
    return one


def as_type(constant: Constant, wanted: DataType) -> Constant | None:
    """Return a literal read as `wanted`, or None where it cannot be.

    Text becomes a date, an instant or a number; a number meant for a float column becomes the
    nearest float; a date becomes midnight without zone. Anything may stay before an unknown type.
    """
    kind = constant.type
    if wanted.kind in ("ANY", "NULL") or kind == wanted:
        return constant
    if wanted.is_numeric:
        if kind.kind == "STRING":
            found = literal.number(constant.text)
            return as_type(found, wanted) if found is not None else None
        if not kind.is_numeric:
            return None
        return Constant(constant.text, wanted) if wanted.is_float else constant
    if wanted.is_temporal:
        if kind.kind == "STRING":
            text = constant.text
            found = literal.temporal(text, wanted.kind)
            if found is None and wanted.kind in ("DATE", "TIMESTAMP_NTZ"):
                other = "TIMESTAMP_NTZ" if wanted.kind == "DATE" else "DATE"
                found = literal.temporal(text, other)
            return found
        if kind.kind == "DATE" and wanted.kind == "TIMESTAMP_NTZ":
            return Constant(f"{constant.text}T00:00:00", wanted)
        if {kind.kind, wanted.kind} <= {"DATE", "TIMESTAMP_NTZ"}:
            return constant
        return None
    if wanted.kind == "DURATION" and kind.kind == "STRING":
        return literal.span(constant.text)
    return constant if family(kind) == family(wanted) != "nested" else None


def comparable(left: DataType, right: DataType) -> bool:
    """Tell whether values of two types may be compared."""
    one, other = family(left), family(right)
    if "any" in (one, other):
        return True
    if {one, other} == {"date", "datetime"}:
        return True
    return one == other and one not in ("nested", "binary")


def needs_zone(left: DataType, right: DataType) -> bool:
    """Tell whether two types differ only in that one is an instant and the other has no zone."""
    kinds = {family(left), family(right)}
    return kinds in ({"instant", "datetime"}, {"instant", "date"})
