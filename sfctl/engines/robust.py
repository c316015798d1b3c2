"""What is normal for a count: a median and its spread, and whether a new count lies within.

Median and MAD scaled to a standard deviation (Rousseeuw & Croux 1993), so that one bad day in
the history does not hide the next. `sigma` is the plain mean ± 2σ of seven days.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Method = Literal["robust", "sigma"]
THRESHOLD_PCT = 40.0
SHORTEST = 7
"""Fewer points than this are no baseline."""
RECENT = 28
SEASONS = 10
SEASONS_NEEDED = 6
_SCALE = 1.4826
_FLOOR = 0.05
_SMALL_PCT = 15.0


@dataclass(frozen=True, slots=True)
class Reference:
    """What a count is compared with. `spread` is in the count's own unit."""

    center: float
    spread: float
    points: int
    method: str
    """`robust:season`, `robust:recent` or `sigma`."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a count lies from its reference. `pct` is signed: negative for a drop."""

    pct: float
    z: float
    flagged: bool


@dataclass(frozen=True, slots=True)
class History:
    """The counts before one, newest first: the `recent` ones, and those of its weekday or hour."""

    recent: Sequence[float]
    season: Sequence[float] = ()


def reference(history: History, method: Method = "robust") -> Reference | None:
    """Return what is normal, None where the history is too short to say."""
    if method == "sigma":
        recent = history.recent[:SHORTEST]
        if len(recent) < SHORTEST:
            return None
        return Reference(statistics.fmean(recent), statistics.stdev(recent), SHORTEST, "sigma")
    season = history.season[:SEASONS]
    if len(season) >= SEASONS_NEEDED:
        return _robust(season, "robust:season")
    recent = history.recent[:RECENT]
    return _robust(recent, "robust:recent") if len(recent) >= SHORTEST else None


def deviation(
    value: float, normal: Reference, history: History, threshold_pct: float = THRESHOLD_PCT
) -> Deviation:
    """Judge a count against its reference.

    Robust: flagged beyond `threshold_pct` with z > 2, or beyond 15 % with z > 4. While a season
    is too short to be a reference of its own, a count that is like its last ones is not flagged:
    the second Sunday is no drop. Sigma: flagged beyond two standard deviations.
    """
    pct, z = _distance(value, normal)
    if normal.method == "sigma":
        return Deviation(pct, z, abs(value - normal.center) > 2 * normal.spread)
    flagged = _beyond(pct, z, threshold_pct)
    if flagged and history.season and normal.method != "robust:season":
        like = _robust(history.season[:SEASONS_NEEDED], "")
        # Of one or two points the spread says nothing: ten per cent is what counts commonly vary.
        spread = max(like.spread, 0.1 * abs(like.center))
        near, near_z = _distance(value, Reference(like.center, spread, like.points, ""))
        flagged = _beyond(near, near_z, threshold_pct)
    return Deviation(pct, z, flagged)


def _beyond(pct: float, z: float, threshold_pct: float) -> bool:
    return (abs(pct) > threshold_pct and z > 2) or (abs(pct) > _SMALL_PCT and z > 4)


def _distance(value: float, normal: Reference) -> tuple[float, float]:
    away = value - normal.center
    if away == 0:
        return 0.0, 0.0
    pct = 100 * away / abs(normal.center) if normal.center else 100.0
    # A history without any spread makes each departure an outlier; JSON knows no infinity.
    return pct, min(abs(away) / normal.spread, 999.0) if normal.spread else 999.0


def _robust(values: Sequence[float], method: str) -> Reference:
    center = statistics.median(values)
    mad = statistics.median(abs(value - center) for value in values)
    return Reference(center, max(_SCALE * mad, _FLOOR * abs(center)), len(values), method)
