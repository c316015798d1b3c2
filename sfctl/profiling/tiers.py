"""What the organisation's other datasets of a tier look like, for one that has no history yet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sfctl.profiling.figures import number
from sfctl.spec.dataset import DatasetFiles


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


class Spread(NamedTuple):
    """How one dataset's days spread, by a baseline that rests on own history."""

    low: float
    high: float
    null_rate: float


class Tiers:
    """What the datasets of a repo lend each other; every baseline is looked at once."""

    def __init__(self, datasets: Iterable[DatasetFiles]) -> None:
        self._spreads: dict[str, dict[str, Spread | None]] = {}
        for each in datasets:
            self.learn(each, each.baseline)

    def learn(self, dataset: DatasetFiles, document: Mapping[str, Any] | None) -> None:
        """Take a baseline for what is known of a dataset from now on."""
        self._spreads.setdefault(_tier(dataset), {})[dataset.name] = spread_of(document)

    def defaults(self, dataset: DatasetFiles) -> Defaults:
        """Return what is usual among the other datasets of its tier."""
        tier = _tier(dataset)
        known = self._spreads.get(tier, {}).items()
        others = [spread for name, spread in known if spread and name != dataset.name]
        return _average(others, tier)


def _tier(dataset: DatasetFiles) -> str:
    return dataset.dataset.string("tier")


def spread_of(document: Mapping[str, Any] | None) -> Spread | None:
    """Return how the days of a baseline spread; None where it cannot be read, or rests on none."""
    try:
        if document is None or document["is_synthetic"]:
            return None
        volume = document["volume"]["rows_per_day"]
        rates = [c["null_rate"] for c in document["columns"].values()]
        if not volume["median"] or not rates:
            return None
        low, high = (volume[end] / volume["median"] for end in ("min", "max"))
        return Spread(low, high, math.fsum(rates) / len(rates))
    except (KeyError, TypeError, AttributeError):
        return None


def _average(spreads: Sequence[Spread], tier: str) -> Defaults:
    if not spreads:
        return BUILT_IN
    count = f"{len(spreads)} dataset{'s' if len(spreads) != 1 else ''}"
    mean = [number(math.fsum(values) / len(values)) for values in zip(*spreads, strict=True)]
    return Defaults(f"tier defaults: average of {count} of {tier}", *mean)
