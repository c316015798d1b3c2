"""Types read from every habit of writing them, printed one way, compared by meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model.types import SCALARS, DataType, array_of, map_of, parse, struct_of

SCALAR = st.sampled_from(sorted(SCALARS)).map(DataType)
DECIMAL = st.integers(1, 38).flatmap(
    lambda p: st.integers(0, p).map(lambda s: DataType("DECIMAL", p, s))
)


NULLABLE = st.sampled_from([True, False, None])
NAME = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True) | st.text(min_size=1, max_size=4)


def _wrap(inner: st.SearchStrategy[DataType]) -> st.SearchStrategy[DataType]:
    return (
        st.builds(array_of, inner, NULLABLE)
        | st.builds(map_of, inner, inner, NULLABLE)
        | st.lists(
            st.tuples(NAME, inner, NULLABLE),
            min_size=1,
            max_size=4,
            unique_by=lambda field: field[0],
        ).map(struct_of)
    )


TYPE = st.recursive(SCALAR | DECIMAL, _wrap, max_leaves=6)


@given(TYPE)
def test_print_and_parse_are_inverse(kind: DataType) -> None:
    assert parse(str(kind)) == kind


@given(TYPE)
def test_nullability_inside_is_no_part_of_the_shape(kind: DataType) -> None:
    assert parse(kind.written("none")).shape() == kind.shape() == kind.shape().shape()
    assert kind.accepts(parse(kind.written("none")))
    assert " NULL" not in kind.written("required").replace(" NOT NULL", "") or "`" in str(kind)


@given(TYPE)
def test_every_type_accepts_and_widens_itself(kind: DataType) -> None:
    assert kind.accepts(kind)
    assert kind.widens(kind)


@given(TYPE, TYPE, TYPE)
def test_widening_is_transitive(a: DataType, b: DataType, c: DataType) -> None:
    bare = {"ANY", "DECIMAL", "ARRAY", "MAP", "STRUCT"}
    if {str(a), str(b), str(c)} & bare or "ANY" in f"{a}{b}{c}" or "NULL" in f"{a}{b}{c}":
        return
    if a.widens(b) and b.widens(c):
        assert a.widens(c)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("bigint", "INT64"),
        ("Integer", "INT32"),
        ("varchar(20)", "STRING"),
        ("decimal( 12 , 2 )", "DECIMAL(12,2)"),
        ("decimal(5)", "DECIMAL(5,0)"),
        ("DECIMAL", "DECIMAL"),
        ("list<int>", "ARRAY<INT32>"),
        ("struct<a: int, b: map<string, double>>", "STRUCT<a:INT32,b:MAP<STRING,DOUBLE>>"),
        ("datetime", "TIMESTAMP"),
        ("array<int not null>", "ARRAY<INT32 NOT NULL>"),
        ("map<string not null, int null>", "MAP<STRING,INT32 NULL>"),
        ("struct<`a b``c`: int, d.e: date not null>", "STRUCT<`a b``c`:INT32,d.e:DATE NOT NULL>"),
    ],
)
def test_synonyms(written: str, canonical: str) -> None:
    assert str(parse(written)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "MONEY", "DECIMAL(40,2)", "DECIMAL(3,4)", "DECIMAL(a)", "ARRAY<INT", "ARRAY<INT,INT>",
        "MAP<STRING>", "STRUCT<INT>", "STRUCT<a:INT,a:INT>", "INT INT", "INT;", "ARRAY<" * 40,
        "ARRAY<INT NOT>", "STRUCT<`a:INT>", "VARCHAR(x)", "VARCHAR(3",
        "DECIMAL(99999999999999999999)",
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("INT64", "INT32", True),
        ("INT32", "INT64", False),
        ("INT32", "UINT16", True),
        ("INT32", "UINT32", False),
        ("DOUBLE", "INT32", True),
        ("DOUBLE", "INT64", False),
        ("DECIMAL(20,2)", "DECIMAL(10,2)", True),
        ("DECIMAL(19,4)", "DECIMAL(18,2)", False),
        ("DECIMAL(21,2)", "INT64", True),
        ("DECIMAL(20,2)", "INT64", False),
        ("TIMESTAMP", "TIMESTAMP_NTZ", False),
        ("TIMESTAMP_NTZ", "DATE", True),
        ("STRING", "INT32", False),
        ("STRUCT<a:INT64,b:STRING>", "STRUCT<a:INT32>", True),
        ("STRUCT<a:INT64>", "STRUCT<a:INT64,b:STRING>", False),
        ("ARRAY<DOUBLE>", "ARRAY<FLOAT>", True),
    ],
)
def test_widening(wide: str, narrow: str, expected: bool) -> None:
    assert parse(wide).widens(parse(narrow)) is expected


def test_bare_types_match_any_of_their_kind() -> None:
    assert parse("DECIMAL").accepts(parse("DECIMAL(12,2)"))
    assert not parse("DECIMAL(12,2)").accepts(parse("DECIMAL"))
    assert parse("ARRAY").accepts(parse("ARRAY<INT32>"))
    assert parse("STRUCT<a:DECIMAL>").accepts(parse("STRUCT<a:DECIMAL(3,1)>"))
    assert not parse("STRUCT<a:INT32>").accepts(parse("STRUCT<b:INT32>"))
    assert parse("ANY").accepts(parse("MAP<STRING,INT8>"))


def test_families() -> None:
    assert parse("UINT8").is_integer
    assert parse("DECIMAL(3,1)").is_exact
    assert not parse("FLOAT").is_exact
    assert parse("HALF").is_numeric
    assert parse("DATE").is_temporal
