"""Who feels an incident: the tier of what is broken, and whoever consumes it within three hops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sfctl.graph.port import Graph
from sfctl.incidents.title import spoken
from sfctl.model import urn
from sfctl.model.graph import Node
from sfctl.model.topology import Topology

HOPS = 3
_LIMIT = 500
_CLASSES = {1: "revenue-critical", 2: "business-important", 3: "internal"}
_CONSUMERS = ("Dashboard", "Pipeline", "Team")


def classification(tier: int, tags: Iterable[str] = ()) -> str:
    """Return what a tier means to the business; a dataset's tag `class:<word>` says it better."""
    named = sorted(tag.partition(":")[2] for tag in tags if tag.startswith("class:"))
    return named[0] if named else _CLASSES.get(tier, "internal")


def impact_of(datasets: Iterable[str], topology: Topology, graph: Graph) -> dict[str, Any]:
    """Return tier, classification and downstream consumers of some datasets."""
    named = sorted({urn.without_stage(each) for each in datasets})
    tiers = {each: tier_of(each, topology, graph) for each in named}
    tier = min(tiers.values(), default=3)
    tags = [
        tag
        for each in named
        if tiers[each] == tier and (entry := topology.datasets.get(each))
        for tag in entry.tags
    ]
    names = {_name(node) for each in named for node in consumers(each, graph)}
    return {
        "tier": tier,
        "classification": classification(tier, tags),
        "downstream_consumers": sorted(names),
    }


def consumers(dataset: str, graph: Graph) -> list[Node]:
    """Return dashboards, pipelines and teams that use a dataset within three hops, by id."""
    known: set[str] = {dataset}
    frontier = [dataset]
    found: dict[str, Node] = {}
    for _ in range(HOPS):
        ahead: set[str] = set()
        for name in frontier:
            for each in _stages(name):
                edges = graph.edges(each, "out", ("FEEDS", "CONSUMED_BY"))
                ahead.update(urn.without_stage(edge.target) for edge in edges)
        frontier = sorted(ahead - known)[:_LIMIT]
        known.update(frontier)
        for node in graph.nodes(ids=frontier):
            if node.label in _CONSUMERS:
                found[node.id] = node
        if not frontier:
            break
    return [found[id] for id in sorted(found)]


def tier_of(dataset: str, topology: Topology, graph: Graph) -> int:
    """Return a dataset's tier: what the project says, else the graph, else 3."""
    name = urn.without_stage(dataset)
    if name in topology.datasets:
        return topology.datasets[name].tier
    for asset in topology.lineage.assets:
        if asset.urn == name:
            return asset.tier
    node = graph.node(name)
    tier = node.props.get("tier") if node else None
    return tier if isinstance(tier, int) else 3


def owner_of(dataset: str, topology: Topology, graph: Graph) -> str:
    """Return the team that owns a dataset, empty where nobody says."""
    name = urn.without_stage(dataset)
    if name in topology.datasets:
        return topology.datasets[name].owner
    node = graph.node(name)
    owner = str(node.props.get("owner") or "") if node else ""
    teams = [edge.source for edge in graph.edges(name, "in", ("OWNS",))]
    owning = sorted(each for each in teams if each.startswith("urn:team:"))
    return owner or (owning[0].removeprefix("urn:team:") if owning else "")


def _stages(name: str) -> tuple[str, ...]:
    if not name.startswith("urn:dp:"):
        return (name,)
    return (name, *(urn.with_stage(name, stage) for stage in urn.STAGES))


def _name(node: Node) -> str:
    return str(node.props.get("name") or "") or spoken(node.id)
