"""Tables that ask more of their writers, and merges: Spark's own writer, our record and keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.errors import StoreError, UsageError
from sfctl.runtime.spark import plain
from tests.publish_rig import batch
from tests.spark_publish_rig import SparkRig

COLUMNS = "id BIGINT, amount DOUBLE, note STRING"


class Told:
    """The reasons why rows went by Spark's writer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.why: list[str] = []
        write = plain.write

        def noted(frame: Any, path: str, head: int | None, request: Any, why: str) -> None:
            self.why.append(why)
            write(frame, path, head, request, why)

        monkeypatch.setattr(plain, "write", noted)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def create(rig: SparkRig, columns: str = COLUMNS, more: str = "") -> None:
    rig.spark.sql(f"CREATE TABLE delta.`{rig.path}` ({columns}) USING delta {more}").collect()


@pytest.mark.parametrize(
    ("columns", "more", "why"),
    [
        (f"{COLUMNS}, g BIGINT GENERATED ALWAYS AS (id * 2)", "", "delta.generationExpression"),
        (f"{COLUMNS}, k BIGINT GENERATED ALWAYS AS IDENTITY", "", "delta.identity"),
        (COLUMNS, "TBLPROPERTIES('delta.columnMapping.mode'='name')", "column mapping"),
        (COLUMNS, "TBLPROPERTIES('delta.enableRowTracking'='true')", "rowTracking"),
        (COLUMNS, "TBLPROPERTIES('delta.enableInCommitTimestamps'='true')", "inCommitTimestamp"),
        (COLUMNS, "CLUSTER BY (id)", "clustering"),
        (COLUMNS, "TBLPROPERTIES('delta.constraints.small'='id < 1000')", "CHECK constraints"),
        (COLUMNS, "TBLPROPERTIES('delta.enableChangeDataFeed'='true')", ""),
        (COLUMNS, "TBLPROPERTIES('delta.enableDeletionVectors'='true')", ""),
        (COLUMNS, "TBLPROPERTIES('delta.appendOnly'='true')", ""),
        ("id BIGINT NOT NULL, amount DOUBLE, note STRING", "", ""),
    ],
)
def test_what_a_table_asks_is_done(
    tmp_path: Path, spark: Any, told: Told, columns: str, more: str, why: str
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, columns, more)
    result = rig.write(batch(1, -1, 2), day=2)
    assert bool(told.why) == bool(why)
    assert why in "".join(told.why)
    assert (result.version, result.rows_published, result.rows_quarantined) == (1, 2, 1)
    commit = rig.table().commit(1)
    assert commit is not None
    assert commit.rows == (2 if why else None)
    read = spark.read.format("delta").load(rig.path)
    assert sorted(row.id for row in read.select("id").collect()) == [0, 2]
    assert rig.write(batch(1, -1, 2), day=2, attempt=1).already_published
    assert not list(Path(rig.path).glob("stage-*")) or not why


def test_rows_that_break_a_constraint_are_refused_as_spark_does(
    tmp_path: Path, spark: Any, told: Told
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, more="TBLPROPERTIES('delta.constraints.small'='id < 5')")
    with pytest.raises(StoreError, match="DELTA_VIOLATE_CONSTRAINT"):
        rig.write(batch(1, start=7), day=2)
    assert rig.table().head() == 0


def test_files_with_deletion_vectors_are_replaced_whole(
    tmp_path: Path, spark: Any, told: Told
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, more="PARTITIONED BY (note) TBLPROPERTIES('delta.enableDeletionVectors'='true')")
    table = f"delta.`{rig.path}`"
    spark.sql(f"INSERT INTO {table} SELECT id, 1D, concat('p', id % 2) FROM range(0, 8, 1, 1)")
    spark.sql(f"DELETE FROM {table} WHERE id IN (2, 3)").collect()
    frame = spark.sql("SELECT 20L AS id, 1D AS amount, 'p0' AS note")
    rig.write(frame, day=2, partition_by=("note",), mode="overwrite_partitions")
    read = spark.read.format("delta").load(rig.path)
    assert sorted(row.id for row in read.collect()) == [1, 5, 7, 20]
    rig.write(frame, day=3, mode="overwrite")
    assert [row.id for row in spark.read.format("delta").load(rig.path).collect()] == [20]


def test_the_change_feed_tells_what_was_adopted(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    create(rig, more="TBLPROPERTIES('delta.enableChangeDataFeed'='true')")
    rig.write(batch(1, 2), day=2)
    rig.write(batch(3, start=5), day=3, mode="overwrite")
    feed = spark.read.format("delta").option("readChangeFeed", "true")
    rows = feed.option("startingVersion", 1).load(rig.path).collect()
    found = sorted((row.id, row._change_type, row._commit_version) for row in rows)
    assert found == [
        (0, "delete", 2), (0, "insert", 1), (1, "delete", 2), (1, "insert", 1), (5, "insert", 2),
    ]  # fmt: skip


def test_a_merge_is_idempotent_and_leaves_no_key_in_the_session(
    tmp_path: Path, spark: Any, told: Told
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1, 2, 3), day=1)
    first = rig.write(batch(7, -8, 9, start=1), day=2, mode="merge")
    assert told.why == ["mode merge"]
    again = rig.write(batch(7, -8, 9, start=1), day=2, mode="merge", attempt=1)
    assert (first.version, again.version, again.already_published) == (1, 1, True)
    rig.write(batch(4, start=1), day=3, mode="merge")
    found = rig.table().scan().sort("id").collect()
    assert found.select("id", "amount").rows() == [(0, 1.0), (1, 4.0), (2, 3.0), (3, 9.0)]
    assert spark.conf.get("spark.databricks.delta.write.txnAppId", None) is None
    commit = rig.table().commit(1)
    assert commit is not None
    assert (commit.kind, json.loads(commit.note)["write_key"]) == ("ours", first.write_key)
    assert rig.write(batch(4, start=9), day=4).version == 3


def test_a_merge_into_doubled_keys_is_held_though_the_session_wants_no_figures(
    tmp_path: Path, spark: Any
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(pl.concat([batch(1), batch(2)]))
    name = "spark.databricks.delta.history.metricsEnabled"
    spark.conf.set(name, "false")
    try:
        result = rig.write(batch(7), day=2, mode="merge")
    finally:
        spark.conf.unset(name)
    assert (result.rows_published, result.certified_version) == (1, 0)
    assert result.certification_reasons == ("DEGRADED:COMMIT_DISAGREES:2 rows for 1",)
    assert rig.write(batch(7), day=2, mode="merge").degraded == result.degraded


def test_the_users_own_note_stays_beside_ours(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1), day=1)
    name = "spark.databricks.delta.commitInfo.userMetadata"
    spark.conf.set(name, '{"sfctl_run": "r1"}')
    try:
        rig.write(batch(2), day=2, mode="merge")
    finally:
        spark.conf.unset(name)
    told = spark.sql(f"DESCRIBE HISTORY delta.`{rig.path}` LIMIT 1").first().userMetadata
    assert json.loads(told)["sfctl_run"] == "r1"


def test_without_delta_the_plain_path_says_what_is_missing(
    tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1), day=1)
    monkeypatch.setattr(plain, "has_delta", lambda _spark: False)
    assert rig.write(batch(2, start=5), day=2).version == 1
    with pytest.raises(UsageError, match="mode merge") as caught:
        rig.write(batch(2), day=3, mode="merge")
    assert caught.value.code == "SF314"
    assert rig.ids() == [0, 5]
