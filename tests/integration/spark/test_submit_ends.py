"""How jobs of a real spark-submit end, each after one commit: told as what it was."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfctl.runtime.supervision.spark import METADATA
from tests import spark_rig
from tests.integration.spark.submit_rig import PATIENCE_S, Project, make, sfctl, told
from tests.integration.spark.test_submit import awaited

pytestmark = pytest.mark.slow
GROUP = os.environ.get("SFCTL_CHAOS_CGROUP", "")
"""A control group that may use about 1.2 GB, for a job to be killed in. Root makes one: a folder
below /sys/fs/cgroup/memory with 1200M in its memory.limit_in_bytes; in version 2 memory.max."""
COMMIT = """
import os, time
from pathlib import Path
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
amount = F.lit(1).cast("double").alias("amount")
spark.range(0, 5, 1, 1).select("id", amount).write.format("delta").save(os.environ["TABLE"])
print("committed", flush=True)
"""
STOPS_EARLY = COMMIT + "spark.stop()\nprint(sum(range(10)), flush=True)\nos._exit(5)\n"
TOO_MUCH = COMMIT + """
print(spark.range(1).selectExpr("size(sequence(0L, id + 400000000L))").collect(), flush=True)
"""  # fmt: skip
EATS = COMMIT + "eaten = []\nwhile True:\n    eaten.append(bytearray(b'x' * 10_000_000))\n"
WAITS = COMMIT + "Path('pid').write_text(str(os.getpid()))\ntime.sleep(300)\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    spark_rig.insist()
    return make(tmp_path)


def session_of(leader: int) -> list[str]:
    """Return the processes of a session that live, by name."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            head, _, tail = (entry / "stat").read_text().rpartition(")")
        except OSError:
            continue
        fields = tail.split()
        if int(fields[3]) == leader and fields[0] not in ("Z", "X"):
            found.append(head.partition("(")[2])
    return found


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """Wait for a run in JSON; return its result and its stderr, with the job's stdout in it."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert session_of(process.pid) == []
    result = told(subprocess.CompletedProcess((), process.returncode, out))
    assert result["exit_code"] == process.returncode
    return result, err


def test_a_session_stopped_early_with_commits_named_in_a_file(project: Project) -> None:
    (project.root / "own.properties").write_text(f"{METADATA} theirs\n")
    project.job("daily", STOPS_EARLY, more="  properties_file: own.properties\n")
    process = project.start(*sfctl("run", "daily", "--format", "json"), TABLE=project.table)
    result, err = ended(process)
    assert (process.returncode, result["failure_reason"]) == (5, "EXIT_CODE:5"), err
    assert "committed\n45\n" in err
    assert f"{METADATA} is set by the command" in err
    (version,) = result["versions"]
    assert (version["known_by"], version["judged"]) == ("outputs", "post-commit")
    assert project.certificate().history == (0,)
    (failed,) = project.events("JobRunFailed")
    assert failed.payload["failure_reason"] == "EXIT_CODE:5"
    assert failed.payload["versions_committed"] == 1


def test_a_heap_that_a_task_fills_is_told_with_what_it_had_committed(project: Project) -> None:
    project.job("daily", TOO_MUCH, conf={"spark.driver.memory": "500m"})
    process = project.start(*sfctl("run", "daily", "--format", "json"), TABLE=project.table)
    result, err = ended(process)
    assert (process.returncode, result["failure_reason"]) == (52, "DRIVER_OUT_OF_MEMORY"), err
    assert [w["certification"] for w in result["writes"]] == ["CERTIFIED"]
    (failed,) = project.events("JobRunFailed")
    assert failed.payload["failure_reason"] == "DRIVER_OUT_OF_MEMORY"
    assert [v["known_by"] for v in failed.payload["versions"]] == ["marker"]


def _told_to_end(process: subprocess.Popen[str], python: int) -> None:
    process.terminate()


def _key_of_a_terminal(process: subprocess.Popen[str], python: int) -> None:
    os.killpg(process.pid, signal.SIGINT)


def _python_killed(process: subprocess.Popen[str], python: int) -> None:
    os.kill(python, signal.SIGKILL)


@pytest.mark.asked_by("SFCTL_CHAOS_ROUNDS")
@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (_told_to_end, 143, "KILLED:SIGTERM"),
        (_key_of_a_terminal, 130, "KILLED:SIGINT"),
        (_python_killed, 137, "PYTHON_KILLED:SIGKILL"),
    ],
)
def test_a_job_that_is_ended_from_outside_leaves_nothing_behind(
    project: Project, end: Callable[[subprocess.Popen[str], int], None], code: int, reason: str
) -> None:
    project.job("daily", WAITS)
    process = project.start(*sfctl("run", "daily", "--format", "json"), TABLE=project.table)
    end(process, int(awaited(project.root / "pid", process)))
    result, err = ended(process)
    assert (process.returncode, result["failure_reason"]) == (code, reason), err
    assert [w["certification"] for w in result["writes"]] == ["CERTIFIED"]
    (failed,) = project.events("JobRunFailed")
    assert failed.payload["failure_reason"] == reason


@pytest.mark.asked_by("SFCTL_CHAOS_CGROUP")
def test_a_job_that_the_kernel_killed_for_memory(project: Project) -> None:
    project.job("daily", EATS)
    words = sfctl("run", "daily", "--format", "json")
    inside = 'echo $$ > "$0/cgroup.procs"; exec "$@"'
    process = project.start("sh", "-c", inside, GROUP, *words, TABLE=project.table)
    result, err = ended(process)
    assert (process.returncode, result["failure_reason"]) == (137, "OUT_OF_MEMORY"), err
    assert [w["certification"] for w in result["writes"]] == ["CERTIFIED"]
    (failed,) = project.events("JobRunFailed")
    assert failed.payload["out_of_memory"] == "cgroup"
