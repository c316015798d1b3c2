"""A lake of 500 tables onboarded: one command each for register, profile and compile."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from bench.commands import sfctl
from bench.environments import child_environment
from bench.measure import Sample, run
from bench.places import DATA
from bench.results import Bound, Report, Table

TABLES = 500
QUICK = 50
BROKEN = 5
"""Tables that cannot be read: they are listed, and stop no other."""
ROWS = 2_000
DAYS = 10
TIMEOUT = 1800.0
PROJECT = "name: lake\ntargets: {default: dev, dev: {environment: dev, lake: ./lake}}\n"


def run_case(quick: bool) -> Report:
    """Onboard a lake that is written anew, once killed on the way; `quick` with 50 tables."""
    number = QUICK if quick else TABLES
    repo = _lake(number)
    measured = dict(_measured(repo))
    kept, whole = _killed(repo, number)
    told = _told(repo)
    head = ["", "wall s", "CPU s", "peak MiB", "CPU ms a table"]
    rows = [head, *(_row(name, sample, number) for name, sample in measured.items())]
    facts = [
        ["", "tables"],
        ["in the lake", f"{number + BROKEN:,}"],
        ["unreadable, listed by `register`", f"{len(told['unreadable']):,}"],
        ["with a baseline when `profile` was killed half way", f"{kept:,}"],
        ["with a baseline after the next call", f"{whole:,}"],
        ["that compile", f"{len(list((repo / 'target/policies').glob('*.json'))):,}"],
    ]
    return Report(
        "bootstrap",
        f"Onboarding {number} tables",
        f"Delta tables of {ROWS:,} rows, 12 columns and {DAYS} days in 20 folders; whole processes,"
        f" one a command. {BROKEN} more tables are damaged.",
        [Table("Whole process", rows), Table("What became of them", facts)],
        [
            Bound("tables without a baseline at the end", number - whole, 0, ""),
            Bound("damaged tables not listed", BROKEN - len(told["unreadable"]), 0, ""),
        ],
        measured,
    )


def _measured(repo: Path) -> Iterator[tuple[str, Sample]]:
    call = partial(sfctl, "--project-dir", str(repo), "--format", "json")
    once = partial(run, timeout=TIMEOUT, accept=(0, 3))
    lake = str(repo / "lake")
    yield "register --from lake", once(call("register", "--from", lake))
    yield "register --from lake, again", once(call("register", "--from", lake))
    yield "profile --suggest", once(call("profile", "--suggest"))
    yield "profile, nothing new", once(call("profile"))
    yield "validate", once(call("validate"))
    yield "compile", once(call("compile"))


def _killed(repo: Path, number: int) -> tuple[int, int]:
    """Return how many tables had a baseline when a first profile was killed, and at last."""
    shutil.rmtree(repo / ".sfctl/profile", ignore_errors=True)
    for file in repo.glob("datasets/*/baseline.json"):
        file.unlink()
    call = sfctl("--project-dir", str(repo), "--format", "json", "profile")
    process = subprocess.Popen(call, env=child_environment(), stdout=subprocess.DEVNULL)
    while process.poll() is None and _baselines(repo) < number // 2:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = _baselines(repo)
    subprocess.run(call, env=child_environment(), stdout=subprocess.DEVNULL, check=False)
    return kept, _baselines(repo)


def _baselines(repo: Path) -> int:
    return sum(1 for _ in repo.glob("datasets/*/baseline.json"))


def _told(repo: Path) -> dict[str, list[object]]:
    call = sfctl("--project-dir", str(repo), "--format", "json", "register", "--from",
                 str(repo / "lake"))  # fmt: skip
    done = subprocess.run(call, env=child_environment(), capture_output=True, check=False)
    told: dict[str, list[object]] = json.loads(done.stdout)
    return told


def _row(name: str, sample: Sample, number: int) -> list[str]:
    each = sample.cpu / number * 1000
    return [name, f"{sample.wall:.1f}", f"{sample.cpu:.1f}", f"{sample.peak:.0f}", f"{each:.1f}"]


def _lake(number: int) -> Path:
    repo = DATA / f"lake-{number}"
    shutil.rmtree(repo, ignore_errors=True)
    repo.mkdir(parents=True)
    (repo / "sfctl.yml").write_text(PROJECT)
    dice = random.Random(7)
    for each in range(number):
        place = repo / f"lake/team_{each % 20}/table_{each:03d}"
        _rows(dice).write_delta(place)
    for each in range(BROKEN):
        log = repo / f"lake/damaged/table_{each}/_delta_log"
        log.mkdir(parents=True)
        (log / f"{0:020d}.json").write_text('{"half')
    return repo


def _rows(dice: random.Random) -> pl.DataFrame:
    first = date(2024, 1, 1)
    words = ["new", "paid", "sent", "void"]
    several = range(ROWS)
    return pl.DataFrame(
        {
            "id": list(several),
            "dt": [first + timedelta(days=k * DAYS // ROWS) for k in several],
            "amount": [round(dice.gauss(100, 20), 2) for _ in several],
            "tax": [round(dice.uniform(0, 20), 2) for _ in several],
            "quantity": [dice.randint(1, 9) for _ in several],
            "status": dice.choices(words, k=ROWS),
            "country": dice.choices(["US", "DE", "FR", "JP"], k=ROWS),
            "contact": [f"user{k}@example.org" for k in several],
            "code": [f"{dice.choice('ABC')}{dice.randint(1000, 9999)}" for _ in several],
            "note": [None if dice.random() < 0.1 else "x" * dice.randint(1, 30) for _ in several],
            "paid": [dice.random() < 0.5 for _ in several],
            "score": [dice.random() for _ in several],
        }
    )
