"""Sums, products, floors and remainders of exact numbers, no wider than their bounds demand."""

from __future__ import annotations

from dataclasses import replace

from sfctl.model.types import DataType
from sfctl.runtime.representation import LIMIT
from sfctl.runtime.spark import numbers
from sfctl.runtime.spark.numbers import DIGITS, INT64, as_decimal, as_long, as_wide, fits, shape
from sfctl.runtime.spark.sql import Term, any_error, cast, either, inner, sharing, undone

_NEGATED = 34
"""Digits that Spark keeps of a decimal whose sign it turns; it rounds the rest in silence."""
_NONE = "CAST(0BD AS DECIMAL(38,0))"
_NAMES = {"+": "try_add", "-": "try_subtract", "*": "try_multiply"}


def constant(whole: int, scale: int = 0) -> Term:
    """Return the literal `whole` × 10^-scale."""
    if abs(whole) > LIMIT or scale > DIGITS:
        # comparable, as comparisons look at `constant`, but nothing can be computed with it
        return Term("CAST(NULL AS DECIMAL(38,0))", "exact", numbers.WIDE, "TRUE", scale, whole,
                    whole, whole)  # fmt: skip
    if not scale and fits(whole, whole):
        kind = DataType("INT32") if fits(whole, whole, "INT32") else INT64
    else:
        kind = DataType("DECIMAL", max(len(str(abs(whole))), scale), scale)
    value = numbers.number(whole, scale)
    return Term(value, "exact", kind, None, scale, whole, whole, whole)


def add(left: Term, right: Term) -> Term:
    """Return left + right."""
    return _sum("+", left, right)


def subtract(left: Term, right: Term) -> Term:
    """Return left - right."""
    return _sum("-", left, right)


def negate(term: Term) -> Term:
    """Return -term."""
    return subtract(replace(constant(0), scale=term.scale), term)


def absolute(term: Term) -> Term:
    """Return the magnitude of the term."""
    high = max(abs(term.low), abs(term.high))
    term = replace(term, low=0, high=high, constant=None)
    if not numbers.is_integer(term):
        if sum(shape(term)) <= _NEGATED:
            return replace(term, value=f"abs({term.value})")
        value = sharing(lambda v: f"if({v} < 0, {_NONE} - {v}, {v})", v=as_wide(term))
        return numbers.wide(value, term.scale, 0, high, term.error)
    if fits(-high, high):
        return replace(term, value=f"abs({as_long(term)})", dtype=INT64)
    return replace(term, value=f"abs({as_decimal(term)})", dtype=DataType("DECIMAL", 20, 0))


def multiply(left: Term, right: Term) -> Term:
    """Return left × right; scales add up, nothing is rounded."""
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    low, high = min(corners), max(corners)
    scale = left.scale + right.scale
    own = left.form == right.form == "own"
    if own and _long_enough(left, right, low, high):
        return _long("*", left, right, low, high)
    if own:
        (a, s), (b, t) = shape(left), shape(right)
        if a + s + b + t + 1 <= DIGITS:
            kind = DataType("DECIMAL", a + s + b + t + 1, s + t)
            return _own("*", left, right, kind, low, high)
    return _tried("*", left, right, scale, low, high)


def floor_divide(left: Term, right: Term) -> Term:
    """Return the quotient rounded down, a whole number; dividing by zero is an error."""
    left, right = aligned(left, right)
    most = max(abs(left.low), abs(left.high))
    error = either([any_error(left, right), _is_zero(right, under=left)])
    if not (fits(left.low, left.high) and fits(right.low, right.high)):
        value = sharing(_wide_floor, a=as_wide(left), b=_not_zero(as_wide(right), right))
        return numbers.wide(value, 0, -most - 1, most + 1, error)
    # -2^63 by -1 is the one quotient that is greater than both
    beyond = left.low == -(2**63) and right.low <= -1 <= right.high
    signed = left.low < 0 or right.low < 0

    def floor(a: str, b: str) -> str:
        value = f"({a} div {b})"
        if signed:
            value = f"({value} - {_one_less(f'({a} % {b})', right, b)})"
        if beyond:
            value = f"if({b} = -1, 0BD - CAST({a} AS DECIMAL(20,0)), {value})"
            return cast(value, "DECIMAL(21,0)")
        return value

    whole = numbers.as_long_whole
    value = sharing(floor, a=whole(left), b=_not_zero(whole(right), right))
    if beyond:
        return Term(value, "exact", DataType("DECIMAL", 21, 0), error, 0, -most, most)
    return Term(value, "exact", INT64, error, 0, -min(most + 1, 2**63), most)


def modulo(left: Term, right: Term) -> Term:
    """Return the remainder with the divisor's sign; dividing by zero is an error."""
    left, right = aligned(left, right)
    most = max(abs(right.low), abs(right.high))
    error = either([any_error(left, right), _is_zero(right, under=left)])
    long = fits(left.low, left.high) and fits(right.low, right.high)
    whole = numbers.as_long_whole if long else as_wide
    signed = left.low < 0 or right.low < 0

    def rest(a: str, b: str) -> str:
        value = f"({a} % {b})"
        return f"({value} + {b} * {_one_less(value, right, b)})" if signed else value

    value = sharing(rest, a=whole(left), b=_not_zero(whole(right), right))
    low, high = (0 if right.low >= 0 else -most), (0 if right.high <= 0 else most)
    if long and not left.scale:
        return Term(value, "exact", INT64, error, 0, low, high)
    wide = value if not long else cast(value, "DECIMAL(38,0)")
    return numbers.wide(wide, left.scale, low, high, error)


def aligned(left: Term, right: Term) -> tuple[Term, Term]:
    """Bring two terms to the greater scale of both."""
    if left.scale < right.scale:
        return _beside(at_scale(left, right.scale), left, right), right
    if right.scale < left.scale:
        return left, _beside(at_scale(right, left.scale), right, left)
    return left, right


def at_scale(term: Term, scale: int) -> Term:
    """Return the term with at least `scale` fraction digits."""
    if term.scale >= scale:
        return term
    if term.constant is not None:
        whole = term.constant * 10 ** (scale - term.scale)
        if abs(whole) <= LIMIT:
            return constant(whole, scale)
    return multiply(term, constant(10 ** (scale - term.scale), scale - term.scale))


def divided_by_power(value: str, digits: int) -> tuple[str, str]:
    """Return the floor of a wide whole number by a power of ten, and what remains of it.

    What remains is of the number's own sign. A product by the reciprocal has room for all digits
    in every session, which a quotient has not.
    """
    rest = f"({inner(value)} % {numbers.number(10**digits, decimal=True)})"
    even = f"({inner(value)} - {rest})"
    whole = cast(f"{even} * {numbers.number(1, digits)}", "DECIMAL(38,0)")
    return f"({whole} - if({rest} < 0, 1BD, 0BD))", rest


def _sum(symbol: str, left: Term, right: Term) -> Term:
    low, high = _ends(symbol, *aligned(left, right))
    if left.form == right.form == "own":
        if _long_enough(left, right, low, high):
            return _long(symbol, left, right, low, high)
        (a, s), (b, t) = shape(left), shape(right)
        if max(a, b) + max(s, t) < DIGITS:
            kind = DataType("DECIMAL", max(a, b) + max(s, t) + 1, max(s, t))
            return _own(symbol, left, right, kind, low, high)
    left, right = aligned(left, right)
    return _tried(symbol, left, right, left.scale, low, high)


def _ends(symbol: str, left: Term, right: Term) -> tuple[int, int]:
    if symbol == "+":
        return left.low + right.low, left.high + right.high
    return left.low - right.high, left.high - right.low


def _long_enough(left: Term, right: Term, low: int, high: int) -> bool:
    whole = all(numbers.is_integer(term) for term in (left, right))
    return whole and fits(low, high)


def _long(symbol: str, left: Term, right: Term, low: int, high: int) -> Term:
    value = f"({inner(as_long(left))} {symbol} {inner(as_long(right))})"
    return Term(value, "exact", INT64, any_error(left, right), 0, low, high)


def _own(symbol: str, left: Term, right: Term, kind: DataType, low: int, high: int) -> Term:
    value = f"({inner(as_decimal(left))} {symbol} {inner(as_decimal(right))})"
    # the value of a sum of scales 0 and 2 has scale 2, whatever the literals were written as
    return Term(value, "exact", kind, any_error(left, right), kind.scale or 0, low, high)


def _tried(symbol: str, left: Term, right: Term, scale: int, low: int, high: int) -> Term:
    a, b = as_wide(left), as_wide(right)
    error = any_error(left, right)
    if low >= -LIMIT and high <= LIMIT:
        return numbers.wide(f"({inner(a)} {symbol} {inner(b)})", scale, low, high, error)
    value = f"{_NAMES[symbol]}({a}, {b})"
    return numbers.wide(value, scale, low, high, either([error, undone(value, a, b)]))


def _is_zero(term: Term, *, under: Term) -> str | None:
    """Return where a known value is divided by zero, or None where the term provably never is."""
    if term.low > 0 or term.high < 0:
        return None
    return f"{inner(under.value)} IS NOT NULL AND {inner(term.value)} <=> 0"


def _not_zero(value: str, term: Term) -> str:
    return value if term.low > 0 or term.high < 0 else f"nullif({value}, 0)"


def _one_less(rest: str, divisor: Term, value: str) -> str:
    """Return 1 where a quotient that was cut off lies above its floor, else 0."""
    if divisor.low >= 0:
        return f"if({rest} < 0, 1, 0)"
    if divisor.high <= 0:
        return f"if({rest} > 0, 1, 0)"
    return f"if({rest} <> 0 AND ({rest} < 0) <> ({value} < 0), 1, 0)"


def _wide_floor(a: str, b: str) -> str:
    """Return the floor of the quotient of two whole numbers of 38 digits.

    Spark's quotients of decimals have as few as 20 digits before the point, by session and by
    the types of both sides: the divisor is cast to what leaves the quotient its digits, and one
    of at most ten digits divides the upper and the lower half of the number apart.
    """
    half = numbers.number(10**19, decimal=True)
    rest = f"({a} % {b})"
    even = f"({a} - {rest})"
    low = f"({even} % {half})"
    high = f"try_cast(({even} - {low}) * {numbers.number(1, 19)} AS DECIMAL(20,0))"
    short = f"try_cast({b} AS DECIMAL(10,0))"
    over = f"({high} % {short})"
    upper = f"try_cast(({high} - {over}) / {short} AS DECIMAL(38,0))"
    behind = f"try_cast({over} * {half} + {low} AS DECIMAL(30,0))"
    lower = f"try_cast({behind} / {short} AS DECIMAL(38,0))"
    middle = f"try_cast({even} / try_cast({b} AS DECIMAL(19,0)) AS DECIMAL(38,0))"
    quotient = (
        f"CASE WHEN {b} > -{10**10} AND {b} < {10**10} THEN {upper} * {half} + {lower}"
        f" WHEN {b} > -{10**19} AND {b} < {10**19} THEN {middle}"
        f" ELSE try_cast({even} / {b} AS DECIMAL(38,0)) END"
    )
    less = f"if({rest} <> 0 AND ({rest} < 0) <> ({b} < 0), 1, 0)"
    return f"try_cast({quotient} - {less} AS DECIMAL(38,0))"


def _beside(term: Term, before: Term, other: Term) -> Term:
    """Return an upscaled term whose overflow does not matter where the other side is null."""
    if term.error is None or term.error == before.error:
        return term
    matters = f"{inner(term.error)} AND {inner(other.value)} IS NOT NULL"
    return replace(term, error=any_error(before, replace(before, error=matters)))
