"""Exact numbers beside floats: nothing is rounded, and remainders are those of Python."""

from __future__ import annotations

import math
import operator
from fractions import Fraction

import polars as pl
import pytest

from sfctl.runtime.polars import floats
from tests.conformance.runtime.rules import failing

SYMBOLS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
           ">": operator.gt, ">=": operator.ge}  # fmt: skip
WIDE = [2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 0]


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("other", [2.0**53, 2.0**53 + 2, -(2.0**53), 0.5, 1e300, -math.inf])
def test_wide_whole_numbers_beside_floats(symbol: str, other: float) -> None:
    rows = pl.DataFrame({"a": WIDE, "x": [other] * len(WIDE)})
    wanted = [
        "pass" if SYMBOLS[symbol](Fraction(n) if math.isfinite(other) else n, other) else "fail"
        for n in WIDE
    ]
    assert failing(rows, f"a {symbol} x") == wanted


@pytest.mark.parametrize(("left", "right"), [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (1e300, 3.0)])
def test_remainders_have_the_divisors_sign(left: float, right: float) -> None:
    assert floats._modulo(left, right) == left % right
    assert failing(pl.DataFrame({"x": [left], "y": [right]}), f"x % y = {left % right!r}") == [
        "pass"
    ]


@pytest.mark.parametrize(("left", "right"), [(1.0, 0.0), (math.inf, 2.0)])
def test_no_remainder(left: float, right: float) -> None:
    assert math.isnan(floats._modulo(left, right))
