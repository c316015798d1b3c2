"""Spark's `df.schema.json()`, which is also a Delta table's `schemaString`.

Names are the logical ones: a physical name of column mapping, generation expressions, identity
columns, comments and collations stand in `metadata` and are no part of the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sfctl.dialects.naming import schema_from, struct_from
from sfctl.dialects.place import Place
from sfctl.model.schema import Schema
from sfctl.model.types import DataType, array_of, decimal_of, map_of

_NAMES = {
    "byte": "INT8", "short": "INT16", "integer": "INT32", "long": "INT64", "float": "FLOAT",
    "double": "DOUBLE", "boolean": "BOOLEAN", "string": "STRING", "binary": "BINARY",
    "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMP", "timestamp_ltz": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP_NTZ", "void": "NULL", "null": "NULL", "variant": "JSON",
    "calendarinterval": "ANY", "interval": "ANY", "decimal": "DECIMAL", "geometry": "ANY",
    "geography": "ANY",
}  # fmt: skip
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,3})\s*,\s*(-?\d{1,3})\s*\)\Z")
_PATTERNS = (
    (re.compile(r"(char|varchar)\(\d+\)\Z|string collate \w+\Z"), "STRING"),
    (re.compile(r"interval (day|hour|minute|second)( to (hour|minute|second))?\Z"), "DURATION"),
    (re.compile(r"interval (year|month)( to month)?\Z"), "ANY"),
    (re.compile(r"time\(\d\)\Z"), "TIME"),
)
Fields = Iterator[tuple[str, DataType, bool | None]]


def of_spark_json(document: object, place: Place | None = None) -> Schema:
    """Return the schema that a `StructType` describes as JSON. Raises NotASchema."""
    at = place or Place()
    struct = at.mapping(document)
    if struct.get("type") != "struct":
        raise at.wrong("not a StructType", 'the outermost type is {"type": "struct", "fields": …}')
    return schema_from(_fields(struct, at), at)


def _fields(struct: object, at: Place) -> Fields:
    fields = at.at("fields")
    for position, field in enumerate(fields.items(at.mapping(struct).get("fields"))):
        here = fields.at(position)
        entry = here.mapping(field)
        kind = _type(entry.get("type"), here.inside("type"))
        nullable = here.at("nullable").flag(entry.get("nullable", True))
        yield here.at("name").text(entry.get("name")), kind, nullable


def _type(kind: object, at: Place) -> DataType:
    if isinstance(kind, str):
        return primitive(kind, at)
    entry = at.mapping(kind)
    name = at.at("type").text(entry.get("type"))
    if name == "struct":
        return struct_from(_fields(entry, at), at)
    if name == "array":
        nullable = at.at("containsNull").flag(entry.get("containsNull", True))
        return array_of(_type(entry.get("elementType"), at.inside("elementType")), nullable)
    if name == "map":
        key = _type(entry.get("keyType"), at.inside("keyType"))
        value = _type(entry.get("valueType"), at.inside("valueType"))
        nullable = at.at("valueContainsNull").flag(entry.get("valueContainsNull", True))
        return map_of(key, value, nullable)
    if name == "udt":
        return _type(entry.get("sqlType"), at.inside("sqlType"))
    raise at.wrong(f"unknown type {name[:40]!r}")


def primitive(text: str, at: Place) -> DataType:
    """Return the type of one of Spark's names. Raises NotASchema for others."""
    name = text.strip().lower()
    if name in _NAMES:
        return DataType(_NAMES[name])
    decimal = _DECIMAL.match(name)
    if decimal is not None:
        try:
            return decimal_of(int(decimal[1]), int(decimal[2]))
        except ValueError as error:
            raise at.wrong(str(error)) from None
    for pattern, kind in _PATTERNS:
        if pattern.match(name):
            return DataType(kind)
    raise at.wrong(f"unknown type {text[:40]!r}")
