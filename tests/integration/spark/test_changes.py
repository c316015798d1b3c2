"""What a version of Spark's brought: every operation of Delta's, by its own log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.runtime.publishing.changes import Changed, changed
from sfctl.runtime.supervision import spark as commands
from sfctl.runtime.tables import delta_log

Do = Callable[[Any, str], None]
VECTORS = "delta.enableDeletionVectors"
FEED = "delta.enableChangeDataFeed"


@pytest.fixture
def table(spark: Any, tmp_path: Path) -> Callable[..., str]:
    """Make a table of ids 0 to 9 with amounts 0 to 9, half in each of two partitions."""

    def make(*properties: str, parted: bool = True, files: int = 1) -> str:
        path = str(tmp_path / "table")
        frame = rows(spark, 0, 10).repartition(files)
        writer = frame.write.format("delta")
        for name in properties:
            writer = writer.option(name, "true")
        (writer.partitionBy("part") if parted else writer).save(path)
        return path

    return make


def rows(spark: Any, start: int, end: int) -> Any:
    return spark.sql(
        f"SELECT id, CAST(id AS DOUBLE) amount, IF(id % 2 = 0, 'a', 'b') part "
        f"FROM range({start}, {end}, 1, 1)"
    )


def last(path: str) -> Changed:
    head = delta_log.head(path)
    assert head is not None
    version = delta_log.read(path, head.version)
    assert version is not None
    return changed(path, version)


def ids(found: pl.LazyFrame | None) -> list[int]:
    return [] if found is None else sorted(found.select("id").collect()["id"].to_list())


def sql(text: str) -> Do:
    return lambda spark, path: spark.sql(text.replace("TABLE", f"delta.`{path}`"))


MERGE = (
    "MERGE INTO TABLE t USING (SELECT 1L id, 50D amount, 'b' part UNION ALL SELECT 20L, 60D, 'a') s"
    " ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
)
CASES = {
    "append": ((), sql("INSERT INTO TABLE VALUES (11L, 1D, 'a')"),
               "added", [11], "append", 0, True, 1),
    "overwrite": ((), lambda s, p: rows(s, 4, 6).write.format("delta").mode("overwrite").save(p),
                  "added", [4, 5], "overwrite", 0, True, 2),
    "replace_where": ((), lambda s, p: rows(s, 0, 4).where("part = 'a'").write.format("delta")
                      .mode("overwrite").option("replaceWhere", "part = 'a'").save(p),
                      "added", [0, 2], "overwrite_partitions", 0, True, 2),
    "dynamic": ((), lambda s, p: rows(s, 1, 2).write.format("delta").mode("overwrite")
                .option("partitionOverwriteMode", "dynamic").save(p),
                "added", [1], "overwrite_partitions", 0, True, 1),
    "delete": ((), sql("DELETE FROM TABLE WHERE id = 1"),
               "rewritten", [3, 5, 7, 9], "merge", 4, False, 0),
    "delete_by_vector": ((VECTORS,), sql("DELETE FROM TABLE WHERE id = 1"),
                         "partitions", [3, 5, 7, 9], "merge", 0, True, 0),
    "delete_of_files": ((), sql("DELETE FROM TABLE WHERE part = 'a'"),
                        "partitions", [], "merge", 0, True, 0),
    "update": ((), sql("UPDATE TABLE SET amount = -1 WHERE id = 1"),
               "rewritten", [1, 3, 5, 7, 9], "merge", 4, False, 1),
    "update_by_vector": ((VECTORS,), sql("UPDATE TABLE SET amount = -1 WHERE id = 1"),
                         "added", [1], "merge", 0, False, 1),
    "update_with_feed": ((FEED,), sql("UPDATE TABLE SET amount = -1 WHERE id = 1"),
                         "changes", [1], "merge", 0, False, 1),
    "merge": ((), sql(MERGE), "rewritten", [1, 3, 5, 7, 9, 20], "merge", 4, False, 2),
    "merge_with_feed": ((FEED,), sql(MERGE), "changes", [1, 20], "merge", 0, True, 2),
    "merge_by_vector": ((VECTORS,), sql(MERGE), "added", [1, 20], "merge", 0, True, 2),
}  # fmt: skip
"""Properties, what is done, which rows are judged and which they are, mode, copied rows, whether
they are a batch, rows written."""


@pytest.mark.parametrize("name", CASES)
def test_rows_of_each_operation(name: str, spark: Any, table: Callable[..., str]) -> None:
    properties, do, which, expected, mode, copied, is_batch, written = CASES[name]
    path = table(*properties)
    do(spark, path)
    found = last(path)
    assert (found.which, ids(found.rows), found.mode, found.copied) == (
        which, expected, mode, copied,
    )  # fmt: skip
    assert (found.batch is None) == is_batch
    assert found.rows_written == written
    if which != "changes":
        held = sorted(
            row.id for row in spark.read.format("delta").load(path).select("id").collect()
        )
        assert sorted(ids(found.rows) + ids(found.beside)) == held


def test_files_of_a_schema_since_widened_read_as_the_table_does(
    spark: Any, table: Callable[..., str]
) -> None:
    path = table(parted=False)
    more = rows(spark, 10, 12).selectExpr("*", "current_timestamp() at", "1 extra")
    more.write.format("delta").mode("append").option("mergeSchema", "true").save(path)
    spark.sql(f"UPDATE delta.`{path}` SET amount = 1 WHERE id = 3")
    found = last(path)
    assert found.rows.collect_schema().names() == ["id", "amount", "part", "at", "extra"]
    assert found.rows.collect_schema()["at"] == pl.Datetime("us", "UTC")
    assert found.rows.filter(id=3).select("extra", "amount").collect().row(0) == (None, 1.0)


def test_the_marker_of_a_run_is_in_every_commit_and_maintenance_changes_no_row(
    spark: Any, table: Callable[..., str]
) -> None:
    spark.conf.set(commands.METADATA, commands.marker("run 1/ü"))
    try:
        path = table(files=3)
        spark.sql(f"OPTIMIZE delta.`{path}`")
        spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS (more INT)")
    finally:
        spark.conf.unset(commands.METADATA)
    log = [delta_log.read(path, number) for number in delta_log.since(path, None)]
    assert [(v.operation, v.changes_rows) for v in log if v] == [
        ("WRITE", True), ("OPTIMIZE", False), ("ADD COLUMNS", False),
    ]  # fmt: skip
    assert {commands.marked(v.user_metadata) for v in log if v} == {"run 1/ü"}
