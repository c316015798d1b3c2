"""`target/run_results.json`: what the last run of each dataset's stages came to.

It is what `result:` selects by, and what CI may keep as an artefact. One run at a time adds to it;
a file that cannot be read is begun anew, one that cannot be written hurts no run.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sfctl.commands.run_outcome import Told
from sfctl.runtime.job.compiled import Compiled

FILE = "target/run_results.json"
SCHEMA = "sfctl.run_results.v1"
STATUSES = ("skipped", "pass", "warn", "fail", "error")
"""From the least bad to the worst: a dataset's is the worst of its stages'."""
_OF_VERDICT = {"PASS": "pass", "WARN": "warn", "FAIL": "fail", "SKIP": "skipped"}
_KEPT = ("stage", "version", "rows_in", "rows_good", "rows_bad", "rows_published",
         "rows_quarantined", "verdict", "certification")  # fmt: skip


def remember(compiled: Compiled, told: Told) -> None:
    """Put what a run came to in place of what was known of its datasets. Raises OSError."""
    path = compiled.root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".run_results.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = list(_entries(compiled, told))
        names = {each["name"] for each in fresh}
        kept = [each for each in _read(path) if each["name"] not in names]
        results = sorted([*kept, *fresh], key=lambda each: (each["name"], each["stage"] or ""))
        _replace(path, json.dumps({"schema": SCHEMA, "results": results}, indent=2) + "\n")


def verdicts(root: Path) -> dict[str, str] | None:
    """Return the status of each dataset's last run by name; None where nothing ever ran."""
    worst: dict[str, str] = {}
    for each in _read(root / FILE):
        name, status = each["name"], each["status"]
        if STATUSES.index(status) >= STATUSES.index(worst.get(name, STATUSES[0])):
            worst[name] = status
    return worst or None


def _entries(compiled: Compiled, told: Told) -> Iterable[dict[str, Any]]:
    head = {
        "run_id": told.context.run_id,
        "job": told.context.job,
        "started_at": told.context.started_at,
    }
    written = set()
    for write in told.writes:
        entry = compiled.dataset(write["dataset"])
        if entry is not None:
            written.add(entry.urn)
            kept = {key: write.get(key) for key in _KEPT}
            yield {"name": entry.name, "urn": entry.urn, "status": _status(write), **kept, **head}
    job = compiled.manifest.jobs.get(told.context.job)
    if told.ended.exit_code == 0 or job is None:
        return
    for output in dict.fromkeys(name.partition("#")[0] for name in job.outputs):
        entry = compiled.manifest.datasets.get(output)
        if entry is not None and entry.urn not in written:
            yield {"name": entry.name, "urn": entry.urn, "status": "error", "stage": None, **head}


def _status(write: Mapping[str, Any]) -> str:
    if write.get("degraded"):
        return "error"
    if write.get("blocked"):
        return "fail"
    return _OF_VERDICT.get(str(write.get("verdict")), "skipped")


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
        results = document["results"] if document["schema"] == SCHEMA else []
        return [each for each in results if _sound(each)]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _sound(entry: Mapping[str, Any]) -> bool:
    return (
        isinstance(entry["name"], str)
        and entry["status"] in STATUSES
        and isinstance(entry["stage"], str | None)
    )


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".run_results-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
