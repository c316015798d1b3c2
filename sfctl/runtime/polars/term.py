"""What an expression becomes on its way into Polars: a value, its representation, its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from sfctl.runtime.representation import LIMIT, Family

Bounds = Mapping[tuple[str, ...], tuple[int, int]]
"""Smallest and largest unscaled value by column path, of the rows at hand."""

RANGES: dict[pl.DataType, tuple[int, int]] = {
    pl.Int8(): (-(2**7), 2**7 - 1),
    pl.Int16(): (-(2**15), 2**15 - 1),
    pl.Int32(): (-(2**31), 2**31 - 1),
    pl.Int64(): (-(2**63), 2**63 - 1),
    pl.UInt8(): (0, 2**8 - 1),
    pl.UInt16(): (0, 2**16 - 1),
    pl.UInt32(): (0, 2**32 - 1),
    pl.UInt64(): (0, 2**64 - 1),
    pl.Int128(): (-LIMIT, LIMIT),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One emitted expression.

    `error` is a boolean that is never null and marks rows on which the value could not be
    computed; there `value` is null. Exact numbers are whole numbers times 10^-scale, and `low`
    and `high` are proven bounds of the whole number. `constant` is the whole number of a literal,
    `literal` the value of a float one.
    """

    value: pl.Expr
    family: Family
    dtype: pl.DataType
    error: pl.Expr | None = None
    scale: int = 0
    low: int = -LIMIT
    high: int = LIMIT
    constant: int | None = None
    literal: float | None = None

    def failing(self) -> pl.Expr:
        """Return a boolean that is true where a row violates: FALSE, or not to be computed."""
        if self.error is None:
            return ~self.value
        return (~self.value).fill_null(value=False) | self.error

    def masked(self, error: pl.Expr | None) -> Term:
        """Return the term with `error` added, its value null wherever there is an error."""
        if error is None:
            return self
        both = error if self.error is None else self.error | error
        value = pl.when(~both).then(self.value)
        return replace(self, value=value, error=both, constant=None, literal=None)


def any_error(*terms: Term) -> pl.Expr | None:
    """Return where any of the terms could not be computed."""
    found = [term.error for term in terms if term.error is not None]
    return pl.any_horizontal(found) if len(found) > 1 else found[0] if found else None


def boolean(value: pl.Expr, error: pl.Expr | None = None) -> Term:
    """Return a truth value; `error` is already reflected as null in `value`."""
    return Term(value, "boolean", pl.Boolean(), error)
