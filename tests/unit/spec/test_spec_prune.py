"""Offline, what needs an absent credential is left out of the judgement, and the rest is judged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.compiler.compile import compile_project
from sfctl.spec.project import load
from tests.unit.spec.test_spec_pack import project

ABSENT = "\"{{ env_var('SFCTL_NOT_THERE') }}\""
SCHEMA = "schema: {constraints: [{field: n, type: INT32}, {field: s, type: STRING}]}\n"
RULES = [
    f"{{kind: range, field: n, min: {ABSENT}}}",
    f"{{kind: range, field: n, min: 1, threshold: {ABSENT}}}",
    f"{{kind: accepted_values, field: s, values: {ABSENT}}}",
    f"{{kind: accepted_values, field: s, values: [{ABSENT}]}}",
    f"{{kind: freshness, field: n, max_age: {ABSENT}}}",
    f"{{kind: aggregate, field: n, function: quantile, quantile: {ABSENT}, min: 1}}",
    f"{{kind: row_count, min: {ABSENT}}}",
    f"{{kind: pattern, field: s, pattern: {ABSENT}}}",
    f"{{kind: type, field: s, type: {ABSENT}}}",
    f"{{kind: not_null, field: {ABSENT}}}",
    f"{{kind: not_null, field: s, where: {ABSENT}}}",
    f"{{field: s, rules: [{{length: {{min: {ABSENT}}}}}]}}",
    f"{{field: s, rules: [{{pattern: {ABSENT}}}]}}",
    f"{{field: s, rules: {ABSENT}}}",
    ABSENT,
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_nobody_can_render_here_stops_nothing(rule: str, tmp_path: Path) -> None:
    bundle = f"{SCHEMA}dq: {{rules: ['n > 0', {rule}]}}\n"
    found = load(project(tmp_path, bundle, {}), offline=True)
    compiled = compile_project(found, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert compiled.errors == ()
    assert "SF125" in {problem.code for problem in compiled.problems}
    assert "n_gt_0" in {rule.id for rule in compiled.policies["orders"].rules}


def test_a_dataset_without_an_identity_is_left_out(tmp_path: Path) -> None:
    root = project(tmp_path, SCHEMA, {})
    file = root / "datasets/orders/dataset.yaml"
    file.write_text(f"{{urn: ds://shop/orders, owner_team: {ABSENT}, tier: TIER_3}}")
    assert [each.name for each in load(root, offline=True).datasets] == ["orders"]
    file.write_text(f"{{urn: ds://shop/orders, owner_team: s, tier: {ABSENT}}}")
    found = load(root, offline=True)
    assert found.broken == ("orders",)
    assert compile_project(found, now=datetime(2026, 1, 1, tzinfo=UTC)).errors == ()
