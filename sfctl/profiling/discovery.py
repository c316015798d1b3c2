"""Which tables lie below a folder, and which dataset each of them is a stage of."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sfctl.profiling.rows import rows_at
from sfctl.runtime.tables.formats import open_table

STAGES = ("bronze", "silver", "gold")
DEEPEST = 8
"""Folders below the one given that are looked into."""
_FILES = (".parquet", ".csv", ".jsonl", ".ndjson")
_SUFFIXES = (*_FILES, ".tsv", ".gz")
_DATE = re.compile(r"[._-]?\d{4}([._-]?\d{2}){0,2}$")


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table, or a file of rows. `stage` is empty where no folder's name says it."""

    path: Path
    kind: str
    """`delta`, `parquet` (a folder of files, or our snapshots) or `file`."""
    names: tuple[str, ...]
    """Words to name it by, the nearest folder last."""
    stage: str = ""


def tables_below(root: Path) -> Iterator[FoundTable]:
    """Yield every table at or below `root` in order of path.

    A table is not looked into; what begins with `.` or `_` is not looked at; links are not
    followed. A file stands for itself where its folder holds no table.
    """
    yield from _walk(root, root, 0)


def partitions_of(found: FoundTable) -> tuple[str, ...]:
    """Return the partition columns of a table that can be read. Raises SourceError, StoreError."""
    rows_at(str(found.path))
    if found.kind == "delta":
        return open_table(str(found.path)).partitioned_by()
    return _hive(found.path) if found.kind == "parquet" else ()


def name_of(path: Path) -> str:
    """Return a dataset's name from a path: without suffixes, dates and what a URN cannot hold."""
    stem = path.name
    while Path(stem).suffix.lower() in _SUFFIXES:
        stem = Path(stem).stem
    stem = _DATE.sub("", stem) or (path.resolve().parent.name if path.is_file() else stem)
    return re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_") or "dataset"


def most_refined(tables: Sequence[FoundTable]) -> list[FoundTable]:
    """Return those of the furthest stage; a table whose folder says none is as far as gold."""
    furthest = max((STAGES.index(each.stage or "gold") for each in tables), default=0)
    return [each for each in tables if STAGES.index(each.stage or "gold") == furthest]


def named(tables: Sequence[FoundTable], taken: frozenset[str]) -> dict[str, list[FoundTable]]:
    """Return the tables by dataset: stages of one name belong together, other namesakes do not.

    A name that is taken, or that stands for two places, gets its folder's in front, else a number.
    """
    places: dict[tuple[str, ...], list[FoundTable]] = {}
    for found in tables:
        places.setdefault((*found.names, "" if found.stage else str(found.path)), []).append(found)
    short = Counter(group[0].names[-1] for group in places.values())
    chosen: dict[str, list[FoundTable]] = {}
    for group in places.values():
        words = group[0].names
        name = words[-1]
        if name in taken or short[name] > 1:
            name = "_".join(words)
        base, number = name, 2
        while name in taken or name in chosen:
            name, number = f"{base}_{number}", number + 1
        chosen[name] = group
    return chosen


def _walk(root: Path, path: Path, depth: int) -> Iterator[FoundTable]:
    kind = _kind(path)
    if kind:
        yield _found(root, path, kind)
        return
    if not path.is_dir() or depth > DEEPEST:
        return
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.name[0] not in "._" and not entry.is_symlink():
            yield from _walk(root, Path(entry.path), depth + 1)


def _kind(path: Path) -> str:
    if path.is_file():
        return "file" if path.suffix.lower() in _FILES else ""
    if (path / "_delta_log").is_dir():
        return "delta"
    if (path / "_versions").is_dir() or _hive(path):
        return "parquet"
    inside = [each for each in path.glob("*.parquet") if each.is_file()] if path.is_dir() else []
    # a writer's part files are one table; files that people named are a table each
    parts = [each for each in inside if each.name.startswith("part-") or len(each.stem) >= 32]
    return "parquet" if inside and len(parts) == len(inside) else ""


def _hive(path: Path) -> tuple[str, ...]:
    columns = []
    while path.is_dir():
        inner = sorted(p for p in path.iterdir() if p.is_dir() and "=" in p.name[1:])
        if not inner:
            break
        columns.append(inner[0].name.partition("=")[0])
        path = inner[0]
    return tuple(columns)


def _found(root: Path, path: Path, kind: str) -> FoundTable:
    words = [part for part in path.relative_to(root).parts[:-1] if part not in STAGES]
    inside = (root.name, *path.relative_to(root).parts[:-1])
    stage = next((part for part in reversed(inside) if part in STAGES), "")
    near = [re.sub(r"[^a-z0-9_]+", "_", word.lower()).strip("_") for word in words]
    return FoundTable(path, kind, (*filter(None, near), name_of(path)), stage)
