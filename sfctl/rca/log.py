"""The evidence that a cause is told from: read by id, run or dataset, in the order of its time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from sfctl.clock import parse_instant
from sfctl.evidence.port import Bus, Query
from sfctl.model import signal as signals
from sfctl.model.evidence import Evidence
from sfctl.model.signal import Signal

_RUN_EVENTS = 2_000
_LOOK_BACK = 200


@dataclass(slots=True)
class Log:
    """A bus that is only read. `copies` are events an incident keeps, for when the log forgets."""

    bus: Bus
    copies: dict[str, Evidence] = field(default_factory=dict)
    _events: dict[str, Evidence | None] = field(default_factory=dict)
    _runs: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)

    def event(self, id: str) -> Evidence | None:
        """Return the newest revision of one event."""
        if id not in self._events:
            record = self.bus.get(id)
            self._events[id] = record.event if record else self.copies.get(id)
        return self._events[id]

    def events(self, ids: Iterable[str]) -> tuple[Evidence, ...]:
        """Return those of `ids` that can be opened, in order of time."""
        return ordered(event for id in dict.fromkeys(ids) if (event := self.event(id)))

    def signal(self, id: str) -> Signal | None:
        """Return a signal that the log still holds."""
        event = self.event(id)
        if event is None or event.kind != "SIGNAL":
            return None
        try:
            return signals.from_event(event)
        except msgspec.ValidationError:
            return None

    def run(self, run_id: str) -> tuple[Evidence, ...]:
        """Return all events of a run, in order of time."""
        if run_id not in self._runs:
            found = self.bus.query(Query(run_id=run_id, limit=_RUN_EVENTS))
            kept = [event for event in self.copies.values() if event.run_id == run_id]
            self._runs[run_id] = ordered(newest([record.event for record in found] + kept))
        return self._runs[run_id]

    def held(self, run_id: str) -> tuple[Evidence, ...]:
        """Return what became of the rows a run held back: its own word, and of later runs."""
        own = [event for event in self.run(run_id) if event.kind == "QUARANTINE"]
        later = [
            event
            for dataset in sorted({event.dataset_urn for event in own})
            for event in self.of(dataset, "QUARANTINE", own[0].timestamp)
            if event.payload.get("held_run_id") == run_id
        ]
        return ordered(newest([*own, *later]))

    def before(
        self, dataset: str, at: str, *, kind: str = "", result: str = "", since: str = ""
    ) -> tuple[Evidence, ...]:
        """Return events of a dataset from before `at`, the latest of them, in order of time."""
        query = Query(
            dataset=dataset,
            kind=kind,
            result=result,
            since=instant(since),
            until=instant(at),
            limit=_LOOK_BACK,
            newest_first=True,
        )
        return ordered(newest(record.event for record in self.bus.query(query)))

    def of(self, dataset: str, kind: str, since: str = "") -> tuple[Evidence, ...]:
        """Return events of one kind on a dataset (any without one), in order of time."""
        query = Query(dataset=dataset, kind=kind, limit=_LOOK_BACK, newest_first=True)
        found = self.bus.query(replace(query, since=instant(since)))
        return ordered(newest(record.event for record in found))

    def place(self) -> int:
        """Return how far the log goes, for caches."""
        last = self.bus.query(Query(limit=1, newest_first=True))
        return last[0].offset if last else -1


def ordered(events: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return events by time, then as their run counted them, then by id."""
    return tuple(sorted(events, key=lambda e: (e.timestamp, e.run_id, e.seq, e.evidence_id)))


def newest(events: Iterable[Evidence]) -> list[Evidence]:
    """Return the highest revision of each event."""
    kept: dict[str, Evidence] = {}
    for event in events:
        if event.evidence_id not in kept or kept[event.evidence_id].revision < event.revision:
            kept[event.evidence_id] = event
    return list(kept.values())


def instant(text: str) -> datetime | None:
    """Return an instant, None for text that is none."""
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None


def seconds_between(earlier: str, later: str) -> float | None:
    """Return the seconds from one instant to another, None where either is none."""
    start, end = instant(earlier), instant(later)
    return (end - start).total_seconds() if start and end else None
