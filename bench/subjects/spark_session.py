"""A Spark session that is asked again and again to write something, and told what it cost.

A line on stdin says how and what. Seconds are those of the write with its plan, CPU that of this
process, the JVM and Python workers; what Spark's executor threads took is told beside (`task`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from bench.spark_tables import settings

TICKS = os.sysconf("SC_CLK_TCK")
SEEN: dict[tuple[int, int], float] = {}


def session(target: Path) -> SparkSession:
    """Return the session: two cores, Delta's jars from the environment's folder."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.appName("bench")
    for name, value in settings(target).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def serve(
    spark: SparkSession, target: Path, write: Callable[[str, str], dict[str, object]]
) -> None:
    """Answer each line of stdin with what its write found and took; then remove its rows."""
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        how, what = line.split()
        task_cpu(spark)
        before, begun = cpu(), time.perf_counter()
        found = write(how, what)
        spent = {"wall": time.perf_counter() - begun, "cpu": cpu() - before}
        task, stages = task_cpu(spark)
        sweep(target)
        told = {**spent, "found": {**found, "task": task, "stages": stages}}
        print(json.dumps(told), flush=True)


def cpu() -> float:
    """Return the CPU seconds so far of this process and all below it."""
    below: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(place.name)
        below.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = sum(map(int, fields[11:15])) / TICKS
    total, todo = 0.0, [os.getpid()]
    while todo:
        pid = todo.pop()
        total += spent.get(pid, 0.0)
        todo += below.get(pid, [])
    return total


def task_cpu(spark: SparkSession) -> tuple[float, int]:
    """Return the CPU seconds of executor threads, and the stages, since this was last asked."""
    context: Any = spark.sparkContext
    context._jsc.sc().listenerBus().waitUntilEmpty()
    none = context._gateway.new_array(context._jvm.double, 0)
    tasks = context._jvm.java.util.ArrayList()
    found = context._jsc.sc().statusStore().stageList(None, False, False, none, tasks).iterator()
    spent, stages = 0.0, 0
    while found.hasNext():
        stage = found.next()
        key = (stage.stageId(), stage.attemptId())
        now = stage.executorCpuTime() / 1e9
        if now > SEEN.get(key, 0.0):
            spent, stages = spent + now - SEEN.get(key, 0.0), stages + 1
            SEEN[key] = now
    return spent, stages


def sweep(target: Path) -> None:
    """Remove the rows of past writes and keep the logs: appending reads none of them."""
    for where, folders, names in os.walk(target):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in [name for name in folders if name.startswith("stage-")]:
            shutil.rmtree(Path(where) / name)
            folders.remove(name)
        for name in names:
            if name.endswith((".parquet", ".parquet.crc")):
                (Path(where) / name).unlink()
