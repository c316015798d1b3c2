"""The run a process is in: its context, its evidence, its numbers, what it has read so far."""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import dataclass, field
from pathlib import Path

from sfctl.clock import Clock
from sfctl.errors import StoreError
from sfctl.evidence.outbox import Outbox
from sfctl.model import facts
from sfctl.model.evidence import Expected
from sfctl.model.policy import GATES_OF_STAGE
from sfctl.model.run import RunContext
from sfctl.runtime.job.journal import Journal
from sfctl.runtime.job.lifecycle import NoSink
from sfctl.runtime.publishing.request import Sink


@dataclass(slots=True)
class Active:
    """One run in this process. `supervised` means that others tell of its life."""

    run: RunContext
    journal: Journal
    sink: Sink
    clock: Clock
    supervised: bool
    rerun: int = 0
    depth: int = 0
    trouble: str = ""
    """Why there is no outbox, empty when there is."""
    upstream: list[str] = field(default_factory=list)
    rows_read: int = 0
    rows_written: int = 0
    expects: list[Expected] = field(default_factory=list)
    _batches: dict[str, tuple[str, int]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, count: int) -> int:
        """Return the first of `count` sequence numbers that nobody else in this process has."""
        with self._lock:
            first = next(self._numbers)
            for _ in range(count - 1):
                next(self._numbers)
        return first

    def batch(self, micro_batch: tuple[str, str], dataset_urn: str, stage: str) -> str:
        """Return what names a write in a micro-batch (its name and attempt), empty without one.

        Writes to one stage are counted anew in each attempt, so that a repetition finds its own.
        """
        name, attempt = micro_batch
        if not name:
            return ""
        with self._lock:
            before, count = self._batches.get(f"{dataset_urn}#{stage}", ("", 0))
            count = count + 1 if before == attempt else 0
            self._batches[f"{dataset_urn}#{stage}"] = (attempt, count)
        return f"{name}/{count}"

    def suffered(self, where: str, error: str, dataset_urn: str = "", stage: str = "") -> None:
        """Put a fault of ours beside any write on record, and tell the supervisor of it."""
        event = facts.sdk_degraded(
            self.run, self.clock.now(), where=where, error=error,
            dataset_urn=dataset_urn, stage=stage, seq=self.reserve(1),
        )  # fmt: skip
        self.sink.append(event)
        with contextlib.suppress(OSError):
            self.journal.note("degraded", {"degraded": [f"{where}:{error}"]})

    def lost(self) -> str:
        """Return why evidence of this run was lost, empty where none was."""
        if isinstance(self.sink, Outbox):
            return self.sink.trouble if self.sink.refused else ""
        return self.trouble

    def close(self) -> None:
        """Let go of the outbox, so that a flusher takes its file for finished."""
        if isinstance(self.sink, Outbox):
            self.sink.close()

    def promise(self, dataset_urn: str, stage: str, ordinal: int) -> None:
        """Remember which gate events a write has sent, to declare them at the end."""
        gates = tuple(GATES_OF_STAGE[stage])
        with self._lock:
            self.expects.append(Expected(dataset_urn, stage, gates, ordinal))

    def has_read(self, stage_urn: str, rows: int) -> None:
        """Remember what later writes come from."""
        with self._lock:
            self.rows_read += rows
            if stage_urn not in self.upstream:
                self.upstream.append(stage_urn)


def open_sink(store: Path, run_id: str) -> tuple[Sink, str]:
    """Return an outbox for a run, or a sink that keeps nothing and the reason."""
    try:
        return Outbox(store / "outbox", run_id), ""
    except StoreError as error:
        return NoSink(), f"{error.code} {error}"
