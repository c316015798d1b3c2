"""The states of batch measures from chunks of rows: what to ask of a chunk, and what it said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import polars as pl

from sfctl.runtime.faults import DataError
from sfctl.runtime.measured import Measured
from sfctl.runtime.polars.term import Term

_SPLIT = 10**19


@dataclass(frozen=True, slots=True)
class Kept:
    """Values of some chunks; exact ones are whole numbers of them, times 10^-`scale`."""

    values: pl.Series
    scale: int = 0

    def joined(self, other: Kept) -> Kept:
        """Return both together."""
        return Kept(self.values.append(other.values), self.scale)

    def distinct(self) -> int:
        """Return how many different ones there are."""
        return self.values.n_unique()

    def quantile(self, share: float) -> Fraction | float | None:
        """Return the value at a share of the way, between its two neighbours."""
        if self.values.dtype.is_float():
            return self.values.quantile(share, "linear")
        ordered = self.values.sort()
        place = Fraction(repr(share)) * (len(ordered) - 1)
        below = math.floor(place)
        low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        found = Fraction(low) + Fraction(high - low) * (place - below)
        return found / Fraction(10**self.scale)


def parts(measure: str, term: Term | None, where: Term | None) -> dict[str, pl.Expr]:
    """Return the expressions whose values `state` needs, by a short name.

    Raises DataError where the measure does not apply to such a column.
    """
    found = {"rows": pl.len() if where is None else where.value.sum()}
    if where is not None and where.error is not None:
        found["errors"] = where.error.sum()
    if term is None:
        return found
    if term.dtype == pl.Null() and measure in ("sum", "avg", "stddev", "quantile"):
        term = replace(term, value=term.value.cast(pl.Float64), family="float")
    value = term.value if where is None else pl.when(where.value).then(term.value)
    found["values"] = value.count()
    if measure in ("sum", "avg"):
        if term.family == "exact":
            wide = value.cast(pl.Int64 if _narrow(term.dtype) else pl.Int128)
            if term.dtype == pl.Int128():
                unit = pl.lit(_SPLIT, dtype=pl.Int128)
                return {**found, "high": (wide // unit).sum(), "low": (wide % unit).sum()}
            return {**found, "low": wide.sum()}
        return {**found, "total": _number(term, value).sum()}
    if measure == "stddev":
        return {**found, **_spread(term, value)}
    if measure in ("min", "max", "freshness"):
        end = value.min() if measure == "min" else value.max()
        return {**found, "end": end}
    if measure == "quantile":
        kept = _whole(term, value) if term.family == "exact" else _number(term, value)
        return {**found, "kept": kept.drop_nulls().implode()}
    if measure == "distinct_count":
        return {**found, "kept": value.drop_nulls().unique().implode()}
    return found


def state(measure: str, term: Term | None, found: Mapping[str, Any]) -> Measured:
    """Return the state of a chunk from the values of `parts`."""
    base = Measured(
        int(found["rows"] or 0), int(found.get("values") or 0), errors=int(found.get("errors") or 0)
    )
    if "low" in found:
        assert term is not None
        whole = int(found["low"] or 0) + _SPLIT * int(found.get("high") or 0)
        return replace(base, total=Fraction(whole, 10**term.scale))
    if "total" in found:
        return replace(base, total=float(found["total"] or 0.0))
    if "variance" in found:
        offset, variance = float(found["offset"] or 0.0), float(found["variance"] or 0.0)
        squares = variance * base.values
        if not (math.isfinite(offset) and math.isfinite(squares)):
            return replace(base, squares=math.nan)
        scale = term.scale if term is not None and term.family == "exact" else 0
        middle = Fraction(found["middle"] or 0) / 10**scale
        return replace(base, mean=middle + Fraction(offset), squares=squares)
    if "end" in found:
        end = found["end"]
        if term is not None and term.family == "exact" and end is not None:
            end = Fraction(end, 10**term.scale)
        return replace(base, least=end) if measure == "min" else replace(base, most=end)
    if "kept" in found:
        exact = term is not None and term.family == "exact"
        return replace(base, kept=Kept(found["kept"], term.scale if term and exact else 0))
    return base


def _whole(term: Term, value: pl.Expr) -> pl.Expr:
    """Return the whole numbers of an exact term, wide enough for every one."""
    narrow = _narrow(term.dtype) or term.dtype == pl.Int64()
    return value.cast(pl.Int64 if narrow else pl.Int128)


def _spread(term: Term, value: pl.Expr) -> dict[str, pl.Expr]:
    """Return a middle of the values, and mean and variance of what is left without it.

    Doubles hold what is left even where they would round the values themselves.
    """
    if term.family == "exact":
        whole = value.cast(pl.Int64 if _narrow(term.dtype) else pl.Int128)
        middle = whole.min() // 2 + whole.max() // 2
        rest = (whole - middle).cast(pl.Float64) / float(10**term.scale)
    else:
        number = _number(term, value)
        middle = number.min() / 2 + number.max() / 2
        rest = number - middle
    return {"middle": middle, "offset": rest.mean(), "variance": rest.var(ddof=0)}


def _narrow(dtype: pl.DataType) -> bool:
    return dtype in (pl.Int8(), pl.Int16(), pl.Int32(), pl.UInt8(), pl.UInt16(), pl.UInt32())


def _number(term: Term, value: pl.Expr) -> pl.Expr:
    if term.family == "exact":
        return value.cast(pl.Float64) / float(10**term.scale)
    if term.family != "float":
        raise DataError(f"{term.dtype} is no number")
    return value
