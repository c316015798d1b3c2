"""One Spark session for the tests of a process, with Delta's jars from a folder."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

JARS = "SFCTL_JARS"
"""Names the folder of Delta's jars; else it is `jars/` in the environment the tests run in."""


def missing() -> str:
    """Return what keeps Spark from starting here, empty for nothing."""
    if shutil.which("java") is None:
        return "there is no Java: install a JRE 17"
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not installed: pip install 'sfctl[spark]'"
    if not jars():
        return "Delta's jars are not here: make .venv/.jars"
    return ""


def jars() -> list[Path]:
    """Return Delta's jars, none where nobody fetched them."""
    folder = Path(os.environ.get(JARS) or Path(sys.prefix) / "jars")
    return sorted(folder.glob("**/*.jar"))


def settings() -> dict[str, str]:
    """Return the configuration of a small session: two cores, three shuffle partitions."""
    return {
        "spark.master": "local[2]",
        "spark.app.name": "sfctl tests",
        "spark.jars": ",".join(map(str, jars())),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.shuffle.partitions": "3",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
    }


@cache
def session() -> Any:
    """Return the session of this process; it ends with the process."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder
    for name, value in settings().items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def required() -> Any:
    """Return the session, or skip the test and say loudly why; in CI a skip is a failure."""
    why = missing()
    if why and os.environ.get("CI"):
        pytest.fail(f"Spark cannot start: {why}")
    if why:
        pytest.skip(f"NO SPARK: {why}")
    return session()
