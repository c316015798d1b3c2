"""How a value is held while an expression is evaluated, whatever the engine."""

from __future__ import annotations

from typing import Literal

from sfctl.model.literal import MAX_DIGITS

Family = Literal[
    "exact", "float", "boolean", "string", "date", "time", "instant", "naive", "duration",
    "binary", "other",
]  # fmt: skip

LIMIT: int = 10**MAX_DIGITS - 1
"""The largest magnitude that exact arithmetic yields."""
