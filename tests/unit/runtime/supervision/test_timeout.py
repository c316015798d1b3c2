"""A job whose time is over is told to end, then killed; one that ends in time is left alone."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.clock import FixedClock
from sfctl.model.run import RunContext
from sfctl.runtime.job.lifecycle import Life, NoSink
from sfctl.runtime.supervision.supervisor import Ended, Supervisor

STUBBORN = 'trap "" TERM; while :; do sleep 0.05; done'
POLITE = 'trap "exit 0" TERM; while :; do sleep 0.05; done'


def supervised(folder: Path, script: str, **more: float | None) -> Ended:
    clock = FixedClock(datetime(2026, 1, 31, tzinfo=UTC))
    life = Life(RunContext("run-1"), NoSink(), clock)
    command = ("/bin/sh", "-c", script)
    return Supervisor(command, folder, life, dict(os.environ), **more).run()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("script", "signal"),
    [("exec sleep 300", "SIGTERM"), (STUBBORN, "SIGKILL"), (POLITE, "")],
)
def test_a_job_is_ended_when_its_time_is_over(tmp_path: Path, script: str, signal: str) -> None:
    ended = supervised(tmp_path, script, timeout_s=0.5, grace_s=0.5)
    assert (ended.exit_code, ended.signal, ended.timed_out) == (124, signal, True)
    assert ended.reason == "JOB_ERROR:Timeout"
    assert ended.out_of_memory == ""


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_a_job_that_ends_in_time_keeps_its_code(tmp_path: Path, timeout: float | None) -> None:
    ended = supervised(tmp_path, "exit 3", timeout_s=timeout)
    assert (ended.exit_code, ended.timed_out, ended.reason) == (3, False, "EXIT_CODE:3")
