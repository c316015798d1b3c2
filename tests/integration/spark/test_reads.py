"""One version in every form, lazily where the form allows it; what a plan reads, on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.errors import SourceError
from sfctl.evidence import codec
from sfctl.model import evidence
from sfctl.runtime.job import reading
from sfctl.runtime.job.reading import Found
from sfctl.runtime.spark import frames, plans, session
from sfctl.runtime.tables import counted
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Write
from tests.shop_rig import Shop, copy_shop

ODD = pl.DataFrame(
    {
        "i": [1, 2, None],
        "small": pl.Series([1, 2, 3], dtype=pl.Int8),
        "s": ["a", "ü", None],
        "b": [True, None, False],
        "f": [1.5, float("nan"), None],
        "d": [dt.date(2020, 1, 1), None, dt.date(1900, 1, 1)],
        "at": pl.Series(
            [dt.datetime(2020, 1, 1, 3, 4, 5, 678), None, dt.datetime(1999, 1, 1)],
            dtype=pl.Datetime("us", "UTC"),
        ),
        "dec": pl.Series(["1.10", None, "2.00"]).cast(pl.Decimal(12, 2)),
        "l": [[1, 2], None, []],
        "st": [{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}],
        "bin": [b"\x00\xff", None, b""],
        "p": [dt.date(2020, 1, 1), dt.date(2020, 1, 2), None],
        "q k": ["a=b/c", "x y", None],
    }
)


@pytest.fixture
def shop(compiled_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = copy_shop(compiled_shop, tmp_path / "shop")
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(made.root))
    yield made
    wiring._sessions.clear()


def spoken(rows: Any) -> list[str]:
    """Rows as text, sorted: what any reader of them would say."""
    return sorted(repr([_plain(value) for value in row]) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(_plain(each) for each in value.values())
    if isinstance(value, tuple | list):
        return tuple(_plain(each) for each in value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat()
    return str(value) if isinstance(value, Decimal) else value


def reads(shop: Shop) -> list[dict[str, Any]]:
    return [event for event in shop.outbox() if event["kind"] == "DatasetRead"]


@pytest.mark.parametrize("place", ["t", "odd x {1} é"])
@pytest.mark.parametrize("own", [True, False])
def test_a_version_is_the_same_by_delta_and_by_its_files(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, own: bool
) -> None:
    path = str(tmp_path / place)
    deltalake.write_deltalake(path, ODD, partition_by=["p", "q k"])
    deltalake.write_deltalake(path, ODD.head(1), mode="append")
    if not own:
        monkeypatch.setattr(session, "has_delta", lambda spark: False)
    frame = frames.read(spark, path, "delta", 0)
    assert frame.columns == ODD.columns
    assert dict(frame.dtypes)["p"] == "date"
    assert spoken(frame.collect()) == spoken(ODD.rows())
    assert spoken(frames.read(spark, path, "delta", 0, {"q k": "x y"}).collect()) == spoken(
        ODD[1:2].rows()
    )
    assert frames.read(spark, path, "delta", 1, {"p": None}).count() == 1
    assert frames.read(spark, path, "delta", 1).count() == 4


def test_snapshots_of_parquet_as_spark_frames(spark: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "t [x]")
    open_table(path, "parquet").write(ODD, Write("append", ("k",), "", partition_by=("p",)))
    wider = ODD.drop("l").with_columns(pl.col("small").cast(pl.Int64))
    open_table(path, "parquet").write(wider, Write("append", ("l",), "", partition_by=("p",)))
    first = frames.read(spark, path, "parquet", 0)
    assert spoken(first.collect()) == spoken(ODD.rows())
    assert frames.read(spark, path, "parquet", 1).count() == 6
    assert (counted.rows(path, "parquet", 1), counted.rows(path, "parquet", 0)) == (6, 3)
    assert counted.rows(path, "parquet", 1, {"p": "2020-01-02"}) == 2


def test_files_alone_are_refused_where_they_are_not_the_rows(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, renamed = str(tmp_path / "gone"), str(tmp_path / "renamed")
    spark.range(100).coalesce(1).write.format("delta").option(
        "delta.enableDeletionVectors", "true"
    ).save(gone)
    spark.sql(f"DELETE FROM delta.`{gone}` WHERE id % 10 = 0")
    spark.range(5).write.format("delta").option("delta.columnMapping.mode", "name").save(renamed)
    assert frames.read(spark, gone, "delta", 1).count() == 90
    assert (counted.rows(gone, "delta", 1), counted.rows(gone, "delta", 0)) == (90, 100)
    monkeypatch.setattr(session, "has_delta", lambda spark: False)
    for path, feature in ((gone, "deletionVectors"), (renamed, "columnMapping")):
        with pytest.raises(SourceError, match=feature) as caught:
            frames.read(spark, path, "delta", 0)
        assert caught.value.code == "SF893"


def test_rows_are_counted_by_the_log_where_it_tells(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    deltalake.write_deltalake(path, ODD, partition_by=["p", "q k"])
    assert counted.rows(path, "delta", 0) == 3
    assert counted.rows(path, "delta", 0, {"p": "2020-01-01"}) == 1
    assert counted.rows(path, "delta", 0, {"p": None, "q k": None}) == 1
    assert counted.rows(path, "delta", 0, {"s": "a"}) is None


def test_the_certified_version_is_one_whoever_reads_it(spark: Any, shop: Shop) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, None]})
    for part in (frame.head(2), frame.tail(1)):
        assert sf.write(part.with_columns(contact=pl.lit("x")), "orders").published
    mixed = {"id": [4, 5, 6], "amount": [-1.0, 1.0, 1.0], "contact": ["y"] * 3}
    assert sf.write(pl.DataFrame(mixed), "orders").certification == "HELD_AT_PREVIOUS"
    wanted = spoken(sf.read_certified("orders", as_="polars").rows())
    assert len(wanted) == 3
    table = sf.read_certified("orders", as_="arrow")
    assert spoken(pl.DataFrame(table).rows()) == wanted
    assert spoken(sf.read_certified("orders", as_="duckdb").fetchall()) == wanted
    on_spark = sf.read_certified("orders", as_="spark")
    assert spoken(on_spark.collect()) == wanted
    assert on_spark.attrs["certified_version"] == 1
    lazily = sf.read_certified("orders", as_="dask")
    assert lazily.npartitions > 1
    for pandas in (sf.read_certified("orders"), lazily.compute()):
        assert pandas.attrs["status"] == on_spark.attrs["status"]
        assert spoken(pl.from_pandas(pandas.reset_index(drop=True)).rows()) == wanted
    assert {event["rows_read"] for event in reads(shop)} == {3}
    assert len({event["schema_fingerprint"] for event in reads(shop)}) == 1


@pytest.mark.parametrize("as_", ["spark", "dask", "duckdb"])
def test_a_partition_in_lazy_forms(spark: Any, tmp_path: Path, as_: str) -> None:
    path = str(tmp_path / "t")
    deltalake.write_deltalake(path, ODD.select("i", "s", "p"), partition_by=["p"])
    given = reading.deliver(Found(path, "delta", 0, {"p": "2020-01-02"}), as_, {})
    assert given.height == 1
    null = reading.deliver(Found(path, "delta", 0, {"p": None}), as_, {})
    assert (null.height, len(null.value) if as_ != "spark" else null.value.count()) == (1, 1)
    found = {
        "spark": lambda: given.value.collect(),
        "dask": lambda: given.value.compute().to_numpy().tolist(),
        "duckdb": lambda: given.value.fetchall(),
    }[as_]()
    assert [row[0] for row in found] == [2]


@pytest.mark.parametrize("as_", ["dask", "duckdb"])
def test_deleted_rows_stay_deleted_in_lazy_forms(spark: Any, tmp_path: Path, as_: str) -> None:
    path = str(tmp_path / "t")
    spark.range(20).coalesce(1).write.format("delta").option(
        "delta.enableDeletionVectors", "true"
    ).save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id < 5")
    given = reading.deliver(Found(path, "delta", 1), as_, {})
    assert (len(given.value), given.height) == (15, 15)


def test_leaves_tell_what_a_plan_reads(spark: Any, tmp_path: Path) -> None:
    delta, parquet = str(tmp_path / "d"), str(tmp_path / "p")
    for _ in range(2):
        spark.range(3).write.format("delta").mode("append").save(delta)
    spark.range(3).write.parquet(parquet)
    spark.sql(f"CREATE OR REPLACE TEMP VIEW seen AS SELECT * FROM delta.`{delta}` VERSION AS OF 0")
    frame = spark.sql(
        f"WITH c AS (SELECT * FROM parquet.`{parquet}`) SELECT * FROM c JOIN seen USING (id) "
        f"WHERE id IN (SELECT max(id) FROM delta.`{delta}`)"
    ).cache()
    found = {(each.place, each.format, each.version) for each in plans.sources(frame)}
    assert found == {(delta, "delta", 0), (delta, "delta", 1), (parquet, "parquet", None)}
    assert plans.sources(spark.range(3)) == []
    assert plans.sources(spark.range(3).localCheckpoint()) == []
    frame.unpersist()


def test_inputs_of_a_write_are_on_record_once(spark: Any, shop: Shop, tmp_path: Path) -> None:
    rows = pl.DataFrame({"id": [1, 2], "amount": [1.0, 2.0], "contact": ["x", "y"]})
    sf.write(rows, "orders")
    raw = str(tmp_path / "raw" / "dt=2020-01-01")
    spark.range(5).write.parquet(raw)
    own = spark.read.format("delta").load(str(shop.root / "lake/gold/orders"))
    joined = own.join(spark.read.parquet(raw), "id").select("id")
    sf.write(joined, "plain")
    sf.write(joined, "plain", stage="silver")
    told = reads(shop)
    assert [
        (e["dataset_urn"], e.get("stage"), e.get("version"), e.get("rows_read")) for e in told
    ] == [
        ("urn:dp:shop:orders", "gold", 0, 2),
        (f"dataset:file/{tmp_path}/raw", None, None, None),
    ]
    assert all(codec.problems(evidence.from_plain(event)) == [] for event in told)
    assert all(event["schema_fingerprint"].startswith("sha256:") for event in told)
    [written] = [
        e for e in shop.outbox()
        if e["kind"] == "DatasetWriteCommitted" and e["dataset_urn"].endswith("plain")
        and e["stage"] == "gold"
    ]  # fmt: skip
    assert written["lineage"]["upstream_urns"] == [
        "urn:dp:shop:orders#gold", f"dataset:file/{tmp_path}/raw",
    ]  # fmt: skip


def test_inputs_that_cannot_be_told_cost_no_row_and_are_a_fault_of_the_run(
    spark: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frame: object) -> Any:
        raise KeyError(frame)

    monkeypatch.setattr(plans, "sources", broken)
    assert sf.write(spark.range(3), "plain").rows_published == 3
    assert [(e["where"], e["error"]) for e in shop.degraded()] == [("reads", "KeyError")]
    journal = wiring.session().active().journal
    assert [each["degraded"] for each in journal.entries("degraded")] == [["reads:KeyError"]]


def test_what_was_read_through_us_is_not_told_twice(spark: Any, shop: Shop) -> None:
    sf.write(pl.DataFrame({"id": [1], "amount": [1.0], "contact": ["x"]}), "orders")
    frame = sf.read_certified("orders", as_="spark")
    sf.write(frame.select("id"), "plain")
    assert len(reads(shop)) == 1
