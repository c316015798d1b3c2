"""What a dataset without history borrows from the others of its tier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sfctl.profiling.tiers import BUILT_IN, Tiers
from sfctl.spec.baseline import load_baseline
from sfctl.spec.dataset import DatasetFiles, nobody


def dataset(name: str, baseline: dict[str, Any] | None) -> DatasetFiles:
    return DatasetFiles(name, nobody(name, "dataset.yaml"), None, baseline)


def document(low: int, high: int, *, synthetic: bool = False) -> dict[str, Any]:
    volume = {"rows_per_day": {"min": low, "median": 100, "max": high}}
    columns = {"a": {"null_rate": 0.1}, "b": {"null_rate": 0.0}}
    return {"is_synthetic": synthetic, "volume": volume, "columns": columns}


def test_others_lend_and_nobody_borrows_of_themselves() -> None:
    one, two = dataset("one", document(80, 120)), dataset("two", document(60, 180))
    vague = [dataset("young", document(1, 999, synthetic=True)), dataset("odd", {"x": 1})]
    tiers = Tiers([one, two, *vague])
    found = tiers.defaults(dataset("new", None))
    assert (found.low, found.high, found.null_rate) == (0.7, 1.5, 0.05)
    assert found.source == "tier defaults: average of 2 datasets of TIER_3"
    assert tiers.defaults(one).low == 0.6
    assert Tiers(vague).defaults(one) == BUILT_IN


def test_a_baseline_written_in_this_run_counts_at_once() -> None:
    one, two = dataset("one", document(80, 120)), dataset("two", None)
    tiers = Tiers([one, two])
    assert tiers.defaults(one) == BUILT_IN
    tiers.learn(two, document(50, 200))
    assert (tiers.defaults(one).low, tiers.defaults(one).high) == (0.5, 2.0)


def test_a_wide_table_has_a_baseline_that_is_read_again(tmp_path: Path) -> None:
    columns = {f"c{n}": {"null_rate": 0.1, "reason": "x" * 500} for n in range(10_000)}
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps({"columns": columns}))
    assert load_baseline(file, "baseline.json") == {"columns": columns}
