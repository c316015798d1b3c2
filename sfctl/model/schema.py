"""The canonical schema of a dataset, and its two fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Literal

from msgspec.structs import replace

from sfctl.model.types import DataType, map_of, parse

Mode = Literal["strict", "compatible", "breaking"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `nullable` None means that the engine cannot know."""

    name: str
    type: DataType
    nullable: bool | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in order; a column's position is its index."""

    columns: tuple[Column, ...]

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def get(self, name: str) -> Column | None:
        """Return the column called `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def fingerprint(self) -> str:
        """Return `sha256:…` over name, type, nullability and position of every column.

        What may be null and what nobody knows of are the same here.
        """
        rows = [
            [c.name, c.type.written("required"), c.nullable is not False, position]
            for position, c in enumerate(self.columns)
        ]
        return _digest(rows)

    def shape(self) -> str:
        """Return `sha256:…` over names and types only, for comparison across engines."""
        return _digest(sorted([c.name, str(c.type.shape())] for c in self.columns))

    def with_nullability_of(self, other: Schema) -> Schema:
        """Fill unknown nullability from `other` (declared or baseline); what stays open is True.

        Inside of nested types it is filled where `other` has the same field; what stays open
        there is unknown. A list of keys and values, and a text, are the MAP and the JSON that
        `other` has in their place: engines that know neither hold them so. A column of nothing
        but null has the type that `other` says.
        """
        known = {c.name: c for c in other.columns}
        return Schema(tuple(_informed(c, known.get(c.name)) for c in self.columns))

    def as_json(self) -> list[dict[str, object]]:
        """Return a plain list of {name, type, nullable}."""
        return [{"name": c.name, "type": str(c.type), "nullable": c.nullable} for c in self.columns]


def from_json(rows: Iterable[dict[str, object]]) -> Schema:
    """Rebuild a schema from `Schema.as_json`. Raises ValueError or KeyError on nonsense."""
    return Schema(
        tuple(
            Column(str(r["name"]), parse(str(r["type"])), _tristate(r.get("nullable")))
            for r in rows
        )
    )


def _informed(column: Column, other: Column | None) -> Column:
    if other is None:
        return replaced(column, nullable=column.nullable is not False)
    nullable = other.nullable if column.nullable is None else column.nullable
    return Column(column.name, _filled(column.type, other.type), nullable is not False)


def _filled(mine: DataType, other: DataType) -> DataType:
    """Return `mine` with what only `other` knows."""
    if mine.kind == "NULL" or (other.kind == "JSON" and mine.kind == "STRING"):
        return other
    if other.kind == "MAP" and mine.kind == "ARRAY" and mine.args[:1]:
        (pair,) = mine.args
        if pair.kind == "STRUCT" and pair.names == ("key", "value"):
            mine = map_of(pair.args[0], pair.args[1], pair.nullable_at(1))
    if not mine.args or mine.kind != other.kind or not other.args:
        return mine
    places = {name: i for i, name in enumerate(other.names)} if mine.names else {}
    types: list[DataType] = []
    nullables: list[bool | None] = []
    for position, inner in enumerate(mine.args):
        at = places.get(mine.names[position]) if mine.names else position
        own = mine.nullable_at(position)
        types.append(inner if at is None else _filled(inner, other.args[at]))
        nullables.append(other.nullable_at(at) if own is None and at is not None else own)
    known = () if all(each is None for each in nullables) else tuple(nullables)
    return replace(mine, args=tuple(types), nullables=known)


def _digest(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _tristate(value: object) -> bool | None:
    return None if value is None else bool(value)
