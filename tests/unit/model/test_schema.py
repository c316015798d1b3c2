"""Fingerprints tell schemas apart, and drift is named for what it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfctl.model.schema import Column, Schema, from_json
from sfctl.model.schema_drift import compare
from sfctl.model.types import parse

COLUMNS = st.lists(
    st.builds(
        Column,
        st.from_regex(r"[a-z]{1,4}", fullmatch=True),
        st.sampled_from(["INT32", "INT64", "STRING", "DECIMAL(9,2)"]).map(parse),
        st.sampled_from([True, False, None]),
    ),
    max_size=6,
    unique_by=lambda c: c.name,
).map(lambda columns: Schema(tuple(columns)))


def schema(*columns: tuple[str, str] | tuple[str, str, bool]) -> Schema:
    return Schema(tuple(Column(c[0], parse(c[1]), *c[2:]) for c in columns))


@given(COLUMNS)
def test_a_schema_equals_itself_and_survives_json(one: Schema) -> None:
    assert compare(one, one) == ()
    assert from_json(one.as_json()) == one
    assert one.fingerprint().startswith("sha256:")


@given(COLUMNS, COLUMNS)
def test_fingerprints_differ_exactly_where_schemas_do(a: Schema, b: Schema) -> None:
    filled = Schema(())
    same = a.with_nullability_of(filled) == b.with_nullability_of(filled)
    assert (a.fingerprint() == b.fingerprint()) is same


@given(COLUMNS)
def test_shape_ignores_order_and_nullability(one: Schema) -> None:
    turned = Schema(tuple(Column(c.name, c.type, True) for c in reversed(one.columns)))
    assert one.shape() == turned.shape()


def kinds(a: Schema, b: Schema) -> list[tuple[str, str]]:
    return [(d.kind, d.field) for d in compare(a, b)]


def test_each_kind_of_drift() -> None:
    base = schema(("id", "INT64", False), ("total", "DECIMAL(9,2)"), ("note", "STRING"))
    assert kinds(base, schema(("id", "INT64", False), ("total", "DECIMAL(9,2)"))) == [
        ("removed", "note")
    ]
    assert kinds(base, Schema((*base.columns, Column("x", parse("INT8"), True)))) == [
        ("added", "x")
    ]
    assert kinds(
        base, schema(("id", "INT64", False), ("total", "DECIMAL(12,2)"), ("note", "STRING"))
    ) == [("widened", "total")]
    assert kinds(base, schema(("id", "INT64", False), ("total", "STRING"), ("note", "STRING"))) == [
        ("changed", "total")
    ]
    assert kinds(
        base, schema(("id", "INT64", True), ("total", "DECIMAL(9,2)"), ("note", "STRING"))
    ) == [("nullability_loosened", "id")]
    assert kinds(
        base, schema(("total", "DECIMAL(9,2)"), ("id", "INT64", False), ("note", "STRING"))
    ) == [("reordered", "id")]
    assert kinds(
        base, schema(("id", "INT64", False), ("total", "DECIMAL(9,2)"), ("remark", "STRING"))
    ) == [("removed", "note"), ("renamed", "note"), ("added", "remark")]


def test_compatibility_and_signatures() -> None:
    base = schema(("id", "INT32", False), ("total", "DECIMAL"))
    found = compare(base, schema(("id", "INT64", False), ("total", "STRING"), ("x", "INT8", False)))
    assert [(d.kind, d.compatible) for d in found] == [
        ("widened", True),
        ("changed", False),
        ("added", False),
    ]
    assert found[1].signature == "SCHEMA_BREAK:total:DECIMAL→STRING"
    assert found[2].signature == "SCHEMA_BREAK:x:ABSENT→INT8"
    optional = compare(base, Schema((*base.columns, Column("y", parse("INT8"), True))))
    assert [d.compatible for d in optional] == [True]


def test_unknown_nullability_is_filled_from_what_is_declared() -> None:
    actual = schema(("id", "INT64"), ("x", "STRING"))
    filled = actual.with_nullability_of(schema(("id", "INT64", False)))
    assert [c.nullable for c in filled.columns] == [False, True]
    assert "id" in filled
    assert filled.get("nope") is None


WIDE = schema(
    ("id", "INT64", False),
    ("total", "DECIMAL(9,2)", True),
    ("items", "ARRAY<STRUCT<a:INT32 NOT NULL,b:MAP<STRING,DATE NULL> NULL> NULL>", True),
)
ONE_CHANGE = {
    "name": schema(("id2", "INT64", False), *[("total", "DECIMAL(9,2)", True)]).columns,
    "type": (Column("id", parse("INT32"), False), *WIDE.columns[1:]),
    "nullability": (Column("id", parse("INT64"), True), *WIDE.columns[1:]),
    "scale": (WIDE.columns[0], Column("total", parse("DECIMAL(9,3)"), True), WIDE.columns[2]),
    "order": WIDE.columns[::-1],
    "one less": WIDE.columns[:2],
    "one more": (*WIDE.columns, Column("x", parse("NULL"), True)),
    "case": (Column("ID", parse("INT64"), False), *WIDE.columns[1:]),
    **{
        change: (*WIDE.columns[:2], Column("items", parse(kind), True))
        for change, kind in {
            "inner name": "ARRAY<STRUCT<A:INT32 NOT NULL,b:MAP<STRING,DATE NULL> NULL> NULL>",
            "inner type": "ARRAY<STRUCT<a:INT64 NOT NULL,b:MAP<STRING,DATE NULL> NULL> NULL>",
            "inner null": "ARRAY<STRUCT<a:INT32 NULL,b:MAP<STRING,DATE NULL> NULL> NULL>",
            "key": "ARRAY<STRUCT<a:INT32 NOT NULL,b:MAP<INT64,DATE NULL> NULL> NULL>",
            "value null": "ARRAY<STRUCT<a:INT32 NOT NULL,b:MAP<STRING,DATE NOT NULL> NULL> NULL>",
            "element null": "ARRAY<STRUCT<a:INT32 NOT NULL,b:MAP<STRING,DATE NULL> NULL> NOT NULL>",
            "inner order": "ARRAY<STRUCT<b:MAP<STRING,DATE NULL> NULL,a:INT32 NOT NULL> NULL>",
        }.items()
    },
}


def test_every_single_change_has_a_fingerprint_of_its_own() -> None:
    marks = {Schema(columns).fingerprint() for columns in ONE_CHANGE.values()}
    assert len(marks | {WIDE.fingerprint()}) == len(ONE_CHANGE) + 1
    assert all(compare(WIDE, Schema(columns)) for columns in ONE_CHANGE.values())


def test_what_may_be_null_and_what_nobody_knows_of_have_one_fingerprint() -> None:
    unknown = schema(
        ("id", "INT64", False),
        ("total", "DECIMAL(9,2)"),
        ("items", "ARRAY<STRUCT<a:INT32 NOT NULL,b:MAP<STRING,DATE>>>"),
    )
    assert unknown.fingerprint() == WIDE.fingerprint()
    assert compare(WIDE, unknown) == ()


def test_what_an_engine_cannot_know_inside_is_taken_from_what_is_declared() -> None:
    seen = schema(
        ("id", "INT64"),
        ("total", "DECIMAL(9,2)"),
        ("items", "ARRAY<STRUCT<b:ARRAY<STRUCT<key:STRING,value:DATE>>,a:INT32,new:INT8>>"),
    )
    filled = seen.with_nullability_of(WIDE)
    inside = "ARRAY<STRUCT<b:MAP<STRING,DATE NULL> NULL,a:INT32 NOT NULL,new:INT8> NULL>"
    assert str(filled.columns[2].type) == inside
    text = schema(("j", "STRING")).with_nullability_of(schema(("j", "JSON", False)))
    assert text == schema(("j", "JSON", False))


def test_a_column_of_nothing_but_null_has_the_type_it_should_have() -> None:
    wanted = schema(("a", "INT64", False), ("b", "STRUCT<x:DATE NOT NULL,y:STRING>", True))
    seen = schema(("a", "NULL"), ("b", "STRUCT<x:NULL,y:NULL>"), ("c", "NULL"))
    filled = seen.with_nullability_of(wanted)
    assert filled.columns[:2] == wanted.columns
    assert str(filled.columns[2].type) == "NULL"
    assert [d.kind for d in compare(wanted, filled)] == ["added"]
