"""Times on the command line: an instant in RFC 3339, or how long ago."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sfctl.clock import parse_instant
from sfctl.errors import UsageError

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_LONGEST = timedelta(days=365 * 100)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str) -> timedelta:
    """Read `90s`, `30m`, `2h`, `7d` or `1w`. Raises UsageError SF807."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            f"not a span of time: {text!r}", hint="for example 30m, 2h, 7d", code="SF807"
        )
    try:
        span = timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > _LONGEST:
        raise UsageError(f"too long a span of time: {text!r}", code="SF807")
    return span


def instant_of(text: str, now: datetime) -> datetime | None:
    """Read an instant, or a span counted back from `now`; None for empty. Raises UsageError."""
    if not text:
        return None
    if _SPAN.fullmatch(text.strip().lower()):
        return now - span_of(text)
    try:
        return parse_instant(text)
    except ValueError:
        raise UsageError(
            f"not a time: {text!r}", hint="RFC 3339 like 2024-01-15T02:00:00Z, or 2h", code="SF807"
        ) from None
