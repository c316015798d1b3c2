"""Runs one engine over the log: cells, place in the log and signals move in one transaction.

A signal goes from that transaction's outbox to the bus, where its id and revision are known once;
then it leaves the outbox. A kill at any point is made good by the next start.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sfctl.consumer import TABLE as OFFSETS
from sfctl.consumer import Batch, Progress, Reader
from sfctl.engines.deadlines import Deadlines
from sfctl.engines.engine import Engine
from sfctl.engines.outgoing import Outgoing
from sfctl.engines.work import Work, moment_of
from sfctl.errors import Conflict
from sfctl.evidence.port import Bus
from sfctl.model.signal import Signal
from sfctl.state.port import Delete, StateStore

PREFIX = "engine_"
TICKS = 200
"""Cells that one transaction may tick at most."""


@dataclass(slots=True)
class Runner:
    """The consumer group `signal_engines.<engine>`."""

    engine: Engine[Any]
    bus: Bus
    state: StateStore
    limit: int = 500
    published: list[Signal] = field(default_factory=list)
    """What was published since somebody last took it from here."""
    name: str = field(init=False)
    _reader: Reader = field(init=False)
    _due: Deadlines | None = field(default=None, init=False)
    _version: object = field(default=None, init=False)
    _outgoing: Outgoing = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.engine.name
        self._reader = Reader(self.bus, self.state, self.name, self.limit)
        self._outgoing = Outgoing(self.bus, self.state, self.name)

    @property
    def table(self) -> str:
        """The table of the engine's cells."""
        return PREFIX + self.name

    def advance(self, now: datetime) -> Progress:
        """Fold the next events; tick what is due once the log was read to its end."""
        try:
            return self._advance(now)
        except Conflict:
            self._due = None
            raise

    def turn(self) -> AbstractContextManager[None]:
        """Return at once: all that an engine writes is in its transaction."""
        return nullcontext()

    def kept(self) -> int:
        """Return how many cells the engine keeps."""
        return len(self.state.query(self.table))

    def forget(self) -> int:
        """Drop the cells and the place in the log; return how many cells went.

        What was said stays on the bus, and is told from what a new fold says by id and revision.
        """
        self._deliver()
        cells = [Delete(item.table, item.key) for item in self.state.query(self.table)]
        self.state.transact([*cells, Delete(OFFSETS, self._reader.group)])
        self.__post_init__()
        self._due = None
        return len(cells)

    def next_deadline(self) -> datetime | None:
        """Return the earliest deadline of all cells."""
        return self._deadlines().first()

    def _advance(self, now: datetime) -> Progress:
        sent = self._deliver()
        batch = self._reader.next()
        if batch.version != self._version:
            self._due = None  # another worker moved the group: its cells may be due sooner
        work = Work(self.engine, self.state, self.table)
        for record in batch.records:
            work.fold(record.event)
        ticked_all = batch.more or self._tick(work, now)
        if batch.records or work.changed:
            self._keep(work, batch)
            sent += self._deliver()
        if batch.records:
            self._reader.done(batch)
        return Progress(len(batch.records), sent, len(work.letters), batch.more or not ticked_all)

    def _keep(self, work: Work, batch: Batch) -> None:
        if work.letters:
            self.bus.dead_letter(work.letters)
        writes = [*work.writes(), *self._outgoing.writes(work.signals)]
        if batch.records:
            writes.append(batch.moved())
        due = self._deadlines()
        self.state.transact(writes)
        for key, moment in work.deadlines():
            due.set(key, moment)
        self._version = batch.next_version if batch.records else batch.version

    def _tick(self, work: Work, now: datetime) -> bool:
        """Tick what is due, earliest deadline first; tell whether nothing is left that is due."""
        due = self._deadlines().copy()
        for key, moment in work.deadlines():
            due.set(key, moment)
        seen: set[str] = set()
        while (entry := due.due(now)) is not None:
            key = entry[1]
            seen.add(key)
            if len(seen) > TICKS:
                return False
            due.set(key, work.tick(key, now))
        return True

    def _deliver(self) -> int:
        found = self._outgoing.deliver()
        self.published += found
        return len(found)

    def _deadlines(self) -> Deadlines:
        if self._due is None:
            self._due = Deadlines()
            for item in self.state.query(self.table):
                self._due.set(item.key, moment_of(item))
        return self._due
