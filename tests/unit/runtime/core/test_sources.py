"""Files, folders and tables are read as the policy says, in chunks, and broken ones say so."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.errors import SourceError
from sfctl.model.expr import Matches
from sfctl.model.policy import RowCheck
from sfctl.runtime.core.files import ParquetSource
from sfctl.runtime.core.opening import open_source
from sfctl.runtime.core.sources import LazySource
from tests.conformance.runtime.rules import (
    condition,
    declared,
    judged,
    measure,
    policy,
    result,
    rule,
    unique,
)

ROWS = pl.DataFrame({"n": list(range(10)), "s": [f"v{i}" for i in range(10)]})


def height(path: Path | str) -> int:
    source = open_source(path, policy())
    return sum(chunk.height for chunk in source.chunks([]))


def test_parquet_is_read_in_slices(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    ROWS.write_parquet(path, row_group_size=4)
    source = ParquetSource((str(path),), rows=3)
    assert [chunk.height for chunk in source.chunks(["s"])] == [3, 3, 3, 1]
    assert pl.concat(list(source.chunks(["n", "s"]))).equals(ROWS)
    assert result(source, rule("n < 9")).failed == 1


def test_folders_globs_and_partitions(tmp_path: Path) -> None:
    for day in ("2024-01-01", "2024-01-02"):
        folder = tmp_path / f"dt={day}"
        folder.mkdir()
        ROWS.write_parquet(folder / "part.parquet")
    (tmp_path / "_tmp.parquet").write_bytes(b"not a table")
    assert height(tmp_path) == 20
    assert height(f"{tmp_path}/*/part.parquet") == 20
    found = result(str(tmp_path), rule(RowCheck(condition("dt > '2024-01-01'", dt="ANY"))))
    assert found.failed == 10


def test_files_that_differ(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "a.parquet")
    ROWS.select(pl.col("n").cast(pl.Int32)).write_parquet(tmp_path / "b.parquet")
    assert result(str(tmp_path), rule("s IS NOT NULL")).failed == 10
    assert result(str(tmp_path), rule("n < 9")).failed == 2
    ROWS.select(n=pl.col("s")).write_parquet(tmp_path / "c.parquet")
    with pytest.raises(SourceError, match="STRING in column n"):
        judged(str(tmp_path), rule("n < 9"))


def test_delta_tables_at_their_version(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    path = str(tmp_path / "table")
    write_deltalake(path, ROWS.to_arrow())
    write_deltalake(path, ROWS.to_arrow(), mode="append")
    assert height(path) == 20
    assert result(path, unique("n")).failed == 20
    from sfctl.runtime.core.files import delta

    assert result(delta(path, 0), unique("n")).failed == 0


def test_queries_run_in_batches() -> None:
    source = LazySource(ROWS.lazy().filter(pl.col("n") > 1), rows=3)
    assert result(source, rule("n > 2")).failed == 1
    assert judged(ROWS.lazy()).rows == 10


CSV = """id,amount,when,ok,note
1,1.10,2024-01-01T00:00:00Z,true,a
2,abc,2024-01-01 00:00:00Z,True,
3,2.225,yesterday,false,"b,c"
x,-3.00,2024-01-02T00:00:00+01:00,maybe,d
"""
TYPES = {"id": "INT64", "amount": "DECIMAL(6,2)", "when": "TIMESTAMP", "ok": "BOOLEAN"}


def test_csv_is_read_by_the_types_of_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(CSV)
    schema = declared("compatible", baseline=False, **TYPES)
    found = judged(str(path), rule("amount > 0"), rule("note IS NOT NULL", "note"), schema=schema)
    g3 = found.gates[0]
    assert g3.signatures == {
        "TYPE_MISMATCH:amount:DECIMAL(6,2)→STRING": 2,
        "TYPE_MISMATCH:id:INT64→STRING": 1,
        "TYPE_MISMATCH:ok:BOOLEAN→STRING": 1,
        "TYPE_MISMATCH:when:TIMESTAMP→STRING": 1,
    }
    assert (g3.result, g3.failed, found.rows, found.bad) == ("FAIL", 3, 4, 3)
    assert [(r.status, r.failed) for r in found.rules] == [("fail", 1), ("fail", 1)]
    assert found.totals.declared == 2
    assert g3.details["cells"] == [
        {"row": 2, "field": "amount"},
        {"row": 3, "field": "amount"},
        {"row": 3, "field": "when"},
        {"row": 4, "field": "id"},
        {"row": 4, "field": "ok"},
    ]
    assert {c["name"]: c["type"] for c in found.schema} == {
        **TYPES, "note": "STRING",
    }  # fmt: skip


def test_undeclared_text_is_a_number_where_every_value_is_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text("zip\tn\tx\n00501\t1\t1.5\n10001\t22\t2\n")
    assert result(str(path), rule("n > 5")).failed == 1
    assert result(str(path), measure("sum", "x")).measured == "3.5"
    assert judged(str(path)).schema[0]["type"] == "INT64"
    pattern = Matches(condition("zip = 'a'", zip="ANY").left, "[0-9]{5}")  # type: ignore[union-attr]
    assert result(str(path), rule(RowCheck(pattern))).status == "pass"


def test_json_lines_keep_what_is_nested_and_read_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"n": 1, "d": "1.10", "p": {"q": 5}}\n{"n": "two", "d": 2}\n{"d": 1e2, "p": {"q": 7}}\n'
    )
    schema = declared(n="INT64", d="DECIMAL(6,2)")
    found = judged(str(path), rule("p.q > 5"), rule("d < 100", "d"), schema=schema)
    assert [(r.failed, r.evaluated) for r in found.rules] == [(1, 3), (1, 3)]
    assert found.gates[0].signatures == {"TYPE_MISMATCH:n:INT64→STRING": 1}


def test_a_rule_on_the_type_answers_for_the_text(tmp_path: Path) -> None:
    from sfctl.model.expr import CastsTo, Field
    from sfctl.model.types import parse

    path = tmp_path / "rows.csv"
    path.write_text("n\n1\nx\n3\n")
    kind = parse("INT64")
    check = rule(
        RowCheck(CastsTo(Field(("n",), kind), kind)), "t", signature="TYPE_MISMATCH:n:INT64"
    )
    found = judged(str(path), check, schema=declared(n="INT64"))
    assert [(r.failed, r.status) for r in found.rules] == [(1, "fail")]
    assert found.bad == 1
    undeclared = judged(str(path), check)
    assert undeclared.rules[0].failed == 1


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.parquet", None, "SF501"),
        ("rows.parquet", b"PAR1 nothing", "SF501"),
        ("rows.xlsx", b"", "SF502"),
        ("rows.csv", b"a,b\n1,2\n1,2,3\n", "SF504"),
        ("rows.csv", b"a\n\xff\xfe\n", "SF504"),
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', "SF501"),
        ("folder", None, "SF501"),
    ],
)
def test_what_cannot_be_read_says_so(
    tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    elif name == "folder":
        path.mkdir()
    with pytest.raises(SourceError) as caught:
        judged(str(path), rule("a > 0"))
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_several_formats_in_a_folder(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "a.parquet")
    ROWS.write_csv(tmp_path / "b.csv")
    with pytest.raises(SourceError, match="several formats"):
        judged(str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("INT8", ["1", "-128", "+5", "7.0", "1e2"], ["128", "1.5", "", "x", " 1", "1e3"]),
        ("DOUBLE", ["1", "1.5", "-2e10", "NaN"], ["inf", "1,5", "x", "", "1e999"]),
        ("DECIMAL(4,2)", ["1.10", "-99.99", "0.100"], ["100.00", "1.234", "1e5", "x"]),
        ("DATE", ["2024-02-29"], ["2023-02-29", "01/02/2024", "2024-01-01T00:00:00"]),
        ("TIME", ["10:00", "10:00:00", "10:00:00.5"], ["25:00:00", "x"]),
        ("TIMESTAMP", ["2024-01-01T10:00:00Z", "2024-01-01 10:00+0100"], ["2024-01-01T10:00:00"]),
        ("TIMESTAMP_NTZ", ["2024-01-01T10:00", "2024-01-01"], ["2024-01-01T10:00:00Z", "x"]),
        ("BOOLEAN", ["true", "False"], ["1", "yes"]),
    ],
)
def test_written_forms(kind: str, good: list[str], bad: list[str]) -> None:
    from sfctl.model.types import parse
    from sfctl.runtime.polars import texts

    frame = pl.DataFrame({"t": [*good, *bad]})
    read = frame.select(texts.column(pl.col("t"), parse(kind))).to_series()
    assert read.dtype == texts.dtype_of(parse(kind))
    assert read.is_not_null().to_list() == [True] * len(good) + [False] * len(bad)


def test_written_forms_are_read_exactly() -> None:
    from sfctl.model.types import parse
    from sfctl.runtime.polars import texts

    def one(text: str, kind: str) -> Any:
        return pl.DataFrame({"t": [text]}).select(texts.column(pl.col("t"), parse(kind))).item()

    assert one("12345678901234567890.12", "DECIMAL(38,2)") == Decimal("12345678901234567890.12")
    assert one("2024-01-01 10:00+0100", "TIMESTAMP") == datetime(2024, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("rows.csv", "id,id,v\n1,2,3\n", "'id'"),
        ("rows.csv", '"a b",v,"a b"\r\n1,2,3\r\n', "'a b'"),
        ("rows.tsv", "v\tx\tx\n1\t2\t3\n", "'x'"),
        ("rows.csv", "a,,\n1,2,3\n", "''"),
    ],
)
def test_a_header_that_names_a_column_twice(
    tmp_path: Path, name: str, text: str, column: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=f"names the column {column} twice") as error:
        judged(str(tmp_path / name), rule("v > 0"))
    assert error.value.code == "SF504"


def test_a_column_may_be_called_what_the_kernel_calls_a_second_one(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,id_duplicated_0\n1,2\n")
    assert result(str(tmp_path / "rows.csv"), rule("id_duplicated_0 > 2")).failed == 1


def test_a_file_of_nothing_but_a_header_skips_every_rule_on_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n")
    rules = [rule("id > 3"), rule("id + 1 > 3", "sum"), measure("avg", "id")]
    assert {r.status for r in judged(str(path), *rules).rules} == {"skipped"}
    absent = judged(str(path), rule("nope > 3")).rules[0]
    assert (absent.status, absent.reason) == ("error", "column nope is absent")
    path.write_text("id,name\nx,y\n")
    assert judged(str(path), *rules).rules[0].status == "error"


def test_of_a_key_that_stands_twice_the_first_value_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 5, "n": -7}\n{"n": -7, "n": 5}\n')
    assert judged(str(path), rule("n > 0")).rules[0].failed == 1
