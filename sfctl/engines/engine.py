"""What an engine is: cells of history that events and the clock move on, and signals fall out.

Pure: no clock, no I/O, no randomness. The same events and ticks give the same cells and signals,
byte for byte, however they are cut into batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from sfctl.model.evidence import Evidence
from sfctl.model.signal import Signal, SignalState


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """The base of every engine's state for one key. It is JSON in the state store: keep it small.

    Frozen; a fold returns a changed copy (`msgspec.structs.replace`).
    """


C = TypeVar("C", bound=Cell)


class Step(NamedTuple, Generic[C]):
    """What a fold or a tick gives: the cell from now on, and the signals that fell out."""

    cell: C
    signals: tuple[Signal, ...] = ()


class Engine(Protocol[C]):
    """One engine. A cell belongs to one key: a dataset, a job, a signature."""

    name: str
    """One word: `freshness`, `volume`, `contract`, `dq`, `drift`, `completeness`."""
    cell: type[C]

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the cells an event concerns; none for most. A CONFIG event: all it speaks of.

        Every cell there is gets a CONFIG to fold, also one that it does not name (any more).
        """

    def fresh(self, key: str) -> C:
        """Return the cell of a key that was never seen."""

    def fold(self, cell: C, event: Evidence) -> Step[C]:
        """Take one event in. Events come in log order, which across a run may be any order.

        A signal with a known id and unchanged content must not fall out again; changed content
        raises `revision`.
        """

    def tick(self, cell: C, now: datetime) -> Step[C]:
        """Do what is due at `now`; called at least once at or after each deadline."""

    def next_deadline(self, cell: C) -> datetime | None:
        """Return when `tick` has something to do if no event comes, None for never."""

    def status(self, cell: C) -> tuple[SignalState, ...]:
        """Return the last word on each dataset the cell speaks for (usually one or none)."""
