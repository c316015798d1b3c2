"""What a project declares of itself: CONFIG, and what lineage files say between compiles."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sfctl.graph.meaning.movement import moved
from sfctl.graph.meaning.runs import design
from sfctl.graph.meaning.sketch import Sketch, block, listed, short
from sfctl.model.evidence import Evidence
from sfctl.model.graph import service_id, team_id
from sfctl.model.manifest import LineageEntry


def configured(sketch: Sketch, _: Evidence) -> None:
    """Draw CONFIG: datasets with objectives, jobs, services, consumers, teams.

    A stage table comes with the job that writes it: that a place is set aside for it is no table.
    The sketch's topology is the event's own by then.
    """
    for name, entry in sketch.topology.datasets.items():
        sketch.dataset(
            name,
            level=entry.level,
            tags=list(entry.tags) or None,
            environment=sketch.topology.environment,
        )
        sketch.owned(name, entry.owner)
        _objectives(sketch, name, entry.slo)
        for demand in listed(entry.slo.get("consumers")):
            consumer = str(block(demand).get("consumer") or "")
            if consumer:
                team = sketch.node(team_id(consumer), "Team", name=consumer)
                sketch.edge(sketch.resolver.outlet(name), "CONSUMED_BY", team)
    for name, job in sketch.topology.jobs.items():
        sketch.node(
            name, "Job", name=job.name, owner=job.owner, kind=job.runtime, schedule=job.schedule
        )
        sketch.owned(name, job.owner)
        inputs = [sketch.thing(sketch.resolver.outlet(each)) for each in job.inputs]
        outputs = [sketch.thing(each) for each in job.outputs]
        design(sketch, name, inputs, outputs, declared=True, confidence="HIGH")
    declared(sketch, sketch.topology.lineage)


def declares(sketch: Sketch, event: Evidence) -> None:
    """Draw a LineageSpec that carries more than a movement: what a lineage file declares."""
    declared(sketch, msgspec.convert(event.payload["declares"], LineageEntry))


def declared(sketch: Sketch, lineage: LineageEntry) -> None:
    """Draw what lineage files declare."""
    for asset in lineage.assets:
        name = sketch.thing(asset.urn)
        where = sketch.topology.environment
        sketch.node(name, "", tier=asset.tier, owner=asset.owner, environment=where)
        sketch.owned(name, asset.owner)
    for service in lineage.services:
        id = service_id(service.urn)
        sketch.node(id, "Service", name=short(id), owner=service.owner)
        sketch.owned(id, service.owner)
        for name in service.owns:
            sketch.edge(id, "OWNS", sketch.thing(name))
    for consumer in lineage.consumers:
        id = sketch.thing(consumer.urn)
        sketch.node(id, consumer.kind, tier=consumer.tier, owner=consumer.owner)
        sketch.owned(id, consumer.owner)
        for name in consumer.consumes:
            sketch.feeds(name, id, declared=True, confidence="HIGH")
    for team in lineage.teams:
        id = team_id(team.urn)
        sketch.node(id, "Team", name=short(id), channels=[each.type for each in team.channels])
    for spec in lineage.specs:
        moved(sketch, spec)


def _objectives(sketch: Sketch, dataset: str, slo: Mapping[str, object]) -> None:
    for kind, terms in sorted(slo.items()):
        if kind == "consumers":
            continue
        shown = terms if isinstance(terms, dict) else {"threshold": terms}
        props = {key: value for key, value in shown.items() if isinstance(value, int | float | str)}
        id = f"urn:slo:{dataset.removeprefix('urn:')}:{kind}"
        sketch.node(id, "SLO", **{**props, "name": kind, "dataset_urn": dataset})
        sketch.edge(dataset, "MEASURED_BY", id)
