"""`target/` on disk: a compile lands in it as a whole or not at all, one compile at a time.

New files are written and flushed in a folder of their own; its rename to `.pending` is the moment
the compile happened. From there they move to their places, the manifest last; the next compile
finishes what a kill left. Files of others, such as run results, are never touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sfctl.errors import StoreError, StoreLocked
from sfctl.model import codec
from sfctl.model.manifest import Manifest, digest_of

MANIFEST = "manifest.json"
_PENDING = ".pending"
_REMOVED = ".removed"
_WAIT_SECONDS = 30.0
_FLUSHED_ONE_BY_ONE = 100


def read_manifest(target: Path) -> Manifest | None:
    """Return the manifest of an earlier compile; None where there is none that can be trusted."""
    try:
        manifest = codec.decode((target / MANIFEST).read_bytes(), Manifest)
    except (OSError, ValueError):
        return None
    return manifest if digest_of(manifest) == manifest.digest else None


@contextmanager
def locked(target: Path, wait: float = _WAIT_SECONDS) -> Iterator[None]:
    """Hold the compile lock of `target`, having finished what a killed compile left.

    Raises StoreLocked after `wait` seconds, StoreError where the folder cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        file = (target / ".lock").open("w")
    except OSError as error:
        raise _unwritable(target, error) from error
    with file:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreLocked(
                        "another compile is at work", hint="wait for it, then compile again"
                    ) from None
                time.sleep(0.02)
        finish(target)
        yield


def place(target: Path, files: Mapping[str, bytes], removed: frozenset[str]) -> None:
    """Put `files` (relative path → bytes) into `target` and take `removed` out, all or nothing.

    Files that are there already with the same bytes stay. Raises StoreError, after which the
    folder is as it was.
    """
    changed = {name: data for name, data in files.items() if _differs(target / name, data)}
    gone = sorted(name for name in removed if (target / name).exists())
    if not changed and not gone:
        return
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target))
    try:
        _write(staging, {**changed, _REMOVED: "\n".join(gone).encode()})
        staging.rename(target / _PENDING)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _unwritable(target, error) from error
    finish(target)


def finish(target: Path) -> None:
    """Move what a compile left pending to its place; remove what one left unfinished."""
    for staging in target.glob(".staging-*"):
        shutil.rmtree(staging, ignore_errors=True)
    pending = target / _PENDING
    if not pending.is_dir():
        return
    try:
        moved = [path for path in pending.rglob("*") if path.is_file() and path.name != _REMOVED]
        for path in sorted(moved, key=lambda path: (path.name == MANIFEST, path)):
            destination = target / path.relative_to(pending)
            destination.parent.mkdir(parents=True, exist_ok=True)
            path.replace(destination)
        listed = pending / _REMOVED
        for name in listed.read_text().splitlines() if listed.is_file() else ():
            (target / name).unlink(missing_ok=True)
        shutil.rmtree(pending)
    except OSError as error:
        raise _unwritable(target, error) from error
    _flush(target)


def _differs(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() != data
    except OSError:
        return True


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    singly = len(files) <= _FLUSHED_ONE_BY_ONE
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            if singly:
                file.flush()
                os.fsync(file.fileno())
    if not singly:
        os.sync()


def _flush(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unwritable(target: Path, error: OSError) -> StoreError:
    reason = (error.strerror or "failed").lower()
    return StoreError(
        f"{target} cannot be written ({reason})", hint="what was there before still stands"
    )
