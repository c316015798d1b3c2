"""What one event says of the graph: a pure function from an event and the names of its time.

Never a node for a record, a file or a partition; never a value of the data that a signature would
not show.
"""

from __future__ import annotations

from collections.abc import Callable

from sfctl.graph.meaning import (
    configuration,
    judgements,
    movement,
    openlineage,
    runs,
    signals,
)
from sfctl.graph.meaning.sketch import Sketch
from sfctl.model import topology as project
from sfctl.model.evidence import Evidence
from sfctl.model.graph import Elements
from sfctl.model.resolver import Resolver
from sfctl.model.topology import Topology


def elements(event: Evidence, topology: Topology, resolver: Resolver) -> Elements:
    """Return the nodes and edges an event stands for, none for kinds the graph does not hold.

    A CONFIG event is drawn by its own topology. Raises ValueError, KeyError, TypeError or
    msgspec.ValidationError for an event that cannot be read.
    """
    if event.kind == "CONFIG":
        topology = project.from_event(event)
        resolver = Resolver(topology)
    sketch = Sketch(topology, resolver)
    draw = _drawing(event)
    if draw is not None:
        draw(sketch, event)
    return sketch.elements()


def _drawing(event: Evidence) -> Callable[[Sketch, Evidence], None] | None:
    match event.kind:
        case "CONFIG":
            return configuration.configured
        case "GATE" | "COUNTERS":
            return judgements.judged
        case "JobRunStarted" | "JobRunCompleted":
            return runs.lifecycle
        case "JobRunFailed":
            return _failed
        case "DatasetRead":
            return runs.read
        case "DatasetWriteCommitted":
            return runs.written
        case "QUARANTINE":
            return _held_back
        case "CERTIFICATION":
            return runs.certified
        case "DeploymentEvent":
            return movement.deployed
        case "LineageSpec":
            return configuration.declares if "declares" in event.payload else movement.specified
        case "OpenLineage":
            return openlineage.ran
        case "SIGNAL":
            return signals.signalled
    return None


def _failed(sketch: Sketch, event: Evidence) -> None:
    runs.lifecycle(sketch, event)
    judgements.failures(sketch, event)


def _held_back(sketch: Sketch, event: Evidence) -> None:
    runs.quarantined(sketch, event)
    judgements.failures(sketch, event)
