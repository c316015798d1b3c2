"""How short and how long a text is that a rewritten pattern matches."""

from __future__ import annotations

from functools import lru_cache

Span = tuple[int, int | None]


@lru_cache(maxsize=2048)
def lengths(pattern: str) -> Span:
    """Return the least and the greatest number of characters matched; None for no greatest."""
    span, at = _alternatives(pattern, 0)
    assert at == len(pattern), pattern
    return span


def _alternatives(pattern: str, at: int) -> tuple[Span, int]:
    found, at = _sequence(pattern, at)
    while pattern[at : at + 1] == "|":
        other, at = _sequence(pattern, at + 1)
        endless = found[1] is None or other[1] is None
        most = None if endless else max(found[1] or 0, other[1] or 0)
        found = min(found[0], other[0]), most
    return found, at


def _sequence(pattern: str, at: int) -> tuple[Span, int]:
    least, most = 0, 0
    endless = False
    while at < len(pattern) and pattern[at] not in "|)":
        span, at = one_at(pattern, at)
        (low, high), at = times_at(pattern, at)
        least += span[0] * low
        if (high is None and span[1] != 0) or (span[1] is None and high != 0):
            endless = True
        else:
            most += (span[1] or 0) * (high or 0)
    return (least, None if endless else most), at


def one_at(pattern: str, at: int) -> tuple[Span, int]:
    """Return how long the piece at `at` is, and where it ends; how often it stands comes after."""
    char = pattern[at]
    if char == "(":
        span, at = _alternatives(pattern, at + (3 if pattern.startswith("(?:", at) else 1))
        return span, at + 1
    if char == "[":
        at += 1
        while pattern[at] != "]":
            at += 2 if pattern[at] == "\\" else 1
        return (1, 1), at + 1
    if char == "\\":
        return (1, 1), at + (4 if pattern[at + 1] == "x" else 2)
    return (1, 1), at + 1


def times_at(pattern: str, at: int) -> tuple[Span, int]:
    """Return how often the piece before `at` stands, and where the next one begins."""
    mark = pattern[at : at + 1]
    if mark and mark in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark], at + 1
    if mark != "{":
        return (1, 1), at
    end = pattern.index("}", at)
    least, comma, most = pattern[at + 1 : end].partition(",")
    if not comma:
        return (int(least), int(least)), end + 1
    return (int(least), int(most) if most else None), end + 1
