"""Which new column may be a missing one under another name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from sfctl.model.schema import Column

_SIMILAR = 0.6
_PLACE = 0.25
_SHORTEST_STEM = 3
_MOST_PAIRS = 2_500
"""Beyond these, names are not compared letter by letter: what is all new was not renamed."""
Pair = tuple[float, int, int]


def renamed(expected: Sequence[Column], actual: Sequence[Column]) -> dict[str, str]:
    """Return missing column → the new column that may be it, each side at most once.

    A pair has one type, and stands at the same place or has similar names; the best pair goes
    first. Where nothing else is missing or new, one type is enough.
    """
    before = {column.name for column in expected}
    after = {column.name for column in actual}
    missing = [(at, c) for at, c in enumerate(expected) if c.name not in after]
    new = [(at, c) for at, c in enumerate(actual) if c.name not in before]
    if not missing or not new:
        return {}
    alone = len(missing) == len(new) == 1
    places = _Places(expected, actual)
    pairs: list[Pair] = []
    for i, k in _candidates(missing, new):
        (was, old), (now, other) = missing[i], new[k]
        if not old.type.accepts(other.type):
            continue
        likeness, place = _likeness(old.name, other.name), places.same(was, now)
        if alone or place or likeness >= _SIMILAR:
            pairs.append((likeness + place * _PLACE, i, k))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, k in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if i not in found and k not in taken:
            found[i] = k
            taken.add(k)
    return {missing[i][1].name: new[k][1].name for i, k in sorted(found.items())}


class _Places:
    """Where columns stand: at which index, and between which neighbours."""

    def __init__(self, expected: Sequence[Column], actual: Sequence[Column]) -> None:
        self._was = ("", *(column.name for column in expected), "")
        self._now = ("", *(column.name for column in actual), "")

    def same(self, was: int, now: int) -> bool:
        """Whether both stand at one index, or between the same two neighbours."""
        if was == now:
            return True
        before = self._was[was] == self._now[now]
        return before and self._was[was + 2] == self._now[now + 2]


def _candidates(
    missing: Sequence[tuple[int, Column]], new: Sequence[tuple[int, Column]]
) -> Iterator[tuple[int, int]]:
    if len(missing) * len(new) <= _MOST_PAIRS:
        yield from ((i, k) for i in range(len(missing)) for k in range(len(new)))
        return
    at = {now: k for k, (now, _) in enumerate(new)}
    like = {folded(column.name): k for k, (_, column) in enumerate(new)}
    for i, (was, column) in enumerate(missing):
        found = {at.get(was), like.get(folded(column.name))} - {None}
        yield from ((i, k) for k in sorted(k for k in found if k is not None))


def folded(name: str) -> str:
    """Return a name as an engine sees it that heeds neither case nor how letters are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _likeness(one: str, other: str) -> float:
    a, b = folded(one), folded(other)
    if a == b or (min(len(a), len(b)) >= _SHORTEST_STEM and (a.startswith(b) or b.startswith(a))):
        return 1.0
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
