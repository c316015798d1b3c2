"""The shape of a group: several rules on one field, each said without repeating the field.

A rule of a group is a kind (`not_null`), a kind with the one thing it needs (`accepted_values:
[AA]`), a kind with the keys of the long form (`length: {min: 2, max: 2}`), the long form without
its field, or an expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sfctl.spec.documents.rule import COMMON, EXPRESSION, KINDS, NAMES
from sfctl.spec.shape import (
    Fields,
    JsonSchema,
    Named,
    Report,
    Seq,
    Shape,
    Tagged,
    may,
    need,
    unknown_value,
)
from sfctl.spec.tree import Node

BARE = ("required", "not_null", "unique")
"""Kinds that need nothing but a field."""
ALONE = ("duplicate_rows", "row_count")
"""Kinds that are about no field, so that no group holds them."""
MAIN = {
    "type": "type",
    "accepted_values": "values",
    "not_accepted_values": "values",
    "pattern": "pattern",
    "format": "format",
    "expression": "expression",
    "freshness": "max_age",
    "null_rate": "max",
    "custom": "function",
}
"""The key that a value means where it is no mapping."""
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def is_word(text: str) -> bool:
    """Tell whether a text in a group is the name of a kind; any other is an expression."""
    return _WORD.fullmatch(text) is not None


def _without_field(shape: Shape, *, kind: bool) -> Shape:
    if isinstance(shape, Tagged):
        cases = {key: _without_field(each, kind=kind) for key, each in shape.shapes.items()}
        return Tagged(shape.noun, shape.by, cases)
    assert isinstance(shape, Fields)
    dropped = ("field", "fields") if kind else ("field", "fields", "kind")
    kept = {key: each for key, each in shape.fields.items() if key not in dropped}
    relations = [each for each in shape.relations if "field" not in each[1]]
    return Fields(shape.noun, kept, relations)


_HELD = {key: shape for key, shape in KINDS.items() if key not in ALONE}
_ARGUMENTS = {key: _without_field(shape, kind=False) for key, shape in _HELD.items()}
_LONG = Tagged(
    "a rule", "kind", {key: _without_field(shape, kind=True) for key, shape in _HELD.items()}
)


class _Member:
    """One rule of a group."""

    what = (
        "a kind such as not_null, one with its value such as accepted_values: […], or an expression"
    )

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if isinstance(value, str) and is_word(value):
            if value not in BARE:
                self._bare(node, value, name, report)
        elif not isinstance(value, dict):
            if isinstance(value, str):
                EXPRESSION.check(node, name, report)
            else:
                report.wrong(node, name, self.what)
        elif "kind" in value:
            self._long(node, value, report)
        elif len(value) == 1:
            ((key, child),) = value.items()
            self._short(node, key, child, report)
        else:
            self._several(node, value, name, report)

    def shape_of(self, node: Node) -> Shape:
        """Return what a mapping that has passed the check is held against."""
        assert isinstance(node.value, dict)
        if "kind" in node.value:
            return _LONG
        ((key, child),) = node.value.items()
        shape = _ARGUMENTS[key]
        if not child.is_mapping and key in MAIN:
            assert isinstance(shape, Fields)
            shape = shape.fields[MAIN[key]].shape
        return Fields("a rule", {key: need(shape, "")})

    def _bare(self, node: Node, word: str, name: str, report: Report) -> None:
        if word in ALONE:
            _alone(node, word, report)
        elif word in _HELD:
            message = f"a `{word}` rule needs more than its name"
            hint = f"write `{word}: {_example(word)}`"
            report.add(node.problem("SF111", message, hint=hint))
        else:
            unknown_value(node, name, _HELD, report)

    def _long(self, node: Node, value: Mapping[str, Node], report: Report) -> None:
        kind = value["kind"]
        if kind.value in ALONE:
            _alone(kind, str(kind.value), report)
            return
        for key in ("field", "fields"):
            if key in value:
                message = f"`{key}` in a group, which has a field already"
                hint = "remove it, or write the rule outside the group"
                report.add(node.key_problem(key, "SF116", message, hint=hint))
                return
        _LONG.check(node, "", report)

    def _short(self, node: Node, key: str, child: Node, report: Report) -> None:
        if key in ALONE:
            _alone(node, key, report)
            return
        shape = _ARGUMENTS.get(key)
        if shape is None:
            self._unknown(node, key, report)
        elif child.value is None and key in BARE:
            return
        elif isinstance(child.value, dict):
            shape.check(child, key, report)
        elif key in MAIN:
            assert isinstance(shape, Fields)
            shape.fields[MAIN[key]].shape.check(child, key, report)
        else:
            report.wrong(child, key, f"a mapping such as {_example(key)}")

    def _several(self, node: Node, value: Mapping[str, Node], name: str, report: Report) -> None:
        kind = next((key for key in value if key in _HELD), "")
        beside = next((key for key in value if key in COMMON or key not in _HELD), "")
        if not value:
            report.wrong(node, name, self.what)
        elif kind and beside:
            message = f"`{beside}` stands beside `{kind}`"
            inner = MAIN.get(kind, "")
            said = f"{inner}: …, " if inner else ""
            hint = f"write it inside: `{kind}: {{{said}{beside}: …}}`"
            report.add(node.key_problem(beside, "SF116", message, hint=hint))
        elif kind:
            keys = list(value)
            message = f"one entry holds two rules, `{keys[0]}` and `{keys[1]}`"
            report.add(node.key_problem(keys[1], "SF116", message, hint="begin a new entry: `- `"))
        else:
            self._unknown(node, next(iter(value)), report)

    def _unknown(self, node: Node, key: str, report: Report) -> None:
        from sfctl.spec.wording import clipped, suggestion

        message = f"unknown rule kind `{clipped(key)}`"
        report.add(node.key_problem(key, "SF110", message, hint=suggestion(key, _HELD)))

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        short: list[JsonSchema] = [_short_schema(kind, defs) for kind in _HELD]
        return {
            "anyOf": [
                {"enum": list(BARE)},
                {"type": "string", "minLength": 1, "not": {"pattern": f"^{_WORD.pattern}$"}},
                _LONG.schema(defs),
                *short,
            ]
        }


def _short_schema(kind: str, defs: JsonSchema) -> JsonSchema:
    shape = _ARGUMENTS[kind]
    values: list[JsonSchema] = [shape.schema(defs)]
    if kind in MAIN:
        assert isinstance(shape, Fields)
        values.append(shape.fields[MAIN[kind]].shape.schema(defs))
    if kind in BARE:
        values.append({"type": "null"})
    return {
        "type": "object",
        "properties": {kind: {"description": f"Holds for the field: {kind}.", "anyOf": values}},
        "required": [kind],
        "additionalProperties": False,
    }


def _alone(node: Node, kind: str, report: Report) -> None:
    message = f"a `{kind}` rule is about no field"
    report.add(node.problem("SF116", message, hint="write it outside the group, with `kind:`"))


_EXAMPLES = {
    "accepted_values": "[…]",
    "not_accepted_values": "[…]",
    "aggregate": "{function: avg, max: 1}",
    "foreign_key": "{references: {dataset: …, field: …}}",
    "type": "STRING",
    "null_rate": '"5%"',
    "format": "email",
    "pattern": '"[A-Z]+"',
    "expression": '"…"',
    "freshness": "36h",
    "custom": '"rules.mine:check"',
}


def _example(kind: str) -> str:
    return _EXAMPLES.get(kind, "{min: 1, max: 2}")


DEFAULTS = ("severity", "threshold", "where", "description", "stages", "tags")
"""What a group says for all of its rules that do not say it themselves."""
GROUP = Named(
    "group",
    Fields(
        "a group of rules",
        {
            "field": need(NAMES, "The column judged; of several, each by itself."),
            "rules": need(
                Seq(Named("grouped_rule", _Member()), at_least=1, what="a list of rules"),
                "What holds for the field.",
            ),
            **{
                key: may(COMMON[key].shape, f"{COMMON[key].doc[:-1]}, for rules that do not say.")
                for key in DEFAULTS
            },
        },
    ),
)
