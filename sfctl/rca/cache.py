"""Answers kept for an hour, and no longer than what they stand on stays as it was."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

import sfctl
from sfctl.clock import SystemClock
from sfctl.errors import StoreError
from sfctl.evidence.port import Bus
from sfctl.graph.port import Graph
from sfctl.model import codec
from sfctl.model.explanation import Explanation
from sfctl.model.ids import entropy_of
from sfctl.rca import feedback
from sfctl.rca.explain import explain
from sfctl.rca.log import Log
from sfctl.rca.subject import incident_of
from sfctl.state.port import StateStore

TABLE = "rca_cache"
LIFE = timedelta(hours=1)


def explained(
    subject: str, graph: Graph, state: StateStore, bus: Bus, *, run: str = "", now: datetime
) -> Explanation:
    """Return the kept answer while graph, log, incident and feedback are as they were, else anew.

    A state store that cannot be written to costs the next one some milliseconds, not this answer.
    Raises as `explain` does.
    """
    key = f"{subject}|{run}"
    stamp = _stamp(subject, graph, state, bus)
    item = state.get(TABLE, key)
    if item is not None and item.value.get("stamp") == stamp and _fresh(item.value, now):
        try:
            kept = msgspec.convert(item.value["explanation"], Explanation)
        except msgspec.ValidationError:
            kept = None
        if kept is not None:
            return msgspec.structs.replace(
                kept, timings=msgspec.structs.replace(kept.timings, cached=True)
            )
    answer = explain(subject, graph, state, bus, run=run)
    value = {"stamp": stamp, "until": (now + LIFE).isoformat(), "explanation": codec.plain(answer)}
    try:
        # The store forgets by the machine's clock, whatever time is asked about.
        state.put(TABLE, key, value, expires_at=SystemClock().now() + LIFE)
    except StoreError:
        return answer
    return answer


def _fresh(value: dict[str, object], now: datetime) -> bool:
    until = datetime.fromisoformat(str(value["until"]))
    return until - LIFE <= now < until


def _stamp(subject: str, graph: Graph, state: StateStore, bus: Bus) -> str:
    """Return what changes when anything does that an answer stands on."""
    incident = incident_of(subject, state) if subject else None
    parts = (
        sfctl.__version__,
        graph.generation(),
        Log(bus).place(),
        incident[1] if incident else 0,
        feedback.stamp(state),
    )
    return entropy_of(*parts).hex()[:32]
