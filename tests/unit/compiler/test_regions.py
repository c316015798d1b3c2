"""What the compiler claims of conditions holds for every row that a slow interpreter judges."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfctl.compiler.columns import Columns
from sfctl.compiler.expression import compile_condition
from sfctl.compiler.findings import Findings
from sfctl.compiler.regex import rewrite
from sfctl.compiler.regex_length import lengths
from sfctl.compiler.region import TooMany, both, either, outcomes, unknown, unreachable
from sfctl.model.expr import Case, Expr
from sfctl.model.types import parse
from tests.reference.interpreter import EvalError, evaluate
from tests.unit.compiler.building import node

TYPES = {
    "n": parse("INT8"), "m": parse("INT32"), "d": parse("DECIMAL(4,1)"),
    "s": parse("STRING"), "b": parse("BOOLEAN"),
}  # fmt: skip
VALUES: dict[str, list[object]] = {
    "n": [None, -128, 0, 3, 4, 127],
    "m": [None, 3, 5],
    "d": [None, Decimal("3.0")],
    "s": [None, "a", "AB", "abc"],
    "b": [None, True, False],
}
ROWS = [dict(zip(VALUES, row, strict=True)) for row in itertools.product(*VALUES.values())]
NUMBERS = st.sampled_from(["-129", "-128", "0", "3", "3.5", "4", "127", "128", "1000"])
OPERATORS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
NUMERIC = st.sampled_from(["n", "m", "d", "abs(n)", "n + m", "n % 3", "coalesce(n, 3)"])
TEXTUAL = st.sampled_from(["s", "upper(s)", "substring(s, 1, 2)"])
TEXTS = st.sampled_from(["''", "'a'", "'AB'", "'abc'", "'zz'"])
ATOMS = (
    st.tuples(NUMERIC, OPERATORS, NUMBERS).map(" ".join)
    | st.tuples(NUMBERS, OPERATORS, NUMERIC).map(" ".join)
    | st.tuples(st.just("length(s)"), OPERATORS, st.sampled_from("0123")).map(" ".join)
    | st.tuples(TEXTUAL, OPERATORS, TEXTS).map(" ".join)
    | st.tuples(NUMERIC, st.sampled_from(["", "NOT "]), NUMBERS, NUMBERS).map(
        lambda p: f"{p[0]} {p[1]}BETWEEN {p[2]} AND {p[3]}"
    )
    | st.tuples(TEXTUAL, st.sampled_from(["", "NOT "]), TEXTS, TEXTS).map(
        lambda p: f"{p[0]} {p[1]}IN ({p[2]}, {p[3]})"
    )
    | st.tuples(st.just("s"), st.sampled_from(["LIKE", "NOT LIKE"]),
                st.sampled_from(["'%'", "'a%'", "'__'", "'A_'"])).map(" ".join)
    | st.tuples(st.sampled_from(["n", "s", "b", "coalesce(n, m)", "length(s)"]),
                st.sampled_from(["IS NULL", "IS NOT NULL"])).map(" ".join)
    | st.sampled_from(["b", "n = n", "n < m", "n = m", "starts_with(s, 'a')", "10 / n > 2"])
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda p: f"({' '.join(p)})")
        | inner.map(lambda text: f"NOT ({text})")
        | st.tuples(inner, inner, inner, inner, inner).map(
            lambda p: f"CASE WHEN {p[0]} THEN {p[1]} WHEN {p[2]} THEN {p[3]} ELSE {p[4]} END"
        )
    ),
    max_leaves=6,
)


def condition(text: str) -> Expr:
    findings = Findings()
    found = compile_condition(node(f'"{text}"'), Columns(dict(TYPES)), findings)
    assert found is not None, (text, findings.problems)
    return found


def judged(expr: Expr, row: dict[str, object]) -> bool | None:
    """Return the outcome on a row; one that cannot be judged fails."""
    try:
        found = evaluate(expr, row)
    except EvalError:
        return False
    assert found is None or isinstance(found, bool)
    return found


@given(CONDITIONS, CONDITIONS)
@example("NOT ((10 / n > 2 AND d = -129))", "NOT (d = -129)")
@settings(max_examples=150, deadline=None)
def test_no_row_has_an_outcome_that_was_ruled_out(text: str, other_text: str) -> None:
    expr, other = condition(text), condition(other_text)
    try:
        mine, theirs = outcomes(expr), outcomes(other)
        repeats = not both(mine.false, either(theirs.true, unknown(other)))
        excludes = not both(mine.true, theirs.true)
        no_unknown = not unknown(expr)
    except TooMany:
        return
    if mine.true and mine.false and not repeats and not excludes and not no_unknown:
        return
    for row in ROWS:
        found, beside = judged(expr, row), judged(other, row)
        assert mine.true or found is not True, row
        assert mine.false or found is not False, row
        assert not (no_unknown and found is None), row
        assert not (repeats and found is False and beside is not False), row
        assert not (excludes and found is True and beside is True), row


@given(st.lists(st.tuples(ATOMS, ATOMS), min_size=1, max_size=3), ATOMS)
@settings(max_examples=100, deadline=None)
def test_no_row_reaches_a_branch_that_was_called_dead(
    branches: list[tuple[str, str]], last: str
) -> None:
    text = " ".join(f"WHEN {when} THEN {then}" for when, then in branches)
    case = condition(f"CASE {text} ELSE {last} END")
    assert isinstance(case, Case)
    try:
        dead = unreachable(case)
    except TooMany:
        return
    for row in ROWS if dead else ():
        taken = -1
        for number, (when, _) in enumerate(case.branches):
            try:
                holds = evaluate(when, row)
            except EvalError:
                taken = -2
                break
            if holds:
                taken = number
                break
        assert taken not in dead, row


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("n > 3 AND n < 3", None), ("n IN (3) AND n <> 3", None), ("NOT n < 1000", None),
        ("length(s) = 2 AND s LIKE 'a%b_'", None), ("upper(s) = 'a'", None),
        ("CASE WHEN n > 3 THEN n < 3 ELSE FALSE END", None), ("d = 0.25", None),
        (None, "n > 3 OR n <= 3"), (None, "n < 128"), (None, "length(s) >= 0"),
        (None, "s LIKE '%'"), (None, "b OR NOT b"), (None, "coalesce(n, 0) IS NOT NULL"),
        (None, "NOT (n > 5 AND n < 3)"), (None, "n % 3 <= 2"), (None, "n = n"),
    ],
)  # fmt: skip
def test_what_is_ruled_out(true: str | None, false: str | None) -> None:
    if true is not None:
        assert outcomes(condition(true)).true == ()
    if false is not None:
        assert outcomes(condition(false)).false == ()


@given(st.text("ab[](){}|*+?.\\d2,-^", max_size=12), st.text("ab2-", max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_match_is_as_long_as_its_pattern_says(pattern: str, text: str) -> None:
    try:
        rewritten = rewrite(pattern)
    except Exception:
        return
    if re.fullmatch(rewritten, text):
        least, most = lengths(rewritten)
        assert least <= len(text)
        assert most is None or len(text) <= most
