"""What each part of a contract becomes, and what is said of the parts that become nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sfctl.odcs.account import Account
from sfctl.odcs.checks import judged, whole
from sfctl.odcs.facts import CONSTRAINTS, DETECTION, REQUIRED, RULES
from sfctl.odcs.limits import Limits, limits
from sfctl.odcs.table import Table, take_table
from sfctl.odcs.types import column_type, physical

D = Decimal


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"mustBe": 0}, Limits(D(0), D(0))),
        ({"mustBeGreaterThan": 1}, Limits(low=D(1), low_excluded=True)),
        ({"mustBeGreaterOrEqualTo": 1.5}, Limits(low=D("1.5"))),
        ({"mustBeLessThan": 1}, Limits(high=D(1), high_excluded=True)),
        ({"mustBeLessOrEqualTo": 9}, Limits(high=D(9))),
        ({"mustBeBetween": [9, 2]}, Limits(D(2), D(9))),
        ({"mustBeGreaterThan": 1, "mustBeLessThan": 3}, Limits(D(1), D(3), True, True)),
        ({"mustNotBe": 1}, "no rule says that a number must differ"),
        ({"mustNotBeBetween": [1, 2]}, "no rule says that a number must differ"),
        ({"mustBe": "x"}, "it is not compared with a number"),
        ({"mustBe": True}, "it is not compared with a number"),
        ({"mustBe": float("nan")}, "it is not compared with a number"),
        ({}, "it does not say what must hold"),
    ],
)
def test_operators_are_intervals(said: dict[str, Any], expected: Limits | str) -> None:
    assert limits(said) == expected


@pytest.mark.parametrize(
    ("limit", "least", "most"),
    [
        (Limits(D(1), D(3), True, True), 2, 2),
        (Limits(D("1.5"), D("3.5")), 2, 3),
        (Limits(D(1), D(3)), 1, 3),
        (Limits(), None, None),
    ],
)
def test_whole_numbers_inside_an_interval(limit: Limits, least: int, most: int) -> None:
    assert (limit.least(), limit.most()) == (least, most)


ON = {"field": "c"}
CHECKS: list[tuple[dict[str, Any], list[dict[str, Any]] | str, str]] = [
    ({"metric": "nullValues", "mustBe": 0}, [{"kind": "not_null", **ON}], ""),
    ({"rule": "nullCheck", "mustBe": 0}, [{"kind": "not_null", **ON}], ""),
    (
        {"metric": "nullValues", "mustBeLessThan": 10},
        [{"kind": "not_null", **ON, "threshold": 9}],
        "",
    ),
    (
        {"metric": "nullValues", "mustBeLessOrEqualTo": 2.5, "unit": "percent"},
        [{"kind": "null_rate", **ON, "max": "2.5%"}],
        "",
    ),
    (
        {"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent"},
        [{"kind": "null_rate", **ON, "max": "1%"}],
        "exactly 1 % passes here, and fails in the contract",
    ),
    (
        {"metric": "nullValues", "mustBeBetween": [1, 5], "unit": "percent"},
        [{"kind": "null_rate", **ON, "min": "1%", "max": "5%"}],
        "",
    ),
    (
        {"metric": "nullValues", "mustBeGreaterThan": 3},
        "it demands that rows are found, not that they are few",
        "",
    ),
    ({"metric": "nullValues", "mustBeLessThan": 0}, "no number of rows can satisfy it", ""),
    (
        {"metric": "missingValues", "arguments": {"missingValues": [None]}, "mustBe": 0},
        [{"kind": "not_null", **ON}],
        "",
    ),
    (
        {"metric": "missingValues", "arguments": {"missingValues": ["", "n/a"]}, "mustBe": 0},
        [{"kind": "not_accepted_values", **ON, "values": ["", "n/a"]}],
        "",
    ),
    (
        {
            "metric": "missingValues",
            "arguments": {"missingValues": [None, "it's", 5]},
            "mustBeLessThan": 3,
        },
        [
            {
                "kind": "expression",
                "expression": "\"c\" IS NOT NULL AND \"c\" NOT IN ('it''s', 5)",
                "threshold": 2,
            }
        ],
        "",
    ),
    ({"metric": "missingValues", "mustBe": 0}, "it does not say which values count as missing", ""),
    (
        {"metric": "invalidValues", "arguments": {"validValues": ["a", None]}, "mustBe": 0},
        [{"kind": "accepted_values", **ON, "values": ["a"]}],
        "",
    ),
    (
        {"rule": "validValues", "validValues": ["a"], "mustBeLessThan": 5, "unit": "rows"},
        [{"kind": "accepted_values", **ON, "values": ["a"], "threshold": 4}],
        "",
    ),
    (
        {"metric": "invalidValues", "arguments": {"pattern": "^[a-z]+$"}, "mustBe": 0},
        [{"kind": "pattern", **ON, "pattern": "^[a-z]+$"}],
        "",
    ),
    (
        {"metric": "invalidValues", "arguments": {"pattern": "[0-9]"}, "mustBe": 0},
        [{"kind": "pattern", **ON, "pattern": r"(?:.|\n)*(?:[0-9])(?:.|\n)*"}],
        "",
    ),
    (
        {"metric": "invalidValues", "arguments": {"pattern": "^a|b$"}, "mustBe": 0},
        "`^` and `$` of its pattern bind to single alternatives",
        "",
    ),
    (
        {
            "metric": "invalidValues",
            "arguments": {"pattern": "a", "validValues": ["a"]},
            "mustBeLessThan": 9,
        },
        "values and pattern share one tolerance",
        "",
    ),
    ({"metric": "invalidValues", "mustBe": 0}, "it does not say which values are valid", ""),
    (
        {"metric": "invalidValues", "arguments": {"validValues": [[1]]}, "mustBe": 0},
        "its list of values is empty, or holds more than plain values",
        "",
    ),
    (
        {"metric": "duplicateValues", "mustBe": 0},
        [{"kind": "unique", **ON, "nulls": "distinct"}],
        "",
    ),
    (
        {"metric": "duplicateValues", "mustBeLessThan": 10},
        [{"kind": "unique", **ON, "nulls": "distinct", "threshold": 9}],
        "every copy counts here, the first too",
    ),
    (
        {"metric": "duplicateValues", "mustBeLessOrEqualTo": 100, "unit": "percent"},
        "every share of rows satisfies it",
        "",
    ),
    ({"metric": "rowCount", "mustBe": 1}, "it counts the rows of a column", ""),
    ({"type": "text", "description": "x"}, "text, for people", ""),
    (
        {"type": "sql", "query": "SELECT 1", "mustBe": 1},
        "SQL of the server's dialect is not run",
        "",
    ),
    (
        {"type": "custom", "engine": "soda", "implementation": "x"},
        "a check of another tool (soda)",
        "",
    ),
    ({"rule": "countCheck", "mustBe": 1}, "no rule measures countCheck", ""),
    ({"description": "nothing"}, "it names no metric", ""),
    (
        {
            "metric": "nullValues",
            "mustBe": 0,
            "name": "n",
            "severity": "Warning",
            "tags": ["t"],
            "id": "x-1",
        },
        [
            {
                "kind": "not_null",
                **ON,
                "description": "n",
                "severity": "warn",
                "tags": ["t"],
                "id": "x-1",
            }
        ],
        "",
    ),
]


@pytest.mark.parametrize(("check", "expected", "note"), CHECKS)
def test_checks_of_a_column(
    check: dict[str, Any], expected: list[dict[str, Any]] | str, note: str
) -> None:
    found = judged(check, "c", {})
    if isinstance(expected, str):
        assert (found.rules, found.reason) == ((), expected)
    else:
        assert list(found.rules) == [("contract.rules", rule) for rule in expected]
        assert found.note == note


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ({"metric": "rowCount", "mustBe": 7}, {"kind": "row_count", "min": 7, "max": 7}),
        ({"metric": "rowCount", "mustBeGreaterThan": 0}, {"kind": "row_count", "min": 1}),
        ({"metric": "rowCount", "mustBeLessThan": 9.5}, {"kind": "row_count", "max": 9}),
        ({"rule": "rowCount", "mustBeBetween": [1, 2]}, {"kind": "row_count", "min": 1, "max": 2}),
        ({"metric": "rowCount", "mustBeGreaterOrEqualTo": 0}, "every number of rows satisfies it"),
        ({"metric": "rowCount", "mustBeLessThan": 0}, "no number of rows satisfies it"),
        (
            {"metric": "rowCount", "mustBe": 5, "unit": "percent"},
            "a share of which rows is not said",
        ),
        (
            {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["x", "b"]}},
            {"kind": "unique", "fields": ["a", "b"], "nulls": "distinct"},
        ),
        ({"metric": "duplicateValues", "mustBe": 0}, "it names no columns"),
        ({"metric": "nullValues", "mustBe": 0}, "it names no column"),
        (
            {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "a"}},
            "it names no column",
        ),
    ],
)
def test_checks_of_a_table(check: dict[str, Any], expected: dict[str, Any] | str) -> None:
    found = judged(check, "", {"x": "a"})
    if isinstance(expected, str):
        assert (found.rules, found.reason) == ((), expected)
    else:
        assert [rule for _, rule in found.rules] == [expected]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("varchar(18)", "STRING"),
        ("character varying(9)", "STRING"),
        ("uuid", "STRING"),
        ("decimal(12,2)", "DECIMAL(12,2)"),
        ("number(10)", "DECIMAL(10,0)"),
        ("numeric", "DECIMAL"),
        ("bigint", "INT64"),
        ("int4", "INT32"),
        ("smallint", "INT16"),
        ("boolean", "BOOLEAN"),
        ("double precision", "DOUBLE"),
        ("float8", "DOUBLE"),
        ("real", "FLOAT"),
        ("timestamp(6) with time zone", "TIMESTAMP"),
        ("timestamp without time zone", "TIMESTAMP_NTZ"),
        ("timestamp_ntz", "TIMESTAMP_NTZ"),
        ("array<string>", "ARRAY<STRING>"),
        ("jsonb", "JSON"),
        ("varbinary(max)", "BINARY"),
        ("INT8", "INT8"),
        ("geography", None),
        ("decimal(99,2)", None),
    ],
)
def test_physical_types(text: str, kind: str | None) -> None:
    found = physical(text)
    assert (None if found is None else str(found)) == kind


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ({"logicalType": "string"}, "STRING"),
        ({"logicalType": "integer"}, "INT64"),
        ({"logicalType": "integer", "logicalTypeOptions": {"format": "u8"}}, "UINT8"),
        ({"logicalType": "integer", "logicalTypeOptions": {"format": "i128"}}, None),
        ({"logicalType": "number"}, None),
        ({"logicalType": "number", "logicalTypeOptions": {"format": "f32"}}, "FLOAT"),
        ({"logicalType": "date", "physicalType": "timestamp_ntz"}, "TIMESTAMP_NTZ"),
        ({"logicalType": "timestamp"}, None),
        ({"logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}}, "TIMESTAMP"),
        ({"logicalType": "array", "items": {"logicalType": "date"}}, "ARRAY<DATE>"),
        ({"logicalType": "array"}, "ARRAY"),
        (
            {"logicalType": "object", "properties": [{"name": "x", "logicalType": "number"}]},
            "STRUCT",
        ),
        ({"logicalType": "boolean", "physicalType": "geography"}, "BOOLEAN"),
        ({}, None),
    ],
)
def test_types_of_columns(column: dict[str, Any], kind: str | None) -> None:
    found = column_type(column)
    assert (None if isinstance(found, str) else str(found)) == kind


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^a$", "^a$"),
        ("^(a|b)$", "^(a|b)$"),
        ("^[a|b]$", "^[a|b]$"),
        ("^a|b$", None),
        (r"^a\|b$", r"^a\|b$"),
        ("^a", r"(?:a)(?:.|\n)*"),
        (r"a\$", r"(?:.|\n)*(?:a\$)(?:.|\n)*"),
        ("a|b", r"(?:.|\n)*(?:a|b)(?:.|\n)*"),
        ("^a|b", None),
    ],
)
def test_patterns_that_are_looked_for_become_patterns_of_whole_values(
    pattern: str, expected: str | None
) -> None:
    assert whole(pattern) == expected


def table_of(*columns: dict[str, Any], **more: Any) -> tuple[Table, dict[str, str]]:
    head = {"apiVersion": "v3.1.0", "id": "i", "version": "1"}
    document = {**head, "schema": [{"name": "t", "properties": [*columns]}], **more}
    account = Account(document)
    table = take_table(document, 0, account)
    return table, {left.path: left.reason for left in account.left()}


def entries(table: Table, of: tuple[str, ...]) -> list[Any]:
    return [value for key, value in table.facts.items() if key[:-1] == of]


def test_a_primary_key_is_required_and_unique_in_its_order() -> None:
    two = {"name": "b", "primaryKey": True, "primaryKeyPosition": 2}
    one = {"name": "x", "physicalName": "a", "primaryKey": True, "primaryKeyPosition": 1}
    table, _ = table_of(two, one, {"name": "c", "primaryKey": False, "primaryKeyPosition": -1})
    assert table.facts["dataset", "primary_key"] == ["a", "b"]
    assert entries(table, REQUIRED) == ["a", "b"]
    assert entries(table, RULES) == [{"kind": "unique", "fields": ["a", "b"]}]


def test_nested_fields_are_judged_where_their_parent_is() -> None:
    city = {"name": "city", "logicalType": "string", "required": True}
    table, _ = table_of({"name": "a", "logicalType": "object", "properties": [city]})
    assert entries(table, RULES) == [
        {"kind": "not_null", "field": "a.city", "where": "a IS NOT NULL"}
    ]
    must = {"name": "a", "logicalType": "object", "required": True, "properties": [city]}
    assert entries(table_of(must)[0], RULES) == [{"kind": "not_null", "field": "a.city"}]
    odd = {"name": "a", "logicalType": "object", "properties": [{**city, "name": "the city"}]}
    table, left = table_of(odd)
    assert entries(table, RULES) == []
    assert "step into a struct" in left["schema[0].properties[0].properties[0]"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"minimum": 1, "maximum": 9}, {"min": 1, "max": 9}),
        ({"exclusiveMinimum": 1, "minimum": 3}, {"min": 3}),
        ({"exclusiveMinimum": 3, "minimum": 3}, {"exclusive_min": 3}),
        (
            {"minimum": 3, "exclusiveMinimum": True, "maximum": 5, "exclusiveMaximum": False},
            {"exclusive_min": 3, "max": 5},
        ),
    ],
)
def test_bounds_of_both_versions(options: dict[str, Any], expected: dict[str, Any]) -> None:
    table, left = table_of({"name": "n", "logicalType": "integer", "logicalTypeOptions": options})
    assert entries(table, RULES) == [{"kind": "range", "field": "n", **expected}]
    assert left == {}


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("public", None),
        ("Internal", None),
        ("pii", "PII"),
        ("Top secret!", "TOP_SECRET"),
        ("5", "CLASS_5"),
    ],
)
def test_classified_columns_are_never_shown(said: str, word: str | None) -> None:
    table, left = table_of({"name": "c", "logicalType": "string", "classification": said})
    found = entries(table, DETECTION)
    assert [(each["name"], each["columns"]) for each in found] == ([(word, ["c"])] if word else [])
    assert left == {}
    _, left = table_of({"name": "c", "logicalType": "integer", "classification": "pii"})
    assert "looked for in text" in left["schema[0].properties[0].classification"]


@pytest.mark.parametrize(
    ("promise", "seconds"),
    [
        ({"property": "latency", "value": 4, "unit": "h"}, 14400),
        ({"property": "FRESHNESS", "value": 1.5, "unit": "days", "element": "t.at"}, 129600),
        ({"property": "ly", "value": 4, "unit": "y"}, None),
        ({"property": "latency", "value": "4", "unit": "h"}, None),
        ({"property": "latency", "value": 4, "unit": "h", "element": "other.at"}, None),
        ({"property": "retention", "value": 4, "unit": "h"}, None),
    ],
)
def test_latency_is_freshness(promise: dict[str, Any], seconds: int | None) -> None:
    table, left = table_of({"name": "at"}, slaProperties=[promise])
    found = table.facts.get(("dataset", "slo", "freshness"), {})
    assert found.get("max_delay_seconds") == seconds
    assert any(path.startswith("slaProperties") for path in left) is (seconds is None)
    if promise.get("element") == "t.at":
        assert found["partition_key"] == "at"


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("u.id", {"dataset": "u", "field": "key"}),
        ("schema/u_id/properties/id_id", {"dataset": "u", "field": "key"}),
        ("/schema/u/properties/id", {"dataset": "u", "field": "key"}),
        ("other.id", {"dataset": "other", "field": "id"}),
        (["u.id", "u.x"], None),
    ],
)
def test_references_are_found_by_name_and_by_id(to: Any, expected: dict[str, Any] | None) -> None:
    other = {
        "name": "u",
        "id": "u_id",
        "properties": [{"name": "id", "id": "id_id", "physicalName": "key"}],
    }
    here = {"name": "t", "properties": [{"name": "r", "relationships": [{"to": to}]}]}
    document = {"apiVersion": "v3.1.0", "id": "i", "version": "1", "schema": [here, other]}
    account = Account(document)
    table = take_table(document, 0, account)
    found = [rule["references"] for rule in entries(table, RULES)]
    assert found == ([expected] if expected else [])
    told = {left.path for left in account.left()}
    assert ("schema[0].properties[0].relationships[0]" in told) is (expected is None)


def test_a_column_is_known_by_its_physical_name() -> None:
    table, _ = table_of({"name": "customer", "physicalName": "cust_id", "required": True})
    assert entries(table, CONSTRAINTS) == [{"field": "cust_id"}]
    assert entries(table, REQUIRED) == ["cust_id"]
