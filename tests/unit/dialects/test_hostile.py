"""Descriptions that are broken, huge or recursive are refused in one clear line, never a crash."""

from __future__ import annotations

import contextlib
import json
import random
import time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.dialects.place import NotASchema
from sfctl.dialects.read import DIALECTS, MAX_BYTES, read
from sfctl.model.schema import from_json
from sfctl.runtime.core.arrow_schema import of_arrow
from tests.unit.dialects.described import DDL, avro, iceberg, spark

DOCUMENTS: dict[str, Any] = {"spark": spark(), "avro": avro(), "iceberg": iceberg()}


def spark_of(*fields: Any) -> str:
    return json.dumps({"type": "struct", "fields": list(fields)})


def column(name: Any, kind: Any = "long") -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


def avro_of(kind: Any) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}]})


def properties(**each: Any) -> str:
    return json.dumps({"type": "object", "properties": each})


def nested(levels: int) -> Any:
    kind: Any = "long"
    for _ in range(levels):
        kind = {"type": "array", "elementType": kind, "containsNull": True}
    return kind


SELF = {"type": "object", "properties": {"next": {"$ref": "#"}}}
REFUSED = [
    ("", "ddl:1: a column name is missing"),
    ("id", "ddl:3: a type is missing"),
    (spark_of(column("\ud800")), "column 0 has half a character in its name (a surrogate)"),
    ('[{"name": 1, "type": "INT64"}]', "$[0].name: not a text (got a number)"),
    ('[{"name": "a", "type": 5}]', "$[0].type: not a text (got a number)"),
    (
        json.dumps({"properties": {"a": {"$ref": "#/x/" + "9" * 5_000}}, "x": []}),
        "leads nowhere",
    ),
    ("id MONEY", "ddl.id: unknown type 'money'"),
    ("id INT,", "ddl:8: a column name is missing"),
    ("id INT NOT", "ddl:8: unexpected 'NOT'"),
    ("id ARRAY<INT", "ddl:13: missing '>'"),
    ("id ARRAY", "ddl:9: ARRAY needs <…>"),
    ("id MAP<INT>", "ddl:11: MAP takes <key, value>"),
    ("id DECIMAL(40,2)", "ddl.id: DECIMAL(40,2) is outside 1..38 and scale ≤ precision"),
    ("id INT COMMENT x", "ddl:16: COMMENT needs a quoted text"),
    ("id INT; DROP", "ddl:7: unexpected ';'"),
    ("a INT, A INT", "ddl: columns 'a' and 'A' differ only in case"),
    ("s STRUCT<a:INT,a:INT>", "ddl.s: field 'a' stands twice"),
    ("a " + "ARRAY<" * 40 + "INT" + ">" * 40, "nested deeper than 32 levels"),
    ("{", "1:2: not JSON: Expecting property name enclosed in double quotes"),
    ("{}", "$: no schema that is known"),
    ('{"type": "struct", "type": "struct"}', "$: the key 'type' stands twice in one object"),
    ("[" * 100_000, "$: nested too deeply to be read"),
    ('{"x": ' + "9" * 5000 + "}", "$: a number is too long to be read"),
    ('{"type": "struct"}', "$.fields: not a list (got null)"),
    (spark_of(column("")), "$: column 0 has an empty name"),
    (spark_of(column("  ")), "$: column 0 has an empty name"),
    (spark_of(column(7)), "$.fields[0].name: not a text (got a number)"),
    (spark_of(column("a"), column("b"), column("a")), "$: column 'a' stands twice"),
    (spark_of(column("caf\u00e9"), column("cafe\u0301")),
     "$: columns 'caf\u00e9' and 'cafe\u0301' differ only in how Unicode composes them"),
    (spark_of(column("a", nested(33))), "nested deeper than 32 levels"),
    (spark_of(column("a", "money")), "$.fields[0].type: unknown type 'money'"),
    (spark_of(column("a", {"type": "set"})), "$.fields[0].type: unknown type 'set'"),
    (spark_of({**column("a"), "nullable": "yes"}),
     "$.fields[0].nullable: neither true nor false (got 'yes')"),
    (spark_of(3), "$.fields[0]: not an object (got a number)"),
    (avro_of("Missing"), "$.fields[0].type: unknown type 'Missing'"),
    (avro_of(["null", "R"]), "$.fields[0].type[1]: 'R' contains itself"),
    (avro_of([]), "$.fields[0].type: an empty union"),
    (avro_of([["int"]]), "$.fields[0].type[0]: a union within a union"),
    (avro_of({"type": "bytes", "logicalType": "decimal", "precision": 60}),
     "$.fields[0].type: DECIMAL(60,0) is outside 1..38 and scale ≤ precision"),
    (avro_of({"type": "bytes", "logicalType": "decimal"}),
     "$.fields[0].type.precision: not a whole number (got null)"),
    (avro_of({"type": "enum", "name": "R", "symbols": []}),
     "$.fields[0].type.name: 'R' is defined twice"),
    (json.dumps({"type": "record", "name": "R", "fields": "x"}),
     "$.fields: not a list (got 'x')"),
    (json.dumps(SELF), "$.properties.next: '#' contains itself"),
    (properties(a={"$ref": "other.json#/x"}), "'other.json#/x' is in another document"),
    (properties(a={"$ref": "#/$defs/x"}), "'#/$defs/x' leads nowhere"),
    (properties(a={"type": "money"}), "$.properties.a.type: unknown type 'money'"),
    (properties(a={"allOf": [{}, {}]}), "$.properties.a.allOf: several schemas at once"),
    (json.dumps({"$schema": "x", "type": "string"}), "$: no object with `properties`"),
    ('[{"name": "a"}]', "$: 'type' is missing"),
    ('[{"name": "a", "type": "MONEY"}]', "$: unknown type 'MONEY'"),
    ('{"schemaString": "{"}', "1:2: not JSON"),
    ('{"Columns": [{"Name": "a", "Type": "array<"}]}', "$.Columns[0].Type:7: a type is missing"),
    ('{"current-schema-id": 3, "schemas": []}', "$.schemas: the current schema is not among them"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(NotASchema) as error:
        read(text.encode())
    assert message in str(error.value)
    assert error.value.code == "SF523"
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_and_texts_without_end() -> None:
    with pytest.raises(NotASchema, match="not UTF-8"):
        read(b"\xff\xfe\x00")
    with pytest.raises(NotASchema, match="longer than 16 MiB"):
        read(b"a" * (MAX_BYTES + 1))


def test_ten_thousand_columns_are_read_in_a_moment() -> None:
    fields = [column(f"column_{i}") for i in range(10_000)]
    wide = spark_of(*fields, column("s", {"type": "struct", "fields": fields}))
    started = time.perf_counter()
    _, schema = read(wide.encode())
    assert len(schema.columns) == 10_001
    assert from_json(schema.as_json()) == schema
    with pytest.raises(NotASchema, match="column 'column_9' stands twice"):
        read(spark_of(*fields, column("column_9")).encode())
    many = ", ".join(f"column_{i} INT" for i in range(10_000))
    assert len(read(many.encode())[1].columns) == 10_000
    assert time.perf_counter() - started < 8


def test_references_that_stand_for_billions_are_refused() -> None:
    fields: list[Any] = [{"name": "a", "type": "int"}]
    for level in range(25):
        inner = {"type": "record", "name": f"R{level}", "fields": fields}
        fields = [{"name": "x", "type": inner}, {"name": "y", "type": f"R{level}"}]
    with pytest.raises(NotASchema, match="more than 100,000 types"):
        read(json.dumps({"type": "record", "name": "R", "fields": fields}).encode())
    defs: dict[str, Any] = {"d0": {"type": "integer"}}
    for level in range(1, 26):
        link = {"$ref": f"#/$defs/d{level - 1}"}
        defs[f"d{level}"] = {"type": "object", "properties": {"x": link, "y": link}}
    with pytest.raises(NotASchema, match="more than 100,000 types"):
        read(json.dumps({"$defs": defs, "$ref": "#/$defs/d25"}).encode())


def test_an_arrow_schema_that_no_table_can_hold() -> None:
    with pytest.raises(NotASchema, match="column 'a' stands twice"):
        of_arrow(pa.schema([("a", pa.int8()), ("a", pa.int8())]))
    deep = pa.int8()
    for _ in range(40):
        deep = pa.list_(deep)
    with pytest.raises(NotASchema, match="deeper than 32"):
        of_arrow(pa.schema([("a", deep)]))


def shuffled(document: Any, order: random.Random) -> Any:
    if isinstance(document, list):
        return [shuffled(each, order) for each in document]
    if not isinstance(document, dict):
        return document
    keys = list(document)
    order.shuffle(keys)
    return {key: shuffled(document[key], order) for key in keys}


@given(st.sampled_from(sorted(DOCUMENTS)), st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_fingerprint(name: str, order: random.Random) -> None:
    document = DOCUMENTS[name]
    read_again = DIALECTS[name](shuffled(document, order))
    assert read_again.fingerprint() == DIALECTS[name](document).fingerprint()


def paths(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = document.items() if isinstance(document, dict) else ()
    inner = enumerate(document) if isinstance(document, list) else inner
    return [path, *(found for key, each in inner for found in paths(each, (*path, key)))]


JUNK = st.sampled_from(
    [None, True, 0, -1, "", "x", "decimal(99,1)", [], {}, [None], {"type": None}, "struct", "null"]
)


@given(st.sampled_from(sorted(DOCUMENTS)), st.data())
def test_a_broken_document_is_read_or_refused(name: str, data: st.DataObject) -> None:
    document = json.loads(json.dumps(DOCUMENTS[name]))
    path = data.draw(st.sampled_from(paths(document)))
    if path:
        holder = document
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = data.draw(JUNK)
    with contextlib.suppress(NotASchema):
        schema = DIALECTS[name](document)
        assert from_json(schema.as_json()) == schema


@given(st.integers(0, len(DDL)), st.sampled_from(["", "<", ">", ",", "`", "'", "(", "NOT", "é"]))
def test_a_broken_ddl_is_read_or_refused(at: int, piece: str) -> None:
    with contextlib.suppress(NotASchema):
        _, schema = read((DDL[:at] + piece + DDL[at + 1 :]).encode())
        assert from_json(schema.as_json()) == schema
