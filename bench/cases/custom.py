"""What it costs to judge by a custom rule: the process behind it, and each batch of rows."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from bench.results import Bound, Report, Table
from sfctl.model.policy import Custom, Policy, Rule
from sfctl.model.source_code import source_code
from sfctl.runtime.core.judge import Surroundings, judge

ROWS = (10, 50_000, 1_000_000, 5_000_000)
_BATCH = 50_000
_MANY = 1_000_000
"""Rows from which on the start no longer drowns what a batch costs."""
_FUNCTION = (
    "import pyarrow as pa\n\n\ndef yes(batch):\n    return pa.repeat(True, batch.num_rows)\n"
)
_ABOUT = """\
A function that answers True for each row of one column of short texts, judged by one and by
three rules. The first row of the table is the start: a fresh interpreter that imports pyarrow and
the rule's module, once a judgement; what two more rules cost is handing rows over, in batches of
50,000, and taking answers back. CPU is that of both processes; wall times hang on the load."""


def run_case(quick: bool) -> Report:
    """Judge frames by 0, 1 and 3 rules that do nothing."""
    rounds = 3 if quick else 7
    table = [["rows", "1 rule, wall s", "3 rules, wall s", "CPU s", "CPU s", "CPU ms, a batch"]]
    spent: dict[tuple[int, int], float] = {}
    with _project() as root:
        for rows in ROWS[: 3 if quick else None]:
            frame = pl.DataFrame({"note": [f"order note {n % 1_000}" for n in range(rows)]})
            walls = []
            for count in (1, 3):
                found = [_judged(frame, root, count) for _ in range(rounds)]
                walls.append(f"{min(wall for wall, _ in found):.3f}")
                spent[rows, count] = min(cpu for _, cpu in found)
            cpus = [f"{spent[rows, count]:.3f}" for count in (1, 3)]
            batch = f"{_each(spent, rows):.1f}" if rows >= _MANY else ""
            table.append([f"{rows:,}", *walls, *cpus, batch])
    start = spent[10, 1]
    handing = statistics.median(
        _each(spent, rows) for rows in ROWS if rows >= _MANY and (rows, 3) in spent
    )
    return Report(
        "custom",
        "The cost of a custom rule",
        _ABOUT,
        [Table("Judging in memory", table)],
        [
            Bound("CPU of the start, once a judgement", start, 0.6, " s"),
            Bound("CPU of a rule and 50,000 rows", handing, 15.0, " ms"),
        ],
    )


def _each(spent: dict[tuple[int, int], float], rows: int) -> float:
    """Return milliseconds a rule and batch, from what two more rules cost: the start is in both."""
    return (spent[rows, 3] - spent[rows, 1]) / 2 / max(1, rows / _BATCH) * 1_000


def _judged(frame: pl.DataFrame, root: Path, count: int) -> tuple[float, float]:
    """Return wall and CPU seconds, those of the process behind the rules included."""
    code = source_code("rules:yes", root)
    rules = tuple(
        Rule(
            id=f"r{n}", kind="custom", gate="DQ", check=Custom("rules:yes", ("note",), code.digest),
            signature=f"INVARIANT_VIOLATION:r{n}",
        )
        for n in range(count)
    )  # fmt: skip
    policy = Policy("urn:dp:bench:notes", "notes", rules=rules)
    around = Surroundings(root=root)
    before, begun = os.times(), time.perf_counter()
    found = judge(frame, policy, "gold", now=datetime.now(UTC), around=around)
    wall, after = time.perf_counter() - begun, os.times()
    assert all(rule.status == "pass" for rule in found.rules), found.rules
    return wall, sum(after[:4]) - sum(before[:4])


@contextmanager
def _project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.py").write_text(_FUNCTION)
        yield Path(folder)
