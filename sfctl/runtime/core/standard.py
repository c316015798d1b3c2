"""What G3 compares rows with, and how a schema's fingerprints are come by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sfctl.model.schema import Schema


class Marks(NamedTuple):
    """The two fingerprints of a schema, and how many of them had to be computed."""

    fingerprint: str
    shape: str
    computed: int


Marking = Callable[[Schema, Schema], Marks]
"""From the schema an engine sees, and the schema that knows more of them, to the fingerprints."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What is known beyond the policy. Empty: the policy's baseline or declaration is all there is.

    `schema` is the registered one, `name` what to call it. `stale` says why the registry did not
    answer, `as_of` when it last did. `formats` are the table format that rows of `shape` had
    before, and the one they have now. `unapproved` is the registered version that is passed over,
    for nobody signed a policy that knows it; 0 for none.
    """

    schema: Schema | None = None
    name: str = ""
    stale: str = ""
    as_of: str = ""
    formats: tuple[str, str] = ("", "")
    shape: str = ""
    unapproved: int = 0

    def moved(self, shape: str) -> bool:
        """Whether rows of a shape are what they were, only in another format."""
        before, now = self.formats
        return bool(before and now and before != now and self.shape == shape)


def computed(seen: Schema, known: Schema) -> Marks:
    """Return the fingerprints of columns, computed anew."""
    schema = seen.with_nullability_of(known)
    return Marks(schema.fingerprint(), schema.shape(), 2)
