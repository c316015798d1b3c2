"""The files of one dataset: its identity, its policy, its baseline."""

from __future__ import annotations

from dataclasses import dataclass

from sfctl.spec.tree import Node


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """What stands in `datasets/<name>/`; every tree has passed its shape check."""

    name: str
    dataset: Node
    policy: Node | None
    """None where there is none, or where it has errors, which are among the problems."""
    baseline: dict[str, object] | None
    packs: tuple[str, ...] = ()
    """The files whose rules stand in the policy, below the project's folder."""


def nobody(name: str, path: str) -> Node:
    """Return the identity of a dataset that nobody registered: `ds://file/<name>` of tier 3."""
    values = {"urn": f"ds://file/{name.lower()}", "owner_team": "nobody", "tier": "TIER_3"}
    nodes = {key: Node(text, path, 1, 1, text=text) for key, text in values.items()}
    return Node(nodes, path, 1, 1)
