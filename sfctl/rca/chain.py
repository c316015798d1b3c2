"""How one gets from what shows to what caused it: evidence, flow of the data, correlation layer."""

from __future__ import annotations

from itertools import pairwise

from sfctl.model import urn
from sfctl.model.explanation import Claim, Hypothesis, Layer
from sfctl.model.graph import service_id
from sfctl.rca import readings
from sfctl.rca.candidates.deployment import deployed_at, foreign, version_of
from sfctl.rca.case import Case
from sfctl.rca.extent import failed_gates
from sfctl.rca.renames import changes
from sfctl.rca.stages import cleared, first_failures, judged_before
from sfctl.rca.wording import moment, name_of, percent

_TELLING = (
    "time_distance", "between_good_and_bad", "producer_match", "version_match", "signature_match",
    "closeness",
)  # fmt: skip
"""Factors that say something of the world, and not of how much is known of it."""


def evidence_chain(case: Case, cause: Hypothesis) -> tuple[Claim, ...]:
    """Return the findings that carry the answer, from the cause to the failure."""
    claims = [Claim(cause.statement, cause.refs)]
    claims += [
        Claim(_sentence(factor.because), factor.refs)
        for factor in cause.factors
        if factor.name in _TELLING and factor.value and factor.refs
    ]
    how_much = case.impairment
    if how_much.failed is not None and how_much.total:
        part = percent(how_much.share or 0.0)
        what = "events" if not case.runs else "records"
        claims.append(
            Claim(f"{how_much.failed:,} of {how_much.total:,} {what} failed ({part}).",
                  how_much.refs or _first(case))
        )  # fmt: skip
    if case.texts:
        said = "All failures are" if len(case.texts) == 1 else "The failures are"
        refs = tuple(s.id for s in case.signatures)
        claims.append(Claim(f"{said} {', '.join(case.texts[:5])}.", refs[:5]))
    for change, ref in changes(case)[:5]:
        claims.append(Claim(_change(change), (ref,)))
    claims += stages(case)
    if how_much.quarantined:
        claims.append(Claim(f"{how_much.quarantined:,} rows wait in quarantine.", how_much.refs))
    unique = {claim.text: claim for claim in reversed(claims)}
    return tuple(claim for claim in dict.fromkeys(claims) if unique[claim.text] is claim)


def stages(case: Case) -> tuple[Claim, ...]:
    """Return which stage failed first in each failing run, and what that clears."""
    clear = cleared(case) is not None
    claims = []
    for first in first_failures(case):
        text = f"Run {first.run} failed first at {first.stage}"
        if first.passed and clear:
            text += f"; {judged_before(first)}. Shape and origin of the source are not at fault"
        elif first.passed:
            text += f"; {' and '.join(first.passed)} passed"
        claims.append(Claim(f"{text}.", first.refs))
    return tuple(claims)


def data_flow(
    case: Case, cause: Hypothesis, downstream: tuple[tuple[str, ...], ...]
) -> tuple[Claim, ...]:
    """Return the way of the data from its origin over where it failed to who reads it."""
    above = [case.above[d] for d in case.above if cause.ref and d in _origins(case, cause)]
    way = list(reversed(max(above, key=len, default=())))
    if not way:
        way = [case.home]
    claims = []
    if cause.ref and not cause.ref.startswith("urn:dp:"):
        origin = service_id(cause.ref) if ":service:" in cause.ref else cause.ref
        claims.append(Claim(f"{case.name(origin)} → {case.name(way[0])}", (origin, way[0])))
    claims += [
        Claim(f"{case.name(a)} → {case.name(b)}{_by(case, b)}", (a, b)) for a, b in pairwise(way)
    ]
    for path in downstream:
        claims += [Claim(f"{case.name(a)} → {case.name(b)}", (a, b)) for a, b in pairwise(path)]
    return tuple({claim.text: claim for claim in claims}.values())


def layer(case: Case) -> Layer:
    """Return the strongest layer that links the failure to its run or request."""
    if any(event.otel.get("trace_id") for event in case.evidence):
        return "trace"
    incident = case.subject.incident
    if incident is not None and incident.primary_trace_id:
        return "trace"
    if any(event.dag_run_id for event in case.evidence) or any(
        run.props.get("dag_run_id") for run in case.runs
    ):
        return "dag_run_id"
    return "lineage" if case.signatures or case.above else "none"


def deployed(case: Case) -> tuple[Claim, ...]:
    """Return which version of whom was live when it first failed: producer, jobs, upstream."""
    at = case.span.first_bad
    who: dict[str, None] = {}
    producer, _, _ = case.producer()
    if producer:
        who[producer if producer.startswith("urn:") else service_id(producer)] = None
    for run in case.runs:
        if run.props.get("job_urn"):
            who[str(run.props["job_urn"])] = None
    tables = dict.fromkeys(urn.without_stage(t) for t in (case.home, *case.tables, *case.above))
    for table in tables:
        for edge in case.tracer.edges("who produces it?", table, "in", ["OWNS"]):
            if edge.source.startswith("urn:service:"):
                who[edge.source] = None
    claims = []
    for id in who:
        if case.tracer.node(id) is None:
            continue
        edges = case.tracer.edges("what was deployed?", id, "out", ["DEPLOYED"])
        known = case.tracer.nodes(edge.target for edge in edges)
        live = [n for n in known if deployed_at(n) <= at and not foreign(case, n)]
        if not live or not at:
            continue
        node = max(live, key=lambda n: (deployed_at(n), n.id))
        commit = str(node.props.get("commit") or "")
        told = f" (commit {commit})" if commit else ""
        claims.append(
            Claim(f"{name_of(id)} was at {version_of(node)}{told} since "
                  f"{moment(deployed_at(node))}.", (node.id, *_evidence_of(node.props)),
                  deployed_at(node))
        )  # fmt: skip
    return tuple(claims)


def dag_runs(case: Case) -> tuple[str, ...]:
    """Return the scheduler's runs that the failing runs are part of."""
    found: list[str] = []
    for run in case.runs:
        edges = case.tracer.edges("which scheduled run is it part of?", run.id, "in", ["EXECUTED"])
        nodes = [edge.source for edge in edges if edge.source.startswith("urn:dagrun:")]
        told = str(run.props.get("dag_run_id") or "")
        found += nodes or ([told] if told else [])
    return tuple(dict.fromkeys(found))


def _origins(case: Case, cause: Hypothesis) -> set[str]:
    way = readings.relation(case, _service(cause)) if _service(cause) else ()
    return {cause.ref, urn.without_stage(cause.ref), *way[-1:]}


def _service(cause: Hypothesis) -> str:
    if cause.kind == "DEPLOYMENT":
        return cause.ref.removeprefix("urn:deployment:").rpartition(":")[0]
    return cause.ref if cause.ref.startswith(("urn:service:", "urn:job:")) else ""


def _by(case: Case, table: str) -> str:
    jobs = case.tracer.edges("which job writes it?", table, "in", ["WRITES"])
    names = sorted({name_of(edge.source) for edge in jobs})
    return f" (by {names[0]})" if names else ""


def _change(change: dict[str, object]) -> str:
    field, old, new = (change.get(key) for key in ("field", "from", "to"))
    match change.get("change"):
        case "possible_rename":
            return f"Column `{old}` may have been renamed to `{new}`."
        case "removed":
            return f"Column `{field}` is gone."
        case "added":
            return f"Column `{field}` is new ({new})."
    return f"Column `{field}`: {change.get('change')}, {old} → {new}."


def _sentence(text: str) -> str:
    """Return a reason as a sentence: none begins with a name, which would have to stay as it is."""
    return f"{text[:1].upper()}{text[1:]}."


def _first(case: Case) -> tuple[str, ...]:
    return tuple(event.evidence_id for event in case.evidence[:1])


def _evidence_of(props: dict[str, object]) -> tuple[str, ...]:
    return (str(props["evidence"]),) if props.get("evidence") else ()


def gates(case: Case) -> tuple[str, ...]:
    """Return the gates that failed, in order of failing."""
    return tuple(dict.fromkeys(gate for event in case.evidence for gate in failed_gates(event)))
