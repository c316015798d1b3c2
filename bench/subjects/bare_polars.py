"""The yardstick: the 16 rules by hand in Polars, one fused select over the file, nothing else.

`bare_polars.py FILE [plain|hash]`: `plain` is what one writes first, `hash` groups the key by its
64-bit hash instead (collisions unconfirmed), the quicker way that the rules' authors seldom take.
"""

import json
import sys

import polars as pl

CARRIERS = "9E AA AS B6 DL EV F9 FL HA MQ OO UA US VX WN YV".split()  # noqa: SIM905
KEY = ["year", "month", "day", "hour", "carrier", "flight", "origin"]

key = pl.struct(KEY) if sys.argv[2:] != ["hash"] else pl.struct(KEY).hash()
c = pl.col
counts = (
    pl.scan_parquet(sys.argv[1])
    .select(
        c("dep_time").is_null().sum().alias("nn_dep_time"),
        c("year").is_null().sum().alias("nn_year"),
        c("month").is_null().sum().alias("nn_month"),
        c("day").is_null().sum().alias("nn_day"),
        c("carrier").is_null().sum().alias("nn_carrier"),
        c("flight").is_null().sum().alias("nn_flight"),
        (~c("carrier").is_in(CARRIERS)).sum().alias("in_carrier"),
        (~c("origin").is_in(["EWR", "JFK", "LGA"])).sum().alias("in_origin"),
        (~c("month").is_between(1, 12)).sum().alias("rng_month"),
        (~c("day").is_between(1, 31)).sum().alias("rng_day"),
        (~c("hour").is_between(0, 23)).sum().alias("rng_hour"),
        (c("distance") <= 0).sum().alias("gt_distance"),
        (~c("tailnum").str.contains(r"\A(?:[A-Z0-9]{5,6})\z")).sum().alias("re_tailnum"),
        (~(c("arr_time").is_null() | c("dep_time").is_null() | (c("sched_dep_time") <= 2359)))
        .sum()
        .alias("row_expr"),
        key.is_duplicated().sum().alias("uniq_key"),
        pl.len().is_between(1, 100_000_000).not_().cast(pl.Int64).alias("row_count"),
    )
    .collect()
)
print(json.dumps(counts.row(0, named=True)))
