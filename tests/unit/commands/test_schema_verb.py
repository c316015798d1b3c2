"""`sfctl schema`: any description in one model, what breaks between two, what is registered."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow.parquet as pq
import pytest

from sfctl.commands.profile import profile
from sfctl.commands.register import register
from sfctl.commands.schema import diff, list_registered, show
from sfctl.errors import SourceError, UsageError
from tests.shop_rig import Shop, compile_shop, copy_shop
from tests.unit.dialects.described import DDL, TABLE, arrow, avro, iceberg, spark

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("schema") / "shop"
    root.mkdir()
    compile_shop(root)
    return root


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("SFCTL_ACTOR", "ann")
    return copy_shop(template, tmp_path / "shop")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The same table as a file in every dialect, and as the tables themselves."""
    texts = {
        "orders.avsc": json.dumps(avro()), "spark.json": json.dumps(spark()),
        "iceberg.json": json.dumps(iceberg()), "orders.sql": DDL,
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    pq.write_table(arrow().empty_table(), tmp_path / "orders.parquet")
    deltalake.DeltaTable.create(
        str(tmp_path / "delta"), deltalake.Schema.from_json(json.dumps(spark()))
    )
    return {name: str(tmp_path / name) for name in (*texts, "orders.parquet", "delta")}


def test_one_table_in_every_dialect_shows_one_fingerprint(files: dict[str, str]) -> None:
    found = {name: show(path).payload for name, path in files.items()}
    assert {each["fingerprint"] for each in found.values()} == {TABLE.fingerprint()}
    assert {name: each["dialect"] for name, each in found.items()} == {
        "orders.avsc": "avro", "spark.json": "spark", "iceberg.json": "iceberg",
        "orders.sql": "ddl", "orders.parquet": "parquet", "delta": "delta",
    }  # fmt: skip
    text = show(files["delta"]).text.splitlines()
    assert text[0].split() == ["id", "INT64", "never", "null"]
    assert text[-2].startswith("fingerprint sha256:")


def test_rows_say_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,day,note\n1,2026-01-01,x\n")
    columns = show(str(tmp_path / "rows.csv")).payload["columns"]
    assert [(c["name"], c["type"], c["nullable"]) for c in columns] == [
        ("id", "INT64", None), ("day", "STRING", None), ("note", "STRING", None),
    ]  # fmt: skip


MODES = [("strict", 1, "FAIL"), ("compatible", 1, "FAIL"), ("breaking", 0, "PASS")]


@pytest.mark.parametrize(("mode", "code", "verdict"), MODES)
def test_a_break_is_exit_code_one(mode: Any, code: int, verdict: str, tmp_path: Path) -> None:
    (tmp_path / "old.sql").write_text("id BIGINT NOT NULL, n INT, s STRUCT<a: INT>")
    (tmp_path / "new.sql").write_text("id BIGINT NOT NULL, n BIGINT, s STRUCT<b: STRING>")
    found = diff(str(tmp_path / "old.sql"), str(tmp_path / "new.sql"), mode=mode)
    assert (found.exit_code, found.payload["verdict"]) == (code, verdict)
    assert [(c["change"], c["field"]) for c in found.payload["changes"]] == [
        ("widened", "n"), ("removed", "s.a"), ("added", "s.b"),
    ]  # fmt: skip
    broken = {"strict": ["n", "s.a", "s.b"], "compatible": ["s.a"], "breaking": []}
    assert [each["field"] for each in found.payload["breaking"]] == broken[mode]
    words = [line.split()[0] for line in found.text.splitlines()[:3]]
    assert words.count("breaks") == len(broken[mode])


def test_what_is_compatible_warns_and_what_is_the_same_passes(tmp_path: Path) -> None:
    (tmp_path / "old.sql").write_text("n INT")
    (tmp_path / "new.sql").write_text("n BIGINT, more STRING")
    found = diff(str(tmp_path / "old.sql"), str(tmp_path / "new.sql"))
    assert (found.exit_code, found.payload["verdict"]) == (0, "WARN")
    assert found.text.endswith("2 differences; nothing breaks")
    same = diff(str(tmp_path / "old.sql"), str(tmp_path / "old.sql"))
    assert (same.text, same.payload["verdict"]) == ("the same fingerprint; nothing breaks", "PASS")


def test_what_is_not_there_or_no_schema_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        show(str(tmp_path / "absent.avsc"), project_dir=tmp_path)
    (tmp_path / "broken.avsc").write_text('{"type": "record", "name": "R", "fields": [3]}')
    with pytest.raises(UsageError, match=r"broken.avsc \$.fields\[0\]: not an object") as error:
        show(str(tmp_path / "broken.avsc"))
    assert error.value.code == "SF523"
    (tmp_path / "t.parquet").write_text("no parquet")
    (tmp_path / "delta" / "_delta_log").mkdir(parents=True)
    for name in ("t.parquet", "delta"):
        with pytest.raises(SourceError, match="is no readable"):
            show(str(tmp_path / name))


def measured(shop: Shop, frame: pl.DataFrame, **more: Any) -> dict[str, Any]:
    rows = shop.root / "rows.parquet"
    frame.write_parquet(rows)
    asked = {"project_dir": shop.root, "target": None, "now": NOW}
    found = profile(("orders",), source=rows, suggest=False, **asked, **more)
    result: dict[str, Any] = found.payload["datasets"][0]["schema"]
    return result


def registered(shop: Shop) -> dict[str, Any]:
    found = register(("orders",), project_dir=shop.root, target=None, now=NOW, from_=None)
    result: dict[str, Any] = found.payload["datasets"][0]["schema"]
    return result


def listed(shop: Shop) -> dict[str, Any]:
    found = list_registered(("orders",), project_dir=shop.root).payload["datasets"][0]
    return {**found, "versions": [v["version"] for v in found["versions"]]}


ONE = pl.DataFrame({"id": [1], "amount": [1.0], "contact": ["a"]})
TWO = ONE.with_columns(note=pl.lit("x"))


def test_profile_and_register_make_versions_with_who_and_when(shop: Shop) -> None:
    assert registered(shop) is None, "there is no baseline yet"
    assert listed(shop)["state"] == "unregistered"
    assert measured(shop, ONE) == {"version": 1, "error": None}
    assert (registered(shop)["change"], registered(shop)["version"]) == ("unchanged", 1)
    assert measured(shop, TWO)["version"] == 2
    assert (listed(shop)["versions"], listed(shop)["state"]) == ([1, 2], "registered")
    file = shop.root / "datasets" / "orders" / "schemas" / "2.json"
    kept = json.loads(file.read_text())
    assert (kept["registered_by"], kept["registered_at"]) == ("ann", "2026-11-21T12:00:00.000Z")
    assert kept["formats"] == {"bronze": "delta", "silver": "delta", "gold": "delta"}
    changes = diff("orders@1", "orders", project_dir=shop.root).payload["changes"]
    assert [(c["change"], c["field"]) for c in changes] == [("added", "note")]
    assert show("ds://shop/orders@1", project_dir=shop.root).payload["version"] == 1
    with pytest.raises(UsageError, match="no registered schema 9") as error:
        show("orders@9", project_dir=shop.root)
    assert error.value.code == "SF521"


def test_another_table_format_is_a_migration(shop: Shop) -> None:
    measured(shop, ONE)
    file = shop.root / "datasets" / "orders" / "dataset.yaml"
    file.write_text(file.read_text().replace("{bronze", "{format: parquet, bronze"))
    found = register(("orders",), project_dir=shop.root, target=None, now=NOW, from_=None)
    assert found.payload["datasets"][0]["schema"]["change"] == "migrated"
    assert "schema version 2: the same, in another table format" in found.text


def test_a_damaged_version_stops_no_profile_and_is_told(shop: Shop) -> None:
    measured(shop, ONE)
    file = shop.root / "datasets" / "orders" / "schemas" / "1.json"
    file.write_text(file.read_text()[:50])
    told = measured(shop, TWO)
    assert told["error"]["code"] == "SF520"
    assert (registered(shop)["change"], list_registered(project_dir=shop.root).exit_code) == (
        "failed",
        3,
    )
    assert listed(shop)["error"]["code"] == "SF520"
    shutil.rmtree(file.parent)
    assert show("orders", project_dir=shop.root).payload["dialect"] == "baseline"
    assert registered(shop)["change"] == "registered"


def test_what_is_longer_than_a_name_is_no_path(shop: Shop) -> None:
    with pytest.raises(UsageError) as told:
        show("a" * 5_000, project_dir=shop.root)
    assert told.value.code == "SF521"
