"""Types that compile left open are met at the run."""

from __future__ import annotations

import pytest

from sfctl.model.binding import bind, columns_of, path_of, resolve
from sfctl.model.expr import Compare, Field, fields_of
from sfctl.model.policy import RowCheck
from sfctl.model.schema import Column, Schema
from sfctl.model.types import parse
from tests.unit.model.building_policies import policy_of

BUNDLE = """
contract_lite:
  required_fields: [id]
  invariants: ["amount >= '2.50'", "shipped_at >= '2024-01-01'"]
dq:
  rules:
    - {kind: unique, fields: [id, day]}
    - {kind: null_rate, field: amount, max: 0.1}
    - {kind: range, field: amount, min: 0, where: "day IS NOT NULL"}
    - {kind: foreign_key, field: id, references: {dataset: "ds://ref/x", field: id}}
"""


def schema(**types: str) -> Schema:
    return Schema(tuple(Column(name, parse(kind)) for name, kind in types.items()))


FULL = schema(id="INT64", amount="DECIMAL(8,2)", shipped_at="DATE", day="DATE")


def test_open_columns_take_the_actual_type_and_literals_with_them() -> None:
    policy = bind(policy_of(BUNDLE), FULL)
    check = policy.rules[1].check
    assert isinstance(check, RowCheck)
    assert isinstance(check.expr, Compare)
    assert check.expr.left == Field(("amount",), parse("DECIMAL(8,2)"))
    assert check.expr.right.type == parse("DECIMAL(3,2)")  # type: ignore[union-attr]
    assert policy.rules[5].where is not None
    assert resolve(policy_of(BUNDLE), FULL).missing == {}


def test_what_does_not_fit_is_told_and_left_as_it_was() -> None:
    policy = policy_of(BUNDLE)
    found = resolve(policy, schema(id="INT64", amount="BOOLEAN", shipped_at="TIMESTAMP"))
    assert found.missing == {
        "unique:id,day": "day",
        "range:amount": "day",
    }
    assert set(found.mistyped) == {"amount_ge_2.50", "shipped_at_ge_2024_01_01"}
    assert found.policy.rules[1] == policy.rules[1]


def test_a_declared_type_stays_where_the_actual_one_is_of_another_family() -> None:
    bundle = """
    schema: {constraints: [{field: amount, type: DECIMAL}]}
    contract_lite: {invariants: ["amount > 0"]}
    """
    policy = policy_of(bundle)
    same = resolve(policy, schema(amount="DOUBLE")).policy.rules[0].check
    assert isinstance(same, RowCheck)
    assert same.expr.left.type == parse("DOUBLE")  # type: ignore[union-attr]
    other = resolve(policy, schema(amount="STRING"))
    assert other.mistyped == {}
    check = other.policy.rules[0].check
    assert isinstance(check, RowCheck)
    assert check.expr.left.type == parse("DECIMAL")  # type: ignore[union-attr]


def test_columns_of_every_kind_of_check() -> None:
    found = [columns_of(rule) for rule in policy_of(BUNDLE).rules]
    assert found == [
        ("id",), ("amount",), ("shipped_at",), ("id", "day"), ("amount",), ("amount", "day"),
        ("id",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "known", "path"),
    [
        ("a", ["a"], ("a",)),
        ("a.b", ["a"], ("a", "b")),
        ("a.b", ["a", "a.b"], ("a.b",)),
        ("a.b.c", ["a", "a.b"], ("a.b", "c")),
        ("a.b.c", [], ("a", "b", "c")),
        (".a", ["a"], (".a",)),
    ],
)
def test_what_a_dot_in_a_name_means(name: str, known: list[str], path: tuple[str, ...]) -> None:
    assert path_of(name, known) == path


def test_a_name_with_two_meanings_is_not_guessed() -> None:
    policy = policy_of(
        "dq: {rules: [{kind: unique, field: a.b}, {kind: not_null, field: a.b}, "
        "{kind: unique, field: a.c}]}"
    )
    both = schema(a="STRUCT<b:INT8,c:INT8>", **{"a.b": "INT64"})
    wrong = "`a.b` is a column and a field inside another column as well"
    assert wrong in resolve(policy, both).mistyped["unique:a.b"]
    assert wrong in resolve(policy, both).mistyped["not_null:a.b"]
    assert "unique:a.c" not in resolve(policy, both).mistyped
    declared = policy_of(
        "schema: {constraints: [{field: a.b}]}\ndq: {rules: [{kind: unique, field: a.b}]}"
    )
    assert resolve(declared, both).mistyped == {}


def test_structs_are_read_by_path() -> None:
    policy = policy_of('contract_lite: {invariants: ["a.b > 1", "a.c = 1", "\\"x.y\\" = 1"]}')
    found = resolve(policy, schema(a="STRUCT<b:INT8>", **{"x.y": "INT64"}))
    assert list(found.mistyped.values()) == ["unknown column 'a.c'"]
    check = found.policy.rules[2].check
    assert isinstance(check, RowCheck)
    assert fields_of(check.expr) == ("x.y",)
