"""Exact arithmetic and comparison of integers and decimals, in Spark's own types as proven enough.

Spark wraps, raises, rounds or makes null by the settings of its session; here a result either
provably fits its type, or is tried row by row and marked as an error beyond 38 digits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sfctl.runtime.representation import LIMIT
from sfctl.runtime.spark import numbers
from sfctl.runtime.spark.arithmetic import aligned, divided_by_power
from sfctl.runtime.spark.numbers import DIGITS, shape
from sfctl.runtime.spark.sql import Term, any_error, boolean, inner, known, sharing

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compared(symbol: str, left: str, right: str) -> str:
    """Return a comparison of two values as SQL."""
    return f"{inner(left)} {symbol} {inner(right)}"


def compare(symbol: str, left: Term, right: Term) -> Term:
    """Return the truth of `left <symbol> right`, whatever scales and widths."""
    if left.constant is not None and right.constant is None:
        return compare(MIRRORED[symbol], right, left)
    if right.constant is not None:
        return boolean(_against_constant(symbol, left, right), left.error)
    error = any_error(left, right)
    if left.form == right.form == "own":
        (before, after), (other_before, other_after) = shape(left), shape(right)
        if max(before, other_before) + max(after, other_after) <= DIGITS:
            return boolean(compared(symbol, left.value, right.value), error)
    if left.scale != right.scale and not _alignable(left, right):
        return boolean(_by_parts(symbol, left, right), error)
    left, right = aligned(left, right)
    return boolean(compared(symbol, numbers.as_wide(left), numbers.as_wide(right)), error)


def within(term: Term, wholes: list[tuple[int, int]]) -> str:
    """Return whether the term is one of the (whole number, scale) pairs."""
    wanted = []
    for whole, scale in wholes:
        shifted, rest = _rescaled(whole, scale, term.scale)
        if rest == 0 and term.low <= shifted <= term.high:
            wanted.append(literal(shifted, term))
    if not wanted:
        return known(term.value, answer=False)
    if len(wanted) == 1:
        return compared("=", term.value, wanted[0])
    return f"{inner(term.value)} IN ({', '.join(wanted)})"


def literal(whole: int, term: Term) -> str:
    """Return a whole number at the term's scale as the literal that meets its value."""
    if term.form == "unscaled":
        return numbers.number(whole, decimal=True)
    scale = term.scale
    while scale and whole % 10 == 0:
        whole, scale = whole // 10, scale - 1
    return numbers.number(whole, scale, decimal=term.dtype.kind == "DECIMAL")


def _against_constant(symbol: str, term: Term, other: Term) -> str:
    assert other.constant is not None
    whole, rest = _rescaled(other.constant, other.scale, term.scale)
    if rest:
        # x < 0.5 over whole numbers is x <= 0, x >= 0.5 is x > 0
        if symbol in ("=", "!="):
            return known(term.value, answer=symbol == "!=")
        symbol = {"<": "<=", "<=": "<=", ">": ">", ">=": ">"}[symbol]
    if whole > term.high or whole < term.low:
        answer = COMPARE[symbol](0, 1) if whole > term.high else COMPARE[symbol](1, 0)
        return known(term.value, answer=answer)
    return compared(symbol, term.value, literal(whole, term))


def _rescaled(whole: int, scale: int, wanted: int) -> tuple[int, int]:
    """Return (quotient rounded down, remainder) of the number at another scale."""
    if wanted >= scale:
        return whole * int(10 ** (wanted - scale)), 0
    return divmod(whole, int(10 ** (scale - wanted)))


def _by_parts(symbol: str, left: Term, right: Term) -> str:
    """Compare without multiplying: whole parts first, then what is left over."""
    if left.scale > right.scale:
        return _by_parts(MIRRORED[symbol], right, left)

    def parts(mine: str, other: str) -> str:
        whole, rest = divided_by_power(other, right.scale - left.scale)
        same = f"{mine} = {whole} AND {rest} = 0"
        less = f"({mine} < {whole} OR ({mine} = {whole} AND {rest} <> 0))"
        if symbol in ("=", "!="):
            return f"({same})" if symbol == "=" else f"NOT ({same})"
        if symbol in ("<", ">="):
            return less if symbol == "<" else f"NOT {less}"
        return f"({less} OR ({same}))" if symbol == "<=" else f"NOT ({less} OR ({same}))"

    return sharing(parts, mine=numbers.as_wide(left), other=numbers.as_wide(right))


def _alignable(left: Term, right: Term) -> bool:
    factor = int(10 ** abs(left.scale - right.scale))
    small = left if left.scale < right.scale else right
    return max(abs(small.low), abs(small.high)) * factor <= LIMIT
