"""Every rule kind: what it becomes, how it is named and signed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.compiler.policy import compile_policy
from sfctl.compiler.quantity import plain, seconds, share, threshold
from sfctl.model import codec
from sfctl.model.policy import (
    Batch,
    Custom,
    Detection,
    ForeignKey,
    Policy,
    RowCheck,
    Threshold,
    Unique,
)
from tests.reference.interpreter import verdict
from tests.unit.compiler.building import compiled, declared, files, node, only_rule

REQUIREMENT = """
schema:
  mode: strict  # breaking | compatible | strict
  constraints:
    - field: order_total
      type: DECIMAL
      nullable: false
    - field: customer_id
      type: STRING
      nullable: false
contract_lite:
  required_fields: [order_id, customer_id, order_total, created_at]
  invariants:
    - "order_total > 0"
    - "created_at IS NOT NULL"
pii:
  detection:
    - pattern: EMAIL
      action: tokenize
    - pattern: PHONE
      action: mask
    - pattern: SSN
      action: redact
"""


def test_the_requirements_example_compiles_as_printed() -> None:
    policy, problems = compile_policy(files(REQUIREMENT))
    assert {p.severity for p in problems} == {"warning"}
    assert [(r.id, r.gate, r.signature, r.subsumed_by) for r in policy.rules] == [
        ("nullable:order_total", "G3_SCHEMA", "NULL_VIOLATION:order_total", "required:order_total"),
        ("nullable:customer_id", "G3_SCHEMA", "NULL_VIOLATION:customer_id", "required:customer_id"),
        ("required:order_id", "G4_CONTRACT", "MISSING_FIELD:order_id", ""),
        ("required:customer_id", "G4_CONTRACT", "MISSING_FIELD:customer_id", ""),
        ("required:order_total", "G4_CONTRACT", "MISSING_FIELD:order_total", ""),
        ("required:created_at", "G4_CONTRACT", "MISSING_FIELD:created_at", ""),
        ("order_total_gt_0", "G4_CONTRACT", "INVARIANT_VIOLATION:order_total_gt_0", ""),
        ("created_at_IS_NOT_NULL", "G4_CONTRACT", "INVARIANT_VIOLATION:created_at_IS_NOT_NULL",
         "required:created_at"),
    ]  # fmt: skip
    assert policy.contract == "lite"
    assert [c.required for c in policy.schema.columns] == [True, True]
    assert codec.decode(codec.canonical(policy), Policy) == policy


ROWS = {
    "{kind: required, field: name}": ({"name": "x"}, {"name": None}),
    "{kind: not_null, field: name}": ({"name": ""}, {"name": None}),
    "{kind: type, field: name, type: INT8}": ({"name": "127"}, {"name": "128"}),
    "{kind: accepted_values, field: name, values: [a, b]}": ({"name": None}, {"name": "c"}),
    "{kind: accepted_values, field: paid, values: [true]}": ({"paid": True}, {"paid": False}),
    "{kind: not_accepted_values, field: id, values: [1, 2]}": ({"id": 3}, {"id": 2}),
    "{kind: range, field: amount, min: 0.10, max: 9}": (
        {"amount": Decimal("0.10")}, {"amount": Decimal("0.09")}
    ),
    "{kind: range, field: id, exclusive_min: 1, exclusive_max: 3}": ({"id": 2}, {"id": 3}),
    "{kind: range, field: id, exclusive_min: 1}": ({"id": 2}, {"id": 1}),
    "{kind: length, field: name, min: 2, max: 3}": ({"name": "éé"}, {"name": "é"}),
    "{kind: length, field: name, max: 3}": ({"name": "abc"}, {"name": "abcd"}),
    "{kind: length, field: name, min: 3}": ({"name": "abc"}, {"name": "ab"}),
    '{kind: pattern, field: name, pattern: "[A-Z]{2}"}': ({"name": "AB"}, {"name": "AB\n"}),
    "{kind: format, field: name, format: email}": ({"name": "a@b.co"}, {"name": "a@b"}),
    '{kind: expression, expression: "id > n"}': ({"id": 2, "n": 1}, {"id": 1, "n": 1}),
    '"id > n"': ({"id": None, "n": 1}, {"id": 1, "n": 1}),
    '{kind: range, field: place.zip, min: 1}': ({"place": {"zip": 1}}, {"place": {"zip": 0}}),
}  # fmt: skip


@pytest.mark.parametrize("text", ROWS)
def test_row_rules_judge_rows(text: str) -> None:
    rule = only_rule(text)
    assert isinstance(rule.check, RowCheck)
    good, bad = ROWS[text]
    assert verdict(rule.check.expr, good) == "pass"
    assert verdict(rule.check.expr, bad) == "fail"
    assert rule.gate == "DQ"
    assert rule.is_row_rule


@pytest.mark.parametrize(
    ("text", "rule_id", "signature"),
    [
        ("{kind: required, field: id}", "required:id", "MISSING_FIELD:id"),
        ("{kind: type, field: id, type: string}", "type:id", "TYPE_MISMATCH:id:STRING"),
        ("{kind: accepted_values, field: n, values: [1]}", "accepted_values:n", "UNKNOWN_ENUM:n"),
        ("{kind: length, field: name, min: 1}", "length:name", "INVALID_FORMAT:name"),
        ("{kind: range, field: id, min: 1, id: mine}", "mine", "RANGE_VIOLATION:id"),
        ("{kind: expression, expression: 'id > 1', id: big}", "big", "INVARIANT_VIOLATION:big"),
        ("{kind: unique, fields: [id, day]}", "unique:id,day", "UNIQUENESS_VIOLATION:id,day"),
        ("{kind: duplicate_rows}", "duplicate_rows", "UNIQUENESS_VIOLATION:*"),
        ("{kind: row_count, min: 1}", "row_count", "RANGE_VIOLATION:row_count"),
        ("{kind: null_rate, field: id, max: 5%}", "null_rate:id", "NULL_RATE_BREACH:id"),
        ("{kind: distinct_count, field: id, min: 3}", "distinct_count:id",
         "RANGE_VIOLATION:id:distinct_count"),
        ("{kind: aggregate, field: id, function: sum, max: 9}", "sum:id", "RANGE_VIOLATION:id:sum"),
        ("{kind: freshness, field: at, max_age: 36h}", "freshness:at", "FRESHNESS_BREACH:at"),
        ("{kind: foreign_key, field: id, references: {dataset: 'ds://a/b', field: x}}",
         "foreign_key:id", "FK_VIOLATION:id"),
    ],
)  # fmt: skip
def test_names_and_signatures(text: str, rule_id: str, signature: str) -> None:
    rule = only_rule(text)
    assert (rule.id, rule.signature) == (rule_id, signature)


def test_checks_beyond_rows() -> None:
    assert only_rule("{kind: unique, field: id, nulls: distinct, scope: table}").check == Unique(
        ("id",), "distinct", "table"
    )
    assert only_rule(
        "{kind: foreign_key, fields: [id, n], references: {dataset: 'ds://a/b', fields: [x, y]}}"
    ).check == ForeignKey(("id", "n"), "urn:dp:a:b", ("x", "y"))
    assert only_rule("{kind: freshness, field: at, max_age: 1d12h}").check == Batch(
        "freshness", "at", maximum="129600"
    )
    assert only_rule("{kind: null_rate, field: id, min: 0.01, max: 5%}").check == Batch(
        "null_rate", "id", minimum="0.01", maximum="0.05"
    )
    quantile = only_rule(
        "{kind: aggregate, field: amount, function: quantile, quantile: 0.9, exclusive_max: '1.50'}"
    )
    assert quantile.check == Batch("quantile", "amount", 0.9, None, "1.50", exclusive_maximum=True)
    assert not quantile.is_row_rule


def test_a_reference_may_use_the_name_of_a_folder() -> None:
    body = "dq: {rules: [{kind: foreign_key, field: id, references: {dataset: p, field: x}}]}"
    policy, problems = compiled(body, names={"p": "urn:dp:ref:p"})
    assert problems == []
    assert policy.rules[0].check == ForeignKey(("id",), "urn:dp:ref:p", ("x",))


def test_a_custom_function_is_pinned_by_the_digest_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    file = tmp_path / "rules" / "mine.py"
    file.write_text("def check(batch): ...\nother = check\nfrom json import loads as third\n")
    digests = set()
    for name in ("check", "other", "third"):
        body = f"dq: {{rules: [{{kind: custom, fields: [id, n], function: 'rules.mine:{name}'}}]}}"
        policy, problems = compiled(body, root=tmp_path)
        assert problems == []
        check = policy.rules[0].check
        assert isinstance(check, Custom)
        assert check.fields == ("id", "n")
        digests.add(check.digest)
    assert len(digests) == 1
    body = "dq: {rules: [{kind: custom, field: id, function: 'rules.mine:absent'}]}"
    assert [p.code for p in compiled(body, root=tmp_path)[1]] == ["SF229"]
    file.write_text("def check(:")
    body = "dq: {rules: [{kind: custom, field: id, function: 'rules.mine:check'}]}"
    assert [p.code for p in compiled(body, root=tmp_path)[1]] == ["SF229"]


def test_one_rule_may_name_several_columns() -> None:
    body = """
    dq:
      rules:
        - {kind: range, field: [id, n], min: 1, id: positive, severity: warn, tags: [a, b],
           threshold: 2, where: "paid", description: why}
        - {kind: null_rate, field: [id, n], max: 0.5}
        - {kind: not_null, fields: [day, at]}
    """
    policy, problems = compiled(body)
    assert problems == []
    assert [r.id for r in policy.rules] == [
        "positive:id", "positive:n", "null_rate:id", "null_rate:n", "not_null:day", "not_null:at",
    ]  # fmt: skip
    first = policy.rules[0]
    assert (first.severity, first.threshold, first.tags) == ("warn", Threshold(2), ("a", "b"))
    assert first.description == "why"
    assert first.where is not None
    assert first.source.startswith("policy_bundle.yaml:")


def test_ids_stay_when_rules_are_added_behind() -> None:
    one = "dq: {rules: [{kind: range, field: id, min: 1}]}"
    two = "dq: {rules: [{kind: range, field: id, min: 1}, {kind: range, field: id, max: 9}]}"
    three = (
        "dq: {rules: [{kind: range, field: id, min: 1}, {kind: range, field: id, max: 8}, "
        "{kind: range, field: id, max: 9}, {kind: range, field: id, max: 9}]}"
    )
    ids = [[r.id for r in compiled(body)[0].rules] for body in (one, two, three)]
    assert ids[0] == ids[1][:1] == ids[2][:1] == ["range:id"]
    assert ids[1][1] == ids[2][2]
    assert len(set(ids[2])) == 4


def test_a_long_expression_has_a_short_name() -> None:
    text = " AND ".join(f"id <> {i}" for i in range(100))
    rule = only_rule(f'"{text}"')
    assert len(rule.id) <= 70
    assert rule.id.startswith("id_ne_0_AND_id_ne_1")


@given(st.decimals(0, 1, places=6).filter(lambda d: d < 1))
def test_shares_are_exact(value: Decimal) -> None:
    written = plain(value)
    as_share = threshold(node(f"t: {written}.0" if "." not in written else f"t: {written}")["t"])
    percent = threshold(node(f"t: '{plain(value * 100)}%'")["t"])
    assert as_share == percent
    assert Decimal(as_share.share or 0) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1%", Threshold(share="0.01")),
        ("'0.5 %'", Threshold(share="0.005")),
        ("0.1", Threshold(share="0.1")),
        ("1e-3", Threshold(share="0.001")),
        ("0", Threshold()),
        ("0.0", Threshold()),
        ("0%", Threshold()),
        ("3", Threshold(count=3)),
        ("'100%'", Threshold(share="1")),
    ],
)
def test_thresholds(text: str, found: Threshold) -> None:
    assert threshold(node(f"t: {text}")["t"]) == found


def test_spans_and_shares() -> None:
    assert seconds(node("t: 1d12h")["t"]) == 129600
    assert seconds(node("t: 500ms")["t"]) == Decimal("0.5")
    assert seconds(node("t: 90")["t"]) == 90
    assert share(node("t: 5%")["t"]) == Decimal("0.05")


def test_blocks_beside_rules() -> None:
    body = """
    version: 4
    contract: {id: "dc:orders", version: 3}
    pii:
      detection:
        - {pattern: EMAIL, columns: name, action: redact, placeholder: "-", min_share: "20%"}
        - {pattern: CUSTOM, name: PLATE, regex: "[A-Z]{2}-\\\\d+", action: mask}
    enforcement: {level: G3, max_quarantine_share: {silver: "2%"}}
    performance: {gate_timeout_ms: 500, sampling_rate: 0.5, memory_mb: 64}
    """
    policy, problems = compiled(body)
    assert problems == []
    assert (policy.version, policy.contract) == (4, "full")
    assert policy.pii == (
        Detection("EMAIL", "redact", ("name",), placeholder="-", min_share=0.2),
        Detection("PLATE", "mask", pattern=r"[A-Z]{2}\-[0-9]+"),
    )
    assert [c.name for c in policy.schema.columns if c.pii] == ["name"]
    assert (policy.enforcement.level, policy.enforcement.explicit) == ("G3", True)
    assert policy.enforcement.stage_shares == {"silver": "0.02"}
    assert policy.performance.gate_timeout_ms == 500
    assert policy.performance.memory_mb == 64


def test_the_baseline_gives_columns_and_types() -> None:
    baseline: dict[str, object] = {
        "schema": [
            {"name": "a", "type": "DECIMAL(9,3)", "nullable": False},
            {"name": "b", "type": "STRING", "nullable": True},
        ]
    }
    bundle = """
    schema: {constraints: [{field: a, type: DECIMAL}]}
    dq: {rules: ["a > 1", {kind: not_null, field: b}]}
    """
    policy, problems = compile_policy(files(bundle, baseline=baseline))
    assert problems == []
    assert policy.schema.baseline is not None
    assert policy.schema.fingerprint.startswith("sha256:")
    check = policy.rules[0].check
    assert isinstance(check, RowCheck)
    assert str(check.expr.left.type) == "DECIMAL(9,3)"  # type: ignore[union-attr]


@pytest.mark.parametrize("schema", ["x", [{"name": "a"}], [1], [{"name": "a", "type": "NOPE"}]])
def test_a_hostile_baseline_is_a_problem(schema: object) -> None:
    found = compile_policy(files("{}", baseline={"schema": schema}))[1]
    assert [p.code for p in found] == ["SF260"]


def test_a_dataset_without_a_bundle_has_a_policy_without_rules() -> None:
    dataset = """
    urn: ds://shop/orders
    owner_team: sales
    tier: TIER_1
    primary_key: [id]
    allow_empty: true
    on_stale: serve_uncertified
    """
    policy, problems = compile_policy(files(None, dataset))
    assert problems == []
    assert (policy.rules, policy.contract, policy.tier) == ((), "none", 1)
    assert policy.allow_empty
    assert (policy.primary_key, policy.on_stale) == (("id",), "serve_uncertified")


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    one = "dq: {rules: [{kind: range, field: id, min: 1, max: 9}]}"
    two = "dq: {rules: [{max: 9, field: id, kind: range, min: 1}]}"
    assert compiled(one)[0].digest == compiled(two)[0].digest
    assert compiled(one)[0].digest != compiled(one.replace("9", "8"))[0].digest


def test_columns_of_a_source_at_hand_are_known() -> None:
    bundle = files("dq: {rules: [{kind: not_null, field: a}, {kind: not_null, field: b}]}")
    _, problems = compile_policy(bundle, columns=("a",))
    assert [p.code for p in problems] == ["SF204"]
    policy, problems = compile_policy(bundle, open_columns=True)
    assert problems == []
    assert len(policy.rules) == 2
    assert declared("").startswith("schema:")


def test_a_text_in_double_quotes_is_told_from_a_column() -> None:
    rule = "dq: {rules: [{kind: expression, expression: 'a = \"DE\"'}, {kind: not_null, field: a}]}"
    _, problems = compile_policy(files(rule), columns=("a",))
    (found,) = [p for p in problems if p.code == "SF204"]
    assert found.hint == "double quotes name a column; a text stands in single quotes"
