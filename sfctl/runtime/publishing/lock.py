"""One publisher a dataset and machine: a lock the kernel lets go of when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from sfctl.errors import StoreError, StoreLocked
from sfctl.model import urn

PAUSE = 0.02


@contextlib.contextmanager
def dataset_lock(folder: Path, dataset_urn: str, *, seconds: float) -> Iterator[None]:
    """Hold the dataset for the block; wait at most `seconds` for another holder.

    Raises StoreLocked SF331, naming the holder, or StoreError SF332 when there can be no lock.
    """
    path = folder / f"{urn.slug(dataset_urn)}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(
            f"cannot lock {dataset_urn}: {error.strerror}",
            hint=f"check that {folder.name} is writable",
            code="SF332",
        ) from error
    try:
        _acquire(descriptor, dataset_urn, seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, dataset_urn: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                raise StoreLocked(
                    f"{dataset_urn} is being published by process {holder or 'unknown'}, "
                    f"waited {seconds:g} s",
                    hint="let it finish; two runs of one dataset take turns",
                    code="SF331",
                ) from None
            time.sleep(PAUSE)
