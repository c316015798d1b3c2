"""Frames of every kind, in and back, and one schema from every description."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sfctl.errors import SourceError
from sfctl.model.policy import ColumnSpec, SchemaPolicy
from sfctl.model.types import parse
from sfctl.runtime.core import schema_of
from sfctl.runtime.core.adapt import back, kind_of, to_polars
from sfctl.runtime.core.arrow_schema import of_arrow
from tests.conformance.runtime.rules import declared, judged, policy, rule

FRAME = pl.DataFrame({"n": [1, 2], "s": ["a", None]})


@pytest.mark.parametrize(
    "rows",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_pandas(),
        FRAME.to_arrow(),
        FRAME.to_arrow().to_batches()[0],
        FRAME.to_dicts(),
    ],
)
def test_there_and_back(rows: Any) -> None:
    frame = to_polars(rows)
    assert frame.equals(FRAME)
    again = back(frame, rows)
    assert kind_of(again) == kind_of(rows)
    assert type(again) is type(rows)
    assert to_polars(again).equals(FRAME)
    assert to_polars(rows, columns=["s"]).columns == ["s"]
    assert judged(rows, rule("n > 1")).bad == 1


def test_readers_are_read_once_and_come_back_as_readers() -> None:
    reader = FRAME.to_arrow().to_reader()
    assert to_polars(reader).equals(FRAME)
    assert isinstance(back(FRAME, reader), pa.RecordBatchReader)
    batch = FRAME.to_arrow().to_batches()[0]
    assert back(FRAME.clear(), batch).num_rows == 0


def test_pandas_columns_of_every_kind() -> None:
    frame = pd.DataFrame(
        {
            "i": [1, 2],
            "f": [1.5, float("nan")],
            "nullable": pd.array([1, None], dtype="Int64"),
            "object": ["a", None],
            "text": pd.array(["a", None], dtype="str"),
            "kind": pd.Categorical(["x", "y"]),
            "at": pd.Series([datetime(2024, 1, 1, tzinfo=UTC), None]),
            "d": [Decimal("1.10"), None],
        }
    )
    found = to_polars(frame)
    assert found.get_column("f").is_nan().to_list() == [False, True]
    assert found.get_column("nullable").to_list() == [1, None]
    assert found.get_column("object").to_list() == found.get_column("text").to_list() == ["a", None]
    assert found.get_column("at")[0] == datetime(2024, 1, 1, tzinfo=UTC)
    assert judged(frame, rule("kind = 'x'"), rule("d > 1", "d")).bad == 1
    assert judged(frame, rule("f IS NOT NULL")).bad == 1


def test_numbers_of_pandas_are_shared() -> None:
    frame = pd.DataFrame({"i": [1, 2, 3], "f": [1.0, 2.0, 3.0]})
    for name in ("i", "f"):
        there = to_polars(frame).get_column(name).to_numpy(allow_copy=False)
        assert there.ctypes.data == frame[name].to_numpy().ctypes.data


def test_whole_floats_of_pandas_are_the_declared_integers() -> None:
    frame = pd.DataFrame({"a": [1.0, float("nan")], "b": [1.0, 2.5], "c": [300.0, 1.0]})
    types = policy(schema=declared(a="INT64", b="INT64", c="INT8"))
    found = to_polars(frame, policy=types)
    assert found.schema == {"a": pl.Int64(), "b": pl.Float64(), "c": pl.Int64()}
    assert found.get_column("a").to_list() == [1, None]


@pytest.mark.parametrize("rows", [7, "text", {"a": [1]}, [1, 2], object()])
def test_what_holds_no_rows(rows: Any) -> None:
    with pytest.raises(SourceError) as caught:
        to_polars(rows)
    assert caught.value.code == "SF503"


def test_two_columns_of_one_name() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(SourceError, match="two columns are called a"):
        to_polars(frame)


def test_one_schema_from_every_description() -> None:
    fields = [
        pa.field("n", pa.int64(), nullable=False), pa.field("s", pa.string()),
        pa.field("at", pa.timestamp("us", "UTC")), pa.field("ntz", pa.timestamp("us")),
        pa.field("d", pa.decimal128(12, 2)), pa.field("l", pa.list_(pa.int32())),
        pa.field("p", pa.struct([pa.field("q", pa.date32())])), pa.field("x", pa.float64()),
    ]  # fmt: skip
    table = pa.schema(fields).empty_table()
    arrow = of_arrow(table.schema)
    frame = schema_of.of_polars(pl.DataFrame(table).schema)
    assert frame.with_nullability_of(arrow).fingerprint() == arrow.fingerprint()
    assert frame.shape() == arrow.shape()
    rows = to_polars(table.to_pandas(), policy=policy())
    assert schema_of.of_polars(rows.schema).get("n") == frame.get("n")


DECLARED = {
    "money": "DECIMAL(12,2)", "any": "DECIMAL", "much": "DECIMAL(3,1)", "none": "INT32",
    "nothing": "TIMESTAMP", "text": "STRING", "list": "ARRAY<INT64>", "day": "DATE",
}  # fmt: skip


def test_columns_of_objects_are_what_is_declared_where_their_values_fit() -> None:
    frame = pd.DataFrame(
        {
            "money": [Decimal("1.5"), None], "any": [Decimal("1.5"), None],
            "much": [Decimal("12.55"), None], "none": [None, None], "nothing": [None, None],
            "text": [None, None], "list": [None, None], "day": [datetime(2026, 1, 1).date(), None],
        },
        dtype=object,
    )  # fmt: skip
    specs = tuple(ColumnSpec(name, parse(kind)) for name, kind in DECLARED.items())
    by = msgspec.structs.replace(policy(), schema=SchemaPolicy(columns=specs))
    found = schema_of.of_polars(to_polars(frame, policy=by).schema)
    assert {c.name: str(c.type) for c in found.columns} == {
        **DECLARED, "any": "DECIMAL(2,1)", "much": "DECIMAL(4,2)", "list": "STRING",
    }  # fmt: skip
    assert to_polars(frame, policy=by)["money"].to_list() == [Decimal("1.50"), None]
    empty = schema_of.of_polars(to_polars(frame.head(0), policy=by).schema)
    assert [str(c.type) for c in empty.columns if c.name in ("money", "none")] == [
        "DECIMAL(12,2)", "INT32",
    ]  # fmt: skip


def test_every_type_has_a_name() -> None:
    kinds = {
        pl.Boolean(): "BOOLEAN", pl.UInt8(): "UINT8", pl.Float32(): "FLOAT", pl.Time(): "TIME",
        pl.Duration("us"): "DURATION", pl.Binary(): "BINARY", pl.Null(): "NULL",
        pl.Categorical(): "STRING", pl.Int128(): "DECIMAL(38,0)", pl.Array(pl.Int8(), 2):
        "ARRAY<INT8>", pl.Object(): "ANY",
    }  # fmt: skip
    for dtype, name in kinds.items():
        assert str(schema_of.type_of(dtype)) == name


@pytest.mark.parametrize(
    "values", [[1 + 2j], [Decimal("9" * 38), Decimal("1.5")], [10**30, 1], [1, "x", 2.5]]
)
def test_values_that_no_column_type_holds_are_refused_and_never_panic(
    values: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame({"a": pd.Series(values, dtype=None if values == [1 + 2j] else object)})
    with pytest.raises(SourceError) as error:
        to_polars(frame)
    assert error.value.code == "SF503"
    capfd.readouterr()


def test_a_refusal_names_the_column_and_never_a_value() -> None:
    with pytest.raises(SourceError, match="column note holds values") as caught:
        to_polars(pd.DataFrame({"note": [1, "ann@secret.org"]}))
    assert "secret" not in f"{caught.value}{caught.value.hint}"
    assert caught.value.__cause__ is None
