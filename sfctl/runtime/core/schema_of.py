"""The canonical schema of whatever holds the rows: the same description, the same fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import ColumnSpec
from sfctl.model.schema import Column, Schema
from sfctl.model.types import DEEPEST, DataType, array_of, map_of, struct_of

if TYPE_CHECKING:
    import polars as pl

EXTENSIONS = {
    "arrow.json": "JSON", "arrow.uuid": "STRING", "arrow.bool8": "BOOLEAN",
    "arrow.parquet.variant": "JSON",
}  # fmt: skip
"""Extension types of Arrow that mean something else than what they are stored as."""


def of_polars(schema: Mapping[str, pl.DataType]) -> Schema:
    """Return the canonical schema of Polars columns; nullability is unknown."""
    return Schema(tuple(Column(name, type_of(dtype)) for name, dtype in schema.items()))


def type_of(dtype: Any, depth: int = 0) -> DataType:
    """Return the canonical type of a Polars type; a dictionary is its value type.

    What is nested deeper than any engine goes is of any type.
    """
    import polars as pl

    simple = {
        pl.Boolean: "BOOLEAN", pl.Int8: "INT8", pl.Int16: "INT16", pl.Int32: "INT32",
        pl.Int64: "INT64", pl.UInt8: "UINT8", pl.UInt16: "UINT16", pl.UInt32: "UINT32",
        pl.UInt64: "UINT64", pl.Float16: "HALF", pl.Float32: "FLOAT", pl.Float64: "DOUBLE",
        pl.String: "STRING", pl.Categorical: "STRING", pl.Enum: "STRING", pl.Binary: "BINARY",
        pl.Date: "DATE", pl.Time: "TIME", pl.Duration: "DURATION", pl.Null: "NULL",
    }  # fmt: skip
    base = dtype.base_type()
    if base in simple:
        return DataType(simple[base])
    if base in (pl.Int128, pl.UInt128):
        return DataType("DECIMAL", 38, 0)
    if isinstance(dtype, pl.Decimal):
        return DataType("DECIMAL", dtype.precision or 38, dtype.scale)
    if isinstance(dtype, pl.Datetime):
        return DataType("TIMESTAMP" if dtype.time_zone else "TIMESTAMP_NTZ")
    if depth >= DEEPEST:
        return DataType("ANY")
    if isinstance(dtype, pl.List | pl.Array):
        return array_of(type_of(dtype.inner, depth + 1))
    if isinstance(dtype, pl.Map):
        return map_of(type_of(dtype.key, depth + 1), type_of(dtype.value, depth + 1))
    if isinstance(dtype, pl.BaseExtension):
        known = EXTENSIONS.get(dtype.ext_name())
        return DataType(known) if known else type_of(dtype.ext_storage(), depth + 1)
    if isinstance(dtype, pl.Struct):
        return struct_of((f.name, type_of(f.dtype, depth + 1), None) for f in dtype.fields)
    return DataType("ANY")


def of_specs(specs: Iterable[ColumnSpec]) -> Schema:
    """Return declared or baseline columns as a schema."""
    return Schema(tuple(Column(spec.name, spec.type, spec.nullable) for spec in specs))
