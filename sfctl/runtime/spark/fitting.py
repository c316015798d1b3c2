"""Whether a write of Spark, as it was asked for, can be a gated write to the letter.

Everything that Spark itself would refuse, cast, create in a catalog or change in a table beside its
rows is left to Spark: its error messages and its habits stay its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sfctl.runtime.spark.asked import Asked

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame, SparkSession

_DIRECT = re.compile(r"delta\.`((?:[^`]|``)+)`", re.IGNORECASE)
_OVERWRITE_MODE = "spark.sql.sources.partitionOverwriteMode"
_DEFAULT = "spark.sql.sources.default"
_SAME = {"s3a": "s3", "s3n": "s3", "wasbs": "wasb", "abfss": "abfs"}
_OURS = ("_", ".", "stage-")
"""How names begin of what may lie in a table's folder before its first version."""


class Unfit(Exception):
    """A write that only Spark can do exactly as it was asked; says what it asks for, if at all."""


class Fitting(NamedTuple):
    """A gated write that does what was asked: the frame in the table's order, and its columns."""

    frame: DataFrame
    mode: str
    partition_by: tuple[str, ...]


def located(spark: SparkSession, asked: Asked) -> str:
    """Return the folder of the Delta table that a write goes to, empty where it is none."""
    if asked.path:
        form = asked.form or str(spark.conf.get(_DEFAULT, "parquet"))
        return _qualified(spark, asked.path) if form.lower() == "delta" else ""
    if asked.form not in ("", "delta"):
        return ""
    if direct := _DIRECT.fullmatch(asked.table.strip()):
        return _qualified(spark, direct[1].replace("``", "`"))
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {asked.table}").select("format", "location").first()
    except Exception:  # noqa: BLE001  no such table, or one that no path could be told of
        return ""
    return absolute(detail["location"]) if detail and detail["format"] == "delta" else ""


def fitted(frame: DataFrame, asked: Asked, path: str) -> Fitting:
    """Return the write that does what was asked. Raises Unfit where only Spark can do it."""
    from deltalake import DeltaTable

    if asked.unfit:
        raise Unfit(asked.unfit)
    if not DeltaTable.is_deltatable(path):
        return _into_nothing(frame, asked, path)
    table = DeltaTable(path)
    names = tuple(table.metadata().partition_columns)
    if asked.mode in ("error", "ignore"):
        raise Unfit  # nothing will be written, so there is nothing to tell
    if asked.partition_by is not None and asked.partition_by != names:
        raise Unfit("other partition columns than the table's")
    anew = asked.method == "saveAsTable" and asked.mode == "overwrite"
    if anew and (asked.partition_by or ()) != names:
        raise Unfit("other partition columns than the table's")
    if asked.mode == "replace" and (names or table.metadata().configuration):
        raise Unfit("a replaced table with properties or partitions")
    ordered = _in_order(frame, table, by_position=asked.method == "insertInto")
    return Fitting(ordered, _mode(frame.sparkSession, asked, names), names)


def absolute(path: str) -> str:
    """Return a path or URL in one spelling: local ones without a scheme, from the root."""
    scheme, mark, rest = path.partition("://")
    if path.startswith("file:"):
        return os.path.normpath("/" + path.removeprefix("file:").lstrip("/"))
    if not mark:
        return os.path.abspath(path)  # noqa: PTH100  links are kept, dots are not
    lower = scheme.lower()
    return f"{_SAME.get(lower, lower)}://{re.sub('/+', '/', rest).rstrip('/')}"


def _qualified(spark: SparkSession, path: str) -> str:
    """Return where a path of the job lies: without a scheme, on the session's file system."""
    if "://" in path or path.startswith("file:"):
        return absolute(path)
    hadoop: Any = spark._jsparkSession.sparkContext().hadoopConfiguration()
    default = str(hadoop.get("fs.defaultFS", "file:///"))
    if default.startswith("file:"):
        return absolute(path)
    return absolute(default.rstrip("/") + path) if path.startswith("/") else ""


def _into_nothing(frame: DataFrame, asked: Asked, path: str) -> Fitting:
    if asked.method != "save":
        raise Unfit("a table that the catalog is to create")
    folder = Path(path)
    within = folder.iterdir() if "://" not in path and folder.is_dir() else ()
    if any(not each.name.startswith(_OURS) for each in within):
        raise Unfit("a folder that is no table")
    names = asked.partition_by or ()
    if not set(names) < set(frame.columns):
        raise Unfit("partition columns that are not there, or all there are")
    return Fitting(frame, "append", names)


def _mode(spark: SparkSession, asked: Asked, names: tuple[str, ...]) -> str:
    if asked.mode in ("append", "replace"):
        return "append" if asked.mode == "append" else "overwrite"
    dynamic = asked.dynamic
    if dynamic is None:
        dynamic = str(spark.conf.get(_OVERWRITE_MODE, "static")).lower() == "dynamic"
    partly = asked.mode == "overwrite_partitions" or dynamic
    return "overwrite_partitions" if partly and names else "overwrite"


def _in_order(frame: DataFrame, table: DeltaTable, *, by_position: bool) -> DataFrame:
    """Return the frame with the table's columns in the table's order, unchanged in type."""
    from pyspark.sql import functions as F  # noqa: N812

    own = {field["name"]: field for field in json.loads(table.schema().to_json())["fields"]}
    names = list(own)
    if by_position:
        if len(frame.columns) != len(names):
            raise Unfit("another number of columns than the table's")
        frame = frame.toDF(*names)
    given = {field["name"]: field for field in json.loads(frame.schema.json())["fields"]}
    if len(frame.columns) != len(given) or set(given) != set(own):
        raise Unfit("other columns than the table's")
    if any(_bare(given[name]["type"]) != _bare(own[name]["type"]) for name in names):
        raise Unfit("other types than the table's")
    if frame.columns == names:
        return frame
    return frame.select(*(F.col("`" + name.replace("`", "``") + "`") for name in names))


def _bare(kind: Any) -> Any:
    """Return a type as JSON without what is said of nulls and metadata."""
    if isinstance(kind, dict):
        left_out = ("nullable", "containsNull", "valueContainsNull", "metadata")
        return {key: _bare(value) for key, value in kind.items() if key not in left_out}
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        return [_bare(each) for each in kind]
    return kind
