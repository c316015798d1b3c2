"""What differs between two policies is named by what it means: more is demanded, or less."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.compiler.check import policy_for_check
from sfctl.compiler.policy_diff import differences
from sfctl.model.policy import Policy

HEAD = "schema: {constraints: [{field: n, type: INT64}, {field: s, type: STRING}]}\n"


def compiled(folder: Path, text: str) -> Policy:
    path = folder / "policy_bundle.yaml"
    path.write_text(text)
    policy, _ = policy_for_check(path)
    return policy


def rules(*written: str) -> str:
    return f"{HEAD}dq: {{rules: [{', '.join(written)}]}}\n"


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ("{kind: range, field: n, min: 0, max: 9", "{kind: range, field: n, min: 0, max: 5",
         "tightened"),
        ("{kind: range, field: n, min: 0", "{kind: range, field: n, min: 0, max: 5", "tightened"),
        ("{kind: range, field: n, min: 0, max: 5", "{kind: range, field: n, min: 1, max: 9",
         "changed"),
        ("{kind: range, field: n, exclusive_min: 0, max: 9",
         "{kind: range, field: n, exclusive_min: 0, max: 5", "tightened"),
        ("{kind: range, field: n, exclusive_min: 0", "{kind: range, field: n, min: 0", "loosened"),
        ("{kind: accepted_values, field: s, values: [a, b]",
         "{kind: accepted_values, field: s, values: [a, b, c]", "loosened"),
        ("{kind: accepted_values, field: s, values: [a, b]",
         "{kind: accepted_values, field: s, values: [a, c]", "changed"),
        ("{kind: not_accepted_values, field: s, values: [a]",
         "{kind: not_accepted_values, field: s, values: [a, b]", "tightened"),
        ("{kind: row_count, min: 1", "{kind: row_count, min: 5", "tightened"),
        ("{kind: null_rate, field: n, max: 0.05", "{kind: null_rate, field: n, max: 0.1",
         "loosened"),
        ("{kind: unique, fields: [n]", "{kind: unique, fields: [n], scope: table", "tightened"),
        ("{kind: unique, fields: [n]", "{kind: unique, fields: [n, s]", "changed"),
        ("{kind: not_null, field: n, threshold: '5%'", "{kind: not_null, field: n, threshold: '1%'",
         "tightened"),
        ("{kind: not_null, field: n", "{kind: not_null, field: n, threshold: 3", "loosened"),
        ("{kind: not_null, field: n", "{kind: not_null, field: n, severity: warn", "loosened"),
        ("{kind: not_null, field: n", "{kind: not_null, field: n, where: \"s = 'a'\"", "loosened"),
        ("{kind: expression, expression: n > 0", "{kind: expression, expression: n > 0 OR s = 'a'",
         "changed"),
    ],
)  # fmt: skip
def test_a_rule_that_changed(before: str, after: str, effect: str, tmp_path: Path) -> None:
    old = compiled(tmp_path, rules(f"{before}, id: r}}"))
    (change,) = differences(old, compiled(tmp_path, rules(f"{after}, id: r}}")))
    assert (change.part, change.name, change.effect) == ("rule", "r", effect)
    assert "→" in change.line


def test_rules_that_came_went_or_were_renamed(tmp_path: Path) -> None:
    old = compiled(
        tmp_path, rules("{kind: not_null, field: n}", "{kind: length, field: s, max: 3}")
    )
    new = compiled(
        tmp_path, rules("{kind: not_null, field: n, id: x}", "{kind: row_count, min: 1}")
    )
    found = [(c.effect, c.name) for c in differences(old, new)]
    assert found == [("added", "row_count"), ("removed", "length:s")]
    assert {c.effect for c in differences(None, new)} == {"added"}
    assert differences(new, new) == ()


def test_columns_personal_data_and_settings(tmp_path: Path) -> None:
    old = compiled(
        tmp_path,
        "version: 1\nschema: {constraints: [{field: n, type: INT64}, {field: s, type: STRING}]}\n"
        "pii: {detection: [{pattern: EMAIL, action: redact}, {pattern: IP, action: mask}]}\n"
        "enforcement: {level: G3, max_quarantine_share: '5%'}\n",
    )
    new = compiled(
        tmp_path,
        "version: 2\nschema: {mode: strict, constraints: [{field: n, type: INT32},"
        " {field: d, type: STRING}]}\ncontract_lite: {required_fields: [n]}\n"
        "pii: {detection: [{pattern: EMAIL, columns: [d], action: mask}]}\n"
        "enforcement: {level: G2, max_quarantine_share: '1%'}\n",
    )
    found = {f"{c.part} {c.name} {c.what}".strip(): c.effect for c in differences(old, new)}
    assert found == {
        "rule required:n": "added",
        "column n type": "tightened",
        "column n may be absent": "tightened",
        "column d": "added",
        "column s": "removed",
        "pii EMAIL": "loosened",
        "pii IP": "removed",
        "schema mode": "tightened",
        "policy contract": "tightened",
        "enforcement level": "loosened",
        "enforcement max_quarantine_share": "tightened",
        "policy version": "changed",
    }


def test_an_age_is_shown_with_its_unit(tmp_path: Path) -> None:
    head = "schema: {constraints: [{field: at, type: TIMESTAMP}]}\n"
    rule = "dq: {{rules: [{{kind: freshness, field: at, max_age: {}, id: r}}]}}\n"
    old, new = (compiled(tmp_path, head + rule.format(age)) for age in ("2h", "1h"))
    (change,) = differences(old, new)
    assert change.line.endswith("freshness(at) <= 7200 s → freshness(at) <= 3600 s")
