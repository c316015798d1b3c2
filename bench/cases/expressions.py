"""Random texts of expressions through compiler, engine and a plain interpreter."""

from __future__ import annotations

import time
from collections import Counter
from random import Random

from bench.results import Bound, Report, Table
from tests.conformance.runtime.expressions import MAKERS, Tried, trial

_TEXTS = 10_000
_QUICK = 500
_ABOUT = """\
Texts of expressions made at random over columns of every type (`tests/reference/texts.py`): sound
by grammar and types, with two types that must not meet, with tokens lost, doubled, swapped or
exchanged, and no language at all. Each is compiled; what is accepted must mean its own words (every
name and number of the text is in the tree, and the printed tree reads as the same tree) and must
say of 24 rows, in pieces of several sizes, what an interpreter in plain Python says of them. The
interpreter reads the typed tree: it vouches for the engine, and for the compiler's types only as
far as the words of the text do."""


def run_case(quick: bool) -> Report:
    """Try ten thousand texts with fixed seeds, five hundred where it must be quick."""
    started = time.perf_counter()
    found = [trial(Random(seed)) for seed in range(_QUICK if quick else _TEXTS)]
    seconds = time.perf_counter() - started
    rows = [["", "texts", "accepted", "refused", "findings"]]
    rows += [_row(name, [each for each in found if each.origin == name]) for name in MAKERS]
    rows.append(_row("all", found))
    tables = [Table("Outcomes", rows)]
    wrong = [each for each in found if each.wrong]
    if wrong:
        listed = [[each.origin, f"`{each.text[:80]!r}`", each.wrong[0][:200]] for each in wrong]
        tables.append(Table("Findings", [["made", "text", "what"], *listed]))
    nonsense = sum(each.accepted for each in found if each.origin == "clashing")
    return Report(
        "expressions",
        "Random expressions",
        f"{_ABOUT}\n\n{len(found):,} texts in {seconds:.0f} s.",
        tables,
        [
            Bound("texts with a finding", float(len(wrong)), 0.0, ""),
            Bound("accepted though types clash", float(nonsense), 0.0, ""),
        ],
        {"findings": dict(Counter(each.origin for each in wrong))},
    )


def _row(name: str, tried: list[Tried]) -> list[str]:
    accepted = sum(each.accepted for each in tried)
    findings = sum(bool(each.wrong) for each in tried)
    return [name, *(f"{n:,}" for n in (len(tried), accepted, len(tried) - accepted, findings))]
