"""Which rows a version brought that was committed past us, read off the table's own log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sfctl.model.write import Mode
from sfctl.runtime.tables.delta_log import LogVersion
from sfctl.runtime.tables.delta_part import Snapshot, partition_of, partitioned_by, snapshot
from sfctl.runtime.tables.figures import COPIED, rows_written

if TYPE_CHECKING:
    import polars as pl

Which = Literal["added", "changes", "rewritten", "partitions", "table"]
ROW_CHANGES = frozenset({"MERGE", "UPDATE", "DELETE"})
"""Operations that change rows in place, and copy those beside them into new files."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The rows to judge of one version.

    `which` says what they are: rows of the files it `added`; new rows by its change feed
    (`changes`); rows of files it has `rewritten`, `copied` of which stood there before; or, where
    it brought none, all that its `partitions`, or the `table`, hold then. `batch` are the rows
    that rules over a batch are held against where `rows` are no batch. `beside` are the other
    rows of the version.
    """

    which: Which
    rows: pl.LazyFrame
    batch: pl.LazyFrame | None
    beside: pl.LazyFrame | None
    mode: Mode
    partitions: tuple[str, ...]
    copied: int | None
    rows_written: int | None

    @property
    def exact(self) -> bool:
        """Whether the rows are those the version brought and no others."""
        return self.which in ("added", "changes")


def changed(table: str, version: LogVersion, *, by_file: bool = False) -> Changed:
    """Return what to judge of a version.

    `by_file` leaves the change feed aside: rows of rewritten files are told from the others by
    their file, changed rows are not. Raises StoreError.
    """
    held = snapshot(table, version.version)
    names = partitioned_by(table, version.version)
    fresh = {file.path for file in version.fresh}
    touched = tuple(
        dict.fromkeys(partition_of(file, names) for file in (*version.added, *version.removed))
    )
    others = [name for name in held.partitions if name not in fresh]
    copied = version.metric(*COPIED) or 0
    in_place = version.operation in ROW_CHANGES
    where = held.rows(held.below(touched))
    which: Which = "rewritten" if copied else "added"
    rows = held.rows(fresh)
    beside = held.rows(others) if others else None
    if version.changes and not by_file and version.operation != "DELETE":
        which, rows, beside, copied = "changes", held.changed(version.changes), None, 0
    elif not fresh:
        which, rows, copied = ("partitions" if names else "table"), where, 0
        beside = held.rows([n for n in others if held.partitions[n] not in touched])
    batched = which == "added" and not in_place
    upserted = version.operation == "MERGE" and which in ("added", "changes")
    whole = which in ("partitions", "table")
    return Changed(
        which=which,
        rows=rows,
        batch=None if batched or upserted or whole else where,
        beside=beside,
        mode="merge" if in_place else _mode(version, held, set(fresh), touched),
        partitions=touched if names else (),
        copied=copied,
        rows_written=rows_written(version.operation, version.metrics),
    )


def _mode(version: LogVersion, held: Snapshot, fresh: set[str], touched: tuple[str, ...]) -> Mode:
    """Return the mode of a plain write as its outcome shows it: what older is left, and where."""
    replacing = bool(version.removed) or version.parameters.get("mode") == "Overwrite"
    older = {held.partitions[name] for name in held.partitions if name not in fresh}
    if not replacing:
        return "append"
    if not older:
        return "overwrite"
    return "append" if older & set(touched) else "overwrite_partitions"
