"""What a comparison is about: a column or a value calculated from columns, and what it can be."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from msgspec.structs import replace

from sfctl.compiler.domain import ANY_VALUE, Domain
from sfctl.model.expr import Arithmetic, Call, Constant, Expr, Field, Negate, children
from sfctl.model.families import type_of
from sfctl.model.types import DataType

_INTEGERS = {
    "INT8": (-(2**7), 2**7 - 1), "INT16": (-(2**15), 2**15 - 1), "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1), "UINT8": (0, 2**8 - 1), "UINT16": (0, 2**16 - 1),
    "UINT32": (0, 2**32 - 1), "UINT64": (0, 2**64 - 1),
}  # fmt: skip
_GIVES = {
    "length": (0, None), "year": (1, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23),
    "minute": (0, 59),
}  # fmt: skip
_MOST_WHOLE = 19
"""Digits of exact numbers whose sums, differences and products stay within 38."""


def inside(operand: Expr) -> Expr:
    """Return the column whose length a value is, else the value itself."""
    if isinstance(operand, Call) and operand.function == "length":
        (inner,) = operand.arguments
        return inner if isinstance(inner, Field) else operand
    return operand


def strict_fields(expr: Expr) -> tuple[Field, ...] | None:
    """Return the columns of which any being null makes a value null; None where that depends."""
    if isinstance(expr, Field):
        return (expr,)
    found: dict[Field, None] = {}
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Field):
            found[node] = None
        elif not isinstance(node, Constant | Call | Arithmetic | Negate) or (
            isinstance(node, Call) and node.function == "coalesce"
        ):
            return None
        stack.extend(children(node))
    return tuple(found)


def may_fail(expr: Expr) -> bool:
    """Tell whether a value may be impossible to calculate on some row, which fails the row."""
    if isinstance(expr, Field):
        return False
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Arithmetic) and not _safe(node):
            return True
        stack.extend(children(node))
    return False


def _safe(node: Arithmetic) -> bool:
    if node.operator in ("/", "//", "%"):
        divisor = node.right
        exact = isinstance(divisor, Constant) and divisor.type.is_exact
        return (
            exact
            and isinstance(divisor, Constant)
            and divisor.number() != 0
            and (node.operator == "%" and type_of(node.left).is_exact)
        )
    kinds = (type_of(node.left), type_of(node.right))
    return all(kind.is_integer or _short(kind) for kind in kinds)


def _short(kind: DataType) -> bool:
    return kind.kind == "DECIMAL" and kind.precision is not None and kind.precision <= _MOST_WHOLE


def of_subject(subject: Expr) -> Domain:
    """Return what a column of its type, or what is calculated, can be at all."""
    if isinstance(subject, Field):
        return of_type(subject.type)
    match subject:
        case Call(function=function) if function in _GIVES:
            low, high = _GIVES[function]
            return Domain(Decimal(low), None if high is None else Decimal(high), scale=0)
        case Call(function="abs") if type_of(subject).is_exact:
            return Domain(low=Decimal(0))
        case Call(function="substring", arguments=(_, _, Constant() as most)):
            return Domain(longest=max(int(most.number()), 0))
        case Arithmetic(operator="%", right=Constant() as divisor) if divisor.type.is_exact:
            size = abs(divisor.number())
            whole = 0 if type_of(subject).is_integer else None
            return Domain(-size, size, True, True, scale=whole) if size else Domain()
        case _:
            return of_type(type_of(subject))


_TURNED: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "trim": lambda text: text.strip(" "),
}


def stable(subject: Expr, domain: Domain) -> Domain:
    """Return a domain without texts that a function such as `upper` never gives."""
    turn = _TURNED.get(subject.function) if isinstance(subject, Call) else None
    if domain.accepted is None or turn is None:
        return domain
    kept = (each for each in domain.accepted if not isinstance(each, str) or turn(each) == each)
    return replace(domain, accepted=frozenset(kept))


@lru_cache(maxsize=512)
def of_type(kind: DataType) -> Domain:
    """Return the values a column of a type can have."""
    if kind.is_integer:
        low, high = _INTEGERS[kind.kind]
        return Domain(Decimal(low), Decimal(high), scale=0)
    if kind.kind == "DECIMAL" and kind.precision is not None and kind.scale is not None:
        # put together from digits, as arithmetic would round them to the ambient context's 28
        nines = (9,) * kind.precision
        least, most = (Decimal((sign, nines, -kind.scale)) for sign in (1, 0))
        return Domain(least, most, scale=kind.scale)
    if kind.kind == "BOOLEAN":
        return Domain(accepted=frozenset([True, False]))
    return ANY_VALUE
