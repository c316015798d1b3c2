"""What a change of a policy takes from its consumers: declared columns that went or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sfctl.model.policy import ColumnSpec, Policy
from sfctl.model.schema import Column, Schema
from sfctl.model.schema_drift import Drift, compare
from sfctl.model.types import DataType

_SAID = {
    "removed": "column {0.field} is no longer declared",
    "changed": "column {0.field} changes from {0.before} to {0.after}",
    "nullability_loosened": "column {0.field} may be null now",
}


@dataclass(frozen=True, slots=True)
class Breaking:
    """One breaking change of the dataset called `name`."""

    name: str
    field: str
    message: str


def breaking_changes(
    before: Mapping[str, Policy], after: Mapping[str, Policy]
) -> Iterator[Breaking]:
    """Yield what policies by dataset name promised before and do not after.

    Widened types, new columns, reordering and tightened nullability break nobody who reads.
    """
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            yield Breaking(name, "", "the dataset is gone")
            continue
        for drift in compare(_schema(old), _schema(new), positions=False):
            if drift.kind in _SAID and not _widens(drift, old, new):
                yield Breaking(name, drift.field, _SAID[drift.kind].format(drift))
        for field in sorted(_required(old) - _required(new)):
            if any(column.name == field for column in new.schema.columns):
                yield Breaking(name, field, f"column {field} is no longer required")


def _schema(policy: Policy) -> Schema:
    return Schema(tuple(Column(c.name, c.type, c.nullable) for c in policy.schema.columns))


def _required(policy: Policy) -> set[str]:
    return {column.name for column in policy.schema.columns if column.required}


def _widens(drift: Drift, old: Policy, new: Policy) -> bool:
    if drift.kind != "changed":
        return False
    before, after = _type(old, drift.field), _type(new, drift.field)
    return before is not None and after is not None and after.accepts(before)


def _type(policy: Policy, field: str) -> DataType | None:
    found: ColumnSpec | None = next((c for c in policy.schema.columns if c.name == field), None)
    return None if found is None else found.type
