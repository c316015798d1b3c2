"""Templates in YAML values: sandboxed, with a closed set of variables, one scalar at a time.

Rendering happens after parsing, so that every value keeps its place in the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sfctl.errors import Problem
from sfctl.spec.scalar import resolve
from sfctl.spec.tree import Node, Scalar

MAX_TEMPLATE = 4096
MAX_FILE = 65_536
FUNCTIONS = ("env_var", "file", "var")
NAMES = (*FUNCTIONS, "target", "project_name")
FILTERS = ("default", "int", "float", "lower", "upper", "trim", "string")
TARGET_KEYS = ("name", "environment")
_WHOLE = re.compile(r"\s*\{\{[-+]?((?:(?!\{\{|\}\}|\{%).)*?)[-+]?\}\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Context:
    """What templates may see. With `offline`, credentials that are absent stay templates."""

    root: Path
    project_name: str
    target: str
    environment: str
    variables: Mapping[str, Scalar] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    offline: bool = False


def has_template(text: str) -> bool:
    """Tell whether a text holds anything to render."""
    return "{{" in text or "{%" in text


def render(root: Node, context: Context) -> tuple[Node, list[Problem]]:
    """Return the tree with every template replaced by its value, and what went wrong.

    A value that is one single expression keeps the type the expression has; a plain (unquoted)
    one is typed as YAML would. A template that fails stays as it is written.
    """
    if not has_template(root.source):
        return root, []
    from sfctl.spec.jinja import Renderer

    problems: list[Problem] = []
    renderer = Renderer(context)
    return _rendered(root, renderer, problems), problems


def _rendered(node: Node, renderer: Any, problems: list[Problem]) -> Node:
    value = node.value
    if isinstance(value, dict):
        children = {key: _rendered(child, renderer, problems) for key, child in value.items()}
        if all(children[key] is value[key] for key in value):
            return node
        return replace(node, value=children)
    if isinstance(value, tuple):
        items = tuple(_rendered(item, renderer, problems) for item in value)
        return replace(node, value=items)
    if not isinstance(value, str) or not has_template(value):
        return node
    whole = _WHOLE.fullmatch(value)
    found = renderer.render(node, whole[1] if whole else "")
    if isinstance(found, list):
        problems.extend(found)
        return node
    (result,) = found
    text = str(result) if not isinstance(result, bool) else str(result).lower()
    if node.style == "plain":
        result = resolve(text)
    return replace(node, value=result, text=text, rendered=True)
