"""Which cell is due when: a heap, filled once from the cells' table."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Deadlines:
    """The deadline of each cell that has one. An entry of the heap that is outdated is passed."""

    _moments: dict[str, datetime] = field(default_factory=dict)
    _heap: list[tuple[datetime, str]] = field(default_factory=list)

    def set(self, key: str, moment: datetime | None) -> None:
        """Note a cell's deadline, None for no deadline."""
        if moment is None:
            self._moments.pop(key, None)
        elif self._moments.get(key) != moment:
            self._moments[key] = moment
            heapq.heappush(self._heap, (moment, key))
            if len(self._heap) > 64 + 4 * len(self._moments):
                self._heap = [(when, name) for name, when in self._moments.items()]
                heapq.heapify(self._heap)

    def first(self) -> datetime | None:
        """Return the earliest deadline, None where there is none."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> tuple[datetime, str] | None:
        """Return the earliest deadline that is not after `now`, and its cell; None for none."""
        first = self.first()
        return self._heap[0] if first is not None and first <= now else None

    def copy(self) -> Deadlines:
        """Return another index with the same content."""
        return Deadlines(dict(self._moments), list(self._heap))
