"""Who reads and writes a dataset, what a job reads and writes, and how its last run went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sfctl.graph.impact import raw_name, tables_of
from sfctl.graph.meaning.sketch import whole_of
from sfctl.graph.port import Graph
from sfctl.model.graph import Edge, Node
from sfctl.model.resolver import is_orphan

_FIGURES = ("version", "rows", "bytes", "run", "last_seen")
_ALL = 10_000


def of_dataset(graph: Graph, node: Node) -> dict[str, Any]:
    """Return readers and writers with their last figures, columns with their origins, orphans."""
    tables = [node.id] if "#" in node.id else tables_of(graph, node.id)
    readers = [e for t in tables for e in graph.edges(t, "in", ["READS"], limit=_ALL)]
    writers = [e for t in tables for e in graph.edges(t, "in", ["WRITES"], limit=_ALL)]
    feeds = [e for t in tables for e in graph.edges(t, "out", ["FEEDS"], limit=_ALL)]
    fed = [e for t in tables for e in graph.edges(t, "in", ["FEEDS"], limit=_ALL)]
    own = whole_of(node.id)
    return {
        **described(node),
        "readers": [_end(e.source, e.target, e) for e in _ordered(readers)],
        "writers": [_end(e.source, e.target, e) for e in _ordered(writers)],
        "feeds": sorted({whole_of(e.target) for e in feeds} - {own}),
        "fed_by": sorted({whole_of(e.source) for e in fed} - {own}),
        "columns": _columns(graph, own),
        "last_run": _last(graph, [e.props.get("run") for e in _latest(writers)]),
        "orphans": _orphans([node.id, *(e.source for e in (*readers, *writers, *fed)),
                             *(e.target for e in feeds)]),
    }  # fmt: skip


def of_job(graph: Graph, node: Node) -> dict[str, Any]:
    """Return what a job or service reads and writes, its columns, its last run, orphans."""
    reads = graph.edges(node.id, "out", ["READS"], limit=_ALL)
    writes = graph.edges(node.id, "out", ["WRITES", "OWNS"], limit=_ALL)
    columns = {
        name: sorted(e.target for e in graph.edges(node.id, "out", [label], limit=_ALL))
        for name, label in (("columns_read", "READS_COL"), ("columns_written", "WRITES_COL"))
    }
    return {
        **described(node),
        "reads": [_end(e.target, "", e) for e in _ordered(reads)],
        "writes": [_end(e.target, "", e) for e in _ordered(writes)],
        **columns,
        "last_run": _last(graph, [e.props.get("run") for e in _latest([*writes, *reads])]),
        "orphans": _orphans([node.id, *(e.target for e in (*reads, *writes))]),
    }


def orphans(graph: Graph) -> list[str]:
    """Return every dataset and job in the graph that no URN was found for."""
    return _orphans(
        node.id for label in ("Dataset", "Job") for node in graph.nodes(label, limit=1_000_000)
    )


def described(node: Node) -> dict[str, Any]:
    """Return what a node is."""
    return {
        "node": node.id,
        "kind": node.label or "Dataset",
        "name": node.props.get("name") or node.id,
        "raw_name": raw_name(node) or None,
        "tier": node.props.get("tier"),
        "owner": node.props.get("owner"),
    }


def _end(id: str, table: str, edge: Edge) -> dict[str, Any]:
    props = edge.props
    return {
        "node": id,
        **({"table": table} if table else {}),
        "confidence": str(props.get("confidence") or "HIGH"),
        "declared": bool(props.get("declared")),
        "observed": bool(props.get("observed")),
        **{name: props.get(name) for name in _FIGURES},
    }


def _columns(graph: Graph, dataset: str) -> list[dict[str, Any]]:
    inside = [e.target for e in graph.edges(dataset, "out", ["CONTAINS"], limit=_ALL)]
    nodes = graph.nodes("Column", ids=inside, limit=_ALL) if inside else []
    return [
        {
            "name": str(node.props.get("name")),
            "type": node.props.get("data_type"),
            "from": sorted(e.source for e in graph.edges(node.id, "in", ["FEEDS"])),
            "to": sorted(e.target for e in graph.edges(node.id, "out", ["FEEDS"])),
        }
        for node in nodes
    ]


def _last(graph: Graph, runs: list[Any]) -> dict[str, Any] | None:
    """Return the newest of some runs, with what it wrote and what it was part of."""
    known = [f"urn:run:{run}" for run in runs if run]
    node = next((found for run in known if (found := graph.node(run))), None)
    if node is None:
        return None
    written = graph.edges(node.id, "out", ["WROTE_TO"])
    parents = [e.source for e in graph.edges(node.id, "in", ["EXECUTED"])]
    rows = [e.props["rows"] for e in written if e.props.get("rows") is not None]
    sizes = [e.props["bytes"] for e in written if e.props.get("bytes") is not None]
    # an edge knows the last write to its table alone, the run's end knows all
    whole = node.props.get("rows_written")
    whole = sum(rows) if whole is None and rows else whole
    return {
        "run": node.id,
        "job": node.props.get("job_urn"),
        "status": node.props.get("status"),
        "start_time": node.props.get("start_time"),
        "end_time": node.props.get("end_time"),
        "rows": whole,
        "bytes": sum(sizes) if sizes and whole == sum(rows) else None,
        "records_processed": node.props.get("records_processed"),
        "records_failed": node.props.get("records_failed"),
        "parent": next((each for each in parents if each.startswith("urn:dagrun:")), None),
    }


def _ordered(edges: Iterable[Edge]) -> list[Edge]:
    return sorted(edges, key=lambda e: (e.source, e.target, e.label))


def _latest(edges: Iterable[Edge]) -> list[Edge]:
    seen = [edge for edge in edges if edge.props.get("last_seen")]
    return sorted(seen, key=lambda e: (str(e.props["last_seen"]), e.source), reverse=True)


def _orphans(ids: Iterable[str]) -> list[str]:
    return sorted({id for id in ids if is_orphan(id)})
