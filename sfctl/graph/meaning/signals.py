"""Signals: which failure caused them, which dataset they are about."""

from __future__ import annotations

from sfctl.graph.meaning.judgements import failures
from sfctl.graph.meaning.occurrences import drift_of, occurrences, place
from sfctl.graph.meaning.runs import run_of
from sfctl.graph.meaning.sketch import Sketch, whole_of
from sfctl.model import graph, signal
from sfctl.model.evidence import Evidence

_FIGURES = (int, float)


def signalled(sketch: Sketch, event: Evidence) -> None:
    """Draw SIGNAL. Raises msgspec.ValidationError for an event that is no signal."""
    said = signal.from_event(event)
    dataset, stage = place(event, sketch.resolver)
    if said.run_id:
        run_of(sketch, event)
    figures = {
        name: value
        for name, value in said.metrics.items()
        if isinstance(value, _FIGURES) and name not in ("state", "reason")
    }
    id = sketch.node(
        said.signal_id,
        "Signal",
        **{
            **figures,
            "name": said.signal_type,
            "type": said.signal_type,
            "signal_type": said.signal_type,
            "dataset_urn": dataset,
            "stage": stage,
            "state": said.state,
            "reason": said.reason,
            "signature": said.signature,
            "timestamp": said.timestamp,
            "window_start": said.window.start,
            "window_end": said.window.end,
            "window_type": said.window.type,
            "engine": said.engine,
            "run_id": said.run_id,
            "job_urn": said.job_urn,
            "evidence_refs": list(said.evidence_refs) or None,
            "last_revision": said.revision,
        },
    )
    whole = sketch.thing(dataset)
    sketch.edge(id, "AFFECTS", whole)
    table = sketch.dataset(dataset, stage)
    if whole_of(table) != table:
        sketch.edge(id, "AFFECTS", table)
    if said.state not in ("WARNING", "CRITICAL"):
        return
    for text, count in _causes(said).items():
        signature = sketch.node(
            graph.signature_id(text, dataset),
            "FailureSignature",
            name=text,
            reason_code=text,
            dataset_urn=dataset,
            field=text.partition(":")[2].partition(":")[0],
        )
        sketch.edge(signature, "CAUSED", id, count=count)
    failures(sketch, event)
    for each in occurrences(event, sketch.resolver):
        sketch.edge(graph.signature_id(each.signature, each.dataset), "CAUSED", id)


def _causes(said: signal.Signal) -> dict[str, int | None]:
    """Return the signatures a signal names, with their counts."""
    if said.top_failures:
        return {failure.signature: failure.count for failure in said.top_failures}
    drifted = drift_of(said.details)
    return {drifted: None} if drifted else {}
