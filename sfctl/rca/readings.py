"""The factors a cause is weighed by, each read from the case as a value and a sentence."""

from __future__ import annotations

from sfctl.model.graph import Edge, service_id
from sfctl.rca.candidate import Candidate, Reading
from sfctl.rca.case import Case
from sfctl.rca.extent import stamp
from sfctl.rca.feedback import verdicts
from sfctl.rca.log import seconds_between
from sfctl.rca.subject import stages_of
from sfctl.rca.symptoms import Signature
from sfctl.rca.wording import moment, span_of_time

_NEARNESS = ((300, 1.0), (3_600, 0.9), (86_400, 0.6), (259_200, 0.4), (604_800, 0.2))
"""Seconds from cause to first failure → how much that speaks for the cause."""
_FAR = 0.1
NEXT_RUN = 0.8
_NEXT_RUN_WITHIN = 259_200
_CLOCKS_DIFFER = 60
"""Two who saw the same thing may date it so many seconds apart."""
CONFIDENCE = {"HIGH": 1.0, "MEDIUM": 0.9, "LOW": 0.5}
BASIS = {"version": 1.0, "evidence": 1.0, "producer": 0.9, "lineage": 0.6, "time": 0.5}
"""What an edge was drawn from → how sure that is."""
NO_GOOD_ON_RECORD = 0.95


def nearness(case: Case, at: str, refs: tuple[str, ...]) -> Reading:
    """Read how soon after the cause it first failed."""
    gap = seconds_between(at, case.span.first_bad)
    if gap is None or gap < 0:
        return Reading(0.0, "when it happened, or when it first failed, is not on record", refs)
    value = next((value for limit, value in _NEARNESS if gap <= limit), _FAR)
    said = f"the first failure came {span_of_time(gap)} after it"
    if value < NEXT_RUN and gap <= _NEXT_RUN_WITHIN and _in_next_run(case, at):
        value, said = NEXT_RUN, f"{said}, in the first run that could show it"
    return Reading(
        value,
        said,
        (*refs, *_ref(case.span.first_bad_ref)),
    )


def _in_next_run(case: Case, at: str) -> bool:
    """Tell whether the failing run was its job's first after `at`: none could fail earlier."""
    if not case.runs:
        return False
    starts = []
    for run in case.runs:
        for job in case.tracer.edges("which job is it a run of?", run.id, "in", ["EXECUTED"]):
            if job.source.startswith("urn:dagrun:"):
                continue
            runs = case.tracer.edges("which runs has the job?", job.source, "out", ["EXECUTED"])
            for node in case.tracer.nodes(edge.target for edge in runs):
                starts.append((stamp(str(node.props.get("start_time") or "")), node.id))
    later = [each for each in starts if each[0] and each[0] >= at]
    return bool(later) and min(later)[1] in {run.id for run in case.runs}


def onset(case: Case, at: str, version: str = "") -> Reading:
    """Read whether the cause lies between the last good and the first bad."""
    span = case.span
    refs = (*_ref(span.last_good_ref), *_ref(span.first_bad_ref))
    if not at or not span.first_bad:
        return Reading(0.3, "it cannot be placed between good and bad", refs)
    if not span.last_good:
        earlier = (seconds_between(s.first_seen, at) for s in case.signatures)
        fresh = all(gap is None or gap <= _CLOCKS_DIFFER for gap in earlier)
        value = NO_GOOD_ON_RECORD if fresh else 0.3
        said = "and this failure was not seen before it" if fresh else "and it failed before, too"
        return Reading(value, f"no good evidence is on record, {said}", refs)
    if span.last_good <= at:
        return Reading(
            1.0, f"it lies between the last good ({moment(span.last_good)}) and the first bad", refs
        )
    good = case.log.event(span.last_good_ref)
    of = str(good.producer.get("version") or "") if good else ""
    if version and of and of != version:
        return Reading(1.0, f"the last good evidence ({moment(span.last_good)}) is of {of}", refs)
    return Reading(0.3, f"evidence was still good after it ({moment(span.last_good)})", refs)


def producer(case: Case, service: str, refs: tuple[str, ...], otherwise: float) -> Reading:
    """Read whether a service is who makes what failed; `otherwise` when nothing tells."""
    known, _, confidence = case.producer()
    if known and service_id(known) == service_id(service):
        value = {"HIGH": 1.0, "MEDIUM": 0.9}.get(confidence, 0.7)
        first = case.evidence[0].evidence_id if case.evidence else ""
        return Reading(
            value,
            f"the failing evidence names {known} as its producer ({confidence})",
            (*refs, *_ref(first)),
        )
    way = relation(case, service)
    if len(way) == 1:
        return Reading(0.9, f"{_whom(service)} produces {_short(way[0])}", (*refs, *way))
    if way:
        return Reading(
            0.8,
            f"{_whom(service)} produces {_short(way[-1])}, which feeds {_short(way[0])} "
            f"over {len(way) - 1} hop{'s' if len(way) > 2 else ''}",
            (*refs, *way),
        )
    return Reading(otherwise, "that it produces the data is not on record", refs)


def relation(case: Case, service: str) -> tuple[str, ...]:
    """Return the way from where it failed to a dataset that a service or job makes, if any."""
    made = case.tracer.edges(
        "what does it produce?", service_id(service), "out", ["OWNS", "WRITES"]
    )
    targets = {edge.target for edge in made}
    own = {case.home, *case.tables}
    for table in sorted(own):
        own = own | set(stages_of(table, case.tracer))
    here = sorted(targets & own)
    if here:
        return (here[0],)
    for dataset, way in case.above.items():
        if dataset in targets:
            return way
    return ()


def version(case: Case, deployed: str, edge: Edge, refs: tuple[str, ...]) -> Reading:
    """Read whether the failing evidence comes from the version that was deployed."""
    _, found, _ = case.producer()
    if not found and edge.props.get("basis") == "version":
        return Reading(1.0, f"the graph tied the failure to version {deployed}", refs)
    if not found:
        return Reading(0.5, "the failing evidence names no producer version", refs)
    if found == deployed:
        return Reading(1.0, f"the failing evidence is of version {found}", refs)
    return Reading(0.0, f"the failing evidence is of version {found}", refs)


def share(case: Case, text: str) -> Reading:
    """Read which part of the failures has this signature."""
    counts = {f.signature: max(f.count, 0) for signal in case.signals for f in signal.top_failures}
    total = sum(counts.values())
    refs = tuple(signal.signal_id for signal in case.signals[:1])
    if not total or text not in counts:
        only = len(case.texts) <= 1
        return Reading(
            1.0 if only else 0.8,
            "it is the only failure" if only else "the failures are not counted apart",
            refs,
        )
    field = text.split(":")[1] if ":" in text else text
    alike = sum(n for each, n in counts.items() if each == text or f":{field}" in each)
    about = f"are of `{field}`" if ":" in text else f"are {text}"
    return Reading(round(alike / total, 4), f"{alike:,} of {total:,} failures {about}", refs)


def edge(edge: Edge, refs: tuple[str, ...]) -> Reading:
    """Read how sure the graph is of the edge that leads to the cause, and on what ground."""
    basis = str(edge.props.get("basis") or "")
    word = str(edge.props.get("confidence") or "").upper()
    value = min(CONFIDENCE.get(word, 1.0), BASIS.get(basis, 1.0))
    if edge.label == "PRECEDED":
        value = min(value, 0.5)
    ground = f" by {basis}" if basis else f" ({word})" if word else ""
    return Reading(value, f"the graph holds it as {edge.label}{ground}", refs)


def path(links: dict[str, bool], refs: tuple[str, ...] = ()) -> Reading:
    """Read which part of the links that such a cause has is in the graph."""
    missing = [name for name, there in links.items() if not there]
    value = round(1 - len(missing) / len(links), 4) if links else 0.0
    said = f"without {', '.join(missing)}" if missing else "every link is in the graph"
    return Reading(value, said, refs)


def confirmed(case: Case, candidate: Candidate) -> Reading:
    """Read whether people said of the same cause before that it was right."""
    up, down = verdicts(
        case.state,
        candidate.kind,
        candidate.origin or candidate.ref,
        case.texts[0] if case.texts else "",
        but=case.subject.ref,
    )
    if not up + down:
        return Reading(0.0, "nobody has confirmed this cause before")
    return Reading(
        round(up / (up + down), 4), f"{up} of {up + down} said of this cause that it was right"
    )


def incident_links(case: Case) -> dict[str, bool]:
    """Return the links from the subject to its failure, and whether the graph has them."""
    links: dict[str, bool] = {}
    ids = {signal.signal_id for signal in case.signals}
    if case.subject.kind == "Incident":
        edges = case.tracer.edges("what triggered it?", case.subject.ref, "in", ["TRIGGERED"])
        links["TRIGGERED"] = bool(ids & {edge.source for edge in edges})
    if ids:
        links["CAUSED"] = any(
            case.tracer.edges("which failure caused it?", id, "in", ["CAUSED"]) for id in ids
        )
        links["AFFECTS"] = any(
            case.tracer.edges("which dataset?", id, "out", ["AFFECTS"]) for id in ids
        )
    return links


def _ref(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _short(id: str) -> str:
    return id.removeprefix("urn:service:").removeprefix("urn:job:").removeprefix("urn:dp:")


def _whom(id: str) -> str:
    """Return a producer so that a sentence can begin with it: a name is never capitalised."""
    return f"the {'job' if id.startswith('urn:job:') else 'service'} {_short(id)}"


def same_failure(signature: Signature, upstream: bool, label: str) -> Reading:
    """Read whether what the cause is known to have brought is what failed here."""
    if upstream:
        where = f" on {_short(signature.table)}" if signature.table else " upstream"
        return Reading(0.9, f"the same failure{where}: {signature.text}", (signature.id,))
    if label == "PRECEDED":
        return Reading(0.7, f"the failure {signature.text} began after it", (signature.id,))
    return Reading(1.0, f"it is tied to {signature.text} itself", (signature.id,))
