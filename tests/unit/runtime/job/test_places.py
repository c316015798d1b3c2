"""Where rows may lie: stages that are stored, tables that were not replaced, a quarantine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import deltalake
import polars as pl
import pytest

import sfctl as sf
from sfctl.errors import SourceError, UsageError
from sfctl.runtime.job.compiled import find_root
from tests import shop_rig
from tests.shop_rig import Shop

GOOD = pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, 3.0], "contact": ["a@b.org", None, "x"]})
BAD = GOOD.with_columns(pl.Series("amount", [1.0, -2.0, 3.0]))


def test_a_stage_that_is_not_stored_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("SFCTL_")]:
        monkeypatch.delenv(name)
    without = shop_rig.DATASET.replace(", gold: gold/{name}", "")
    monkeypatch.setattr(shop_rig, "DATASET", without)
    shop_rig.compile_shop(tmp_path)
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="orders stores no stage 'gold'") as caught:
        sf.write(GOOD, "orders", stage="gold")
    assert (caught.value.code, caught.value.hint.split(";")[0]) == (
        "SF313", "it stores bronze, silver",
    )  # fmt: skip
    assert not (tmp_path / "lake" / "gold").exists()


def test_a_project_that_is_named_and_not_there_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [str(tmp_path / "job.py")])
    gone = str(tmp_path / "gone")
    with pytest.raises(UsageError, match=f"around {gone}") as caught:
        find_root({"SFCTL_PROJECT_DIR": gone})
    assert caught.value.hint == f"SFCTL_PROJECT_DIR is {gone}"


def test_a_table_that_was_replaced_is_not_read_as_certified(shop: Shop) -> None:
    sf.write(GOOD, "orders", stage="gold")
    table = shop.root / "lake" / "gold" / "orders"
    shutil.rmtree(table / "_delta_log")
    deltalake.write_deltalake(str(table), BAD)
    with pytest.raises(SourceError) as caught:
        sf.read_certified("orders", as_="polars")
    assert caught.value.code == "SF323"


def test_with_a_damaged_quarantine_data_flow_uncertified_and_without_what_is_acted_on(
    shop: Shop,
) -> None:
    (shop.root / "lake").mkdir(exist_ok=True)
    damaged = shop.root / "lake" / "_quarantine"
    damaged.write_text("x")
    result = sf.write(BAD, "orders", stage="gold")
    assert (result.rows_published, result.certification) == (3, None)
    assert list(result.degraded) == ["write:SF333"]
    assert shop.table()["contact"].to_list() == [None] * 3
    assert shop.certified() is None
    damaged.unlink()
    after = sf.write(GOOD.with_columns(pl.col("id") + 10), "orders", stage="gold")
    assert after.certification == "NEVER_CERTIFIED"
    assert after.certification_reasons == ("TAINTED(0)",)
