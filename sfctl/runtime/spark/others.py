"""The rows a table keeps beside those of a write, for keys that are unique in the table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from sfctl.runtime.spark import frames
from sfctl.runtime.spark.act import quoted
from sfctl.runtime.tables.formats import open_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from sfctl.runtime.publishing.request import PublishRequest


def kept_by(spark: SparkSession, request: PublishRequest, batch: DataFrame) -> DataFrame | None:
    """Return the rows of the newest version that a write of a batch leaves in the table.

    None for none. A merge leaves those of other primary keys, a write over partitions those of
    the partitions that neither it nor its rows name.
    """
    if request.mode == "overwrite":
        return None
    head = open_table(request.path, request.format).head()
    if head is None:
        return None
    rows = frames.read(spark, request.path, request.format, head)
    if request.mode == "append":
        return rows
    if request.mode == "overwrite_partitions" and request.partition:
        same = [
            quoted(name).cast("string").eqNullSafe(None if value is None else str(value))
            for name, value in request.partition.items()
        ]
        return rows.where(~reduce(lambda one, other: one & other, same))
    if request.mode == "merge":
        return _beside(rows, batch, request.policy.primary_key, nulls=False)
    return _beside(rows, batch, open_table(request.path, request.format).partitioned_by())


def _beside(
    rows: DataFrame, batch: DataFrame, names: Sequence[str], *, nulls: bool = True
) -> DataFrame:
    """Return the rows whose values in some columns no row of a batch has.

    Nulls are a value like others where `nulls` says so, else they are never the same.
    """
    if not names or not {*names} <= {*batch.columns} & {*rows.columns}:
        return rows
    own = [f"_sfctl_beside_{i}" for i in range(len(names))]
    known = batch.select([quoted(n).alias(o) for n, o in zip(names, own, strict=True)]).distinct()
    pairs = [(quoted(n), quoted(o)) for n, o in zip(names, own, strict=True)]
    same = [n.eqNullSafe(o) if nulls else n == o for n, o in pairs]
    return rows.join(known, reduce(lambda one, other: one & other, same), "left_anti")
