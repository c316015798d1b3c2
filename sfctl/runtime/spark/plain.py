"""The plain path: rows go in by Spark's own Delta writer, which does all that a table asks for.

Note and keys of a write travel in a session of its own: set in the user's, they would silently
swallow the next write of the same job.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sfctl.errors import Conflict, StoreError, UsageError
from sfctl.model.write import METADATA
from sfctl.runtime.spark.aside import frame_in, session_beside
from sfctl.runtime.spark.session import has_delta
from sfctl.runtime.tables import casts
from sfctl.runtime.tables.adoption import Field, fields_of, plain
from sfctl.runtime.tables.port import Write

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_NOTE = "spark.databricks.delta.commitInfo.userMetadata"
_TXN = "spark.databricks.delta.write.txn"
_FIGURES = "spark.databricks.delta.history.metricsEnabled"
_SOURCE = "_sfctl_rows"
_RACES = ("Concurrent", "MetadataChanged", "ProtocolChanged")


def write(frame: DataFrame, path: str, head: int | None, request: Write, why: str) -> None:
    """Commit rows to a Delta table at `path`, whose newest version is `head`.

    `why` is what keeps files from being adopted. Raises UsageError SF314 where the session has no
    Delta, Conflict where another writer was faster, StoreError where Spark says no, SF335 where a
    merge would store other values than the rows have.
    """
    from deltalake import DeltaTable

    spark = frame.sparkSession
    if not has_delta(spark):
        raise UsageError(
            f"this table needs Spark's own Delta writer ({why}), which this session does not have",
            hint="give the session Delta's jars: `sfctl doctor` prints the lines that do",
            code="SF314",
        )
    beside = session_beside(spark, _settings(spark, head, request))
    rows = frame_in(beside, frame)
    table = None if head is None else DeltaTable(path)
    own = [] if table is None else fields_of(table.schema().to_json())
    if request.mode == "merge" and (name := casts.altered(fields_of(rows.schema.json()), own)):
        raise casts.other_values(name)  # a merge casts where an append refuses
    try:
        if request.mode == "merge":
            _merge(rows, beside, path, request)
        else:
            by = table.metadata().partition_columns if table is not None else request.partition_by
            _write(rows, path, request, own, by)
    except Exception as error:
        text = str(error)
        if any(race in text for race in _RACES):
            raise Conflict("another writer was faster") from error
        raise StoreError(
            f"Delta table {path.rstrip('/').rpartition('/')[2]} cannot be written: {_told(text)}"
        ) from error


def _settings(spark: SparkSession, head: int | None, request: Write) -> dict[str, str]:
    """Return what names the commit, beside what the user's session says of all its commits."""
    told: dict[str, Any] = {}
    given = spark.conf.get(_NOTE, "") or ""
    try:
        found = json.loads(given) if given else {}
        told = found if isinstance(found, dict) else {"userMetadata": given}
    except ValueError:
        told = {"userMetadata": given}
    told |= {METADATA: request.note, f"{METADATA}_keys": " ".join(request.keys)}
    return {
        _NOTE: json.dumps(told, ensure_ascii=False),
        _FIGURES: "true",  # else nobody could tell how many rows the commit brought
        f"{_TXN}AppId": request.keys[0],
        f"{_TXN}Version": str(0 if head is None else head + 1),
    }


def _write(
    rows: DataFrame, path: str, request: Write, own: Sequence[Field], by: Sequence[str]
) -> None:
    writer = rows.write.format("delta")
    if request.mode == "overwrite":
        writer = writer.mode("overwrite")
        if own and not _same(rows, own):
            # what a table says of its columns survives, unless they are others
            computed = any(name.startswith("delta.") for f in own for name in f["metadata"])
            writer = writer.option("mergeSchema" if computed else "overwriteSchema", "true")
    elif request.mode == "overwrite_partitions" and request.partition:
        same = " AND ".join(_equal(name, value) for name, value in request.partition.items())
        writer = writer.mode("overwrite").option("replaceWhere", same)
        writer = writer.option("mergeSchema", "true")
    elif request.mode == "overwrite_partitions" and request.partition_by:
        writer = writer.mode("overwrite").option("partitionOverwriteMode", "dynamic")
        writer = writer.option("mergeSchema", "true")
    else:
        writer = writer.mode("append").option("mergeSchema", "true")
    if by and {*by} <= {*rows.columns}:
        writer = writer.partitionBy(*by)
    writer.save(path)


def _same(rows: DataFrame, own: Sequence[Field]) -> bool:
    """Tell whether rows have the columns of a table, in whatever order; nulls do not matter."""
    given = {field["name"]: field["type"] for field in plain(fields_of(rows.schema.json()))}
    return given == {field["name"]: field["type"] for field in plain(own)}


def _merge(rows: DataFrame, spark: SparkSession, path: str, request: Write) -> None:
    if not request.primary_key:
        raise UsageError(
            "mode merge needs a primary key",
            hint="set primary_key in dataset.yaml",
            code="SF311",
        )
    rows.createOrReplaceTempView(_SOURCE)
    same = " AND ".join(f"t.{_quoted(k)} = s.{_quoted(k)}" for k in request.primary_key)
    spark.sql(
        f"MERGE WITH SCHEMA EVOLUTION INTO delta.{_quoted(path)} t USING {_SOURCE} s ON {same} "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def _equal(name: str, value: object) -> str:
    if value is None:
        return f"{_quoted(name)} IS NULL"
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"{_quoted(name)} = '{text}'"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _told(text: str) -> str:
    """Return the class of an error of Spark's and nothing that may quote a row."""
    start = text.find("[")
    end = text.find("]", start)
    return text[start : end + 1] if 0 <= start < end < start + 120 else "Spark refused"
