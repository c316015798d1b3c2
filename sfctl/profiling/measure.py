"""One scan over a frame to the figures of each column; the same rows give the same figures."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FEW = 25
"""A column with at most so many values has them listed."""


def measure(frame: pl.LazyFrame, hidden: Collection[str] = ()) -> dict[str, Any]:
    """Return `{rows, columns: {name: figures}}`; NaN counts as null.

    Figures are nulls, null_rate, distinct, and by type min, max, mean, stddev, quantiles, lengths
    of text and, where there are few, the values with their counts. Of `hidden` columns only
    counts and lengths are given. Floats keep 12 significant digits.
    """
    import polars as pl

    schema = frame.collect_schema()
    frame = frame.with_columns(
        pl.col(name).fill_nan(None) for name, dtype in schema.items() if dtype.is_float()
    )
    asked = [pl.len().alias("rows")]
    for index, (name, dtype) in enumerate(schema.items()):
        column = pl.col(name)
        for figure, expression in _figures(column, dtype, name in hidden).items():
            asked.append(expression.alias(f"{index}.{figure}"))
    row = frame.select(asked).collect(engine="streaming").row(0, named=True)
    rows: int = row["rows"]
    columns = {name: _column(index, row, rows, name in hidden) for index, name in enumerate(schema)}
    for name, figures in columns.items():
        if name not in hidden and 0 < figures.get("distinct", 0) <= FEW:
            figures["values"] = _values(frame, name)
    return {"rows": rows, "columns": columns}


def _figures(column: pl.Expr, dtype: pl.DataType, hidden: bool) -> dict[str, pl.Expr]:
    import polars as pl

    figures = {"nulls": column.null_count()}
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return figures
    figures["distinct"] = column.drop_nulls().n_unique()
    if dtype == pl.String:
        length = column.str.len_chars()
        figures |= {"shortest": length.min(), "longest": length.max()}
    if hidden:
        return figures
    if dtype != pl.Boolean:
        figures |= {"min": column.min(), "max": column.max()}
    if dtype.is_numeric():
        figures |= {"mean": column.mean(), "stddev": column.std()}
        for quantile in QUANTILES:
            figures[f"q{quantile:g}"] = column.quantile(quantile, "nearest")
    return figures


def _column(index: int, row: dict[str, Any], rows: int, hidden: bool) -> dict[str, Any]:
    prefix = f"{index}."
    found = {key[len(prefix) :]: value for key, value in row.items() if key.startswith(prefix)}
    nulls = found.pop("nulls")
    figures: dict[str, Any] = {
        "nulls": nulls,
        "null_rate": number(nulls / rows) if rows else None,
    }
    quantiles = {
        key[1:]: number(found.pop(key)) for key in list(found) if key.startswith("q0") and found
    }
    if "shortest" in found:
        figures["length"] = {"min": found.pop("shortest"), "max": found.pop("longest")}
    figures |= {key: number(value) for key, value in found.items()}
    if quantiles:
        figures["quantiles"] = quantiles
    if hidden:
        figures["personal"] = True
    return figures


def _values(frame: pl.LazyFrame, name: str) -> list[dict[str, Any]]:
    import polars as pl

    counted = (
        frame.select(pl.col(name).alias("value"))
        .drop_nulls()
        .group_by("value")
        .agg(pl.len().alias("rows"))
        .sort("value")
        .collect(engine="streaming")
    )
    return [{"value": number(value), "rows": rows} for value, rows in counted.iter_rows()]


def number(value: Any) -> Any:
    """Return a value as JSON can hold it: floats to 12 digits, decimals and times as text."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
