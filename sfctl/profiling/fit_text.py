"""Rules on texts: a list of few values, else a format, a shape, a length."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sfctl.profiling.candidate import ENOUGH_ROWS, Candidate, over
from sfctl.profiling.view import ColumnView

MAX_VALUES = 20
FEW_ROWS = "1%"
"""The share of rows that may be unlike those seen, where a value never seen is no surprise."""
LONGEST = 64
MAX_SHAPES = 3
RARE = 0.02
"""A value in a smaller share of the rows than this is rare."""


def text_rule(name: str, columns: Sequence[ColumnView], slack: float) -> Candidate | None:
    """Return the rule that says most of a text column, None where its texts are free."""
    found = _values(name, columns) or _format(name, columns) or _pattern(name, columns)
    return found or _length(name, columns, slack)


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
    reason = f"only {len(seen)} value{'s' if len(seen) != 1 else ''} in {over(columns)}"
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
    return Candidate(("length", name), "dq", rule, f"{reason}, in {over(columns)}")
