"""From days to rules worth having, each with its reason and how often it would have been wrong.

A suggestion enforces nothing. Each rule is fitted again without a day, and held against that day:
so its false alarms on the dataset's own history are counted, not assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sfctl.profiling.alarm import fails
from sfctl.profiling.candidate import Candidate
from sfctl.profiling.figures import confidence
from sfctl.profiling.fit import candidates
from sfctl.profiling.history import History
from sfctl.profiling.tiers import Defaults
from sfctl.profiling.view import DayView, view_of
from sfctl.runtime.pii.kinds import KINDS

BUDGET = 0.05
"""The share of healthy days on which all suggested rules together may be expected to fail."""
SLACKS = (1.0, 1.5, 2.5)
"""How far bounds are widened until no left-out day breaks them."""
STABLE = 0.8
"""The share of left-out days without which a rule must still be suggested."""
FEWEST = 3
"""Days from which leaving one out says anything."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule as it would stand in policy_bundle.yaml. `confidence` is a share.

    `rows` and `days` are what it rests on; `alarms` counts the days that, left out, it would have
    failed on, and `expected_false_alarm_rate` is the share of healthy days expected to fail it:
    None where there are too few days to tell.
    """

    block: str
    rule: dict[str, Any]
    reason: str
    confidence: float
    rows: int
    days: int
    alarms: int | None = None
    expected_false_alarm_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Suggested:
    """All suggestions of a dataset, and how often any of them is expected to fail on a good day."""

    rules: tuple[Suggestion, ...] = ()
    expected_false_alarm_rate: float | None = None
    days: int = 0
    known: int = field(default=0, kw_only=True)
    """Rules that were left out, for the policy has them already."""


def suggested(
    history: History, defaults: Defaults, known: frozenset[tuple[str, ...]] = frozenset()
) -> Suggested:
    """Return the rules that a dataset's days suggest, but for those `known` to its policy."""
    secret = frozenset(history.personal)
    days = [view_of(day, state, secret) for day, state in history.days.items() if state.rows]
    if not days:
        return Suggested()
    dated = len(days) if history.dated else 0
    chosen = _chosen(days, defaults) if dated >= FEWEST else list(candidates(days, 1.0, defaults))
    if 0 < dated < FEWEST:
        # what one or two days have in common is presence; what they range over comes with days
        chosen = [each for each in chosen if each.rule["kind"] in ("required", "row_count")]
    rows = sum(day.rows for day in days)
    fresh = [each for each in chosen if not known & set(names_of(each.rule))]
    rate = _rate(len(days)) if dated >= FEWEST else None
    found = [
        Suggestion(
            each.block,
            _written(each.rule),
            each.reason,
            confidence(rows, dated),
            rows,
            dated,
            0 if rate is not None else None,
            None if rate is None else round(rate / len(fresh), 6),
        )
        for each in fresh
    ]
    # one value that only looks personal hides its column, and is no reason to act on it
    sampled = {n: k for day in history.days.values() for n, t in day.texts.items() if (k := t.kind)}
    for column, kind in sorted(sampled.items()):
        # inside of structs and lists nothing can be acted on: their values are only kept out
        texts = [day for day in history.days.values() if column in day.columns]
        # a kind that is not built in is one that the policy looks for in every column already
        fresh_kind = kind in KINDS and ("pii", column) not in known
        if fresh_kind and texts[-1].columns[column].family == "text":
            rule = {"pattern": kind, "columns": [column], "action": "tokenize"}
            reason = f"values of the kind {kind} are among those sampled"
            found.append(Suggestion("pii", rule, reason, confidence(rows, dated), rows, dated))
    return Suggested(
        tuple(found),
        None if rate is None else round(rate, 4),
        dated,
        known=len(chosen) - len(fresh),
    )


def names_of(rule: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return what a rule is about: its kind and columns, or its expression."""
    kind = rule["kind"]
    if kind == "expression":
        return [(kind, " ".join(rule["expression"].split()))]
    if kind == "required":
        return [(kind, rule["field"]), ("not_null", rule["field"])]
    fields = rule.get("fields") or ([rule["field"]] if "field" in rule else [])
    return [(kind, *sorted(fields))]


def _written(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as it stands in its block."""
    if rule["kind"] == "required":
        return {"required_fields": [rule["field"]]}
    if rule["kind"] == "expression":
        return {"invariants": [rule["expression"]]}
    return rule


def _rate(days: int) -> float:
    """Return the expected share of healthy days with an alarm when none of `days` had one.

    Half an alarm more than was seen, over one day more (Jeffreys' estimate of a rare share).
    """
    return 0.5 / (days + 1)


def _chosen(days: Sequence[DayView], defaults: Defaults) -> list[Candidate]:
    """Return each rule as narrow as no left-out day breaks it; what some day breaks is left out."""
    folds = _folds(days)
    accepted: dict[tuple[str, ...], Candidate] = {}
    order: dict[tuple[str, ...], None] = {}
    for slack in SLACKS:
        proposed = {each.name: each for each in candidates(days, slack, defaults)}
        order |= dict.fromkeys(proposed)
        waiting = proposed.keys() - accepted.keys()
        if not waiting:
            continue
        alarms = dict.fromkeys(waiting, 0)
        times = dict.fromkeys(waiting, 0)
        for training, left_out in folds:
            for each in candidates(training, slack, defaults):
                if each.name in waiting:
                    times[each.name] += 1
                    alarms[each.name] += sum(fails(each.rule, day) for day in left_out)
        for name in waiting:
            if not alarms[name] and times[name] >= STABLE * len(folds):
                accepted[name] = proposed[name]
    return [accepted[name] for name in order if name in accepted]


def _folds(days: Sequence[DayView]) -> list[tuple[list[DayView], list[DayView]]]:
    """Return every day left out once; and, for what drifts, the first and the last third."""
    found = [([*days[:i], *days[i + 1 :]], [day]) for i, day in enumerate(days)]
    third = len(days) // 3
    if third >= FEWEST:
        found += [(list(days[third:]), list(days[:third]))]
        found += [(list(days[:-third]), list(days[-third:]))]
    return found
