"""What changed between two schemas, told so that a reader can act on it: evidence of gate G3."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from sfctl.model.schema import Schema
from sfctl.model.schema_drift import Drift, compare

ChangeKind = Literal[
    "removed", "possible_rename", "added", "widened", "narrowed", "type_changed",
    "nullability_loosened", "nullability_tightened", "reordered",
]  # fmt: skip
MOST_CHANGES = 100
"""Evidence lists no more; what is over is counted."""


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
    return tuple(map(_change, compare(expected, known, positions=positions)))


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


def _change(drift: Drift) -> Change:
    kind: ChangeKind
    if drift.kind == "changed":
        kind = "narrowed" if drift.narrower else "type_changed"
    else:
        kind = "possible_rename" if drift.kind == "renamed" else drift.kind
    return Change(kind, drift.field, drift.before or None, drift.now or None)
