"""The shape of a list of rules: expressions, rules with `kind`, groups with `rules`."""

from __future__ import annotations

from sfctl.spec.documents.group import GROUP
from sfctl.spec.documents.rule import EXPRESSION, KINDS
from sfctl.spec.shape import Either, JsonSchema, Named, Report, Seq, Shape, Tagged
from sfctl.spec.tree import Node

_SINGLE = Tagged("a rule", "kind", KINDS)


class _Entry:
    """A mapping in a list of rules: a group where it has `rules`, else one rule."""

    what = _SINGLE.what

    def check(self, node: Node, name: str, report: Report) -> None:
        self.shape_of(node).check(node, name, report)

    def shape_of(self, node: Node) -> Shape:
        """Return what the mapping is held against."""
        assert isinstance(node.value, dict)
        return GROUP if "rules" in node.value else _SINGLE

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        return {
            "if": {"type": "object", "required": ["rules"]},
            "then": GROUP.schema(defs),
            "else": _SINGLE.schema(defs),
        }


RULE = Named(
    "rule",
    Either(
        "an expression, a rule with `kind`, or a group with `field` and `rules`",
        scalar=EXPRESSION,
        mapping=_Entry(),
    ),
)
RULES = Seq(RULE, what="a list of rules")
