"""Where in a schema description a reader stands, and what it says when it cannot go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfctl.errors import UsageError
from sfctl.model.types import DEEPEST

MOST_TYPES = 100_000
"""Types that a description may have, each reference to one counted with all that is in it."""


class NotASchema(UsageError):
    """A description that cannot be read as a schema; says where in it, and why."""

    code = "SF523"


@dataclass(frozen=True, slots=True)
class Place:
    """A path such as `$.fields[2].type`, and how many types it is inside of."""

    path: str = "$"
    depth: int = 0

    def at(self, part: str | int) -> Place:
        """Return the place of a member or an item."""
        text = f"[{part}]" if isinstance(part, int) else f".{part}"
        return Place(self.path + text, self.depth)

    def inside(self, part: str | int) -> Place:
        """Return the place of a type within this one. Raises NotASchema for nesting too deep."""
        if self.depth >= DEEPEST:
            raise self.wrong(f"nested deeper than {DEEPEST} levels")
        return Place(self.at(part).path, self.depth + 1)

    def wrong(self, message: str, hint: str = "") -> NotASchema:
        """Return the error that says what is wrong here."""
        path = self.path if len(self.path) <= 120 else f"{self.path[:119]}…"
        return NotASchema(f"{path}: {message}", hint=hint)

    def counted(self, types: int) -> int:
        """Return a number of types read so far. Raises NotASchema for too many."""
        if types > MOST_TYPES:
            raise self.wrong(f"more than {MOST_TYPES:,} types, references followed")
        return types

    def mapping(self, value: object) -> Mapping[str, object]:
        """Return a JSON object. Raises NotASchema for anything else."""
        if not isinstance(value, Mapping):
            raise self.wrong(f"not an object (got {kind_of(value)})")
        return value

    def items(self, value: object) -> list[object]:
        """Return a JSON array. Raises NotASchema for anything else."""
        if not isinstance(value, list):
            raise self.wrong(f"not a list (got {kind_of(value)})")
        return value

    def text(self, value: object) -> str:
        """Return a JSON string. Raises NotASchema for anything else."""
        if not isinstance(value, str):
            raise self.wrong(f"not a text (got {kind_of(value)})")
        return value

    def number(self, value: object) -> int:
        """Return a whole number. Raises NotASchema for anything else."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"not a whole number (got {kind_of(value)})")
        return value

    def flag(self, value: object) -> bool:
        """Return true or false. Raises NotASchema for anything else."""
        if not isinstance(value, bool):
            raise self.wrong(f"neither true nor false (got {kind_of(value)})")
        return value


def kind_of(value: object) -> str:
    """Return what a JSON value is, in the words of JSON."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:39]}…")
    names = {bool: "true or false", type(None): "null", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
