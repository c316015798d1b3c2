"""The rows to be measured: a dataset's own table, or any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfctl.errors import SourceError, StoreError
from sfctl.runtime.tables.formats import open_table
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


def rows_at(path: str) -> pl.LazyFrame:
    """Return the rows of a Delta table, or of Parquet, CSV or JSON Lines files, lazily.

    Raises SourceError SF501 for anything else and for what cannot be read.
    """
    import polars as pl

    place = Path(path)
    try:
        if (place / "_delta_log").is_dir():
            return open_table(path).scan()
        kind = _kind(place)
        if kind == "parquet":
            frame = pl.scan_parquet(place / "**/*.parquet" if place.is_dir() else place)
        elif kind == "csv":
            frame = pl.scan_csv(place, try_parse_dates=True, infer_schema_length=None)
        else:
            frame = pl.scan_ndjson(place, infer_schema_length=None)
        frame.collect_schema()
    except (OSError, StoreError, pl.exceptions.PolarsError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{place.name} cannot be read: {said}") from error
    return frame


def _kind(place: Path) -> str:
    if not place.exists():
        raise SourceError(f"there is nothing at {place}")
    kinds = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
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
        path = Path(project.target.lake) / named
        if path.is_dir():
            return str(path)
        tried.append(stage)
    raise SourceError(
        f"{dataset.name} has no table yet ({', '.join(tried) or 'no storage'})",
        hint=f"run the job that writes it, or sfctl profile {dataset.name} --source FILE",
        code="SF010",
    )
