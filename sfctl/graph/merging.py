"""What an upsert changes: the new elements folded into what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sfctl.errors import UsageError
from sfctl.model.graph import Elements, merged

Key = tuple[str, str, str]
"""An edge's source, label and target."""
Props = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Folded:
    """Elements by their identity: nodes as label and properties, edges as properties."""

    nodes: dict[str, tuple[str, Props]] = field(default_factory=dict)
    edges: dict[Key, Props] = field(default_factory=dict)

    def ids(self) -> Iterator[str]:
        """Give the ids of all nodes and ends, each once."""
        ends = (end for source, _, target in self.edges for end in (source, target))
        yield from dict.fromkeys((*self.nodes, *ends))


@dataclass(frozen=True, slots=True)
class Rolled:
    """An edge of which only the key is left: the node that counts it, and when it was last seen."""

    counted_by: str
    seen: float


@dataclass(frozen=True, slots=True)
class Known(Folded):
    """What the graph holds of some elements; `edges` are the shown ones."""

    rolled: dict[Key, Rolled] = field(default_factory=dict)

    def shown(self, new: Folded, seen: float) -> Folded:
        """Return `new` without the rolled-up edges that were seen as late before: a replay's."""
        return Folded(
            new.nodes,
            {
                key: props
                for key, props in new.edges.items()
                if key not in self.rolled or self.rolled[key].seen < seen
            },
        )


def fold(elements: Elements) -> Folded:
    """Return elements with what comes twice merged. Raises UsageError SF843."""
    folded = Folded()
    for node in elements.nodes:
        label, props = folded.nodes.get(node.id, ("", {}))
        folded.nodes[node.id] = (node.label or label, _merged(node.id, props, node.props))
    for edge in elements.edges:
        key = (edge.source, edge.label, edge.target)
        props = folded.edges.get(key, {})
        folded.edges[key] = _merged(" ".join(key), props, edge.props)
    return folded


def changes(known: Known, new: Folded) -> Folded:
    """Return what `new` makes different, as it is then, bare ends included; by id.

    Raises UsageError SF843 where two values of a property cannot be compared.
    """
    changed = Folded()
    for id in sorted(new.ids()):
        label, props = new.nodes.get(id, ("", {}))
        old_label, old = known.nodes.get(id, ("", {}))
        after = (label or old_label, _merged(id, old, props))
        if id not in known.nodes or after != (old_label, old):
            changed.nodes[id] = after
    for key in sorted(new.edges):
        old = known.edges.get(key, {})
        props = _merged(" ".join(key), old, new.edges[key])
        if key not in known.edges or props != old:
            changed.edges[key] = props
    return changed


def _merged(name: str, known: Props, new: Props) -> dict[str, Any]:
    try:
        return merged(known, new)
    except TypeError as error:
        raise UsageError(
            f"two values of a property of {name} cannot be compared ({error})",
            hint="first_…, last_…, count and total need values of one type",
            code="SF843",
        ) from error
