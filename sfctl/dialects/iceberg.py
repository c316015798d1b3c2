"""An Iceberg table's schema as its metadata writes it. Field ids are no part of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sfctl.dialects.naming import schema_from, struct_from
from sfctl.dialects.place import Place
from sfctl.model.schema import Schema
from sfctl.model.types import DataType, array_of, decimal_of, map_of

_NAMES = {
    "boolean": "BOOLEAN", "int": "INT32", "long": "INT64", "float": "FLOAT", "double": "DOUBLE",
    "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMP_NTZ", "timestamptz": "TIMESTAMP",
    "timestamp_ns": "TIMESTAMP_NTZ", "timestamptz_ns": "TIMESTAMP", "string": "STRING",
    "uuid": "STRING", "binary": "BINARY", "variant": "JSON", "unknown": "NULL",
}  # fmt: skip
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)\Z")
_FIXED = re.compile(r"fixed\[\d+\]\Z")


def of_iceberg(document: object, place: Place | None = None) -> Schema:
    """Return the schema of an Iceberg `struct`, or of a table's metadata. Raises NotASchema."""
    at = place or Place()
    struct = at.mapping(document)
    if "current-schema-id" in struct:
        schemas = at.at("schemas")
        for position, each in enumerate(schemas.items(struct.get("schemas"))):
            one = schemas.at(position).mapping(each)
            if one.get("schema-id") == struct["current-schema-id"]:
                return of_iceberg(one, schemas.at(position))
        raise schemas.wrong("the current schema is not among them")
    return schema_from(_fields(struct, at), at)


def _fields(struct: object, at: Place) -> Iterator[tuple[str, DataType, bool | None]]:
    fields = at.at("fields")
    for position, field in enumerate(fields.items(at.mapping(struct).get("fields"))):
        here = fields.at(position)
        entry = here.mapping(field)
        kind = _type(entry.get("type"), here.inside("type"))
        required = here.at("required").flag(entry.get("required", False))
        yield here.at("name").text(entry.get("name")), kind, not required


def _type(kind: object, at: Place) -> DataType:
    if isinstance(kind, str):
        return _primitive(kind, at)
    entry = at.mapping(kind)
    name = entry.get("type")
    if name == "struct":
        return struct_from(_fields(entry, at), at)
    if name == "list":
        required = at.at("element-required").flag(entry.get("element-required", False))
        return array_of(_type(entry.get("element"), at.inside("element")), not required)
    if name == "map":
        key = _type(entry.get("key"), at.inside("key"))
        value = _type(entry.get("value"), at.inside("value"))
        required = at.at("value-required").flag(entry.get("value-required", False))
        return map_of(key, value, not required)
    raise at.wrong(f"unknown type {str(name)[:40]!r}")


def _primitive(text: str, at: Place) -> DataType:
    name = text.strip().lower()
    if name in _NAMES:
        return DataType(_NAMES[name])
    decimal = _DECIMAL.match(name)
    if decimal is not None:
        try:
            return decimal_of(int(decimal[1]), int(decimal[2]))
        except ValueError as error:
            raise at.wrong(str(error)) from None
    if _FIXED.match(name):
        return DataType("BINARY")
    raise at.wrong(f"unknown type {text[:40]!r}")
