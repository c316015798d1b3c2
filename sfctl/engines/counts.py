"""A series of counts, one a day or an hour, each judged by those before it.

The series keeps ten weeks. What was flagged is kept out of every later baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from sfctl.clock import parse_instant
from sfctl.engines.robust import (
    THRESHOLD_PCT,
    Deviation,
    History,
    Method,
    Reference,
    deviation,
    reference,
)

KEPT_DAYS = 70
KEPT = 240
"""Ten weeks of days; of hours, ten days: enough for ten of each season."""
Grain = Literal["day", "hour"]
_CERTAIN_Z = 6.0
_KEPT_SPAN = {"day": timedelta(days=KEPT_DAYS), "hour": timedelta(days=10)}
_RECENT_SPAN = {"day": timedelta(days=28), "hour": timedelta(hours=28)}


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """One count. `key` sorts by time: a logical date or instant, perhaps with a run's id."""

    key: str
    date: str
    """RFC 3339 date or instant: what the count is of."""
    value: float
    flagged: bool = False

    @property
    def moment(self) -> datetime:
        """The instant the count is of, in UTC."""
        return parse_instant(self.date)


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a dataset demands of its counts. None: no such bound."""

    threshold_pct: float = THRESHOLD_PCT
    method: Method = "robust"
    floor: float | None = None
    ceiling: float | None = None


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said of one count; `reason` is empty where nothing is wrong."""

    reason: str = ""
    severity: Literal["OK", "WARNING", "CRITICAL"] = "OK"
    reference: float | None = None
    deviation_pct: float | None = None
    z: float | None = None
    baseline_points: int = 0
    method: str = ""


def judge(point: Point, series: Sequence[Point], rules: Rules, grain: Grain = "day") -> Verdict:
    """Judge a count by its bounds and by those of the series that are earlier than it.

    A broken bound is CRITICAL, a deviation of twice the threshold as well, any other a WARNING.
    """
    # The plain mean ± 2σ, as printed, knows no marks.
    seen = series if rules.method == "sigma" else [each for each in series if not each.flagged]
    history = history_of(point, seen, grain)
    normal = reference(history, rules.method)
    found = (
        deviation(point.value, normal, history, rules.threshold_pct) if normal is not None else None
    )
    reason, severity = _fault(point.value, found, rules)
    return _verdict(reason, severity, normal, found)


def history_of(point: Point, series: Iterable[Point], grain: Grain) -> History:
    """Return the counts that a count is compared with: those earlier, newest first."""
    moment = point.moment
    oldest = moment - _KEPT_SPAN[grain]
    earlier = [
        (each.moment, each.value)
        for each in sorted(series, key=lambda each: each.key, reverse=True)
        if each.key < point.key
    ]
    earlier = [each for each in earlier if each[0] >= oldest]
    recent = [value for when, value in earlier if when >= moment - _RECENT_SPAN[grain]]
    return History(recent, _season(moment, earlier, grain))


def _season(
    moment: datetime, earlier: Sequence[tuple[datetime, float]], grain: Grain
) -> list[float]:
    """Return the counts of the same weekday or hour; none where several fall on one day."""
    if grain == "hour":
        return [value for when, value in earlier if when.hour == moment.hour]
    days = {when.date() for when, _ in earlier}
    if len(earlier) > 1.5 * len(days):
        return []
    newest: dict[object, float] = {}
    for when, value in earlier:
        if when.weekday() == moment.weekday() and when.date() != moment.date():
            newest.setdefault(when.date(), value)
    return list(newest.values())


def _fault(
    value: float, found: Deviation | None, rules: Rules
) -> tuple[str, Literal["OK", "WARNING", "CRITICAL"]]:
    if rules.floor is not None and value < rules.floor:
        return "BELOW_FLOOR", "CRITICAL"
    if rules.ceiling is not None and value > rules.ceiling:
        return "ABOVE_CEILING", "CRITICAL"
    if found is None or not found.flagged:
        return "", "OK"
    reason = "VOLUME_DROP" if found.pct < 0 else "VOLUME_SPIKE"
    return reason, "CRITICAL" if abs(found.pct) >= 2 * rules.threshold_pct else "WARNING"


def _verdict(
    reason: str,
    severity: Literal["OK", "WARNING", "CRITICAL"],
    normal: Reference | None,
    found: Deviation | None,
) -> Verdict:
    if normal is None or found is None:
        return Verdict(reason, severity)
    return Verdict(
        reason,
        severity,
        round(normal.center, 3),
        round(found.pct, 1),
        round(found.z, 2),
        normal.points,
        normal.method,
    )


def marked(
    series: Sequence[Point], pending: Iterable[str], rules: Rules, grain: Grain = "day"
) -> tuple[tuple[Point, ...], dict[str, Verdict]]:
    """Judge the points named by `pending`, earliest first, each seeing the marks of those before.

    Returns the series with its marks renewed, and the verdict by key.
    """
    points = {point.key: point for point in series}
    verdicts = {}
    for key in sorted(set(pending) & set(points)):
        verdict = judge(points[key], tuple(points.values()), rules, grain)
        points[key] = replace(points[key], flagged=bool(verdict.reason))
        verdicts[key] = verdict
    return tuple(points[key] for key in sorted(points)), verdicts


def kept(series: Iterable[Point], grain: Grain = "day") -> tuple[Point, ...]:
    """Return the series without what is older than any baseline reaches, and its last 240."""
    ordered = sorted(series, key=lambda point: point.key)
    if not ordered:
        return ()
    # One span for the baseline of the newest, none for what a back-fill of older dates would ask.
    oldest = ordered[-1].moment - _KEPT_SPAN[grain]
    return tuple(point for point in ordered if point.moment >= oldest)[-KEPT:]


def expected_false_positive_rate(
    series: Sequence[Point], rules: Rules, grain: Grain = "day"
) -> float | None:
    """Return the share of an own history that would be flagged: each point judged by the others.

    Leave-one-out, bounds aside, the nearest in time first. What is certainly no healthy day (over
    the threshold and six spreads away) does not count. None where nothing can be judged.
    """
    dated = [(point.moment, point.value) for point in sorted(series, key=lambda each: each.key)]
    flagged = judged = 0
    for index, (moment, value) in enumerate(dated):
        near = dated[max(0, index - KEPT) : index] + dated[index + 1 : index + KEPT]
        near = [each for each in near if abs(each[0] - moment) <= _KEPT_SPAN[grain]]
        near.sort(key=lambda each: (abs(each[0] - moment), each[0]))
        recent = [other for when, other in near if abs(when - moment) <= _RECENT_SPAN[grain]]
        history = History(recent, _season(moment, near, grain))
        normal = reference(history)
        if normal is None:
            continue
        found = deviation(value, normal, history, rules.threshold_pct)
        if found.flagged and found.z > _CERTAIN_Z and abs(found.pct) > rules.threshold_pct:
            continue
        if rules.method == "sigma":
            plain = reference(history, "sigma")
            if plain is None:
                continue
            found = deviation(value, plain, history)
        judged += 1
        flagged += found.flagged
    return round(flagged / judged, 4) if judged else None
