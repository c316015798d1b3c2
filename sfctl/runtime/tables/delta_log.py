"""A Delta table's log as it is written: what one version added, removed, and says of itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sfctl.errors import StoreError
from sfctl.model import codec
from sfctl.runtime.tables import figures

FOLDER = "_delta_log"
_COMMIT = re.compile(r"([0-9]{20})\.json")
_LOCAL = re.compile(r"file:(?://)?(?=/)")


class DeletionVector(msgspec.Struct, frozen=True):
    """Rows of a file that are gone."""

    cardinality: int = 0


class FileAction(msgspec.Struct, frozen=True, rename="camel"):
    """One file that a version adds, removes, or tells its changes in; `path` as the log has it."""

    path: str
    partition_values: dict[str, str | None] | None = None
    size: int | None = None
    data_change: bool = True
    deletion_vector: DeletionVector | None = None


class _Line(msgspec.Struct, frozen=True, rename="camel"):
    add: FileAction | None = None
    remove: FileAction | None = None
    cdc: FileAction | None = None
    commit_info: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LogVersion:
    """One version. `at` is in milliseconds since 1970; `changes` are files of its change feed."""

    version: int
    at: int
    operation: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    engine: str
    user_metadata: str
    added: tuple[FileAction, ...]
    removed: tuple[FileAction, ...]
    changes: tuple[FileAction, ...]

    @property
    def changes_rows(self) -> bool:
        """Whether any row came or went; maintenance moves rows only."""
        return any(file.data_change for file in (*self.added, *self.removed))

    @property
    def fresh(self) -> tuple[FileAction, ...]:
        """The files that are new; one that is named again only lost rows."""
        known = {file.path for file in self.removed}
        return tuple(f for f in self.added if f.data_change and f.path not in known)

    def metric(self, *names: str) -> int | None:
        """Return the first of the operation's figures that the log tells."""
        return figures.first(self.metrics, names)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of a table, and what tells it from another at the same path."""

    version: int
    mark: tuple[int, int] = (0, 0)
    """Inode and time of its file, where the log is on this machine."""


def head(table: str) -> Head | None:
    """Return the newest version, None where there is no table. Raises StoreError."""
    if "://" in local(table):
        from sfctl.runtime.tables.delta import DeltaLake

        newest = DeltaLake(table).head()
        return None if newest is None else Head(newest)
    folder = Path(local(table)) / FOLDER
    try:
        with os.scandir(folder) as entries:
            found = {int(m[1]): e.name for e in entries if (m := _COMMIT.fullmatch(e.name))}
        if not found:
            return None
        newest = max(found)
        stat = (folder / found[newest]).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _fault(table, error.strerror or str(error)) from error
    return Head(newest, (stat.st_ino, stat.st_mtime_ns))


def since(table: str, before: Head | None) -> Iterator[int]:
    """Yield the versions that came after `before`, oldest first; all of a table that is new."""
    now = head(table)
    if now is None:
        return
    first = 0
    if before is not None and before.version <= now.version:
        first = 0 if _replaced(table, before) else before.version + 1
    yield from range(first, now.version + 1)


def read(table: str, version: int) -> LogVersion | None:
    """Return what the log says of a version, None where it no longer reaches it.

    Raises StoreError for a log that cannot be read or is no log.
    """
    added, removed, changes = [], [], []
    about: dict[str, Any] = {}
    try:
        for raw in _lines(table, version):
            line = codec.decode(raw, _Line)
            if line.add is not None:
                added.append(line.add)
            if line.remove is not None:
                removed.append(line.remove)
            if line.cdc is not None:
                changes.append(line.cdc)
            about = line.commit_info or about
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _fault(table, f"version {version} is not readable") from error
    return LogVersion(
        version=version,
        at=about["timestamp"] if isinstance(about.get("timestamp"), int) else 0,
        operation=str(about.get("operation") or ""),
        parameters=_mapping(about.get("operationParameters")),
        metrics=_mapping(about.get("operationMetrics")),
        engine=str(about.get("engineInfo") or about.get("clientVersion") or ""),
        user_metadata=_text(about.get("userMetadata")),
        added=tuple(added),
        removed=tuple(removed),
        changes=tuple(changes),
    )


def local(table: str) -> str:
    """Return a table's path without the scheme of local files."""
    return _LOCAL.sub("", table, count=1) if table.startswith("file:") else table


def _lines(table: str, version: int) -> Iterator[bytes]:
    name = f"{FOLDER}/{version:020d}.json"
    if "://" not in local(table):
        with (Path(local(table)) / name).open("rb") as file:
            yield from (line for line in file if line.strip())
        return
    import polars as pl

    try:
        read_lines = pl.read_lines(f"{table.rstrip('/')}/{name}")
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from error
    yield from (line.encode() for line in read_lines.to_series() if line.strip())


def _replaced(table: str, before: Head) -> bool:
    """Whether another table stands where the one with that head stood."""
    if before.mark == (0, 0):
        return False
    try:
        stat = (Path(local(table)) / FOLDER / f"{before.version:020d}.json").stat()
    except OSError:
        return False
    return (stat.st_ino, stat.st_mtime_ns) != before.mark


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _fault(table: str, why: str) -> StoreError:
    name = table.rstrip("/").rpartition("/")[2]
    return StoreError(f"the log of Delta table {name} cannot be read: {why}")
