"""Batch measures: one number over all rows, from states that merge, whatever engine made them.

Sums, averages, minima and maxima of integers and decimals are exact. `stddev` is the sample's
(n - 1); `quantile` interpolates linearly between the two nearest values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Protocol

from sfctl.model.literal import MAX_DIGITS
from sfctl.model.literal import number as literal_number
from sfctl.model.policy import Batch
from sfctl.runtime.faults import DataError

Number = Fraction | float | str
"""What is measured; dates, times and texts are text."""

_TWELVE = Context(prec=12)


class Values(Protocol):
    """The values themselves, or what an engine has found out of them."""

    def joined(self, other: Any) -> Values:
        """Return both together."""

    def distinct(self) -> int:
        """Return how many different ones there are."""

    def quantile(self, share: float) -> Fraction | float | None:
        """Return the value at a share of the way from the least to the greatest."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The state of one measure over some rows: enough to merge and to name the number.

    `rows` are those that count, `values` those of them that are not null; `errors` those on which
    `where` could not be evaluated. `total` is exact (a fraction) or a float; `least` and `most` are
    plain Python values; `kept` is there where nothing less will do.
    """

    rows: int = 0
    values: int = 0
    total: Fraction | float = 0.0
    mean: Fraction = Fraction()
    squares: float = 0.0
    least: Any = None
    most: Any = None
    kept: Values | None = None
    errors: int = 0

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
        )  # fmt: skip


def _sum(left: Fraction | float, right: Fraction | float) -> Fraction | float:
    return left + right if right else left if left else right


def _pick(choose: Any, left: Any, right: Any) -> Any:
    return right if left is None else left if right is None else choose(left, right)


def _joined(left: Values | None, right: Values | None) -> Values | None:
    if left is None or right is None:
        return right if left is None else left
    return left.joined(right)


def number(check: Batch, state: Measured, now: datetime) -> Number | None:
    """Return what was measured; None where there was nothing to measure.

    Raises DataError beyond 38 digits.
    """
    measure = check.measure
    if state.errors:
        raise DataError("`where` cannot be evaluated on every row")
    if measure == "row_count":
        return Fraction(state.rows)
    if measure == "null_rate":
        return Fraction(state.rows - state.values, state.rows) if state.rows else None
    if measure == "distinct_count":
        return Fraction(0 if state.kept is None else state.kept.distinct())
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
        return state.kept.quantile(0.5 if check.quantile is None else check.quantile)
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
