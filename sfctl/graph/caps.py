"""How the embedded graph stays bounded: days to live, and the oldest edges of a busy node.

A node shows at most EDGES_PER_NODE edges a direction. Beyond, the edge seen longest ago that
touches something with days to live is rolled up: its properties go, the busy node's `rolled_up`
counts it, and its bare key stays so that the same edge is not counted twice. Edges between
topology are never rolled up. A node remembers at most NODES_PER_DATASET edges a direction; the
oldest keys beyond that are forgotten, with their far ends when nothing else holds those.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable

from sfctl.graph.merging import Key, Rolled
from sfctl.model.graph import EDGES_PER_NODE, LABELS, NODES_PER_DATASET

UNLABELLED_DAYS = 90
"""How long a bare end lives that nothing ever filled in."""
DAYS = {label: days for label, days in LABELS.items() if days is not None} | {"": UNLABELLED_DAYS}
_MORTAL = json.dumps(sorted(set(DAYS) - {""}))
OUT, IN = 1, 2
"""What `rolled` says: the edge is counted by its source, or by its target."""


def enforce(cursor: sqlite3.Cursor, touched: Collection[Key]) -> None:
    """Roll up what the ends of new edges have too much of."""
    for mark, near in ((OUT, "source"), (IN, "target")):
        ends = {source if mark == OUT else target for source, _, target in touched}
        busy = cursor.execute(
            f"SELECT {near}, count(*) FILTER (WHERE rolled = 0), count(*) "  # noqa: S608
            f"FROM edges WHERE {near} IN (SELECT value FROM json_each(?)) "
            f"GROUP BY {near} HAVING count(*) > ? ORDER BY 1",
            (json.dumps(sorted(ends)), EDGES_PER_NODE),
        ).fetchall()
        for node, shown, kept in busy:
            if shown > EDGES_PER_NODE:
                _roll_up(cursor, node, mark, shown - EDGES_PER_NODE)
            if kept > NODES_PER_DATASET:
                _forget(cursor, node, mark, kept - NODES_PER_DATASET)


def unroll(cursor: sqlite3.Cursor, again: Iterable[Rolled]) -> None:
    """Count no more what is seen again, and shown."""
    for edge in again:
        _count(cursor, edge.counted_by, -1)


def drop_nodes(cursor: sqlite3.Cursor, ids: Iterable[str]) -> None:
    """Drop nodes with their edges."""
    listed = json.dumps(sorted(ids))
    for statement in (
        "DELETE FROM edges WHERE source IN (SELECT value FROM json_each(?))",
        "DELETE FROM edges WHERE target IN (SELECT value FROM json_each(?))",
        "DELETE FROM nodes WHERE id IN (SELECT value FROM json_each(?))",
    ):
        cursor.execute(statement, (listed,))


def _roll_up(cursor: sqlite3.Cursor, node: str, mark: int, surplus: int) -> None:
    near = "source" if mark == OUT else "target"
    keys = cursor.execute(
        "SELECT source, edges.label, target FROM edges "  # noqa: S608
        "JOIN nodes AS a ON a.id = source JOIN nodes AS b ON b.id = target "
        f"WHERE {near} = ? AND rolled = 0 "
        "AND EXISTS (SELECT 1 FROM json_each(?) WHERE value IN (a.label, b.label)) "
        "ORDER BY edges.seen, source, target, edges.label LIMIT ?",
        (node, _MORTAL, surplus),
    ).fetchall()
    cursor.executemany(
        "UPDATE edges SET rolled = ?, props = '{}' WHERE source = ? AND label = ? AND target = ?",
        [(mark, *key) for key in keys],
    )
    _count(cursor, node, len(keys))


def _count(cursor: sqlite3.Cursor, node: str, more: int) -> None:
    """Add to a node's `rolled_up`."""
    row = cursor.execute("SELECT props FROM nodes WHERE id = ?", (node,)).fetchone()
    if not more or row is None:
        return
    props = json.loads(row[0])
    known = props.get("rolled_up")
    props["rolled_up"] = max(0, (known if isinstance(known, int) else 0) + more)
    cursor.execute(
        "UPDATE nodes SET props = ? WHERE id = ?",
        (json.dumps(props, ensure_ascii=False, sort_keys=True), node),
    )


def _forget(cursor: sqlite3.Cursor, node: str, mark: int, surplus: int) -> None:
    near = "source" if mark == OUT else "target"
    keys = cursor.execute(
        f"SELECT source, label, target FROM edges WHERE {near} = ? AND rolled = ? "  # noqa: S608
        "ORDER BY seen, source, target, label LIMIT ?",
        (node, mark, surplus),
    ).fetchall()
    cursor.executemany("DELETE FROM edges WHERE source = ? AND label = ? AND target = ?", keys)
    far_ends = sorted({target if mark == OUT else source for source, _, target in keys})
    alone = cursor.execute(
        "SELECT id FROM nodes WHERE id IN (SELECT value FROM json_each(?)) "
        "AND label IN (SELECT value FROM json_each(?)) "
        "AND NOT EXISTS (SELECT 1 FROM edges WHERE source = nodes.id AND rolled = 0) "
        "AND NOT EXISTS (SELECT 1 FROM edges WHERE target = nodes.id AND rolled = 0)",
        (json.dumps(far_ends), _MORTAL),
    ).fetchall()
    drop_nodes(cursor, [row[0] for row in alone])
