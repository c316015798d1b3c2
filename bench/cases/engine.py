"""`engine run` over a backlog: events a second by stage, beside only reading the same events."""

from __future__ import annotations

import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from bench import logs
from bench.results import Report, Table
from sfctl import wiring
from sfctl.consumer import Stage
from sfctl.model.evidence import Evidence

_ABOUT = """\
A made-up log (`bench/logs.py`) goes through every stage once: nightly runs of 15 events over a
month and more, and single records of streams within one hour. *Times reading* is a stage's time
over that of reading the same events from the log and decoding them. State is what the signal
engines keep; a dataset's runs are let go after the 64th, so it stops growing there."""


def run_case(quick: bool) -> Report:
    """Catch up with both logs."""
    days, records = (5, 5_000) if quick else (34, 50_000)
    nightly = _table(
        "Nightly runs of 50 datasets",
        [logs.project(50), *logs.runs(50, days)],
        logs.FIRST + timedelta(days=days - 1, hours=3),
        50,
    )
    streams = _table(
        "Records of 20 streams in one hour",
        [logs.project(20), *logs.records(20, records)],
        logs.FIRST + timedelta(hours=2),
        20,
    )
    return Report(
        "engine", "Evidence to signals, graph and incidents", _ABOUT, [nightly, streams], []
    )


def _table(title: str, events: list[Evidence], now: datetime, datasets: int) -> Table:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bus, state = wiring.open_bus(folder), wiring.open_state(folder)
        graph = wiring.open_graph(folder)
        bus.publish(events)
        started = time.perf_counter()
        bus.read("plain", len(events))
        reading = time.perf_counter() - started
        stages = wiring.stages(folder, bus, state, graph)
        done = {stage.name: _caught_up(stage, now) for stage in stages}
        kept = sum(len(str(item.value)) for s in stages for item in state.query(f"engine_{s.name}"))
        size = graph.size()
        for store in (bus, state, graph):
            store.close()
    rows = [["stage", "events", "steps", "events/s", "times reading"]]
    rows += [_row(name, *figures, reading, len(events)) for name, figures in done.items()]
    title += f": {kept / datasets / 1024:.0f} KiB of state a dataset, graph {size / 2**20:.1f} MiB"
    return Table(title, rows)


def _caught_up(stage: Stage, now: datetime) -> tuple[int, int, float]:
    events = steps = 0
    started, more = time.perf_counter(), True
    while more:
        step = stage.advance(now)
        events, steps, more = events + step.events, steps + 1, step.more
    return events, steps, time.perf_counter() - started


def _row(
    name: str, events: int, steps: int, seconds: float, reading: float, total: int
) -> list[str]:
    times = seconds / events / (reading / total)
    return [name, f"{events:,}", str(steps), f"{events / seconds:,.0f}", f"{times:.1f}"]
