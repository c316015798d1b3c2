"""`baseline.json`: schema, figures and how far they may be believed, as bytes that never differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sfctl.model.schema import Schema
from sfctl.profiling.measure import measure, number
from sfctl.runtime.core.schema_of import of_polars
from sfctl.runtime.pii import actions

if TYPE_CHECKING:
    import polars as pl

DAYS_WANTED = 7
"""Days of its own history from which a baseline speaks for the dataset."""
DAY_COLUMNS = ("dt", "date", "ds", "day_date", "partition_date")
SAMPLE = 10_000


def baseline(
    frame: pl.LazyFrame, dataset_urn: str, source: str, declared: Schema, hidden: frozenset[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a dataset's baseline, and the personal data found by column.

    `source` names where the rows come from, `declared` gives nullability where it is known,
    values of `hidden` columns and of columns that look personal are left out. Fewer than seven
    days of rows make the volume figures synthetic, and the baseline says so.
    """
    personal = personal_columns(frame)
    schema = of_polars(frame.collect_schema()).with_nullability_of(declared)
    measured = measure(frame, hidden | personal.keys())
    rows_by_day = dict(_days(frame))
    document = {
        "schema_version": 1,
        "dataset": dataset_urn,
        "source": source,
        "rows": measured["rows"],
        "schema": schema.as_json(),
        "fingerprint": schema.fingerprint(),
        "shape": schema.shape(),
        "columns": measured["columns"],
        "volume": _volume(rows_by_day, measured["rows"]),
        "is_synthetic": len(rows_by_day) < DAYS_WANTED,
        "window": {"days": len(rows_by_day), "wanted": DAYS_WANTED, **_span(rows_by_day)},
    }
    return document, personal


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the file's bytes: the same document, the same bytes."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def personal_columns(frame: pl.LazyFrame) -> dict[str, str]:
    """Return the string columns of which most sampled values are personal data, with the kind."""
    head = frame.head(SAMPLE).collect()
    found: dict[str, tuple[int, str]] = {}
    for finding in actions.advise(head, ()):
        if finding.matches * 2 > finding.evaluated:
            best = found.get(finding.column, (0, ""))
            found[finding.column] = max(best, (finding.matches, finding.kind))
    return {column: kind for column, (_, kind) in found.items()}


def _days(frame: pl.LazyFrame) -> Iterator[tuple[str, int]]:
    """Yield the rows of each day, by the first column that is named or partitioned by day."""
    import polars as pl

    schema = frame.collect_schema()
    name = next((column for column in DAY_COLUMNS if column in schema), None)
    if name is None:
        return
    counted = frame.group_by(name).agg(pl.len().alias("rows")).sort(name).collect()
    for day, rows in counted.iter_rows():
        if day is not None:
            yield str(number(day))[:10], rows


def _volume(rows_by_day: Mapping[str, int], rows: int) -> dict[str, Any]:
    counts = sorted(rows_by_day.values()) or [rows]
    return {
        "rows_per_day": {
            "min": counts[0],
            "median": counts[len(counts) // 2],
            "max": counts[-1],
        },
        "source": "own history" if len(rows_by_day) >= DAYS_WANTED else "this sample alone",
    }


def _span(rows_by_day: Mapping[str, int]) -> dict[str, Any]:
    days = sorted(rows_by_day)
    return {"first": days[0], "last": days[-1]} if days else {}
