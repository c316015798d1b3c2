"""Rows to the user: in the form that was asked for, with what is known of them beside.

pandas, Arrow and Polars hold rows in memory; Spark, Dask and DuckDB get a version that they read
when its rows are asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfctl.errors import MissingExtra, SourceError
from sfctl.model.schema import Schema
from sfctl.runtime.core.schema_of import of_polars
from sfctl.runtime.tables import counted, parts
from sfctl.runtime.tables.formats import open_table

if TYPE_CHECKING:
    import polars as pl

LIBRARIES = {
    "pandas": ("pandas", "pandas"),
    "arrow": ("pyarrow", "pandas"),
    "dask": ("dask.dataframe", "dask"),
    "duckdb": ("duckdb", "duckdb"),
    "spark": ("pyspark.sql", "spark"),
}
"""Form → (what must be importable, the extra that brings it)."""


@dataclass(frozen=True, slots=True)
class Found:
    """One version of a table, not read yet; of a partition, where columns are given values."""

    path: str
    form: str
    version: int
    partition: Mapping[str, object] = field(default_factory=dict)

    def rows(self) -> pl.LazyFrame:
        """Return its rows, lazily."""
        return parts.matching(open_table(self.path, self.form).scan(self.version), self.partition)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the user gets. `height` is None where neither rows nor the table's log tell it."""

    value: Any
    height: int | None
    columns: Schema


def require(as_: str) -> Any:
    """Return the library of a form, None for Polars. Raises MissingExtra SF701."""
    if as_ == "polars":
        return None
    module, extra = LIBRARIES[as_]
    try:
        if as_ in ("pandas", "duckdb"):
            importlib.import_module("pyarrow")
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(module.partition(".")[0], extra) from None


def newest(path: str, form: str, partition: Mapping[str, object]) -> Found:
    """Return a table's newest version. Raises SourceError SF754 where there is no table."""
    version = open_table(path, form).head()
    if version is None:
        raise SourceError(f"there is no table at {path}", hint="has its job run yet?", code="SF754")
    return Found(path, form, version, partition)


def deliver(found: Found, as_: str, about: Mapping[str, Any]) -> Delivered:
    """Return rows as pandas, Arrow, Polars, Dask, DuckDB or Spark.

    `about` goes into `attrs` of a pandas, Dask or Spark frame and the metadata of an Arrow table's
    schema. Raises MissingExtra SF701, SourceError SF754 for rows that cannot be read.
    """
    library = require(as_)
    try:
        return _LAZY.get(as_, _in_memory)(found, as_, about, library)
    except _polars_error() as error:
        raise SourceError(
            f"the table at {found.path} cannot be read: {type(error).__name__}", code="SF754"
        ) from error


def _in_memory(found: Found, as_: str, about: Mapping[str, Any], library: Any) -> Delivered:  # noqa: ARG001
    frame = found.rows().collect()
    value: Any = frame
    if as_ == "arrow":
        table = frame.to_arrow()
        texts = {f"sfctl.{name}": str(value) for name, value in about.items()}
        value = table.replace_schema_metadata({**(table.schema.metadata or {}), **texts})
    elif as_ == "pandas":
        value = frame.to_pandas()
        value.attrs.update(about)
    return Delivered(value, frame.height, of_polars(frame.schema))


def _spark(found: Found, as_: str, about: Mapping[str, Any], library: Any) -> Delivered:  # noqa: ARG001
    from sfctl.runtime.spark import frames, schema, session

    frame = frames.read(session.running(), found.path, found.form, found.version, found.partition)
    frame.attrs = dict(about)  # type: ignore[attr-defined]
    return Delivered(frame, _counted(found), schema.of_frame(frame))


def _dask(found: Found, as_: str, about: Mapping[str, Any], library: Any) -> Delivered:  # noqa: ARG001
    import polars as pl

    columns = found.rows().collect_schema()
    meta = pl.DataFrame(schema=columns).to_pandas()
    meta.attrs.update(about)
    pieces = parts.of(found.path, found.form, found.version, found.partition)
    frame = library.from_map(parts.Piece(found.partition, dict(about)), pieces, meta=meta)
    return Delivered(frame, _counted(found), of_polars(columns))


def _duckdb(found: Found, as_: str, about: Mapping[str, Any], library: Any) -> Delivered:  # noqa: ARG001
    columns = of_polars(found.rows().collect_schema())
    lazily = parts.dataset(found.path, found.form, found.version, found.partition)
    if lazily is not None:
        return Delivered(library.from_arrow(lazily), _counted(found), columns)
    table = found.rows().collect().to_arrow()
    return Delivered(library.from_arrow(table), table.num_rows, columns)


def _counted(found: Found) -> int | None:
    return counted.rows(found.path, found.form, found.version, found.partition)


def _polars_error() -> type[Exception]:
    from polars.exceptions import PolarsError

    return PolarsError


_LAZY: dict[str, Callable[[Found, str, Mapping[str, Any], Any], Delivered]] = {
    "spark": _spark,
    "dask": _dask,
    "duckdb": _duckdb,
}
