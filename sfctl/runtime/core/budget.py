"""How long gates may take and how much memory they may hold, kept at chunk boundaries.

Past the deadline only every tenth row of what is left is judged; past the memory cap what grows
with the rows is given up. Neither stops the user's job.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sfctl.model.policy import Policy
from sfctl.runtime.allowance import ROWS, SECONDS

if TYPE_CHECKING:
    import polars as pl

EVERY = 10
_STATM = Path("/proc/self/statm")


class MemoryCapError(Exception):
    """Judging would hold more memory than the policy allows."""


@dataclass(slots=True)
class Budget:
    """A deadline in seconds per `ROWS` rows, and a cap on what judging adds to memory.

    None means unlimited. `clock` is monotonic, `resident` the memory in use now, in bytes.
    """

    seconds: float | None = None
    ceiling: float | None = None
    """Seconds whatever the rows: the policy's own cap."""
    memory: int | None = None
    clock: Callable[[], float] = time.monotonic
    resident: Callable[[], int] = field(default=lambda: resident_bytes())
    _started: float = field(init=False)
    _base: int = field(init=False)
    _cut: list[bool] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._started = self.clock()
        self._base = self.resident() if self.memory is not None else 0

    @property
    def overdue(self) -> bool:
        """Whether some chunk was judged by a sample."""
        return any(self._cut)

    def share(self, chunk: pl.DataFrame, before: int) -> pl.DataFrame:
        """Return the rows of the next chunk to judge: all, or a tenth when time has run out."""
        late = before > 0 and self.clock() - self._started > self._allowed(before)
        self._cut.append(late)
        return chunk.gather_every(EVERY) if late else chunk

    def same_share(self, chunk: pl.DataFrame, number: int) -> pl.DataFrame:
        """Return what `share` returned for the chunk of this number, in a later pass."""
        return chunk.gather_every(EVERY) if self._cut[number] else chunk

    def check_memory(self) -> None:
        """Raise MemoryCapError when judging has added more than the cap."""
        if self.memory is not None and self.resident() - self._base > self.memory:
            raise MemoryCapError(f"more than {self.memory // 2**20} MiB")

    def _allowed(self, rows: int) -> float:
        allowed = float("inf") if self.seconds is None else self.seconds * max(1.0, rows / ROWS)
        return min(allowed, float("inf") if self.ceiling is None else self.ceiling)


def budget_for(policy: Policy, gates: Iterable[str]) -> Budget:
    """Return what a policy allows for these gates together, as they share one pass."""
    names = list(gates)
    performance = policy.performance
    ceiling = (
        performance.gate_timeout_ms / 1000 * len(names) if performance.gate_timeout_ms else None
    )
    return Budget(
        sum(SECONDS.get(name, 0.0) for name in names) or None, ceiling, performance.memory_mb << 20
    )


def resident_bytes() -> int:
    """Return the resident memory of this process; 0 where the system does not tell."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
