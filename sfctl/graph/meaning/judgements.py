"""Failures: which signature a run, a stream or a producer was seen with."""

from __future__ import annotations

from sfctl.graph.meaning.occurrences import Occurrence, occurrences, place
from sfctl.graph.meaning.runs import came_from, job_of, run_of, upstream
from sfctl.graph.meaning.sketch import Sketch, short, whole_of
from sfctl.model import graph
from sfctl.model.evidence import Evidence

UNKNOWN = frozenset({"", "UNKNOWN"})
VERSIONED = "first_seen:"
"""Prefix of the property that tells when a version of a producer first showed a signature."""


def judged(sketch: Sketch, event: Evidence) -> None:
    """Draw GATE and COUNTERS: what failed or warned, where it ran, who sent it."""
    run = run_of(sketch, event)
    dataset, stage = place(event, sketch.resolver)
    table = sketch.dataset(dataset, stage) if dataset else ""
    came_from(sketch, event, table)
    operator = _operator(sketch, event, table)
    failures(sketch, event)
    found = occurrences(event, sketch.resolver)
    for each in found:
        signature = graph.signature_id(each.signature, each.dataset)
        if operator:
            sketch.edge(operator, "ENCOUNTERED", signature, **_seen(each))
        if producer := service_of(sketch, event):
            name, confidence = producer
            versions = {VERSIONED + each.version: each.first_seen} if each.version else {}
            sketch.node(name, "Service", name=short(name))
            sketch.edge(
                name,
                "PRODUCED_DRIFT",
                signature,
                confidence=confidence,
                observed=True,
                **versions,
                **_first(each),
            )
    named = upstream(event)
    if named and table:
        source = sketch.thing(named)
        if whole_of(source) == whole_of(table):
            return
        sketch.feeds(source, table, observed=True, confidence="HIGH")
        if run:
            sketch.edge(run, "READ_FROM", source, last_seen=event.timestamp)
        if job := job_of(sketch, event):
            sketch.edge(job, "READS", source, observed=True, confidence="HIGH")
        for each in found:
            if each.failed and event.lineage.get("upstream_dataset"):
                signature = graph.signature_id(each.signature, each.dataset)
                sketch.edge(source, "INTRODUCED_DRIFT", signature, observed=True, **_first(each))


def failures(sketch: Sketch, event: Evidence) -> None:
    """Draw the signatures an event reports, and the run that met them."""
    for each in occurrences(event, sketch.resolver):
        reason, _, rest = each.signature.partition(":")
        field, _, detail = rest.partition(":")
        sketch.thing(each.dataset)
        signature = sketch.node(
            graph.signature_id(each.signature, each.dataset),
            "FailureSignature",
            name=each.signature,
            reason_code=each.signature,
            reason=reason,
            dataset_urn=each.dataset,
            stage=each.stage,
            field=field,
            new_value=detail if reason == "UNKNOWN_ENUM" else "",
            occurrence_count=each.count,
            failed=each.failed or None,
            unattributed=(not event.run_id and service_of(sketch, event) is None) or None,
            first_reported=event.timestamp,
            **_first(each),
            last_seen=each.last_seen,
        )
        if each.run:
            run = sketch.node(graph.run_id(each.run), "Run")
            sketch.edge(run, "ENCOUNTERED", signature, failed=each.failed or None, **_seen(each))


def service_of(sketch: Sketch, event: Evidence) -> tuple[str, str] | None:
    """Return the service that evidence names as the sender of its data, and how sure that is."""
    named = str(event.producer.get("id") or "")
    confidence = str(event.producer.get("confidence") or "NONE")
    if named not in UNKNOWN and confidence != "NONE":
        is_job = event.producer.get("run_id") or named.startswith("urn:job:")
        if is_job or (event.run_id and sketch.resolver.job_reference(named)):
            return None
        return graph.service_id(named), confidence
    return None


def _operator(sketch: Sketch, event: Evidence, table: str) -> str:
    """Draw the streaming topology and the operator that judged; return the operator."""
    name = str(event.stream.get("topology_id") or "")
    if not name:
        return ""
    topology = sketch.node(f"urn:topology:{name}", "Topology", name=name)
    if table:
        sketch.edge(topology, "WRITES", table, observed=True, confidence="HIGH")
    processor = str(event.stream.get("processor_node") or "")
    if not processor:
        return topology
    operator = sketch.node(f"urn:operator:{name}:{processor}", "Operator", name=processor)
    sketch.edge(topology, "CONTAINS", operator)
    return operator


def _first(each: Occurrence) -> dict[str, str]:
    return {
        "first_evidence": each.evidence,
        "first_seen": each.first_seen,
        "timestamp": each.first_seen,
    }


def _seen(each: Occurrence) -> dict[str, object]:
    return {
        "count": each.count,
        "first_evidence": each.evidence,
        "first_seen": each.first_seen,
        "last_seen": each.last_seen,
    }
