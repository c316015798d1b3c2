"""What the graph and the log say of a signal's place: who brought it, what it is connected with."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfctl.evidence.port import Bus, Query
from sfctl.graph.meaning.occurrences import bucket, drift_of
from sfctl.graph.port import Direction, Graph
from sfctl.incidents.seen import Surroundings
from sfctl.model import graph as ids
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.graph import Node
from sfctl.model.signal import Signal

HOPS = 5
REACH = 1_000
BLOCKED = "PublishBlocked"


@dataclass(slots=True)
class Survey:
    """Answers for one pass over the log; deployments that the pass has yet to meet do not count."""

    graph: Graph
    bus: Bus
    _ahead: dict[str, int] | None = field(default=None, init=False)

    def of(self, signal: Signal, at: int) -> Surroundings:
        """Return the surroundings of a signal at a place (offset) in the log."""
        dataset = urn.without_stage(signal.dataset_urn)
        blocked = self._blocked_by(signal)
        signature = blocked[1] if blocked else signature_of(signal)
        brought = self.deployment(signature, blocked[0] if blocked else dataset, at)
        if brought is None and signal.job_urn:
            brought = self.deployment(signature, signal.job_urn, at)
        upstream = self.reach(dataset, "in", HOPS)
        downstream = self.reach(dataset, "out", HOPS)
        return Surroundings(
            deployment=brought.id if brought else "",
            deployed_at=_text(brought, "deployed_at", "timestamp"),
            service=_text(brought, "service").removeprefix("urn:service:"),
            version=_text(brought, "version"),
            near={**downstream, **upstream},
            upstream=frozenset(upstream),
            reads=self.versions(signal.run_id, "READ_FROM"),
            blocked_by=blocked,
        )

    def deployment(self, signature: str, dataset: str, at: int) -> Node | None:
        """Return the newest deployment that INTRODUCED a signature, as of a place in the log."""
        if not signature:
            return None
        found: list[Node] = []
        for edge in self.graph.edges(ids.signature_id(signature, dataset), "in", ("INTRODUCED",)):
            node = self.graph.node(edge.source)
            if node is not None and self._passed(node.id, at):
                found.append(node)
        return max(found, key=lambda node: (_text(node, "deployed_at"), node.id), default=None)

    def reach(self, dataset: str, direction: Direction, hops: int) -> dict[str, int]:
        """Return what FEEDS connects within some hops → how many; stages count as their dataset."""
        found: dict[str, int] = {}
        frontier = [dataset]
        for hop in range(1, hops + 1):
            ahead: set[str] = set()
            for name in frontier:
                for each in _stages(name):
                    for edge in self.graph.edges(each, direction, ("FEEDS",)):
                        far = edge.source if direction == "in" else edge.target
                        ahead.add(urn.without_stage(far))
            frontier = sorted(ahead - found.keys() - {dataset})[: REACH - len(found)]
            found.update(dict.fromkeys(frontier, hop))
            if not frontier:
                break
        return found

    def versions(self, run: str, label: str) -> frozenset[str]:
        """Return what a run read or wrote, each `<dataset>@<version>`."""
        if not run:
            return frozenset()
        found = set()
        for edge in self.graph.edges(ids.run_id(run), "out", (label,)):
            given = edge.props.get("versions", edge.props.get("version"))
            for version in given if isinstance(given, list) else [given]:
                if version not in (None, ""):
                    found.add(f"{edge.target}@{version}")
        return frozenset(found)

    def _blocked_by(self, signal: Signal) -> tuple[str, str] | None:
        told = (signal.signature, signal.reason, str(signal.details.get("failure_reason", "")))
        if not signal.run_id or not any(BLOCKED in text for text in told):
            return None
        for record in self.bus.query(Query(run_id=signal.run_id, kind="QUARANTINE")):
            payload = record.event.payload
            if payload.get("action") == "block":
                dataset = urn.without_stage(record.event.dataset_urn)
                return dataset, str(payload.get("failure_signature") or "")
        return None

    def _passed(self, deployment: str, at: int) -> bool:
        """Tell whether the log had told of a deployment by then; untold ones came another way."""
        if self._ahead is None:
            self._ahead = {}
            query = Query(kind="DeploymentEvent", newest_first=True)
            for record in self.bus.query(query):
                name = deployment_of(record.event)
                place = min(record.offset, self._ahead.get(name, record.offset))
                self._ahead[name] = place
        return self._ahead.get(deployment, -1) <= at


def signature_of(signal: Signal) -> str:
    """Return the failure a signal is about: drifts and failed jobs name it in their details."""
    if signal.top_failures:
        return signal.top_failures[0].signature
    if failed := signal.details.get("failure_reason"):
        return bucket(str(failed))
    return drift_of(signal.details) or signal.reason or signal.signal_type


def deployment_of(event: Evidence) -> str:
    """Return the id of the Deployment that a DeploymentEvent speaks of."""
    service = event.producer.get("id") or event.payload.get("service") or ""
    version = event.producer.get("version") or event.payload.get("version") or ""
    return ids.deployment_id(str(service), str(version))


def _stages(name: str) -> tuple[str, ...]:
    if not name.startswith("urn:dp:") or "#" in name:
        return (name,)
    return (name, *(urn.with_stage(name, stage) for stage in urn.STAGES))


def _text(node: Node | None, *names: str) -> str:
    if node is None:
        return ""
    return next((str(node.props[n]) for n in names if node.props.get(n)), "")
