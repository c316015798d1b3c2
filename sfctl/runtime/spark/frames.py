"""One version of a table as a Spark frame: pinned, lazy, nothing collected to the driver."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sfctl.errors import SourceError, StoreError
from sfctl.runtime.spark import session
from sfctl.runtime.spark.act import quoted

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame, SparkSession

READING = {
    "timeZone": "UTC",
    "mergeSchema": "false",
    "ignoreMissingFiles": "false",
    "ignoreCorruptFiles": "false",
    "datetimeRebaseMode": "CORRECTED",
    "recursiveFileLookup": "false",
}
"""How files are read that a log names: a session may say that those missing do not matter."""


def read(
    spark: SparkSession,
    path: str,
    form: str,
    version: int,
    partition: Mapping[str, object] | None = None,
) -> DataFrame:
    """Return the rows of a version, of one partition where columns are given values.

    By Delta itself where the session has it, else from the files that the version's log names.
    Raises SourceError SF893 where these alone would be the wrong rows.
    """
    if form == "parquet":
        frame = _of_snapshot(spark, path, version)
    elif session.has_delta(spark):
        frame = spark.read.format("delta").option("versionAsOf", version).load(path)
    else:
        frame = _of_files(spark, path, version)
    for name, value in (partition or {}).items():
        column = frame[name].cast("string")
        frame = frame.filter(column.isNull() if value is None else column == str(value))
    return frame


def _of_snapshot(spark: SparkSession, path: str, version: int) -> DataFrame:
    from sfctl.runtime.tables.snapshot import Snapshots

    table = Snapshots(path)
    columns = _struct(table.scan(version).collect_schema())
    return spark.read.schema(columns).parquet(*map(literal, table.locations(version)))


def _of_files(spark: SparkSession, path: str, version: int) -> DataFrame:
    """Read a Delta version's files as they are, each with the partition that the log gives it."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql.types import StructType

    try:
        table = DeltaTable(path, version=version)
    except (DeltaError, OSError) as error:
        name = path.rstrip("/").rpartition("/")[2]
        raise StoreError(f"version {version} of Delta table {name} cannot be read") from error
    _require_plain(table, path)
    struct = StructType.fromJson(json.loads(table.schema().to_json()))
    names = list(table.metadata().partition_columns)
    stored = StructType([field for field in struct.fields if field.name not in names])
    kinds = {field.name: field.dataType for field in struct.fields}
    parts: list[DataFrame] = []
    for values, files in _by_partition(table, path).items():
        part = spark.read.schema(stored).options(**READING).parquet(*map(literal, files))
        for name, value in zip(names, values, strict=True):
            part = part.withColumn(name, F.lit(value).cast(kinds[name]))
        parts.append(part.select(*(quoted(field.name) for field in struct.fields)))
    if not parts:
        return spark.createDataFrame([], struct)
    return reduce(lambda one, other: one.union(other), parts)


def _require_plain(table: DeltaTable, path: str) -> None:
    features = set(table.protocol().reader_features or ())
    mapped = table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none"
    other = sorted(features - {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
    if mapped:
        other = ["columnMapping", *other]
    if other:
        name = path.rstrip("/").rpartition("/")[2]
        raise SourceError(
            f"this session has no Delta, and {name} uses {', '.join(dict.fromkeys(other))}: "
            "its files alone are not its rows",
            hint="sfctl stack fetch spark, and start the session with the jars it names",
            code="SF893",
        )


def _by_partition(table: DeltaTable, path: str) -> dict[tuple[Any, ...], list[str]]:
    import polars as pl

    names = table.metadata().partition_columns
    added = pl.DataFrame(table.get_add_actions(flatten=True))
    found: dict[tuple[Any, ...], list[str]] = {}
    for row in added.iter_rows(named=True):
        values = tuple(row[f"partition.{name}"] for name in names)
        found.setdefault(values, []).append(f"{path.rstrip('/')}/{unquote(row['path'])}")
    return found


def _struct(columns: Mapping[str, Any]) -> Any:
    """Return Polars columns as Spark's, by the Arrow types they have in common."""
    import polars as pl
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(pl.DataFrame(schema=dict(columns)).to_arrow().schema)


def literal(path: str) -> str:
    """Return a path of which Spark takes no letter for a wildcard."""
    return "".join(f"\\{letter}" if letter in "*?[]{}\\" else letter for letter in path)
