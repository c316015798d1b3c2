"""Rows packed on executors: the quarantine reads them as if one machine had held them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sfctl.certification.ledger import written_by
from sfctl.model.policy import Detection
from sfctl.model.write import WriteRecord
from sfctl.runtime import seal
from sfctl.runtime.publishing.quarantine import BLOCKED, REASONS, RULES, Quarantine
from sfctl.runtime.spark import pack
from tests.publish_rig import Rig, batch, policy

EVERY_TYPE = """
    select id, cast(id % 2 as boolean) as b, cast(id as tinyint) as i8, cast('NaN' as double) as f,
      cast(id as decimal(38, 2)) as exact,
      if(id % 2 = 0, null, concat('a"é', id, '@b.org')) as text,
      timestamp '1900-01-01 00:00:00.000001' as at, timestamp_ntz '2020-02-03 04:05:06' as wall,
      date '1900-01-01' as day, X'00ff' as raw, interval '3' day as span,
      cast(null as void) as none,
      named_struct('a', id, 'b', array(map('k', date '2020-01-01'))) as deep,
      array('x', null) as list, map(1, 'x@b.org') as m, 'p' as `a name.with 'marks'`
    from range(0, 40, 1, 4)
"""
MARKED = ("array('positive') as _sfctl_rules", "array('RANGE_VIOLATION:f') as _sfctl_reasons")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def a_record(rig: Rig, **more: Any) -> WriteRecord:
    """The record of a real write, under a key of its own."""
    result = rig.write(batch(1.0, -1.0))
    assert result.version is not None
    commit = rig.table().commit(result.version)
    assert commit is not None
    record = written_by(commit)
    assert record is not None
    return msgspec.structs.replace(record, write_key="spark", **more)


def public(rig: Rig) -> bytes:
    return seal.read_key(seal.create_keys(rig.store)[0])


def put(frame: Any, rig: Rig) -> Quarantine:
    """Add the rows to the quarantine's table, beside those another write holds there."""
    frame.write.format("delta").mode("append").partitionBy("dt", "run_id").save(rig.quarantine_path)
    return rig.quarantine()


def test_every_type_comes_back_from_every_partition(spark: Any, rig: Rig) -> None:
    frame = spark.sql(EVERY_TYPE)
    bad = frame.where("id >= 20 and id % 3 = 0").selectExpr("*", *MARKED)
    good = frame.where("id < 5 or id > 35")
    record = a_record(rig)
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        store = put(pack.packed(bad, good, record, policy(), public(rig)), rig)
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    rows = store.rows("spark", private_key=rig.private_key).sort("id")
    expected = pl.DataFrame(frame.where("id < 5 or id >= 20 and (id % 3 = 0 or id > 35)").toArrow())
    ids = expected["id"].to_list()
    both = sorted([*ids, *(i for i in ids if i > 35 and i % 3 == 0)])
    assert rows["id"].to_list() == both
    assert_frame_equal(rows.unique("id").sort("id").select(expected.columns), expected.sort("id"))
    assert rows["_sfctl_held_row"].n_unique() == rows.height
    blocked = rows.filter(pl.col(BLOCKED))
    assert blocked[RULES].list.len().to_list() == [0] * blocked.height
    bad_rows = rows.filter(~pl.col(BLOCKED))
    assert bad_rows[RULES].to_list() == [["positive"]] * bad_rows.height
    assert bad_rows[REASONS].to_list() == [["RANGE_VIOLATION:f"]] * bad_rows.height


def test_it_reads_as_what_one_machine_holds(spark: Any, rig: Rig) -> None:
    frame = spark.sql("select id, 'x' as note, -1.0D as amount from range(0, 30, 1, 3)")
    bad = frame.selectExpr("*", *MARKED)
    record = a_record(rig)
    store = put(pack.packed(bad, None, record, policy(), public(rig)), rig)
    mine = next(h for h in store.held() if h.write_key == "spark")
    theirs = next(h for h in store.held() if h.write_key != "spark")
    assert (mine.rows, mine.rows_batch_blocked, mine.rules) == (30, 0, ("positive",))
    same = ("dt", "run_id", "stage", "state", "held_at", "replay_id")
    assert [getattr(mine, n) for n in same] == [getattr(theirs, n) for n in same]
    assert msgspec.structs.replace(mine.batch, header="", schema="") == msgspec.structs.replace(
        theirs.batch, header="", schema=""
    )
    assert dict(pl.read_delta(rig.quarantine_path).schema) == {
        "dt": pl.String, "run_id": pl.String, "write_key": pl.String, "stage": pl.String,
        "row": pl.Int64, "rules": pl.List(pl.String), "reasons": pl.List(pl.String),
        "state": pl.String, "batch_blocked": pl.Boolean, "replay_id": pl.String,
        "held_at": pl.Datetime("us", "UTC"), "clear": pl.String, "sealed": pl.Binary,
        "batch": pl.String,
    }  # fmt: skip
    shown = store.rows("spark", states=("held",), limit=4)
    assert (shown.height, set(shown["note"])) == (4, {"<sealed>"})
    some = store.rows("spark", private_key=rig.private_key)["_sfctl_held_row"].to_list()[7:9]
    assert store.mark("discarded", write_key="spark", was="held", rows=some) == 2
    left = store.rows("spark", states=("held",), private_key=rig.private_key)
    assert left.height == 28


def test_flagged_values_lie_nowhere_in_the_clear(spark: Any, rig: Rig) -> None:
    frame = spark.sql("select id, concat('u', id, '@b.org') as note from range(0, 9, 1, 3)")
    by = policy(pii=(Detection("EMAIL", "tokenize", columns=("note",)),))
    made = pack.packed(None, frame, a_record(rig, published="none"), by, public(rig))
    put(made, rig)
    for file in Path(rig.quarantine_path).rglob("*.parquet"):
        rows = pl.read_parquet(file, hive_partitioning=False)
        text = str(rows.drop("sealed").to_dicts()) + str(list(rows["sealed"]))
        assert "@b.org" not in text
    plan = made._jdf.queryExecution().toString()
    assert public(rig).hex() not in plan


def test_pieces_stay_small_whatever_a_session_asks_for(spark: Any, rig: Rig) -> None:
    frame = spark.range(0, 30_000, 1, 1).selectExpr("id", "'x' as note")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "0")
    try:
        store = put(pack.packed(None, frame, a_record(rig), policy(), public(rig)), rig)
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    rows = store.rows("spark", private_key=rig.private_key)
    assert sorted(rows["id"].to_list()) == list(range(30_000))
    assert len(store._firsts("spark")) == 1


def test_a_lost_first_row_fails_loudly(spark: Any, rig: Rig) -> None:
    frame = spark.range(0, 20, 1, 4).selectExpr("id", "'x' as note")
    store = put(pack.packed(None, frame, a_record(rig), policy(), public(rig)), rig)
    second = store._firsts("spark")[1][0]
    store.table.delete(f"write_key = 'spark' AND row = {second}", "lost")
    with pytest.raises(Exception, match="altered") as raised:
        store.rows("spark", private_key=rig.private_key)
    assert getattr(raised.value, "code", "") == "SF454"
