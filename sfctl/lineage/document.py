"""One JSON object that tells of lineage: OpenLineage, a LineageSpec, or a deployment.

Checked before it is accepted, so that what the graph could not draw is refused with its reason.
"""

from __future__ import annotations

from typing import Any

KINDS = ("OpenLineage", "LineageSpec", "DeploymentEvent")
RUN_STATES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
CONFIDENCES = ("HIGH", "MEDIUM", "LOW")

Document = dict[str, Any]


def kind_of(document: Document) -> str:
    """Return which of KINDS an object is, empty for none of them."""
    named = document.get("kind")
    if isinstance(named, str) and named:
        return next((kind for kind in KINDS if kind.lower() == named.lower()), "")
    if "eventType" in document and ("run" in document or "job" in document):
        return "OpenLineage"
    about = isinstance(document.get("job"), dict) or isinstance(document.get("dataset"), dict)
    return "OpenLineage" if about and "eventTime" in document else ""


def fault(document: Document) -> str:
    """Return why an object cannot be taken in as lineage, empty text where it can."""
    match kind_of(document):
        case "OpenLineage":
            return _openlineage(_block(document.get("openlineage")) or document)
        case "LineageSpec":
            return _spec(document)
        case "DeploymentEvent":
            return _deployment(document)
    return (
        "not lineage: neither an OpenLineage event, a LineageSpec nor a DeploymentEvent; "
        "`sfctl evidence publish` takes other events"
    )


def named(document: Document) -> Document:
    """Return the object with its kind, which job and dataset events of OpenLineage do not tell."""
    return document if document.get("kind") else {**document, "kind": kind_of(document)}


def _openlineage(document: Document) -> str:
    state, run = document.get("eventType"), _block(document.get("run"))
    if not isinstance(document.get("eventTime"), str):
        return "eventTime is missing"
    if state is not None and str(state).upper() not in RUN_STATES:
        return f"eventType is {str(state)[:40]!r}, expected one of {', '.join(RUN_STATES)}"
    if (state is not None or document.get("run") is not None) and not run.get("runId"):
        return "run.runId is missing"
    job = document.get("job")
    if document.get("dataset") is None and not _block(job).get("name"):
        return "job.name is missing"
    if document.get("dataset") is not None and not _block(document["dataset"]).get("name"):
        return "dataset.name is missing"
    for side in ("inputs", "outputs"):
        listed = document.get(side)
        if listed is not None and not isinstance(listed, list):
            return f"{side} is not a list"
        for each in listed or ():
            if not isinstance(_block(each).get("name"), str) or not each["name"]:
                return f"one of {side} has no name"
    return ""


def _spec(document: Document) -> str:
    if "declares" in document:
        return ""
    producer = document.get("producer")
    if isinstance(producer, dict):
        producer = producer.get("id")
    if not isinstance(producer, str) or not producer:
        return "producer is missing"
    for side in ("inputs", "outputs"):
        listed = document.get(side, [])
        if not isinstance(listed, list) or not all(isinstance(x, str) and x for x in listed):
            return f"{side} is not a list of names"
    if not document.get("inputs") and not document.get("outputs"):
        return "neither inputs nor outputs"
    confidence = document.get("confidence", "HIGH")
    if confidence not in CONFIDENCES:
        return f"confidence is {str(confidence)[:40]!r}, expected one of {', '.join(CONFIDENCES)}"
    columns = document.get("columns", [])
    if not isinstance(columns, list) or not all(_block(each).get("to") for each in columns):
        return "columns is not a list of {from: […], to: …}"
    return ""


def _deployment(document: Document) -> str:
    producer = _block(document.get("producer"))
    for name, other in (("service", "id"), ("version", "version")):
        value = document.get(name) or producer.get(other)
        if not isinstance(value, str) or not value:
            return f"{name} is missing"
    return ""


def _block(value: object) -> Document:
    return value if isinstance(value, dict) else {}
