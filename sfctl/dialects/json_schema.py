"""JSON Schema, draft-07 and 2020-12, of an object that is a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from sfctl.dialects.naming import schema_from, struct_from
from sfctl.dialects.place import Place
from sfctl.model.schema import Schema
from sfctl.model.types import DEEPEST, DataType, array_of, map_of

_STRINGS = {
    "date": "DATE", "date-time": "TIMESTAMP", "time": "TIME", "duration": "DURATION",
    "byte": "BINARY", "binary": "BINARY",
}  # fmt: skip
_INTEGERS = {
    "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "uint8": "UINT8",
    "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64",
}  # fmt: skip
_NUMBERS = {"float": "FLOAT", "double": "DOUBLE", "half-float": "HALF"}
_ANY = DataType("ANY")
_POSITION = re.compile(r"[0-9]{1,9}")
Fields = Iterator[tuple[str, DataType, bool | None]]


def of_json_schema(document: object, place: Place | None = None) -> Schema:
    """Return the schema of rows that a JSON Schema describes. Raises NotASchema.

    A property may be null unless it is required and its type does not allow null. Columns stand
    in the order of `properties`. References lead to places in the same document.
    """
    at = place or Place()
    root = at.mapping(document)
    reader = _Reader(root)
    node, _, at, seen = reader.resolved(root, at, ("#",))
    if not isinstance(node.get("properties"), Mapping):
        raise at.wrong("no object with `properties`")
    return schema_from(reader.fields(node, at, seen), at)


@dataclass(slots=True)
class _Reader:
    """A document, for references into it. `seen` are the references that led to a place."""

    root: Mapping[str, object]
    read: int = 0

    def resolved(
        self, node: object, at: Place, seen: tuple[str, ...]
    ) -> tuple[Mapping[str, object], bool, Place, tuple[str, ...]]:
        """Return the schema behind references and unions with null, and whether null is one."""
        nullable = False
        for _ in range(DEEPEST):
            if node is True:
                return {}, True, at, seen
            one = at.mapping(node)
            nullable = nullable or one.get("nullable") is True
            reference = one.get("$ref")
            choice = next((key for key in ("oneOf", "anyOf", "allOf") if key in one), "")
            if reference is not None:
                text = at.at("$ref").text(reference)
                if text in seen:
                    raise at.wrong(
                        f"{text!r} contains itself",
                        "a table's schema cannot be recursive; hold the inner part as text",
                    )
                seen = (*seen, text)
                node = self._target(text, at.at("$ref"))
            elif choice:
                at = at.at(choice)
                options = at.items(one[choice])
                others = [i for i, each in enumerate(options) if not _is_null(each)]
                nullable = nullable or len(others) < len(options)
                if len(others) != 1:
                    if choice == "allOf":
                        raise at.wrong("several schemas at once", "write them as one object")
                    return {"type": "null"} if not others else {}, nullable, at, seen
                node, at = options[others[0]], at.at(others[0])
            else:
                return one, nullable, at, seen
        raise at.wrong(f"more than {DEEPEST} references and unions in a row")

    def _target(self, reference: str, at: Place) -> object:
        if not reference.startswith("#"):
            raise at.wrong(
                f"{reference[:60]!r} is in another document",
                "bundle the document, so that references begin with #/",
            )
        node: object = self.root
        for part in unquote(reference[1:]).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and name in node:
                node = node[name]
            elif isinstance(node, list) and _POSITION.fullmatch(name) and int(name) < len(node):
                node = node[int(name)]
            else:
                raise at.wrong(f"{reference[:60]!r} leads nowhere")
        return node

    def fields(self, node: Mapping[str, object], at: Place, seen: tuple[str, ...]) -> Fields:
        """Yield the properties of an object."""
        required = {str(each) for each in at.at("required").items(node.get("required", []))}
        properties = at.at("properties")
        for name, each in properties.mapping(node["properties"]).items():
            kind, nullable = self.type(each, properties.inside(name), seen)
            yield name, kind, nullable or name not in required

    def type(self, node: object, at: Place, seen: tuple[str, ...]) -> tuple[DataType, bool]:
        """Return a type and whether it may be null."""
        self.read = at.counted(self.read + 1)
        one, nullable, at, seen = self.resolved(node, at, seen)
        given = one.get("type", _said_by_values(one))
        names = [
            at.at("type").text(each) for each in (given if isinstance(given, list) else [given])
        ]
        others = [name for name in names if name != "null"]
        nullable = nullable or len(others) < len(names) or None in at.items(one.get("enum", []))
        if len(others) != 1:
            return (_ANY if others else DataType("NULL")), nullable or not others
        if others[0] == "array":
            return self._array(one, at, seen), nullable
        if others[0] == "object":
            return self._object(one, at, seen), nullable
        if others[0] == "any":
            return _ANY, True
        return _scalar(others[0], one, at), nullable

    def _array(self, one: Mapping[str, object], at: Place, seen: tuple[str, ...]) -> DataType:
        if "items" not in one or isinstance(one["items"], list) or "prefixItems" in one:
            return array_of(_ANY)
        element, nullable = self.type(one["items"], at.inside("items"), seen)
        return array_of(element, nullable)

    def _object(self, one: Mapping[str, object], at: Place, seen: tuple[str, ...]) -> DataType:
        if one.get("properties"):
            return struct_from(self.fields(one, at, seen), at)
        values = one.get("additionalProperties")
        if isinstance(values, Mapping) and values:
            value, nullable = self.type(values, at.inside("additionalProperties"), seen)
            return map_of(DataType("STRING"), value, nullable)
        return DataType("JSON")


def _is_null(node: object) -> bool:
    return isinstance(node, Mapping) and (
        node.get("type") == "null" or node.get("const", ...) is None or node.get("enum") == [None]
    )


def _said_by_values(one: Mapping[str, object]) -> object:
    """Return the type that goes without saying, `any` where there is none."""
    if "properties" in one or "additionalProperties" in one:
        return "object"
    if "items" in one or "prefixItems" in one:
        return "array"
    given = one.get("enum", [one["const"]] if "const" in one else [])
    values = given if isinstance(given, list) else []
    names = {bool: "boolean", str: "string", int: "integer", float: "number", type(None): "null"}
    found = {names.get(type(value), "any") for value in values}
    if found - {"null"} == {"integer", "number"}:
        found.discard("integer")
    return sorted(found) if found and "any" not in found else "any"


def _scalar(name: str, one: Mapping[str, object], at: Place) -> DataType:
    form = one.get("format")
    if name == "string":
        if str(one.get("contentEncoding", "")).lower() == "base64":
            return DataType("BINARY")
        return DataType(_STRINGS.get(str(form), "STRING"))
    if name == "integer":
        return DataType(_INTEGERS.get(str(form), "INT64"))
    if name == "number":
        return DataType(_NUMBERS.get(str(form), "DOUBLE"))
    if name == "boolean":
        return DataType("BOOLEAN")
    raise at.at("type").wrong(f"unknown type {name[:40]!r}")
