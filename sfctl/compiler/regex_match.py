"""Whether a rewritten pattern matches a text, in time that no pattern can make explode.

Python's own matcher tries one way after the other, which `(a+)+b` makes exponential; here every way
is followed at once, as a set of the places where a match may have come to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial

from sfctl.compiler.regex_length import one_at, times_at

_Step = Callable[[str, frozenset[int]], frozenset[int]]
"""From the places where a piece may begin in a text to those where it may end."""


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern as `rewrite` returns it matches a text as a whole."""
    return len(text) in _step(pattern)(text, frozenset((0,)))


@lru_cache(maxsize=2048)
def _step(pattern: str) -> _Step:
    step, at = _alternatives(pattern, 0)
    assert at == len(pattern), pattern
    return step


def _alternatives(pattern: str, at: int) -> tuple[_Step, int]:
    step, at = _sequence(pattern, at)
    steps = [step]
    while pattern[at : at + 1] == "|":
        step, at = _sequence(pattern, at + 1)
        steps.append(step)
    return partial(_any, tuple(steps)), at


def _sequence(pattern: str, at: int) -> tuple[_Step, int]:
    steps = []
    while at < len(pattern) and pattern[at] not in "|)":
        begins = at
        if pattern[at] == "(":
            inner = at + (3 if pattern.startswith("(?:", at) else 1)
            step, at = _alternatives(pattern, inner)
            at += 1
        else:
            _, at = one_at(pattern, at)
            step = partial(_char, re.compile(pattern[begins:at]))
        (low, high), at = times_at(pattern, at)
        if (low, high) != (1, 1):
            step = partial(_repeated, step, low, high)
        steps.append(step)
    return partial(_all, tuple(steps)), at


def _any(steps: tuple[_Step, ...], text: str, places: frozenset[int]) -> frozenset[int]:
    return frozenset().union(*(step(text, places) for step in steps))


def _all(steps: tuple[_Step, ...], text: str, places: frozenset[int]) -> frozenset[int]:
    for step in steps:
        if not places:
            break
        places = step(text, places)
    return places


def _char(one: re.Pattern[str], text: str, places: frozenset[int]) -> frozenset[int]:
    return frozenset(at + 1 for at in places if one.match(text, at))


def _repeated(
    step: _Step, low: int, high: int | None, text: str, places: frozenset[int]
) -> frozenset[int]:
    for _ in range(low):
        if not places:
            return places
        places = step(text, places)
    found, fresh, done = places, places, low
    while fresh and (high is None or done < high):
        fresh = step(text, fresh) - found
        found, done = found | fresh, done + 1
    return found
