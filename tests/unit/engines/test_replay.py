"""The same log into a fresh state and graph gives the same, byte for byte: both walk-throughs."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sfctl import wiring
from sfctl.clock import parse_instant
from sfctl.consumer import advanced
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import Query
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.interchange import plain
from sfctl.model import codec
from sfctl.model.evidence import Evidence, encode
from sfctl.state.embedded import EmbeddedState
from tests.golden.test_scenario_signals import events

LOGS = {
    "contract-break": ("deployments.jsonl", "evidence.jsonl"),
    "enum-drift": ("stream.jsonl", "batch.jsonl", "lineage.jsonl"),
}
NOW = parse_instant("2024-01-15T12:00:00Z")
OWN_WAY = ("consumer_offsets", "incident_teams")


def folded(root: Path, log: Path | list[Evidence], limit: int = 500) -> dict[str, Any]:
    """Run all stages over a log in a fresh state and graph; return all they made."""
    root.mkdir()
    path = log if isinstance(log, Path) else root / "bus.db"
    bus, state = EmbeddedBus(path), EmbeddedState(root / "state.db")
    graph = EmbeddedGraph(root / "graph.db")
    if not isinstance(log, Path):
        bus.publish(log)
    stages, moving = wiring.stages(root, bus, state, graph, limit=limit), True
    while moving:
        moving = False
        for stage in stages:
            more = True
            while more:
                progress = advanced(stage, NOW)
                more, moving = progress.more, moving or progress.events > 0
    signals = sorted(encode(r.event) for r in bus.query(Query(kind="SIGNAL", limit=100_000)))
    assert not bus.dead_letters()
    drawn = codec.canonical(plain(graph.export()))
    for port in (bus, state, graph):
        port.close()
    connection = sqlite3.connect(root / "state.db")
    rows = connection.execute(
        "SELECT tbl, key, value FROM items WHERE value IS NOT NULL AND tbl NOT IN (?, ?)", OWN_WAY
    ).fetchall()
    connection.close()
    kept = {f"{table}/{key}": json.loads(value) for table, key, value in rows}
    return {"signals": signals, "graph": drawn, **kept}


@pytest.mark.parametrize("name", LOGS)
def test_a_replay_gives_the_same(tmp_path: Path, name: str) -> None:
    log = events(name, *LOGS[name])
    first = folded(tmp_path / "first", log)
    assert first["signals"]
    assert any(key.startswith("incidents/") for key in first)
    assert folded(tmp_path / "evidence", log) == first
    again = folded(tmp_path / "again", tmp_path / "first" / "bus.db")
    assert again == first


@pytest.mark.parametrize("name", LOGS)
def test_how_the_log_is_cut_does_not_show_in_the_signals(tmp_path: Path, name: str) -> None:
    log = events(name, *LOGS[name])
    whole = folded(tmp_path / "whole", log)["signals"]
    assert folded(tmp_path / "cut", log, limit=173)["signals"] == whole
