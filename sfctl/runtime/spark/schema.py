"""The canonical schema of a Spark frame: what pandas and Arrow show of the same rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sfctl.dialects.place import Place
from sfctl.dialects.spark_json import of_spark_json
from sfctl.model.schema import Column, Schema
from sfctl.model.types import DataType

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType


def of_frame(frame: DataFrame) -> Schema:
    """Return the canonical schema of a frame, without running anything.

    Whether a column may be null is unknown, as on every engine: what Spark says of it depends on
    the plan, so that the same rows would have two fingerprints. Raises NotASchema for two columns
    of one name.
    """
    return of_struct(frame.schema)


def of_struct(struct: StructType) -> Schema:
    """Return the canonical schema of a StructType. Raises NotASchema as `of_frame` does."""
    found = of_spark_json(json.loads(struct.json()), Place("schema"))
    return Schema(tuple(Column(column.name, _unknown(column.type)) for column in found.columns))


def types_of(schema: Schema) -> dict[str, DataType]:
    """Return the type of each column, in order."""
    return {column.name: column.type for column in schema.columns}


def _unknown(kind: DataType) -> DataType:
    """Return a type of whose inside nobody knows what may be null."""
    return replace(kind, args=tuple(map(_unknown, kind.args)), nullables=())
