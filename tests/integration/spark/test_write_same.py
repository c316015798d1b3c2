"""`sf.write` of a pandas frame and of a Spark frame: the same result from the same project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sfctl as sf
from sfctl.model import codec
from tests.shop_rig import Shop, compile_shop, copy_shop

ORDERS = pd.DataFrame(
    {"id": [1, 2, 3, 4], "amount": [1.0, -2.0, 3.0, 2000.0], "contact": ["a@b.org", None, "x", "y"]}
)
MORE = pd.DataFrame({"id": [5, 6, 7], "amount": [1.0, 2.0, 3.0], "contact": ["c@d.org", "", None]})
LINES = pd.DataFrame({"id": [1, 2, 3], "order": [5, 5, 99]})
AGAIN = pd.DataFrame({"id": [3, 2], "order": [6, 7]})
STEPS: list[tuple[str, pd.DataFrame, dict[str, Any]]] = [
    ("orders", MORE, {}),
    ("orders", ORDERS, {}),
    ("lines", LINES, {}),
    ("lines", AGAIN, {}),
    ("orders", MORE.assign(amount=9.0), {"mode": "merge"}),
    ("strict", MORE, {"stage": "silver", "partition": {"day": "2026-01-31"}}),
    ("plain", MORE[["id"]], {"mode": "overwrite_partitions", "partition": {"day": "a"}}),
]
OWN = {"run_id", "write_key", "evidence", "quarantine_table"}
"""What names a run, not what came of it."""


def answers(shop: Shop, made: Any, patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Do every step in a project; return what each write answered."""
    patch.setenv("SFCTL_PROJECT_DIR", str(shop.root))
    found = []
    for name, frame, how in STEPS:
        try:
            result = sf.write(made(frame), f"ds://shop/{name}", **how)
        except sf.PublishBlocked as blocked:
            result = blocked.result
        told = {k: v for k, v in codec.plain(result).items() if k not in OWN}
        for gate in told["gates"]:
            gate.pop("duration_ms", None)
        found.append(told)
    return found


def rows(shop: Shop, name: str, stage: str = "gold") -> list[tuple[Any, ...]]:
    frame = shop.table(name, stage).to_pandas()
    frame = frame[sorted(frame.columns)].astype(object)
    return sorted(map(tuple, frame.where(frame.notna(), "").itertuples(index=False)), key=str)


def test_every_write_answers_the_same(
    tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("SFCTL_")]:
        monkeypatch.delenv(name)
    (tmp_path / "template").mkdir()
    compile_shop(tmp_path / "template")
    near = copy_shop(tmp_path / "template", tmp_path / "near")
    far = copy_shop(tmp_path / "template", tmp_path / "far")
    kinds = {"id": "long", "amount": "double", "contact": "string", "order": "long"}

    def on_spark(frame: pd.DataFrame) -> Any:
        shape = ", ".join(f"`{name}` {kinds[name]}" for name in frame.columns)
        plain = frame.astype(object).where(frame.notna(), None)
        return spark.createDataFrame(list(plain.itertuples(index=False, name=None)), shape)

    here = answers(near, lambda frame: frame, monkeypatch)
    there = answers(far, on_spark, monkeypatch)
    for one, other in zip(here, there, strict=True):
        assert other == one
    assert [told["rows_quarantined"] for told in there] == [0, 4, 1, 1, 0, 0, 0]
    assert not far.degraded()
    for name, stage in (("orders", "gold"), ("lines", "gold"), ("strict", "silver")):
        assert rows(far, name, stage) == rows(near, name, stage)
    kinds_of = [[event["kind"] for event in shop.outbox()] for shop in (near, far)]
    assert kinds_of[0] == kinds_of[1]
