"""A job that knows nothing of us, by a real spark-submit: gated, and otherwise as without us."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests import spark_rig
from tests.integration.spark import submit_rig

JOB = """
import sys
from pyspark.sql import SparkSession
from helping import rows

spark = SparkSession.builder.getOrCreate()
print(__name__, sys.argv[1:], __file__.endswith("unmodified.py"))
frame = spark.createDataFrame(rows(), "id bigint, amount double")
frame.write.format("delta").mode("append").save("lake/gold/orders")
print(spark.read.format("delta").load("lake/gold/orders").count())
sys.exit(7)
"""
HELPING = "def rows():\n    return [(n, float(n) if n else -5.0) for n in range(40)]\n"


@pytest.mark.slow
def test_an_unmodified_job_by_spark_submit(tmp_path: Path) -> None:
    spark_rig.insist()
    project = submit_rig.make(tmp_path)
    project.job("unmodified", JOB, more="  py_files: [helping.zip]\nlevel: in-job\n")
    with zipfile.ZipFile(tmp_path / "helping.zip", "w") as archive:
        archive.writestr("helping.py", HELPING)
    done = project.run(*submit_rig.sfctl("run", "unmodified", "--", "--date", "2026-01-31"))
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines()[-2:] == ["__main__ ['--date', '2026-01-31'] True", "39"]
    [run] = [json.loads(line)["value"] for folder in [tmp_path / ".sfctl" / "runs"]
             for file in folder.rglob("journal-*.jsonl")
             for line in file.read_text().splitlines() if json.loads(line)["kind"] == "write"
             and json.loads(line)["value"]["rows_in"] == 40]  # fmt: skip
    assert (run["rows_published"], run["rows_quarantined"]) == (39, 1)
