"""Many small partitions: few tasks for our workers, and the order of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from sfctl.model.policy import Detection
from sfctl.runtime import seal
from sfctl.runtime.pii import keys
from sfctl.runtime.spark import act, pack, sealing, workers
from tests.integration.spark.test_pack import a_record, public, put
from tests.publish_rig import Rig, policy

PARTS = 40
CORES = 2
MASK = (Detection("EMAIL", "mask"),)


def small(spark: Any) -> Any:
    return spark.range(0, 2 * PARTS, 1, PARTS).selectExpr("id", "concat('u', id, '@b.org') note")


def test_rows_are_packed_acted_on_and_sealed_in_a_task_a_core(spark: Any, tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    packed = pack.packed(None, small(spark), a_record(rig), policy(), public(rig))
    store = put(packed, rig)
    assert len(store._firsts("spark")) == CORES
    rows = store.rows("spark", private_key=rig.private_key).sort("_sfctl_held_row")
    assert rows["id"].to_list() == list(range(2 * PARTS))

    acted = act.act(small(spark), MASK, lambda: keys.load(rig.store), 2 * PARTS)
    assert acted.frame.rdd.getNumPartitions() == CORES

    place = tmp_path / "sealed"
    assert sealing.seal(small(spark), str(place), public(rig), 2 * PARTS) == 2 * PARTS
    pieces = pl.read_parquet(place / "*.parquet")["sealed"].to_list()
    assert len(pieces) == CORES
    first = pl.read_parquet(seal.unseal(pieces[0], rig.private_key))
    assert first.height == PARTS


def test_what_is_worth_its_tasks_keeps_them(spark: Any) -> None:
    rows = PARTS * workers.PIECE_ROWS
    assert workers.gathered(small(spark), rows).rdd.getNumPartitions() == PARTS
    assert workers.gathered(small(spark), rows // 2).rdd.getNumPartitions() == PARTS // 2
