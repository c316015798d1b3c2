"""Avro schemas (`.avsc`): unions with null, logical types, named types and references to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sfctl.dialects.naming import schema_from, struct_from
from sfctl.dialects.place import Place
from sfctl.model.schema import Schema
from sfctl.model.types import DataType, array_of, decimal_of, map_of

_PRIMITIVES = {
    "null": "NULL", "boolean": "BOOLEAN", "int": "INT32", "long": "INT64", "float": "FLOAT",
    "double": "DOUBLE", "bytes": "BINARY", "string": "STRING",
}  # fmt: skip
_NAMED = frozenset({"record", "error", "enum", "fixed"})
_LOGICAL = {
    ("int", "date"): "DATE",
    ("int", "time-millis"): "TIME",
    ("long", "time-micros"): "TIME",
    ("long", "timestamp-millis"): "TIMESTAMP",
    ("long", "timestamp-micros"): "TIMESTAMP",
    ("long", "timestamp-nanos"): "TIMESTAMP",
    ("long", "local-timestamp-millis"): "TIMESTAMP_NTZ",
    ("long", "local-timestamp-micros"): "TIMESTAMP_NTZ",
    ("long", "local-timestamp-nanos"): "TIMESTAMP_NTZ",
    ("string", "uuid"): "STRING",
    ("fixed", "uuid"): "STRING",
    ("fixed", "duration"): "DURATION",
    ("bytes", "big-decimal"): "DECIMAL",
}
Fields = Iterator[tuple[str, DataType, bool | None]]


def of_avro(document: object, place: Place | None = None) -> Schema:
    """Return the schema of an Avro record. Raises NotASchema.

    A column may be null where its type is a union with null. A logical type that is unknown, or
    that its base type cannot carry, is ignored as the specification asks.
    """
    at = place or Place()
    record = at.mapping(document)
    if record.get("type") not in ("record", "error"):
        raise at.wrong("the outermost type is no record")
    names = _Names()
    full = names.begin(record, "", at)
    return schema_from(_fields(record, _namespace(full), names, at), at)


@dataclass(slots=True)
class _Names:
    """Named types by full name; one that is still being read is None."""

    known: dict[str, DataType | None] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """How many types are in a named type, for a few references can stand for billions."""
    read: int = 0

    def count(self, types: int, at: Place) -> None:
        """Count types that were read or referred to."""
        self.read = at.counted(self.read + types)

    def end(self, full: str, kind: DataType, before: int) -> DataType:
        """Keep a named type that was read; `before` were read before it."""
        self.known[full], self.sizes[full] = kind, self.read - before
        return kind

    def begin(self, entry: Mapping[str, object], namespace: str, at: Place) -> str:
        """Return the full name of a named type that is read from here on."""
        name = at.at("name").text(entry.get("name"))
        own = entry.get("namespace")
        space = at.at("namespace").text(own) if own is not None else namespace
        full = name if "." in name or not space else f"{space}.{name}"
        if full in self.known:
            raise at.at("name").wrong(f"{full!r} is defined twice")
        self.known[full] = None
        return full

    def named(self, name: str, namespace: str, at: Place) -> DataType:
        """Return the type a name refers to. Raises NotASchema for recursion and unknown names."""
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        for each in (full, name):
            if each in self.known:
                found = self.known[each]
                if found is None:
                    raise at.wrong(
                        f"{each!r} contains itself",
                        "a table's schema cannot be recursive; hold the inner part as text",
                    )
                self.count(self.sizes[each], at)
                return found
        raise at.wrong(f"unknown type {name[:60]!r}")


def _namespace(full: str) -> str:
    return full.rpartition(".")[0]


def _fields(record: Mapping[str, object], space: str, names: _Names, at: Place) -> Fields:
    fields = at.at("fields")
    for position, entry in enumerate(fields.items(record.get("fields"))):
        here = fields.at(position)
        one = here.mapping(entry)
        kind, nullable = _optional(one.get("type"), space, names, here.inside("type"))
        yield here.at("name").text(one.get("name")), kind, nullable


def _optional(kind: object, space: str, names: _Names, at: Place) -> tuple[DataType, bool]:
    """Return a type and whether it may be null; a union of several others is of any type."""
    if not isinstance(kind, list):
        return _type(kind, space, names, at), kind == "null"
    if not kind:
        raise at.wrong("an empty union")
    types = [_type(each, space, names, at.at(i)) for i, each in enumerate(kind)]
    others = [each for each in types if each.kind != "NULL"]
    nullable = len(others) < len(types)
    if not others:
        return DataType("NULL"), True
    return others[0] if len(others) == 1 else DataType("ANY"), nullable


def _type(kind: object, space: str, names: _Names, at: Place) -> DataType:
    names.count(1, at)
    if isinstance(kind, str):
        if kind in _PRIMITIVES:
            return DataType(_PRIMITIVES[kind])
        return names.named(kind, space, at)
    if isinstance(kind, list):
        raise at.wrong("a union within a union")
    entry = at.mapping(kind)
    inner = entry.get("type")
    if not isinstance(inner, str):  # {"type": {"type": "array", …}}
        return _type(inner, space, names, at.inside("type"))
    if inner == "array":
        element, nullable = _optional(entry.get("items"), space, names, at.inside("items"))
        return array_of(element, nullable)
    if inner == "map":
        value, nullable = _optional(entry.get("values"), space, names, at.inside("values"))
        return map_of(DataType("STRING"), value, nullable)
    if inner in _NAMED:
        before, full = names.read, names.begin(entry, space, at)
        found = _definition(entry, inner, _namespace(full), names, at)
        return names.end(full, found, before)
    return _logical(entry, inner, at) or _type(inner, space, names, at)


def _definition(
    entry: Mapping[str, object], kind: str, space: str, names: _Names, at: Place
) -> DataType:
    if kind == "enum":
        at.at("symbols").items(entry.get("symbols"))
        return DataType("STRING")
    if kind == "fixed":
        at.at("size").number(entry.get("size"))
        return _logical(entry, "fixed", at) or DataType("BINARY")
    return struct_from(_fields(entry, space, names, at), at)


def _logical(entry: Mapping[str, object], base: str, at: Place) -> DataType | None:
    logical = entry.get("logicalType")
    if logical != "decimal" or base not in ("bytes", "fixed"):
        known = _LOGICAL.get((base, str(logical)))
        return None if known is None else DataType(known)
    precision = at.at("precision").number(entry.get("precision"))
    scale = at.at("scale").number(entry.get("scale", 0))
    if not 0 <= scale <= precision:
        return None
    try:
        return decimal_of(precision, scale)
    except ValueError as error:
        raise at.wrong(str(error)) from None
