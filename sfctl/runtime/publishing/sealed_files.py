"""Batches that the last line of defence sealed into files: kept, but in no quarantine table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sfctl.model.manifest import DatasetEntry

FOLDER = "sealed"
SUFFIX = ".parquet.sealed"
_NAME = re.compile(r"(.+)-([0-9]+)-[0-9]+\.parquet\.sealed")


class SealedFile(msgspec.Struct, frozen=True):
    """One batch in a file, or in a folder of files where Spark sealed it.

    Dataset and stage are empty where the project has none of that name.
    """

    file: str
    dataset_urn: str
    stage: str
    sealed_at: datetime
    bytes: int


def sealed_files(store: Path, entries: Iterable[DatasetEntry]) -> list[SealedFile]:
    """Return the sealed files below `.sfctl/`, oldest first."""
    named = {
        _slug(f"{name}-{stage}"): (entry.urn, stage)
        for entry in entries
        for stage in entry.paths
        for name in (entry.urn, entry.name, f"ds://{'/'.join(entry.urn.split(':')[2:])}")
    }
    found = []
    for path in (store / FOLDER).glob(f"*{SUFFIX}"):
        match = _NAME.fullmatch(path.name)
        try:
            status = path.stat()
            size = status.st_size if path.is_file() else sum(_sizes(path))
        except OSError:
            continue
        dataset, stage = named.get(match[1], ("", "")) if match else ("", "")
        at = int(match[2]) / 1e9 if match else status.st_mtime
        moment = datetime.fromtimestamp(at, UTC)
        found.append(SealedFile(path.name, dataset, stage, moment, size))
    return sorted(found, key=lambda each: (each.sealed_at, each.file))


def _sizes(folder: Path) -> Iterable[int]:
    return (file.stat().st_size for file in folder.rglob("*.parquet"))


def _slug(text: str) -> str:
    """Return the name as the last line writes it, which imports nothing of ours."""
    return "".join(c if c.isalnum() else "_" for c in text)
