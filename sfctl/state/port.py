"""Operational state as everything else sees it: small items by table and key, compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

ABSENT: Literal["absent"] = "absent"
Expect = int | Literal["absent"] | None
"""The version an item must have now, `ABSENT` when there must be none, None for any."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record. `value` is JSON; `version` counts its writes from 1 and never repeats a key's."""

    table: str
    key: str
    value: dict[str, Any]
    version: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """A write within a transaction."""

    table: str
    key: str
    value: dict[str, Any]
    expect: Expect = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A removal within a transaction; what is not there is fine unless `expect` says otherwise."""

    table: str
    key: str
    expect: Expect = None


class StateStore(Protocol):
    """Every method raises StoreError when the store does not answer, StoreLocked when it is held.

    An item past `expires_at` is gone for every reader at once; its bytes may stay for a while.
    """

    def get(self, table: str, key: str) -> Item | None:
        """Return an item, or None."""

    def put(
        self,
        table: str,
        key: str,
        value: dict[str, Any],
        *,
        expect: Expect = None,
        expires_at: datetime | None = None,
    ) -> Item:
        """Write an item and return it with its new version. Raises Conflict when `expect` fails."""

    def delete(self, table: str, key: str, *, expect: Expect = None) -> None:
        """Remove an item. Raises Conflict when `expect` fails."""

    def query(self, table: str, prefix: str = "") -> list[Item]:
        """Return the items whose keys begin with `prefix`, in key order."""

    def transact(self, writes: Sequence[Put | Delete]) -> None:
        """Do all of it or none. Raises Conflict when any condition fails, naming the key."""

    def close(self) -> None:
        """Let go of the connection."""
