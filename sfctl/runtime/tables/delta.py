"""Delta tables through delta-rs: the table's own log carries our record and our keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sfctl.clock import format_instant
from sfctl.errors import Conflict, SfctlError, StoreError, UsageError
from sfctl.model.write import METADATA, Commit, CommitKind
from sfctl.runtime.tables import adoption, casts
from sfctl.runtime.tables.figures import rows_written
from sfctl.runtime.tables.port import DataFile, StagedFile, Unadoptable, Write

if TYPE_CHECKING:
    import polars as pl
    from deltalake import CommitProperties, DeltaTable

MAINTENANCE = frozenset(
    [
        "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES",
        "ADD CONSTRAINT", "DROP CONSTRAINT", "ADD FEATURE", "UPGRADE PROTOCOL", "FSCK", "REORG",
        "COMPUTE STATS", "SET TABLE METADATA", "UPDATE TABLE METADATA", "UPDATE FIELD METADATA",
    ]
)  # fmt: skip
"""Operations after which the table holds the rows it held before."""
ATTEMPTS = 5


class DeltaLake:
    """One Delta table; the log is loaded once and followed from there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._table: DeltaTable | None = None
        self.refresh()

    def head(self) -> int | None:
        """Return the newest version, None when there is no table."""
        return None if self._table is None else self._table.version()

    def identity(self) -> str:
        """Return the id in the log's metadata, empty without a table."""
        return "" if self._table is None else str(self._table.metadata().id)

    def partitioned_by(self) -> tuple[str, ...]:
        """Return the partition columns, none where there are none or no table."""
        return () if self._table is None else tuple(self._table.metadata().partition_columns)

    def limited(self) -> Mapping[str, str]:
        """Return the kind of each column of texts of limited length: `char(5)`, `varchar(9)`."""
        return {} if self._table is None else adoption.limited(self._table)

    def refresh(self) -> None:
        """See what others have committed since."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            if self._table is None:
                self._table = DeltaTable(self.path)
            else:
                self._table.update_incremental()
        except TableNotFoundError:
            self._table = None
        except (DeltaError, OSError) as error:
            raise self._fault("read", error) from error

    def committed(self, key: str) -> int | None:
        """Return the version that `key` was committed in, None when it never was.

        The key's transaction number is the version that was expected; a write that had to yield
        to others stands at or after it, and its commit is the first that names the key.
        """
        if self._table is None:
            return None
        expected = self._table.transaction_version(key)
        if expected is None:
            return None
        for entry in reversed(self._history(self._table.version() - expected + 1)):
            if key in str(_told(entry).get(f"{METADATA}_keys", "")).split():
                return int(entry["version"])
        return int(expected)

    def write(self, frame: pl.DataFrame, request: Write) -> int:
        """Commit rows and record in one step; return the version.

        Commits of others in between are retried over; another writer of the same key is not
        written over: its version is returned.
        """
        return self._keyed(lambda: self._write(frame, request), request)

    def adopt(
        self,
        staged: Callable[[], Sequence[StagedFile]],
        schema: str,
        request: Write,
        otherwise: Callable[[str], None],
    ) -> int:
        """Commit files where they lie, and the record, in one step; return the version.

        Commits of others are treated as in `write`. A merge is always done `otherwise`.
        """
        if request.mode == "merge" and self._table is not None:
            return self._keyed(lambda: otherwise("mode merge"), request)
        try:
            return self._keyed(lambda: self._adopt(staged(), schema, request), request)
        except Unadoptable as why:
            reason = str(why)
        return self._keyed(lambda: otherwise(reason), request)

    def commit(self, version: int) -> Commit | None:
        """Return what the log says of a version; None when the log no longer reaches it."""
        head = self.head()
        if head is None or version > head:
            return None
        entries = self._history(head - version + 1)
        return next((_commit(e) for e in entries if int(e["version"]) == version), None)

    def commits(self, after: int | None) -> list[Commit]:
        """Return every commit past `after` the log still holds, oldest first."""
        head = self.head()
        limit = None if after is None or head is None else head - after
        if head is None or limit == 0:
            return []
        found = [_commit(entry) for entry in self._history(limit)]
        return sorted(
            (c for c in found if after is None or c.version > after), key=lambda c: c.version
        )

    def files(self) -> Sequence[DataFile]:
        """Return the files that hold the newest version's rows, by path below the table."""
        import polars as pl

        if self._table is None:
            return []
        names = self.partitioned_by()
        added = pl.DataFrame(self._table.get_add_actions(flatten=True))
        return [
            DataFile(
                unquote(row["path"]),
                row["size_bytes"],
                {name: _text(row.get(f"partition.{name}")) for name in names},
                row["modification_time"],
            )
            for row in added.sort("path").iter_rows(named=True)
        ]

    def scan(self, version: int | None = None) -> pl.LazyFrame:
        """Return the rows of a version (the newest for None), lazily."""
        import polars as pl
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            pinned = DeltaTable(self.path, version=version)
            return pl.scan_delta(pinned)
        except (DeltaError, OSError) as error:
            raise self._fault("read", error) from error

    def vacuum(
        self, keep: Collection[int], *, retention_hours: float, dry_run: bool = True
    ) -> Sequence[str]:
        """Remove files that no version in `keep` and none within the retention needs."""
        from deltalake.exceptions import DeltaError

        if self._table is None:
            return []
        try:
            return self._table.vacuum(
                retention_hours=int(retention_hours),
                dry_run=dry_run,
                enforce_retention_duration=False,
                keep_versions=sorted(keep),
                full=True,  # else what a killed writer left behind stays for ever
            )
        except (DeltaError, OSError) as error:
            raise self._fault("vacuumed", error) from error

    def update(self, predicate: str, values: Mapping[str, str], note: str) -> int:
        """Set columns to SQL expressions where `predicate` holds; return how many rows changed."""
        from deltalake.exceptions import DeltaError

        if self._table is None:
            return 0
        try:
            metrics = self._table.update(
                updates=dict(values),
                predicate=predicate,
                commit_properties=self._properties((), note),
            )
        except (DeltaError, OSError) as error:
            raise self._fault("updated", error) from error
        return int(metrics["num_updated_rows"])

    def delete(self, predicate: str, note: str) -> int:
        """Delete the rows for which `predicate` holds; return how many."""
        from deltalake.exceptions import DeltaError

        if self._table is None:
            return 0
        try:
            metrics = self._table.delete(predicate, commit_properties=self._properties((), note))
        except (DeltaError, OSError) as error:
            raise self._fault("changed", error) from error
        return int(metrics["num_deleted_rows"] or 0)

    def compact(self, partition: Mapping[str, str]) -> None:
        """Join the small files of one partition."""
        from deltalake.exceptions import DeltaError

        if self._table is None:
            return
        filters = [(name, "=", value) for name, value in partition.items()]
        try:
            self._table.optimize.compact(partition_filters=filters)
        except (DeltaError, OSError) as error:
            raise self._fault("compacted", error) from error

    def _keyed(self, attempt: Callable[[], None], request: Write) -> int:
        """Commit by `attempt`, again where others were faster; return the version of the key."""
        from deltalake.exceptions import CommitFailedError

        for number in range(ATTEMPTS):
            try:
                attempt()
                break
            except (CommitFailedError, Conflict) as error:
                self.refresh()
                done = self.committed(request.keys[0])
                if done is not None:
                    return done
                if number == ATTEMPTS - 1:
                    raise self._fault("written", error) from error
            except (SfctlError, Unadoptable):
                raise
            except Exception as error:  # delta-rs raises bare ones for rows that do not fit
                raise self._fault("written", error) from error
        self.refresh()
        done = self.committed(request.keys[0])
        if done is None:
            raise StoreError(f"the commit in {self._name} did not keep its key", code="SF630")
        return done

    def _adopt(self, files: Sequence[StagedFile], schema: str, request: Write) -> None:
        from deltalake.transaction import create_table_with_add_actions

        given = adoption.fields_of(schema)
        adoption.require_files(self.path, files)
        if self._table is not None:
            known = {field.name for field in self._table.schema().fields}
            grows = not {field["name"] for field in given} <= known
            alone = request.mode != "append" or grows or bool(request.takes_out)
            properties = self._properties(request.keys, request.note, alone=alone)
            adoption.commit(self._table, files, given, request, properties)
            return
        fields = adoption.plain(given)
        columns, adds = adoption.schema_of(fields), adoption.additions(files, fields)
        try:
            create_table_with_add_actions(
                self.path,
                columns,
                adds,
                mode="error",
                partition_by=list(request.partition_by),
                commit_properties=self._properties(request.keys, request.note, alone=True),
            )
        except Exception as error:
            self.refresh()
            if self._table is None:
                raise
            raise Conflict(f"the table {self._name} is there by now") from error

    def _write(self, frame: pl.DataFrame, request: Write) -> None:
        import polars as pl
        from deltalake import write_deltalake

        properties = self._properties(
            request.keys, request.note, alone=request.mode != "append" or request.replaces != ""
        )
        evolution = self._evolution(frame, request)
        if self._table is not None and evolution != "overwrite":
            own = pl.Schema(self._table.schema().to_arrow())
            casts.require_kept(frame, own, self.limited())
        # delta-rs commits no merge that changes nothing; an empty append commits the key
        if request.mode == "merge" and self._table is not None and not frame.is_empty():
            self._merge(frame, request, properties)
        else:
            predicate = request.replaces or None
            if request.mode == "overwrite_partitions" and self._table is not None:
                predicate = partition_predicate(frame, request)
            append = request.mode != "overwrite" and predicate is None
            mode: Any = "append" if append else "overwrite"
            write_deltalake(
                self.path if self._table is None else self._table,
                frame,
                mode=mode,
                partition_by=list(request.partition_by) or None if self._table is None else None,
                schema_mode=evolution,
                predicate=predicate,
                commit_properties=properties,
            )

    def _merge(self, frame: pl.DataFrame, request: Write, properties: CommitProperties) -> None:
        if not request.primary_key:
            raise UsageError(
                "mode merge needs a primary key",
                hint="set primary_key in dataset.yaml",
                code="SF311",
            )
        assert self._table is not None
        matches = " AND ".join(f't."{k}" = s."{k}"' for k in request.primary_key)
        self._table.merge(
            frame,
            predicate=matches,
            source_alias="s",
            target_alias="t",
            merge_schema=self._evolution(frame, request) is not None,
            commit_properties=properties,
        ).when_matched_update_all().when_not_matched_insert_all().execute()

    def _evolution(self, frame: pl.DataFrame, request: Write) -> Any:
        """New columns are added by a write that brings them; a full overwrite brings its schema."""
        if self._table is None:
            return None
        fields = [field.name for field in self._table.schema().fields]
        if request.mode == "overwrite" and fields != frame.columns:
            return "overwrite"
        return "merge" if set(fields) != set(frame.columns) else None

    def _properties(
        self, keys: Sequence[str], note: str, *, alone: bool = False
    ) -> CommitProperties:
        """Name the commit; one that must stand `alone` is not slid past the commits of others.

        delta-rs would do that with an overwrite, and their rows would survive it.
        """
        from deltalake import CommitProperties, Transaction

        head = self.head()
        expected = 0 if head is None else head + 1
        return CommitProperties(
            custom_metadata={METADATA: note, f"{METADATA}_keys": " ".join(keys)},
            app_transactions=[Transaction(key, expected) for key in keys],
            max_commit_retries=0 if alone else ATTEMPTS * 3,
        )

    def _history(self, limit: int | None) -> list[dict[str, Any]]:
        from deltalake.exceptions import DeltaError

        assert self._table is not None
        try:
            return self._table.history(limit)
        except (DeltaError, OSError) as error:
            raise self._fault("read", error) from error

    @property
    def _name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]

    def _fault(self, verb: str, error: Exception) -> StoreError:
        return StoreError(f"Delta table {self._name} cannot be {verb}: {_first_line(error)}")


def partition_predicate(frame: pl.DataFrame, request: Write) -> str | None:
    """Return the SQL that holds for the partitions a write replaces, None when there are none."""
    if request.partition:
        return _equal(request.partition)
    if not request.partition_by or frame.is_empty():
        return None
    rows = frame.select(request.partition_by).unique(maintain_order=True).iter_rows(named=True)
    return " OR ".join(f"({_equal(row)})" for row in rows)


def _equal(values: Mapping[str, object]) -> str:
    return " AND ".join(
        f'"{name}" IS NULL' if value is None else f'"{name}" = {_literal(value)}'
        for name, value in values.items()
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("'", "''")
    return f"'{text}'"


def _commit(entry: Mapping[str, Any]) -> Commit:
    operation = str(entry.get("operation", ""))
    # what a writer compacts after its commit has the notes of that commit
    note = None if operation in MAINTENANCE else _told(entry).get(METADATA)
    kind: CommitKind = "foreign"
    if note is not None:
        kind = "ours"
    elif operation in MAINTENANCE:
        kind = "maintenance"
    milliseconds = int(entry.get("timestamp") or 0)
    return Commit(
        version=int(entry["version"]),
        at=format_instant(datetime.fromtimestamp(milliseconds / 1000, UTC)),
        operation=operation,
        kind=kind,
        note=note if isinstance(note, str) else json.dumps(note) if note is not None else "",
        rows=rows_written(operation, entry.get("operationMetrics") or {}),
    )


def _told(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a commit says beside its operation; Spark keeps it as JSON in one text."""
    text = entry.get("userMetadata")
    if METADATA in entry or not isinstance(text, str) or not text.startswith("{"):
        return entry
    try:
        told = json.loads(text)
    except ValueError:
        return entry
    return told if METADATA in told else entry


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
