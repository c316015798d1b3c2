"""Each condition of the certify predicate, alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sfctl.certification.predicate import Case, Standing, blockers, judged
from sfctl.model.verdict import GateResult, Judgement, RuleResult, Totals
from tests.publish_rig import policy, positive

POLICY = policy()
RULE = RuleResult(
    "positive", "range", "DQ", "pass", 0, 5, "RANGE_VIOLATION:amount", fields=("amount",)
)
GATES = tuple(
    GateResult(name, "PASS", 5)  # type: ignore[arg-type]
    for name in ("G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ")
)
SOUND = Judgement(
    POLICY.dataset_urn, "gold", 5, 5, 0, (RULE,), GATES,
    Totals(declared=1, passed=1, failed=0, warned=0, skipped=0, error=0), "PASS", POLICY.digest,
)  # fmt: skip


def but(**changes: Any) -> Case:
    """The sound case with its judgement changed."""
    return Case(POLICY, msgspec.structs.replace(SOUND, **changes))


def gate(name: str, result: str, **more: Any) -> tuple[GateResult, ...]:
    changed = GateResult(name, result, 5, **more)  # type: ignore[arg-type]
    return tuple(changed if g.gate == name else g for g in GATES)


def rule(**changes: Any) -> tuple[RuleResult, ...]:
    return (msgspec.structs.replace(RULE, **changes),)


def test_a_sound_version_certifies() -> None:
    assert blockers(judged(but()), Standing(evidence_safe=True)) == ()


WARNED = {"rules": rule(status="warn", severity="warn", signatures={"RANGE_VIOLATION:amount": 1})}
DRIFT = "SCHEMA_BREAK:extra:ABSENT→STRING"
EMPTY = {"rows": 0, "good": 0, "rules": rule(status="skipped", reason="no rows"),
         "gates": tuple(GateResult(g.gate, "SKIP") for g in GATES)}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case(POLICY, SOUND, policy_approved=False), ["POLICY_UNVERIFIED"]),
        (but(policy_digest="sha256:other"), ["POLICY_UNVERIFIED"]),
        (Case(POLICY, SOUND, gates_enabled=False), ["GATES_OFF"]),
        (Case(POLICY, SOUND, published=False), ["BLOCKED"]),
        (Case(POLICY, SOUND, complete=False), ["PARTITION_MISSING"]),
        (but(rules=()), ["RULE_NOT_EVALUATED:positive"]),
        (but(rules=rule(status="skipped")), ["RULE_NOT_EVALUATED:positive"]),
        (but(gates=GATES[1:]), ["GATE_MISSING:G3_SCHEMA"]),
        (but(gates=gate("DQ", "FAIL")), ["GATE_FAIL:DQ"]),
        (but(gates=gate("G5_PII", "ERROR")), ["GATE_ERROR:G5_PII"]),
        (but(gates=gate("G5_PII", "SKIP")), ["GATE_SKIP:G5_PII"]),
        (but(gates=gate("G5_PII", "SKIP", details={"reason": "no rows"})), ["GATE_SKIP:G5_PII"]),
        (but(gates=gate("G5_PII", "SKIP", details={"reason": "nothing declared"})), []),
        (but(gates=gate("DQ", "WARN", reason_codes=("RANGE_VIOLATION:amount",)), **WARNED), []),
        (but(gates=gate("DQ", "WARN", reason_codes=("OTHER",)), **WARNED), ["GATE_WARN:DQ"]),
        (but(gates=gate("DQ", "WARN"), **WARNED), ["GATE_WARN:DQ"]),
        (but(gates=gate("G3_SCHEMA", "WARN", reason_codes=(DRIFT,)), drift=(DRIFT,)), []),
        (
            but(gates=gate("G3_SCHEMA", "WARN", reason_codes=("REGISTRY_STALE",)), drift=(DRIFT,)),
            ["REGISTRY_STALE"],
        ),
        (
            but(gates=gate("G3_SCHEMA", "WARN", reason_codes=("REGISTRY_STALE", DRIFT))),
            ["GATE_WARN:G3_SCHEMA"],
        ),
        (
            but(gates=gate("DQ", "WARN", reason_codes=(DRIFT,)), drift=(DRIFT,)),
            ["GATE_WARN:DQ"],
        ),
        (but(rules=rule(status="error", data_error=True)), ["RULE_ERROR:positive"]),
        (but(rules=rule(status="error")), ["RULE_ERROR:positive"]),
        (but(**EMPTY), ["NO_ROWS"]),
        (but(degraded=("DQ: memory",)), ["DEGRADED:DQ: memory"]),
        (but(gates=gate("DQ", "PASS", degraded="deadline")), ["DEGRADED:DQ"]),
        (but(sampled=True), ["SAMPLED"]),
        (but(gates=gate("DQ", "PASS", sampled=True)), ["SAMPLED"]),
        (but(rules=rule(sampled=True)), ["SAMPLED"]),
    ],
)
def test_each_condition_of_the_judgement(case: Case, expected: list[str]) -> None:
    assert list(judged(case)) == expected


def test_no_rows_certify_where_the_dataset_may_be_empty() -> None:
    empty = policy(allow_empty=True)
    judgement = msgspec.structs.replace(SOUND, policy_digest=empty.digest, **EMPTY)
    assert judged(Case(empty, judgement)) == ()


def test_the_conditions_of_the_table() -> None:
    assert blockers((), Standing(evidence_safe=False)) == ("EVIDENCE_NOT_SAFE",)
    assert blockers((), Standing(True, (44, 45))) == ("TAINTED(44)", "TAINTED(45)")
    assert len(blockers((), Standing(True, tuple(range(1000))))) == 5
    both = blockers(("GATE_FAIL:DQ",), Standing(True, (44,)))
    assert both == ("GATE_FAIL:DQ", "TAINTED(44)")


def test_rules_of_other_stages_are_not_asked_for() -> None:
    by = policy(rules=(positive(), msgspec.structs.replace(positive(), id="b", gate="G2_IDENTITY")))
    judgement = msgspec.structs.replace(SOUND, policy_digest=by.digest)
    assert judged(Case(by, judgement)) == ()
