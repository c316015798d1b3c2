"""One Spark session for the tests of a process, with Delta's jars from a folder."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import pytest

from sfctl.runtime.spark import jars, java

SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of a JVM that ends before its second compiler would have paid off."""
SKIPPED = "NO SPARK"
"""What a test says that would need Spark where there is none."""


@cache
def missing() -> str:
    """Return what keeps Spark from starting here, empty for nothing."""
    if java.version(java.program()) < java.OLDEST:
        return f"there is no Java {java.OLDEST} or newer: install a JRE"
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not installed: pip install 'sfctl[spark]'"
    if not jars.found():
        return "Delta's jars are not here: make .venv/.jars"
    return ""


def settings() -> dict[str, str]:
    """Return the configuration of a small session: two cores, and a task may fail once."""
    return {
        "spark.master": "local[2,2]",
        "spark.app.name": "sfctl tests",
        "spark.jars": ",".join(map(str, jars.found())),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.shuffle.partitions": "3",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": SHORT_LIVED,
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


def insist() -> None:
    """Skip a test where Spark cannot start, and say loudly why; in CI that is a failure."""
    why = missing()
    if why and os.environ.get("CI"):
        pytest.fail(f"Spark cannot start: {why}")
    if why:
        pytest.skip(f"{SKIPPED}: {why}")


def required() -> Any:
    """Return the session of this process, or skip the test as `insist` does."""
    insist()
    return session()
