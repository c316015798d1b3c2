"""The shape of a list of rules: expressions, rules with `kind`, groups with `rules`."""

from __future__ import annotations

from sfctl.spec.documents.group import GROUP
from sfctl.spec.documents.rule import EXPRESSION, KINDS
from sfctl.spec.shape import Either, JsonSchema, Named, Report, Seq, Tagged
from sfctl.spec.tree import Node

_SINGLE = Tagged("a rule", "kind", KINDS)


class _Entry:
    """A mapping in a list of rules: a group where it has `rules`, else one rule."""

    what = _SINGLE.what

    def check(self, node: Node, name: str, report: Report) -> None:
        assert isinstance(node.value, dict)
        (GROUP if "rules" in node.value else _SINGLE).check(node, name, report)

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
