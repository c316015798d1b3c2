"""The state of a column as it stands in `baseline.json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sfctl.profiling.column import (
    DISTINCT_ERROR,
    QUANTILE_ERROR,
    ColumnState,
    Scalar,
    Wide,
    middle,
    order,
)
from sfctl.profiling.texts import SAMPLE, TextState

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FEW = 25
"""A column with at most so many values has them listed."""
MOST_SHAPES = 5
NUMBERS = ("integer", "float", "decimal")


def column_figures(state: ColumnState, text: TextState | None, days: int) -> dict[str, Any]:
    """Return the figures of a column; `days` is how many it rests on, 0 where days are unknown.

    Of a hidden column only counts and lengths are given. Floats keep 12 significant digits.
    """
    found: dict[str, Any] = {"nulls": state.nulls, "null_rate": rate(state.nulls, state.rows)}
    if state.nans:
        found["not_finite"] = state.nans
    found["presence"] = "required" if state.rows and not (state.nulls + state.nans) else "optional"
    found["confidence"] = confidence(state.rows, days)
    if state.family == "other":
        return found
    figures = state.figures
    found["distinct"] = state.distinct
    if state.wide is not None and not state.hidden:
        found["distinct_error"] = DISTINCT_ERROR
    if figures.shortest is not None:
        found["length"] = {
            "min": figures.shortest,
            "max": figures.longest,
            "mean": number(figures.letters / figures.values),
        }
        found["empty"] = figures.empty
        found["padded"] = figures.padded
    if state.hidden:
        return found | {"personal": True}
    if state.family != "boolean":
        found |= {"min": figures.least, "max": figures.most}
    if state.family in NUMBERS:
        found |= _numbers(state, figures)
    if 0 < state.distinct <= FEW and state.wide is None:
        found["values"] = [{"value": v, "rows": rows} for v, rows in listed(state)]
    if text is not None and text.sampled:
        found |= _texts(text)
    return found


def _numbers(state: ColumnState, figures: Wide) -> dict[str, Any]:
    if not figures.values:
        return {"mean": None, "stddev": None}
    spread = figures.squares / (figures.values - 1) if figures.values > 1 else None
    found: dict[str, Any] = {
        "mean": number(figures.mean),
        "stddev": None if spread is None else number(math.sqrt(spread) if spread >= 0 else 0.0),
        "zeros": figures.zeros,
        "negatives": figures.negatives,
        "quantiles": quantiles(state),
    }
    if state.wide is not None:
        found["quantile_error"] = QUANTILE_ERROR
    return found


def _texts(text: TextState) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if text.shapes:
        common = sorted(text.shapes.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_SHAPES]
        found["patterns"] = [
            {"pattern": shape, "share": rate(count, text.sampled)} for shape, count in common
        ]
    if text.formats:
        found["formats"] = {
            name: rate(count, text.sampled) for name, count in sorted(text.formats.items())
        }
    if found:
        found["sampled"] = f"{text.sampled} values, of at most {SAMPLE} rows a day"
    return found


def listed(state: ColumnState) -> list[tuple[Scalar, int]]:
    """Return the values of a column that has few, in order, each with its rows."""
    known = [(value, rows) for value, rows in state.kept.values() if value is not None]
    by = order(state.family)
    return sorted(known, key=lambda pair: by(pair[0]) if by is not None else pair[0])


def quantiles(state: ColumnState) -> dict[str, Any]:
    """Return the quantiles by name: exact while all values are kept, else of the histogram."""
    if state.wide is None:
        ordered = listed(state)
    else:
        low, high = float(state.wide.least or 0), float(state.wide.most or 0)
        ordered = [
            (min(max(middle(at), low), high), rows)
            for at, rows in sorted(state.wide.buckets.items())
        ]
    total = sum(rows for _, rows in ordered)
    found: dict[str, Any] = {}
    for share in QUANTILES:
        rank, seen = round(share * (total - 1)), 0
        for value, rows in ordered:
            seen += rows
            if seen > rank:
                found[f"{share:g}"] = number(value)
                break
    return found


def confidence(rows: int, days: int) -> float:
    """Return how far figures may be believed: the rule of three over rows, Laplace's over days."""
    by_rows = max(0.0, 1 - 3 / rows) if rows else 0.0
    return round(by_rows if not days else min(by_rows, days / (days + 1)), 4)


def rate(count: int, rows: int) -> float | None:
    """Return a share to 12 digits, None of nothing."""
    return float(number(count / rows)) if rows else None


def number(value: Any) -> Any:
    """Return a value as JSON can hold it: floats to 12 digits, decimals and times as text."""
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def shown(columns: Mapping[str, ColumnState], texts: Mapping[str, TextState], days: int) -> Any:
    """Return the figures of all columns by name."""
    return {name: column_figures(c, texts.get(name), days) for name, c in columns.items()}
