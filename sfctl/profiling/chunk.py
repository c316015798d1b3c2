"""From the rows of a chunk to the states of its columns, in the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, time
from typing import TYPE_CHECKING, Any

from sfctl.profiling.column import (
    BLANKS,
    KEEP,
    MIDDLE,
    PER_LOG,
    ColumnState,
    Scalar,
    Wide,
)

if TYPE_CHECKING:
    import polars as pl

_SEED = 20


def family_of(dtype: pl.DataType) -> str:
    """Return how the values of a type are measured: `other` has nothing but nulls."""
    import polars as pl

    if isinstance(dtype, pl.Categorical | pl.Enum) or dtype == pl.String:
        return "text"
    if dtype.is_integer() and dtype not in (pl.Int128, pl.UInt128):
        return "integer"
    if dtype.is_float() or dtype == pl.Duration:
        return "float"
    if dtype.is_decimal() or dtype in (pl.Int128, pl.UInt128):
        return "decimal"
    if dtype == pl.Boolean:
        return "boolean"
    return "time" if dtype.is_temporal() else "other"


def states_of(chunk: pl.DataFrame, known: Mapping[str, ColumnState]) -> dict[str, ColumnState]:
    """Return the state of every column of a chunk.

    `known` tells of the rows before it: of a column that has too many values already only the
    smallest hashes are looked at.
    """
    counted: dict[str, ColumnState] = {}
    crowded: dict[str, tuple[pl.Series, ColumnState]] = {}
    for series in chunk:
        before = known.get(series.name)
        state, values = _counted(series, before)
        if values is None:
            counted[series.name] = state
        else:
            crowded[series.name] = values, state
    figures = _figures({name: values for name, (values, _) in crowded.items()}, crowded)
    for name, (values, state) in crowded.items():
        before = known.get(name)
        kept = _smallest(values, before.limit if before is not None else None)
        counted[name] = ColumnState(
            state.family, state.rows, state.nulls, state.nans, kept, figures[name]
        )
    return {name: counted[name] for name in chunk.columns}


def _counted(series: pl.Series, before: ColumnState | None) -> tuple[ColumnState, pl.Series | None]:
    """Return the state with its values, or without and the values where they are too many."""
    import polars as pl

    family = family_of(series.dtype)
    rows, nulls = series.len(), series.null_count()
    if family == "other":
        return ColumnState(family, rows, nulls), None
    values = series.drop_nulls() if nulls else series
    nans = 0
    if family == "float":
        values = values.dt.total_microseconds() / 1e6 if series.dtype == pl.Duration else values
        values = values.cast(pl.Float64) + 0.0
        finite = values.is_finite()
        if not finite.all():
            values = values.filter(finite)
            nans = rows - nulls - values.len()
    elif family == "integer":
        values = values if series.dtype == pl.UInt64 else values.cast(pl.Int64)
    elif family == "text" and series.dtype != pl.String:
        values = values.cast(pl.String)
    elif isinstance(series.dtype, pl.Date | pl.Datetime):
        values = values.filter(values.dt.year().is_between(MINYEAR, MAXYEAR))
        nans = rows - nulls - values.len()
    if before is None or before.wide is None:
        found = values.value_counts(name="_rows")
        if found.height <= KEEP:
            distinct, counts = found.to_series(0), found.to_series(1)
            known = distinct.to_list()
            if family in ("time", "decimal"):
                known = [plain(value, family) for value in known]
            pairs = zip(known, counts.to_list(), strict=True)
            kept = dict(zip(distinct.hash(_SEED).to_list(), pairs, strict=True))
            if len(kept) == found.height:
                return ColumnState(family, rows, nulls, nans, kept), None
    return ColumnState(family, rows, nulls, nans), values


def _smallest(values: pl.Series, limit: int | None) -> dict[int, tuple[Scalar | None, int]]:
    hashes = values.hash(_SEED)
    if limit is not None:
        hashes = hashes.filter(hashes <= limit)
    found = hashes.value_counts(name="_rows").bottom_k(KEEP, by=hashes.name)
    return {
        at: (None, count) for at, count in zip(found.to_series(0), found.to_series(1), strict=True)
    }


def _figures(
    columns: Mapping[str, pl.Series], states: Mapping[str, tuple[pl.Series, ColumnState]]
) -> dict[str, Wide]:
    """Return the figures of each column, all asked for at once."""
    import polars as pl

    if not columns:
        return {}
    rows = []
    asked: list[pl.LazyFrame] = []
    for name, values in columns.items():
        family = states[name][1].family
        frame = pl.LazyFrame([values.alias("v")])
        asked.append(frame.select(_expressions(family)))
        if family in ("integer", "float", "decimal"):
            asked.append(frame.select(_bucket().alias("at")).group_by("at").agg(pl.len()))
    answers = iter(pl.collect_all(asked))
    for name in columns:
        family = states[name][1].family
        row: dict[str, Any] = next(answers).row(0, named=True)
        buckets: dict[int, int] = {}
        if family in ("integer", "float", "decimal"):
            histogram = next(answers)
            buckets = dict(zip(histogram["at"].to_list(), histogram["len"].to_list(), strict=True))
        rows.append((name, row, buckets))
    return {name: _wide(row, buckets, states[name][1].family) for name, row, buckets in rows}


def _expressions(family: str) -> Sequence[pl.Expr]:
    import polars as pl

    value = pl.col("v")
    found = [pl.len().alias("values"), value.min().alias("least"), value.max().alias("most")]
    if family == "text":
        length = value.str.len_chars()
        found += [
            (value == "").sum().alias("empty"),
            (value.str.strip_chars(BLANKS).str.len_bytes() != value.str.len_bytes())
            .sum()
            .alias("padded"),
            length.min().alias("shortest"),
            length.max().alias("longest"),
            length.sum().alias("letters"),
        ]
    elif family != "time":
        number = value.cast(pl.Float64)
        found += [
            (value == 0).sum().alias("zeros"),
            (value < 0).sum().alias("negatives"),
            number.mean().alias("mean"),
            number.var(ddof=0).alias("variance"),
        ]
    return found


def _bucket() -> pl.Expr:
    """As `column.bucket`, for a whole column."""
    import polars as pl

    number = pl.col("v").cast(pl.Float64)
    at = (number.abs().log() * PER_LOG).floor() + MIDDLE
    return pl.when(number == 0).then(0.0).when(number < 0).then(-at).otherwise(at).cast(pl.Int32)


def _wide(row: Mapping[str, Any], buckets: dict[int, int], family: str) -> Wide:
    found = {key: value for key, value in row.items() if key not in ("least", "most", "variance")}
    variance = row.get("variance") or 0.0
    return Wide(
        **found,
        least=plain(row["least"], family),
        most=plain(row["most"], family),
        squares=variance * row["values"],
        buckets=buckets,
    )


def plain(value: Any, family: str) -> Any:
    """Return a value as it is kept: numbers, truths and text; what is exact or a time as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if family == "decimal" and value is not None else value
