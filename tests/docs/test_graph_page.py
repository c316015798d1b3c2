"""The page on the graph names every node and edge there is, with the days it lives."""

from __future__ import annotations

import re
from pathlib import Path

from sfctl.model import graph

PAGE = (Path(__file__).parents[2] / "docs" / "graph.md").read_text(encoding="utf-8")


def test_every_node_and_its_days() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (\d+|stays) \|$", PAGE, re.MULTILINE))
    assert rows == {label: str(days or "stays") for label, days in graph.LABELS.items()}


def test_every_edge_and_what_it_joins() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert rows == graph.EDGES


def test_the_bounds() -> None:
    for bound in (graph.EDGES_PER_NODE, graph.NODES_PER_DATASET, graph.SIGNATURES_PER_DATASET):
        assert f"{bound:,}" in PAGE
