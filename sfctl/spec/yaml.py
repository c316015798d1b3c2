"""YAML text to nodes: a C parser's events, composed here so that every value keeps its place.

Composition is ours because the library's own loses positions, types by YAML 1.1 and keeps the
last of two equal keys in silence.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from sfctl.errors import Problem
from sfctl.spec.scalar import of_tag, resolve
from sfctl.spec.syntax import syntax_problem
from sfctl.spec.tree import Node, Style

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 500_000
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = ("str", "int", "float", "bool", "null")
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def parse(text: str | bytes, path: str) -> tuple[Node | None, list[Problem]]:
    """Return the tree of one YAML document and what is wrong with its text.

    The tree is None where the text has no single readable document. Never raises.
    """
    if isinstance(text, bytes):
        try:
            text = _decode(text)
        except _RefusedError as refused:
            return None, [refused.problem(path)]
    composer = _Composer(text, path)
    try:
        return composer.document(), composer.problems
    except _RefusedError as refused:
        return None, [*composer.problems, refused.problem(path)]
    except yaml.YAMLError as error:
        return None, [*composer.problems, syntax_problem(error, text, path)]


class _RefusedError(Exception):
    """The text cannot become a tree."""

    def __init__(self, line: int, col: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.place = (line, col, code, message, hint)

    def problem(self, path: str) -> Problem:
        return Problem(path, *self.place)


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1048576:.1f} MiB"
        raise _RefusedError(
            0, 0, "SF104", f"file is too large (got {size}, expected at most 4 MiB)",
            "keep data out of the YAML files",
        )  # fmt: skip
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _RefusedError(
            1, 1, "SF103", "file is not UTF-8 (got UTF-16)", "save the file as UTF-8"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, col = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _RefusedError(
            line, col, "SF103", f"file is not UTF-8 (got byte 0x{data[error.start]:02x})",
            "save the file as UTF-8",
        ) from None  # fmt: skip


class _Composer:
    """One pass over the events of one document."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.path = path
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.nodes = 0

    def document(self) -> Node | None:
        control = _CONTROL.search(self.text)
        if control is not None:
            before = self.text[: control.start()]
            raise _RefusedError(
                before.count("\n") + 1, len(before) - before.rfind("\n"), "SF103",
                f"control character U+{ord(control[0]):04X} is not allowed",
                "remove it, or write it escaped inside double quotes",
            )  # fmt: skip
        self.next = _Loader(self.text).get_event
        self.next()
        if type(self.next()) is yaml.StreamEndEvent:
            return None
        root = self.node(self.next(), 1)
        self.next()
        another = self.next()
        if type(another) is not yaml.StreamEndEvent:
            line, col = _place(another)
            raise _RefusedError(
                line, col, "SF107", "a second document starts here (expected one a file)",
                "move it to a file of its own, or remove the `---`",
            )  # fmt: skip
        return root

    def node(self, event: Any, depth: int) -> Node:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self.alias(event)
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            self.too_much(event, depth)
        before = self.nodes
        if event.anchor:
            self.anchors[event.anchor] = None
        if kind is yaml.ScalarEvent:
            node = self.scalar(event)
        elif kind is yaml.MappingStartEvent:
            node = self.mapping(event, depth)
        else:
            node = self.sequence(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = (node, self.nodes - before + 1)
        return node

    def scalar(self, event: Any) -> Node:
        mark = event.start_mark
        line, col, text = mark.line + 1, mark.column + 1, event.value
        if event.tag is None:
            if event.implicit[0]:
                return Node(resolve(text), self.path, line, col, "plain", text, {}, self.text)
            style = _STYLES.get(event.style, "plain")
            return Node(text, self.path, line, col, style, text, {}, self.text)
        tag = "str" if event.tag == "!" else self.core_tag(event, _SCALAR_TAGS)
        try:
            value = of_tag(tag, text)
        except ValueError:
            raise _RefusedError(
                line, col, "SF107", f"the value is not of its tag's type (got {text[:40]!r}, "
                f"expected {tag})", "remove the tag",
            ) from None  # fmt: skip
        style = _STYLES.get(event.style, "plain")
        return Node(value, self.path, line, col, style, text, {}, self.text)

    def sequence(self, event: Any, depth: int) -> Node:
        if event.tag is not None:
            self.core_tag(event, ("seq",))
        line, col = _place(event)
        items = []
        following = self.next()
        while type(following) is not yaml.SequenceEndEvent:
            items.append(self.node(following, depth + 1))
            following = self.next()
        style: Style = "flow" if event.flow_style else "block"
        return Node(tuple(items), self.path, line, col, style, "", {}, self.text)

    def mapping(self, event: Any, depth: int) -> Node:
        if event.tag is not None:
            self.core_tag(event, ("map",))
        line, col = _place(event)
        entries: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        following = self.next()
        while type(following) is not yaml.MappingEndEvent:
            key = self.key(following, depth)
            place = _place(following)
            value = self.node(self.next(), depth + 1)
            if key in entries:
                self.duplicate(key, place, keys[key])
            else:
                entries[key], keys[key] = value, place
            following = self.next()
        style: Style = "flow" if event.flow_style else "block"
        return Node(entries, self.path, line, col, style, "", keys, self.text)

    def key(self, event: Any, depth: int) -> str:
        line, col = _place(event)
        if type(event) is yaml.AliasEvent:
            node = self.alias(event)
        elif type(event) is yaml.ScalarEvent:
            if event.value == "<<" and event.implicit[0]:
                raise _RefusedError(
                    line, col, "SF107", "merge keys `<<` are not part of YAML 1.2",
                    "write the keys out, or alias the whole value",
                )  # fmt: skip
            node = self.node(event, depth)
        else:
            node = None
        if node is None or not node.is_scalar:
            templated = self.text.splitlines()[line - 1][col - 2 : col].startswith("{{")
            raise _RefusedError(
                line, col, "SF107", "a key must be plain text (got a list or a mapping)",
                'a template is quoted: "{{ … }}"' if templated else "quote the key",
            )  # fmt: skip
        return node.value if isinstance(node.value, str) else node.text

    def duplicate(self, key: str, place: tuple[int, int], first: tuple[int, int]) -> None:
        self.problems.append(
            Problem(
                self.path,
                *place,
                "SF106",
                f"key `{key}` is written twice (first at {first[0]}:{first[1]})",
                "keep one of the two",
            )
        )

    def alias(self, event: Any) -> Node:
        line, col = _place(event)
        if event.anchor not in self.anchors:
            hint = f"define `&{event.anchor}` before it is used, or quote the text"
            message = f"alias `*{event.anchor}` has no anchor before it"
            raise _RefusedError(line, col, "SF107", message, hint)
        found = self.anchors[event.anchor]
        if found is None:
            raise _RefusedError(
                line, col, "SF107", f"alias `*{event.anchor}` stands inside its own anchor",
                "write the value out",
            )  # fmt: skip
        node, size = found
        self.nodes += size
        if self.nodes > MAX_NODES:
            self.too_much(event, 0)
        return node

    def too_much(self, event: Any, depth: int) -> None:
        line, col = _place(event)
        if depth > MAX_DEPTH:
            message = f"values are nested too deep (expected at most {MAX_DEPTH} levels)"
        else:
            message = f"too many values (expected at most {MAX_NODES:,}, aliases counted each time)"
        raise _RefusedError(line, col, "SF104", message, "split the file, or write it flatter")

    def core_tag(self, event: Any, allowed: tuple[str, ...]) -> str:
        tag: str = event.tag
        short = tag.removeprefix(_CORE)
        if short not in allowed or short == tag:
            line, col = _place(event)
            shown = f"!!{short}" if short != tag else tag
            message = f"tag `{shown}` is not allowed here"
            raise _RefusedError(
                line, col, "SF107", message, "remove the tag and write plain values"
            )
        return short


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
