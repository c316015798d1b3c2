"""The format of `.sfctl/`: a marker, steps from one format to the next, a backup of what was.

An upgrade works on a copy and swaps it in by renaming, so that the folder is always whole: the old
one until the last moment, the new one after. The old one stays in it under `backups/`. Tables
inside the SQLite files have versions of their own (`sfctl.sqlite`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sfctl.errors import SfctlError, StoreError, StoreLocked

MARKER = "format"
BACKUPS = "backups"
FOLDERS = ("outbox", "runs", "locks", "keys")

Step = Callable[[Path], None]
"""Brings a whole folder from one format to the next, in place; raises when it cannot."""


def _begin(folder: Path) -> None:
    """Format 1: the folders that every part relies on."""
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o700, exist_ok=True)


STEPS: tuple[Step, ...] = (_begin,)
"""`STEPS[n]` leads from format n to n + 1; a folder without a marker has format 0."""


def prepare(folder: Path, steps: Sequence[Step] = STEPS) -> int:
    """Make `.sfctl/` ready for this version and return the format it had, -1 when it is new.

    Raises StoreError SF606 for a newer format, SF608 for a step that failed, StoreLocked while a
    job still writes to it.
    """
    found = format_of(folder)
    if found == len(steps) and not _beside(folder, "old").is_dir():
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _repair(folder)
            found = format_of(folder)
            if found > len(steps):
                raise StoreError(
                    f"{folder} has format {found}, this sfctl knows up to {len(steps)}",
                    hint="install the sfctl version that wrote it, or a newer one; "
                    "nothing was changed",
                    code="SF606",
                )
            if found < 0:
                _create(folder, steps)
            elif found < len(steps):
                _upgrade(folder, found, steps)
    except OSError as error:
        raise StoreError(
            f"cannot prepare {folder}: {error.strerror or error}",
            hint="check that the project folder is writable",
        ) from error
    return found


def format_of(folder: Path) -> int:
    """Return the format of a folder: -1 when there is none, 0 when it carries no marker."""
    try:
        return int((folder / MARKER).read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return 0 if any(folder.glob("*")) else -1
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder / MARKER} does not hold a number",
            hint="restore the file; formats are whole numbers",
            code="SF604",
        ) from error


def _create(folder: Path, steps: Sequence[Step]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for step in steps:
        step(folder)
    _mark(folder, len(steps))


def _upgrade(folder: Path, found: int, steps: Sequence[Step]) -> None:
    _refuse_writers(folder)
    fresh, old = _beside(folder, "new"), _beside(folder, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        _copy(folder, fresh)
        for step in steps[found:]:
            step(fresh)
        _mark(fresh, len(steps))
    except (OSError, ValueError, sqlite3.Error, SfctlError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StoreError(
            f"{folder} could not be brought from format {found} to {len(steps)}: {error}",
            hint="nothing was changed; the sfctl version that wrote it still works",
            code="SF608",
        ) from error
    folder.rename(old)
    fresh.rename(folder)
    _keep_backup(old, folder, found)


def _repair(folder: Path) -> None:
    """Finish a swap that was killed half-way: the copy was complete before the old one moved."""
    fresh, old = _beside(folder, "new"), _beside(folder, "old")
    if old.is_dir():
        if not folder.exists():
            (fresh if (fresh / MARKER).is_file() else old).rename(folder)
        if old.is_dir():
            _keep_backup(old, folder, max(format_of(old), 0))


def _keep_backup(old: Path, folder: Path, number: int) -> None:
    """Put what was into the new folder, where it is ignored by git and swept by age."""
    backup = folder / BACKUPS / f"format-{number}"
    shutil.rmtree(backup, ignore_errors=True)
    backup.parent.mkdir(exist_ok=True)
    old.rename(backup)
    os.utime(backup)


def _copy(folder: Path, fresh: Path) -> None:
    """Copy a folder; SQLite files by SQLite, so that what stands in their logs comes along."""
    left_out = shutil.ignore_patterns("*.db", "*.db-wal", "*.db-shm", BACKUPS)
    shutil.copytree(folder, fresh, ignore=left_out)
    for path in folder.glob("*.db"):
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(fresh / path.relative_to(folder))) as target,
        ):
            source.backup(target)


def _refuse_writers(folder: Path) -> None:
    for path in (folder / "outbox").glob("*.outbox"):
        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StoreLocked(
                    f"a running job writes to {folder}; it is upgraded when that ends",
                    hint="try again when no sfctl job runs",
                ) from None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make or change the folder; the lock file goes with the lock."""
    path = _beside(folder, "lock")
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # who held it before us has removed the file
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}.{suffix}")


def _mark(folder: Path, number: int) -> None:
    fresh = folder / f"{MARKER}.tmp"
    fresh.write_text(f"{number}\n", encoding="ascii")
    fresh.replace(folder / MARKER)
