"""What a person may mean by a short name of a node."""

from __future__ import annotations

from sfctl.model.graph import Node

_SEPARATORS = (":", "/", "#")
_DATASET_HEADS = ("urn:", "dataset:")


def tail_patterns(text: str) -> tuple[str, ...]:
    """Return the ends of an id that stand for `text`."""
    return tuple(f"{separator}{text}" for separator in _SEPARATORS)


def head(node: Node, text: str) -> bool:
    """Tell whether a FailureSignature begins with the whole of `text`; others always pass."""
    if node.label != "FailureSignature" or _named(node, text):
        return True
    return node.id.removeprefix(f"{text}:").startswith(_DATASET_HEADS)


def _named(node: Node, text: str) -> bool:
    for name in ("name", "alias"):
        value = node.props.get(name)
        if value == text or (isinstance(value, list) and text in value):
            return True
    return False
