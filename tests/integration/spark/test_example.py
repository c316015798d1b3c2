"""The example's daily job on pandas and on Spark: the same rows, verdicts and quarantine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.runtime import seal
from sfctl.runtime.publishing.quarantine import Quarantine, quarantine_path
from tests import spark_rig
from tests.integration.spark.submit_rig import environment, sfctl

pytestmark = pytest.mark.slow
URN = "urn:dp:ops:flights"
DAYS = ("2013-01-01", "2013-01-08")
"""A good day, and the day on which a column was renamed and dirt came besides."""


def demo(folder: Path, job: str) -> dict[str, Any]:
    """Run both days by one job in a project of its own; return what came of it."""
    environ = environment()
    done = subprocess.run(sfctl("init", "--demo", str(folder)), env=environ, check=False)
    assert done.returncode == 0
    runs = [verb(folder, "run", job, "--date", day, "--format", "json") for day in DAYS]
    return {"runs": runs, "rows": rows(folder), "held": held(folder)}


def verb(folder: Path, *words: str) -> dict[str, Any]:
    if not (folder / "target").exists():
        for first in (("compile",), ("run", "reference")):
            prepared = subprocess.run(
                sfctl(*first), cwd=folder, env=environment(), capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert prepared.returncode == 0, prepared.stderr
    done = subprocess.run(
        sfctl(*words), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    result: dict[str, Any] = json.loads(done.stdout)
    assert not result["degraded"], (result["degraded_reasons"], done.stderr[-3000:])
    return result


def rows(folder: Path) -> dict[str, pl.DataFrame]:
    """Return the rows of every stage, as nobody would order them."""
    found = {}
    for stage in ("bronze", "silver", "gold"):
        table = folder / "lake" / stage / "flights"
        frame = pl.read_delta(str(table))
        # a token differs by the key of its project; where there is one is what counts
        frame = frame.with_columns(pl.col("ops_contact").is_null())
        found[stage] = frame.select(sorted(frame.columns)).sort(pl.all(), nulls_last=True)
    return found


def held(folder: Path) -> dict[tuple[str, str], pl.DataFrame]:
    """Return the rows that wait in quarantine by day and stage, opened, with rules and reasons."""
    store = Quarantine(quarantine_path(str(folder / "lake"), URN), URN)
    key = seal.read_key(folder / ".sfctl" / seal.PRIVATE)
    found = {}
    for each in store.held(("held",)):
        waiting = store.rows(each.write_key, states=("held",), private_key=key)
        waiting = waiting.drop("_sfctl_held_row").with_columns(
            pl.col("_sfctl_rules", "_sfctl_reasons").list.sort().list.join(" "),
            pl.col("ops_contact").is_null(),
        )
        assert waiting.height == each.rows
        frame = waiting.select(sorted(waiting.columns)).sort(pl.all(), nulls_last=True)
        found[each.dt, each.stage] = frame
    return found


def verdicts(run: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what a run came to, without what tells two runs apart."""
    counts = ("rows_in", "rows_good", "rows_bad", "rows_published", "rows_quarantined")
    return [
        (
            each["stage"], each["verdict"], each["blocked"], each["certification"],
            *(each[name] for name in counts),
            [(g["gate"], g["result"], g.get("reason_codes"), g.get("signatures"), g.get("failed"))
             for g in each["gates"]],
            [(r["id"], r["status"], r["failed"], r["evaluated"], r.get("measured"))
             for r in each["rules"]],
        )
        for each in run["writes"]
    ]  # fmt: skip


def test_the_job_on_spark_comes_to_what_the_job_on_pandas_comes_to(tmp_path: Path) -> None:
    spark_rig.insist()
    pandas = demo(tmp_path / "pandas", "flights_daily")
    spark = demo(tmp_path / "spark", "flights_daily_spark")
    for one, two in zip(pandas["runs"], spark["runs"], strict=True):
        assert verdicts(one) == verdicts(two)
        assert (one["exit_code"], one["state"]) == (two["exit_code"], two["state"])
    assert [run["state"] for run in spark["runs"]] == ["COMPLETED", "BLOCKED"]
    for stage, frame in pandas["rows"].items():
        assert frame.height, stage
        assert spark["rows"][stage].equals(frame), stage
    assert pandas["held"], "the bad day leaves rows in quarantine"
    assert set(spark["held"]) == set(pandas["held"])
    for place, waiting in pandas["held"].items():
        assert spark["held"][place].equals(waiting), place
