"""What it costs to judge by a custom rule: the process behind it, and each batch of rows."""

from __future__ import annotations

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
A function that answers True for each row of one column of short texts, judged by none, one and
three rules. The first row of the table is the start: a fresh interpreter that imports pyarrow and
the rule's module, once a judgement. What is left is handing rows over and taking answers back."""


def run_case(quick: bool) -> Report:
    """Judge frames by 0, 1 and 3 rules that do nothing."""
    rounds = 3 if quick else 7
    table = [["rows", "no rule, s", "1 rule, s", "3 rules, s", "ms a rule and 50,000 rows"]]
    spent: dict[tuple[int, int], float] = {}
    with _project() as root:
        for rows in ROWS[: 3 if quick else None]:
            frame = pl.DataFrame({"note": [f"order note {n % 1_000}" for n in range(rows)]})
            for count in (0, 1, 3):
                spent[rows, count] = min(_judged(frame, root, count) for _ in range(rounds))
            each = _each(spent, rows)
            told = [f"{spent[rows, count]:.3f}" for count in (0, 1, 3)]
            table.append([f"{rows:,}", *told, f"{each:.1f}" if rows >= _MANY else ""])
    start = spent[10, 1] - spent[10, 0]
    handing = statistics.median(
        _each(spent, rows) for rows in ROWS if rows >= _MANY and (rows, 3) in spent
    )
    return Report(
        "custom",
        "The cost of a custom rule",
        _ABOUT,
        [Table("Judging in memory", table)],
        [
            Bound("start, once a judgement", start, 1.0, " s"),
            Bound("a rule and 50,000 rows", handing, 50.0, " ms"),
        ],
    )


def _each(spent: dict[tuple[int, int], float], rows: int) -> float:
    """Return milliseconds a rule and batch, from what two more rules cost: the start is in both."""
    return (spent[rows, 3] - spent[rows, 1]) / 2 / max(1, rows / _BATCH) * 1_000


def _judged(frame: pl.DataFrame, root: Path, count: int) -> float:
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
    begun = time.perf_counter()
    found = judge(frame, policy, "gold", now=datetime.now(UTC), around=around)
    took = time.perf_counter() - begun
    assert all(rule.status == "pass" for rule in found.rules), found.rules
    return took


@contextmanager
def _project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.py").write_text(_FUNCTION)
        yield Path(folder)
