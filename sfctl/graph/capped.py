"""A dataset keeps at most so many signatures; what comes after them shares one per reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from msgspec.structs import replace

from sfctl.graph.meaning.occurrences import Occurrence
from sfctl.model.graph import SIGNATURES_PER_DATASET, Edge, Elements, Node, signature_id


def rest_of(signature: str) -> str:
    """Return the signature that stands for all further ones: `UNKNOWN_ENUM:field:*`."""
    parts = signature.split(":")
    return ":".join([*parts[: min(2, len(parts) - 1)], "*"]) if len(parts) > 1 else signature


def capped(occurrence: Occurrence, known: Collection[str]) -> Occurrence:
    """Return the occurrence under the name it is kept by; `known` are the dataset's signatures."""
    if occurrence.signature in known or len(known) < SIGNATURES_PER_DATASET:
        return occurrence
    return dataclasses.replace(occurrence, signature=rest_of(occurrence.signature))


def renamed(elements: Elements, names: dict[str, tuple[str, str]]) -> Elements:
    """Return elements with signature nodes renamed: old id → (new signature, dataset)."""
    if not names:
        return elements
    ids = {old: signature_id(*pair) for old, pair in names.items()}

    def node(each: Node) -> Node:
        if each.id not in names:
            return each
        text = names[each.id][0]
        props = {k: v for k, v in each.props.items() if k not in ("new_value", "occurrence_count")}
        return Node(ids[each.id], each.label, {**props, "name": text, "reason_code": text})

    def edge(each: Edge) -> Edge:
        return replace(
            each, source=ids.get(each.source, each.source), target=ids.get(each.target, each.target)
        )

    return Elements(tuple(map(node, elements.nodes)), tuple(map(edge, elements.edges)))
