"""The file of the last runs, as somebody may have left it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfctl.commands.run_results import FILE, SCHEMA, verdicts

GOOD = {"name": "orders", "status": "fail", "stage": "gold"}


@pytest.mark.parametrize(
    "entry",
    [
        {**GOOD, "name": ["orders"]},
        {**GOOD, "stage": 3},
        {**GOOD, "status": ["fail"]},
        {**GOOD, "status": "odd"},
    ],
)
def test_an_entry_that_makes_no_sense_is_left_out(entry: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text(json.dumps({"schema": SCHEMA, "results": [GOOD, entry]}))
    assert verdicts(tmp_path) == {"orders": "fail"}
