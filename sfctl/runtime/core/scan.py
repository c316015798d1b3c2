"""One pass over a source: chunks in, merged states out; a second one only where keys repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from sfctl.model.verdict import PiiFinding
from sfctl.runtime.core.budget import Budget
from sfctl.runtime.core.keys import Keys
from sfctl.runtime.core.scanned import Scanned
from sfctl.runtime.core.sources import Source
from sfctl.runtime.core.surroundings import Others
from sfctl.runtime.polars.program import Program

Look = Callable[[pl.DataFrame], tuple[PiiFinding, ...]]


def scan(
    source: Source,
    program: Program,
    budget: Budget,
    *,
    look: Look | None = None,
    looked_at: Sequence[str] = (),
    others: Others | None = None,
) -> Scanned:
    """Run a program over a source, within a budget.

    `look` counts personal data of the columns `looked_at` in the same pass. `others` gives the
    rows of the table that a uniqueness rule of scope `table` is held against.
    """
    state = Scanned(passes=1)
    keys = Keys(program)
    wanted = [*program.columns, *(c for c in looked_at if c not in program.columns)]
    for chunk in source.chunks(wanted):
        judged_rows = budget.share(chunk, state.rows)
        state.rows += chunk.height
        _judge(judged_rows, program, state)
        keys.add(judged_rows, budget)
        if look is not None:
            # personal data is never sampled
            for finding in look(chunk):
                _found(state, finding)
        # the next chunk is read before these names are bound to it
        del chunk, judged_rows
    state.distinct = keys.resolve(source, budget, others, state.distinct, state.tallies)
    state.uniques = keys.tallies
    state.passes += keys.passes
    return state


def _judge(chunk: pl.DataFrame, program: Program, state: Scanned) -> None:
    state.seen += chunk.height
    judged = program.judge(chunk)
    for rule_id, tally in judged.tallies.items():
        before = state.tallies.get(rule_id)
        state.tallies[rule_id] = tally if before is None else before.merge(tally)
    for rule_id, measured in judged.measured.items():
        known = state.measured.get(rule_id)
        state.measured[rule_id] = measured if known is None else known.merge(measured)
    state.distinct = state.distinct.merge(judged.distinct)


def _found(state: Scanned, finding: PiiFinding) -> None:
    key = (finding.column, finding.kind, finding.action, finding.advised)
    before = state.findings.get(key)
    matches, evaluated = finding.matches, finding.evaluated
    if before is not None:
        matches, evaluated = matches + before.matches, evaluated + before.evaluated
    state.findings[key] = PiiFinding(
        finding.column, finding.kind, finding.action, matches, evaluated, finding.advised
    )
