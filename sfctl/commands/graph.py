"""`sfctl graph`: the causal graph as a document, out and in, and what its days are over for."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from sfctl import wiring
from sfctl.clock import clock_from_environment
from sfctl.errors import PolicyRejected, SpecError
from sfctl.graph import interchange, merging
from sfctl.graph.cited import cited
from sfctl.model.graph import Elements, Node
from sfctl.model.incident import TABLE, Incident
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import check_target, load
from sfctl.spec.repository import find_root

if TYPE_CHECKING:
    from sfctl.graph.port import Graph

_ALL = 1_000_000_000
_STEP = 1_000
"""How many nodes leave in one transaction, so that others need not wait."""


def export(*, project_dir: Path = Path(), target: str | None = None) -> Outcome:
    """Print the graph: counts per label, or everything with --format json."""
    with _open(project_dir, target) as graph:
        elements = graph.export()
    nodes, edges = len(elements.nodes), len(elements.edges)
    rows = [
        *_counted("node", (each.label for each in elements.nodes)),
        *_counted("edge", (each.label for each in elements.edges)),
    ]
    lines = [*text.table(rows), f"{text.count(nodes, 'node')}, {text.count(edges, 'edge')}"]
    return Outcome("graph", interchange.plain(elements), "\n".join(lines))


def load_file(
    file: Annotated[Path, typer.Argument(help="What `graph export --format json` printed.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would change.")
    ] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Merge a graph file into the graph, all or nothing.

    Raises SpecError SF840, SF841 or SF842 with the places of what is wrong in the file.
    """
    elements = interchange.read(file)
    moment = now or clock_from_environment().now()
    with _open(project_dir, target) as graph:
        ends = {end for edge in elements.edges for end in (edge.source, edge.target)}
        known = {node.id for node in graph.nodes(ids=sorted(ends), limit=len(ends))}
        loose = interchange.loose_ends(str(file), elements, known)
        if loose:
            raise SpecError(loose)
        changed = _would_change(graph, elements) if dry_run else graph.upsert(elements, moment)
    done = "would change" if dry_run else "changed"
    nodes, edges = len(elements.nodes), len(elements.edges)
    return Outcome(
        "graph",
        {"nodes": nodes, "edges": edges, "changed": changed, "dry_run": dry_run},
        f"{text.count(nodes, 'node')} and {text.count(edges, 'edge')} read, {changed:,} {done}",
    )


def expire(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Drop what is past its label's days; what an open incident stands on stays."""
    moment = now or clock_from_environment().now()
    with _open(project_dir, target) as graph:
        keep = cited(graph, _incidents(project_dir))
        gone: list[Node] = []
        if dry_run:
            gone = graph.stale(moment, keep=keep, limit=_ALL)
        else:
            while step := graph.stale(moment, keep=keep, limit=_STEP):
                graph.expire(moment, keep=keep, limit=_STEP)
                gone += step
    labels = Counter(node.label for node in gone)
    lines = text.table(_counted("node", (node.label for node in gone)))
    verb = "would go" if dry_run else "gone"
    lines.append(f"{text.count(len(gone), 'node')} {verb}, {len(keep):,} kept for open incidents")
    return Outcome(
        "graph",
        {
            "expired": len(gone),
            "labels": dict(sorted(labels.items())),
            "kept": len(keep),
            "dry_run": dry_run,
        },
        "\n".join(lines),
    )


SUBVERBS = {"export": export, "load": load_file, "expire": expire}


@contextlib.contextmanager
def _open(project_dir: Path, target: str | None) -> Iterator[Graph]:
    root = find_root(project_dir)
    check_target(root, target)
    settings = None
    with contextlib.suppress(PolicyRejected):
        settings = load(root).manifest.target.graph
    graph = wiring.open_graph(wiring.store_folder(root), settings)
    try:
        yield graph
    finally:
        graph.close()


def _incidents(project_dir: Path) -> list[Incident]:
    with wiring.open_state(wiring.store_folder(find_root(project_dir))) as state:
        return [msgspec.convert(item.value, Incident) for item in state.query(TABLE)]


def _would_change(graph: Graph, elements: Elements) -> int:
    there = merging.fold(graph.export())
    known = merging.Known(there.nodes, there.edges)
    changed = merging.changes(known, merging.fold(elements))
    return len(changed.nodes) + len(changed.edges)


def _counted(kind: str, labels: Iterable[str]) -> list[tuple[str, str, str]]:
    counts = sorted(Counter(labels).items())
    return [(kind, label or "(no label yet)", f"{count:,}") for label, count in counts]
