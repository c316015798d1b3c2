"""The embedded bus: one SQLite file in WAL mode, for one machine and as many processes as it has.

Commits are durable (`synchronous=FULL`): the outbox forgets an event once the bus has it, so a
power cut may not take it back. A batch is one commit, which keeps the price of that low.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sfctl.clock import Clock, SystemClock, format_instant
from sfctl.evidence.port import DeadLetter, Published, Query, Record
from sfctl.model import evidence, urn
from sfctl.model.evidence import Evidence
from sfctl.sqlite import Store

_STEPS = (
    """
CREATE TABLE events (
    offset INTEGER PRIMARY KEY AUTOINCREMENT,
    evidence_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    digest TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    dataset_urn TEXT NOT NULL,
    run_id TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    result TEXT NOT NULL,
    gates TEXT NOT NULL,
    published_at TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (evidence_id, revision)
);
CREATE INDEX events_run ON events (run_id, offset);
CREATE INDEX events_dataset ON events (dataset_urn, timestamp);
CREATE INDEX events_time ON events (timestamp);
CREATE INDEX events_published ON events (published_at);
CREATE TABLE groups (name TEXT PRIMARY KEY, offset INTEGER NOT NULL);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    origin TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (reason, origin, body)
)
""",
    "CREATE INDEX events_kind ON events (kind, offset)",
)
_ROW = "offset, key, body, published_at"


class EmbeddedBus(Store):
    """The bus port on `path` (`.sfctl/bus.db`). A lock is waited for `timeout` seconds."""

    def __init__(
        self, path: str | Path, *, timeout: float = 1.0, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        super().__init__(path, _STEPS, timeout=timeout)

    def publish(self, events: Sequence[Evidence]) -> Published:
        """Append all or none, in one durable commit; see the port."""
        if not events:
            return Published()
        accepted = duplicates = 0
        refused: list[DeadLetter] = []
        rows = [_row(event) for event in events]
        published_at = format_instant(self._clock.now())
        with self._db.transaction() as cursor:
            for row in rows:
                cursor.execute(
                    "INSERT INTO events (evidence_id, revision, digest, key, kind, dataset_urn, "
                    "run_id, timestamp, result, gates, body, published_at) "
                    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?) "
                    "ON CONFLICT DO NOTHING",
                    (*row, published_at),
                )
                if cursor.rowcount:
                    accepted += 1
                    continue
                known = cursor.execute(
                    "SELECT digest FROM events WHERE evidence_id = ? AND revision = ?", row[:2]
                ).fetchone()
                if known[0] == row[2]:
                    duplicates += 1
                else:
                    refused.append(_id_reused(row))
            self._keep(cursor, refused)
        return Published(accepted, duplicates, len(refused))

    def read(self, group: str, limit: int = 500) -> list[Record]:
        """Return what follows the group's committed place, oldest first."""
        rows = self._db.rows(
            f"SELECT {_ROW} FROM events WHERE offset > "  # noqa: S608
            "COALESCE((SELECT offset FROM groups WHERE name = ?), 0) ORDER BY offset LIMIT ?",
            (group, limit),
        )
        return [_record(row) for row in rows]

    def commit(self, group: str, records: Sequence[Record]) -> None:
        """Move the group past these records; never backwards."""
        if records:
            last = max(record.offset for record in records)
            with self._db.transaction() as cursor:
                cursor.execute(
                    "INSERT INTO groups VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
                    "SET offset = max(offset, excluded.offset)",
                    (group, last),
                )

    def seek(self, group: str, to: Literal["start", "end"] | datetime | int) -> None:
        """Put the group so that `read` begins at `to`; an offset or a time is included."""
        with self._db.transaction() as cursor:
            if to == "start":
                place = 0
            elif to == "end":
                place = _scalar(cursor, "SELECT MAX(offset) FROM events")
            elif isinstance(to, datetime):
                first = _scalar(
                    cursor,
                    "SELECT MIN(offset) FROM events WHERE timestamp >= ?",
                    format_instant(to),
                )
                end = _scalar(cursor, "SELECT MAX(offset) FROM events")
                place = first - 1 if first else end
            else:
                place = max(int(to) - 1, 0)
            cursor.execute("INSERT OR REPLACE INTO groups VALUES (?, ?)", (group, place))

    def lag(self, group: str) -> int:
        """Return how many events the group has not committed."""
        return int(
            self._db.rows(
                "SELECT COUNT(*) FROM events WHERE offset > "
                "COALESCE((SELECT offset FROM groups WHERE name = ?), 0)",
                (group,),
            )[0][0]
        )

    def groups(self) -> dict[str, int]:
        """Return each known group's committed offset."""
        return dict(self._db.rows("SELECT name, offset FROM groups ORDER BY name"))

    def forget_group(self, group: str) -> None:
        """Forget a group's place."""
        with self._db.transaction() as cursor:
            cursor.execute("DELETE FROM groups WHERE name = ?", (group,))

    def query(self, query: Query) -> list[Record]:
        """Return matching events in log order (or newest first)."""
        where, values = _conditions(query)
        order = "DESC" if query.newest_first else "ASC"
        rows = self._db.rows(
            f"SELECT {_ROW} FROM events {where} ORDER BY offset {order} LIMIT ?",  # noqa: S608
            (*values, query.limit),
        )
        return [_record(row) for row in rows]

    def get(self, evidence_id: str, revision: int | None = None) -> Record | None:
        """Return one event, the highest revision unless one is named."""
        rows = self._db.rows(
            f"SELECT {_ROW} FROM events WHERE evidence_id = ? "  # noqa: S608
            "AND revision = COALESCE(?, revision) ORDER BY revision DESC LIMIT 1",
            (evidence_id, revision),
        )
        return _record(rows[0]) if rows else None

    def dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what could not be accepted; the same thing twice is kept once."""
        with self._db.transaction() as cursor:
            self._keep(cursor, letters)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Return the newest dead letters first."""
        rows = self._db.rows(
            "SELECT at, reason, detail, origin, body, id FROM dead_letters "
            "ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [DeadLetter(*row) for row in rows]

    def count(self) -> int:
        """Return how many events are on the log."""
        return int(self._db.rows("SELECT COUNT(*) FROM events")[0][0])

    def forget(self, before: datetime, *, through: int, limit: int = 10_000) -> int:
        """Drop at most `limit` of the oldest events published before a time, none past `through`.

        Returns how many went.
        """
        with self._db.transaction() as cursor:
            cursor.execute(
                "DELETE FROM events WHERE offset IN (SELECT offset FROM events "
                "WHERE published_at < ? AND offset <= ? ORDER BY offset LIMIT ?)",
                (format_instant(before), through, limit),
            )
            return cursor.rowcount

    def forget_dead_letters(self, keep: int) -> int:
        """Drop all but the newest `keep` dead letters; return how many went."""
        with self._db.transaction() as cursor:
            cursor.execute(
                "DELETE FROM dead_letters WHERE id <= "
                "(SELECT id FROM dead_letters ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (keep,),
            )
            return cursor.rowcount

    def shrink(self) -> None:
        """Give freed space back to the file system."""
        self._db.shrink()

    @staticmethod
    def _keep(cursor: sqlite3.Cursor, letters: Iterable[DeadLetter]) -> None:
        cursor.executemany(
            "INSERT INTO dead_letters (at, reason, detail, origin, body) VALUES (?,?,?,?,?) "
            "ON CONFLICT DO NOTHING",
            [(x.at, x.reason, x.detail, x.origin, x.body) for x in letters],
        )


def _row(event: Evidence) -> tuple[Any, ...]:
    gates = "".join(f"|{g.get('gate', '')}:{g.get('result', '')}|" for g in event.gates)
    body = evidence.encode(event)
    return (
        event.evidence_id,
        event.revision,
        evidence.fingerprint(event),
        event.key,
        event.kind,
        event.dataset_urn,
        event.run_id,
        event.timestamp,
        event.result,
        gates,
        body,
    )


def _record(row: tuple[Any, ...]) -> Record:
    offset, key, body, published_at = row
    return Record(0, offset, key, evidence.decode(body), published_at)


def _id_reused(row: tuple[Any, ...]) -> DeadLetter:
    return DeadLetter(
        at=row[7],
        reason="ID_REUSED",
        detail=f"{row[0]} revision {row[1]} is on the log with other content",
        origin=row[6] or row[5],
        body=row[10].decode(),
    )


def _conditions(query: Query) -> tuple[str, tuple[Any, ...]]:
    clauses: list[tuple[str, Any]] = []
    if query.run_id:
        clauses.append(("run_id = ?", query.run_id))
    if query.dataset:
        name = query.dataset
        if urn.is_dataset(name):
            name = urn.without_stage(urn.canonical(name))
        clauses.append(("dataset_urn = ?", name))
    if query.kind:
        clauses.append(("kind = ?", query.kind))
    if query.gate:
        clauses.append(("instr(gates, ?)", f"|{query.gate}:{query.result}"))
    elif query.result:
        clauses.append(("result = ?", query.result))
    if query.since:
        clauses.append(("timestamp >= ?", format_instant(query.since)))
    if query.until:
        clauses.append(("timestamp < ?", format_instant(query.until)))
    if not clauses:
        return "", ()
    return "WHERE " + " AND ".join(c for c, _ in clauses), tuple(v for _, v in clauses)


def _scalar(cursor: sqlite3.Cursor, sql: str, *values: Any) -> int:
    return int(cursor.execute(sql, values).fetchone()[0] or 0)
