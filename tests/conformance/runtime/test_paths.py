"""Every kind of rule reads a field inside a struct, and a column whose name contains a dot."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sfctl.model.policy import ColumnSpec, Custom, SchemaPolicy, Unique
from sfctl.model.source_code import source_code
from sfctl.model.types import parse
from sfctl.runtime.core.judge import Surroundings
from sfctl.runtime.core.results import tellable_columns
from sfctl.runtime.core.split import split
from tests.conformance.runtime.rules import foreign, judged, measure, policy, rule, unique

NUMBERS = [1, 1, 2, None]
INSIDE = pl.DataFrame({"a": [{"b": n, "c": "x"} for n in NUMBERS], "z": ["p", "q", "r", "s"]})
DOTTED = pl.DataFrame({"a.b": NUMBERS, "z": ["p", "q", "r", "s"]})


@pytest.mark.parametrize("rows", [INSIDE, DOTTED], ids=["inside a struct", "dotted name"])
def test_rules_on_sets_of_rows_read_a_path(rows: pl.DataFrame) -> None:
    measures = [
        measure("null_rate", "a.b"), measure("distinct_count", "a.b"), measure("sum", "a.b"),
        measure("avg", "a.b"), measure("max", "a.b"), measure("quantile", "a.b", quantile=0.5),
    ]  # fmt: skip
    found = judged(rows, unique("a.b"), unique("a.b", "z", rule_id="both"), *measures).rules
    assert [r.failed for r in found[:2]] == [2, 0]
    assert [r.measured for r in found[2:]] == ["0.25", "2", "4", "1.33333333333", "2", "1"]
    assert {r.status for r in found[2:]} == {"pass"}


@pytest.mark.parametrize("rows", [INSIDE, DOTTED], ids=["inside a struct", "dotted name"])
def test_user_functions_and_foreign_keys_read_a_path(rows: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def above_one(batch):\n    return [n is None or n > 1 for n in batch['a.b'].to_pylist()]\n"
    )
    check = Custom("mine:above_one", ("a.b",), source_code("mine:above_one", tmp_path).digest)
    known = Surroundings(references=lambda _: rows.head(2).lazy(), root=tmp_path)
    found = judged(
        rows, rule(check, "mine", kind="custom"), foreign("a.b", "urn:dp:x:y", "a.b"), around=known
    ).rules
    assert [(r.status, r.failed) for r in found] == [("fail", 2), ("fail", 1)]
    gone = Surroundings(references=lambda _: rows.select("z").lazy())
    (absent,) = judged(rows, foreign("z", "urn:dp:x:y", "a.b"), around=gone).rules
    assert (absent.status, absent.reason) == ("error", "column a is absent from urn:dp:x:y")


@pytest.mark.parametrize("rows", [INSIDE, DOTTED], ids=["inside a struct", "dotted name"])
def test_uniqueness_in_the_whole_table_and_the_split_read_a_path(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    rows.write_parquet(tmp_path / "rows.parquet")
    kept = rows.slice(2, 1).lazy()
    around = Surroundings(others=lambda _: kept)
    key = unique("a.b")
    check = Unique(("a.b",), scope="table")
    whole = policy(rule(check, "key", kind="unique", signature="UNIQUENESS_VIOLATION:a.b"))
    found = judged(str(tmp_path / "rows.parquet"), *whole.rules, around=around)
    assert found.rules[0].failed == 3
    parts = split(rows, whole, "gold", judgement=found, around=around)
    assert parts.good["z"].to_list() == ["s"]
    assert split(rows, policy(key), "gold", judgement=judged(rows, key)).good["z"].to_list() == [
        "r",
        "s",
    ]


def test_a_field_that_the_struct_lacks_is_the_datas_fault() -> None:
    (found,) = judged(INSIDE, measure("null_rate", "a.nope")).rules
    assert (found.status, found.data_error, found.reason) == (
        "error",
        True,
        "field a.nope is absent",
    )


def test_what_lies_inside_a_personal_column_is_not_told() -> None:
    rules = (rule("a.c = 'y'", detail_field="a.c"), rule("z = 'y'", "r2", detail_field="z"))
    flagged = SchemaPolicy(columns=(ColumnSpec("a", parse("STRUCT"), pii=True),))
    assert tellable_columns(policy(*rules, schema=flagged)) == {"z"}
