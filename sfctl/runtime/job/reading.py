"""Rows to the user: in the form that was asked for, with what is known of them beside."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sfctl.errors import MissingExtra, SourceError
from sfctl.runtime.tables.formats import open_table

if TYPE_CHECKING:
    import polars as pl

LIBRARIES = {
    "pandas": ("pandas", "pandas"),
    "arrow": ("pyarrow", "pandas"),
    "dask": ("dask.dataframe", "dask"),
    "duckdb": ("duckdb", ""),
    "spark": ("pyspark.sql", "spark"),
}
"""Form → (what must be importable, the extra that brings it, if one does)."""


def require(as_: str) -> Any:
    """Return the library of a form, None for Polars. Raises MissingExtra SF701."""
    if as_ == "polars":
        return None
    module, extra = LIBRARIES[as_]
    try:
        if as_ == "pandas":
            importlib.import_module("pyarrow")
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(module.partition(".")[0], extra) from None


def deliver(frame: pl.DataFrame, as_: str, about: Mapping[str, Any]) -> Any:
    """Return rows as pandas, Arrow, Polars, Dask, DuckDB or Spark.

    `about` goes into `attrs` of a pandas frame and the metadata of an Arrow table's schema.
    Raises MissingExtra SF701.
    """
    library = require(as_)
    if as_ == "polars":
        return frame
    if as_ == "arrow":
        table = frame.to_arrow()
        texts = {f"sfctl.{name}": str(value) for name, value in about.items()}
        return table.replace_schema_metadata({**(table.schema.metadata or {}), **texts})
    if as_ == "duckdb":
        return library.from_arrow(frame.to_arrow())
    rows = frame.to_pandas()
    rows.attrs.update(about)
    if as_ == "dask":
        return library.from_pandas(rows, npartitions=1)
    if as_ == "spark":
        return library.SparkSession.builder.getOrCreate().createDataFrame(rows)
    return rows


def newest(path: str, form: str, partition: Mapping[str, object]) -> tuple[pl.DataFrame, int]:
    """Return the rows of a table's newest version, and that version.

    `partition` keeps rows whose columns have those values. Raises SourceError SF754 where there is
    no table, StoreError where it cannot be read.
    """
    import polars as pl

    table = open_table(path, form)
    version = table.head()
    if version is None:
        raise SourceError(f"there is no table at {path}", hint="has its job run yet?", code="SF754")
    rows = table.scan(version)
    for name, value in partition.items():
        rows = rows.filter(pl.col(name).cast(pl.String) == str(value))
    try:
        return rows.collect(), version
    except pl.exceptions.PolarsError as error:
        raise SourceError(
            f"the table at {path} cannot be read: {type(error).__name__}", code="SF754"
        ) from error
