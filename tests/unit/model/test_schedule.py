"""Schedules: which instants they name, on both days of changing clocks too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model.schedule import parse, seconds

ZONES = ("ET", "CT", "MT", "PT", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2034, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "moment", "due"),
    [
        ("02:00 ET daily", "2026-01-19T00:00Z", "2026-01-19T07:00Z"),
        ("02:00 ET daily", "2026-07-01T06:00Z", "2026-07-02T06:00Z"),
        # 2026-03-08, 02:00-03:00 do not exist in New York; 2026-11-01, 01:00-02:00 exist twice.
        ("02:30 ET daily", "2026-03-08T00:00Z", "2026-03-08T07:30Z"),
        ("01:30 ET daily", "2026-11-01T00:00Z", "2026-11-01T05:30Z"),
        ("01:30 ET daily", "2026-11-01T05:30Z", "2026-11-02T06:30Z"),
        ("02:00 ET weekdays", "2026-01-16T12:00Z", "2026-01-19T07:00Z"),
        ("18:30 Europe/Berlin Mon,Wed", "2026-01-19T18:00Z", "2026-01-21T17:30Z"),
        ("18:30 Europe/Berlin mon-fri", "2026-01-16T18:00Z", "2026-01-19T17:30Z"),
        ("10:00 weekends", "2026-01-19T00:00Z", "2026-01-24T10:00Z"),
        ("0 2 * * *", "2026-01-19T02:00Z", "2026-01-20T02:00Z"),
        ("0 2 * * * America/New_York", "2026-01-19T02:00Z", "2026-01-19T07:00Z"),
        ("*/15 8-9 * * mon-fri", "2026-01-16T09:46Z", "2026-01-19T08:00Z"),
        ("0 0 1,15 * 5", "2026-01-15T00:00Z", "2026-01-16T00:00Z"),
        ("0 0 */2 * 1", "2026-01-19T00:00Z", "2026-02-09T00:00Z"),
        ("0 0 * * 7", "2026-01-19T00:00Z", "2026-01-25T00:00Z"),
        ("0 0 29 2 *", "2026-01-01T00:00Z", "2028-02-29T00:00Z"),
        ("@daily", "2026-01-19T00:00Z", "2026-01-20T00:00Z"),
        ("@hourly ET", "2026-11-01T05:00Z", "2026-11-01T06:00Z"),
    ],
)
def test_the_next_deadline(text: str, moment: str, due: str) -> None:
    assert parse(text).after(at(moment)) == at(due)


@pytest.mark.parametrize(
    "text",
    [
        "every night",
        "02:00 XX daily",
        "02:00 ET dayly",
        "02:00 03:00 ET",
        "02:00 ../zone",
        "61 * * * *",
        "0 5-2 * * *",
        "*/0 * * * *",
        "0 0 30 2 *",
        "a b c d e",
        "* * * * * * *",
        "@often",
        "",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(text)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    moment=MOMENTS,
)
def test_a_daily_deadline_comes_once_each_local_day(
    zone: str, hour: int, minute: int, moment: datetime
) -> None:
    schedule = parse(f"{hour:02}:{minute:02} {zone} daily")
    days = []
    for _ in range(5):
        later = schedule.after(moment)
        assert later > moment
        assert timedelta(0) < later - moment <= timedelta(hours=25.1)
        assert schedule.before(later) == later
        assert schedule.before(later - timedelta(seconds=1)) <= moment or not days
        days.append(schedule.logical_date(later))
        moment = later
    dates = [datetime.fromisoformat(day) for day in days]
    assert all(b - a == timedelta(days=1) for a, b in pairwise(dates))


@given(
    text=st.sampled_from(["*/20 * * * * ET", "15 1-3 * * * Europe/Berlin", "0 3 1 * 1 PT"]),
    moment=MOMENTS,
)
def test_after_and_before_meet(text: str, moment: datetime) -> None:
    schedule = parse(text)
    last, following = schedule.before(moment), schedule.after(moment)
    assert last <= moment < following
    assert schedule.after(last) == following
    assert schedule.between(last, following, 9) == [following]


def test_durations_are_seconds() -> None:
    assert seconds("1h30m") == 5400
    assert seconds("500ms") == 0.5
    assert seconds("", 7) == 7
    with pytest.raises(ValueError, match="not a duration"):
        seconds("30")
