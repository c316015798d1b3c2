"""A session whose tasks may fail once: rows of a task that died halfway are in no file twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests import spark_rig
from tests.integration.spark.test_staging import dying, put


def main(root: str) -> None:
    """Print how many rows were held, are in the table, and how many differ."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder
    for name, value in {**spark_rig.settings(), "spark.master": "local[2,3]"}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    marks = Path(root) / "marks"
    marks.mkdir()
    rows = spark.range(0, 400, 1, 3).mapInPandas(dying(marks), "id long")
    held = put(rows, Path(root) / "t", n="count(1)")
    found = spark.read.format("delta").load(f"{root}/t")
    print(held.height, found.count(), found.distinct().count())
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
