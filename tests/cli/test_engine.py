"""`engine run` as a user has it: what it says of nothing, of what is missing, and when it ends."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest

from tests.cli.conftest import Result, Run

FRESHNESS = """\
dataset: ds://curated/orders
freshness_policy: {expected_update_by: "09:00 UTC", grace_period: 30m}
"""


@pytest.fixture
def shop(repo: Path, tmp_path: Path, sfctl: Run) -> Path:
    """A repo with a freshness policy of its own file and keys, not yet compiled."""
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    (root / "datasets" / "orders" / "freshness_policy.yaml").write_text(FRESHNESS)
    assert sfctl("init", "elsewhere", "-q").returncode == 0
    shutil.copytree(tmp_path / "elsewhere" / ".sfctl", root / ".sfctl")
    return root


def judged(sfctl: Run, root: Path, *words: str, code: int = 0) -> list[dict[str, Any]]:
    done: Result = sfctl("engine", "run", *words, "--format", "json", cwd=root)
    assert done.returncode == code, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["signals"]
    return found


def test_nothing_to_judge_is_said(sfctl: Run, shop: Path) -> None:
    outside = sfctl("engine", "run")
    assert (outside.returncode, "SF130" in outside.stderr) == (2, True)
    never = sfctl("engine", "run", cwd=shop)
    assert never.returncode == 0
    assert "never compiled" in never.stderr
    assert "the log is empty" in never.stderr
    unknown = sfctl("engine", "run", "freshnes", cwd=shop)
    assert (unknown.returncode, "SF820" in unknown.stderr) == (2, True)
    both = sfctl("engine", "run", "--follow", "--once", cwd=shop)
    assert (both.returncode, "SF821" in both.stderr) == (2, True)


def test_what_is_missing_by_its_own_policy_file(sfctl: Run, shop: Path) -> None:
    """Asked about a day long past: only what was due last, from its grace on."""
    assert sfctl("compile", cwd=shop).returncode == 0
    before = ["freshness", "--once", "--now", "2024-01-15T09:30:00Z"]
    assert judged(sfctl, shop, *before) == []
    past = ["freshness", "--once", "--now", "2024-01-15T09:31:00Z", "--fail-on", "critical"]
    (late,) = judged(sfctl, shop, *past, code=1)
    told = (late["signal_type"], late["reason"], late["state"], late["dataset_urn"])
    assert told == ("FRESHNESS_BREACH", "UPDATE_LATE", "CRITICAL", "urn:dp:curated:orders")
    assert late["window"]["end"] == "2024-01-15T09:30:00.000Z"
    assert judged(sfctl, shop, *past) == []


def test_what_is_missing_after_the_compile(sfctl: Run, shop: Path) -> None:
    job = shop / "jobs" / "daily.yaml"
    job.write_text(job.read_text() + 'schedule: "0 6 * * *"\n')
    assert sfctl("compile", cwd=shop).returncode == 0
    day = datetime.now(UTC).date() + timedelta(days=2)
    found = judged(sfctl, shop, "freshness", "--now", f"{day}T06:31:00Z")
    newest = max(found, key=lambda each: each["window"]["end"])
    assert {each["reason"] for each in found} == {"JOB_NOT_TRIGGERED"}
    assert {each["state"] for each in found} == {"CRITICAL"}
    assert newest["window"]["end"][:10] == day.isoformat()


@pytest.fixture
def following(shop: Path, sfctl: Run) -> Iterator[subprocess.Popen[str]]:
    assert sfctl("compile", cwd=shop).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "sfctl", "engine", "run", "--follow", "--format", "json"],
        cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def awaited(stream: IO[str] | None, word: str) -> str:
    assert stream
    for line in stream:
        if word in line:
            return line
    raise AssertionError(f"it ended without a word of {word}")


def published(root: Path) -> int:
    with sqlite3.connect(root / ".sfctl" / "bus.db") as connection:
        (found,) = connection.execute(
            "SELECT COUNT(*) FROM events WHERE kind = 'CONFIG'"
        ).fetchone()
    connection.close()
    return int(found)


def started(root: Path) -> None:
    for _ in range(200):
        if (root / ".sfctl" / "graph.db").exists() and published(root):
            return
        time.sleep(0.1)
    raise AssertionError("it did not start")


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_following_ends_when_told(
    following: subprocess.Popen[str], shop: Path, told: signal.Signals, code: int
) -> None:
    started(shop)
    following.send_signal(told)
    _, errors = following.communicate(timeout=30)
    assert following.returncode == code
    assert "Traceback" not in errors


def test_following_tells_new_signals_and_outlives_a_locked_store(
    following: subprocess.Popen[str], shop: Path, sfctl: Run
) -> None:
    started(shop)
    (shop / "events.jsonl").write_text(json.dumps(FAILED) + "\n")
    connection = sqlite3.connect(shop / ".sfctl" / "state.db", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    assert sfctl("evidence", "publish", "events.jsonl", cwd=shop).returncode == 0
    awaited(following.stderr, "SF822")
    connection.execute("COMMIT")
    connection.close()
    line = json.loads(awaited(following.stdout, "FRESHNESS_BREACH"))
    assert (line["reason"], line["run_id"]) == ("JOB_FAILED", "r1")


FAILED = {
    "kind": "JobRunFailed",
    "evidence_id": "evd-01HX0000000000000000000001",
    "timestamp": "2026-03-01T06:00:00.000Z",
    "job_urn": "urn:job:daily",
    "run_id": "r1",
    "payload": {},
}


def test_an_engine_whose_state_is_of_another_version_is_built_anew(sfctl: Run, shop: Path) -> None:
    assert sfctl("compile", cwd=shop).returncode == 0
    past = ["--now", "2024-01-15T09:31:00Z"]
    (late,) = judged(sfctl, shop, "freshness", *past)
    with sqlite3.connect(shop / ".sfctl" / "state.db") as store:
        changed = "UPDATE items SET value = json_set(value, '$.cell', 5) WHERE tbl = ?"
        assert store.execute(changed, ("engine_freshness",)).rowcount
    store.close()
    refused = sfctl("engine", "run", "freshness", "--now", "2024-01-16T09:31:00Z", cwd=shop)
    assert refused.returncode == 3
    assert "SF823" in refused.stderr
    assert "sfctl engine rebuild freshness" in refused.stderr
    kept = sfctl("engine", "rebuild", "freshness", "--dry-run", cwd=shop)
    assert (kept.returncode, "cell" in kept.stdout) == (0, True)
    rebuilt = sfctl("engine", "rebuild", "freshness", *past, "--format", "json", cwd=shop)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert json.loads(rebuilt.stdout)["signals"] == []
    (again,) = json.loads(
        sfctl("signals", "--all", *past, "--format", "json", cwd=shop).stdout
    )["signals"]  # fmt: skip
    assert again["signal_id"] == late["signal_id"]
    unknown = sfctl("engine", "rebuild", "graph", cwd=shop)
    assert (unknown.returncode, "SF820" in unknown.stderr) == (2, True)


def test_a_year_of_another_century_is_no_century_of_work(sfctl: Run, shop: Path) -> None:
    assert sfctl("compile", cwd=shop).returncode == 0
    judged(sfctl, shop, "freshness", "--now", "2030-01-01T00:00:00Z")
    late = judged(sfctl, shop, "freshness", "--now", "2230-01-01T00:00:00Z")
    assert {signal["reason"] for signal in late} == {"UPDATE_LATE"}
    assert late[-1]["window"]["end"].startswith("2229-12-31")
