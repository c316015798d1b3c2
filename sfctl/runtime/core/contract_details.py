"""What the evidence of G4 says beside its result: which contract, and what broke it most."""

from __future__ import annotations

from collections.abc import Sequence

from sfctl.model.policy import Policy
from sfctl.model.verdict import RuleResult

_NULLS = ("required", "not_null")
HIDDEN = "*"
INVALID = "invalid"


def contract_details(policy: Policy, rules: Sequence[RuleResult]) -> dict[str, object]:
    """Return `contract_id`, `contract_version` and, where rules failed, the `violated_rule`.

    The rule told is the one with most failures, errors before warnings. Its `actual` is `null`, a
    measure, a value that a signature may show, else `invalid`; of a personal column no value.
    """
    found: dict[str, object] = {}
    if policy.contract_id:
        version = policy.contract_version
        found["contract_id"] = f"{policy.contract_id}:{version}" if version else policy.contract_id
        if version:
            found["contract_version"] = version
    broken = [
        rule
        for rule in rules
        if rule.gate == "G4_CONTRACT" and (rule.status in ("fail", "warn") or rule.data_error)
    ]
    if broken:
        worst = max(broken, key=lambda rule: (rule.severity == "error", rule.failed))
        found["violated_rule"] = {
            "id": worst.id,
            "field": ",".join(worst.fields) or "*",
            "constraint": worst.kind,
            "actual": _actual(worst, _personal(policy)),
            "failed": worst.failed,
        }
    return found


def _personal(policy: Policy) -> frozenset[str]:
    named = {column for entry in policy.pii for column in entry.columns}
    return frozenset(named | {column.name for column in policy.schema.columns if column.pii})


def _actual(rule: RuleResult, personal: frozenset[str]) -> str:
    if rule.kind in _NULLS:
        return "null"
    hidden = not personal.isdisjoint(part for n in rule.fields for part in (n, n.split(".")[0]))
    if rule.measured is not None:
        counted = rule.kind in ("row_count", "null_rate", "distinct_count")
        return rule.measured if counted or not hidden else HIDDEN
    if rule.signature.startswith("UNKNOWN_ENUM:"):
        top = max(rule.signatures, key=lambda code: rule.signatures[code], default="")
        value = top.removeprefix(f"{rule.signature}:")
        return HIDDEN if hidden or value in ("", top) else value
    return INVALID
