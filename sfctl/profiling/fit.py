"""Rules that some days keep, with room for days to come. `slack` widens what has a width.

What would surely break is left out: bounds on what grows or follows the day, lists of values that
are still growing, keys that only happen to be unique.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, median_low
from typing import Any

from sfctl.profiling.figures import NUMBERS
from sfctl.profiling.tiers import Defaults
from sfctl.profiling.view import ColumnView, DayView

ENOUGH_ROWS = 100
MAX_VALUES = 20
FEW_ROWS = "1%"
"""The share of rows that may be unlike those seen, where a value never seen is no surprise."""
LONGEST = 64
MAX_SHAPES = 3
RARE = 0.02
"""A value in a smaller share of the rows than this is rare."""
STEADY = 0.15
"""A mean is steady when it stays within this share of the usual one."""
SEASON = 2.5
"""How many spans beyond those seen a number may go that drifts from day to day."""
ROOM = 1.4
"""How many times more, or fewer, rows than ever seen a day may have."""
WIDEST = 0.45
"""Bounds on a mean that let through more than this share say nothing."""
_IDENTIFIER = re.compile(
    r"(?:^|_)(?:id|ids|key|code|uuid|guid|number|no|nr|sku|line|seq|sequence)$"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule in its block, and why. `name` tells it from the others whatever its bounds."""

    name: tuple[str, ...]
    block: str
    rule: dict[str, Any]
    reason: str


def candidates(days: Sequence[DayView], slack: float, defaults: Defaults) -> Iterator[Candidate]:
    """Yield the rules that these days suggest; nothing from no rows."""
    rows = sum(day.rows for day in days)
    if not rows:
        return
    for name in days[-1].columns:
        columns = [day.columns[name] for day in days if name in day.columns and day.rows]
        yield from _presence(name, columns, slack)
        if rows >= ENOUGH_ROWS and columns and columns[0].family != "hidden":
            yield from _content(name, columns, slack)
    if rows >= ENOUGH_ROWS:
        yield from _keys(days)
        yield from _relations(days)
    yield _volume([day for day in days if day.rows], slack, defaults)


def _over(columns: Sequence[ColumnView]) -> str:
    rows = sum(column.rows for column in columns)
    return f"{rows:,} rows of {len(columns)} days" if len(columns) > 1 else f"{rows:,} rows"


def _presence(name: str, columns: Sequence[ColumnView], slack: float) -> Iterator[Candidate]:
    rows = sum(column.rows for column in columns)
    empty = sum(column.empty for column in columns)
    if not empty:
        rule = {"kind": "required", "field": name}
        reason = f"no null in {_over(columns)}"
        yield Candidate(("required", name), "contract_lite", rule, reason)
    elif rows >= ENOUGH_ROWS:
        usual = empty / rows
        worst = max(column.null_rate for column in columns if column.rows)
        rates = [column.null_rate for column in columns if column.rows]
        # a worst day far from the usual one says that worse are to come, by about as much again
        further = max(1.0, min(worst / max(median(rates), 0.002), 5.0)) if len(rates) > 1 else 1.0
        limit = max(usual * 1.5 + 0.01, worst * max(1 + slack / 2, further) + 0.02 * slack)
        limit = math.ceil(limit * 100 - 1e-6) / 100
        if limit <= 0.9:
            reason = f"{usual:.1%} of {_over(columns)} are null, {worst:.1%} on the worst day"
            capped = {"kind": "null_rate", "field": name, "max": limit}
            yield Candidate(("null_rate", name), "dq", capped, reason)


def _content(name: str, columns: Sequence[ColumnView], slack: float) -> Iterator[Candidate]:
    filled = [column for column in columns if column.empty < column.rows]
    if not filled:
        return
    family = filled[0].family
    if family == "text":
        found = _values(name, filled) or _format(name, filled) or _pattern(name, filled)
        found = found or _length(name, filled, slack)
        if found is not None:
            yield found
    elif family in NUMBERS and not _set_by_the_day(filled):
        slow = _slow(filled)
        for each in (_range(name, filled, slack, slow), _mean(name, filled, slack)):
            if each is not None and not (slow and each.name[0] == "aggregate"):
                yield each


def _values(name: str, columns: Sequence[ColumnView]) -> Candidate | None:
    """Few values, each on many days; rare ones are let through as a share of the rows."""
    seen: Counter[Any] = Counter()
    on_days: Counter[Any] = Counter()
    for column in columns:
        if column.values is None or len(column.values) > MAX_VALUES:
            return None
        seen.update(column.values)
        on_days.update(column.values.keys())
    total = sum(seen.values())
    if not 0 < len(seen) <= MAX_VALUES or total < 5 * len(seen):
        return None
    if len(seen) == 1 and any(sign.isdigit() for sign in str(next(iter(seen)))):
        return None  # one version, one year: until the next
    often = max(2, len(columns) / 3) if len(columns) > 1 else 1
    fleeting = [value for value in seen if on_days[value] < often or seen[value] < 3]
    if sum(seen[value] for value in fleeting) > 0.002 * total:
        return None  # values come and go: the list would not hold
    rule = {"kind": "accepted_values", "field": name, "values": sorted(seen)}
    reason = f"only {len(seen)} value{'s' if len(seen) != 1 else ''} in {_over(columns)}"
    rare = sum(rows < RARE * total for rows in seen.values())
    if rare:
        # where some are rare there may be others, as rare, that did not come up
        rule["threshold"] = FEW_ROWS
        reason += f", {rare} of them rare: {FEW_ROWS} of the rows may hold others"
    return Candidate(("accepted_values", name), "dq", rule, reason)


def _format(name: str, columns: Sequence[ColumnView]) -> Candidate | None:
    sampled = sum(column.sampled for column in columns)
    names = sorted({name for column in columns for name in column.formats})
    for format_ in names:
        valid = sum(column.formats.get(format_, 0) for column in columns)
        if sampled >= ENOUGH_ROWS and valid >= 0.998 * sampled:
            rule = {"kind": "format", "field": name, "format": format_, "threshold": FEW_ROWS}
            reason = f"{valid:,} of {sampled:,} sampled values are of format {format_}"
            return Candidate(("format", name), "dq", rule, reason)
    return None


def _pattern(name: str, columns: Sequence[ColumnView]) -> Candidate | None:
    shapes: Counter[str] = Counter()
    for column in columns:
        if column.shapes is None:
            return None
        shapes.update(column.shapes)
    sampled = sum(column.sampled for column in columns)
    tells = any(not shape.isalpha() for shape in shapes)
    short = all(shape.isascii() and 0 < len(shape) <= LONGEST for shape in shapes)
    if not (0 < len(shapes) <= MAX_SHAPES and tells and short and sampled >= ENOUGH_ROWS):
        return None
    pattern = "|".join(_regex(shape) for shape in sorted(shapes))
    listed = ", ".join(sorted(shapes))
    rule = {"kind": "pattern", "field": name, "pattern": pattern, "threshold": FEW_ROWS}
    reason = f"all of {sampled:,} sampled values look like {listed}"
    return Candidate(("pattern", name), "dq", rule, reason)


def _regex(shape: str) -> str:
    classes = {"A": "[A-Z]", "a": "[a-z]", "9": "[0-9]"}
    parts = []
    for match in re.finditer(r"(.)\1*", shape, re.DOTALL):
        one = classes.get(match[1]) or (match[1] if match[1].isalnum() else f"\\{match[1]}")
        parts.append(one if len(match[0]) == 1 else f"{one}{{{len(match[0])}}}")
    return "".join(parts)


def _length(name: str, columns: Sequence[ColumnView], slack: float) -> Candidate | None:
    low = min(column.shortest or 0 for column in columns)
    high = max(column.longest or 0 for column in columns)
    if not 0 < high <= LONGEST:
        return None
    reason = f"texts are {low if low == high else f'{low} to {high}'} characters long"
    if low != high:
        room = math.ceil((high - low) * slack / 2)
        low, high = max(min(low, 1), low - room), high + room
        reason += ", half the span is added at each end"
    rule = {"kind": "length", "field": name, "min": low, "max": high}
    return Candidate(("length", name), "dq", rule, f"{reason}, in {_over(columns)}")


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
    if not math.isfinite(room):
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
    reason = f"values run from {low:,} to {high:,} in {_over(columns)}"
    reason += f"; {room:,.4g} are let through at each end"
    return Candidate(("range", name), "dq", rule, reason)


def _mean(name: str, columns: Sequence[ColumnView], slack: float) -> Candidate | None:
    means = [column.mean for column in columns if column.mean is not None and column.rows >= 30]
    if len(means) < 5 or min(means) <= 0:
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
    scale = 10.0**digits
    rounded = float(f"{(math.floor if down else math.ceil)(bound * scale) / scale:.12g}")
    return int(rounded) if rounded.is_integer() else rounded


def _keys(days: Sequence[DayView]) -> Iterator[Candidate]:
    """The smallest key of every day, where there is one that is no accident of a few rows."""
    full = [day for day in days if day.rows > 1]
    shared = [
        key
        for key in {key for day in full for key in day.keys}
        if all(any(other <= key for other in day.keys) for day in full)
    ]
    single = [key for key in shared if len(key) == 1 and _identifies(min(key), full[-1])]
    # of so many combinations some are unique by chance for weeks: their names have to agree
    named = [key for key in shared if all(_IDENTIFIER.search(name.lower()) for name in key)]
    chosen = single or (named if len(full) >= 7 else [])
    if not chosen:
        return
    columns = list(full[-1].columns)
    best = min(chosen, key=lambda key: (len(key), sorted(columns.index(name) for name in key)))
    fields = sorted(best, key=columns.index)
    rule: dict[str, Any] = {"kind": "unique"}
    rule |= {"field": fields[0]} if len(fields) == 1 else {"fields": fields}
    over = f"{sum(day.rows for day in full):,} rows"
    if len(full) > 1:
        over = f"any of {len(full)} days, {over}"
    reason = f"no two rows share {' + '.join(fields)} in {over}"
    yield Candidate(("unique",), "dq", rule, reason)


def _identifies(name: str, day: DayView) -> bool:
    """Tell whether a column of its own may be a key; times differ by their precision alone."""
    return name in day.columns and day.columns[name].family in ("integer", "text")


def _relations(days: Sequence[DayView]) -> Iterator[Candidate]:
    full = [day for day in days if day.rows]
    held = frozenset.intersection(*(day.invariants for day in full)) if full else frozenset()
    orders = {tuple(each.split(" <= ")) for each in held if " <= " in each}
    for relation in sorted(held):
        if " <= " in relation:
            low, high = relation.split(" <= ")
            between = any((low, b) in orders and (b, high) in orders for _, b in orders)
            if between or not _same_measure(low, high, full):
                continue
            expression = relation
        else:
            parts, total = relation.split(" = ")
            expression = f"abs({total} - ({parts})) <= 0.005"
            columns = re.findall(r"\w+", f"{parts} {total}")
            if all(full[0].columns[c].family == "integer" for c in columns if c in full[0].columns):
                expression = f"{total} = {parts}"
        rule = {"kind": "expression", "expression": expression, "relation": relation}
        rows = sum(day.rows for day in full)
        reason = f"holds in all {rows:,} rows of {len(full)} days"
        yield Candidate(("expression", relation), "contract_lite", rule, reason)


def _same_measure(low: str, high: str, days: Sequence[DayView]) -> bool:
    """Tell whether two columns range over the same: only then an order says something."""
    spans = []
    for name in (low.strip('"'), high.strip('"')):
        columns = [day.columns[name] for day in days if day.columns[name].least is not None]
        if not columns or columns[0].family not in (*NUMBERS, "time"):
            return False
        spans.append((min(c.least for c in columns), max(c.most for c in columns)))
    (a, b), (c, d) = spans
    if isinstance(a, str):
        return bool(c < b)
    together = max(b, d) - min(a, c)
    return bool(together > 0 and min(b, d) - max(a, c) >= 0.5 * together)


def _volume(days: Sequence[DayView], slack: float, defaults: Defaults) -> Candidate:
    """Room for weekdays and for four weeks more of the trend that was seen."""
    counts = [day.rows for day in days]
    usual = median_low(counts)
    dated = bool(days[0].day)
    if not dated or len(days) < 7:
        low, high = min(counts) * defaults.low, max(counts) * defaults.high
        reason = f"{usual:,} rows {'a day' if dated else 'were seen'}; room by {defaults.source}"
    else:
        room = slack * math.log(ROOM) + min(0.5, 28 * abs(_slope([math.log(c) for c in counts])))
        low, high = min(counts) * math.exp(-room), max(counts) * math.exp(room)
        reason = f"{min(counts):,} to {max(counts):,} rows a day on {len(days)} days"
    rule = {"kind": "row_count", "min": max(1, math.floor(low)), "max": math.ceil(high)}
    return Candidate(("row_count",), "dq", rule, reason)


def _slope(values: Sequence[float]) -> float:
    """Return the median step from day to day over all pairs (Theil and Sen)."""
    steps = [
        (b - a) / (j - i)
        for i, a in enumerate(values)
        for j, b in enumerate(values[i + 1 :], start=i + 1)
        if j - i >= len(values) // 2
    ]
    return median(steps) if steps else 0.0
