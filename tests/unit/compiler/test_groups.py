"""Several rules on one field: a group means what its rules mean, each written out."""

from __future__ import annotations

import textwrap

import pytest
from msgspec.structs import replace

from sfctl.model.policy import Rule, Threshold
from sfctl.spec.documents.group import ALONE
from sfctl.spec.documents.rule import KINDS
from tests.unit.compiler.building import compiled

SHORT = {
    "required": "required",
    "not_null": "not_null",
    "unique": "unique",
    "type": "{type: STRING}",
    "accepted_values": "{accepted_values: [AA, UA]}",
    "not_accepted_values": "{not_accepted_values: [ZZ]}",
    "range": "{range: {min: A, exclusive_max: X}}",
    "length": "{length: {min: 2, max: 4}}",
    "pattern": '{pattern: "[A-Z]{2}"}',
    "format": "{format: email}",
    "expression": '{expression: "upper(name) = name"}',
    "foreign_key": '{foreign_key: {references: {dataset: "ds://ref/a", field: code}}}',
    "null_rate": '{null_rate: "5%"}',
    "distinct_count": "{distinct_count: {min: 2}}",
    "aggregate": "{aggregate: {function: quantile, quantile: 0.5, max: 9}}",
    "freshness": "{freshness: 36h}",
    "custom": "{custom: {function: 'checks:good'}}",
}
LONG = {
    "required": "field: name",
    "not_null": "field: name",
    "unique": "field: name",
    "type": "field: name, type: STRING",
    "accepted_values": "field: name, values: [AA, UA]",
    "not_accepted_values": "field: name, values: [ZZ]",
    "range": "field: name, min: A, exclusive_max: X",
    "length": "field: name, min: 2, max: 4",
    "pattern": 'field: name, pattern: "[A-Z]{2}"',
    "format": "field: name, format: email",
    "expression": 'expression: "upper(name) = name"',
    "foreign_key": 'field: name, references: {dataset: "ds://ref/a", field: code}',
    "null_rate": 'field: name, max: "5%"',
    "distinct_count": "field: name, min: 2",
    "aggregate": "field: name, function: quantile, quantile: 0.5, max: 9",
    "freshness": "field: name, max_age: 36h",
    "custom": "field: name, function: 'checks:good'",
}
FIELDS = {"aggregate": "ratio", "freshness": "at"}


def rules(body: str, section: str = "dq") -> list[Rule]:
    text = f"{section}:\n  rules:\n" + textwrap.indent(textwrap.dedent(body), "    ")
    policy, problems = compiled(text)
    assert [p for p in problems if p.severity == "error"] == []
    return list(policy.rules)


def test_every_kind_that_is_about_a_field_has_a_short_form() -> None:
    assert set(SHORT) == set(LONG) == set(KINDS) - set(ALONE)


@pytest.mark.parametrize("kind", [kind for kind in SHORT if kind != "custom"])
@pytest.mark.parametrize("section", ["dq", "contract"])
def test_the_short_form_means_what_the_long_form_means(kind: str, section: str) -> None:
    field = FIELDS.get(kind, "name")
    (short,) = rules(f"- {{field: {field}, rules: [{SHORT[kind]}]}}", section)
    long_form = LONG[kind].replace("field: name", f"field: {field}")
    (long,) = rules(f"- {{kind: {kind}, {long_form}}}", section)
    inside = long_form.removeprefix(f"field: {field}").removeprefix(", ")
    (moved,) = rules(f"- {{field: {field}, rules: [{{kind: {kind}, {inside}}}]}}", section)
    assert replace(short, source="") == replace(long, source="") == replace(moved, source="")


def test_what_a_group_says_holds_for_rules_that_do_not_say() -> None:
    found = rules(
        """
        - field: name
          where: paid
          severity: warn
          threshold: "1%"
          tags: [iata]
          description: airline codes
          rules:
            - not_null
            - {pattern: {pattern: "[A-Z]+", severity: error, threshold: 3, tags: own}}
            - {null_rate: "5%"}
        """
    )
    assert [(r.severity, r.threshold, r.tags, r.description) for r in found] == [
        ("warn", Threshold(share="0.01"), ("iata",), "airline codes"),
        ("error", Threshold(count=3), ("own",), "airline codes"),
        ("warn", Threshold(), ("iata",), "airline codes"),
    ]
    assert all(rule.where is not None for rule in found)


def test_places_are_those_of_the_rules_inside() -> None:
    found = rules("- field: name\n  rules:\n    - not_null\n    - {length: {min: 1}}\n")
    lines = [rule.source.split(":")[1:] for rule in found]
    assert [int(line) - int(lines[0][0]) for line, _ in lines] == [0, 1]
    assert [col for _, col in lines] == ["11", "11"]


def test_several_fields_are_judged_each_by_itself() -> None:
    found = rules("- {field: [id, n], rules: [unique, {range: {min: 1, id: above}}, 'id > n']}")
    assert [rule.id for rule in found] == [
        "unique:id", "above:id", "id_gt_n", "unique:n", "above:n",
    ]  # fmt: skip


def test_two_groups_and_two_severities_on_one_field_all_count() -> None:
    found = rules(
        """
        - {field: name, rules: [{length: {max: 9, severity: warn}}, {length: {max: 9}}]}
        - {field: name, rules: [not_null]}
        """
    )
    assert len({rule.id for rule in found}) == 3
    assert [rule.severity for rule in found] == ["warn", "error", "error"]
