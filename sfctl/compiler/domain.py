"""Which values one column, or one calculated value, may have: bounds, lists, lengths, tests."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.compiler.regex_length import lengths
from sfctl.compiler.regex_match import matches
from sfctl.model.expr import Format, Matches
from sfctl.model.formats import FORMATS

_MOST_COUNTED = 200
"""Whole numbers between two bounds that are looked at one by one."""


class Domain(msgspec.Struct, frozen=True):
    """Values that are possible. `low` and `high` are None where unbounded.

    `accepted` is None where any value within the rest is possible. `scale` is the number of
    digits after the point that occur, None for any. `longest` is None where texts may be of any
    length. `tests` pair a pattern or format with whether it holds.
    """

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False
    accepted: frozenset[Any] | None = None
    refused: frozenset[Any] = frozenset()
    scale: int | None = None
    shortest: int = 0
    longest: int | None = None
    tests: frozenset[tuple[Matches | Format, bool]] = frozenset()

    def has(self, value: Any) -> bool:
        """Tell whether a value is possible. Raises TypeError for one of another kind."""
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        if self.high is not None and (value > self.high or (self.high_open and value == self.high)):
            return False
        if self.accepted is not None and value not in self.accepted:
            return False
        if isinstance(value, str) and not self._fits(len(value)):
            return False
        if self.scale is not None and isinstance(value, Decimal) and _scale(value) > self.scale:
            return False
        return value not in self.refused and all(
            _passes(test, value) is wanted for test, wanted in self.tests
        )

    @property
    def empty(self) -> bool:
        """Whether no value is possible; False where that cannot be told."""
        try:
            return self._empty()
        except TypeError:  # values of kinds that cannot be compared
            return False

    def _empty(self) -> bool:
        if self.accepted is not None:
            return not any(self.has(value) for value in self.accepted)
        if self.longest is not None and self.shortest > self.longest:
            return True
        if any(wanted and self._misses(test) for test, wanted in self.tests):
            return True
        if any((test, not wanted) in self.tests for test, wanted in self.tests):
            return True
        if self.low is None or self.high is None:
            return False
        if self.scale == 0 and isinstance(self.low, Decimal):
            least, most = self._ends()
            span = most - least
            if span < 0 or span >= min(_MOST_COUNTED, len(self.refused)):
                return span < 0
            return all(Decimal(each) in self.refused for each in range(least, most + 1))
        if self.low == self.high:
            return self.low_open or self.high_open or not self.has(self.low)
        return bool(self.low > self.high)

    def _fits(self, length: int) -> bool:
        return length >= self.shortest and (self.longest is None or length <= self.longest)

    def _misses(self, test: Matches | Format) -> bool:
        """Tell whether no text of the lengths that are possible passes a test."""
        pattern = FORMATS[test.format].pattern if isinstance(test, Format) else test.pattern
        least, most = lengths(pattern)
        above = self.longest is not None and least > self.longest
        return above or (most is not None and most < self.shortest)

    def _ends(self) -> tuple[int, int]:
        least, most = math.ceil(self.low), math.floor(self.high)
        least += self.low_open and least == self.low
        most -= self.high_open and most == self.high
        return least, most

    def meet(self, other: Domain) -> Domain:
        """Return what is possible in both. Raises TypeError for values of different kinds."""
        if self is ANY_VALUE or other is ANY_VALUE:
            return other if self is ANY_VALUE else self
        low, low_open = self.low, self.low_open
        if other.low is not None and (low is None or (other.low, other.low_open) > (low, low_open)):
            low, low_open = other.low, other.low_open
        high, high_open = self.high, self.high_open
        if other.high is not None and (
            high is None
            or other.high < high
            or (other.high == high and other.high_open and not high_open)
        ):
            high, high_open = other.high, other.high_open
        accepted = self.accepted
        if other.accepted is not None:
            accepted = other.accepted if accepted is None else accepted & other.accepted
        ends = [each for each in (self.longest, other.longest) if each is not None]
        scales = [each for each in (self.scale, other.scale) if each is not None]
        return Domain(
            low, high, low_open, high_open, accepted, self.refused | other.refused,
            min(scales, default=None), max(self.shortest, other.shortest),
            min(ends, default=None), self.tests | other.tests,
        )  # fmt: skip

    def complement(self) -> tuple[Domain, ...]:
        """Return domains that together hold every other value, whatever the `scale`."""
        found = []
        if self.low is not None:
            found.append(Domain(high=self.low, high_open=not self.low_open))
        if self.high is not None:
            found.append(Domain(low=self.high, low_open=not self.high_open))
        if self.accepted is not None:
            found.append(Domain(refused=self.accepted))
        if self.refused:
            found.append(Domain(accepted=self.refused))
        if self.shortest:
            found.append(Domain(longest=self.shortest - 1))
        if self.longest is not None:
            found.append(Domain(shortest=self.longest + 1))
        found += [Domain(tests=frozenset([(test, not wanted)])) for test, wanted in self.tests]
        return tuple(found)

    def covers(self, other: Domain) -> bool:
        """Tell whether every value of another domain is in this one. Raises TypeError."""
        return all(rest.meet(other).empty for rest in self.complement())

    def as_lengths(self) -> tuple[Domain, ...] | None:
        """Return the texts whose length is one of these numbers; None where that cannot be said."""
        if self.tests or self.refused or self.shortest or self.longest is not None:
            return None
        if self.accepted is not None:
            sizes = [int(each) for each in self.accepted if each == int(each) and each >= 0]
            return tuple(Domain(shortest=size, longest=size) for size in sizes)
        whole = replace(self, low=Decimal(0) if self.low is None else self.low)
        if whole.high is None:
            least = math.floor(whole.low) + 1 if whole.low_open else math.ceil(whole.low)
            return (Domain(shortest=max(least, 0)),)
        least, most = whole._ends()
        return (Domain(shortest=max(least, 0), longest=most),)


ANY_VALUE = Domain()


def _scale(value: Decimal) -> int:
    """Return the digits after the point that a number needs."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    kept = len(digits)
    while exponent < 0 and kept and digits[kept - 1] == 0:
        kept, exponent = kept - 1, exponent + 1
    return max(-exponent, 0) if kept else 0


@lru_cache(maxsize=4096)
def _passes(test: Matches | Format, value: Any) -> bool:
    if not isinstance(value, str):
        return True
    if isinstance(test, Format):
        return FORMATS[test.format].valid(value)
    return matches(test.pattern, value)
