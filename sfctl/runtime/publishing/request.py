"""What `publish` is asked to do, and the ports it stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sfctl.clock import Clock
from sfctl.model import ids, urn
from sfctl.model.evidence import Evidence
from sfctl.model.policy import Detection, Policy
from sfctl.model.run import RunContext
from sfctl.model.verdict import Judgement, PiiFinding
from sfctl.model.write import Mode
from sfctl.runtime.publishing.engine import Engine, Frame, Rows
from sfctl.runtime.publishing.in_memory import InMemory
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Table
from sfctl.state.port import StateStore

EVENTS = 16
"""Sequence numbers set aside for the events of one write."""


class Sink(Protocol):
    """Where evidence is safe once `append` and `sync` said True."""

    def append(self, event: Evidence) -> bool: ...

    def sync(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """One write. `path` is the stage table, `quarantine_path` the dataset's quarantine table.

    `frame` is of the kind that the engine takes. `partition` holds the fixed partition values of
    this write; columns it names and the frame lacks are added. `ordinal` counts the run's writes
    to this stage; `rerun` makes a deliberate repetition a write of its own. An unapproved policy
    publishes at G0 and never certifies. `earlier` is the version of the policy that is checked
    beside it in its first days.
    """

    frame: Frame
    policy: Policy
    run: RunContext
    stage: str
    path: str
    quarantine_path: str
    mode: Mode = "append"
    format: str = "delta"
    partition: Mapping[str, object] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    ordinal: int = 0
    rerun: int = 0
    approved: bool = True
    earlier: Policy | None = None
    level: str | None = None
    gates_off: str = ""
    """Why gates are switched off, empty when they are on."""
    complete: bool = True
    producer: Mapping[str, str] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    replay_id: str = ""
    also_keys: tuple[str, ...] = ()
    """Further write keys that this write settles."""
    batch: str = ""
    """What names a micro-batch of a stream and the write in it, whichever run repeats it."""

    @property
    def dataset_urn(self) -> str:
        return urn.without_stage(urn.canonical(self.policy.dataset_urn))

    @property
    def stage_urn(self) -> str:
        return urn.with_stage(self.dataset_urn, self.stage)

    @property
    def write_key(self) -> str:
        """The name of this write, the same for every attempt at it."""
        if self.replay_id:
            return ids.write_key("replay", self.dataset_urn, self.stage, self.replay_id)
        again = (self.rerun,) if self.rerun else ()
        if self.batch:
            return ids.write_key("batch", self.batch, self.dataset_urn, self.stage, *again)
        run = self.run
        when = run.logical_date or self.partition_text or run.run_id
        subject = run.job or run.run_id
        return ids.write_key(subject, when, self.dataset_urn, self.stage, self.ordinal, *again)

    @property
    def partition_text(self) -> str:
        """The fixed partition as `k=v/k=v`, empty without one."""
        return "/".join(f"{k}={v}" for k, v in self.partition.items())

    @property
    def partition_columns(self) -> tuple[str, ...]:
        return self.partition_by or tuple(self.partition)


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything `publish` needs of others.

    `act` does the PII actions; `public_key` returns the key that quarantine is sealed to. Both may
    raise. `row_key` is the secret that hashes of row keys are made with. `reserve` hands out
    sequence numbers of the run's evidence. `reached` is told each step by name. `engine` is the one
    of the frames that `judge`, `split` and `act` are given.
    """

    judge: Callable[[Frame, Policy, str], Judgement]
    split: Callable[[Frame, Policy, str, Judgement], Rows]
    act: Callable[[Frame, Sequence[Detection]], tuple[Frame, tuple[PiiFinding, ...]]]
    state: StateStore
    evidence: Sink
    clock: Clock
    environment: str
    store: Path
    public_key: Callable[[], bytes]
    row_key: bytes = b"sfctl"
    reserve: Callable[[int], int] = lambda _count: 0
    open_table: Callable[[str, str], Table] = open_table
    reached: Callable[[str], None] = lambda _step: None
    lock_seconds: float = 30.0
    engine: Engine = field(default_factory=InMemory)
