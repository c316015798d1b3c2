"""The schema of a file, a folder, a table or a written description, whichever a path names."""

from __future__ import annotations

from pathlib import Path

from sfctl.dialects.naming import checked
from sfctl.dialects.place import NotASchema, Place
from sfctl.dialects.read import MAX_BYTES, read
from sfctl.errors import MissingExtra, SourceError
from sfctl.model.schema import Schema
from sfctl.runtime.core.arrow_schema import of_arrow
from sfctl.runtime.core.schema_of import of_polars

_ROWS = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_PARQUET = frozenset({".parquet", ".pq"})


def described(path: str, dialect: str = "") -> tuple[str, Schema]:
    """Return what a path is (a dialect, `parquet`, `delta` or `rows`) and its schema.

    `dialect` says in what a description is written; files of rows know theirs. Raises SourceError
    for what cannot be read, NotASchema for what says no schema.
    """
    place = Path(path)
    if not place.exists():
        raise SourceError(f"{path} does not exist", hint="check the path")
    if not dialect and place.is_dir():
        if (place / "_delta_log").is_dir():
            return "delta", _delta(path)
        return "rows", _rows(path)
    kind = place.suffix.lower()
    if not dialect and kind in _PARQUET:
        return "parquet", _parquet(path)
    if not dialect and kind in _ROWS:
        return "rows", _rows(path)
    try:
        if place.stat().st_size > MAX_BYTES:
            raise NotASchema(f"{path}: longer than {MAX_BYTES // 1024 // 1024} MiB")
        return read(place.read_bytes(), dialect)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    except NotASchema as error:
        raise NotASchema(f"{path} {error}", hint=error.hint) from None


def _parquet(path: str) -> Schema:
    """Return the schema of a Parquet file; what may be null is known with pyarrow alone."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return _rows(path)
    try:
        return of_arrow(pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} is no readable Parquet file") from error


def _delta(path: str) -> Schema:
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError:
        raise MissingExtra("deltalake", "delta") from None
    try:
        text = DeltaTable(path).schema().to_json()
    except (OSError, DeltaError) as error:
        raise SourceError(f"{path} is no readable Delta table") from error
    return read(text.encode(), "spark")[1]


def _rows(path: str) -> Schema:
    from sfctl.runtime.core.files import TextFiles, open_path

    source = open_path(path)
    columns = source.inferred if isinstance(source, TextFiles) else source.schema
    return checked(of_polars(columns), Place(path))
