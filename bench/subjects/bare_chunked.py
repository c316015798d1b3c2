"""The yardstick for data larger than one likes to hold: the same 16 rules by hand, in chunks.

Each chunk is one fused select; of the key only 64-bit hashes are kept, sorted at the end by numpy
(equal hashes are taken for equal keys: the hand-written shortcut).
"""

import json
import sys

import numpy as np
import polars as pl

CARRIERS = "9E AA AS B6 DL EV F9 FL HA MQ OO UA US VX WN YV".split()  # noqa: SIM905
KEY = ["year", "month", "day", "hour", "carrier", "flight", "origin"]
CHUNK = 1_000_000

c = pl.col
counts = [
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
]
source = pl.scan_parquet(sys.argv[1])
rows = source.select(pl.len()).collect().item()
hashes = np.empty(rows, np.uint64)
found: dict[str, int] = {}
for start in range(0, rows, CHUNK):
    chunk = source.slice(start, CHUNK)
    keys, part = pl.collect_all([chunk.select(pl.struct(KEY).hash()), chunk.select(counts)])
    hashes[start : start + len(keys)] = keys.to_series().to_numpy()
    for name, count in part.row(0, named=True).items():
        found[name] = found.get(name, 0) + count
hashes.sort()
same = hashes[1:] == hashes[:-1]
starts = same & ~np.concatenate([[False], same[:-1]])
found["uniq_key"] = int(same.sum() + starts.sum())
found["row_count"] = int(not 1 <= rows <= 100_000_000)
print(json.dumps(found))
