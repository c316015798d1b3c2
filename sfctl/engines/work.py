"""One transaction's worth of an engine: cells loaded as they are touched, folded and ticked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.engine import Cell, Engine, Step
from sfctl.engines.informed import informed
from sfctl.errors import StoreError
from sfctl.evidence.port import DeadLetter
from sfctl.model import codec
from sfctl.model.evidence import Evidence
from sfctl.model.signal import STATE_TABLE, Signal, SignalState
from sfctl.state.port import ABSENT, Delete, Expect, Item, Put, StateStore

FAILED = "ENGINE_FAILED"
AT_ONCE = datetime(1, 1, 1, tzinfo=UTC)


CATCH_UP = 1_000
"""Deadlines a cell is given one by one in a pass; one that is further behind goes to the present.

Years of an hourly schedule nobody looked at are one verdict, not a hundred thousand.
"""


@dataclass(slots=True)
class _Held:
    cell: Cell
    version: Expect
    before: tuple[Cell, datetime | None, bool, str]
    """What `now` is of the cell as it was loaded."""
    due: datetime | None = None
    ticked: str = ""
    """When the last tick was: no later one looks from before that."""
    told: bool = False
    """Whether there are facts that are to be looked at, whatever the time is."""
    failed: str = ""
    """The deadline whose tick raised: not tried again until an event changes the cell."""
    ticks: int = 0
    """How often it was ticked in this pass."""

    @property
    def now(self) -> tuple[Cell, datetime | None, bool, str]:
        """All that is worth a write when it changes."""
        return self.cell, self.due, self.told, self.failed

    @property
    def moment(self) -> datetime | None:
        """When the cell is to be ticked: at any time where facts wait to be looked at."""
        return AT_ONCE if self.told and self.due is not None else self.due


def moment_of(item: Item) -> datetime | None:
    """Return when the cell in an item of an engine's table is to be ticked."""
    return _read(item, Cell()).moment


def _read(item: Item, cell: Cell) -> _Held:
    due = item.value.get("due")
    held = _Held(
        cell,
        item.version,
        (cell, None, False, ""),
        due=parse_instant(due) if due else None,
        ticked=str(item.value.get("ticked", "")),
        told=bool(item.value.get("told")),
        failed=str(item.value.get("failed", "")),
    )
    held.before = held.now
    return held


@dataclass(slots=True)
class Work:
    """What a batch and the ticks after it make of the cells."""

    engine: Engine[Any]
    state: StateStore
    table: str
    signals: list[Signal] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    _cells: dict[str, _Held] = field(default_factory=dict)
    _taken_back: set[str] = field(default_factory=set)
    """Keys of last words on what the project has no more."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.letters) or any(True for _ in self._changed())

    def fold(self, event: Evidence) -> None:
        """Take an event in; one that an engine cannot take becomes one dead letter."""
        failure: Exception | None = None
        try:
            keys = sorted({*self.engine.keys(event), *self._told(event)})
        except Exception as error:  # noqa: BLE001  an engine's fault must not stop the log
            self._bury(event.timestamp, event.evidence_id, error)
            return
        for key in keys:
            held = self._held(key)
            try:
                step = self.engine.fold(held.cell, event)
                due = held.due
                if step.cell is not held.cell or held.version == ABSENT:
                    due = self.engine.next_deadline(step.cell)
                    self.engine.status(step.cell)
            except Exception as error:  # noqa: BLE001
                failure = failure or error
                continue
            if step.cell != held.cell:
                held.failed = ""
            if event.kind == "CONFIG":
                before = {word.key: word for word in self.engine.status(held.cell)}
                self._taken_back |= before.keys() - {w.key for w in self.engine.status(step.cell)}
            if not held.failed:
                held.due = due
                held.told = held.told or (due is not None and due <= parse_instant(event.timestamp))
            self._take(held, step)
        if failure is not None:
            self._bury(event.timestamp, event.evidence_id, failure)

    def tick(self, key: str, now: datetime) -> datetime | None:
        """Tick a cell at its deadline; return the next one."""
        held = self._held(key)
        moment = held.moment
        if held.due is None or moment is None or moment > now:
            return moment
        at = held.due
        if held.ticked:  # evidence that comes late is judged as of the present
            at = max(at, parse_instant(held.ticked))
        held.ticks += 1
        at = now if held.ticks > CATCH_UP else min(at, now)
        try:
            cell = informed(self.engine, held.cell, lambda other: self._held(other).cell)
            step = self.engine.tick(cell, at)
            due = self.engine.next_deadline(step.cell)
            self.engine.status(step.cell)
            if due is not None and due <= at:  # it did not move on: give it the present
                self._take(held, step)
                at = now
                step = self.engine.tick(step.cell, at)
                due = self.engine.next_deadline(step.cell)
                if due is not None and due <= at:
                    raise RuntimeError("the deadline stands still")
        except Exception as error:  # noqa: BLE001
            self._bury(format_instant(at), f"cell:{key}", error)
            held.failed, held.due, held.told = format_instant(at), None, False
            return None
        held.due, held.told, held.ticked = due, False, format_instant(at)
        self._take(held, step)
        return due

    def deadlines(self) -> Iterator[tuple[str, datetime | None]]:
        """Give the deadline of each cell that was touched."""
        for key in sorted(self._cells):
            yield key, self._cells[key].moment

    def writes(self) -> list[Put | Delete]:
        """Return what the transaction writes of cells and last words."""
        found: list[Put | Delete] = []
        words: dict[str, SignalState] = {}
        for key, held in self._changed():
            if held.cell == self.engine.fresh(key):
                if held.version != ABSENT:
                    found.append(Delete(self.table, key, held.version))
            else:
                found.append(Put(self.table, key, self._value(held), held.version))
            said = set(self.engine.status(held.before[0]))
            for word in self.engine.status(held.cell):
                known = words.get(word.key)
                if word not in said and (known is None or known.last_updated <= word.last_updated):
                    words[word.key] = word
        return [*found, *self._words(words)]

    def _words(self, words: dict[str, SignalState]) -> Iterator[Put | Delete]:
        for key in sorted(self._taken_back - words.keys()):
            item = self.state.get(STATE_TABLE, key)
            if item is not None:
                yield Delete(STATE_TABLE, key, item.version)
        for key in sorted(words):
            word = words[key]
            item = self.state.get(STATE_TABLE, key)
            if item is not None:
                known = msgspec.convert(item.value, SignalState)
                if known.last_updated > word.last_updated and known.signal_id != word.signal_id:
                    continue
            yield Put(STATE_TABLE, key, codec.plain(word), item.version if item else ABSENT)

    def _told(self, event: Evidence) -> set[str]:
        """Return the cells that a configuration concerns by not naming them any more."""
        if event.kind != "CONFIG":
            return set()
        return {item.key for item in self.state.query(self.table)} | self._cells.keys()

    def _value(self, held: _Held) -> dict[str, Any]:
        value: dict[str, Any] = {"cell": codec.plain(held.cell)}
        if held.due is not None:
            value["due"] = format_instant(held.due)
        if held.told:
            value["told"] = True
        if held.ticked:
            value["ticked"] = held.ticked
        if held.failed:
            value["failed"] = held.failed
        return value

    def _changed(self) -> Iterator[tuple[str, _Held]]:
        for key in sorted(self._cells):
            held = self._cells[key]
            if held.now != held.before:
                yield key, held

    def _held(self, key: str) -> _Held:
        if key not in self._cells:
            item = self.state.get(self.table, key)
            if item is None:
                cell = self.engine.fresh(key)
                self._cells[key] = _Held(cell, ABSENT, (cell, None, False, ""))
            else:
                cell = self._read(item)
                self._cells[key] = _read(item, cell)
        return self._cells[key]

    def _read(self, item: Item) -> Cell:
        try:
            cell: Cell = msgspec.convert(item.value["cell"], self.engine.cell)
        except (msgspec.ValidationError, KeyError) as error:
            raise StoreError(
                f"what the engine {self.engine.name} keeps of {item.key} is not as this version "
                "writes it",
                hint=f"sfctl engine rebuild {self.engine.name} folds the log anew",
                code="SF823",
            ) from error
        return cell

    def _take(self, held: _Held, step: Step[Any]) -> None:
        held.cell = step.cell
        self.signals += step.signals

    def _bury(self, at: str, origin: str, error: Exception) -> None:
        detail = f"{self.engine.name}: {type(error).__name__}"
        self.letters.append(DeadLetter(at, FAILED, detail, origin, ""))
