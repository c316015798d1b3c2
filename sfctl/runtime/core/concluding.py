"""From counts to one judgement: the outcome of each rule, of each gate, of the batch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from sfctl.model.policy import GATES_OF_STAGE, Gate, Policy, Rule
from sfctl.model.schema import Schema
from sfctl.model.verdict import GateResult, Judgement, RuleResult
from sfctl.runtime.core import gates, results
from sfctl.runtime.core.contract_details import contract_details
from sfctl.runtime.core.planning import Plan
from sfctl.runtime.core.scanned import Scanned
from sfctl.runtime.core.schema_gate import expected_by, schema_gate
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.faults import DataError


def concluded(
    policy: Policy,
    stage: str,
    plan: Plan,
    state: Scanned,
    schema: Schema,
    around: Surroundings,
    *,
    now: datetime,
    started: float,
) -> Judgement:
    """Return what a policy says of rows of a schema that were counted as `state` tells.

    `started` is the reading of `time.perf_counter` when judging began.
    """
    done = {
        rule.id: results.outcome(rule, state, plan.faults.get(rule.id), now) for rule in plan.rules
    }
    found = [_declared(rule, done, plan.mirrors, around.off) for rule in policy.rules_for(stage)]
    declared = {result.id for result in found}
    implied = [done[rule.id] for rule in plan.rules if rule.id not in declared]
    # a row rule that the data do not allow to be evaluated is one that no row passes
    lost = frozenset(
        rule.gate
        for rule in plan.rules
        if rule.is_row_rule
        and rule.severity == "error"
        and isinstance(plan.faults.get(rule.id), DataError)
    )
    return _judgement(policy, stage, schema, state, found, implied, lost, around, started)


def _declared(
    rule: Rule, done: Mapping[str, RuleResult], mirrors: Mapping[str, str], off: frozenset[Gate]
) -> RuleResult:
    if rule.gate in off:
        return results.skipped(rule, "KILL_SWITCH")
    return (
        results.mirrored(rule, _root(rule.id, mirrors, done))
        if rule.id in mirrors
        else (done[rule.id])
    )


def _root(rule_id: str, mirrors: Mapping[str, str], done: Mapping[str, RuleResult]) -> RuleResult:
    seen = {rule_id}
    while rule_id not in done:
        rule_id = mirrors[rule_id]
        if rule_id in seen:
            raise ValueError(f"rules subsume each other in a circle: {rule_id}")
        seen.add(rule_id)
    return done[rule_id]


def _judgement(
    policy: Policy,
    stage: str,
    schema: Schema,
    state: Scanned,
    found: Sequence[RuleResult],
    implied: Sequence[RuleResult],
    lost: frozenset[Gate],
    around: Surroundings,
    started: float,
) -> Judgement:
    every = (*found, *implied)
    bad = state.rows if lost else state.distinct.bad
    decided: dict[Gate, GateResult] = {}
    drift: tuple[str, ...] = ()
    for gate in GATES_OF_STAGE[stage]:
        if gate in around.off:
            decided[gate] = gates.off(gate)
        elif gate in around.ready:
            decided[gate] = around.ready[gate]
        elif gate == "G1_RESOLUTION":
            decided[gate] = gates.resolution(around.registered)
        elif gate == "G2_IDENTITY":
            decided[gate] = gates.identity(around.confidence)
        elif gate == "G5_PII" and not policy.pii:
            decided[gate] = gates.undeclared(gate)
        elif gate == "G5_PII":
            decided[gate] = gates.pii_gate(tuple(state.findings.values()), state.seen)
        else:
            failed = state.seen if gate in lost else state.distinct.by_gate.get(gate, 0)
            judged_rows = any(r.gate == gate and r.evaluated and r.measured is None for r in every)
            result = gates.rules_gate(
                gate, every, rows=state.rows, seen=state.seen, failed=failed, known=judged_rows
            )
            if gate == "G4_CONTRACT" and not result.undeclared:
                told = {**result.details, **contract_details(policy, every)}
                result = replace(result, details=told)
            if gate == "G3_SCHEMA":
                result, drift = schema_gate(result, policy.schema, schema, around.standard)
            decided[gate] = result
    spent = (time.perf_counter() - started) * 1000
    ordered = tuple(_timed(decided[gate], spent / len(decided)) for gate in GATES_OF_STAGE[stage])
    known = expected_by(policy.schema, around.standard)
    marks = around.marks(schema, known)
    return Judgement(
        policy.dataset_urn, stage, state.rows, state.rows - bad, bad, tuple(found), ordered,
        results.totals(found), gates.verdict(ordered), policy.digest,
        schema=schema.with_nullability_of(known).as_json(), schema_fingerprint=marks.fingerprint,
        schema_shape=marks.shape, fingerprints_computed=marks.computed,
        drift=drift,
        pii=tuple(state.findings.values()), sampled=state.sampled,
        degraded=tuple(f"{g.gate}: {g.degraded}" for g in ordered if g.degraded),
    )  # fmt: skip


def _timed(result: GateResult, milliseconds: float) -> GateResult:
    return replace(result, duration_ms=milliseconds) if not result.duration_ms else result
