"""The suite of the table port: Delta and Parquet snapshots give the same answers."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sfctl.errors import StoreError, UsageError
from sfctl.model.write import Mode
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Table, Write

FORMATS = ["delta", "parquet"]


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rows(*ids: int, dt: str = "a") -> pl.DataFrame:
    return pl.DataFrame(
        {"id": list(ids), "dt": [dt] * len(ids)}, schema={"id": pl.Int64, "dt": pl.String}
    )


def put(table: Table, frame: pl.DataFrame, mode: Mode, key: str, **more: object) -> int:
    """Write with a note that says its key."""
    return table.write(
        frame,
        Write(mode, (key,), f'{{"note": "{key}"}}', primary_key=("id",), **more),  # type: ignore[arg-type]
    )


def ids(table: Table, version: int | None = None) -> list[int]:
    return sorted(table.scan(version).collect()["id"].to_list())


def test_a_table_that_is_not_there(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    assert table.head() is None
    assert table.committed("k") is None
    assert table.commits(None) == []
    assert table.vacuum([], retention_hours=0) == []
    with pytest.raises(StoreError):
        table.scan()


def test_versions_count_from_zero_and_stay_readable(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    assert put(table, rows(1), "append", "a") == 0
    assert put(table, rows(2), "append", "b") == 1
    assert put(table, rows(3), "overwrite", "c") == 2
    assert (ids(table, 0), ids(table, 1), ids(table, 2)) == ([1], [1, 2], [3])
    assert ids(table) == [3]
    assert open_table(str(tmp_path / "t"), form).head() == 2


def test_a_key_is_found_in_the_version_it_was_committed_in(tmp_path: Path, form: str) -> None:
    path = str(tmp_path / "t")
    table = open_table(path, form)
    for number in range(4):
        put(table, rows(number), "append", f"k{number}")
    again = open_table(path, form)
    assert [again.committed(f"k{n}") for n in range(5)] == [0, 1, 2, 3, None]


def test_commits_carry_our_record(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    for key in "abc":
        put(table, rows(1), "append", key)
    assert [(c.version, c.kind, c.note) for c in table.commits(0)] == [
        (1, "ours", '{"note": "b"}'),
        (2, "ours", '{"note": "c"}'),
    ]
    assert table.commits(2) == []
    assert len(table.commits(None)) == 3
    found = table.commit(1)
    assert found is not None
    assert found.note == '{"note": "b"}'
    assert table.commit(7) is None


def test_overwriting_partitions_leaves_the_others(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    put(table, pl.concat([rows(1), rows(2, dt="b")]), "append", "a", partition_by=("dt",))
    put(table, rows(3, dt="b"), "overwrite_partitions", "b", partition_by=("dt",))
    assert ids(table) == [1, 3]
    put(
        table,
        rows(dt="b"),
        "overwrite_partitions",
        "c",
        partition_by=("dt",),
        partition={"dt": "b"},
    )
    assert ids(table) == [1]


def test_a_first_write_may_have_any_mode(tmp_path: Path, form: str) -> None:
    for mode in ("append", "overwrite", "overwrite_partitions", "merge"):
        table = open_table(str(tmp_path / mode), form)
        put(table, rows(1), mode, "k", partition_by=("dt",))  # type: ignore[arg-type]
        assert ids(table) == [1]


def test_merge_replaces_by_key_and_adds(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    put(table, rows(1, 2), "append", "a")
    put(table, rows(2, 3, dt="new"), "merge", "b")
    found = table.scan().sort("id").collect().rows()
    assert found == [(1, "a"), (2, "new"), (3, "new")]
    with pytest.raises(UsageError, match="primary key"):
        table.write(rows(1), Write("merge", ("c",), ""))


def test_an_empty_frame_keeps_its_columns(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    put(table, rows(), "append", "a")
    assert table.scan().collect().schema == rows().schema
    put(table, rows(1), "append", "b")
    put(table, rows(), "overwrite", "c")
    assert ids(table) == []


def test_vacuum_keeps_what_is_certified(tmp_path: Path, form: str) -> None:
    table = open_table(str(tmp_path / "t"), form)
    for number, key in enumerate("abcd"):
        put(table, rows(number), "overwrite", key)
    assert len(table.vacuum([1], retention_hours=0)) == 2
    removed = table.vacuum([1], retention_hours=0, dry_run=False)
    assert len(removed) == 2
    assert (ids(table, 1), ids(table)) == ([1], [3])
    with pytest.raises((StoreError, OSError)):
        table.scan(0).collect()


def test_two_handles_do_not_write_over_each_other(tmp_path: Path, form: str) -> None:
    path = str(tmp_path / "t")
    put(open_table(path, form), rows(0), "append", "zero")
    one, two = open_table(path, form), open_table(path, form)
    put(one, rows(1), "append", "one")
    put(two, rows(2), "append", "two")
    assert ids(open_table(path, form)) == [0, 1, 2]
    stale = open_table(path, form)
    put(open_table(path, form), rows(3), "append", "three")
    assert put(stale, rows(3), "append", "three") == 3
    assert ids(open_table(path, form)) == [0, 1, 2, 3]


def _appender(path: str, form: str, start: int) -> None:
    table = open_table(path, form)
    for number in range(start, start + 4):
        put(table, rows(number), "append", f"k{number}")


def test_processes_that_append_at_once_all_get_in(tmp_path: Path, form: str) -> None:
    path = str(tmp_path / "t")
    put(open_table(path, form), rows(0), "append", "k0")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_appender, args=(path, form, s)) for s in (100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    table = open_table(path, form)
    assert ids(table) == [0, *range(100, 104), *range(200, 204)]
    assert sorted(table.committed(f"k{n}") or 0 for n in (*range(100, 104), *range(200, 204))) == (
        list(range(1, 9))
    )


MODES = st.sampled_from(["append", "overwrite", "overwrite_partitions", "merge"])
WRITES = st.lists(
    st.tuples(MODES, st.lists(st.integers(0, 5), unique=True, max_size=3), st.sampled_from("ab")),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([("append", [1], "a"), ("append", [1], "b"), ("merge", [1], "a")])
@given(WRITES)
def test_both_hold_the_same_rows_after_the_same_writes(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[Mode, list[int], str]]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    tables = [open_table(str(folder / form), form) for form in FORMATS]
    for number, (mode, numbers, dt) in enumerate(writes):
        for table in tables:
            put(table, rows(*numbers, dt=dt), mode, f"k{number}", partition_by=("dt",))
        contents = [table.scan().collect().sort("id", "dt").rows() for table in tables]
        assert contents[0] == contents[1]
        assert len({table.head() for table in tables}) == 1


def test_keys_outlive_checkpoints_and_log_cleanup(tmp_path: Path) -> None:
    from deltalake import DeltaTable

    path = str(tmp_path / "t")
    table = open_table(path)
    for number in range(12):
        put(table, rows(number), "append", f"k{number}")
    DeltaTable(path).create_checkpoint()
    for number in range(10):
        (tmp_path / "t" / "_delta_log" / f"{number:020d}.json").unlink()
    later = open_table(path)
    assert [later.committed(f"k{n}") for n in (3, 11)] == [3, 11]
    assert later.commit(3) is None
    assert ids(later) == list(range(12))


def test_foreign_and_maintenance_commits_are_told_apart(tmp_path: Path) -> None:
    from deltalake import DeltaTable, write_deltalake

    path = str(tmp_path / "t")
    table = open_table(path)
    put(table, rows(1), "append", "a")
    write_deltalake(path, rows(2), mode="append")
    DeltaTable(path).optimize.compact()
    DeltaTable(path).vacuum(0, dry_run=False, enforce_retention_duration=False)
    DeltaTable(path).delete("id = 2")
    table.refresh()
    kinds = {commit.operation: commit.kind for commit in table.commits(0)}
    assert kinds == {
        "WRITE": "foreign",
        "OPTIMIZE": "maintenance",
        "VACUUM START": "maintenance",
        "VACUUM END": "maintenance",
        "DELETE": "foreign",
    }


def test_only_versioned_formats_are_tables(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no versions"):
        open_table(str(tmp_path), "csv")
    with pytest.raises(UsageError, match="need a local folder"):
        open_table("s3://lake/t", "parquet")


def test_a_damaged_manifest_says_which_version(tmp_path: Path) -> None:
    table = open_table(str(tmp_path / "t"), "parquet")
    put(table, rows(1), "append", "a")
    [manifest] = (tmp_path / "t" / "_versions").iterdir()
    manifest.write_text("{")
    with pytest.raises(StoreError, match="version 0 of t cannot be read"):
        open_table(str(tmp_path / "t"), "parquet")


def test_lost_rows_are_an_error_never_an_empty_table(tmp_path: Path) -> None:
    table = open_table(str(tmp_path / "t"), "parquet")
    put(table, rows(1), "append", "a")
    next((tmp_path / "t" / "data").iterdir()).unlink()
    with pytest.raises(StoreError, match="has lost"):
        table.scan()


def test_an_overwrite_that_loses_a_race_is_tried_again(tmp_path: Path, form: str) -> None:
    path = str(tmp_path / "t")
    put(open_table(path, form), rows(0), "append", "zero")
    stale = open_table(path, form)
    put(open_table(path, form), rows(1), "append", "one")
    assert put(stale, rows(2), "overwrite", "two") == 2
    assert ids(open_table(path, form)) == [2]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1, 2]),
        pl.Series([True, False]),
        pl.Series(["it's", None]),
        pl.Series(["2026-11-01", "2026-11-02"]).str.to_date(),
    ],
    ids=["integer", "boolean", "text", "date"],
)
def test_partitions_of_any_type_are_replaced(tmp_path: Path, form: str, values: pl.Series) -> None:
    table = open_table(str(tmp_path / "t"), form)
    frame = pl.DataFrame({"id": [1, 2], "p": values})
    put(table, frame, "append", "a", partition_by=("p",))
    for number in (0, 1):
        fresh = frame.slice(number, 1).with_columns(id=pl.lit(number + 11, dtype=pl.Int64))
        put(table, fresh, "overwrite_partitions", f"b{number}", partition_by=("p",))
    assert ids(table) == [11, 12]


def test_a_damaged_log_is_an_error_of_ours_to_name(tmp_path: Path) -> None:
    table = open_table(str(tmp_path / "t"))
    put(table, rows(1), "append", "a")
    (tmp_path / "t" / "_delta_log" / f"{1:020d}.json").write_text("{ not json")
    with pytest.raises(StoreError, match="Delta table t cannot be read"):
        open_table(str(tmp_path / "t"))
    with pytest.raises(StoreError, match="Delta table t cannot be"):
        put(table, rows(2), "append", "b")
    with pytest.raises(StoreError, match="Delta table t cannot be read"):
        table.scan(7)


def test_rows_that_do_not_fit_the_table_are_refused(tmp_path: Path) -> None:
    table = open_table(str(tmp_path / "t"))
    put(table, rows(1), "append", "a")
    with pytest.raises(StoreError, match="other values than were judged"):
        put(table, pl.DataFrame({"id": ["text"], "dt": ["a"]}), "append", "b")
    assert ids(table) == [1]


def test_a_table_that_is_not_there_has_nothing_to_change(tmp_path: Path) -> None:
    from sfctl.runtime.tables.delta import DeltaLake

    table = DeltaLake(str(tmp_path / "t"))
    assert table.update("id = 1", {"id": "2"}, "") == 0
    assert table.delete("id = 1", "") == 0
    table.compact({"dt": "a"})
    put(table, rows(1, 2), "append", "a")
    for call in (
        lambda: table.update("nope = 1", {"id": "2"}, ""),
        lambda: table.delete("nope = 1", ""),
        lambda: table.compact({"nope": "a"}),
    ):
        with pytest.raises(StoreError, match="Delta table t cannot be"):
            call()
    assert table.update("id = 1", {"id": "7"}, "note") == 1
    assert table.delete("id = 2", "note") == 1
    assert ids(table) == [7]
