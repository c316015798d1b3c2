"""Packs of rules shared between bundles: read once, filled in and put into each that includes them.

What comes from a pack keeps its place in the pack, and knows where it was included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sfctl.errors import Problem
from sfctl.spec.argument import Arguments, arguments_of, declared, slug_of
from sfctl.spec.context import Context
from sfctl.spec.document import load_document
from sfctl.spec.documents.group import DEFAULTS
from sfctl.spec.documents.pack import PACK, PACK_NAME
from sfctl.spec.prune import pruned
from sfctl.spec.rules import written_out
from sfctl.spec.shape import Report
from sfctl.spec.template import render
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped, suggestion

FOLDER = "packs"
MOST_INCLUDES = 500
"""Includes one bundle may lead to, those of packs within packs counted."""


@dataclass(slots=True)
class Brought:
    """What the packs of one bundle bring in. `paths` are their files."""

    rules: dict[str, list[Node]] = field(default_factory=lambda: {"dq": [], "contract": []})
    required: list[Node] = field(default_factory=list)
    detections: list[Node] = field(default_factory=list)
    paths: dict[str, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    includes: int = 0


class Packs:
    """The packs of a project. `problems` are those that they have whoever includes them."""

    def __init__(self, root: Path, paths: Iterable[str], context: Context | None) -> None:
        self.context = context
        self.problems: list[Problem] = []
        self.nodes: dict[str, Node | None] = {}
        """Each pack by name; None where it has errors, which are among the problems."""
        self.included: set[str] = set()
        """Names of the packs that a bundle includes, directly or not."""
        for path in paths:
            self.nodes[Path(path).stem] = self._read(root, path)
        self._refuse_cycles()

    def _read(self, root: Path, path: str) -> Node | None:
        if re.fullmatch(PACK_NAME.pattern, Path(path).stem) is None:
            message = f"the name of the file has the wrong form (expected {PACK_NAME.what})"
            self.problems.append(Problem(path, 0, 0, "SF114", message, PACK_NAME.hint))
            return None
        if not (root / path).resolve().is_relative_to(root.resolve()):
            message = "the file leads out of the project"
            hint = "copy the pack into packs/; links may only lead to files of the project"
            self.problems.append(Problem(path, 0, 0, "SF273", message, hint))
            return None
        document = load_document(root / path, path, PACK, None)
        node, problems = document.node, [*document.problems]
        if node is not None:
            node, failed = self._with_defaults(node)
            problems += failed or declared(node)
        self.problems += problems
        broken = any(problem.severity == "error" for problem in problems)
        return None if broken else node

    def _with_defaults(self, node: Node) -> tuple[Node, list[Problem]]:
        """Return a pack with what its parameters say rendered; they see no parameters."""
        block = node.get("parameters")
        if block is None or self.context is None:
            return node, []
        rendered, problems = render(block, self.context)
        report = Report()
        PACK.fields["parameters"].shape.check(rendered, "parameters", report)
        assert isinstance(node.value, dict)
        return replace(node, value={**node.value, "parameters": rendered}), [
            *problems,
            *report.problems,
        ]

    def _refuse_cycles(self) -> None:
        """Leave out packs that include themselves, each told where the circle closes."""
        done: set[str] = set()

        def visit(name: str, trail: tuple[str, ...]) -> None:
            node = self.nodes.get(name)
            for item in (node.get("include") if node is not None else None) or ():
                following = _name(item)
                if following in (*trail, name):
                    circle = [*trail, name][[*trail, name].index(following) :]
                    message = f"packs include each other: {' → '.join([*circle, following])}"
                    self.problems.append(
                        item.problem("SF272", message, hint="take one include out")
                    )
                    self.nodes.update(dict.fromkeys(circle))
                elif following not in done:
                    visit(following, (*trail, name))
            done.add(name)

        for name in self.nodes:
            visit(name, ())

    def into(self, policy: Node) -> tuple[Node, tuple[str, ...], list[Problem]]:
        """Return a bundle with its packs put in, the files of those, and what is wrong with them.

        A bundle without `include` comes back as it is.
        """
        included = policy.get("include")
        if included is None or self.context is None:
            return policy, (), []
        brought = Brought()
        for item in included:
            section = item.string("into", "dq") if item.is_mapping else "dq"
            brought.rules[section] += self._one(item, brought)
        return _joined(policy, included, brought), tuple(brought.paths), brought.problems

    def alone(self, name: str) -> tuple[Node, list[Problem]] | None:
        """Return a bundle of just one pack, as far as its parameters need not be known.

        A parameter that must be given is a column of its own name; a rule that needs any other is
        left out. None where the pack has errors.
        """
        node = self.nodes.get(name)
        if node is None or self.context is None:
            return None
        arguments = Arguments.assumed(node)
        brought = Brought()
        rules = self._filled(arguments.without_unknown(node), name, arguments, {}, brought)
        empty = Node({}, node.path, 1, 1)
        brought.rules["dq"] += rules
        return _joined(empty, node, brought), brought.problems

    def _one(self, item: Node, brought: Brought) -> list[Node]:
        """Return the rules of one include, written out; the rest goes to `brought`."""
        name = _name(item)
        brought.includes += 1
        if brought.includes > MOST_INCLUDES:
            if brought.includes == MOST_INCLUDES + 1:
                message = f"the bundle leads to more than {MOST_INCLUDES} includes"
                brought.problems.append(item.problem("SF272", message, hint="include fewer packs"))
            return []
        if name not in self.nodes:
            place = item.get("pack") or item
            hint = suggestion(name, self.nodes) or f"packs stand in {FOLDER}/<name>.yaml"
            brought.problems.append(
                place.problem("SF270", f"unknown pack `{clipped(name)}`", hint=hint)
            )
            return []
        self.included.add(name)
        node = self.nodes[name]
        if node is None:
            return []
        brought.paths[node.path] = None
        if any(each.unrendered for each in _given(item)):
            return []  # a credential that is absent offline; what needs it was told already
        arguments, problems = arguments_of(item, node, name)
        brought.problems += problems
        if problems:
            return []
        defaults = {key: item.get(key) for key in DEFAULTS}
        said = {key: each for key, each in defaults.items() if each is not None}
        named = item.string("as") if item.is_mapping else ""
        prefix = named or name + slug_of(node, arguments.given)
        here = f"{item.path}:{item.line}:{item.col}"
        chain = f"{here}, {item.included}" if item.included else here
        return self._filled(_stamped(node, chain), prefix, arguments, said, brought)

    def _filled(
        self,
        node: Node,
        prefix: str,
        arguments: Arguments,
        defaults: Mapping[str, Node],
        brought: Brought,
    ) -> list[Node]:
        assert self.context is not None
        assert isinstance(node.value, dict)
        body = replace(node, value={k: v for k, v in node.value.items() if k != "parameters"})
        body, failed = render(body, replace(self.context, parameters=arguments.values))
        report = Report()
        PACK.check(body, "", report)
        problems = [*failed, *report.problems]
        brought.problems += problems
        if any(problem.severity == "error" for problem in problems):
            return []
        left = pruned(body, PACK) if failed else body
        if left is None:
            return []
        body = left
        brought.required += body.get("required_fields") or ()
        pii = body.get("pii")
        brought.detections += (pii.get("detection") if pii is not None else None) or ()
        found: list[Node] = []
        for item in body.get("include") or ():
            found += written_out(self._one(item, brought), defaults)
        found += written_out(body.get("rules") or (), defaults)
        return [_named(rule, prefix) for rule in found]


def _name(item: Node) -> str:
    return item.string("pack") if item.is_mapping else str(item.value)


def _given(item: Node) -> Iterator[Node]:
    said = item.get("with") if item.is_mapping else None
    for _, node in said.items() if said is not None else ():
        yield from node if node.is_sequence else (node,)


def _named(rule: Node, prefix: str) -> Node:
    """Return a rule whose id, if its author gave one, begins with the name of its include."""
    own = rule.get("id")
    if own is None or not isinstance(rule.value, dict):
        return rule
    text = f"{prefix}.{own.value}"
    return replace(rule, value={**rule.value, "id": replace(own, value=text, text=text)})


def _stamped(node: Node, included: str) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {key: _stamped(child, included) for key, child in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_stamped(item, included) for item in value)
    return replace(node, value=value, included=included)


def _joined(policy: Node, place: Node, brought: Brought) -> Node:
    assert isinstance(policy.value, dict)
    blocks = dict(policy.value)
    for section, rules in brought.rules.items():
        _extend(blocks, place, section, "rules", rules)
    known = {str(node.value) for node in _members(policy, "contract_lite", "required_fields")}
    required = {str(node.value): node for node in brought.required if str(node.value) not in known}
    _extend(blocks, place, "contract_lite", "required_fields", required.values())
    _extend(blocks, place, "pii", "detection", brought.detections)
    return replace(policy, value=blocks)


def _members(policy: Node, block: str, key: str) -> Iterator[Node]:
    section = policy.get(block)
    yield from (section.get(key) if section is not None else None) or ()


def _extend(
    blocks: dict[str, Node], place: Node, block: str, key: str, more: Iterable[Node]
) -> None:
    """Add members to a list of a block, making either where it is absent."""
    added = tuple(more)
    if not added:
        return
    section = blocks.get(block)
    if section is None or not isinstance(section.value, dict):
        section = replace(place, value={}, keys={}, text="", style="block")
    assert isinstance(section.value, dict)
    held = section.get(key)
    members = tuple(held) if held is not None else ()
    whole = replace(held or place, value=(*members, *added), text="", style="block")
    blocks[block] = replace(section, value={**section.value, key: whole})
