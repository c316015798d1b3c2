"""The folder of one run: what the processes inside it did, for the supervisor outside to read.

Every process appends JSON lines to a file of its own; numbers that must differ between processes
of one run are claimed as empty files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sfctl.model import codec

FOLDER = "SFCTL_RUN_FOLDER"
"""The variable that tells a job its run's folder; only a supervisor sets it."""
RUNS = "runs"


class Journal:
    """The journal in `folder`. Writing raises OSError; reading skips what is damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._claimed: dict[str, int] = {}

    def note(self, kind: str, value: object) -> None:
        """Append one entry to the file of this process."""
        line = codec.encode({"kind": kind, "value": codec.plain(value)}) + b"\n"
        path = self.folder / f"journal-{os.getpid()}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """Return the values of one kind, process by process in the order they were noted."""
        found = []
        for path in sorted(self.folder.glob("journal-*.jsonl"), key=lambda p: p.stat().st_mtime):
            for line in path.read_bytes().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, Mapping) and entry.get("kind") == kind:
                    found.append(dict(entry["value"]))
        return found

    def claim(self, name: str) -> int:
        """Return the lowest number nobody in this run has claimed under `name`, counting from 0."""
        safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        number = self._claimed.get(safe, -1) + 1  # all below were found taken before
        while True:
            try:
                path = self.folder / f"{safe}.{number}"
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                number += 1
            else:
                self._claimed[safe] = number
                return number


def folder_of(store: Path, run_id: str) -> Path:
    """Return the folder that everything about a run lies in."""
    return store / RUNS / re.sub(r"[^A-Za-z0-9_.-]", "_", run_id)


def begin(store: Path, run_id: str) -> Journal:
    """Make a fresh folder for a run, also where a run of that id was there before."""
    parent = folder_of(store, run_id)
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number = 0
    while True:
        folder = parent / str(number)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return Journal(folder)
