"""Measured numbers are said with their units and limits, and never rounded onto a limit."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sfctl.model.policy import Batch
from sfctl.report import text
from sfctl.report.measured import number, said, span


@pytest.mark.parametrize(
    ("check", "measured", "expected"),
    [
        (Batch("row_count", minimum="1"), "1000", "1,000 rows, at least 1"),
        (Batch("row_count", minimum="2"), "1", "1 row, at least 2"),
        (Batch("distinct_count", "a", maximum="3"), "4", "4 distinct values, at most 3"),
        (Batch("null_rate", "a", maximum="0.1"), "0.125", "12.5% null, at most 10%"),
        (Batch("null_rate", "a", maximum="0.1"), "0.100004", "10.0004% null, at most 10%"),
        (Batch("freshness", "a", maximum="129600"), "129600.5", "129,600.5 s old, at most 36 h"),
        (Batch("freshness", "a", maximum="129600"), "129600", "36 h old, at most 36 h"),
        (Batch("freshness", "a", minimum="0"), "-7260", "2 h 1 min in the future, at least 0 s"),
        (Batch("avg", "a", maximum="1", exclusive_maximum=True), "1", "avg 1, less than 1"),
        (Batch("sum", "a", minimum="5", exclusive_minimum=True), "2.5", "sum 2.5, more than 5"),
        (Batch("avg", "a", maximum="1"), "1.00000001", "avg 1.00000001, at most 1"),
        (Batch("max", "a"), "2024-01-01", "max 2024-01-01"),
        (Batch("max", "a"), "1/0", "max 1/0"),
        (Batch("stddev", "a", maximum="1"), "1e+300", "stddev 1" + ",000" * 100 + ", at most 1"),
    ],
)
def test_a_number_beside_its_limits(check: Batch, measured: str, expected: str) -> None:
    assert said(check, measured) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (Fraction(1, 2), "0.5 s"), (Fraction(303), "5 min 3 s"), (Fraction(129_600), "36 h"),
        (Fraction(259_200), "72 h"), (Fraction(277_200), "3 d 5 h"),
        (Fraction(91_127_376), "2 y 324 d"), (Fraction(-90_061), "-25 h 1 min"),
    ],
)  # fmt: skip
def test_spans_of_time(seconds: Fraction, expected: str) -> None:
    assert span(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1_234_567), "1,234,567"), (Fraction(5_000_001, 4), "1,250,000"),
        (Fraction(10, 3), "3.33333"), (Fraction(-1, 3), "-0.33333"), (Fraction(0), "0"),
        (Fraction(1, 10**9), "1e-09"), (Fraction(100_000, 3), "33,333.3"),
    ],
)  # fmt: skip
def test_numbers_are_rounded_for_people(value: Fraction, expected: str) -> None:
    assert number(value) == expected


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [text.share(part) for part in (0, 1e-6, 0.5, 1 - 1e-6, 1)] == [
        "0%", "<0.01%", "50%", ">99.99%", "100%",
    ]  # fmt: skip
