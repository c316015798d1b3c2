"""What the engines read in an OpenLineage event: its outputs by URN, and how much was written."""

from __future__ import annotations

from typing import Any

from sfctl.evidence.foreign import unresolved
from sfctl.model import urn
from sfctl.model.evidence import Evidence

Output = dict[str, Any]


def outputs(event: Evidence) -> list[tuple[str, Output]]:
    """Return (dataset, output) of each output. The first has the name given on intake."""
    document = event.payload.get("openlineage")
    found = document.get("outputs") if isinstance(document, dict) else None
    listed = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    named = [each for each in listed if each.get("name")]
    return [(_name(event, each, position), each) for position, each in enumerate(named)]


def _name(event: Evidence, output: Output, position: int) -> str:
    if position == 0 and event.dataset_urn:
        return event.dataset_urn
    name = str(output["name"])
    if urn.is_dataset(name):
        return urn.canonical(name)
    return unresolved(str(output.get("namespace", "")), name)


def statistics_of(event: Evidence, output: Output) -> tuple[int | None, int | None]:
    """Return rows and bytes of an output; the run's own figures where it has one output only."""
    facets = output.get("outputFacets")
    own = facets.get("outputStatistics") if isinstance(facets, dict) else None
    if not isinstance(own, dict) and len(outputs(event)) == 1:
        run = event.payload["openlineage"].get("run")
        facets = run.get("facets") if isinstance(run, dict) else None
        own = facets.get("outputStatistics") if isinstance(facets, dict) else None
    if not isinstance(own, dict):
        return None, None
    return _count(own, "rowCount"), _count(own, "size", "bytesWritten")


def event_type(event: Evidence) -> str:
    """Return START, RUNNING, COMPLETE, FAIL, ABORT or OTHER; empty text where none is given."""
    document = event.payload.get("openlineage")
    return str(document.get("eventType", "")) if isinstance(document, dict) else ""


def _count(block: dict[str, Any], *names: str) -> int | None:
    found = (block.get(name) for name in names)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool)), None)
