"""Two versions of a policy as one, and what follows for a judgement from what only one says.

Rules that both versions share are evaluated once. A row is bad when it fails a rule of the new
version and one of the earlier; what fails by one version alone is told as WARN, with its version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from sfctl.model import codec
from sfctl.model.policy import Gate, Policy, Rule
from sfctl.model.schema import Schema
from sfctl.model.verdict import GateResult, Judgement, RuleResult
from sfctl.runtime.core import gates, results
from sfctl.runtime.core.schema_gate import schema_gate
from sfctl.runtime.core.standard import Standard

_RULED = ("G3_SCHEMA", "G4_CONTRACT", "DQ")


@dataclass(frozen=True, slots=True)
class Joint:
    """Both versions as one policy: rules that only the earlier has are called `<id>@v<version>`."""

    policy: Policy
    new: Policy
    earlier: Policy
    only_new: frozenset[str]
    only_earlier: frozenset[str]


def joined(new: Policy, earlier: Policy) -> Joint:
    """Return both versions as one: all else than the rules is the new version's."""
    known, before = {_said(rule) for rule in new.rules}, {_said(rule) for rule in earlier.rules}
    gone = [rule for rule in earlier.rules if _said(rule) not in known]
    names = {rule.id: f"{rule.id}@v{earlier.version}" for rule in gone}
    added = tuple(
        replace(rule, id=names[rule.id], subsumed_by=names.get(rule.subsumed_by, rule.subsumed_by))
        for rule in gone
    )
    return Joint(
        replace(new, rules=(*new.rules, *added)),
        new,
        earlier,
        frozenset(rule.id for rule in new.rules if _said(rule) not in before),
        frozenset(names.values()),
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """What rows say of both versions.

    `bad` rows fail in both, `by_gate` those of them that fail a rule of the gate. `shared` has,
    for each rule that one version alone has and whose rows are known, how many of the rows failing
    it fail in the other version as well.
    """

    bad: int = 0
    by_gate: Mapping[Gate, int] = field(default_factory=dict)
    shared: Mapping[str, int] = field(default_factory=dict)


def differs(judgement: Judgement, joint: Joint) -> bool:
    """Tell whether the versions may disagree on this batch."""
    ours = joint.only_new | joint.only_earlier
    schemas = joint.new.schema != joint.earlier.schema
    return schemas or any(r.id in ours and r.status in ("fail", "error") for r in judgement.rules)


def _said(rule: Rule) -> bytes:
    """Return what a rule demands, whatever it is called and wherever it stands."""
    return codec.encode(replace(rule, id="", source="", description="", tags=(), subsumed_by=""))


def asked(joint: Joint, judgement: Judgement) -> Policy:
    """Return the policy with only the rules whose rows decide: error rules that rows fail."""
    failed = {result.id for result in judgement.rules if result.failed}
    rules = (r for r in joint.policy.rules if r.is_row_rule and r.severity == "error")
    return replace(joint.policy, rules=tuple(rule for rule in rules if rule.id in failed))


def settled(
    judgement: Judgement, joint: Joint, beside: Beside, schema: Schema, standard: Standard
) -> Judgement:
    """Return the judgement by both versions as what both make of it."""
    rules = _of_batches(_of_rows(judgement.rules, beside, joint), joint)
    found = [
        _gate(gate, rules, beside, judgement, schema, joint, standard)
        if gate.gate in _RULED
        else gate
        for gate in judgement.gates
    ]
    tolerated = [
        code
        for gate, before in zip(found, judgement.gates, strict=True)
        if gate.gate == "G3_SCHEMA" and gate.result == "WARN" and before.result == "FAIL"
        for code in gate.reason_codes
    ]
    return replace(
        judgement,
        rules=tuple(rules),
        gates=tuple(found),
        good=judgement.rows - beside.bad,
        bad=beside.bad,
        totals=results.totals(rules),
        verdict=gates.verdict(found),
        drift=tuple(dict.fromkeys((*judgement.drift, *tolerated))),
    )


def _of_rows(found: Sequence[RuleResult], beside: Beside, joint: Joint) -> tuple[RuleResult, ...]:
    """Make warnings of rules whose rows the other version lets pass."""
    thresholds = {rule.id: rule.threshold for rule in joint.policy.rules}
    told = []
    for result in found:
        both = beside.shared.get(result.id)
        if (
            both is not None
            and result.status in ("fail", "error")
            and not results.exceeds(thresholds[result.id], both, result.evaluated)
        ):
            result = _warned(result, joint)
        told.append(result)
    return tuple(told)


def _of_batches(found: Sequence[RuleResult], joint: Joint) -> list[RuleResult]:
    """Make warnings of batch rules where the other version has nothing against the batch."""
    failing = {r.id for r in found if r.status == "fail" and r.measured is not None}
    other_fails = {
        True: bool(failing - joint.only_new),
        False: bool(failing - joint.only_earlier),
    }
    told = []
    for result in found:
        mine = result.id in joint.only_new
        if result.id in failing and (mine or result.id in joint.only_earlier):
            result = result if other_fails[mine] else _warned(result, joint)
        told.append(result)
    return told


def _warned(result: RuleResult, joint: Joint) -> RuleResult:
    mine = result.id in joint.only_new
    own, other = (joint.new, joint.earlier) if mine else (joint.earlier, joint.new)
    why = f"only version {own.version} says so; version {other.version} is checked beside it"
    said = f"{result.reason}; {why}" if result.reason else why
    return replace(result, status="warn", severity="warn", reason=said, data_error=False)


def _gate(
    gate: GateResult,
    rules: Sequence[RuleResult],
    beside: Beside,
    judgement: Judgement,
    schema: Schema,
    joint: Joint,
    standard: Standard,
) -> GateResult:
    """Return a gate made of rules as both versions see it."""
    if gate.undeclared or gate.result == "SKIP":
        return gate
    own = [result for result in rules if result.gate == gate.gate]
    failed = beside.by_gate.get(gate.gate, 0)
    made = gates.rules_gate(
        gate.gate, own, rows=judgement.rows, seen=gate.evaluated, failed=failed,
        known=bool(gate.evaluated),
    )  # fmt: skip
    if gate.gate == "G3_SCHEMA":
        made = _schema(made, schema, joint, standard)
    versions = _versions(own, joint)
    details = {**gate.details, **made.details, **({"versions": versions} if versions else {})}
    return replace(made, details=details, sampled=gate.sampled, duration_ms=gate.duration_ms)


def _schema(made: GateResult, actual: Schema, joint: Joint, standard: Standard) -> GateResult:
    new, _ = schema_gate(made, joint.new.schema, actual, standard)
    before, _ = schema_gate(made, joint.earlier.schema, actual, standard)
    if new.result != "FAIL" and before.result == "FAIL":
        codes = tuple(dict.fromkeys((*new.reason_codes, *before.reason_codes)))
        return replace(new, result="WARN", reason_codes=codes)
    if new.result == "FAIL" and before.result != "FAIL":
        return replace(new, result="WARN")
    return new


def _versions(own: Sequence[RuleResult], joint: Joint) -> dict[str, object]:
    """Return which rules of the gate only one version has and that did not hold."""
    said = [r.id for r in own if r.status in ("warn", "fail", "error")]
    new = [name for name in said if name in joint.only_new]
    earlier = [name for name in said if name in joint.only_earlier]
    if not new and not earlier:
        return {}
    return {
        "new": joint.new.version,
        "earlier": joint.earlier.version,
        "only_new": new,
        "only_earlier": earlier,
    }
