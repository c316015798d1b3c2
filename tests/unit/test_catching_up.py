"""A backlog is caught up in few transactions, and reading it costs no event twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench import logs
from sfctl import wiring
from sfctl.consumer import AT_ONCE, Reader

LIMIT = 20


@pytest.mark.parametrize("name", ["completeness", "volume", "contract", "drift", "graph"])
def test_a_stage_commits_by_batch_and_not_by_event(name: str, tmp_path: Path) -> None:
    events = [logs.project(5), *logs.runs(5, 10)]
    bus, state = wiring.open_bus(tmp_path), wiring.open_state(tmp_path)
    graph = wiring.open_graph(tmp_path)
    bus.publish(events)
    state.size()
    commits: list[str] = []
    state._db._open().set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else 0)
    (stage,) = wiring.stages(tmp_path, bus, state, graph, (name,), limit=LIMIT)
    read = steps = 0
    more = True
    while more:
        step = stage.advance(logs.FIRST + timedelta(days=9, hours=4))
        read, steps, more = read + step.events, steps + 1, step.more

    assert read == len(events)
    assert steps <= 3 + 1 + len(events) // (LIMIT * AT_ONCE)
    assert len(commits) <= 2 * steps
    for store in (bus, state, graph):
        store.close()


def test_batches_grow_while_they_come_full_and_hold_each_event_once(tmp_path: Path) -> None:
    events = list(logs.runs(2, 10))
    bus, state = wiring.open_bus(tmp_path), wiring.open_state(tmp_path)
    bus.publish(events)
    reader = Reader(bus, state, "here", limit=10)
    sizes, seen = [], []
    while (batch := reader.next()).records:
        state.transact([batch.moved()])
        reader.done(batch)
        sizes.append(len(batch.records))
        seen += [record.event.evidence_id for record in batch.records]

    assert sizes[:4] == [10, 20, 40, 80]
    assert max(sizes) <= 10 * AT_ONCE
    assert seen == [event.evidence_id for event in events]
    bus.close()
    state.close()
