"""`sfctl run` around a real spark-submit: nothing of the user's changes, versions are judged."""

from __future__ import annotations

import os
import signal
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests import spark_rig
from tests.integration.spark.submit_rig import PATIENCE_S, Project, make, sfctl, told

pytestmark = pytest.mark.slow
DAILY = """
import os, sys
from pyspark.sql import SparkSession, functions as F
import beside

spark = SparkSession.builder.getOrCreate()
table = os.environ["TABLE"]

def rows(first, end, amount):
    amounts = F.lit(amount).cast("double").alias("amount")
    return spark.range(first, end, 1, 1).select("id", amounts)

rows(0, 5, 1).write.format("delta").save(table)
spark.sql(f"INSERT INTO delta.`{table}` SELECT 8L, -1.0D")
rows(3, 7, 7).createOrReplaceTempView("s")
spark.sql(f"MERGE INTO delta.`{table}` t USING s ON s.id = t.id "
          "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
rows(0, 3, 5).write.format("delta").mode("overwrite").save(table)
rows(3, 4, 6).write.format("delta").option("userMetadata", "theirs").mode("append").save(table)
conf = spark.sparkContext.getConf()
print(sys.argv[1:], __name__, os.path.basename(__file__), os.getcwd() == os.environ["HERE"])
print(beside.WORD, conf.get("spark.from.file"), conf.get("spark.from.conf"))
sys.stderr.write("said on stderr\\n")
sys.exit(7)
"""
ORPHAN = """
import os, time
from pathlib import Path
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
amount = F.lit(1).cast("double").alias("amount")
spark.range(0, 5, 1, 1).select("id", amount).write.format("delta").save(os.environ["TABLE"])
Path("pid").write_text(str(os.getpid()))
time.sleep(300)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if why := spark_rig.missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{spark_rig.SKIPPED}: {why}")
    return make(tmp_path)


def given(project: Project) -> list[str]:
    """Return options, the job and its arguments, with all that spark-submit takes beside them."""
    with zipfile.ZipFile(project.root / "beside.zip", "w") as archive:
        archive.writestr("beside.py", "WORD = 'from a zip'\n")
    (project.root / "own.properties").write_text(
        "spark.from.file  said in a file\nspark.ui.enabled  false\n"
        "spark.databricks.delta.snapshotPartitions  2\nspark.sql.shuffle.partitions  2\n"
    )
    options = [f"--conf={name}={value}" for name, value in spark_rig.settings().items()]
    return [
        "spark-submit", "--py-files", "beside.zip", "--properties-file", "own.properties",
        *options, "--conf", "spark.from.conf=said in a word", "--conf", "spark.log.level=OFF",
        "jobs/daily.py", "one", "--two", "", "th ree", "--conf", "spark.no=option",
    ]  # fmt: skip


def spoken(text: str) -> list[str]:
    """Return what a program said, without what Spark and Python say of themselves."""
    noise = ("WARN", "INFO", "WARNING", "log4j", "FutureWarning", "log level", "require_minimum")
    return [line for line in text.splitlines() if not any(word in line for word in noise)]


def test_a_command_stays_as_it_was_and_its_versions_are_judged(
    project: Project, tmp_path: Path
) -> None:
    project.job("daily", DAILY, runtime="python")
    command, here = given(project), str(project.root)
    bare = project.run(*command, TABLE=str(tmp_path / "bare"), HERE=here)
    with_us = project.run(
        *sfctl("run", "--name", "own", "--", *command), TABLE=project.table, HERE=here
    )
    assert (bare.returncode, with_us.returncode) == (7, 7), bare.stderr + with_us.stderr
    assert with_us.stdout == bare.stdout
    assert "['one', '--two', '', 'th ree', '--conf', 'spark.no=option'] __main__" in bare.stdout
    assert "from a zip said in a file said in a word" in bare.stdout
    ours = spoken(with_us.stderr)
    assert ours[: len(spoken(bare.stderr))] == spoken(bare.stderr)

    said = "\n".join(ours)
    assert "committed before it failed: orders#gold v0 to v3" in said
    assert "orders#gold v4 (WRITE): committed meanwhile by nobody the log names" in said
    (failed,) = project.events("JobRunFailed")
    found = [(v["operation"], v["known_by"], v["judged"]) for v in failed.payload["versions"]]
    assert found == [
        *((name, "marker", "post-commit") for name in ("WRITE", "WRITE", "MERGE", "WRITE")),
        ("WRITE", "unknown", "not"),
    ]  # fmt: skip
    judged = [e for e in project.events("GATE") if e.payload["integration_level"] == "post-commit"]
    of_dq = [e.validation["result"] for e in judged if e.validation["gates"][0]["gate"] == "DQ"]
    assert of_dq == ["PASS", "FAIL", "PASS", "PASS"]
    assert project.certificate().history == (0, 3), "an overwrite clears what was wrong before it"
    assert {event.runtime_type for event in judged} == {"spark"}


def test_a_killed_jvm_takes_its_python_with_it_and_what_it_committed_is_judged(
    project: Project,
) -> None:
    project.job("daily", ORPHAN)
    process = project.start(*sfctl("run", "daily", "--format", "json"), TABLE=project.table)
    python = int(awaited(project.root / "pid", process))
    jvm = int(Path(f"/proc/{python}/stat").read_text().rpartition(")")[2].split()[1])
    assert Path(f"/proc/{jvm}/comm").read_text().strip() == "java"
    os.kill(jvm, signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE_S)
    done: Any = type("Done", (), {"stdout": out})
    result = told(done)
    assert (process.returncode, result["failure_reason"]) == (137, "JVM_KILLED:SIGKILL"), err
    assert [(e["pid"], e["ended_by"]) for e in result["processes"]] == [(python, "SIGTERM")]
    assert not Path(f"/proc/{python}").exists()
    assert [w["certification"] for w in result["writes"]] == ["CERTIFIED"]
    (failed,) = project.events("JobRunFailed")
    assert failed.payload["failure_reason"] == "JVM_KILLED:SIGKILL"


def test_a_python_job_that_outlives_its_jvm_is_told_as_what_it_was(project: Project) -> None:
    code = ORPHAN.replace("time.sleep(300)", "").replace(
        "SparkSession.builder.getOrCreate()",
        "SparkSession.builder.config(map=SETTINGS).getOrCreate()",
    ).replace("SETTINGS", repr(spark_rig.settings()))  # fmt: skip
    code += (
        "import signal\n"
        "os.kill(spark.sparkContext._gateway.proc.pid, signal.SIGKILL)\n"
        "time.sleep(1)\nos._exit(0)\n"
    )
    project.job("daily", code, runtime="python")
    done = project.run(*sfctl("run", "daily", "--format", "json"), TABLE=project.table)
    result = told(done)
    assert (done.returncode, result["state"]) == (0, "COMPLETED"), done.stderr
    assert [(e["name"], e["ended_by"], e["signal"]) for e in result["processes"]] == [
        ("java", "itself", "SIGKILL")
    ]
    (write,) = result["writes"]
    assert (write["known_by"], write["certification"]) == ("marker", "CERTIFIED")


def awaited(file: Path, process: Any, seconds: float = 280) -> str:
    """Return what a job wrote to a file, once it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()):
            return text
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError(f"{file.name} did not come in {seconds} s on {sys.platform}")
