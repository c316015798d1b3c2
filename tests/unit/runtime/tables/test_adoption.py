"""Files become rows of a table where they lie: one commit, or none and the reason why."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from sfctl.errors import StoreError, UsageError
from sfctl.model.write import Mode
from sfctl.runtime.tables.delta import DeltaLake
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import StagedFile, Table, Write


def columns(**kinds: str) -> str:
    """A schema as the log has it."""
    fields = [{"name": n, "type": k, "nullable": True, "metadata": {}} for n, k in kinds.items()]
    return json.dumps({"type": "struct", "fields": fields})


IDS = columns(id="long", dt="string")


def stage(
    path: Path, ids: Sequence[int | None], dt: str | None = "a", nulls: int | None = 0, **more: Any
) -> StagedFile:
    """One staged file of some ids, in a partition."""
    folder = "__HIVE_DEFAULT_PARTITION__" if dt is None else dt  # Polars reads it off the path
    name = f"stage-{time.time_ns()}/dt={folder}/part.parquet"
    frame = pl.DataFrame({"id": ids}, schema={"id": pl.Int64}).with_columns(**more)
    (path / name).parent.mkdir(parents=True)
    frame.write_parquet(path / name)
    told: dict[str, Any] = {"numRecords": len(ids)}
    told |= {} if nulls is None else {"nullCount": {"id": nulls}}
    size = os.path.getsize(path / name)
    return StagedFile(name, size, len(ids), {"dt": dt}, time.time_ns() // 10**6, json.dumps(told))


def adopt(
    table: Table,
    *files: StagedFile,
    key: str,
    mode: Mode = "append",
    schema: str = IDS,
    by: tuple[str, ...] = ("dt",),
    **more: Any,
) -> int | str:
    """Adopt files; return the version, or the reason why that cannot be."""
    why: list[str] = []

    def otherwise(reason: str) -> None:
        why.append(reason)
        raise UsageError(reason)

    request = Write(mode, (key,), json.dumps({"note": key}), by, **more)
    try:
        return table.adopt(lambda: files, schema, request, otherwise)
    except UsageError:
        return why[0]


def ids(table: Table) -> list[int]:
    return sorted(table.scan().collect()["id"].to_list())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t"


def test_a_first_write_creates_the_table(path: Path) -> None:
    table = open_table(str(path))
    assert adopt(table, stage(path, [1, 2]), stage(path, [3], "b"), key="k") == 0
    assert table.scan().sort("id").collect().rows() == [(1, "a"), (2, "a"), (3, "b")]
    assert table.partitioned_by() == ("dt",)
    found = table.commit(0)
    assert found is not None
    assert (found.kind, found.note) == ("ours", '{"note": "k"}')
    assert table.committed("k") == open_table(str(path)).committed("k") == 0


def test_no_rows_make_a_table_too(path: Path) -> None:
    table = open_table(str(path))
    assert adopt(table, key="k") == 0
    assert table.scan().collect().columns == ["id", "dt"]
    assert adopt(table, key="l") == 1


def test_names_of_partitions_may_hold_anything(path: Path) -> None:
    table = open_table(str(path))
    name = "a b%2F\u00e9"
    file = stage(path, [1], name)
    odd = StagedFile(file.path, file.size, 1, {"dt": "a b/\u00e9"}, file.written_at, file.stats)
    adopt(table, odd, stage(path, [2], None), key="k")
    assert set(table.scan().collect()["dt"]) == {"a b/\u00e9", None}


@pytest.mark.parametrize(
    ("mode", "more", "left"),
    [
        ("append", {}, [1, 2, 3, 9]),
        ("overwrite", {}, [9]),
        ("overwrite_partitions", {}, [1, 3, 9]),
        ("overwrite_partitions", {"partition": {"dt": "a"}}, [2, 3, 9]),
        ("overwrite_partitions", {"partition": {"dt": None}}, [1, 2, 9]),
    ],
)
def test_modes(path: Path, mode: Mode, more: dict[str, Any], left: list[int]) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), stage(path, [2], "b"), stage(path, [3], None), key="k")
    assert adopt(table, stage(path, [9], "b"), key="l", mode=mode, **more) == 1
    assert ids(table) == left


def test_a_partition_may_be_a_truth_but_no_moment(path: Path) -> None:
    kinds = columns(id="long", flag="boolean", at="timestamp")

    def file(number: int, flag: str) -> StagedFile:
        made = stage(path, [number], f"{flag}/at=2020-01-01 00%3A00%3A00")
        return replace(made, partition={"flag": flag, "at": "2020-01-01 00:00:00"})

    table = open_table(str(path))
    more: dict[str, Any] = {"schema": kinds, "by": ("flag", "at"), "mode": "overwrite_partitions"}
    adopt(table, file(1, "true"), file(2, "false"), key="k", **more)
    assert adopt(table, file(3, "true"), key="l", partition={"flag": True}, **more) == 1
    held = DeltaTable(str(path)).get_add_actions(flatten=True)
    assert sorted(pl.DataFrame(held)["partition.flag"]) == [False, True]
    why = adopt(table, file(4, "true"), key="m", partition={"at": "2020-01-01"}, **more)
    assert why == "partitions of at have more than one name"


def test_several_partitions_are_replaced_at_once(path: Path) -> None:
    table = open_table(str(path))
    adopt(table, *(stage(path, [n], dt) for n, dt in enumerate("abc")), key="k")
    files = (stage(path, [7], "a"), stage(path, [8], "c"))
    assert adopt(table, *files, key="l", mode="overwrite_partitions") == 1
    assert ids(table) == [1, 7, 8]
    assert adopt(table, key="m", mode="overwrite_partitions") == 2
    assert ids(table) == [1, 7, 8]


@pytest.mark.parametrize("mode", ["append", "overwrite", "overwrite_partitions"])
def test_new_columns_come_in_the_same_commit(path: Path, mode: Mode) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    wider = columns(id="long", dt="string", more="double")
    file = stage(path, [2], "b", more=pl.lit(1.5))
    assert adopt(table, file, key="l", mode=mode, schema=wider) == 1
    found = table.scan().sort("id").collect()
    assert found.columns == ["id", "dt", "more"]
    assert found["more"].to_list() == ([1.5] if mode == "overwrite" else [None, 1.5])


def test_columns_that_are_not_brought_are_null(path: Path) -> None:
    table = open_table(str(path))
    adopt(
        table, stage(path, [1], more=pl.lit("x")), key="k",
        schema=columns(id="long", dt="string", more="string"),
    )  # fmt: skip
    assert adopt(table, stage(path, [2]), key="l") == 1
    assert table.scan().sort("id").collect()["more"].to_list() == ["x", None]


def test_a_key_is_committed_once(path: Path) -> None:
    one, other = open_table(str(path)), open_table(str(path))
    adopt(one, stage(path, [1]), key="k")
    other.refresh()
    stale = open_table(str(path))
    assert adopt(one, stage(path, [2]), key="l") == 1
    assert adopt(stale, stage(path, [2]), key="l") == 1
    assert ids(open_table(str(path))) == [1, 2]


def test_appends_go_beside_each_other_and_an_overwrite_stands_alone(path: Path) -> None:
    table, late = open_table(str(path)), open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    late.refresh()
    adopt(table, stage(path, [2]), key="l")
    assert adopt(late, stage(path, [3]), key="m") == 2
    late = open_table(str(path))
    adopt(table, stage(path, [4]), key="n")
    assert adopt(late, stage(path, [5]), key="o", mode="overwrite") == 4
    assert ids(late) == [5]


def test_two_first_writers_both_get_in(path: Path) -> None:
    table, other = open_table(str(path)), open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    assert adopt(other, stage(path, [2]), key="l") == 1
    assert ids(other) == [1, 2]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (columns(id="integer", dt="string"), "id is of another type"),
        (columns(ID="long", dt="string"), "differs from the table's in case"),
        (columns(id="long", dt="string", iv="interval year to month"), "only its engine writes"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(
    path: Path, schema: str, reason: str
) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    assert reason in str(adopt(table, stage(path, [2]), key="l", schema=schema))
    assert (table.head(), ids(table)) == (0, [1])


def test_columns_that_may_not_be_null_are_asked_of_the_files(path: Path) -> None:
    import pyarrow as pa

    fields = [pa.field("id", pa.int64(), nullable=False), pa.field("dt", pa.string())]
    rows = pa.table({"id": [1], "dt": ["a"]}, schema=pa.schema(fields))
    write_deltalake(str(path), rows, partition_by=["dt"])
    table = open_table(str(path))
    assert adopt(table, stage(path, [2]), key="k") == 1
    for file in (stage(path, [None], nulls=1), stage(path, [3], nulls=None)):
        assert adopt(table, file, key="l") == "column id may not be null"
    assert ids(table) == [1, 2]


def test_a_constraint_is_not_stepped_over(path: Path) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    DeltaTable(str(path)).alter.add_constraint({"small": "id < 5"})
    table.refresh()
    assert adopt(table, stage(path, [7]), key="l") == "CHECK constraints"


def test_other_partitions_than_the_tables_are_no_folders_of_it(path: Path) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    file = stage(path, [2])
    flat = StagedFile(file.path, file.size, 1, {}, file.written_at, file.stats)
    assert "partitioned by other columns" in str(adopt(table, flat, key="l"))


def test_what_nobody_adopted_is_garbage_to_a_vacuum(path: Path) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    replaced = stage(path, [2])
    adopt(table, replaced, key="l", mode="overwrite")
    adopt(table, stage(path, [3]), key="m", mode="overwrite")
    left = stage(path, [9])
    (path / left.path).with_name(".part.parquet.crc").write_text("x")
    doomed = table.vacuum([0], retention_hours=0, dry_run=False)
    assert {left.path, replaced.path} <= set(doomed)
    assert not (path / left.path).exists()
    assert ids(table) == [3]
    assert table.scan(0).collect()["id"].to_list() == [1]


def test_files_whose_every_row_goes_are_taken_out_in_the_same_commit(path: Path) -> None:
    table = open_table(str(path))
    told = {"minValues": {"name": "a"}, "maxValues": {"name": "a"}}
    other = {"minValues": {"name": "b"}, "maxValues": {"name": "c"}}

    def named(number: int, **stats: Any) -> StagedFile:
        file = stage(path, [number], "a b:c", name=pl.lit("a"))
        return replace(file, stats=json.dumps({"numRecords": 1, **stats}))

    schema = columns(id="long", dt="string", name="string")
    adopt(table, named(1, **told), named(2, **other), key="k", schema=schema)
    done = adopt(
        table, named(3, **told), key="l", schema=schema, takes_out={"name": ("a", "z")},
    )  # fmt: skip
    assert (done, ids(table)) == (1, [2, 3])
    for values in (("b",), ("bb",)):
        why = adopt(table, named(4), key="m", schema=schema, takes_out={"name": values})
        assert "among others" in str(why)
    assert ids(table) == [2, 3]


def test_files_that_are_gone_are_not_adopted(path: Path) -> None:
    table = open_table(str(path))
    adopt(table, stage(path, [1]), key="k")
    file = stage(path, [2])
    (path / file.path).unlink()
    with pytest.raises(StoreError, match="gone"):
        adopt(table, file, key="l")
    assert ids(table) == [1]


def test_a_note_of_sparks_own_writer_is_read_as_ours(path: Path) -> None:
    table = DeltaLake(str(path))
    adopt(table, stage(path, [1]), key="k")
    log = path / "_delta_log" / "00000000000000000000.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    info = next(line["commitInfo"] for line in lines if "commitInfo" in line)
    told = {name: info.pop(name) for name in ("sfctl", "sfctl_keys")}
    info["userMetadata"] = json.dumps(told)
    log.write_text("\n".join(json.dumps(line) for line in lines))
    again = DeltaLake(str(path))
    found = again.commit(0)
    assert found is not None
    assert (found.kind, found.note, again.committed("k")) == ("ours", '{"note": "k"}', 0)
