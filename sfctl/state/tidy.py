"""Bound the growth of `.sfctl/`: what has expired, and what old runs left behind, goes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sfctl.state.embedded import EmbeddedState

RUNS_AGE = timedelta(days=30)
RUNS_KEPT = 200
PAYLOADS_AGE = timedelta(days=90)
LEFTOVER_AGE = timedelta(days=1)
BACKUP_AGE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Tidied:
    """How much went, and what stays on disk."""

    items: int = 0
    runs: int = 0
    payloads: int = 0
    leftovers: int = 0
    freed_bytes: int = 0
    bytes: int = 0


def tidy(folder: Path, state: EmbeddedState, now: datetime) -> Tidied:
    """Sweep `.sfctl/`. Evidence that waits in the outbox is never touched."""
    before = size_of(folder)
    items = 0
    while swept := state.sweep():
        items += swept
    runs = _old_runs(folder, now)
    backups = _older(list((folder / "backups").glob("*")), now - BACKUP_AGE)
    for run in (*runs, *backups):
        shutil.rmtree(run, ignore_errors=True)
    payloads = _older(list((folder / "payloads").glob("*")), now - PAYLOADS_AGE)
    outbox = folder / "outbox"
    marks = [p for p in outbox.glob("*.done") if not p.with_suffix(".outbox").exists()]
    fragments = [*folder.rglob("*.tmp"), *marks]
    leftovers = _older(fragments, now - LEFTOVER_AGE)
    leftovers += _older(list(folder.glob("*.bak")), now - BACKUP_AGE)
    for path in (*payloads, *leftovers):
        path.unlink(missing_ok=True)
    after = size_of(folder)
    gone = len(leftovers) + len(backups)
    return Tidied(items, len(runs), len(payloads), gone, max(before - after, 0), after)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _old_runs(folder: Path, now: datetime) -> list[Path]:
    """Return the run folders that are past their age, or beyond the number that is kept."""
    runs = [path for path in (folder / "runs").glob("*") if path.is_dir()]
    runs.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    aged = {path for path in runs if path.stat().st_mtime < (now - RUNS_AGE).timestamp()}
    return [path for place, path in enumerate(runs) if place >= RUNS_KEPT or path in aged]


def _older(paths: list[Path], limit: datetime) -> list[Path]:
    found = []
    for path in paths:
        try:
            if path.stat().st_mtime < limit.timestamp():
                found.append(path)
        except FileNotFoundError:
            continue
    return found
