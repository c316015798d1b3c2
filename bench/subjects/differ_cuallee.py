"""Each generated rule in cuallee on Polars, in the words its documentation gives for it."""

import polars as pl
from cuallee import Check, CheckLevel

from bench.subjects import differ
from bench.subjects.differ import Answer, Rule

MEASURES = {"sum": "has_sum", "avg": "has_mean", "min": "has_min", "max": "has_max"}
MEASURES["stddev"] = "has_std"


def answer(rule: Rule, frame: pl.DataFrame) -> Answer | None:
    check = Check(CheckLevel.WARNING, "case")
    limit = rule.get("threshold")
    if "where" in rule or isinstance(limit, int):
        return None  # no filter, no count of rows that may fail
    pct = {} if limit is None else {"pct": 1 - differ.share(limit)}
    if not add(check, rule, rule.get("field", ""), pct, frame):
        return None
    found = check.validate(frame).row(0, named=True)
    counted = rule["kind"] not in ("aggregate", "distinct_count", "null_rate")
    return differ.verdict(found["status"] == "PASS", found["violations"] if counted else None)


def add(check: Check, rule: Rule, column: str, pct: dict, frame: pl.DataFrame) -> bool:
    kind = rule["kind"]
    if kind == "not_null":
        check.is_complete(column, **pct)
    elif kind == "null_rate" and "min" not in rule:
        check.is_complete(column, pct=1 - differ.share(rule["max"]))
    elif kind in ("accepted_values", "not_accepted_values", "foreign_key"):
        name = "not_contained_in" if kind.startswith("not_") else "is_contained_in"
        values = rule["keys"] if kind == "foreign_key" else rule["values"]
        getattr(check, name)(column, [differ.typed(value, column) for value in values], **pct)
    elif kind == "range":
        return bounded(check, rule, column, pct)
    elif kind == "pattern":
        check.has_pattern(column, f"^(?:{rule['pattern']})$", **pct)
    elif kind == "expression":
        check.satisfies(next(iter(frame.columns)), rule["expression"], **pct)
    elif kind in ("unique", "duplicate_rows"):
        return unique(check, rule, frame)
    elif kind == "distinct_count" and rule["min"] == rule["max"]:
        check.has_cardinality(column, rule["min"])
    elif kind == "aggregate" and rule.get("min") == rule.get("max"):
        if rule["function"] == "quantile":
            check.has_percentile(column, rule["min"], rule["quantile"])
        else:
            getattr(check, MEASURES[rule["function"]])(column, differ.typed(rule["min"], column))
    else:
        return False
    return True


def bounded(check: Check, rule: Rule, column: str, pct: dict) -> bool:
    low, high, below, above = differ.ends(rule, column)
    if low is not None and high is not None:
        if below or above:
            return False
        check.is_between(column, (low, high), **pct)
    elif low is not None:
        (check.is_greater_than if below else check.is_greater_or_equal_than)(column, low, **pct)
    else:
        (check.is_less_than if above else check.is_less_or_equal_than)(column, high, **pct)
    return True


def unique(check: Check, rule: Rule, frame: pl.DataFrame) -> bool:
    distinct = rule.get("nulls") == "distinct"
    if "field" in rule:
        check.is_unique(rule["field"], ignore_nulls=distinct)
    elif distinct:
        return False
    else:
        check.are_unique(tuple(rule.get("fields", frame.columns)))
    return True


if __name__ == "__main__":
    differ.drive(pl.read_parquet, answer)
