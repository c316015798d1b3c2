"""Signals: what an engine concluded from evidence about one dataset, and each engine's last word.

A signal is an event like any other: on the bus it is `SIGNAL` evidence with all its fields, so
that graph and incidents read the one log.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sfctl.model import codec
from sfctl.model.evidence import Evidence, from_plain, to_plain

SCHEMA = "urn:schema:signal:1"

State = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]
WindowType = Literal["TUMBLING_5MIN", "TUMBLING_1HR", "SLIDING_15MIN", "BATCH_RUN"]
SEVERITY: dict[str, int] = {"OK": 0, "UNKNOWN": 1, "WARNING": 2, "CRITICAL": 3}
"""How bad a state is."""

TOP_FAILURES = 5
EVIDENCE_REFS = 10


class Window(msgspec.Struct, frozen=True):
    """The span a signal is about: `[start, end)` of a stream, the run or expected window else."""

    start: str
    end: str
    type: WindowType = "BATCH_RUN"


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signature within a window: how often (`count`), and ever on this dataset (`total`)."""

    signature: str
    count: int
    first_seen: str = ""
    total: int = 0
    is_new: bool | None = None
    """Whether it had not been seen for 30 days; None where nobody keeps that history."""
    producer: str = ""
    producer_version: str = ""


class Signal(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A conclusion. `timestamp` is the window's end, never the wall clock of writing."""

    signal_id: str
    signal_type: str
    dataset_urn: str
    state: State
    timestamp: str
    window: Window
    engine: str = ""
    revision: int = 0
    stage: str = ""
    reason: str = ""
    """The breach in the engine's own terms: JOB_FAILED, VOLUME_DROP, ENUM_VALUE_DRIFT…"""
    previous_state: str = ""
    job_urn: str = ""
    run_id: str = ""
    dag_id: str = ""
    dag_run_id: str = ""
    metrics: dict[str, Any] = {}
    details: dict[str, Any] = {}
    top_failures: tuple[Failure, ...] = ()
    """At most five, most frequent first, then by signature."""
    evidence_refs: tuple[str, ...] = ()
    """At most ten ids of the evidence it stands on, failures first."""
    batch_context: dict[str, Any] = {}
    """dag_id, dag_run_id, spark_run_id (or run_id) of a BATCH_RUN."""
    producer: dict[str, Any] = {}
    """id, version, confidence of who most of the failures come from."""

    @property
    def signature(self) -> str:
        """The most frequent failure, or the reason where no row failed."""
        return self.top_failures[0].signature if self.top_failures else self.reason


class SignalState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An engine's last word on a dataset: one item of the table `signal_state`."""

    dataset_urn: str
    engine: str
    state: State
    last_updated: str
    score: float | None = None
    breach_start: str = ""
    """When the first failing evidence of the present breach happened."""
    window_end: str = ""
    failure_signature: str = ""
    top_producer: str = ""
    top_producer_version: str = ""
    evidence_sample: tuple[str, ...] = ()
    reason: str = ""
    signal_id: str = ""
    signal_type: str = ""
    run_id: str = ""

    @property
    def key(self) -> str:
        """The item's key: partition and sort key in one."""
        return f"{self.dataset_urn}|{self.engine}"


STATE_TABLE = "signal_state"


def to_event(signal: Signal) -> Evidence:
    """Return the event that carries a signal on the bus; the same signal, the same event."""
    document = document_of(signal)
    document["evidence_id"] = document.pop("signal_id")
    return from_plain({**document, "kind": "SIGNAL"})


def from_event(event: Evidence) -> Signal:
    """Read a signal from its event, ours or one taken in from elsewhere.

    Raises msgspec.ValidationError for an event that is no signal.
    """
    document = to_plain(event)
    document["signal_id"] = document.pop("evidence_id")
    when = event.timestamp
    document.setdefault("window", {"start": when, "end": when, "type": "BATCH_RUN"})
    return msgspec.convert(document, Signal)


def document_of(signal: Signal) -> dict[str, Any]:
    """Return the JSON object of a signal as it is published and printed."""
    plain: dict[str, Any] = codec.plain(signal)
    return {"schema": SCHEMA, **plain}


def worst(states: list[State]) -> State:
    """Return the worst of some states, OK of none."""
    return max(states, key=lambda state: SEVERITY[state], default="OK")
