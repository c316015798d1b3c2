"""Which rules a judgement evaluates, typed by the rows at hand, and which it does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from sfctl.model import binding
from sfctl.model.policy import Custom, ForeignKey, Gate, Policy, Rule
from sfctl.model.schema import Schema
from sfctl.runtime.faults import DataError


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules to evaluate, those that mirror another's outcome, and what went wrong with any.

    `faults` fills up while rules are evaluated: DataError for the data's fault, anything else for
    ours.
    """

    rules: tuple[Rule, ...]
    mirrors: dict[str, str] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)


def planned(policy: Policy, stage: str, schema: Schema, off: frozenset[Gate]) -> Plan:
    """Return the rules of a stage to run over rows of a schema; those of gates held off are not."""
    rules = [rule for rule in policy.rules_for(stage) if rule.gate not in off]
    known = {rule.id for rule in rules}
    mirrors = {rule.id: rule.subsumed_by for rule in rules if rule.subsumed_by in known}
    faults: dict[str, Exception] = {}
    run = tuple(_bound(rule, policy, schema, faults) for rule in rules if rule.id not in mirrors)
    return Plan(run, mirrors, faults)


def asks_elsewhere(rule: Rule) -> bool:
    """Tell whether other rows or a user's function say of each row if the rule holds."""
    check = rule.check
    return isinstance(check, ForeignKey) or (isinstance(check, Custom) and bool(check.function))


def _bound(rule: Rule, policy: Policy, schema: Schema, faults: dict[str, Exception]) -> Rule:
    """Type one rule by the schema at hand; what goes wrong is a fault of this rule alone."""
    try:
        bound = binding.resolve(replace(policy, rules=(rule,)), schema)
    except Exception as error:  # noqa: BLE001 - a fault in one rule is that rule's alone
        faults[rule.id] = error
        return rule
    if rule.id in bound.missing:
        faults[rule.id] = DataError(f"column {bound.missing[rule.id]} is absent")
    elif rule.id in bound.mistyped:
        faults[rule.id] = DataError(bound.mistyped[rule.id])
    return bound.policy.rules[0]
