"""The published definition of the graph: which nodes and edges there are, and their bounds."""

from __future__ import annotations

from typing import Any

from sfctl.graph.caps import UNLABELLED_DAYS
from sfctl.graph.port import MAX_HOPS
from sfctl.model.graph import (
    EDGES,
    EDGES_PER_NODE,
    LABELS,
    NODES_PER_DATASET,
    SIGNATURES_PER_DATASET,
)

VERSION = "urn:schema:graph:1"
MAX_ID = 1_024
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_PROPS: dict[str, Any] = {
    "description": "When the same comes again: first_… keeps the smaller value; last_…, count and "
    "total the larger; everything else the newest that is not empty.",
    "type": "object",
    "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]},
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what `graph export` prints and `graph load` takes."""
    name = {"type": "string", "minLength": 1, "maxLength": MAX_ID}
    labels: list[dict[str, Any]] = [
        {"const": label, "x-days-to-live": days} for label, days in LABELS.items()
    ]
    bare = {
        "const": "",
        "description": "An end of an edge of which nothing else is known yet.",
        "x-days-to-live": UNLABELLED_DAYS,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": VERSION,
        "title": "The causal graph",
        "description": "Days to live count from when a node was last seen; null means it stays.",
        "type": "object",
        "required": ["nodes", "edges"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": "sfctl.graph.v1"},
            "nodes": {
                "type": "array",
                "items": _object({"id": name, "label": {"oneOf": [*labels, bare]}}),
            },
            "edges": {
                "type": "array",
                "items": _object({"from": name, "to": name, "label": {"oneOf": _relations()}}),
            },
        },
        "x-limits": {
            "edges_per_node_and_direction": EDGES_PER_NODE,
            "nodes_per_dataset": NODES_PER_DATASET,
            "signatures_per_dataset": SIGNATURES_PER_DATASET,
            "hops_per_walk": MAX_HOPS,
        },
    }


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(fields),
        "additionalProperties": False,
        "properties": {**fields, "props": _PROPS},
    }


def _relations() -> list[dict[str, Any]]:
    return [{"const": label, "description": meaning} for label, meaning in EDGES.items()]
