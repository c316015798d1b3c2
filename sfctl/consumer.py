"""A consumer group's place in the log, kept in the state store beside what was made of the events.

Whoever folds the log puts `Batch.moved()` into the same transaction as its results: then a kill
at any point leaves either both or neither, and what was read is never folded twice. The group's
offset on the bus only follows, for lag.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sfctl.errors import Conflict
from sfctl.evidence.port import Bus, Record
from sfctl.state.port import ABSENT, Expect, Put, StateStore

TABLE = "consumer_offsets"
PREFIX = "signal_engines."
AT_ONCE = 8
"""How many times as many events a batch may hold where the log is far ahead.

A step loads and writes each cell it touches whole: the fewer steps, the less of that.
"""
ATTEMPTS = 50
"""How often a step is tried while another worker of the group is quicker."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step did. `more` tells that the log has not been read to its end."""

    events: int = 0
    emitted: int = 0
    """Signals, graph elements or incidents, by who speaks."""
    dead: int = 0
    """Events that could not be folded and are dead letters now."""
    more: bool = False

    def __add__(self, other: Progress) -> Progress:
        return Progress(
            self.events + other.events,
            self.emitted + other.emitted,
            self.dead + other.dead,
            other.more,
        )


class Stage(Protocol):
    """One consumer of the log: a signal engine, the graph, the incidents.

    `name` is what `engine run NAME` takes; the group is `signal_engines.<name>`.
    """

    name: str

    def advance(self, now: datetime) -> Progress:
        """Take the next events, and what `now` makes due once there are none.

        Raises StoreError when a store does not answer, Conflict when another worker of the same
        group was quicker; both leave everything as it was.
        """

    def next_deadline(self) -> datetime | None:
        """Return when something becomes due without any event, None for never."""

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Hold off other workers of the group where it writes outside its transaction."""


def advanced(stage: Stage, now: datetime) -> Progress:
    """Advance a stage, again from where another worker of its group has left it.

    Raises Conflict where others were quicker many times in a row.
    """
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(Conflict), stage.turn():
            return stage.advance(now)
    with stage.turn():
        return stage.advance(now)


@dataclass(frozen=True, slots=True)
class Batch:
    """The next events of a group, and the place it had when they were read."""

    group: str
    records: tuple[Record, ...]
    place: dict[str, int]
    """Partition (as text) → last offset folded."""
    version: Expect
    more: bool = False
    """Whether the log may hold further events after these."""

    @property
    def next_version(self) -> Expect:
        """The version of the group's place once it has moved past the batch."""
        return self.version + 1 if isinstance(self.version, int) else 1

    def moved(self) -> Put:
        """Return the write that moves the group past the batch; it fails if another did so."""
        place = dict(self.place)
        for record in self.records:
            partition = str(record.partition)
            place[partition] = max(place.get(partition, -1), record.offset)
        return Put(TABLE, self.group, {"offsets": place}, self.version)


@dataclass(slots=True)
class Reader:
    """Reads a group's events, those it has folded already left out.

    `limit` is the first batch's; while batches come full, the next is twice as long.
    """

    bus: Bus
    state: StateStore
    name: str
    limit: int = 500
    _sought: bool = field(default=False, init=False)
    _full: int = field(default=0, init=False)

    @property
    def group(self) -> str:
        """The consumer group."""
        return PREFIX + self.name

    def next(self) -> Batch:
        """Return what follows the place in the state store, without moving anything."""
        item = self.state.get(TABLE, self.group)
        place = {str(k): int(v) for k, v in item.value["offsets"].items()} if item else {}
        version: Expect = item.version if item else ABSENT
        if not self._sought:
            # The state store is the authority: the bus may be ahead after a restore, or behind
            # after a kill between the two commits.
            self.bus.seek(self.group, place["0"] + 1 if "0" in place else "start")
            self._sought = True
        limit = min(self.limit << self._full, self.limit * AT_ONCE)
        read = self.bus.read(self.group, limit)
        fresh = tuple(r for r in read if r.offset > place.get(str(r.partition), -1))
        if read and not fresh:  # another worker has folded these, and may have died since
            self.bus.seek(self.group, place["0"] + 1)
            read = self.bus.read(self.group, limit)
            fresh = tuple(r for r in read if r.offset > place.get(str(r.partition), -1))
        more = len(read) >= limit
        self._full = min(self._full + 1, AT_ONCE) if more else 0
        return Batch(self.group, fresh, place, version, more)

    def done(self, batch: Batch) -> None:
        """Let the bus know, after the transaction that held `batch.moved()`."""
        self.bus.commit(self.group, batch.records)
