"""Exact quantiles without sorting all rows: a window around the place, made smaller until it fits.

Spark's own sketch says where to look, exact counts say whether it was right.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sfctl.runtime.spark import floats
from sfctl.runtime.spark.sql import Term, cast, inner

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEW = 1_000
"""Values, each with how often it occurs, that come to the driver."""
_ACCURACY = 10_000
_VALUE = "_sfctl_value"


def quantile(
    frame: DataFrame, value: str, term: Term, count: int, share: float
) -> tuple[Fraction | float | None, int]:
    """Return the number at a share of the way from the least to the greatest, and the passes.

    `value` is that of `term` in the rows that count, null in all others; there are `count` of it.
    """
    place = Fraction(repr(share)) * (count - 1)
    below = math.floor(place)
    rows = frame.selectExpr(f"{value} AS {_VALUE}").where(f"{_VALUE} IS NOT NULL")
    found, passes = _at(rows, count, [below, min(below + 1, count - 1)])
    low, high = found
    if term.family == "float":
        gap = high - low if low != high else 0.0
        return float(low) + float(gap) * float(place - below), passes
    least, most = Fraction(low), Fraction(high)
    return least + (most - least) * (place - below), passes


def _at(rows: DataFrame, count: int, places: list[int]) -> tuple[list[Any], int]:
    """Return the values at some places of the sorted rows, which are near each other."""
    passes, before, inside = 0, 0, count
    while inside > FEW:
        narrower = _narrower(rows, inside, [place - before for place in places])
        passes += 2
        if narrower is None:
            break
        low, high, less, within = narrower
        rows = rows.where(f"{_double()} >= {low} AND {_double()} <= {high}")
        before, inside = before + less, within
    groups = rows.groupBy(_VALUE).count().orderBy(_VALUE)
    listed = groups.collect() if inside <= FEW else groups.toLocalIterator()
    found: list[Any] = []
    for row in listed:
        before += row["count"]
        while len(found) < len(places) and places[len(found)] < before:
            found.append(row[_VALUE])
        if len(found) == len(places):
            break
    return found, passes + 1


def _narrower(rows: DataFrame, inside: int, places: list[int]) -> tuple[str, str, int, int] | None:
    """Return ends of a smaller window around the places, with the rows before and in it.

    None where a sketch cannot make it any smaller.
    """
    shares = [
        max(0.0, places[0] / inside - 2 / _ACCURACY), min(1.0, places[1] / inside + 2 / _ACCURACY)
    ]  # fmt: skip
    listed = ", ".join(floats.number(share) for share in shares)
    sketch = f"approx_percentile({_double()}, array({listed}), {_ACCURACY}) AS ends"
    row = rows.selectExpr(sketch).first()
    assert row is not None
    low, high = (floats.number(end) for end in row["ends"])
    told = rows.selectExpr(
        f"count_if({_double()} < {low}) AS less",
        f"count_if({_double()} >= {low} AND {_double()} <= {high}) AS within",
    ).first()
    assert told is not None
    less, within = int(told["less"]), int(told["within"])
    if within == inside or not (less <= places[0] and places[1] < less + within):
        return None
    return low, high, less, within


def _double() -> str:
    return inner(cast(_VALUE, "DOUBLE"))
