"""Whether a rule would fail on a day, told from the day's figures alone, without its rows.

The answer is the one that judging the day's rows gives; for `pattern` and `format`, which are
measured on a sample, it is the sample's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sfctl.profiling.view import ColumnView, DayView


def fails(rule: Mapping[str, Any], day: DayView) -> bool:
    """Return whether a rule, as it stands in a policy bundle, would fail on a day with rows."""
    kind = rule["kind"]
    if kind == "row_count":
        return _outside(day.rows, rule)
    if kind == "unique":
        wanted = frozenset(rule["fields"]) if "fields" in rule else frozenset([rule["field"]])
        return day.rows > 1 and not any(key <= wanted for key in day.keys)
    if kind == "expression":
        return rule["relation"] not in day.relations
    column = day.columns.get(rule["field"])
    return column is None or _column_fails(kind, rule, column)


def _column_fails(kind: str, rule: Mapping[str, Any], column: ColumnView) -> bool:
    if kind == "required":
        return column.empty > 0
    if kind == "null_rate":
        return bool(column.null_rate > rule["max"])
    if column.empty == column.rows:
        return False
    if kind == "range":
        return bool(column.least < rule["min"] or column.most > rule["max"])
    if kind == "length":
        return bool(column.shortest < rule["min"] or column.longest > rule["max"])
    if kind == "aggregate":
        return column.mean is not None and _outside(column.mean, rule)
    tolerated = float(str(rule.get("threshold", "0%")).rstrip("%")) / 100
    if kind == "accepted_values":
        if column.values is None:
            return True
        strange = sum(r for v, r in column.values.items() if v not in rule["values"])
        return strange > tolerated * column.rows
    if kind == "format":
        strange = column.sampled - column.formats.get(rule["format"], 0)
        return strange > tolerated * column.sampled
    if column.shapes is None:
        return True
    # a shape is an example of itself: A is a capital, a a small letter, 9 a digit
    known = re.compile(rule["pattern"])
    strange = sum(r for shape, r in column.shapes.items() if not known.fullmatch(shape))
    return strange > tolerated * column.sampled


def _outside(value: float, rule: Mapping[str, Any]) -> bool:
    return bool(value < rule.get("min", value) or value > rule.get("max", value))
