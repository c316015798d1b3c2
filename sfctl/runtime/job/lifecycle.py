"""Who runs, since when, and how it ended: the run context, heartbeats, and the events of a life."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from sfctl.clock import Clock, format_instant
from sfctl.model import facts, urn
from sfctl.model.evidence import Evidence, Expected
from sfctl.model.manifest import JobEntry
from sfctl.model.policy import GATES_OF_STAGE
from sfctl.model.run import RunContext, from_environment, run_id_for
from sfctl.runtime.job import journal
from sfctl.runtime.job.code_ref import code_ref
from sfctl.runtime.publishing.request import Sink

RERUN = "SFCTL_RERUN"
"""Which deliberate repetition of a run this is; a plain retry is 0."""
HEARTBEAT_S = 60.0
LAST = 1_000_000
"""The sequence number of a run's last event, past any that its writes take."""


class NoSink:
    """Where evidence goes when there is no outbox: nowhere, and it says so."""

    def append(self, event: Evidence) -> bool:  # noqa: ARG002
        return False

    def sync(self) -> bool:
        return False


def context(
    store: Path,
    job: str,
    clock: Clock,
    *,
    date: str = "",
    attempt: int | None = None,
    rerun: int = 0,
    environ: Mapping[str, str] = os.environ,
) -> RunContext:
    """Return the context of a run that begins now.

    What the environment says is kept. A dated run without an attempt gets the first one nobody
    had, so that a retry by hand is a retry.
    """
    at = format_instant(clock.now())
    given = {**environ, "SFCTL_JOB": job or environ.get("SFCTL_JOB", ""), "SFCTL_STARTED_AT": at}
    if date:
        given["SFCTL_LOGICAL_DATE"] = date
    run = from_environment(given)
    known = any(environ.get(name) for name in ("SFCTL_ATTEMPT", "AIRFLOW_CTX_TRY_NUMBER"))
    if not environ.get("SFCTL_RUN_ID"):
        if run.logical_date:
            if attempt is None and not known:
                attempt = _first_free(store, run.job, run.logical_date, rerun)
            number = run.attempt if attempt is None else attempt
            run = msgspec.structs.replace(
                run, run_id=_run_id(run.job, run.logical_date, number, rerun), attempt=number
            )
        else:
            run = msgspec.structs.replace(run, run_id=f"run-{at}-{os.getpid()}")
    if attempt is not None:
        run = msgspec.structs.replace(run, attempt=attempt)
    if not run.code_ref:
        run = msgspec.structs.replace(run, code_ref=code_ref(store.parent))
    return run


def variables(run: RunContext) -> dict[str, str]:
    """Return the environment that hands a run context on to a process."""
    named = {
        "SFCTL_RUN_ID": run.run_id,
        "SFCTL_JOB": run.job,
        "SFCTL_DAG_ID": run.dag_id,
        "SFCTL_DAG_RUN_ID": run.dag_run_id,
        "SFCTL_TASK": run.task,
        "SFCTL_ATTEMPT": str(run.attempt),
        "SFCTL_LOGICAL_DATE": run.logical_date,
        "SFCTL_SCHEDULED_TIME": run.scheduled_time,
        "SFCTL_STARTED_AT": run.started_at,
        "SFCTL_CODE_REF": run.code_ref,
        "SFCTL_DEPLOY_REF": run.deploy_ref,
        "SFCTL_CLUSTER": run.cluster,
        "SFCTL_RUNTIME": run.runtime,
    }
    return {name: value for name, value in named.items() if value}


def expected_of(outputs: Iterable[str]) -> tuple[Expected, ...]:
    """Return the gate events that one write to each of these stage tables promises."""
    found = []
    for output in outputs:
        dataset, _, stage = output.partition("#")
        if stage in GATES_OF_STAGE:
            found.append(Expected(dataset, stage, tuple(GATES_OF_STAGE[stage])))
    return tuple(found)


@dataclass(slots=True)
class Life:
    """The events of one run. Nothing here raises; `sink` answers whether evidence is safe."""

    run: RunContext
    sink: Sink
    clock: Clock
    beat_s: float = HEARTBEAT_S
    beats: int = 0
    _born: float = field(default_factory=time.monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._born

    def start(self, entry: JobEntry | None = None, **more: Any) -> None:
        """Say that the job starts, and what it promises."""
        self.sink.append(
            facts.job_started(
                self.run,
                self.clock.now(),
                inputs=entry.inputs if entry else (),
                outputs=entry.outputs if entry else (),
                expects=expected_of(entry.outputs if entry else ()),
                code_ref=self.run.code_ref,
                **more,
            )
        )
        self.sink.sync()

    def keep_beating(self) -> None:
        """Say every so often that it lives, from a thread of its own."""
        self._thread = threading.Thread(target=self._beat, daemon=True, name="sfctl-heartbeat")
        self._thread.start()

    def complete(
        self,
        *,
        rows_read: int | None = None,
        rows_written: int | None = None,
        resources: Mapping[str, Any] | None = None,
        expects: Sequence[Expected] = (),
        **more: Any,
    ) -> None:
        """Say that it ended well."""
        self.stop_beating()
        self.sink.append(
            facts.job_completed(
                self.run,
                self.clock.now(),
                duration=self.elapsed,
                rows_read=rows_read,
                rows_written=rows_written,
                resource_summary=resources,
                expects=expects,
                seq=LAST,
                **more,
            )
        )
        self.sink.sync()

    def fail(
        self,
        reason: str,
        *,
        message: str = "",
        stack_trace: Sequence[Mapping[str, Any]] = (),
        resources: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Say that it failed; `reason` is a signature."""
        self.stop_beating()
        self.sink.append(
            facts.job_failed(
                self.run,
                self.clock.now(),
                failure_reason=reason,
                message=message,
                stack_trace=stack_trace,
                duration=self.elapsed,
                resource_summary=resources,
                seq=LAST,
                **more,
            )
        )
        self.sink.sync()

    def stop_beating(self) -> None:
        """End the heartbeats."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _beat(self) -> None:
        while not self._ended.wait(self.beat_s):
            self.beats += 1
            event = facts.heartbeat(
                self.run, self.clock.now(), beat=self.beats, elapsed=self.elapsed, seq=self.beats
            )
            self.sink.append(event)


def _run_id(job: str, date: str, attempt: int, rerun: int) -> str:
    return run_id_for(job, date, attempt) + (f"-r{rerun}" if rerun else "")


def _first_free(store: Path, job: str, date: str, rerun: int) -> int:
    attempt = 0
    while True:
        folder = journal.folder_of(store, _run_id(job, date, attempt, rerun))
        try:
            folder.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            attempt += 1
        except OSError:
            return attempt
        else:
            return attempt


def producer_of(run: RunContext, confidence: str) -> dict[str, str]:
    """Return the producer block of evidence: who wrote, and how sure that is known."""
    return {
        "id": urn.job(run.job) if run.job else "UNKNOWN",
        "confidence": confidence,
        "version": run.deploy_ref or run.code_ref,
        "run_id": run.run_id,
    }
