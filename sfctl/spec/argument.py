"""What an include gives to the parameters of its pack, and whether it fits them."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sfctl.errors import Problem
from sfctl.spec.context import Value
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped, shown, suggestion

_WHAT = {
    "column": "the name of a column",
    "columns": "a list of column names",
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of values",
}
_LONGEST = 40
"""Characters of its arguments that the ids of a pack's rules repeat; beyond, a hash tells them."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The values of a pack's parameters. `given` are those that the include says itself."""

    values: Mapping[str, Value]
    given: Mapping[str, Value] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    """Parameters whose value nobody can assume."""

    @classmethod
    def assumed(cls, pack: Node) -> Arguments:
        """Return what holds where nobody includes the pack: defaults, and columns as named."""
        values: dict[str, Value] = {}
        unknown: set[str] = set()
        for name, node in _parameters(pack):
            default = node.get("default") if node.is_mapping else None
            if default is not None:
                values[name] = _value(default, _type(node))
            elif _type(node) in ("column", "columns"):
                assumed = re.sub(r"\W", "_", f"{name}_given")
                values[name] = assumed if _type(node) == "column" else (assumed,)
            else:
                values[name] = "1"
                unknown.add(name)
        return cls(values, {}, frozenset(unknown))

    def without_unknown(self, node: Node) -> Node:
        """Return a tree without the members of lists that need an unknown parameter."""
        if not self.unknown:
            return node
        value = node.value
        if isinstance(value, dict):
            children = {key: self.without_unknown(child) for key, child in value.items()}
            return replace(node, value=children)
        if isinstance(value, tuple):
            kept = [each for each in value if not self.unknown & set(mentioned(each))]
            return replace(node, value=tuple(kept))
        return node


def mentioned(node: Node) -> Iterator[str]:
    """Yield the parameters that the templates of a tree name."""
    for _, name in _uses(node):
        yield name


def declared(pack: Node) -> Iterator[Problem]:
    """Yield what is wrong between a pack's parameters and their uses, whoever includes it."""
    known = dict(_parameters(pack))
    for node in known.values():
        if _type(node) not in _WHAT:
            kind = (node.get("type") or node) if node.is_mapping else node
            yield kind.problem("SF271", "the type of a parameter is not known", hint="write it out")
            return
        default = node.get("default") if node.is_mapping else None
        if default is not None and not _fits(default, _type(node)):
            expected = _WHAT[_type(node)]
            message = f"`default` has the wrong type (got {shown(default)}, expected {expected})"
            yield default.problem("SF271", message)
    used: set[str] = set()
    assert isinstance(pack.value, dict)
    for key, block in pack.value.items():
        for node, name in _uses(block) if key != "parameters" else ():
            used.add(name)
            if name not in known:
                hint = suggestion(name, known) or "declare it under `parameters:`"
                message = f"the pack has no parameter `{clipped(name)}`"
                yield node.problem("SF271", message, hint=hint)
    for name, node in known.items():
        if name not in used:
            message = f"parameter `{clipped(name)}` is used nowhere"
            hint = f"write \"{{{{ param('{clipped(name)}') }}}}\" where it belongs, or remove it"
            yield node.problem("SF271", message, hint=hint, severity="warning")


def arguments_of(item: Node, pack: Node, name: str) -> tuple[Arguments, list[Problem]]:
    """Return the arguments of one include of a pack, and what does not fit, with both places."""
    problems: list[Problem] = []
    given: dict[str, Value] = {}
    values: dict[str, Value] = {}
    said = item.get("with") if item.is_mapping else None
    known = dict(_parameters(pack))
    for key, node in said.items() if said is not None else ():
        if key not in known:
            near = suggestion(key, known)
            hint = f"{near} ({pack.path})" if near else f"{pack.path} declares none"
            message = f"pack `{name}` has no parameter `{clipped(key)}`"
            assert said is not None
            problems.append(said.key_problem(key, "SF271", message, hint=hint))
        elif not _fits(node, _type(known[key])):
            expected = _WHAT[_type(known[key])]
            message = (
                f"parameter `{key}` has the wrong type (got {shown(node)}, expected {expected})"
            )
            hint = f"it is declared at {_place(known[key])}"
            problems.append(node.problem("SF271", message, hint=hint))
        else:
            given[key] = values[key] = _value(node, _type(known[key]))
    for key, node in known.items():
        if said is not None and key in (said.value if isinstance(said.value, dict) else ()):
            continue
        default = node.get("default") if node.is_mapping else None
        if default is None:
            message = f"pack `{name}` needs parameter `{key}` (expected {_WHAT[_type(node)]})"
            hint = f"add `with: {{{key}: …}}`; it is declared at {_place(node)}"
            problems.append(item.problem("SF271", message, hint=hint))
        else:
            values[key] = _value(default, _type(node))
    return Arguments(values, given), problems


def slug_of(pack: Node, given: Mapping[str, Value]) -> str:
    """Return what tells one include of a pack from another in the ids of its rules.

    The columns it is about, else everything it is given.
    """
    columns = [name for name, node in _parameters(pack) if _type(node) in ("column", "columns")]
    told = {name: given[name] for name in columns if name in given} or dict(given)
    if not told:
        return ""
    text = "-".join(map(_text, told.values()))
    named = re.sub(r"[^A-Za-z0-9_.]+", "-", text)[:_LONGEST].strip("-")
    if named == text:
        return f":{named}"
    mark = hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:6]
    return f":{named}-{mark}"


def _text(value: Value) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parameters(pack: Node) -> Iterator[tuple[str, Node]]:
    block = pack.get("parameters")
    if block is not None:
        yield from block.items()


def _type(node: Node) -> str:
    return node.string("type") if node.is_mapping else str(node.value)


def _fits(node: Node, kind: str) -> bool:
    value = node.value
    if kind in ("columns", "list"):
        members = value if isinstance(value, tuple) else (node,)
        return all(_fits(each, "column" if kind == "columns" else "any") for each in members)
    if isinstance(value, dict | tuple) or value is None:
        return False
    match kind:
        case "number":
            finite = isinstance(value, float) and math.isfinite(value)
            return finite or (isinstance(value, int) and not isinstance(value, bool))
        case "boolean":
            return isinstance(value, bool)
        case "any":
            return True
        case _:
            return isinstance(value, str) and bool(value)


def _value(node: Node, kind: str) -> Value:
    value = node.value
    if isinstance(value, tuple):
        return tuple(each.value for each in value if not isinstance(each.value, dict | tuple))
    assert not isinstance(value, dict)
    return (value,) if kind in ("columns", "list") else value


def _uses(node: Node) -> Iterator[tuple[Node, str]]:
    """Yield each use of a parameter: the scalar, and the name."""
    value = node.value
    if isinstance(value, dict | tuple):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _uses(child)
    elif node.unrendered:
        from sfctl.spec.jinja import parameters_of

        for name in parameters_of(str(value)):
            yield node, name


def _place(node: Node) -> str:
    return f"{node.path}:{node.line}:{node.col}"
