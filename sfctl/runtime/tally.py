"""States that merge: what one chunk says of a rule, and how chunks add up to the whole.

Merging is associative and commutative, so that chunks, partitions and workers in any order give
what one pass over all rows gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

KEPT_VALUES = 1_000
"""Failing values counted by name; of more, those that sort first, which is what makes it merge."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class RowTally:
    """Rows a row rule judged: `errors` of the `failed` ones could not be evaluated."""

    evaluated: int = 0
    failed: int = 0
    errors: int = 0
    values: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: RowTally) -> RowTally:
        """Return both together."""
        values = added(self.values, other.values)
        if len(values) > KEPT_VALUES:
            values = {key: values[key] for key in sorted(values)[:KEPT_VALUES]}
        return RowTally(
            self.evaluated + other.evaluated,
            self.failed + other.failed,
            self.errors + other.errors,
            values,
        )


@dataclass(frozen=True, slots=True)
class UniqueTally:
    """Rows in groups of more than one, and how many of them are beyond the first of each.

    `errors` of the `failed` ones could not be evaluated, and are in no group.
    """

    evaluated: int = 0
    failed: int = 0
    surplus: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Distinct:
    """Rows that fail at least one error-severity row rule: of each gate, and at all."""

    bad: int = 0
    by_gate: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: Distinct) -> Distinct:
        """Return both together; they must speak of different rows."""
        return Distinct(self.bad + other.bad, added(self.by_gate, other.by_gate))


def added(left: Mapping[Key, int], right: Mapping[Key, int]) -> dict[Key, int]:
    """Return the sum of two counts by key."""
    total = dict(left)
    for key, count in right.items():
        total[key] = total.get(key, 0) + count
    return total
