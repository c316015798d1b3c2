"""Templates in YAML values: sandboxed, with a closed set of variables, one scalar at a time.

Rendering happens after parsing, so that every value keeps its place in the file.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sfctl.errors import Problem
from sfctl.spec.context import Context
from sfctl.spec.scalar import resolve
from sfctl.spec.tree import Node, Scalar

if TYPE_CHECKING:
    from sfctl.spec.jinja import Renderer

_WHOLE = re.compile(r"\s*\{\{[-+]?((?:(?!\{\{|\}\}|\{%).)*?)[-+]?\}\}\s*", re.DOTALL)


def has_template(text: str) -> bool:
    """Tell whether a text holds anything to render."""
    return "{{" in text or "{%" in text


def render(root: Node, context: Context) -> tuple[Node, list[Problem]]:
    """Return the tree with every template replaced by its value, and what went wrong.

    A value that is one single expression keeps the type the expression has, that of a list too; a
    plain (unquoted) one is typed as YAML would. A template that fails stays as it is written.
    """
    if not has_template(root.source):
        return root, []
    from sfctl.spec.jinja import Renderer

    rendering = _Rendering(Renderer(context))
    return rendering.node(root), rendering.problems


class _Rendering:
    """One document; a node that aliases repeat is rendered once."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer
        self.problems: list[Problem] = []
        self.done: dict[int, Node] = {}

    def node(self, node: Node) -> Node:
        if id(node) not in self.done:
            self.done[id(node)] = self.fresh(node)
        return self.done[id(node)]

    def fresh(self, node: Node) -> Node:
        value = node.value
        if isinstance(value, dict):
            children = {key: self.node(child) for key, child in value.items()}
            same = all(children[key] is value[key] for key in value)
            return node if same else replace(node, value=children)
        if isinstance(value, tuple):
            items = tuple(self.node(item) for item in value)
            same = all(new is old for new, old in zip(items, value, strict=True))
            return node if same else replace(node, value=items)
        return self.scalar(node, value) if isinstance(value, str) and has_template(value) else node

    def scalar(self, node: Node, template: str) -> Node:
        whole = _WHOLE.fullmatch(template)
        found = self.renderer.render(node, whole[1] if whole else "")
        if isinstance(found, list):
            self.problems += found
            return node
        (result,) = found
        if isinstance(result, tuple):
            return self.members(node, result)
        text = written(result)
        if node.style == "plain":
            result = resolve(text)
        return replace(node, value=result, text=text, template=str(node.value))

    def members(self, node: Node, values: tuple[Scalar, ...]) -> Node:
        """Return the list that a template gave; every member stands where the template does."""
        template = str(node.value)
        items = tuple(
            replace(node, value=each, text=written(each), template=template, style="double")
            for each in values
        )
        return replace(node, value=items, text="", template=template, style="flow")


def written(value: Scalar) -> str:
    """Return a value as YAML writes it plainly."""
    return str(value).lower() if isinstance(value, bool) else str(value)
