"""The tables that a job may write, as their logs tell: before it starts, and after it ended.

What happened to a table is in its log and nowhere else; an exit code says nothing about commits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sfctl.certification.ledger import written_by
from sfctl.errors import SfctlError
from sfctl.model import urn
from sfctl.model.manifest import DatasetEntry
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.supervision import spark
from sfctl.runtime.tables import delta_log
from sfctl.runtime.tables.delta_log import Head, LogVersion

FILE = "heads.json"
KnownBy = Literal["record", "marker", "outputs", "other_run", "unknown"]
"""How a version is known to be a run's: by our record inside it, by the run's marker, by the
outputs of the job file; or to be another run's, or nobody knows whose."""
OWN: frozenset[KnownBy] = frozenset({"record", "marker", "outputs"})


@dataclass(frozen=True, slots=True)
class Watched:
    """One stage table. `declared` says that the job file names it; `before` is its first head."""

    entry: DatasetEntry
    stage: str
    path: str
    declared: bool
    before: Head | None

    @property
    def stage_urn(self) -> str:
        return urn.with_stage(self.entry.urn, self.stage)


@dataclass(frozen=True, slots=True)
class Seen:
    """A version that came while the job ran."""

    table: Watched
    version: LogVersion
    known_by: KnownBy

    @property
    def own(self) -> bool:
        """Whether the run made it, as far as the log tells."""
        return self.known_by in OWN

    @property
    def told(self) -> dict[str, object]:
        """What people and programs are told of it."""
        return {
            "dataset": self.table.entry.urn,
            "stage": self.table.stage,
            "version": self.version.version,
            "operation": self.version.operation or None,
            "known_by": self.known_by,
        }


def watch(compiled: Compiled, outputs: Sequence[str]) -> tuple[list[Watched], list[str]]:
    """Return the tables to look at, and what could not be looked at.

    They are the job's declared outputs; without any, every Delta table of the project.
    """
    found, troubles = [], []
    for entry, stage in _places(compiled, outputs):
        path = entry.paths.get(stage) or compiled.default_path(entry.urn, stage)
        if compiled.format_of(entry, stage) != "delta":
            continue
        try:
            before = delta_log.head(path)
        except SfctlError as error:
            troubles.append(f"{entry.name}#{stage} cannot be watched: {error}")
            continue
        found.append(Watched(entry, stage, path, bool(outputs), before))
    return found, troubles


def remember(folder: Path, watched: Sequence[Watched]) -> None:
    """Leave behind where each table stood, for whoever speaks for a run that was killed."""
    heads = {
        each.stage_urn: [each.before.version, *each.before.mark] if each.before else None
        for each in watched
    }
    (folder / FILE).write_text(json.dumps(heads))


def recall(folder: Path, watched: Sequence[Watched]) -> list[Watched]:
    """Return tables with the heads that a run remembered; those it did not watch are left out."""
    try:
        heads = json.loads((folder / FILE).read_bytes())
        return [
            Watched(each.entry, each.stage, each.path, each.declared, _head(heads[each.stage_urn]))
            for each in watched
            if each.stage_urn in heads
        ]
    except (OSError, ValueError, TypeError, LookupError):
        return []


def versions(table: Watched, run_id: str, *, submitted: bool) -> Iterator[Seen]:
    """Yield the versions that came since the start, oldest first. Raises StoreError.

    `submitted` says that the command was spark-submit, all of whose commits can carry a marker.
    """
    from sfctl.runtime.tables.delta import DeltaLake

    fresh = list(delta_log.since(table.path, table.before))
    if not fresh:
        return
    notes = {
        c.version: c for c in DeltaLake(table.path).commits(fresh[0] - 1 if fresh[0] else None)
    }
    for number in fresh:
        version = delta_log.read(table.path, number)
        if version is None:
            continue
        record = written_by(notes[number]) if number in notes else None
        known: KnownBy
        if record is not None:
            known = "record" if record.run.run_id == run_id else "other_run"
        else:
            known = known_by(version, run_id, declared=table.declared, submitted=submitted)
        yield Seen(table, version, known)


def known_by(version: LogVersion, run_id: str, *, declared: bool, submitted: bool) -> KnownBy:
    """Return how a version without a record of ours is known to be the run's, or not to be.

    A commit of Spark's carries the run's marker unless its author names it otherwise; one of
    delta-rs cannot, and is the run's where a Python job declares the table.
    """
    said = version.user_metadata
    if said == spark.marker(run_id):
        return "marker"
    if spark.marked(said):
        return "other_run"
    if not declared:
        return "unknown"
    of_spark = "spark" in version.engine.casefold()
    nameless = not said if of_spark else submitted
    return "unknown" if nameless else "outputs"


def _places(compiled: Compiled, outputs: Sequence[str]) -> Iterator[tuple[DatasetEntry, str]]:
    if not outputs:
        for entry in compiled.manifest.datasets.values():
            yield from ((entry, stage) for stage in entry.paths)
        return
    for output in dict.fromkeys(outputs):
        name, _, stage = output.partition("#")
        known = compiled.manifest.datasets.get(name)
        if known is not None:
            yield from ((known, each) for each in ([stage] if stage else known.paths))


def _head(value: object) -> Head | None:
    if not isinstance(value, list):
        return None
    version, inode, at = value
    return Head(int(version), (int(inode), int(at)))
