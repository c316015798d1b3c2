"""Rules on rows in plain Python, each cell asked by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from bench.differential.columns import TYPES, family_of
from bench.differential.expressions import ANSWERS, Habits, Truth, Unanswerable, is_missing
from bench.differential.outcome import Outcome, Table
from bench.differential.rules import Case
from bench.subjects import differ

_NULL_FAILS = {
    "accepted_values": "null-in-a-set",
    "not_accepted_values": "null-in-a-set",
    "foreign_key": "null-in-a-set",
    "range": "null-in-a-range",
    "pattern": "null-in-a-range",
    "expression": "null-expression",
}


def by_row(case: Case, table: Table, rows: int, habits: frozenset[str]) -> Outcome | None:
    """Return what a rule on rows comes to; None where there are none."""
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
    keys = [tuple(key_of(table[name][row], nan_is_a_value) for name in names) for row in covered]
    groups = Counter(keys)
    distinct = case.rule.get("nulls") == "distinct"
    return [groups[key] == 1 or (distinct and None in key) for key in keys]


def key_of(value: Any, nan_is_a_value: bool) -> Any:
    """Return what makes a value the same as another."""
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
    shaped = re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None
    if not shaped and "days-without-zeros" not in habits:
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
