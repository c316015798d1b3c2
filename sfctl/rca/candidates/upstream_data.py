"""A dataset upstream that was itself bad, late or short when this one was made from it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sfctl.model import urn
from sfctl.model.explanation import Kind
from sfctl.model.graph import Edge
from sfctl.model.signal import Signal
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate, Reading
from sfctl.rca.case import Case
from sfctl.rca.extent import stamp
from sfctl.rca.symptoms import signal_of, troubled
from sfctl.rca.wording import moment, name_of

LATE = "FRESHNESS_BREACH"
_SYSTEMIC = ("JOB_FAILED", "JOB_RUNNING_SLOW", "JOB_NOT_TRIGGERED")


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield datasets upstream with trouble of their own from before it failed here."""
    own = {urn.without_stage(table) for table in (*case.tables, case.home)}
    late_here = any(signal.signal_type == LATE for signal in case.signals)
    read = _read(case)
    for dataset in case.above:
        if "#" in dataset or urn.without_stage(dataset) in own:
            continue
        bad = _bad_signals(case, dataset)
        for kind, signals in (
            ("UPSTREAM_LATE", [s for s in bad if s.signal_type == LATE] if late_here else []),
            ("UPSTREAM_DATA", [s for s in bad if s.signal_type != LATE]),
        ):
            if signals:
                yield _candidate(case, dataset, signals[0], kind, read)  # type: ignore[arg-type]


def _candidate(
    case: Case, dataset: str, signal: Signal, kind: Kind, read: dict[str, str]
) -> Candidate:
    at = stamp(signal.window.start or signal.timestamp)
    refs = (dataset, signal.signal_id)
    hops = len(case.above[dataset]) - 1
    what = signal.reason or signal.signal_type
    links = readings.incident_links(case) | {"lineage": True}
    if case.runs:
        links["READ_FROM"] = dataset in read
    version = read.get(dataset, "")
    how = f"; the run read its version {version}" if version else ""
    if kind == "UPSTREAM_LATE":
        text = f"{name_of(dataset)} upstream is late itself since {moment(at)}: {what}."
    else:
        text = f"{name_of(dataset)} upstream was already bad at {moment(at)}: {what}{how}."
    same = bool(set(_texts(signal)) & set(case.texts))
    alike = kind == "UPSTREAM_LATE" or signal.signal_type in {s.signal_type for s in case.signals}
    found = {
        "time_distance": readings.nearness(case, at, (signal.signal_id,)),
        "between_good_and_bad": readings.onset(case, at),
        "signature_match": Reading(
            1.0 if same else 0.9 if alike else 0.5,
            f"the same failure, {_texts(signal)[0]}" if same
            else f"the same kind of trouble, {signal.signal_type}" if alike
            else f"a trouble of another kind, {signal.signal_type}",
            (signal.signal_id,),
        ),
        "path_completeness": readings.path(links, refs[:1]),
        "edge_confidence": readings.edge(_weakest(case, dataset), refs[:1]),
        "closeness": Reading(
            round(max(0.0, 1.0 - 0.1 * (hops - 1)), 2),
            f"it is {hops} hop{'s' if hops != 1 else ''} upstream", case.above[dataset],
        ),
    }  # fmt: skip
    return Candidate(
        kind, dataset, text, at, found, refs,
        _unread(case, dataset, kind, read, same) or _against(case, signal, at, alike or same),
        origin=dataset, signature=case.texts[0] if case.texts else "",
    )  # fmt: skip


def _unread(case: Case, dataset: str, kind: Kind, read: dict[str, str], same: bool) -> str:
    """Rule out data that no failing run is known to have read, where its failure is another."""
    if kind == "UPSTREAM_DATA" and case.runs and dataset not in read and not same:
        return "no run that failed is on record as having read it, and its failure is another one"
    return ""


def _against(case: Case, signal: Signal, at: str, alike: bool) -> str:
    if case.span.first_bad and at > case.span.first_bad and signal.signal_type != LATE:
        return f"its trouble began after this ({moment(case.span.first_bad)})"
    if case.span.last_good and stamp(signal.timestamp) < case.span.last_good:
        return f"this was still good after it ({moment(case.span.last_good)})"
    if not alike and case.texts and not all(_systemic(text) for text in case.texts):
        return "its failure is another one, and nothing ties the two"
    return ""


def _systemic(text: str) -> bool:
    """Tell whether a failure speaks of no data: any trouble upstream may be behind it."""
    return ":" not in text or text.startswith(("JOB_", "NULL_REF"))


def _bad_signals(case: Case, dataset: str) -> list[Signal]:
    edges = case.tracer.edges("which signals speak of it?", dataset, "in", ["AFFECTS"])
    case.tracer.nodes(edge.source for edge in edges)
    known = {signal.signal_id for signal in case.signals}
    read = (signal_of(e.source, case.tracer, case.log) for e in edges if e.source not in known)
    end = max((stamp(s.timestamp) for s in case.signals), default="")
    before = [s for s in read if s is not None and (not end or stamp(s.timestamp) <= end)]
    return [s for s in troubled(before) if s.state in ("WARNING", "CRITICAL")]


def _read(case: Case) -> dict[str, str]:
    """Return the datasets that the failing runs read, with the version where one is known."""
    found: dict[str, str] = {}
    for run in case.runs:
        for edge in case.tracer.edges("what did it read?", run.id, "out", ["READ_FROM"]):
            version = edge.props.get("version")
            found[urn.without_stage(edge.target)] = "" if version is None else str(version)
    return found


def _weakest(case: Case, dataset: str) -> Edge:
    """Return the edge on the way from a dataset that the graph is least sure of."""
    words = ("LOW", "MEDIUM")
    found = [
        edge
        for below, above in pairwise(case.above[dataset])
        for edge in case.tracer.edges("what feeds it directly?", below, "in", ["FEEDS"])
        if edge.source == above
    ]
    unsure = [edge for word in words for edge in found if edge.props.get("confidence") == word]
    return next(iter((*unsure, *found)), Edge(dataset, case.home, "FEEDS"))


def _texts(signal: Signal) -> list[str]:
    return [f.signature for f in signal.top_failures] or [signal.reason or signal.signal_type]
