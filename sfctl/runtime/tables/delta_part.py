"""Some files of one version of a Delta table, read as the table itself is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from sfctl.errors import StoreError
from sfctl.runtime.tables.delta_log import FileAction

_NEW = ("insert", "update_postimage")
_KIND = "_change_type"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files that hold a version's rows, by path as the log has it, with their partition."""

    table: str
    version: int
    partitions: Mapping[str, str]

    def rows(self, names: Collection[str]) -> pl.LazyFrame:
        """Return the rows of some of the files, less those a deletion vector takes out.

        What Polars cannot read of a table is raised when the rows are.
        """
        wanted = frozenset(names)
        if not wanted:
            return pl.LazyFrame(schema=pl.Schema(_opened(self.table, self.version).schema()))
        return pl.scan_delta(_Part(self.table, self.version, wanted))

    def below(self, partitions: Collection[str]) -> tuple[str, ...]:
        """Return the files of some partitions; all of a table without any."""
        return tuple(name for name, own in self.partitions.items() if own in partitions)

    def changed(self, files: Sequence[FileAction]) -> pl.LazyFrame:
        """Return the rows that files of the change feed tell to be new, as they are now."""
        about = _opened(self.table, self.version)
        schema, names = pl.Schema(about.schema()), about.metadata().partition_columns
        root = self.table.rstrip("/")
        rows = pl.scan_parquet(
            [f"{root}/{unquote(file.path)}" for file in files],
            hive_schema={name: schema[name] for name in names} or None,
            hive_partitioning=bool(names),
            missing_columns="insert",
            extra_columns="ignore",
            glob=False,
            schema=pl.Schema(
                {**{k: v for k, v in schema.items() if k not in names}, _KIND: pl.String()}
            ),
            cast_options=_CASTS,
        )
        return rows.filter(pl.col(_KIND).is_in(_NEW)).select(schema.names())


_CASTS = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast="upcast",
    datetime_cast=["nanosecond-downcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
)
"""What a table's schema allows of older files: the same as polars allows a Delta table."""


def snapshot(table: str, version: int) -> Snapshot:
    """Return the files of a version.

    Raises StoreError, with SF767 where its files name columns otherwise than the table does: the
    rows would be read as nulls, or not at all.
    """
    found = _opened(table, version)
    if mapped(found):
        name = table.rstrip("/").rpartition("/")[2]
        raise StoreError(
            f"{name} has column mapping: its files name columns otherwise, and nothing here "
            "reads some of its files by the table's names",
            hint="write it through sf.write, which judges rows before they are in the table",
            code="SF767",
        )
    names = found.metadata().partition_columns
    added = pl.DataFrame(found.get_add_actions(flatten=True))
    columns = [added[f"partition.{name}"] for name in names]
    parts = {
        path: partition({name: column[row] for name, column in zip(names, columns, strict=True)})
        for row, path in enumerate(added["path"])
    }
    return Snapshot(table, version, parts)


def mapped(table: DeltaTable) -> bool:
    """Tell whether a table's files name columns otherwise than the table does."""
    mode: str = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    return mode != "none"


def partition(values: Mapping[str, object] | None) -> str:
    """Return a partition as `k=v/k=v`, empty without one."""
    return "/".join(f"{name}={value}" for name, value in (values or {}).items())


def partition_of(file: FileAction, names: Sequence[str]) -> str:
    """Return the partition of a file of the log, its columns in the table's order."""
    values = file.partition_values or {}
    return partition({name: values.get(name) for name in names})


def partitioned_by(table: str, version: int) -> tuple[str, ...]:
    """Return the partition columns of a version. Raises StoreError."""
    return tuple(_opened(table, version).metadata().partition_columns)


class _Part(DeltaTable):
    """A table of which only some files are seen; whoever reads it reads only these."""

    def __init__(self, table: str, version: int, wanted: frozenset[str]) -> None:
        super().__init__(table, version=version)
        self._wanted = wanted

    def file_uris(self, *filters: Any, **more: Any) -> list[str]:
        names = pl.DataFrame(super().get_add_actions(False))["path"]
        pairs = list(zip(super().file_uris(*filters, **more), names, strict=True))
        if not all(uri.endswith(f"/{unquote(name)}") for uri, name in pairs):
            raise StoreError("the files of a Delta table are told in two orders")
        return [uri for uri, name in pairs if name in self._wanted]

    def get_add_actions(self, flatten: bool = False) -> Any:
        added = pl.DataFrame(super().get_add_actions(flatten))
        return added.filter(pl.col("path").is_in(list(self._wanted)))


def _opened(table: str, version: int) -> DeltaTable:
    try:
        return DeltaTable(table, version=version)
    except (DeltaError, OSError) as error:
        name = table.rstrip("/").rpartition("/")[2]
        raise StoreError(f"version {version} of Delta table {name} cannot be read") from error
