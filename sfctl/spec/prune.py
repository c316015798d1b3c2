"""What is left of a document whose credentials are absent offline: all that can be judged.

A value that nobody could render is taken out, and with it whatever cannot be without it.
"""

from __future__ import annotations

from dataclasses import replace

from sfctl.spec.shape import Either, Fields, MapOf, Named, Seq, Shape, Tagged
from sfctl.spec.tree import Node
from sfctl.spec.values import Label


def pruned(node: Node, shape: Shape) -> Node | None:
    """Return a checked tree without values that are still templates; None where nothing is left.

    Labels stay as they are written.
    """
    if node.is_scalar:
        return None if node.unrendered and not isinstance(shape, Label) else node
    match shape:
        case Named():
            return pruned(node, shape.shape)
        case Either():
            inner = shape.mapping if node.is_mapping else shape.sequence
            return node if inner is None else pruned(node, inner)
        case Tagged():
            tag = node.get(shape.by)
            case = shape.shapes.get(str(tag.value)) if tag is not None else None
            return None if case is None else pruned(node, case)
        case Seq():
            return _sequence(node, shape)
        case Fields():
            return _fields(node, shape)
        case MapOf():
            found = {key: _of(shape, key) for key, _ in node.items()}
            return _mapping(node, found)
        case _:
            of = getattr(shape, "shape_of", None)
            inner = of(node) if of is not None else None
            return node if inner is None else pruned(node, inner)


def _of(shape: MapOf, key: str) -> Shape:
    field = shape.reserved.get(key)
    return field.shape if field is not None else shape.value


def _sequence(node: Node, shape: Seq) -> Node | None:
    kept = (pruned(item, shape.item) for item in node)
    members = tuple(item for item in kept if item is not None)
    return None if len(members) < shape.at_least else replace(node, value=members)


def _fields(node: Node, shape: Fields) -> Node | None:
    left = _mapping(node, {key: field.shape for key, field in shape.fields.items()})
    for key in shape.required:
        if key not in left:
            return None
    for kind, keys in shape.relations:
        if kind != "not_both" and not any(key in left for key in keys):
            return None
    return left


def _mapping(node: Node, shapes: dict[str, Shape]) -> Node:
    found = {}
    for key, child in node.items():
        left = pruned(child, shapes[key]) if key in shapes else child
        if left is not None:
            found[key] = left
    return replace(node, value=found)
