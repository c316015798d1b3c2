"""IEEE arithmetic that never yields an infinity in silence; NaN is null."""

from __future__ import annotations

import polars as pl

from sfctl.runtime.polars import exact
from sfctl.runtime.polars.term import DataError, Term, any_error


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


def arithmetic(symbol: str, left: Term, right: Term) -> Term:
    """Return `left <symbol> right` in doubles; a zero divisor or an overflow is an error."""
    divides = symbol in ("/", "//", "%")
    zero = exact.is_zero(right) if right.family == "exact" else None
    left, right = as_float(left), as_float(right)
    if divides and zero is None:
        zero = (right.value == 0.0).fill_null(value=False)
    a, b = left.value, right.value
    value = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "//": lambda: (a / b).floor(),
        "%": lambda: a - (a / b).floor() * b,
    }[symbol]()
    term = Term(value, "float", pl.Float64(), any_error(left, right))
    overflow = (value.is_infinite() & a.is_finite() & b.is_finite()).fill_null(value=False)
    term = term.masked(overflow | zero if divides and zero is not None else overflow)
    return Term(term.value.fill_nan(None), "float", pl.Float64(), term.error)
