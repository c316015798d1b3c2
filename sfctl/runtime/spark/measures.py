"""The states of batch measures from aggregates: what to ask of all rows, and what they said.

What is exact and cheap is asked in `parts`, which may ride on a write; what needs the ends of the
values first is asked in `spread`. Nothing depends on how rows are partitioned but the last digits
of a float sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from sfctl.runtime.faults import DataError
from sfctl.runtime.measured import Measured
from sfctl.runtime.spark import arithmetic, floats, moments, numbers
from sfctl.runtime.spark.sql import Term, cast, inner

NUMBERS = ("sum", "avg", "stddev", "quantile")
_PART_BITS = 21
"""A BIGINT is summed in three parts so small that no number of rows that exists can overflow."""
_LOW_DIGITS = 20
"""Digits of a wide decimal that are summed apart from those before them."""
_SUMMED = 28
"""Digits of a decimal to which Spark's sum of ten thousand million rows adds no more than fits."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENTS = frozenset(["date", "instant", "naive"])


def parts(measure: str, term: Term | None, where: Term | None) -> dict[str, str]:
    """Return the aggregates whose values `state` needs, by a short name.

    Raises DataError where the measure does not apply to such a column.
    """
    found = {"rows": "count(1)" if where is None else f"count_if({where.value})"}
    if where is not None and where.error is not None:
        found["errors"] = f"count_if({where.error})"
    if term is None:
        return found
    term = of_numbers(measure, term)
    value = inside(term.value, where)
    found["values"] = f"count({value})"
    if measure in ("sum", "avg"):
        return {**found, **_sums(term, value)}
    if measure in ("min", "max", "freshness"):
        end = "min" if measure == "min" else "max"
        return {**found, "end": _plain(term, f"{end}({value})")}
    if measure == "stddev":
        return {**found, "least": f"min({value})", "most": f"max({value})"}
    return found


def of_numbers(measure: str, term: Term) -> Term:
    """Return a term that the measure applies to: a column of nothing but null is one of doubles.

    Raises DataError for a column that holds no numbers where some are needed.
    """
    if measure not in NUMBERS:
        return term
    if term.dtype.kind == "NULL":
        return replace(term, value=cast(term.value, "DOUBLE"), family="float", dtype=floats.DOUBLE)
    if term.family not in ("exact", "float"):
        raise DataError(f"{term.dtype} is no number")
    return term


def inside(value: str, where: Term | None) -> str:
    """Return a value of the rows that a condition covers, null in all others."""
    return value if where is None else f"CASE WHEN {where.value} THEN {value} END"


def state(measure: str, term: Term | None, found: Mapping[str, Any]) -> Measured:
    """Return the state from the values of `parts`."""
    base = Measured(
        int(found["rows"] or 0), int(found.get("values") or 0), errors=int(found.get("errors") or 0)
    )
    if "total" in found:
        return replace(base, total=float(found["total"] or 0.0))
    if measure in ("sum", "avg"):
        assert term is not None
        return replace(base, total=_total(term, found))
    if "end" in found and term is not None:
        end = _value(term, found["end"])
        return replace(base, least=end) if measure == "min" else replace(base, most=end)
    if "most" in found:
        return replace(base, least=found["least"], most=found["most"])
    return base


def spread(term: Term, where: Term | None, ends: Measured) -> dict[str, str]:
    """Return mean and variance of what is left of the values without a middle of them.

    Doubles hold what is left even where they would round the values themselves.
    """
    middle = middle_of(term, ends)
    if term.family == "exact":
        whole = int(middle * 10**term.scale)
        left = arithmetic.subtract(term, arithmetic.constant(whole, term.scale))
        # what is left has more than 38 digits only where doubles round it no further
        rough = _less(floats.to_float(term).value, float(middle))
        rest = floats.to_float(left).value
        rest = rest if left.error is None else f"coalesce({rest}, {rough})"
    else:
        rest = _less(term.value, float(middle))
    value = inside(rest, where)
    return {"offset": f"avg({value})", "variance": f"var_pop({value})"}


def spread_state(term: Term, ends: Measured, found: Mapping[str, Any]) -> Measured:
    """Return the state from the values of `spread`."""
    offset, variance = float(found["offset"] or 0.0), float(found["variance"] or 0.0)
    squares = variance * ends.values
    if not (math.isfinite(offset) and math.isfinite(squares)):
        return replace(ends, squares=math.nan)
    return replace(ends, mean=Fraction(middle_of(term, ends)) + Fraction(offset), squares=squares)


def middle_of(term: Term, ends: Measured) -> Fraction | float:
    """Return a number between the least and the most, one that the term's scale can say."""
    if ends.least is None or ends.most is None:
        return Fraction()
    if term.family == "exact":
        low, high = (int(Fraction(end) * 10**term.scale) for end in (ends.least, ends.most))
        return Fraction(low // 2 + high // 2, 10**term.scale)
    middle = ends.least / 2 + ends.most / 2
    return middle if math.isfinite(middle) else 0.0


def _less(value: str, middle: float) -> str:
    return f"{inner(value)} - {inner(floats.number(middle))}"


def _sums(term: Term, value: str) -> dict[str, str]:
    if term.family == "float":
        return {"total": f"sum({value})"}
    if term.dtype.kind in ("INT8", "INT16", "INT32"):
        return {"low": f"sum({cast(value, 'BIGINT')})"}
    if term.dtype.kind == "INT64":
        held = inner(value)
        mask = 2**_PART_BITS - 1
        return {
            "low": f"sum({held} & {mask}L)",
            "middle": f"sum(shiftright({value}, {_PART_BITS}) & {mask}L)",
            "high": f"sum(shiftright({value}, {2 * _PART_BITS}))",
        }
    if (term.dtype.precision or numbers.DIGITS) <= _SUMMED:
        return {"low": f"sum({value})"}
    away = term.scale - _LOW_DIGITS
    unit = numbers.number(1, away, decimal=True)
    whole = cast(f"{inner(value)} DIV {unit}", "DECIMAL(19,0)")
    return {"low": f"sum({inner(value)} % {unit})", "high": f"sum({whole})"}


def _total(term: Term, found: Mapping[str, Any]) -> Fraction:
    low, middle, high = (Fraction(found.get(name) or 0) for name in ("low", "middle", "high"))
    if "middle" in found:
        return low + middle * (1 << _PART_BITS) + high * (1 << 2 * _PART_BITS)
    away = term.scale - _LOW_DIGITS
    return low + high * (Fraction(1, int(10**away)) if away > 0 else int(10**-away))


def _plain(term: Term, value: str) -> str:
    """Return a day or moment as microseconds: as such it comes to the driver in any zone."""
    if term.family in _MOMENTS:
        return moments.in_micros(replace(term, value=value)).value
    return value


def _value(term: Term, found: Any) -> Any:
    """Return a value from the form of `_plain` as Python has it. Raises OverflowError."""
    if found is None:
        return None
    if term.family == "exact":
        return Fraction(found)
    if term.family == "duration":
        return timedelta(microseconds=found)
    if term.family == "time":
        return (_EPOCH + timedelta(microseconds=found // 1000)).time()
    if term.family in _MOMENTS:
        moment = _EPOCH + timedelta(microseconds=found)
        if term.family == "date":
            return moment.date()
        return moment if term.family == "instant" else moment.replace(tzinfo=None)
    return bytes(found) if term.family == "binary" else found
