"""The clock port: everything that depends on the time asks here, so that `--now` can move it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the time."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still at `instant` (aware)."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        return self._instant


def clock_from_environment() -> Clock:
    """Return a fixed clock when `SFCTL_NOW` (RFC 3339) is set, else the machine's."""
    text = os.environ.get("SFCTL_NOW")
    return FixedClock(parse_instant(text)) if text else SystemClock()


@lru_cache(maxsize=4096)
def parse_instant(text: str) -> datetime:
    """Parse RFC 3339; an instant without an offset is read as UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant).astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds and `Z`, the form of every time we print."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
