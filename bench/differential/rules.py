"""The generated cases: columns and one rule, written as a user of sfctl writes it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bench.differential.columns import SEED, Values, family_of, tables

Rule = dict[str, Any]
NUMBERS = ("ints", "floats", "decimals")
TIMES = ("days", "naives", "instants", "zoned")

EXPRESSIONS = (
    "ints_a <= ints_b",
    "ints_a <= ints_b OR ints_b IS NULL",
    "ints_a > 1 AND ints_b > 1",
    "NOT (ints_a = ints_b)",
    "days_from <= days_to",
    "floats_x < floats_y",
    "floats_x >= 0",
    "floats_x = floats_y OR floats_x > 1",
    "ints_a + ints_b <= 6",
    "ints_a * ints_b > 1",
    "ints_a - ints_b >= -1",
    "texts_c = 'AA' OR ints_a > 2",
    "texts_c IS NOT NULL OR ints_b IS NOT NULL",
    "ints_a IN (1, 2, 3)",
    "ints_b NOT IN (1, 2)",
    "ints_a BETWEEN 1 AND 4",
    "CASE WHEN ints_b IS NULL THEN ints_a > 1 ELSE ints_a >= ints_b END",
    "ints_a % ints_b = 0",
    "ints_id * 9000000000000000000 >= 0",
)
WHERE = ("ints_a > 2", "ints_b > 0", "ints_a > 100")
COMPOSITES = (
    ("ints_a", "ints_b"), ("ints_a", "texts_c"), ("ints_b", "texts_c"), ("ints_b", "floats_x"),
    ("ints_id", "ints_b"), ("ints_a", "ints_b", "texts_c"), ("floats_x", "floats_y"),
)  # fmt: skip
PATTERNS = ("[A-Z]{2}", "AA|BB", r"\d+", r"\w+", ".+", "[^ ]*", "[A-Za-z0-9 ]{1,3}", r"\S*\s?")
THRESHOLDS: tuple[object, ...] = (None, None, 3, "10%", "25%", "60%")


@dataclass(frozen=True)
class Case:
    """One rule on one table. `kind` is the rule's."""

    id: str
    table: str
    rule: Rule

    @property
    def kind(self) -> str:
        return str(self.rule["kind"])

    @property
    def column(self) -> str:
        """The column of a rule that has one, else empty."""
        return str(self.rule.get("field", ""))


def cases() -> list[Case]:
    """Return all cases: always the same, each (table, rule) once."""
    found: dict[str, Case] = {}
    for table, columns in tables().items():
        dice = random.Random(f"{SEED} rules {table}")
        for rule in _rules(dice, table, columns):
            key = f"{table} {sorted(rule.items(), key=str)}"
            found.setdefault(key, Case(f"c{len(found):04}", table, rule))
    return list(found.values())


def _rules(dice: random.Random, table: str, columns: dict[str, Values]) -> Iterator[Rule]:
    yield from _counts(len(next(iter(columns.values()))))
    if table.startswith(("mixed", "whole")):
        yield from _together(columns)
    if table.startswith("whole"):
        return
    for name, values in columns.items():
        present = [value for value in values if value is not None and value == value]
        for rule in _of_column(dice, name, present):
            yield {**rule, "field": name}


def _counts(rows: int) -> Iterator[Rule]:
    for low, high in ((1, 100), (rows, rows), (rows + 1, rows + 9), (0, max(rows - 1, 0))):
        yield {"kind": "row_count", "min": low, "max": high}


def _together(columns: dict[str, Values]) -> Iterator[Rule]:
    for expression in EXPRESSIONS:
        for threshold in (None, "25%"):
            yield _with({"kind": "expression", "expression": expression}, threshold)
    for fields in COMPOSITES:
        for nulls in ("equal", "distinct"):
            yield {"kind": "unique", "fields": list(fields), "nulls": nulls}
    yield {"kind": "duplicate_rows"}
    for where in WHERE:
        yield {"kind": "range", "field": "ints_b", "min": 0, "max": 1, "where": where}
        yield {"kind": "not_null", "field": "ints_b", "where": where}
        yield {"kind": "accepted_values", "field": "texts_c", "values": ["AA"], "where": where}
    for field in ("ints_a", "ints_b", "texts_c"):
        known = sorted({value for value in columns[field] if value is not None})
        for keys in (known, known[:1], known[1:]):
            yield {"kind": "foreign_key", "field": field, "keys": keys}


def _of_column(dice: random.Random, name: str, present: Values) -> Iterator[Rule]:
    family = family_of(name)
    for threshold in (None, 3, "10%", "20%"):
        yield _with({"kind": "not_null"}, threshold)
    for bound in ("0%", "5%", "15%", "50%"):
        yield {"kind": "null_rate", "max": bound}
    yield {"kind": "null_rate", "min": "10%", "max": "90%"}
    for nulls in ("equal", "distinct"):
        yield {"kind": "unique", "nulls": nulls}
    distinct = len(set(present))
    for low, high in ((distinct, distinct), (distinct + 1, distinct + 5), (1, max(distinct, 1))):
        yield {"kind": "distinct_count", "min": low, "max": high}
    yield from _sets(dice, present)
    if family in (*NUMBERS, *TIMES):
        yield from _ranges(dice, family, present)
    if family in NUMBERS:
        for rule in _aggregates(dice, present):
            ends = (abs(rule.get("min", 0)), abs(rule.get("max", 0)))
            # beyond what the column can hold, the compiler refuses a bound
            if family != "ints" or rule["function"] == "sum" or max(ends) < 2**63:
                yield rule
    if family in TIMES:
        for age in ("12h", "36h", "30d", "69d", "90d"):
            yield {"kind": "freshness", "max_age": age}
    if family == "texts":
        yield from _texts(dice, name)
    for wanted in ("INT64", "DOUBLE", "DATE", "STRING", "BOOLEAN"):
        if family == "texts" or wanted == _OWN_TYPE.get(family):
            yield {"kind": "type", "type": wanted}


_OWN_TYPE = {"ints": "INT64", "floats": "DOUBLE", "days": "DATE", "flags": "BOOLEAN"}


def _sets(dice: random.Random, present: Values) -> Iterator[Rule]:
    known = sorted(set(present), key=str)
    if not known or any(isinstance(value, float) and abs(value) > 1e200 for value in known):
        return
    # all of two truth values would be a rule that nothing fails, or nothing passes
    most = 1 if isinstance(known[0], bool) else len(known)
    for kind in ("accepted_values", "not_accepted_values"):
        for _ in range(5):
            chosen = dice.sample(known, dice.randint(1, most))
            values = list(dict.fromkeys(_written(value) for value in chosen))
            yield _with({"kind": kind, "values": values}, dice.choice(THRESHOLDS))


def _ranges(dice: random.Random, family: str, present: Values) -> Iterator[Rule]:
    chosen = present or [_ANY[family]]
    for low, high in (
        ("min", "max"), ("exclusive_min", "exclusive_max"), ("min", None), (None, "max"),
        ("exclusive_min", None), (None, "exclusive_max"), ("min", "exclusive_max"),
        ("exclusive_min", "max"), ("min", "max"), ("min", "max"),
    ):  # fmt: skip
        ends = sorted(dice.choice(chosen) for _ in range(2))
        if any(isinstance(end, float) and not abs(end) < 1e200 for end in ends):
            ends = [0.0, 1.0]
        if ends[0] == ends[1] and low and high and "exclusive" in low + high:
            continue
        rule: Rule = {"kind": "range"}
        rule.update({key: _written(end) for key, end in zip((low, high), ends, strict=True) if key})
        yield _with(rule, dice.choice(THRESHOLDS))


_ANY: dict[str, Any] = {
    "ints": 1, "floats": 1.0, "decimals": Decimal("1.5"), "days": date(2024, 1, 9),
    "naives": datetime(2024, 3, 10, 9),
    "instants": datetime.fromisoformat("2024-03-10T09:00:00+00:00"),
    "zoned": datetime.fromisoformat("2024-03-10T09:00:00+00:00"),
}  # fmt: skip


def _aggregates(dice: random.Random, present: Values) -> Iterator[Rule]:
    from bench.differential.measures import NAMES, measured

    for function in NAMES:
        rule: Rule = {"kind": "aggregate", "function": function}
        if function == "quantile":
            rule["quantile"] = dice.choice([0.25, 0.5, 0.9])
        found = measured(rule, present)
        value = 1.0 if found is None or not abs(float(found)) < 1e30 else found
        near = float(value)
        middle = int(value) if near.is_integer() else float(f"{near:.12g}")
        gap = max(abs(near) * 0.01, 0.01)
        yield {**rule, "min": middle, "max": middle}
        yield {**rule, "min": _short(near - gap), "max": _short(near + gap)}
        yield {**rule, "min": _short(near + gap)}
        yield {**rule, "max": _short(near - gap)}


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _texts(dice: random.Random, name: str) -> Iterator[Rule]:
    for bounds in ({"min": 2, "max": 2}, {"min": 1}, {"max": 2}, {"min": 1, "max": 3}, {"min": 3}):
        yield _with({"kind": "length", **bounds}, dice.choice(THRESHOLDS))
    for pattern in PATTERNS:
        yield {"kind": "pattern", "pattern": pattern}
        yield {"kind": "pattern", "pattern": pattern, "threshold": dice.choice(THRESHOLDS[2:])}
    yield {"kind": "format", "format": "date"}
    if "uuid" in name:
        yield {"kind": "format", "format": "uuid"}


def _with(rule: Rule, threshold: object) -> Rule:
    return rule if threshold is None else {**rule, "threshold": threshold}


def _written(value: Any) -> Any:
    """Return a value as it is written in YAML, where JSON is YAML."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value
