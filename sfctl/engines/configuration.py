"""The topology of a CONFIG event, read once for all the cells that are told of it."""

from __future__ import annotations

from sfctl.model import topology, urn
from sfctl.model.evidence import Evidence
from sfctl.model.topology import Topology

Sources = dict[str, frozenset[str]]
"""Datasets next upstream, by dataset."""
_newest: list[tuple[Evidence, Topology]] = []
_drawn: list[tuple[Topology, frozenset[str], Sources]] = []


def topology_of(event: Evidence) -> Topology:
    """Return what `topology.from_event` reads; the same object's topology is not read again."""
    for known, found in _newest:
        if known is event:
            return found
    _newest[:] = [(event, topology.from_event(event))]
    return _newest[0][1]


def written(known: Topology) -> frozenset[str]:
    """Return the datasets that jobs write."""
    return _of(known)[1]


def sources(known: Topology) -> Sources:
    """Return what each dataset that a job or a spec makes is made from, itself left out."""
    return _of(known)[2]


def _of(known: Topology) -> tuple[Topology, frozenset[str], Sources]:
    if not _drawn or _drawn[0][0] is not known:
        jobs = [(each.inputs, each.outputs) for each in known.jobs.values()]
        specs = [(each.inputs, each.outputs) for each in known.lineage.specs]
        by_jobs = frozenset(urn.without_stage(name) for _, outputs in jobs for name in outputs)
        found: dict[str, set[str]] = {}
        for inputs, outputs in (*specs, *jobs):
            above = {urn.without_stage(name) for name in inputs if urn.is_dataset(name)}
            for name in map(urn.without_stage, outputs):
                found.setdefault(name, set()).update(above)
        upstream = {name: frozenset(above - {name}) for name, above in found.items()}
        _drawn[:] = [(known, by_jobs, upstream)]
    return _drawn[0]
