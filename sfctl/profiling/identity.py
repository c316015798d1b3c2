"""A first `dataset.yaml` of tables found: what can be seen, and what a person must say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sfctl.profiling import origin
from sfctl.profiling.discovery import FoundTable
from sfctl.profiling.draft import flow, printable

UNOWNED = "unowned"


def dataset_yaml(
    name: str,
    tables: Sequence[tuple[FoundTable, tuple[str, ...]]],
    lake: Path,
    *,
    zone: str,
    owner: str,
    tier: str,
) -> str:
    """Return the file's text. `tables` are the stages found, each with its partition columns."""
    sources = ", ".join(shown(found.path, lake) for found, _ in tables)
    lines = [
        origin.line(printable(sources)),
        f"urn: ds://{zone}/{name}",
        f"owner_team: {flow(owner)}",
        f"tier: {tier}",
        "storage:",
    ]
    stored = [(found, columns) for found, columns in tables if found.kind != "file"]
    for found, columns in stored:
        where: dict[str, object] = {"path": shown(found.path, lake)}
        if found.kind != "delta":
            where["format"] = found.kind
        if columns:
            where["partition_by"] = list(columns)
        stage = found.stage or "gold"
        lines.append(f"  {stage}: {flow(where if len(where) > 1 else where['path'])}")
    if not stored:
        lines += [f"  bronze: bronze/{name}", f"  gold: gold/{name}"]
    return "\n".join(lines) + "\n"


def shown(path: Path, lake: Path) -> str:
    """Return a path as it may stand in a committed file: from the lake where it is near it."""
    near = os.path.relpath(path.absolute(), lake)
    return near if near.count("..") < 3 else str(path.absolute())
