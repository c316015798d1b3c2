"""The canonical schema of whatever holds the rows: the same description, the same fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import ColumnSpec
from sfctl.model.schema import Column, Schema
from sfctl.model.types import DataType, parse

if TYPE_CHECKING:
    import polars as pl


def of_polars(schema: Mapping[str, pl.DataType]) -> Schema:
    """Return the canonical schema of Polars columns; nullability is unknown."""
    return Schema(tuple(Column(name, type_of(dtype)) for name, dtype in schema.items()))


def type_of(dtype: Any) -> DataType:
    """Return the canonical type of a Polars type; a dictionary is its value type."""
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
    if isinstance(dtype, pl.List | pl.Array):
        return DataType("ARRAY", args=(type_of(dtype.inner),))
    if isinstance(dtype, pl.Struct):
        return DataType(
            "STRUCT",
            args=tuple(type_of(f.dtype) for f in dtype.fields),
            names=tuple(f.name for f in dtype.fields),
        )
    return DataType("ANY")


def of_arrow(schema: Any) -> Schema:
    """Return the canonical schema of anything with an Arrow C schema, nullability included."""
    import polars as pl

    nullable = {field.name: bool(field.nullable) for field in schema}
    found = of_polars(pl.Schema(schema))
    return Schema(tuple(Column(c.name, c.type, nullable.get(c.name)) for c in found.columns))


def of_delta(fields: Iterable[Mapping[str, Any]]) -> Schema:
    """Return the canonical schema of the fields of a Delta table's `schemaString`."""
    return Schema(
        tuple(
            Column(str(f["name"]), _delta_type(f["type"]), bool(f.get("nullable", True)))
            for f in fields
        )
    )


def of_specs(specs: Iterable[ColumnSpec]) -> Schema:
    """Return declared or baseline columns as a schema."""
    return Schema(tuple(Column(spec.name, spec.type, spec.nullable) for spec in specs))


def _delta_type(kind: Any) -> DataType:
    if isinstance(kind, str):
        names = {
            "byte": "INT8", "short": "INT16", "integer": "INT32", "long": "INT64",
            "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP_NTZ",
        }  # fmt: skip
        return parse(names.get(kind, kind))
    if kind["type"] == "array":
        return DataType("ARRAY", args=(_delta_type(kind["elementType"]),))
    if kind["type"] == "map":
        return DataType("MAP", args=(_delta_type(kind["keyType"]), _delta_type(kind["valueType"])))
    inner = kind["fields"]
    return DataType(
        "STRUCT",
        args=tuple(_delta_type(f["type"]) for f in inner),
        names=tuple(str(f["name"]) for f in inner),
    )
