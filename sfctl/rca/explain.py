"""From a subject to its explanation: gather the case, weigh the causes, tell what to do."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from msgspec.structs import replace

from sfctl.evidence.port import Bus
from sfctl.graph.port import Graph
from sfctl.model.explanation import Explanation, Hypothesis, Timings
from sfctl.rca import chain
from sfctl.rca.actions import actions
from sfctl.rca.blast_radius import blast_radius
from sfctl.rca.case import Case, gather
from sfctl.rca.columns import column_readers
from sfctl.rca.log import Log
from sfctl.rca.narrative import Rephraser, narrative, rephrased
from sfctl.rca.readers import readers
from sfctl.rca.readings import relation
from sfctl.rca.score import hypotheses, root_cause
from sfctl.rca.subject import incident_of, resolve
from sfctl.rca.timeline import timeline
from sfctl.rca.traversal import Tracer
from sfctl.state.port import StateStore

REFS = 100
_CLAIMING = ("evd-", "sig-")


def explain(
    subject: str,
    graph: Graph,
    state: StateStore,
    bus: Bus,
    *,
    run: str = "",
    rephraser: Rephraser | None = None,
) -> Explanation:
    """Explain an incident, a signal, a run, a dataset or any other node.

    The same graph, state and log give the same explanation, `timings` aside. Raises UsageError
    SF861 or SF862 for a subject that is none or several, StoreError when a store does not answer.
    """
    started = perf_counter()
    tracer, log = Tracer(graph), Log(bus)
    case = gather(resolve(subject, run, tracer, log, state), tracer, log, state)
    ranked = hypotheses(case) if case.known else ()
    cause = root_cause(case, ranked)
    told = _told(case, cause, ranked)
    text = rephrased(narrative(told), rephraser)
    total = (perf_counter() - started) * 1000
    return _with(
        told,
        narrative=text,
        traversal=tuple(tracer.steps),
        timings=Timings(
            round(total, 3), round(tracer.seconds * 1000, 3), hops(case, cause), tracer.queries
        ),
    )


def hops(case: Case, cause: Hypothesis) -> int:
    """Return how many edges lie between the subject and its cause, 0 without one."""
    if not cause.ref:
        return 0
    way = {"Incident": 2, "Signal": 1, "FailureSignature": 0, "Run": 1}.get(case.subject.kind, 2)
    if cause.ref.startswith("urn:service:"):
        return way + 1 + len(relation(case, cause.ref))
    return way + 1 + max(len(case.above.get(cause.ref, ())) - 1, 0)


def _told(case: Case, cause: Hypothesis, ranked: tuple[Hypothesis, ...]) -> Explanation:
    impacts = blast_radius(case, cause)
    alias = case.subject.ref if case.subject.kind == "Incident" else _incident(case)
    kept = incident_of(alias, case.state) if alias else None
    incident = case.subject.incident or (kept[0] if kept else None)
    dashboards = tuple(i.via for i in impacts[:4] if i.hops)
    dag_runs = chain.dag_runs(case)
    told = Explanation(
        subject=case.subject.ref,
        subject_kind=case.subject.kind,
        title=case.subject.title,
        root_cause=cause,
        incident=alias,
        severity=incident.severity if incident else "",
        status=incident.status if incident else "",
        datasets=case.tables,
        signatures=case.texts,
        runs=case.run_names,
        dag_runs=dag_runs,
        span=case.span,
        impairment=case.impairment,
        hypotheses=ranked,
        timeline=timeline(case, cause),
        evidence_chain=chain.evidence_chain(case, cause),
        data_flow=chain.data_flow(case, cause, dashboards),
        blast_radius=impacts,
        column_readers=column_readers(case),
        readers=readers(case),
        deployed=chain.deployed(case),
        actions=actions(case, cause),
        layer=chain.layer(case),
    )
    return _with(told, evidence_refs=_evidence_refs(case, told))


def _incident(case: Case) -> str:
    """Return the incident that the subject's signals triggered, where the graph has one."""
    for signal in case.signals:
        edges = case.tracer.edges("which incident?", signal.signal_id, "out", ["TRIGGERED"])
        if edges:
            return edges[0].target
    return ""


def _evidence_refs(case: Case, told: Explanation) -> tuple[str, ...]:
    """Return the events that the report stands on, those that open, the cause's first."""
    incident = case.subject.incident
    named: list[str] = [*told.root_cause.refs]
    named += [incident.primary_evidence_id] if incident else []
    named += [ref for factor in told.root_cause.factors for ref in factor.refs]
    for claims in (told.evidence_chain, told.timeline, told.readers, told.deployed):
        named += [ref for claim in claims for ref in claim.refs]
    named += [ref for action in told.actions for ref in action.refs]
    named += [ref for signal in case.signals for ref in (signal.signal_id, *signal.evidence_refs)]
    return tuple(dict.fromkeys(_opening(case, dict.fromkeys(named))))[:REFS]


def _opening(case: Case, named: Iterable[str]) -> Iterable[str]:
    for ref in named:
        if ref.startswith(_CLAIMING):
            if case.log.event(ref) is not None:
                yield ref
            continue
        node = case.tracer.node(ref) if ref.startswith("urn:deployment:") else None
        evidence = str(node.props.get("evidence") or "") if node else ""
        if evidence and case.log.event(evidence) is not None:
            yield evidence


def _with(told: Explanation, **changes: object) -> Explanation:
    return replace(told, **changes)
