"""Which dialect a description is written in, told by what stands in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping

from sfctl.dialects.avro import of_avro
from sfctl.dialects.ddl import of_ddl
from sfctl.dialects.hive import of_hive
from sfctl.dialects.iceberg import of_iceberg
from sfctl.dialects.json_schema import of_json_schema
from sfctl.dialects.naming import checked
from sfctl.dialects.place import NotASchema, Place
from sfctl.dialects.spark_json import of_spark_json
from sfctl.model.schema import Schema, from_json

MAX_BYTES = 16 * 1024 * 1024
Reader = Callable[[object], Schema]


def of_canonical(document: object) -> Schema:
    """Return the schema that `Schema.as_json` wrote, alone or in a baseline. Raises NotASchema."""
    place = Place()
    if isinstance(document, Mapping):
        place = place.at("schema" if "schema" in document else "columns")
        document = document.get("schema", document.get("columns"))
    rows = []
    for position, row in enumerate(place.items(document)):
        here = place.at(position)
        rows.append(dict(here.mapping(row)))
        for key in rows[-1].keys() & {"name", "type"}:
            here.at(key).text(rows[-1][key])
    try:
        return checked(from_json(rows), place)
    except (ValueError, KeyError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise place.wrong(said) from None


def of_delta(document: object) -> Schema:
    """Return the schema of a Delta log's `metaData` action. Raises NotASchema."""
    place = Place()
    action = place.mapping(document)
    if "metaData" in action:
        place = place.at("metaData")
        action = place.mapping(action["metaData"])
    place = place.at("schemaString")
    return of_spark_json(_parsed(place.text(action.get("schemaString")), place), place)


def _ddl(document: object) -> Schema:
    return of_ddl(str(document))


DIALECTS: dict[str, Reader] = {
    "canonical": of_canonical,
    "spark": of_spark_json,
    "delta": of_delta,
    "iceberg": of_iceberg,
    "hive": of_hive,
    "avro": of_avro,
    "json-schema": of_json_schema,
    "ddl": _ddl,
}


def read(data: bytes, dialect: str = "") -> tuple[str, Schema]:
    """Return the dialect of a description, unless given told by its content, and its schema.

    Raises NotASchema for what is no description, says no schema, or is longer than 16 MiB.
    """
    place = Place()
    if len(data) > MAX_BYTES:
        raise place.wrong(f"longer than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise place.wrong("not UTF-8") from None
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    if dialect == "ddl" or not (dialect or looks_like_json):
        return "ddl", of_ddl(text)
    document = _parsed(text, place)
    found = dialect or _dialect_of(document)
    return found, DIALECTS[found](document)


def _parsed(text: str, place: Place) -> object:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
            raise place.wrong(f"the key {twice[:60]!r} stands twice in one object")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise NotASchema(f"{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except ValueError:
        raise place.wrong("a number is too long to be read") from None
    except RecursionError:
        raise place.wrong("nested too deeply to be read") from None


def _dialect_of(document: object) -> str:
    if isinstance(document, list):
        return "canonical"
    one = Place().mapping(document)
    if isinstance(one.get("schema"), list) or isinstance(one.get("columns"), list):
        return "canonical"
    if "schemaString" in one or "metaData" in one:
        return "delta"
    if "current-schema-id" in one or (one.get("type") == "struct" and _has_ids(one)):
        return "iceberg"
    if one.get("type") == "struct":
        return "spark"
    if one.get("type") in ("record", "error"):
        return "avro"
    if any(key in one for key in ("Columns", "StorageDescriptor", "Table", "TableInput")):
        return "hive"
    if any(key in one for key in ("$schema", "properties", "$defs", "definitions", "$ref")):
        return "json-schema"
    raise Place().wrong(
        "no schema that is known", f"known are {', '.join(DIALECTS)}; --dialect names one"
    )


def _has_ids(struct: Mapping[str, object]) -> bool:
    fields = struct.get("fields")
    first = fields[0] if isinstance(fields, list) and fields else None
    return isinstance(first, Mapping) and "id" in first and "required" in first
