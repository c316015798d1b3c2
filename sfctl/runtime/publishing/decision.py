"""Split and publish are two decisions: this table says which rows stay and whether any go out."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from sfctl.model.policy import Enforcement
from sfctl.model.verdict import Judgement, RuleResult
from sfctl.model.write import Counts, Published

Alert = Literal["none", "notice", "alert"]
PRODUCTION = "prod"
BATCH_KINDS = frozenset({"row_count", "null_rate", "distinct_count", "aggregate", "freshness"})


class Row(NamedTuple):
    """One row of the table: what a level means in an environment."""

    divert: bool
    over_limit: Published
    alert: Alert
    exit_blocked: bool


TABLE: dict[tuple[str, bool], Row] = {
    # level, prod?       bad rows leave  over the limit  alert     run exits 1
    ("G0", False): Row(False, "all", "none", False),
    ("G0", True): Row(False, "all", "none", False),
    ("G1", False): Row(False, "all", "notice", False),
    ("G1", True): Row(False, "all", "notice", False),
    ("G2", False): Row(True, "none", "alert", True),
    ("G2", True): Row(True, "good", "alert", False),
    ("G3", False): Row(True, "none", "alert", True),
    ("G3", True): Row(True, "none", "alert", True),
}


class Decision(NamedTuple):
    """What happens to one batch. `reasons` say why it is over the limit."""

    divert: bool
    publish: Published
    alert: Alert
    exit_blocked: bool
    over_limit: bool
    reasons: tuple[str, ...] = ()


def decide(
    judgement: Judgement, enforcement: Enforcement, environment: str, *, level: str | None = None
) -> Decision:
    """Return what the level and the environment make of a judgement.

    `level` replaces the policy's own, for drafts. Faults of ours and sampled rules never block.
    """
    row = TABLE[level or enforcement.level, environment == PRODUCTION]
    reasons = over_limit(judgement, enforcement)
    within: Published = "good" if row.divert else "all"
    publish = row.over_limit if reasons else within
    if publish == "good" and not judgement.bad:
        publish = "all"
    failed = bool(reasons) or any(g.result == "FAIL" for g in judgement.gates)
    return Decision(
        divert=row.divert,
        publish=publish,
        alert=row.alert if failed else "none",
        exit_blocked=bool(reasons) and row.exit_blocked,
        over_limit=bool(reasons),
        reasons=reasons,
    )


def over_limit(judgement: Judgement, enforcement: Enforcement) -> tuple[str, ...]:
    """Return why the batch is over the limit, nothing when it is not."""
    reasons = failed_batch_rules(judgement)
    if any(g.gate == "G3_SCHEMA" and g.result == "FAIL" for g in judgement.gates):
        reasons.insert(0, "G3_SCHEMA")
    limit = enforcement.max_quarantine_share
    share = Fraction(enforcement.stage_shares.get(judgement.stage, limit))
    if judgement.bad > share * judgement.rows:
        reasons.insert(0, "MAX_QUARANTINE_SHARE")
    return tuple(reasons)


def count(judgement: Judgement, decision: Decision) -> Counts:
    """Return where the rows of a batch go."""
    published = {"all": judgement.rows, "good": judgement.good, "none": 0}[decision.publish]
    return Counts(
        rows_in=judgement.rows,
        rows_good=judgement.good,
        rows_bad=judgement.bad,
        rows_published=published,
        rows_failed_published=judgement.bad if decision.publish == "all" else 0,
        rows_quarantined=judgement.rows - published,
    )


def failed_batch_rules(judgement: Judgement) -> list[str]:
    """Return the rules over the whole batch that failed, by id."""
    return [rule.id for rule in judgement.rules if _batch_rule_failed(rule)]


def batch_failed(judgement: Judgement) -> bool:
    """Tell whether the batch failed as a batch, whatever its rows."""
    return judgement.batch_failed or bool(failed_batch_rules(judgement))


def _batch_rule_failed(rule: RuleResult) -> bool:
    if rule.kind not in BATCH_KINDS or rule.severity != "error" or rule.sampled:
        return False
    return rule.status == "fail" or (rule.status == "error" and rule.data_error)
