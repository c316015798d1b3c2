"""Every difference has its kind, its path and its place in the three modes, nested ones too."""

from __future__ import annotations

import time

import pytest

from sfctl.model.renames import folded, renamed
from sfctl.model.schema import Column, Mode, Schema
from sfctl.model.schema_drift import breaks, compare
from sfctl.model.types import parse


def of(*columns: str) -> Schema:
    """Columns as `name TYPE`, `name TYPE NOT NULL` or `name TYPE NULL`."""
    found = []
    for text in columns:
        name, _, kind = text.partition(" ")
        nullable = False if kind.endswith(" NOT NULL") else True if kind.endswith(" NULL") else None
        found.append(Column(name, parse(kind.removesuffix(" NULL").removesuffix(" NOT")), nullable))
    return Schema(tuple(found))


ITEMS = "items ARRAY<STRUCT<id:INT32 NOT NULL,price:DECIMAL(9,2),tags:MAP<STRING,INT32>>>"
INSIDE = [
    (ITEMS.replace("id:INT32", "id:INT64"),
     [("widened", "items.element.id", "INT32", "INT64", True)]),
    (ITEMS.replace("DECIMAL(9,2)", "STRING"),
     [("changed", "items.element.price", "DECIMAL(9,2)", "STRING", False)]),
    (ITEMS.replace("STRING,INT32", "STRING,INT64"),
     [("widened", "items.element.tags.value", "INT32", "INT64", True)]),
    (ITEMS.replace("<STRING,INT32>", "<INT32,INT32>"),
     [("changed", "items.element.tags.key", "STRING", "INT32", False)]),
    (ITEMS.replace("INT32 NOT NULL", "INT32 NULL"),
     [("nullability_loosened", "items.element.id", "NOT NULL", "NULL", True)]),
    (ITEMS.replace(",price", ",note:STRING,price"),
     [("added", "items.element.note", "", "STRING?", True)]),
    (ITEMS.replace(",price", ",note:STRING NOT NULL,price"),
     [("added", "items.element.note", "", "STRING", False)]),
    (ITEMS.replace("price:DECIMAL(9,2),", ""),
     [("removed", "items.element.price", "DECIMAL(9,2)", "", False)]),
    (ITEMS.replace("price:", "amount:"),
     [("removed", "items.element.price", "DECIMAL(9,2)", "", False),
      ("renamed", "items.element.price", "price", "amount", False),
      ("added", "items.element.amount", "", "DECIMAL(9,2)?", True)]),
    (ITEMS.replace("id:INT32 NOT NULL,price:DECIMAL(9,2)", "price:DECIMAL(9,2),id:INT32 NOT NULL"),
     [("reordered", "items.element.id", "0", "1", True)]),
    ("items STRING", [
        ("changed", "items",
         "ARRAY<STRUCT<id:INT32,price:DECIMAL(9,2),tags:MAP<STRING,INT32>>>", "STRING", False)]),
]  # fmt: skip


@pytest.mark.parametrize(("now", "differences"), INSIDE)
def test_what_changes_inside_is_named_by_its_path(
    now: str, differences: list[tuple[str, str, str, str, bool]]
) -> None:
    found = compare(of("n INT64", ITEMS), of("n INT64", now))
    told = [(d.kind, d.field, d.before, d.after, d.compatible) for d in found]
    assert told == differences
    assert {d.column for d in found} == {"items"}


def test_tightened_inside_and_an_array_that_may_hold_null() -> None:
    found = compare(of("a ARRAY<INT32 NULL>"), of("a ARRAY<INT32 NOT NULL>"))
    assert [(d.kind, d.field) for d in found] == [("nullability_tightened", "a.element")]
    assert compare(of("a ARRAY<INT32>"), of("a ARRAY<INT32 NOT NULL>")) == ()


def test_order_inside_counts_only_where_order_does() -> None:
    one, other = of("a STRUCT<x:INT32,y:INT32>"), of("a STRUCT<y:INT32,x:INT32>")
    assert [d.field for d in compare(one, other)] == ["a.x"]
    assert compare(one, other, positions=False) == ()
    assert one.shape() == other.shape()
    assert one.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(
    ("mode", "stopped"),
    [("strict", ["w", "gone", "new"]), ("compatible", ["gone"]), ("breaking", [])],
)
def test_modes_stop_all_the_incompatible_or_nothing(mode: Mode, stopped: list[str]) -> None:
    found = compare(of("w INT32", "gone DATE"), of("w INT64", "new INT8"))
    assert [d.field for d in breaks(found, mode)] == stopped


def test_a_wide_type_is_named_by_its_kind() -> None:
    wide = "STRUCT<" + ",".join(f"field_{i}:INT64" for i in range(200)) + ">"
    (drift,) = compare(of(f"a {wide}"), of("a STRING"))
    assert drift.signature == "SCHEMA_BREAK:a:STRUCT<…>→STRING"


def test_ten_thousand_columns_are_compared_in_a_moment() -> None:
    old = Schema(tuple(Column(f"old_{i}", parse("INT64")) for i in range(10_000)))
    new = Schema(tuple(Column(f"new_{i}", parse("INT64")) for i in range(9_999, -1, -1)))
    started = time.perf_counter()
    assert len(compare(old, new)) == 30_000
    assert len(compare(old, Schema(old.columns[::-1]))) == 1
    assert time.perf_counter() - started < 5


def test_names_that_differ_only_in_case_or_composition_are_a_rename() -> None:
    one = of("Id INT64", "cafe\u0301 STRING", "x DATE", "y DATE")
    other = of("b DATE", "id INT64", "caf\u00e9 STRING", "q BINARY")
    assert renamed(one.columns, other.columns) == {"Id": "id", "cafe\u0301": "caf\u00e9"}
    assert folded("Stra\u00dfe") == folded("STRASSE")


def test_a_name_that_ends_in_a_question_mark_keeps_it() -> None:
    found = compare(of("sure STRING", "z INT8"), of("sure? STRING", "z INT8"))
    assert [d.signature for d in found] == [
        "SCHEMA_BREAK:sure:STRING→ABSENT",
        "SCHEMA_BREAK:sure:sure→sure?",
        "SCHEMA_BREAK:sure?:ABSENT→STRING",
    ]
