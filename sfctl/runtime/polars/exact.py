"""Exact arithmetic and comparison of integers and decimals, in 64 or 128 bits as proven enough.

Polars wraps in silence and rounds products of decimals; here a result either provably fits its
type, or is guarded row by row and marked as an error beyond 38 digits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from sfctl.runtime.polars.term import RANGES, Term, any_error, boolean
from sfctl.runtime.representation import LIMIT

_WIDE = pl.Int128()
_EXACT_DOUBLES = 2**53
_EXACT_POWERS = 22
"""Up to here doubles hold whole numbers, and powers of ten, exactly: one division rounds once."""
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def constant(number: int, scale: int = 0) -> Term:
    """Return the literal `number` × 10^-scale."""
    dtype = _holding(number, number)
    if abs(number) > LIMIT:
        # comparable, as comparisons look at `constant`, but nothing can be computed with it
        return Term(pl.lit(None, dtype=dtype), "exact", dtype, pl.lit(True), scale, number, number,
                    number)  # fmt: skip
    value = pl.lit(number, dtype=dtype)
    return Term(value, "exact", dtype, None, scale, number, number, number)


def add(left: Term, right: Term) -> Term:
    """Return left + right."""
    left, right = _aligned(left, right)
    low, high = left.low + right.low, left.high + right.high
    return _result(left, right, operator.add, low, high, left.scale, _add_overflows)


def subtract(left: Term, right: Term) -> Term:
    """Return left - right."""
    left, right = _aligned(left, right)
    low, high = left.low - right.high, left.high - right.low
    return _result(left, right, operator.sub, low, high, left.scale, _subtract_overflows)


def multiply(left: Term, right: Term) -> Term:
    """Return left × right; scales add up, nothing is rounded."""
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    scale = left.scale + right.scale
    return _result(
        left, right, operator.mul, min(corners), max(corners), scale, _multiply_overflows
    )


def floor_divide(left: Term, right: Term) -> Term:
    """Return the quotient rounded down, a whole number; dividing by zero is an error."""
    left, right = _aligned(left, right)
    most = max(abs(left.low), abs(left.high))
    dtype = _common(left, right)
    value = _as(left, dtype) // _as(right, dtype)
    term = Term(value, "exact", dtype, any_error(left, right), 0, -most - 1, most + 1)
    return term.masked(is_zero(right, under=left))


def modulo(left: Term, right: Term) -> Term:
    """Return the remainder with the divisor's sign; dividing by zero is an error."""
    left, right = _aligned(left, right)
    most = max(abs(right.low), abs(right.high))
    dtype = _common(left, right)
    value = _as(left, dtype) % _as(right, dtype)
    term = Term(value, "exact", dtype, any_error(left, right), left.scale, -most, most)
    return term.masked(is_zero(right, under=left))


def negate(term: Term) -> Term:
    """Return -term."""
    return subtract(replace(constant(0), scale=term.scale), term)


def absolute(term: Term) -> Term:
    """Return the magnitude of the term."""
    high = max(abs(term.low), abs(term.high))
    dtype = _holding(-high, high)
    value = _as(term, dtype).abs()
    return replace(term, value=value, dtype=dtype, low=0, high=high, constant=None)


def is_zero(term: Term, *, under: Term) -> pl.Expr | None:
    """Return where a known value is divided by zero, or None where the term provably never is."""
    if term.low > 0 or term.high < 0:
        return None
    zero = (term.value == pl.lit(0, dtype=term.dtype)).fill_null(value=False)
    return zero & under.value.is_not_null()


def to_float(term: Term) -> Term:
    """Return the nearest IEEE double."""
    value = term.value.cast(pl.Float64)
    if term.scale:
        value = value / float(10**term.scale)
        if max(abs(term.low), abs(term.high)) > _EXACT_DOUBLES or term.scale > _EXACT_POWERS:
            value = _rounded_once(term, value)
    return Term(value, "float", pl.Float64(), term.error)


def _rounded_once(term: Term, value: pl.Expr) -> pl.Expr:
    """Return quotients by the power of ten, divided in Python where doubles would round twice."""
    unit = 10**term.scale
    wide = term.value.cast(_WIDE)
    twice = ~wide.is_between(-_EXACT_DOUBLES, _EXACT_DOUBLES)
    if term.scale > _EXACT_POWERS:
        twice = wide.is_not_null()

    def nearest(wholes: pl.Series) -> pl.Series:
        found = pl.repeat(None, len(wholes), dtype=pl.Float64, eager=True)
        places = wholes.is_not_null().arg_true()
        quotients = [whole / unit for whole in wholes.gather(places)]
        return found.scatter(places, quotients).alias(wholes.name) if quotients else found

    divided = pl.when(twice).then(wide).map_batches(nearest, return_dtype=pl.Float64())
    return pl.when(twice).then(divided).otherwise(value)


def compare(symbol: str, left: Term, right: Term) -> Term:
    """Return the truth of `left <symbol> right`, whatever scales and widths."""
    if left.constant is not None and right.constant is None:
        return compare(MIRRORED[symbol], right, left)
    if right.constant is not None:
        return boolean(_against_constant(symbol, left, right), left.error)
    error = any_error(left, right)
    if left.scale != right.scale and not _alignable(left, right):
        return boolean(_by_parts(symbol, left, right), error)
    left, right = _aligned(left, right)
    dtype = left.dtype if left.dtype == right.dtype else _common(left, right)
    return boolean(COMPARE[symbol](_as(left, dtype), _as(right, dtype)), error)


def within(term: Term, numbers: list[tuple[int, int]]) -> pl.Expr:
    """Return whether the term is one of the (whole number, scale) pairs."""
    wanted = []
    for number, scale in numbers:
        shifted, rest = _rescaled(number, scale, term.scale)
        if rest == 0 and term.low <= shifted <= term.high:
            wanted.append(shifted)
    if not wanted:
        return _known(term.value, answer=False)
    if term.dtype == _WIDE:
        return pl.any_horizontal(term.value == pl.lit(n, dtype=_WIDE) for n in wanted)
    return term.value.is_in(pl.Series(wanted, dtype=term.dtype).implode())


def _against_constant(symbol: str, term: Term, other: Term) -> pl.Expr:
    assert other.constant is not None
    number, rest = _rescaled(other.constant, other.scale, term.scale)
    if rest:
        # x < 0.5 over whole numbers is x <= 0, x >= 0.5 is x > 0
        if symbol in ("=", "!="):
            return _known(term.value, answer=symbol == "!=")
        symbol = {"<": "<=", "<=": "<=", ">": ">", ">=": ">"}[symbol]
    if number > term.high or number < term.low:
        answer = COMPARE[symbol](0, 1) if number > term.high else COMPARE[symbol](1, 0)
        return _known(term.value, answer=answer)
    return COMPARE[symbol](term.value, pl.lit(number, dtype=term.dtype))  # type: ignore[no-any-return]


def _known(value: pl.Expr, *, answer: bool) -> pl.Expr:
    return pl.when(value.is_not_null()).then(pl.lit(answer))


def _rescaled(number: int, scale: int, wanted: int) -> tuple[int, int]:
    """Return (quotient rounded down, remainder) of the number at another scale."""
    if wanted >= scale:
        return number * _power(wanted - scale), 0
    return divmod(number, _power(scale - wanted))


def _by_parts(symbol: str, left: Term, right: Term) -> pl.Expr:
    """Compare without multiplying: whole parts first, then what is left over."""
    if left.scale > right.scale:
        return _by_parts(MIRRORED[symbol], right, left)
    unit = pl.lit(10 ** (right.scale - left.scale), dtype=_WIDE)
    wide = _as(right, _WIDE)
    whole, mine = wide // unit, _as(left, _WIDE)
    exact = (wide % unit) == pl.lit(0, dtype=_WIDE)
    same = (mine == whole) & exact
    less = (mine < whole) | ((mine == whole) & ~exact)
    answers = {"=": same, "!=": ~same, "<": less, "<=": less | same}
    return answers.get(symbol, ~(less | same) if symbol == ">" else ~less)


def _alignable(left: Term, right: Term) -> bool:
    factor = _power(abs(left.scale - right.scale))
    small = left if left.scale < right.scale else right
    return max(abs(small.low), abs(small.high)) * factor <= LIMIT


def _aligned(left: Term, right: Term) -> tuple[Term, Term]:
    if left.scale < right.scale:
        return _beside(_upscaled(left, right.scale), left, right), right
    if right.scale < left.scale:
        return left, _beside(_upscaled(right, left.scale), right, left)
    return left, right


def _beside(term: Term, before: Term, other: Term) -> Term:
    """Return an upscaled term whose overflow does not matter where the other side is null."""
    if term.error is None or term.error is before.error:
        return term
    matters = term.error & other.value.is_not_null()
    return replace(term, error=matters if before.error is None else before.error | matters)


def at_scale(term: Term, scale: int) -> Term:
    """Return the term with at least `scale` fraction digits."""
    return _upscaled(term, scale) if term.scale < scale else term


def _upscaled(term: Term, scale: int) -> Term:
    if term.constant is not None:
        number = term.constant * 10 ** (scale - term.scale)
        if abs(number) <= LIMIT:
            return constant(number, scale)
    return multiply(term, constant(10 ** (scale - term.scale), scale - term.scale))


def _result(
    left: Term,
    right: Term,
    operation: Callable[[Any, Any], Any],
    low: int,
    high: int,
    scale: int,
    overflows: Callable[[pl.Expr, pl.Expr], pl.Expr],
) -> Term:
    # both operands must fit as well: 2^63 - 1 fits while 2^63 does not
    dtype = _holding(min(low, left.low, right.low), max(high, left.high, right.high))
    a, b = _as(left, dtype), _as(right, dtype)
    term = Term(
        operation(a, b), "exact", dtype, any_error(left, right), scale,
        max(low, -LIMIT), min(high, LIMIT),
    )  # fmt: skip
    if low < -LIMIT or high > LIMIT:
        return term.masked(overflows(a, b).fill_null(value=False))
    return term


def _power(digits: int) -> int:
    return int(10**digits)


def _add_overflows(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    most, zero = pl.lit(LIMIT, dtype=_WIDE), pl.lit(0, dtype=_WIDE)
    return ((b > zero) & (a > most - b)) | ((b < zero) & (a < -most - b))


def _subtract_overflows(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return _add_overflows(a, pl.lit(0, dtype=_WIDE) - b)


def _multiply_overflows(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    most, zero = pl.lit(LIMIT, dtype=_WIDE), pl.lit(0, dtype=_WIDE)
    return (a != zero) & (b.abs() > most // a.abs())


def _holding(low: int, high: int) -> pl.DataType:
    narrow_low, narrow_high = RANGES[pl.Int64()]
    return pl.Int64() if narrow_low <= low and high <= narrow_high else _WIDE


def _common(left: Term, right: Term) -> pl.DataType:
    return _holding(min(left.low, right.low), max(left.high, right.high))


def _as(term: Term, dtype: pl.DataType) -> pl.Expr:
    if term.constant is not None:
        return pl.lit(term.constant, dtype=dtype)
    return term.value if term.dtype == dtype else term.value.cast(dtype)
