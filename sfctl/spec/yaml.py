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
from sfctl.spec.tree import NO_KEYS, Node, Scalar, Style

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 500_000
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = ("str", "int", "float", "bool", "null")
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_SAVE = "save the file as UTF-8"
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

    def __init__(self, place: tuple[int, int], code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.place = place
        self.code = code
        self.hint = hint

    def problem(self, path: str) -> Problem:
        return Problem(path, *self.place, self.code, str(self), self.hint)


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        message = "file is too large (expected at most 4 MiB)"
        raise _RefusedError((0, 0), "SF104", message, "keep data out of the YAML files")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _RefusedError((1, 1), "SF103", "file is not UTF-8 (got UTF-16)", _SAVE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        message = f"file is not UTF-8 (got byte 0x{data[error.start]:02x})"
        raise _RefusedError(_end(before), "SF103", message, _SAVE) from None


class _Composer:
    """One pass over the events of one document."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.path = path
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        """Each anchor's node and how many values it stands for; None while it is being read."""
        self.nodes = 0

    def document(self) -> Node | None:
        control = _CONTROL.search(self.text)
        if control is not None:
            message = f"control character U+{ord(control[0]):04X} is not allowed"
            hint = "remove it, or write it escaped inside double quotes"
            raise _RefusedError(_end(self.text[: control.start()]), "SF103", message, hint)
        self.next = _Loader(self.text).get_event
        self.next()
        if type(self.next()) is yaml.StreamEndEvent:
            return None
        root = self.node(self.next(), 1)
        self.next()
        another = self.next()
        if type(another) is not yaml.StreamEndEvent:
            message = "a second document starts here (expected one a file)"
            hint = "move it to a file of its own, or remove the `---`"
            raise _RefusedError(_place(another), "SF107", message, hint)
        return root

    def node(self, event: Any, depth: int) -> Node:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self.alias(event)
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise self.too_much(event, depth)
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
        (line, col), text = _place(event), event.value
        style: Style = "plain" if event.implicit[0] else _STYLES.get(event.style, "plain")
        value: Scalar = text
        if event.tag is None:
            value = resolve(text) if event.implicit[0] else text
        elif event.tag != "!":
            tag = self.core_tag(event, _SCALAR_TAGS)
            try:
                value = of_tag(tag, text)
            except ValueError:
                message = f"the value is not of its tag's type (expected {tag})"
                raise _RefusedError((line, col), "SF107", message, "remove the tag") from None
        return Node(value, self.path, line, col, style, text, NO_KEYS, self.text)

    def sequence(self, event: Any, depth: int) -> Node:
        if event.tag is not None:
            self.core_tag(event, ("seq",))
        items = []
        following = self.next()
        while type(following) is not yaml.SequenceEndEvent:
            items.append(self.node(following, depth + 1))
            following = self.next()
        style: Style = "flow" if event.flow_style else "block"
        return Node(tuple(items), self.path, *_place(event), style, "", NO_KEYS, self.text)

    def mapping(self, event: Any, depth: int) -> Node:
        if event.tag is not None:
            self.core_tag(event, ("map",))
        entries: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        following = self.next()
        while type(following) is not yaml.MappingEndEvent:
            key, place = self.key(following, depth), _place(following)
            value = self.node(self.next(), depth + 1)
            if key in entries:
                line, col = keys[key]
                message = f"key `{key}` is written twice (first at {line}:{col})"
                hint = "keep one of the two"
                self.problems.append(Problem(self.path, *place, "SF106", message, hint))
            else:
                entries[key], keys[key] = value, place
            following = self.next()
        style: Style = "flow" if event.flow_style else "block"
        return Node(entries, self.path, *_place(event), style, "", keys, self.text)

    def key(self, event: Any, depth: int) -> str:
        kind = type(event)
        if kind is yaml.ScalarEvent and event.value == "<<" and event.implicit[0]:
            message = "merge keys `<<` are not part of YAML 1.2"
            hint = "write the keys out, or alias the whole value"
            raise _RefusedError(_place(event), "SF107", message, hint)
        node = self.node(event, depth) if kind in (yaml.ScalarEvent, yaml.AliasEvent) else None
        if node is None or not node.is_scalar:
            line, col = _place(event)
            templated = self.text.splitlines()[line - 1][col - 2 : col] == "{{"
            hint = 'a template is quoted: "{{ … }}"' if templated else "quote the key"
            message = "a key must be plain text (got a list or a mapping)"
            raise _RefusedError((line, col), "SF107", message, hint)
        return node.value if isinstance(node.value, str) else node.text

    def alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            message = f"alias `*{event.anchor}` has no anchor before it"
            hint = f"define `&{event.anchor}` before it is used, or quote the text"
            raise _RefusedError(_place(event), "SF107", message, hint)
        found = self.anchors[event.anchor]
        if found is None:
            message = f"alias `*{event.anchor}` stands inside its own anchor"
            raise _RefusedError(_place(event), "SF107", message, "write the value out")
        node, size = found
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self.too_much(event, 0)
        return node

    def too_much(self, event: Any, depth: int) -> _RefusedError:
        message = f"too many values (expected at most {MAX_NODES:,}, aliases counted each time)"
        if depth > MAX_DEPTH:
            message = f"values are nested too deep (expected at most {MAX_DEPTH} levels)"
        return _RefusedError(_place(event), "SF104", message, "split the file, or write it flatter")

    def core_tag(self, event: Any, allowed: tuple[str, ...]) -> str:
        tag: str = event.tag
        short = tag.removeprefix(_CORE)
        if short not in allowed or short == tag:
            message = f"tag `{'!!' if short != tag else ''}{short}` is not allowed here"
            hint = "remove the tag and write plain values"
            raise _RefusedError(_place(event), "SF107", message, hint)
        return short


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _end(text: str) -> tuple[int, int]:
    """Return the place of the character after `text`, by the parser's own idea of a line."""
    rows = f"{text}.".splitlines()
    return len(rows), len(rows[-1])
