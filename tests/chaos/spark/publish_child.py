"""A driver that publishes one batch from Spark and kills itself at a named step.

It shares the JVM of the tests, which outlives it: whatever a driver had begun there goes on. With
`own` it starts a JVM of its own, and waits in the middle of its rows to be killed with it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import spark_rig
from tests.chaos.publish.publish_child import SCENARIOS
from tests.spark_publish_rig import SparkRig

STUCK = "stuck"


def killer(step: str) -> Callable[[str], None]:
    """Return what dies, by SIGKILL, when `step` is reached."""

    def reached(here: str) -> None:
        if here == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def shared() -> Any:
    """Return a session in the JVM whose door the environment names."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    gateway = launch_gateway()
    jvm = gateway.jvm
    java = jvm.org.apache.spark.sql.classic.SparkSession.getDefaultSession().get()
    context = SparkContext(
        gateway=gateway,
        jsc=jvm.org.apache.spark.api.java.JavaSparkContext(java.sparkContext()),
        conf=SparkConf(_jvm=jvm, _jconf=java.sparkContext().conf()),
    )
    return SparkSession(context, java)


def door(spark: Any) -> dict[str, str]:
    """Return the environment of a child that shares a session's JVM."""
    there = spark.sparkContext._gateway.gateway_parameters
    return {
        **os.environ,
        "PYSPARK_GATEWAY_PORT": str(there.port),
        "PYSPARK_GATEWAY_SECRET": there.auth_token,
        "PYSPARK_PYTHON": sys.executable,
    }


def hanging(frame: Any, mark: Path) -> Any:
    """Return a frame whose last partition tells that it began, and never ends."""

    def work(pieces: Any) -> Any:
        import pyspark

        last = pyspark.TaskContext.get().partitionId() == 2
        yield from pieces
        if last:
            deadline = time.monotonic() + 120
            while len(list(mark.parent.rglob("*.parquet"))) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            mark.touch()
            time.sleep(600)

    return frame.mapInArrow(work, frame.schema)


def main(root: str, what: str, step: str) -> None:
    """Write the scenario `what` below `root`, dying at `step`."""
    spark = spark_rig.session() if step == STUCK else shared()
    reached = killer(step)
    rig = SparkRig(Path(root), spark=spark, reached=reached, staging=reached, run_id="first")
    scenario = dict(SCENARIOS[what])
    frame = rig.frame(scenario.pop("frame"))
    if step == STUCK:
        frame = hanging(frame, Path(root) / STUCK)
    rig.write(frame, scenario.pop("by"), day=2, run_id="first", **scenario)


if __name__ == "__main__":
    main(*sys.argv[1:])
