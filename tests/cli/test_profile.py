"""`sfctl profile` as its users meet it: day by day, twice the same, drafts that wait."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.cli import main

JSON = ("--format", "json")


@pytest.fixture
def home(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    (root / "datasets" / "orders" / "policy_bundle.yaml").unlink()
    monkeypatch.chdir(root)
    return root


def day(home: Path, number: int, rows: int = 50) -> None:
    """Land one day of the table."""
    folder = home / "lake" / "gold" / "orders" / f"dt=2026-01-{number:02d}"
    folder.mkdir(parents=True)
    ids = [number * 100 + n for n in range(rows)]
    frame = {"id": ids, "total": [5.0 + n % 9 for n in ids], "state": ["NEW", "SENT"] * (rows // 2)}
    pl.DataFrame(frame).write_parquet(folder / "part.parquet")


def profile(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["profile", "orders", *words]) == 0
    told = capsys.readouterr()
    return told.out, told.err


def one(text: str) -> dict[str, Any]:
    (row,) = json.loads(text)["datasets"]
    return dict(row)


def test_r020_a_baseline_is_synthetic_until_seven_days_exist(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic = []
    for number in range(1, 9):
        day(home, number)
        out, err = profile(capsys, *JSON)
        assert err.startswith("50 rows of 1 day read\n")
        row = one(out)
        synthetic.append(row["is_synthetic"])
        document = json.loads((home / row["baseline"]).read_text())
        assert document["is_synthetic"] is row["is_synthetic"]
        if row["is_synthetic"]:
            assert document["synthetic"]["source"].startswith("built in")
            assert row["volume"]["source"] == document["synthetic"]["source"]
    assert synthetic == [True] * 6 + [False] * 2
    text, err = profile(capsys)
    assert "8 days, 2026-01-01 to 2026-01-08: own history" in text
    assert err.startswith("0 rows of 0 days read\n")


def test_a_young_dataset_leans_on_its_tier(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 9):
        day(home, number, rows=40 if number % 2 else 50)
    other = home / "datasets" / "young"
    other.mkdir()
    text = (home / "datasets" / "orders" / "dataset.yaml").read_text()
    (other / "dataset.yaml").write_text(text.replace("orders", "young"))
    shutil.copytree(home / "lake/gold/orders", home / "lake/gold/young")
    for number in range(2, 9):
        shutil.rmtree(home / "lake/gold/young" / f"dt=2026-01-{number:02d}")
    assert main(["profile", *JSON]) == 0
    first = json.loads(capsys.readouterr().out)
    young = json.loads((other / "baseline.json").read_text())
    assert young["synthetic"] == {
        "source": "tier defaults: average of 1 dataset of TIER_2",
        "rows_per_day_low": 1.0,
        "rows_per_day_high": 1.25,
        "null_rate": 0.0,
    }
    assert main(["profile", *JSON]) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_r019_four_fields_a_column_and_the_same_bytes_twice(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 4):
        day(home, number)
    first, _ = profile(capsys, *JSON, "--suggest", "--now", "2026-01-04T00:00:00Z")
    file = home / "datasets" / "orders" / "baseline.json"
    written = file.read_bytes()
    row = one(first)
    assert {"rows", "volume", "fingerprint", "fields"} <= row.keys()
    for field in row["fields"]:
        assert field["row_count"] == 150
        assert field["null_rate"] == 0.0
        assert field["value_distribution"]["distinct"] > 0
        assert field["schema_fingerprint"].startswith("sha256:")
    again, _ = profile(capsys, *JSON)
    shutil.rmtree(home / ".sfctl" / "profile")
    anew, _ = profile(capsys, *JSON)
    assert again == anew
    assert file.read_bytes() == written
    assert one(anew)["fields"] == row["fields"]


def test_r023_ten_thousand_events_in_less_than_a_minute(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []
    for n in range(10_000):
        event = {
            "customer_id": f"c{n % 900}",
            "amount": n % 77 + 0.5,
            "at": f"2026-01-01T{n % 24:02d}:00",
        }
        lines.append(json.dumps(event | ({"discount_code": f"D{n % 9}"} if n % 100 < 23 else {})))
    (home / "events.jsonl").write_text("\n".join(lines) + "\n")
    started = time.monotonic()
    out, _ = profile(capsys, "--source", "events.jsonl", "--suggest", *JSON)
    assert time.monotonic() - started < 60
    row = one(out)
    told = {field["name"]: field["value_distribution"] for field in row["fields"]}
    assert told["customer_id"]["presence"] == "required"
    assert told["customer_id"]["confidence"] == 0.9997
    assert told["discount_code"]["presence"] == "optional"
    assert told["discount_code"]["null_rate"] == 0.77
    rules = [each["rule"] for each in row["suggestions"]]
    assert {"required_fields": ["customer_id"]} in rules
    assert {"required_fields": ["discount_code"]} not in rules
    assert all(each["confidence"] > 0.99 for each in row["suggestions"])
    assert main(["validate", "--strict"]) == 0


def test_a_draft_waits_two_days_and_is_then_named_until_it_is_reviewed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def waiting(now: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert main(["status", *JSON, "--now", now]) == 0
        return list(json.loads(capsys.readouterr().out)["drafts"])

    day(home, 1, rows=120)
    profile(capsys, "--suggest", "--now", "2026-01-02T00:00:00Z")
    file = home / "datasets" / "orders" / "policy_bundle.yaml"
    assert waiting("2026-01-04T00:00:00Z") == []
    late = "2026-01-05T00:00:00Z"
    assert waiting(late) == [{"name": "orders", "drafted_at": "2026-01-02T00:00:00.000Z"}]
    assert main(["status", "--now", late]) == 0
    assert (
        "datasets/orders/policy_bundle.yaml is a draft, unreviewed for 72.0 h"
        in capsys.readouterr().out
    )
    profile(capsys, "--suggest", "--now", late)
    assert waiting(late), "a draft that is there is not written again"
    marked, _, rest = file.read_text().partition("\n")
    assert marked.startswith("# sfctl-draft: 2026-01-02")
    file.write_text(rest)
    assert waiting(late) == []


def test_what_cannot_be_written_is_the_datasets_error(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day(home, 1)
    (home / ".sfctl").mkdir(exist_ok=True)
    (home / ".sfctl" / "profile").write_text("in the way")
    profile(capsys)  # what is kept between two profiles only saves time
    file = home / "datasets" / "orders" / "baseline.json"
    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    assert main(["profile", *JSON]) == 3
    error = one(capsys.readouterr().out)["error"]
    assert error["code"] == "SF015"
    assert "datasets/orders does not take the baseline" in error["message"]
