"""Which day a row belongs to: by partition, or by a column that says when it came to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sfctl.profiling.rows import Part, Rows

if TYPE_CHECKING:
    import polars as pl

DAY_COLUMNS = ("dt", "date", "ds", "day_date", "partition_date", "event_date", "ingest_date")
TIME_COLUMNS = (
    "event_time", "event_ts", "event_timestamp", "timestamp", "ts", "occurred_at", "ingested_at",
    "ingestion_time", "loaded_at", "created_at", "created_ts", "order_date",
)  # fmt: skip
"""Columns that say when a row came to be. A birthday is a date too, hence a closed list."""
UNDATED = ""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")


@dataclass(frozen=True, slots=True)
class Calendar:
    """How days are told. `by` is `partition`, `column` or, where nothing tells, empty."""

    by: str = ""
    columns: tuple[str, ...] = ()

    def day(self, part: Part) -> str | None:
        """Return the day of a part by its partition, None where it has none."""
        values = [part.partition.get(name) or "" for name in self.columns]
        try:
            if len(values) == 3:
                return date(int(values[0]), int(values[1]), int(values[2])).isoformat()
            said = values[0][:10]
            return date.fromisoformat(said).isoformat() if _DAY.fullmatch(said) else None
        except ValueError:
            return None

    def expression(self, schema: pl.Schema) -> pl.Expr:
        """Return the day of each row as text, null where it has none."""
        import polars as pl

        if not self.by:
            return pl.lit(UNDATED)
        if len(self.columns) == 3:
            numbers = [pl.col(name).cast(pl.Int64, strict=False) for name in self.columns]
            return pl.date(*numbers).cast(pl.String)
        column = pl.col(self.columns[0])
        dtype = schema[self.columns[0]]
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            column = column.dt.convert_time_zone("UTC")
        text = column.cast(pl.String).str.head(10)
        said = pl.when(text.str.contains(rf"^(?:{_DAY.pattern})$")).then(text)
        return said.str.replace_all("-", "").str.to_date("%Y%m%d", strict=False).cast(pl.String)

    def within(self, days: list[str], parts: list[Part], schema: pl.Schema) -> pl.Expr:
        """Return what holds for the rows of some days, so that other files are not opened."""
        import polars as pl

        found = self.expression(schema).is_in(days)
        for name in self.columns if self.by == "partition" else ():
            values = sorted({v for p in parts if (v := p.partition.get(name)) is not None})
            if schema[name] == pl.String:
                found &= pl.col(name).is_in(values)
            elif schema[name] == pl.Date:
                found &= pl.col(name).is_in([date.fromisoformat(value[:10]) for value in values])
            elif schema[name].is_integer():
                found &= pl.col(name).is_in([int(value) for value in values])
        return found


def calendar_of(rows: Rows) -> Calendar:
    """Return how the days of a source are told; no calendar where nothing says it."""
    import polars as pl

    schema = rows.schema
    partitions = tuple(rows.parts[0].partition) if rows.parts else ()
    for name in partitions:
        calendar = Calendar("partition", (name,))
        if name in schema and any(calendar.day(part) for part in rows.parts):
            return calendar
    if {"year", "month", "day"} <= {name.lower() for name in partitions}:
        named = {name.lower(): name for name in partitions}
        return Calendar("partition", (named["year"], named["month"], named["day"]))
    for name in (*DAY_COLUMNS, *TIME_COLUMNS):
        if name not in schema or name in partitions:
            continue
        dtype = schema[name]
        if dtype == pl.Date or isinstance(dtype, pl.Datetime):
            return Calendar("column", (name,))
        if dtype == pl.String and name in DAY_COLUMNS:
            return Calendar("column", (name,))
    return Calendar()
