"""What was counted of a batch: the one value that every engine hands to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfctl.model.verdict import PiiFinding
from sfctl.runtime.measured import Measured
from sfctl.runtime.tally import Distinct, RowTally, UniqueTally


@dataclass(slots=True)
class Scanned:
    """Everything that was counted. `rows` are all rows, `seen` those that were judged."""

    rows: int = 0
    seen: int = 0
    tallies: dict[str, RowTally] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)
    distinct: Distinct = field(default_factory=Distinct)
    uniques: dict[str, UniqueTally] = field(default_factory=dict)
    findings: dict[tuple[str, str, str, bool], PiiFinding] = field(default_factory=dict)
    passes: int = 0

    @property
    def sampled(self) -> bool:
        return self.seen < self.rows
