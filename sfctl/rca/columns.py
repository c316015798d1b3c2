"""Who reads the column that is gone or changed, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.model import urn
from sfctl.model.explanation import Impact, Level
from sfctl.model.graph import Edge
from sfctl.rca.case import Case
from sfctl.rca.traversal import REACH_HOPS
from sfctl.rca.wording import name_of

_LEVELS: tuple[Level, ...] = ("LOW", "MEDIUM", "HIGH")


def column_readers(case: Case) -> tuple[Impact, ...]:
    """Return jobs and columns that stand on the failing columns, surest first."""
    found: dict[str, Impact] = {}
    for signature in case.signatures:
        if not signature.field or not urn.is_dataset(signature.table):
            continue
        column = urn.column(signature.table, signature.field)
        if case.tracer.node(column) is None:
            continue
        reached = case.tracer.walk(
            "what stands on the column?", column, "out", ["FEEDS"], REACH_HOPS
        )
        places: list[tuple[str, int, Level]] = [(column, 0, "HIGH")]
        for path in reached.paths:
            if path.hops:
                places.append((path.end.id, path.hops, _weakest(path.edges)))
                _add(found, _impact(case, path.end.id, path.hops, _weakest(path.edges), column))
        for place, hops, sure in places:
            edges = case.tracer.edges("which jobs read the column?", place, "in", ["READS_COL"])
            for edge in edges:
                word = min(sure, _weakest([edge]), key=_LEVELS.index)
                _add(found, _impact(case, edge.source, hops + 1, word, column))
    key = {level: -number for number, level in enumerate(_LEVELS)}
    return tuple(sorted(found.values(), key=lambda i: (key[i.confidence], i.hops, i.ref)))


def _add(found: dict[str, Impact], impact: Impact) -> None:
    known = found.get(impact.ref)
    if known is None or _LEVELS.index(known.confidence) < _LEVELS.index(impact.confidence):
        found[impact.ref] = impact


def _impact(case: Case, id: str, hops: int, sure: Level, column: str) -> Impact:
    node = case.tracer.node(id)
    tier = node.props.get("tier") if node else None
    return Impact(
        ref=id,
        name=str(node.props.get("name") or name_of(id)) if node else name_of(id),
        kind=node.label if node else "",
        tier=tier if isinstance(tier, int) else 3,
        hops=hops,
        confidence=sure,
        owner=str(node.props.get("owner") or "") if node else "",
        effect=f"reads {column.rpartition('#')[2]}",
        via=(column, id),
        refs=(column, id),
    )


def _weakest(edges: Iterable[Edge]) -> Level:
    words = [str(edge.props.get("confidence") or "HIGH").upper() for edge in edges]
    return next((level for level in _LEVELS if level in words), "LOW" if words else "HIGH")
