"""Runs whose supervisor was killed: the next run says so, for the supervisor cannot."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sfctl.clock import Clock
from sfctl.model import codec
from sfctl.model.run import RunContext
from sfctl.runtime.job import uncaught
from sfctl.runtime.job.journal import RUNS, Journal
from sfctl.runtime.job.lifecycle import Life
from sfctl.runtime.publishing.request import Sink
from sfctl.runtime.supervision.supervisor import ENDED, LOCK, STARTED

CONTEXT = "context.json"


def remember(folder: Path, run: RunContext) -> None:
    """Leave behind what is needed to speak for a run whose supervisor was killed."""
    (folder / CONTEXT).write_bytes(codec.encode(run))


@dataclass(frozen=True, slots=True)
class Lost:
    """A run whose supervisor was killed, and the folder of its records."""

    run: RunContext
    folder: Path


def report(store: Path, sink: Sink, clock: Clock) -> list[Lost]:
    """Say of each run that lost its supervisor how it ended; return them.

    A job that still lives is left alone. What the job wrote down itself is believed; a job that
    wrote nothing counts as failed, for nobody saw it end.
    """
    found = []
    for folder in _orphans(store):
        try:
            run = codec.decode((folder / CONTEXT).read_bytes(), RunContext)
        except (OSError, ValueError):
            continue
        life = Life(run, sink, clock)
        notes = Journal(folder)
        ends = notes.entries("end") or notes.entries(uncaught.KIND)
        if ends and not ends[-1].get("failed"):
            life.complete(supervisor="lost", reported_by="inside")
        elif ends:
            last = ends[-1]
            life.fail(
                str(last.get("failure_reason", "")),
                message=str(last.get("message", "")),
                stack_trace=last.get("stack_trace") or (),
                supervisor="lost",
            )
        else:
            life.fail(
                "SUPERVISOR_LOST",
                message="the supervisor was killed and the job did not say how it ended",
                supervisor="lost",
            )
        (folder / ENDED).write_text(json.dumps({"supervisor": "lost"}))
        found.append(Lost(run, folder))
    return found


def _orphans(store: Path) -> Iterator[Path]:
    for started in sorted((store / RUNS).glob(f"*/*/{STARTED}")):
        folder = started.parent
        if (folder / ENDED).exists() or not _abandoned(folder):
            continue
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if _alive(int(json.loads(started.read_bytes())["pid"])):
                continue
            yield folder


def _abandoned(folder: Path) -> bool:
    """Whether no supervisor holds the run's lock any more; the kernel lets go for a killed one."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _alive(pid: int) -> bool:
    """Whether a process still runs; one that ended and that nobody fetched does not."""
    with contextlib.suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in ("Z", "X")
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
