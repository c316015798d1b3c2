"""Nodes and edges of one event while they are being found: the same twice is one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from sfctl.model import urn
from sfctl.model.graph import Edge, Elements, Node, merged, team_id
from sfctl.model.resolver import DATASET, JOB, Resolver
from sfctl.model.topology import Topology

_LABELS = {
    "dashboard": "Dashboard",
    "pipeline": "Pipeline",
    "service": "Service",
    "producer": "Service",
    "job": "Job",
    "team": "Team",
    "run": "Run",
    "dagrun": "DAGRun",
    "deployment": "Deployment",
    "topology": "Topology",
    "operator": "Operator",
    "col": "Column",
    "slo": "SLO",
}
_TYPES = {
    "dashboard": "Dashboard",
    "pipeline": "Airflow DAG",
    "delta": "Delta Table",
    "iceberg": "Iceberg Table",
    "topic": "Topic",
    "kafka": "Topic",
}
_FORMATS = {"delta": "Delta Table", "parquet": "Parquet Table"}


class Sketch:
    """What an event says of the graph, in the words of a topology."""

    def __init__(self, topology: Topology, resolver: Resolver) -> None:
        self.topology = topology
        self.resolver = resolver
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str, str], Edge] = {}
        self._drawn: set[str] = set()
        """Datasets whose own properties are there already."""

    def elements(self) -> Elements:
        """Return what was found, in order of finding."""
        return Elements(tuple(self._nodes.values()), tuple(self._edges.values()))

    def node(self, id: str, label: str, **props: Any) -> str:
        """Add a node, or properties to it; None and empty text say nothing. Return its id."""
        known = self._nodes.get(id)
        kept = merged(known.props if known else {}, _said(props))
        self._nodes[id] = Node(id, label or (known.label if known else ""), kept)
        return id

    def edge(self, source: str, label: str, target: str, **props: Any) -> None:
        """Add an edge, or properties to it."""
        known = self._edges.get((source, label, target))
        kept = merged(known.props if known else {}, _said(props))
        self._edges[source, label, target] = Edge(source, target, label, kept)

    def thing(self, name: str) -> str:
        """Add what a name stands for, labelled by the kind of its URN; return its id."""
        name = self.resolver.reference(name)
        label = label_of(name)
        if label == "Dataset":
            return self.dataset(name)
        return self.node(name, label, name=short(name), type=_TYPES.get(_kind(name)))

    def dataset(self, name: str, stage: str = "", **props: Any) -> str:
        """Add a dataset; one with a stage is a table of its own that its dataset contains."""
        name = self.resolver.reference(name)
        if "#" not in name and stage in urn.STAGES and urn.is_dataset(name):
            name = urn.with_stage(name, stage)
        if not props and name in self._drawn:
            return name
        self._drawn.add(name)
        base = urn.without_stage(name) if urn.is_dataset(name) else name
        entry = self.topology.datasets.get(base)
        tier, owner = (entry.tier, entry.owner) if entry else (None, None)
        if base != name:
            self.node(base, "Dataset", name=short(base), tier=tier, owner=owner)
            self.edge(base, "CONTAINS", name)
        part = name.partition("#")[2] if base != name else ""
        kept = entry.formats.get(part, entry.format) if entry and part else ""
        return self.node(
            name,
            "Dataset",
            name=short(name),
            type=_FORMATS.get(kept) or _TYPES.get(_kind(name), "Dataset"),
            tier=tier,
            owner=owner,
            stage=part,
            **props,
        )

    def owned(self, name: str, owner: str) -> None:
        """Add the team that owns something."""
        if owner:
            team = self.node(team_id(owner), "Team", name=owner.rpartition(":")[2])
            self.edge(team, "OWNS", name)

    def passed_on(self, tables: Iterable[str], **props: Any) -> None:
        """Say that the stages of one dataset among some tables feed each other in order."""
        stages: dict[str, list[str]] = {}
        for table in dict.fromkeys(tables):
            if whole_of(table) != table:
                stages.setdefault(whole_of(table), []).append(table)
        for each in stages.values():
            in_order = sorted(each, key=_order)
            for one, other in itertools.pairwise(in_order):
                self.edge(one, "FEEDS", other, **props)

    def feeds(self, source: str, target: str, **props: Any) -> None:
        """Say that data goes from one thing into another, by table and by dataset.

        Both ways of speaking are complete: who walks from a stage table or from a dataset finds
        the same readers. Within one dataset nothing is said: see `passed_on`.
        """
        source, target = self.thing(source), self.thing(target)
        whole, end = whole_of(source), whole_of(target)
        if whole == end:
            return
        table, entry = self.resolver.outlet(source), self.resolver.inlet(target)
        for each in (table, entry):
            self.thing(each)
        self.edge(table, "FEEDS", entry, **props)
        if (whole, end) != (table, entry):
            self.edge(self.thing(whole), "FEEDS", self.thing(end), **props)


def label_of(name: str) -> str:
    """Return the label of a node by its id; what says no kind is a dataset."""
    if name.startswith(JOB):
        return "Job"
    return _LABELS.get(_kind(name), "Dataset")


def short(name: str) -> str:
    """Return the name people use of something known by a URN."""
    if urn.is_dataset(name):
        return name.removeprefix("urn:dp:")
    if name.startswith(DATASET):
        return name.rpartition("/")[2] or name
    return name.rpartition("/")[2] if name.startswith(JOB) else name.rpartition(":")[2]


def whole_of(name: str) -> str:
    """Return the dataset that a stage table belongs to, any other name itself."""
    return urn.without_stage(name) if urn.is_dataset(name) else name


def block(value: object) -> Mapping[str, Any]:
    """Return a JSON object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """Return a JSON array, empty for anything else."""
    return value if isinstance(value, list) else []


def whole_number(value: object) -> int | None:
    """Return a count, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def _kind(name: str) -> str:
    return name.split(":", 2)[1] if name.startswith("urn:") and name.count(":") > 1 else ""


def _order(name: str) -> int:
    stage = name.partition("#")[2]
    return urn.STAGES.index(stage) if stage in urn.STAGES else len(urn.STAGES)


def _said(props: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in props.items() if value not in (None, "")}
