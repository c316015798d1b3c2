"""Whatever the user's code holds its rows in, to Polars and back to the same kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sfctl.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

    from sfctl.model.policy import Policy
    from sfctl.model.types import DataType

KINDS = "a Polars or pandas frame, an Arrow table, batch or reader, or a list of dicts"


def to_polars(
    obj: object, *, policy: Policy | None = None, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows as a Polars frame, sharing memory where the formats agree.

    `columns` keeps only those. With a policy, whole numbers that pandas holds as floats become
    the integers that are declared, midnights the dates. Raises SourceError for anything that holds
    no rows.
    """
    import polars as pl

    kind = kind_of(obj)
    try:
        if kind == "polars":
            assert isinstance(obj, pl.DataFrame)
            return obj if columns is None else obj.select(columns)
        if kind == "lazy":
            assert isinstance(obj, pl.LazyFrame)
            return (obj if columns is None else obj.select(columns)).collect()
        if kind == "pandas":
            return _as_declared(_from_pandas(obj, columns), policy, _guessed(obj))
        if kind == "rows":
            frame = pl.from_dicts(list(obj), infer_schema_length=None)  # type: ignore[call-overload]
        elif kind == "arrow":
            frame = pl.DataFrame(obj)  # type: ignore[arg-type]
        else:
            raise SourceError(
                f"rows cannot be read from {type(obj).__module__}.{type(obj).__qualname__}",
                hint=f"pass {KINDS}",
                code="SF503",
            )
    except SourceError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001  any refusal
        # Arrow and the kernel refuse exotic values in their own ways, of which one is a panic;
        # what they say may quote a value of the data
        raise SourceError(
            f"the {kind} rows cannot be read as a table ({type(error).__name__})",
            hint=f"pass {KINDS}",
            code="SF503",
        ) from None
    return frame if columns is None else frame.select(columns)


def back(frame: pl.DataFrame, like: object) -> Any:
    """Return the frame in the kind that `like` is: pandas, Arrow, list of dicts, Polars."""
    kind = kind_of(like)
    if kind == "lazy":
        return frame.lazy()
    if kind == "pandas":
        return frame.to_pandas()
    if kind == "arrow":
        import pyarrow as pa

        table = pa.table(frame)
        if isinstance(like, pa.RecordBatch):
            return table.combine_chunks().to_batches()[0] if frame.height else _no_rows(table)
        return table.to_reader() if isinstance(like, pa.RecordBatchReader) else table
    return frame.to_dicts() if kind == "rows" else frame


def kind_of(obj: object) -> str:
    """Return polars, lazy, pandas, arrow, rows, or nothing for what holds no rows."""
    import polars as pl

    if isinstance(obj, pl.DataFrame):
        return "polars"
    if isinstance(obj, pl.LazyFrame):
        return "lazy"
    if type(obj).__module__.startswith("pandas") and hasattr(obj, "columns"):
        return "pandas"
    if hasattr(obj, "__arrow_c_stream__") or hasattr(obj, "__arrow_c_array__"):
        return "arrow"
    if isinstance(obj, Iterable) and not isinstance(obj, str | bytes | Mapping):
        return "rows" if all(isinstance(row, Mapping) for row in _rows(obj)) else ""
    return ""


def _rows(obj: Iterable[object]) -> Iterable[object]:
    return obj if isinstance(obj, Sequence) else [None]


def _from_pandas(frame: Any, columns: Sequence[str] | None) -> pl.DataFrame:
    import polars as pl

    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SourceError(
            f"two columns are called {twice}", hint="rename one of them", code="SF503"
        )
    wanted = names if columns is None else list(columns)
    found = []
    for position, name in enumerate(names):
        if name in wanted:
            try:
                found.append(_series(name, frame.iloc[:, position]))
            except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001  any refusal
                raise SourceError(
                    f"column {name} holds values that no table type holds ({type(error).__name__})",
                    hint="give it one type, for example with astype",
                    code="SF503",
                ) from None
    if not found:
        return pl.DataFrame()
    return pl.DataFrame(found).select(wanted)


def _series(name: str, column: Any) -> pl.Series:
    import polars as pl

    kind = column.dtype
    # numbers are shared as they are: NaN is null to every rule without being copied into one
    if getattr(kind, "kind", "") in "iuf" and hasattr(kind, "itemsize") and not _extended(kind):
        return pl.Series(name, column.to_numpy(), nan_to_null=False)
    series: pl.Series = pl.from_pandas(column, nan_to_null=True)
    return series.alias(name)


def _extended(kind: Any) -> bool:
    return not type(kind).__module__.startswith("numpy")


def _guessed(frame: Any) -> frozenset[str]:
    """Return the columns of objects, whose types are only what their values look like."""
    return frozenset(str(name) for name, kind in frame.dtypes.items() if str(kind) == "object")


def _as_declared(
    frame: pl.DataFrame, policy: Policy | None, guessed: frozenset[str]
) -> pl.DataFrame:
    """Give back what pandas has no type for: integers beside a null, dates, decimals, nothing.

    A column whose declared type is an integer becomes one where all its floats are whole; one
    that is declared a date where all its times are midnight. Of those `guessed`, decimals get
    their declared digits where they fit, and what is all null its declared type.
    """
    import polars as pl

    if policy is None:
        return frame
    declared = {c.name: c.type for c in (*(policy.schema.baseline or ()), *policy.schema.columns)}
    changed = []
    for name, dtype in frame.schema.items():
        if name not in declared:
            continue
        if name in guessed:
            changed.append(_regained(frame.get_column(name), declared[name]))
            continue
        if declared[name].kind == "DATE" and isinstance(dtype, pl.Datetime) and not dtype.time_zone:
            moments = frame.get_column(name)
            days = moments.dt.date()
            if (days.cast(dtype) == moments).all():
                changed.append(days)
        if dtype not in (pl.Float32, pl.Float64) or not declared[name].is_integer:
            continue
        series = frame.get_column(name).fill_nan(None)
        whole = series.cast(pl.Int64, strict=False)
        if whole.null_count() == series.null_count() and (whole.cast(dtype) == series).all():
            changed.append(_narrowed(whole, declared[name].kind))
    return frame.with_columns(changed) if changed else frame


def _regained(series: pl.Series, declared: DataType) -> pl.Series:
    """Return a column of objects as its declared type, where its values do not gainsay it."""
    from sfctl.runtime.core.schema_of import type_of
    from sfctl.runtime.faults import DataError
    from sfctl.runtime.polars.texts import dtype_of

    if declared.kind == "DECIMAL" and declared.precision is None:
        return series
    fits = declared.kind == "DECIMAL" and declared.widens(type_of(series.dtype))
    if not fits and series.null_count() < series.len():
        return series
    try:
        return series.cast(dtype_of(declared))
    except DataError:
        return series  # a type that has no form of its own in the kernel


def _narrowed(whole: pl.Series, kind: str) -> pl.Series:
    """Return the declared width where every value fits, for a float does not say its width."""
    import polars as pl

    types = {
        "INT8": pl.Int8, "INT16": pl.Int16, "INT32": pl.Int32, "INT64": pl.Int64,
        "UINT8": pl.UInt8, "UINT16": pl.UInt16, "UINT32": pl.UInt32, "UINT64": pl.UInt64,
    }  # fmt: skip
    narrow = whole.cast(types[kind], strict=False)
    return narrow if narrow.null_count() == whole.null_count() else whole


def _no_rows(table: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=table.schema)
