"""What holds between the columns of a day: keys, orders, sums. Guessed from its first rows, then
held against every row; what one row contradicts is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, permutations
from typing import TYPE_CHECKING

from sfctl.profiling.chunk import family_of

if TYPE_CHECKING:
    import polars as pl

FIRST = 10_000
"""Rows at the start of a day that guesses are made from."""
MOST_KEY_COLUMNS = 3
MOST_CANDIDATES = 6
"""Columns with the most distinct values, from which composite keys are put together."""
MOST_HASHES = 50_000_000
"""Keys of a day beyond which none is called unique: they would not fit in memory."""
MOST_MEASURES = 100
"""Columns of numbers, and of times, that are compared with each other: the first ones of a table.
Pairs grow with their square, and sums with their cube."""
LEAST_OVERLAP = 0.3
"""Of the numbers two columns range over together, the share both range over, to be comparable."""
_SEED = 20
_TOLERANCE = 1e-9

Key = tuple[str, ...]
Sum = tuple[str, str, str]


@dataclass(slots=True)
class Relations:
    """Relations of one day: `add` its chunks in order, then ask."""

    hidden: frozenset[str] = frozenset()
    _guessed: bool = False
    _early: list[pl.DataFrame] = field(default_factory=list)
    _hashes: dict[Key, list[pl.Series]] = field(default_factory=dict)
    _rows: int = 0
    _orders: list[tuple[str, str]] = field(default_factory=list)
    _sums: list[Sum] = field(default_factory=list)

    def add(self, chunk: pl.DataFrame) -> None:
        """Hold the guesses against a chunk; the first `FIRST` rows make them."""
        if not self._guessed:
            self._early.append(chunk)
            if sum(early.height for early in self._early) < FIRST:
                return
            self._guess()
        else:
            self._hold(chunk)

    def unique(self) -> list[list[str]]:
        """Return the smallest sets of columns whose values occur once in the day."""
        import polars as pl

        self._guess()
        found = [
            key for key, seen in self._hashes.items() if pl.concat(seen).n_unique() == self._rows
        ]
        return [list(key) for key in sorted(found, key=lambda key: (len(key), key))]

    def held(self) -> list[tuple[str, ...]]:
        """Return what every row of the day keeps: (low, high), or (part, part, total)."""
        self._guess()
        return sorted([*self._orders, *self._sums])

    def _guess(self) -> None:
        import polars as pl

        if self._guessed:
            return
        self._guessed = True
        early, self._early = self._early, []
        if not early:
            return
        first = pl.concat(early).head(FIRST)
        self._hashes = {key: [] for key in _possible_keys(first, self.hidden)}
        self._orders = list(_possible_orders(first, self.hidden))
        self._sums = list(_possible_sums(first, self.hidden))
        for chunk in early:
            self._hold(chunk)

    def _hold(self, chunk: pl.DataFrame) -> None:
        self._rows += chunk.height
        for key in list(self._hashes):
            seen = _hashes(chunk, key)
            if self._rows > MOST_HASHES or seen is None or seen.n_unique() < seen.len():
                del self._hashes[key]
            else:
                self._hashes[key].append(seen)
        self._orders = [pair for pair in self._orders if _ordered(chunk, *pair)]
        self._sums = [parts for parts in self._sums if _added(chunk, *parts)]


def _hashes(chunk: pl.DataFrame, key: Key) -> pl.Series | None:
    """Return a hash of each row's key, None where a part of it is null."""
    import polars as pl

    parts = chunk.select(key)
    if any(series.null_count() for series in parts):
        return None
    expression = pl.col(key[0]) if len(key) == 1 else pl.struct(key)
    return parts.select(expression.hash(_SEED).alias("hash")).to_series()


def _possible_keys(first: pl.DataFrame, hidden: frozenset[str]) -> Iterator[Key]:
    """Yield the smallest keys of the first rows: no column of fractions or nulls is part of one."""
    import polars as pl

    distinct: list[tuple[int, int, str]] = []
    for position, series in enumerate(first):
        fits = family_of(series.dtype) in ("integer", "text", "time")
        if fits and series.name not in hidden and not series.null_count():
            distinct.append((-series.n_unique(), position, series.name))
    chosen = [name for _, _, name in sorted(distinct)[:MOST_CANDIDATES]]
    if first.height < 2:
        return
    found: list[Key] = []
    for size in range(1, MOST_KEY_COLUMNS + 1):
        names = [n for n in combinations(chosen, size) if not any(set(k) <= set(n) for k in found)]
        asked = [pl.struct(key).hash(_SEED).n_unique().alias(str(i)) for i, key in enumerate(names)]
        counts = first.select(asked).row(0) if asked else ()
        for key, count in zip(names, counts, strict=True):
            if count == first.height:
                found.append(key)
                yield tuple(sorted(key, key=first.columns.index))


def _possible_orders(first: pl.DataFrame, hidden: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of columns of one measure of which the first is never the greater."""
    columns = [s for s in first if s.name not in hidden and s.null_count() < s.len()]
    times = [s for s in columns if s.dtype.is_temporal()][:MOST_MEASURES]
    numbers = [s for s in columns if s.dtype.is_numeric()][:MOST_MEASURES]
    for low, high in chain(permutations(times, 2), permutations(numbers, 2)):
        if _comparable(low, high) and _ordered(first, low.name, high.name):
            yield low.name, high.name


def _comparable(low: pl.Series, high: pl.Series) -> bool:
    """Tell whether two times, or two numbers whose names share a word, measure the same."""
    if low.dtype.is_temporal():
        return low.dtype == high.dtype
    words = set(low.name.lower().split("_")) & set(high.name.lower().split("_"))
    return bool(words - {"id", "no", "nr", "number"}) and _overlap(low, high)


def _overlap(low: pl.Series, high: pl.Series) -> bool:
    """Tell whether two columns range over much the same numbers."""
    a, b, c, d = (float(x) for x in (low.min(), low.max(), high.min(), high.max()))  # type: ignore[arg-type]
    return min(b, d) - max(a, c) >= LEAST_OVERLAP * (max(b, d) - min(a, c))


def _ordered(chunk: pl.DataFrame, low: str, high: str) -> bool:
    return bool((chunk[low] <= chunk[high]).all())


def _possible_sums(first: pl.DataFrame, hidden: frozenset[str]) -> Iterator[Sum]:
    """Yield columns of which one is the sum of two others, told first by their totals."""
    import polars as pl

    totals: dict[str, float] = {}
    filled = [s for s in first if 2 * s.null_count() <= s.len() and s.name not in hidden]
    numbers = [s.name for s in filled if s.dtype.is_numeric()][:MOST_MEASURES]
    first = first.drop_nulls(numbers)
    for series in first.select(numbers):
        if not series.null_count():
            total = float(series.cast(pl.Float64).sum() or 0.0)
            if math.isfinite(total) and series.n_unique() > 2:
                totals[series.name] = total
    for a, b in combinations(totals, 2):
        for whole, amount in totals.items():
            near = abs(totals[a] + totals[b] - amount) <= 1e-6 * max(1.0, abs(amount))
            if near and whole not in (a, b) and _added(first, a, b, whole):
                yield a, b, whole


def _added(chunk: pl.DataFrame, a: str, b: str, total: str) -> bool:
    import polars as pl

    parts: Sequence[pl.Series] = [chunk[name].cast(pl.Float64) for name in (a, b, total)]
    gap = (parts[0] + parts[1] - parts[2]).abs()
    return bool((gap <= _TOLERANCE * parts[2].abs().clip(1.0)).all())
