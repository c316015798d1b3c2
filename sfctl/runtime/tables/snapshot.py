"""Plain Parquet as immutable snapshots: each version is one manifest that lists its files.

    <table>/data/<uuid>.parquet            written once, never changed
    <table>/_versions/<20 digits>.json     the commit: linked into place, which only one writer can

A manifest names every file of its version, so a reader needs one manifest and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sfctl.clock import format_instant
from sfctl.errors import Conflict, StoreError, UsageError
from sfctl.model import codec
from sfctl.model.write import Commit
from sfctl.runtime.tables.port import STAGED, DataFile, StagedFile, Write

if TYPE_CHECKING:
    import polars as pl

VERSIONS = "_versions"
DATA = "data"
KEYS = 10_000
"""The newest keys a manifest remembers."""
ATTEMPTS = 20


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """One data file. `partition` is `k=v/k=v` where the table is partitioned."""

    path: str
    rows: int
    partition: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """One version. `keys` maps write keys to the versions they were committed in."""

    version: int
    at: str
    operation: str
    note: str
    partition_by: tuple[str, ...]
    files: tuple[File, ...]
    keys: dict[str, int]
    table: str = ""
    """The id of the table, the same in each of its versions."""
    schema: str = "sfctl.snapshot.v1"


class Snapshots:
    """One Parquet table on a local file system."""

    def __init__(self, path: str) -> None:
        if "://" in path:
            raise UsageError(
                f"Parquet snapshots need a local folder, not {path.partition('://')[0]}://",
                hint="use format delta on object stores",
                code="SF310",
            )
        self.path = path
        self._root = Path(path)
        self._manifest: Manifest | None = None
        self.refresh()

    def head(self) -> int | None:
        """Return the newest version, None when there is no table."""
        return None if self._manifest is None else self._manifest.version

    def identity(self) -> str:
        """Return the id that the first manifest gave the table, empty without one."""
        return "" if self._manifest is None else self._manifest.table

    def partitioned_by(self) -> tuple[str, ...]:
        """Return the partition columns, none where there are none or no table."""
        return () if self._manifest is None else self._manifest.partition_by

    def limited(self) -> Mapping[str, str]:
        """Return nothing: no column of a snapshot limits its texts."""
        return {}

    def refresh(self) -> None:
        """See what others have committed since."""
        versions = self._versions()
        self._manifest = self._read(versions[-1]) if versions else None

    def committed(self, key: str) -> int | None:
        """Return the version that `key` was committed in, None when it never was."""
        return None if self._manifest is None else self._manifest.keys.get(key)

    def write(self, frame: pl.DataFrame, request: Write) -> int:
        """Commit rows and record in one step; return the version.

        A merge reads the table and writes it anew. Raises Conflict when others keep winning.
        """
        if request.replaces:
            raise UsageError("Parquet snapshots replace whole files only", code="SF311")
        return self._keyed(lambda: self._next(frame, request), request)

    def adopt(
        self,
        staged: Callable[[], Sequence[StagedFile]],
        schema: str,  # noqa: ARG002  a snapshot's files say their own
        request: Write,
        otherwise: Callable[[str], None],  # noqa: ARG002  this is the only way
    ) -> int:
        """Commit files that hold their partition's columns too; return the version.

        Raises UsageError SF311 for a merge, which needs the rows in memory.
        """
        if request.mode == "merge" and self._manifest is not None:
            raise UsageError(
                "rows on Spark cannot be merged into a Parquet table",
                hint="set the format of the dataset to delta, or write a pandas frame",
                code="SF311",
            )
        fresh = tuple(self._taken_in(file) for file in staged())
        return self._keyed(
            lambda: self._listing(fresh, self._kept(fresh, request), request), request
        )

    def _keyed(self, following: Callable[[], Manifest], request: Write) -> int:
        """Put up the manifest that follows, again where others were faster."""
        for _ in range(ATTEMPTS):
            done = self.committed(request.keys[0])
            if done is not None:
                return done
            manifest = following()
            if self._link(manifest):
                self._manifest = manifest
                return manifest.version
            self.refresh()
        raise Conflict(
            f"table {self._root.name} keeps being written by others",
            hint="run the job again when they are done",
        )

    def commit(self, version: int) -> Commit | None:
        """Return what the log says of a version; None when the log no longer reaches it."""
        if version not in self._versions():
            return None
        manifest = self._read(version)
        return Commit(version, manifest.at, manifest.operation, "ours", manifest.note)

    def commits(self, after: int | None) -> list[Commit]:
        """Return every commit past `after` the log still holds, oldest first."""
        wanted = (v for v in self._versions() if after is None or v > after)
        return [commit for v in wanted if (commit := self.commit(v)) is not None]

    def files(self) -> Sequence[DataFile]:
        """Return the files that hold the newest version's rows, by path below the table."""
        if self._manifest is None:
            return []
        return [
            DataFile(file.path, file.rows, _values(file.partition))
            for file in sorted(self._manifest.files, key=lambda file: file.path)
        ]

    def rows(self, version: int, partition: Mapping[str, str | None]) -> int | None:
        """Return how many rows a version has in a partition, None where no manifest tells."""
        manifest = self._read(version)
        if not set(partition) <= set(manifest.partition_by):
            return None
        wanted = partition.items()
        return sum(
            file.rows for file in manifest.files if wanted <= _values(file.partition).items()
        )

    def locations(self, version: int) -> Sequence[str]:
        """Return where the files of a version lie. Raises StoreError SF631 where one is lost."""
        return [str(path) for path in self._present(self._read(version))]

    def scan(self, version: int | None = None) -> pl.LazyFrame:
        """Return the rows of a version (the newest for None), lazily."""
        import polars as pl

        manifest = self._manifest if version is None else self._read(version)
        if manifest is None:
            raise StoreError(f"there is no table {self._root.name}", code="SF631")
        files = self._present(manifest)
        return pl.concat(
            [pl.scan_parquet(file, glob=False) for file in files], how="diagonal_relaxed"
        )

    def vacuum(
        self, keep: Collection[int], *, retention_hours: float, dry_run: bool = True
    ) -> Sequence[str]:
        """Remove data files that no kept version needs; the manifests stay."""
        horizon = time.time() - retention_hours * 3600
        versions = self._versions()
        kept = set(keep) | set(versions[-1:])
        recent = {v for v in versions if self._path(v).stat().st_mtime >= horizon}
        needed = {file.path for v in kept | recent if v in versions for file in self._read(v).files}
        folder = self._root / DATA
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        doomed = [
            file
            for file in found
            if f"{DATA}/{file.name}" not in needed and file.stat().st_mtime < horizon
        ]
        left = [f for f in self._root.glob(f"{STAGED}*") if f.stat().st_mtime < horizon]
        if not dry_run:
            for file in doomed:
                file.unlink(missing_ok=True)
            for tree in left:
                shutil.rmtree(tree, ignore_errors=True)
        return [*(f"{DATA}/{file.name}" for file in doomed), *(folder.name for folder in left)]

    def _present(self, manifest: Manifest) -> list[Path]:
        files = [self._root / file.path for file in manifest.files]
        missing = [file for file in files if not file.exists()]
        if missing:
            raise StoreError(
                f"version {manifest.version} of {self._root.name} has lost {missing[0].name}",
                hint="restore the file from a backup, or write the table anew",
                code="SF631",
            )
        return files

    def _next(self, frame: pl.DataFrame, request: Write) -> Manifest:
        before = self._manifest
        merging = request.mode == "merge" and before is not None
        if merging:
            frame = self._merged(frame, request)
        fresh = self._store(frame, request.partition_by if before is None else before.partition_by)
        kept = () if merging else self._kept(fresh, request)
        if not kept and not fresh:
            fresh = (self._put(frame, ""),)
        return self._listing(fresh, kept, request)

    def _kept(self, fresh: Sequence[File], request: Write) -> tuple[File, ...]:
        """Return the files of the newest version that a write leaves in their place."""
        kept = () if self._manifest is None or request.mode == "overwrite" else self._manifest.files
        if request.mode != "overwrite_partitions":
            return kept
        gone = {file.partition for file in fresh}
        if request.partition:
            gone.add("/".join(f"{k}={v}" for k, v in request.partition.items()))
        return tuple(file for file in kept if file.partition not in gone)

    def _listing(self, fresh: Sequence[File], kept: Sequence[File], request: Write) -> Manifest:
        before = self._manifest
        version = 0 if before is None else before.version + 1
        keys = {} if before is None else dict(before.keys)
        keys |= dict.fromkeys(request.keys, version)
        return Manifest(
            version=version,
            at=format_instant(datetime.now(UTC)),
            operation=request.mode.upper(),
            note=request.note,
            partition_by=request.partition_by if before is None else before.partition_by,
            files=(*kept, *fresh),
            keys=dict(list(keys.items())[-KEYS:]),
            table=uuid.uuid4().hex if before is None else before.table,
        )

    def _taken_in(self, file: StagedFile) -> File:
        """Give a staged file its place among the data."""
        name = f"{DATA}/{uuid.uuid4().hex}.parquet"
        path = self._root / name
        with self._guarded("written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(self._root / file.path, path)
            _sync(path)
        return File(name, file.rows, "/".join(f"{k}={v}" for k, v in file.partition.items()))

    def _merged(self, frame: pl.DataFrame, request: Write) -> pl.DataFrame:
        import polars as pl

        if not request.primary_key:
            raise UsageError(
                "mode merge needs a primary key",
                hint="set primary_key in dataset.yaml",
                code="SF311",
            )
        keys = list(request.primary_key)
        held, given = self.scan(), frame.lazy()
        # as SQL's MERGE: every row that matches is updated, even where a key stands twice
        parts = [
            held.join(given, on=keys, how="anti"),
            held.select(keys).join(given, on=keys, how="inner").select(frame.columns),
            given.join(held, on=keys, how="anti"),
        ]
        return pl.concat(parts, how="diagonal_relaxed").collect()

    def _store(self, frame: pl.DataFrame, partition_by: Sequence[str]) -> tuple[File, ...]:
        if frame.is_empty():
            return ()
        if not partition_by:
            return (self._put(frame, ""),)
        parts = frame.partition_by(list(partition_by), maintain_order=True)
        return tuple(self._put(part, _partition(part, partition_by)) for part in parts)

    def _put(self, frame: pl.DataFrame, partition: str) -> File:
        name = f"{DATA}/{uuid.uuid4().hex}.parquet"
        path = self._root / name
        with self._guarded("written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(path)
            _sync(path)
        return File(name, frame.height, partition)

    def _link(self, manifest: Manifest) -> bool:
        """Put the manifest in its place; False when another writer has taken the version."""
        folder = self._root / VERSIONS
        with self._guarded("written"):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=folder)
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    handle.write(codec.encode(manifest))
                    handle.flush()
                    os.fchmod(handle.fileno(), self._root.stat().st_mode & 0o666)
                    os.fsync(handle.fileno())
                try:
                    os.link(draft, self._path(manifest.version))
                except FileExistsError:
                    return False
                _sync(folder)
            finally:
                Path(draft).unlink(missing_ok=True)
        return True

    def _versions(self) -> list[int]:
        with self._guarded("read"):
            try:
                names = [entry.name for entry in os.scandir(self._root / VERSIONS)]
            except FileNotFoundError:
                return []
        return sorted(int(n[:-5]) for n in names if n.endswith(".json") and n[:-5].isdigit())

    def _path(self, version: int) -> Path:
        return self._root / VERSIONS / f"{version:020d}.json"

    def _read(self, version: int) -> Manifest:
        try:
            return codec.decode(self._path(version).read_bytes(), Manifest)
        except (OSError, msgspec.DecodeError) as error:
            raise StoreError(
                f"version {version} of {self._root.name} cannot be read",
                hint="list the folder _versions; a version is one file in it",
                code="SF631",
            ) from error

    @contextlib.contextmanager
    def _guarded(self, verb: str) -> Any:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"table {self._root.name} cannot be {verb}: {error.strerror or error}",
                hint="check that the folder is there, writable, and the disk has room",
                code="SF632",
            ) from error


def _partition(part: pl.DataFrame, names: Sequence[str]) -> str:
    values = part.select(names).row(0, named=True)
    return "/".join(f"{name}={value}" for name, value in values.items())


def _values(partition: str) -> dict[str, str | None]:
    pairs = [part.partition("=") for part in partition.split("/") if part]
    return {name: None if value == "None" else value for name, _, value in pairs}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
