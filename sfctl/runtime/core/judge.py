"""The validation core: a policy and rows in, one judgement out. Nothing is written here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from msgspec.structs import replace

from sfctl.model import binding
from sfctl.model.policy import (
    GATES_OF_STAGE,
    Check,
    Custom,
    Detection,
    ForeignKey,
    Gate,
    Policy,
    Rule,
)
from sfctl.model.schema import Schema
from sfctl.model.verdict import GateResult, Judgement, PiiFinding, RuleResult
from sfctl.runtime.core import gates, results, schema_of
from sfctl.runtime.core.budget import Budget
from sfctl.runtime.core.contract_details import contract_details
from sfctl.runtime.core.keys import Others
from sfctl.runtime.core.opening import open_source
from sfctl.runtime.core.scan import Scanned, scan
from sfctl.runtime.core.schema_gate import expected_by, schema_gate
from sfctl.runtime.core.sources import Source
from sfctl.runtime.core.standard import Marking, Standard, computed
from sfctl.runtime.core.text import TextSource
from sfctl.runtime.pii.keys import VARIABLE
from sfctl.runtime.polars.program import Program, RowJudge
from sfctl.runtime.polars.term import DataError

if TYPE_CHECKING:
    from sfctl.runtime.custom.rules import CustomRules

References = Callable[[str], "pl.LazyFrame | None"]
Pii = Callable[["pl.DataFrame", Sequence[Detection]], tuple[PiiFinding, ...]]


@dataclass(frozen=True)
class Surroundings:
    """What a judgement needs to know beyond policy and rows.

    `references` gives the certified rows of another dataset, `others` the rows of the target
    table for uniqueness of scope `table`, `pii` counts personal data without acting on it. `ready`
    holds gate results decided elsewhere, `off` the gates a kill switch holds off. `root` is the
    folder where import paths of custom rules begin, `hidden` names the variables they do not see.
    `standard` is the registered schema, `marks` comes by fingerprints.
    """

    registered: bool | None = None
    confidence: str | None = None
    references: References | None = None
    others: Others | None = None
    pii: Pii | None = None
    ready: Mapping[Gate, GateResult] = field(default_factory=dict)
    off: frozenset[Gate] = frozenset()
    budget: Budget | None = None
    root: Path | None = None
    hidden: frozenset[str] = frozenset({VARIABLE})
    standard: Standard = field(default_factory=Standard)
    marks: Marking = computed


def judge(
    source: object,
    policy: Policy,
    stage: str,
    *,
    now: datetime,
    around: Surroundings | None = None,
) -> Judgement:
    """Judge rows by the rules of one stage: bronze, silver or gold.

    `source` is a Polars frame or query, or a `Source`. Raises SourceError where rows cannot be
    read; whatever is wrong with a single rule ends in that rule's outcome.
    """
    around = around or Surroundings()
    started = time.perf_counter()
    opened = open_source(source, policy)
    program, mirrors = program_for(opened, policy, stage, around)
    budget = around.budget or Budget()
    look = _look(policy, stage, around)
    with program.closing:
        state = scan(
            opened,
            program,
            budget,
            look=look,
            looked_at=_looked_at(policy, opened) if look else (),
            others=around.others,
        )
    done = {
        rule.id: results.outcome(rule, state, program.faults.get(rule.id), now)
        for rule in program.rules
    }
    found = [_declared(rule, done, mirrors, around.off) for rule in policy.rules_for(stage)]
    implied = [done[rule.id] for rule in program.rules if rule.id not in {r.id for r in found}]
    # a row rule that the data do not allow to be evaluated is one that no row passes
    lost = frozenset(
        rule.gate
        for rule in program.rules
        if rule.is_row_rule
        and rule.severity == "error"
        and isinstance(program.faults.get(rule.id), DataError)
    )
    judgement = _judgement(
        policy, stage, opened.schema, state, found, implied, lost, around, started
    )
    if isinstance(opened, TextSource) and opened.cells:
        return gates.with_cells(judgement, opened.cells)
    return judgement


def program_for(
    source: Source, policy: Policy, stage: str, around: Surroundings
) -> tuple[Program, dict[str, str]]:
    """Return the rules to run over a source, and those that mirror another rule's outcome."""
    schema = schema_of.of_polars(source.schema)
    rules = [rule for rule in policy.rules_for(stage) if rule.gate not in around.off]
    known = {rule.id for rule in rules}
    mirrors = {rule.id: rule.subsumed_by for rule in rules if rule.subsumed_by in known}
    faults: dict[str, Exception] = {}
    run = [_bound(rule, policy, schema, faults) for rule in rules if rule.id not in mirrors]
    if isinstance(source, TextSource):
        here = GATES_OF_STAGE[stage]
        run = source.asked(run, "G3_SCHEMA" if "G3_SCHEMA" in here else here[0])
    judges: dict[str, RowJudge] = {}
    program = Program(run, source.schema, judges, results.tellable_columns(policy), faults)
    asked = [rule for rule in run if rule.id not in faults and _asks_elsewhere(rule.check)]
    custom = _custom(policy, around, program) if any(_is_custom(rule) for rule in asked) else None
    for rule in asked:
        with program.blamed(rule):
            if isinstance(rule.check, ForeignKey):
                judges[rule.id] = _foreign(rule.check, around)
            elif custom is not None:
                judges[rule.id] = custom.judge_for(rule)
    return program, mirrors


def _bound(rule: Rule, policy: Policy, schema: Schema, faults: dict[str, Exception]) -> Rule:
    """Type one rule by the schema at hand; what goes wrong is a fault of this rule alone."""
    try:
        bound = binding.resolve(replace(policy, rules=(rule,)), schema)
    except Exception as error:  # noqa: BLE001 - see `Program.blamed`
        faults[rule.id] = error
        return rule
    if rule.id in bound.missing:
        faults[rule.id] = DataError(f"column {bound.missing[rule.id]} is absent")
    elif rule.id in bound.mistyped:
        faults[rule.id] = DataError(bound.mistyped[rule.id])
    return bound.policy.rules[0]


def _foreign(check: ForeignKey, around: Surroundings) -> RowJudge:
    from sfctl.runtime.polars import foreign

    return foreign.judge_for(check, around.references(check.dataset) if around.references else None)


def _custom(policy: Policy, around: Surroundings, program: Program) -> CustomRules:
    from sfctl.runtime.custom.rules import CustomRules

    root = (around.root or Path()).absolute()
    rules = CustomRules(root, policy.performance, around.hidden)
    program.closing.callback(rules.close)
    return rules


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
    seen: Mapping[str, pl.DataType],
    state: Scanned,
    found: Sequence[RuleResult],
    implied: Sequence[RuleResult],
    lost: frozenset[Gate],
    around: Surroundings,
    started: float,
) -> Judgement:
    schema = schema_of.of_polars(seen)
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
    marks = around.marks(seen, known)
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


def _look(
    policy: Policy, stage: str, around: Surroundings
) -> Callable[[pl.DataFrame], tuple[PiiFinding, ...]] | None:
    pii = around.pii
    if pii is None or not policy.pii or "G5_PII" not in GATES_OF_STAGE[stage]:
        return None
    if "G5_PII" in around.off or "G5_PII" in around.ready:
        return None
    return lambda chunk: pii(chunk, policy.pii)


def _looked_at(policy: Policy, source: Source) -> list[str]:
    from sfctl.runtime.pii.leaves import holds_text

    named = {name for detection in policy.pii for name in detection.columns}
    everywhere = any(not detection.columns for detection in policy.pii)
    return [
        name
        for name, dtype in source.schema.items()
        if name in named or (everywhere and holds_text(dtype))
    ]


def _asks_elsewhere(check: Check) -> bool:
    return isinstance(check, ForeignKey) or (isinstance(check, Custom) and bool(check.function))


def _is_custom(rule: Rule) -> bool:
    return isinstance(rule.check, Custom)
