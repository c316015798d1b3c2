"""Judging 20 M rows in memory, the columns that rules name, beside the peers on Polars."""

from __future__ import annotations

from bench.cases.memory import measured
from bench.results import Report


def run_case(quick: bool) -> Report:
    """Measure on D20M; `quick` on D1."""
    return measured("memory20", "D1" if quick else "D20M", "named", quick)
