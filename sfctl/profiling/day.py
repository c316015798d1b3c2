"""One day of a dataset: the state of its columns, and what holds between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sfctl.profiling.chunk import states_of
from sfctl.profiling.column import ColumnState
from sfctl.profiling.figures import FEW
from sfctl.profiling.relations import Relations
from sfctl.profiling.texts import SAMPLE, TextState, kind_in, texts_of
from sfctl.runtime.pii.kinds import Kind

if TYPE_CHECKING:
    import polars as pl

WORTHWHILE = 32_768
"""Rows of a day that are measured at once, where chunks hold a few of each of many days."""


class DayState(msgspec.Struct, frozen=True):
    """The rows of one day, measured. `print_` tells the files it was read from."""

    rows: int
    columns: dict[str, ColumnState]
    texts: dict[str, TextState]
    keys: list[list[str]]
    relations: list[tuple[str, ...]]
    told: dict[str, str] = {}
    """Columns with personal data in a value that would be written, whatever the sample says."""
    print_: str = ""
    arrived: int | None = None
    """Seconds from the day's start (UTC) until its last file was there."""

    @property
    def personal(self) -> dict[str, str]:
        """The columns that hold personal data, with its kind."""
        return self.told | {name: kind for name, t in self.texts.items() if (kind := t.kind)}

    def scrubbed(self, hidden: frozenset[str]) -> DayState:
        """Return the day without what tells values of the hidden columns."""
        return msgspec.structs.replace(
            self,
            columns={n: c.scrubbed() if n in hidden else c for n, c in self.columns.items()},
            texts={n: t.scrubbed() if n in hidden else t for n, t in self.texts.items()},
        )


@dataclass(slots=True)
class DayScan:
    """A day being read, chunk by chunk in order. `hidden` columns take part in no key.

    `kinds` of personal data are looked for beside those that are built in.
    """

    hidden: frozenset[str] = frozenset()
    kinds: tuple[Kind, ...] = ()
    rows: int = 0
    columns: dict[str, ColumnState] = field(default_factory=dict)
    _early: list[pl.DataFrame] = field(default_factory=list)
    _waiting: list[pl.DataFrame] = field(default_factory=list)
    _relations: Relations | None = None

    def add(self, chunk: pl.DataFrame) -> None:
        """Measure some rows more; few are put by until they are worth the while."""
        self._waiting.append(chunk)
        self.rows += chunk.height
        if sum(waiting.height for waiting in self._waiting) >= WORTHWHILE:
            self._measure()

    def _measure(self) -> None:
        import polars as pl

        if not self._waiting:
            return
        chunk = pl.concat(self._waiting)
        self._waiting.clear()
        if self._relations is None:
            self._relations = Relations(self.hidden)
        fresh = states_of(chunk, self.columns)
        known = self.columns
        self.columns = {n: known[n].merge(s) if n in known else s for n, s in fresh.items()}
        missing = SAMPLE - sum(early.height for early in self._early)
        if missing > 0:
            self._early.append(chunk.head(missing))
        self._relations.add(chunk)

    def sealed(self) -> DayState:
        """Return what was measured, without the values of hidden and personal columns."""
        import polars as pl

        self._measure()
        texts = texts_of(pl.concat(self._early), self.kinds) if self._early else {}
        relations = self._relations or Relations()
        told = {
            name: kind
            for name, column in self.columns.items()
            if (kind := kind_in(_written(column), self.kinds))
        }
        personal = told.keys() | {name for name, text in texts.items() if text.kind}
        day = DayState(
            self.rows,
            self.columns,
            texts,
            [key for key in relations.unique() if personal.isdisjoint(key)],
            relations.held(),
            told,
        )
        return day.scrubbed(self.hidden | personal)


def _written(column: ColumnState) -> list[object]:
    """Return the values of a column that a baseline would hold."""
    if column.family != "text":
        return []
    if column.wide is None and len(column.kept) <= FEW:
        return [value for value, _ in column.kept.values()]
    return [column.figures.least, column.figures.most]


def merged(days: Sequence[DayState]) -> tuple[dict[str, ColumnState], dict[str, TextState]]:
    """Return the columns of several days together, always added up in the order given."""
    columns: dict[str, ColumnState] = {}
    texts: dict[str, TextState] = {}
    for day in days:
        for name, column in day.columns.items():
            columns[name] = columns[name].merge(column) if name in columns else column
        for name, text in day.texts.items():
            texts[name] = texts[name].merge(text) if name in texts else text
    return columns, texts
