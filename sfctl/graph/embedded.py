"""The embedded graph: one SQLite file in WAL mode, apart from the log and the state.

A walk reads one level at a time with one statement, so its cost is that of the levels' edges.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any

from sfctl.errors import StoreError
from sfctl.graph import caps, walks
from sfctl.graph.find import head, tail_patterns
from sfctl.graph.merging import Folded, Known, Rolled, changes, fold
from sfctl.graph.port import LIMIT, Direction, Hop, Path, Reached
from sfctl.model.graph import Edge, Elements, Node
from sfctl.sqlite import Store

_STEPS = (
    """
CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    props TEXT NOT NULL,
    seen REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX nodes_by_label ON nodes (label, id);
CREATE INDEX nodes_by_age ON nodes (label, seen);
CREATE TABLE edges (
    source TEXT NOT NULL,
    label TEXT NOT NULL,
    target TEXT NOT NULL,
    props TEXT NOT NULL,
    seen REAL NOT NULL,
    rolled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, label, target)
) WITHOUT ROWID;
CREATE INDEX edges_in ON edges (target, label, source);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('generation', 0)
""",
)


class EmbeddedGraph(Store):
    """The graph port on `path` (`.sfctl/graph.db`). A lock is waited for `timeout` seconds."""

    def __init__(self, path: str | FilePath, *, timeout: float = 5.0) -> None:
        super().__init__(path, _STEPS, timeout=timeout)

    def upsert(self, elements: Elements, now: datetime) -> int:
        """Merge nodes and edges, all or none; return how many changed.

        Raises UsageError SF843 where two values of a property cannot be compared.
        """
        new = fold(elements)
        if not new.nodes and not new.edges:
            return 0
        seen = now.timestamp()
        with self._db.transaction() as cursor:
            before = _known(cursor, new)
            new = before.shown(new, seen)
            changed = changes(before, new)
            cursor.executemany(
                "INSERT INTO nodes VALUES (?,?,?,?) ON CONFLICT (id) DO UPDATE SET "
                "label = excluded.label, props = excluded.props",
                [(id, label, _dump(props), seen) for id, (label, props) in changed.nodes.items()],
            )
            cursor.executemany(
                "INSERT INTO edges VALUES (?,?,?,?,?,0) ON CONFLICT (source, label, target) "
                "DO UPDATE SET props = excluded.props, rolled = 0",
                [(*key, _dump(props), seen) for key, props in changed.edges.items()],
            )
            _touch(cursor, new, seen)
            caps.unroll(
                cursor, [before.rolled[key] for key in sorted(before.rolled) if key in new.edges]
            )
            caps.enforce(cursor, [key for key in changed.edges if key not in before.edges])
            count = len(changed.nodes) + len(changed.edges)
            if count:
                _grow(cursor)
        return count

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a lock beside the file; see the port."""
        lock = self._db.path.with_suffix(".lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("w")
        except OSError as error:
            raise StoreError(f"cannot open {lock}: {error.strerror}") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def node(self, id: str) -> Node | None:
        """Return one node."""
        rows = self._db.rows("SELECT id, label, props FROM nodes WHERE id = ?", (id,))
        return _node(*rows[0]) if rows else None

    def nodes(self, label: str = "", *, ids: Sequence[str] = (), limit: int = LIMIT) -> list[Node]:
        """Return nodes by label, or those of `ids` that exist, or of both; by id."""
        if not ids:
            rows = self._db.rows(
                "SELECT id, label, props FROM nodes WHERE label = ? ORDER BY id LIMIT ?",
                (label, limit if label else 0),
            )
            return [_node(*row) for row in rows]
        found = self._fetch(ids)
        named = [found[id] for id in sorted(found) if label in ("", found[id].label)]
        return named[:limit]

    def find(self, text: str, limit: int = 10) -> list[Node]:
        """Return the node with this id, else those whose tail, `name` or `alias` it is; by id.

        A FailureSignature ends in its dataset's id, so it goes by what stands before that.
        """
        exact = self.node(text)
        if exact is not None or not text:
            return [exact] if exact else []
        tails = tail_patterns(text)
        size = len(tails[0])
        in_json = json.dumps(text, ensure_ascii=False)
        rows = self._db.rows(
            "SELECT id, label, props FROM nodes WHERE "
            "(label <> 'FailureSignature' AND substr(id, ?) IN (?, ?, ?)) "
            "OR (label = 'FailureSignature' AND substr(id, 1, ?) = ?) "
            "OR (instr(props, ?) AND EXISTS (SELECT 1 FROM json_each(props) AS prop, "
            "json_each(props, '$.' || prop.key) AS each WHERE prop.key IN ('name', 'alias') "
            "AND each.value = ?)) ORDER BY id",
            (-size, *tails, len(text) + 1, f"{text}:", in_json, text),
        )
        nodes = (_node(*row) for row in rows)
        return [each for each in nodes if head(each, text)][:limit]

    def edges(
        self,
        node: str,
        direction: Direction = "out",
        labels: Iterable[str] = (),
        *,
        limit: int = LIMIT,
    ) -> list[Edge]:
        """Return a node's edges, of these labels or of any; by label, then far end."""
        return self._expand([node], direction, tuple(labels), limit)

    def walk(
        self,
        start: str,
        direction: Direction,
        labels: Iterable[str],
        *,
        max_hops: int,
        limit: int = LIMIT,
    ) -> Reached:
        """Return what can be reached over edges of `labels`, or of any, without the start."""
        return walks.walk(
            self._expand, self._fetch, start, direction, labels, max_hops=max_hops, limit=limit
        )

    def follow(self, start: str, hops: Sequence[Hop], *, limit: int = LIMIT) -> list[Path]:
        """Return the paths that take exactly these hops, in order of the ids along them."""
        return walks.follow(self._expand, self._fetch, start, hops, limit=limit)

    def stale(self, now: datetime, *, keep: Iterable[str] = (), limit: int = 1_000) -> list[Node]:
        """Return what `expire` would drop now, oldest first."""
        rows = self._db.rows(*_stale(now, keep, limit))
        return [_node(*row) for row in rows]

    def expire(self, now: datetime, *, keep: Iterable[str] = (), limit: int = 1_000) -> int:
        """Drop at most `limit` nodes past their label's days, with their edges; return how many."""
        with self._db.transaction() as cursor:
            rows = cursor.execute(*_stale(now, keep, limit)).fetchall()
            caps.drop_nodes(cursor, [row[0] for row in rows])
            if rows:
                _grow(cursor)
        return len(rows)

    def export(self) -> Elements:
        """Return everything as of one moment; nodes by id, edges by source, target and label."""
        rows = self._db.rows(
            "SELECT 0, id, '', label, props FROM nodes UNION ALL "
            "SELECT 1, source, target, label, props FROM edges WHERE rolled = 0 "
            "ORDER BY 1, 2, 3, 4"
        )
        return Elements(
            tuple(_node(id, label, props) for kind, id, _, label, props in rows if not kind),
            tuple(
                _edge(source, target, label, props)
                for kind, source, target, label, props in rows
                if kind
            ),
        )

    def generation(self) -> int:
        """Return a number that grows with every change, for caches."""
        return int(self._db.rows("SELECT value FROM counters WHERE name = 'generation'")[0][0])

    def _expand(
        self,
        nodes: Collection[str],
        direction: Direction,
        labels: Collection[str],
        limit: int = -1,
    ) -> list[Edge]:
        of_label = "AND label IN (SELECT value FROM json_each(?))" if labels else ""
        near, far = ("source", "target") if direction == "out" else ("target", "source")
        rows = self._db.rows(
            f"SELECT source, target, label, props FROM edges WHERE {near} IN "  # noqa: S608
            f"(SELECT value FROM json_each(?)) {of_label} AND rolled = 0 "
            f"ORDER BY {near}, label, {far} LIMIT ?",
            (_json(nodes), *([_json(labels)] if labels else []), limit),
        )
        return [_edge(*row) for row in rows]

    def _fetch(self, ids: Collection[str]) -> Mapping[str, Node]:
        rows = self._db.rows(
            "SELECT id, label, props FROM nodes WHERE nodes.id IN (SELECT value FROM json_each(?))",
            (_json(ids),),
        )
        return {row[0]: _node(*row) for row in rows}


def _known(cursor: sqlite3.Cursor, new: Folded) -> Known:
    ids = _json(new.ids())
    nodes = cursor.execute(
        "SELECT id, label, props FROM nodes WHERE nodes.id IN (SELECT value FROM json_each(?))",
        (ids,),
    )
    known = {id: (label, json.loads(props)) for id, label, props in nodes}
    rows = cursor.execute(
        "SELECT edges.source, edges.label, edges.target, edges.props, rolled, seen "
        "FROM json_each(?) AS wanted CROSS JOIN edges "
        "ON edges.source = json_extract(wanted.value, '$[0]') "
        "AND edges.label = json_extract(wanted.value, '$[1]') "
        "AND edges.target = json_extract(wanted.value, '$[2]')",
        (json.dumps(list(new.edges)),),
    ).fetchall()
    return Known(
        known,
        {row[:3]: json.loads(row[3]) for row in rows if not row[4]},
        {
            row[:3]: Rolled(row[0] if row[4] == caps.OUT else row[2], row[5])
            for row in rows
            if row[4]
        },
    )


def _touch(cursor: sqlite3.Cursor, new: Folded, seen: float) -> None:
    """Note that these nodes, edges and ends were seen; what was seen later stays so."""
    cursor.execute(
        "UPDATE nodes SET seen = ? WHERE id IN (SELECT value FROM json_each(?)) AND seen < ?",
        (seen, _json(new.ids()), seen),
    )
    cursor.executemany(
        "UPDATE edges SET seen = ? WHERE source = ? AND label = ? AND target = ? "
        "AND seen < ? AND rolled = 0",
        [(seen, *key, seen) for key in new.edges],
    )


def _stale(now: datetime, keep: Iterable[str], limit: int) -> tuple[str, tuple[Any, ...]]:
    ages = json.dumps(
        [[label, now.timestamp() - days * 86_400.0] for label, days in caps.DAYS.items()]
    )
    return (
        "SELECT nodes.id, label, props FROM json_each(?) AS age CROSS JOIN nodes "
        "ON label = json_extract(age.value, '$[0]') AND seen < json_extract(age.value, '$[1]') "
        "WHERE nodes.id NOT IN (SELECT value FROM json_each(?)) ORDER BY seen, nodes.id LIMIT ?",
        (ages, _json(keep), limit),
    )


def _grow(cursor: sqlite3.Cursor) -> None:
    cursor.execute("UPDATE counters SET value = value + 1 WHERE name = 'generation'")


def _node(id: str, label: str, props: str) -> Node:
    return Node(id, label, json.loads(props))


def _edge(source: str, target: str, label: str, props: str) -> Edge:
    return Edge(source, target, label, json.loads(props))


def _json(names: Iterable[str]) -> str:
    return json.dumps(list(names))


def _dump(props: Mapping[str, Any]) -> str:
    return json.dumps(props, ensure_ascii=False, sort_keys=True, allow_nan=False)
