"""What publishing asks of an engine: the rows stay where they are, only what is small comes out.

The order of steps is publish.py's alone. An engine says how rows are taken, looked at, held and
committed; a frame is what it took: a Polars frame in memory, or rows that lie on Spark's executors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sfctl.model.policy import Detection, Policy
from sfctl.model.verdict import PiiFinding
from sfctl.model.write import WriteRecord
from sfctl.runtime.tables.port import Table, Write

if TYPE_CHECKING:
    from sfctl.runtime.publishing.quarantine import Quarantine
    from sfctl.runtime.publishing.request import Ports, PublishRequest

Frame: TypeAlias = Any
"""Rows of one schema that were taken once. `height` is how many there are, exactly."""


class Rows(Protocol):
    """What a split yields. `bad` also has `_sfctl_rules` and `_sfctl_reasons`, lists of text."""

    @property
    def good(self) -> Frame: ...

    @property
    def bad(self) -> Frame: ...


class Engine(Protocol):
    """How one kind of frame is published. Methods raise what the engine raises, and StoreError."""

    def taken(self, request: PublishRequest, ports: Ports) -> AbstractContextManager[Frame | None]:
        """Take the rows of a request, once, and let go of them at the end of the block.

        What the caller still has to compute is computed here, before the dataset is locked and
        before any deadline. The partition's columns are added where the rows lack them. None where
        the write is in the table already. Raises UsageError SF312 for values of other partitions.
        """

    def redacted(self, frame: Frame, empty: Mapping[str, str | None]) -> Frame:
        """Return the frame with columns emptied: by null, or by the text that is given."""

    def columns(self, frame: Frame) -> Sequence[str]:
        """Return the names of the columns, in order."""

    def advised(self, frame: Frame, detections: Sequence[Detection]) -> tuple[PiiFinding, ...]:
        """Return kinds of personal data that nobody declared, seen in a sample."""

    def distinct(self, frame: Frame, names: Sequence[str]) -> Sequence[tuple[object, ...]]:
        """Return the combinations of values that occur in some columns."""

    def failing(
        self, bad: Frame, rules: Sequence[str], names: Sequence[str], most: int
    ) -> Sequence[tuple[object, ...]]:
        """Return values of some columns of at most `most` rows that fail one of the rules."""

    def hold(
        self,
        store: Quarantine,
        good: Frame | None,
        bad: Frame | None,
        record: WriteRecord,
        policy: Policy,
        public_key: bytes,
    ) -> int:
        """Keep rows in quarantine in one commit, good ones tagged; return its version."""

    def commit(self, table: Table, frame: Frame, write: Write) -> int:
        """Commit rows and record to a table in one step; return the version."""
