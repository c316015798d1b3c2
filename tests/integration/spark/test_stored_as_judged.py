"""What is judged is what will be stored: no cast, blank or folder's name comes in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from sfctl.errors import StoreError, UsageError
from sfctl.model.expr import Compare, Constant, Field, IsNull
from sfctl.model.policy import Policy, RowCheck, Rule, Unique
from sfctl.model.types import parse
from tests.publish_rig import batch, policy, positive
from tests.spark_publish_rig import SparkRig

NOTE = Field(("note",), parse("STRING"))


def by(*checks: Any) -> Policy:
    return policy(
        rules=tuple(
            Rule(f"r{i}", "expression", "DQ", check, f"INVARIANT_VIOLATION:r{i}", fields=("note",))
            for i, check in enumerate(checks)
        )
    )


def create(rig: SparkRig, columns: str, more: str = "") -> None:
    rig.spark.sql(f"CREATE TABLE delta.`{rig.path}` ({columns}) USING delta {more}").collect()


def stored(rig: SparkRig, *names: str) -> list[tuple[Any, ...]]:
    rows = rig.spark.read.format("delta").load(rig.path).select(*names)
    return sorted(map(tuple, rows.collect()), key=str)


def test_a_merge_stores_no_other_values(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, "id BIGINT, amount DECIMAL(10,1), note STRING")
    rows = spark.sql("SELECT 1L id, CAST(0.04 AS DECIMAL(10,4)) amount, 'a' note")
    with pytest.raises(StoreError, match="other values than were judged") as caught:
        rig.write(rows, day=2, mode="merge")
    assert caught.value.code == "SF335"
    assert rig.table().head() == 0
    narrow = spark.sql("SELECT 1 id, CAST(4 AS DECIMAL(3,0)) amount, 'a' note")
    rig.write(narrow, day=3, mode="merge")
    assert [row[0] for row in stored(rig, "id")] == [1]


def test_texts_of_limited_length_are_judged_as_they_are_stored(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, "id BIGINT, note CHAR(3), more VARCHAR(2)")
    short = Compare("=", NOTE, Constant("ab", parse("STRING")))
    rows = spark.sql("SELECT 1L id, 'ab' note, 'x' more UNION ALL SELECT 2L, 'abc', 'x    '")
    assert rig.write(rows, by(RowCheck(short)), day=2).rows_quarantined == 2
    rig.write(rows, by(), day=3)
    files = DeltaTable(rig.path).to_pandas().sort_values("id")
    assert files[["note", "more"]].to_numpy().tolist() == [["ab ", "x"], ["abc", "x "]]
    with pytest.raises(StoreError):
        rig.write(spark.sql("SELECT 1L id, 'abcd' note, 'x' more"), by(), day=4)


def test_nothing_is_taken_out_of_a_table_to_be_appended_to(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, "id BIGINT, amount DOUBLE, note STRING", "TBLPROPERTIES('delta.appendOnly'='true')")
    rig.write(batch(1, 2), day=2)
    with pytest.raises(StoreError, match="APPEND_ONLY"):
        rig.write(batch(3, start=5), day=3, mode="overwrite")
    assert rig.ids() == [0, 1]


def test_an_overwrite_by_spark_leaves_a_table_what_it_is(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    columns = "id BIGINT NOT NULL, twice BIGINT GENERATED ALWAYS AS (id * 2), note STRING"
    create(rig, columns, "PARTITIONED BY (note)")
    before = DeltaTable(rig.path)
    rig.write(spark.sql("SELECT 4L id, 'x' note"), by(), day=2, mode="overwrite")
    after = DeltaTable(rig.path)
    assert after.schema().to_json() == before.schema().to_json()
    assert after.metadata().partition_columns == ["note"]
    assert stored(rig, "id", "twice", "note") == [(4, 8, "x")]


def test_names_that_folders_have_for_null_are_judged_as_null(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rows = spark.createDataFrame(
        [(1, "__HIVE_DEFAULT_PARTITION__"), (2, "a=b"), (3, "%2F"), (4, "é"), (5, "a/b ")],
        "id long, note string",
    )
    filled = RowCheck(IsNull(NOTE, negated=True))
    result = rig.write(rows, by(filled), day=1, partition_by=("note",))
    assert (result.rows_quarantined, result.certification == "CERTIFIED") == (1, False)
    assert stored(rig, "id", "note") == [(2, "a=b"), (3, "%2F"), (4, "é"), (5, "a/b ")]


def test_rows_that_spark_would_not_read_back_are_not_passed_unseen(
    tmp_path: Path, spark: Any
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rows = spark.sql("SELECT 1L id, 'x._COPYING_' note FROM range(2)")
    with pytest.raises(StoreError, match="read back all files"):
        rig.write(rows, by(Unique(("id",))), day=1, partition_by=("note",))
    assert rig.table().head() is None
    assert not list(Path(rig.path).glob("stage-*"))


def test_a_partition_is_not_taken_for_a_column_of_other_case(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rows = spark.sql("SELECT 1L id, 1D amount, 'n' note, 'b' P")
    with pytest.raises(UsageError, match="differ in case") as caught:
        rig.write(rows, policy(rules=(positive(),)), day=1, partition={"p": "a"})
    assert caught.value.code == "SF312"
    assert rig.table().head() is None


def test_rows_that_are_gone_before_they_were_published_are_missed(
    tmp_path: Path, spark: Any
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1, 2), day=1)

    published = {*Path(rig.path).glob("stage-*/*.parquet")}

    def vacuumed(step: str) -> None:
        if step == "staged":
            for file in {*Path(rig.path).glob("stage-*/*.parquet")} - published:
                file.unlink()

    rig.staging = vacuumed
    with pytest.raises(StoreError, match="gone before") as caught:
        rig.write(batch(3, 4, start=10), day=2)
    assert caught.value.code == "SF335"
    assert rig.table().head() == 0
    assert rig.ids() == [0, 1]


def test_texts_that_look_like_null_stay_when_the_partition_of_nulls_goes(
    tmp_path: Path, spark: Any
) -> None:
    rig = SparkRig(tmp_path, spark=spark, format="parquet")
    shape = "id long, note string"
    rows = [(1, ""), (2, None), (3, "__HIVE_DEFAULT_PARTITION__"), (4, "v")]
    how: dict[str, Any] = {"partition_by": ("note",), "mode": "overwrite_partitions"}
    rig.write(spark.createDataFrame(rows, shape), by(), day=1, **how)
    rig.write(spark.createDataFrame([(9, None)], shape), by(), day=2, **how)
    assert rig.ids() == [1, 3, 4, 9]
    assert rig.table().scan().sort("id").collect()["note"].to_list() == ["", rows[2][1], "v", None]
