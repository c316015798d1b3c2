"""What is asked about, however it is named: an incident, a signal, a run, a dataset, any node."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

import msgspec

from sfctl.errors import UsageError
from sfctl.model import evidence as envelope
from sfctl.model import urn
from sfctl.model.graph import Edge, Node, run_id
from sfctl.model.incident import ALIASES, TABLE, Incident
from sfctl.model.signal import Signal
from sfctl.rca.log import Log
from sfctl.rca.symptoms import in_order, last_trouble, signal_of, troubled
from sfctl.rca.traversal import CAUSE_HOPS, Tracer
from sfctl.state.port import StateStore

UPSTREAM = ("FEEDS", "CONSUMED_BY", "CONTAINS")
_ALIAS = re.compile(r"INC-\d+", re.IGNORECASE)
_FIRST = ("Dataset", "Dashboard", "Pipeline", "Job", "Service", "Incident", "Signal", "Run")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about, and where its trouble shows: ids of signals, signatures, runs."""

    ref: str
    kind: str
    title: str
    incident: Incident | None = None
    signals: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


def incident_of(text: str, state: StateStore) -> tuple[Incident, int] | None:
    """Return an incident by its alias or cause key with its item's version, None for no such one.

    Raises StoreError SF863 for an item that cannot be read.
    """
    alias = state.get(ALIASES, text.upper())
    key = str(alias.value.get("cause_key", "")) if alias else text
    item = state.get(TABLE, key)
    if item is None:
        return None
    try:
        return msgspec.convert(item.value, Incident), item.version
    except msgspec.ValidationError as error:
        raise UsageError(
            f"the record of {text} cannot be read: {error}",
            hint="`sfctl incidents list` shows the others; a replay rebuilds it",
            code="SF863",
        ) from None


def resolve(text: str, run: str, tracer: Tracer, log: Log, state: StateStore) -> Subject:
    """Return what `text` names; `run` narrows it, or stands alone.

    Raises UsageError SF861 for a name that nothing has, SF862 for one that several have.
    """
    if run:
        return _of_run(_known_run(run, tracer), tracer, log, asked=text)
    if _ALIAS.fullmatch(text):
        found = incident_of(text, state)
        if found is not None:
            return _of_incident(found[0], tracer, log)
    nodes = _named(text, tracer, state)
    if len(nodes) > 1:
        return _of_signature(text, nodes, tracer)
    return _of_node(nodes[0], tracer, log, state)


def upstream_of(tables: tuple[str, ...], tracer: Tracer) -> dict[str, tuple[str, ...]]:
    """Return the datasets that feed some tables, each with the way to it, nearest first."""
    found: dict[str, tuple[str, ...]] = {}
    for table in tables:
        reached = tracer.walk("what feeds it?", table, "in", UPSTREAM, CAUSE_HOPS)
        for path in reached.paths:
            if path.hops and path.end.label in ("Dataset", "") and path.end.id not in tables:
                way = tuple(node.id for node in path.nodes)
                if path.end.id not in found or len(way) < len(found[path.end.id]):
                    found[path.end.id] = way
    return dict(sorted(found.items(), key=lambda item: (len(item[1]), item[0])))


def stages_of(table: str, tracer: Tracer) -> tuple[str, ...]:
    """Return a dataset's node and those of its stages; a stage table with what it belongs to."""
    if "#" in table:
        return (table, urn.without_stage(table))
    inside = tracer.edges("which stages has it?", table, "out", ["CONTAINS"])
    return (table, *sorted(e.target for e in inside if e.target.startswith(table + "#")))


def _of_incident(incident: Incident, tracer: Tracer, log: Log) -> Subject:
    for copy in incident.evidence:
        try:
            event = envelope.from_plain(dict(copy))
        except msgspec.ValidationError:
            continue
        log.copies[event.evidence_id] = event
    triggered = tracer.edges("what triggered it?", incident.incident_id, "in", ["TRIGGERED"])
    ids = [edge.source for edge in triggered]
    ids += [incident.signal_id, *(symptom.signal_id for symptom in incident.symptoms)]
    tables = incident.datasets or (incident.dataset_urn,)
    return Subject(
        incident.incident_id,
        "Incident",
        incident.title,
        incident,
        signals=tuple(sorted({id for id in ids if id})),
        runs=(run_id(incident.run_id),) if incident.run_id else (),
        tables=tuple(tables),
    )


def _of_node(node: Node, tracer: Tracer, log: Log, state: StateStore) -> Subject:
    title = str(node.props.get("title") or node.props.get("name") or node.id)
    if node.label == "Incident":
        found = incident_of(node.id, state)
        if found is not None:
            return _of_incident(found[0], tracer, log)
        triggered = tracer.edges("what triggered it?", node.id, "in", ["TRIGGERED"])
        return Subject(node.id, node.label, title, signals=_sources(triggered))
    if node.label == "Signal":
        return Subject(node.id, node.label, title, signals=(node.id,))
    if node.label == "FailureSignature":
        return _of_signature(node.id, [node], tracer)
    if node.label == "Run":
        return _of_run(node, tracer, log)
    if node.label in ("Job", "DAGRun"):
        return _of_job(node, title, tracer, log)
    if node.label in ("Deployment", "Service"):
        return _of_service(node, title, tracer)
    return _of_dataset(node, title, tracer, log)


def _of_signature(text: str, nodes: list[Node], tracer: Tracer) -> Subject:
    """Return a failure wherever it shows: where it caused signals, if it did anywhere."""
    caused = {
        node.id: _targets(tracer.edges("what did it cause?", node.id, "out", ["CAUSED"]))
        for node in nodes
    }
    told = [id for id, signals in caused.items() if signals] or list(caused)
    signals = sorted({signal for id in told for signal in caused[id]})
    return Subject(
        text, "FailureSignature", text, signals=tuple(signals), signatures=tuple(sorted(told))
    )


def _of_run(node: Node, tracer: Tracer, log: Log, asked: str = "") -> Subject:
    met = tracer.edges("which failures did it meet?", node.id, "out", ["ENCOUNTERED"])
    touched = tracer.edges(
        "what did it write or hold back?", node.id, "out", ["QUARANTINED", "WROTE_TO"]
    )
    run = node.id.removeprefix("urn:run:")
    tables = [edge.target for edge in touched]
    for event in log.run(run):
        if event.kind in ("GATE", "QUARANTINE") and event.dataset_urn:
            tables.append(event.dataset_urn + (f"#{event.stage}" if event.stage else ""))
    signals: list[str] = []
    for table in sorted({urn.without_stage(table) for table in tables}):
        for signal in _signals_on(table, tracer, log):
            if signal.run_id == run:
                signals.append(signal.signal_id)
    return Subject(
        node.id,
        "Run",
        asked or str(node.props.get("job_name") or node.id),
        signals=tuple(sorted(set(signals))),
        signatures=_targets(met),
        runs=(node.id,),
        tables=tuple(sorted(set(tables))),
    )


def _of_job(node: Node, title: str, tracer: Tracer, log: Log) -> Subject:
    executed = tracer.edges("which runs are there?", node.id, "out", ["EXECUTED"])
    runs = tracer.nodes(edge.target for edge in executed)
    written = tracer.edges("what does it write?", node.id, "out", ["WRITES"])
    signals = [
        signal
        for table in sorted({urn.without_stage(edge.target) for edge in written})
        for signal in _signals_on(table, tracer, log)
        if signal.job_urn in ("", node.id)
    ]
    bad = last_trouble(signals)
    names = {run_id(signal.run_id) for signal in bad if signal.run_id}
    failing = [
        run.id for run in runs if run.id in names or str(run.props.get("status")) == "FAILED"
    ]
    chosen = tuple(sorted(names)) or tuple(failing[-1:])
    if node.label == "DAGRun":
        chosen = tuple(run.id for run in runs)
    signatures = [
        edge.target
        for run in chosen
        for edge in tracer.edges("which failures did it meet?", run, "out", ["ENCOUNTERED"])
    ]
    return Subject(
        node.id,
        node.label,
        title,
        signals=tuple(signal.signal_id for signal in bad),
        signatures=tuple(sorted(set(signatures))),
        runs=chosen,
        tables=tuple(sorted({edge.target for edge in written})),
    )


def _of_service(node: Node, title: str, tracer: Tracer) -> Subject:
    labels = ("INTRODUCED", "PRECEDED", "PRODUCED_DRIFT")
    brought = list(tracer.edges("what did it bring?", node.id, "out", labels))
    for edge in tracer.edges("what was deployed?", node.id, "out", ["DEPLOYED"]):
        brought += tracer.edges("what did it bring?", edge.target, "out", labels)
    signatures = _targets(brought)
    signals = [
        edge.target
        for signature in signatures
        for edge in tracer.edges("what did it cause?", signature, "out", ["CAUSED"])
    ]
    return Subject(
        node.id, node.label, title, signals=tuple(sorted(set(signals))), signatures=signatures
    )


def _of_dataset(node: Node, title: str, tracer: Tracer, log: Log) -> Subject:
    """Return a dataset's own trouble; where it has none, that of the nearest that feeds it."""
    own = stages_of(node.id, tracer) if node.label in ("Dataset", "") else (node.id,)
    if "#" in node.id:
        own = (node.id,)
    signals = [s for table in own for s in _signals_on(table, tracer, log)]
    if "#" in node.id:
        stage = node.id.partition("#")[2]
        whole = _signals_on(urn.without_stage(node.id), tracer, log)
        signals += [s for s in whole if s.stage in ("", stage)]
    bad = troubled(signals)
    if not bad:
        above = upstream_of(own, tracer)
        near = (troubled(_signals_on(table, tracer, log)) for table in above)
        bad = next((signals for signals in near if signals), ())
    if not bad:
        bad = last_trouble(signals)
    return Subject(
        node.id,
        node.label or "Dataset",
        title,
        signals=tuple(sorted({signal.signal_id for signal in bad})),
        tables=own,
    )


def _signals_on(table: str, tracer: Tracer, log: Log) -> list[Signal]:
    edges = tracer.edges("which signals speak of it?", table, "in", ["AFFECTS"])
    tracer.nodes(edge.source for edge in edges)
    found = (signal_of(edge.source, tracer, log) for edge in edges)
    return list(in_order(signal for signal in found if signal is not None))


def _named(text: str, tracer: Tracer, state: StateStore) -> list[Node]:
    """Return the node a text names; several only where they are one failure in several places."""
    name = urn.canonical(text) if urn.is_dataset(text) else text
    exact = tracer.node(name) if name else None
    if exact is not None:
        return [exact]
    found = tracer.find(name) if name else []
    ranked = sorted(found, key=lambda node: (_rank(node), node.id))
    if not ranked:
        raise UsageError(
            f"nothing is known as {text}" if text else "nothing was asked about",
            hint=_suggestion(text, tracer, state),
            code="SF861",
        )
    alike = [node for node in ranked if _rank(node) == _rank(ranked[0])]
    whole = [node for node in alike if "#" not in node.id] or alike
    if len(whole) > 1 and {node.label for node in whole} != {"FailureSignature"}:
        named = ", ".join(node.id for node in whole[:5])
        raise UsageError(
            f"{text} may mean several things: {named}", hint="name one of them", code="SF862"
        )
    return whole


def _known_run(run: str, tracer: Tracer) -> Node:
    id = run if run.startswith("urn:run:") else run_id(run)
    node = tracer.node(id)
    if node is None:
        known = [n.id.removeprefix("urn:run:") for n in tracer.all("Run")]
        near = get_close_matches(run, known, 3, 0.5) or known[-3:]
        raise UsageError(
            f"there is no run {run}",
            hint="the nearest are " + ", ".join(near)
            if near
            else "no run is in the graph yet: `sfctl engine run --once` takes in what happened",
            code="SF861",
        )
    return node


def _suggestion(text: str, tracer: Tracer, state: StateStore) -> str:
    labels = ("Dataset", "Dashboard", "Pipeline", "Job", "Service", "Incident", "Signal", "Run")
    known = sorted({node.id for label in labels for node in tracer.all(label)})
    known += sorted(item.key for item in state.query(ALIASES, "INC-"))
    if not known:
        return "nothing is in the graph yet: `sfctl engine run --once` takes in what happened"
    tails = {id.rpartition(":")[2]: id for id in known}
    near = get_close_matches(text, [*known, *tails], 3, 0.5) or known[:3]
    return "the nearest are " + ", ".join(dict.fromkeys(tails.get(n, n) for n in near))


def _rank(node: Node) -> int:
    return _FIRST.index(node.label) if node.label in _FIRST else len(_FIRST)


def _sources(edges: list[Edge]) -> tuple[str, ...]:
    return tuple(sorted({edge.source for edge in edges}))


def _targets(edges: list[Edge]) -> tuple[str, ...]:
    return tuple(sorted({edge.target for edge in edges}))
