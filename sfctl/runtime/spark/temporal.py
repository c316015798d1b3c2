"""Dates, times and instants: constants, comparison and arithmetic to the microsecond."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from sfctl.model.expr import Constant
from sfctl.runtime.spark import exact, moments
from sfctl.runtime.spark.sql import DataError, Term, any_error, boolean, either, undone

_NAMES = {"+": "try_add", "-": "try_subtract"}


def constant(node: Constant) -> Term:
    """Return an ISO date, time or instant as a literal that names its zone, or has none."""
    if node.type.kind == "DATE":
        day = date.fromisoformat(node.text[:10])
        return Term(f"DATE'{day.isoformat()}'", "date", moments.DATE, constant=day.toordinal())
    if node.type.kind == "TIME":
        clock = time.fromisoformat(node.text)
        seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
        nanos = (seconds * 1_000_000 + clock.microsecond) * 1000
        return Term(f"{nanos}L", "time", moments.TIME, form="micros")
    if node.type.kind == "DURATION":
        return span(int(node.number() * 1_000_000))
    moment = datetime.fromisoformat(node.text)
    if node.type.kind == "TIMESTAMP":
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        written = moment.replace(tzinfo=None).isoformat(" ")
        return Term(f"TIMESTAMP_LTZ'{written}Z'", "instant", moments.INSTANT)
    written = moment.replace(tzinfo=None).isoformat(" ")
    return Term(f"TIMESTAMP_NTZ'{written}'", "naive", moments.NAIVE)


def span(micros: int) -> Term:
    """Return a literal span of time."""
    return Term(f"{micros}L", "duration", moments.DURATION, form="micros")


def compare(symbol: str, left: Term, right: Term) -> Term:
    """Return the truth of a comparison of two dates, times, instants or durations.

    Raises DataError where an instant meets a time without zone: nobody said which zone is meant.
    """
    families = {left.family, right.family}
    if families == {"instant", "naive"} or families == {"instant", "date"}:
        raise DataError("an instant is compared with a time that has no zone")
    if families == {"date", "naive"} and left.form == right.form:
        left, right = moments.as_naive(left), moments.as_naive(right)
    elif len(families) > 1 and families != {"date", "naive"}:
        raise DataError(f"{left.dtype} cannot be compared with {right.dtype}")
    left, right = moments.unified([left, right])
    return boolean(exact.compared(symbol, left.value, right.value), any_error(left, right))


def arithmetic(symbol: str, left: Term, right: Term) -> Term:
    """Return a time moved by a duration, or the duration between two times."""
    families = (left.family, right.family)
    if symbol == "-" and "duration" not in families:
        if "instant" in families and families != ("instant", "instant"):
            raise DataError("an instant minus a time that has no zone")
        family, dtype = "duration", moments.DURATION
    else:
        moved = left if right.family == "duration" else right
        family, dtype = moved.family, moved.dtype
        if family == "date":
            family, dtype = "naive", moments.NAIVE
    a, b = moments.in_micros(left), moments.in_micros(right)
    value = f"{_NAMES[symbol]}({a.value}, {b.value})"
    error = either([any_error(a, b), undone(value, a.value, b.value)])
    return Term(value, family, dtype, error, form="micros")  # type: ignore[arg-type]
