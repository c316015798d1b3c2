"""The parent of the user's process: it watches, forwards signals, and reports from outside.

A job that takes longer than its time is told to end (SIGTERM), and killed where it does not. What
a job that was killed leaves behind is ended too, and only that.

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
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from sfctl.errors import SourceError
from sfctl.runtime.job.lifecycle import Life
from sfctl.runtime.spark import heap
from sfctl.runtime.supervision import memory_kill, processes, spark
from sfctl.runtime.supervision.processes import Left

FORWARDED = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")
GRACE_S = 10.0
"""How long a job whose time is over has to end by itself."""
LOOK_S = 0.25
"""How often the JVM of a Python job is looked at: a look reads one small file a thread."""
EXIT_TIMEOUT = 124
"""The exit code of a job that ran out of time, as `timeout(1)` gives it."""
EXIT_DRIVER_MEMORY = 52
"""The exit code of a JVM of Spark's that found its heap full."""
ENDING = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
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
    timed_out: bool = False
    """Whether we ended it, for its time was over."""
    told: str = ""
    """The signal by which we were told to end it, empty where nobody did."""
    submitted: bool = False
    """Whether the command was spark-submit, whose own process is the JVM."""
    left: tuple[Left, ...] = ()
    """What outlived it."""

    @property
    def jvm(self) -> Left | None:
        """How the JVM below a Python job ended, where it ended badly before anybody asked."""
        bad = (e for e in self.left if e.name == "java" and e.ended_by == "itself")
        return next((e for e in bad if e.signal or e.exit_code == EXIT_DRIVER_MEMORY), None)

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
        if self.timed_out:
            return "JOB_ERROR:Timeout"
        if self.out_of_memory:
            return "OUT_OF_MEMORY"
        if self.told and self.exit_code in (0, 128 + signal.Signals[self.told]):
            return f"KILLED:{self.told}" if self.exit_code else ""
        return self._of_spark or self._of_process

    @property
    def by_itself(self) -> bool:
        """Whether nothing but its exit code shows from outside: what it says itself counts."""
        return self.reason == f"EXIT_CODE:{self.exit_code}"

    @property
    def _of_process(self) -> str:
        if self.signal:
            return f"KILLED:{self.signal}"
        return f"EXIT_CODE:{self.exit_code}" if self.exit_code else ""

    @property
    def _of_spark(self) -> str:
        """What a JVM of Spark's came to, empty where the job's end was its own."""
        jvm, code = self.jvm, self.exit_code
        if not code:
            return ""
        if (self.submitted and code == EXIT_DRIVER_MEMORY) or (jvm is not None and not jvm.signal):
            return heap.FILLED
        if self.submitted and self.signal:
            return f"JVM_KILLED:{self.signal}"
        if jvm is not None:
            return f"JVM_KILLED:{jvm.signal}"
        if self.submitted and code == 128 + signal.SIGKILL:
            return "PYTHON_KILLED:SIGKILL"
        return ""


@dataclass(slots=True)
class Supervisor:
    """Runs one command to its end.

    `stdout` is the descriptor that the job's stdout goes to, None for our own. `life` speaks the
    heartbeats meanwhile. `timeout_s` is how long the job may take, None for ever; `grace_s` how
    long it then has to end by itself.
    """

    command: Sequence[str]
    folder: Path
    life: Life
    environ: Mapping[str, str]
    cwd: Path | None = None
    stdout: int | None = None
    timeout_s: float | None = None
    grace_s: float = GRACE_S
    _child: int = 0
    _early: int = 0
    _timed_out: bool = False
    _told: str = ""
    _jvm: Left | None = None

    def run(self) -> Ended:
        """Start the command, wait for it, and return how it ended.

        Raises SourceError SF753 when it cannot be started.
        """
        before = memory_kill.count()
        with self._held(), processes.adopting() as others, self._forwarding():
            began = time.monotonic()
            process = self._start()
            self.life.keep_beating()
            over = threading.Event()
            clock = self._time_running(process.pid, over)
            self._watch_jvm(process.pid, over)
            if hasattr(os, "waitid"):  # not reaped before nobody can signal its id any more
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
                over.set()
                if clock is not None:
                    clock.join()
            _, status, usage = os.wait4(process.pid, 0)
            over.set()
            self._child = 0
            process.returncode = os.waitstatus_to_exitcode(status)
            duration = time.monotonic() - began
            code = process.returncode
            killed = signal.Signals(-code).name if code < 0 else ""
            submitted = spark.is_submit(self.command)
            ended = bool(killed or self._timed_out or self._told or (submitted and code))
            left = processes.sweep(others, end=ended, java_only=not ended, grace_s=self.grace_s)
            if self._jvm is not None:
                left = [self._jvm, *(e for e in left if e.pid != self._jvm.pid)]
            own = code if code >= 0 else 128 - code
            hard = killed == "SIGKILL" or own == 128 + signal.SIGKILL
            hard = hard or any(each.signal == "SIGKILL" for each in left)
            oom = memory_kill.count().since(before) if hard and not self._timed_out else ""
            return Ended(
                exit_code=EXIT_TIMEOUT if self._timed_out else own,
                signal=killed,
                duration=duration,
                peak_memory_bytes=usage.ru_maxrss * _KIB,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                out_of_memory=oom if own else "",
                timed_out=self._timed_out,
                told=self._told,
                submitted=submitted,
                left=tuple(left),
            )

    def _watch_jvm(self, pid: int, over: threading.Event) -> None:
        """See whether a JVM of the job's falls before it: then nobody else will tell."""
        if spark.is_submit(self.command):
            return

        def watch() -> None:
            while self._jvm is None and not over.wait(LOOK_S):
                self._jvm = processes.fallen_java(pid)

        threading.Thread(target=watch, daemon=True, name="sfctl-jvm").start()

    def _time_running(self, pid: int, over: threading.Event) -> threading.Thread | None:
        """Begin to count the job's time, in a thread of its own."""
        if self.timeout_s is None:
            return None
        allowed = self.timeout_s

        def count() -> None:
            if over.wait(allowed):
                return
            self._timed_out = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGCONT)  # a stopped process could not hear of it
            if not over.wait(self.grace_s):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

        thread = threading.Thread(target=count, daemon=True, name="sfctl-timeout")
        thread.start()
        return thread

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
        name = signal.Signals(number).name
        if name in ENDING:
            self._told = self._told or name
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
