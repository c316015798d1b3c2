"""IEEE arithmetic that never yields an infinity or NaN in silence; NaN that comes in is null."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from sfctl.model.types import DataType
from sfctl.runtime.spark import arithmetic, exact, numbers
from sfctl.runtime.spark.sql import (
    DataError,
    Term,
    any_error,
    boolean,
    cast,
    either,
    inner,
    known,
    sharing,
    undone,
)

DOUBLE = DataType("DOUBLE")
_EXACT_UP_TO = 2**53
_NO_OVERFLOW = 2**1000
INFINITY = "CAST('Infinity' AS DOUBLE)"


def constant(value: float, *, single: bool = False) -> Term:
    """Return a literal; rounded as a single where the column it meets holds singles."""
    if single:
        value = struct.unpack("f", struct.pack("f", value))[0]
    return Term(number(value), "float", DOUBLE, literal=value)


def number(value: float) -> str:
    """Return a double as SQL, bit for bit."""
    if math.isnan(value):
        return "CAST(NULL AS DOUBLE)"
    if math.isinf(value):
        return INFINITY if value > 0 else f"(-{INFINITY})"
    return f"{value!r}D"


def to_float(term: Term) -> Term:
    """Return the nearest IEEE double of an exact number."""
    if term.form == "unscaled":
        digits = f"concat({cast(term.value, 'STRING')}, 'E-{term.scale}')"
        return Term(f"try_cast({digits} AS DOUBLE)", "float", DOUBLE, term.error)
    return Term(cast(term.value, "DOUBLE"), "float", DOUBLE, term.error)


def as_float(term: Term) -> Term:
    """Return the term as doubles."""
    if term.family == "float":
        return term
    if term.family != "exact":
        raise DataError(f"{term.dtype} is no number")
    if term.constant is not None:
        # one division of whole numbers rounds once, as reading the text does
        value = term.constant / 10**term.scale
        return Term(number(value), "float", DOUBLE, term.error)
    return to_float(term)


def compare(symbol: str, left: Term, right: Term) -> Term:
    """Return the truth of a comparison of an exact number with a float, without rounding either.

    Two columns, of which one is a decimal, are compared as doubles.
    """
    if left.family == "float":
        return compare(exact.MIRRORED[symbol], right, left)
    error = any_error(left, right)
    if right.literal is not None:
        if not math.isfinite(right.literal):
            value = exact.compared(symbol, as_float(left).value, right.value)
            return boolean(value, left.error)
        wanted = Decimal(right.literal)
        scale = max(0, -int(wanted.as_tuple().exponent))
        return exact.compare(
            symbol, left, arithmetic.constant(int(Fraction(wanted) * 10**scale), scale)
        )
    if left.constant is not None:
        value = _against_constant(exact.MIRRORED[symbol], right.value, left)
    elif left.scale == 0 and max(abs(left.low), abs(left.high)) > _EXACT_UP_TO:
        value = _whole_against(symbol, left, right.value)
    else:
        value = exact.compared(symbol, to_float(left).value, right.value)
    return boolean(value, error)


def _against_constant(symbol: str, value: str, other: Term) -> str:
    assert other.constant is not None
    wanted = Fraction(other.constant, 10**other.scale)
    nearest = float(wanted)
    if wanted == Fraction(nearest):
        return exact.compared(symbol, value, number(nearest))
    if symbol in ("=", "!="):
        return known(value, answer=symbol == "!=")
    below = Fraction(nearest) < wanted
    strict = {"<": "<=" if below else "<", ">": ">" if below else ">="}
    return exact.compared(strict[symbol[0]], value, number(nearest))


def _whole_against(symbol: str, left: Term, value: str) -> str:
    """Compare a wide integer with a float.

    As doubles they compare rightly wherever they differ, for rounding keeps the order; where they
    do not, the double is whole, and the whole numbers decide.
    """

    def said(whole: str, value: str) -> str:
        near = inner(to_float(replace(left, value=whole)).value)
        tie = exact.compared(symbol, numbers.as_wide(replace(left, value=whole)), whole_of(value))
        return f"if({near} = {value}, {tie}, {near} {symbol} {value})"

    return sharing(said, whole=left.value, value=value)


def whole_of(value: str) -> str:
    """Return a whole double as DECIMAL(38,0), null beyond 38 digits.

    Spark casts doubles to decimals by their shortest text, which is another number from 2^53 on,
    and makes 2^63 - 1 of 2^63; cut by powers of two, no bit of it is lost.
    """
    unit, half = float(2**76), float(2**38)
    high = f"try_cast({inner(value)} / {unit!r}D AS BIGINT)"
    rest = f"({inner(value)} - {high} * {unit!r}D)"
    middle = f"try_cast({rest} / {half!r}D AS BIGINT)"
    low = f"try_cast({rest} - {middle} * {half!r}D AS BIGINT)"
    upper = f"try_multiply(CAST({high} AS DECIMAL(38,0)), {2**76}BD)"
    lower = f"CAST({middle} AS DECIMAL(20,0)) * {2**38}BD + CAST({low} AS DECIMAL(20,0))"
    return f"try_add({upper}, CAST({lower} AS DECIMAL(38,0)))"


def computed(symbol: str, left: Term, right: Term, most: int | None = None) -> Term:
    """Return `left <symbol> right` in doubles; a zero divisor or an overflow is an error.

    `most` is what the result is proven not to exceed, which spares looking for an overflow.
    """
    left, right = as_float(left), as_float(right)
    error = any_error(left, right)
    if most is not None and most <= _NO_OVERFLOW:
        value = f"({inner(left.value)} {symbol} {inner(right.value)})"
        return Term(value, "float", DOUBLE, error)

    def said(a: str, b: str) -> str:
        found = _RESULT[symbol](a, b)
        infinite = [f"abs({side}) = {INFINITY}" for side, term in ((a, left), (b, right))
                    if term.literal is None]  # fmt: skip
        # what is infinite of finite numbers has overflown
        usable = " OR ".join([f"abs({found}) < {INFINITY}", *infinite])
        return f"if({usable}, nanvl({found}, CAST(NULL AS DOUBLE)), NULL)"

    value = sharing(said, a=left.value, b=right.value)
    wrong = undone(value, left.value, right.value)
    return Term(value, "float", DOUBLE, either([error, wrong]))


def _floor(quotient: str) -> str:
    """Return the floor of a double; Spark's own is BIGINT and ends where that does."""
    inside = f"abs({quotient}) < {float(_EXACT_UP_TO)!r}D"
    return f"if({inside}, CAST(floor({quotient}) AS DOUBLE), {quotient})"


def _remainder(a: str, b: str) -> str:
    """Return the exact remainder with the divisor's sign, as IEEE's cut-off remainder gives it."""
    rest = f"({a} % {b})"
    turned = f"{rest} <> 0D AND ({rest} < 0D) <> ({b} < 0D)"
    return f"if({turned}, {rest} + {b}, {rest})"


_RESULT: dict[str, Callable[[str, str], str]] = {
    "+": lambda a, b: f"({a} + {b})",
    "-": lambda a, b: f"({a} - {b})",
    "*": lambda a, b: f"({a} * {b})",
    "/": lambda a, b: f"({a} / nullif({b}, 0D))",
    "//": lambda a, b: _floor(f"({a} / nullif({b}, 0D))"),
    "%": lambda a, b: _remainder(a, f"nullif({b}, 0D)"),
}
