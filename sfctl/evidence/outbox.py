"""The outbox: evidence on local disk, one append-only file a process, before anything else sees it.

A line is the CRC-32 of the event in eight hex digits, a space, the event as JSON. A writer holds a
shared lock on its file as long as it lives, so that a flusher knows when a file is finished.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import zlib
from pathlib import Path
from types import TracebackType

from sfctl.errors import StoreError
from sfctl.evidence import bulk, sanitizer
from sfctl.model import evidence
from sfctl.model.evidence import Evidence

MAX_FILE_BYTES = 64 * 2**20
MAX_FOLDER_BYTES = 512 * 2**20
SUFFIX = ".outbox"


class Outbox:
    """The writing end, for all threads of a process. Only the constructor raises (StoreError).

    `refused` counts events that found no room or no disk; `trouble` says why the last one was.
    """

    def __init__(
        self,
        folder: str | Path,
        run_id: str,
        *,
        max_bytes: int = MAX_FILE_BYTES,
        max_folder_bytes: int = MAX_FOLDER_BYTES,
    ) -> None:
        self.folder = Path(folder)
        self.run_id = run_id
        self.written = 0
        self.refused = 0
        self.trouble = ""
        self._fd = -1
        self._max_bytes = max_bytes
        self._max_folder_bytes = max_folder_bytes
        self._open()

    def append(self, event: Evidence, *, sync: bool = False) -> bool:
        """Write one event, cleaned of values, in one system call; True when it is in the file.

        With `sync` also on the disk itself.
        """
        try:
            if os.getpid() != self._pid:
                self._open()
            clean = sanitizer.clean(event)
            body = evidence.encode(clean)
            if bulk.is_large(body):
                body = evidence.encode(bulk.store(clean, self.folder.parent))
            line = b"%08x %s\n" % (zlib.crc32(body), body)
            with self._lock:
                if self._size + len(line) > self._room:
                    return self._refuse(f"the outbox is full at {self._room} bytes")
                if os.write(self._fd, line) != len(line):
                    os.ftruncate(self._fd, self._size)
                    return self._refuse("the disk is full")
                self._size += len(line)
                self.written += 1
            if sync:
                os.fsync(self._fd)
        except Exception as error:  # noqa: BLE001  evidence never costs the user's job anything
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            return self._refuse(reason or "OSError")
        return True

    def sync(self) -> bool:
        """Force what was appended to the disk; False when the disk refuses."""
        try:
            os.fsync(self._fd)
        except (OSError, ValueError) as error:
            self.trouble = f"fsync: {error}"
            return False
        return True

    def close(self) -> None:
        """Sync and let go of the file. Closing twice is fine."""
        if self._fd >= 0:
            self.sync()
            os.close(self._fd)
        self._fd = -1

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> None:
        """Begin a file of this process; a forked child lets go of its parent's."""
        if self._fd >= 0:
            os.close(self._fd)
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._fd = -1
        self._size = 0
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", self.run_id)[:100]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            used = sum(entry.stat().st_size for entry in os.scandir(self.folder))
            self._room = min(self._max_bytes, max(self._max_folder_bytes - used, 0))
            for number in range(1000):
                self.path = self.folder / f"{name}-{self._pid}-{number}{SUFFIX}"
                try:
                    self._fd = os.open(
                        self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600
                    )
                except FileExistsError:
                    continue
                fcntl.flock(self._fd, fcntl.LOCK_SH)
                if os.fstat(self._fd).st_nlink:
                    return
                os.close(self._fd)  # a flusher took the empty file for finished
        except OSError as error:
            raise StoreError(
                f"cannot open an outbox in {self.folder}: {error.strerror}",
                hint="check that the folder is writable and the disk has room",
                code="SF605",
            ) from error
        raise StoreError(f"too many outbox files of {name} in {self.folder}", code="SF605")

    def _refuse(self, why: str) -> bool:
        self.refused += 1
        self.trouble = why
        return False
