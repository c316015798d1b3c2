"""What something depends on and what depends on it: datasets, their jobs, dashboards, pipelines.

A stage table stands for its dataset, unless a stage is asked about. Hops count datasets: the job
in between is as far as what it writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sfctl.graph.meaning.sketch import whole_of
from sfctl.graph.port import Direction, Graph
from sfctl.model.graph import CONFIDENCE, Edge, Node
from sfctl.model.resolver import DATASET, JOB, is_orphan

_SHOWN = ("Dataset", "Dashboard", "Pipeline", "")
_STARTS: dict[str, dict[Direction, tuple[str, ...]]] = {
    "Job": {"out": ("WRITES",), "in": ("READS",)},
    "Service": {"out": ("WRITES", "OWNS"), "in": ("READS",)},
    "Run": {"out": ("WROTE_TO",), "in": ("READ_FROM",)},
}
_AGENTS: dict[Direction, tuple[str, ...]] = {"out": ("READS",), "in": ("WRITES", "OWNS")}
_FAR = 10_000


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing within reach. `confidence` is that of the weakest link on the way to it."""

    id: str
    kind: str
    hops: int
    name: str
    tier: int | None
    confidence: str
    raw: str


def impact(graph: Graph, start: Node, direction: Direction, hops: int) -> list[Touched]:
    """Return what is downstream (`out`) or upstream (`in`) of a node, nearest first, then by id."""
    staged = "#" in start.id
    found: dict[str, Touched] = {}
    tables: dict[str, tuple[int, str]] = {}
    for table, at, sure in _starts(graph, start, direction):
        tables[table] = (at, sure)
        if at:
            _keep(found, _described(graph, table), at, sure, staged)
        reached = graph.walk(table, direction, ["FEEDS"], max_hops=max(hops - at, 1), limit=_FAR)
        for path in reached.paths if hops > at else ():
            if not path.hops or path.end.label not in _SHOWN:
                continue
            near = at + path.hops
            weakest = weaker([sure, *(_sure(edge) for edge in path.edges)])
            known = tables.get(path.end.id)
            if known is None or near < known[0]:
                tables[path.end.id] = (near, weakest)
            _keep(found, path.end, near, weakest, staged)
    for table, (at, sure) in sorted(tables.items()):
        if at >= hops and at:
            continue
        for edge in graph.edges(table, "in", _AGENTS[direction], limit=_FAR):
            agent = edge.source
            if not agent.startswith("urn:team:"):
                node = _described(graph, agent)
                _keep(found, node, at + 1, weaker([sure, _sure(edge)]), staged)
    own = {start.id, whole_of(start.id)} if not staged else {start.id}
    kept = [each for each in found.values() if each.id not in own]
    return sorted(kept, key=lambda each: (each.hops, each.id))


def raw_name(node: Node) -> str:
    """Return `dataset:<namespace>/<name>` or `job:<namespace>/<name>`, empty where unknown."""
    if is_orphan(node.id):
        return node.id
    if node.label == "Job":
        namespace, name = node.props.get("namespace"), node.props.get("name")
        return f"{JOB}{namespace}/{name}" if namespace else ""
    raw = node.props.get("first_raw_name")
    return f"{DATASET}{raw}" if raw else ""


def tables_of(graph: Graph, dataset: str) -> list[str]:
    """Return a dataset and its stage tables."""
    inside = graph.edges(dataset, "out", ["CONTAINS"])
    return [dataset, *(e.target for e in inside if e.target.startswith(dataset + "#"))]


def weaker(words: Iterable[str]) -> str:
    """Return the least sure of some words of confidence, HIGH of none."""
    return min(words, key=lambda word: CONFIDENCE.get(word, 3), default="HIGH")


def _starts(graph: Graph, start: Node, direction: Direction) -> list[tuple[str, int, str]]:
    labels = _STARTS.get(start.label)
    if labels is None:
        if "#" in start.id or start.label not in ("Dataset", ""):
            return [(start.id, 0, "HIGH")]
        return [(table, 0, "HIGH") for table in tables_of(graph, start.id)]
    edges = graph.edges(start.id, "out", labels[direction], limit=_FAR)
    return [(edge.target, 1, _sure(edge)) for edge in edges]


def _keep(found: dict[str, Touched], node: Node, hops: int, sure: str, staged: bool) -> None:
    """Add a node, or what another way to it or another of its tables says."""
    id = node.id if staged else whole_of(node.id)
    tier = node.props.get("tier")
    name = str(node.props.get("name") or id)
    new = Touched(
        id=id,
        kind=node.label or "Dataset",
        hops=hops,
        name=name if staged else name.partition("#")[0],
        tier=tier if isinstance(tier, int) else None,
        confidence=sure,
        raw=raw_name(node) or id,
    )
    known = found.get(id)
    if known is not None:
        raw = min((x.raw for x in (known, new) if is_orphan(x.raw)), default=known.raw)
        nearer = min(
            (known, new), key=lambda each: (each.hops, -CONFIDENCE.get(each.confidence, 3))
        )
        new = replace(nearer, raw=raw)
    found[id] = new


def _described(graph: Graph, id: str) -> Node:
    return graph.node(id) or Node(id, "")


def _sure(edge: Edge) -> str:
    return str(edge.props.get("confidence") or "HIGH")
