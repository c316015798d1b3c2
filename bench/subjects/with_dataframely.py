"""The rules in dataframely, which has no row count and no null threshold: dep_time fails."""

# ruff: noqa: N805

import dataframely as dy
import polars as pl

from bench.subjects import rules
from bench.subjects.frame import load
from bench.subjects.session import drive

NAMES = {
    "dep_time|nullability": "nn_dep_time",
    "year|nullability": "nn_year",
    "month|nullability": "nn_month",
    "day|nullability": "nn_day",
    "carrier|nullability": "nn_carrier",
    "flight|nullability": "nn_flight",
    "distance|nan": "nan_distance",
}


class Flights(dy.Schema):
    year = dy.Int64(nullable=False)
    month = dy.Int64(nullable=False)
    day = dy.Int64(nullable=False)
    hour = dy.Int64(nullable=True)
    carrier = dy.String(nullable=False)
    flight = dy.Int64(nullable=False)
    origin = dy.String(nullable=True)
    dep_time = dy.Float64(nullable=False)
    arr_time = dy.Float64(nullable=True)
    sched_dep_time = dy.Int64(nullable=True)
    distance = dy.Float64(nullable=True)
    tailnum = dy.String(nullable=True)

    @dy.rule()
    def in_carrier(cls) -> pl.Expr:
        return pl.col("carrier").is_in(rules.CARRIERS)

    @dy.rule()
    def in_origin(cls) -> pl.Expr:
        return pl.col("origin").is_in(rules.ORIGINS)

    @dy.rule()
    def rng_month(cls) -> pl.Expr:
        return pl.col("month").is_between(1, 12)

    @dy.rule()
    def rng_day(cls) -> pl.Expr:
        return pl.col("day").is_between(1, 31)

    @dy.rule()
    def rng_hour(cls) -> pl.Expr:
        return pl.col("hour").is_between(0, 23)

    @dy.rule()
    def gt_distance(cls) -> pl.Expr:
        return pl.col("distance") > 0

    @dy.rule()
    def re_tailnum(cls) -> pl.Expr:
        return pl.col("tailnum").str.contains(rules.TAIL)

    @dy.rule()
    def row_expr(cls) -> pl.Expr:
        return (
            pl.col("arr_time").is_null()
            | pl.col("dep_time").is_null()
            | (pl.col("sched_dep_time") <= 2359)
        )

    @dy.rule()
    def uniq_key(cls) -> pl.Expr:
        return pl.struct(rules.KEY).is_unique()


class Wide(Flights):
    dep_delay = dy.Float64(nullable=True)
    sched_arr_time = dy.Int64(nullable=True)
    arr_delay = dy.Float64(nullable=True)
    dest = dy.String(nullable=True)
    air_time = dy.Float64(nullable=True)
    minute = dy.Int64(nullable=True)
    time_hour = dy.String(nullable=True)
    contact_email = dy.String(nullable=True)
    phone = dy.String(nullable=True)
    note = dy.String(nullable=True)


def cold(file: str) -> dict[str, int]:
    return judge(pl.scan_parquet(file))


def judge(frame: pl.DataFrame | pl.LazyFrame) -> dict[str, int]:
    counts = Flights.filter(frame.lazy()).failure.counts()
    return {NAMES.get(rule, rule): count for rule, count in counts.items()}


def split(frame: pl.DataFrame) -> dict[str, int]:
    schema = Wide if "note" in frame.columns else Flights
    good, failure = schema.filter(frame)
    return {"good": good.height, "bad": failure.invalid().height}


drive(cold, load, judge=judge, split=split)
