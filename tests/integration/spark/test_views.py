"""Certified views of Spark SQL: they follow the pin, and readers see one version at a time."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.errors import StoreError, UsageError
from sfctl.model.manifest import DatasetEntry
from sfctl.runtime.spark import views
from sfctl.runtime.spark.views import Pinned
from tests.shop_rig import Shop, copy_shop

SCHEMA = "id bigint, amount double, contact string"


@pytest.fixture
def shop(
    spark: Any, compiled_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    made = copy_shop(compiled_shop, tmp_path / "shop")
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(made.root))
    yield made
    wiring._sessions.clear()


@pytest.fixture(autouse=True)
def no_views(spark: Any) -> None:
    """Other tests of this session write datasets too, and their views stay behind."""
    for database in (views.CERTIFIED, views.LATEST):
        spark.sql(f"DROP DATABASE IF EXISTS {database} CASCADE")


def rows(spark: Any, *ids: int, amount: float = 1.0) -> Any:
    return spark.createDataFrame([(i, amount, None) for i in ids], SCHEMA)


def test_the_session_that_certifies_moves_the_view(spark: Any, shop: Shop) -> None:
    sf.write(rows(spark, 1, 2), "orders")
    assert spark.table("gold_certified.orders").count() == 2
    early = spark.table("gold_certified.orders")
    sf.write(rows(spark, 3, 4), "orders")
    assert spark.table("gold_certified.orders").count() == 4
    assert early.count() == 2
    held = sf.write(rows(spark, 5, 6, 7).unionAll(rows(spark, 8, amount=-1.0)), "orders")
    assert held.version == 2
    assert views.shown(spark, "orders") == 1
    told = {row.key: row.value for row in spark.sql(
        "show tblproperties gold_certified.orders"
    ).collect()}  # fmt: skip
    assert told["sfctl.certified_version"] == "1"
    assert told["sfctl.dataset"] == "urn:dp:shop:orders"
    assert told["sfctl.certified_at"].endswith("Z")


def test_a_session_that_begins_brings_up_what_others_certified(spark: Any, shop: Shop) -> None:
    import polars as pl

    shop.edit("orders", on_stale="serve_uncertified")
    wiring._sessions.clear()
    sf.write(pl.DataFrame({"id": [1], "amount": [1.0], "contact": ["x"]}), "orders")
    assert sf.certified_views(spark) == {"gold_certified.orders": 0, "gold_latest.orders": None}
    mixed = {"id": [2, 3, 4], "amount": [-1.0, 1.0, 1.0], "contact": ["x"] * 3}
    assert sf.write(pl.DataFrame(mixed), "orders").certification == "HELD_AT_PREVIOUS"
    spark.range(7, 8).selectExpr("id", "0D as amount", "'x' as contact", "1 as more").write.format(
        "delta"
    ).mode("append").option("mergeSchema", True).save(str(shop.root / "lake/gold/orders"))
    assert sf.certified_views(spark)["gold_certified.orders"] == 0
    assert spark.table("gold_certified.orders").columns == ["id", "amount", "contact"]
    assert spark.table("gold_latest.orders").columns == ["id", "amount", "contact", "more"]


def test_nothing_certified_is_no_view_and_a_replaced_table_loses_its_own(
    spark: Any, shop: Shop
) -> None:
    assert sf.certified_views(spark) == {}
    sf.write(rows(spark, 1), "orders")
    assert sf.certified_views(spark) == {"gold_certified.orders": 0}
    kept = shop.root / "lake/gold/orders/_sfctl"
    shutil.move(kept, shop.root / "kept")
    shutil.rmtree(shop.root / "lake/gold/orders")
    rows(spark, 9).write.format("delta").save(str(shop.root / "lake/gold/orders"))
    shutil.move(shop.root / "kept", kept)
    assert sf.certified_views(spark) == {}
    assert not spark.catalog.tableExists("gold_certified.orders")


def test_a_table_made_anew_takes_over_its_view(spark: Any, shop: Shop) -> None:
    for start in (1, 2, 3):
        sf.write(rows(spark, start), "orders")
    shutil.rmtree(shop.root / "lake")
    shutil.rmtree(shop.root / ".sfctl")
    wiring._sessions.clear()
    assert sf.write(rows(spark, 7, 8), "orders").certification == "CERTIFIED"
    assert spark.table("gold_certified.orders").count() == 2


def test_views_of_others_stay_theirs(spark: Any, shop: Shop) -> None:
    spark.sql(f"CREATE DATABASE {views.CERTIFIED}")
    spark.sql("CREATE VIEW gold_certified.orders AS SELECT 'mine' AS own")
    result = sf.write(rows(spark, 1), "orders")
    assert result.certification == "CERTIFIED"
    assert spark.table("gold_certified.orders").first().own == "mine"
    [told] = shop.degraded()
    assert (told["where"], told["error"]) == ("view", "SF895")
    journal = wiring.session().active().journal
    assert [each["degraded"] for each in journal.entries("degraded")] == [["view:SF895"]]


def test_two_names_that_spark_cannot_tell_apart(spark: Any) -> None:
    one, other = DatasetEntry("a-b", "urn:dp:x:a-b"), DatasetEntry("a_b", "urn:dp:x:a_b")
    with pytest.raises(StoreError, match="two datasets") as caught:
        views.follow(spark, other, "/nowhere", lambda: None, views.names_of([one, other]))
    assert caught.value.code == "SF895"


def test_a_view_never_goes_back_to_an_older_pin(spark: Any, tmp_path: Path) -> None:
    path, entry = str(tmp_path / "t"), DatasetEntry("pinned", "urn:dp:x:pinned")
    for count in (1, 2):
        spark.range(count).write.format("delta").mode("append").save(path)
    names = views.names_of([entry])
    pins = iter([Pinned(0, 5), Pinned(1, 6), Pinned(1, 6)])
    views.follow(spark, entry, path, lambda: next(pins), names)  # moved on while it was looked at
    assert views.shown(spark, "pinned") == 1
    views.follow(spark, entry, path, lambda: Pinned(0, 5), names)
    assert views.shown(spark, "pinned") == 1
    views.follow(spark, entry, path, lambda: Pinned(0, 7), names)  # rolled back on purpose
    assert views.shown(spark, "pinned") == 0


def test_readers_see_one_version_while_the_view_is_moved(spark: Any, tmp_path: Path) -> None:
    path, entry = str(tmp_path / "t"), DatasetEntry("flipped", "urn:dp:x:flipped")
    for start in (0, 10):
        spark.range(start, start + 10).coalesce(1).write.format("delta").mode("append").save(path)
    names = views.names_of([entry])
    views.follow(spark, entry, path, lambda: Pinned(0, 1), names)
    seen: list[tuple[int, int]] = []
    errors: list[Exception] = []
    over, looked = threading.Event(), threading.Semaphore(0)

    def look() -> None:
        own = spark.newSession()
        while not over.is_set():
            try:
                row = own.sql("SELECT count(*) c, max(id) m FROM gold_certified.flipped").first()
                seen.append((row.c, row.m))
            except Exception as error:
                errors.append(error)
            looked.release()

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for generation in range(2, 8):
        looked.acquire(timeout=60)
        pin = Pinned(generation % 2, generation)
        views.follow(spark, entry, path, partial(Pinned, *pin), names)
    for _ in range(4):
        looked.acquire(timeout=60)
    over.set()
    for reader in readers:
        reader.join(60)
    assert errors == []
    assert set(seen) == {(10, 9), (20, 19)}


def test_what_is_no_session_is_told(spark: Any, shop: Shop) -> None:
    with pytest.raises(UsageError, match="no SparkSession"):
        sf.certified_views(object())
