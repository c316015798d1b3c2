"""Rules as they are judged, from rules as they are written: groups become single rules.

Every rule keeps the place of what its author wrote about it, so that messages point there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sfctl.spec.documents.group import BARE, DEFAULTS, MAIN, is_word
from sfctl.spec.tree import Node

MEASURES = frozenset({"row_count", "null_rate", "distinct_count", "aggregate", "freshness"})
"""Kinds that give a batch one number; they have no threshold to inherit."""
_WITHOUT_FIELD = ("expression", "duplicate_rows", "row_count")


def written_out(
    rules: Iterable[Node], defaults: Mapping[str, Node] | None = None
) -> Iterator[Node]:
    """Yield single rules in the order they are written; a group's once for each of its columns.

    `defaults` maps keys such as `severity` to what holds for rules that do not say themselves.
    """
    for node in rules:
        if isinstance(node.value, dict) and "rules" in node.value:
            yield from _group(node, {**(defaults or {}), **_said(node)})
        elif defaults:
            yield _with_defaults(node if node.is_mapping else _made(node, "expression"), defaults)
        else:
            yield node


def _said(group: Node) -> dict[str, Node]:
    found = {key: group.get(key) for key in DEFAULTS}
    return {key: node for key, node in found.items() if node is not None}


def _group(group: Node, defaults: Mapping[str, Node]) -> Iterator[Node]:
    written = group.get("field")
    if written is None:
        yield from written_out(group["rules"], defaults)
        return
    columns = tuple(written) if written.is_sequence else (written,)
    for number, column in enumerate(columns):
        for member in group["rules"]:
            rule = _with_defaults(_long(member), defaults)
            if rule.string("kind") not in _WITHOUT_FIELD:
                yield _on(rule, column, several=len(columns) > 1)
            elif number == 0:
                yield rule


def _long(member: Node) -> Node:
    """Return the long form, still without a field, of a rule of a group."""
    value = member.value
    if not isinstance(value, dict):
        bare = isinstance(value, str) and is_word(value)
        return _made(member, str(value)) if bare else _made(member, "expression")
    if "kind" in value:
        return member
    ((kind, child),) = value.items()
    place = member.keys.get(kind, (member.line, member.col))
    named = replace(member, value=kind, text=kind, line=place[0], col=place[1], style="plain")
    if isinstance(child.value, dict):
        own, keys = child.value, child.keys
    elif child.value is None and kind in BARE:
        own, keys = {}, {}
    else:
        main = MAIN[kind]
        own, keys = {main: child}, {main: (child.line, child.col)}
    return replace(member, value={"kind": named, **own}, keys={"kind": place, **keys})


def _made(node: Node, kind: str) -> Node:
    """Return the rule that a scalar stands for: an expression, or a kind by its name."""
    own = {"expression": node} if kind == "expression" else {}
    named = replace(node, value=kind, text=kind, style="plain", template="")
    return replace(node, value={"kind": named, **own}, text="", style="block", template="")


def _with_defaults(rule: Node, defaults: Mapping[str, Node]) -> Node:
    assert isinstance(rule.value, dict)
    inherited = {
        key: node
        for key, node in defaults.items()
        if rule.get(key) is None and not (key == "threshold" and _is_measure(rule))
    }
    return replace(rule, value={**rule.value, **inherited}) if inherited else rule


def _is_measure(rule: Node) -> bool:
    return rule.string("kind") in MEASURES


def _on(rule: Node, column: Node, *, several: bool) -> Node:
    """Return a rule on one column of its group; an id is told apart by the column."""
    assert isinstance(rule.value, dict)
    value = {**rule.value, "field": column}
    named = rule.get("id")
    if several and named is not None:
        text = f"{named.value}:{column.value}"
        value["id"] = replace(named, value=text, text=text)
    return replace(rule, value=value)
