"""The canonical schema of a dataset, its fingerprints, and what changed between two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sfctl.model.types import DataType, parse

Mode = Literal["strict", "compatible", "breaking"]
DriftKind = Literal[
    "added", "removed", "renamed", "widened", "changed", "nullability_loosened",
    "nullability_tightened", "reordered",
]  # fmt: skip


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
        """Return `sha256:…` over name, type, nullability and position of every column."""
        rows = [
            [c.name, str(c.type), True if c.nullable is None else c.nullable, position]
            for position, c in enumerate(self.columns)
        ]
        return _digest(rows)

    def shape(self) -> str:
        """Return `sha256:…` over names and types only, for comparison across engines."""
        return _digest(sorted([c.name, str(c.type)] for c in self.columns))

    def with_nullability_of(self, other: Schema) -> Schema:
        """Fill unknown nullability from `other` (declared or baseline); what stays open is True."""
        known = {c.name: c.nullable for c in other.columns}
        return Schema(
            tuple(
                Column(
                    c.name, c.type, known.get(c.name, True) if c.nullable is None else c.nullable
                )
                for c in self.columns
            )
        )

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


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between an expected and an actual schema."""

    kind: DriftKind
    field: str
    before: str
    after: str

    @property
    def compatible(self) -> bool:
        """Whether mode `compatible` lets it pass with a warning."""
        return self.kind in ("widened", "nullability_loosened", "reordered") or (
            self.kind == "added" and self.after.endswith("?")
        )

    @property
    def signature(self) -> str:
        """The reason code, e.g. `SCHEMA_BREAK:order_total:DECIMAL→STRING`."""
        before, after = (side.rstrip("?") or "ABSENT" for side in (self.before, self.after))
        return f"SCHEMA_BREAK:{self.field}:{before}→{after}"


def compare(expected: Schema, actual: Schema, *, positions: bool = True) -> tuple[Drift, ...]:
    """Return every difference, in the order of the expected columns, additions last.

    A removed and an added column of one type at the same place are also named as a possible
    rename. Unknown nullability never differs. `positions=False` ignores the order of columns.
    """
    found: list[Drift] = []
    removed: list[tuple[int, Column]] = []
    for position, column in enumerate(expected.columns):
        other = actual.get(column.name)
        if other is None:
            removed.append((position, column))
            found.append(Drift("removed", column.name, str(column.type), ""))
            continue
        if not column.type.accepts(other.type):
            kind: DriftKind = "widened" if other.type.widens(column.type) else "changed"
            found.append(Drift(kind, column.name, str(column.type), str(other.type)))
        if (
            column.nullable is not None
            and other.nullable is not None
            and column.nullable != other.nullable
        ):
            loosened = other.nullable
            found.append(
                Drift(
                    "nullability_loosened" if loosened else "nullability_tightened",
                    column.name,
                    "NULL" if column.nullable else "NOT NULL",
                    "NULL" if other.nullable else "NOT NULL",
                )
            )
    added = [(i, c) for i, c in enumerate(actual.columns) if c.name not in expected]
    for index, column in added:
        for position, old in removed:
            if old.type == column.type and position == index:
                found.append(Drift("renamed", old.name, old.name, column.name))
    for _, column in added:
        mark = "" if column.nullable is False else "?"
        found.append(Drift("added", column.name, "", f"{column.type}{mark}"))
    if positions:
        common = [name for name in expected.names if name in actual]
        now = [name for name in actual.names if name in expected]
        if common != now:
            moved = next(a for a, b in zip(common, now, strict=True) if a != b)
            found.append(Drift("reordered", moved, str(common.index(moved)), str(now.index(moved))))
    return tuple(found)


def _digest(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _tristate(value: object) -> bool | None:
    return None if value is None else bool(value)
