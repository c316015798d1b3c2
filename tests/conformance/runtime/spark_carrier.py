"""Spark as a carrier: the rows in three files, one of them empty, each a partition of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.spark.held import Held
from tests.conformance.runtime.carriers import frame_of, thirds
from tests.conformance.runtime.casebook import Rows, Table

SETTINGS = {"spark.sql.files.minPartitionNum": "3", "spark.sql.timeType.enabled": "true"}


@contextmanager
def set_up(spark: Any) -> Iterator[None]:
    """Let each of few small files be a partition, as large ones are by themselves."""
    before = {name: spark.conf.get(name, None) for name in SETTINGS}
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def frame(spark: Any, rows: Rows, folder: Path) -> Any:
    """Return typed rows as a Spark frame."""
    folder.mkdir(parents=True, exist_ok=True)
    spans = [name for name, kind in rows.columns.items() if kind.kind == "DURATION"]
    for number, piece in enumerate(thirds(frame_of(rows))):
        # Spark reads a span of time from the interval it wrote itself, not from Arrow's
        held = piece.with_columns(pl.col(spans).to_physical()) if spans else piece
        # Spark has no unsigned types: what reads them for it makes decimals of the widest
        held = held.with_columns(pl.selectors.by_dtype(pl.UInt64).cast(pl.Decimal(20, 0)))
        table = held.to_arrow(compat_level=pl.CompatLevel.oldest())
        kinds = [pa.time64("us") if pa.types.is_time(k) else k for k in table.schema.types]
        table = table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))
        pq.write_table(table, folder / f"part-{number}.parquet")
    found = spark.read.parquet(str(folder))
    for name in spans:
        seconds = f"CAST(`{name}` AS DECIMAL(18,0)) / 1000000BD"
        found = found.selectExpr(
            *(
                f"make_dt_interval(0, 0, 0, {seconds}) AS `{each}`" if each == name else f"`{each}`"
                for each in found.columns
            )
        )
    return found


def held(spark: Any, rows: Rows, folder: Path) -> Held:
    """Return typed rows as a write would hold them that was observed by nobody."""
    return Held(frame(spark, rows, folder), len(rows.rows))


def surroundings(spark: Any, table: Table, folder: Path) -> Surroundings:
    """Return the other datasets and the rows of the whole table, as Spark frames."""
    known = {
        urn: frame(spark, rows, folder / f"reference-{number}")
        for number, (urn, rows) in enumerate(table.references.items())
    }
    others = None if table.others is None else frame(spark, table.others, folder / "others")
    return Surroundings(references=known.get, others=lambda _rule: others)


def collected(rows: Any, columns: Rows) -> pl.DataFrame:
    """Return the rows of a Spark frame, of the types that they were written from."""
    found = pl.DataFrame(pl.from_arrow(rows.toArrow()))
    wanted = frame_of(Rows(columns.columns, ())).schema
    return found.cast({name: dtype for name, dtype in wanted.items() if name in found.columns})
