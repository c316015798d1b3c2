"""What a write leaves of a table, mode by mode: keys are unique beside just these rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sfctl as sf
from sfctl.runtime.job import others
from tests.others_rig import BATCH, KNOWN, MODES, NAMED, THERE, name_once
from tests.publish_rig import Rig, policy
from tests.shop_rig import Shop


@pytest.mark.parametrize(("mode", "how", "left"), MODES)
def test_what_a_write_leaves(
    tmp_path: Path, mode: Any, how: dict[str, Any], left: list[str] | None
) -> None:
    rig = Rig(tmp_path)
    rig.write(THERE, policy(rules=()), partition_by=("p",))
    found = others.kept_by(rig.request(BATCH, policy(), mode=mode, **how), BATCH)
    ids = None if found is None else sorted(map(str, found.collect()["id"].to_list()))
    assert ids == left


def test_no_value_goes_in_beside_that_of_a_row_which_stays_for_one_held_back(shop: Shop) -> None:
    name_once(shop)
    assert sf.write(KNOWN, "plain").certification == "CERTIFIED"
    result = sf.write(NAMED, "plain", mode="merge")
    assert (result.rows_published, result.rows_quarantined) == (1, 6)
    there = shop.table("plain").sort("id")
    assert there.rows() == [*KNOWN.rows(), (7, 1, "z")]
    assert result.certification != "CERTIFIED"
