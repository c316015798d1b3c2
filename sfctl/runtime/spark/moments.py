"""Days, times, moments and spans of time as numbers: what Spark says of them without a time zone.

A span is microseconds, a time of day nanoseconds, each in BIGINT: Spark's own types of them depend
on settings of the session. Days and moments stay Spark's own until something is computed of them.
"""

from __future__ import annotations

from dataclasses import replace

from sfctl.model.types import DataType
from sfctl.runtime.spark.sql import Term, either, inner, sharing, undone

DAY = 86_400_000_000
DURATION = DataType("DURATION")
TIME = DataType("TIME")
NAIVE = DataType("TIMESTAMP_NTZ")
INSTANT = DataType("TIMESTAMP")
DATE = DataType("DATE")
_LAST = 2_932_896
"""The 31st of December 9999 in days since the epoch; beyond some such day Spark raises."""
_FIRST = -719_162


def of_clock(value: str) -> Term:
    """Return a TIME column as nanoseconds since midnight."""
    return Term(f"(time_to_micros({value}) * 1000L)", "time", TIME, form="micros")


def of_span(value: str) -> Term:
    """Return a column of intervals of days and less as microseconds."""
    parts = (("DAY", DAY), ("HOUR", 3_600_000_000), ("MINUTE", 60_000_000))
    whole = " + ".join(
        f"CAST(extract({name} FROM {value}) AS BIGINT) * {unit}L" for name, unit in parts
    )
    seconds = f"CAST(extract(SECOND FROM {value}) * 1000000BD AS BIGINT)"
    return Term(f"({whole} + {seconds})", "duration", DURATION, form="micros")


def in_micros(term: Term) -> Term:
    """Return a day, moment or span as microseconds since the epoch.

    Moments of which BIGINT does not hold the microseconds are errors.
    """
    if term.form == "micros":
        return term
    value = term.value
    if term.family == "instant":
        return replace(term, value=f"unix_micros({value})", form="micros")
    if term.family == "date":
        micros = f"try_multiply(CAST(unix_date({value}) AS BIGINT), {DAY}L)"
        error = either([term.error, undone(micros, value)])
        return Term(micros, "naive", NAIVE, error, form="micros")
    found = replace(term, value=sharing(_naive_micros, value=value), form="micros")
    return replace(found, error=either([term.error, undone(found.value, value)]))


def _naive_micros(value: str) -> str:
    days = f"unix_date(CAST({value} AS DATE))"
    clock = (
        f"hour({value}) * 3600000000L + minute({value}) * 60000000L"
        f" + CAST(extract(SECOND FROM {value}) * 1000000BD AS BIGINT)"
    )
    return f"try_add(try_multiply(CAST({days} AS BIGINT), {DAY}L), {clock})"


def as_naive(term: Term) -> Term:
    """Return a day as its midnight, anything else as it is; days beyond all moments are errors."""
    if term.family != "date":
        return term
    midnight = Term(f"CAST({term.value} AS TIMESTAMP_NTZ)", "naive", NAIVE, term.error)
    if term.constant is not None:
        return midnight
    days = f"unix_date({term.value})"
    beyond = f"coalesce({days} > {_LAST} OR {days} < {_FIRST}, FALSE)"
    return midnight.masked(beyond)


def utc_day(term: Term) -> str:
    """Return the day of a day or moment; that of an instant in UTC."""
    if term.family == "date":
        return term.value
    if term.family == "naive" and term.form == "own":
        return f"CAST({term.value} AS DATE)"
    micros = inner(in_micros(term).value)
    before = f"if({micros} % {DAY}L < 0, 1, 0)"
    return f"date_from_unix_date(CAST({micros} div {DAY}L - {before} AS INT))"


def part(name: str, term: Term) -> str:
    """Return the year, month, day, hour or minute of a day, time or moment."""
    if name in ("year", "month", "day"):
        return f"{name}({utc_day(term)})"
    if term.family == "date":
        return f"if({inner(term.value)} IS NOT NULL, 0, NULL)"
    if term.family == "naive" and term.form == "own":
        return f"{name}({term.value})"
    per_minute = 60_000_000_000 if term.family == "time" else 60_000_000
    clock = f"pmod({in_micros(term).value}, {per_minute * 1440}L)"
    minutes = f"({clock} div {per_minute}L)"
    cut = f"{minutes} div 60" if name == "hour" else f"{minutes} % 60"
    return f"CAST({cut} AS INT)"


def text_of(value: str, dtype: DataType) -> str:
    """Return a moment as text to the microsecond, an instant in UTC."""
    if dtype.kind == "TIMESTAMP_NTZ":
        short = f"CAST({value} AS STRING)"
        whole = f"instr({short}, '.') = 0"
        return f"if({whole}, concat({short}, '.000000'), rpad({short}, 26, '0'))"
    term = Term(f"unix_micros({value})", "instant", INSTANT, form="micros")
    clock = f"pmod({term.value}, {DAY}L)"
    sizes = ((3_600_000_000, 24), (60_000_000, 60), (1_000_000, 60))
    parts = [f"lpad(CAST({clock} div {unit}L % {most} AS STRING), 2, '0')" for unit, most in sizes]
    micros = f"lpad(CAST({clock} % 1000000L AS STRING), 6, '0')"
    between = ", ':', ".join(parts)
    day = f"CAST({utc_day(term)} AS STRING)"
    return f"concat({day}, ' ', {between}, '.', {micros}, '+00:00')"


def unified(terms: list[Term]) -> list[Term]:
    """Bring moments to one way of holding them."""
    if len({term.form for term in terms}) == 1:
        return terms
    return [in_micros(term) for term in terms]
