"""How many rows a version has, by its log alone: nothing is scanned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sfctl.errors import StoreError

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable


def rows(
    path: str, form: str, version: int, partition: Mapping[str, object] | None = None
) -> int | None:
    """Return how many rows a version has in a partition, None where its log does not tell.

    Values are compared as text, as reads do. Raises StoreError where the log cannot be read.
    """
    wanted = {name: None if v is None else str(v) for name, v in (partition or {}).items()}
    if form == "parquet":
        from sfctl.runtime.tables.snapshot import Snapshots

        return Snapshots(path).rows(version, wanted)
    if form != "delta":
        return None
    return _of_delta(path, version, wanted)


def _of_delta(path: str, version: int, wanted: Mapping[str, str | None]) -> int | None:
    import polars as pl
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(path, version=version)
        if not set(wanted) <= set(table.metadata().partition_columns):
            return None
        files = pl.DataFrame(table.get_add_actions(flatten=True))
        for name, value in wanted.items():
            files = files.filter(pl.col(f"partition.{name}").cast(pl.String).eq_missing(value))
        if files.is_empty():
            return 0
        if "num_records" not in files.columns or files["num_records"].null_count():
            return None
        if "deletionVectors" not in (table.protocol().reader_features or ()):
            return int(files["num_records"].sum())
        return int(files["num_records"].sum()) - _taken_out(table, files)
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        name = path.rstrip("/").rpartition("/")[2]
        raise StoreError(f"version {version} of Delta table {name} cannot be counted") from error


def _taken_out(table: DeltaTable, files: pl.DataFrame) -> int:
    """Return how many rows of some files deletion vectors take out."""
    from urllib.parse import unquote

    import polars as pl

    vectors = pl.DataFrame(table.deletion_vectors())
    ends = tuple(f"/{unquote(name)}" for name in files["path"])
    mine = vectors.filter(
        pl.col("filepath").map_elements(
            lambda uri: unquote(uri).endswith(ends), return_dtype=pl.Boolean
        )
    )
    return int(mine["selection_vector"].explode().not_().sum() or 0)
