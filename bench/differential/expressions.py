"""The row expressions of the generated cases once more, in plain Python with three-valued logic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Truth = bool | None


class Unanswerable(Exception):
    """The expression has no value on this row: a division by zero, a number beyond 38 digits."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How values meet. All off is our meaning; each one is somebody's habit."""

    nan_is_a_value: bool = False
    integers_wrap: bool = False
    nothing_by_zero: bool = False

    def present(self, *values: Any) -> bool:
        """Tell whether all values are there."""
        if any(value is None for value in values):
            return False
        return self.nan_is_a_value or not any(value != value for value in values)

    def less(self, left: Any, right: Any) -> Truth:
        """Return left < right; as a value NaN is the greatest."""
        if not self.present(left, right):
            return None
        if left != left or right != right:
            return bool(left == left)
        return bool(left < right)

    def same(self, left: Any, right: Any) -> Truth:
        """Return left = right; as a value NaN equals itself."""
        if not self.present(left, right):
            return None
        return bool(left == right or (left != left and right != right))

    def result(self, number: int) -> int:
        """Return the result of integer arithmetic."""
        if self.integers_wrap:
            return (number + 2**63) % 2**64 - 2**63
        return number


def no(value: Truth) -> Truth:
    return None if value is None else not value


def both(*values: Truth) -> Truth:
    if any(value is False for value in values):
        return False
    return None if any(value is None for value in values) else True


def either(*values: Truth) -> Truth:
    return no(both(*map(no, values)))


def _computed(row: Row, habits: Habits, work: Callable[[int, int], int]) -> int | None:
    left, right = row["ints_a"], row["ints_b"]
    return None if left is None or right is None else habits.result(work(left, right))


def _remainder(row: Row, habits: Habits) -> int | None:
    if row["ints_a"] is not None and row["ints_b"] == 0:
        if habits.nothing_by_zero:
            return None
        raise Unanswerable
    return _computed(row, habits, lambda a, b: a % b)


def _case(row: Row, h: Habits) -> Truth:
    if row["ints_b"] is None:
        return h.less(1, row["ints_a"])
    return no(h.less(row["ints_a"], row["ints_b"]))


ANSWERS: dict[str, Callable[[Row, Habits], Truth]] = {
    "ints_a <= ints_b": lambda r, h: no(h.less(r["ints_b"], r["ints_a"])),
    "ints_a <= ints_b OR ints_b IS NULL": lambda r, h: either(
        no(h.less(r["ints_b"], r["ints_a"])), r["ints_b"] is None
    ),
    "ints_a > 1 AND ints_b > 1": lambda r, h: both(h.less(1, r["ints_a"]), h.less(1, r["ints_b"])),
    "NOT (ints_a = ints_b)": lambda r, h: no(h.same(r["ints_a"], r["ints_b"])),
    "days_from <= days_to": lambda r, h: no(h.less(r["days_to"], r["days_from"])),
    "floats_x < floats_y": lambda r, h: h.less(r["floats_x"], r["floats_y"]),
    "floats_x >= 0": lambda r, h: no(h.less(r["floats_x"], 0)),
    "floats_x = floats_y OR floats_x > 1": lambda r, h: either(
        h.same(r["floats_x"], r["floats_y"]), h.less(1, r["floats_x"])
    ),
    "ints_a + ints_b <= 6": lambda r, h: no(h.less(6, _computed(r, h, lambda a, b: a + b))),
    "ints_a * ints_b > 1": lambda r, h: h.less(1, _computed(r, h, lambda a, b: a * b)),
    "ints_a - ints_b >= -1": lambda r, h: no(h.less(_computed(r, h, lambda a, b: a - b), -1)),
    "texts_c = 'AA' OR ints_a > 2": lambda r, h: either(
        h.same(r["texts_c"], "AA"), h.less(2, r["ints_a"])
    ),
    "texts_c IS NOT NULL OR ints_b IS NOT NULL": lambda r, _: (
        r["texts_c"] is not None or r["ints_b"] is not None
    ),
    "ints_a IN (1, 2, 3)": lambda r, h: either(*(h.same(r["ints_a"], n) for n in (1, 2, 3))),
    "ints_b NOT IN (1, 2)": lambda r, h: no(either(*(h.same(r["ints_b"], n) for n in (1, 2)))),
    "ints_a BETWEEN 1 AND 4": lambda r, h: both(
        no(h.less(r["ints_a"], 1)), no(h.less(4, r["ints_a"]))
    ),
    "CASE WHEN ints_b IS NULL THEN ints_a > 1 ELSE ints_a >= ints_b END": _case,
    "ints_a % ints_b = 0": lambda r, h: h.same(_remainder(r, h), 0),
    "ints_id * 9000000000000000000 >= 0": lambda r, h: no(
        h.less(h.result(r["ints_id"] * 9 * 10**18), 0)
    ),
}


def is_missing(value: Any) -> bool:
    """Tell whether a value is null, NaN among floats included."""
    return value is None or (isinstance(value, float) and math.isnan(value))
