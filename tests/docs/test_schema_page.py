"""The page on schemas: every word of its table is read as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sfctl.dialects.read import DIALECTS, read
from sfctl.model.schema_drift import Drift, breaks
from sfctl.model.types import SCALARS, parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| `[A-Z]", line)
]
HEADS = ["spark", "ddl", "iceberg", "hive", "avro", "json-schema"]


def described(dialect: str, written: str) -> str:
    """One column of the type, in the dialect."""
    kind, _, more = written.partition("/")
    column: dict[str, Any] = {"name": "a", "type": written, "nullable": True}
    if dialect == "ddl":
        return f"a {written}"
    if dialect == "spark":
        return json.dumps({"type": "struct", "fields": [column]})
    if dialect == "iceberg":
        return json.dumps({"type": "struct", "fields": [{"id": 1, "required": False, **column}]})
    if dialect == "hive":
        return json.dumps({"Columns": [{"Name": "a", "Type": written}]})
    if dialect == "avro":
        logical = {"logicalType": more, "precision": 12, "scale": 2, "name": "N", "size": 16}
        column["type"] = {"type": kind, **logical} if more else kind
        return json.dumps({"type": "record", "name": "R", "fields": [column]})
    one = {"type": kind, **({"format": more} if more else {})}
    return json.dumps({"type": "object", "properties": {"a": one}})


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_word_is_read_as_the_type_of_its_row(row: list[str]) -> None:
    canonical = parse(row[0].split("`")[1])
    for dialect, cell in zip(HEADS, row[1:], strict=True):
        if cell != "–":
            found, schema = read(described(dialect, cell.strip("`")).encode())
            assert (found, schema.columns[0].type) == (dialect, canonical)


def test_every_type_and_every_dialect_is_on_the_page() -> None:
    listed = {row[0].split("`")[1] for row in ROWS}
    assert listed >= SCALARS - {"ANY", "UINT8", "UINT16", "UINT32"}
    for dialect in DIALECTS:
        assert dialect == "canonical" or dialect.replace("-", " ") in PAGE.lower()


DRIFTS = {
    "column or field added that may be null": Drift("added", "a", "", "DATE?"),
    "added, never null": Drift("added", "a", "", "DATE"),
    "removed; possibly renamed": Drift("removed", "a", "DATE", ""),
    "type widened": Drift("widened", "a", "INT32", "INT64"),
    "type narrowed or changed": Drift("changed", "a", "INT64", "INT32"),
    "nullability loosened": Drift("nullability_loosened", "a", "NOT NULL", "NULL"),
    "nullability tightened": Drift("nullability_tightened", "a", "NULL", "NOT NULL"),
    "reordered": Drift("reordered", "a", "0", "1"),
}


@pytest.mark.parametrize("what", DRIFTS)
def test_the_modes_are_as_the_page_says(what: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {what} |"))
    told = [cell.strip() for cell in row.strip("|").split("|")][1:]
    drift = DRIFTS[what]
    found = [
        "FAIL" if breaks([drift], mode) else "WARN" if mode == "compatible" else "PASS"
        for mode in ("strict", "compatible", "breaking")
    ]
    assert told == found
