"""Judgements for the tests of contract, dq and drift, and a small runner over their cells."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.engine import Engine
from sfctl.engines.informed import informed
from sfctl.model import codec, facts
from sfctl.model.evidence import SCHEMA, Evidence
from sfctl.model.run import RunContext
from sfctl.model.signal import Signal
from sfctl.model.verdict import GateResult

ORDERS = "urn:dp:shop:orders"
DAY = timedelta(days=1)
MONDAY = datetime.fromisoformat("2024-01-15T02:00:00+00:00")


def gate(
    day: float,
    name: str = "DQ",
    result: str = "PASS",
    rows: int = 100,
    failed: int = 0,
    *,
    signatures: dict[str, int] | None = None,
    stage: str = "gold",
    attempt: int = 0,
    run: str = "",
    fingerprint: str = "",
    revision: int = 0,
    **details: Any,
) -> Evidence:
    """Return the summary of a gate in the run of a day."""
    began = MONDAY + DAY * day
    context = RunContext(
        run or f"run-{day:g}", "nightly", attempt=attempt, started_at=format_instant(began)
    )
    found = signatures or {}
    return facts.gate_event(
        context,
        began + timedelta(minutes=5),
        GateResult(
            name,  # type: ignore[arg-type]
            result,  # type: ignore[arg-type]
            evaluated=rows,
            failed=failed,
            reason_codes=tuple(found),
            signatures=found,
            details=details,
        ),
        dataset_urn=ORDERS,
        stage=stage,
        rows=rows,
        schema_fingerprint=fingerprint,
        revision=revision,
    )


def record(
    number: int,
    at: str,
    result: str = "PASS",
    *codes: str,
    gate: str = "G4_CONTRACT",
    run: str = "",
    version: str = "v1",
    revision: int = 0,
    **more: Any,
) -> Evidence:
    """Return what an enforcer says of one record."""
    return Evidence(
        schema=SCHEMA,
        evidence_id=f"evd-{number:026d}",
        kind="GATE",
        timestamp=format_instant(parse_instant(at)),
        dataset_urn=ORDERS,
        run_id=run,
        revision=revision,
        producer={"id": "orders-svc", "version": version},
        validation={
            "result": result,
            "gates": [{"gate": gate, "result": result}],
            "reason_codes": list(codes),
        },
        **more,
    )


def counters(
    number: int, start: str, good: int, bad: int, code: str = "", producer: str = "orders-svc"
) -> Evidence:
    """Return a window's exact counts."""
    begin = parse_instant(start)
    end = begin + timedelta(minutes=5)
    return Evidence(
        schema=SCHEMA,
        evidence_id=f"evd-c{number:025d}",
        kind="COUNTERS",
        timestamp=format_instant(end),
        dataset_urn=ORDERS,
        producer={"id": producer, "version": "v1"},
        validation={"result": "FAIL" if bad else "PASS", "gates": [], "reason_codes": []},
        payload={
            "window": {"start": format_instant(begin), "end": format_instant(end)},
            "counts": {"pass": good, "warn": 0, "fail": bad},
            "signatures": {code: bad} if bad else {},
        },
    )


class Cells:
    """An engine's cells; they are JSON between any two steps, as in the state store."""

    def __init__(self, engine: Engine[Any]) -> None:
        self.engine = engine
        self.kept: dict[str, bytes] = {}
        self.said: list[Signal] = []

    def fold(self, *events: Evidence) -> Cells:
        cells: dict[str, Any] = {}
        for event in events:
            for key in self.engine.keys(event):
                step = self.engine.fold(cells.get(key) or self.cell(key), event)
                cells[key] = step.cell
                self.said += step.signals
        self.kept |= {key: codec.encode(cell) for key, cell in cells.items()}
        return self

    def tick(self, now: str) -> list[Signal]:
        """Tick every cell whose deadline has come; return what was said."""
        before = len(self.said)
        for key in sorted(self.kept):
            due = self.engine.next_deadline(self.cell(key))
            if due is not None and due <= parse_instant(now):
                cell = informed(self.engine, self.cell(key), self.cell)
                self._take(key, self.engine.tick(cell, parse_instant(now)))
        return self.said[before:]

    def cell(self, key: str = ORDERS) -> Any:
        if key not in self.kept:
            return self.engine.fresh(key)
        return codec.decode(self.kept[key], self.engine.cell)

    def _take(self, key: str, step: Any) -> None:
        self.kept[key] = codec.encode(step.cell)
        self.said += step.signals


def standing(signals: Iterable[Signal]) -> list[dict[str, Any]]:
    """Return the last word of each signal that is not OK; ids and revisions aside."""
    last: dict[str, dict[str, Any]] = {}
    for each in signals:
        last[each.signal_id] = codec.plain(each)
    found = [each for each in last.values() if each["state"] != "OK"]
    for each in found:
        for name in ("signal_id", "revision", "previous_state"):
            each.pop(name, None)
    return sorted(found, key=codec.canonical)


def in_batches(
    engine: Engine[Any], events: Sequence[Evidence], cuts: Iterable[int], now: str
) -> Cells:
    """Fold events cut into batches, each ended by a tick as when the log was read to its end."""
    cells = Cells(engine)
    edges = sorted({0, *cuts, len(events)})
    for start, end in itertools.pairwise(edges):
        cells.fold(*events[start:end]).tick(now)
    return cells
