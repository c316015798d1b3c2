"""The operators of a check: which numbers of rows, or shares of them, may be found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """An interval; None where an end is open. An excluded end is not itself allowed."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_excluded: bool = False
    high_excluded: bool = False

    def most(self) -> int | None:
        """Return the greatest whole number allowed."""
        if self.high is None:
            return None
        return math.ceil(self.high) - 1 if self.high_excluded else math.floor(self.high)

    def least(self) -> int | None:
        """Return the smallest whole number allowed."""
        if self.low is None:
            return None
        return math.floor(self.low) + 1 if self.low_excluded else math.ceil(self.low)


def limits(check: Mapping[str, Any]) -> Limits | str:
    """Return what the operators of a check allow; a reason where no rule can say it."""
    found = Limits()
    for key, value in check.items():
        if key in ("mustNotBe", "mustNotBeBetween"):
            return "no rule says that a number must differ"
        ends = _ends(key, value)
        if isinstance(ends, str):
            return ends
        if ends is not None:
            found = _both(found, ends)
    if found.low is None and found.high is None:
        return "it does not say what must hold"
    return found


def digits(number: Decimal) -> str:
    """Return a number without exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ends(key: str, value: Any) -> Limits | str | None:
    if not key.startswith("mustBe"):
        return None
    values = value if key == "mustBeBetween" else [value]
    numbers = [_number(each) for each in values]
    if any(number is None for number in numbers):
        return "it is not compared with a number"
    number = numbers[0]
    if key == "mustBe":
        return Limits(number, number)
    if key == "mustBeBetween":
        first, second = numbers
        assert first is not None
        assert second is not None
        return Limits(min(first, second), max(first, second))
    excluded = not key.endswith("OrEqualTo")
    if key.startswith("mustBeGreater"):
        return Limits(low=number, low_excluded=excluded)
    return Limits(high=number, high_excluded=excluded)


def _both(one: Limits, other: Limits) -> Limits:
    low, low_excluded = one.low, one.low_excluded
    if low is None or (other.low is not None and other.low > low):
        low, low_excluded = other.low, other.low_excluded
    high, high_excluded = one.high, one.high_excluded
    if high is None or (other.high is not None and other.high < high):
        high, high_excluded = other.high, other.high_excluded
    return Limits(low, high, low_excluded, high_excluded)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Decimal(str(value))
