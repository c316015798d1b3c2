"""Literals keep all their 38 digits, wherever one may be written."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace

from sfctl.compiler.check import policy_for_check
from sfctl.model.policy import Threshold
from sfctl.model.verdict import RuleResult
from sfctl.runtime.core.results import exceeds
from sfctl.runtime.measured import text_of
from tests.conformance.runtime.engines import Engine, Polars
from tests.conformance.runtime.rules import measure, policy

SIZES = [(18, 0), (19, 0), (28, 0), (29, 0), (38, 0), (20, 4), (30, 2), (38, 2), (38, 37)]


def written(digits: str, scale: int) -> str:
    return f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits


def neighbours(size: int, scale: int) -> tuple[str, str]:
    """Return the two greatest numbers of so many digits, the lesser first."""
    return written("9" * (size - 1) + "8", scale), written("9" * size, scale)


def decimals(scale: int, *values: str) -> pl.DataFrame:
    return pl.DataFrame([column("a", scale, *values)])


def column(name: str, scale: int, *values: str | None) -> pl.Series:
    return pl.Series(name, [v and Decimal(v) for v in values], dtype=pl.Decimal(38, scale))


def outcomes(
    engine: Engine, folder: Path, rows: pl.DataFrame, rules: list[str]
) -> dict[str, RuleResult]:
    """Judge rows by rules as they stand in a policy file."""
    bundle = folder / "policy.yaml"
    bundle.write_text("dq:\n  rules:\n" + "".join(f"    - {{{text}}}\n" for text in rules))
    compiled, _ = policy_for_check(bundle)
    return {r.id: r for r in engine.by(rows, compiled).rules}


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("sign", ["", "-"])
def test_neighbours_of_many_digits_are_told_apart(
    engine: Engine, tmp_path: Path, quote: str, sign: str
) -> None:
    end, symbol = ("min", ">=") if sign else ("max", "<=")
    columns, rules = [], []
    for number, (size, scale) in enumerate(SIZES):
        lesser, greater = (sign + text for text in neighbours(size, scale))
        name, one, other = f"a{number}", f"{quote}{lesser}{quote}", f"{quote}{greater}{quote}"
        columns.append(column(name, scale, lesser, greater))
        rules += [
            f"id: {name}.{text}"
            for text in (
                f"closed, kind: range, field: {name}, {end}: {one}",
                f"all, kind: range, field: {name}, {end}: {other}",
                f"open, kind: range, field: {name}, exclusive_{end}: {other}",
                f"told, kind: expression, expression: '{name} {symbol} {lesser}'",
                f"between, kind: expression, expression: '{name} BETWEEN {lesser} AND {lesser}'",
                f"listed, kind: accepted_values, field: {name}, values: [{one}]",
                f"unlisted, kind: not_accepted_values, field: {name}, values: [{other}]",
                f"edge, kind: aggregate, function: {end}, field: {name}, {end}: {other}",
                f"over, kind: aggregate, function: {end}, field: {name}, {end}: {one}",
                f"brim, kind: aggregate, function: {end}, field: {name}, exclusive_{end}: {other}",
            )
        ]
    found = outcomes(engine, tmp_path, pl.DataFrame(columns), rules)
    failed = {
        "closed": 1, "all": 0, "open": 1, "told": 1, "between": 1, "listed": 1, "unlisted": 1,
        "edge": 0, "over": 1, "brim": 1,
    }  # fmt: skip
    for number, (size, scale) in enumerate(SIZES):
        own = {name.partition(".")[2]: r for name, r in found.items() if name[1] == str(number)}
        assert {name: r.failed for name, r in own.items()} == failed, (size, scale)
        shown = own["over"].measured
        assert shown is not None
        assert Decimal(shown) == Decimal(sign + neighbours(size, scale)[1])
    assert not any("EVAL_ERROR" in s for r in found.values() for s in r.signatures)


def test_arithmetic_with_a_literal_of_38_digits(engine: Engine, tmp_path: Path) -> None:
    rows = decimals(0, "1", "2")
    most = "9" * 38
    found = outcomes(
        engine,
        tmp_path,
        rows,
        [
            f"id: sum, kind: expression, expression: 'a + {'9' * 37}7 = {'9' * 37}8'",
            f"id: less, kind: expression, expression: '{most} - a = {'9' * 37}8'",
            f"id: rest, kind: expression, expression: '{most} % a = 0'",
        ],
    )
    assert {name: r.failed for name, r in found.items()} == {"sum": 1, "less": 1, "rest": 1}


def test_a_measured_number_is_written_with_all_its_digits(engine: Engine) -> None:
    columns, rules, expected = [], [], {}
    for number, (size, scale) in enumerate(SIZES):
        least, most = neighbours(size, scale)
        told = {"max": (most, least), "min": ("-" + most, "0"), "avg": (most, None)}
        for name, values in told.items():
            own = f"{name}{number}"
            columns.append(column(own, scale, *values))
            rules.append(replace(measure(name, own), id=own))
            expected[own] = values[0]
    found = engine.by(pl.DataFrame(columns), policy(*rules)).rules
    assert {r.id: r.measured for r in found} == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"), (Fraction(-1, 4), "-0.25"), (Fraction(100), "100"),
        (Fraction(1, 3), "0.333333333333"), (Fraction(-1, 10**38), "-0." + "0" * 37 + "1"),
        (Fraction(10**40 + 1), "1" + "0" * 39 + "1"),
    ],
)  # fmt: skip
def test_fractions_are_written_exactly_where_they_end(value: Fraction, text: str) -> None:
    assert text_of(value) == text


def test_a_share_is_compared_digit_for_digit(tmp_path: Path) -> None:
    share = "0." + "3" * 35
    assert exceeds(Threshold(share=share), 1, 3)
    assert not exceeds(Threshold(share=share[:-1] + "4"), 1, 3)
    rows = pl.DataFrame({"a": [1, 2, 3]})
    found = outcomes(
        Polars(),
        tmp_path,
        rows,
        [
            f"id: below, kind: range, field: a, min: 2, threshold: '33.{'3' * 33}%'",
            f"id: above, kind: range, field: a, min: 2, threshold: '33.{'3' * 32}4%'",
            "id: count, kind: range, field: a, min: 2, threshold: 1",
            "id: none, kind: range, field: a, min: 2, threshold: 0",
        ],
    )
    assert {name: r.status for name, r in found.items()} == {
        "below": "fail", "above": "pass", "count": "pass", "none": "fail",
    }  # fmt: skip


def test_a_column_of_38_digits_has_no_room_above_its_greatest_number(tmp_path: Path) -> None:
    bundle = tmp_path / "policy.yaml"
    text = "schema: {{constraints: [{{field: a, type: 'DECIMAL(38,2)'}}]}}\ndq: {{rules: [{}]}}\n"
    least, most = neighbours(38, 2)
    bundle.write_text(text.format(f"{{kind: range, field: a, max: {most}}}"))
    assert [problem.code for problem in policy_for_check(bundle)[1]] == ["SF221"]
    bundle.write_text(text.format(f"{{kind: range, field: a, max: {least}}}"))
    assert policy_for_check(bundle)[1] == ()
