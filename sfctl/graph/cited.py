"""What of the graph a live incident stands on, and must outlive its days."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.graph.port import Graph
from sfctl.model.graph import run_id, signature_id
from sfctl.model.incident import Incident

_BACKWARDS = (
    "TRIGGERED", "CAUSED", "INTRODUCED", "INTRODUCED_DRIFT", "PRODUCED_DRIFT", "PRECEDED",
    "ENCOUNTERED", "EXECUTED",
)  # fmt: skip
_HOPS = 5
"""Incident, signal, signature, run, job."""


def cited(graph: Graph, incidents: Iterable[Incident]) -> set[str]:
    """Return the ids of the nodes that unresolved incidents name, and of what led to those."""
    found: set[str] = set()
    for incident in incidents:
        if incident.status == "RESOLVED":
            continue
        named = [node.id for node in graph.nodes(ids=sorted(_named(incident)))]
        found.update(named)
        for id in named:
            reached = graph.walk(id, "in", _BACKWARDS, max_hops=_HOPS)
            found.update(path.end.id for path in reached.paths)
    return found


def _named(incident: Incident) -> set[str]:
    names = {incident.incident_id, incident.suspected_deployment}
    signals = [(incident.signal_id, incident.failure_signature, incident.dataset_urn)]
    signals += [(each.signal_id, each.signature, each.dataset_urn) for each in incident.symptoms]
    for signal, signature, dataset in signals:
        names.add(signal)
        if signature:
            names.add(signature_id(signature, dataset))
    runs = (incident.run_id, *(each.run_id for each in incident.symptoms))
    names |= {run_id(run) for run in runs if run}
    return names - {""}
