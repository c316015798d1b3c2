"""What the verbs `certify` and `quarantine` stand on: the compiled project, its stores, a run."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from sfctl import wiring
from sfctl.clock import FixedClock, clock_from_environment, format_instant
from sfctl.commands import selection
from sfctl.errors import SfctlError, UsageError
from sfctl.evidence.flush import flush
from sfctl.evidence.outbox import Outbox
from sfctl.model.manifest import DatasetEntry
from sfctl.model.run import RunContext
from sfctl.runtime import seal
from sfctl.runtime.job import compiled
from sfctl.runtime.job.agreed import Agreed
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.job.judging import Judging
from sfctl.runtime.pii import actions, keys
from sfctl.runtime.publishing.quarantine import public_key, quarantine_path
from sfctl.runtime.publishing.request import Ports, PublishRequest
from sfctl.spec.project import load
from sfctl.spec.repository import find_root
from sfctl.state.port import StateStore


@dataclass(frozen=True)
class Lake:
    """A compiled project opened for one command."""

    project: Compiled
    target: str | None
    state: StateStore
    outbox: Outbox
    run: RunContext
    now: datetime

    def chosen(self, selectors: Sequence[str], exclude: Sequence[str] = ()) -> list[DatasetEntry]:
        """Return the compiled datasets that the selectors name, all without any."""
        entries = self.project.manifest.datasets
        if not selectors and not exclude:
            return list(entries.values())
        spec = load(self.project.root, self.target)
        names = {files.name for files in selection.chosen(spec, selectors, exclude)}
        return [entry for entry in entries.values() if entry.name in names]

    def request(self, entry: DatasetEntry, stage: str) -> PublishRequest:
        """Return a request without rows for a dataset's stage.

        Raises UsageError SF342 where the dataset has no such stage.
        """
        if stage not in entry.paths:
            raise UsageError(
                f"{entry.name} has no {stage} stage",
                hint=f"its stages are {', '.join(entry.paths)}",
                code="SF342",
            )
        policy, approval = self.project.policy(entry)
        return PublishRequest(
            frame=pl.DataFrame(),
            policy=policy,
            run=self.run,
            stage=stage,
            path=entry.paths[stage],
            quarantine_path=quarantine_path(self.project.manifest.target.lake, entry.urn),
            format=self.project.format_of(entry, stage),
            partition_by=tuple(entry.partition_by.get(stage, ())),
            approved=approval.approved,
        )

    def ports(self, request: PublishRequest) -> Ports:
        """Return the ports of the product for a request to this project."""
        target, store = self.project.manifest.target, self.project.store
        pii_key = target.settings.get("pii_key")
        schemas = wiring.open_schemas(self.project)
        agreed = Agreed.of_write(
            request, store, self.now, schemas.latest, environment=target.environment
        )
        judging = Judging(
            self.project, request, agreed, self.now, True, "HIGH", frozenset(), lambda: self.state
        )
        return Ports(
            judge=judging.judge,
            split=judging.split,
            act=lambda frame, detections: actions.apply(
                frame, detections, lambda: keys.load(store, _block(pii_key))
            ),
            state=self.state,
            evidence=self.outbox,
            clock=FixedClock(self.now),
            environment=target.environment,
            store=store,
            public_key=lambda: public_key(target.settings, store),
        )

    def private_key(self, path: Path | None) -> bytes:
        """Return the key that opens the quarantine. Raises SfctlError SF455."""
        return seal.read_key(path or self.project.store / seal.PRIVATE)


@contextlib.contextmanager
def open_lake(
    verb: str, project_dir: Path, target: str | None, now: datetime | None
) -> Iterator[Lake]:
    """Open a compiled project for `verb`; what it says is delivered at the end, or kept.

    Raises PolicyRejected SF752 for a project that was never compiled, UsageError SF758 for one
    that was compiled for another target.
    """
    root = find_root(project_dir)
    project = compiled.load(root)
    project.require_target(target)
    folder = wiring.store_folder(root)
    moment = now or clock_from_environment().now()
    at = format_instant(moment)
    run = RunContext(
        f"{verb}-{at}-{os.getpid()}", started_at=at, code_ref=f"operator:{getpass.getuser()}"
    )
    with (
        wiring.open_state(folder) as state,
        Outbox(folder / "outbox", run.run_id) as outbox,
    ):
        yield Lake(project, target, state, outbox, run, moment)
    with contextlib.suppress(SfctlError), wiring.open_bus(folder) as bus:
        flush(folder / "outbox", bus)


def _block(value: object) -> dict[str, object] | None:
    return dict(value) if isinstance(value, dict) else None
