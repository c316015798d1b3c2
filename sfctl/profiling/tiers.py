"""What the organisation's other datasets of a tier look like, for one that has no history yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sfctl.profiling.figures import number


@dataclass(frozen=True, slots=True)
class Defaults:
    """How days of a tier usually spread. `low` and `high` are shares of the median day's rows."""

    source: str
    low: float
    high: float
    null_rate: float

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in a baseline."""
        return {
            "source": self.source,
            "rows_per_day_low": self.low,
            "rows_per_day_high": self.high,
            "null_rate": self.null_rate,
        }


BUILT_IN = Defaults("built in: no dataset of the tier has seven days yet", 0.5, 2.0, 0.05)


def defaults_of(baselines: Iterable[Mapping[str, Any] | None], tier: str) -> Defaults:
    """Return the averages of baselines that rest on own history, else what is built in.

    `baselines` are those of the other datasets of the tier; one that cannot be read counts not.
    """
    lows, highs, nulls = [], [], []
    for document in baselines:
        try:
            if document is None or document["is_synthetic"]:
                continue
            volume = document["volume"]["rows_per_day"]
            rates = [c["null_rate"] for c in document["columns"].values()]
            if volume["median"] and rates:
                lows.append(volume["min"] / volume["median"])
                highs.append(volume["max"] / volume["median"])
                nulls.append(sum(rates) / len(rates))
        except (KeyError, TypeError, AttributeError):
            continue
    if not lows:
        return BUILT_IN
    count = f"{len(lows)} dataset{'s' if len(lows) != 1 else ''}"
    mean = [number(sum(values) / len(values)) for values in (lows, highs, nulls)]
    return Defaults(f"tier defaults: average of {count} of {tier}", *mean)
