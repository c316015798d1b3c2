"""One measured number beside its limits, with units and rounded, as people read it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from sfctl.model.policy import Batch
from sfctl.report import text

_NOUNS = {"row_count": "row", "distinct_count": "distinct value"}
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400


def said(check: Batch, measured: str) -> str:
    """Return `2 y 324 d old, at most 36 h`: the number, then what it is held against.

    `measured` is the exact number as text, or a date or text where that is what was measured.
    """
    limits = _limits(check)
    try:
        value = Fraction(Decimal(measured))
    except (ArithmeticError, ValueError):
        return ", ".join([f"{check.measure} {measured}", *(f"{w} {b}" for w, b in limits)])
    bounds = [(word, _amount(check.measure, Fraction(bound))) for word, bound in limits]
    shown = _amount(check.measure, value)
    if any(
        shown == bound and value != Fraction(limits[i][1]) for i, (_, bound) in enumerate(bounds)
    ):
        # rounding must not make a number look like the limit that it breaks
        shown = _exact(check.measure, value, measured)
    return ", ".join([_subject(check.measure, value, shown), *(f"{w} {b}" for w, b in bounds)])


def _limits(check: Batch) -> list[tuple[str, str]]:
    found = []
    if check.minimum is not None:
        found.append(("more than" if check.exclusive_minimum else "at least", check.minimum))
    if check.maximum is not None:
        found.append(("less than" if check.exclusive_maximum else "at most", check.maximum))
    return found


def _subject(measure: str, value: Fraction, shown: str) -> str:
    if measure in _NOUNS:
        return f"{shown} {_NOUNS[measure]}{'' if value == 1 else 's'}"
    if measure == "null_rate":
        return f"{shown} null"
    if measure == "freshness":
        return f"{shown} old" if value >= 0 else f"{shown.removeprefix('-')} in the future"
    return f"{measure} {shown}"


def _amount(measure: str, value: Fraction) -> str:
    if measure == "freshness":
        return span(value)
    if measure == "null_rate":
        return text.share(float(value))
    return number(value)


def _exact(measure: str, value: Fraction, measured: str) -> str:
    if measure == "freshness":
        return f"{float(value):,.6f}".rstrip("0").rstrip(".") + " s"
    return f"{float(value * 100):.12g}%" if measure == "null_rate" else measured


def number(value: Fraction) -> str:
    """Return a number with thousands separated: whole from a million on, else six digits."""
    if value.denominator == 1 or abs(value) >= 1_000_000:
        return f"{round(value):,}"
    shown = f"{float(value):,.{max(0, 6 - len(str(int(abs(value)))))}f}".rstrip("0").rstrip(".")
    return shown if shown.strip("-0.") else f"{float(value):.6g}"


def span(seconds: Fraction) -> str:
    """Return a length of time in its two greatest units: `2 y 324 d`, `36 h`, `5 min 3 s`."""
    sign, left = "-" if seconds < 0 else "", abs(seconds)
    if left < _MINUTE:
        return f"{sign}{float(left):.3g} s"
    if left < _HOUR:
        units = ((_MINUTE, "min"), (1, "s"))
    elif left <= 3 * _DAY:
        units = ((_HOUR, "h"), (_MINUTE, "min"))
    elif left < _YEAR:
        units = ((_DAY, "d"), (_HOUR, "h"))
    else:
        units = ((_YEAR, "y"), (_DAY, "d"))
    (great, name), (small, other) = units
    whole, rest = divmod(left, great)
    count = int(rest // small)
    return f"{sign}{whole:,} {name}" + (f" {count} {other}" if count else "")
