"""The processes that a job left behind: only those it started itself, told by the kernel.

On Linux an orphan of the job becomes a child of its supervisor, so that none of them is lost sight
of and how each ended is known. Elsewhere only the job's own process is watched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_SET_SUBREAPER, _GET_SUBREAPER = 36, 37
PAUSE_S = 0.05
LEAVE_S = 3.0
"""How long what a job left behind has to end by itself."""
JVM_S = 10.0
"""How long a job that ended well is waited for whose JVM still closes."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `born` tells it from a later one with the same id."""

    pid: int
    born: int
    parent: int
    session: int
    name: str
    zombie: bool
    status: int = 0
    """How it ended, as wait tells it."""


@dataclass(frozen=True, slots=True)
class Left:
    """A process that the job's own did not fetch.

    `ended_by` is `itself`, the signal that we sent, or `nobody` for one that could not be ended.
    """

    name: str
    pid: int
    ended_by: str
    exit_code: int | None = None
    signal: str = ""

    @property
    def told(self) -> dict[str, object]:
        """How it ended, for people and programs."""
        return {
            "name": self.name,
            "pid": self.pid,
            "ended_by": self.ended_by,
            "exit_code": self.exit_code,
            "signal": self.signal or None,
        }


@contextlib.contextmanager
def adopting() -> Iterator[frozenset[tuple[int, int]]]:
    """Take in orphans for the block; yield the processes that were below us before it."""
    before = frozenset((p.pid, p.born) for p in _below(os.getpid(), frozenset()))
    libc = _libc()
    was = ctypes.c_int(0)
    if libc is not None:
        libc.prctl(_GET_SUBREAPER, ctypes.byref(was), 0, 0, 0)
        libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    try:
        yield before
    finally:
        if libc is not None:
            libc.prctl(_SET_SUBREAPER, was.value, 0, 0, 0)


def left_behind(before: frozenset[tuple[int, int]]) -> list[Process]:
    """Return what lives, or waits to be fetched, below us and came since; of our session only.

    A process that made itself a session of its own meant to outlive the job.
    """
    own = os.getsid(0)
    return [p for p in _below(os.getpid(), before) if p.session == own]


def fallen_java(pid: int) -> Left | None:
    """Return a JVM below a process that ended before it, and that it has not fetched."""
    for task in (_PROC / str(pid) / "task").glob("*"):
        try:
            words = (task / "children").read_text().split()
        except OSError:
            continue
        for word in words:
            process = _process(int(word))
            if process is not None and process.zombie and process.name == "java":
                code = process.status
                killed = code & 0x7F
                return Left(
                    "java",
                    process.pid,
                    "itself",
                    None if killed else code >> 8,
                    signal.Signals(killed).name if killed else "",
                )
    return None


def sweep(
    before: frozenset[tuple[int, int]], *, end: bool, java_only: bool, grace_s: float
) -> list[Left]:
    """Wait for what a job left behind, end what stays where `end` says so, and tell of each.

    With `java_only` nothing but a JVM, and what it started, is waited for or ended.
    """
    found: dict[tuple[int, int], Left] = {}
    sent: dict[tuple[int, int], str] = {}
    steps = [("", LEAVE_S if end else JVM_S)]
    if end:
        steps += [("SIGTERM", grace_s), ("SIGKILL", grace_s)]
    for name, seconds in steps:
        deadline = time.monotonic() + seconds
        while living := _fetched(before, found, sent, java_only):
            for each in living:
                if name and sent.get((each.pid, each.born)) != name:
                    sent[each.pid, each.born] = name
                    _send(each, name)
            if time.monotonic() >= deadline:
                break
            time.sleep(PAUSE_S)
        else:
            break
    found |= {
        (each.pid, each.born): Left(each.name, each.pid, "nobody")
        for each in (_fetched(before, found, sent, java_only) if end else ())
    }
    return [e for e in found.values() if e.ended_by != "itself" or e.signal or e.exit_code]


def _fetched(
    before: frozenset[tuple[int, int]],
    found: dict[tuple[int, int], Left],
    sent: Mapping[tuple[int, int], str],
    java_only: bool,
) -> list[Process]:
    """Fetch what ended, and return what still lives."""
    present = left_behind(before)
    if java_only:
        java = {p.pid for p in present if p.name == "java"}
        present = [p for p in present if p.pid in java or p.parent in java]
    living = []
    for each in present:
        key = (each.pid, each.born)
        if not each.zombie:
            living.append(each)
        elif each.parent == os.getpid():
            with contextlib.suppress(ChildProcessError):
                _, status = os.waitpid(each.pid, os.WNOHANG)
                code = os.waitstatus_to_exitcode(status)
                found[key] = Left(
                    each.name,
                    each.pid,
                    sent.get(key, "itself"),
                    code if code >= 0 else None,
                    signal.Signals(-code).name if code < 0 else "",
                )
    return living


def _send(process: Process, name: str) -> None:
    """Signal a process, and no other that has its id by now."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (OSError, AttributeError):
        return
    try:
        now = _process(process.pid)
        if now is not None and now.born == process.born:
            signal.pidfd_send_signal(descriptor, signal.Signals[name])
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def _below(root: int, without: frozenset[tuple[int, int]]) -> list[Process]:
    """Return every process below one, leaving out some and all that is below those."""
    children: dict[int, list[Process]] = {}
    for entry in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
        process = _process(int(entry.name))
        if process is not None and (process.pid, process.born) not in without:
            children.setdefault(process.parent, []).append(process)
    found, pending = [], [root]
    while pending:
        for process in children.get(pending.pop(), []):
            found.append(process)
            pending.append(process.pid)
    return found


def _process(pid: int) -> Process | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        return Process(
            pid,
            int(fields[19]),
            int(fields[1]),
            int(fields[3]),
            head.partition("(")[2],
            fields[0] in ("Z", "X"),
            int(fields[49]),
        )
    except (OSError, ValueError, IndexError):
        return None


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None
