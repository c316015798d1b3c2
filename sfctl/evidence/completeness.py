"""Did a run send what it promised? And if nothing came: which of the four silences is it?

A run declares its gates on any event of its own (`expects`): at the start where the job file names
its outputs, write by write where nobody knew before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from sfctl.clock import parse_instant
from sfctl.model import urn
from sfctl.model.evidence import Evidence, Expected

HEARTBEAT = timedelta(seconds=60)
MISSED_HEARTBEATS = 3

State = Literal["never_started", "running", "lost", "complete", "incomplete"]
Silence = Literal["", "NEVER_STARTED", "SDK_SILENT", "BUS_UNREACHABLE", "NO_DATA"]

_ENDS = frozenset({"JobRunCompleted", "JobRunFailed"})


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """One gate event that was promised and is not there."""

    dataset_urn: str
    stage: str
    ordinal: int
    gate: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """The state of a run's evidence. `incomplete` is what EVIDENCE_INCOMPLETE is raised from.

    `lost` means that heartbeats stopped and no end was reported; what is missing then counts too.
    """

    state: State
    missing: tuple[Missing, ...] = ()
    declared: int = 0

    @property
    def is_incomplete(self) -> bool:
        """Tell whether evidence is missing that will not come any more."""
        return bool(self.missing) and self.state in ("incomplete", "lost")


def assess(events: Iterable[Evidence], now: datetime) -> Completeness:
    """Compare what one run declared with what it sent. Pure; `now` only tells a lost run."""
    events = list(events)
    if not events:
        return Completeness("never_started")
    declared = {gate for event in events for gate in declared_by(event)}
    sent = {gate for event in events for gate in sent_by(event)}
    missing = tuple(sorted(declared - sent))
    return Completeness(_state(events, now, missing), missing, len(declared))


def silence(events: Sequence[Evidence], *, pending_bytes: int = 0) -> Silence:
    """Say why a run that should have judged something did not, as far as its evidence tells.

    Empty when gates reported. `pending_bytes` is what waits in the outbox.
    """
    if any(event.kind == "GATE" for event in events):
        return ""
    if pending_bytes:
        return "BUS_UNREACHABLE"
    if not any(event.kind == "JobRunStarted" for event in events):
        return "NEVER_STARTED"
    writes = [event for event in events if event.kind == "DatasetWriteCommitted"]
    if writes and all(event.payload.get("rows_written") == 0 for event in writes):
        return "NO_DATA"
    if any(event.payload.get("rows_read") == 0 for event in events if event.kind in _ENDS):
        return "NO_DATA"
    return "SDK_SILENT"


def _state(events: Sequence[Evidence], now: datetime, missing: tuple[Missing, ...]) -> State:
    if any(event.kind in _ENDS for event in events):
        return "incomplete" if missing else "complete"
    last = max(parse_instant(event.timestamp) for event in events)
    return "lost" if now - last > MISSED_HEARTBEATS * HEARTBEAT else "running"


def declared_by(event: Evidence) -> Iterable[Missing]:
    """Give the gate events that an event promises."""
    expects = event.payload.get("expects")
    if not isinstance(expects, list):
        return
    for entry in expects:
        try:
            expected = msgspec.convert(entry, Expected)
        except msgspec.ValidationError:
            continue
        dataset = _name(expected.dataset_urn)
        for gate in expected.gates:
            yield Missing(dataset, expected.stage, expected.ordinal, gate)


def sent_by(event: Evidence) -> Iterable[Missing]:
    """Give the gate events that an event is."""
    if event.kind not in ("GATE", "CERTIFICATION"):
        return
    ordinal = event.source.get("ordinal", event.payload.get("ordinal", 0))
    number = ordinal if isinstance(ordinal, int) else 0
    for gate in event.gates:
        yield Missing(_name(event.dataset_urn), event.stage, number, str(gate.get("gate")))


def _name(dataset: str) -> str:
    return urn.without_stage(urn.canonical(dataset)) if urn.is_dataset(dataset) else dataset
