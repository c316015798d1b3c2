"""Unmodified writes of jobs: gated where they can be repeated to the letter, else Spark's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl import wiring
from tests.integration.spark.hooked import patched
from tests.shop_rig import Shop, copy_shop

ROWS = [(1, 1.0, "a@b.org"), (2, 2.0, None), (3, 5000.0, "x")]
OURS = ("sfctl.runtime", "sfctl.instrumented")
SCHEMA = "id bigint, amount double, contact string"


@pytest.fixture
def shop(
    spark: Any, compiled_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    made = copy_shop(compiled_shop, tmp_path / "shop")
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(made.root))
    monkeypatch.setenv("SFCTL_RUN_FOLDER", str(folder))
    with patched():
        yield made
    wiring._sessions.clear()


def journal(shop: Shop, kind: str) -> list[dict[str, Any]]:
    files = sorted((shop.root.parent / "run").glob("journal-*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return [line["value"] for line in lines if line["kind"] == kind]


def path(shop: Shop, name: str, stage: str = "gold") -> str:
    return str(shop.root / "lake" / stage / name)


def test_a_plain_save_is_judged_split_and_protected(spark: Any, shop: Shop) -> None:
    frame = spark.createDataFrame(ROWS, SCHEMA)
    assert frame.write.format("delta").mode("append").save(path(shop, "orders")) is None
    [told] = journal(shop, "write")
    assert (told["rows_in"], told["rows_published"], told["rows_quarantined"]) == (3, 2, 1)
    table = shop.table("orders").sort("id")
    assert table["id"].to_list() == [1, 2]
    assert table["contact"][0].startswith("tok_")
    frame.filter("id < 3").write.save(path(shop, "orders"), format="delta", mode="overwrite")
    assert [each["mode"] for each in journal(shop, "write")] == ["append", "overwrite"]
    assert shop.certified("orders") == 1


def test_a_refused_write_raises_nothing_and_is_on_record(spark: Any, shop: Shop) -> None:
    frame = spark.createDataFrame([(1, 5000.0, "x"), (2, 5000.0, "y")], SCHEMA)
    assert frame.write.format("delta").mode("append").save(path(shop, "orders")) is None
    [told] = journal(shop, "write")
    assert (told["blocked"], told["rows_quarantined"], told["version"]) == (True, 2, None)
    assert not (Path(path(shop, "orders")) / "_delta_log").exists()


def test_modes_that_write_nothing_keep_their_meaning(spark: Any, shop: Shop) -> None:
    frame, place = spark.range(3), path(shop, "plain", "silver")
    frame.write.format("delta").save(place)
    with pytest.raises(Exception, match="DELTA_PATH_EXISTS"):
        frame.write.format("delta").save(place)
    frame.write.format("delta").mode("ignore").save(place)
    assert len(journal(shop, "write")) == 1
    assert journal(shop, "left") == []
    assert shop.table("plain", "silver").height == 3


def test_partitions_are_the_users(spark: Any, shop: Shop) -> None:
    place = path(shop, "plain", "silver")
    frame = spark.range(6).selectExpr("id", "concat('d', id % 2) as dt")
    frame.write.format("delta").partitionBy("dt").mode("append").save(place)
    assert (Path(place) / "_delta_log").is_dir()
    newer = spark.range(6, 7).selectExpr("'d0' as dt", "id")
    newer.write.format("delta").mode("overwrite").option("partitionOverwriteMode", "dynamic").save(
        place
    )
    assert sorted(shop.table("plain", "silver").rows()) == [
        (1, "d1"), (3, "d1"), (5, "d1"), (6, "d0"),
    ]  # fmt: skip
    assert [each["mode"] for each in journal(shop, "write")] == ["append", "overwrite_partitions"]
    with pytest.raises(Exception, match="partition"):
        newer.write.format("delta").partitionBy("id").mode("append").save(place)


def test_what_only_spark_can_do_is_sparks_and_noted_once(spark: Any, shop: Shop) -> None:
    place = path(shop, "plain", "silver")
    spark.range(3).write.format("delta").save(place)
    for _ in range(2):
        spark.range(1, 3).write.format("delta").mode("overwrite").option(
            "replaceWhere", "id > 0"
        ).save(place)
    wider = spark.range(3, 4).selectExpr("id", "1 as more")
    with pytest.raises(Exception, match="DELTA_METADATA_MISMATCH|schema"):
        wider.write.format("delta").mode("append").save(place)
    wider.write.format("delta").mode("append").option("mergeSchema", True).save(place)
    reasons = [each["reason"] for each in journal(shop, "left")]
    assert reasons == [
        "option replacewhere", "other columns than the table's", "option mergeschema",
    ]  # fmt: skip
    assert len(journal(shop, "write")) == 1
    assert sorted(shop.table("plain", "silver")["id"].to_list()) == [0, 1, 2, 3]


def test_other_places_and_formats_are_none_of_ours(spark: Any, shop: Shop, tmp_path: Path) -> None:
    spark.range(3).write.format("delta").save(str(tmp_path / "elsewhere"))
    spark.range(3).write.format("delta").save(path(shop, "plain", "silver") + "/dt=1")
    spark.range(3).write.mode("overwrite").parquet(path(shop, "plain", "bronze"))
    assert pl.read_delta(str(tmp_path / "elsewhere")).height == 3
    assert (journal(shop, "write"), journal(shop, "left")) == ([], [])


def test_tables_of_the_catalog(spark: Any, shop: Shop) -> None:
    place, table = path(shop, "plain", "silver"), "instrumented_plain"
    spark.sql(f"drop table if exists {table}")
    spark.sql(f"create table {table} (id bigint, s string) using delta location '{place}'")
    try:
        rows = spark.range(2).selectExpr("id", "'a' as s")
        rows.write.mode("append").saveAsTable(table, format="delta")
        rows.selectExpr("id + 2 as other", "s as names").write.insertInto(table)
        rows.selectExpr("s", "id + 4 as id").writeTo(table).append()
        assert sorted(shop.table("plain", "silver")["id"].to_list()) == [0, 1, 2, 3, 4, 5]
        rows.writeTo(f"delta.`{place}`").overwritePartitions()
        assert sorted(shop.table("plain", "silver")["id"].to_list()) == [0, 1]
        assert [each["mode"] for each in journal(shop, "write")] == [
            "append", "append", "append", "overwrite",
        ]  # fmt: skip
        with pytest.raises(Exception, match="DELTA_INSERT_COLUMN_ARITY_MISMATCH|number of"):
            spark.range(1).write.insertInto(table)
    finally:
        spark.sql(f"drop table if exists {table}")


def test_an_error_of_the_jobs_own_plan_is_its_own(spark: Any, shop: Shop) -> None:
    broken = spark.range(3).selectExpr("if(id = 2, raise_error('mine'), id) as id")
    with pytest.raises(Exception, match="mine"):
        broken.write.format("delta").mode("append").save(path(shop, "plain"))
    assert not (Path(path(shop, "plain")) / "_delta_log").exists()
    assert shop.degraded() == []


@pytest.mark.parametrize("name", ["sfctl.instrumented.writing", "sfctl.runtime.job.sdk"])
def test_with_a_module_of_ours_missing_the_job_writes(
    spark: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for each in [m for m in sys.modules if m == "sfctl.wiring" or m.startswith(OURS)]:
        monkeypatch.delitem(sys.modules, each)
    monkeypatch.setitem(sys.modules, name, None)
    spark.range(3).write.format("delta").mode("append").save(path(shop, "plain"))
    assert shop.table("plain").height == 3
    [told] = shop.degraded()
    assert (told["where"], told["error"]) == ("instrument", "ModuleNotFoundError")
