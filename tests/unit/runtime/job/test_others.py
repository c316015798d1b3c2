"""What a write leaves of a table, mode by mode: keys are unique beside just these rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfctl.runtime.job import others
from tests.others_rig import BATCH, MODES, THERE
from tests.publish_rig import Rig, policy


@pytest.mark.parametrize(("mode", "how", "left"), MODES)
def test_what_a_write_leaves(
    tmp_path: Path, mode: Any, how: dict[str, Any], left: list[str] | None
) -> None:
    rig = Rig(tmp_path)
    rig.write(THERE, policy(rules=()), partition_by=("p",))
    found = others.kept_by(rig.request(BATCH, policy(), mode=mode, **how))
    ids = None if found is None else sorted(map(str, found.collect()["id"].to_list()))
    assert ids == left
