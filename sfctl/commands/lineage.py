"""`sfctl lineage`: take lineage and deployments in; show who reads and writes what, how far."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sfctl import exit_codes, wiring
from sfctl.clock import clock_from_environment
from sfctl.commands.lineage_names import Names
from sfctl.commands.lineage_text import dataset_text, impact_text, job_text, orphans_text
from sfctl.compiler.findings import Findings
from sfctl.compiler.lineage import lineage_entry
from sfctl.consumer import advanced
from sfctl.errors import SpecError
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.configuration import announce
from sfctl.evidence.intake import documents
from sfctl.evidence.port import DeadLetter
from sfctl.graph.impact import Touched, impact
from sfctl.graph.meaning import elements
from sfctl.graph.neighbours import of_dataset, of_job, orphans
from sfctl.graph.stage import GraphStage, current_topology
from sfctl.lineage.document import fault, named
from sfctl.model import codec
from sfctl.model import topology as project
from sfctl.model.evidence import Evidence
from sfctl.model.manifest import Manifest
from sfctl.model.resolver import Resolver
from sfctl.model.topology import Topology
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import check_target, manifest_of
from sfctl.spec.document import load_document
from sfctl.spec.documents.lineage import LINEAGE
from sfctl.spec.repository import find_root
from sfctl.state.port import StateStore

_BATCH = 1_000
_YAML = (".yaml", ".yml")
Hops = Annotated[int, typer.Option(min=1, max=10, help="How many datasets away at most.")]


@dataclass(slots=True)
class _Taken:
    """What the files held."""

    events: list[Evidence] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def ingest(
    files: Annotated[
        tuple[str, ...],
        typer.Argument(
            metavar="FILE",
            help="OpenLineage, LineageSpec, DeploymentEvent as JSON or JSON Lines; lineage YAML.",
        ),
    ],
    *,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Publish lineage and deployments, and bring the graph up to date.

    Events that cannot be drawn are refused with the reason; the others are taken. Raises SpecError
    for YAML with problems; then nothing is taken.
    """
    root = find_root(project_dir)
    check_target(root, target)
    moment = now or clock_from_environment().now()
    manifest = manifest_of(root)
    folder = wiring.store_folder(root)
    with ExitStack() as stack:
        bus = stack.enter_context(wiring.open_bus(folder))
        state = stack.enter_context(wiring.open_state(folder))
        graph = stack.enter_context(wiring.open_graph(folder))
        topology = _topology(manifest, state)
        taken = _read(files, moment, topology)
        if manifest is not None:
            announce(bus, manifest)
        for start in range(0, len(taken.events), _BATCH):
            bus.publish(taken.events[start : start + _BATCH])
        bus.dead_letter(taken.letters)
        stage = GraphStage(bus, state, graph, limit=_BATCH)
        while advanced(stage, moment).more:
            pass
    nodes, edges = _drawn(taken.events, topology)
    lines = [
        f"{each['file']}:{each['line']}: {each['reason']}  REJECTED" for each in taken.rejected
    ]
    lines.append(
        f"{len(taken.events)} accepted, {len(taken.rejected)} rejected: "
        f"{nodes:,} nodes and {edges:,} edges"
    )
    payload = {
        "accepted": len(taken.events),
        "rejected": taken.rejected,
        "nodes": nodes,
        "edges": edges,
    }
    code = exit_codes.FOUND if taken.rejected else exit_codes.OK
    return Outcome("lineage", payload, "\n".join(lines), code)


def show(
    node: Annotated[
        str, typer.Argument(help="A dataset or job, by URN or name; none lists the orphans.")
    ] = "",
    *,
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """Show readers, writers, columns and the last run of a dataset, or what a job reads and writes.

    Raises UsageError SF831 for a name that nothing has, SF832 for one that several have.
    """
    with ExitStack() as stack:
        names = _open(stack, project_dir, target)
        if not node:
            found = orphans(names.graph)
            return Outcome("lineage", {"orphans": found}, orphans_text(found))
        start = names.node(node)
        if start.label in ("Job", "Service"):
            payload = of_job(names.graph, start)
            return Outcome("lineage", payload, job_text(payload))
        payload = of_dataset(names.graph, start)
        return Outcome("lineage", payload, dataset_text(payload))


def reach(
    node: Annotated[str, typer.Argument(help="A dataset, job, dashboard, by URN or name.")],
    *,
    hops: Hops = 3,
    raw_names: Annotated[
        bool,
        typer.Option("--raw-names", help="Name everything as OpenLineage did, where it did."),
    ] = False,
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """Show what something depends on and what depends on it.

    Raises UsageError SF831 for a name that nothing has, SF832 for one that several have.
    """
    with ExitStack() as stack:
        names = _open(stack, project_dir, target)
        start = names.node(node)
        up = impact(names.graph, start, "in", hops)
        down = impact(names.graph, start, "out", hops)
        own = names.raw(start) if raw_names else start.id
    payload = {
        "node": own,
        "upstream": _names(up, raw_names),
        "downstream": _names(down, raw_names),
        "hops": hops,
        "details": [
            {
                "ref": each.raw if raw_names else each.id,
                "direction": direction,
                "hops": each.hops,
                "kind": each.kind,
                "tier": each.tier,
                "confidence": each.confidence,
            }
            for direction, listed in (("upstream", up), ("downstream", down))
            for each in listed
        ],
    }
    return Outcome("lineage", payload, impact_text(own, up, down, hops, raw_names))


SUBVERBS = {"ingest": ingest, "show": show, "impact": reach}


def _read(files: tuple[str, ...], moment: datetime, topology: Topology) -> _Taken:
    taken = _Taken()
    resolver = Resolver(topology)
    for file in files:
        origin = Path(file).name if file != "-" else "stdin"
        if file.endswith(_YAML):
            for each in _declared(file, topology):
                _take(taken, each, 1, origin, moment, resolver)
        else:
            for line, item in documents(file, moment, origin):
                _take(taken, item, line, origin, moment, resolver)
    return taken


def _take(
    taken: _Taken,
    item: dict[str, Any] | DeadLetter,
    line: int,
    origin: str,
    moment: datetime,
    resolver: Resolver,
) -> None:
    reason = item.detail if isinstance(item, DeadLetter) else fault(item)
    if not reason and not isinstance(item, DeadLetter):
        outcome = accept(named(item), moment, origin=origin, resolve=resolver.dataset)
        if isinstance(outcome, Accepted):
            taken.events.append(outcome.event)
            return
        item, reason = outcome, outcome.detail
    if isinstance(item, DeadLetter):
        taken.letters.append(item)
    taken.rejected.append({"file": origin, "line": line, "reason": reason})


def _declared(file: str, topology: Topology) -> list[dict[str, Any]]:
    """Return a lineage file's entries as LineageSpec documents. Raises SpecError."""
    document = load_document(Path(file), file, LINEAGE, None)
    errors = [each for each in document.problems if each.severity == "error"]
    if errors or document.node is None:
        raise SpecError(document.problems)
    names = {entry.name: urn for urn, entry in topology.datasets.items()}
    findings = Findings()
    entry = lineage_entry([document.node], names, findings)
    if findings.problems:
        raise SpecError(findings.problems)
    specs: list[dict[str, Any]] = [
        {"kind": "LineageSpec", **_as_json(spec)} for spec in entry.specs
    ]
    rest = _as_json(msgspec.structs.replace(entry, specs=()))
    if rest:
        producer = f"file:{Path(file).name}"
        specs.append({"kind": "LineageSpec", "producer": producer, "declares": rest})
    return specs


def _as_json(value: object) -> dict[str, Any]:
    return codec.decode(codec.encode(value), dict[str, Any])


def _drawn(events: list[Evidence], topology: Topology) -> tuple[int, int]:
    """Return how many different nodes and edges some events stand for."""
    resolver = Resolver(topology)
    nodes: set[str] = set()
    edges: set[tuple[str, str, str]] = set()
    for event in events:
        drawn = elements(event, topology, resolver)
        nodes.update(node.id for node in drawn.nodes)
        edges.update((edge.source, edge.label, edge.target) for edge in drawn.edges)
    return len(nodes), len(edges)


def _names(listed: list[Touched], raw: bool) -> list[str]:
    return list(dict.fromkeys(each.raw if raw else each.id for each in listed))


def _open(stack: ExitStack, project_dir: Path, target: str | None) -> Names:
    root = find_root(project_dir)
    check_target(root, target)
    folder = wiring.store_folder(root)
    state = stack.enter_context(wiring.open_state(folder))
    graph = stack.enter_context(wiring.open_graph(folder))
    return Names(graph, _topology(manifest_of(root), state))


def _topology(manifest: Manifest | None, state: StateStore) -> Topology:
    if manifest is not None:
        return project.of(manifest)
    return current_topology(state)
