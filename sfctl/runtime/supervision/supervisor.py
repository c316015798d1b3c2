"""The parent of the user's process: it watches, forwards signals, and reports from outside.

Streams, arguments and the exit code are the job's own. Nothing here depends on the job's telling.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from sfctl.errors import SourceError
from sfctl.runtime.job.lifecycle import Life
from sfctl.runtime.supervision import memory_kill

FORWARDED = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")
LOCK = "alive"
STARTED = "started.json"
ENDED = "ended.json"
_KIB = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """How the job's process ended. `signal` is empty unless one killed it; times in seconds."""

    exit_code: int
    signal: str
    duration: float
    peak_memory_bytes: int
    cpu_seconds: float
    out_of_memory: str = ""
    """`cgroup` or `machine`: whose counter says that the kernel killed for memory."""

    @property
    def resources(self) -> dict[str, Any]:
        """What the run took."""
        return {
            "peak_memory_bytes": self.peak_memory_bytes,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "wall_seconds": round(self.duration, 3),
        }

    @property
    def reason(self) -> str:
        """Why it failed as far as that shows from outside, empty when it did not."""
        if self.out_of_memory:
            return "OUT_OF_MEMORY"
        if self.signal:
            return f"KILLED:{self.signal}"
        return f"EXIT_CODE:{self.exit_code}" if self.exit_code else ""


@dataclass(slots=True)
class Supervisor:
    """Runs one command to its end.

    `stdout` is the descriptor that the job's stdout goes to, None for our own. `life` speaks the
    heartbeats meanwhile.
    """

    command: Sequence[str]
    folder: Path
    life: Life
    environ: Mapping[str, str]
    cwd: Path | None = None
    stdout: int | None = None
    _child: int = 0
    _early: int = 0

    def run(self) -> Ended:
        """Start the command, wait for it, and return how it ended.

        Raises SourceError SF753 when it cannot be started.
        """
        before = memory_kill.count()
        with self._held(), self._forwarding():
            began = time.monotonic()
            process = self._start()
            self.life.keep_beating()
            _, status, usage = os.wait4(process.pid, 0)
            self._child = 0
            process.returncode = os.waitstatus_to_exitcode(status)
            duration = time.monotonic() - began
            self.life.stop_beating()
            code = process.returncode
            killed = signal.Signals(-code).name if code < 0 else ""
            oom = memory_kill.count().since(before) if killed == "SIGKILL" else ""
            return Ended(
                exit_code=code if code >= 0 else 128 - code,
                signal=killed,
                duration=duration,
                peak_memory_bytes=usage.ru_maxrss * _KIB,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                out_of_memory=oom,
            )

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                list(self.command), env=dict(self.environ), cwd=self.cwd, stdout=self.stdout
            )
        except OSError as error:
            raise SourceError(
                f"{self.command[0]} cannot be started: {error.strerror}",
                hint="check the entrypoint of the job, or the command after `--`",
                code="SF753",
            ) from error
        self._child = process.pid
        if self._early:
            os.kill(process.pid, self._early)
        facts = {"pid": process.pid, "supervisor": os.getpid(), "run": self.life.run.run_id}
        with contextlib.suppress(OSError):
            (self.folder / STARTED).write_text(json.dumps(facts))
        return process

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Hold a lock as long as we live: whoever gets it knows that we do not."""
        try:
            descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            yield
            return
        try:
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        numbers = [getattr(signal, name) for name in FORWARDED]
        heard = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
        old = {number: signal.signal(number, self._forward) for number in heard}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _forward(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if number in (signal.SIGINT, signal.SIGQUIT) and from_terminal():
            return
        if not self._child:
            self._early = number
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)


def from_terminal() -> bool:
    """Tell whether a key of the terminal reaches the job by itself: we are in the foreground."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(descriptor)
