"""When something is due: daily times in a zone, weekdays, cron lines; pure, and right across DST.

A local time that a change of clocks skips falls due as much later as the clocks jump (02:30 becomes
03:30); one that exists twice falls due the first time, unless it is due every hour. So each local
day has its deadline once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ZONES = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
    "UTC": "UTC",
    "GMT": "UTC",
    "Z": "UTC",
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_WEEK = tuple(range(7))
_SPANS = {"daily": _WEEK, "weekdays": _WEEK[:5], "weekends": _WEEK[5:]}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_HORIZON = 366 * 8 + 2
"""Days looked at for the next deadline: 29 February may be eight years away."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due at each of `hours`:`minutes` (local) of each day that fits; weekday 0 is Monday."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    weekdays: tuple[int, ...] = _WEEK
    days: tuple[int, ...] = ()
    """Days of the month; empty for all."""
    months: tuple[int, ...] = ()
    zone: str = "UTC"
    either: bool = False
    """Cron's habit: where days and weekdays are both listed, a day that is one of them fits."""

    def after(self, moment: datetime) -> datetime:
        """Return the first deadline later than `moment`, in UTC.

        Raises ValueError when none comes within eight years.
        """
        day = moment.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        for offset in range(_HORIZON):
            for deadline in self.on(day + timedelta(days=offset)):
                if deadline > moment:
                    return deadline
        raise ValueError("the schedule never comes due")

    def before(self, moment: datetime) -> datetime:
        """Return the last deadline at or before `moment`, in UTC. Raises ValueError as `after`."""
        day = moment.astimezone(ZoneInfo(self.zone)).date() + timedelta(days=1)
        for offset in range(_HORIZON):
            for deadline in reversed(self.on(day - timedelta(days=offset))):
                if deadline <= moment:
                    return deadline
        raise ValueError("the schedule was never due")

    def between(self, start: datetime, end: datetime, limit: int) -> list[datetime]:
        """Return the deadlines in `(start, end]`, oldest first; the newest `limit` of them."""
        found: list[datetime] = []
        moment = end
        while len(found) < limit:
            try:
                deadline = self.before(moment)
            except ValueError:
                break
            if deadline <= start:
                break
            found.append(deadline)
            moment = deadline - timedelta(microseconds=1)
        return found[::-1]

    def on(self, day: date) -> list[datetime]:
        """Return the deadlines of a local day, in UTC, ascending, each once."""
        if not self._fits(day):
            return []
        zone = ZoneInfo(self.zone)
        # What is due every hour is due in the hour that comes twice, twice.
        folds = (0, 1) if len(self.hours) == 24 else (0,)
        local = product(self.hours, self.minutes, folds)
        return sorted({_instant(day, time(h, m, fold=fold), zone) for h, m, fold in local})

    def logical_date(self, deadline: datetime) -> str:
        """Return the local day of a deadline, `YYYY-MM-DD`."""
        return deadline.astimezone(ZoneInfo(self.zone)).date().isoformat()

    def _fits(self, day: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        weekday = day.weekday() in self.weekdays
        listed = not self.days or day.day in self.days
        return weekday or listed if self.either else weekday and listed


def _instant(day: date, local: time, zone: ZoneInfo) -> datetime:
    # fold=0 takes the first of two, and shifts a skipped time by the length of the gap.
    return datetime.combine(day, local, zone).astimezone(UTC)


@lru_cache(maxsize=1024)
def parse(text: str) -> Schedule:
    """Read `02:00 ET daily`, `18:30 Europe/Berlin Mon,Wed`, five fields of cron, or `@daily`.

    A zone may stand after a cron line as well; without one it is UTC. Raises ValueError that says
    which word cannot be read.
    """
    words = text.split()
    if words and words[0].startswith("@"):
        line = _ALIASES.get(words[0].lower())
        if line is None:
            raise ValueError(f"{words[0]} is none of {', '.join(_ALIASES)}")
        words = [*line.split(), *words[1:]]
    schedule = _spoken(words) if any(map(_TIME.fullmatch, words)) else _cron(words)
    schedule.after(datetime(2024, 1, 1, tzinfo=UTC))
    return schedule


def seconds(text: str, default: float = 0.0) -> float:
    """Return the seconds of a duration such as `30m` or `1h30m`; `default` for empty text.

    Raises ValueError for anything else.
    """
    if not text:
        return default
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


def _spoken(words: list[str]) -> Schedule:
    at: list[tuple[int, int]] = []
    zone = ""
    days: set[int] = set()
    for word in words:
        match = _TIME.fullmatch(word)
        if match:
            at.append((int(match[1]), int(match[2])))
        elif (found := _weekdays(word)) is not None:
            days.update(found)
        elif not zone:
            zone = _zone(word)
        else:
            raise ValueError(f"cannot read {word!r}")
    if len(at) != 1:
        raise ValueError("more than one time of day; write a cron line")
    hour, minute = at[0]
    return Schedule((minute,), (hour,), tuple(sorted(days)) or _WEEK, zone=zone or "UTC")


def _weekdays(word: str) -> tuple[int, ...] | None:
    lower = word.lower().strip(",")
    if lower in _SPANS:
        return _SPANS[lower]
    found: list[int] = []
    for part in lower.split(","):
        first, dash, last = (each[:3] for each in part.partition("-"))
        if first not in _DAYS or (dash and last not in _DAYS) or not _is_day(part):
            return None
        start, end = _DAYS.index(first), _DAYS.index(last) if dash else _DAYS.index(first)
        found += [(start + n) % 7 for n in range((end - start) % 7 + 1)]
    return tuple(sorted(set(found)))


def _is_day(part: str) -> bool:
    full = [f"{day}day" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")]
    names = {*_DAYS, *full, *(f"{day}s" for day in full), "tues", "weds", "thur", "thurs"}
    return all(each in names for each in part.split("-"))


def _zone(word: str) -> str:
    name = _ZONES.get(word.upper(), word)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no zone {word!r}") from None
    return name


def _cron(words: list[str]) -> Schedule:
    if len(words) not in (5, 6):
        raise ValueError("neither a time of day nor the five fields of cron")
    zone = _zone(words[5]) if len(words) == 6 else "UTC"
    minute, hour, day, month, weekday = words[:5]
    sundays_first = _field(weekday, 0, 7, ("sun", *_DAYS[:6]))
    return Schedule(
        tuple(_field(minute, 0, 59)),
        tuple(_field(hour, 0, 23)),
        tuple(sorted({(n - 1) % 7 for n in sundays_first})),
        () if day in "*?" else tuple(_field(day, 1, 31)),
        () if month in "*?" else tuple(_field(month, 1, 12, ("", *_MONTHS))),
        zone,
        either=not (day.startswith(("*", "?")) or weekday.startswith(("*", "?"))),
    )


def _field(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> list[int]:
    found = {value for part in text.split(",") for value in _part(part, low, high, names)}
    return sorted(found)


def _part(text: str, low: int, high: int, names: tuple[str, ...]) -> Iterator[int]:
    body, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        raise ValueError(f"cannot read the step of {text!r}")
    if body in ("*", "?"):
        start, end = low, high
    else:
        first, dash, last = body.partition("-")
        start = _number(first, names)
        end = _number(last, names) if dash else high if slash else start
    if not low <= start <= end <= high:
        raise ValueError(f"{text!r} is not within {low}-{high}")
    yield from range(start, end + 1, int(step) if slash else 1)


def _number(text: str, names: tuple[str, ...]) -> int:
    if text.isdecimal():
        return int(text)
    lower = text.lower()
    if lower and lower in names:
        return names.index(lower)
    raise ValueError(f"cannot read {text!r}")
