"""Rules on numbers: what they range over, and a mean that is steady."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from sfctl.profiling.candidate import Candidate, over
from sfctl.profiling.view import ColumnView

STEADY = 0.15
"""A mean is steady when it stays within this share of the usual one."""
WIDEST = 0.45
"""Bounds on a mean that let through more than this share say nothing."""
SEASON = 2.5
"""How many spans beyond those seen a number may go that drifts from day to day."""


def number_rules(name: str, columns: Sequence[ColumnView], slack: float) -> Iterator[Candidate]:
    """Yield the bounds of a number that neither grows nor is set by the day."""
    if _set_by_the_day(columns):
        return
    slow = _slow(columns)
    found = _range(name, columns, slack, slow)
    if found is not None:
        yield found
    mean = None if slow else _mean(name, columns, slack)
    if mean is not None:
        yield mean


def _set_by_the_day(columns: Sequence[ColumnView]) -> bool:
    """Tell whether a number grows or is one a day: an id, a date in disguise, a constant."""
    if len(columns) == 1:
        only = columns[0]
        # without days an id cannot be seen to grow, but it never repeats
        return only.family == "integer" and only.distinct >= 0.9 * (only.rows - only.empty)
    if not median(float(column.most) - float(column.least) for column in columns):
        return True
    steps = list(pairwise(float(column.most) for column in columns))
    rising, falling = sum(b > a for a, b in steps), sum(b < a for a, b in steps)
    return len(steps) >= 4 and max(rising, falling) >= 0.9 * len(steps)


def _slow(columns: Sequence[ColumnView]) -> bool:
    """Tell whether days differ more than the rows of one: a season, whose ends nobody saw."""
    whole = max(float(c.most) for c in columns) - min(float(c.least) for c in columns)
    inside = median(float(c.most) - float(c.least) for c in columns)
    means = sorted(column.mean for column in columns if column.mean is not None)
    if len(means) >= 10:
        means = means[1:-1]  # one storm is no season
    drift = means[-1] - means[0] if means else 0.0
    return len(columns) > 1 and (inside < 0.4 * whole or drift > 0.25 * whole)


def _range(name: str, columns: Sequence[ColumnView], slack: float, slow: bool) -> Candidate | None:
    low = min(column.least for column in columns)
    high = max(column.most for column in columns)
    if not low < high:
        return None
    room = (high - low) * (SEASON if slow else slack / 2)
    if not (math.isfinite(low - room) and math.isfinite(high + room)):
        return None
    # what never was below zero may stay there, but not what the season drives
    least = low - room if low < 0 or slow else max(0, low - room)
    whole = columns[0].family == "integer"
    rule = {
        "kind": "range",
        "field": name,
        "min": _rounded(least, whole, down=True),
        "max": _rounded(high + room, whole, down=False),
    }
    reason = f"values run from {low:,} to {high:,} in {over(columns)}"
    reason += f"; {room:,.4g} are let through at each end"
    return Candidate(("range", name), "dq", rule, reason)


def _mean(name: str, columns: Sequence[ColumnView], slack: float) -> Candidate | None:
    means = [column.mean for column in columns if column.mean is not None and column.rows >= 30]
    if len(means) < 5 or min(means) <= 0 or not math.isfinite(max(means)):
        return None
    usual = median(means)
    off = max(abs(mean / usual - 1) for mean in means)
    if off > STEADY:
        return None
    room = max(0.1, 3 * off * slack)
    if room > WIDEST:
        return None
    rule = {
        "kind": "aggregate",
        "field": name,
        "function": "avg",
        "min": _rounded(usual * (1 - room), False, down=True),
        "max": _rounded(usual * (1 + room), False, down=False),
    }
    reason = (
        f"the daily mean stays within {off:.1%} of {usual:,.4g} on {len(means)} days,"
        f" {room:.0%} are let through"
    )
    return Candidate(("aggregate", name), "dq", rule, reason)


def _rounded(bound: float, whole: bool, *, down: bool) -> float:
    if whole:
        return math.floor(bound) if down else math.ceil(bound)
    if not bound:
        return 0
    digits = 3 - math.floor(math.log10(abs(bound)))
    scale = 10.0 ** min(digits, 300)  # one more would be infinite soon
    rounded = float(f"{(math.floor if down else math.ceil)(bound * scale) / scale:.12g}")
    return int(rounded) if rounded.is_integer() else rounded
