"""What a rule comes to, in plain Python: by our documented meaning, or with a tool's habits.

Without habits this is a second opinion on sfctl, which must agree in every case. With the habits
of a tool it foretells what that tool says, so that each documented difference is checked, count by
count.
"""

from __future__ import annotations

from bench.differential.batches import BATCH, bounded, by_batch
from bench.differential.columns import Values, family_of
from bench.differential.outcome import Outcome, Table
from bench.differential.rows import by_row
from bench.differential.rules import Case


def meant(case: Case, table: Table, habits: frozenset[str] = frozenset()) -> Outcome:
    """Return what a rule comes to on a table."""
    if "integers-as-floats" in habits:
        table = {name: _as_floats(name, values) for name, values in table.items()}
    rows = len(next(iter(table.values())))
    zoned = family_of(case.column) == "zoned" and case.kind in ("range", "freshness")
    if zoned and "two-zones-raise" in habits:
        return Outcome("error", None)
    of_batch = case.kind in BATCH
    outcome = by_batch(case, table, rows, habits) if of_batch else by_row(case, table, rows, habits)
    return outcome or _nothing(case, habits)


def has_rows(case: Case) -> bool:
    """Tell whether a rule is one whose failing rows are counted."""
    return case.kind not in BATCH


def _nothing(case: Case, habits: frozenset[str]) -> Outcome:
    """Return what becomes of a rule that finds no row, or no value, to judge."""
    of_batch = case.kind in BATCH
    failed = None if of_batch else 0
    summed = case.kind == "aggregate" and case.rule["function"] == "sum"
    if "nothing-counts" in habits and (case.kind == "distinct_count" or summed):
        return bounded(case.rule, 0, habits)
    if "nothing-raises" in habits:
        return Outcome("error", None)
    if "nothing-fails" in habits and of_batch:
        return Outcome("fail", failed)
    passes = not habits.isdisjoint({"nothing-passes", "nothing-fails"})
    return Outcome("pass" if passes else "skipped", failed)


def _as_floats(name: str, values: Values) -> Values:
    if family_of(name) != "ints" or None not in values:
        return values
    return [None if value is None else float(value) for value in values]
