"""Rows are taken once, whatever they are: the files hold them, and the session stays as it was."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.runtime.spark import held as holding
from sfctl.runtime.spark.staging import Stage, _machine
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Write

KEY = "0123456789abcdef"


def put(frame: Any, path: Path, *by: str, format: str = "delta", **measures: str) -> Any:
    """Stage a frame and let the table adopt it; return what is held."""
    held = Stage(str(path), KEY, by, whole=format == "parquet").put(frame, measures)
    stored = holding.without(
        frame, [f.name for f in frame.schema if f.dataType.typeName() == "void"]
    )
    request = Write("append", (KEY,), "{}", by)
    open_table(str(path), format).adopt(
        lambda: held.files or (), stored.schema.json(), request, _refuse
    )
    return held


def _refuse(why: str) -> None:
    raise AssertionError(why)


@pytest.fixture
def every_kind(spark: Any) -> Any:
    """Rows of many types, at the ends of what these hold."""
    kinds = (
        "id BIGINT, at TIMESTAMP, local TIMESTAMP_NTZ, day DATE, price DECIMAL(38,10), "
        "`a b.c` STRING, deep ARRAY<STRUCT<x: INT, y: MAP<STRING, DECIMAL(5,2)>>>, raw BINARY, "
        "tiny TINYINT, real FLOAT, `p q` STRING, moment TIMESTAMP"
    )
    rows = [
        (1, "0001-01-01 00:00:00", datetime(1, 1, 1), date(1, 1, 1), Decimal("1.5"), "x",
         [(1, {"k": Decimal("1.25")})], b"ab", 1, float("nan"), "a/b=c%d \u00e9*[",
         "2020-01-01 01:02:03.000004"),
        (2, "9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999999),
         date(9999, 12, 31), None, None, None, None, None, None, None, None),
        (3, "1969-12-31 23:59:59.000001", datetime(2020, 1, 1), date(2020, 1, 1),
         Decimal("-1234567890123456789012345678.1234567890"), "", [], b"", -1, -0.0, "z",
         "2020-01-01 01:02:03.000004"),
    ]  # fmt: skip
    texts = kinds.replace("TIMESTAMP,", "STRING,").replace("moment TIMESTAMP", "moment STRING")
    made = spark.createDataFrame(rows, texts)
    for name in ("at", "moment"):
        made = made.withColumn(name, made[name].cast("timestamp"))
    return made


def shown(frame: Any) -> list[str]:
    """Rows as text, for Python has no name for every moment."""
    texts = [f"cast(`{n}` as string)" for n in frame.columns]
    return sorted(str(row) for row in frame.selectExpr(*texts).collect())


def test_files_hold_what_was_written_to_the_ends_of_types(
    spark: Any, every_kind: Any, tmp_path: Path
) -> None:
    held = put(every_kind, tmp_path / "t", "p q", "moment", empty="count_if(`a b.c` IS NULL)")
    assert (held.height, held.observed) == (3, {"empty": 1})
    assert shown(held.frame.select(*map(holding.quoted, every_kind.columns))) == shown(every_kind)
    for zone in ("UTC", "America/New_York"):
        spark.conf.set("spark.sql.session.timeZone", zone)
        try:
            read = spark.read.format("delta").load(str(tmp_path / "t"))
            assert shown(read.select(*map(holding.quoted, every_kind.columns))) == shown(every_kind)
        finally:
            spark.conf.set("spark.sql.session.timeZone", "UTC")
    near = open_table(str(tmp_path / "t")).scan().sort("id").collect()
    assert near["day"].to_list() == [date(1, 1, 1), date(9999, 12, 31), date(2020, 1, 1)]
    assert near["p q"].to_list() == ["a/b=c%d \u00e9*[", None, "z"]
    assert str(near["at"][1]) == "9999-12-31 23:59:59.999999+00:00"
    assert near["price"][2] == Decimal("-1234567890123456789012345678.1234567890")


def test_bounds_in_the_log_skip_no_row(spark: Any, every_kind: Any, tmp_path: Path) -> None:
    put(every_kind.drop("p q", "moment"), tmp_path / "t")
    read = spark.read.format("delta").load(str(tmp_path / "t"))
    for where, ids in {
        "at <= timestamp'0001-01-01 00:00:00 UTC'": [1],
        "at > timestamp'1969-12-31 23:59:59 UTC' and at < timestamp'1970-01-01 00:00:00 UTC'": [3],
        "local > timestamp_ntz'9999-12-31 23:59:59.999998'": [2],
        "price < -1234567890123456789012345678.1": [3],
        "day = date'9999-12-31'": [2],
        "real = 0 or isnan(real)": [1, 3],
        "`a b.c` = ''": [3],
        "tiny is null": [2],
    }.items():
        assert sorted(row.id for row in read.where(where).select("id").collect()) == ids, where


@pytest.mark.parametrize("format", ["delta", "parquet"])
def test_no_rows_and_columns_of_no_type(spark: Any, tmp_path: Path, format: str) -> None:
    frame = spark.range(3).selectExpr("id", "null AS nothing")
    held = put(frame.where("id > 9"), tmp_path / "empty", format=format)
    assert (held.height, held.frame.count(), held.frame.columns) == (0, 0, ["id", "nothing"])
    assert open_table(str(tmp_path / "empty"), format).scan().collect().columns == ["id"]
    held = put(frame, tmp_path / "void", format=format)
    assert sorted(map(tuple, held.frame.collect())) == [(0, None), (1, None), (2, None)]
    none = spark.createDataFrame(spark.sparkContext.emptyRDD(), frame.schema)
    assert put(none, tmp_path / "parts", format=format).height == 0


def test_a_table_by_its_url(spark: Any, tmp_path: Path) -> None:
    place = f"file://{tmp_path}/t"
    frame = spark.range(9).selectExpr("id", "concat('p ', id % 2, '/%') AS part")
    stage = Stage(place, KEY, ("part",))
    held = stage.put(frame, {"n": "count(1)"})
    assert (held.height, held.observed, held.frame.count()) == (9, {"n": 9}, 9)
    table = open_table(place)
    request = Write("append", (KEY,), "{}", ("part",))
    table.adopt(lambda: held.files or (), frame.schema.json(), request, _refuse)
    read = spark.read.format("delta").load(place)
    assert sorted(map(tuple, read.collect())) == sorted(map(tuple, frame.collect()))
    assert table.scan().collect().height == 9
    other = stage.put(frame, {})
    stage.clear(other)
    assert len(list((tmp_path / "t").glob("stage-*"))) == 1


def test_a_table_is_overwritten_from_itself(spark: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    put(spark.range(5), tmp_path / "t")
    frame = spark.read.format("delta").load(path).where("id > 1").selectExpr("id * 10 AS id")
    held = Stage(path, "fedc").put(frame, {})
    request = Write("overwrite", ("fedc",), "{}")
    open_table(path).adopt(lambda: held.files or (), frame.schema.json(), request, _refuse)
    assert sorted(row.id for row in spark.read.format("delta").load(path).collect()) == [20, 30, 40]


def test_no_setting_of_the_session_is_ever_another(spark: Any, tmp_path: Path) -> None:
    names = ("spark.sql.parquet.outputTimestampType", "spark.sql.parquet.writeLegacyFormat")
    before = {name: spark.conf.get(name) for name in names}
    seen: set[tuple[str, ...]] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add(tuple(spark.conf.get(name) for name in names))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        to_df = type(spark.sparkContext.emptyRDD()).toDF
        put(spark.range(9), tmp_path / "t")
    finally:
        done.set()
        watcher.join()
    assert seen == {tuple(before.values())}
    assert type(spark.sparkContext.emptyRDD()).toDF is to_df
    assert type(spark).getActiveSession() is spark


def numbered(spark: Any, rows: int) -> Any:
    """Rows that come out otherwise each time they are computed."""

    def dice(pieces: Any) -> Any:
        import random
        import uuid

        for piece in pieces:
            kept = [i for i in piece["id"] if random.random() < 0.7]
            yield (
                piece[:0].assign()
                if not kept
                else piece.__class__({"id": kept, "own": [uuid.uuid4().hex for _ in kept]})
            )

    return spark.range(0, rows, 1, 4).mapInPandas(dice, "id long, own string")


@pytest.mark.parametrize("keep", [False, True], ids=["written", "kept"])
def test_a_frame_that_is_never_twice_the_same_is_computed_once(
    spark: Any, tmp_path: Path, keep: bool
) -> None:
    frame = numbered(spark, 2000)
    told = {"least": "min(own)", "some": "count_if(id % 2 = 0)"}
    held = holding.kept(frame, told) if keep else put(frame, tmp_path / "t", **told)
    first, second = (sorted(map(tuple, held.frame.collect())) for _ in range(2))
    assert first == second
    assert len(first) == len({own for _, own in first}) == held.height
    assert held.observed == {
        "least": min(own for _, own in first),
        "some": sum(i % 2 == 0 for i, _ in first),
    }
    if not keep:
        near = pl.read_delta(str(tmp_path / "t"))
        assert sorted(near.rows()) == first


def dying(marks: Path) -> Callable[[Any], Any]:
    """A function that dies once in each partition, after half of its rows are out."""

    def work(pieces: Any) -> Any:
        import pyspark

        number = pyspark.TaskContext.get().partitionId()
        first = not (marks / str(number)).exists()
        for piece in pieces:
            yield piece[: len(piece) // 2]
            if first:
                (marks / str(number)).touch()
                raise OSError("this executor is gone")
            yield piece[len(piece) // 2 :]

    return work


def test_a_task_that_dies_halfway_doubles_nothing(tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.spark.retried_task", str(tmp_path)],
        capture_output=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout.decode().splitlines()[-1:] == ["400 400 400"], done.stderr.decode()[-2000:]


def test_an_observation_that_does_not_fit_is_not_believed(spark: Any) -> None:
    watched, told = holding.observed(spark.range(10), {"n": "count(1)"})
    watched.limit(3).collect()
    assert holding.believed(told, 10) is None


def test_an_observation_that_never_comes_is_not_waited_for(
    spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "PATIENCE_S", 0.2)
    _, told = holding.observed(spark.range(10), {"n": "count(1)"})
    began = time.monotonic()
    assert holding.believed(told, 10) is None
    assert time.monotonic() - began < 5


def test_only_what_the_dead_left_is_abandoned(tmp_path: Path) -> None:
    stage = Stage(str(tmp_path), KEY)
    dead, other = f"stage-{KEY}-{_machine()}-999999-7-ab", f"stage-{KEY}-000000000000-999999-7-ab"
    own = f"stage-{KEY}-{_machine()}-{os.getpid()}-{_start()}-ab"
    again = f"stage-{KEY}-{_machine()}-{os.getpid()}-5-ab"
    for name in (dead, other, own, again, "stage-ffff-0-1-2-ab", "stage-x"):
        (tmp_path / name).mkdir()
    assert {each.name for each in stage.abandoned()} == {dead, again}


def _start() -> int:
    from sfctl.runtime.spark.staging import _started

    return _started(os.getpid())
