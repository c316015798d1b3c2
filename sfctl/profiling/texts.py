"""What the texts of a column look like, from a sample: their shapes, formats and personal data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from sfctl.model.formats import FORMATS
from sfctl.runtime.pii.kinds import KINDS, Kind
from sfctl.runtime.pii.scan import Counts, count_columns, spans_in

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 4_000
"""Rows at the start of each day whose texts are looked at."""
MAX_SHAPES = 50
"""A column of more shapes than this is free text, and has none."""
LOOSE = frozenset(["hostname", "phone", "ip", "credit_card"])
"""Formats that ordinary words and numbers have by accident, or that another one names better."""
_FIRST = 20


class TextState(msgspec.Struct, frozen=True):
    """One text column's sample. `shapes` is None for free text; counts are of sampled values."""

    sampled: int = 0
    shapes: dict[str, int] | None = {}
    formats: dict[str, int] = {}
    candidates: dict[str, int] = {}
    personal: dict[str, int] = {}

    def merge(self, other: TextState) -> TextState:
        """Return both together: associative and commutative."""
        shapes = None
        if self.shapes is not None and other.shapes is not None:
            shapes = _added(self.shapes, other.shapes)
        return TextState(
            self.sampled + other.sampled,
            shapes if shapes is not None and len(shapes) <= MAX_SHAPES else None,
            _added(self.formats, other.formats),
            _added(self.candidates, other.candidates),
            _added(self.personal, other.personal),
        )

    @property
    def kind(self) -> str | None:
        """Return the kind of personal data the column holds, by the measure of `pii scan`."""
        counts = Counts(self.sampled, dict(self.candidates), dict(self.personal))
        return counts.verdict({}) if self.sampled else None

    def scrubbed(self) -> TextState:
        """Return the state without shapes and formats, which follow the values closely."""
        return TextState(self.sampled, None, {}, self.candidates, self.personal)


def kind_in(values: Iterable[object], further: Sequence[Kind] = ()) -> str | None:
    """Return the kind of the first personal data that one of some values holds.

    `further` are kinds beside those that are built in.
    """
    kinds = [*KINDS.values(), *further]
    for value in values:
        if isinstance(value, str) and (found := spans_in(value, kinds)):
            return found[0].kind
    return None


def _added(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    found = dict(left)
    for key, count in right.items():
        found[key] = found.get(key, 0) + count
    return dict(sorted(found.items()))


def texts_of(sample: pl.DataFrame, further: Sequence[Kind] = ()) -> dict[str, TextState]:
    """Return the state of every text column of some rows, and of numbers with check digits."""
    import polars as pl

    kinds = [*KINDS.values(), *further]
    found: dict[str, TextState] = {}
    for series in sample:
        # what hides inside a struct or a list makes the whole column personal
        inner: dict[str, Counts] = {}
        count_columns([series.to_frame()], kinds, inner)
        personal, candidates = _strongest(inner.values())
        values = max((c.values for c in inner.values()), default=0)
        shapes: dict[str, int] | None = None
        formats: dict[str, int] = {}
        if series.dtype == pl.String or isinstance(series.dtype, pl.Categorical | pl.Enum):
            texts = series.cast(pl.String).drop_nulls()
            shapes, formats = _shapes(texts), _formats(texts)
        elif not any(personal.values()):
            continue
        found[series.name] = TextState(values, shapes, formats, candidates, personal)
    return found


def _strongest(inner: Collection[Counts]) -> tuple[dict[str, int], dict[str, int]]:
    least: dict[str, float] = {}
    for counts in inner:
        if counts.verdict(least) is not None:
            return dict(sorted(counts.matches.items())), dict(sorted(counts.candidates.items()))
    matches: dict[str, int] = {}
    candidates: dict[str, int] = {}
    for counts in inner:
        matches, candidates = _added(matches, counts.matches), _added(candidates, counts.candidates)
    return matches, candidates


def _shapes(texts: pl.Series) -> dict[str, int] | None:
    """Count texts by shape: A for A to Z, a for a to z, 9 for a digit, others as they are."""
    shape = (
        texts.str.replace_all(r"[0-9]", "9")
        .str.replace_all(r"[A-Z]", "A")
        .str.replace_all(r"[a-z]", "a")
    )
    if shape.n_unique() > MAX_SHAPES:
        return None
    counted = shape.value_counts(name="_rows")
    return dict(sorted(zip(counted.to_series(0), counted.to_series(1), strict=True)))


def _formats(texts: pl.Series) -> dict[str, int]:
    """Count the texts that have a format which most of the first few have."""
    first = texts.head(_FIRST).to_list()
    found: dict[str, int] = {}
    for name, spec in FORMATS.items():
        if name in LOOSE or not first or sum(map(spec.valid, first)) * 2 <= len(first):
            continue
        counted = texts.value_counts(name="_rows")
        found[name] = sum(
            rows
            for text, rows in zip(counted.to_series(0), counted.to_series(1), strict=True)
            if spec.valid(text)
        )
    return found
