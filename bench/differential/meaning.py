"""What a rule comes to, in plain Python: by our documented meaning, or with a tool's habits.

Without habits this is a second opinion on sfctl, which must agree in every case. With the habits
of a tool it foretells what that tool says, so that each documented difference is checked, count by
count.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from bench.differential.columns import TYPES, Values, family_of
from bench.differential.expressions import ANSWERS, Habits, Truth, Unanswerable, is_missing
from bench.differential.measures import measured
from bench.differential.now import NOW
from bench.differential.rules import Case
from bench.subjects import differ

Table = dict[str, Values]


class Outcome(NamedTuple):
    """`failed` is None where a rule has no count of rows, or the tool tells none."""

    verdict: str
    failed: int | None


def meant(case: Case, table: Table, habits: frozenset[str] = frozenset()) -> Outcome:
    """Return what a rule comes to on a table."""
    if "integers-as-floats" in habits:
        table = {name: _as_floats(name, values) for name, values in table.items()}
    rows = len(next(iter(table.values())))
    zoned = family_of(case.column) == "zoned" and case.kind in ("range", "freshness")
    if zoned and "two-zones-raise" in habits:
        return Outcome("error", None)
    of_batch = case.kind in _BATCH
    outcome = _batch(case, table, rows, habits) if of_batch else _by_row(case, table, rows, habits)
    return outcome or _nothing(case, habits)


def has_rows(case: Case) -> bool:
    """Tell whether a rule is one whose failing rows are counted."""
    return case.kind not in _BATCH


_NULL_FAILS = {
    "accepted_values": "null-in-a-set",
    "not_accepted_values": "null-in-a-set",
    "foreign_key": "null-in-a-set",
    "range": "null-in-a-range",
    "pattern": "null-in-a-range",
    "expression": "null-expression",
}


def _by_row(case: Case, table: Table, rows: int, habits: frozenset[str]) -> Outcome | None:
    if rows == 0 and not (case.kind == "type" and "type-of-the-column" in habits):
        return None
    covered = [row for row in range(rows) if _inside(case, table, row)]
    truths = _truths(case, table, covered, habits)
    null_fails = _NULL_FAILS.get(case.kind, "") in habits
    failed = sum(truth is False or (truth is None and null_fails) for truth in truths)
    evaluated = len(covered)
    if "share-of-present" in habits:
        evaluated = _present(case, table, covered)
    over = _exceeds(case.rule.get("threshold"), failed, evaluated)
    return Outcome("fail" if over else "pass", failed)


def _nothing(case: Case, habits: frozenset[str]) -> Outcome:
    """Return what becomes of a rule that finds no row, or no value, to judge."""
    of_batch = case.kind in _BATCH
    failed = None if of_batch else 0
    summed = case.kind == "aggregate" and case.rule["function"] == "sum"
    if "nothing-counts" in habits and (case.kind == "distinct_count" or summed):
        return _bounded(case.rule, 0, habits)
    if "nothing-raises" in habits:
        return Outcome("error", None)
    if "nothing-fails" in habits and of_batch:
        return Outcome("fail", failed)
    passes = not habits.isdisjoint({"nothing-passes", "nothing-fails"})
    return Outcome("pass" if passes else "skipped", failed)


def _as_floats(name: str, values: Values) -> Values:
    if family_of(name) != "ints" or None not in values:
        return values
    return [None if value is None else float(value) for value in values]


def _inside(case: Case, table: Table, row: int) -> bool:
    where = case.rule.get("where")
    if where is None:
        return True
    name, _, number = where.split()
    value = table[name][row]
    return value is not None and value > int(number)


def _exceeds(threshold: object, failed: int, evaluated: int) -> bool:
    if threshold is None or isinstance(threshold, int):
        return failed > int(threshold or 0)
    return failed > Fraction(str(threshold).rstrip("%")) / 100 * evaluated


def _present(case: Case, table: Table, covered: Sequence[int]) -> int:
    if not case.column or case.kind == "not_null":
        return len(covered)
    return sum(not is_missing(table[case.column][row]) for row in covered)


def _truths(
    case: Case, table: Table, covered: Sequence[int], habits: frozenset[str]
) -> list[Truth]:
    if case.kind == "expression":
        return [_expressed(case, table, row, habits) for row in covered]
    if case.kind in ("unique", "duplicate_rows"):
        return _unique(case, table, covered, habits)
    if case.kind == "type" and "type-of-the-column" in habits:
        return [_column_is(case.rule["type"], case.column, table)] * max(len(covered), 1)
    return [_holds(case, table[case.column][row], habits) for row in covered]


def _column_is(wanted: str, name: str, table: Table) -> bool:
    """Tell whether a column as a whole has a type, as pandas holds it."""
    if TYPES[family_of(name)] != wanted:
        return False
    return wanted != "INT64" or None not in table[name]


def _expressed(case: Case, table: Table, row: int, habits: frozenset[str]) -> Truth:
    cells = {name: values[row] for name, values in table.items()}
    ways = Habits(
        nan_is_a_value="nan-is-a-value" in habits,
        integers_wrap="integers-wrap" in habits,
        nothing_by_zero="nothing-by-zero" in habits,
    )
    if "pair-with-null-fails" in habits:
        names = case.rule["expression"].split()[::2]
        missing = [is_missing(cells[name]) for name in names]
        if any(missing):
            return None if all(missing) else False
    try:
        return ANSWERS[case.rule["expression"]](cells, ways)
    except Unanswerable:
        return False


def _unique(
    case: Case, table: Table, covered: Sequence[int], habits: frozenset[str]
) -> list[Truth]:
    names = [case.column] if case.column else case.rule.get("fields", list(table))
    nan_is_a_value = "nan-is-a-value" in habits
    keys = [tuple(_key(table[name][row], nan_is_a_value) for name in names) for row in covered]
    groups = Counter(keys)
    distinct = case.rule.get("nulls") == "distinct"
    return [groups[key] == 1 or (distinct and None in key) for key in keys]


def _key(value: Any, nan_is_a_value: bool) -> Any:
    if value is not None and value != value:
        return "NaN" if nan_is_a_value else None
    return 0.0 if value == 0 and isinstance(value, float) else value


def _holds(case: Case, value: Any, habits: frozenset[str]) -> Truth:
    rule, kind = case.rule, case.kind
    ways = Habits(nan_is_a_value="nan-is-a-value" in habits)
    if kind == "not_null":
        return value is not None and ("nan-is-present" in habits or value == value)
    if not ways.present(value):
        return None
    if kind in ("accepted_values", "not_accepted_values", "foreign_key"):
        listed = rule["keys"] if kind == "foreign_key" else rule["values"]
        inside: bool = value in [differ.typed(one, case.column) for one in listed]
        return inside != kind.startswith("not_")
    if kind == "range":
        return _between(case, value, ways, floats="bounds-as-floats" in habits)
    if kind == "length":
        return bool(rule.get("min", 0) <= len(value) <= rule.get("max", len(value)))
    if kind == "pattern":
        return _matches(rule["pattern"], value, habits)
    if kind == "format":
        return _has_format(rule["format"], value, habits)
    return _reads(rule["type"], value)


def _between(case: Case, value: Any, ways: Habits, *, floats: bool) -> Truth:
    low, high, below, above = differ.ends(case.rule, case.column)
    if floats and family_of(case.column) in ("ints", "decimals"):
        low, high = (None if end is None else float(end) for end in (low, high))
        value = float(value) if isinstance(value, int) else value
    if low is not None and (ways.less(value, low) or (below and ways.same(value, low))):
        return False
    return not (high is not None and (ways.less(high, value) or (above and ways.same(value, high))))


def _matches(pattern: str, text: str, habits: frozenset[str]) -> bool:
    flags = re.NOFLAG if "unicode-classes" in habits else re.ASCII
    if "marks-are-letters" in habits:
        pattern = pattern.replace(r"\w", "[\\w\u0300-\u036f]")
    end = "$" if "final-newline" in habits else r"\Z"
    return re.match(f"(?:{pattern}){end}", text, flags) is not None


def _has_format(name: str, text: str, habits: frozenset[str]) -> bool:
    if name == "uuid":
        return re.fullmatch("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text) is not None
    if (
        "days-without-zeros" not in habits
        and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None
    ):
        return False
    return _parses(text, "%Y-%m-%d")


def _parses(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _reads(wanted: str, value: Any) -> bool:
    """Tell whether a cell of text can be read as a type."""
    if not isinstance(value, str) or wanted == "STRING":
        return True
    if wanted in ("INT64", "DOUBLE"):
        if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", value) is None:
            return False
        return wanted == "DOUBLE" or float(value).is_integer()
    if wanted == "DATE":
        return _has_format("date", value, frozenset())
    return value in ("true", "false")


_BATCH = ("row_count", "null_rate", "distinct_count", "aggregate", "freshness")


def _batch(case: Case, table: Table, rows: int, habits: frozenset[str]) -> Outcome | None:
    rule = case.rule
    if case.kind == "row_count":
        return _bounded(rule, rows, habits)
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
        keys = {_key(value, nan_is_a_value) for value in values}
        extra = "null-is-a-value" in habits and len(values) < rows
        return _bounded(rule, len(keys) + extra, habits)
    if case.kind == "freshness":
        if not values:
            return None
        return Outcome(
            "pass" if _instant(max(values)) >= differ.oldest(rule, NOW) else "fail", None
        )
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
    return _bounded(rule, value, habits, floating=not exact or family == "floats")


def _instant(value: date) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _bounded(
    rule: dict[str, Any], value: Any, habits: frozenset[str], *, floating: bool = False
) -> Outcome:
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
