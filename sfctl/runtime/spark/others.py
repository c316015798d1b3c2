"""The rows a table keeps beside those of a write, for keys that are unique in the table."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from sfctl.runtime.spark import frames
from sfctl.runtime.spark.act import quoted
from sfctl.runtime.tables.formats import open_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from sfctl.runtime.publishing.request import PublishRequest


def kept_by(spark: SparkSession, request: PublishRequest) -> DataFrame | None:
    """Return the rows of the newest version that a write leaves in the table, None for none."""
    if request.mode in ("overwrite", "merge"):
        return None
    head = open_table(request.path, request.format).head()
    if head is None or (request.mode == "overwrite_partitions" and not request.partition):
        return None
    rows = frames.read(spark, request.path, request.format, head)
    if request.mode == "append":
        return rows
    same = [
        quoted(name).cast("string").eqNullSafe(None if value is None else str(value))
        for name, value in request.partition.items()
    ]
    return rows.where(~reduce(lambda one, other: one & other, same))
