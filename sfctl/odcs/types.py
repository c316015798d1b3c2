"""Types of columns: what ODCS and the databases behind it call them, and what we do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sfctl.model.types import DataType, array_of, parse, struct_of

_TEXTS = (
    "char character varchar varchar2 nchar nvarchar nvarchar2 text string tinytext mediumtext "
    "longtext clob uuid uniqueidentifier enum character\\ varying bpchar citext"
)
_PHYSICAL = {
    **dict.fromkeys(_TEXTS.replace("\\ ", "_").split(), "STRING"),
    "boolean": "BOOLEAN", "bool": "BOOLEAN", "bit": "BOOLEAN",
    "int2": "INT16", "int4": "INT32", "mediumint": "INT32", "serial": "INT32",
    "bigserial": "INT64", "hugeint": "DECIMAL(38,0)",
    "double_precision": "DOUBLE", "float8": "DOUBLE", "float4": "FLOAT",
    "date": "DATE", "time": "TIME", "time_without_time_zone": "TIME",
    "timestamptz": "TIMESTAMP", "timestamp_tz": "TIMESTAMP", "timestamp_ltz": "TIMESTAMP",
    "timestamp_with_time_zone": "TIMESTAMP", "timestamp_with_local_time_zone": "TIMESTAMP",
    "datetimeoffset": "TIMESTAMP", "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP_NTZ", "timestamp_without_time_zone": "TIMESTAMP_NTZ",
    "datetime": "TIMESTAMP_NTZ", "datetime2": "TIMESTAMP_NTZ", "smalldatetime": "TIMESTAMP_NTZ",
    "bytea": "BINARY", "blob": "BINARY", "varbinary": "BINARY", "binary": "BINARY",
    "bytes": "BINARY", "json": "JSON", "jsonb": "JSON", "variant": "JSON", "super": "JSON",
}  # fmt: skip
_SIZED = re.compile(r"([a-z_][a-z0-9_ ]*?)\s*\(\s*(\d+|max)\s*(?:,\s*(\d+)\s*)?\)\s*(.*)")
_DECIMALS = ("decimal", "numeric", "number", "dec", "bignumeric")
_FORMATS = {
    "i8": "INT8", "i16": "INT16", "i32": "INT32", "i64": "INT64", "u8": "UINT8", "u16": "UINT16",
    "u32": "UINT32", "u64": "UINT64", "f32": "FLOAT", "f64": "DOUBLE",
}  # fmt: skip
_LOGICAL = {"string": "STRING", "date": "DATE", "time": "TIME", "boolean": "BOOLEAN",
            "integer": "INT64"}  # fmt: skip


def physical(text: str) -> DataType | None:
    """Return the type that a database's or our own name of a type means; None for another."""
    try:
        if text == text.upper() or "<" in text:
            return parse(text)
    except ValueError:
        pass
    name, digits, scale, rest = text.strip().lower(), "", "", ""
    sized = _SIZED.fullmatch(name)
    if sized is not None:
        name, digits, scale, rest = (part or "" for part in sized.groups())
    name = re.sub(r"\s+", "_", f"{name} {rest}".strip())
    if name in _DECIMALS:
        written = f"DECIMAL({digits},{scale or 0})" if digits.isdigit() else "DECIMAL"
    else:
        written = _PHYSICAL.get(name, "" if digits else name.upper())
    try:
        return parse(written)
    except ValueError:
        return None


def column_type(column: Mapping[str, Any]) -> DataType | str:
    """Return the type of a property; a reason where the contract does not say which of several."""
    said = column.get("physicalType")
    found = physical(said) if said else None
    if found is not None:
        return found
    kind = column.get("logicalType")
    options = column.get("logicalTypeOptions") or {}
    if kind == "timestamp":
        if "timezone" not in options:
            return "an instant, or a time without a zone: give a physicalType or `timezone`"
        return DataType("TIMESTAMP" if options["timezone"] else "TIMESTAMP_NTZ")
    if kind in ("integer", "number") and options.get("format") in _FORMATS:
        return DataType(_FORMATS[options["format"]])
    if kind == "integer" and str(options.get("format")).endswith("128"):
        return "whole numbers of 128 bits have no type here"
    if kind == "number":
        return "a decimal or a float: give a physicalType, or format f32 or f64"
    if kind == "array":
        return _array(column.get("items"))
    if kind == "object":
        return _struct(column.get("properties"))
    if kind in _LOGICAL:
        return DataType(_LOGICAL[kind])
    return "no type is given"


def logical(kind: DataType, strict: bool) -> dict[str, Any]:
    """Return how a column of our type is described; `strict` for version 3.1."""
    names = {
        "STRING": "string", "BOOLEAN": "boolean", "DATE": "date", "ARRAY": "array",
        "STRUCT": "object", "MAP": "object", "JSON": "object", "DECIMAL": "number",
    }  # fmt: skip
    if strict:
        names |= dict.fromkeys(("TIMESTAMP", "TIMESTAMP_NTZ"), "timestamp") | {"TIME": "time"}
    else:
        names |= dict.fromkeys(("TIMESTAMP", "TIMESTAMP_NTZ"), "date")
    found = "integer" if kind.is_integer else "number" if kind.is_float else names.get(kind.kind)
    if kind.kind == "ANY":
        return {}
    return {**({"logicalType": found} if found else {}), "physicalType": str(kind)}


def _array(items: Any) -> DataType:
    inner = column_type(items) if isinstance(items, dict) else ""
    return array_of(inner) if isinstance(inner, DataType) else DataType("ARRAY")


def _struct(properties: Any) -> DataType:
    found = [(str(p.get("physicalName") or p["name"]), column_type(p)) for p in properties or ()]
    if not found or any(isinstance(kind, str) for _, kind in found):
        return DataType("STRUCT")
    try:
        return struct_of((name, kind, None) for name, kind in found if isinstance(kind, DataType))
    except ValueError:
        return DataType("STRUCT")
