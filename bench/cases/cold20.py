"""`sfctl check FILE` on 20 M rows, beside the peers that get that far."""

from __future__ import annotations

from bench.cases.cold import measured
from bench.results import Report


def run_case(quick: bool) -> Report:
    """Measure on D20M; `quick` on D1."""
    return measured("cold20", ("D1",) if quick else ("D20M",), quick)
