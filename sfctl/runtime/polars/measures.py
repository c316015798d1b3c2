"""Batch measures: one number over all rows, from states that merge chunk by chunk.

Sums, averages, minima and maxima of integers and decimals are exact. `stddev` is the sample's
(n - 1); `quantile` interpolates linearly between the two nearest values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from sfctl.model.literal import MAX_DIGITS
from sfctl.model.literal import number as literal_number
from sfctl.model.policy import Batch
from sfctl.runtime.polars.term import DataError, Term

_SPLIT = 10**19
_TWELVE = Context(prec=12)


@dataclass(frozen=True, slots=True)
class Measured:
    """The state of one measure over some rows: enough to merge and to name the number.

    `rows` are those that count, `values` those of them that are not null; `errors` those on which
    `where` could not be evaluated. `total` is exact (a
    fraction) or a float; `least` and `most` are plain Python values; `kept` holds the values
    themselves where nothing less will do, whole numbers of them times 10^-`scale`.
    """

    rows: int = 0
    values: int = 0
    total: Fraction | float = 0.0
    mean: Fraction = Fraction()
    squares: float = 0.0
    least: Any = None
    most: Any = None
    kept: pl.Series | None = None
    errors: int = 0
    scale: int = 0

    def merge(self, other: Measured) -> Measured:
        """Return both together."""
        values = self.values + other.values
        mean, squares = self.mean, self.squares
        if other.values:
            gap = float(other.mean - self.mean)
            mean += Fraction(gap * other.values / values)
            squares += other.squares + gap * gap * self.values * other.values / values
        return Measured(
            self.rows + other.rows, values, _sum(self.total, other.total), mean, squares,
            _pick(min, self.least, other.least), _pick(max, self.most, other.most),
            _joined(self.kept, other.kept), self.errors + other.errors,
            max(self.scale, other.scale),
        )  # fmt: skip


def _sum(left: Fraction | float, right: Fraction | float) -> Fraction | float:
    return left + right if right else left if left else right


def _pick(choose: Any, left: Any, right: Any) -> Any:
    return right if left is None else left if right is None else choose(left, right)


def _joined(left: pl.Series | None, right: pl.Series | None) -> pl.Series | None:
    if left is None or right is None:
        return right if left is None else left
    return left.append(right)


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
        return replace(base, kept=found["kept"], scale=term.scale if term and exact else 0)
    return base


def number(check: Batch, state: Measured, now: datetime) -> Fraction | float | str | None:
    """Return what was measured; None where there was nothing to measure.

    Dates, times and texts are returned as text. Raises DataError beyond 38 digits.
    """
    measure = check.measure
    if state.errors:
        raise DataError("`where` cannot be evaluated on every row")
    if measure == "row_count":
        return Fraction(state.rows)
    if measure == "null_rate":
        return Fraction(state.rows - state.values, state.rows) if state.rows else None
    if measure == "distinct_count":
        return Fraction(0 if state.kept is None else state.kept.n_unique())
    if not state.values or (measure == "stddev" and state.values < 2):
        return None
    if measure in ("sum", "avg"):
        total = state.total
        if isinstance(total, Fraction) and abs(total) >= 10**38:
            raise DataError("the sum has more than 38 digits")
        if measure == "avg":
            total = total / state.values
        return total
    if measure == "stddev":
        return math.sqrt(state.squares / (state.values - 1))
    if measure == "quantile":
        assert state.kept is not None
        return _quantile(state.kept, 0.5 if check.quantile is None else check.quantile, state.scale)
    if measure == "freshness":
        return Fraction(round((now - _instant(state.most)) / timedelta(microseconds=1)), 10**6)
    end = state.least if measure == "min" else state.most
    return end if isinstance(end, Fraction | float) else _text(end)


def within_bounds(check: Batch, value: Fraction | float | str) -> bool:
    """Tell whether the number lies within the declared bounds; floats to 12 significant digits.

    Raises DataError for a date or text that is held against numbers.
    """
    if isinstance(value, str):
        bounds = [end for end in (check.minimum, check.maximum) if end is not None]
        if any(literal_number(end) is not None for end in bounds):
            # as texts, '5000' would lie below 7
            raise DataError(f"the {check.measure} is no number, which the bounds are")
        return _between(check, value, check.minimum, check.maximum)
    minimum = None if check.minimum is None else Fraction(check.minimum)
    maximum = None if check.maximum is None else Fraction(check.maximum)
    if isinstance(value, float):
        if not math.isfinite(value):
            return False
        return _between(check, _rounded(value), _rounded(minimum), _rounded(maximum))
    return _between(check, value, minimum, maximum)


def _rounded(value: Fraction | float | None) -> Fraction | None:
    """Return a number to 12 significant digits: both sides of a comparison with a float."""
    if value is None:
        return None
    exact = Fraction(value)
    return Fraction(_TWELVE.divide(Decimal(exact.numerator), Decimal(exact.denominator)))


def _between(check: Batch, value: Any, minimum: Any, maximum: Any) -> bool:
    if minimum is not None and (value < minimum or (check.exclusive_minimum and value == minimum)):
        return False
    return maximum is None or not (
        value > maximum or (check.exclusive_maximum and value == maximum)
    )


def text_of(value: Fraction | float | str) -> str:
    """Return the number for people and JSON: exact where it ends, else to 12 digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value + 0.0:.12g}"  # which makes 0 of -0
    scale = 0
    while value.denominator != 1 and scale < MAX_DIGITS and 10**scale % value.denominator:
        scale += 1
    whole, rest = divmod(abs(value.numerator) * 10**scale, value.denominator)
    if rest:
        return f"{float(value):.12g}"
    digits = str(whole).rjust(scale + 1, "0")
    text = f"{digits[: len(digits) - scale]}.{digits[len(digits) - scale :]}" if scale else digits
    return f"-{text}" if value < 0 else text


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


def _quantile(values: pl.Series, share: float, scale: int) -> Fraction | float | None:
    """Return the value at a share of the way from the least to the greatest, between neighbours."""
    if values.dtype.is_float():
        return values.quantile(share, "linear")
    ordered = values.sort()
    place = Fraction(repr(share)) * (len(ordered) - 1)
    below = math.floor(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    found = Fraction(low) + Fraction(high - low) * (place - below)
    return found / Fraction(10**scale)


def _narrow(dtype: pl.DataType) -> bool:
    return dtype in (pl.Int8(), pl.Int16(), pl.Int32(), pl.UInt8(), pl.UInt16(), pl.UInt32())


def _number(term: Term, value: pl.Expr) -> pl.Expr:
    if term.family == "exact":
        return value.cast(pl.Float64) / float(10**term.scale)
    if term.family != "float":
        raise DataError(f"{term.dtype} is no number")
    return value


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, Fraction | float):
        raise DataError("a number has no age; freshness takes a date or time")
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise DataError("the newest value is no date or time") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return value.isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)
