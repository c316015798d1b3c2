"""The same rows by pandas and by Spark: the same answer, table, quarantine and evidence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.certification import pin
from sfctl.errors import UsageError
from sfctl.model import codec
from sfctl.model.policy import Detection
from sfctl.model.write import WriteResult
from sfctl.runtime.pii import keys
from sfctl.runtime.publishing.replay import replay
from tests.publish_rig import Rig, batch, policy
from tests.spark_publish_rig import SparkRig

GOOD, MIXED = batch(5, 6), batch(1, -1, 2, start=10)
TOKENS = (Detection("EMAIL", "tokenize", ("note",)),)


class Pair:
    """One lake written to from memory, one from Spark."""

    def __init__(self, root: Path, spark: Any, **more: Any) -> None:
        self.near = Rig(root / "near", **more)
        self.far = SparkRig(root / "far", spark=spark, **more)

    def write(self, rows: pl.DataFrame, by: Any, **more: Any) -> WriteResult:
        """Write both; the answers are the same."""
        here = self.near.write(rows, by, **more)
        there = self.far.write(rows, by, **more)
        assert told(there) == told(here)
        return there

    def check(self) -> None:
        """Tables, quarantine, evidence and pin are the same."""
        assert rows_of(self.far) == rows_of(self.near)
        assert held(self.far) == held(self.near)
        assert events(self.far) == events(self.near)
        known = [pin.read(Path(rig.path)) for rig in (self.far, self.near)]
        versions = [each and each.last_certified_version for each in known]
        assert versions[0] == versions[1]


def told(result: WriteResult) -> dict[str, Any]:
    found: dict[str, Any] = codec.plain(result)
    for gate in found["gates"]:
        gate.pop("duration_ms", None)
    return found


def rows_of(rig: Rig) -> list[dict[str, Any]]:
    if rig.table().head() is None:
        return []
    found = rig.table().scan().collect()
    return found.select(sorted(found.columns)).sort("id").to_dicts()


def events(rig: Rig) -> list[dict[str, Any]]:
    return [{k: v for k, v in each.items() if k != "duration_ms"} for each in rig.events()]


def held(rig: Rig) -> list[Any]:
    """What waits, opened: the rows, their rules and reasons, and what is said of the batch."""
    found = []
    store = rig.quarantine()
    for each in store.held():
        opened = store.rows(each.write_key, private_key=rig.private_key).sort("id")
        batch = codec.plain(each.batch)
        batch.pop("header")
        batch.pop("schema")
        found.append((each.dt, each.run_id, each.state, batch, each.rules, each.reasons))
        found.append(opened.drop("_sfctl_held_row").to_dicts())
    return found


@pytest.mark.parametrize("format", ["delta", "parquet"])
def test_passing_diverted_and_blocked(tmp_path: Path, spark: Any, format: str) -> None:
    pair = Pair(tmp_path, spark, format=format)
    assert pair.write(GOOD, policy(), day=1).certification == "CERTIFIED"
    assert pair.write(MIXED, policy(), day=2).rows_quarantined == 1
    assert pair.write(batch(1, -1, start=20), policy(share="0.1"), day=3).blocked
    pair.check()


@pytest.mark.parametrize(
    ("level", "environment"),
    [("G0", "dev"), ("G1", "dev"), ("G2", "prod"), ("G3", "prod")],
)
def test_levels(tmp_path: Path, spark: Any, level: str, environment: str) -> None:
    pair = Pair(tmp_path, spark, environment=environment)
    pair.write(MIXED, policy(level, share="0.1"))
    pair.check()


@pytest.mark.parametrize("mode", ["overwrite", "overwrite_partitions", "merge"])
def test_modes(tmp_path: Path, spark: Any, mode: str) -> None:
    pair = Pair(tmp_path, spark)
    of = {"partition_by": ("note",)} if mode == "overwrite_partitions" else {}
    pair.write(batch(1, 2, 3), policy(), day=1, **of)
    pair.write(batch(7, -8, 9, start=1), policy(), day=2, mode=mode, **of)
    pair.check()


@pytest.mark.parametrize("format", ["delta", "parquet"])
def test_partitions_that_the_other_engine_wrote_are_replaced(
    tmp_path: Path, spark: Any, format: str
) -> None:
    rig = SparkRig(tmp_path, spark=spark, format=format)
    rows = batch(1, 2, 3).with_columns(pl.Series("flag", [True, False, None]))
    how: dict[str, Any] = {"partition_by": ("flag",), "mode": "overwrite_partitions"}
    Rig(tmp_path, format=format).write(rows, day=1, **how)
    fresh = batch(7, 8, start=10).with_columns(pl.Series("flag", [True, None]))
    rig.write(fresh, day=2, **how)
    assert rig.ids() == [1, 10, 11]
    Rig(tmp_path, format=format).write(fresh[:1].with_columns(id=pl.lit(20)), day=3, **how)
    assert rig.ids() == [1, 11, 20]


def test_a_partition_of_the_write(tmp_path: Path, spark: Any) -> None:
    pair = Pair(tmp_path, spark)
    for day, name in enumerate("aba", 1):
        more = {"mode": "overwrite_partitions"} if day == 3 else {}
        pair.write(batch(day, -1, start=day * 10), policy(), day=day, partition={"p": name}, **more)
    pair.check()
    assert sorted(pair.far.ids()) == [20, 30]
    rows = batch(1).with_columns(p=pl.lit("c"))
    for rig in (pair.near, pair.far):
        with pytest.raises(UsageError, match="other values") as caught:
            rig.write(rows, day=4, partition={"p": "d"})
        assert caught.value.code == "SF312"
        with pytest.raises(UsageError, match="column _sfctl_found") as caught:
            rig.write(rows.with_columns(_sfctl_found=1), day=4)
        assert caught.value.code == "SF315"
    pair.check()


@pytest.mark.parametrize("share", ["0.5", "0.1"])
def test_personal_data(tmp_path: Path, spark: Any, share: str) -> None:
    pair = Pair(tmp_path, spark)
    keys.create(pair.near.store)
    shutil.copytree(pair.near.store, pair.far.store)
    pair.write(MIXED, policy(share=share, pii=TOKENS))
    pair.check()
    for file in (tmp_path / "far").rglob("*.parquet"):
        assert b"example.org" not in file.read_bytes()
        assert "example.org" not in str(pl.read_parquet(file).to_dicts())


def test_what_spark_held_is_replayed(tmp_path: Path, spark: Any) -> None:
    pair = Pair(tmp_path, spark)
    pair.write(MIXED, policy(share="0.1"))
    for rig in (pair.near, pair.far):
        replay(rig.request(batch(), policy(), day=9), rig.ports(), rig.private_key)
        assert (rig.ids(), rig.held_ids("held")) == ([10, 12], [11])
    assert rows_of(pair.far) == rows_of(pair.near)
    assert held(pair.far) == held(pair.near)


def test_a_retry_after_the_commit_writes_nothing(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    first = rig.write(MIXED)
    untouched = spark.range(1).selectExpr("raise_error('computed again') AS id")
    again = rig.write(untouched, attempt=1, run_id="again")
    assert (again.already_published, again.version) == (True, first.version)
    assert (rig.ids(), rig.held_ids()) == ([10, 12], [11])


def test_an_earlier_attempt_that_was_blocked_gives_way(tmp_path: Path, spark: Any) -> None:
    pair = Pair(tmp_path, spark)
    pair.write(MIXED, policy(share="0.1"))
    pair.write(MIXED, policy(share="0.1"), attempt=1)
    assert pair.far.held_ids() == [10, 11, 12]
    assert pair.far.quarantine().table.head() == 1
    pair.far.quarantine().compact("2026-11-01", "run-2026-11-01")
    pair.write(MIXED, policy(share="0.1"), attempt=1)
    assert pair.far.held_ids() == [10, 11, 12]
    pair.write(MIXED, policy(), attempt=2)
    assert (pair.far.ids(), pair.far.held_ids()) == ([10, 12], [11])
    pair.check()
