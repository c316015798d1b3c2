"""Rules that some days keep, with room for days to come. `slack` widens what has a width.

What would surely break is left out: bounds on what grows or follows the day, lists of values that
are still growing, keys that only happen to be unique.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from sfctl.profiling.candidate import ENOUGH_ROWS, Candidate, over
from sfctl.profiling.figures import NUMBERS
from sfctl.profiling.fit_number import number_rules
from sfctl.profiling.fit_table import keys, relations, volume
from sfctl.profiling.fit_text import text_rule
from sfctl.profiling.tiers import Defaults
from sfctl.profiling.view import ColumnView, DayView


def candidates(days: Sequence[DayView], slack: float, defaults: Defaults) -> Iterator[Candidate]:
    """Yield the rules that these days suggest; nothing from no rows."""
    rows = sum(day.rows for day in days)
    if not rows:
        return
    for name in days[-1].columns:
        columns = [day.columns[name] for day in days if name in day.columns and day.rows]
        yield from _presence(name, columns, slack)
        if rows >= ENOUGH_ROWS and columns and columns[0].family != "hidden":
            yield from _content(name, columns, slack)
    if rows >= ENOUGH_ROWS:
        yield from keys(days)
        yield from relations(days)
    yield volume([day for day in days if day.rows], slack, defaults)


def _presence(name: str, columns: Sequence[ColumnView], slack: float) -> Iterator[Candidate]:
    rows = sum(column.rows for column in columns)
    empty = sum(column.empty for column in columns)
    if not empty:
        rule = {"kind": "required", "field": name}
        reason = f"no null in {over(columns)}"
        yield Candidate(("required", name), "contract_lite", rule, reason)
    elif rows >= ENOUGH_ROWS:
        usual = empty / rows
        worst = max(column.null_rate for column in columns if column.rows)
        rates = [column.null_rate for column in columns if column.rows]
        # a worst day far from the usual one says that worse are to come, by about as much again
        further = max(1.0, min(worst / max(median(rates), 0.002), 5.0)) if len(rates) > 1 else 1.0
        limit = max(usual * 1.5 + 0.01, worst * max(1 + slack / 2, further) + 0.02 * slack)
        limit = math.ceil(limit * 100 - 1e-6) / 100
        if limit <= 0.9:
            reason = f"{usual:.1%} of {over(columns)} are null, {worst:.1%} on the worst day"
            capped = {"kind": "null_rate", "field": name, "max": limit}
            yield Candidate(("null_rate", name), "dq", capped, reason)


def _content(name: str, columns: Sequence[ColumnView], slack: float) -> Iterator[Candidate]:
    filled = [column for column in columns if column.empty < column.rows]
    if not filled:
        return
    if filled[0].family == "text":
        found = text_rule(name, filled, slack)
        if found is not None:
            yield found
    elif filled[0].family in NUMBERS:
        yield from number_rules(name, filled, slack)
