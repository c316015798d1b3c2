"""Columns as the Hive metastore and the Glue catalogue keep them: a name and a SQL type each."""

from __future__ import annotations

from collections.abc import Iterator

from sfctl.dialects.ddl import type_of
from sfctl.dialects.naming import schema_from
from sfctl.dialects.place import Place
from sfctl.model.schema import Schema
from sfctl.model.types import DataType


def of_hive(document: object, place: Place | None = None) -> Schema:
    """Return the schema of a Glue `Table` or `StorageDescriptor`. Raises NotASchema.

    Partition keys follow the columns. Every column may be null; a TIMESTAMP has no zone.
    """
    at = place or Place()
    table = at.mapping(document)
    for part in ("Table", "TableInput"):
        if part in table:
            at = at.at(part)
            table = at.mapping(table[part])
    storage = at.mapping(table.get("StorageDescriptor", table))
    columns = at.at("Columns")
    keys = at.at("PartitionKeys")
    listed = [*_columns(columns.items(storage.get("Columns")), columns)]
    return schema_from([*listed, *_columns(keys.items(table.get("PartitionKeys", [])), keys)], at)


def _columns(entries: list[object], at: Place) -> Iterator[tuple[str, DataType, bool | None]]:
    for position, entry in enumerate(entries):
        here = at.at(position)
        column = here.mapping(entry)
        name = here.at("Name").text(column.get("Name"))
        written = here.at("Type").text(column.get("Type"))
        yield name, type_of(written, here.at("Type"), zoneless=True), True
