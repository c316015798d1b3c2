"""Types that keep every value of another type, and rows that a table would store otherwise."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake import Field as Column
from deltalake import Schema as Columns

from sfctl.errors import StoreError
from sfctl.runtime.tables import casts
from tests.publish_rig import Rig, policy


@pytest.mark.parametrize(
    ("given", "own", "kept"),
    [
        ("long", "long", True), ("short", "long", True), ("long", "short", False),
        ("short", "float", True), ("integer", "float", False), ("integer", "double", True),
        ("long", "double", False), ("float", "double", True), ("double", "float", False),
        ("decimal(10,4)", "decimal(10,1)", False), ("decimal(10,1)", "decimal(13,4)", True),
        ("decimal(10,1)", "decimal(12,4)", False), ("integer", "decimal(10,0)", True),
        ("integer", "decimal(10,1)", False), ("string", "integer", False),
        ("timestamp", "date", False), ("timestamp", "timestamp_ntz", False),
    ],
)  # fmt: skip
def test_types(given: str, own: str, kept: bool) -> None:
    assert casts.keeps(given, own) is kept
    array = {"type": "array", "containsNull": True}
    nested = [
        {"name": "a", "type": {**array, "elementType": kind}, "nullable": True, "metadata": {}}
        for kind in (given, own)
    ]
    structs = [{"type": "struct", "fields": [field]} for field in nested]
    assert casts.keeps(*structs) is kept
    assert casts.altered(nested[:1], nested[1:]) == ("" if kept else "a")


@pytest.mark.parametrize(
    ("values", "own", "fits"),
    [
        ([0.4], pl.Int32, False),
        ([4.0, None], pl.Int32, True),
        ([70000], pl.Int16, False),
        (["007"], pl.Int64, False),
        ([1e-60], pl.Float32, False),
        ([0.5, float("nan")], pl.Float32, True),
        ([datetime(2026, 1, 1, 5)], pl.Date, False),
        ([{"a": 0.4}], pl.Struct({"a": pl.Int32}), False),
        ([[{"a": 4.0}, None], None], pl.List(pl.Struct({"a": pl.Int32})), True),
        ([{"b": 1, "a": [4.0]}], pl.Struct({"a": pl.List(pl.Int32), "b": pl.Int64}), True),
        ([["007"]], pl.List(pl.Int64), False),
        ([[0.5, float("nan")]], pl.List(pl.Float32), True),
    ],
)
@pytest.mark.parametrize("mode", ["append", "overwrite", "merge"])
def test_rows_are_stored_as_they_were_judged_or_not_at_all(
    tmp_path: Path, values: list[Any], own: Any, fits: bool, mode: str
) -> None:
    rig = Rig(tmp_path)
    there = pl.DataFrame({"id": [1], "x": [None]}, schema={"id": pl.Int64, "x": own})
    write_deltalake(rig.path, there)
    rows = pl.DataFrame({"id": range(2, 2 + len(values)), "x": values})
    if fits:
        rig.write(rows, policy(rules=()), day=2, mode=mode)
        assert rig.table().scan().collect().schema["x"] == own
        return
    with pytest.raises(StoreError, match="column x") as caught:
        rig.write(rows, policy(rules=()), day=2, mode=mode)
    assert caught.value.code == "SF335"
    known = {pl.Int16: "int16", pl.Int32: "int32", pl.Int64: "int64", pl.Float32: "float32"}
    way = f'.astype("{known[own]}")' if own in known else "before the write; or"
    assert way in caught.value.hint
    assert rig.table().head() == 0


@pytest.mark.parametrize("mode", ["append", "overwrite", "merge"])
def test_texts_of_limited_length_are_no_longer_than_the_table_says(
    tmp_path: Path, mode: str
) -> None:
    rig = Rig(tmp_path)
    limit = {"__CHAR_VARCHAR_TYPE_STRING": "varchar(3)"}
    columns = [Column("id", "long"), Column("x", "string", metadata=limit)]
    DeltaTable.create(rig.path, Columns(columns))
    short, long = (pl.DataFrame({"id": [1, 2], "x": [None, text]}) for text in ("äöü", "abcd"))
    with pytest.raises(StoreError, match="column x") as caught:
        rig.write(long, policy(rules=()), day=2, mode=mode)
    assert caught.value.code == "SF335"
    rig.write(short, policy(rules=()), day=2, mode=mode)
    assert rig.ids() == [1, 2]
