"""What a person means by the name of a node, or which names are near."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from sfctl.errors import UsageError
from sfctl.graph.impact import raw_name, tables_of
from sfctl.graph.port import Graph
from sfctl.model.graph import Node
from sfctl.model.resolver import Resolver
from sfctl.model.topology import Topology

_LINEAGE = ("Dataset", "Job", "Dashboard", "Pipeline", "Service", "Column", "Run", "")
_NEAR = 5
_SEARCHED = 10_000


@dataclass(slots=True)
class Names:
    """A graph, and the names of the project it was drawn by."""

    graph: Graph
    topology: Topology
    resolver: Resolver = field(init=False)

    def __post_init__(self) -> None:
        self.resolver = Resolver(self.topology)

    def node(self, text: str) -> Node:
        """Return the node that `text` names. Raises UsageError SF831, SF832."""
        ours = {entry.name: urn for urn, entry in self.topology.datasets.items()}
        for name in (
            text,
            self.resolver.reference(text),
            self.resolver.job_reference(text),
            ours.get(text, ""),
        ):
            if name and (found := self.graph.node(name)) is not None:
                return found
        found_all = [each for each in self.graph.find(text) if each.label in _LINEAGE]
        whole = [each for each in found_all if "#" not in each.id]
        found_all = whole or found_all
        if len(found_all) == 1:
            return found_all[0]
        if found_all:
            raise UsageError(
                f"{text!r} names several nodes",
                hint="one of " + ", ".join(each.id for each in found_all[:_NEAR]),
                code="SF832",
            )
        near = self._near(text)
        hint = f"did you mean {', '.join(near)}?" if near else "`sfctl graph export` lists what is"
        if not near and not self.graph.nodes(limit=1):
            hint = "nothing is in the graph yet: `sfctl engine run` takes in what happened"
        raise UsageError(f"the graph knows no {text!r}", hint=hint, code="SF831")

    def raw(self, node: Node) -> str:
        """Return a node's name in OpenLineage's words; its id where nobody used any."""
        tables = tables_of(self.graph, node.id) if node.label == "Dataset" else [node.id]
        found = [raw_name(each) for each in self.graph.nodes(ids=tables)]
        return min((each for each in found if each), default=node.id)

    def _near(self, text: str) -> list[str]:
        known: dict[str, str] = {}
        for label in _LINEAGE[:5]:
            for node in self.graph.nodes(label, limit=_SEARCHED):
                for name in (node.id, str(node.props.get("name") or ""), node.id.split(":")[-1]):
                    known.setdefault(name, node.id)
        close = difflib.get_close_matches(text, sorted(known), n=_NEAR, cutoff=0.5)
        return list(dict.fromkeys(known[name] for name in close))
