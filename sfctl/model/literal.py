"""Written values and what they mean: numbers, dates, instants, spans of time, always exactly."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from sfctl.model.expr import Constant
from sfctl.model.types import DataType

MAX_DIGITS = 38
INT64 = DataType("INT64")
DOUBLE = DataType("DOUBLE")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?")
_INSTANT = re.compile(
    rf"({_DATE.pattern})(?:[T ]({_TIME.pattern}))?\s?(Z|z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
)
_SPAN = re.compile(r"([+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]+)")
SECONDS = {
    "microsecond": Decimal("0.000001"), "millisecond": Decimal("0.001"), "second": Decimal(1),
    "minute": Decimal(60), "hour": Decimal(3600), "day": Decimal(86400), "week": Decimal(604800),
}  # fmt: skip


def number(text: str) -> Constant | None:
    """Return the constant a number means; None where the text is none or exceeds 38 digits.

    Exact: INT64 up to 18 digits, else DECIMAL. A number with an exponent beyond 38 digits is a
    DOUBLE.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    plain = format(value, "f") if abs(value.adjusted()) < 400 else ""
    whole, _, fraction = plain.lstrip("+-").partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    if plain and digits <= MAX_DIGITS:
        plain = plain.removeprefix("+")
        if fraction:
            return Constant(plain, DataType("DECIMAL", max(digits, 1), len(fraction)))
        plain = str(int(plain))
        return Constant(plain, INT64 if digits <= 18 else DataType("DECIMAL", digits, 0))
    exponent = "e" in text.lower()
    if exponent and abs(float(text)) != float("inf"):
        return Constant(repr(float(text)), DOUBLE)
    return None


def temporal(text: str, kind: str) -> Constant | None:
    """Return a DATE, TIME, TIMESTAMP or TIMESTAMP_NTZ constant in its one written form.

    None where the text is no such value; a TIMESTAMP needs a zone, TIMESTAMP_NTZ must have none.
    """
    text = text.strip()
    try:
        if kind == "TIME":
            return _made(time.fromisoformat(text), kind) if _TIME.fullmatch(text) else None
        match = _INSTANT.fullmatch(text)
        if match is None:
            return None
        day, clock, zone = match.groups()
        if kind == "DATE":
            return _made(date.fromisoformat(day), kind) if not clock and not zone else None
        if bool(zone) != (kind == "TIMESTAMP"):
            return None
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(zone or '').upper()}")
        return _made(moment.astimezone(UTC) if zone else moment, kind)
    except (ValueError, OverflowError):
        return None


def instant(text: str) -> Constant | None:
    """Return what TIMESTAMP '…' means: an instant where a zone is written, else without zone."""
    return temporal(text, "TIMESTAMP") or temporal(text, "TIMESTAMP_NTZ")


def span(text: str) -> Constant | None:
    """Return a DURATION constant, its text in exact seconds, from forms such as `2 days 3 hours`.

    Days have 24 hours; months and years, which have no fixed length, give None.
    """
    total = Decimal(0)
    rest = text.strip().lower()
    if not rest:
        return None
    while rest:
        match = _SPAN.match(rest)
        if match is None:
            return None
        unit = SECONDS.get(match[2].rstrip("s") or match[2])
        if unit is None:
            return None
        total += Decimal(match[1]) * unit
        rest = rest[match.end() :].lstrip(" ,")
    if abs(total) > Decimal(10) ** 11 or total % SECONDS["microsecond"]:
        return None
    return Constant(_trimmed(total), DataType("DURATION"))


def value_of(constant: Constant) -> object:
    """Return the Python value of a constant: Decimal, float, bool, str, date, time, timedelta."""
    kind = constant.type.kind
    if constant.type.is_exact:
        return constant.number()
    if constant.type.is_float:
        return float(constant.text)
    if kind == "BOOLEAN":
        return constant.text == "TRUE"
    if kind == "DATE":
        return date.fromisoformat(constant.text)
    if kind == "TIME":
        return time.fromisoformat(constant.text)
    if kind in ("TIMESTAMP", "TIMESTAMP_NTZ"):
        return datetime.fromisoformat(constant.text)
    if kind == "DURATION":
        return timedelta(microseconds=int(constant.number() * 1_000_000))
    return constant.text


def _made(value: date | time, kind: str) -> Constant:
    return Constant(value.isoformat().replace("+00:00", "Z"), DataType(kind))


def _trimmed(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
