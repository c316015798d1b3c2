"""What the project says of itself, as the engines know it: the compiled manifest, as an event.

A `CONFIG` event carries it, so that a replay uses the rules of its time. Its time is the compile's.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import parse_instant
from sfctl.model import codec, decisions, urn
from sfctl.model.evidence import Evidence
from sfctl.model.manifest import DatasetEntry, JobEntry, LineageEntry, Manifest


class Topology(msgspec.Struct, frozen=True, omit_defaults=True):
    """The datasets, jobs and declared lineage of a project, by canonical URN."""

    project: str = ""
    environment: str = ""
    manifest_digest: str = ""
    compiled_at: str = ""
    datasets: dict[str, DatasetEntry] = {}
    jobs: dict[str, JobEntry] = {}
    """By job URN, `urn:job:<name>`."""
    lineage: LineageEntry = LineageEntry()

    def tier(self, dataset: str) -> int:
        """Return the tier of a dataset, given with or without its stage; 3 where none is known."""
        entry = self.datasets.get(urn.without_stage(dataset))
        return entry.tier if entry else 3


def to_event(manifest: Manifest) -> Evidence:
    """Return the CONFIG event of a compiled project: its secrets and file lists stay at home."""
    datasets = {name: replace(entry, files=()) for name, entry in manifest.datasets.items()}
    jobs = {
        urn.job(entry.name): replace(entry, args=(), env={}, env_from={})
        for entry in manifest.jobs.values()
    }
    event = decisions.config(
        parse_instant(manifest.compiled_at),
        manifest_digest=manifest.digest,
        project=manifest.project,
        environment=manifest.target.environment,
        datasets=_plain(datasets),
        jobs=_plain(jobs),
    )
    return replace(event, lineage=_plain(manifest.lineage))  # a name of the envelope's own


def of(manifest: Manifest) -> Topology:
    """Return the topology of a compiled project, as its CONFIG event gives it."""
    return from_event(to_event(manifest))


def from_event(event: Evidence) -> Topology:
    """Read a CONFIG event. Raises msgspec.ValidationError for one that is none."""
    document = {**event.payload, "lineage": event.lineage, "compiled_at": event.timestamp}
    return msgspec.convert(document, Topology)


def _plain(value: object) -> Any:
    """Return a value as it will be read back from the bus."""
    return codec.decode(codec.encode(value), Any)
