"""One table, described in every dialect."""

from __future__ import annotations

from typing import Any

from sfctl.model.schema import Column, Schema
from sfctl.model.types import parse

TABLE = Schema(
    tuple(
        Column(name, parse(kind), nullable)
        for name, kind, nullable in [
            ("id", "INT64", False),
            ("count", "INT32", True),
            ("ok", "BOOLEAN", True),
            ("share", "FLOAT", True),
            ("amount", "DOUBLE", False),
            ("total", "DECIMAL(12,2)", True),
            ("note", "STRING", True),
            ("body", "BINARY", True),
            ("day", "DATE", True),
            ("at", "TIMESTAMP", False),
            ("local", "TIMESTAMP_NTZ", True),
            ("tags", "ARRAY<STRING NOT NULL>", True),
            ("marks", "MAP<STRING,INT64 NULL>", True),
            (
                "items",
                "ARRAY<STRUCT<sku:STRING NOT NULL,price:DECIMAL(9,2) NULL,"
                "sizes:ARRAY<INT32 NULL> NULL> NULL>",
                False,
            ),
            ("place", "STRUCT<lat:DOUBLE NOT NULL,lon:DOUBLE NOT NULL>", True),
        ]
    )
)


def spark() -> dict[str, Any]:
    def field(name: str, kind: Any, nullable: bool = True, **metadata: Any) -> dict[str, Any]:
        return {"metadata": metadata, "name": name, "nullable": nullable, "type": kind}

    item = {
        "type": "struct",
        "fields": [
            field("sku", "string", nullable=False),
            field("price", "decimal(9,2)"),
            field("sizes", {"type": "array", "elementType": "integer", "containsNull": True}),
        ],
    }
    marks = {
        "type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True
    }  # fmt: skip
    place = {
        "type": "struct",
        "fields": [field("lat", "double", False), field("lon", "double", False)],
    }
    return {
        "type": "struct",
        "fields": [
            field("id", "long", False, comment="the key"),
            field("count", "integer"),
            field("ok", "boolean"),
            field("share", "float"),
            field("amount", "double", False),
            field("total", "decimal(12,2)"),
            field("note", "string"),
            field("body", "binary"),
            field("day", "date"),
            field("at", "timestamp", False),
            field("local", "timestamp_ntz"),
            field("tags", {"type": "array", "elementType": "string", "containsNull": False}),
            field("marks", marks),
            field("items", {"type": "array", "elementType": item, "containsNull": True}, False),
            field("place", place),
        ],
    }


DDL = """
id BIGINT NOT NULL COMMENT 'the key, it''s said', `count` INT, ok BOOLEAN, share FLOAT,
amount DOUBLE NOT NULL, total DECIMAL(12,2), note STRING, body BINARY, day DATE,
at TIMESTAMP NOT NULL, local TIMESTAMP_NTZ, tags ARRAY<STRING NOT NULL>,
marks MAP<STRING, BIGINT>,
items ARRAY<STRUCT<sku: STRING NOT NULL, price: DECIMAL(9,2), sizes: ARRAY<INT>>> NOT NULL,
place STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL>;
"""


def avro() -> dict[str, Any]:
    def field(name: str, kind: Any) -> dict[str, Any]:
        return {"name": name, "type": kind, "doc": "said"}

    def maybe(kind: Any) -> list[Any]:
        return ["null", kind]

    def logical(base: str, name: str, **more: int) -> dict[str, Any]:
        return {"type": base, "logicalType": name, **more}

    coordinates = {
        "type": "record",
        "name": "Place",
        "namespace": "geo",
        "fields": [field("lat", "double"), field("lon", "double")],
    }
    price = {
        "type": "fixed", "name": "Price", "size": 8, "logicalType": "decimal", "precision": 9,
        "scale": 2,
    }  # fmt: skip
    item = {
        "type": "record",
        "name": "Item",
        "fields": [
            field("sku", "string"),
            field("price", maybe(price)),
            field("sizes", maybe({"type": "array", "items": ["int", "null"]})),
        ],
    }
    return {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [
            field("id", "long"),
            field("count", maybe("int")),
            field("ok", ["boolean", "null"]),
            field("share", maybe("float")),
            field("amount", "double"),
            field("total", maybe(logical("bytes", "decimal", precision=12, scale=2))),
            field("note", maybe({"type": "enum", "name": "Note", "symbols": ["A", "B"]})),
            field("body", maybe("bytes")),
            field("day", maybe(logical("int", "date"))),
            field("at", logical("long", "timestamp-micros")),
            field("local", maybe(logical("long", "local-timestamp-millis"))),
            field("tags", maybe({"type": "array", "items": logical("string", "uuid")})),
            field("marks", maybe({"type": "map", "values": maybe("long")})),
            field("items", {"type": "array", "items": maybe(item)}),
            field("place", maybe(coordinates)),
        ],
    }


def iceberg() -> dict[str, Any]:
    def field(name: str, kind: Any, required: bool = False) -> dict[str, Any]:
        return {"id": 1, "name": name, "required": required, "type": kind}

    def listed(kind: Any, required: bool = False) -> dict[str, Any]:
        return {"type": "list", "element-id": 9, "element": kind, "element-required": required}

    item = {
        "type": "struct",
        "fields": [
            field("sku", "string", True),
            field("price", "decimal(9, 2)"),
            field("sizes", listed("int")),
        ],
    }
    marks = {
        "type": "map", "key-id": 4, "key": "string", "value-id": 5, "value": "long",
        "value-required": False,
    }  # fmt: skip
    place = {
        "type": "struct",
        "fields": [field("lat", "double", True), field("lon", "double", True)],
    }
    return {
        "type": "struct",
        "schema-id": 0,
        "fields": [
            field("id", "long", True),
            field("count", "int"),
            field("ok", "boolean"),
            field("share", "float"),
            field("amount", "double", True),
            field("total", "decimal(12, 2)"),
            field("note", "uuid"),
            field("body", "fixed[16]"),
            field("day", "date"),
            field("at", "timestamptz", True),
            field("local", "timestamp"),
            field("tags", listed("string", True)),
            field("marks", marks),
            field("items", listed(item), True),
            field("place", place),
        ],
    }


def arrow() -> Any:
    import pyarrow as pa

    item = pa.struct(
        [
            pa.field("sku", pa.string(), nullable=False),
            pa.field("price", pa.decimal128(9, 2)),
            pa.field("sizes", pa.large_list(pa.int32())),
        ]
    )
    place = pa.struct([pa.field(n, pa.float64(), nullable=False) for n in ("lat", "lon")])
    return pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("count", pa.int32()),
            pa.field("ok", pa.bool_()),
            pa.field("share", pa.float32()),
            pa.field("amount", pa.float64(), nullable=False),
            pa.field("total", pa.decimal128(12, 2)),
            pa.field("note", pa.dictionary(pa.int32(), pa.string())),
            pa.field("body", pa.large_binary()),
            pa.field("day", pa.date32()),
            pa.field("at", pa.timestamp("us", "Europe/Berlin"), nullable=False),
            pa.field("local", pa.timestamp("ns")),
            pa.field("tags", pa.list_(pa.field("item", pa.string(), nullable=False))),
            pa.field("marks", pa.map_(pa.string(), pa.int64())),
            pa.field("items", pa.list_(item), nullable=False),
            pa.field("place", place),
        ]
    )
