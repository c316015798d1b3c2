"""Bound the embedded bus: archived events leave it after 90 days, sooner when it is too big."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sfctl.evidence.archive import GROUP, HOT
from sfctl.evidence.embedded import EmbeddedBus

RETENTION = timedelta(days=90)
MAX_BYTES = 2 * 2**30
MAX_DEAD_LETTERS = 10_000


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did. `over_bytes` is above zero when the bound could not be kept."""

    aged: int = 0
    crowded: int = 0
    dead_letters: int = 0
    bytes: int = 0
    over_bytes: int = 0


def sweep(
    bus: EmbeddedBus,
    now: datetime,
    *,
    retention: timedelta = RETENTION,
    max_bytes: int = MAX_BYTES,
) -> Swept:
    """Forget archived events past their retention, then the oldest archived ones over the bound.

    What is not archived, or younger than a day, is never dropped: `over_bytes` tells instead.
    """
    archived = bus.groups().get(GROUP, 0)
    aged = _all(bus, now - retention, archived)
    crowded = 0
    if bus.size() > max_bytes:
        bus.shrink()
    while bus.size() > max_bytes:
        gone = bus.forget(now - HOT, through=archived)
        if not gone:
            break
        crowded += gone
        bus.shrink()
    letters = bus.forget_dead_letters(MAX_DEAD_LETTERS)
    if aged and not crowded:
        bus.shrink()
    size = bus.size()
    return Swept(aged, crowded, letters, size, max(size - max_bytes, 0))


def _all(bus: EmbeddedBus, before: datetime, through: int) -> int:
    total = 0
    while gone := bus.forget(before, through=through):
        total += gone
    return total
