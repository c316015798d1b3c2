"""Live or afterwards: whenever the engines look, what is wrong in the end is the same.

What may differ on the way: a look between a run's first and last evidence says what was missing
then, and amends it. So revisions and the states before are left out, and signals that ended OK.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl import wiring
from sfctl.clock import parse_instant
from sfctl.consumer import advanced
from sfctl.engines import registry
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import Query
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.model.evidence import Evidence, encode
from sfctl.state.embedded import EmbeddedState
from tests.chaos.engines.history import NOW, after, before

LOG = sorted((e for e in (*before(), *after())), key=lambda e: (e.timestamp, e.evidence_id))
END = parse_instant(NOW)


def wrong(root: Path, parts: list[tuple[list[Evidence], datetime]]) -> list[dict[str, Any]]:
    """Publish part after part, look after each; return what is wrong in the end."""
    bus, state = EmbeddedBus(root / "bus.db"), EmbeddedState(root / "state.db")
    graph = EmbeddedGraph(root / "graph.db")
    stages = wiring.stages(root, bus, state, graph, registry.names())
    for events, now in parts:
        bus.publish(events)
        for stage in stages:
            while advanced(stage, now).more:
                pass
    newest: dict[str, dict[str, Any]] = {}
    for record in bus.query(Query(kind="SIGNAL", limit=10_000)):
        said = json.loads(encode(record.event))
        newest[record.event.evidence_id] = said
    for port in (bus, state, graph):
        port.close()
    left = [said for _, said in sorted(newest.items()) if said["state"] != "OK"]
    return [{k: v for k, v in s.items() if k not in ("revision", "previous_state")} for s in left]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(st.integers(1, len(LOG) - 1), st.integers(0, 60)), max_size=5))
def test_live_and_afterwards_agree(cuts: list[tuple[int, int]]) -> None:
    parts, start = [], 0
    for place, seconds in sorted(dict(cuts).items()):
        now = parse_instant(LOG[place - 1].timestamp) + timedelta(seconds=seconds)
        parts.append((LOG[start:place], now))
        start = place
    with TemporaryDirectory() as folder:
        live = wrong(Path(folder) / "live", [*parts, (LOG[start:], END)])
        assert live == wrong(Path(folder) / "after", [(LOG, END)])
        assert live
