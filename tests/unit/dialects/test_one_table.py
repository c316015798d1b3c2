"""The same table has the same fingerprint, whoever describes it; what cannot be said is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import deltalake
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfctl.dialects.hive import of_hive
from sfctl.dialects.json_schema import of_json_schema
from sfctl.dialects.read import read
from sfctl.model.schema import Column, Schema
from sfctl.model.schema_drift import compare
from sfctl.model.types import DataType, parse
from sfctl.runtime.core.adapt import to_polars
from sfctl.runtime.core.arrow_schema import of_arrow
from sfctl.runtime.core.schema_of import of_polars
from tests.unit.dialects.described import DDL, TABLE, arrow, avro, iceberg, spark

SPARK = spark()
for _field in SPARK["fields"]:
    _field["metadata"] |= {
        "delta.columnMapping.id": 7,
        "delta.columnMapping.physicalName": "col-5f422f40-de70-45b2-88ab",
        "delta.generationExpression": "cast(at as date)",
    }
TEXTS = {
    "spark": json.dumps(spark()),
    "delta": json.dumps({"metaData": {"id": "x", "schemaString": json.dumps(SPARK)}}),
    "ddl": DDL,
    "avro": json.dumps(avro()),
    "iceberg": json.dumps(iceberg()),
    "canonical": json.dumps(TABLE.as_json()),
}


@pytest.mark.parametrize("dialect", TEXTS)
def test_every_dialect_that_can_say_it_all_says_the_same(dialect: str) -> None:
    found, schema = read(TEXTS[dialect].encode())
    assert found == dialect
    assert schema.as_json() == TABLE.as_json()
    assert schema.fingerprint() == TABLE.fingerprint()


def test_the_ddl_of_a_struct_is_its_columns() -> None:
    assert read(f"struct<{DDL.strip().rstrip(';')}>".encode())[1] == TABLE


def test_arrow_and_parquet(tmp_path: Path) -> None:
    assert of_arrow(arrow()) == TABLE
    pq.write_table(arrow().empty_table(), tmp_path / "t.parquet")
    assert of_arrow(pq.read_schema(tmp_path / "t.parquet")) == TABLE


def test_delta_as_it_is_written(tmp_path: Path) -> None:
    table = deltalake.DeltaTable.create(
        str(tmp_path / "t"), deltalake.Schema.from_json(TEXTS["spark"])
    )
    assert read(table.schema().to_json().encode())[1] == TABLE
    log = (tmp_path / "t" / "_delta_log" / "00000000000000000000.json").read_text()
    (action,) = [line for line in log.splitlines() if "metaData" in line]
    assert read(action.encode()) == ("delta", TABLE)


def test_polars_knows_all_but_nullability() -> None:
    frame = pl.DataFrame(arrow().empty_table())
    mine = of_polars(frame.schema)
    assert {c.nullable for c in mine.columns} == {None}
    assert mine.with_nullability_of(TABLE).fingerprint() == TABLE.fingerprint()
    assert compare(TABLE, mine) == ()
    pairs = pl.List(pl.Struct({"key": pl.String, "value": pl.Int64}))
    as_list = of_polars({**frame.schema, "marks": pairs})
    assert [d.field for d in compare(TABLE, as_list)] == ["marks"]
    assert as_list.with_nullability_of(TABLE) == mine.with_nullability_of(TABLE)
    assert of_arrow(frame.schema).shape() == mine.shape()


KEPT: dict[str, Any] = {
    "numpy": lambda f: f,
    "nullable": lambda f: f.convert_dtypes(dtype_backend="numpy_nullable"),
    "arrow": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "object": lambda f: f.astype(object),
}


@pytest.mark.parametrize("kept", KEPT)
def test_pandas_however_its_columns_are_kept(kept: str) -> None:
    frame = pd.DataFrame(
        {
            "id": [1, 2], "ok": [True, False], "share": [0.5, 1.5], "note": ["a", "b"],
            "at": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
        }
    )  # fmt: skip
    expected = ["INT64", "BOOLEAN", "DOUBLE", "STRING", "TIMESTAMP"]
    found = of_polars(to_polars(KEPT[kept](frame)).schema)
    assert [str(c.type) for c in found.columns] == expected
    assert {c.nullable for c in found.columns} == {None}


def test_pandas_objects_and_categories_are_what_their_values_are() -> None:
    import datetime as dt
    from decimal import Decimal

    frame = pd.DataFrame(
        {
            "money": [Decimal("1.25"), None], "day": [dt.date(2026, 1, 1), None],
            "kind": pd.Categorical(["a", "b"]), "list": [[1, 2], None], "whole": [1, None],
            "span": [dt.timedelta(1), dt.timedelta(2)], "clock": [dt.time(1), None],
            "row": [{"x": 1}, None], 7: [b"x", None],
        }
    )  # fmt: skip
    frame["whole"] = pd.Series([1, None], dtype=object)
    found = of_polars(to_polars(frame).schema)
    assert [str(column.type) for column in found.columns] == [
        "DECIMAL(3,2)", "DATE", "STRING", "ARRAY<INT64>", "INT64", "DURATION", "TIME",
        "STRUCT<x:INT64>", "BINARY",
    ]  # fmt: skip
    assert found.names[-1] == "7"


def test_hive_knows_no_nullability_and_no_zone() -> None:
    columns = [
        ("id", "bigint"), ("count", "int"), ("ok", "boolean"), ("share", "float"),
        ("amount", "double"), ("total", "decimal(12,2)"), ("note", "varchar(20)"),
        ("body", "binary"), ("day", "date"), ("at", "timestamp"), ("local", "timestamp"),
        ("tags", "array<string>"), ("marks", "map<string,bigint>"),
        ("items", "array<struct<sku:string,price:decimal(9,2),sizes:array<int>>>"),
    ]  # fmt: skip
    keys = [{"Name": "place", "Type": "struct<lat:double,lon:double>"}]
    listed = [{"Name": name, "Type": kind} for name, kind in columns]
    table = {"Table": {"StorageDescriptor": {"Columns": listed}, "PartitionKeys": keys}}
    assert read(json.dumps(table).encode())[0] == "hive"
    found = of_hive(table)
    loosened = Schema(
        tuple(Column(c.name, parse(c.type.written("none")), True) for c in TABLE.columns)
    )
    assert [(d.field, d.before, d.after) for d in compare(loosened, found)] == [
        ("at", "TIMESTAMP", "TIMESTAMP_NTZ")
    ]


def test_json_schema_knows_fewer_types() -> None:
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["id", "amount", "at", "items", "note"],
        "properties": {
            "id": {"type": "integer"},
            "count": {"type": "integer", "format": "int32"},
            "ok": {"type": ["boolean", "null"]},
            "share": {"type": "number", "format": "float"},
            "amount": {"type": "number"},
            "total": {"type": "string"},
            "note": {"oneOf": [{"type": "null"}, {"enum": ["A", "B"]}]},
            "body": {"type": "string", "contentEncoding": "base64"},
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time"},
            "local": {"type": "string", "format": "date-time"},
            "tags": {"type": "array", "items": {"type": "string", "format": "uuid"}},
            "marks": {"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
            "items": {
                "type": "array",
                "items": {"anyOf": [{"$ref": "#/$defs/item"}, {"type": "null"}]},
            },
            "place": {"$ref": "#/$defs/a~1place"},
        },
        "$defs": {
            "item": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": {"type": "string"},
                    "price": {"type": "number"},
                    "sizes": {
                        "type": "array",
                        "items": {"type": ["integer", "null"], "format": "int32"},
                    },
                },
            },
            "a/place": {
                "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
                "required": ["lat", "lon"],
            },
        },
    }  # fmt: skip
    dialect, found = read(json.dumps(document).encode())
    assert dialect == "json-schema"
    assert [(d.kind, d.field, d.before, d.after) for d in compare(TABLE, found)] == [
        ("changed", "total", "DECIMAL(12,2)", "STRING"),
        ("changed", "local", "TIMESTAMP_NTZ", "TIMESTAMP"),
        ("changed", "items.element.price", "DECIMAL(9,2)", "DOUBLE"),
    ]
    older = {**document, "definitions": document["$defs"], "$schema": "draft-07"}
    assert of_json_schema(older).fingerprint() == found.fingerprint()


ARROW_ONLY = [
    (pa.int8(), "INT8"), (pa.uint64(), "UINT64"), (pa.float16(), "HALF"), (pa.time32("ms"), "TIME"),
    (pa.time64("ns"), "TIME"), (pa.duration("ms"), "DURATION"), (pa.date64(), "DATE"),
    (pa.binary(4), "BINARY"), (pa.binary_view(), "BINARY"), (pa.string_view(), "STRING"),
    (pa.null(), "NULL"), (pa.list_(pa.int8(), 3), "ARRAY<INT8 NULL>"),
    (pa.list_view(pa.int8()), "ARRAY<INT8 NULL>"), (pa.decimal32(5, 1), "DECIMAL(5,1)"),
    (pa.decimal256(60, 2), "ANY"), (pa.month_day_nano_interval(), "ANY"),
    (pa.run_end_encoded(pa.int32(), pa.string()), "STRING"), (pa.uuid(), "STRING"),
    (pa.json_(), "JSON"), (pa.bool8(), "BOOLEAN"),
    (pa.dense_union([pa.field("a", pa.int8()), pa.field("b", pa.string())]), "ANY"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), ARROW_ONLY, ids=lambda each: str(each))
def test_every_arrow_type_has_a_name(kind: Any, name: str) -> None:
    assert of_arrow(pa.schema([("a", kind)])).columns[0].type == parse(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("byte", "INT8"), ("short", "INT16"), ("char(3)", "STRING"), ("varchar(9)", "STRING"),
        ("void", "NULL"), ("variant", "JSON"), ("time(6)", "TIME"), ("decimal", "DECIMAL"),
        ("interval day to second", "DURATION"), ("interval year to month", "ANY"),
        ("string collate UNICODE_CI", "STRING"), ("timestamp_ltz", "TIMESTAMP"),
    ],
)  # fmt: skip
def test_every_spark_type_has_a_name(name: str, kind: str) -> None:
    document = {"type": "struct", "fields": [{"name": "a", "type": name}]}
    assert read(json.dumps(document).encode())[1].columns == (Column("a", parse(kind), True),)
    user_defined = {"type": "struct", "fields": [
        {"name": "a", "type": {"type": "udt", "class": "x.Y", "sqlType": name}}
    ]}  # fmt: skip
    assert read(json.dumps(user_defined).encode())[1].columns[0].type == parse(kind)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ({"type": "int", "logicalType": "time-millis"}, "TIME"),
        ({"type": "long", "logicalType": "time-micros"}, "TIME"),
        ({"type": "long", "logicalType": "timestamp-nanos"}, "TIMESTAMP"),
        ({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}, "DURATION"),
        ({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, "STRING"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}, "BINARY"),
        ({"type": "long", "logicalType": "date"}, "INT64"),
        ({"type": {"type": "array", "items": "int"}}, "ARRAY<INT32 NOT NULL>"),
        (["int", "string", "null"], "ANY"),
        (["null"], "NULL"),
    ],
)
def test_every_avro_type_has_a_name(written: Any, kind: str) -> None:
    record = {"type": "record", "name": "R", "fields": [{"name": "a", "type": written}]}
    assert read(json.dumps(record).encode())[1].columns[0].type == parse(kind)


def test_a_name_in_avro_is_found_in_its_own_namespace() -> None:
    inner = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}]}
    record = {"type": "record", "name": "R", "namespace": "n", "fields": [
        {"name": "a", "type": inner}, {"name": "b", "type": "Point"},
        {"name": "c", "type": ["null", "n.Point"]},
    ]}  # fmt: skip
    kinds = {c.type for c in read(json.dumps(record).encode())[1].columns}
    assert kinds == {parse("STRUCT<x:INT32 NOT NULL>")}
    assert all(isinstance(kind, DataType) for kind in kinds)
