"""The rules in pandera on Polars; the null threshold there is pass or fail only."""

import pandera.polars as pa
import polars as pl

from bench.subjects import rules
from bench.subjects.frame import load
from bench.subjects.session import drive


def few_nulls(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_null().mean() <= 0.05)


def holds(data: pa.PolarsData) -> pl.LazyFrame:
    missing = pl.col("arr_time").is_null() | pl.col("dep_time").is_null()
    return data.lazyframe.select(missing | (pl.col("sched_dep_time") <= 2359))


def rows(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.len().is_between(1, rules.MOST_ROWS))


def within(low: int, high: int, name: str) -> pa.Check:
    return pa.Check.in_range(low, high, error=name)


INT, FLOAT, TEXT = pl.Int64, pl.Float64, pl.String
SCHEMA = pa.DataFrameSchema(
    {
        "dep_time": pa.Column(FLOAT, pa.Check(few_nulls, error="nn_dep_time"), nullable=True),
        "year": pa.Column(INT),
        "month": pa.Column(INT, within(1, 12, "rng_month")),
        "day": pa.Column(INT, within(1, 31, "rng_day")),
        "hour": pa.Column(INT, within(0, 23, "rng_hour"), nullable=True),
        "carrier": pa.Column(TEXT, pa.Check.isin(rules.CARRIERS, error="in_carrier")),
        "flight": pa.Column(INT),
        "origin": pa.Column(TEXT, pa.Check.isin(rules.ORIGINS, error="in_origin"), nullable=True),
        "distance": pa.Column(FLOAT, pa.Check.gt(0, error="gt_distance"), nullable=True),
        "tailnum": pa.Column(
            TEXT, pa.Check.str_matches("^[A-Z0-9]{5,6}$", error="re_tailnum"), nullable=True
        ),
    },
    checks=[pa.Check(holds, error="row_expr"), pa.Check(rows, error="row_count")],
    unique=rules.KEY,
    strict=False,
)
SPLITTING = pa.DataFrameSchema(
    {**SCHEMA.columns, "dep_time": pa.Column(FLOAT)},
    checks=SCHEMA.checks[:1],
    unique=rules.KEY,
    strict=False,
    drop_invalid_rows=True,
)


def counts(errors: pa.errors.SchemaErrors) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in errors.failure_cases.group_by("column", "check").len().iter_rows(named=True):
        name = row["check"]
        if name == "not_nullable":
            name = f"nn_{row['column']}"
        elif "unique" in name:
            name = "uniq_key"
        found[name] = found.get(name, 0) + row["len"]
    return found


def judge(frame: pl.DataFrame) -> dict[str, int]:
    try:
        SCHEMA.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return counts(errors)
    return {}


def split(frame: pl.DataFrame) -> dict[str, int]:
    numbered = frame.with_row_index("row")
    good = SPLITTING.validate(numbered, lazy=True)
    bad = numbered.join(good.select("row"), on="row", how="anti")
    return {"good": good.height, "bad": bad.height}


def cold(file: str) -> dict[str, int]:
    return judge(load(file, True))


drive(cold, load, judge=judge, split=split)
