"""The rules in cuallee on Polars; it has no row count, and its nulls count as failing."""

import polars as pl
from cuallee import Check, CheckLevel

from bench.subjects import rules
from bench.subjects.frame import load
from bench.subjects.session import drive

ROW = "arr_time IS NULL OR dep_time IS NULL OR sched_dep_time <= 2359"
ORDER = [
    "nn_dep_time",
    "nn_year",
    "nn_month",
    "nn_day",
    "nn_carrier",
    "nn_flight",
    "in_carrier",
    "in_origin",
    "rng_month",
    "rng_day",
    "rng_hour",
    "gt_distance",
    "re_tailnum",
    "row_expr",
    "uniq_key",
]


def judge(frame: pl.DataFrame) -> dict[str, int]:
    check = Check(CheckLevel.WARNING, "flights")
    check.is_complete("dep_time", pct=0.95)
    for column in ("year", "month", "day", "carrier", "flight"):
        check.is_complete(column)
    check.is_contained_in("carrier", rules.CARRIERS)
    check.is_contained_in("origin", rules.ORIGINS)
    check.is_between("month", (1, 12))
    check.is_between("day", (1, 31))
    check.is_between("hour", (0, 23))
    check.is_greater_than("distance", 0)
    check.has_pattern("tailnum", rules.TAIL)
    check.satisfies(column=["arr_time", "dep_time", "sched_dep_time"], predicate=ROW)
    check.are_unique(tuple(rules.KEY))
    found = check.validate(frame)["violations"].to_list()
    return {name: int(count) for name, count in zip(ORDER, found, strict=True)}


def cold(file: str) -> dict[str, int]:
    return judge(load(file, True))


drive(cold, load, judge=judge)
