"""All that is known of one trouble, gathered once: what shows, where, since when, how much."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.explanation import Impairment, Span
from sfctl.model.graph import Node, run_id, signature_id
from sfctl.model.signal import Signal
from sfctl.rca import extent
from sfctl.rca.log import Log, newest, ordered
from sfctl.rca.subject import Subject, stages_of, upstream_of
from sfctl.rca.symptoms import Signature, in_order, signal_of, signature_of, table_of, troubled
from sfctl.rca.traversal import Tracer
from sfctl.rca.wording import name_of
from sfctl.state.port import StateStore

BLOCKED = "JOB_ERROR:PublishBlocked"
"""A job that fails so was stopped by a gate: what the gate found is the failure."""

NOBODY = (None, "", "UNKNOWN")
"""What evidence names as its producer where it knows none."""


@dataclass(slots=True)
class Case:
    """A trouble and the ports to ask further. `signatures` come earliest first."""

    subject: Subject
    tracer: Tracer
    log: Log
    state: StateStore
    signals: tuple[Signal, ...] = ()
    signatures: tuple[Signature, ...] = ()
    runs: tuple[Node, ...] = ()
    tables: tuple[str, ...] = ()
    """Where it shows: datasets and stage tables."""
    evidence: tuple[Evidence, ...] = ()
    """What failed or warned, earliest first."""
    span: Span = field(default_factory=Span)
    impairment: Impairment = field(default_factory=Impairment)
    above: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Datasets upstream, each with the way to it."""
    echoes: tuple[Signature, ...] = ()
    """The same text, seen upstream."""

    @property
    def home(self) -> str:
        """The table where it shows first."""
        if self.signatures and self.signatures[0].table:
            return self.signatures[0].table
        if self.signals:
            first = self.signals[0]
            return table_of(first.dataset_urn, first.stage)
        return self.tables[0] if self.tables else self.subject.ref

    @property
    def texts(self) -> tuple[str, ...]:
        """The signatures' texts, most telling first."""
        return tuple(dict.fromkeys(signature.text for signature in self.signatures))

    @property
    def known(self) -> bool:
        """Whether anything is wrong at all."""
        if self.signals or self.signatures or self.evidence:
            return True
        return any(hindering(event) for run in self.run_names for event in self.log.run(run))

    @property
    def run_names(self) -> tuple[str, ...]:
        """The failing runs' own names."""
        return tuple(node.id.removeprefix("urn:run:") for node in self.runs)

    def name(self, id: str) -> str:
        """Return what people call a node."""
        node = self.tracer.node(id)
        known = str(node.props.get("name") or "") if node is not None else ""
        ours = ("urn:dp:", "urn:deployment:", "urn:service:", "urn:job:")
        return name_of(id) if id.startswith(ours) or not known else known

    def producer(self) -> tuple[str, str, str]:
        """Return id, version and confidence of who evidence says most failures come from.

        Whom an incident suspects is no evidence: it may stand on the very edge that is weighed.
        """
        for event in self.evidence:
            known = event.producer
            if known.get("id") not in NOBODY and str(known.get("confidence", "NONE")) != "NONE":
                return (
                    str(known["id"]),
                    str(known.get("version") or ""),
                    str(known.get("confidence") or "LOW"),
                )
        for signal in self.signals:
            if signal.producer.get("id") not in NOBODY:
                known = signal.producer
                return (
                    str(known["id"]),
                    str(known.get("version") or ""),
                    str(known.get("confidence") or "MEDIUM"),
                )
            for failure in signal.top_failures:
                if failure.producer not in NOBODY:
                    return failure.producer, failure.producer_version, "HIGH"
        return "", "", "NONE"


def gather(subject: Subject, tracer: Tracer, log: Log, state: StateStore) -> Case:
    """Return the case of a subject."""
    case = Case(subject, tracer, log, state)
    read = (signal_of(id, tracer, log) for id in subject.signals)
    case.signals = in_order(signal for signal in read if signal is not None)
    case.signals = _this_time(case)
    case.signals = troubled(case.signals) or case.signals
    case.runs = _runs(case)
    case.signatures = _signatures(case)
    case.signals = _with_siblings(case)
    shown = {s.table for s in case.signatures if s.table}
    shown |= {table_of(s.dataset_urn, s.stage) for s in case.signals if s.dataset_urn}
    case.tables = tuple(sorted(shown)) or subject.tables
    case.evidence = _evidence(case)
    case.span = extent.span(case)
    case.impairment = extent.impairment(case)
    around = dict.fromkeys((case.home, *case.tables))
    for table in tuple(around):
        around |= dict.fromkeys(stages_of(table, tracer))
    case.above = upstream_of(tuple(around), tracer)
    case.echoes = _echoes(case)
    return case


def _this_time(case: Case) -> tuple[Signal, ...]:
    """Return the signals since an incident was opened again: what was before had its own cause."""
    incident = case.subject.incident
    over = ""
    for change in incident.history if incident is not None else ():
        if change.status == "RESOLVED":
            over = extent.stamp(change.at)
    since = tuple(s for s in case.signals if extent.stamp(s.timestamp) > over)
    return since or case.signals


def _runs(case: Case) -> tuple[Node, ...]:
    names = [run_id(signal.run_id) for signal in case.signals if signal.run_id]
    return tuple(case.tracer.nodes([*case.subject.runs, *names]))


def _with_siblings(case: Case) -> tuple[Signal, ...]:
    """Return the signals with those that the same failure caused in the same run or window."""
    if case.subject.kind not in ("Signal", "FailureSignature"):
        return case.signals
    places = {(s.run_id, s.window.end) for s in case.signals}
    found = {signal.signal_id: signal for signal in case.signals}
    for signature in case.signatures:
        for edge in case.tracer.edges("what did it cause?", signature.id, "out", ["CAUSED"]):
            signal = signal_of(edge.target, case.tracer, case.log)
            if signal is not None and (signal.run_id, signal.window.end) in places:
                found[signal.signal_id] = signal
    return in_order(found.values())


def _signatures(case: Case) -> tuple[Signature, ...]:
    """Return what the signals were caused by and what the runs met, earliest first."""
    tracer = case.tracer
    ids = set(case.subject.signatures)
    for signal in case.signals:
        edges = tracer.edges("which failure caused it?", signal.signal_id, "in", ["CAUSED"])
        ids |= {edge.source for edge in edges}
    caused = set(ids)
    for run in case.runs:
        edges = tracer.edges("which failures did it meet?", run.id, "out", ["ENCOUNTERED"])
        ids |= {edge.target for edge in edges}
    found = [signature_of(node) for node in tracer.nodes(ids)]
    counts = {f.signature: f.count for s in case.signals for f in s.top_failures}
    own = [s for s in found if not s.text.startswith(BLOCKED)]

    def weight(signature: Signature) -> tuple[object, ...]:
        return (
            signature.is_of_the_job,
            signature.id not in caused,
            not _structural(signature),
            signature.first_seen or "9",
            -counts.get(signature.text, 0),
            signature.id,
        )

    return tuple(sorted(own or found, key=weight))


def _structural(signature: Signature) -> bool:
    """Tell whether a failure is of the schema: one that others follow from."""
    return signature.reason in ("MISSING_FIELD", "SCHEMA_BREAK", "TYPE_MISMATCH")


def _evidence(case: Case) -> tuple[Evidence, ...]:
    """Return the events that failed: those that signals cite, and those of the runs."""
    ids: list[str] = []
    if case.subject.incident is not None:
        ids.append(case.subject.incident.primary_evidence_id)
    ids += [ref for signal in case.signals for ref in signal.evidence_refs]
    ids += [s.first_evidence for s in case.signatures if extent.recent(case, s.first_seen)]
    cited = case.log.events(id for id in ids if id)
    events = [event for event in cited if extent.recent(case, event.timestamp)]
    for run in case.run_names:
        events += case.log.run(run)
    return ordered(event for event in newest(events) if failing(event))


def failing(event: Evidence) -> bool:
    """Tell whether an event says that something failed."""
    if event.kind in ("SIGNAL", "SDK_DEGRADED", "CERTIFICATION"):
        return False
    return event.kind == "JobRunFailed" or event.result in ("FAIL", "ERROR")


def switched_off(event: Evidence) -> bool:
    """Tell whether an event says that its gate was off."""
    codes = [*event.reason_codes, *(str(g.get("reason_code")) for g in event.gates)]
    return event.result == "SKIP" and any("KILL_SWITCH" in code for code in codes)


def hindering(event: Evidence) -> bool:
    """Tell whether an event says that something kept a gate from judging."""
    return event.kind == "SDK_DEGRADED" or switched_off(event)


def _echoes(case: Case) -> tuple[Signature, ...]:
    """Return the same failure on datasets upstream, whichever stage of them."""
    wanted: set[str] = set()
    for dataset in case.above:
        places = {dataset, urn.without_stage(dataset)}
        places |= {urn.with_stage(place, stage) for place in tuple(places) for stage in urn.STAGES}
        wanted |= {signature_id(text, place) for text in case.texts for place in places}
    own = {signature.id for signature in case.signatures}
    nodes = case.tracer.nodes(wanted - own)
    listed = [signature_of(node) for node in nodes if node.label == "FailureSignature"]
    return tuple(sorted(listed, key=lambda s: (s.first_seen or "9", s.id)))
