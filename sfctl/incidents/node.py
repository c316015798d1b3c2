"""An incident in the graph: one node, and an edge from each signal that shows it."""

from __future__ import annotations

from sfctl.model.graph import Edge, Elements, Node
from sfctl.model.incident import Incident


def elements(incident: Incident) -> Elements:
    """Return the node and the TRIGGERED edges; quarantines are events, and have no node."""
    props = {
        "severity": incident.severity,
        "status": incident.status,
        "title": incident.title,
        "created_at": incident.created_at,
        "updated_at": incident.updated_at,
        "last_resolved_at": _last_resolved(incident),
        "dataset_urn": incident.dataset_urn,
        "failure_signature": incident.failure_signature,
        "cause_key": incident.cause_key,
        "owner": incident.owner,
        "datasets": list(incident.datasets),
    }
    known = {name: value for name, value in props.items() if value}
    return Elements(
        (Node(incident.incident_id, "Incident", known),),
        tuple(
            Edge(each.signal_id, incident.incident_id, "TRIGGERED", {"because": each.because})
            for each in incident.symptoms
            if each.engine != "quarantine"
        ),
    )


def _last_resolved(incident: Incident) -> str:
    """Return when it was last resolved, even if it opened again since: a node forgets nothing."""
    return max((each.at for each in incident.history if each.status == "RESOLVED"), default="")


def elements_of_merged(older: Incident, newer: Incident) -> Elements:
    """Return the older incident's part, and the newer one's node as a pointer to it."""
    props = {"status": "MERGED", "merged_into": older.incident_id}
    return elements(older) + Elements((Node(newer.incident_id, "Incident", props),))
