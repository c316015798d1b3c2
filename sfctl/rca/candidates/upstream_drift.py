"""A change of schema or of known values that was seen upstream before it failed here."""

from __future__ import annotations

from collections.abc import Iterator

from sfctl.model import urn
from sfctl.model.explanation import Kind
from sfctl.model.graph import Edge
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate, Reading
from sfctl.rca.case import Case
from sfctl.rca.extent import stamp
from sfctl.rca.symptoms import Signature
from sfctl.rca.wording import moment, name_of, phrase

LABELS = ("PRODUCED_DRIFT", "INTRODUCED_DRIFT")
_SCHEMA = ("MISSING_FIELD", "SCHEMA_BREAK", "TYPE_MISMATCH")


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield, per failure, the service that emits it, or the dataset that it began with."""
    for signature in case.signatures:
        if signature.is_of_the_job or not signature.field:  # late or short is no change of values
            continue
        echoes = [echo for echo in case.echoes if echo.text == signature.text]
        edges: dict[tuple[str, str], tuple[Edge, Signature]] = {}
        for place in (signature, *echoes):
            for edge in case.tracer.edges("whose drift is it?", place.id, "in", LABELS):
                edges.setdefault((edge.label, edge.source), (edge, place))
        produced = [each for key, each in sorted(edges.items()) if key[0] == "PRODUCED_DRIFT"]
        drifted = [each for key, each in sorted(edges.items()) if key[0] == "INTRODUCED_DRIFT"]
        for edge, _ in produced:
            yield _by_service(case, signature, edge, echoes, [e for e, _ in drifted])
        origin = _origin(case, signature, echoes, [e for e, _ in drifted])
        if origin is not None and not produced:
            yield origin


def kind_of(signature: Signature) -> Kind:
    """Return what kind of change upstream a failure speaks of."""
    if signature.reason == "UNKNOWN_ENUM":
        return "UPSTREAM_ENUM"
    return "UPSTREAM_SCHEMA" if signature.reason in _SCHEMA else "UPSTREAM_DATA"


def _by_service(
    case: Case, signature: Signature, edge: Edge, echoes: list[Signature], drifted: list[Edge]
) -> Candidate:
    service = edge.source
    first = str(edge.props.get("first_evidence") or "")
    since = [stamp(str(edge.props.get("timestamp") or ""))]
    since += [stamp(echo.first_seen) for echo in echoes]
    at = min((each for each in since if each), default="")
    refs = tuple(r for r in (service, first, *(e.id for e in echoes), signature.id) if r)
    way = readings.relation(case, service)
    links = readings.incident_links(case)
    links["producer"] = bool(way)
    links[edge.label] = edge.props.get("basis") != "producer"
    if len(way) > 1:
        links["seen upstream"] = bool(echoes or drifted)
    statement = (
        f"A change in what {name_of(service)} emits, first seen {moment(at)}: "
        f"{phrase(signature)}{_unexpected(case)}."
    )
    found = _readings(case, signature, at, refs, links, echoes or drifted)
    found["producer_match"] = _emitter(case, service, echoes, edge)
    found["edge_confidence"] = readings.edge(edge, refs[:2])
    return Candidate(
        kind_of(signature), service, statement, at, found, refs,
        _against(case, at) or _sender(way, echoes, drifted, service),
        origin=service, signature=signature.text,
    )  # fmt: skip


def _origin(
    case: Case, signature: Signature, echoes: list[Signature], drifted: list[Edge]
) -> Candidate | None:
    """Return the dataset upstream that showed it first, where no service is known to emit it."""
    told: list[tuple[str, str, str]] = [
        (stamp(echo.first_seen), echo.table, echo.first_evidence or echo.id)
        for echo in echoes
        if echo.table
    ]
    told += [
        (stamp(str(e.props.get("timestamp") or e.props.get("first_seen") or "")), e.source,
         str(e.props.get("first_evidence") or ""))
        for e in drifted
    ]  # fmt: skip
    told = [each for each in told if each[1] not in (signature.table, case.home)]
    if not told:
        return None
    at, table, first = min(told, key=lambda each: (each[0] or "9", each[1]))
    service = _owner(case, table)
    if service:
        drift = [edge for edge in drifted if edge.source == urn.without_stage(table)]
        edge = Edge(service, signature.id, "PRODUCED_DRIFT",
                    {"basis": "producer", "timestamp": at, "first_evidence": first})  # fmt: skip
        return _by_service(case, signature, edge, echoes, drift)
    refs = tuple(r for r in (table, first, signature.id) if r)
    links = readings.incident_links(case)
    links["lineage"] = any(table.partition("#")[0] == d.partition("#")[0] for d in case.above)
    links["producer"] = False
    found = _readings(case, signature, at, refs, links, echoes)
    found["producer_match"] = Reading(0.5, "who emits it is not on record", (table,))
    guess = Edge(table, signature.id, "INTRODUCED_DRIFT", {"basis": "lineage"})
    known = [edge for edge in drifted if edge.source == table]
    found["edge_confidence"] = readings.edge((known or [guess])[0], refs[:1])
    lost = "" if links["lineage"] else f"no lineage leads from {name_of(table)} to here"
    return Candidate(
        kind_of(signature), table,
        f"It came with the data of {name_of(table)}, where it was first seen {moment(at)}: "
        f"{phrase(signature)}{_unexpected(case)}.",
        at, found, refs, _against(case, at) or lost, origin=table, signature=signature.text,
    )  # fmt: skip


def _readings(
    case: Case,
    signature: Signature,
    at: str,
    refs: tuple[str, ...],
    links: dict[str, bool],
    seen: list[Signature] | list[Edge],
) -> dict[str, Reading]:
    same = (
        Reading(1.0, f"the same failure was seen upstream first: {signature.text}", refs)
        if seen
        else Reading(0.8, f"{signature.text} is tied to it; no other place shows it", refs)
    )
    return {
        "time_distance": readings.nearness(case, at, refs[:1]),
        "between_good_and_bad": readings.onset(case, at),
        "signature_match": same,
        "share_explained": readings.share(case, signature.text),
        "path_completeness": readings.path(links, refs[:1]),
    }


def _against(case: Case, at: str) -> str:
    if at and case.span.first_bad and at > case.span.first_bad:
        return f"it was seen there only after it failed here ({moment(case.span.first_bad)})"
    return ""


def _owner(case: Case, table: str) -> str:
    """Return the service that produces a dataset, where only one does."""
    edges = case.tracer.edges("who produces it?", urn.without_stage(table), "in", ["OWNS"])
    services = sorted({e.source for e in edges if e.source.startswith("urn:service:")})
    return services[0] if len(services) == 1 else ""


def _emitter(case: Case, service: str, echoes: list[Signature], edge: Edge) -> Reading:
    """Read whether the data that showed it first is the service's own."""
    made = case.tracer.edges("what does it produce?", service, "out", ["OWNS", "WRITES"])
    targets = {urn.without_stage(each.target) for each in made}
    own = [echo for echo in echoes if urn.without_stage(echo.table) in targets]
    if own:
        return Reading(
            1.0 if str(edge.props.get("confidence") or "") == "HIGH" else 0.95,
            f"the service {name_of(service)} produces {name_of(own[0].table)}, "
            "where it was seen first",
            (service, own[0].id),
        )
    return readings.producer(case, service, (service,), 0.5)


def _sender(
    way: tuple[str, ...], echoes: list[Signature], drifted: list[Edge], service: str
) -> str:
    """Return why a service is only who sends the data: nothing was seen before it failed here."""
    if echoes or drifted or len(way) > 1:
        return ""
    return f"{name_of(service)} sends this data, but nothing on record tells what changed there"


def _unexpected(case: Case) -> str:
    jobs = sorted({str(r.props.get("job_name") or r.props.get("job") or "") for r in case.runs})
    named = [name_of(job) for job in jobs if job]
    return f", which {named[0]} does not expect" if named else ""
