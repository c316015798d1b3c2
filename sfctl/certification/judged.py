"""Versions judged after their commit: the record that their own commit could not carry.

It stands in the state store, beside the ledger; read together with the table's log it is as good
as a record inside the commit. It names the table and the time of the commit that it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from sfctl.errors import Conflict
from sfctl.model import codec
from sfctl.model.write import Commit, WriteRecord
from sfctl.state.port import ABSENT, Delete, StateStore

TABLE = "judged"


class Judged(msgspec.Struct, frozen=True):
    """What was said of one version of the table with identity `table`, committed at `at`."""

    table: str
    at: str
    record: WriteRecord


def keep(
    state: StateStore, stage_urn: str, table: str, commit: Commit, record: WriteRecord
) -> WriteRecord:
    """Keep what was said of a version; return what holds, which is what was said first.

    Raises StoreError.
    """
    said = Judged(table, commit.at, record)
    key = _key(stage_urn, commit.version)
    for _ in range(2):
        item = state.get(TABLE, key)
        if item is not None:
            before = codec.made(item.value, Judged)
            if (before.table, before.at) == (table, commit.at):
                return before.record
        try:
            state.put(TABLE, key, codec.plain(said), expect=item.version if item else ABSENT)
        except Conflict:
            continue
        return record
    raise Conflict(f"{stage_urn} v{commit.version} is being judged by another process")


def noted(commits: Iterable[Commit], state: StateStore, stage_urn: str, table: str) -> list[Commit]:
    """Return commits, each that was judged afterwards with the record of it as its note."""
    found = list(commits)
    if all(commit.kind == "ours" for commit in found):
        return found
    said = {
        int(item.key.rpartition("/")[2]): codec.made(item.value, Judged)
        for item in state.query(TABLE, f"{stage_urn}/")
    }
    return [_noted(commit, said.get(commit.version), table) for commit in found]


def forget(state: StateStore, stage_urn: str, versions: Sequence[int]) -> None:
    """Let go of what was said of old versions."""
    if versions:
        state.transact([Delete(TABLE, _key(stage_urn, version)) for version in versions])


def _noted(commit: Commit, said: Judged | None, table: str) -> Commit:
    own = said is not None and said.at == commit.at and (not table or said.table in ("", table))
    if said is None or not own or commit.note:
        return commit
    return msgspec.structs.replace(commit, kind="ours", note=codec.encode(said.record).decode())


def _key(stage_urn: str, version: int) -> str:
    return f"{stage_urn}/{version:020d}"
