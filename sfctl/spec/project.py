"""A data repo on disk: discovery, loading, and the checked documents the compiler reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sfctl.errors import Problem
from sfctl.spec.tree import Node


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """What stands in `datasets/<name>/`; every tree has passed its shape check."""

    name: str
    dataset: Node
    policy: Node | None
    baseline: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class Target:
    """One target of `sfctl.yml`, rendered. Paths are absolute or URLs."""

    name: str
    environment: str
    lake: str
    bus: dict[str, object]
    state: dict[str, object]
    graph: dict[str, object]
    settings: dict[str, object]
    """Everything else the target says: trusted_keys, minimums, quarantine_key, pii_key, …"""


@dataclass(frozen=True, slots=True)
class Project:
    """A loaded data repo: every document read, templated, shape-checked."""

    root: Path
    name: str
    target: Target
    targets: tuple[str, ...]
    datasets: tuple[DatasetFiles, ...]
    jobs: tuple[Node, ...]
    minimum: Node | None
    expectations: tuple[Node, ...]
    lineage: tuple[Node, ...]
    problems: tuple[Problem, ...]
    """Errors and warnings of reading; a document with an error is left out of the fields above."""


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `sfctl.yml`. Raises UsageError."""
    raise NotImplementedError


def load(root: Path, target: str | None = None) -> Project:
    """Read the whole data repo. Problems are collected, never raised, except for `sfctl.yml`'s."""
    raise NotImplementedError
