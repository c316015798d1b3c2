"""A YAML document as a tree that remembers where every value stands in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from sfctl.errors import Problem
from sfctl.spec.position import places

Scalar = str | int | float | bool | None
Style = Literal["plain", "single", "double", "literal", "folded", "flow", "block"]


NO_KEYS: dict[str, tuple[int, int]] = {}
"""What nodes that are no mappings share; made once, for there are many of them."""


@lru_cache(maxsize=4)
def _lines(source: str) -> list[str]:
    return source.splitlines()


@dataclass(frozen=True, slots=True)
class Node:
    """One YAML value. `line` and `col` count from 1 and point at the value's first character.

    `value` is a scalar (YAML 1.2 core types), a tuple of nodes, or a dict from key to node in
    document order. `text` is a scalar as it was written before typing. `keys` holds the place of
    each key of a mapping.
    """

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    path: str
    line: int
    col: int
    style: Style = "plain"
    text: str = ""
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    source: str = field(default="", repr=False, compare=False)
    """The whole text of the file, for `at`; shared by all nodes of a document."""
    template: str = field(default="", repr=False)
    """The template that gave the value, if one did."""
    included: str = field(default="", repr=False)
    """Where a pack was included that the value comes from: `path:line:col`, the nearest first."""

    @property
    def rendered(self) -> bool:
        """Whether a template gave the value; such a value is never shown in a message."""
        return bool(self.template)

    @property
    def unrendered(self) -> bool:
        """Whether the value is a template that nobody rendered."""
        value = self.value
        return isinstance(value, str) and ("{{" in value or "{%" in value) and not self.template

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.value, tuple)

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, dict | tuple)

    def get(self, key: str) -> Node | None:
        """Return the child under `key`, or None where it is absent or written as null."""
        child = self.value.get(key) if isinstance(self.value, dict) else None
        return None if child is None or child.value is None else child

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self.value, dict):
            raise TypeError(f"{self.path}:{self.line} is not a mapping")
        return self.value[key]

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a mapping in document order; nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def __iter__(self) -> Iterator[Node]:
        """Yield the members of a sequence; nothing for anything else."""
        if isinstance(self.value, tuple):
            yield from self.value

    def scalar(self, key: str, default: Scalar = None) -> Scalar:
        """Return the plain value under `key`, or `default`."""
        child = self.get(key)
        return default if child is None or not child.is_scalar else child.value  # type: ignore[return-value]

    def string(self, key: str, default: str = "") -> str:
        """Return the value under `key` as text, or `default`."""
        child = self.get(key)
        if child is None or not child.is_scalar:
            return default
        return child.value if isinstance(child.value, str) else child.text

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a sequence of scalars (or one scalar) under `key` as texts."""
        child = self.get(key)
        if child is None:
            return ()
        nodes = tuple(child) if child.is_sequence else (child,)
        return tuple(n.value if isinstance(n.value, str) else n.text for n in nodes)

    def plain(self) -> object:
        """Return the value with all positions dropped: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        return self.value

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column in the file of the character at `offset` of a string scalar.

        Exact however the scalar is written; where a template gave the value, its start.
        """
        start = self.line, self.col
        value = self.value
        if not isinstance(value, str) or self.rendered or offset < 0:
            return start
        found = places(_lines(self.source), self.line, self.col, self.style, value, offset)
        return start if found is None or offset >= len(found) else found[offset]

    def problem(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        offset: int | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Return a Problem at this node, or at a character offset inside its scalar."""
        line, col = (self.line, self.col) if offset is None else self.at(offset)
        return Problem(self.path, line, col, code, message, hint, severity, self.included)

    def key_problem(self, key: str, code: str, message: str, *, hint: str = "") -> Problem:
        """Return a Problem at the place where `key` of this mapping is written."""
        line, col = self.keys.get(key, (self.line, self.col))
        return Problem(self.path, line, col, code, message, hint, included=self.included)
