"""What a write from Spark leaves of a table is what one from memory leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl.runtime.spark import others
from tests.others_rig import BATCH, KNOWN, MODES, NAMED, THERE, name_once
from tests.publish_rig import policy
from tests.shop_rig import Shop
from tests.spark_publish_rig import SparkRig


@pytest.mark.parametrize(("mode", "how", "left"), MODES)
def test_what_a_write_leaves(
    tmp_path: Path, spark: Any, mode: Any, how: dict[str, Any], left: list[str] | None
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(THERE, policy(rules=()), partition_by=("p",))
    batch = rig.frame(BATCH)
    found = others.kept_by(spark, rig.request(batch, policy(), mode=mode, **how), batch)
    ids = None if found is None else sorted(str(row.id) for row in found.select("id").collect())
    assert ids == left


def test_no_value_goes_in_beside_that_of_a_row_which_stays_for_one_held_back(
    shop: Shop, spark: Any
) -> None:
    name_once(shop)
    assert sf.write(KNOWN, "plain").certification == "CERTIFIED"
    rows = NAMED.filter(pl.col("id").is_in([1, 4, 7]))
    result = sf.write(spark.createDataFrame(rows.to_arrow()).coalesce(1), "plain", mode="merge")
    assert (result.rows_published, result.rows_quarantined) == (1, 2)
    assert shop.table("plain").sort("id").rows() == [*KNOWN.rows(), (7, 1, "z")]
    assert result.certification != "CERTIFIED"
