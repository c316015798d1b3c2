"""Rules on rows as a whole: a key, orders and sums between columns, how many there are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from statistics import median, median_low
from typing import Any

from sfctl.compiler.lexer import KEYWORDS
from sfctl.profiling.candidate import Candidate
from sfctl.profiling.figures import NUMBERS
from sfctl.profiling.tiers import Defaults
from sfctl.profiling.view import DayView

ROOM = 1.4
"""How many times more, or fewer, rows than ever seen a day may have."""
_IDENTIFIER = re.compile(
    r"(?:^|_)(?:id|ids|key|code|uuid|guid|number|no|nr|sku|line|seq|sequence)$"
)


def keys(days: Sequence[DayView]) -> Iterator[Candidate]:
    """The smallest key of every day, where there is one that is no accident of a few rows."""
    full = [day for day in days if day.rows > 1]
    shared = [
        key
        for key in {key for day in full for key in day.keys}
        if all(any(other <= key for other in day.keys) for day in full)
    ]
    single = [key for key in shared if len(key) == 1 and _identifies(min(key), full[-1])]
    # of so many combinations some are unique by chance for weeks: their names have to agree
    named = [key for key in shared if all(_IDENTIFIER.search(name.lower()) for name in key)]
    chosen = single or (named if len(full) >= 7 else [])
    if not chosen:
        return
    columns = list(full[-1].columns)
    best = min(chosen, key=lambda key: (len(key), sorted(columns.index(name) for name in key)))
    fields = sorted(best, key=columns.index)
    rule: dict[str, Any] = {"kind": "unique"}
    rule |= {"field": fields[0]} if len(fields) == 1 else {"fields": fields}
    over = f"{sum(day.rows for day in full):,} rows"
    if len(full) > 1:
        over = f"any of {len(full)} days, {over}"
    reason = f"no two rows share {' + '.join(fields)} in {over}"
    yield Candidate(("unique",), "dq", rule, reason)


def _identifies(name: str, day: DayView) -> bool:
    """Tell whether a column of its own may be a key; times differ by their precision alone."""
    return name in day.columns and day.columns[name].family in ("integer", "text")


def relations(days: Sequence[DayView]) -> Iterator[Candidate]:
    """Yield the orders and sums that every row of every day keeps."""
    full = [day for day in days if day.rows]
    held = frozenset.intersection(*(day.relations for day in full)) if full else frozenset()
    for names in sorted(held):
        if len(names) == 2:
            low, high = names
            between = any(r[0] == low and (r[1], high) in held for r in held if len(r) == 2)
            if between or not _same_measure(low, high, full):
                continue
            expression = f"{_quoted(low)} <= {_quoted(high)}"
        else:
            a, b, total = map(_quoted, names)
            whole = all(full[0].columns[name].family == "integer" for name in names)
            expression = f"{total} = {a} + {b}" if whole else f"abs({total} - ({a} + {b})) <= 0.005"
        rule = {"kind": "expression", "expression": expression, "relation": names}
        rows = f"{sum(day.rows for day in full):,} rows"
        reason = (
            f"holds in all {rows} of {len(full)} days" if len(full) > 1 else f"holds in all {rows}"
        )
        yield Candidate(("expression", *names), "contract_lite", rule, reason)


def _quoted(name: str) -> str:
    """Return a column's name as an expression has it."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.upper() not in KEYWORDS
    return name if plain else '"' + name.replace('"', '""') + '"'


def _same_measure(low: str, high: str, days: Sequence[DayView]) -> bool:
    """Tell whether two columns range over the same: only then an order says something."""
    spans = []
    for name in (low, high):
        columns = [day.columns[name] for day in days if day.columns[name].least is not None]
        if not columns or columns[0].family not in (*NUMBERS, "time"):
            return False
        spans.append((min(c.least for c in columns), max(c.most for c in columns)))
    (a, b), (c, d) = spans
    if isinstance(a, str):
        return bool(c < b)
    together = max(b, d) - min(a, c)
    return bool(together > 0 and min(b, d) - max(a, c) >= 0.5 * together)


def volume(days: Sequence[DayView], slack: float, defaults: Defaults) -> Candidate:
    """Room for weekdays and for four weeks more of the trend that was seen."""
    counts = [day.rows for day in days]
    usual = median_low(counts)
    dated = bool(days[0].day)
    least = slack * math.log(ROOM)
    if not dated or len(days) < 7:
        # others that never vary are no reason to allow less than own history would
        low = min(counts) * min(defaults.low, math.exp(-least))
        high = max(counts) * max(defaults.high, math.exp(least))
        reason = f"{usual:,} rows {'a day' if dated else 'were seen'}; room by {defaults.source}"
    else:
        room = least + min(0.5, 28 * abs(_slope([math.log(c) for c in counts])))
        low, high = min(counts) * math.exp(-room), max(counts) * math.exp(room)
        reason = f"{min(counts):,} to {max(counts):,} rows a day on {len(days)} days"
    rule = {"kind": "row_count", "min": max(1, math.floor(low)), "max": math.ceil(high)}
    return Candidate(("row_count",), "dq", rule, reason)


def _slope(values: Sequence[float]) -> float:
    """Return the median step from day to day over all pairs (Theil and Sen)."""
    steps = [
        (b - a) / (j - i)
        for i, a in enumerate(values)
        for j, b in enumerate(values[i + 1 :], start=i + 1)
        if j - i >= len(values) // 2
    ]
    return median(steps) if steps else 0.0
