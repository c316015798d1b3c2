"""What changed between two schemas, told so that a reader can act on it: evidence of gate G3."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import SequenceMatcher
from typing import Literal

import msgspec

from sfctl.model.schema import Column, Drift, Schema, compare

ChangeKind = Literal[
    "removed", "possible_rename", "added", "widened", "narrowed", "type_changed",
    "nullability_loosened", "nullability_tightened", "reordered",
]  # fmt: skip
MOST_CHANGES = 100
"""Evidence lists no more; what is over is counted."""

_SIMILAR = 0.6
_PLACE = 0.25
_SHORTEST_STEM = 3


class Change(msgspec.Struct, frozen=True):
    """One change of one column: names and canonical types only, None where there is no side.

    `before` and `after` are types, for `possible_rename` names, for `reordered` positions from 0.
    """

    change: ChangeKind
    field: str
    before: str | None
    after: str | None

    def as_json(self) -> dict[str, object]:
        """Return {change, field, from, to}."""
        return {
            "change": self.change,
            "field": self.field,
            "from": self.before,
            "to": self.after,
        }


def changes(expected: Schema, actual: Schema, *, positions: bool) -> tuple[Change, ...]:
    """Return every change in the order of the expected columns; new columns come last.

    A possible rename follows the removal that it may explain. `positions` says whether the order
    of the expected columns means anything (a baseline's does, a declaration's does not).
    """
    known = actual.with_nullability_of(expected)
    renames = renamed(expected, actual)
    found: list[Change] = []
    for drift in compare(expected, known, positions=positions):
        if drift.kind == "renamed":
            continue
        found.append(_change(drift, expected, actual))
        if drift.kind == "removed" and drift.field in renames:
            found.append(Change("possible_rename", drift.field, drift.field, renames[drift.field]))
    return tuple(found)


def renamed(expected: Schema, actual: Schema) -> dict[str, str]:
    """Return missing column → the new column that may be it, each side at most once.

    A pair has one type, and stands at the same place or has similar names; the best pair goes
    first. Where nothing else is missing or new, one type is enough.
    """
    missing = [c for c in expected.columns if c.name not in actual]
    new = [c for c in actual.columns if c.name not in expected]
    alone = len(missing) == len(new) == 1
    pairs: list[tuple[float, int, int]] = []
    for i, old in enumerate(missing):
        for k, other in enumerate(new):
            if not old.type.accepts(other.type):
                continue
            likeness = _likeness(old.name, other.name)
            place = _same_place(old, other, expected, actual)
            if alone or place or likeness >= _SIMILAR:
                pairs.append((likeness + place * _PLACE, i, k))
    found: dict[int, int] = {}
    for _, i, k in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if i not in found and k not in found.values():
            found[i] = k
    return {missing[i].name: new[k].name for i, k in sorted(found.items())}


def without(listed: Sequence[object], columns: Collection[str]) -> list[object]:
    """Return a list of `Change.as_json` in which none of `columns` came, by a rename or anew."""
    return [
        row
        for row in listed
        if not (
            isinstance(row, dict)
            and (
                (row.get("change") == "added" and row.get("field") in columns)
                or (row.get("change") == "possible_rename" and row.get("to") in columns)
            )
        )
    ]


def told(listed: Sequence[object]) -> str:
    """Say in words which columns went and came, from a list of `Change.as_json`; else nothing."""
    rows = [row for row in listed if isinstance(row, dict)]
    renames = {row["from"]: row["to"] for row in rows if row.get("change") == "possible_rename"}
    gone = [row["field"] for row in rows if row.get("change") == "removed"]
    said = []
    for name in gone:
        if name in renames:
            said.append(f"{name} is missing, {renames[name]} is new: renamed?")
        else:
            said.append(f"{name} is missing")
    return "; ".join(said[:5]) + (f"; {len(said) - 5} more" if len(said) > 5 else "")


def _change(drift: Drift, expected: Schema, actual: Schema) -> Change:
    if drift.kind == "added":
        column = actual.get(drift.field)
        assert column is not None
        return Change("added", drift.field, None, str(column.type))
    if drift.kind == "removed":
        return Change("removed", drift.field, drift.before, None)
    if drift.kind == "changed":
        old, new = expected.get(drift.field), actual.get(drift.field)
        assert old is not None
        assert new is not None
        kind: ChangeKind = "narrowed" if old.type.widens(new.type) else "type_changed"
        return Change(kind, drift.field, drift.before, drift.after)
    assert drift.kind != "renamed"
    return Change(drift.kind, drift.field, drift.before, drift.after)


def _likeness(one: str, other: str) -> float:
    a, b = one.lower(), other.lower()
    if min(len(a), len(b)) >= _SHORTEST_STEM and (a.startswith(b) or b.startswith(a)):
        return 1.0
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _same_place(old: Column, new: Column, expected: Schema, actual: Schema) -> bool:
    """Whether both stand at one index, or between the same two neighbours."""
    was, now = expected.names.index(old.name), actual.names.index(new.name)
    if was == now:
        return True
    ends = ("", *expected.names, ""), ("", *actual.names, "")
    before = ends[0][was] == ends[1][now]
    after = ends[0][was + 2] == ends[1][now + 2]
    return before and after
