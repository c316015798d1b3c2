"""The embedded state store: one SQLite file in WAL mode, for one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfctl.clock import Clock, SystemClock
from sfctl.errors import Conflict
from sfctl.model import codec
from sfctl.sqlite import Store
from sfctl.state.port import ABSENT, Delete, Expect, Item, Put

_STEPS = (
    """
CREATE TABLE items (
    tbl TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    version INTEGER NOT NULL,
    expires_at REAL,
    PRIMARY KEY (tbl, key)
) WITHOUT ROWID;
CREATE INDEX items_expiry ON items (expires_at) WHERE expires_at IS NOT NULL
""",
)
_TOMBSTONE_S = 30 * 86400.0
"""How long a removed key's version is remembered, so that an old expectation cannot match anew."""


class EmbeddedState(Store):
    """The state port on `path` (`.sfctl/state.db`). A lock is waited for `timeout` seconds."""

    def __init__(
        self, path: str | Path, *, timeout: float = 5.0, clock: Clock | None = None
    ) -> None:
        super().__init__(path, _STEPS, timeout=timeout)
        self._clock = clock or SystemClock()

    def get(self, table: str, key: str) -> Item | None:
        """Return an item, or None."""
        rows = self._db.rows(
            "SELECT value, version, expires_at FROM items WHERE tbl = ? AND key = ? "
            "AND value IS NOT NULL AND (expires_at IS NULL OR expires_at > ?)",
            (table, key, self._now()),
        )
        return _item(table, key, *rows[0]) if rows else None

    def put(
        self,
        table: str,
        key: str,
        value: dict[str, Any],
        *,
        expect: Expect = None,
        expires_at: datetime | None = None,
    ) -> Item:
        """Write an item and return it with its new version. Raises Conflict when `expect` fails."""
        with self._db.transaction() as cursor:
            version = self._put(cursor, Put(table, key, value, expect, expires_at))
        return Item(table, key, value, version, expires_at)

    def delete(self, table: str, key: str, *, expect: Expect = None) -> None:
        """Remove an item. Raises Conflict when `expect` fails."""
        with self._db.transaction() as cursor:
            self._delete(cursor, Delete(table, key, expect))

    def query(self, table: str, prefix: str = "") -> list[Item]:
        """Return the items whose keys begin with `prefix`, in key order."""
        rows = self._db.rows(
            "SELECT key, value, version, expires_at FROM items WHERE tbl = ? AND key >= ? "
            "AND substr(key, 1, ?) = ? AND value IS NOT NULL "
            "AND (expires_at IS NULL OR expires_at > ?) ORDER BY key",
            (table, prefix, len(prefix), prefix, self._now()),
        )
        return [_item(table, *row) for row in rows]

    def transact(self, writes: Sequence[Put | Delete]) -> None:
        """Do all of it or none. Raises Conflict when any condition fails, naming the key."""
        with self._db.transaction() as cursor:
            for write in writes:
                if isinstance(write, Put):
                    self._put(cursor, write)
                else:
                    self._delete(cursor, write)

    def sweep(self, limit: int = 10_000) -> int:
        """Empty at most `limit` expired items, and as many old tombstones; return how many."""
        now = self._now()
        with self._db.transaction() as cursor:
            cursor.execute(
                "DELETE FROM items WHERE (tbl, key) IN (SELECT tbl, key FROM items "
                "WHERE expires_at <= ? AND value IS NULL LIMIT ?)",
                (now, limit),
            )
            gone = cursor.rowcount
            cursor.execute(
                "UPDATE items SET value = NULL, expires_at = ? WHERE (tbl, key) IN (SELECT tbl, "
                "key FROM items WHERE expires_at <= ? AND value IS NOT NULL LIMIT ?)",
                (now + _TOMBSTONE_S, now, limit),
            )
            return gone + cursor.rowcount

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _check(self, cursor: sqlite3.Cursor, write: Put | Delete) -> int:
        """Return the key's last version, 0 for a new key. Raises Conflict."""
        row = cursor.execute(
            "SELECT version, value IS NOT NULL AND (expires_at IS NULL OR expires_at > ?) "
            "FROM items WHERE tbl = ? AND key = ?",
            (self._now(), write.table, write.key),
        ).fetchone()
        version, alive = row or (0, False)
        if write.expect is not None:
            found: Expect = version if alive else ABSENT
            if found != write.expect:
                raise Conflict(
                    f"{write.table}/{write.key} is {_spoken(found)}, expected "
                    f"{_spoken(write.expect)}",
                    hint="another writer was quicker; read it again and decide anew",
                )
        return int(version)

    def _put(self, cursor: sqlite3.Cursor, put: Put) -> int:
        version = self._check(cursor, put) + 1
        expires = put.expires_at.timestamp() if put.expires_at else None
        cursor.execute(
            "INSERT OR REPLACE INTO items VALUES (?,?,?,?,?)",
            (put.table, put.key, codec.encode(put.value).decode(), version, expires),
        )
        return version

    def _delete(self, cursor: sqlite3.Cursor, delete: Delete) -> None:
        if version := self._check(cursor, delete):
            cursor.execute(
                "UPDATE items SET value = NULL, version = ?, expires_at = ? "
                "WHERE tbl = ? AND key = ?",
                (version, self._now() + _TOMBSTONE_S, delete.table, delete.key),
            )


def _item(table: str, key: str, value: str, version: int, expires: float | None) -> Item:
    until = datetime.fromtimestamp(expires, UTC) if expires is not None else None
    return Item(table, key, codec.decode(value, dict), version, until)


def _spoken(expect: Expect) -> str:
    return "absent" if expect == ABSENT else f"at version {expect}"
