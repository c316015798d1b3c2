"""Signals on their way from the state store to the bus: written with the cells, published, gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.evidence.port import Bus
from sfctl.model import codec
from sfctl.model.signal import EVIDENCE_REFS, TOP_FAILURES, Signal, from_event, to_event
from sfctl.state.port import Delete, Put, StateStore

TABLE = "signal_outbox"


@dataclass(slots=True)
class Outgoing:
    """The outbox of one engine."""

    bus: Bus
    state: StateStore
    name: str
    _waiting: bool = True

    def writes(self, signals: Iterable[Signal]) -> list[Put]:
        """Return the writes that put signals in the outbox, those that say nothing new left out."""
        newest: dict[str, Signal] = {}
        found = []
        for each in map(clamped, signals):
            known = newest.get(each.signal_id) or self._last(each.signal_id)
            if known is not None and known.revision < each.revision and _same(known, each):
                continue
            newest[each.signal_id] = each
            key = f"{self.name}|{each.signal_id}|{each.revision:09d}"
            value: dict[str, Any] = codec.plain(each)
            found.append(Put(TABLE, key, {"signal": value}))
        self._waiting = self._waiting or bool(found)
        return found

    def deliver(self) -> list[Signal]:
        """Publish what waits and let it go; return what was not on the bus before."""
        if not self._waiting:
            return []
        items = self.state.query(TABLE, f"{self.name}|")
        signals = [msgspec.convert(item.value["signal"], Signal) for item in items]
        signals.sort(key=lambda each: (each.timestamp, each.signal_id, each.revision))
        fresh = [s for s in signals if self.bus.get(s.signal_id, s.revision) is None]
        if signals:
            self.bus.publish([to_event(each) for each in signals])
            self.state.transact([Delete(TABLE, item.key) for item in items])
        self._waiting = False
        return fresh

    def _last(self, signal_id: str) -> Signal | None:
        record = self.bus.get(signal_id)
        return from_event(record.event) if record is not None else None


def clamped(signal: Signal) -> Signal:
    """Return a signal with at most as many failures and references as one may carry."""
    return replace(
        signal,
        top_failures=signal.top_failures[:TOP_FAILURES],
        evidence_refs=signal.evidence_refs[:EVIDENCE_REFS],
    )


def _same(one: Signal, other: Signal) -> bool:
    return replace(one, revision=0, previous_state="") == replace(
        other, revision=0, previous_state=""
    )
