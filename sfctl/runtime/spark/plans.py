"""What a frame reads: the leaves of its analysed plan, each with the version it is pinned to.

SQL, catalog tables, views and cached frames all end in leaves. Rows that were made in the job, or
whose plan was cut off by a checkpoint, have no source that could be told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfctl.dialects.place import NotASchema
from sfctl.dialects.spark_json import of_spark_json
from sfctl.model.schema import Schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LEAVES = 200
ROOTS = 50
"""At most so many leaves of a plan, and folders of a leaf, are looked at."""


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a plan reads.

    `place` is a path or URL, or the name of a table that has none. `version` is set for Delta.
    `columns` are those of the whole table or folder, whatever the plan takes of them.
    """

    place: str
    format: str
    version: int | None = None
    table: str = ""
    columns: Schema | None = None


def sources(frame: DataFrame) -> list[Source]:
    """Return what a frame reads, each once, in the order of the plan. Runs no job."""
    found: dict[tuple[str, int | None], Source] = {}
    for leaf in _leaves(frame._jdf.queryExecution().analyzed()):
        for source in _of_leaf(leaf):
            found.setdefault((source.place, source.version), source)
    return list(found.values())


def _leaves(plan: Any) -> Iterator[Any]:
    """Yield the leaves of a plan and of the queries inside its expressions."""
    plans, left = [plan], LEAVES
    for subquery in _each(plan.subqueriesAll()):
        plans.append(subquery)
    for each in plans:
        for leaf in _each(each.collectLeaves()):
            if left == 0:
                return
            left -= 1
            yield leaf


def _of_leaf(leaf: Any) -> list[Source]:
    kind = leaf.getClass().getSimpleName()
    if kind == "LogicalRelation":
        return _of_relation(leaf)
    if kind == "HiveTableRelation":
        meta = leaf.tableMeta()
        place = _plain(meta.location()) if meta.storage().locationUri().isDefined() else ""
        name = meta.identifier().unquotedString()
        return [Source(place or name, "hive", None, name, _columns(leaf))]
    if kind.startswith("DataSourceV2Relation") or kind == "StreamingRelationV2":
        table = leaf.table()
        name = str(table.name())
        place = str(table.properties().getOrDefault("location", "")) or name
        provider = str(table.properties().getOrDefault("provider", "")) or "v2"
        return [Source(_local(place), provider, None, name, _columns(leaf))]
    return []


def _of_relation(leaf: Any) -> list[Source]:
    relation = leaf.relation()
    if not _has(relation, "location"):
        return []
    index, table = relation.location(), _catalog_name(leaf)
    if _has(index, "snapshotAtAnalysis"):
        version = int(index.snapshotAtAnalysis().version())
        return [Source(_plain(index.path()), "delta", version, table, _columns(leaf))]
    form = str(relation.fileFormat().toString()).lower()
    roots = list(_each(index.rootPaths()))[:ROOTS]
    columns = _columns(leaf)
    return [Source(_plain(root), form, None, table, columns) for root in roots]


def _columns(leaf: Any) -> Schema | None:
    try:
        return of_spark_json(json.loads(leaf.schema().json()))
    except (ValueError, NotASchema):  # names that no table could hold
        return None


def _catalog_name(leaf: Any) -> str:
    table = leaf.catalogTable()
    return str(table.get().identifier().unquotedString()) if table.isDefined() else ""


def _plain(path: Any) -> str:
    """Return a Hadoop path or URI as text: a local one without its scheme, nothing escaped."""
    uri = path.toUri() if _has(path, "toUri") else path
    if uri.getScheme() in (None, "file"):
        return str(uri.getPath())
    return f"{uri.getScheme()}://{uri.getAuthority() or ''}{uri.getPath()}"


def _local(place: str) -> str:
    return "/" + place.removeprefix("file:").lstrip("/") if place.startswith("file:") else place


def _has(thing: Any, name: str) -> bool:
    """Tell whether an object of the JVM has a public method of that name."""
    methods = thing.getClass().getMethods()
    return any(method.getName() == name for method in methods)


def _each(sequence: Any) -> Iterator[Any]:
    """Yield the elements of a Scala sequence."""
    iterator = sequence.iterator()
    while iterator.hasNext():
        yield iterator.next()
