"""A day as rules see it: plain figures of each column, made once from the day's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfctl.profiling.column import ColumnState
from sfctl.profiling.day import DayState
from sfctl.profiling.figures import NUMBERS
from sfctl.profiling.texts import TextState


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column on one day. `values` are those kept with their rows, None where too many.

    `empty` counts what has no value to a rule: nulls, NaN or infinite floats, dates past 9999.
    """

    family: str
    rows: int
    empty: int
    values: Mapping[Any, int] | None
    distinct: int
    least: Any
    most: Any
    mean: float | None
    shortest: int | None
    longest: int | None
    shapes: Mapping[str, int] | None
    formats: Mapping[str, int]
    sampled: int

    @property
    def null_rate(self) -> float:
        return self.empty / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class DayView:
    """One day. `day` is empty where nothing says what day rows belong to."""

    day: str
    rows: int
    columns: Mapping[str, ColumnView]
    keys: tuple[frozenset[str], ...]
    relations: frozenset[tuple[str, ...]]


def view_of(day: str, state: DayState, secret: frozenset[str]) -> DayView:
    """Return a day without its secret columns' values."""
    return DayView(
        day,
        state.rows,
        {
            name: _column(column, state.texts.get(name), name in secret or column.hidden)
            for name, column in state.columns.items()
        },
        tuple(frozenset(key) for key in state.keys if secret.isdisjoint(key)),
        frozenset(r for r in state.relations if secret.isdisjoint(r)),
    )


def _column(state: ColumnState, text: TextState | None, secret: bool) -> ColumnView:
    figures = state.figures
    number = state.family in NUMBERS and bool(figures.values) and not secret
    values = None
    if state.wide is None and not secret:
        values = dict(state.kept.values())
    least, most = (None, None) if secret else (figures.least, figures.most)
    if state.family == "decimal" and least is not None and most is not None:
        least, most = float(least), float(most)
    return ColumnView(
        "hidden" if secret else state.family,
        state.rows,
        state.nulls + state.nans,
        values,
        state.distinct,
        least,
        most,
        figures.mean if number else None,
        figures.shortest,
        figures.longest,
        None if text is None or secret else text.shapes,
        {} if text is None or secret else text.formats,
        0 if text is None else text.sampled,
    )
