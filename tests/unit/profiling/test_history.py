"""Days of a table: only those that are new or rewritten are read, and it makes no difference."""

from __future__ import annotations

import os
import shutil
import zlib
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from sfctl.model.schema import Schema
from sfctl.profiling.baseline import as_bytes, baseline
from sfctl.profiling.history import WINDOW, History, measured
from sfctl.profiling.rows import rows_at
from sfctl.profiling.tiers import BUILT_IN
from sfctl.runtime.core.schema_of import of_polars
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Write

FIRST = date(2026, 1, 1)
ROWS = 40


def day(number: int, rows: int = ROWS, shift: int = 0) -> pl.DataFrame:
    """The rows of one day: more distinct values over the days than are kept, some nulls, an id."""
    ids = [number * 1_000 + n + shift for n in range(rows)]
    return pl.DataFrame(
        {
            "id": ids,
            "amount": [None if n % 7 == 0 else (n * 37 % 101) / 4 for n in ids],
            "state": [("NEW", "PAID", "SENT")[n % 3] for n in ids],
            "mail": [f"customer{n}@mail.example.com" for n in ids],
            "dt": [(FIRST + timedelta(days=number)).isoformat()] * rows,
        }
    )


def profiled(path: Path, kept: Path | None = None) -> History:
    return measured(rows_at(str(path)), frozenset(), kept)


def document(path: Path, history: History) -> bytes:
    schema: Schema = of_polars(rows_at(str(path)).schema)
    return as_bytes(baseline(history, schema, "urn:dp:a:b", "t", BUILT_IN))


def append(table: Path, kind: str, frame: pl.DataFrame) -> None:
    """Add rows to a table of a kind that knows its days in its own way."""
    if kind == "delta":
        write_deltalake(table, frame, mode="append", partition_by=["dt"])
    elif kind == "unpartitioned":
        write_deltalake(table, frame, mode="append")
    elif kind == "snapshot":
        request = Write("append", (f"k{frame.item(0, 'id')}",), "", partition_by=("dt",))
        open_table(str(table), "parquet").write(frame, request)
    else:
        for (value,), part in frame.partition_by("dt", as_dict=True).items():
            folder = table / f"dt={value}"
            folder.mkdir(parents=True, exist_ok=True)
            part.drop("dt").write_parquet(folder / f"{part.item(0, 'id')}.parquet")


KINDS = ["delta", "unpartitioned", "snapshot", "folders"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_more_is_all_that_is_read(kind: str, tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    append(table, kind, pl.concat(day(n) for n in range(8)))
    first = profiled(table, kept)
    assert (first.read_days, first.read_rows) == (8, 8 * ROWS)
    assert profiled(table, kept).read_rows == 0
    append(table, kind, day(8))
    second = profiled(table, kept)
    assert (second.read_days, second.read_rows) == (1, ROWS)
    assert document(table, second) == document(table, profiled(table))


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_row_has_its_day_read_again(kind: str, tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    for number in range(5):
        append(table, kind, day(number))
    profiled(table, kept)
    append(table, kind, day(2, rows=3, shift=500))
    late = profiled(table, kept)
    assert (late.read_days, late.read_rows) == (1, ROWS + 3)
    assert late.days["2026-01-03"].rows == ROWS + 3
    assert document(table, late) == document(table, profiled(table))


def test_a_rewritten_and_a_deleted_day_are_noticed(tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    append(table, "delta", pl.concat(day(n) for n in range(5)))
    profiled(table, kept)
    write_deltalake(
        table, day(1, rows=7), mode="overwrite", predicate="dt = '2026-01-02'", partition_by=["dt"]
    )
    DeltaTable(table).delete("dt = '2026-01-04'")
    found = profiled(table, kept)
    assert (found.read_days, found.read_rows) == (1, 7)
    assert [state.rows for state in found.days.values()] == [ROWS, 7, ROWS, ROWS]
    assert document(table, found) == document(table, profiled(table))


def test_a_file_written_anew_is_read_anew(tmp_path: Path) -> None:
    file, kept = tmp_path / "rows.csv", tmp_path / "kept"
    day(0).drop("dt").write_csv(file)
    assert profiled(file, kept).read_rows == ROWS
    assert profiled(file, kept).read_rows == 0
    status = file.stat()
    file.write_text(file.read_text().replace("PAID", "LOST"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    found = profiled(file, kept)
    assert found.read_rows == ROWS
    assert b'"LOST"' in document(file, found)


def test_the_window_is_the_newest_days(tmp_path: Path) -> None:
    table = tmp_path / "t"
    append(table, "delta", pl.concat(day(n, rows=3) for n in range(WINDOW + 4)))
    found = profiled(table)
    assert found.read_rows == 3 * WINDOW
    assert min(found.days) == (FIRST + timedelta(days=4)).isoformat()


@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"half"], ids=repr)
def test_damaged_state_is_as_none(damage: bytes, tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    append(table, "delta", day(0))
    before = document(table, profiled(table, kept))
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if damage == b"half" else damage)
    found = profiled(table, kept)
    assert found.read_rows == ROWS
    assert document(table, found) == before
    assert profiled(table, kept).read_rows == 0


def test_a_column_more_has_every_day_read_again(tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    append(table, "delta", day(0))
    profiled(table, kept)
    wider = day(1).with_columns(note=pl.lit("x"))
    write_deltalake(table, wider, mode="append", schema_mode="merge", partition_by=["dt"])
    found = profiled(table, kept)
    assert found.read_days == 2
    assert found.days["2026-01-01"].columns["note"].nulls == ROWS


def test_nothing_personal_is_kept(tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    append(table, "delta", pl.concat(day(n) for n in range(3)))
    found = measured(rows_at(str(table)), frozenset({"state"}), kept)
    for data in (zlib.decompress(kept.read_bytes()), document(table, found)):
        assert b"customer" not in data
        assert b"example.com" not in data
        assert b"PAID" not in data
        assert b"mail" in data
    assert found.personal == {"mail": "EMAIL"}
    # a column that becomes personal on a later day is forgotten on the earlier ones too
    append(table, "delta", day(3).with_columns(amount=pl.lit(1.0), state=pl.col("mail")))
    open_again = profiled(table, kept)
    assert open_again.personal == {"mail": "EMAIL", "state": "EMAIL"}
    assert b"PAID" not in zlib.decompress(kept.read_bytes())
    assert b"PAID" not in document(table, open_again)


@pytest.mark.parametrize("values", [20, 3_000])
def test_one_personal_value_that_would_be_written_hides_its_column(
    values: int, tmp_path: Path
) -> None:
    # one in five thousand: far below what makes a column personal, and past the sample
    notes = [f"gate {n % values:05d}" for n in range(5_000)]
    notes[-1] = "a.person@mail.example.com called"
    pl.DataFrame({"note": notes}).write_parquet(tmp_path / "rows.parquet")
    kept = tmp_path / "kept"
    found = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset(), kept)
    assert found.personal == {"note": "EMAIL"}
    written = document(tmp_path / "rows.parquet", found)
    assert b"person" not in written.replace(b'"personal"', b"")
    assert b"a.person" not in zlib.decompress(kept.read_bytes())


def test_arrival_is_by_the_commit_log(tmp_path: Path) -> None:
    table = tmp_path / "t"
    append(table, "delta", day(0))
    written = DeltaTable(table).history()[0]["timestamp"] / 1000
    start = (FIRST - date(1970, 1, 1)).total_seconds()
    (state,) = profiled(table).days.values()
    assert state.arrived is not None
    assert abs(state.arrived - (written - start)) < 60
    shutil.rmtree(table)
    append(table, "folders", day(0))
    (state,) = profiled(table).days.values()
    assert state.arrived is None  # the times of plain files change when they are copied


@pytest.mark.parametrize("order", [(4, 0, 3, 1, 2), (2, 1, 0, 4, 3)])
def test_days_may_land_in_any_order(order: tuple[int, ...], tmp_path: Path) -> None:
    straight, table, kept = tmp_path / "s", tmp_path / "t", tmp_path / "kept"
    append(straight, "folders", pl.concat(day(n) for n in range(5)))
    for number in order:
        append(table, "folders", day(number))
        found = profiled(table, kept)
        assert found.read_days == 1
    assert document(table, found) == document(straight, profiled(straight))


def test_what_is_personal_no_longer_is_read_again(tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"
    append(table, "folders", pl.concat([day(0), day(1)]))
    append(table, "folders", day(2).with_columns(state=pl.col("mail")))
    assert profiled(table, kept).personal == {"mail": "EMAIL", "state": "EMAIL"}
    shutil.rmtree(table / "dt=2026-01-03")
    found = profiled(table, kept)
    assert found.read_days == 2
    assert b"PAID" in document(table, found)
    assert document(table, found) == document(table, profiled(table))


@pytest.mark.parametrize("kind", ["folders", "delta"])
def test_days_in_three_partitions(kind: str, tmp_path: Path) -> None:
    table, kept = tmp_path / "t", tmp_path / "kept"

    def land(number: int) -> None:
        at = FIRST + timedelta(days=number)
        frame = day(number).drop("dt")
        if kind == "delta":
            parts = {"year": at.year, "month": at.month, "day": at.day}
            rows = frame.with_columns(pl.lit(v).alias(name) for name, v in parts.items())
            write_deltalake(table, rows, mode="append", partition_by=list(parts))
        else:
            folder = table / f"year={at.year}" / f"month={at.month:02d}" / f"day={at.day:02d}"
            folder.mkdir(parents=True)
            frame.write_parquet(folder / "part.parquet")

    for number in (29, 30, 31):
        land(number)
    assert list(profiled(table, kept).days) == ["2026-01-30", "2026-01-31", "2026-02-01"]
    land(32)
    found = profiled(table, kept)
    assert (found.read_days, found.read_rows) == (1, ROWS)
    assert document(table, found) == document(table, profiled(table))
