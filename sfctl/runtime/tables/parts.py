"""One version of a table in parts that others read when they need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sfctl.runtime.tables.formats import open_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Part(NamedTuple):
    """Some files of a version. `files` are named as the table's log has them."""

    table: str
    form: str
    version: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Reads one part into pandas, wherever it is called: on a worker of Dask."""

    partition: Mapping[str, object] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, part: Part) -> pd.DataFrame:
        """Return the rows of a part that are in the partition."""
        rows = _rows(part)
        frame = matching(rows, self.partition).collect().to_pandas()
        frame.attrs.update(self.about)
        return frame


def matching(rows: pl.LazyFrame, partition: Mapping[str, object]) -> pl.LazyFrame:
    """Return the rows whose columns have the values that are given, compared as text."""
    import polars as pl

    for name, value in partition.items():
        column = pl.col(name)
        same = column.is_null() if value is None else column.cast(pl.String) == str(value)
        rows = rows.filter(same)
    return rows


def of(path: str, form: str, version: int, partition: Mapping[str, object]) -> list[Part]:
    """Return the parts of a version that may hold rows of a partition, one a file; never none."""
    if form != "delta":
        return [Part(path, form, version, ())]
    files = _delta_files(path, version, partition)
    return [Part(path, form, version, (name,)) for name in files] or [Part(path, form, version, ())]


def dataset(path: str, form: str, version: int, partition: Mapping[str, object]) -> Any:
    """Return a version as an Arrow dataset; None where one would be the wrong rows."""
    if form != "delta":
        return None
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    from sfctl.runtime.tables.delta_part import mapped

    table = DeltaTable(path, version=version)
    names = table.metadata().partition_columns
    if not set(partition) <= set(names) or mapped(table):  # mapped columns would come as nulls
        return None
    wanted = " AND ".join(_equal(name, value) for name, value in partition.items())
    try:
        return table.to_pyarrow_dataset(file_pruning_predicate=wanted or None)
    except (DeltaError, ValueError):  # deletion vectors: Polars reads more
        return None


def _equal(name: str, value: object) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    text = str(value).replace("'", "''")
    return f"{quoted} IS NULL" if value is None else f"{quoted} = '{text}'"


def _rows(part: Part) -> pl.LazyFrame:
    if part.form != "delta":
        return open_table(part.table, part.form).scan(part.version)
    from sfctl.runtime.tables.delta_part import snapshot

    return snapshot(part.table, part.version).rows(part.files)


def _delta_files(path: str, version: int, partition: Mapping[str, object]) -> list[str]:
    import polars as pl
    from deltalake import DeltaTable

    table = DeltaTable(path, version=version)
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    for name, value in partition.items():
        if name in table.metadata().partition_columns:
            text = None if value is None else str(value)
            files = files.filter(pl.col(f"partition.{name}").cast(pl.String).eq_missing(text))
    return [str(name) for name in files["path"]]
