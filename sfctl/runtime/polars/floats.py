"""IEEE arithmetic that never yields an infinity or NaN in silence; NaN that comes in is null."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction

import polars as pl

from sfctl.runtime.faults import DataError
from sfctl.runtime.polars import exact
from sfctl.runtime.polars.term import RANGES, Term, any_error, boolean

_EXACT_UP_TO = 2**53
_NO_OVERFLOW = 2**1000


def constant(number: float, *, single: bool = False) -> Term:
    """Return a literal; rounded as a single where the column it meets holds singles."""
    if single:
        number = struct.unpack("f", struct.pack("f", number))[0]
    return Term(pl.lit(number), "float", pl.Float64(), literal=number)


def compare(symbol: str, left: Term, right: Term) -> Term:
    """Return the truth of a comparison of an exact number with a float, without rounding either.

    Two columns, of which one is a decimal, are compared as doubles.
    """
    if left.family == "float":
        return compare(exact.MIRRORED[symbol], right, left)
    error = any_error(left, right)
    if right.literal is not None:
        if not math.isfinite(right.literal):
            infinity = pl.lit(right.literal)
            known = exact.to_float(left).value
            return boolean(exact.COMPARE[symbol](known, infinity), left.error)
        number = Decimal(right.literal)
        scale = max(0, -int(number.as_tuple().exponent))
        return exact.compare(symbol, left, exact.constant(int(Fraction(number) * 10**scale), scale))
    if left.constant is not None:
        value = _against_constant(exact.MIRRORED[symbol], right.value, left)
    elif left.scale == 0 and max(abs(left.low), abs(left.high)) > _EXACT_UP_TO:
        value = _whole_against(symbol, left, right.value)
    else:
        value = exact.COMPARE[symbol](exact.to_float(left).value, right.value)
    return boolean(value, error)


def _against_constant(symbol: str, value: pl.Expr, other: Term) -> pl.Expr:
    assert other.constant is not None
    wanted = Fraction(other.constant, 10**other.scale)
    nearest = float(wanted)
    if wanted == Fraction(nearest):
        return exact.COMPARE[symbol](value, pl.lit(nearest))  # type: ignore[no-any-return]
    if symbol in ("=", "!="):
        return pl.when(value.is_not_null()).then(pl.lit(symbol == "!="))
    below = Fraction(nearest) < wanted
    strict = {"<": "<=" if below else "<", ">": ">" if below else ">="}
    return exact.COMPARE[strict[symbol[0]]](value, pl.lit(nearest))  # type: ignore[no-any-return]


def _whole_against(symbol: str, left: Term, value: pl.Expr) -> pl.Expr:
    """Compare a wide integer with a float through the float's whole part."""
    low, high = RANGES[pl.Int64()]
    wide = left.value.cast(pl.Int128)
    floor = value.floor()
    inside = floor.is_between(-1e38, 1e38)
    whole = pl.when(inside).then(floor).cast(pl.Int128)
    same = (wide == whole) & (floor == value)
    less = (wide < whole) | ((wide == whole) & (floor < value))
    less = (
        pl.when(inside)
        .then(less)
        .when(value > high)
        .then(pl.lit(value=True))
        .when(value < low)
        .then(pl.lit(value=False))
    )
    same = pl.when(inside).then(same).when(value.is_not_null()).then(pl.lit(value=False))
    unknown = left.value.is_null() | value.is_null()
    answer = {
        "=": same, "!=": ~same, "<": less, "<=": less | same, ">": ~(less | same), ">=": ~less,
    }[symbol]  # fmt: skip
    return pl.when(~unknown).then(answer)


def as_float(term: Term) -> Term:
    """Return the term as doubles."""
    if term.family == "float":
        return term
    if term.family != "exact":
        raise DataError(f"{term.dtype} is no number")
    if term.constant is not None:
        # one division of whole numbers rounds once, as reading the text does
        value = term.constant / 10**term.scale
        return Term(pl.lit(value), "float", pl.Float64(), term.error)
    return exact.to_float(term)


def arithmetic(symbol: str, left: Term, right: Term, most: int | None = None) -> Term:
    """Return `left <symbol> right` in doubles; a zero divisor or an overflow is an error.

    `most` is what the result is proven not to exceed, which spares looking for an overflow.
    """
    divides = symbol in ("/", "//", "%")
    left, right = as_float(left), as_float(right)
    zero = (right.value == 0.0).fill_null(value=False) & left.value.is_not_null()
    a, b = left.value, right.value
    value = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "//": lambda: (a / b).floor(),
        "%": lambda: _remainder(a, b),
    }[symbol]()
    term = Term(value, "float", pl.Float64(), any_error(left, right))
    if most is not None and most <= _NO_OVERFLOW:
        return term
    unusable = value.is_nan() | (value.is_infinite() & a.is_finite() & b.is_finite())
    unusable = unusable.fill_null(value=False)
    return term.masked(unusable | zero if divides else unusable)


def _remainder(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Return the exact remainder with the divisor's sign; the kernel's is wrong beyond 2^53."""

    def exactly(pairs: pl.Series) -> pl.Series:
        found = [
            None if p["a"] is None or p["b"] is None else _modulo(p["a"], p["b"]) for p in pairs
        ]
        return pl.Series(pairs.name, found, dtype=pl.Float64)

    pairs = pl.struct(a.alias("a"), b.alias("b"))
    return pairs.map_batches(exactly, return_dtype=pl.Float64(), is_elementwise=True)


def _modulo(left: float, right: float) -> float:
    return left % right if right and math.isfinite(left) else math.nan
