"""The topology of a CONFIG event, read once for all the cells that are told of it."""

from __future__ import annotations

from sfctl.model import topology
from sfctl.model.evidence import Evidence
from sfctl.model.topology import Topology

_newest: list[tuple[Evidence, Topology]] = []


def topology_of(event: Evidence) -> Topology:
    """Return what `topology.from_event` reads; the same object's topology is not read again."""
    for known, found in _newest:
        if known is event:
            return found
    _newest[:] = [(event, topology.from_event(event))]
    return _newest[0][1]
