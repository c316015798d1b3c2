"""Embedded stores with a graph stage over them, and events to feed it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfctl.compiler.compile import compile_project
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.stage import GraphStage
from sfctl.model import topology
from sfctl.model.evidence import Evidence
from sfctl.spec.project import load
from sfctl.state.embedded import EmbeddedState

ROOT = Path(__file__).parents[3]
NOW = datetime(2024, 1, 16, tzinfo=UTC)
COMPILED = datetime(2024, 1, 1, tzinfo=UTC)


class Stores:
    """A bus, a state store and a graph in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.bus = EmbeddedBus(folder / "bus.db")
        self.state = EmbeddedState(folder / "state.db")
        self.graph = EmbeddedGraph(folder / "graph.db")

    def stage(self, limit: int = 500) -> GraphStage:
        return GraphStage(self.bus, self.state, self.graph, limit=limit)

    def fold(self, events: Iterable[Evidence], limit: int = 500) -> Stores:
        """Publish events and draw them all."""
        self.bus.publish(list(events))
        stage = self.stage(limit)
        while stage.advance(NOW).more:
            pass
        return self

    def edge(self, source: str, label: str, target: str) -> dict[str, Any]:
        """Return the properties of an edge that must be there."""
        found = [e for e in self.graph.edges(source, "out", [label]) if e.target == target]
        assert found, f"no {source} {label} {target}"
        return found[0].props

    def has(self, source: str, label: str, target: str) -> bool:
        return any(e.target == target for e in self.graph.edges(source, "out", [label]))


def event(document: dict[str, Any]) -> Evidence:
    """Return a document as the bus takes it."""
    found = accept(document, NOW)
    assert isinstance(found, Accepted), found
    return found.event


def sample(name: str) -> Evidence:
    """Return one of the requirement's printed events."""
    return event(json.loads((ROOT / "tests/golden/samples" / f"{name}.json").read_text()))


def config(scenario: str) -> Evidence:
    """Return the CONFIG event of a scenario's project."""
    project = load(ROOT / "examples" / "scenarios" / scenario)
    return topology.to_event(compile_project(project, now=COMPILED).manifest)


def gate(
    at: str,
    *,
    dataset: str = "urn:dp:shop:orders",
    result: str = "FAIL",
    code: str = "MISSING_FIELD:customer",
    producer: str = "shop-svc",
    version: str = "",
    **more: Any,
) -> Evidence:
    """Return the evidence of one record."""
    block = {"gate": "G4_CONTRACT", "result": result}
    codes = [] if result == "PASS" else [code]
    return event(
        {
            "kind": "GATE",
            "timestamp": f"2024-01-15T{at}Z",
            "dataset_urn": dataset,
            "producer": {"id": producer, "confidence": "HIGH", "version": version},
            "validation": {
                "result": result,
                "gates": [block],
                "failed_gates": ["G4_CONTRACT"] if result == "FAIL" else [],
                "reason_codes": codes,
            },
            "source": {"offset": at},
            **more,
        }
    )


def deployment(
    at: str,
    version: str,
    service: str = "shop-svc",
    previous: str = "",
    environment: str = "prod",
) -> Evidence:
    """Return the deployment of a service."""
    return event(
        {
            "kind": "DeploymentEvent",
            "service": service,
            "version": version,
            "previous_version": previous,
            "deployed_at": f"2024-01-15T{at}Z",
            "commit": f"c0ffee{version}",
            "environment": environment,
        }
    )


def spec(producer: str, inputs: list[str], outputs: list[str], **more: Any) -> Evidence:
    """Return a declared movement."""
    return event(
        {"kind": "LineageSpec", "producer": producer, "inputs": inputs, "outputs": outputs, **more}
    )
