"""A rule that names its stages is judged there alone, and nowhere that cannot judge it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from sfctl.runtime.core.judge import judge
from tests.unit.compiler.building import compiled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STORED = "{urn: ds://shop/orders, owner_team: sales, tier: TIER_3, storage: {silver: s, gold: g}}"
PII = "pii: {detection: [{pattern: EMAIL, columns: [name], action: tokenize}]}"


def bundle(rule: str) -> str:
    return f"dq: {{rules: [{rule}, {{kind: row_count, min: 1}}]}}\n{PII}\n"


def test_the_form_of_a_column_is_judged_before_it_is_changed() -> None:
    policy, problems = compiled(
        bundle("{kind: format, field: name, format: email, stages: silver}"), dataset=STORED
    )
    assert not problems
    frame = pl.DataFrame({"name": ["a@b.org", "tok_1"]})
    silver = judge(frame, policy, "silver", now=NOW)
    assert [(rule.kind, rule.status, rule.failed) for rule in silver.rules] == [
        ("format", "fail", 1), ("row_count", "pass", 0),
    ]  # fmt: skip
    gold = judge(frame, policy, "gold", now=NOW)
    assert [rule.kind for rule in gold.rules] == ["row_count"]
    assert gold.totals.declared == 1


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ("", "is changed by `tokenize`"),
        ("stages: [silver, gold]", "is changed by `tokenize`"),
        ("stages: bronze", "'bronze' does not judge this rule (expected silver or gold)"),
    ],
)
def test_what_cannot_be_is_told(stages: str, said: str) -> None:
    text = f"{{kind: format, field: name, format: email, {stages}}}"
    _, problems = compiled(bundle(text), dataset=STORED)
    assert [said in problem.message for problem in problems] == [True]


def test_a_stage_that_is_not_stored_judges_nothing() -> None:
    only = STORED.replace("silver: s, ", "")
    text = "dq: {rules: [{field: n, stages: silver, rules: [not_null]}]}"
    _, problems = compiled(text, dataset=only)
    assert [each.code for each in problems] == ["SF277"]
