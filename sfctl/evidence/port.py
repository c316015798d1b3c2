"""The evidence bus as everything else sees it: one append-only log with groups that read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from sfctl.model.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Record:
    """An event at its place in the log. Order holds within a key, offsets within a partition."""

    partition: int
    offset: int
    key: str
    event: Evidence
    published_at: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that is not on the log, and why. `body` has been through the sanitizer."""

    at: str
    reason: str
    detail: str
    origin: str
    body: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a batch. `refused` came with a known id and other content: dead-lettered."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0

    def __add__(self, other: Published) -> Published:
        return Published(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class Query:
    """Which events: every field given must match. Times are compared with `timestamp`."""

    run_id: str = ""
    dataset: str = ""
    kind: str = ""
    gate: str = ""
    result: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    limit: int = 1000
    newest_first: bool = False


class Bus(Protocol):
    """Every method raises StoreError when the bus does not answer, StoreLocked when it is held."""

    def publish(self, events: Sequence[Evidence]) -> Published:
        """Append all or none. Dedup is on (id, revision); what is known already changes nothing."""

    def read(self, group: str, limit: int = 500) -> list[Record]:
        """Return what follows the group's committed place, oldest first, without moving it."""

    def commit(self, group: str, records: Sequence[Record]) -> None:
        """Move the group past these records; never backwards."""

    def seek(self, group: str, to: Literal["start", "end"] | datetime | int) -> None:
        """Put the group at the start, the end, the first event at or after a time, or an offset."""

    def lag(self, group: str) -> int:
        """Return how many events the group has not committed."""

    def query(self, query: Query) -> list[Record]:
        """Return matching events in log order (or newest first)."""

    def get(self, evidence_id: str, revision: int | None = None) -> Record | None:
        """Return one event, the highest revision unless one is named."""

    def dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what could not be accepted, with the reason."""

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Return the newest dead letters first."""

    def close(self) -> None:
        """Let go of the connection."""
