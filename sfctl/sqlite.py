"""The floor under the embedded stores: one SQLite file, its upgrades, and errors in our own words.

WAL lets readers work beside one writer; `synchronous=FULL` makes a commit survive a power cut. Not
for network file systems, where WAL's shared memory does not exist (`sfctl doctor` looks).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sfctl.errors import StoreError, StoreLocked

_ROOM = 65_536
"""Bytes: with less the files beside a database cannot be made."""
_INHERITED: list[sqlite3.Connection] = []
"""Connections of a parent process, kept from being closed in its child."""


def _let_go(connection: sqlite3.Connection, pid: int) -> None:
    """Close what a forgotten store left open, though never in a child of the process it is of."""
    if os.getpid() == pid:
        connection.close()


class Database:
    """One SQLite file. Safe across threads, processes and forks; opened when first needed.

    `steps` are scripts: the first makes the tables, each further one brings an older file forward,
    and `PRAGMA user_version` counts those applied. A lock is waited for `timeout` seconds.
    """

    def __init__(self, path: Path, steps: Sequence[str], *, timeout: float) -> None:
        self.path = path
        self._steps = tuple(steps)
        self._timeout = timeout
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor inside one write transaction: all of it, or nothing."""
        with self._guard(), self._translated():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection.cursor()
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of one reading statement."""
        with self._guard(), self._translated():
            return self._open().execute(sql, values).fetchall()

    def size(self) -> int:
        """Return the bytes on disk, the write-ahead log included."""
        total = 0
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                total += self.path.with_name(self.path.name + suffix).stat().st_size
        return total

    def shrink(self) -> None:
        """Give freed pages back to the file system."""
        with self._guard(), self._translated():
            connection = self._open()
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file. Closing twice is fine."""
        with self._guard():
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _guard(self) -> threading.RLock:
        """Return the lock of this process; a forked child may not touch what its parent holds."""
        if self._pid != os.getpid():
            if self._connection is not None:
                _INHERITED.append(self._connection)
            self._connection = None
            self._lock = threading.RLock()
            self._pid = os.getpid()
        return self._lock

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make {self.path.parent}: {error.strerror}") from error
        connection = sqlite3.connect(
            self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._enter_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            self._upgrade(connection)
        except BaseException:
            connection.close()
            raise
        weakref.finalize(self, _let_go, connection, os.getpid())
        return connection

    def _enter_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL; SQLite does not wait here by itself when two processes begin at once."""
        ends_at = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or time.monotonic() > ends_at:
                    raise
                time.sleep(0.01)

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        wanted = len(self._steps)
        if self._version(connection) == wanted:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = self._version(connection)
            if found > wanted:
                raise StoreError(
                    f"{self.path} has format {found}, this sfctl knows up to {wanted}",
                    hint="install the sfctl version that wrote it, or a newer one",
                    code="SF606",
                )
            if 0 < found < wanted:
                self._back_up(found)
            for step in self._steps[found:]:
                for statement in step.split(";\n"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {wanted}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def _back_up(self, version: int) -> None:
        """Copy the file as it was to `<name>.v<version>.bak` before it is changed."""
        copy = self.path.with_name(f"{self.path.name}.v{version}.bak")
        with (
            contextlib.closing(sqlite3.connect(self.path)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.Error) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        if _is_locked(error):
            return StoreLocked(
                f"{self.path} is held by another process for longer than {self._timeout:g} s",
                hint="let the other sfctl process end, then try again",
            )
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return StoreError(
                f"{self.path} is damaged: {error}",
                hint=f"move it away and restore a copy; a fresh one is made when {self.path.name} "
                "is missing",
                code="SF604",
            )
        if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and no_room(self.path)):
            return StoreError(
                f"no room on the disk for {self.path}",
                hint="free some space; nothing was changed",
                code="SF605",
            )
        return StoreError(f"{self.path} does not answer: {error}", hint="check its permissions")


def no_room(path: Path) -> bool:
    """Tell whether the disk of a file has no room left: SQLite calls that an I/O error at times."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM
    except OSError:
        return False


class Store:
    """What every store on one such file has in common: a path, a size, an end."""

    def __init__(self, path: str | Path, steps: Sequence[str], *, timeout: float) -> None:
        self._db = Database(Path(path), steps, timeout=timeout)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._db.path

    def size(self) -> int:
        """Return the bytes the store takes on disk."""
        return self._db.size()

    def close(self) -> None:
        """Let go of the connection. Closing twice is fine."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what is open; SQLite may have done so by itself, as on a full disk."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _is_locked(error: sqlite3.Error) -> bool:
    name = getattr(error, "sqlite_errorname", "")
    return bool(name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")))
