"""A rule that some days suggest, before anything is known of its false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sfctl.profiling.view import ColumnView

ENOUGH_ROWS = 100
"""Rows from which values say anything beyond being there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule in its block, and why. `name` tells it from the others whatever its bounds."""

    name: tuple[str, ...]
    block: str
    rule: dict[str, Any]
    reason: str


def over(columns: Sequence[ColumnView]) -> str:
    rows = sum(column.rows for column in columns)
    return f"{rows:,} rows of {len(columns)} days" if len(columns) > 1 else f"{rows:,} rows"
