"""A small world for incidents: real embedded stores, a log written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from sfctl.clock import FixedClock, format_instant
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.meaning import elements
from sfctl.incidents import store
from sfctl.incidents.stage import IncidentStage
from sfctl.model import signal as signals
from sfctl.model import topology as topologies
from sfctl.model.evidence import Evidence
from sfctl.model.graph import Edge, Elements, Node, deployment_id, signature_id
from sfctl.model.ids import signal_id
from sfctl.model.incident import Incident
from sfctl.model.manifest import (
    ChannelEntry,
    ConsumerEntry,
    DatasetEntry,
    LineageEntry,
    Manifest,
    TargetEntry,
    TeamEntry,
)
from sfctl.model.resolver import Resolver
from sfctl.model.signal import Failure, Signal, Window
from sfctl.model.topology import Topology
from sfctl.state.embedded import EmbeddedState

NINE = datetime(2024, 1, 15, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> str:
    return format_instant(NINE + minutes * MINUTE)


def bad(
    dataset: str,
    minute: float,
    signature: str = "MISSING_FIELD:customer_id",
    *,
    engine: str = "contract",
    state: str = "CRITICAL",
    run: str = "",
    producer: str = "",
    version: str = "",
    **more: Any,
) -> Signal:
    """A signal of an engine about a dataset, its window ending `minute` minutes after nine."""
    kinds = {
        "contract": "CONTRACT_BREACH",
        "dq": "DQ_BREACH",
        "drift": "DRIFT_DETECTED",
        "freshness": "FRESHNESS_BREACH",
    }
    failures = (
        Failure(signature, 90, at(minute - 2), producer=producer, producer_version=version),
    )
    known: dict[str, Any] = {
        "signal_id": signal_id(NINE + minute * MINUTE, engine, dataset, run, minute),
        "signal_type": kinds[engine],
        "dataset_urn": f"urn:dp:{dataset}",
        "state": state,
        "timestamp": at(minute),
        "window": Window(at(minute - 5), at(minute)),
        "engine": engine,
        "run_id": run,
        "metrics": {"evidence_count": 100, "fail_count": 90},
        "top_failures": failures if state != "OK" and signature else (),
        "reason": "" if signature else "UPDATE_LATE",
        "producer": {"id": producer, "version": version, "confidence": "HIGH"} if producer else {},
    }
    return msgspec.convert({**known, **more}, Signal)


def good(dataset: str, minute: float, *, engine: str = "contract", run: str = "") -> Signal:
    return bad(dataset, minute, engine=engine, state="OK", run=run)


def project(
    tiers: dict[str, int],
    *,
    channels: dict[str, list[tuple[str, str]]] | None = None,
    level: str = "G2",
    levels: dict[str, str] | None = None,
    consumers: tuple[ConsumerEntry, ...] = (),
) -> Evidence:
    """The CONFIG event of a project; each dataset `<owner>:<name>` belongs to its domain's team."""
    datasets = {
        f"urn:dp:{name}": DatasetEntry(
            name.replace(":", "_"),
            f"urn:dp:{name}",
            owner=name.partition(":")[0],
            tier=tier,
            level=(levels or {}).get(name, level),
        )
        for name, tier in tiers.items()
    }
    teams = tuple(
        TeamEntry(f"urn:team:{team}", tuple(ChannelEntry(*pair) for pair in pairs))
        for team, pairs in (channels or {}).items()
    )
    manifest = Manifest(
        "shop",
        TargetEntry("dev", "dev", "lake"),
        datasets=datasets,
        lineage=LineageEntry(consumers=consumers, teams=teams),
        compiled_at=at(-60),
        digest="sha256:" + "0" * 64,
    )
    return topologies.to_event(manifest)


def deployment(service: str, version: str, minute: float) -> Evidence:
    document = {
        "kind": "DeploymentEvent",
        "service": service,
        "version": version,
        "deployed_at": at(minute),
        "timestamp": at(minute),
    }
    return event(document)


def event(document: dict[str, Any]) -> Evidence:
    """An event as `evidence publish` takes it in."""
    outcome = accept(document, NINE)
    assert isinstance(outcome, Accepted), outcome
    return outcome.event


class World:
    """A project's log, state and graph below one folder."""

    def __init__(self, folder: Path, batch: int = 500) -> None:
        clock = FixedClock(NINE)
        self.root = folder
        self.bus = EmbeddedBus(folder / ".sfctl" / "bus.db", clock=clock)
        self.state = EmbeddedState(folder / ".sfctl" / "state.db", clock=clock)
        self.graph = EmbeddedGraph(folder / ".sfctl" / "graph.db")
        self.topology = Topology()
        self.batch = batch
        self.stage = IncidentStage(self.bus, self.state, self.graph, folder, batch=batch)

    def publish(self, *things: Evidence | Signal) -> None:
        """Put events on the log, and what they mean into the graph."""
        for thing in things:
            new = signals.to_event(thing) if isinstance(thing, Signal) else thing
            if new.kind == "CONFIG":
                self.topology = topologies.from_event(new)
            self.bus.publish([new])
            self.graph.upsert(elements(new, self.topology, Resolver(self.topology)), NINE)

    def introduced(self, service: str, version: str, signature: str, *datasets: str) -> None:
        """Let the graph know that a deployment brought a signature to some datasets."""
        deployed = deployment_id(service, version)
        node = Node(deployed, "Deployment", {"service": service, "version": version})
        edges = [
            Edge(deployed, signature_id(signature, f"urn:dp:{name}"), "INTRODUCED")
            for name in datasets
        ]
        self.graph.upsert(Elements((node,), tuple(edges)), NINE)

    def feeds(self, *names: str) -> None:
        """Let each dataset feed the next."""
        urns = [f"urn:dp:{name}" for name in names]
        edges = [Edge(one, other, "FEEDS") for one, other in pairwise(urns)]
        self.graph.upsert(Elements(edges=tuple(edges)), NINE)

    def advance(self, minute: float = 60) -> None:
        """Let the stage read the log to its end at some minute after nine."""
        while self.stage.advance(NINE + minute * MINUTE).more:
            pass

    @property
    def incidents(self) -> list[Incident]:
        return store.every(self.state)

    def one(self) -> Incident:
        (incident,) = self.incidents
        return incident

    def close(self) -> None:
        for each in (self.bus, self.state, self.graph):
            each.close()
