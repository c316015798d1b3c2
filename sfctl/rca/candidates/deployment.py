"""A deployment that brought the failure, here or upstream; and those that only look like it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sfctl.clock import format_instant
from sfctl.model import urn
from sfctl.model.graph import Edge, Node, elsewhere, service_id
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate
from sfctl.rca.case import Case
from sfctl.rca.extent import recent, stamp
from sfctl.rca.log import instant, seconds_between
from sfctl.rca.renames import renamed
from sfctl.rca.stages import cleared, judged_before
from sfctl.rca.symptoms import Signature
from sfctl.rca.wording import moment, name_of, phrase, span_of_time

LABELS = ("INTRODUCED", "PRECEDED")
WEAK = ("lineage", "time")
"""Grounds of an edge that no evidence speaks for: the way of the data, and the clock."""
COINCIDENT = timedelta(hours=24)
ROLLOUT_S = 3_600
"""A stream may show good records for so long while a version is rolled out."""
_DECOYS = 5


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield deployments that an edge leads to, then those that were merely near in time."""
    seen: set[str] = set()
    for signature in (*case.signatures, *case.echoes):
        edges = case.tracer.edges("which deployment brought it?", signature.id, "in", LABELS)
        for edge in sorted(edges, key=lambda e: (LABELS.index(e.label), e.source)):
            node = case.tracer.node(edge.source)
            if node is None or node.id in seen:
                continue
            seen.add(node.id)
            yield _judged(case, node, edge, signature)
    yield from _coincident(case, seen)


def deployed_at(node: Node) -> str:
    """Return when a deployment happened."""
    return stamp(str(node.props.get("deployed_at") or node.props.get("timestamp") or ""))


def service_of(node: Node) -> str:
    """Return the id of the service or job a deployment is of."""
    named = str(node.props.get("service") or "")
    return service_id(named or node.id.removeprefix("urn:deployment:").rpartition(":")[0])


def owner_of(case: Case, node: Node) -> str:
    """Return the id of who was deployed: a job or a service, as the graph holds it."""
    edges = case.tracer.edges("who was deployed?", node.id, "in", ["DEPLOYED"])
    named = service_of(node)
    owners = sorted(edge.source for edge in edges)
    same = [each for each in owners if name_of(each) == name_of(named)]
    return next(iter((*same, *owners, named)))


def version_of(node: Node) -> str:
    """Return the version that was deployed."""
    return str(node.props.get("version") or node.id.rpartition(":")[2])


def environment(case: Case) -> str:
    """Return the environment that the failing data is of, empty where no project says."""
    node = case.tracer.node(urn.without_stage(case.home))
    return str(node.props.get("environment") or "") if node else ""


def foreign(case: Case, node: Node) -> bool:
    """Tell whether a deployment went to an environment that this data is not of."""
    return elsewhere(str(node.props.get("environment") or ""), environment(case))


def _judged(case: Case, node: Node, edge: Edge, signature: Signature) -> Candidate:
    service, version, at = owner_of(case, node), version_of(node), deployed_at(node)
    first = str(edge.props.get("first_evidence") or "")
    refs = (node.id, signature.id, *((first,) if first else ()))
    upstream = signature not in case.signatures
    certain = edge.label == "INTRODUCED" and edge.props.get("basis") not in WEAK
    brought = "introduced" if certain else "most likely brought"
    where = f" in {name_of(signature.table)}" if upstream and signature.table else ""
    statement = (
        f"Deployment {name_of(service)} {version} at {moment(at)} {brought} it{where}: "
        f"{phrase(signature, renamed(case, signature.field))}."
    )
    links = readings.incident_links(case)
    deploys = case.tracer.edges("who was deployed?", node.id, "in", ["DEPLOYED"])
    links["DEPLOYED"] = bool(deploys)
    links["producer"] = bool(readings.relation(case, service))
    links["INTRODUCED"] = edge.label == "INTRODUCED"
    if upstream:
        links["lineage"] = any(signature.table.startswith(d) for d in case.above)
    found = {
        "time_distance": readings.nearness(case, at, (node.id,)),
        "between_good_and_bad": readings.onset(case, at, version),
        "producer_match": readings.producer(
            case, service, (node.id,), 0.5 if edge.label == "INTRODUCED" else 0.0
        ),
        "version_match": readings.version(case, version, edge, (node.id,)),
        "signature_match": readings.same_failure(signature, upstream, edge.label),
        "share_explained": readings.share(case, signature.text),
        "path_completeness": readings.path(links, (node.id,)),
        "edge_confidence": readings.edge(edge, refs[:2]),
    }
    return Candidate(
        "DEPLOYMENT",
        node.id,
        statement,
        at,
        found,
        refs,
        _against(case, node, edge, signature),
        origin=service,
        signature=signature.text,
    )


def _against(case: Case, node: Node, edge: Edge, signature: Signature) -> str:
    """Return why a deployment that an edge leads to is no cause all the same, if so."""
    service, version, at = owner_of(case, node), version_of(node), deployed_at(node)
    if at and case.span.first_bad and at > case.span.first_bad:
        return f"it came after the first failure ({moment(case.span.first_bad)})"
    if foreign(case, node):
        return f"it went to {node.props['environment']}, and this data is of {environment(case)}"
    producer, found, confidence = case.producer()
    related = bool(readings.relation(case, service))
    named = bool(producer) and service_id(producer) == service_id(service)
    if not related and not named:
        if producer and confidence == "HIGH" and not producer.startswith(("urn:job:", "spark:")):
            return f"the failing evidence comes from {name_of(producer)}"
        if edge.label != "INTRODUCED":
            return f"{name_of(service)} neither produces this data nor feeds it"
    if signature.is_of_the_job and service.startswith("urn:service:") and not named:
        return (
            f"{signature.text} is of the job, and nothing ties it to what {name_of(service)} sends"
        )
    if named and found and found != version:
        return f"the failing evidence is of version {found}"
    good = case.log.event(case.span.last_good_ref) if case.span.last_good_ref else None
    of = str(good.producer.get("version") or "") if good else ""
    whose = service_id(str(good.producer.get("id") or "")) if good else ""
    lived = seconds_between(at, case.span.last_good)
    same = of == version and whose == service_id(service)
    if same and lived is not None and lived > COINCIDENT.total_seconds():
        return f"{version} itself was good for {span_of_time(lived)} after it"
    first = cleared(case)
    weak = edge.label == "PRECEDED" or edge.props.get("basis") in WEAK
    if first is not None and weak and service.startswith("urn:service:") and not named:
        return f"lineage and time alone tie it to the failure, and {judged_before(first)}"
    guessed = edge.props.get("basis") not in ("version", "evidence", None)
    if guessed and not case.runs and of in ("", version) and (lived or 0) > ROLLOUT_S:
        return f"the data was good for {span_of_time(lived or 0)} after it"
    still = edge.label == "PRECEDED" and good is not None and at and case.span.last_good > at
    if still and of in ("", version):
        return f"the data was still good after it ({moment(case.span.last_good)})"
    return ""


def _coincident(case: Case, seen: set[str]) -> Iterator[Candidate]:
    """Yield deployments of the day before it failed that nothing ties to the failure."""
    end = instant(case.span.first_bad)
    if end is None:
        return
    start = format_instant(end - COINCIDENT)
    near = [
        node
        for node in case.tracer.all("Deployment")
        if node.id not in seen and start <= deployed_at(node) <= case.span.first_bad
    ]
    for node in sorted(near, key=lambda n: (deployed_at(n), n.id), reverse=True)[:_DECOYS]:
        service = owner_of(case, node)
        at = deployed_at(node)
        back = next((s for s in case.signatures if not recent(case, s.first_seen)), None)
        if back is not None and readings.relation(case, service) and not foreign(case, node):
            # The graph dates a failure by its first time; this one has come back.
            yield _judged(case, node, Edge(node.id, back.id, "PRECEDED", {"basis": "time"}), back)
            continue
        why = (
            f"it went to {node.props['environment']}, and this data is of {environment(case)}"
            if foreign(case, node)
            else "no edge of the graph leads from it to the failure"
            if readings.relation(case, service)
            else f"{name_of(service)} neither produces this data nor feeds it"
        )
        yield Candidate(
            "DEPLOYMENT",
            node.id,
            f"Deployment {name_of(service)} {version_of(node)} at {moment(at)} was near in time.",
            at,
            refs=(node.id,),
            ruled_out=why,
            origin=service,
        )
