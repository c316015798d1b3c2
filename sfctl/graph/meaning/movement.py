"""Declared lineage and deployments: who moves what, and which version of whom went live when."""

from __future__ import annotations

from sfctl.clock import format_instant, parse_instant
from sfctl.graph.meaning.runs import design
from sfctl.graph.meaning.sketch import Sketch, block, listed, short, whole_of
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.graph import deployment_id, elsewhere, service_id
from sfctl.model.manifest import SpecEntry


def producer_of(sketch: Sketch, name: str) -> str:
    """Return the job or service that a producer's name stands for, a job where nothing tells."""
    if job := sketch.resolver.job_reference(name):
        return job
    services = {service_id(each.urn) for each in sketch.topology.lineage.services}
    if name.startswith("urn:") or service_id(name) in services:
        return service_id(name)
    return urn.job(name)


def specified(sketch: Sketch, event: Evidence) -> None:
    """Draw LineageSpec."""
    payload = event.payload
    spec = SpecEntry(
        producer=str(event.producer.get("id") or payload.get("producer") or ""),
        inputs=tuple(map(str, listed(payload.get("inputs")))),
        outputs=tuple(map(str, listed(payload.get("outputs")))),
        columns=tuple(dict(block(each)) for each in listed(payload.get("columns"))),
        confidence=str(payload.get("confidence") or "HIGH"),
        commit=event.code_ref or str(payload.get("commit") or ""),
    )
    moved(sketch, spec)


def moved(sketch: Sketch, spec: SpecEntry) -> None:
    """Draw one declared movement: reads, writes, feeds, and columns where it names them."""
    producer = producer_of(sketch, spec.producer)
    sketch.thing(producer)
    sketch.node(producer, "", commit=spec.commit)
    inputs = [
        sketch.thing(sketch.resolver.outlet(sketch.resolver.reference(x))) for x in spec.inputs
    ]
    outputs = [sketch.thing(each) for each in spec.outputs]
    props = {"confidence": spec.confidence, "commit": spec.commit, "declared": True}
    design(sketch, producer, inputs, outputs, **props)
    if producer.startswith("urn:service:"):
        for each in outputs:
            sketch.edge(producer, "OWNS", each)
    for mapping in spec.columns:
        to, sources = mapping.get("to"), mapping.get("from")
        if not isinstance(to, str):
            continue
        names = sources if isinstance(sources, list | tuple) else [sources]
        for output in outputs:
            target = column(sketch, output, to)
            sketch.edge(producer, "WRITES_COL", target, **props)
            for source in (column(sketch, x, y) for x in inputs for y in names if y):
                sketch.edge(producer, "READS_COL", source, **props)
                sketch.edge(source, "FEEDS", target, **props)


def column(sketch: Sketch, dataset: str, field: object, **props: object) -> str:
    """Add a column of a dataset and return its id; stages of a dataset share their columns."""
    whole = whole_of(dataset)
    id = urn.column(whole, str(field))
    sketch.node(id, "Column", name=str(field), dataset_urn=whole, **props)
    sketch.edge(sketch.thing(whole), "CONTAINS", id)
    return id


def deployed(sketch: Sketch, event: Evidence) -> None:
    """Draw DeploymentEvent. Raises ValueError for one without service or version."""
    payload = event.payload
    service = str(event.producer.get("id") or payload.get("service") or "")
    version = str(event.producer.get("version") or payload.get("version") or "")
    if not service or not version:
        raise ValueError("a deployment needs a service and a version")
    at = payload.get("deployed_at")
    owner = sketch.resolver.job_reference(service) or service_id(service)
    sketch.node(owner, "Job" if owner.startswith("urn:job:") else "Service", name=short(owner))
    environment = str(payload.get("environment") or "")
    name = deployment_id(service, version)
    if elsewhere(environment, sketch.topology.environment):
        # The same version went, or will go, to where our data is: that is another deployment.
        name += f"@{environment}"
    id = sketch.node(
        name,
        "Deployment",
        name=f"{short(owner)} {version}",
        service=short(owner),
        version=version,
        previous_version=str(payload.get("previous_version") or ""),
        deployed_at=format_instant(parse_instant(at)) if isinstance(at, str) else event.timestamp,
        commit=event.code_ref,
        environment=environment,
        evidence=event.evidence_id,
    )
    sketch.edge(owner, "DEPLOYED", id)
