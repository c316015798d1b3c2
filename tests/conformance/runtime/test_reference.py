"""The adapter and the plain interpreter agree on every row of every expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from hypothesis import given, settings

from sfctl.model.expr import Expr
from sfctl.model.policy import Policy, RowCheck, Rule
from sfctl.runtime.core.judge import Surroundings, program_for
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.polars.emit import Emitter
from sfctl.runtime.polars.program import Program
from tests.conformance.runtime.trees import rows, typed_conditions
from tests.reference.interpreter import verdict

SCHEMA = {
    "i": pl.Int64(), "j": pl.Int32(), "u": pl.UInt64(), "d": pl.Decimal(12, 2),
    "e": pl.Decimal(38, 4), "x": pl.Float64(), "y": pl.Float64(), "f": pl.Float32(),
    "s": pl.String(), "t": pl.String(), "b": pl.Boolean(), "day": pl.Date(),
    "at": pl.Datetime("us", "UTC"), "ntz": pl.Datetime("us"),
}  # fmt: skip


def verdicts(expr: Expr, values: Sequence[dict[str, Any]], *, bounded: bool) -> list[str]:
    """Return what the adapter says of each row."""
    frame = pl.DataFrame(list(values), schema=SCHEMA)
    rule = Rule("r", "expression", "DQ", RowCheck(expr), "INVARIANT_VIOLATION:r")
    program = Program([rule], frame.schema)
    emitter = Emitter(frame.schema, program.bounds(frame) if bounded else {})
    term = emitter.condition(expr)
    error = pl.lit(value=False) if term.error is None else term.error
    answers = frame.select(value=term.value, error=error, failing=term.failing())
    found = []
    for value, wrong, failing in answers.iter_rows():
        assert bool(failing) == (wrong or value is False)
        assert value is None or not wrong
        found.append("error" if wrong else "fail" if value is False else "pass")
    return found


@settings(max_examples=200, deadline=None)
@given(typed_conditions(), rows)
def test_every_row_gets_the_verdict_of_the_reference(
    expr: Expr, values: list[dict[str, Any]]
) -> None:
    expected = [verdict(expr, row) for row in values]
    assert verdicts(expr, values, bounded=True) == expected
    assert verdicts(expr, values, bounded=False) == expected


@settings(max_examples=60, deadline=None)
@given(typed_conditions(), typed_conditions(), rows)
def test_where_narrows_what_is_judged(
    expr: Expr, where: Expr, values: list[dict[str, Any]]
) -> None:
    frame = pl.DataFrame(values, schema=SCHEMA)
    rule = Rule("r", "expression", "DQ", RowCheck(expr), "INVARIANT_VIOLATION:r", where=where)
    policy = Policy("urn:dp:a:b", "b", rules=(rule,))
    program, _ = program_for(FrameSource(frame), policy, "gold", Surroundings())
    tally = program.judge(frame).tallies["r"]
    expected = [verdict(expr, row, where) for row in values]
    assert tally.evaluated == sum(answer != "out" for answer in expected)
    assert tally.failed == sum(answer in ("fail", "error") for answer in expected)
    assert tally.errors == expected.count("error")
