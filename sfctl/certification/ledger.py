"""The ledger: what is known of each version of a table, rebuilt from the table's own log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from sfctl.certification import judged
from sfctl.model import codec, urn
from sfctl.model.certificate import VersionKind, VersionRecord
from sfctl.model.verdict import REGISTRY_STALE
from sfctl.model.write import Commit, Counts, WriteRecord
from sfctl.state.port import Delete, Put, StateStore

TABLE = "ledger"
DISAGREES = "COMMIT_DISAGREES"
"""The fault of a commit that brought more or fewer rows than were to be published."""
KEPT = 100
"""Records older than the certified version that are kept, for people."""
TAINTING: frozenset[VersionKind] = frozenset({"failed", "failed_batch", "unjudged", "foreign"})

_HARMLESS = frozenset({"NO_ROWS", REGISTRY_STALE})
"""What keeps a version from being certified and says nothing against its rows."""


class Ledger:
    """The records of one stage table (`urn#stage`) in the state store.

    `table` is the table's identity: records of another table that stood in its place are void.
    Records that name no table are taken for records of this one.
    """

    def __init__(self, state: StateStore, stage_urn: str, table: str = "") -> None:
        self._state = state
        self._prefix = f"{stage_urn}/"
        self._table = table

    def records(self) -> list[VersionRecord]:
        """Return every record of this table, oldest first."""
        return [record for record in self._all() if self._is_of(record)]

    def put(self, records: Iterable[VersionRecord]) -> None:
        """Write records; the same record again changes nothing."""
        writes = [Put(TABLE, self._key(r.version), codec.plain(r)) for r in records]
        if writes:
            self._state.transact(writes)

    def reconcile(self, commits: Iterable[Commit]) -> list[VersionRecord]:
        """Add a record for each commit the ledger lacks; return every record, oldest first.

        What a run recorded in its commit is taken from there, so that a kill between commit and
        ledger loses nothing; what was judged after its commit, from beside the ledger. Commits
        without our record are maintenance or foreign.
        """
        known = {record.version: record for record in self.records()}
        lacking = [commit for commit in commits if commit.version not in known]
        lacking = self.noted(lacking)
        fresh = self._read(lacking, {r.write_key: r.version for r in known.values()})
        fresh += [r for r in known.values() if r.table != self._table]
        fresh = [msgspec.structs.replace(record, table=self._table) for record in fresh]
        self._forget([record for record in self._all() if not self._is_of(record)])
        self.put(fresh)
        known |= {record.version: record for record in fresh}
        return [known[version] for version in sorted(known)]

    def noted(self, commits: Iterable[Commit]) -> list[Commit]:
        """Return commits, each that was judged after it was made with the record of that."""
        return judged.noted(commits, self._state, self._prefix[:-1], self._table)

    def prune(self, certified: int) -> None:
        """Forget what is far behind the certified version."""
        old = [r for r in self.records() if r.version < certified][:-KEPT]
        self._forget(old)
        judged.forget(self._state, self._prefix[:-1], [r.version for r in old if r.write_key])

    def _read(self, commits: Iterable[Commit], writers: dict[str, int]) -> list[VersionRecord]:
        """A write is committed once, to its own table: a note found elsewhere was copied."""
        found = []
        for commit in sorted(commits, key=lambda commit: commit.version):
            record, written = record_of(commit), written_by(commit)
            if written is not None:
                place = f"{urn.with_stage(written.dataset_urn, written.stage)}/"
                first = writers.setdefault(written.write_key, commit.version)
                if first != commit.version or place != self._prefix:
                    record = foreign(commit)
            found.append(record)
        return found

    def _all(self) -> list[VersionRecord]:
        items = self._state.query(TABLE, self._prefix)
        return [codec.made(item.value, VersionRecord) for item in items]

    def _is_of(self, record: VersionRecord) -> bool:
        return not self._table or record.table in ("", self._table)

    def _forget(self, old: Sequence[VersionRecord]) -> None:
        if old:
            self._state.transact([Delete(TABLE, self._key(r.version)) for r in old])

    def _key(self, version: int) -> str:
        return f"{self._prefix}{version:020d}"


def record_of(commit: Commit) -> VersionRecord:
    """Return what a commit says of itself; one that only claims to be ours is foreign."""
    written = written_by(commit)
    if written is None:
        return foreign(commit, "foreign" if commit.kind == "ours" else commit.kind)
    return VersionRecord(
        version=commit.version,
        kind=written.kind,
        at=written.at,
        run_id=written.run.run_id,
        write_key=written.write_key,
        operation=commit.operation,
        overwrites=written.mode == "overwrite",
        policy_digest=written.judgement.policy_digest,
        rows=written.counts.rows_published,
        quarantined=written.counts.rows_quarantined,
        eligible=not written.blockers,
        blockers=written.blockers,
        partitions=written.partitions if written.mode != "merge" else (),
        replaces=written.partitions if written.mode == "overwrite_partitions" else (),
        revalidated=written.judged_after.get("rows_judged") == "table" and not written.blockers,
    )


def foreign(commit: Commit, kind: VersionKind = "foreign") -> VersionRecord:
    """Return the record of a commit that no write of ours made."""
    return VersionRecord(
        version=commit.version, kind=kind, at=commit.at, operation=commit.operation
    )


def written_by(commit: Commit) -> WriteRecord | None:
    """Return our record of a commit, or None for a commit that carries none."""
    if not commit.note:
        return None
    try:
        return counted(codec.decode(commit.note, WriteRecord), commit)
    except msgspec.DecodeError:
        return None


def counted(record: WriteRecord, commit: Commit) -> WriteRecord:
    """Return a record as its commit bears it out: other rows than it speaks of never certify.

    The record is written before anybody knows what came of it; the commit's own figures come after.
    A record of what was judged afterwards speaks of more rows than the commit brought.
    """
    told, rows = record.counts.rows_published, commit.rows
    if rows is None or rows == told or record.judged_after:
        return record
    fault = f"{DISAGREES}:{rows} rows for {told}"
    judgement = msgspec.structs.replace(
        record.judgement, degraded=(*record.judgement.degraded, fault)
    )
    sound: tuple[VersionKind, ...] = ("passed", "diverted")
    return msgspec.structs.replace(
        record,
        judgement=judgement,
        kind="unjudged" if record.kind in sound else record.kind,
        blockers=(*record.blockers, f"DEGRADED:{fault}"),
    )


def kind_of(blockers: Sequence[str], counts: Counts, *, batch_failed: bool) -> VersionKind:
    """Return what a version of ours is, given why its judgement alone does not certify."""
    if not blockers:
        return "passed"
    if counts.rows_failed_published:
        return "failed"
    if batch_failed:
        return "failed_batch"
    if all(why.startswith("GATE_FAIL:") or why in _HARMLESS for why in blockers):
        return "diverted"
    return "unjudged"


def taints(
    records: Iterable[VersionRecord],
    *,
    after: int | None,
    upto: int,
    distrusted: Sequence[int] = (),
) -> tuple[int, ...]:
    """Return the versions past `after` (certified; None for never) that spoil version `upto`.

    A version without a record spoils too. Overwriting the table, or every partition a version
    wrote to, clears it; so does judging the whole table anew.
    """
    known = {record.version: record for record in records}
    spoiled: dict[int, set[str] | None] = {}
    for version in range(0 if after is None else after + 1, upto + 1):
        record = known.get(version)
        if record is None:
            spoiled[version] = None
            continue
        if record.overwrites or record.revalidated:
            spoiled.clear()
        for older, places in list(spoiled.items()):
            if places is not None and places.issubset(record.replaces):
                del spoiled[older]
            elif places is not None:
                places.difference_update(record.replaces)
        trusted = record.revalidated or version not in distrusted
        if (record.kind in TAINTING and not record.revalidated) or not trusted:
            spoiled[version] = set(record.partitions) or None
    return tuple(spoiled)


def waiting(records: Iterable[VersionRecord], *, after: int | None) -> int:
    """Return how many rows versions past `after` sent to quarantine."""
    return sum(r.quarantined for r in records if after is None or r.version > after)
