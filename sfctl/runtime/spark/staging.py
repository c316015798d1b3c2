"""A frame written once, as plain Parquet, into a folder of its own inside the table's folder.

    <table>/stage-<write key>-<who>/[k=v/…]part-….parquet

No log names these files until one commit adopts them all, so nobody reads them before. What a
killed driver leaves is garbage to every vacuum; a retry on the same machine clears it away first.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sfctl.errors import StoreError, UsageError
from sfctl.runtime.spark import held as holding
from sfctl.runtime.spark.act import quoted
from sfctl.runtime.spark.adopt import rows_only, stats_of
from sfctl.runtime.spark.aside import frame_in, session_beside
from sfctl.runtime.spark.blame import running
from sfctl.runtime.spark.frames import READING, literal
from sfctl.runtime.spark.held import Held
from sfctl.runtime.tables.adoption import fields_of
from sfctl.runtime.tables.port import STAGED, StagedFile

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

SETTINGS = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
"""How Delta's readers expect files: what a session may say otherwise, INT96 by default."""
WRITING = {
    "timeZone": "UTC",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    # of a task that dies after its rows, nothing may stay
    "mapreduce.fileoutputcommitter.algorithm.version": "1",
}
NULL = "__HIVE_DEFAULT_PARTITION__"
_TWIN = "_sfctl_folder_"
_FILLED = "v"
"""What names of twins begin with, so that neither an empty text nor one like NULL becomes null."""
_FOLDER = re.compile(rf"{STAGED}([0-9a-f]+)-([0-9a-f]+)-([0-9]+)-([0-9]+)-[0-9a-f]+")
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the rows of one write are put on their way into a table.

    `partition_by` are the table's partition columns. Files of a `whole` stage hold them too, those
    of others only name them in their folders. `reached` is told each step by name.
    """

    root: str
    write_key: str
    partition_by: tuple[str, ...] = ()
    whole: bool = False
    reached: Callable[[str], None] = lambda _step: None

    def put(
        self, frame: DataFrame, measures: Mapping[str, str], leave_out: Sequence[str] = ()
    ) -> Held:
        """Write a frame and return the rows as they are in the files.

        `measures` are aggregates by name, in SQL; they may name the columns that are left out.
        Raises what Spark raises, StoreError where files do not hold what was written.
        """
        from pyspark.sql import functions as F  # noqa: N812

        beside = session_beside(frame.sparkSession, SETTINGS)
        rows, told = holding.observed(frame_in(beside, frame), measures)
        rows = holding.without(rows, leave_out)
        place = _place(self.root)
        folder = f"{place}/{STAGED}{self.write_key}-{_self()}"
        twins = {f"{_TWIN}{i}": name for i, name in enumerate(self.partition_by)}
        folders = list(twins) if self.whole else list(self.partition_by)
        stored = holding.without(rows, _void(rows.schema))
        if self.whole:
            for twin, name in twins.items():
                named = F.concat(F.lit(_FILLED), _named(stored, name).cast("string"))
                stored = stored.withColumn(twin, named)
        self.reached("staging")
        try:
            with running():
                stored.write.options(**WRITING).partitionBy(*folders).parquet(folder)
        except BaseException:
            self._remove(beside, folder.rpartition("/")[2])
            raise
        self.reached("staged")
        fields = fields_of(stored.schema.json())
        files = _files(beside, folder, fields, twins if self.whole else {})
        height = sum(file.rows for file in files)
        back = beside.read.schema(stored.schema).options(**READING).parquet(literal(folder))
        try:
            seen = holding.believed(told, height, lasting=True)
            _require_all(back, files)
        except StoreError:
            self._remove(beside, folder.rpartition("/")[2])
            raise
        return Held(
            _as_it_was(back, rows.schema),
            height,
            seen,
            tuple(file for file in files if file.rows or self.whole),
        )

    def clear(self, held: Held) -> None:
        """Remove the files of rows that no commit will name, and the folder they made."""
        folders = {file.path.partition("/")[0] for file in held.files or ()}
        for folder in folders:
            self._remove(held.frame.sparkSession, folder)

    def _remove(self, spark: SparkSession, folder: str) -> None:
        place = _place(self.root)
        if "://" in place:
            _delete(spark, f"{place}/{folder}")
            return
        shutil.rmtree(f"{place}/{folder}", ignore_errors=True)
        with contextlib.suppress(OSError):
            Path(place).rmdir()  # a table that came to nothing

    def remove(self, folders: Sequence[Path]) -> None:
        """Remove what was abandoned, once it is known that no commit names it."""
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def abandoned(self) -> list[Path]:
        """Return what earlier attempts at this write left here, whose processes have ended."""
        if "://" in self.root:
            return []
        found = []
        for folder in Path(self.root).glob(f"{STAGED}{self.write_key}-*"):
            made = _FOLDER.fullmatch(folder.name)
            if made and made[2] == _machine() and _started(int(made[3])) != int(made[4]):
                found.append(folder)
        return found


def _require_all(back: DataFrame, files: Sequence[StagedFile]) -> None:
    """Raise StoreError SF631 where Spark takes files for hidden: their rows would pass unseen."""
    if len(back.inputFiles()) != len(files):
        raise StoreError(
            "Spark does not read back all files that it wrote: a partition's name hides them",
            hint="no name of a partition column may begin with '.', and no value of one end with "
            "'._COPYING_'",
            code="SF631",
        )


def _named(frame: DataFrame, name: str) -> Column:
    """Return a column as the partitions of a snapshot are named: by Python's text."""
    from pyspark.sql import functions as F  # noqa: N812

    kind, column = frame.schema[name].dataType.typeName(), quoted(name)
    if kind == "boolean":
        return F.initcap(column.cast("string"))
    if kind not in ("string", "date", "byte", "short", "integer", "long"):
        raise UsageError(
            f"Parquet tables cannot be partitioned by {name}, a {kind}, from Spark",
            hint="partition by its date or its text, or set the format of the dataset to delta",
            code="SF311",
        )
    found: Column = column
    return found


def _void(schema: StructType) -> list[str]:
    """Return the columns of no type, which no file holds and no table has."""
    return [field.name for field in schema if field.dataType.typeName() == "void"]


def _as_it_was(back: DataFrame, schema: StructType) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812

    there = set(back.columns)
    return back.select(
        [
            quoted(field.name) if field.name in there else F.lit(None).alias(field.name)
            for field in schema
        ]
    )


def _files(
    spark: SparkSession,
    folder: str,
    fields: Sequence[Mapping[str, Any]],
    twins: Mapping[str, str],
) -> list[StagedFile]:
    """Return the files of a folder as a log may list them."""
    listed = _local(folder) if "://" not in folder else _remote(spark, folder)
    footers = _footers(folder, listed, fields) if "://" not in folder else _counts(spark, folder)
    name = folder.rpartition("/")[2]
    try:
        return [
            StagedFile(
                f"{name}/{path}",
                size,
                footers[path][0],
                {
                    twins.get(k, k): v[len(_FILLED) :] if v is not None and k in twins else v
                    for k, v in _partition(path).items()
                },
                written_at,
                footers[path][1],
            )
            for path, size, written_at in listed
        ]
    except KeyError as error:
        raise StoreError("a file that Spark wrote is not there to be read", code="SF631") from error


def _local(folder: str) -> list[tuple[str, int, int]]:
    """Return path, size and time of the files below a folder; checksums of Hadoop's are dropped."""
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where) / name
            if name.startswith((".", "_")):
                path.unlink(missing_ok=True)
                continue
            status = path.stat()
            written_at = int(status.st_mtime * 1000)
            found.append((str(path.relative_to(folder)), status.st_size, written_at))
    return sorted(found)


def _remote(spark: SparkSession, folder: str) -> list[tuple[str, int, int]]:
    java: Any = spark._jvm
    root = java.org.apache.hadoop.fs.Path(folder)
    system = root.getFileSystem(spark._jsc.hadoopConfiguration())
    start = len(system.makeQualified(root).toString()) + 1
    found, each = [], system.listFiles(root, True)
    while each.hasNext():
        status = each.next()
        path = status.getPath()
        if not path.getName().startswith((".", "_")):
            found.append((path.toString()[start:], status.getLen(), status.getModificationTime()))
    return sorted(found)


def _delete(spark: SparkSession, folder: str) -> None:
    java: Any = spark._jvm
    path = java.org.apache.hadoop.fs.Path(folder)
    with contextlib.suppress(Exception):  # it is garbage, which the next vacuum sees too
        path.getFileSystem(spark._jsc.hadoopConfiguration()).delete(path, True)


def _footers(
    folder: str, listed: Sequence[tuple[str, int, int]], fields: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[int, str]]:
    import pyarrow.parquet as pq

    known = [dict(field) for field in fields]

    def read(path: str) -> tuple[int, str]:
        footer = pq.read_metadata(Path(folder) / path)
        return footer.num_rows, stats_of(footer, known)

    paths = [path for path, _, _ in listed]
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(paths, pool.map(read, paths), strict=True))


def _counts(spark: SparkSession, folder: str) -> dict[str, tuple[int, str]]:
    """Return the rows of files by a pass over their footers, on the executors."""
    from pyspark.sql import functions as F  # noqa: N812

    rows = spark.read.options(**READING).parquet(literal(folder))
    counted = rows.groupBy(F.col("_metadata.file_path")).count().collect()
    name = folder.rpartition("/")[2]
    return {
        unquote(row[0]).partition(f"/{name}/")[2]: (row[1], rows_only(row[1])) for row in counted
    }


def _partition(path: str) -> dict[str, str | None]:
    """Return what the folders of a path say."""
    pairs = [part.partition("=") for part in path.split("/")[:-1]]
    return {unquote(k): None if value == NULL else unquote(value) for k, _, value in pairs}


def _place(root: str) -> str:
    return root.rstrip("/") if "://" in root else os.path.abspath(root)  # noqa: PTH100  as given


def _self() -> str:
    pid = os.getpid()
    return f"{_machine()}-{pid}-{_started(pid)}-{uuid.uuid4().hex[:8]}"


def _machine() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:12]


def _started(pid: int) -> int:
    """Return when a process began, in ticks since the machine did; -1 where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return _alive(pid)


def _alive(pid: int) -> int:
    """Tell, where processes have no start to be read, at least whether there is one."""
    if Path("/proc/self/stat").exists():
        return -1
    try:
        os.kill(pid, 0)
    except OSError:
        return -1
    return 0
