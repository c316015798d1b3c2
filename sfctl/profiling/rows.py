"""The rows to be measured: a dataset's own table, or any file; which parts it has, by day."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfctl.errors import SourceError, StoreError
from sfctl.profiling.origin import drafted_from
from sfctl.runtime.tables.formats import open_table
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

_PARTITION = re.compile(r"([^/=]+)=([^/]*)(?=/)")


@dataclass(frozen=True, slots=True)
class Part:
    """A file that rows come from. `print_` differs when its content may."""

    path: str
    print_: str
    partition: Mapping[str, str | None]
    added_at: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a source, lazily, and the parts they lie in. `kind` is delta, parquet, csv, jsonl."""

    path: str
    kind: str
    frame: pl.LazyFrame
    parts: tuple[Part, ...]
    schema: pl.Schema

    def of(self, part: Part) -> pl.LazyFrame:
        """Return the rows of one part; partition columns may be missing."""
        import polars as pl

        if self.kind in ("csv", "jsonl"):
            return self.frame
        return pl.scan_parquet(part.path, glob=False)


def rows_at(path: str) -> Rows:
    """Return the rows of a table, or of Parquet, CSV or JSON Lines files, lazily.

    Raises SourceError SF501 for anything else and for what cannot be read.
    """
    import polars as pl

    place = Path(path)
    try:
        if (place / "_delta_log").is_dir():
            return _table(path, "delta")
        if (place / "_versions").is_dir():
            return _table(path, "parquet")
        kind = _kind(place)
        if kind == "parquet":
            found = _files_below(place) if place.is_dir() else [place]
            if not found:
                raise SourceError(f"{place.name} holds no Parquet files")
            frame = pl.scan_parquet(found, hive_partitioning=place.is_dir())
        elif kind == "csv":
            found = [place]
            frame = pl.scan_csv(place, try_parse_dates=True, infer_schema_length=None)
        else:
            found = [place]
            frame = pl.scan_ndjson(place, infer_schema_length=None)
        schema = frame.collect_schema()
        parts = tuple(_part(file, place) for file in found)
    except (OSError, StoreError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{place.name} cannot be read: {first_line(error)}") from error
    return Rows(path, kind, frame, parts, schema)


def _files_below(folder: Path) -> list[Path]:
    """Return a folder's Parquet files, but for what writers leave aside."""
    return sorted(
        file
        for file in folder.glob("**/*.parquet")
        if not any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)
    )


def _table(path: str, format: str) -> Rows:
    table = open_table(path, format)
    parts = tuple(
        Part(str(Path(path) / f.path), _print(f.path, f.size), f.partition, f.added_at)
        for f in table.files()
    )
    frame = table.scan()
    return Rows(path, format, frame, parts, frame.collect_schema())


def _part(file: Path, below: Path) -> Part:
    relative = file.relative_to(below).as_posix() if file != below else file.name
    status = file.stat()
    values = {
        name: None if value == "__HIVE_DEFAULT_PARTITION__" else value
        for name, value in _PARTITION.findall(relative)
    }
    return Part(str(file), _print(relative, status.st_size, status.st_mtime_ns), values)


def _print(*facts: object) -> str:
    return hashlib.blake2b(repr(facts).encode(), digest_size=12).hexdigest()


def print_of(parts: Sequence[Part]) -> str:
    """Return what differs when one of the parts may have."""
    return _print(*sorted(part.print_ for part in parts))


def first_line(error: Exception) -> str:
    """Return what an error says, without the advice that follows."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _kind(place: Path) -> str:
    if not place.exists():
        raise SourceError(f"there is nothing at {place}")
    kinds = {
        ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".jsonl": "jsonl",
        ".ndjson": "jsonl",
    }  # fmt: skip
    kind = "parquet" if place.is_dir() else kinds.get(place.suffix.lower())
    if kind is None:
        raise SourceError(
            f"{place.name} is of no known format",
            hint="a Delta table, or a file ending in .parquet, .csv, .jsonl",
        )
    return kind


def table_of(project: Project, dataset: DatasetFiles) -> str:
    """Return the path of the most refined stage that has a table. Raises SourceError SF010."""
    storage = dataset.dataset.get("storage")
    tried = []
    for stage in ("gold", "silver", "bronze"):
        node = storage.get(stage) if storage is not None else None
        if node is None:
            continue
        named = node.string("path") if node.is_mapping else str(node.value)
        path = Path(os.path.normpath(Path(project.target.lake) / named))
        if path.is_dir():
            return str(path)
        tried.append(stage)
    said = drafted_from(project.root / "datasets" / dataset.name)
    file = Path(os.path.normpath(Path(project.target.lake) / said))
    source = shlex.quote(os.path.relpath(file)) if said and file.is_file() else "FILE"
    raise SourceError(
        f"{dataset.name} has no table yet ({', '.join(tried) or 'no storage'})",
        hint=f"run the job that writes it, or sfctl profile {dataset.name} --source {source}",
        code="SF010",
    )
