"""Edges that no event says alone: what brought a failure, found by a look at the graph.

`INTRODUCED` when the versions say so, or time and a producer or owner upstream; `PRECEDED` when a
deployment of one of those is only near in time. Both depend on what the graph holds, not on the
order in which it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sfctl.clock import parse_instant
from sfctl.graph.meaning.judgements import VERSIONED
from sfctl.graph.port import Graph
from sfctl.model import urn
from sfctl.model.graph import Edge, Elements, Node, elsewhere, signature_id

HORIZON = timedelta(hours=24)
"""How long after a deployment a failure may begin and still be its doing."""
HOPS = 5
_SHORT_SHA = 7


@dataclass(slots=True)
class Producer:
    """Someone whose deployment may be the cause.

    `sightings` maps a version to when it first showed the failure. `hops` counts datasets from the
    failure to the data that is its own; 0 with `observed` when evidence names it.
    """

    id: str
    hops: int
    observed: bool = False
    sightings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Deployment:
    node: Node
    version: str
    commit: str
    at: str

    def is_of(self, version: str) -> bool:
        """Tell whether a version or commit that evidence names is this deployment's."""
        if version in (self.version, self.commit):
            return bool(version)
        shorter, longer = sorted((version, self.commit), key=len)
        return len(shorter) >= _SHORT_SHA and longer.startswith(shorter)


def causes(graph: Graph, signatures: Iterable[str]) -> Elements:
    """Return the edges that explain some signatures, given by node id."""
    edges: dict[tuple[str, str, str], Edge] = {}
    for signature in graph.nodes(ids=sorted(set(signatures))) if signatures else ():
        if signature.label == "FailureSignature" and signature.props.get("first_seen"):
            for edge in _explained(graph, signature):
                edges[edge.source, edge.label, edge.target] = edge
    return Elements(edges=tuple(edges[key] for key in sorted(edges)))


def owners(graph: Graph, signatures: Iterable[str]) -> Elements:
    """Return who sent what a stream's evidence names nobody for: the only service that owns it."""
    edges: list[Edge] = []
    for signature in graph.nodes(ids=sorted(set(signatures))) if signatures else ():
        if not signature.props.get("unattributed"):
            continue
        dataset = str(signature.props.get("dataset_urn") or "")
        owning = [
            edge.source
            for edge in graph.edges(dataset, "in", ["OWNS"])
            if edge.source.startswith("urn:service:")
        ]
        if len(owning) == 1:
            props = {"confidence": "MEDIUM", "observed": True, **_since(signature.props)}
            edges.append(Edge(owning[0], signature.id, "PRODUCED_DRIFT", props))
    return Elements(edges=tuple(edges))


def upstream(graph: Graph, dataset: str) -> dict[str, int]:
    """Return a dataset and what feeds it within five hops, each with its distance."""
    found = {dataset: 0}
    reached = graph.walk(dataset, "in", ["FEEDS"], max_hops=HOPS)
    for path in reached.paths:
        if path.end.label in ("Dataset", ""):
            found.setdefault(path.end.id, path.hops)
    return found


def _explained(graph: Graph, signature: Node) -> Iterator[Edge]:
    dataset = str(signature.props.get("dataset_urn") or "")
    above = upstream(graph, dataset)
    drift = list(_drifted(graph, signature, above))
    yield from drift
    known = {each.id: each for each in _producers(graph, signature, above, drift)}
    yield from _deployed(graph, signature, list(known.values()))


def _drifted(graph: Graph, signature: Node, above: Mapping[str, int]) -> Iterator[Edge]:
    """Yield what says that the same failure was upstream before, and whose data it was there."""
    text, first = str(signature.props["reason_code"]), _reported(signature)
    echoes = {signature_id(text, each): each for each in above if above[each]}
    for echo in graph.nodes(ids=sorted(echoes)) if echoes else ():
        since = _reported(echo)
        if not since or since > first:
            continue
        source = echoes[echo.id]
        yield Edge(
            source, signature.id, "INTRODUCED_DRIFT", {**_since(echo.props), "hops": above[source]}
        )
        for edge in graph.edges(echo.id, "in", ["PRODUCED_DRIFT"]):
            versions = {k: v for k, v in edge.props.items() if k.startswith(VERSIONED)}
            if not edge.props.get("observed"):
                continue
            props = {**versions, **_since(edge.props), "hops": above[source]}
            yield Edge(edge.source, signature.id, "PRODUCED_DRIFT", props)


def _reported(signature: Node) -> str:
    """Return when evidence first spoke of a failure, whatever time it gives for it."""
    return str(signature.props.get("first_reported") or signature.props.get("first_seen") or "")


def _since(props: Mapping[str, Any]) -> dict[str, Any]:
    since = {name: props.get(name) for name in ("first_seen", "first_evidence")}
    return {k: v for k, v in (*since.items(), ("timestamp", since["first_seen"])) if v}


def _producers(
    graph: Graph, signature: Node, above: Mapping[str, int], drift: Iterable[Edge]
) -> Iterator[Producer]:
    found: dict[str, Producer] = {}
    seen = graph.edges(signature.id, "in", ["PRODUCED_DRIFT"])
    for edge in (*(each for each in drift if each.label == "PRODUCED_DRIFT"), *seen):
        hops = 0 if edge.props.get("observed") else int(edge.props.get("hops") or 0)
        each = found.setdefault(edge.source, Producer(edge.source, hops, True))
        each.hops = min(each.hops, hops)
        for name, since in edge.props.items():
            if name.startswith(VERSIONED):
                _sight(each, name.removeprefix(VERSIONED), str(since))
    met = {edge.source: edge for edge in graph.edges(signature.id, "in", ["ENCOUNTERED"])}
    for run in graph.nodes(ids=sorted(met)) if met else ():
        job = str(run.props.get("job_urn") or "")
        if not job:
            continue
        each = found.setdefault(job, Producer(job, 0, True))
        since = str(met[run.id].props.get("first_seen") or "")
        for name in ("code_ref", "deploy_ref"):
            if since and run.props.get(name):
                _sight(each, str(run.props[name]), since)
    for dataset, hops in sorted(above.items(), key=lambda item: (item[1], item[0])):
        for edge in graph.edges(dataset, "in", ["OWNS", "WRITES"]):
            if not edge.source.startswith("urn:team:"):
                found.setdefault(edge.source, Producer(edge.source, hops))
    yield from found.values()


def _sight(producer: Producer, version: str, since: str) -> None:
    known = producer.sightings.get(version, since)
    producer.sightings[version] = min(known, since)


def _deployed(graph: Graph, signature: Node, producers: list[Producer]) -> Iterator[Edge]:
    first = str(signature.props["first_seen"])
    environment = _environment(graph, signature)
    introduced: set[str] = set()
    near: list[tuple[Producer, _Deployment]] = []
    for producer in producers:
        deployments = _deployments(graph, producer.id, environment)
        matched = False
        for deployment in deployments:
            since = _shown(deployment, producer.sightings)
            matched = matched or bool(since)
            if since and not _shown_before(deployment, deployments, producer.sightings):
                introduced.add(deployment.node.id)
                yield _edge(signature, deployment, "INTRODUCED", since, "version")
        is_job = not producer.id.startswith("urn:service:")
        if not producer.sightings or (is_job and not matched):
            in_time = [each for each in deployments if _near(each, first)]
            near += [(producer, each) for each in in_time]
    latest = _latest(near)
    if not introduced and latest is not None:
        producer, deployment = latest
        introduced.add(deployment.node.id)
        basis = "producer" if producer.observed and not producer.hops else "lineage"
        yield _edge(signature, deployment, "INTRODUCED", first, basis)
    for _, deployment in near:
        if deployment.node.id not in introduced:
            yield _edge(signature, deployment, "PRECEDED", first, "time")


def _latest(near: list[tuple[Producer, _Deployment]]) -> tuple[Producer, _Deployment] | None:
    """Return the likeliest by time alone: named by evidence, then nearest in data, then latest."""
    if not near:
        return None
    ranked = sorted(near, key=lambda pair: pair[1].at, reverse=True)
    return min(ranked, key=lambda pair: (not pair[0].observed, pair[0].hops))


def _environment(graph: Graph, signature: Node) -> str:
    """Return the environment that the failing data is of, empty where no project says."""
    dataset = urn.without_stage(str(signature.props.get("dataset_urn") or ""))
    node = graph.node(dataset) if dataset else None
    return str(node.props.get("environment") or "") if node else ""


def _deployments(graph: Graph, producer: str, environment: str) -> list[_Deployment]:
    """Return what went live of someone where the data is, oldest first."""
    ids = [edge.target for edge in graph.edges(producer, "out", ["DEPLOYED"])]
    found = [
        _Deployment(
            node,
            str(node.props.get("version") or ""),
            str(node.props.get("commit") or ""),
            str(node.props.get("deployed_at") or ""),
        )
        for node in (graph.nodes("Deployment", ids=ids) if ids else ())
        if not elsewhere(str(node.props.get("environment") or ""), environment)
    ]
    return sorted((each for each in found if each.at), key=lambda each: (each.at, each.version))


def _shown(deployment: _Deployment, sightings: Mapping[str, str]) -> str:
    return min((at for version, at in sightings.items() if deployment.is_of(version)), default="")


def _shown_before(
    deployment: _Deployment, all_: list[_Deployment], sightings: Mapping[str, str]
) -> bool:
    """Tell whether the version before showed the failure too."""
    previous = str(deployment.node.props.get("previous_version") or "")
    earlier = [each for each in all_ if each.at < deployment.at]
    if previous:
        named = [each for each in earlier if each.version == previous]
        return previous in sightings or any(_shown(each, sightings) for each in named)
    return bool(earlier and _shown(earlier[-1], sightings))


def _near(deployment: _Deployment, first: str) -> bool:
    seconds = _seconds(deployment.at, first)
    return 0 <= seconds <= HORIZON.total_seconds()


def _seconds(start: str, end: str) -> float:
    try:
        return (parse_instant(end) - parse_instant(start)).total_seconds()
    except ValueError:
        return -1.0


def _edge(signature: Node, deployment: _Deployment, label: str, since: str, basis: str) -> Edge:
    props = {
        "first_evidence": signature.props.get("first_evidence") or "",
        "first_seen": since,
        "timestamp": since,
        "seconds": round(_seconds(deployment.at, since), 3),
        "basis": basis,
    }
    kept = {name: value for name, value in props.items() if value != ""}
    return Edge(deployment.node.id, signature.id, label, kept)
