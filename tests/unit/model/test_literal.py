"""Written values are read exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model import literal
from sfctl.model.expr import Constant
from sfctl.model.families import as_type, common
from sfctl.model.types import DataType
from sfctl.model.types import parse as parse_type


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_every_digit(value: Decimal) -> None:
    found = literal.number(format(value, "f"))
    if found is not None and not found.type.is_float:
        assert found.number() == value


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("12", "INT64", "12"),
        ("012", "INT64", "12"),
        ("1e3", "INT64", "1000"),
        ("-0.50", "DECIMAL(2,2)", "-0.50"),
        ("9" * 19, "DECIMAL(19,0)", "9" * 19),
        ("1e300", "DOUBLE", "1e+300"),
    ],
)
def test_a_number_has_the_least_exact_type(text: str, kind: str, said: str) -> None:
    found = literal.number(text)
    assert found is not None
    assert (str(found.type), found.text) == (kind, said)


@pytest.mark.parametrize("text", ["", "1,5", "0x10", "9" * 39, "1e9999", "nan", "1_000", "٣"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert literal.number(text) is None


def test_instants_are_utc_and_need_their_zone() -> None:
    found = literal.instant("2024-01-15T10:00:00.5+02:00")
    assert found == Constant("2024-01-15T08:00:00.500000Z", DataType("TIMESTAMP"))
    naive = literal.instant("2024-01-15 10:00")
    assert naive == Constant("2024-01-15T10:00:00", DataType("TIMESTAMP_NTZ"))
    assert literal.temporal("2024-01-15T10:00", "TIMESTAMP") is None
    assert literal.temporal("0001-01-01T00:00+12:00", "TIMESTAMP") is None
    assert literal.temporal("25:00", "TIME") is None


def test_spans_are_exact_seconds() -> None:
    found = literal.span("1 day, 2 hours 3.5 seconds")
    assert found == Constant("93603.5", DataType("DURATION"))
    assert literal.value_of(Constant("0.000001", DataType("DURATION"))) == timedelta(microseconds=1)
    for text in ("", "1 month", "1", "0.0000001 seconds", "999999999 weeks"):
        assert literal.span(text) is None


def test_values_of_every_kind() -> None:
    made = [
        literal.number("1.5"), Constant("1.5", DataType("DOUBLE")),
        Constant("TRUE", DataType("BOOLEAN")), literal.temporal("2024-02-29", "DATE"),
        literal.temporal("10:00:01", "TIME"), literal.instant("2024-01-01T00:00Z"),
        Constant("x", DataType("STRING")),
    ]  # fmt: skip
    found = [literal.value_of(each) for each in made if each is not None]
    assert found[:4] == [Decimal("1.5"), 1.5, True, date(2024, 2, 29)]
    assert found[5:] == [datetime(2024, 1, 1, tzinfo=UTC), "x"]


@pytest.mark.parametrize(
    ("text", "kind", "wanted", "said"),
    [
        ("2024-01-01", "STRING", "DATE", "2024-01-01"),
        ("2024-01-01", "STRING", "TIMESTAMP_NTZ", "2024-01-01T00:00:00"),
        ("2024-01-01", "DATE", "TIMESTAMP_NTZ", "2024-01-01T00:00:00"),
        ("2024-01-01T00:00:00", "TIMESTAMP_NTZ", "DATE", "2024-01-01T00:00:00"),
        ("2024-01-01", "DATE", "TIMESTAMP", None),
        ("x", "STRING", "INT64", None),
        ("5", "STRING", "DOUBLE", "5"),
        ("2 days", "STRING", "DURATION", "172800"),
        ("TRUE", "BOOLEAN", "INT64", None),
        ("5", "INT64", "STRING", None),
        ("x", "STRING", "ARRAY<STRING>", None),
        ("x", "STRING", "ANY", "x"),
    ],
)
def test_literals_read_as_another_type(text: str, kind: str, wanted: str, said: str | None) -> None:
    found = as_type(Constant(text, parse_type(kind)), parse_type(wanted))
    assert (None if found is None else found.text) == said


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("INT32", "INT64", "DECIMAL(19,0)"),
        ("FLOAT", "DOUBLE", "DOUBLE"),
        ("FLOAT", "INT64", "DOUBLE"),
        ("DECIMAL(4,2)", "DECIMAL", "DECIMAL"),
        ("STRING", "INT64", "None"),
        ("NULL", "DATE", "DATE"),
        ("DATE", "NULL", "DATE"),
        ("ANY", "DATE", "ANY"),
        ("ARRAY<INT8>", "ARRAY<INT16>", "None"),
        ("HALF", "FLOAT", "FLOAT"),
    ],
)
def test_what_holds_values_of_both(one: str, other: str, both: str) -> None:
    assert str(common(parse_type(one), parse_type(other))) == both
