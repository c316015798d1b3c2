"""`baseline.json`: schema, figures and how far they may be believed, as bytes that never differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import median_low
from typing import Any

from sfctl.model.schema import Schema
from sfctl.profiling.column import ColumnState
from sfctl.profiling.day import merged
from sfctl.profiling.figures import number, shown
from sfctl.profiling.history import WINDOW, History
from sfctl.profiling.tiers import Defaults

DAYS_WANTED = 7
"""Days of its own history from which a baseline speaks for the dataset."""


def baseline(
    history: History, schema: Schema, dataset_urn: str, source: str, defaults: Defaults
) -> dict[str, Any]:
    """Return a dataset's baseline: the same days, the same document, however they were read.

    `source` names where the rows come from. Fewer than seven days make the baseline synthetic: it
    says so, and names where its expectations of volume come from.
    """
    days = list(history.days.values())
    known, texts = merged(days)
    columns = {c.name: known.get(c.name, ColumnState("other")) for c in schema.columns}
    dated = len(days) if history.dated else 0
    synthetic = dated < DAYS_WANTED
    rows = sum(day.rows for day in days)
    document: dict[str, Any] = {
        "schema_version": 2,
        "dataset": dataset_urn,
        "source": source,
        "rows": rows,
        "schema": schema.as_json(),
        "fingerprint": schema.fingerprint(),
        "shape": schema.shape(),
        "columns": shown(columns, texts, dated),
        "keys": keys(history),
        "relations": [_said(each) for each in relations(history)],
        "volume": _volume(history, rows, synthetic, defaults),
        "is_synthetic": synthetic,
        "window": {"days": dated, "wanted": DAYS_WANTED, "most": WINDOW, **_span(history)},
    }
    arrival = _arrival(history)
    if arrival:
        document["arrival"] = arrival
    if synthetic:
        document["synthetic"] = defaults.as_json()
    return document


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the file's bytes: the same document, the same bytes."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def keys(history: History) -> list[list[str]]:
    """Return the smallest sets of columns that are unique within every day."""
    secret = history.personal.keys()
    common: list[frozenset[str]] | None = None
    for day in history.days.values():
        if day.rows < 2:
            continue
        here = [frozenset(key) for key in day.keys if secret.isdisjoint(key)]
        if common is None:
            common = here
            continue
        # what contains a key of each day is a key of both
        both = {a | b for a in common for b in here if len(a | b) <= 3}
        common = [key for key in both if not any(other < key for other in both)]
    return sorted((sorted(key) for key in common or ()), key=lambda key: (len(key), key))


def relations(history: History) -> list[tuple[str, ...]]:
    """Return what every row of every day keeps: (low, high), or (part, part, total)."""
    secret = history.personal.keys()
    held = [set(day.relations) for day in history.days.values() if day.rows]
    common = set.intersection(*held) if held else set()
    return sorted(each for each in common if secret.isdisjoint(each))


def _said(relation: tuple[str, ...]) -> str:
    if len(relation) == 2:
        return f"{relation[0]} <= {relation[1]}"
    return f"{relation[2]} = {relation[0]} + {relation[1]}"


def _volume(history: History, rows: int, synthetic: bool, defaults: Defaults) -> dict[str, Any]:
    by_day = {day: state.rows for day, state in history.days.items()} if history.dated else {}
    counts = sorted(by_day.values()) or [rows]
    found: dict[str, Any] = {
        "rows_per_day": {"min": counts[0], "median": median_low(counts), "max": counts[-1]},
        "source": defaults.source if synthetic else "own history",
    }
    if by_day:
        found["days"] = by_day
    return found


def _arrival(history: History) -> dict[str, Any]:
    """Return when days were complete, in hours after their start (UTC), by the table's log.

    A day that was written more than a week late was filled in afterwards, and tells nothing.
    """
    known = sorted(d.arrived / 3600 for d in history.days.values() if d.arrived is not None)
    hours = [each for each in known if 0 <= each <= 24 * 7]
    if not known:
        return {}
    found: dict[str, Any] = {
        "source": "commit log, hours after the start of the day (UTC)",
        "days": len(hours),
        "filled_in_later": len(known) - len(hours),
    }
    if hours:
        named = {"earliest": hours[0], "median": median_low(hours), "latest": hours[-1]}
        found |= {name: number(round(value, 2)) for name, value in named.items()}
    return found


def _span(history: History) -> dict[str, Any]:
    days = sorted(history.days) if history.dated else []
    return {"first": days[0], "last": days[-1]} if days else {}
