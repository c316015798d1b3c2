"""A small world with real stores: events go in, the graph and incidents come of them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sfctl.clock import format_instant, parse_instant
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.stage import GraphStage
from sfctl.incidents.stage import IncidentStage
from sfctl.model import signal as signals
from sfctl.model import topology
from sfctl.model.explanation import Explanation
from sfctl.model.graph import Edge, Elements, Node
from sfctl.model.manifest import (
    AssetEntry,
    ConsumerEntry,
    DatasetEntry,
    JobEntry,
    LineageEntry,
    Manifest,
    ServiceEntry,
    SpecEntry,
    TargetEntry,
    TeamEntry,
)
from sfctl.model.signal import Failure, Signal, Window
from sfctl.rca.explain import explain
from sfctl.state.embedded import EmbeddedState

NOW = datetime(2024, 1, 16, tzinfo=UTC)
Event = dict[str, Any]


@dataclass
class World:
    """The three stores of a project, in one folder."""

    folder: Path
    graph: EmbeddedGraph
    state: EmbeddedState
    bus: EmbeddedBus

    @classmethod
    def at(cls, folder: Path) -> World:
        """Open a world in an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(
            folder,
            EmbeddedGraph(folder / "graph.db"),
            EmbeddedState(folder / "state.db"),
            EmbeddedBus(folder / "bus.db"),
        )

    def close(self) -> None:
        """Let go of the stores."""
        for store in (self.graph, self.state, self.bus):
            store.close()

    def publish(self, *documents: Event) -> None:
        """Put events on the log as `evidence publish` would."""
        events = []
        for document in documents:
            outcome = accept(document, NOW)
            assert isinstance(outcome, Accepted), outcome
            events.append(outcome.event)
        self.bus.publish(events)

    def signal(self, *said: Signal) -> None:
        """Put signals on the log."""
        self.bus.publish([signals.to_event(signal) for signal in said])

    def configure(self, manifest: Manifest) -> None:
        """Announce a project."""
        self.bus.publish([topology.to_event(manifest)])

    def fold(self) -> None:
        """Bring graph and incidents up to the end of the log."""
        for stage in (
            GraphStage(self.bus, self.state, self.graph),
            IncidentStage(self.bus, self.state, self.graph, self.folder),
        ):
            while stage.advance(NOW).more:
                pass

    def explain(self, subject: str = "", run: str = "") -> Explanation:
        """Ask why."""
        return explain(subject, self.graph, self.state, self.bus, run=run)

    def rebuilt(self, elements: Elements, name: str) -> World:
        """Return a world with another graph and the same log and state."""
        graph = EmbeddedGraph(self.folder / f"{name}.db")
        graph.upsert(elements, NOW)
        return World(self.folder, graph, self.state, self.bus)

    def without(self, edge: Edge, name: str = "cut") -> World:
        """Return a world whose graph lacks one edge."""
        known = self.graph.export()
        return self.rebuilt(Elements(known.nodes, tuple(e for e in known.edges if e != edge)), name)

    def shuffled(self, seed: int) -> World:
        """Return a world whose graph was put in in another order."""
        known = self.graph.export()
        nodes, edges = list(known.nodes), list(known.edges)
        random.Random(seed).shuffle(nodes)
        random.Random(seed).shuffle(edges)
        return self.rebuilt(Elements(tuple(nodes), tuple(edges)), f"shuffled{seed}")


def project(
    datasets: Iterable[DatasetEntry] = (),
    jobs: Iterable[JobEntry] = (),
    lineage: LineageEntry | None = None,
    compiled_at: str = "2012-12-01T00:00:00.000Z",
) -> Manifest:
    """Return a compiled project."""
    return Manifest(
        "example",
        TargetEntry("dev", "dev", "lake"),
        {entry.urn: entry for entry in datasets},
        {entry.name: entry for entry in jobs},
        lineage or LineageEntry(),
        compiled_at=compiled_at,
        digest="sha256:1",
    )


def dataset(urn: str, tier: int = 1, owner: str = "data", **more: Any) -> DatasetEntry:
    """Return a dataset of a project."""
    return DatasetEntry(urn.rpartition(":")[2], urn, owner, tier, **more)


def deployment(service: str, version: str, before: str, at: str, commit: str = "9f31c2d") -> Event:
    """Return a deployment's event."""
    return {
        "kind": "DeploymentEvent", "service": service, "version": version,
        "previous_version": before, "deployed_at": at, "commit": commit, "environment": "prod",
        "timestamp": at,
    }  # fmt: skip


def breach(
    id: str,
    kind: str,
    dataset: str,
    at: str,
    failures: Iterable[Failure] = (),
    **more: Any,
) -> Signal:
    """Return a signal of a window that ended at `at`."""
    more.setdefault("state", "CRITICAL")
    more.setdefault("window", Window(at, at))
    return Signal(
        signal_id=f"sig-{id}", signal_type=kind, dataset_urn=dataset, timestamp=at,
        top_failures=tuple(failures), **more,
    )  # fmt: skip


def contract_break(world: World) -> str:
    """Scenario 1 with fewer events: orders-svc v3.17 stops sending customer_id."""
    created = "urn:dp:orders:created"
    lineage = LineageEntry(
        specs=(
            SpecEntry("landing", (created,), ("urn:delta:prod:sales:orders_silver",)),
            SpecEntry(
                "aggregate",
                ("urn:delta:prod:sales:orders_silver",),
                ("urn:delta:prod:sales:orders_gold_daily",),
            ),
        ),
        assets=(
            AssetEntry("urn:delta:prod:sales:orders_silver", 1, "sales-data"),
            AssetEntry("urn:delta:prod:sales:orders_gold_daily", 1, "sales-data"),
        ),
        services=(
            ServiceEntry("urn:service:orders-svc", "orders", (created,)),
            ServiceEntry("urn:service:payments-svc", "payments", ("urn:dp:payments:completed",)),
        ),
        consumers=(
            ConsumerEntry(
                "urn:dashboard:exec:daily_orders", "Dashboard", 1, "analytics",
                ("urn:delta:prod:sales:orders_gold_daily",),
            ),
            ConsumerEntry(
                "urn:pipeline:finance:daily_snapshot", "Pipeline", 1, "finance",
                ("urn:delta:prod:sales:orders_gold_daily",),
            ),
        ),
        teams=(TeamEntry("urn:team:orders"),),
    )  # fmt: skip
    world.configure(
        project((dataset(created), dataset("urn:dp:payments:completed", 1)), (), lineage)
    )
    world.publish(
        deployment("orders-svc", "v3.16", "v3.15", "2024-01-11T14:02:10Z", "51c0a77"),
        deployment("orders-svc", "v3.17", "v3.16", "2024-01-15T09:57:45Z"),
        deployment("payments-svc", "v2.9", "v2.8", "2024-01-15T09:57:50Z", "c4d2b01"),
    )
    first = parse_instant("2024-01-15T09:58:02.312Z")
    world.publish(
        *(judged(first - timedelta(seconds=n), n, "v3.16", "") for n in (1, 30, 60)),
        *(
            judged(first + timedelta(seconds=n), 100 + n, "v3.17", "MISSING_FIELD:customer_id")
            for n in (0, 1, 5)
        ),
    )
    failure = Failure(
        "MISSING_FIELD:customer_id", 1120, format_instant(first), 1120, True, "orders-svc", "v3.17"
    )
    world.signal(
        breach(
            "01HQXZ2NPQ5RS8TU0VW3XYZ789", "CONTRACT_BREACH", created, "2024-01-15T10:00:00.000Z",
            [failure], engine="contract",
            window=Window(
                "2024-01-15T09:55:00.000Z", "2024-01-15T10:00:00.000Z", "TUMBLING_5MIN"
            ),
            metrics={
                "evidence_count": 1247, "pass_count": 127, "fail_count": 1120,
                "compliance_rate": 0.101845, "slo_threshold": 0.95,
            },
            evidence_refs=("evd-judged-100",),
            producer={"id": "orders-svc", "version": "v3.17", "confidence": "HIGH"},
        )
    )  # fmt: skip
    world.fold()
    return "INC-1"


def judged(at: datetime, number: int, version: str, failure: str) -> Event:
    """Return the evidence of one record of orders:created."""
    gate = {"gate": "G4_CONTRACT", "result": "FAIL" if failure else "PASS"}
    if failure:
        gate["reason_code"] = failure
    return {
        "kind": "GATE",
        "evidence_id": f"evd-judged-{number}",
        "timestamp": format_instant(at),
        "dataset_urn": "urn:dp:orders:created",
        "producer": {"id": "orders-svc", "confidence": "HIGH", "version": version},
        "validation": {
            "result": gate["result"],
            "gates": [{"gate": "G3_SCHEMA", "result": "PASS"}, gate],
            "failed_gates": ["G4_CONTRACT"] if failure else [],
            "reason_codes": [failure] if failure else [],
        },
        "otel": {"trace_id": f"{number:032x}"},
    }


RUN = "spark-orders-silver-20240115-020005"
DAG_RUN = "scheduled__2024-01-15T02:00:00+00:00"
FLASH = "UNKNOWN_ENUM:discount_type:FLASH_SALE"


def enum_drift(world: World) -> str:
    """Scenario 2 with fewer events: a new discount type reaches the nightly batch."""
    created, bronze, silver = (f"urn:dp:orders:{n}" for n in ("created", "bronze", "silver"))
    gold = "urn:delta:sales:orders_gold_daily"
    world.configure(
        project(
            (
                dataset(created, aliases=("raw.orders.events",)),
                dataset(bronze, aliases=("s3://data-lake-prod/bronze/orders",)),
                dataset(silver, aliases=("delta://unity-catalog/sales.orders_silver",)),
            ),
            (),
            LineageEntry(
                specs=(
                    SpecEntry("orders-kafka-to-bronze", (created,), (bronze,)),
                    SpecEntry("orders_silver_transform", (bronze,), (silver,)),
                    SpecEntry("orders-gold-daily", (silver,), (gold,)),
                ),
                assets=(AssetEntry(gold, 1, "sales-data"),),
                services=(ServiceEntry("urn:service:orders-svc", "promotions", (created,)),),
                consumers=(
                    ConsumerEntry(
                        "urn:dashboard:exec:orders_summary", "Dashboard", 1, "analytics", (gold,)
                    ),
                ),
            ),
        )
    )
    world.publish(
        {
            "evidence_id": "evd-01HQW9EFGH5678901234ABCDEF",
            "timestamp": "2024-01-14T14:30:00.215Z",
            "dataset_urn": created,
            "validation": {
                "result": "WARN",
                "gates": [
                    {"gate": "G3_SCHEMA", "result": "PASS"},
                    {"gate": "G4_CONTRACT", "result": "WARN", "reason_code": FLASH},
                ],
            },
        },
        *(
            {
                "evidence_id": f"evd-refused-{number}",
                "timestamp": "2024-01-15T02:05:30.000Z",
                "dataset_urn": silver,
                "producer": {
                    "id": "spark:orders_silver_transform", "confidence": "HIGH", "run_id": RUN,
                },
                "validation": {
                    "result": "FAIL", "failed_gates": ["CONTRACT"], "reason_codes": [FLASH],
                },
                "source": {"input_dataset": "s3://data-lake-prod/bronze/orders/2024-01-14/"},
                "lineage": {
                    "dag_run_id": DAG_RUN, "spark_run_id": RUN, "upstream_dataset": bronze,
                },
            }
            for number in range(3)
        ),
    )  # fmt: skip
    window = Window("2024-01-15T02:00:05.000Z", "2024-01-15T02:08:45.000Z")
    failure = Failure(FLASH, 380, "2024-01-14T14:30:00.215Z", 380, True)
    more: dict[str, Any] = {
        "state": "WARNING", "window": window, "run_id": RUN, "dag_run_id": DAG_RUN,
        "dag_id": "orders_daily_agg", "evidence_refs": ("evd-refused-0",),
    }  # fmt: skip
    world.signal(
        breach(
            "drift", "DRIFT_DETECTED", silver, window.end, [failure], engine="drift",
            reason="ENUM_VALUE_DRIFT",
            details={
                "drift_type": "ENUM_VALUE_DRIFT", "field": "discount_type",
                "new_value": "FLASH_SALE", "expected_values": ["NONE", "COUPON"],
            },
            **more,
        ),
        breach(
            "breach", "DQ_BREACH", silver, window.end, [failure], engine="dq",
            metrics={"records_processed": 45230, "records_passed": 44850, "records_failed": 380},
            **more,
        ),
    )  # fmt: skip
    world.fold()
    return "sig-drift"


def bare(*nodes: Node, edges: Iterable[Edge] = ()) -> Elements:
    """Return a graph written by hand."""
    return Elements(nodes, tuple(edges))
