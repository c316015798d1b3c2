"""What feeds what, as runs showed it: a run's reads and writes arrive as events apart."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.graph.meaning.sketch import Sketch, whole_of
from sfctl.graph.port import Graph
from sfctl.model.graph import Elements
from sfctl.model.resolver import Resolver
from sfctl.model.topology import Topology

FAN = 50
"""At most so many datasets on either side of one run are crossed."""


def flows(graph: Graph, runs: Iterable[str], topology: Topology, resolver: Resolver) -> Elements:
    """Return the FEEDS edges that some runs stand for, given by node id."""
    sketch = Sketch(topology, resolver)
    for run in sorted(set(runs)):
        read = [e.target for e in graph.edges(run, "out", ["READ_FROM"], limit=FAN)]
        written = [e.target for e in graph.edges(run, "out", ["WROTE_TO"], limit=FAN)]
        sketch.passed_on(written, observed=True, confidence="HIGH")
        for source in read:
            for target in written:
                if whole_of(source) != whole_of(target):
                    sketch.feeds(source, target, observed=True, confidence="HIGH")
    return sketch.elements()
