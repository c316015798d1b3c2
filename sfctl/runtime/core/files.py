"""Files, folders and tables as sources: Parquet in slices of row groups, text as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob, has_magic
from pathlib import Path

import polars as pl

from sfctl.errors import MissingExtra, SourceError
from sfctl.runtime.core.schema_of import type_of
from sfctl.runtime.core.sources import LazySource, Source, first_line, needed

SLICE = 245_760
"""Rows a slice of a Parquet file: whole row groups of the usual sizes, a few tens of MiB."""
_FORMATS = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}  # fmt: skip
_RENAMED = re.compile(r"_duplicated_[0-9]+\Z")


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files of one schema, the columns of the first."""

    paths: tuple[str, ...]
    partitioned: bool = False
    rows: int = SLICE

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        return _schema(self._scan(self.paths[0]), self.paths[0])

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        wanted = needed(columns, self.schema)
        for path in self.paths:
            scan = self._scan(path)
            query = self._aligned(scan, wanted, path)
            try:
                total = scan.select(pl.len()).collect().item()
                for start in range(0, total, self.rows):
                    yield query.slice(start, self.rows).collect()
            except (pl.exceptions.PolarsError, OSError) as error:
                raise SourceError(f"{path} cannot be read: {first_line(error)}") from error

    def _scan(self, path: str) -> pl.LazyFrame:
        return pl.scan_parquet(path, hive_partitioning=self.partitioned, glob=False)

    def _aligned(self, scan: pl.LazyFrame, wanted: list[str], path: str) -> pl.LazyFrame:
        if path == self.paths[0]:
            return scan.select(wanted)
        own = _schema(scan, path)
        exprs = []
        for name in wanted:
            dtype = self.schema[name]
            if name not in own:
                exprs.append(pl.lit(None, dtype=dtype).alias(name))
            elif own[name] == dtype:
                continue
            elif type_of(dtype).widens(type_of(own[name])):
                exprs.append(pl.col(name).cast(dtype))
            else:
                raise SourceError(
                    f"{path} has {type_of(own[name])} in column {name} where the first file has "
                    f"{type_of(dtype)}",
                    hint="judge the files one by one, or write them anew with one schema",
                )
        return scan.with_columns(exprs).select(wanted)


@dataclass(frozen=True)
class TextFiles:
    """CSV or JSON lines, every value as it is written; nested JSON as what it is."""

    paths: tuple[str, ...]
    format: str
    rows: int = SLICE

    @cached_property
    def inferred(self) -> Mapping[str, pl.DataType]:
        """The type that every value of every file fits, by column."""
        found: dict[str, pl.DataType] = {}
        for path in self._written:
            schema = _schema(self._scan(path, None), path)
            self._refuse_twice_named(schema, path)
            for name, dtype in schema.items():
                known = found.get(name, pl.Null())
                same = known in (dtype, pl.Null())
                found[name] = dtype if same else known if dtype == pl.Null() else pl.String()
        return found

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        return {
            name: dtype if dtype.is_nested() else pl.String()
            for name, dtype in self.inferred.items()
        }

    @cached_property
    def only_headers(self) -> bool:
        """Whether there is not a single row, so that nothing says what the columns hold."""
        if self.format != "csv":
            return not self._written
        try:
            return all(
                self._scan(path, self.schema).head(1).collect().is_empty() for path in self.paths
            )
        except (pl.exceptions.PolarsError, OSError):
            return False  # whoever reads the rows will say what is wrong with them

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield all rows in order as text. Raises SourceError for malformed lines."""
        wanted = needed(columns, self.schema)
        for path in self._written:
            own = self._scan(path, self.schema)
            present = _schema(own, path)
            absent = [
                pl.lit(None, dtype=self.schema[name]).alias(name)
                for name in wanted
                if name not in present
            ]
            try:
                # all columns are read, for a line with too many is only seen by reading them
                for chunk in own.collect_batches(chunk_size=self.rows, maintain_order=True):
                    yield chunk.with_columns(absent).select(wanted)
            except (pl.exceptions.PolarsError, OSError) as error:
                raise SourceError(
                    f"{path} is no well-formed {self.format.upper()}: {first_line(error)}",
                    hint="every line must be UTF-8 and have the columns of the header",
                    code="SF504",
                ) from error

    @cached_property
    def _written(self) -> tuple[str, ...]:
        """The files that say something: one of JSON lines without a line names no columns."""
        if self.format != "jsonl":
            return self.paths
        return tuple(path for path in self.paths if not _is_blank(path))

    def _scan(self, path: str, schema: Mapping[str, pl.DataType] | None) -> pl.LazyFrame:
        if self.format == "jsonl":
            if schema is None:
                return pl.scan_ndjson(path, infer_schema_length=None)
            return pl.scan_ndjson(path, schema=dict(schema))
        if schema is None:
            return pl.scan_csv(
                path, separator=_separator(path), infer_schema_length=None, glob=False
            )
        return pl.scan_csv(path, separator=_separator(path), infer_schema=False, glob=False)

    def _refuse_twice_named(self, schema: Mapping[str, pl.DataType], path: str) -> None:
        """Refuse a header that names a column twice; the kernel renames the second in silence."""
        if self.format != "csv" or not any(_RENAMED.search(name) for name in schema):
            return
        header = pl.scan_csv(
            path, separator=_separator(path), has_header=False, n_rows=1, infer_schema=False,
            glob=False,
        ).collect()  # fmt: skip
        names = ["" if name is None else str(name) for name in header.row(0)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SourceError(
                f"the header of {path} names the column {twice!r} twice",
                hint="give each column a name of its own; no rule can tell the two apart",
                code="SF504",
            )


def _is_blank(path: str) -> bool:
    """Tell whether a local file holds nothing but blanks; a remote one is left to the kernel."""
    if "://" in path:
        return False
    try:
        with open(path, "rb") as stream:
            return all(not line.strip() for line in stream)
    except OSError:
        return False  # whoever reads the rows will say what is wrong


def _separator(path: str) -> str:
    return "\t" if path.endswith(".tsv") else ","


def open_path(path: str) -> Source | TextFiles:
    """Return the source a path, glob or URI names. Raises SourceError SF501 or SF502."""
    if "://" in path and not path.startswith("file://"):
        return _remote(path)
    path = path.removeprefix("file://")
    place = Path(path)
    if place.is_dir():
        if (place / "_delta_log").is_dir():
            return delta(path)
        return _many(sorted(_files_below(place)), path, partitioned=True)
    if not place.exists() and has_magic(path):
        found = sorted(glob(path, recursive=True))  # noqa: PTH207 - takes absolute patterns
        return _many(found, path, partitioned="=" in path)
    if not place.is_file():
        raise SourceError(f"{path} does not exist", hint="check the path")
    return _many([path], path, partitioned=False)


def delta(path: str, version: int | None = None) -> LazySource:
    """Return a Delta table at a version, by its own file list. Raises SourceError, MissingExtra."""
    try:
        query = pl.scan_delta(path, version=version)
    except ModuleNotFoundError as error:
        raise MissingExtra("deltalake", "delta") from error
    except Exception as error:
        raise SourceError(f"{path} is no readable Delta table: {first_line(error)}") from error
    return LazySource(query)


def _remote(path: str) -> Source | TextFiles:
    kind = _FORMATS.get(Path(path).suffix.lower())
    if kind == "parquet":
        return ParquetSource((path,))
    if kind is None:
        return delta(path)
    return TextFiles((path,), kind)


def _files_below(folder: Path) -> Iterator[str]:
    for place in folder.rglob("*"):
        hidden = any(part.startswith(("_", ".")) for part in place.relative_to(folder).parts)
        if place.is_file() and not hidden and place.suffix.lower() in _FORMATS:
            yield str(place)


def _many(paths: list[str], asked: str, *, partitioned: bool) -> Source | TextFiles:
    kinds = {_FORMATS.get(Path(path).suffix.lower()) for path in paths}
    if not paths:
        raise SourceError(f"{asked} holds no files", hint=f"expected {', '.join(_FORMATS)}")
    kind = kinds.pop()
    if kinds or kind is None:
        what = "files of several formats" if kinds else "of no known format"
        raise SourceError(
            f"{asked} is {what}", hint=f"expected one of {', '.join(_FORMATS)}", code="SF502"
        )
    if kind == "parquet":
        return ParquetSource(tuple(paths), partitioned)
    return TextFiles(tuple(paths), kind)


def _schema(query: pl.LazyFrame, path: str) -> Mapping[str, pl.DataType]:
    try:
        return query.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} cannot be read: {first_line(error)}") from error
