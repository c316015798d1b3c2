"""What differs between an expected and an actual schema, inside of nested types as well.

A place inside is written as a path: `address.city`, `items.element.price`, `tags.key`,
`tags.value`. Parts that stand in both schemas are compared one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sfctl.model.renames import renamed
from sfctl.model.schema import Column, Mode, Schema
from sfctl.model.types import DataType

DriftKind = Literal[
    "added", "removed", "renamed", "widened", "changed", "nullability_loosened",
    "nullability_tightened", "reordered",
]  # fmt: skip
_LONGEST = 200
"""Characters of a type that a difference shows; a wider one is named by its kind."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `before` and `after` are types, names of a rename, positions from 0.

    `column` is the column it lies in. `narrower` marks a change to a type that holds less.
    """

    kind: DriftKind
    field: str
    before: str
    after: str
    column: str = ""
    narrower: bool = False

    @property
    def compatible(self) -> bool:
        """Whether mode `compatible` lets it pass with a warning."""
        return self.kind in ("widened", "nullability_loosened", "reordered") or (
            self.kind == "added" and self.after.endswith("?")
        )

    @property
    def signature(self) -> str:
        """The reason code, e.g. `SCHEMA_BREAK:order_total:DECIMAL→STRING`."""
        return f"SCHEMA_BREAK:{self.field}:{self.before or 'ABSENT'}→{self.now or 'ABSENT'}"

    @property
    def now(self) -> str:
        """`after` without the mark of an addition that may be null."""
        return self.after.removesuffix("?") if self.kind == "added" else self.after


def compare(expected: Schema, actual: Schema, *, positions: bool = True) -> tuple[Drift, ...]:
    """Return every difference, in the order of the expected columns, additions last.

    A removed column, and the added one that may be it, are also named as a possible rename.
    Unknown nullability never differs. `positions=False` ignores the order of columns and fields.
    """
    return tuple(_fields("", "", expected.columns, actual.columns, positions))


def breaks(found: Iterable[Drift], mode: Mode) -> tuple[Drift, ...]:
    """Return those differences that a mode does not let pass."""
    if mode == "breaking":
        return ()
    return tuple(drift for drift in found if mode == "strict" or not drift.compatible)


def _fields(
    path: str, column: str, expected: Sequence[Column], actual: Sequence[Column], positions: bool
) -> list[Drift]:
    have = {each.name: each for each in actual}
    wanted = {each.name: each for each in expected}
    renames = renamed(expected, actual)
    found: list[Drift] = []
    for old in expected:
        at, root = path + old.name, column or old.name
        new = have.get(old.name)
        if new is not None:
            found += _parts(at, root, old, new, positions)
            continue
        found.append(Drift("removed", at, shown(old.type), "", root))
        if old.name in renames:
            found.append(Drift("renamed", at, old.name, renames[old.name], root))
    for new in actual:
        if new.name not in wanted:
            mark = "" if new.nullable is False else "?"
            after = f"{shown(new.type)}{mark}"
            found.append(Drift("added", path + new.name, "", after, column or new.name))
    if positions:
        found += _order(
            path, column, [n for n in wanted if n in have], [n for n in have if n in wanted]
        )
    return found


def _order(path: str, column: str, was: list[str], now: list[str]) -> list[Drift]:
    if was == now:
        return []
    moved = next(a for a, b in zip(was, now, strict=True) if a != b)
    places = str(was.index(moved)), str(now.index(moved))
    return [Drift("reordered", path + moved, *places, column or moved)]


def _parts(path: str, column: str, old: Column, new: Column, positions: bool) -> list[Drift]:
    """Compare two columns, fields, elements or values that stand at one place."""
    found = _types(path, column, old.type, new.type, positions)
    if None in (old.nullable, new.nullable) or old.nullable == new.nullable:
        return found
    said = {True: "NULL", False: "NOT NULL", None: ""}
    kind: DriftKind = "nullability_loosened" if new.nullable else "nullability_tightened"
    return [*found, Drift(kind, path, said[old.nullable], said[new.nullable], column)]


def _types(path: str, column: str, old: DataType, new: DataType, positions: bool) -> list[Drift]:
    if old.kind == new.kind and old.args and new.args:
        return _fields(f"{path}.", column, _inside(old), _inside(new), positions)
    if old.accepts(new):
        return []
    if new.widens(old):
        return [Drift("widened", path, shown(old), shown(new), column)]
    return [Drift("changed", path, shown(old), shown(new), column, old.widens(new))]


def _inside(kind: DataType) -> list[Column]:
    """Return what a nested type is made of as columns, under the names that paths use."""
    names = {"ARRAY": ("element",), "MAP": ("key", "value")}.get(kind.kind, kind.names)
    return [
        Column(name, inner, kind.nullable_at(position))
        for position, (name, inner) in enumerate(zip(names, kind.args, strict=True))
    ]


def shown(kind: DataType) -> str:
    """Return a type as a difference names it: without nullability, and never at great length."""
    text = kind.written("none")
    return text if len(text) <= _LONGEST else f"{kind.kind}<…>"
