"""When a version certifies: every condition written once, in one of two tables, with its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sfctl.model.policy import GATES_OF_STAGE, Policy
from sfctl.model.verdict import REGISTRY_STALE, GateResult, Judgement

STAGE = "gold"


@dataclass(frozen=True, slots=True)
class Case:
    """What the judgement of one batch says, and under which policy."""

    policy: Policy
    judgement: Judgement
    policy_approved: bool = True
    gates_enabled: bool = True
    complete: bool = True
    """No partition is missing."""
    published: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What only the finished write can say. `taints` are versions whose rows spoil this one."""

    evidence_safe: bool
    taints: tuple[int, ...] = ()


SHOWN = 5
"""At most this many tainting versions are named."""


def _approved(case: Case) -> Iterable[str]:
    if not case.policy_approved or case.judgement.policy_digest != case.policy.digest:
        yield "POLICY_UNVERIFIED"


def _declared(case: Case) -> Iterable[str]:
    schema = case.policy.schema
    if not (schema.columns or schema.baseline or case.policy.rules_for(STAGE)):
        yield "NOTHING_DECLARED"


def _enabled(case: Case) -> Iterable[str]:
    if not case.gates_enabled:
        yield "GATES_OFF"


def _published(case: Case) -> Iterable[str]:
    if not case.published:
        yield "BLOCKED"


def _evaluated(case: Case) -> Iterable[str]:
    if _idle(case):
        return
    declared = {rule.id for rule in case.policy.rules_for(STAGE)}
    judged = {r.id for r in case.judgement.rules if r.status != "skipped"}
    yield from (f"RULE_NOT_EVALUATED:{rule}" for rule in sorted(declared - judged))


def _gates(case: Case) -> Iterable[str]:
    found = {gate.gate: gate for gate in case.judgement.gates}
    for name in GATES_OF_STAGE[STAGE]:
        gate = found.get(name)
        if gate is None:
            yield f"GATE_MISSING:{name}"
        elif gate.result == "FAIL":
            yield f"GATE_FAIL:{name}"
        elif gate.result == "WARN":
            yield from _warned(gate, case.judgement)
        elif gate.undeclared:
            continue  # whether anything at all is declared is `_declared`'s question
        elif gate.result == "ERROR" or (gate.result == "SKIP" and not _idle(case)):
            yield f"GATE_{gate.result}:{name}"


def _no_error(case: Case) -> Iterable[str]:
    yield from (f"RULE_ERROR:{r.id}" for r in case.judgement.rules if r.status == "error")


def _rows(case: Case) -> Iterable[str]:
    if case.judgement.rows == 0 and not case.policy.allow_empty:
        yield "NO_ROWS"


def _sound(case: Case) -> Iterable[str]:
    yield from (f"DEGRADED:{fault}" for fault in case.judgement.degraded)
    yield from (f"DEGRADED:{g.gate}" for g in case.judgement.gates if g.degraded)


def _whole(case: Case) -> Iterable[str]:
    judgement = case.judgement
    if judgement.sampled or _sampled(judgement):
        yield "SAMPLED"
    if not case.complete:
        yield "PARTITION_MISSING"


def _sampled(judgement: Judgement) -> bool:
    return any(g.sampled for g in judgement.gates) or any(r.sampled for r in judgement.rules)


def _evidence(standing: Standing) -> Iterable[str]:
    if not standing.evidence_safe:
        yield "EVIDENCE_NOT_SAFE"


def _untainted(standing: Standing) -> Iterable[str]:
    yield from (f"TAINTED({version})" for version in standing.taints[:SHOWN])


def only_tainted(held_reason: str) -> bool:
    """Whether nothing but earlier versions holds a view: its table as a whole may well pass."""
    return all(why.startswith("TAINTED(") for why in held_reason.split(", "))


OF_THE_JUDGEMENT: dict[str, Callable[[Case], Iterable[str]]] = {
    "the policy is verified": _approved,
    "a schema or a gold rule is declared": _declared,
    "gates were enabled": _enabled,
    "the batch was published": _published,
    "every gold rule was evaluated in full": _evaluated,
    "each gate with something declared is PASS, or WARN by warn rules or compatible drift": _gates,
    "no rule ended in ERROR": _no_error,
    "there are rows, or the dataset may be empty": _rows,
    "nothing was degraded": _sound,
    "nothing was sampled, no partition is missing": _whole,
}
OF_THE_TABLE: dict[str, Callable[[Standing], Iterable[str]]] = {
    "evidence is in the outbox": _evidence,
    "every version since the last certified one is sound": _untainted,
}


def judged(case: Case) -> tuple[str, ...]:
    """Return why the judgement alone does not certify, in the table's order."""
    return tuple(dict.fromkeys(why for check in OF_THE_JUDGEMENT.values() for why in check(case)))


def blockers(of_judgement: tuple[str, ...], standing: Standing) -> tuple[str, ...]:
    """Return every reason why a version does not certify; nothing when it does."""
    late = (why for check in OF_THE_TABLE.values() for why in check(standing))
    return tuple(dict.fromkeys((*of_judgement, *late)))


def _idle(case: Case) -> bool:
    """Whether there was nothing to judge: `no rows` is the one SKIP that may certify."""
    return case.judgement.rows == 0


def _warned(gate: GateResult, judgement: Judgement) -> Iterable[str]:
    """Name what warned, but for warn-severity rules and drift that mode `compatible` lets pass."""
    known = set(judgement.drift) if gate.gate == "G3_SCHEMA" else set()
    for rule in judgement.rules:
        if rule.gate == gate.gate and rule.status == "warn":
            known |= {rule.signature, *rule.signatures}
    left = set(gate.reason_codes) - known
    if left == {REGISTRY_STALE}:
        yield REGISTRY_STALE
    elif left or not gate.reason_codes:
        yield f"GATE_WARN:{gate.gate}"
