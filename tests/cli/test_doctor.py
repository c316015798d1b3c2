"""doctor: what is wrong on this machine and in this project, and the line that mends it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfctl.certification import pin
from sfctl.cli import main
from sfctl.diagnosis import machine, stores
from sfctl.diagnosis import project as projects
from sfctl.runtime.spark import configured


@pytest.fixture(autouse=True)
def _no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Spark needs of a machine is asked in a module of its own."""
    monkeypatch.delenv("SPARK_HOME", raising=False)
    monkeypatch.setattr(configured, "find_spec", lambda _: None)


@pytest.fixture
def home(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    monkeypatch.chdir(root)
    return root


def _checks(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main(["doctor", "--format", "json", *words]) == code
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


def test_outside_a_project_it_examines_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    checks = _checks(capsys)
    assert {"python", "platform", "polars", "typer", "extra spark", "disk"} <= set(checks)
    assert checks["project"]["detail"] == "none here"
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("looked at, nothing to mend.\n")


def test_a_healthy_project(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(home / "other")])
    shutil.copytree(home / "other" / ".sfctl", home / ".sfctl")
    assert main(["compile"]) == 0
    capsys.readouterr()
    checks = _checks(capsys)
    assert {check["status"] for check in checks.values()} == {"ok"}
    assert checks["policies"]["detail"] == "compiled after the last change"


def test_a_copy_that_would_write_to_the_lake_of_the_original_is_to_be_mended(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile"]) == 0
    link, copy = home.parent / "link", home.parent / "copy"
    link.symlink_to(home)
    monkeypatch.chdir(link)
    capsys.readouterr()
    assert main(["doctor", "--project-dir", str(link), "--format", "json"]) == 0
    assert "SF730" not in capsys.readouterr().out
    shutil.copytree(home, copy)
    monkeypatch.chdir(copy)
    found = _checks(capsys, code=1)["policies"]
    assert (found["status"], found["code"], found["remedy"]) == ("fail", "SF730", "sfctl compile")
    assert found["detail"].startswith(f"compiled for the lake {home / 'lake'}, not {copy}")


def test_what_is_missing_is_named_with_its_remedy(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = _checks(capsys)
    assert checks["policies"]["remedy"] == "sfctl compile"
    assert checks["pii key"]["status"] == "warn"
    assert checks["stores"]["detail"] == "none yet; the first run makes them"
    bundle = home / "datasets" / "orders" / "policy_bundle.yaml"
    pii = "pii: {detection: [{pattern: EMAIL, action: tokenize}]}\n"
    bundle.write_text(bundle.read_text() + pii)
    checks = _checks(capsys, code=1)
    assert checks["pii key"]["status"] == "fail"
    assert "orders cannot tokenize" in checks["pii key"]["detail"]


def test_a_change_after_compiling(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile"]) == 0
    capsys.readouterr()
    manifest = home / "target" / "manifest.json"
    job = home / "jobs" / "daily.yaml"
    import os

    os.utime(job, ns=(manifest.stat().st_mtime_ns + 10**9,) * 2)
    assert _checks(capsys)["policies"]["detail"].startswith("jobs/daily.yaml is newer")


def test_broken_yaml_sends_to_validate(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "jobs" / "daily.yaml").write_text("x: 1\n")
    assert _checks(capsys, code=1)["yaml"]["remedy"] == "sfctl validate"
    (home / "sfctl.yml").write_text("x: 1\n")
    assert _checks(capsys, code=1)["project"]["remedy"] == "sfctl validate"


def test_keys_that_leak(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)
    main(["init", str(home / "other")])
    shutil.copytree(home / "other" / ".sfctl", home / ".sfctl")
    capsys.readouterr()
    (home / ".sfctl" / "keys" / "pii.key").chmod(0o644)
    checks = _checks(capsys, code=1)
    assert checks["key pii.key"]["remedy"] == "chmod 600 .sfctl/keys/pii.key"
    assert checks["git"]["code"] == "SF725"
    (home / ".gitignore").write_text(".sfctl/\n")
    assert _checks(capsys, code=1)["git"]["status"] == "ok"
    assert _checks(capsys, "--target", "prod", code=1)["quarantine key"]["code"] == "SF723"


def test_dangerous_settings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = home / "datasets" / "orders" / "policy_bundle.yaml"
    bundle.write_text(bundle.read_text() + "performance: {sampling_rate: 0.1}\n")
    checks = _checks(capsys, "--target", "prod", code=1)
    assert checks["approval"]["status"] == "fail"
    assert checks["bus"]["code"] == "SF727"
    assert checks["sampling"]["detail"].startswith("orders: judged in part")


def test_gates_that_are_off(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["switch", "off", "--reason", "drill", "--scope", "job:daily"]) == 0
    capsys.readouterr()
    check = _checks(capsys)["kill switch"]
    assert check["status"] == "warn"
    assert check["remedy"] == "sfctl switch on --scope job:daily"


def test_a_damaged_manifest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile"]) == 0
    capsys.readouterr()
    manifest = home / "target" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    found = _checks(capsys, code=1)["policies"]
    assert (found["status"], found["code"], found["remedy"]) == ("fail", "SF752", "sfctl compile")


def test_a_store_that_only_has_no_rights_is_not_to_be_moved_away(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".sfctl" / "bus.db").mkdir(parents=True)
    assert "away" not in _checks(capsys, code=1)["bus.db"]["remedy"]


def test_a_damaged_store(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["register"]) == 0
    capsys.readouterr()
    (home / ".sfctl" / "bus.db").write_bytes(b"not a database" * 100)
    checks = _checks(capsys, code=1)
    assert checks["state.db"]["status"] == "ok"
    assert checks["bus.db"]["code"] == "SF731"


def test_much_evidence_that_waits(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = home / ".sfctl" / "outbox"
    outbox.mkdir(parents=True)
    monkeypatch.setattr(stores, "MUCH_PENDING", -1)
    assert _checks(capsys)["outbox"]["remedy"] == "sfctl evidence flush"


def test_network_file_systems_are_told_by_the_longest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    place = tmp_path.resolve()
    spaced = str(place / "a b").replace(" ", "\\040")
    mounts.write_text(f"dev / ext4 rw 0 0\nsrv {place} nfs4 rw 0 0\nx {spaced} ext4 rw 0 0\nbad\n")
    (tmp_path / "a b").mkdir()
    assert stores.mounted_as(tmp_path, mounts) == "nfs4"
    assert stores.mounted_as(tmp_path / "a b", mounts) == "ext4"
    assert stores.mounted_as(tmp_path, tmp_path / "absent") == ""


@pytest.mark.parametrize(
    ("name", "bounds", "status", "said"),
    [
        ("polars", ">=2.1,<3", "ok", ""),
        ("polars", ">=99.0", "fail", "too old (needs at least 99.0)"),
        ("polars", "<1", "warn", "not the version tested"),
        ("polars", "==1.0.0", "warn", "not the version tested"),
        ("no-such-library", ">=1", "fail", "missing"),
    ],
)
def test_libraries_are_held_against_their_bounds(
    name: str, bounds: str, status: str, said: str
) -> None:
    found = machine.library(name, bounds)
    assert found.status == status
    assert said in found.detail
    assert status == "ok" or found.remedy == f"pip install '{name}{bounds}'"


def test_tables_whose_history_a_vacuum_would_take(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import polars as pl

    assert main(["compile"]) == 0
    capsys.readouterr()
    (gold,) = json.loads((home / "target" / "manifest.json").read_text())["datasets"].values()
    setting = {"delta.deletedFileRetentionDuration": "interval 12 hours"}
    table = gold["paths"]["gold"]
    pl.DataFrame({"id": [1]}).write_delta(table, delta_write_options={"configuration": setting})
    (home / ".sfctl").mkdir(exist_ok=True)
    found = _checks(capsys)["table orders"]
    assert (found["status"], found["code"]) == ("warn", "SF733")
    assert found["detail"].startswith("delta.deletedFileRetentionDuration=interval 12 hours: ")
    assert found["detail"].endswith("versions older than 0.5 days")


def test_a_certified_version_whose_files_are_gone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import polars as pl

    assert main(["compile"]) == 0
    capsys.readouterr()
    (gold,) = json.loads((home / "target" / "manifest.json").read_text())["datasets"].values()
    table = home / gold["paths"]["gold"]
    for name in ("a", "b"):
        pl.DataFrame({"id": [name]}).write_delta(table, mode="append")
    pinned = pin.Pin("urn:dp:curated:orders", "CERTIFIED", 0, "", "", 1)
    assert pin.write(table, pinned)
    (home / ".sfctl").mkdir(exist_ok=True)
    assert "table orders" not in _checks(capsys)
    for path in table.glob("*.parquet"):
        path.unlink()
    found = _checks(capsys, code=1)["table orders"]
    assert (found["status"], found["code"]) == ("fail", "SF734")
    assert found["detail"] == "files of the certified version 0 are gone or damaged"
    (table / pin.NAME).write_text("{")
    assert _checks(capsys)["table orders"]["code"] == "SF633"


def test_databases_are_opened_for_reading_only(home: Path) -> None:
    path = home / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = path.read_bytes()
    list(stores.examine(home, datetime.now(UTC)))
    assert path.read_bytes() == before
    assert projects.switch is not None


def test_custom_rules_need_pyarrow_and_their_files_count_as_sources(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = home / "datasets" / "orders" / "policy_bundle.yaml"
    bundle.write_text(
        "schema: {constraints: [{field: order_id, type: STRING}]}\n"
        "dq: {rules: [{kind: custom, function: 'own:check', field: order_id}]}\n"
    )
    (home / "own.py").write_text("import near\ndef check(batch): ...\n")
    (home / "near.py").write_text("")
    assert main(["compile"]) == 0
    capsys.readouterr()
    checks = _checks(capsys)
    assert checks["custom rules"]["detail"] == "1 function"
    assert checks["policies"]["status"] == "ok"
    later = (home / "target/manifest.json").stat().st_mtime + 5
    os.utime(home / "near.py", (later, later))
    monkeypatch.setattr(projects, "find_spec", lambda _: None)
    checks = _checks(capsys, code=1)
    assert checks["policies"]["detail"] == "near.py is newer than what was compiled"
    assert (checks["custom rules"]["status"], checks["custom rules"]["code"]) == ("fail", "SF513")


def test_a_registered_schema_that_cannot_be_read(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _checks(capsys)["schemas"]["detail"] == "0 datasets in the schema registry"
    folder = home / "datasets" / "orders" / "schemas"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text("{")
    found = _checks(capsys)["schemas"]
    assert (found["status"], found["code"]) == ("warn", "SF520")
    assert found["remedy"] == "restore the file from version control"
