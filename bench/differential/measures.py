"""Batch measures in plain Python: slow, exact, one obvious way each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

NAMES = ("sum", "avg", "min", "max", "stddev", "quantile")


def measured(
    rule: dict[str, Any], values: Sequence[Any], *, nearest: bool = False
) -> float | Fraction | None:
    """Return what an `aggregate` rule measures of values that are all there; None of too few.

    `nearest` takes for a quantile the nearest value instead of interpolating.
    """
    function = rule["function"]
    if not values or (function == "stddev" and len(values) < 2):
        return None
    if nearest and function == "quantile":
        ordered = sorted(values)
        chosen = ordered[round(rule["quantile"] * (len(ordered) - 1))]
        return chosen if isinstance(chosen, float) else Fraction(chosen)
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        return _of_floats(rule, [float(value) for value in values])
    exact = [Fraction(value) for value in values]
    if function == "sum":
        return sum(exact)
    if function == "avg":
        return sum(exact) / len(exact)
    if function == "min":
        return min(exact)
    if function == "max":
        return max(exact)
    if function == "stddev":
        return math.sqrt(variance(exact) * len(exact) / (len(exact) - 1))
    return quantile(exact, rule["quantile"])


def _of_floats(rule: dict[str, Any], values: list[float]) -> float:
    """Return a measure of floats of which some are infinite, or NaN where that is a value.

    Least and greatest pass over NaN; in order it comes last.
    """
    function = rule["function"]
    numbers = sorted(value for value in values if value == value)
    if function in ("min", "max"):
        return (numbers[0] if function == "min" else numbers[-1]) if numbers else math.nan
    if function == "quantile":
        ordered = [*numbers, *[math.nan] * (len(values) - len(numbers))]
        place = rule["quantile"] * (len(ordered) - 1)
        low, high = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
        return low if low == high or place == int(place) else low + (high - low) * (place % 1)
    return sum(values) if function == "sum" else math.nan


def variance(values: Sequence[Fraction]) -> Fraction:
    """Return the variance of the values as a whole population."""
    mean = sum(values, Fraction(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values)


def quantile(values: Sequence[Fraction], share: float) -> Fraction:
    """Return the quantile, interpolating linearly between the two nearest values."""
    ordered = sorted(values)
    place = Fraction(str(share)) * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
