"""Rules on a batch in plain Python: one number, held against bounds."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from bench.differential.columns import Values, family_of
from bench.differential.expressions import Habits
from bench.differential.measures import measured
from bench.differential.now import NOW
from bench.differential.outcome import Outcome, Table
from bench.differential.rows import key_of
from bench.differential.rules import Case
from bench.subjects import differ

BATCH = ("row_count", "null_rate", "distinct_count", "aggregate", "freshness")


def by_batch(case: Case, table: Table, rows: int, habits: frozenset[str]) -> Outcome | None:
    """Return what a rule on a batch comes to; None where there is nothing to measure."""
    rule = case.rule
    if case.kind == "row_count":
        return bounded(rule, rows, habits)
    if rows == 0:
        return None
    nan_is_a_value = "nan-is-a-value" in habits
    values = [v for v in table[case.column] if v is not None and (nan_is_a_value or v == v)]
    if case.kind == "null_rate":
        if "nan-is-present" in habits:
            values = [v for v in table[case.column] if v is not None]
        rate = Fraction(rows - len(values), rows)
        low = Fraction(str(rule.get("min", "0%")).rstrip("%")) / 100
        high = Fraction(rule["max"].rstrip("%")) / 100
        return Outcome("pass" if low <= rate <= high else "fail", None)
    if case.kind == "distinct_count":
        keys = {key_of(value, nan_is_a_value) for value in values}
        extra = "null-is-a-value" in habits and len(values) < rows
        return bounded(rule, len(keys) + extra, habits)
    if case.kind == "freshness":
        if not values:
            return None
        return Outcome(
            "pass" if _instant(max(values)) >= differ.oldest(rule, NOW) else "fail", None
        )
    return _aggregated(case, values, rows, habits)


def _aggregated(case: Case, values: Values, rows: int, habits: frozenset[str]) -> Outcome | None:
    rule = case.rule
    family = family_of(case.column)
    if "null-spoils-quantiles" in habits and rule["function"] == "quantile":
        if family == "decimals":
            return Outcome("error", None)
        if len(values) < rows:
            return Outcome("fail", None)
    mixed = family == "decimals" and 0 < len(values) < rows
    if "null-spoils-decimals" in habits and mixed and rule["function"] in ("sum", "avg", "stddev"):
        return Outcome("error", None)
    value = measured(rule, values, nearest="nearest-quantiles" in habits)
    if value is None:
        return None
    if rule["function"] == "sum" and "bounds-as-floats" in habits and family == "decimals":
        family = "floats"
    if rule["function"] == "sum" and family == "ints":
        if values and isinstance(values[0], float):
            family = "floats"
        elif "integers-wrap" in habits:
            value = Habits(integers_wrap=True).result(int(value))
    exact = rule["function"] in ("sum", "min", "max") or (
        rule["function"] == "avg" and "every-digit" not in habits
    )
    return bounded(rule, value, habits, floating=not exact or family == "floats")


def _instant(value: date) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def bounded(
    rule: dict[str, Any], value: Any, habits: frozenset[str], *, floating: bool = False
) -> Outcome:
    """Hold a number against the bounds of a rule; `either` where its last digits decide."""
    low, high = (None if rule.get(end) is None else _exact(rule[end]) for end in ("min", "max"))
    if "bounds-as-floats" in habits:
        low, high = (None if end is None else Fraction(float(end)) for end in (low, high))
        if isinstance(value, Fraction) and value.denominator == 1:
            value = Fraction(float(value))
    if value != value:
        inside = high is None and "nan-is-a-value" in habits
        return Outcome("pass" if inside else "fail", None)
    if value in (math.inf, -math.inf):
        inside = (high if value > 0 else low) is None and "infinity-counts" in habits
        return Outcome("pass" if inside else "fail", None)
    if floating and "every-digit" in habits:
        if any(end is not None and _near(value, end) for end in (low, high)):
            return Outcome("either", None)
    elif floating:
        value, low, high = (None if end is None else _twelve(end) for end in (value, low, high))
    good = (low is None or value >= low) and (high is None or value <= high)
    return Outcome("pass" if good else "fail", None)


def _near(value: Any, end: Fraction) -> bool:
    """Tell whether only digits that depend on the order of summation separate two numbers."""
    return abs(Fraction(value) - end) <= abs(end) / 10**11


def _twelve(number: float | Fraction) -> Fraction:
    exact = Fraction(number)
    divided = Context(prec=12).divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return Fraction(divided)


def _exact(number: float) -> Fraction:
    return Fraction(Decimal(str(number)))
