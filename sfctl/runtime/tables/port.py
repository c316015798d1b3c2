"""A versioned table as `publish` sees it: one commit a write, keyed, with our record inside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sfctl.model.write import Commit, Mode

if TYPE_CHECKING:
    import polars as pl


STAGED = "stage-"
"""How the names of folders begin that hold files on their way into a table."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write. `keys` name it: a table that has seen one of them writes nothing again.

    `partition` fixes the partitions that `overwrite_partitions` replaces; without it they are
    those that occur in the rows. `replaces` is SQL that the rows satisfy and that names older
    rows to take out in the same commit (Delta only). Where files are adopted `takes_out` does that
    for files of which every row has one of some values in each of some columns.
    """

    mode: Mode
    keys: tuple[str, ...]
    note: str
    partition_by: tuple[str, ...] = ()
    partition: Mapping[str, object] | None = None
    primary_key: tuple[str, ...] = ()
    replaces: str = ""
    takes_out: Mapping[str, Collection[str]] | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file of a table's newest version, never changed once written.

    `partition` holds the values as text, None for null. `added_at` is in milliseconds since 1970,
    None where the table's log does not tell.
    """

    path: str
    size: int
    partition: Mapping[str, str | None]
    added_at: int | None = None


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One Parquet file that lies below the table's folder and is in no version yet.

    `rows` is exact, `partition` holds the values that stand in its folders' names as text,
    `written_at` milliseconds since 1970, `stats` what the log may say of the file, as JSON.
    """

    path: str
    size: int
    rows: int
    partition: Mapping[str, str | None]
    written_at: int
    stats: str


class Unadoptable(Exception):
    """The table asks more of its writers than a commit of files can do; says what."""


class Table(Protocol):
    """Every method raises StoreError when the table cannot be read or written.

    Versions count from 0. Rows are never visible before the commit; what a killed writer leaves
    behind is garbage that `vacuum` collects.
    """

    path: str

    def head(self) -> int | None:
        """Return the newest version, None when there is no table."""

    def identity(self) -> str:
        """Return what tells this table from another at the same path, empty without a table."""

    def partitioned_by(self) -> tuple[str, ...]:
        """Return the partition columns, none where there are none or no table."""

    def limited(self) -> Mapping[str, str]:
        """Return the kind of each column of texts of limited length: `char(5)`, `varchar(9)`."""

    def refresh(self) -> None:
        """See what others have committed since."""

    def committed(self, key: str) -> int | None:
        """Return the version that `key` was committed in, None when it never was."""

    def write(self, frame: pl.DataFrame, request: Write) -> int:
        """Commit rows and record in one step; return the version."""

    def adopt(
        self,
        staged: Callable[[], Sequence[StagedFile]],
        schema: str,
        request: Write,
        otherwise: Callable[[str], None],
    ) -> int:
        """Commit files where they lie, and the record, in one step; return the version.

        `staged` puts them there when they are asked for; `schema` is that of the rows in the log's
        JSON, partition columns included. Where files cannot be adopted `otherwise` is told why,
        and is to commit the same rows under the same keys. Files that nobody came to need are
        garbage that `vacuum` collects.
        """

    def commit(self, version: int) -> Commit | None:
        """Return what the log says of a version; None when the log no longer reaches it."""

    def commits(self, after: int | None) -> list[Commit]:
        """Return every commit past `after` the log still holds, oldest first."""

    def files(self) -> Sequence[DataFile]:
        """Return the files that hold the newest version's rows, by path below the table."""

    def scan(self, version: int | None = None) -> pl.LazyFrame:
        """Return the rows of a version (the newest for None), lazily."""

    def vacuum(
        self, keep: Collection[int], *, retention_hours: float, dry_run: bool = True
    ) -> Sequence[str]:
        """Remove files that no version in `keep` and none within the retention needs.

        Return what was removed, or would be.
        """
