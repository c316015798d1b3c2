"""Look for personal data in files: which columns hold it, or where in texts it stands.

Rows are read piece by piece and only counts or places are kept: no value leaves this module.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sfctl.errors import SourceError
from sfctl.model import codec
from sfctl.runtime.pii.classifier import BATCH, Classifier, places
from sfctl.runtime.pii.kinds import Kind
from sfctl.runtime.pii.leaves import pairs

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 10_000_000
"""Rows looked at where nobody asked for fewer."""
LEAST_SHARE = 0.005
"""A column is of a kind when at least this share of its values holds one."""
LEAST_VALID = 0.5
"""Of numbers that look right, the share whose check digits must be: by chance it is a tenth."""
_LONGEST_LINE = 64 * 2**20
_SEED = 20


@dataclass(slots=True)
class Counts:
    """One column so far: filled values, and per kind those that look right and those that are."""

    values: int = 0
    candidates: dict[str, int] = field(default_factory=dict)
    matches: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, candidates: int, matches: int) -> None:
        if candidates:
            self.candidates[kind] = self.candidates.get(kind, 0) + candidates
            self.matches[kind] = self.matches.get(kind, 0) + matches

    def verdict(self, least: dict[str, float]) -> str | None:
        """Return the kind of the column: the most frequent that is no accident, or None."""
        real = [
            (count, kind)
            for kind, count in self.matches.items()
            if count
            and count >= least.get(kind, LEAST_SHARE) * self.values
            and count >= LEAST_VALID * self.candidates[kind]
        ]
        return min(real, key=lambda pair: (-pair[0], pair[1]))[1] if real else None


class Span(msgspec.Struct, frozen=True):
    """A place in a text: line from 1, `start` and `end` in characters of the text, from 0."""

    line: int
    start: int
    end: int
    kind: str


def count_columns(
    chunks: Iterable[pl.DataFrame],
    kinds: Sequence[Kind],
    into: dict[str, Counts],
    classifier: Classifier | None = None,
) -> int:
    """Count per column what is of which kind; return the rows seen.

    A field inside a struct is a column `a.b`; of a list every element is a value. Of whole
    numbers only kinds with check digits are looked for.
    """
    rows = 0
    for chunk in chunks:
        rows += chunk.height
        for series in _leaves(chunk):
            text, asked = _text(series, kinds)
            counts = into.setdefault(series.name, Counts())
            counts.values += text.len() - text.null_count()
            for kind in asked:
                counts.add(kind.name, *_found(text, kind))
            if classifier is not None and asked == kinds:
                _classified(text, classifier, counts)
    return rows


def _classified(text: pl.Series, classifier: Classifier, counts: Counts) -> None:
    told: dict[str, int] = {}
    values = text.drop_nulls().value_counts(name="n")
    listed = values.get_column(text.name).to_list()
    for found, rows in zip(places(classifier, listed), values["n"], strict=True):
        for kind in {kind for _, _, kind in found}:
            told[kind] = told.get(kind, 0) + rows
    for kind, rows in told.items():
        if kind not in counts.matches:  # of its own kinds a detector knows better
            counts.add(kind, rows, rows)


def bounded(chunks: Iterable[pl.DataFrame], most: int) -> Iterator[pl.DataFrame]:
    """Yield `most` rows; of what lies beyond, one chunk is asked for and left alone."""
    left = most
    for chunk in chunks:
        if left <= 0:
            return
        yield chunk.head(left)
        left -= chunk.height


def drawn(chunks: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Yield `size` rows drawn from all of them, the same whenever the rows are the same."""
    import polars as pl

    mark = "_sfctl_draw"
    kept: pl.DataFrame | None = None
    start = 0
    for chunk in chunks:
        row = pl.int_range(start, start + chunk.height, dtype=pl.UInt64, eager=True)
        start += chunk.height
        drawn_of = chunk.with_columns(row.hash(_SEED).alias(mark))
        together = drawn_of if kept is None else pl.concat([kept, drawn_of])
        kept = together.bottom_k(size, by=mark)
    if kept is not None:
        yield kept.drop(mark)


def spans(
    path: str,
    kinds: Sequence[Kind],
    *,
    sample: int | None = None,
    classifier: Classifier | None = None,
) -> Iterator[list[Span]]:
    """Yield what every text of a JSON Lines file holds, a list a line.

    What a classifier finds counts where no detector found anything. `sample` takes so many lines,
    drawn evenly by number. Raises SourceError SF883 for a line that is no object with `text`.
    """
    lines = _texts(path)
    if sample is not None:
        from hashlib import blake2b

        def lot(pair: tuple[int, str]) -> bytes:
            return blake2b(b"%d" % pair[0], digest_size=8).digest()

        lines = iter(sorted(heapq.nsmallest(sample, lines, key=lot)))
    else:
        lines = islice(lines, MOST_ROWS)
    if classifier is None:
        for number, text in lines:
            yield spans_in(text, kinds, number)
        return
    while some := list(islice(lines, BATCH)):
        more = places(classifier, [text for _, text in some])
        for (number, text), found in zip(some, more, strict=True):
            taken = spans_in(text, kinds, number)
            taken += [
                Span(number, start, end, kind)
                for start, end, kind in found
                if all(end <= span.start or start >= span.end for span in taken)
            ]
            yield sorted(taken, key=lambda span: span.start)


def spans_in(text: str, kinds: Sequence[Kind], line: int = 1) -> list[Span]:
    """Return the places of personal data in one text, in order, without overlaps.

    Of places that overlap, one with valid check digits wins, then the longest, then the first.
    """
    found = []
    for order, kind in enumerate(kinds):
        for match in kind.matches(text):
            start, end = match.span()
            found.append((kind.valid is None, start - end, start, order, end, kind.name))
    taken: list[Span] = []
    for _, _, start, _, end, name in sorted(found):
        if all(end <= span.start or start >= span.end for span in taken):
            taken.append(Span(line, start, end, name))
    return sorted(taken, key=lambda span: span.start)


def holds_texts(path: str) -> bool:
    """Tell whether a file is JSON Lines whose first object has a `text`."""
    if Path(path).suffix.lower() not in (".jsonl", ".ndjson") or not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
            if line.strip():
                try:
                    first = codec.decode(line, object)
                except (msgspec.DecodeError, UnicodeError):
                    return False
                return isinstance(first, dict) and isinstance(first.get("text"), str)
    return False


def _texts(path: str) -> Iterator[tuple[int, str]]:
    """Yield line numbers and texts; a null text is none."""
    try:
        with Path(path).open("rb") as file:
            lines = iter(lambda: file.readline(_LONGEST_LINE), b"")
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row: Any = codec.decode(line, object)
                except (msgspec.DecodeError, UnicodeError):
                    row = None
                if not isinstance(row, dict) or not isinstance(row.get("text"), str | None):
                    raise SourceError(
                        f"{path}:{number} is no JSON object with a text under `text`",
                        hint="mend or remove the line; nothing was reported for the file",
                        code="SF883",
                    )
                if row.get("text"):
                    yield number, row["text"]
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _leaves(frame: pl.DataFrame) -> Iterator[pl.Series]:
    import polars as pl

    for series in frame:
        if isinstance(series.dtype, pl.Struct):
            inner = series.struct.unnest()
            yield from _leaves(inner.rename({n: f"{series.name}.{n}" for n in inner.columns}))
        elif isinstance(series.dtype, pl.List | pl.Array | pl.Map):
            values = (pairs(series) if isinstance(series.dtype, pl.Map) else series).explode()
            yield from _leaves(values.to_frame())
        else:
            yield series


def _text(series: pl.Series, kinds: Sequence[Kind]) -> tuple[pl.Series, Sequence[Kind]]:
    import polars as pl

    if series.dtype == pl.String:
        return series, kinds
    if isinstance(series.dtype, pl.Categorical | pl.Enum):
        return series.cast(pl.String), kinds
    if series.dtype.is_integer():
        return series.cast(pl.String), [kind for kind in kinds if kind.valid is not None]
    return series, ()


def _found(text: pl.Series, kind: Kind) -> tuple[int, int]:
    """Return how many values look like the kind, and how many are of it."""
    hits = text.str.contains(kind.probe)
    candidates = int(hits.sum() or 0)
    if kind.valid is None or not candidates:
        return candidates, candidates
    counted = text.alias("").filter(hits.fill_null(value=False)).value_counts(name="n")
    real = sum(
        count for value, count in counted.iter_rows() if next(kind.matches(value), None) is not None
    )
    return candidates, real
