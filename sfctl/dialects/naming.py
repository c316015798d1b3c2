"""Names that a schema may have: not empty, and not two that some engine takes for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sfctl.dialects.place import Place
from sfctl.model.renames import folded
from sfctl.model.schema import Column, Schema
from sfctl.model.types import DataType, struct_of

_HALF = re.compile(r"[\ud800-\udfff]")
Fields = Iterable[tuple[str, DataType, bool | None]]


def schema_from(fields: Fields, place: Place) -> Schema:
    """Return columns as a schema. Raises NotASchema for names that no table can hold."""
    columns = tuple(Column(*field) for field in fields)
    check([column.name for column in columns], "column", place)
    return Schema(columns)


def struct_from(fields: Fields, place: Place) -> DataType:
    """Return fields as a STRUCT. Raises NotASchema as `schema_from` does."""
    listed = list(fields)
    check([name for name, _, _ in listed], "field", place)
    return struct_of(listed)


def checked(schema: Schema, place: Place) -> Schema:
    """Return a schema of any source, once its names were looked at, those inside too."""
    schema_from(((c.name, c.type, c.nullable) for c in schema.columns), place)
    for column in schema.columns:
        _inside(column.type, place.at(column.name))
    return schema


def check(names: Sequence[str], what: str, place: Place) -> None:
    """Raise NotASchema for a name that is empty, no text, given twice, or much like another."""
    seen: dict[str, str] = {}
    for position, name in enumerate(names):
        if not name.strip():
            raise place.wrong(f"{what} {position} has an empty name")
        if _HALF.search(name):
            raise place.wrong(f"{what} {position} has half a character in its name (a surrogate)")
        other = seen.setdefault(folded(name), name)
        if position + 1 == len(seen):
            continue
        if other == name:
            raise place.wrong(f"{what} {name!r} stands twice")
        how = "in case" if other.casefold() == name.casefold() else "in how Unicode composes them"
        raise place.wrong(
            f"{what}s {other!r} and {name!r} differ only {how}",
            "most engines take them for one; rename one of them",
        )


def _inside(kind: DataType, place: Place) -> None:
    if kind.names:
        check(kind.names, "field", place)
    for position, inner in enumerate(kind.args):
        _inside(inner, place.at(kind.names[position] if kind.names else position))
