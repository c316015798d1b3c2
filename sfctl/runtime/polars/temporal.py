"""Dates, times and instants: constants and comparison without losing a nanosecond."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from sfctl.model.expr import Constant
from sfctl.runtime.faults import DataError
from sfctl.runtime.polars.term import Term, any_error, boolean

_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}


def constant(node: Constant) -> Term:
    """Return an ISO date, time or instant as a literal."""
    if node.type.kind == "DATE":
        day = date.fromisoformat(node.text[:10])
        return Term(pl.lit(day), "date", pl.Date())
    if node.type.kind == "TIME":
        return Term(pl.lit(time.fromisoformat(node.text)), "time", pl.Time())
    if node.type.kind == "DURATION":
        span = timedelta(microseconds=int(node.number() * 1_000_000))
        return Term(pl.lit(span, dtype=pl.Duration("us")), "duration", pl.Duration("us"))
    moment = datetime.fromisoformat(node.text)
    if node.type.kind == "TIMESTAMP":
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        zoned = pl.Datetime("us", "UTC")
        return Term(pl.lit(moment, dtype=zoned), "instant", zoned)
    naive = pl.Datetime("us")
    return Term(pl.lit(moment.replace(tzinfo=None), dtype=naive), "naive", naive)


def compare(function: Callable[[Any, Any], Any], left: Term, right: Term) -> Term:
    """Return the truth of a comparison of two dates, times, instants or durations.

    Raises DataError where an instant meets a time without zone: nobody said which zone is meant.
    """
    error = any_error(left, right)
    families = {left.family, right.family}
    if families == {"instant", "naive"} or families == {"instant", "date"}:
        raise DataError("an instant is compared with a time that has no zone")
    if families == {"date", "naive"}:
        left, right = _as_naive(left), _as_naive(right)
    if left.family in ("instant", "naive", "duration") and _unit(left) != _unit(right):
        return boolean(function(_nanoseconds(left), _nanoseconds(right)), error)
    return boolean(function(_in_utc(left), _in_utc(right)), error)


def arithmetic(symbol: str, left: Term, right: Term) -> Term:
    """Return a time moved by a duration, or the duration between two times."""
    error = any_error(left, right)
    a, b = _in_utc(_as_naive(left)), _in_utc(_as_naive(right))
    families = (left.family, right.family)
    if symbol == "-" and "duration" not in families:
        if "instant" in families and families != ("instant", "instant"):
            raise DataError("an instant minus a time that has no zone")
        return Term(a - b, "duration", pl.Duration("us"), error)
    moved = left if right.family == "duration" else right
    if moved.family == "duration":
        return Term(a + b if symbol == "+" else a - b, "duration", pl.Duration("us"), error)
    kind = _as_naive(moved)
    dtype = pl.Datetime(_unit(kind), "UTC") if kind.family == "instant" else kind.dtype  # type: ignore[arg-type]
    return Term(a + b if symbol == "+" else a - b, kind.family, dtype, error)


def _as_naive(term: Term) -> Term:
    if term.family != "date":
        return term
    return Term(term.value.cast(pl.Datetime("us")), "naive", pl.Datetime("us"), term.error)


def _unit(term: Term) -> str:
    assert isinstance(term.dtype, pl.Datetime | pl.Duration)
    return str(term.dtype.time_unit)


def _in_utc(term: Term) -> pl.Expr:
    if term.family != "instant":
        return term.value
    return term.value.dt.convert_time_zone("UTC")


def _nanoseconds(term: Term) -> pl.Expr:
    """Return the physical value in nanoseconds, in 128 bits so that no unit's range is cut."""
    factor = 10**9 // _PER_SECOND[_unit(term)]
    return term.value.to_physical().cast(pl.Int128) * pl.lit(factor, dtype=pl.Int128)
