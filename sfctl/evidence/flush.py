"""Move the outbox to the bus: publish first, note how far, remove a file only when it is done."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sfctl.clock import format_instant
from sfctl.errors import StoreError, StoreLocked
from sfctl.evidence import sanitizer, spool
from sfctl.evidence.outbox import SUFFIX
from sfctl.evidence.port import Bus, DeadLetter, Published

DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush did. `pending_bytes` still wait; `trouble` says why, when anything is wrong."""

    published: Published = field(default_factory=Published)
    damaged: int = 0
    pending_bytes: int = 0
    files: int = 0
    """Files still in the outbox."""
    trouble: str = ""


def flush(folder: str | Path, bus: Bus, *, deadline: float = DEADLINE_S) -> Flushed:
    """Publish what waits in the outbox, for at most about `deadline` seconds. Raises nothing.

    Two flushers at once are safe: one works, the other waits its turn or gives up.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return Flushed()
    ends_at = time.monotonic() + deadline
    done, damaged, trouble = Published(), 0, ""
    try:
        with _turn(folder, deadline / 2):
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                published, bad = _flush_file(path, bus, ends_at)
                done += published
                damaged += bad
                if time.monotonic() > ends_at:
                    trouble = f"stopped after {deadline:g} s"
                    break
    except (StoreError, OSError) as error:
        trouble = str(error)
    waiting = _waiting(folder)
    return Flushed(done, damaged, sum(waiting), len(waiting), trouble)


def pending_bytes(folder: str | Path) -> int:
    """Return how many bytes of events are not yet on the bus."""
    return sum(_waiting(Path(folder)))


def _flush_file(path: Path, bus: Bus, ends_at: float) -> tuple[Published, int]:
    done, damaged = Published(), 0
    with path.open("rb") as stream:
        finished = _is_finished(stream.fileno())
        for chunk in spool.chunks(path, _position(path), finished=finished):
            done += bus.publish(chunk.events)
            if chunk.damaged:
                bus.dead_letter([_letter(path, line) for line in chunk.damaged])
                damaged += len(chunk.damaged)
            _note(path, chunk.end)
            if time.monotonic() > ends_at:
                return done, damaged
        if finished and _position(path) == path.stat().st_size:
            _mark(path).unlink(missing_ok=True)  # first: a mark must never outlive its file
            path.unlink()
    return done, damaged


def _is_finished(descriptor: int) -> bool:
    """Whether no writer holds the file any more; the kernel lets go for one that was killed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _turn(folder: Path, patience: float) -> Iterator[None]:
    ends_at = time.monotonic() + patience
    descriptor = os.open(folder / ".flush.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    raise StoreLocked("another flush is at work") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _mark(path: Path) -> Path:
    return path.with_suffix(".done")


def _position(path: Path) -> int:
    """How far the file is on the bus. A lost mark costs a second publish, which changes nothing."""
    try:
        position = int(_mark(path).read_text())
    except (OSError, ValueError):
        return 0
    return position if position <= path.stat().st_size else 0


def _note(path: Path, position: int) -> None:
    fresh = path.with_suffix(".done.tmp")
    fresh.write_text(str(position))
    fresh.replace(_mark(path))


def _waiting(folder: Path) -> list[int]:
    """Return the bytes that wait, file by file."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with contextlib.suppress(OSError):
            found.append(max(path.stat().st_size - _position(path), 0))
    return found


def _letter(path: Path, line: bytes) -> DeadLetter:
    return DeadLetter(
        at=format_instant(datetime.fromtimestamp(path.stat().st_mtime, UTC)),
        reason="CORRUPT_LINE",
        detail=f"{len(line)} bytes with a wrong checksum or no end",
        origin=path.name,
        body=sanitizer.clean_message(line.decode("utf-8", "replace")),
    )
