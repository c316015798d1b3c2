"""What a write from Spark leaves of a table is what one from memory leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfctl.runtime.spark import others
from tests.others_rig import BATCH, MODES, THERE
from tests.publish_rig import policy
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
