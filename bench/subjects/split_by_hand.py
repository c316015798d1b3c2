"""The yardstick of the split: one mask of the row rules by hand, two filters."""

import polars as pl

from bench.subjects import rules
from bench.subjects.frame import load
from bench.subjects.session import drive

c = pl.col
BAD = pl.any_horizontal(
    c("dep_time").is_null(),
    c("year").is_null(),
    c("month").is_null(),
    c("day").is_null(),
    c("carrier").is_null(),
    c("flight").is_null(),
    ~c("carrier").is_in(rules.CARRIERS),
    ~c("origin").is_in(rules.ORIGINS),
    ~c("month").is_between(1, 12),
    ~c("day").is_between(1, 31),
    ~c("hour").is_between(0, 23),
    c("distance") <= 0,
    ~c("tailnum").str.contains(rules.TAIL),
    ~(c("arr_time").is_null() | c("dep_time").is_null() | (c("sched_dep_time") <= 2359)),
    pl.struct(rules.KEY).hash().is_duplicated(),
).fill_null(False)


def split(frame: pl.DataFrame) -> dict[str, int]:
    bad = frame.select(BAD).to_series()
    return {"good": frame.filter(~bad).height, "bad": frame.filter(bad).height}


def cold(file: str) -> dict[str, int]:
    return split(load(file, False))


drive(cold, load, split=split)
