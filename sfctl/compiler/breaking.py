"""What a change of the data repo takes from others: from those who read, and those who write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sfctl.compiler.compile import Compiled
from sfctl.compiler.expectations import Expectation, by_dataset
from sfctl.model.expr import Within
from sfctl.model.manifest import DatasetEntry
from sfctl.model.policy import ColumnSpec, Policy, RowCheck
from sfctl.model.schema import Column, Schema
from sfctl.model.schema_drift import Drift, compare
from sfctl.model.types import DataType
from sfctl.model.urn import canonical, is_dataset, without_stage
from sfctl.spec.project import Project
from sfctl.spec.tree import Node

_SAID = {
    "removed": "column {0.field} is no longer declared",
    "changed": "column {0.field} changes from {0.before} to {0.after}",
    "narrowed": "column {0.field} narrows from {0.before} to {0.after}",
    "nullability_loosened": "column {0.field} may be null now",
}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Breaking:
    """One breaking change of the dataset called `name`, and whom it breaks.

    `relying` are the consumers whose expectations name what changed: (consumer, owning team).
    """

    name: str
    field: str
    message: str
    breaks: Literal["consumers", "producers"] = "consumers"
    owner: str = ""
    relying: tuple[tuple[str, str], ...] = ()

    @property
    def hint(self) -> str:
        """Who is to be asked before this is merged; empty where nobody declared an interest."""
        if not self.relying:
            return ""
        named = ", ".join(f"{consumer} (owned by {team})" for consumer, team in self.relying)
        return f"producer: {self.owner}; expected by {named}"


@dataclass(frozen=True, slots=True)
class Promise:
    """What one dataset promised: its policy, and where its stages lie below the lake."""

    name: str
    policy: Policy
    stages: Mapping[str, str]


def promises(compiled: Compiled) -> dict[str, Promise]:
    """Return the promises of a compiled project by URN."""
    lake = compiled.manifest.target.lake.rstrip("/")
    return {
        urn: Promise(entry.name, compiled.policies[entry.name], _stages(entry, lake))
        for urn, entry in compiled.manifest.datasets.items()
        if entry.name in compiled.policies
    }


def _stages(entry: DatasetEntry, lake: str) -> dict[str, str]:
    return {
        stage: f"{path.removeprefix(lake).lstrip('/')} ({entry.formats.get(stage) or entry.format})"
        for stage, path in entry.paths.items()
    }


def breaking_changes(
    before: Mapping[str, Promise],
    after: Mapping[str, Promise],
    *,
    unread: Iterable[str] = (),
    expected: Mapping[str, tuple[Expectation, ...]] | None = None,
) -> Iterator[Breaking]:
    """Yield what datasets by URN promised before and do not after.

    Datasets called `unread` cannot be compared. `expected` are consumers' expectations by URN.
    Widened types, new columns and reordering break nobody; a column that may no longer be null, or
    hold a value it could hold, breaks those who write it.
    """
    skipped = set(unread)
    for urn, old in before.items():
        if old.name in skipped:
            continue
        new = after.get(urn)
        found = _gone(old) if new is None else _changes(old, new)
        entries = (expected or {}).get(urn, ())
        for each in found:
            relying = _relying(entries, each.field)
            yield replace(each, owner=old.policy.owner, relying=relying)


def expectations_of(*projects: Project) -> dict[str, tuple[Expectation, ...]]:
    """Return what consumers expect in any of some states of a project, each entry once."""
    found: dict[str, dict[tuple[str, str], Expectation]] = {}
    for project in projects:
        names = {each.name: each.dataset.string("urn") for each in project.datasets}
        resolved = {name: urn for name, urn in names.items() if urn}
        for urn, entries in by_dataset(project.expectations, _canonical(resolved)).items():
            kept = found.setdefault(urn, {})
            for entry in entries:
                kept.setdefault((entry.consumer, entry.owner), entry)
    return {urn: tuple(entries.values()) for urn, entries in found.items()}


def _canonical(names: Mapping[str, str]) -> dict[str, str]:
    return {
        name: without_stage(canonical(text)) for name, text in names.items() if is_dataset(text)
    }


def _gone(old: Promise) -> Iterator[Breaking]:
    yield Breaking(old.name, "", "the dataset is gone")


def _changes(old: Promise, new: Promise) -> Iterator[Breaking]:
    name = new.name
    for stage, place in old.stages.items():
        if stage not in new.stages:
            yield Breaking(name, "", f"stage {stage} is no longer stored")
        elif new.stages[stage] != place:
            yield Breaking(name, "", f"stage {stage} moves from {place} to {new.stages[stage]}")
    yield from _columns(name, old.policy, new.policy)
    yield from _values(name, old.policy, new.policy)


def _columns(name: str, old: Policy, new: Policy) -> Iterator[Breaking]:
    for drift in compare(_schema(old), _schema(new), positions=False):
        if drift.kind == "nullability_tightened":
            message = f"column {drift.field} may no longer be null"
            yield Breaking(name, drift.field, message, "producers")
        elif drift.kind in _SAID and not _widens(drift, old, new):
            kind = "narrowed" if _narrows(drift, old, new) else drift.kind
            yield Breaking(name, drift.field, _SAID[kind].format(drift))
    for field in sorted(_required(old) - _required(new)):
        if any(column.name == field for column in new.schema.columns):
            yield Breaking(name, field, f"column {field} is no longer required")


def _values(name: str, old: Policy, new: Policy) -> Iterator[Breaking]:
    after = _accepted(new)
    for field, values in _accepted(old).items():
        lost = sorted(values - after[field]) if field in after else []
        if lost:
            shown = ", ".join(lost[:_SHOWN]) + (", …" if len(lost) > _SHOWN else "")
            message = f"column {field} may no longer hold {shown}"
            yield Breaking(name, field, message, "producers")


def _accepted(policy: Policy) -> dict[str, set[str]]:
    """Return by column the values that all its lists accept."""
    found: dict[str, set[str]] = {}
    for rule in policy.rules:
        listed = rule.check.expr if isinstance(rule.check, RowCheck) else None
        binding = rule.kind == "accepted_values" and rule.severity == "error"
        if binding and len(rule.fields) == 1 and isinstance(listed, Within):
            values = {value.text for value in listed.values}
            field = rule.fields[0]
            found[field] = found[field] & values if field in found else values
    return found


def _relying(entries: Iterable[Expectation], field: str) -> tuple[tuple[str, str], ...]:
    """Return who expects a column, or anything of the dataset where no column is named."""
    found = [
        (each.consumer, each.owner)
        for each in entries
        if not field or field.partition(".")[0] in _expected(each.entry)
    ]
    return tuple(dict.fromkeys(found))


def _expected(entry: Node) -> set[str]:
    items = entry.get("fields") or ()
    names = (str((item["field"] if item.is_mapping else item).value) for item in items)
    return {name.partition(".")[0] for name in names}


def _schema(policy: Policy) -> Schema:
    return Schema(tuple(Column(c.name, c.type, c.nullable) for c in policy.schema.columns))


def _required(policy: Policy) -> set[str]:
    return {column.name for column in policy.schema.columns if column.required}


def _widens(drift: Drift, old: Policy, new: Policy) -> bool:
    if drift.kind != "changed":
        return False
    before, after = _type(old, drift.field), _type(new, drift.field)
    return before is not None and after is not None and after.accepts(before)


def _narrows(drift: Drift, old: Policy, new: Policy) -> bool:
    before, after = _type(old, drift.field), _type(new, drift.field)
    if drift.kind != "changed" or before is None or after is None:
        return False
    return before.widens(after)


def _type(policy: Policy, field: str) -> DataType | None:
    found: ColumnSpec | None = next((c for c in policy.schema.columns if c.name == field), None)
    return None if found is None else found.type
