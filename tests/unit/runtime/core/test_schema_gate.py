"""G3: every kind of drift under every mode: result, reason code, and what the evidence lists."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.model.policy import ColumnSpec, SchemaPolicy
from sfctl.model.schema import Column, Mode, Schema
from sfctl.model.types import parse
from sfctl.model.verdict import GateResult, Result
from sfctl.runtime.core import gates
from sfctl.runtime.core.schema_gate import schema_gate
from sfctl.runtime.core.standard import Standard

ANYTHING = gates.undeclared("G3_SCHEMA")


def of(*columns: str) -> Schema:
    """Columns as `name TYPE`, with NOT NULL or NULL behind."""
    found = []
    for text in columns:
        name, _, kind = text.partition(" ")
        nullable = False if kind.endswith(" NOT NULL") else True if kind.endswith(" NULL") else None
        bare = kind.removesuffix(" NULL").removesuffix(" NOT")
        found.append(Column(name, parse(bare), nullable))
    return Schema(tuple(found))


def specs(schema: Schema) -> tuple[ColumnSpec, ...]:
    return tuple(ColumnSpec(c.name, c.type, c.nullable) for c in schema.columns)


ITEMS = "items ARRAY<STRUCT<sku:STRING NOT NULL,price:DECIMAL(9,2) NULL>>"
BASE = ("id INT64 NOT NULL", "total DECIMAL(9,2) NULL", "note STRING NULL", ITEMS)


def base(**changed: str) -> tuple[str, ...]:
    """The base with columns replaced by name, `+` for one more, an empty text for one less."""
    kept = [changed.pop(text.partition(" ")[0], text) for text in BASE]
    return tuple(text for text in (*kept, *changed.values()) if text)


BREAK = ("FAIL", "FAIL", "PASS")
PASSES = ("FAIL", "WARN", "PASS")
CASES: list[tuple[str, tuple[str, ...], tuple[str, ...], list[str], list[tuple[Any, ...]]]] = [
    ("nothing", base(), ("PASS", "PASS", "PASS"), [], []),
    ("added, may be null", base(more="more DATE NULL"), PASSES,
     ["SCHEMA_BREAK:more:ABSENT→DATE"], [("added", "more", None, "DATE")]),
    ("added, nobody knows", base(more="more DATE"), PASSES,
     ["SCHEMA_BREAK:more:ABSENT→DATE"], [("added", "more", None, "DATE")]),
    ("added, never null", base(more="more DATE NOT NULL"), BREAK,
     ["SCHEMA_BREAK:more:ABSENT→DATE"], [("added", "more", None, "DATE")]),
    ("removed", base(note=""), BREAK,
     ["SCHEMA_BREAK:note:STRING→ABSENT"], [("removed", "note", "STRING", None)]),
    ("possible rename", base(note="notes STRING NULL"), BREAK,
     ["SCHEMA_BREAK:note:STRING→ABSENT", "SCHEMA_BREAK:note:note→notes",
      "SCHEMA_BREAK:notes:ABSENT→STRING"],
     [("removed", "note", "STRING", None), ("possible_rename", "note", "note", "notes"),
      ("added", "notes", None, "STRING")]),
    ("widened", base(total="total DECIMAL(12,2) NULL"), PASSES,
     ["SCHEMA_BREAK:total:DECIMAL(9,2)→DECIMAL(12,2)"],
     [("widened", "total", "DECIMAL(9,2)", "DECIMAL(12,2)")]),
    ("narrowed", base(id="id INT32 NOT NULL"), BREAK,
     ["SCHEMA_BREAK:id:INT64→INT32"], [("narrowed", "id", "INT64", "INT32")]),
    ("changed", base(total="total STRING NULL"), BREAK,
     ["SCHEMA_BREAK:total:DECIMAL(9,2)→STRING"],
     [("type_changed", "total", "DECIMAL(9,2)", "STRING")]),
    ("loosened", base(id="id INT64 NULL"), PASSES,
     ["SCHEMA_BREAK:id:NOT NULL→NULL"], [("nullability_loosened", "id", "NOT NULL", "NULL")]),
    ("tightened", base(note="note STRING NOT NULL"), BREAK,
     ["SCHEMA_BREAK:note:NULL→NOT NULL"], [("nullability_tightened", "note", "NULL", "NOT NULL")]),
    ("reordered", (BASE[1], BASE[0], *BASE[2:]), PASSES,
     ["SCHEMA_BREAK:id:0→1"], [("reordered", "id", "0", "1")]),
    ("added inside", base(items=ITEMS.replace(",price", ",tax:DOUBLE NULL,price")), PASSES,
     ["SCHEMA_BREAK:items.element.tax:ABSENT→DOUBLE"],
     [("added", "items.element.tax", None, "DOUBLE")]),
    ("added inside, never null", base(items=ITEMS.replace(",price", ",tax:DOUBLE NOT NULL,price")),
     BREAK, ["SCHEMA_BREAK:items.element.tax:ABSENT→DOUBLE"],
     [("added", "items.element.tax", None, "DOUBLE")]),
    ("removed inside", base(items=ITEMS.replace(",price:DECIMAL(9,2) NULL", "")), BREAK,
     ["SCHEMA_BREAK:items.element.price:DECIMAL(9,2)→ABSENT"],
     [("removed", "items.element.price", "DECIMAL(9,2)", None)]),
    ("renamed inside", base(items=ITEMS.replace("price:", "prices:")), BREAK,
     ["SCHEMA_BREAK:items.element.price:DECIMAL(9,2)→ABSENT",
      "SCHEMA_BREAK:items.element.price:price→prices",
      "SCHEMA_BREAK:items.element.prices:ABSENT→DECIMAL(9,2)"],
     [("removed", "items.element.price", "DECIMAL(9,2)", None),
      ("possible_rename", "items.element.price", "price", "prices"),
      ("added", "items.element.prices", None, "DECIMAL(9,2)")]),
    ("widened inside", base(items=ITEMS.replace("(9,2)", "(10,3)")), PASSES,
     ["SCHEMA_BREAK:items.element.price:DECIMAL(9,2)→DECIMAL(10,3)"],
     [("widened", "items.element.price", "DECIMAL(9,2)", "DECIMAL(10,3)")]),
    ("narrowed inside", base(items=ITEMS.replace("(9,2)", "(8,2)")), BREAK,
     ["SCHEMA_BREAK:items.element.price:DECIMAL(9,2)→DECIMAL(8,2)"],
     [("narrowed", "items.element.price", "DECIMAL(9,2)", "DECIMAL(8,2)")]),
    ("changed inside", base(items=ITEMS.replace("sku:STRING", "sku:INT64")), BREAK,
     ["SCHEMA_BREAK:items.element.sku:STRING→INT64"],
     [("type_changed", "items.element.sku", "STRING", "INT64")]),
    ("loosened inside", base(items=ITEMS.replace("NOT NULL", "NULL")), PASSES,
     ["SCHEMA_BREAK:items.element.sku:NOT NULL→NULL"],
     [("nullability_loosened", "items.element.sku", "NOT NULL", "NULL")]),
    ("tightened inside", base(items=ITEMS.replace("2) NULL", "2) NOT NULL")), BREAK,
     ["SCHEMA_BREAK:items.element.price:NULL→NOT NULL"],
     [("nullability_tightened", "items.element.price", "NULL", "NOT NULL")]),
    ("reordered inside",
     base(items="items ARRAY<STRUCT<price:DECIMAL(9,2) NULL,sku:STRING NOT NULL>>"), PASSES,
     ["SCHEMA_BREAK:items.element.sku:0→1"], [("reordered", "items.element.sku", "0", "1")]),
]  # fmt: skip
MODES: tuple[Mode, ...] = ("strict", "compatible", "breaking")


@pytest.mark.parametrize("against", ["baseline", "registered version 3"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_each_kind_under_each_mode(case: Any, mode: Mode, against: str) -> None:
    _, now, results, codes, listed = case
    expected = of(*BASE)
    policy = SchemaPolicy(mode, baseline=specs(expected) if against == "baseline" else None)
    standard = Standard() if against == "baseline" else Standard(expected, against)
    gate, drift = schema_gate(ANYTHING, policy, of(*now), standard)
    assert gate.result == results[MODES.index(mode)]
    assert list(gate.reason_codes) == codes
    assert gate.signatures == dict.fromkeys(codes, 1)
    assert [tuple(each.values()) for each in gate.details["changes"]] == listed  # type: ignore[attr-defined]
    assert gate.details["compared_with"] == against
    assert list(drift) == codes


@pytest.mark.parametrize(
    ("mode", "now", "result"),
    [
        ("strict", "id INT64", "PASS"),
        ("strict", "id INT32", "FAIL"),
        ("compatible", "id INT32", "PASS"),
        ("compatible", "id STRING", "FAIL"),
        ("breaking", "id STRING", "PASS"),
    ],
)
def test_declared_columns_are_compared_where_nothing_else_is_known_and_that_is_said(
    mode: Mode, now: str, result: Result
) -> None:
    policy = SchemaPolicy(mode, columns=specs(of("id INT64")))
    gate, _ = schema_gate(ANYTHING, policy, of(now, "more STRING"), Standard())
    assert gate.result == result
    assert gate.details["compared_with"] == "declared columns"


def test_the_registered_schema_stands_before_the_compiled_one() -> None:
    policy = SchemaPolicy("strict", baseline=specs(of("id INT32")))
    gate, drift = schema_gate(ANYTHING, policy, of("id INT64"), Standard(of("id INT64"), "v2"))
    assert (gate.result, drift) == ("PASS", ())


DECLARED = SchemaPolicy("strict", columns=specs(of("id INT64")))


def migrated(standard: Standard, now: str = "id INT64") -> GateResult:
    return schema_gate(ANYTHING, DECLARED, of(now), standard)[0]


def test_the_same_shape_in_another_format_is_a_migration_and_no_break() -> None:
    shape = of("id INT64").shape()
    moved = migrated(Standard(formats=("parquet", "delta"), shape=shape))
    assert (moved.result, moved.reason_codes, moved.signatures) == (
        "PASS", ("REGISTRY_MIGRATION",), {},
    )  # fmt: skip
    assert moved.details["migration"] == {"from": "parquet", "to": "delta"}
    for formats in (("delta", "delta"), ("", "delta"), ("parquet", "")):
        assert migrated(Standard(formats=formats, shape=shape)).reason_codes == ()
    other = migrated(Standard(formats=("parquet", "delta"), shape=shape), "id STRING")
    assert "REGISTRY_MIGRATION" not in other.reason_codes
    assert other.result == "FAIL"


def test_a_registry_that_does_not_answer_warns_over_the_last_that_is_known() -> None:
    last = of("id INT64")
    gate = migrated(Standard(last, "registered version 1", stale="SF520 down", as_of="12:00"))
    assert (gate.result, gate.reason_codes) == ("WARN", ("REGISTRY_STALE",))
    assert gate.details["registry"] == {"reason": "SF520 down", "as_of": "12:00"}
    worse = migrated(Standard(last, "registered version 1", stale="down"), "id STRING")
    assert worse.result == "FAIL"
    assert set(worse.reason_codes) == {"TYPE_MISMATCH:id:INT64→STRING", "REGISTRY_STALE"}
    never = migrated(Standard(stale="TimeoutError"))
    assert (never.result, never.details["compared_with"]) == ("WARN", "declared columns")


def test_nothing_known_is_nothing_declared() -> None:
    gate, drift = schema_gate(ANYTHING, SchemaPolicy(), of("id INT64"), Standard(stale="down"))
    assert (gate.undeclared, drift) == (True, ())


def test_a_schema_that_is_all_different_stays_small_in_evidence() -> None:
    old = Schema(tuple(Column(f"old_{i}", parse("INT64")) for i in range(3_000)))
    new = Schema(tuple(Column(f"new_{i}", parse("STRING")) for i in range(3_000)))
    gate, drift = schema_gate(ANYTHING, SchemaPolicy(baseline=specs(old)), new, Standard())
    assert (gate.result, len(drift)) == ("FAIL", gates.MOST_SIGNATURES)
    assert len(gate.reason_codes) == len(gate.signatures) == gates.MOST_SIGNATURES
    assert len(gate.details["changes"]) == 100  # type: ignore[arg-type]
    assert gate.details["changes_omitted"] == 5_900
