"""What `register` and `profile` put into the schema registry: the schema of a baseline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfctl import wiring
from sfctl.clock import format_instant
from sfctl.commands.actor import actor
from sfctl.compiler.entries import storage
from sfctl.dialects.read import of_canonical
from sfctl.errors import SfctlError
from sfctl.model import urn
from sfctl.registry.port import SchemaRegistry
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project


def registry_of(project: Project) -> SchemaRegistry:
    """Open the schema registry of a project's target. Raises UsageError SF755."""
    names = {urn.canonical(each.dataset.string("urn")): each.name for each in project.datasets}
    return wiring.open_registry(project.root, names, project.target.registry)


def register_schema(
    registry: SchemaRegistry, lake: str, dataset: DatasetFiles, document: object, now: datetime
) -> dict[str, Any]:
    """Register the schema of a baseline, and return what became of it. `lake` is the target's.

    `change` is `registered` for a first version, `updated`, `unchanged`, `migrated` where only the
    table format is another, or `failed`; then `error` says why, and nothing was written.
    """
    subject = urn.canonical(dataset.dataset.string("urn"))
    try:
        schema = of_canonical(document)
        before = registry.latest(subject)
        _, formats, _ = storage(dataset.dataset, subject, lake)
        after = registry.register(
            subject, schema, at=format_instant(now), by=actor(), formats=formats
        )
    except SfctlError as error:
        told = {"code": error.code, "message": str(error), "hint": error.hint}
        return {"version": None, "fingerprint": None, "change": "failed", "error": told}
    change = "registered"
    if before is not None:
        same = before.fingerprint == after.fingerprint
        change = "unchanged" if before == after else "migrated" if same else "updated"
    return {
        "version": after.version,
        "fingerprint": after.fingerprint,
        "change": change,
        "error": None,
    }


def schema_lines(told: dict[str, Any] | None) -> list[str]:
    """Return what people read of a registration; nothing where nothing changed."""
    if told is None or told["change"] == "unchanged":
        return []
    error = told["error"]
    if error is not None:
        lines = [f"    schema not registered: {error['code']} {error['message']}"]
        return [*lines, f"    hint: {error['hint']}"] if error["hint"] else lines
    if told["change"] == "migrated":
        return [f"    schema version {told['version']}: the same, in another table format"]
    return [f"    schema version {told['version']}: {told['fingerprint'][:19]}"]
