"""What a job leaves behind: its orphans end with it when it was killed, and nobody else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.clock import FixedClock
from sfctl.model.run import RunContext
from sfctl.runtime.job.lifecycle import Life, NoSink
from sfctl.runtime.supervision.supervisor import Ended, Supervisor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
ORPHAN = '{python} -c "import time; time.sleep(300)" & echo $! > {file}'
KILLED = ORPHAN + "; kill -9 $$"


def supervised(folder: Path, *command: str, **more: float) -> Ended:
    life = Life(RunContext("run-1"), NoSink(), FixedClock(datetime(2026, 1, 31, tzinfo=UTC)))
    return Supervisor(command, folder, life, dict(os.environ), **more).run()  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def script(text: str, file: Path) -> tuple[str, ...]:
    return ("/bin/sh", "-c", text.format(python=sys.executable, file=file))


def test_orphans_of_a_killed_job_are_ended_and_told(tmp_path: Path) -> None:
    before = subprocess.Popen(["sleep", "300"])
    try:
        ended = supervised(tmp_path, *script(KILLED, tmp_path / "pid"))
        assert before.poll() is None, "what was there before the job is not ours to end"
    finally:
        before.kill()
        before.wait()
    orphan = int((tmp_path / "pid").read_text())
    assert ended.reason == "KILLED:SIGKILL"
    assert [(e.pid, e.ended_by, e.signal) for e in ended.left] == [(orphan, "SIGTERM", "SIGTERM")]
    assert not alive(orphan)


def test_an_orphan_that_will_not_end_is_killed(tmp_path: Path) -> None:
    deaf = "sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & echo $! > {file}; kill -9 $$"
    ended = supervised(tmp_path, *script(deaf, tmp_path / "pid"), grace_s=0.3)
    orphan = int((tmp_path / "pid").read_text())
    assert (orphan, "SIGKILL") in [(each.pid, each.ended_by) for each in ended.left]
    assert not alive(orphan)


def test_a_job_that_ends_well_keeps_what_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = supervised(tmp_path, *script(ORPHAN, tmp_path / "pid"))
    orphan = int((tmp_path / "pid").read_text())
    try:
        assert (ended.exit_code, ended.left) == (0, ())
        assert time.monotonic() - began < 5
        assert alive(orphan)
    finally:
        os.kill(orphan, signal.SIGKILL)


def test_what_left_the_session_lives_on(tmp_path: Path) -> None:
    daemon = "setsid sleep 300 & echo $! > {file}; sleep 0.3; kill -9 $$"
    ended = supervised(tmp_path, *script(daemon, tmp_path / "pid"))
    orphan = int((tmp_path / "pid").read_text())
    try:
        assert ended.signal == "SIGKILL"
        assert alive(orphan)
    finally:
        os.kill(orphan, signal.SIGKILL)


def submit(tmp_path: Path, text: str) -> str:
    path = tmp_path / "spark-submit"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        ("exit 52", "DRIVER_OUT_OF_MEMORY", 52),
        ("exit 137", "PYTHON_KILLED:SIGKILL", 137),
        ("kill -9 $$", "JVM_KILLED:SIGKILL", 137),
        ("exit 3", "EXIT_CODE:3", 3),
        ("exit 0", "", 0),
    ],
)
def test_ends_of_spark_submit_have_their_names(
    tmp_path: Path, text: str, reason: str, code: int
) -> None:
    ended = supervised(tmp_path, submit(tmp_path, text))
    assert (ended.reason, ended.exit_code) == (reason, code)


@pytest.mark.parametrize(
    ("end", "exit_code", "reason"),
    [("kill -9 $$", 0, ""), ("kill -9 $$", 1, "JVM_KILLED:SIGKILL"),
     ("exit 52", 1, "DRIVER_OUT_OF_MEMORY"), ("exit 0", 1, "EXIT_CODE:1")],
)  # fmt: skip
def test_a_python_job_outlives_its_jvm(
    tmp_path: Path, end: str, exit_code: int, reason: str
) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!{os.path.realpath('/bin/sh')}\n{end}\n")
    java.chmod(0o755)
    code = (
        "import subprocess, sys, time\n"
        f"jvm = subprocess.Popen([{str(java)!r}])\n"
        "time.sleep(0.5)\n"
        f"sys.exit({exit_code})"
    )
    ended = supervised(tmp_path, sys.executable, "-c", code)
    assert (ended.exit_code, ended.reason) == (exit_code, reason)
    assert (ended.jvm is not None) == (end != "exit 0")
