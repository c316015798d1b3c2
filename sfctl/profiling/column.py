"""The state of one column over some rows: what merges, in any order, to the same figures.

While a column has at most `KEEP` distinct values all of them are kept with their counts, and every
figure is exact. Past that its values are forgotten: figures are counted as rows go by, a histogram
stands for the quantiles and the `KEEP` smallest hashes for the number of distinct values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

KEEP = 1_000
"""Distinct values up to which everything is exact."""
DISTINCT_ERROR = round(1 / math.sqrt(KEEP - 2), 4)
"""Relative standard error of an estimated number of distinct values."""
QUANTILE_ERROR = 0.01
"""How far a quantile of many values may be from the true one, relative to it."""
BLANKS = " \t\r\n"
PER_LOG = 1 / math.log((1 + QUANTILE_ERROR) / (1 - QUANTILE_ERROR))
MIDDLE = 60_000

Scalar = int | float | str | bool


class Wide(msgspec.Struct, frozen=True, array_like=True):
    """Figures over the values of a column that has too many to keep."""

    values: int = 0
    zeros: int = 0
    negatives: int = 0
    empty: int = 0
    padded: int = 0
    least: Scalar | None = None
    most: Scalar | None = None
    mean: float = 0.0
    squares: float = 0.0
    shortest: int | None = None
    longest: int | None = None
    letters: int = 0
    buckets: dict[int, int] = {}


class ColumnState(msgspec.Struct, frozen=True):
    """One column. `kept` maps a value's hash to the value, None once they are `wide`, and its rows.

    `nans` are NaN, infinite, or dates past the year 9999: neither null nor a value.
    Of a `hidden` column nothing is kept that could tell a value; `seen` is the largest number of
    distinct values of one day then.
    """

    family: str
    rows: int = 0
    nulls: int = 0
    nans: int = 0
    kept: dict[int, tuple[Scalar | None, int]] = {}
    wide: Wide | None = None
    hidden: bool = False
    seen: int = 0

    @property
    def limit(self) -> int | None:
        """The hash past which nothing is kept any more, None while everything is."""
        return max(self.kept) if self.wide is not None and len(self.kept) >= KEEP else None

    @property
    def figures(self) -> Wide:
        """The figures, whichever way they are held."""
        return self.wide if self.wide is not None else summary(self.kept.values(), self.family)

    def merge(self, other: ColumnState) -> ColumnState:
        """Return both together: associative and commutative, float sums to 12 digits."""
        kept = _union(self.kept, other.kept)
        hidden = self.hidden or other.hidden
        wide = None
        if self.wide is not None or other.wide is not None:
            wide = joined(self.figures, other.figures, self.family)
        elif len(kept) > KEEP:
            wide = summary(kept.values(), self.family)
        if wide is not None:
            kept = {at: (None, kept[at][1]) for at in sorted(kept)[:KEEP]}
        state = ColumnState(
            self.family,
            self.rows + other.rows,
            self.nulls + other.nulls,
            self.nans + other.nans,
            kept,
            wide,
            seen=max(self.seen, other.seen),
        )
        return state.scrubbed() if hidden else state

    def scrubbed(self) -> ColumnState:
        """Return the state without anything that tells a value: counts and lengths remain."""
        figures = self.figures
        bare = Wide(
            figures.values,
            empty=figures.empty,
            padded=figures.padded,
            shortest=figures.shortest,
            longest=figures.longest,
            letters=figures.letters,
        )
        seen = max(self.seen, self.distinct)
        return msgspec.structs.replace(self, kept={}, wide=bare, hidden=True, seen=seen)

    @property
    def distinct(self) -> int:
        """The number of distinct values: exact up to `KEEP`, then an estimate."""
        if self.hidden or self.wide is None:
            return max(self.seen, len(self.kept))
        if len(self.kept) < KEEP:
            return len(self.kept)
        return max(KEEP, round((KEEP - 1) / (max(self.kept) / 2**64)))

    @property
    def repeated(self) -> bool:
        """Whether some value is known to occur more than once."""
        return any(count > 1 for _, count in self.kept.values())


def _union(
    left: Mapping[int, tuple[Scalar | None, int]], right: Mapping[int, tuple[Scalar | None, int]]
) -> dict[int, tuple[Scalar | None, int]]:
    found = dict(left)
    for at, (value, count) in right.items():
        known = found.get(at)
        found[at] = (value, count) if known is None else (value, count + known[1])
    return found


def summary(kept: Iterable[tuple[Scalar | None, int]], family: str) -> Wide:
    """Return the figures of values and their counts."""
    known = [(value, count) for value, count in kept if value is not None]
    values = sum(count for _, count in known)
    if not known or family == "boolean":
        return Wide(values, zeros=sum(count for value, count in known if value is False))
    ordered = sorted((value for value, _ in known), key=order(family))
    least, most = ordered[0], ordered[-1]
    if family == "text":
        texts = [(str(value), count) for value, count in known]
        return Wide(
            values,
            empty=sum(count for text, count in texts if not text),
            padded=sum(count for text, count in texts if text != text.strip(BLANKS)),
            least=least,
            most=most,
            shortest=min(len(text) for text, _ in texts),
            longest=max(len(text) for text, _ in texts),
            letters=sum(len(text) * count for text, count in texts),
        )
    if family == "time":
        return Wide(values, least=least, most=most)
    numbers = [(float(value), count) for value, count in known]
    mean = _sum(number * count for number, count in numbers) / values
    buckets: dict[int, int] = {}
    for number, count in numbers:
        at = bucket(number)
        buckets[at] = buckets.get(at, 0) + count
    return Wide(
        values,
        zeros=sum(count for number, count in numbers if number == 0),
        negatives=sum(count for number, count in numbers if number < 0),
        least=least,
        most=most,
        mean=mean,
        squares=_sum((number - mean) * (number - mean) * count for number, count in numbers),
        buckets=buckets,
    )


def _sum(parts: Iterable[float]) -> float:
    """Return the exact sum, rounded once; infinite where it is too large to be held."""
    try:
        return math.fsum(parts)
    except (OverflowError, ValueError):
        return math.inf


def joined(left: Wide, right: Wide, family: str) -> Wide:
    """Return the figures of two sets of rows together."""
    by = order(family)
    values = left.values + right.values
    mean, squares = left.mean, left.squares
    if right.values and values:
        gap = right.mean - left.mean
        mean = (left.mean * left.values + right.mean * right.values) / values
        squares = left.squares + right.squares + gap * gap * left.values * right.values / values
    buckets = dict(left.buckets)
    for at, count in right.buckets.items():
        buckets[at] = buckets.get(at, 0) + count
    return Wide(
        values,
        left.zeros + right.zeros,
        left.negatives + right.negatives,
        left.empty + right.empty,
        left.padded + right.padded,
        _pick(min, left.least, right.least, by),
        _pick(max, left.most, right.most, by),
        mean,
        squares,
        _pick(min, left.shortest, right.shortest),
        _pick(max, left.longest, right.longest),
        left.letters + right.letters,
        buckets,
    )


def _pick(choose: Any, left: Any, right: Any, by: Any = None) -> Any:
    return right if left is None else left if right is None else choose(left, right, key=by)


def order(family: str) -> Any:
    """Return the key that sorts the values of a family; decimals are held as text."""
    return Decimal if family == "decimal" else None


def bucket(number: float) -> int:
    """Return the histogram's bucket of a number; buckets sort as numbers do."""
    if number == 0:
        return 0
    at = math.floor(math.log(abs(number)) * PER_LOG) + MIDDLE
    return at if number > 0 else -at


def middle(at: int) -> float:
    """Return the number that stands for a bucket, within `QUANTILE_ERROR` of all in it."""
    if at == 0:
        return 0.0
    low = math.exp((abs(at) - MIDDLE) / PER_LOG)
    high = math.exp((abs(at) - MIDDLE + 1) / PER_LOG)
    return math.copysign(2 * low * high / (low + high), at)
