"""Two versions of a policy over one batch, in one scan: what only one of them says is a warning.

Rules that both versions share are evaluated once. A row is bad when it fails a rule of the new
version and one of the earlier; what fails by one version alone is told as WARN, with its version.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from msgspec.structs import replace

from sfctl.model import codec
from sfctl.model.policy import Policy, Rule
from sfctl.model.verdict import GateResult, Judgement, RuleResult
from sfctl.runtime.core import gates, results, schema_of
from sfctl.runtime.core.judge import Surroundings, judge, program_for
from sfctl.runtime.core.schema_gate import schema_gate
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.core.split import Split, flags_of, with_reasons
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


def judge_both(
    frame: pl.DataFrame,
    joint: Joint,
    stage: str,
    *,
    now: datetime,
    around: Surroundings | None = None,
) -> Judgement:
    """Judge rows by both versions, in one scan; raises what `judge` raises.

    Only where a rule fails that one version alone has are the failing rules asked which rows.
    """
    judgement = judge(frame, joint.policy, stage, now=now, around=around)
    if not _differs(judgement, joint):
        return judgement
    around = around or Surroundings()
    flags, bad = _marks(frame, joint, stage, judgement, around)
    rules = _of_batches(_of_rows(judgement.rules, flags, joint), joint)
    found = [
        _gate(gate, rules, flags, bad, frame, joint, around.standard)
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
    count = int(bad.sum())
    return replace(
        judgement,
        rules=tuple(rules),
        gates=tuple(found),
        good=judgement.rows - count,
        bad=count,
        totals=results.totals(rules),
        verdict=gates.verdict(found),
        drift=tuple(dict.fromkeys((*judgement.drift, *tolerated))),
    )


def split_both(
    frame: pl.DataFrame, joint: Joint, stage: str, *, judgement: Judgement, around: Surroundings
) -> Split:
    """Divide a frame: bad rows fail in both versions, and carry what they fail in either."""
    flags, bad = _marks(frame, joint, stage, judgement, around)
    if not flags.width:
        return Split(frame, with_reasons(frame.clear(), frame.clear(), []))
    known = {rule.id: rule for rule in joint.policy.rules}
    rules = [known[name] for name in flags.columns if name in known]
    reasoned = with_reasons(frame.filter(bad), flags.filter(bad), rules)
    return Split(frame.filter(~bad), reasoned)


def _differs(judgement: Judgement, joint: Joint) -> bool:
    """Tell whether the versions may disagree on this batch."""
    ours = joint.only_new | joint.only_earlier
    schemas = joint.new.schema != joint.earlier.schema
    return schemas or any(r.id in ours and r.status in ("fail", "error") for r in judgement.rules)


def _said(rule: Rule) -> bytes:
    """Return what a rule demands, whatever it is called and wherever it stands."""
    return codec.encode(replace(rule, id="", source="", description="", tags=(), subsumed_by=""))


def _marks(
    frame: pl.DataFrame, joint: Joint, stage: str, judgement: Judgement, around: Surroundings
) -> tuple[pl.DataFrame, pl.Series]:
    """Return which rows fail which error rule, and which of them fail in both versions."""
    failed = {result.id for result in judgement.rules if result.failed}
    nobody = pl.Series("bad", [False]).new_from_index(0, frame.height)
    if not failed:
        return pl.DataFrame(), nobody
    asked = replace(
        joint.policy,
        rules=tuple(
            rule
            for rule in joint.policy.rules
            if rule.is_row_rule and rule.severity == "error" and rule.id in failed
        ),
    )
    program, _ = program_for(FrameSource(frame), asked, stage, around)
    rules = [rule for rule in program.rules if rule.id in failed]
    if not rules:
        return pl.DataFrame(), nobody
    with program.closing:
        flags = flags_of(program, frame, rules, around)
    return flags, _fails(flags, joint.only_earlier) & _fails(flags, joint.only_new)


def _fails(flags: pl.DataFrame, without: Collection[str]) -> pl.Series:
    """Return which rows fail, by all rules but those of the other version."""
    names = [name for name in flags.columns if name not in without]
    if not names:
        return pl.Series("bad", [False]).new_from_index(0, flags.height)
    return flags.select(pl.any_horizontal(names).alias("bad")).to_series()


def _of_rows(
    found: Sequence[RuleResult], flags: pl.DataFrame, joint: Joint
) -> tuple[RuleResult, ...]:
    """Make warnings of rules whose rows the other version lets pass."""
    thresholds = {rule.id: rule.threshold for rule in joint.policy.rules}
    told = []
    for result in found:
        ours = result.id in joint.only_new or result.id in joint.only_earlier
        if ours and result.id in flags.columns and result.status in ("fail", "error"):
            other = joint.only_new if result.id in joint.only_new else joint.only_earlier
            both = int((flags[result.id] & _fails(flags, other)).sum())
            if not results.exceeds(thresholds[result.id], both, result.evaluated):
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
    flags: pl.DataFrame,
    bad: pl.Series,
    frame: pl.DataFrame,
    joint: Joint,
    standard: Standard,
) -> GateResult:
    """Return a gate made of rules as both versions see it."""
    if gate.undeclared or gate.result == "SKIP":
        return gate
    own = [result for result in rules if result.gate == gate.gate]
    names = [result.id for result in own if result.id in flags.columns]
    rows = _fails(flags.select(names), ()) & bad if names else bad & False
    failed = int(rows.sum())
    made = gates.rules_gate(
        gate.gate, own, rows=frame.height, seen=gate.evaluated, failed=failed,
        known=bool(gate.evaluated),
    )  # fmt: skip
    if gate.gate == "G3_SCHEMA":
        made = _schema(made, frame, joint, standard)
    versions = _versions(own, joint)
    details = {**gate.details, **made.details, **({"versions": versions} if versions else {})}
    return replace(made, details=details, sampled=gate.sampled, duration_ms=gate.duration_ms)


def _schema(made: GateResult, frame: pl.DataFrame, joint: Joint, standard: Standard) -> GateResult:
    actual = schema_of.of_polars(frame.schema)
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
