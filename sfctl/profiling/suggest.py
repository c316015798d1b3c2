"""From figures to rules worth having, each with its reason. A suggestion enforces nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ENOUGH_ROWS = 100
MAX_VALUES = 20
MARGIN = 0.5
"""How far beyond what was seen a bound is put, as a share of the span."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule as it would stand in policy_bundle.yaml. `confidence` is a share."""

    block: str
    rule: dict[str, Any]
    reason: str
    confidence: float


def suggestions(measured: Mapping[str, Any], personal: Mapping[str, str]) -> list[Suggestion]:
    """Return rules that the measured rows keep; `personal` maps columns to the PII kind found.

    Nothing is suggested from no rows. Confidence is 1 - 3/rows for what never happened (the rule
    of three at 95 %), and lower where a choice was made.
    """
    rows: int = measured["rows"]
    if not rows:
        return []
    found: list[Suggestion] = []
    for name, figures in measured["columns"].items():
        found += _presence(name, figures, rows)
        if name in personal:
            found.append(_protection(name, personal[name]))
        elif not figures.get("personal"):
            found += _content(name, figures, rows)
    found.append(_volume(rows))
    return found


def _never(rows: int) -> float:
    return round(max(0.0, 1 - 3 / rows), 4)


def _presence(name: str, figures: Mapping[str, Any], rows: int) -> Iterator[Suggestion]:
    nulls = figures["nulls"]
    if nulls == 0:
        reason = f"no null in {rows:,} rows"
        yield Suggestion("contract_lite", {"required_fields": [name]}, reason, _never(rows))
    elif rows >= ENOUGH_ROWS:
        rate = nulls / rows
        limit = min(1.0, round(rate * (1 + MARGIN) + 0.01, 2))
        reason = f"{nulls:,} of {rows:,} rows are null; half as much again is let through"
        yield Suggestion("dq", {"kind": "null_rate", "field": name, "max": limit}, reason, 0.8)
    if nulls == 0 and figures.get("distinct") == rows and rows >= ENOUGH_ROWS:
        reason = f"every one of {rows:,} values occurs once"
        yield Suggestion("dq", {"kind": "unique", "field": name}, reason, _never(rows))


def _protection(name: str, kind: str) -> Suggestion:
    entry = {"pattern": kind, "columns": [name], "action": "tokenize"}
    return Suggestion("pii", entry, f"its values look like {kind}", 0.9)


def _content(name: str, figures: Mapping[str, Any], rows: int) -> Iterator[Suggestion]:
    if rows < ENOUGH_ROWS:
        return
    values = figures.get("values") or []
    texts = [each["value"] for each in values if isinstance(each["value"], str)]
    listed = values and len(texts) == len(values) <= MAX_VALUES and "length" in figures
    if listed:
        reason = f"only {len(values)} values occur in {rows:,} rows"
        accepted = {"kind": "accepted_values", "field": name, "values": texts}
        yield Suggestion("dq", accepted, reason, 0.7)
    elif figures.get("length") and figures["length"]["max"]:
        low, high = figures["length"]["min"], figures["length"]["max"]
        span = f"{low}" if low == high else f"{low} to {high}"
        reason = f"texts are {span} characters long"
        yield Suggestion(
            "dq", {"kind": "length", "field": name, "min": low, "max": high}, reason, 0.6
        )
    low, high = figures.get("min"), figures.get("max")
    if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
        margin = (high - low) * MARGIN
        least = low - margin if low < 0 else max(0, low - margin)
        rule = {
            "kind": "range",
            "field": name,
            "min": _round(low, least),
            "max": _round(high, high + margin),
        }
        reason = f"values run from {low:,} to {high:,}; half the span is added at each end"
        yield Suggestion("dq", rule, reason, 0.6)


def _round(like: float, bound: float) -> float:
    return round(bound) if isinstance(like, int) else float(f"{bound:.6g}")


def _volume(rows: int) -> Suggestion:
    rule = {"kind": "row_count", "min": max(1, rows // 2), "max": rows * 2}
    return Suggestion("dq", rule, f"{rows:,} rows were seen; half to twice as many pass", 0.5)
