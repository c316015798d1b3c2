"""The files of one dataset: its identity, its policy, its baseline."""

from __future__ import annotations

from dataclasses import dataclass

from sfctl.spec.tree import Node


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """What stands in `datasets/<name>/`; every tree has passed its shape check."""

    name: str
    dataset: Node
    policy: Node | None
    """None where there is none, or where it has errors, which are among the problems."""
    baseline: dict[str, object] | None
