"""Peak memory of `sfctl check` on 20 M rows, composite uniqueness included."""

from __future__ import annotations

from bench.commands import check
from bench.data import ROWS, path_of
from bench.measure import run
from bench.results import Bound, Report, Table

LIMIT = 400.0


def run_case(quick: bool) -> Report:
    """Take the worst of three runs on each size; `quick` on D1 only."""
    rows = [["", "rows", "wall s", "CPU s", "peak MiB, worst of 3"]]
    bounds = []
    for data in ("D1",) if quick else ("D1", "D2", "D20M"):
        samples = [run(check(path_of(data)), accept=(0, 1)) for _ in range(3)]
        worst = max(sample.peak for sample in samples)
        wall = min(sample.wall for sample in samples)
        cpu = min(sample.cpu for sample in samples)
        rows.append([data, f"{ROWS[data]:,}", f"{wall:.2f}", f"{cpu:.2f}", f"{worst:.0f}"])
        bounds.append(Bound(f"{data}, peak", worst, LIMIT, " MiB"))
    return Report(
        "peak",
        "Peak memory of `sfctl check`",
        "High-water resident memory of the process, interpreter and libraries included.",
        [Table("16 rules, composite uniqueness among them", rows)],
        bounds,
    )
