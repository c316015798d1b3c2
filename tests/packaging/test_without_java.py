"""Where Spark cannot start its tests are skipped, and nobody overlooks it; in CI they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDS_SPARK = "def test_one(spark): ...\ndef test_two(spark): ...\ndef test_three(): ...\n"


@pytest.mark.parametrize(
    ("ci", "code", "said"),
    [
        ("", 0, "SPARK WAS NOT TESTED: 2 tests skipped, for there is no Java 17 or newer"),
        ("true", 1, "Spark cannot start: there is no Java 17 or newer"),
    ],
)
def test_tests_of_spark_without_java(tmp_path: Path, ci: str, code: int, said: str) -> None:
    (tmp_path / "test_some.py").write_text(NEEDS_SPARK)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= {"CI": ci, "JAVA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout
    assert said in done.stdout


def test_the_sdk_and_what_it_asks_of_spark_load_no_pyspark() -> None:
    code = """\
import sys
sys.modules["pyspark"] = None  # an import of it raises, as where it is not installed
import sfctl.runtime.job.sdk, sfctl.commands.stack, sfctl.diagnosis.spark
from sfctl.runtime.spark import session
import polars as pl
assert not session.is_frame(pl.DataFrame())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_every_module_of_the_spark_runtime_is_importable_without_pyspark() -> None:
    folder = ROOT / "sfctl" / "runtime" / "spark"
    names = [f"sfctl.runtime.spark.{path.stem}" for path in sorted(folder.glob("[!_]*.py"))]
    code = f"""\
import importlib, sys
sys.modules["pyspark"] = sys.modules["py4j"] = None
for name in {names}: importlib.import_module(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
